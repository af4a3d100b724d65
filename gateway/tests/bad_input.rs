//! Bad inputs over real sockets, against a whole gateway before simulated nodes: bytes in;
//! status, code, reason, connection and the calls that reach a node out. Rows that need a
//! fault of a node, exact texts or a config of their own have a test each.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]

#[path = "support/answers.rs"]
mod answers;
#[path = "support/control.rs"]
mod control;
#[path = "support/differential/mod.rs"]
mod differential;
#[path = "support/fleet.rs"]
mod fleet;
#[path = "support/limits.rs"]
mod limits;
#[path = "support/raw.rs"]
mod raw;
#[path = "support/rows.rs"]
mod rows;
#[path = "support/rows_calls.rs"]
mod rows_calls;
#[path = "support/rows_http.rs"]
mod rows_http;
#[path = "support/rows_json.rs"]
mod rows_json;
#[path = "support/secrets.rs"]
mod secrets;
#[path = "support/stand_in.rs"]
mod stand_in;
#[path = "support/system.rs"]
mod system;
#[path = "support/upstream_rows.rs"]
mod upstream_rows;

use fleet::Lines;
use rows::{Row, call, post, post_with, version};
use system::System;

fn check_all(rows: &[Row], atleast: usize) {
    assert!(rows.len() >= atleast, "{} rows", rows.len());
    let system = System::start(&Lines::default(), 1);
    let faults: Vec<String> = rows.iter().flat_map(|row| row.faults(&system)).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_bad_head_has_its_answer() {
    check_all(&rows_http::rows(), 120);
}

#[test]
fn every_bad_text_has_its_answer() {
    check_all(&rows_json::rows(), 60);
}

#[test]
fn every_bad_call_has_its_answer() {
    check_all(&rows_calls::rows(), 70);
}

#[test]
fn hosts_outside_the_list_are_misdirected() {
    let lines = Lines { server: "hosts = [\"rpc.example\"]".to_owned(), ..Lines::default() };
    let system = System::start(&lines, 1);
    let to = |host: &str| {
        let text = String::from_utf8(post(version("[]"))).unwrap();
        text.replace("Host: a\r\n", &format!("Host: {host}\r\n"))
    };
    let other = (421, -32600, "misdirected");
    for row in [
        Row::refused("host of another", to("other.example"), other),
        Row::refused("host of another", to("EVIL.example"), other),
        Row::refused("host of another", to("127.0.0.1"), other),
        Row::refused("host of another", to("rpc.example.evil.example"), other),
        Row::served("host of the list", to("RPC.Example:8545")),
        Row::served("host of the list", to("rpc.example.")),
    ] {
        row.check(&system);
    }
}

#[test]
fn pages_of_other_origins_are_served_without_leave_to_read() {
    let only = "cors = [\"https://x.example\"]".to_owned();
    let system = System::start(&Lines { chain: only, ..Lines::default() }, 1);
    let asked = |origin: &str| {
        let text = post_with(&format!("Origin: {origin}\r\n"), version("[]").as_bytes());
        system.ask(&text).1
    };
    let leave = "access-control-allow-origin";
    assert_eq!(asked("https://x.example").header(leave), Some("https://x.example"));
    let other = asked("https://y.example");
    assert_eq!((other.status, other.header(leave)), (200, None), "served, not to be read");
    let first = "OPTIONS /eth HTTP/1.1\r\nHost: a\r\nOrigin: https://y.example\r\n\
                 Access-Control-Request-Method: POST\r\n\r\n";
    let (_, seen) = system.ask(first.as_bytes());
    assert_eq!((seen.status, seen.header(leave)), (204, None), "no leave to ask");
    assert_eq!(seen.header("access-control-allow-methods"), None);
}

#[test]
fn refusals_say_how_to_do_better() {
    let system = System::start(&Lines::default(), 1);
    let told = |request: &[u8], name: &str| {
        system.ask(request).1.header(name).map(str::to_owned).unwrap_or_default()
    };
    for method in ["FOO", "PUT", "TRACE"] {
        let request = format!("{method} /eth HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(told(request.as_bytes(), "allow"), "GET, POST, OPTIONS", "{method}");
    }
    let zipped = post_with("Content-Encoding: br\r\n", b"x");
    assert_eq!(told(&zipped, "accept-encoding"), "identity");
    let keyed = b"POST /eth/abc HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(told(keyed, "www-authenticate"), "Bearer");
    assert_eq!(told(&post("{"), "cache-control"), "no-store");
}

#[test]
fn unknown_and_refused_methods_get_the_same_bytes() {
    let system = System::start(&Lines::default(), 1);
    let said = |name: &str| answers::text(&system, &call(name, "[]"));
    let unknown = said("eth_nothing");
    for name in ["admin_peers", "personal_sign", "debug_setHead", "eth_sign", "ETH_CALL"] {
        assert_eq!(said(name), unknown, "{name}");
    }
    assert!(!unknown.contains("nothing"), "a name is not repeated: {unknown}");
}
