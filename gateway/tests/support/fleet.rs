//! Simulated nodes of one chain, and the config of a gateway before them.
//!
//! The chain stands still, so that answers repeat, and nodes are probed once an hour,
//! so that what a node was asked after the start is what clients asked.

use std::{path::Path, sync::Arc};

use headrace_gateway::{
    config::Config,
    gateway::{Gateway, Readiness},
    health::State,
};
use headrace_simnode::{Chain, ChainOptions, Node, NodeOptions, Pace, Retention};

use crate::{control::Control, raw::until};

/// What a test says of its gateway, as lines of TOML.
#[derive(Clone, Default)]
pub struct Lines {
    /// Keys of `[server]`.
    pub server: String,
    /// Keys of `[limits]`.
    pub limits: String,
    /// The whole value of `log.access`; absent: off.
    pub access: Option<String>,
    /// Keys of the chain `eth`.
    pub chain: String,
    /// More keys of each node, each with a comma before it.
    pub node: String,
    /// Path and query of each node's address.
    pub path: String,
    /// Whole tables: `[[clients]]`, `[jwt]`.
    pub tables: String,
}

/// A config of the chain `eth` with these nodes, on free ports of the loopback.
pub fn config(lines: &Lines, nodes: &[String]) -> Config {
    let text = text(lines, nodes);
    let none = |_: &str| None;
    match Config::parse(&text, Path::new("test.toml"), &none) {
        Ok(loaded) => loaded.config,
        Err(problems) => panic!("{problems:?}\n{text}"),
    }
}

/// The same as text.
pub fn text(lines: &Lines, nodes: &[String]) -> String {
    let Lines { server, limits, access, chain, node, path, tables } = lines;
    let access = access.as_deref().unwrap_or("off");
    let list: String = (1..)
        .zip(nodes)
        .map(|(n, url)| {
            format!("{{ name = \"n{n}\", http = \"{url}{path}\", probe = \"1h\"{node} }},\n")
        })
        .collect();
    format!(
        "[server]\nlisten = [\"127.0.0.1:0\"]\nthreads = 2\n{server}\n\
         [admin]\nlisten = \"127.0.0.1:0\"\n\
         [limits]\n{limits}\n\
         [log]\naccess = \"{access}\"\n\
         [[chains]]\nname = \"eth\"\nfamily = \"ethereum\"\nidentity = 1337\n{chain}\n\
         [[chains.pools]]\nzone = \"local\"\nnodes = [\n{list}]\n{tables}\n"
    )
}

/// Nodes `n1`, `n2`, … that keep everything, at block 1,000.
pub fn nodes(control: &Control, count: usize) -> Vec<Node> {
    let options = ChainOptions { pace: Pace::Manual, ..ChainOptions::default() };
    let chain = Chain::new(options);
    (1..=count).map(|n| control.run(node(Arc::clone(&chain), format!("n{n}")))).collect()
}

async fn node(chain: Arc<Chain>, name: String) -> Node {
    let options = NodeOptions { retention: Retention::ARCHIVE, ..NodeOptions::named(&name) };
    Node::start(chain, options).await.unwrap()
}

/// Waits until every node was asked everything that a first round asks.
pub fn until_asked(gateway: &Gateway) {
    let topology = gateway.current.load();
    let asked = || {
        let all_up = topology.members().all(|(_, m)| m.node.health.lock().state() == State::Up);
        let settled = topology.chains.iter().all(|chain| chain.state.tips().finalized.is_some());
        all_up && settled && gateway.ready(None) == Readiness::Ready
    };
    until("every node has been asked", asked);
}
