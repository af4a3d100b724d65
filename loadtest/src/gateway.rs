//! The gateway under test: a child process with a generated config.

pub mod config;
pub mod http;

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

/// A gateway must be ready within this time.
const READY: Duration = Duration::from_secs(20);
/// How often it is asked.
const ASK: Duration = Duration::from_millis(50);

/// A running gateway. Dropping it kills the process.
#[derive(Debug)]
pub struct Gateway {
    pub data: SocketAddr,
    pub admin: SocketAddr,
    pub config: PathBuf,
    pub log: PathBuf,
    pub ready: Arc<AtomicBool>,
    child: Child,
    /// When it was told to stop.
    pub told: Option<Instant>,
    /// How it ended, and how long after it was told.
    pub ended: Option<(ExitStatus, Option<Duration>)>,
}

/// The ports of one gateway.
#[derive(Clone, Copy, Debug)]
pub struct Ports {
    pub data: SocketAddr,
    pub admin: SocketAddr,
}

/// Ports below those that systems give to outgoing connections: runs side by side open
/// thousands, and one of them could take a port between its choice and its use.
const PORTS: std::ops::Range<u16> = 20_000..32_000;

impl Ports {
    /// Two ports that were free a moment ago, and are chosen by no other run of this process.
    ///
    /// # Errors
    /// None can be bound.
    pub fn free() -> anyhow::Result<Self> {
        Ok(Self { data: free_port()?, admin: free_port()? })
    }
}

fn free_port() -> anyhow::Result<SocketAddr> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let count = u32::from(PORTS.end - PORTS.start);
    for _ in 0..count {
        // Processes begin at different places.
        let turn =
            NEXT.fetch_add(1, Ordering::Relaxed).wrapping_add(std::process::id().wrapping_mul(97));
        let port = PORTS.start + u16::try_from(turn % count).unwrap_or(0);
        if let Ok(listener) = TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
            return listener.local_addr().context("the address of a port");
        }
    }
    bail!("no free port in {PORTS:?}")
}

impl Gateway {
    /// Starts the process; the config is written already.
    ///
    /// # Errors
    /// The binary cannot be run.
    pub fn start(binary: &Path, config: PathBuf, ports: Ports) -> anyhow::Result<Self> {
        let log = config.with_extension("log");
        let out = File::create(&log).context("the gateway's log")?;
        let child = Command::new(binary)
            .arg("run")
            .arg(&config)
            .stdin(Stdio::null())
            .stdout(out.try_clone()?)
            .stderr(out)
            .spawn()
            .with_context(|| format!("{} cannot be run", binary.display()))?;
        Ok(Self {
            data: ports.data,
            admin: ports.admin,
            config,
            log,
            ready: Arc::new(AtomicBool::new(false)),
            child,
            told: None,
            ended: None,
        })
    }

    /// Waits until it says that it is ready.
    ///
    /// # Errors
    /// It has ended, or is not ready in time.
    pub async fn wait_ready(&mut self) -> anyhow::Result<()> {
        let end = Instant::now() + READY;
        while Instant::now() < end {
            if let Some(status) = self.child.try_wait()? {
                bail!("the gateway ended at once ({status}):\n{}", self.last_lines());
            }
            if http::get(self.data, "/readyz").await.is_ok_and(|(status, _)| status == 200) {
                self.ready.store(true, Ordering::Relaxed);
                return Ok(());
            }
            tokio::time::sleep(ASK).await;
        }
        bail!("the gateway is not ready after {READY:?}:\n{}", self.last_lines())
    }

    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal by its name.
    ///
    /// # Errors
    /// `kill` cannot be run or refuses.
    pub fn signal(&mut self, name: &str) -> anyhow::Result<()> {
        let status = Command::new("kill")
            .arg(format!("-{name}"))
            .arg(self.pid().to_string())
            .status()
            .context("kill cannot be run")?;
        if !status.success() {
            bail!("kill -{name} {} failed", self.pid());
        }
        Ok(())
    }

    /// Tells it to stop.
    ///
    /// # Errors
    /// As [`Gateway::signal`].
    pub fn terminate(&mut self) -> anyhow::Result<()> {
        self.signal("TERM")?;
        self.told = Some(Instant::now());
        Ok(())
    }

    /// Takes note of its end.
    pub fn look(&mut self) {
        if self.ended.is_some() {
            return;
        }
        if let Ok(Some(status)) = self.child.try_wait() {
            self.ended = Some((status, self.told.map(|told| told.elapsed())));
            self.ready.store(false, Ordering::Relaxed);
        }
    }

    /// Resident memory in bytes; `None` when the process is gone.
    #[must_use]
    pub fn rss(&self) -> Option<u64> {
        let text = fs::read_to_string(format!("/proc/{}/status", self.pid())).ok()?;
        let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
        Some(kib * 1_024)
    }

    /// CPU time that it has used, in user mode and in the kernel.
    #[must_use]
    pub fn cpu(&self) -> Option<(Duration, Duration)> {
        let text = fs::read_to_string(format!("/proc/{}/stat", self.pid())).ok()?;
        cpu_of(&text)
    }

    #[must_use]
    pub fn last_lines(&self) -> String {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<_> = text.lines().collect();
        lines[lines.len().saturating_sub(15)..].join("\n")
    }
}

/// Clock ticks of /proc are of 10 ms on every Linux. Fields are counted after the name, which
/// may hold anything but ends with the last bracket.
fn cpu_of(stat: &str) -> Option<(Duration, Duration)> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(11);
    let mut time = || Some(Duration::from_millis(10 * fields.next()?.parse::<u64>().ok()?));
    Some((time()?, time()?))
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // Already ended is as good as killed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_time_is_read_past_any_name() {
        let stat = "7 (a ) b) S 1 7 7 0 -1 4194304 9 0 0 0 250 40 0 0 20 0";
        let expected = (Duration::from_millis(2_500), Duration::from_millis(400));
        assert_eq!(cpu_of(stat), Some(expected));
        assert_eq!(cpu_of("7 (a) S 1"), None);
    }
}
