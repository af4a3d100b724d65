//! Bad requests, as rows: envelopes, batches, methods and blocks.

use crate::rows::{Row, call, post, version};

type How = (u16, i64, &'static str);

const INVALID: How = (400, -32600, "invalid_request");
const VERSION: How = (400, -32600, "version");
const ID: How = (400, -32600, "bad_id");
const METHOD: How = (400, -32600, "bad_method");
const SCALAR: How = (200, -32602, "scalar_params");
const NO_METHOD: How = (200, -32601, "method_not_found");
const SOCKET: How = (200, -32601, "needs_websocket");
const BLOCK: How = (200, -32602, "bad_block");
const LARGE: How = (413, -32600, "batch_too_large");

pub fn rows() -> Vec<Row> {
    [envelopes(), members(), batches(), methods(), blocks()].into_iter().flatten().collect()
}

fn refused(case: &'static str, bodies: &[&str], how: How) -> impl Iterator<Item = Row> {
    bodies
        .iter()
        .map(move |body| Row::refused(case, post(body), how))
        .collect::<Vec<_>>()
        .into_iter()
}

/// A good call with one part of it replaced.
fn but(part: &str, instead: &str) -> String {
    let good = version("[]");
    assert!(good.contains(part), "{part}");
    good.replace(part, instead)
}

fn envelopes() -> Vec<Row> {
    const FIRST: &str = r#""jsonrpc":"2.0","#;
    let mut rows: Vec<Row> = refused("scalar", &["1", r#""x""#, "null", "true"], INVALID).collect();
    rows.extend(refused("empty object", &["{}"], INVALID));
    for written in ["", r#""jsonrpc":"1.0","#, r#""jsonrpc":2.0,"#, r#""jsonrpc":"2.0 ","#] {
        rows.push(Row::refused("version", post(but(FIRST, written)), VERSION));
    }
    let long = format!("\"id\":\"{}\"", "a".repeat(63));
    let digits = format!("\"id\":{}", "1".repeat(65));
    for written in [r#""id":true"#, r#""id":false"#, r#""id":{}"#, r#""id":[]"#] {
        rows.push(Row::refused("id of another type", post(but(r#""id":1"#, written)), ID));
    }
    rows.push(Row::refused("id too long", post(but(r#""id":1"#, &long)), ID));
    rows.push(Row::refused("id too long", post(but(r#""id":1"#, &digits)), ID));
    rows.push(Row::served("id null", post(but(r#""id":1"#, r#""id":null"#))));
    rows.push(Row { status: 204, ..Row::served("notification", post(but(r#""id":1,"#, ""))) });
    let forbidden = call("admin_peers", "[]").replace(r#""id":1,"#, "");
    rows.push(Row { status: 204, calls: 0, ..Row::served("notification", post(forbidden)) });
    rows
}

fn members() -> Vec<Row> {
    let long = format!("\"{}\"", "a".repeat(129));
    let mut rows = Vec::new();
    for name in ["1", "null", r#""""#, "[]", &long] {
        rows.push(Row::refused("no name", post(but(r#""web3_clientVersion""#, name)), METHOD));
    }
    let missing = but(r#""method":"web3_clientVersion","#, "");
    rows.push(Row::refused("no name", post(missing), METHOD));
    for params in ["1", r#""x""#, "true", "-0"] {
        rows.push(Row::refused("scalar params", post(version(params)), SCALAR));
    }
    rows.push(Row::served("params null", post(version("null"))));
    let responses = [
        r#"{"jsonrpc":"2.0","id":1,"result":1}"#,
        r#"{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"x"}}"#,
    ];
    rows.extend(refused("a response", &responses, INVALID));
    let both = r#""id":1,"result":1"#;
    rows.push(Row::refused("a response", post(but(r#""id":1"#, both)), INVALID));
    rows
}

/// Whole batches that are refused; what becomes of single items is tested by text.
fn batches() -> Vec<Row> {
    let hundred_and_one = format!("[{}]", vec![version("[]"); 101].join(","));
    let many = format!("[{}1]", "1,".repeat(279_999));
    let unclosed = format!("[{}", "1,".repeat(101));
    let notifications = format!("[{0},{0}]", but(r#""id":1,"#, ""));
    let mut rows: Vec<Row> =
        refused("empty batch", &["[]", " [ ] "], (400, -32600, "empty_batch")).collect();
    rows.extend(refused("batch too large", &[&hundred_and_one, &many, &unclosed], LARGE));
    let hundred = format!("[{}]", vec![version("[]"); 100].join(","));
    rows.push(Row { calls: 100, ..Row::served("batch as large as allowed", post(hundred)) });
    rows.push(Row { status: 204, calls: 2, ..Row::served("notifications", post(notifications)) });
    rows
}

fn methods() -> Vec<Row> {
    let refuse = [
        "admin_peers",
        "admin_addPeer",
        "personal_unlockAccount",
        "miner_start",
        "engine_newPayloadV4",
        "debug_setHead",
        "eth_sign",
        "eth_signTransaction",
        "eth_sendTransaction",
        "txpool_content",
    ];
    let named = |case, name: &&str, how| Row::refused(case, post(call(name, "[]")), how);
    let subscribe = ["eth_subscribe", "eth_unsubscribe"];
    let unknown = ["eth_nothing", "nothing", "a", "constructor", "__proto__", "../eth_call"];
    let mut rows: Vec<Row> =
        subscribe.iter().map(|name| named("subscription over HTTP", name, SOCKET)).collect();
    rows.extend(unknown.iter().map(|name| named("unknown method", name, NO_METHOD)));
    rows.extend(refuse.iter().map(|name| named("refused method", name, NO_METHOD)));
    rows
}

fn blocks() -> Vec<Row> {
    let bad = [
        r#""0x""#,
        r#""0x01""#,
        "12",
        r#""12""#,
        r#""LATEST""#,
        r#"" latest""#,
        r#""0x10000000000000000""#,
        r#""-0x1""#,
        "-1",
        r#""0xg""#,
        r#""""#,
        "true",
        "[]",
    ];
    let balance = |block: &&str| {
        let params = format!(r#"["0x0000000000000000000000000000000000000001",{block}]"#);
        Row::refused("no block reference", post(call("eth_getBalance", &params)), BLOCK)
    };
    let block = |block: &&str| {
        let params = format!("[{block},false]");
        Row::refused("no block reference", post(call("eth_getBlockByNumber", &params)), BLOCK)
    };
    bad.iter().map(balance).chain(bad.iter().map(block)).collect()
}
