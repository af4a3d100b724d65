//! Every fault, each run over all families.

mod ethereum;
mod icon;
mod near;
mod substrate;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use headrace_simnode::hash::{Hash, hex};
use headrace_simnode::{
    Chain, ChainOptions, Family, Fault, Injected, Node, NodeOptions, Pace, Retention,
};

use crate::wire::{Connection, Failure, http_to, until};

/// A block as a family's node shows it: `0x` and hex.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    pub number: u64,
    pub hash: String,
    pub parent: String,
}

/// How to ask the nodes of a family what every family can be asked.
struct Ways {
    family: Family,
    path: &'static str,
    /// A light call that every healthy node answers, with id 7, and its method.
    head_call: &'static str,
    head_method: &'static str,
    /// Another call, and a piece of its answer on chain 1337.
    identity: (&'static str, &'static str),
    /// A piece of its answer on chain 99.
    other_identity: &'static str,
    head: fn(SocketAddr) -> u64,
    /// The block at a number, or the newest one.
    block: fn(SocketAddr, Option<u64>) -> Option<Shown>,
    by_hash: fn(SocketAddr, &str) -> Option<Shown>,
    /// The whole reply to a read of the newest state, and what stands in it when that
    /// is lost.
    state: fn(SocketAddr) -> String,
    lost: &'static str,
    /// A new signed transaction: its hash, and the call that sends it.
    write: fn() -> (Hash, String),
    /// Whether a node knows a transaction, in a block or not.
    knows: fn(SocketAddr, &Hash) -> bool,
    /// HTTP status of a JSON-RPC error.
    failed: u16,
}

const FAMILIES: [Ways; 4] = [ethereum::FAMILY, icon::FAMILY, near::FAMILY, substrate::FAMILY];

impl Ways {
    fn chain(&self) -> Arc<Chain> {
        // Without skipped heights, so that numbers can be counted with.
        let options = ChainOptions { pace: Pace::Manual, skip: 0, ..ChainOptions::of(self.family) };
        let chain = Chain::new(options);
        chain.mine(1);
        chain
    }

    fn options(&self, name: &str) -> NodeOptions {
        NodeOptions {
            delay: Duration::ZERO,
            retention: Retention::ARCHIVE,
            ..NodeOptions::of(self.family, name)
        }
    }

    async fn node(&self, chain: &Arc<Chain>, name: &str) -> Node {
        Node::start(Arc::clone(chain), self.options(name)).await.unwrap()
    }

    fn ask(&self, to: SocketAddr) -> Result<(u16, String, String), Failure> {
        http_to(to, self.path, self.head_call)
    }

    fn text(&self, to: SocketAddr) -> String {
        self.ask(to).unwrap().2
    }

    fn at(&self, to: SocketAddr, number: u64) -> Shown {
        (self.block)(to, Some(number)).unwrap()
    }

    fn newest(&self, to: SocketAddr) -> Shown {
        (self.block)(to, None).unwrap()
    }

