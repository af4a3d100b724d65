//! Asking ICON nodes.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};

use headrace_simnode::Family;
use headrace_simnode::hash::{Hash, hex};
use headrace_simnode::icon::tx;

use super::{Shown, Ways};
use crate::wire::{http_to, member, result_at};

const PATH: &str = "/api/v3";

pub const FAMILY: Ways = Ways {
    family: Family::Icon,
    path: PATH,
    head_call: r#"{"jsonrpc":"2.0","id":7,"method":"icx_getLastBlock"}"#,
    head_method: "icx_getLastBlock",
    identity: (r#"{"jsonrpc":"2.0","id":7,"method":"icx_getNetworkInfo"}"#, r#""nid":"0x539""#),
    other_identity: r#""nid":"0x63""#,
    head,
    block,
    by_hash,
    state,
    lost: r#""code":-31004,"message":"NotFound: PrunedBlock(height="#,
    write,
    knows,
    failed: 400,
};

fn head(to: SocketAddr) -> u64 {
    let info = result_at(to, PATH, "icx_getNetworkInfo", "null");
    u64::from_str_radix(&member(&info, "latest")[2..], 16).unwrap()
}

fn block(to: SocketAddr, at: Option<u64>) -> Option<Shown> {
    match at {
        None => shown(to, "icx_getLastBlock", "null"),
        Some(number) => {
            shown(to, "icx_getBlockByHeight", &format!(r#"{{"height":"{number:#x}"}}"#))
        }
    }
}

fn by_hash(to: SocketAddr, hash: &str) -> Option<Shown> {
    shown(to, "icx_getBlockByHash", &format!(r#"{{"hash":"{hash}"}}"#))
}

fn shown(to: SocketAddr, method: &str, params: &str) -> Option<Shown> {
    let call = format!(r#"{{"jsonrpc":"2.0","id":7,"method":"{method}","params":{params}}}"#);
    let text = http_to(to, PATH, &call).unwrap().2;
    let reply: serde_json::Value = serde_json::from_str(&text).unwrap();
    if reply["error"]["code"] == -31004 {
        return None;
    }
    let block = &reply["result"];
    let hash = |name: &str| format!("0x{}", block[name].as_str().unwrap());
    Some(Shown {
        number: block["height"].as_u64().unwrap(),
        hash: hash("block_hash"),
        parent: hash("prev_block_hash"),
    })
}

fn state(to: SocketAddr) -> String {
    let call = format!(
        r#"{{"jsonrpc":"2.0","id":7,"method":"icx_getBalance","params":{{"address":"hx{}"}}}}"#,
        "11".repeat(20)
    );
    http_to(to, PATH, &call).unwrap().2
}

fn write() -> (Hash, String) {
    static NONCE: AtomicU64 = AtomicU64::new(1);
    let nonce = NONCE.fetch_add(1, Ordering::Relaxed);
    let fields = tx::transfer(1337, &[0; 21], 9, 1_700_000_100_000_000, nonce);
    let signed = tx::sign(&[5; 32], fields).unwrap();
    let params = serde_json::Value::Object(signed.fields);
    let call =
        format!(r#"{{"jsonrpc":"2.0","id":7,"method":"icx_sendTransaction","params":{params}}}"#);
    (signed.hash, call)
}

fn knows(to: SocketAddr, hash: &Hash) -> bool {
    let call = format!(
        r#"{{"jsonrpc":"2.0","id":7,"method":"icx_getTransactionResult","params":{{"txHash":"{}"}}}}"#,
        hex(hash)
    );
    !http_to(to, PATH, &call).unwrap().2.contains("-31004")
}
