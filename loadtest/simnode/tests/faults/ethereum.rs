//! Asking Ethereum nodes.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU8, Ordering};

use headrace_simnode::hash::{Hash, hex};
use headrace_simnode::{Family, tx};

use super::{Shown, Ways};
use crate::wire::{ask, member, result};

pub const FAMILY: Ways = Ways {
    family: Family::Ethereum,
    path: "/",
    head_call: r#"{"jsonrpc":"2.0","id":7,"method":"eth_blockNumber","params":[]}"#,
    head_method: "eth_blockNumber",
    identity: (r#"{"jsonrpc":"2.0","id":7,"method":"eth_chainId","params":[]}"#, "\"0x539\""),
    other_identity: "\"0x63\"",
    head,
    block,
    by_hash,
    state,
    lost: "missing trie node",
    write,
    knows,
    failed: 200,
};

fn head(to: SocketAddr) -> u64 {
    number(result(to, "eth_blockNumber", "[]").trim_matches('"'))
}

fn number(text: &str) -> u64 {
    u64::from_str_radix(text.trim_start_matches("0x"), 16).unwrap()
}

fn block(to: SocketAddr, at: Option<u64>) -> Option<Shown> {
    let at = at.map_or("latest".to_owned(), |number| format!("{number:#x}"));
    shown(&result(to, "eth_getBlockByNumber", &format!(r#"["{at}",false]"#)))
}

fn by_hash(to: SocketAddr, hash: &str) -> Option<Shown> {
    shown(&result(to, "eth_getBlockByHash", &format!(r#"["{hash}",false]"#)))
}

fn shown(text: &str) -> Option<Shown> {
    (text != "null").then(|| Shown {
        number: number(&member(text, "number")),
        hash: member(text, "hash"),
        parent: member(text, "parentHash"),
    })
}

fn state(to: SocketAddr) -> String {
    let who = hex(&[1; 20]);
    let call = format!(
        r#"{{"jsonrpc":"2.0","id":7,"method":"eth_getBalance","params":["{who}","latest"]}}"#
    );
    ask(to, &call).unwrap()
}

fn write() -> (Hash, String) {
    static SENDER: AtomicU8 = AtomicU8::new(1);
    let secret = [SENDER.fetch_add(1, Ordering::Relaxed); 32];
    let signed = tx::sign(&secret, tx::Fields::transfer(1337, 0, [2; 20], 9)).unwrap();
    let raw = hex(&signed.raw);
    let call = format!(
        r#"{{"jsonrpc":"2.0","id":7,"method":"eth_sendRawTransaction","params":["{raw}"]}}"#
    );
    (signed.hash, call)
}

fn knows(to: SocketAddr, hash: &Hash) -> bool {
    result(to, "eth_getTransactionByHash", &format!(r#"["{}"]"#, hex(hash))) != "null"
}
