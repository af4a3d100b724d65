//! A chain, its nodes and a gateway before them, in one process over real sockets.

use std::{
    future::Future,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use headrace_gateway::{
    app::Running,
    config::{Config, load::Loaded, problem::Problem},
    gateway::Readiness,
    names::Block,
    route::Facts,
    topology::{self, Member},
};
use headrace_simnode::{
    Chain, ChainOptions, Family, Fault, Injected, Latency, Law, Node, NodeOptions, Pace, Retention,
    truth::{self, At},
    tx::Address,
};
use tokio::time::sleep;

use super::client::{Client, Reply, quantity};

pub const CHAIN_ID: u64 = 1337;
/// An account that never sends.
pub const ACCOUNT: Address = [0xab; 20];
/// The longest wait for a condition: the machine may be very busy.
const PATIENCE: Duration = Duration::from_secs(40);

/// A node to be: its name, and further keys of its config.
#[derive(Clone, Copy)]
pub struct Spec {
    pub name: &'static str,
    pub keys: &'static str,
}

/// What a world is made of.
pub struct Plan {
    pub chain: ChainOptions,
    /// Pools, the gateway's own zone first.
    pub zones: Vec<Vec<Spec>>,
    /// Further keys of the chain, one a line.
    pub keys: String,
    /// Faults that are there before the gateway starts, by node.
    pub faults: Vec<(&'static str, Fault)>,
    /// What all nodes have in common.
    pub node: NodeOptions,
}

impl Plan {
    /// Nodes of one zone, each `"name"` or `"name: keys"`, on a chain with a block each
    /// `block_time` milliseconds.
    pub fn new(block_time: u64, nodes: &[&'static str]) -> Self {
        let spec = |text: &&'static str| {
            let (name, keys) = text.split_once(": ").unwrap_or((text, ""));
            Spec { name, keys }
        };
        let chain = ChainOptions {
            chain_id: CHAIN_ID,
            block_time: Duration::from_millis(block_time),
            gossip: Duration::from_millis(10),
            ..ChainOptions::default()
        };
        // Alike enough that all of them get calls.
        let latency = Latency::of(Law::Fixed(Duration::from_millis(1)));
        let delay = Duration::from_millis(20);
        let node = NodeOptions { delay, latency, ..NodeOptions::default() };
        Self {
            chain,
            zones: vec![nodes.iter().map(spec).collect()],
            keys: format!("block_time = \"{block_time}ms\""),
            faults: Vec::new(),
            node,
        }
    }

    /// The same on a chain of another family.
    pub fn of(family: Family, block_time: u64, nodes: &[&'static str]) -> Self {
        let plan = Self::new(block_time, nodes);
        let usual = ChainOptions::of(family);
        let chain = ChainOptions {
            family,
            safe_depth: usual.safe_depth,
            final_depth: usual.final_depth,
            ..plan.chain
        };
        let node = NodeOptions {
            delay: plan.node.delay,
            latency: plan.node.latency,
            ..NodeOptions::of(family, "")
        };
        Self { chain, node, ..plan }
    }

    /// Blocks come only when the test mines them.
    pub fn by_hand(mut self) -> Self {
        self.chain.pace = Pace::Manual;
        self
    }

    pub fn keys(mut self, line: &str) -> Self {
        self.keys = format!("{}\n{line}", self.keys);
        self
    }

    pub fn fault(mut self, node: &'static str, fault: Fault) -> Self {
        self.faults.push((node, fault));
        self
    }

    pub async fn start(self) -> World {
        let chain = Chain::new(self.chain.clone());
        let mut nodes = Vec::new();
        for spec in self.zones.iter().flatten() {
            let archive = spec.keys.contains("archive = true");
            let retention = if archive { Retention::ARCHIVE } else { self.node.retention };
            let name = spec.name.to_owned();
            let options = NodeOptions { name, retention, ..self.node.clone() };
            nodes.push(Node::start(Arc::clone(&chain), options).await.unwrap());
        }
        for (name, fault) in &self.faults {
            find(&nodes, name).inject(fault.clone()).unwrap();
        }
        let text = config(&self, &nodes);
        let gateway = Running::start(parse(&text).unwrap().config).unwrap();
        World { chain, nodes, gateway, plan: self }
    }

    /// Starts and waits until calls can be served.
    pub async fn ready(self) -> World {
        let world = self.start().await;
        until("ready", || world.gateway.gateway.ready(None) == Readiness::Ready).await;
        world
    }
}

/// A running gateway before running nodes.
pub struct World {
    pub chain: Arc<Chain>,
    pub nodes: Vec<Node>,
    pub gateway: Running,
    pub plan: Plan,
}

impl World {
    pub fn node(&self, name: &str) -> &Node {
        find(&self.nodes, name)
    }

    pub fn inject(&self, node: &str, fault: impl Into<Injected>) {
        self.node(node).inject(fault).unwrap();
    }

    pub fn inject_all(&self, fault: impl Into<Injected>) {
        let fault = fault.into();
        self.nodes.iter().for_each(|node| node.inject(fault.clone()).unwrap());
    }

    /// Calls of a method that a node received.
    pub fn calls(&self, node: &str, method: &str) -> u64 {
        self.node(node).counters().calls_of(method)
    }

    /// Calls of a method that all nodes received.
    pub fn all_calls(&self, method: &str) -> u64 {
        self.nodes.iter().map(|node| node.counters().calls_of(method)).sum()
    }

    pub async fn client(&self) -> Client {
        Client::connect(self.gateway.data[0]).await
    }

    /// One call on a connection of its own.
    pub async fn call(&self, method: &str, params: &str) -> Reply {
        self.client().await.call(method, params).await
    }

    /// The gateway's view of the chain at this instant.
    pub fn seen(&self) -> Arc<topology::Chain> {
        Arc::clone(&self.gateway.gateway.current.load().chains[0])
    }

    /// Looks at what the gateway knows of a node.
    pub fn member<T>(&self, name: &str, look: impl FnOnce(&Member) -> T) -> T {
        let chain = self.seen();
        let member = chain.members.iter().find(|member| *member.node.config.name == *name);
        look(member.unwrap_or_else(|| panic!("no node {name}")))
    }

    pub fn has(&self, node: &str, facts: u16) -> bool {
        self.member(node, |member| member.node.facts().has(facts))
    }

    /// Waits until these facts of a node are as told.
    pub async fn until_fact(&self, node: &str, facts: u16, on: bool) {
        until("a fact", || self.has(node, facts) == on).await;
    }

    /// Waits until calls may go to a node again.
    pub async fn until_usable(&self, node: &str) {
        let out = Facts::FORKED
            | Facts::STALLED
            | Facts::SUSPECTED
            | Facts::UNHEALTHY
            | Facts::REFUSED
            | Facts::WRONG_CHAIN;
        until("usable", || {
            self.has(node, Facts::VERIFIED)
                && self.has(node, Facts::ON_LINE)
                && !self.has(node, out)
        })
        .await;
    }

    /// What clients are shown as newest.
    pub fn tip(&self) -> Block {
        self.seen().state.tips().latest.unwrap()
    }

    /// Waits until the tip is the chain's own newest block.
    pub async fn until_fresh(&self) {
        until("a fresh tip", || {
            let head = self.chain.head();
            self.tip().hash.0 == head.hash
        })
        .await;
    }

    /// Reads the account's balance at `params`' block and returns the height it was read
    /// at; the state must be that of the main chain.
    pub async fn height_read(&self, client: &mut Client, block: &str) -> u64 {
        let reply = client.call("eth_getBalance", &balance_params(block)).await;
        self.judged(&reply)
    }

    /// The height that a balance was read at, which must be of the main chain.
    pub fn judged(&self, reply: &Reply) -> u64 {
        let balance = quantity(reply.result());
        let number = truth::height_in(balance);
        let hash = self.chain.main_hash(number).unwrap_or_else(|| panic!("no block {number}"));
        assert_eq!(balance, truth::balance(&ACCOUNT, At { hash, number }), "another chain's state");
        number
    }

    /// Puts a config of this text in force, as a changed file would be.
    pub fn reload(&self, text: &str) -> headrace_gateway::reload::Outcome {
        self.gateway.reloader.apply(parse(text))
    }

    /// The config in force as it was written.
    pub fn text(&self) -> String {
        config(&self.plan, &self.nodes)
    }
}

/// Params of `eth_getBalance` at a block; empty for an omitted one.
pub fn balance_params(block: &str) -> String {
    let account = "ab".repeat(20);
    let block = if block.is_empty() { String::new() } else { format!(",\"{block}\"") };
    format!("[\"0x{account}\"{block}]")
}

fn find<'n>(nodes: &'n [Node], name: &str) -> &'n Node {
    nodes.iter().find(|node| node.name() == name).unwrap_or_else(|| panic!("no node {name}"))
}

fn parse(text: &str) -> Result<Loaded, Vec<Problem>> {
    Config::parse(text, &PathBuf::from("headrace.toml"), &|_| None)
}

/// The config of a plan whose nodes run.
fn config(plan: &Plan, nodes: &[Node]) -> String {
    let mut text = format!(
        "[server]\nlisten = [\"127.0.0.1:0\"]\nzone = \"zone-0\"\nexpose = true\nthreads = 2\n\
         [admin]\nlisten = \"127.0.0.1:0\"\n[log]\naccess = \"off\"\n\
         [[chains]]\nname = \"eth\"\nfamily = \"{}\"\n{}\n",
        format!("{:?}", plan.chain.family).to_lowercase(),
        plan.keys
    );
    if plan.chain.family == Family::Ethereum {
        text.push_str(&format!("identity = {CHAIN_ID}\n"));
    }
    for (at, zone) in plan.zones.iter().enumerate() {
        text.push_str(&format!("[[chains.pools]]\nzone = \"zone-{at}\"\nnodes = [\n"));
        for Spec { name, keys } in zone {
            let url = find(nodes, name).url();
            let keys = if keys.is_empty() { String::new() } else { format!(", {keys}") };
            text.push_str(&format!("  {{ name = \"{name}\", http = \"{url}\"{keys} }},\n"));
        }
        text.push_str("]\n");
    }
    text
}

/// Waits until a condition holds.
pub async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "never: {what}");
        sleep(Duration::from_millis(5)).await;
    }
}

/// Waits until a condition that is asked for holds.
pub async fn until_asked<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let deadline = Instant::now() + PATIENCE;
    while !holds().await {
        assert!(Instant::now() < deadline, "never: {what}");
        sleep(Duration::from_millis(5)).await;
    }
}
