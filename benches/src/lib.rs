//! What the benches measure with: a fleet, a call, a topology. Nothing here is
//! timed; the benches are in `benches/`, the count of shared writes in `tests/`.

use std::{path::Path, sync::Arc};

use headrace_gateway::{
    config::Config,
    method::{Data, Lane},
    names::{NodeIndex, ZoneIndex},
    route::{Ask, Facts, View},
    topology::{Topology, Unbuildable},
};

/// A balance at a block that the call names: 120 bytes.
pub const CALL: &str = r#"{"jsonrpc":"2.0","id":1234567,"method":"eth_getBalance","params":["0x00000000219ab540356cbb839cbe05303d7705fa","0x1b4"]}"#;

/// One chain of two nodes that are never asked.
const CONFIG: &str = r#"
[[chains]]
name = "eth"
family = "ethereum"
identity = 1

[[chains.pools]]
zone = "a"
nodes = [
  { name = "a1", http = "http://127.0.0.1:1" },
  { name = "a2", http = "http://127.0.0.1:2" },
]
"#;

/// Why there is nothing to measure.
#[derive(Debug)]
pub enum Broken {
    Config(String),
    Build(Unbuildable),
}

/// The topology of one small chain.
///
/// # Errors
/// The config that is written here is refused: the format has changed.
pub fn topology() -> Result<Topology, Broken> {
    let loaded = Config::parse(CONFIG, Path::new("bench.toml"), &|_| None)
        .map_err(|problems| Broken::Config(headrace_gateway::config::problem::text(&problems)))?;
    Topology::build(Arc::new(loaded.config), None).map_err(Broken::Build)
}

/// A call for the state of a recent block.
pub const ASK: Ask = Ask {
    height: Some(1_000),
    oldest: Some(1_000),
    data: Data::State,
    lane: Lane::State,
    at_tip: false,
    archive_only: false,
};

/// Healthy nodes in three zones, the first of which is our own.
pub fn healthy(nodes: u16) -> Vec<View> {
    (0..nodes).map(view).collect()
}

/// The same, every third of them out for one reason or another.
pub fn mixed(nodes: u16) -> Vec<View> {
    let mut views = healthy(nodes);
    for (at, view) in views.iter_mut().enumerate().filter(|(at, _)| at % 3 == 0) {
        match at / 3 % 8 {
            0 => view.lacks_method = true,
            1 => view.facts.0 |= Facts::FORKED,
            2 => view.oldest = 2_000,
            3 => view.head = 10,
            4 => view.facts.0 |= Facts::SUSPECTED,
            5 => view.breaker_open = true,
            6 => view.full = true,
            _ => view.tried = true,
        }
    }
    views
}

fn view(at: u16) -> View {
    View {
        node: NodeIndex(at),
        zone: ZoneIndex(at % 3),
        own_zone: at % 3 == 0,
        archive: at % 8 == 7,
        fallback: false,
        facts: Facts(Facts::VERIFIED | Facts::ON_LINE),
        lacks_method: false,
        head: 1_000,
        lag: 0,
        oldest: 0,
        breaker_open: false,
        full: false,
        tried: false,
        in_flight: u32::from(at) * 3,
        used: 0.1,
        weight: 100,
        ramp: 1.0,
        latency: 1_000_000 + u64::from(at) * 50_000,
    }
}
