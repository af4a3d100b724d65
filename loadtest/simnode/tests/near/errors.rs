//! Errors and collected blocks, in the words and statuses of each generation.

use std::net::SocketAddr;
use std::sync::Arc;

use headrace_simnode::near::tx;
use headrace_simnode::{Client, Node, NodeOptions, Retention};
use serde_json::{Value, json};

use super::{account, base58, chain, error, node, quick, reply, result, rules, skipped};
use crate::wire::http;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_skipped_height_is_an_unknown_block_and_its_neighbours_link() {
    let chain = chain();
    let node = node(&chain, "a").await;
    let (to, height) = (node.address(), skipped(&chain));
    let (status, cause, data) = error(to, "block", &json!({"block_id": height}));
    assert_eq!((status, &*cause), (422, "UNKNOWN_BLOCK"));
    assert_eq!(data, format!("DB Not Found Error: BLOCK HEIGHT: {height} \n Cause: Unknown"));
    let rules = rules(&chain);
    let at = |height: u64| result(to, "block", &json!({"block_id": height}))["header"].clone();
    let (below, above) = (at(rules.standing(height)), at(rules.rising(height)));
    assert_eq!(above["prev_hash"], below["hash"]);
    assert_eq!(above["prev_height"], below["height"]);
    let (status, cause, data) = error(to, "query", &account(json!({"block_id": height})));
    assert_eq!((status, &*cause), (422, "UNKNOWN_BLOCK"));
    assert!(data.ends_with(&format!("garbage collected: BlockId(Height({height}))")), "{data}");
}

/// A call, and what its error must be: status, `cause.name`, how `data` begins.
type Row<'a> = (&'a str, Value, u16, &'a str, &'a str);

