//! Simulated NEAR nodes over real sockets: plain answers, and the faults that skipped
//! heights and self-reports make special.

mod errors;
mod writes;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use headrace_simnode::near::{actors, truth, tx};
use headrace_simnode::{Chain, ChainOptions, Client, Family, Fault, Node, NodeOptions, Pace};
use serde_json::{Value, json};

use crate::wire::{self, http};

fn chain() -> Arc<Chain> {
    let options = ChainOptions { pace: Pace::Manual, ..ChainOptions::of(Family::Near) };
    let chain = Chain::new(options);
    chain.mine(1);
    chain
}

fn quick(name: &str) -> NodeOptions {
    NodeOptions {
        client: Client::Nearcore214,
        delay: Duration::ZERO,
        patience: Duration::from_millis(200),
        ..NodeOptions::of(Family::Near, name)
    }
}

async fn node(chain: &Arc<Chain>, name: &str) -> Node {
    Node::start(Arc::clone(chain), quick(name)).await.unwrap()
}

/// Status and whole reply of one call.
fn reply(to: SocketAddr, method: &str, params: &Value) -> (u16, Value) {
    let call = json!({"jsonrpc": "2.0", "id": "dontcare", "method": method, "params": params});
    let (status, _, text) = http(to, &call.to_string()).unwrap();
    let reply: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(reply["id"], "dontcare", "{text}");
    (status, reply)
}

/// The result of a call that must have one.
fn result(to: SocketAddr, method: &str, params: &Value) -> Value {
    let (status, mut reply) = reply(to, method, params);
    assert!(status == 200 && reply.get("result").is_some(), "{method} {params}: {reply}");
    reply["result"].take()
}

/// Status, `cause.name` and `data` of a call that must fail.
fn error(to: SocketAddr, method: &str, params: &Value) -> (u16, String, String) {
    let (status, reply) = reply(to, method, params);
    let error = &reply["error"];
    assert!(error["name"].is_string() && error["code"].is_i64(), "{method} {params}: {reply}");
    let data = error["data"].as_str().map_or_else(|| error["data"].to_string(), str::to_owned);
    (status, error["cause"]["name"].as_str().unwrap().to_owned(), data)
}

fn base58(bytes: &[u8]) -> String {
    headrace_simnode::near::texts::base58(bytes)
}

fn rules(chain: &Chain) -> truth::Rules {
    truth::Rules { seed: chain.options.seed, skip: chain.options.skip }
}

/// The newest height below the head that was skipped.
fn skipped(chain: &Chain) -> u64 {
    (1..chain.head().number).rev().find(|height| rules(chain).skipped(*height)).unwrap()
}

