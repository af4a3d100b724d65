//! Light traffic against the demo's gateway, over its real port, so that there is
//! something to see.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

use tokio::time::{Instant, interval};

use crate::{
    config::Endpoint,
    upstream::{Client, Options, Outgoing, ReplyBody},
};

/// Between two calls.
const EVERY: Duration = Duration::from_millis(20);
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Debug, Default)]
struct Tally {
    calls: AtomicU64,
    failed: AtomicU64,
    /// Microseconds, since the last look.
    slowest: AtomicU64,
}

pub struct Counts {
    pub calls: u64,
    pub failed: u64,
    pub slowest_ms: u64,
}

/// Calls under way; they end with the process.
pub struct Traffic(Arc<Tally>);

impl Traffic {
    pub fn start(gateway: SocketAddr) -> anyhow::Result<Self> {
        let endpoint = Endpoint::read(&format!("http://{gateway}/eth"))
            .map_err(|error| anyhow::anyhow!(error))?;
        let client = Arc::new(Client::http(&Options::new(endpoint))?);
        let tally = Arc::new(Tally::default());
        let counted = Arc::clone(&tally);
        thread::Builder::new().name("traffic".to_owned()).spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            if let Ok(runtime) = runtime {
                runtime.block_on(call_for_ever(client, counted));
            }
        })?;
        Ok(Self(tally))
    }

    /// Since the start; the slowest since the last look.
    pub fn counts(&self) -> Counts {
        Counts {
            calls: self.0.calls.load(Relaxed),
            failed: self.0.failed.load(Relaxed),
            slowest_ms: self.0.slowest.swap(0, Relaxed) / 1_000,
        }
    }
}

async fn call_for_ever(client: Arc<Client>, tally: Arc<Tally>) {
    let mut ticks = interval(EVERY);
    for number in 0_usize.. {
        ticks.tick().await;
        let (client, tally) = (Arc::clone(&client), Arc::clone(&tally));
        tokio::spawn(async move {
            let began = Instant::now();
            let out = Outgoing::new(text(number).into(), began + PATIENCE);
            let good = match client.send(out).await {
                Ok(incoming) => match incoming.body {
                    ReplyBody::Whole(body) => {
                        incoming.status == 200
                            && memchr::memmem::find(&body, b"\"error\"").is_none()
                    }
                    ReplyBody::Large(_) => true,
                },
                Err(_) => false,
            };
            let took = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
            tally.calls.fetch_add(1, Relaxed);
            tally.failed.fetch_add(u64::from(!good), Relaxed);
            tally.slowest.fetch_max(took, Relaxed);
        });
    }
}

/// A mix that most endpoints see: heads, balances, calls, logs, a little history.
fn text(number: usize) -> String {
    let address = format!("0x{:040x}", number % 97);
    let (method, params) = match number % 20 {
        0..=5 => ("eth_blockNumber", "[]".to_owned()),
        6..=10 => ("eth_getBalance", format!("[\"{address}\",\"latest\"]")),
        11..=14 => ("eth_getBlockByNumber", "[\"latest\",false]".to_owned()),
        15 | 16 => ("eth_call", format!("[{{\"to\":\"{address}\"}},\"latest\"]")),
        17 => ("eth_getLogs", "[{}]".to_owned()),
        18 => ("eth_getBalance", format!("[\"{address}\",\"0x10\"]")),
        _ => ("eth_gasPrice", "[]".to_owned()),
    };
    format!("{{\"jsonrpc\":\"2.0\",\"id\":{number},\"method\":\"{method}\",\"params\":{params}}}")
}
