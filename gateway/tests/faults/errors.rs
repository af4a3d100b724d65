//! Errors in each family's form and under its statuses, and what senders hear of writes.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use headrace_simnode::{
    Family, Fault, Injected,
    hash::hex,
    icon, near,
    substrate::extrinsic::{self, Checkpoint, Fields},
};
use serde_json::{Value, json};

use super::{
    client::Reply,
    world::{Plan, World},
};

const NEAR_HASH: &str = "7AfonAhbK4ZbdBU9VPcQdrTZVZBXE25HmZAMEABs9To1";
const ICON_HASH: &str = "0xd8da71e926052b960def61c64f325412772f8e986f888685bc87c0bc046c2d9f";

/// Two full nodes and an archive, whose blocks come by hand.
async fn world(family: Family) -> World {
    let mut plan = Plan::of(family, 400, &["a", "b", "arch: archive = true"]).by_hand();
    plan.node.patience = Duration::from_millis(200);
    plan.ready().await
}

/// An error's HTTP status, code, name of its cause, and whether it is the gateway's own.
fn told(reply: &Reply) -> (u16, i64, &str, bool) {
    let error = &reply.json["error"];
    let cause = error["cause"]["name"].as_str().unwrap_or_default();
    (reply.status.as_u16(), reply.code(), cause, !error["data"]["origin"].is_null())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn near_errors_keep_their_status_and_the_last_word_is_the_archives() {
    let world = world(Family::Near).await;
    let newest = world.chain.head().number;
    let same = |height: &u64| world.chain.main_hash(*height) == world.chain.main_hash(height - 1);
    let skipped = (newest - 100..newest).find(same).unwrap();
    let block = world.call("block", &format!(r#"{{"block_id":{skipped}}}"#)).await;
    assert_eq!(told(&block), (422, -32000, "UNKNOWN_BLOCK", false));
    let tx = |wait: &str| {
        format!(r#"{{"tx_hash":"{NEAR_HASH}","sender_account_id":"a.sim","wait_until":"{wait}"}}"#)
    };
    let unknown = world.call("tx", &tx("NONE")).await;
    assert_eq!(told(&unknown), (200, -32000, "UNKNOWN_TRANSACTION", false));
    assert_eq!(world.calls("arch", "tx"), 1, "an archive was asked too");
    let asked = world.all_calls("tx");
    let waited = world.call("tx", &tx("FINAL")).await;
    assert_eq!(told(&waited), (408, -32000, "TIMEOUT_ERROR", false));
    assert_eq!(world.all_calls("tx") - asked, 1, "a wait is not repeated");
    let refused = world.call("nope", "[]").await;
    assert_eq!(told(&refused), (400, -32601, "METHOD_NOT_FOUND", true));
    assert_eq!(refused.json["error"]["name"], "REQUEST_VALIDATION_ERROR");
    let ahead = world.call("block", &format!(r#"{{"block_id":{}}}"#, newest + 900)).await;
    assert_eq!(told(&ahead), (422, -32000, "UNKNOWN_BLOCK", true));
    let full = Fault::Error { code: -32000, message: "INTERNAL_ERROR".to_owned() };
    world.inject_all(Injected::from(full).only(&["gas_price"]));
    let failed = world.call("gas_price", "[null]").await;
    assert_eq!(told(&failed), (500, -32000, "INTERNAL_ERROR", false));
    let calls = r#"[{"jsonrpc":"2.0","id":7,"method":"gas_price","params":[null]}]"#;
    let batch = world.client().await.send(calls.to_owned()).await;
    assert_eq!(batch.status, 200, "a batch as a whole was served");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_falls_behind_does_not_make_a_height_a_skipped_one() {
    let world = world(Family::Near).await;
    let newest = world.tip().number;
    for node in ["a", "b"] {
        world.inject(node, Fault::Lag { blocks: 60 });
    }
    for _ in 0..30 {
        let block = world.call("block", &format!(r#"{{"block_id":{newest}}}"#)).await;
        assert_eq!(block.result()["header"]["height"], newest);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn icon_errors_of_a_method_are_bad_requests_whoever_made_them() {
    let world = world(Family::Icon).await;
    let by_hash = format!(r#"{{"txHash":"{ICON_HASH}"}}"#);
    let unknown = world.call("icx_getTransactionResult", &by_hash).await;
    assert_eq!(told(&unknown), (400, -31004, "", false));
    let refused = world.call("nope", "{}").await;
    assert_eq!(told(&refused), (400, -32601, "", true));
    let ahead = world.call("icx_getBlockByHeight", r#"{"height":"0xfffff"}"#).await;
    assert_eq!(told(&ahead), (400, -31004, "", true));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn substrate_subscriptions_and_sessions_are_refused_over_http_as_nodes_do() {
    let world = world(Family::Substrate).await;
    for (method, params) in [
        ("chain_subscribeNewHeads", "[]"),
        ("chainHead_v1_follow", "[true]"),
        ("chainHead_v1_header", r#"["x","0x00"]"#),
    ] {
        let refused = world.call(method, params).await;
        assert_eq!(told(&refused), (200, -32603, "", true), "{method}");
        assert_eq!(refused.json["error"]["message"], "Internal error");
    }
    assert_eq!(told(&world.call("nope", "[]").await), (200, -32601, "", true));
}

/// A write of that family's kind: the method, its params, and the hash as nodes show it.
fn write(world: &World, family: Family) -> (&'static str, Value, String) {
    let old = world.chain.main_hash(990).unwrap();
    match family {
        Family::Near => {
            let signed = near::tx::sign(&[9; 32], near::tx::transfer("a.sim", 1, "b.sim", old, 9));
            let params = json!([STANDARD.encode(&signed.raw)]);
            ("broadcast_tx_async", params, near::texts::base58(&signed.hash))
        }
        Family::Icon => {
            let fields = icon::tx::transfer(1337, &[0; 21], 9, 1_700_000_100_000_000, 1);
            let signed = icon::tx::sign(&[5; 32], fields).unwrap();
            ("icx_sendTransaction", Value::Object(signed.fields), hex(&signed.hash))
        }
        Family::Substrate => {
            let genesis = world.chain.main_hash(0).unwrap();
            let checkpoint = Checkpoint { genesis, birth: genesis };
            let signed = extrinsic::sign(&[9; 32], Fields::transfer(0, [2; 32], 9), checkpoint);
            ("author_submitExtrinsic", json!([hex(&signed.raw)]), hex(&signed.hash))
        }
        Family::Ethereum => unreachable!("has tests of its own"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeated_write_and_one_in_doubt_get_the_hash_as_nodes_show_it() {
    for family in [Family::Near, Family::Icon, Family::Substrate] {
        let world = world(family).await;
        let (method, params, hash) = write(&world, family);
        // The bytes arrive at one node, whose answer does not.
        for node in ["a", "b"] {
            world.inject(node, Injected::from(Fault::Truncate).only(&[method]));
        }
        for at in 0..4 {
            let sent = world.call(method, &params.to_string()).await;
            if sent.reason() == "write_in_doubt" {
                assert_eq!(sent.json["error"]["data"]["hash"], hash, "{family:?} {at}");
            } else {
                assert_eq!(sent.text(), hash, "{family:?} {at}");
            }
        }
        world.nodes.iter().for_each(headrace_simnode::Node::clear);
        for node in ["a", "b"] {
            world.until_usable(node).await;
        }
        for at in 0..4 {
            let again = world.call(method, &params.to_string()).await;
            assert_eq!(again.text(), hash, "{family:?} {at}");
        }
    }
}