fn account(block: Value) -> Value {
    let mut params = json!({"request_type": "view_account", "account_id": "a.sim"});
    for (name, value) in block.as_object().unwrap() {
        params[name] = value.clone();
    }
    params
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn plain_calls_are_answered_as_the_chain_is() {
    let chain = chain();
    let node = node(&chain, "a").await;
    let (to, head) = (node.address(), chain.head());
    let status = result(to, "status", &json!([]));
    assert_eq!(status["chain_id"], "sim-1337");
    assert_eq!(status["sync_info"]["latest_block_height"], head.number);
    assert_eq!(status["sync_info"]["syncing"], false);
    let newest = result(to, "block", &json!({"finality": "optimistic"}));
    assert_eq!(newest["header"]["hash"], base58(&head.hash));
    let by_hash = result(to, "block", &json!([base58(&head.hash)]));
    assert_eq!(by_hash, newest);
    let at = truth::At { hash: head.hash, number: head.number };
    let seen = result(to, "query", &account(json!({"finality": "optimistic"})));
    assert_eq!(seen["amount"], truth::amount("a.sim", at).to_string());
    assert_eq!(seen["block_height"], head.number);
    let by_height = result(to, "query", &account(json!({"block_id": head.number})));
    assert_eq!(by_height, seen);
    assert_eq!(node.counters().calls_of("query"), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn finality_trails_by_blocks_and_headers_say_the_same() {
    let chain = chain();
    let node = node(&chain, "a").await;
    for _ in 0..20 {
        chain.mine(1);
        let block = |finality: &str| {
            result(node.address(), "block", &json!({"finality": finality}))["header"].clone()
        };
        let (newest, near, last) = (block("optimistic"), block("near-final"), block("final"));
        assert_eq!(newest["prev_hash"], near["hash"]);
        assert_eq!(near["prev_hash"], last["hash"]);
        assert_eq!(newest["last_final_block"], last["hash"]);
        assert_eq!(newest["prev_height"], near["height"]);
    }
}

/// The members of both objects.
fn joined(one: &Value, other: &Value) -> Value {
    let mut all = one.clone();
    all.as_object_mut().unwrap().extend(other.as_object().unwrap().clone());
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_method_of_the_list_answers_something() {
    let chain = chain();
    let node = node(&chain, "a").await;
    let to = node.address();
    let height = rules(&chain).standing(900);
    let block = result(to, "block", &json!({"block_id": height}));
    let (hash, chunk) = (&block["header"]["hash"], &block["chunks"][1]["chunk_hash"]);
    let tx = result(to, "chunk", &json!([chunk]))["transactions"][0]["hash"].clone();
    let asked = json!({"tx_hash": tx, "sender_account_id": actors::account(0)});
    let outcome = result(to, "EXPERIMENTAL_tx_status", &asked);
    let receipt = &outcome["receipts"][0]["receipt_id"];
    let at = json!({"block_id": height});
    let with = |more: Value| joined(&at, &more);
    let account = json!({"account_id": "a.sim", "finality": "final"});
    let key = json!({"account_id": "a.sim", "finality": "final", "public_key": tx::Key::of(&[5; 32]).shown()});
    let call = json!({"account_id": "a.sim", "finality": "final", "method_name": "get", "args_base64": "e30="});
    let proof = json!({"type": "transaction", "transaction_hash": tx,
        "sender_id": "a.sim", "light_client_head": hash});
    let rows = [
        ("network_info", json!([])),
        ("client_config", json!([])),
        ("tier1_network_info", json!([])),
        ("EXPERIMENTAL_split_storage_info", json!([])),
        ("block_effects", at.clone()),
        ("EXPERIMENTAL_changes_in_block", at.clone()),
        ("changes", with(json!({"changes_type": "account_changes", "account_ids": ["pulse.sim"]}))),
        (
            "EXPERIMENTAL_changes",
            with(
                json!({"changes_type": "data_changes", "account_ids": ["x"], "key_prefix_base64": ""}),
            ),
        ),
        ("chunk", with(json!({"shard_id": 0}))),
        ("tx", asked.clone()),
        ("EXPERIMENTAL_receipt", json!({"receipt_id": receipt})),
        ("EXPERIMENTAL_receipt_to_tx", json!({"receipt_id": receipt})),
        ("gas_price", json!([null])),
        ("gas_price", json!({"block_id": height})),
        ("validators", json!([null])),
        ("validators", json!({"epoch_id": block["header"]["epoch_id"]})),
        ("EXPERIMENTAL_validators_ordered", json!({})),
        ("EXPERIMENTAL_protocol_config", json!({"finality": "final"})),
        ("genesis_config", json!(null)),
        ("EXPERIMENTAL_genesis_config", json!(null)),
        ("EXPERIMENTAL_congestion_level", json!({"chunk_id": chunk})),
        ("maintenance_windows", account.clone()),
        ("light_client_proof", proof.clone()),
        ("EXPERIMENTAL_light_client_proof", proof),
        (
            "EXPERIMENTAL_light_client_block_proof",
            json!({"block_hash": hash, "light_client_head": hash}),
        ),
        ("next_light_client_block", json!({"last_block_hash": hash})),
        ("EXPERIMENTAL_view_account", account.clone()),
        ("EXPERIMENTAL_view_access_key", key.clone()),
        ("EXPERIMENTAL_view_access_key_list", account.clone()),
        ("EXPERIMENTAL_view_code", account.clone()),
        (
            "EXPERIMENTAL_view_state",
            json!({"account_id": "a.sim", "finality": "final", "prefix_base64": ""}),
        ),
        ("EXPERIMENTAL_call_function", call),
    ];
    for (method, params) in rows {
        let answer = result(to, method, &params);
        assert!(!answer.is_null(), "{method}");
    }
    assert_eq!(result(to, "health", &json!([])), Value::Null);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn status_and_health_answer_to_get_and_faults_strike_them() {
    let chain = chain();
    let node = node(&chain, "a").await;
    let get = |path: &str| wire::get(node.address(), path).unwrap();
    let (status, text) = get("/status");
    assert_eq!(status, 200);
    assert_eq!(wire::member(&text, "chain_id"), "sim-1337");
    assert_eq!(get("/health"), (200, "null".to_owned()));
    assert_eq!(get("/nowhere").0, 404);
    node.set(Fault::Status { status: 502, retry_after: None });
    assert_eq!(get("/status").0, 502);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_liar_over_skipped_heights_links_to_nothing() {
    let chain = chain();
    let node = node(&chain, "a").await;
    let (to, head) = (node.address(), chain.head());
    let block = |params: Value| result(to, "block", &params)["header"].clone();
    node.set(Fault::Lie { blocks: 1_000, headers: false });
    let claimed = head.number + 1_000;
    let status = result(to, "status", &json!([]));
    assert_eq!(status["sync_info"]["latest_block_height"], claimed);
    let newest = block(json!({"finality": "optimistic"}));
    assert_eq!(newest["height"], claimed);
    assert_eq!(newest["hash"], status["sync_info"]["latest_block_hash"]);
    assert_eq!(error(to, "block", &json!({"block_id": newest["hash"]})).1, "UNKNOWN_BLOCK");
    node.set(Fault::Lie { blocks: 1_000, headers: true });
    let newest = block(json!({"finality": "optimistic"}));
    let before = block(json!({"block_id": newest["prev_height"]}));
    assert_eq!(newest["prev_hash"], before["hash"]);
    let first = rules(&chain).next(head.number);
    assert_ne!(block(json!({"block_id": first}))["prev_hash"], base58(&head.hash));
    assert_eq!(block(json!({"block_id": head.number}))["hash"], base58(&head.hash));
    chain.mine(30);
    assert!(result(to, "status", &json!([])).is_object());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lag_freeze_and_lost_state_show_in_status_and_answers() {
    let chain = chain();
    let node = node(&chain, "a").await;
    let to = node.address();
    let sync = || result(to, "status", &json!([]))["sync_info"].clone();
    node.set(Fault::Lag { blocks: 30 });
    assert_eq!(sync()["syncing"], true);
    assert!(sync()["latest_block_height"].as_u64().unwrap() <= chain.head().number - 30);
    assert_eq!(error(to, "health", &json!([])).1, "NODE_IS_SYNCING");
    node.clear();
    let before = sync();
    node.set(Fault::Freeze);
    chain.mine(30);
    assert_eq!(sync(), before);
    node.clear();
    node.set(Fault::LoseState);
    let (_, cause, _) = error(to, "query", &account(json!({"finality": "final"})));
    assert_eq!(cause, "GARBAGE_COLLECTED_BLOCK");
    assert!(result(to, "block", &json!({"finality": "final"})).is_object());
}
