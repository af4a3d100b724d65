//! Asking Substrate nodes.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU8, Ordering};

use headrace_simnode::hash::{Hash, hex, unhex};
use headrace_simnode::substrate::extrinsic::{self, Checkpoint, Fields};
use headrace_simnode::{Chain, ChainOptions, Family, Pace};

use super::{Shown, Ways};
use crate::wire::{ask, result};

pub const FAMILY: Ways = Ways {
    family: Family::Substrate,
    path: "/",
    head_call: r#"{"jsonrpc":"2.0","id":7,"method":"chain_getHeader","params":[]}"#,
    head_method: "chain_getHeader",
    identity: (r#"{"jsonrpc":"2.0","id":7,"method":"system_chain","params":[]}"#, " 1337\""),
    other_identity: " 99\"",
    head,
    block,
    by_hash,
    state,
    lost: r#""code":4003,"message":"Client error: UnknownBlock: State already discarded for 0x"#,
    write,
    knows,
    failed: 200,
};

/// Blocks that are looked through for an extrinsic: there is no call for one by hash.
const SEARCHED: u64 = 20;

fn head(to: SocketAddr) -> u64 {
    block(to, None).unwrap().number
}

fn block(to: SocketAddr, at: Option<u64>) -> Option<Shown> {
    let at = at.map_or_else(String::new, |number| number.to_string());
    let hash = result(to, "chain_getBlockHash", &format!("[{at}]"));
    if at.is_empty() {
        return shown(&result(to, "chain_getHeader", "[]"), hash.trim_matches('"'));
    }
    (hash != "null").then(|| by_hash(to, hash.trim_matches('"')))?
}

fn by_hash(to: SocketAddr, hash: &str) -> Option<Shown> {
    shown(&result(to, "chain_getHeader", &format!(r#"["{hash}"]"#)), hash)
}

fn shown(text: &str, hash: &str) -> Option<Shown> {
    let header: serde_json::Value = serde_json::from_str(text).unwrap();
    let number = header["number"].as_str()?;
    Some(Shown {
        number: u64::from_str_radix(&number[2..], 16).unwrap(),
        hash: hash.to_owned(),
        parent: header["parentHash"].as_str()?.to_owned(),
    })
}

fn state(to: SocketAddr) -> String {
    let key = hex(&headrace_simnode::substrate::truth::SYSTEM_NUMBER);
    let call = format!(
        r#"{{"jsonrpc":"2.0","id":7,"method":"state_getStorage","params":["{key}",null]}}"#
    );
    ask(to, &call).unwrap()
}

fn write() -> (Hash, String) {
    static SENDER: AtomicU8 = AtomicU8::new(1);
    let secret = [SENDER.fetch_add(1, Ordering::Relaxed); 32];
    let options = ChainOptions { pace: Pace::Manual, ..ChainOptions::of(Family::Substrate) };
    let genesis = Chain::new(options).main_hash(0).unwrap();
    let checkpoint = Checkpoint { genesis, birth: genesis };
    let signed = extrinsic::sign(&secret, Fields::transfer(0, [2; 32], 9), checkpoint);
    let raw = hex(&signed.raw);
    let call = format!(
        r#"{{"jsonrpc":"2.0","id":7,"method":"author_submitExtrinsic","params":["{raw}"]}}"#
    );
    (signed.hash, call)
}

fn knows(to: SocketAddr, hash: &Hash) -> bool {
    let pending = result(to, "author_pendingExtrinsics", "[]");
    let pending: Vec<String> = serde_json::from_str(&pending).unwrap();
    let is = |raw: &String| extrinsic::hash_of(&unhex(raw).unwrap()) == *hash;
    let head = head(to);
    pending.iter().any(is)
        || (1_000.max(head - SEARCHED)..=head).any(|at| body(to, at).iter().any(is))
}

fn body(to: SocketAddr, at: u64) -> Vec<String> {
    let hash = result(to, "chain_getBlockHash", &format!("[{at}]"));
    let block = result(to, "chain_getBlock", &format!("[{hash}]"));
    let block: serde_json::Value = serde_json::from_str(&block).unwrap();
    serde_json::from_value(block["block"]["extrinsics"].clone()).unwrap()
}
