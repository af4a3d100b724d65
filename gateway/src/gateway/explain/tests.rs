use std::{path::Path, sync::Arc, time::Duration};

use super::*;
use crate::{
    config::Config,
    head::Line,
    names::{Block, Hash},
    route::Facts,
    topology::Topology,
};

const CONFIG: &str = r#"
[server]
zone = "a"

[[chains]]
name = "one"
family = "ethereum"
identity = 1
lag = 1

[[chains.pools]]
zone = "a"
nodes = [{ name = "a1", http = "http://127.0.0.1:1", oldest = { state = { window = 128 } } }]

[[chains.pools]]
zone = "b"
nodes = [{ name = "b1", http = "http://127.0.0.1:2", archive = true }]
"#;

/// Both nodes at the tip, 1000.
fn topology(with_tip: bool) -> Topology {
    let loaded = Config::parse(CONFIG, Path::new("test.toml"), &|_| None).unwrap();
    let topology = Topology::build(Arc::new(loaded.config), None).unwrap();
    let chain = &topology.chains[0];
    if with_tip {
        let tip = Block { number: 1_000, hash: Hash([1; 32]) };
        let block_time = Duration::from_secs(2);
        let tips = Tips { latest: Some(tip), block_time, ..chain.state.tips() };
        chain.state.show(tips, &Line::of(tip), None);
    }
    for member in &chain.members {
        member.node.mark(Facts::VERIFIED | Facts::ON_LINE, with_tip);
        member.node.set_head(if with_tip { 1_000 } else { 0 }, 0);
    }
    topology
}

/// The chosen node, each node's reason in order, and what the call asks.
fn check(topology: &Topology, zone: Option<&str>, call: &str, expected: (&str, &str, &str)) {
    let chain = &topology.chains[0];
    let explained = explain_call(chain, Timestamp::ZERO, zone, call).unwrap();
    let reasons: Vec<&str> = explained.nodes.iter().map(|row| row.reason.unwrap_or("-")).collect();
    assert_eq!(explained.node.as_deref().unwrap_or("none"), expected.0, "{call}");
    assert_eq!(reasons.join(" "), expected.1, "{call}");
    assert!(explained.asks.contains(expected.2), "{call}: {}", explained.asks);
}

fn balance(block: &str) -> String {
    let address = "0x00000000219ab540356cbb839cbe05303d7705fa";
    let method = "eth_getBalance";
    format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":["{address}","{block}"]}}"#)
}

fn bare(method: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":[]}}"#)
}

#[test]
fn a_call_is_explained_by_the_block_it_means_now() {
    let topology = topology(true);
    check(&topology, None, &balance("latest"), ("a1", "- tier", "asks for block 1000;"));
    check(&topology, None, &balance("0x1"), ("b1", "pruned -", "asks for block 1;"));
    check(&topology, None, &balance("0x3ea"), ("none", "behind behind", "block 1002, 2 above"));
    check(&topology, None, &bare("eth_gasPrice"), ("a1", "- tier", "asks for the newest state"));
}

#[test]
fn a_call_is_explained_as_a_gateway_in_another_zone_would_route_it() {
    let topology = topology(true);
    let chain = &topology.chains[0];
    chain.members[0].node.drain(true, Timestamp::ZERO);
    check(&topology, Some("b"), &balance("latest"), ("b1", "drained -", "block 1000"));
    let error = explain_call(chain, Timestamp::ZERO, Some("c"), &balance("latest")).unwrap_err();
    assert_eq!(error, "chain one has no zone c; it has a, b");
}

#[test]
fn calls_that_no_node_is_asked_say_so() {
    let topology = topology(true);
    check(&topology, None, &bare("eth_blockNumber"), ("none", "", "answered by the gateway"));
    check(&topology, None, &bare("no_such"), ("none", "", "-32601 (method_not_found)"));
    check(&topology, None, &balance("latset"), ("none", "", "-32602 (bad_block)"));
    let chain = &topology.chains[0];
    let text = explain_call(chain, Timestamp::ZERO, None, &bare("eth_blockNumber")).unwrap().text();
    assert_eq!(text.lines().count(), 1, "no table and no verdict: {text}");
}

#[test]
fn without_a_tip_nothing_is_decided_by_guessing() {
    let expected = ("none", "behind behind", "none is known yet");
    check(&topology(false), None, &balance("latest"), expected);
}

#[test]
fn what_is_not_one_call_is_refused_with_its_reason() {
    let topology = topology(true);
    for (text, word) in [("{", "parse_error"), ("[]", "empty_batch"), ("5", "invalid_request")] {
        let told = explain_call(&topology.chains[0], Timestamp::ZERO, None, text).unwrap_err();
        assert!(told.contains(word), "{text}: {told}");
    }
    let batch = format!("[{}]", bare("eth_gasPrice"));
    let told = explain_call(&topology.chains[0], Timestamp::ZERO, None, &batch).unwrap_err();
    assert!(told.contains("one by one"), "{told}");
}
