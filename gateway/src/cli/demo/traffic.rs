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

use headrace_simnode::Family;
use tokio::time::{Instant, interval};

use super::fleet::PLANS;
use crate::{
    config::Endpoint,
    upstream::{Client, Options, Outgoing, ReplyBody},
};

/// Between two calls.
const EVERY: Duration = Duration::from_millis(10);
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
        let clients: anyhow::Result<Vec<Client>> =
            PLANS.iter().map(|plan| client(gateway, plan.name)).collect();
        let clients = Arc::new(clients?);
        let tally = Arc::new(Tally::default());
        let counted = Arc::clone(&tally);
        thread::Builder::new().name("traffic".to_owned()).spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            if let Ok(runtime) = runtime {
                runtime.block_on(call_for_ever(clients, counted));
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

fn client(gateway: SocketAddr, chain: &str) -> anyhow::Result<Client> {
    let endpoint = Endpoint::read(&format!("http://{gateway}/{chain}"));
    Ok(Client::http(&Options::new(endpoint.map_err(|error| anyhow::anyhow!(error))?))?)
}

async fn call_for_ever(clients: Arc<Vec<Client>>, tally: Arc<Tally>) {
    let mut ticks = interval(EVERY);
    for number in 0_usize.. {
        ticks.tick().await;
        let (clients, tally) = (Arc::clone(&clients), Arc::clone(&tally));
        tokio::spawn(async move {
            let (at, number) = (number % PLANS.len(), number / PLANS.len());
            let began = Instant::now();
            let out = Outgoing::new(text(PLANS[at].family, number).into(), began + PATIENCE);
            let good = match clients[at].send(out).await {
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

/// One call of a mix that most endpoints see: heads, balances, calls, a little history.
fn text(family: Family, number: usize) -> String {
    let (method, params) = match family {
        Family::Ethereum => ethereum(number),
        Family::Substrate => substrate(number),
        Family::Near => near(number),
        Family::Icon => icon(number),
    };
    format!("{{\"jsonrpc\":\"2.0\",\"id\":{number},\"method\":\"{method}\",\"params\":{params}}}")
}

fn ethereum(number: usize) -> (&'static str, String) {
    let address = format!("0x{:040x}", number % 97);
    match number % 20 {
        0..=5 => ("eth_blockNumber", "[]".to_owned()),
        6..=10 => ("eth_getBalance", format!("[\"{address}\",\"latest\"]")),
        11..=14 => ("eth_getBlockByNumber", "[\"latest\",false]".to_owned()),
        15 | 16 => ("eth_call", format!("[{{\"to\":\"{address}\"}},\"latest\"]")),
        17 => ("eth_getLogs", "[{}]".to_owned()),
        18 => ("eth_getBalance", format!("[\"{address}\",\"0x10\"]")),
        _ => ("eth_gasPrice", "[]".to_owned()),
    }
}

fn substrate(number: usize) -> (&'static str, String) {
    let key = format!("0x{:064x}", number % 97);
    match number % 20 {
        0..=4 => ("chain_getHeader", "[]".to_owned()),
        5 | 6 => ("chain_getFinalizedHead", "[]".to_owned()),
        7..=12 => ("state_getStorage", format!("[\"{key}\"]")),
        13 | 14 => ("chain_getBlock", "[]".to_owned()),
        15 => ("state_getRuntimeVersion", "[]".to_owned()),
        16 | 17 => ("chain_getBlockHash", "[16]".to_owned()),
        _ => ("system_health", "[]".to_owned()),
    }
}

fn near(number: usize) -> (&'static str, String) {
    let account = |finality: &str| {
        format!("{{\"request_type\":\"view_account\",{finality},\"account_id\":\"alice.sim\"}}")
    };
    match number % 20 {
        0..=4 => ("block", "{\"finality\":\"final\"}".to_owned()),
        5..=7 => ("status", "[]".to_owned()),
        8..=14 => ("query", account("\"finality\":\"optimistic\"")),
        15 | 16 => ("gas_price", "[null]".to_owned()),
        17 => ("query", account("\"sync_checkpoint\":\"genesis\"")),
        _ => ("validators", "[null]".to_owned()),
    }
}

fn icon(number: usize) -> (&'static str, String) {
    let address = format!("hx{:040x}", number % 97);
    match number % 20 {
        0..=6 => ("icx_getLastBlock", "{}".to_owned()),
        7..=14 => ("icx_getBalance", format!("{{\"address\":\"{address}\"}}")),
        15 | 16 => ("icx_getTotalSupply", "{}".to_owned()),
        17 => ("icx_getBalance", format!("{{\"address\":\"{address}\",\"height\":\"0x10\"}}")),
        _ => ("icx_getNetworkInfo", "{}".to_owned()),
    }
}
