//! File descriptors of this process: attacks hold thousands of sockets, and what a shell
//! allows at first is often fewer.

use std::fs;
use std::process::{Command, Stdio};

use anyhow::bail;

/// Descriptors besides those of attacks: the load's connections, the nodes', the runtimes'.
const OTHERS: u64 = 4_000;

/// Sees to it that so many sockets can be opened besides all others; raises the limit as far
/// as this user may.
///
/// # Errors
/// It stays too low.
pub fn provide(sockets: u64) -> anyhow::Result<()> {
    if sockets == 0 {
        return Ok(());
    }
    let needed = sockets + OTHERS;
    let (soft, hard) = limits();
    if soft >= needed {
        return Ok(());
    }
    if hard >= needed {
        let limit = format!("--nofile={hard}:{hard}");
        let pid = std::process::id().to_string();
        // Whether it helped is seen in what holds afterwards.
        let _ = Command::new("prlimit")
            .args(["--pid", &pid, &limit])
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .status();
    }
    let (soft, _) = limits();
    if soft < needed {
        bail!("{soft} open files are allowed, and the attacks need {needed}: raise `ulimit -n`");
    }
    Ok(())
}

fn limits() -> (u64, u64) {
    read(&fs::read_to_string("/proc/self/limits").unwrap_or_default())
}

/// The soft and the hard limit on open files.
fn read(text: &str) -> (u64, u64) {
    let line = text.lines().find_map(|line| line.strip_prefix("Max open files"));
    let mut words = line.unwrap_or_default().split_whitespace();
    let mut next = || {
        let word = words.next()?;
        if word == "unlimited" { Some(u64::MAX) } else { word.parse().ok() }
    };
    (next().unwrap_or(0), next().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read_as_the_kernel_writes_them() {
        let check = |line: &str, expected| assert_eq!(read(line), expected, "{line}");
        check(
            "Limit  Soft  Hard  Units\nMax open files   1024   1048576   files\n",
            (1_024, 1 << 20),
        );
        check("Max open files   20000   unlimited   files\n", (20_000, u64::MAX));
        check("Max cpu time   1   2   seconds\n", (0, 0));
    }
}
