//! Asks for health as balancers do: `/livez` and `/readyz` on fresh connections, from a
//! thread of its own, so that nothing else of the harness makes an answer late.

use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tokio::task::LocalSet;
use tokio::time::sleep_until;

use crate::gateway::http;

/// Each is asked this often.
const EVERY: Duration = Duration::from_millis(100);
const PATHS: [&str; 2] = ["/livez", "/readyz"];

/// A question for health.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Health {
    /// When it was asked.
    pub t: Duration,
    /// 0: no answer.
    pub status: u16,
    pub took: Duration,
}

/// A prober, until [`Prober::end`].
#[derive(Debug)]
pub struct Prober {
    stop: oneshot::Sender<()>,
    asked: oneshot::Receiver<std::io::Result<Vec<Health>>>,
}

impl Prober {
    /// Asks one gateway from `start` on.
    ///
    /// # Errors
    /// No thread can be had.
    pub fn start(gateway: SocketAddr, start: Instant) -> std::io::Result<Self> {
        let (stop, stopped) = oneshot::channel();
        let (send, asked) = oneshot::channel();
        let work = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let seen = runtime
                .map(|runtime| LocalSet::new().block_on(&runtime, ask(gateway, start, stopped)));
            // Nobody waits for it any more when the run was given up.
            let _ = send.send(seen);
        };
        thread::Builder::new().name("health".to_owned()).spawn(work)?;
        Ok(Self { stop, asked })
    }

    /// Ends it.
    ///
    /// # Errors
    /// Its thread had no runtime.
    pub async fn end(self) -> std::io::Result<Vec<Health>> {
        // It may have ended.
        let _ = self.stop.send(());
        self.asked.await.unwrap_or_else(|_| Ok(Vec::new()))
    }
}

async fn ask(
    gateway: SocketAddr,
    start: Instant,
    mut stopped: oneshot::Receiver<()>,
) -> Vec<Health> {
    let (send, mut asked) = tokio::sync::mpsc::unbounded_channel();
    let mut due = tokio::time::Instant::from(start);
    loop {
        tokio::select! {
            _ = &mut stopped => break,
            () = sleep_until(due) => {}
        }
        for path in PATHS {
            let send = send.clone();
            tokio::task::spawn_local(async move {
                let t = start.elapsed();
                let answer = http::get(gateway, path).await;
                let status = answer.map_or(0, |(status, _)| status);
                let took = start.elapsed().saturating_sub(t);
                // Read until the end of the run.
                let _ = send.send(Health { t, status, took });
            });
        }
        due += EVERY;
    }
    drop(send);
    let mut all = Vec::new();
    while let Some(one) = asked.recv().await {
        all.push(one);
    }
    all.sort_unstable_by_key(|one| one.t);
    all
}
