//! Asking NEAR nodes.

use std::net::SocketAddr;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU8, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use headrace_simnode::Family;
use headrace_simnode::hash::{Hash, hex};
use headrace_simnode::near::{texts::base58, tx};
use serde_json::{Value, json};

use super::{Shown, Ways};
use crate::wire::ask;

pub const FAMILY: Ways = Ways {
    family: Family::Near,
    path: "/",
    head_call: r#"{"jsonrpc":"2.0","id":7,"method":"gas_price","params":[null]}"#,
    head_method: "gas_price",
    identity: (r#"{"jsonrpc":"2.0","id":7,"method":"status","params":[]}"#, "\"sim-1337\""),
    other_identity: "\"sim-99\"",
    head,
    block,
    by_hash,
    state,
    lost: "\"name\":\"GARBAGE_COLLECTED_BLOCK\"",
    write,
    knows,
    failed: 200,
};

fn call(method: &str, params: &Value) -> String {
    json!({"jsonrpc": "2.0", "id": 7, "method": method, "params": params}).to_string()
}

fn reply(to: SocketAddr, method: &str, params: &Value) -> Value {
    serde_json::from_str(&ask(to, &call(method, params)).unwrap()).unwrap()
}

fn head(to: SocketAddr) -> u64 {
    let status = reply(to, "status", &json!([]));
    status["result"]["sync_info"]["latest_block_height"].as_u64().unwrap()
}

fn block(to: SocketAddr, at: Option<u64>) -> Option<Shown> {
    let params = at.map_or(json!({"finality": "optimistic"}), |at| json!({"block_id": at}));
    shown(&reply(to, "block", &params))
}

fn by_hash(to: SocketAddr, hash: &str) -> Option<Shown> {
    let hash = headrace_simnode::hash::unhex(hash).unwrap();
    shown(&reply(to, "block", &json!({"block_id": base58(&hash)})))
}

fn shown(reply: &Value) -> Option<Shown> {
    if reply["error"]["cause"]["name"] == "UNKNOWN_BLOCK" {
        return None;
    }
    let header = &reply["result"]["header"];
    let hash = |name: &str| hex(&bs58::decode(header[name].as_str().unwrap()).into_vec().unwrap());
    Some(Shown {
        number: header["height"].as_u64().unwrap(),
        hash: hash("hash"),
        parent: hash("prev_hash"),
    })
}

fn state(to: SocketAddr) -> String {
    let params =
        json!({"request_type": "view_account", "finality": "optimistic", "account_id": "a.sim"});
    ask(to, &call("query", &params)).unwrap()
}

/// A block that every chain of these tests has.
static OLD: LazyLock<Hash> = LazyLock::new(|| FAMILY.chain().main_hash(990).unwrap());

fn write() -> (Hash, String) {
    static SENDER: AtomicU8 = AtomicU8::new(1);
    let secret = [SENDER.fetch_add(1, Ordering::Relaxed); 32];
    let signed = tx::sign(&secret, tx::transfer("a.sim", 1, "b.sim", *OLD, 9));
    let params = json!({"signed_tx_base64": STANDARD.encode(&signed.raw), "wait_until": "NONE"});
    (signed.hash, call("send_tx", &params))
}

fn knows(to: SocketAddr, hash: &Hash) -> bool {
    let params =
        json!({"tx_hash": base58(hash), "sender_account_id": "a.sim", "wait_until": "NONE"});
    reply(to, "tx", &params).get("result").is_some()
}
