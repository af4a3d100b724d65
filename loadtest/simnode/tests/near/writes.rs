//! Transactions: sent, waited for, refused.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use headrace_simnode::near::tx;
use headrace_simnode::{Chain, Node, NodeOptions};
use serde_json::{Value, json};

use super::{base58, chain, error, node, quick, reply, result};
use crate::wire::{self, until};

fn signed(chain: &Chain, nonce: u64) -> tx::Signed {
    tx::sign(&[5; 32], tx::transfer("a.sim", nonce, "b.sim", chain.head().hash, 9))
}

fn send(signed: &tx::Signed, wait: &str) -> Value {
    json!({"signed_tx_base64": STANDARD.encode(&signed.raw), "wait_until": wait})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_is_counted_gossiped_mined_and_final() {
    let chain = chain();
    let (a, b) = (node(&chain, "a").await, node(&chain, "b").await);
    let signed = signed(&chain, 1);
    let hash = base58(&signed.hash);
    let sent = result(a.address(), "broadcast_tx_async", &json!([STANDARD.encode(&signed.raw)]));
    assert_eq!(sent, hash);
    let again = result(a.address(), "send_tx", &send(&signed, "NONE"));
    assert_eq!(again, json!({"final_execution_status": "NONE"}));
    assert_eq!((a.counters().received(&signed.hash), b.counters().received(&signed.hash)), (2, 0));
    let find =
        |wait: &str| json!({"tx_hash": hash, "sender_account_id": "a.sim", "wait_until": wait});
    until("the other node hears of it", || {
        reply(b.address(), "tx", &find("NONE")).1.get("result").is_some()
    });
    let mut seen = Vec::new();
    for _ in 0..4 {
        chain.mine(1);
        let shown = result(b.address(), "tx", &find("INCLUDED"));
        seen.push(shown["final_execution_status"].as_str().unwrap().to_owned());
    }
    assert_eq!(seen, ["INCLUDED", "EXECUTED_OPTIMISTIC", "EXECUTED", "FINAL"]);
    let shown = result(b.address(), "EXPERIMENTAL_tx_status", &find("FINAL"));
    assert_eq!(shown["status"], json!({"SuccessValue": ""}));
    assert_eq!(shown["transaction"]["hash"], hash);
    let key = json!({"request_type": "view_access_key", "finality": "optimistic", "account_id": "a.sim", "public_key": signed.tx.key.shown()});
    assert_eq!(result(b.address(), "query", &key)["nonce"], 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wait_holds_the_socket_until_the_chain_moves() {
    let chain = chain();
    let options = NodeOptions { patience: Duration::from_secs(20), ..quick("a") };
    let node = Node::start(Arc::clone(&chain), options).await.unwrap();
    let signed = signed(&chain, 1);
    let params = send(&signed, "EXECUTED_OPTIMISTIC");
    let call = json!({"jsonrpc": "2.0", "id": "1", "method": "send_tx", "params": params});
    let mut open = wire::Connection::open(node.address()).unwrap();
    open.send_to("/", &call.to_string()).unwrap();
    let known = json!({"tx_hash": base58(&signed.hash), "sender_account_id": "a.sim", "wait_until": "NONE"});
    until("it is in the pool", || reply(node.address(), "tx", &known).1.get("result").is_some());
    assert!(!open.readable());
    chain.mine(2);
    let (head, text) = open.receive().unwrap();
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert!(text.contains("\"final_execution_status\":\"EXECUTED_OPTIMISTIC\""), "{text}");
    assert_eq!(node.counters().received(&signed.hash), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_transactions_are_refused_with_their_reason() {
    let chain = chain();
    let node = node(&chain, "a").await;
    let head = chain.head().hash;
    let good = signed(&chain, 5);
    result(node.address(), "send_tx", &send(&good, "NONE"));
    chain.mine(1);
    let mut forged = signed(&chain, 6);
    *forged.raw.last_mut().unwrap() ^= 1;
    let of = |signer: &str, nonce, block, yocto| {
        tx::sign(&[5; 32], tx::transfer(signer, nonce, "b.sim", block, yocto))
    };
    let rows = [
        (forged, "\"InvalidSignature\""),
        (of("a.sim", 5, head, 1), "{\"InvalidNonce\":{\"ak_nonce\":5,\"tx_nonce\":5}}"),
        (of("a.sim", 1 << 50, head, 9), "{\"NonceTooLarge\""),
        (of("a.sim", 7, [3; 32], 9), "\"Expired\""),
        (of("missing.sim", 7, head, 9), "{\"SignerDoesNotExist\""),
        (of("keyless.sim", 7, head, 9), "{\"InvalidAccessKeyError\""),
        (of("a.sim", 8, head, 1 << 102), "{\"NotEnoughBalance\""),
    ];
    for (signed, why) in rows {
        let (status, cause, data) = error(node.address(), "send_tx", &send(&signed, "NONE"));
        assert_eq!((status, &*cause), (200, "INVALID_TRANSACTION"), "{why}");
        let start = format!("{{\"TxExecutionError\":{{\"InvalidTxError\":{why}");
        assert!(data.starts_with(&start), "{why}: {data}");
    }
}