fn check(to: SocketAddr, (method, params, status, cause, data): &Row<'_>) {
    let seen = error(to, method, params);
    assert_eq!((seen.0, &*seen.1), (*status, *cause), "{method} {params}: {seen:?}");
    assert!(seen.2.starts_with(data), "{method} {params}: {seen:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_calls_and_unknown_blocks_are_worded_and_numbered_as_nodes_do() {
    let chain = chain();
    let node = node(&chain, "a").await;
    let none = base58(&[3; 32]);
    let rows: [Row<'_>; 8] = [
        ("nope", json!([]), 400, "METHOD_NOT_FOUND", "nope"),
        ("sandbox_patch_state", json!([]), 400, "METHOD_NOT_FOUND", "sandbox_patch_state"),
        (
            "block",
            json!({"block_id": "final"}),
            400,
            "PARSE_ERROR",
            "Failed parsing args: data did not",
        ),
        ("block", json!({}), 400, "PARSE_ERROR", "Failed parsing args: no variant of"),
        (
            "block",
            json!({"block_id": 9_999_999}),
            422,
            "UNKNOWN_BLOCK",
            "DB Not Found Error: BLOCK HEIGHT: 9999999 \n",
        ),
        (
            "block",
            json!({"block_id": none}),
            422,
            "UNKNOWN_BLOCK",
            "DB Not Found Error: BLOCK HEADER: ",
        ),
        ("chunk", json!([none]), 200, "UNKNOWN_CHUNK", "Chunk Missing"),
        ("chunk", json!({"block_id": 1_000, "shard_id": 9}), 200, "INVALID_SHARD_ID", "Shard id 9"),
    ];
    for row in &rows {
        check(node.address(), row);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failed_reads_are_worded_and_numbered_as_nodes_do() {
    let chain = chain();
    let node = node(&chain, "a").await;
    let none = base58(&[3; 32]);
    let key = tx::Key::of(&[5; 32]).shown();
    let rows: [Row<'_>; 9] = [
        (
            "query",
            json!({"request_type": "view_account", "finality": "final", "account_id": "missing.sim"}),
            200,
            "UNKNOWN_ACCOUNT",
            "account missing.sim does not exist while viewing",
        ),
        (
            "query",
            json!({"request_type": "view_code", "finality": "final", "account_id": "plain.sim"}),
            200,
            "NO_CONTRACT_CODE",
            "Contract code",
        ),
        (
            "EXPERIMENTAL_view_access_key",
            json!({"finality": "final", "account_id": "keyless.sim", "public_key": key}),
            200,
            "UNKNOWN_ACCESS_KEY",
            "Access key for",
        ),
        (
            "EXPERIMENTAL_call_function",
            json!({"finality": "final", "account_id": "panic.sim", "method_name": "m", "args_base64": ""}),
            200,
            "CONTRACT_EXECUTION_ERROR",
            "Function call returned an error",
        ),
        ("validators", json!({"epoch_id": none}), 200, "UNKNOWN_EPOCH", "Unknown Epoch"),
        (
            "EXPERIMENTAL_receipt",
            json!({"receipt_id": none}),
            200,
            "UNKNOWN_RECEIPT",
            "The receipt id",
        ),
        (
            "tx",
            json!({"tx_hash": none, "sender_account_id": "a.sim", "wait_until": "NONE"}),
            200,
            "UNKNOWN_TRANSACTION",
            "Transaction ",
        ),
        (
            "tx",
            json!({"tx_hash": none, "sender_account_id": "a.sim"}),
            408,
            "TIMEOUT_ERROR",
            "Timeout",
        ),
        (
            "send_tx",
            json!({"signed_tx_base64": "AAAA"}),
            400,
            "PARSE_ERROR",
            "Failed parsing args: Failed to decode",
        ),
    ];
    for row in &rows {
        check(node.address(), row);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn query_shows_two_failures_as_answers() {
    let chain = chain();
    let node = node(&chain, "a").await;
    let key = tx::Key::of(&[5; 32]).shown();
    let asked = json!({"request_type": "view_access_key", "finality": "final", "account_id": "keyless.sim", "public_key": key});
    let answer = result(node.address(), "query", &asked);
    assert_eq!(answer["error"], format!("access key {key} does not exist while viewing"));
    let asked = json!({"request_type": "call_function", "finality": "final", "account_id": "panic.sim", "method_name": "m", "args_base64": ""});
    let answer = result(node.address(), "query", &asked);
    assert!(answer["error"].as_str().unwrap().starts_with("wasm execution failed"));
    assert!(answer["block_height"].is_u64() && answer["logs"].is_array());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn collected_blocks_are_told_as_each_method_tells_them() {
    let chain = chain();
    let options = NodeOptions { retention: Retention::window(50), ..quick("a") };
    let node = Node::start(Arc::clone(&chain), options).await.unwrap();
    let (to, old) = (node.address(), rules(&chain).standing(700));
    let (status, cause, data) = error(to, "query", &account(json!({"block_id": old})));
    assert_eq!((status, &*cause), (200, "GARBAGE_COLLECTED_BLOCK"));
    assert!(data.starts_with(&format!("The data for block #{old} is garbage collected")));
    let (status, cause, data) =
        error(to, "EXPERIMENTAL_view_account", &json!({"block_id": old, "account_id": "a.sim"}));
    assert_eq!((status, &*cause), (500, "INTERNAL_ERROR"));
    assert!(data.contains("use an archival node"), "{data}");
    assert_eq!(error(to, "block", &json!({"block_id": old})).1, "UNKNOWN_BLOCK");
    let status = result(to, "status", &json!([]));
    let earliest = status["sync_info"]["earliest_block_height"].as_u64().unwrap();
    assert!(earliest > chain.head().number - 60, "{earliest}");
    let oldest = result(to, "block", &json!({"sync_checkpoint": "earliest_available"}));
    assert_eq!(oldest["header"]["height"], earliest);
    assert_eq!(result(to, "block", &json!({"sync_checkpoint": "genesis"}))["header"]["height"], 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn generations_differ_in_statuses_names_and_forms() {
    let chain = chain();
    let start = |client| {
        let options = NodeOptions { client, ..quick("a") };
        Node::start(Arc::clone(&chain), options)
    };
    let old = start(Client::Nearcore24).await.unwrap();
    let mid = start(Client::Nearcore27).await.unwrap();
    let (to, at) = (old.address(), json!({"block_id": 1_000}));
    assert_eq!(error(to, "block", &json!({"block_id": 9_999_999})).0, 200);
    assert!(error(to, "gas_price", &at).2.contains("expected a tuple of size 1"));
    assert!(result(to, "gas_price", &json!([1_000])).is_object());
    for (method, in_old, in_mid) in [
        ("block_effects", false, true),
        ("EXPERIMENTAL_changes_in_block", true, true),
        ("EXPERIMENTAL_view_account", false, false),
    ] {
        let has = |node: &Node| reply(node.address(), method, &at).1["error"]["code"] != -32601;
        assert_eq!((has(&old), has(&mid)), (in_old, in_mid), "{method}");
    }
    let lost = json!({"tx_hash": base58(&[3; 32]), "sender_account_id": "a.sim"});
    let cause = reply(mid.address(), "tx", &lost).1["error"]["cause"].clone();
    assert_eq!(cause, json!({"name": "TIMEOUT_ERROR"}));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_but_one_call_with_an_id_is_taken() {
    let chain = chain();
    let node = node(&chain, "a").await;
    let call = r#"{"jsonrpc":"2.0","id":"1","method":"status","params":[]}"#;
    let note = r#"{"jsonrpc":"2.0","method":"status","params":[]}"#;
    for body in [format!("[{call}]"), "[]".to_owned(), note.to_owned(), "5".to_owned()] {
        let (status, _, text) = http(node.address(), &body).unwrap();
        assert_eq!(status, 400, "{body}");
        assert!(text.contains("JSON RPC Request format was expected"), "{body}: {text}");
    }
    assert_eq!(http(node.address(), "{").unwrap().0, 400);
    assert_eq!(node.counters().calls(), 0);
}
