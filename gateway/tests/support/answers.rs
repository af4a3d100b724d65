//! Answers as texts: ids byte for byte, batches in order, results and errors whole.

use std::sync::Arc;

use headrace_simnode::{Fault, Injected};

use crate::{
    fleet::Lines,
    rows::{call, post, version},
    stand_in::{METHOD, StandIn},
    system::System,
};

/// The body of the answer, with a dash for the request's own id.
pub fn text(system: &System, body: &str) -> String {
    let (_, seen) = system.ask(&post(body));
    match seen.header("x-request-id") {
        Some(id) => seen.body.replace(id, "-"),
        None => seen.body,
    }
}

const CHAIN: &str = r#""method":"eth_chainId""#;

/// An error object as the gateway writes it.
fn error(code: i64, message: &str, reason: &str) -> String {
    format!(
        r#"{{"code":{code},"message":"{message}","data":{{"reason":"{reason}","origin":"gateway","request_id":"-","retryable":false}}}}"#
    )
}

#[test]
fn ids_come_back_byte_for_byte() {
    let system = System::start(&Lines::default(), 1);
    let longest = format!("\"{}\"", "a".repeat(62));
    let ids = [
        "1",
        "1.0",
        "-0",
        "1e2",
        "1E+2",
        "0.10",
        "123456789012345678901234567890",
        "-123456789012345678901234567890",
        "null",
        r#""""#,
        r#""abc""#,
        r#""\u0061\n\"\\\/""#,
        r#""\ud83d\ude00""#,
        "\"\u{1f600}\u{e9}\"",
        "\"\u{7f}\"",
        &longest,
    ];
    for id in ids {
        let ours = text(&system, &format!(r#"{{"jsonrpc":"2.0","id":{id},{CHAIN}}}"#));
        assert_eq!(ours, format!(r#"{{"jsonrpc":"2.0","id":{id},"result":"0x539"}}"#));
        let node = text(&system, &version("[]").replace(r#""id":1"#, &format!("\"id\":{id}")));
        assert!(node.starts_with(&format!(r#"{{"jsonrpc":"2.0","id":{id},"result":"#)), "{node}");
        let refused = text(&system, &call("a", "[]").replace(r#""id":1"#, &format!("\"id\":{id}")));
        let error = error(-32601, "Method not found", "method_not_found");
        assert_eq!(refused, format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{error}}}"#));
    }
}

#[test]
fn what_cannot_be_told_apart_is_answered_under_a_null_id() {
    let system = System::start(&Lines::default(), 1);
    for body in ["{", "1", "{}", r#"{"jsonrpc":"2.0","id":{},"method":"a"}"#] {
        let said = text(&system, body);
        assert!(said.starts_with(r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32"#), "{said}");
    }
    let long = format!(r#"{{"jsonrpc":"2.0","id":"{}",{CHAIN}}}"#, "a".repeat(63));
    let said = text(&system, &long);
    assert!(said.starts_with(r#"{"jsonrpc":"2.0","id":null,"#), "{said}");
}

#[test]
fn a_batch_is_answered_in_its_order_and_notifications_are_not() {
    let system = System::start(&Lines::default(), 1);
    let invalid = error(-32600, "Invalid request", "invalid_request");
    let nothing = format!(r#"{{"jsonrpc":"2.0","id":null,"error":{invalid}}}"#);
    assert_eq!(text(&system, "[1,2,3]"), format!("[{nothing},{nothing},{nothing}]"));
    let chain = |id: &str| format!(r#"{{"jsonrpc":"2.0","id":{id},{CHAIN}}}"#);
    let told = |id: &str| format!(r#"{{"jsonrpc":"2.0","id":{id},"result":"0x539"}}"#);
    let quiet = format!(r#"{{"jsonrpc":"2.0",{CHAIN}}}"#);
    let unknown = error(-32601, "Method not found", "method_not_found");
    let refused = format!(r#"{{"jsonrpc":"2.0","id":1,"error":{unknown}}}"#);
    let (one, same, last) = (chain("7"), chain("7"), chain(r#""z""#));
    let batch = format!("[{one},[[1]],{quiet},{},{same},{last}]", call("admin_peers", "[]"));
    let expected = format!("[{},{nothing},{refused},{},{}]", told("7"), told("7"), told(r#""z""#));
    assert_eq!(text(&system, &batch), expected, "each by itself, equal ids too");
    let (_, seen) = system.ask(&post(format!("[{quiet},{quiet}]")));
    assert_eq!((seen.status, seen.body.as_str()), (204, ""), "only notifications");
    let large = format!("[{}]", vec![chain(r#""first""#); 101].join(","));
    let said = text(&system, &large);
    assert!(said.starts_with(r#"[{"jsonrpc":"2.0","id":"first","error""#), "{said}");
    assert_eq!(said.matches("jsonrpc").count(), 1, "{said}");
}

/// The first item is answered last by its node.
#[test]
fn a_slow_item_does_not_change_the_order() {
    let system = System::start(&Lines::default(), 1);
    let slow = Fault::Slow { factor: 1.0, extra_ms: 100 };
    system.nodes[0].set(Injected::from(slow).only(&["web3_clientVersion"]));
    let ids: Vec<String> = (1..=20).map(|id| format!("\"id\":{id},")).collect();
    let item = |(at, id): (usize, &String)| {
        let method = if at % 7 == 0 { "web3_clientVersion" } else { "net_listening" };
        call(method, "[]").replace(r#""id":1,"#, id)
    };
    let items: Vec<String> = ids.iter().enumerate().map(item).collect();
    let said = text(&system, &format!("[{}]", items.join(",")));
    let places: Vec<Option<usize>> = ids.iter().map(|id| said.find(id.as_str())).collect();
    assert!(places.iter().all(Option::is_some), "{said}");
    assert!(places.is_sorted(), "{said}");
}

#[test]
fn the_future_is_null_and_no_node_is_asked() {
    let system = System::start(&Lines::default(), 1);
    let before = system.calls();
    let said = text(&system, &call("eth_getBlockByNumber", r#"["0x7ffffff",false]"#));
    assert_eq!(said, r#"{"jsonrpc":"2.0","id":1,"result":null}"#);
    assert_eq!(system.calls(), before);
}

#[test]
fn nodes_get_the_four_members_and_the_params_as_written() {
    let stand_in = StandIn::default();
    *stand_in.reply.lock().unwrap() = r#"{"jsonrpc":"2.0","id":ID,"result":1}"#.to_owned();
    let heard = Arc::clone(&stand_in.heard);
    let start = move |control: &_, url| stand_in.start(control, url);
    let system = System::before(&Lines::default(), 1, start);
    let params = "[ 1e400,-0,1e-400, 1.10 ,\"\\u0061\\/\",{\"b\":1,\"a\":2} ]";
    let extra = r#""extra":{"x":1},"__proto__":2,"#;
    let body = call(METHOD, params).replacen('{', &format!("{{{extra}"), 1);
    let said = text(&system, &body.replace("gasPrice", "gas\\u0050rice"));
    assert_eq!(said, r#"{"jsonrpc":"2.0","id":1,"result":1}"#);
    let heard = heard.lock().unwrap().clone();
    let [call] = &heard[..] else { panic!("{heard:?}") };
    let start = r#"{"jsonrpc":"2.0","id":"#;
    let end = format!(r#","method":"{METHOD}","params":{params}}}"#);
    let id = call.strip_prefix(start).and_then(|rest| rest.strip_suffix(end.as_str()));
    let id = id.unwrap_or_else(|| panic!("{call}"));
    assert!(id.bytes().all(|byte| byte.is_ascii_digit()), "{call}");
}
