//! What ICON nodes answer.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use headrace_simnode::hash::{Hash, hex};
use headrace_simnode::icon::tx::{self, Tx, address_text};
use headrace_simnode::icon::{block, truth};
use headrace_simnode::{
    Chain, ChainOptions, Client, Family, Keep, Node, NodeOptions, Pace, Retention,
};
use serde_json::{Value, json};

use crate::wire::{Connection, http_to, until};

const MAIN: &str = "/api/v3";
const DEBUG: &str = "/api/v3d/icon_dex";
/// A moment after the fixed genesis of chains that nobody times.
const NOW: u64 = 1_700_000_100_000_000;

fn chain() -> Arc<Chain> {
    Chain::new(ChainOptions { pace: Pace::Manual, ..ChainOptions::of(Family::Icon) })
}

async fn node(chain: &Arc<Chain>, name: &str) -> Node {
    let options = NodeOptions {
        delay: Duration::ZERO,
        retention: Retention::ARCHIVE,
        ..NodeOptions::of(Family::Icon, name)
    };
    Node::start(Arc::clone(chain), options).await.unwrap()
}

fn call(method: &str, params: &Value) -> String {
    json!({ "jsonrpc": "2.0", "id": "x1", "method": method, "params": params }).to_string()
}

/// HTTP status and reply.
fn ask(to: SocketAddr, path: &str, method: &str, params: Value) -> (u16, Value) {
    let (status, _, text) = http_to(to, path, &call(method, &params)).unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

fn result(to: SocketAddr, method: &str, params: Value) -> Value {
    let path = if method.starts_with("debug") { DEBUG } else { MAIN };
    let (status, mut reply) = ask(to, path, method, params);
    assert_eq!(status, 200, "{method}: {reply}");
    assert_eq!(reply["id"], "x1");
    reply["result"].take()
}

fn signed(nonce: u64) -> Tx {
    tx::sign(&[5; 32], tx::transfer(1337, &[0; 21], 9, NOW, nonce)).unwrap()
}

fn by_hash(hash: &Hash) -> Value {
    json!({ "txHash": hex(hash) })
}

fn contract() -> String {
    address_text(&[1; 21])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reads_are_answered_as_the_chain_is() {
    let chain = chain();
    let node = node(&chain, "a").await;
    let to = node.address();
    let at = chain.head();
    let info = result(to, "icx_getNetworkInfo", Value::Null);
    assert_eq!(info["latest"], "0x3e8");
    assert_eq!(info["earliest"], "0x0");
    let newest = result(to, "icx_getLastBlock", Value::Null);
    assert_eq!(newest["height"], 1_000);
    assert_eq!(newest["block_hash"], hex(&at.hash)[2..]);
    let who = tx::address("hx1111111111111111111111111111111111111111").unwrap();
    let balance = format!("{:#x}", truth::balance(&who, at));
    let params = json!({ "address": address_text(&who) });
    assert_eq!(result(to, "icx_getBalance", params), balance);
    let params = json!({ "address": address_text(&who), "height": "0x3e7" });
    assert_ne!(result(to, "icx_getBalance", params), balance);
    let supply = format!("{:#x}", truth::total_supply(at));
    assert_eq!(result(to, "icx_getTotalSupply", Value::Null), supply);
    let height = address_text(&truth::HEIGHT_CONTRACT);
    let params =
        json!({ "to": height, "dataType": "call", "data": { "method": "f" }, "height": "0x64" });
    assert_eq!(result(to, "icx_call", params), "0x64");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_method_of_the_list_answers_something() {
    let chain = chain();
    let node = node(&chain, "a").await;
    let to = node.address();
    let shown = result(to, "icx_getBlockByHeight", json!({ "height": "0x384" }));
    let tx = shown["confirmed_transaction_list"][1]["txHash"].clone();
    let hash = hex(&chain.main_hash(900).unwrap());
    let at = json!({ "height": "0x384" });
    let btp = json!({ "height": "0x384", "networkID": "0x1" });
    let estimate = json!({ "version": "0x3", "from": address_text(&[0; 21]), "to": contract(),
        "timestamp": "0x1", "nid": "0x539", "dataType": "call", "data": { "method": "f" } });
    let rows = [
        ("icx_getBlockByHash", json!({ "hash": hash })),
        ("icx_getBlockHeaderByHeight", at.clone()),
        ("icx_getVotesByHeight", at),
        ("icx_getDataByHash", json!({ "hash": hash })),
        ("icx_getTransactionByHash", json!({ "txHash": tx })),
        ("icx_getTransactionResult", json!({ "txHash": tx })),
        ("icx_waitTransactionResult", json!({ "txHash": tx })),
        ("icx_getProofForResult", json!({ "hash": hash, "index": "0x1" })),
        ("icx_getProofForEvents", json!({ "hash": hash, "index": "0x1", "events": ["0x0"] })),
        ("icx_getScoreApi", json!({ "address": contract() })),
        ("icx_getScoreStatus", json!({ "address": contract(), "height": "0x3e8" })),
        ("btp_getNetworkInfo", json!({ "id": "0x1" })),
        ("btp_getNetworkTypeInfo", json!({ "id": "0x1", "height": "0x384" })),
        ("btp_getMessages", btp.clone()),
        ("btp_getHeader", btp.clone()),
        ("btp_getProof", btp),
        ("btp_getSourceInformation", Value::Null),
        ("debug_estimateStep", estimate),
        ("debug_getTrace", json!({ "txHash": tx })),
    ];
    for (method, params) in rows {
        assert!(!result(to, method, params).is_null(), "{method}");
    }
}

/// One call that fails with HTTP 400 and this error.
fn fails(to: SocketAddr, method: &str, params: Value, code: i64, message: &str) {
    let path = if method.starts_with("debug") { DEBUG } else { MAIN };
    let (status, reply) = ask(to, path, method, params);
    assert_eq!(status, 400, "{reply}");
    assert_eq!(reply["error"]["code"], code, "{reply}");
    let seen = reply["error"]["message"].as_str().unwrap();
    assert!(seen.starts_with(message), "{method}: {seen}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unknown_blocks_and_transactions_are_told_in_goloops_words() {
    let chain = chain();
    let node = node(&chain, "a").await;
    let to = node.address();
    let none = "0x".to_owned() + &"00".repeat(32);
    let newest = result(to, "icx_getLastBlock", Value::Null);
    let executing = newest["confirmed_transaction_list"][1]["txHash"].clone();
    let rows = [
        ("icx_foo", Value::Null, -32601, "MethodNotFound"),
        ("ise_getStatus", Value::Null, -32601, "MethodNotFound"),
        ("debug_foo", Value::Null, -32601, "MethodNotFound"),
        (
            "icx_getBalance",
            json!({}),
            -32602,
            "InvalidParams: fail to validate, required('address')",
        ),
        (
            "icx_getBlockByHeight",
            json!({ "height": "0xffffff" }),
            -31004,
            "NotFound: E1005:no block for 16777215",
        ),
        (
            "icx_getBlockByHash",
            json!({ "hash": none }),
            -31004,
            "NotFound: E1005:block not found 00",
        ),
        ("icx_getDataByHash", json!({ "hash": none }), -31004, "NotFound: Fail to find data"),
        (
            "icx_getTransactionByHash",
            json!({ "txHash": none }),
            -31004,
            "NotFound: E1005:not found tx=0x00",
        ),
        ("icx_getTransactionResult", json!({ "txHash": none }), -31004, "NotFound: "),
        (
            "icx_getTransactionResult",
            json!({ "txHash": executing }),
            -31003,
            "Executing: Executing",
        ),
        ("debug_getTrace", json!({ "txHash": executing }), -31003, "Executing: Executing"),
        (
            "icx_waitTransactionResult",
            json!({ "txHash": none }),
            -31000,
            "SystemError: E1005:NotFound",
        ),
        (
            "btp_getHeader",
            json!({ "height": "0x1", "networkID": "0x1" }),
            -31004,
            "NotFound: E1005:fail to get a BTP block header",
        ),
    ];
    for (method, params, code, message) in rows {
        fails(to, method, params, code, message);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contracts_fail_with_the_code_of_their_status() {
    let chain = chain();
    let node = node(&chain, "a").await;
    let to = node.address();
    let runs = |to: &tx::Address, method: &str| json!({ "to": address_text(to), "dataType": "call", "data": { "method": method } });
    let rows = [
        (
            "icx_call",
            runs(&truth::REVERT_CONTRACT, "f"),
            -30032,
            "SCOREError(-30032): E0032:Reverted(0)",
        ),
        (
            "icx_call",
            runs(&truth::NO_CONTRACT, "f"),
            -30002,
            "SCOREError(-30002): E0002:ContractNotFound",
        ),
        (
            "icx_call",
            runs(&[1; 21], truth::NO_METHOD),
            -30003,
            "SCOREError(-30003): E0003:MethodNotFound",
        ),
        (
            "icx_getScoreStatus",
            json!({ "address": address_text(&truth::NO_CONTRACT) }),
            -31004,
            "NotFound: E1005:NoValidContract",
        ),
    ];
    for (method, params, code, message) in rows {
        fails(to, method, params, code, message);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_below_the_base_is_pruned() {
    let chain = chain();
    let retention = Retention { bodies: Keep::From(900), ..Retention::ARCHIVE };
    let options =
        NodeOptions { delay: Duration::ZERO, retention, ..NodeOptions::of(Family::Icon, "a") };
    let node = Node::start(Arc::clone(&chain), options).await.unwrap();
    let to = node.address();
    assert_eq!(result(to, "icx_getNetworkInfo", Value::Null)["earliest"], "0x384");
    assert_eq!(result(to, "icx_getBlockByHeight", json!({ "height": "0x384" }))["height"], 900);
    let pruned = "NotFound: PrunedBlock(height=899,base=900)";
    let who = address_text(&[0; 21]);
    let old = chain.main_hash(899).unwrap();
    let rows = [
        ("icx_getBlockByHeight", json!({ "height": "0x383" })),
        ("icx_getBlockByHash", json!({ "hash": hex(&old) })),
        ("icx_getVotesByHeight", json!({ "height": "0x383" })),
        ("icx_getBalance", json!({ "address": who, "height": "0x383" })),
        ("icx_getTotalSupply", json!({ "height": "0x383" })),
    ];
    for (method, params) in rows {
        fails(to, method, params, -31004, pruned);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn paths_and_statuses_are_goloops() {
    let chain = chain();
    let node = node(&chain, "a").await;
    let plain = NodeOptions { client: Client::GoloopPlain, ..NodeOptions::of(Family::Icon, "b") };
    let plain = Node::start(Arc::clone(&chain), plain).await.unwrap();
    let good = call("icx_getTotalSupply", &Value::Null);
    let eleven = format!("[{}]", [good.as_str(); 11].join(","));
    let note = r#"{"jsonrpc":"2.0","method":"icx_getLastBlock"}"#;
    let rows = [
        (&node, "/api/v3/", good.as_str(), 200, "\"result\":\"0x"),
        (&node, "/api/v3/icon_dex", &good, 200, "\"result\":\"0x"),
        (&node, "/api/v3/other", &good, 404, "No channel"),
        (&node, "/", &good, 404, "Not Found"),
        (&node, "/api/v3d", &good, 400, "MethodNotFound"),
        (&plain, DEBUG, &good, 404, "debug API is disabled"),
        (&node, "/api/rosetta", &good, 404, "rosetta API is disabled"),
        (&node, MAIN, "{", 400, "\"code\":-32700,\"message\":\"ParseError\""),
        (&node, MAIN, "5", 400, "\"code\":-32600,\"message\":\"InvalidRequest: "),
        (&node, MAIN, "[]", 400, "\"code\":-32600,\"message\":\"InvalidRequest\""),
        (&node, MAIN, &eleven, 503, "\"data\":\"too many request\""),
        (&node, MAIN, note, 200, ""),
    ];
    for (node, path, body, status, piece) in rows {
        let (seen, _, text) = http_to(node.address(), path, body).unwrap();
        assert_eq!(seen, status, "{path} {body}: {text}");
        assert!(text.contains(piece), "{path} {body}: {text}");
    }
    let wait = json!({ "txHash": "0x".to_owned() + &"00".repeat(32) });
    let why = "MethodNotFound: NotEnabled(waitTimeout=0)";
    fails(plain.address(), "icx_waitTransactionResult", wait, -32601, why);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_is_answered_with_200_and_out_of_order() {
    let chain = chain();
    let node = node(&chain, "a").await;
    let note = r#"{"jsonrpc":"2.0","method":"icx_getLastBlock"}"#;
    let one =
        |id: u8, method: &str| format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}"}}"#);
    let batch = format!("[{},{note},{},5]", one(1, "icx_getTotalSupply"), one(2, "icx_foo"));
    let (status, _, text) = http_to(node.address(), MAIN, &batch).unwrap();
    let replies: Vec<Value> = serde_json::from_str(&text).unwrap();
    assert_eq!(status, 200);
    let ids: Vec<_> = replies.iter().map(|reply| reply["id"].clone()).collect();
    assert_eq!(ids, [Value::Null, json!(2), json!(1)]);
    assert_eq!(replies[1]["error"]["code"], -32601);
    assert!(replies[2]["result"].is_string());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_goes_through_not_found_pending_executing_to_its_result() {
    let chain = chain();
    let (a, b) = (node(&chain, "a").await, node(&chain, "b").await);
    let tx = signed(1);
    let (hash, params) = (tx.hash, Value::Object(tx.fields));
    let asks =
        |code, text| fails(a.address(), "icx_getTransactionResult", by_hash(&hash), code, text);
    asks(-31004, "NotFound: E1005:not found tx=0x");
    assert_eq!(result(a.address(), "icx_sendTransaction", params.clone()), hex(&hash));
    asks(-31002, "Pending: Pending");
    let twice = "SystemError: E2000:DuplicateTransaction";
    fails(a.address(), "icx_sendTransaction", params.clone(), -31000, twice);
    assert_eq!(a.counters().received(&hash), 2);
    until("it has reached the other node", || {
        let (_, reply) = ask(b.address(), MAIN, "icx_getTransactionResult", by_hash(&hash));
        reply["error"]["code"] == -31002
    });
    chain.mine(1);
    asks(-31003, "Executing: Executing");
    let late = "SystemError: E2011:CommittedTransaction";
    fails(a.address(), "icx_sendTransaction", params, -31000, late);
    let found = result(b.address(), "icx_getTransactionByHash", by_hash(&hash));
    assert_eq!(found["blockHeight"], "0x3e9");
    assert_eq!(found["value"], "0x9");
    chain.mine(1);
    let receipt = result(b.address(), "icx_getTransactionResult", by_hash(&hash));
    assert_eq!(receipt["blockHash"], hex(&chain.main_hash(1_001).unwrap()));
    assert_eq!((&receipt["status"], &receipt["txIndex"]), (&json!("0x1"), &json!("0x2")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_transactions_are_refused_in_goloops_words() {
    let chain = chain();
    let node = node(&chain, "a").await;
    let changed = |name: &str, value: &str| {
        let mut fields = tx::transfer(1337, &[0; 21], 9, NOW, 7);
        fields.insert(name.to_owned(), value.into());
        Value::Object(tx::sign(&[5; 32], fields).unwrap().fields)
    };
    let mut forged = signed(8).fields;
    forged.insert("value".to_owned(), "0xa".into());
    let much = format!("{:#x}", u128::MAX);
    let rows = [
        (Value::Object(forged), -31000, "SystemError: E2005:Failed to verify transaction"),
        (changed("nid", "0x1"), -31000, "SystemError: E1006:ValidateNetwork(nid=0x539) fail"),
        (changed("timestamp", "0x1"), -31000, "SystemError: E2002:Expired(min-"),
        (changed("timestamp", "0x7fffffffffffffff"), -31000, "SystemError: E2003:FutureTx(max+"),
        (
            changed("stepLimit", "0x1"),
            -31000,
            "SystemError: E2105:NotEnoughStep(txStepLimit:1, minStep:100000)",
        ),
        (changed("value", &much), -31000, "SystemError: E2106:OutOfBalance(balance:"),
        (changed("fee", "0x1"), -32602, "InvalidParams: fail to unmarshal, unknown field 'fee'"),
        (
            changed("dataType", "x"),
            -32602,
            "InvalidParams: fail to validate, call|deploy|message|deposit('dataType')",
        ),
    ];
    for (params, code, message) in rows {
        fails(node.address(), "icx_sendTransaction", params, code, message);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn waiting_methods_hold_the_socket_until_there_is_a_result() {
    let chain = chain();
    let node = node(&chain, "a").await;
    let tx = signed(1);
    let mut open = Connection::open(node.address()).unwrap();
    let text = call("icx_sendTransactionAndWait", &Value::Object(tx.fields.clone()));
    open.send_to("/api/v3\nhost: node\r\nicon-options: timeout=9000", &text).unwrap();
    until("it is in the pool", || {
        let shared = node.shared();
        chain.pool_size(shared.viewer(shared.view())) == 1
    });
    assert!(!open.readable());
    until("its result is there", || {
        chain.mine(1);
        open.readable()
    });
    let (head, text) = open.receive().unwrap();
    assert!(head.starts_with("HTTP/1.1 200"), "{text}");
    assert!(text.contains(&hex(&tx.hash)), "{text}");
    let again = result(node.address(), "icx_waitTransactionResult", by_hash(&tx.hash));
    assert_eq!(again["status"], "0x1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wait_ends_with_the_callers_time() {
    let chain = chain();
    let node = node(&chain, "a").await;
    let tx = signed(2);
    let sent = call("icx_sendTransactionAndWait", &Value::Object(tx.fields));
    let path = "/api/v3\nhost: node\r\nicon-options: timeout=250";
    let (status, _, text) = http_to(node.address(), path, &sent).unwrap();
    let reply: Value = serde_json::from_str(&text).unwrap();
    let expected = json!({
        "code": -31006,
        "message": "Timeout: UserTimeoutExpire(dur=250ms)",
        "data": hex(&tx.hash),
    });
    assert_eq!((status, &reply["error"]), (400, &expected));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_hash_of_a_block_is_that_of_its_header_and_votes_are_bound_to_it() {
    use base64::Engine as _;
    use headrace_simnode::hash::sha3;
    let chain = chain();
    let node = node(&chain, "a").await;
    let to = node.address();
    let read = |value: Value| {
        let text = value.as_str().unwrap().to_owned();
        base64::engine::general_purpose::STANDARD.decode(text).unwrap()
    };
    let header = read(result(to, "icx_getBlockHeaderByHeight", json!({ "height": "0x3e8" })));
    assert_eq!(sha3(&[&header]), chain.head().hash);
    let votes = read(result(to, "icx_getVotesByHeight", json!({ "height": "0x3e7" })));
    let hash = sha3(&[&votes]);
    assert!(header.windows(32).any(|part| part == hash));
    assert_eq!(read(result(to, "icx_getDataByHash", json!({ "hash": hex(&hash) }))), votes);
    let validators = sha3(&[&block::validators()]);
    assert!(header.windows(32).any(|part| part == validators));
}
