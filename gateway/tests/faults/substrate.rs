//! What Substrate chains alone have: blocks that are named by hash whatever their age,
//! answers from the tips, and an EVM whose methods their nodes speak besides.

use headrace_simnode::{Client, Family, NodeOptions, hash::hex};
use serde_json::json;

use super::world::{Plan, World, balance_params};

/// A block whose state only archive nodes keep.
const OLD: u64 = 100;
/// The account of `//Alice`, as storage has it (`System.Account`).
const KEY: &str = "0x26aa394eea5630e07c48ae0c9558cef7b99d880ec681799c0cf30e8886371da9de1e86a9a8c739864cf3cc5ec2bea59fd43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d";

const NODES: &[&str] = &["a", "b", "deep: archive = true"];

async fn old_storage(world: &World) -> (u64, String) {
    let hash = hex(&world.chain.main_hash(OLD).unwrap());
    let reply = world.call("state_getStorage", &format!(r#"["{KEY}","{hash}"]"#)).await;
    assert!(reply.result().is_string(), "{reply:?}");
    (
        world.calls("a", "state_getStorage") + world.calls("b", "state_getStorage"),
        reply.node().to_owned(),
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_state_that_is_discarded_is_found_at_the_archive_and_full_nodes_are_asked_once() {
    let world = Plan::of(Family::Substrate, 500, NODES).ready().await;
    for _ in 0..5 {
        let (asked, node) = old_storage(&world).await;
        assert_eq!((asked, node.as_str()), (1, "deep"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_clients_poll_is_answered_from_the_tips() {
    let world = Plan::of(Family::Substrate, 500, NODES).by_hand().ready().await;
    world.chain.mine(5);
    world.until_fresh().await;
    let tip = world.tip();
    let hash = hex(&tip.hash.0);
    let polled = ["chain_getHeader", "system_health", "chain_getFinalizedHead", "rpc_methods"];
    let before: Vec<u64> = polled.iter().map(|method| world.all_calls(method)).collect();
    assert_eq!(world.call("chain_getBlockHash", "[]").await.result(), &json!(hash));
    let header = world.call("chain_getHeader", "[]").await;
    assert_eq!(header.result()["number"], format!("{:#x}", tip.number));
    let named = world.call("chain_getHeader", &format!(r#"["{hash}"]"#)).await;
    assert_eq!(header.result(), named.result(), "as a node shows it");
    assert_eq!(world.call("system_health", "[]").await.result()["peers"], 3);
    let methods = world.call("rpc_methods", "[]").await;
    let has = |name: &str| methods.result()["methods"].as_array().unwrap().contains(&json!(name));
    assert!(has("chain_getHeader") && has("rpc_methods") && has("archive_v1_call"));
    assert!(!has("author_rotateKeys") && !has("chain_subscribeNewHeads") && !has("eth_chainId"));
    // nobody but the probes may have asked meanwhile: they name heads by their hashes
    let after: Vec<u64> = polled.iter().map(|method| world.all_calls(method)).collect();
    assert_eq!(after[1] - before[1], 0, "{after:?}");
}

fn with_evm() -> Plan {
    let plan = Plan::of(Family::Substrate, 500, NODES).keys("evm = true");
    let node = NodeOptions { client: Client::Frontier, ..plan.node };
    Plan { node, ..plan }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_node_is_asked_in_two_families_each_in_its_own_form() {
    let world = with_evm().ready().await;
    let id = world.call("eth_chainId", "[]").await;
    assert_eq!((id.text(), id.node().is_empty()), ("0x539", false), "a node's own");
    assert!(world.call("eth_blockNumber", "[]").await.quantity() >= 1_000);
    let newest = world.call("eth_getBalance", &balance_params("latest")).await;
    assert!(world.judged(&newest) >= 1_000);
    let old = world.call("eth_getBalance", &balance_params(&format!("{OLD:#x}"))).await;
    assert_eq!((world.judged(&old), old.node()), (OLD, "deep"));
    let ahead = world.call("eth_getBalance", &balance_params("0xffffff")).await;
    assert_eq!(ahead.refusal().2, "block_not_found");
    assert!(world.call("chain_getBlock", "[]").await.result()["block"].is_object());
    // the table offers what nodes have
    let methods = world.call("rpc_methods", "[]").await;
    let offered = methods.result()["methods"].as_array().unwrap();
    assert!(offered.contains(&json!("eth_getBalance")) && !offered.contains(&json!("eth_getLogs")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_evm_its_methods_are_unknown() {
    let plan = Plan::of(Family::Substrate, 500, NODES);
    let node = NodeOptions { client: Client::Frontier, ..plan.node };
    let world = Plan { node, ..plan }.ready().await;
    assert_eq!(world.call("eth_chainId", "[]").await.code(), -32_601);
}