    fn identifies(&self, to: SocketAddr, piece: &str) {
        let text = http_to(to, self.path, self.identity.0).unwrap().2;
        assert!(text.contains(piece), "{:?}: {text}", self.family);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_node_refuses_resets_and_comes_back_on_its_port() {
    for family in &FAMILIES {
        let chain = family.chain();
        let node = family.node(&chain, "a").await;
        let to = node.address();
        let mut open = Connection::open(to).unwrap();
        open.send_to(family.path, family.head_call).unwrap();
        open.receive().unwrap();
        node.set(Fault::Die);
        until("the open connection is reset", || {
            let sent = open.send_to(family.path, family.head_call);
            sent.and_then(|()| open.receive()).is_err()
        });
        until("connects are refused", || family.ask(to) == Err(Failure::Refused));
        node.clear();
        until("it serves again", || family.ask(to).is_ok());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusing_node_finishes_what_is_open() {
    for family in &FAMILIES {
        let chain = family.chain();
        let node = family.node(&chain, "a").await;
        node.set(Fault::Refuse);
        until("connects are refused", || family.ask(node.address()) == Err(Failure::Refused));
        node.clear();
        until("it serves again", || family.ask(node.address()).is_ok());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hanging_node_answers_when_it_heals() {
    for family in &FAMILIES {
        let chain = family.chain();
        let node = family.node(&chain, "a").await;
        node.set(Fault::Hang);
        let mut open = Connection::open(node.address()).unwrap();
        open.send_to(family.path, family.head_call).unwrap();
        until("the call has arrived", || node.counters().calls() == 1);
        assert!(!open.readable());
        node.clear();
        assert!(open.receive().unwrap().1.contains("\"result\""));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn spoilt_answers_are_spoilt_as_named() {
    for family in &FAMILIES {
        let chain = family.chain();
        let node = family.node(&chain, "a").await;
        let to = node.address();
        let only = |fault: Fault| {
            node.clear();
            node.inject(Injected::from(fault).only(&[family.head_method])).unwrap();
            family.identifies(to, family.identity.1);
        };
        only(Fault::Status { status: 429, retry_after: Some(3) });
        let (status, head, _) = family.ask(to).unwrap();
        assert!(status == 429 && head.contains("retry-after: 3"), "{head}");
        only(Fault::Status { status: 503, retry_after: None });
        assert_eq!(family.ask(to).unwrap().0, 503);
        only(Fault::Html);
        assert!(family.text(to).starts_with("<!DOCTYPE"));
        only(Fault::Garbage);
        assert!(serde_json::from_str::<serde_json::Value>(&family.text(to)).is_err());
        only(Fault::Empty);
        assert_eq!(family.text(to), "");
        only(Fault::WrongId);
        assert!(!family.text(to).contains("\"id\":7"));
        only(Fault::Error { code: -32005, message: "limit \"x\"".to_owned() });
        let (status, _, text) = family.ask(to).unwrap();
        assert!(text.contains(r#""code":-32005,"message":"limit \"x\"""#), "{text}");
        assert_eq!(status, family.failed);
        only(Fault::Truncate);
        assert_eq!(family.ask(to), Err(Failure::Broken));
        only(Fault::ResetAfterRead);
        assert_eq!(family.ask(to), Err(Failure::Broken));
        assert_eq!(node.counters().methods[family.head_method].faults, 9);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_share_of_the_calls_is_struck() {
    for family in &FAMILIES {
        let chain = family.chain();
        let node = family.node(&chain, "a").await;
        let status = Fault::Status { status: 500, retry_after: None };
        node.inject(Injected::from(status).sometimes(0.5)).unwrap();
        let failed = (0..400).filter(|_| family.ask(node.address()).unwrap().0 == 500).count();
        assert!((120..280).contains(&failed), "{failed}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn heads_lag_freeze_and_follow_again() {
    for family in &FAMILIES {
        let chain = family.chain();
        let node = family.node(&chain, "a").await;
        let to = node.address();
        let (start, hash) = ((family.head)(to), family.newest(to).hash);
        assert_eq!(start, chain.head().number);
        node.set(Fault::Lag { blocks: 5 });
        assert_eq!((family.head)(to), start - 5);
        assert_eq!((family.block)(to, Some(start - 4)), None);
        assert_eq!((family.by_hash)(to, &hash), None);
        node.clear();
        let before = family.newest(to);
        node.set(Fault::Freeze);
        chain.mine(3);
        chain.reorg(5);
        assert_eq!(family.newest(to), before);
        node.clear();
        assert_eq!((family.head)(to), chain.head().number);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn liars_claim_what_they_cannot_link() {
    for family in &FAMILIES {
        let chain = family.chain();
        let node = family.node(&chain, "a").await;
        let (to, start) = (node.address(), chain.head().number);
        node.set(Fault::Lie { blocks: 1_000, headers: false });
        assert_eq!((family.head)(to), start + 1_000);
        let claimed = family.newest(to);
        assert_eq!(claimed.number, start + 1_000);
        assert_eq!((family.block)(to, Some(start + 1_000)), None);
        assert_eq!((family.by_hash)(to, &claimed.hash), None);
        node.set(Fault::Lie { blocks: 1_000, headers: true });
        let (newest, before) = (family.newest(to), family.at(to, start + 999));
        assert_eq!(newest.number, start + 1_000);
        assert_eq!(newest.parent, before.hash);
        assert_ne!(family.at(to, start + 1).parent, family.at(to, start).hash);
        assert_eq!(family.at(to, start).hash, hex(&chain.main_hash(start).unwrap()));
        let retention = family.family.retention(128);
        let options = NodeOptions { retention, ..family.options("window") };
        let window = Node::start(Arc::clone(&chain), options).await.unwrap();
        window.set(Fault::Lie { blocks: 1_000, headers: true });
        assert_eq!(family.at(window.address(), start), family.at(to, start), "it drops nothing");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_chain_and_a_fork_differ_where_they_should() {
    for family in &FAMILIES {
        let chain = family.chain();
        let node = family.node(&chain, "a").await;
        let to = node.address();
        let (genesis, low, newest) = (family.at(to, 0), family.at(to, 990), family.newest(to));
        family.identifies(to, family.identity.1);
        node.set(Fault::WrongChain { chain_id: 99 });
        family.identifies(to, family.other_identity);
        assert_ne!(family.at(to, 0).hash, genesis.hash);
        assert_eq!((family.by_hash)(to, &newest.hash), None);
        node.clear();
        node.set(Fault::Fork { height: 998, salt: 0 });
        assert_eq!(family.at(to, 0), genesis);
        assert_eq!(family.at(to, 990), low);
        assert_ne!(family.at(to, 998).hash, hex(&chain.main_hash(998).unwrap()));
        assert_eq!(family.at(to, 998).parent, hex(&chain.main_hash(997).unwrap()));
        assert_ne!(family.newest(to).hash, newest.hash);
        assert_eq!((family.by_hash)(to, &newest.hash), None);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flapping_node_goes_and_comes() {
    for family in &FAMILIES {
        let chain = family.chain();
        let node = family.node(&chain, "a").await;
        node.set(Fault::Flap { up_ms: 30, down_ms: 30 });
        for _ in 0..2 {
            until("it is down", || family.ask(node.address()) == Err(Failure::Refused));
            until("it is up", || family.ask(node.address()).is_ok());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lost_state_reads_as_pruned_and_blocks_stay() {
    for family in &FAMILIES {
        let chain = family.chain();
        let node = family.node(&chain, "a").await;
        let text = (family.state)(node.address());
        assert!(text.contains("\"result\":"), "{text}");
        node.set(Fault::LoseState);
        let text = (family.state)(node.address());
        assert!(text.contains(family.lost), "{text}");
        assert_eq!(family.newest(node.address()).number, chain.head().number);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_connections_are_closed() {
    for family in &FAMILIES {
        let chain = family.chain();
        let node = family.node(&chain, "a").await;
        node.set(Fault::CloseIdle { max_ms: 20 });
        let mut open = Connection::open(node.address()).unwrap();
        open.send_to(family.path, family.head_call).unwrap();
        open.receive().unwrap();
        until("the node closes it", || open.closed());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_is_counted_gossiped_and_told_to_nobody_without_peers() {
    for family in &FAMILIES {
        let chain = family.chain();
        let (a, b) = (family.node(&chain, "a").await, family.node(&chain, "b").await);
        let (hash, send) = (family.write)();
        let sends = |node: &Node| {
            let text = http_to(node.address(), family.path, &send).unwrap().2;
            assert!(text.contains("\"result\":"), "{text}");
        };
        a.set(Fault::NoPeers);
        sends(&a);
        assert_eq!((a.counters().received(&hash), b.counters().received(&hash)), (1, 0));
        chain.mine(2);
        assert!(!(family.knows)(b.address(), &hash));
        sends(&b);
        chain.mine(1);
        assert!((family.knows)(a.address(), &hash) && (family.knows)(b.address(), &hash));
        a.clear();
        let (again, send) = (family.write)();
        http_to(a.address(), family.path, &send).unwrap();
        assert_ne!(again, hash);
        until("the other node hears of it", || {
            chain.mine(1);
            (family.knows)(b.address(), &again)
        });
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dying_node_loses_what_it_told_nobody() {
    for family in &FAMILIES {
        let chain = family.chain();
        let (a, b) = (family.node(&chain, "a").await, family.node(&chain, "b").await);
        let (hash, send) = (family.write)();
        a.set(Fault::NoPeers);
        http_to(a.address(), family.path, &send).unwrap();
        a.set(Fault::Die);
        a.clear();
        until("it serves again", || family.ask(a.address()).is_ok());
        chain.mine(2);
        assert!(!(family.knows)(a.address(), &hash) && !(family.knows)(b.address(), &hash));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_node_takes_longer_and_slots_make_calls_wait() {
    for family in &FAMILIES {
        let chain = family.chain();
        let options =
            NodeOptions { slots: 1, queue: 0, delay: Duration::ZERO, ..family.options("a") };
        let node = Node::start(Arc::clone(&chain), options).await.unwrap();
        node.set(Fault::Slow { factor: 1.0, extra_ms: 60_000 });
        let mut first = Connection::open(node.address()).unwrap();
        first.send_to(family.path, family.head_call).unwrap();
        until("the call has arrived", || node.counters().calls() == 1);
        until("the next finds no place", || family.ask(node.address()).unwrap().0 == 503);
        assert!(!first.readable());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_call_is_refused_with_an_error() {
    for family in &FAMILIES {
        let chain = family.chain();
        let node = family.node(&chain, "a").await;
        let large = format!("{{\"id\":\"{}\"}}", "x".repeat(family.family.manners().body));
        for (body, too_large) in
            [("x", false), ("{", false), ("5", false), ("[]", false), (&large, true)]
        {
            let (status, _, text) = http_to(node.address(), family.path, body).unwrap();
            let reply: serde_json::Value = serde_json::from_str(&text).unwrap();
            assert!(reply["error"]["message"].is_string(), "{:?}: {text}", family.family);
            assert_eq!(status == 413, too_large, "{:?}: {text}", family.family);
        }
        assert_eq!(node.counters().calls(), 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_is_of_the_family_of_its_chain() {
    for family in &FAMILIES {
        let chain = family.chain();
        for other in &FAMILIES {
            let options = NodeOptions::of(other.family, "a");
            let fits = Node::start(Arc::clone(&chain), options).await.is_ok();
            assert_eq!(fits, other.family == family.family, "{:?}", other.family);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_stays_known_until_its_block_arrives() {
    for family in &FAMILIES {
        let chain = family.chain();
        let slow = NodeOptions { delay: Duration::from_secs(3_600), ..family.options("slow") };
        let slow = Node::start(Arc::clone(&chain), slow).await.unwrap();
        let (hash, send) = (family.write)();
        let text = http_to(slow.address(), family.path, &send).unwrap().2;
        assert!(text.contains("\"result\":"), "{text}");
        assert!((family.knows)(slow.address(), &hash));
        let before = (family.head)(slow.address());
        chain.mine(2);
        assert!(chain.head().number > before + 1);
        assert_eq!((family.head)(slow.address()), before);
        assert!((family.knows)(slow.address(), &hash), "{:?}", family.family);
        let quick = family.node(&chain, "quick").await;
        assert!((family.knows)(quick.address(), &hash), "{:?}", family.family);
    }
}
