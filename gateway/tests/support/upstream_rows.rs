//! What nodes do wrong, and what clients see of it.

use std::path::PathBuf;

use headrace_gateway::gateway::Readiness;
use headrace_simnode::{
    Fault, Injected,
    hash::hex,
    tx::{self, Fields},
};

use crate::{
    answers::text,
    fleet::Lines,
    raw::{Seen, until},
    rows::{Row, call, error, post, version},
    stand_in::{METHOD, StandIn},
    system::System,
};

const INVALID: (u16, i64, &str) = (502, -32002, "upstream_invalid_response");

fn deadlines(one: &str, total: &str) -> Lines {
    let chain = format!(
        "deadlines = {{ connect = \"{one}\", attempt = \"{one}\", heavy = \"{one}\", total = \"{total}\" }}"
    );
    Lines { chain, ..Lines::default() }
}

fn only(fault: Fault, methods: &[&str]) -> Injected {
    Injected::from(fault).only(methods)
}

/// Seconds of `Retry-After`, written with a leading zero.
fn wait(seen: &Seen) -> Option<u32> {
    seen.header("retry-after")?.strip_prefix('0')?.parse().ok()
}

#[test]
fn with_every_node_gone_calls_are_refused_at_once() {
    // An answer at a deadline would come long after the test has lost patience.
    let system = System::start(&deadlines("1h", "1h"), 2);
    system.nodes.iter().for_each(|node| node.set(Fault::Die));
    let gone = |body: &str| {
        let (_, seen) = system.ask(&post(body));
        assert_eq!(seen.status, 503, "{seen:?}");
        assert_eq!(error(&seen), Some((-32002, "no_healthy_upstream".to_owned())));
        assert!(wait(&seen).is_some_and(|seconds| seconds >= 1), "{seen:?}");
    };
    gone(&version("[]"));
    gone(&version("[]"));
    gone(&call("eth_getBalance", r#"["0x0000000000000000000000000000000000000001","latest"]"#));
    gone(&call("eth_getBlockByNumber", r#"["0x1",false]"#));
    system.nodes.iter().for_each(|node| node.clear());
}

#[test]
fn what_is_no_reply_is_502_when_no_node_is_left() {
    let faults = [Fault::Html, Fault::Truncate, Fault::WrongId, Fault::Garbage, Fault::Empty];
    for fault in faults {
        let system = System::start(&Lines::default(), 2);
        for node in &system.nodes {
            node.set(only(fault.clone(), &["web3_clientVersion"]));
        }
        let (_, seen) = system.ask(&post(version("[]")));
        let (status, code, reason) = INVALID;
        assert_eq!(seen.status, status, "{fault:?}: {seen:?}");
        assert_eq!(error(&seen), Some((code, reason.to_owned())), "{fault:?}");
        assert!(!seen.body.contains('<'), "nothing of a page is passed on: {seen:?}");
    }
}

#[test]
fn a_reply_with_both_or_neither_of_result_and_error_is_none() {
    let stand_in = StandIn::default();
    let reply = std::sync::Arc::clone(&stand_in.reply);
    let start = move |control: &_, url| stand_in.start(control, url);
    let system = System::before(&Lines::default(), 1, start);
    let error = r#""error":{"code":-32000,"message":"x"}"#;
    for said in [
        format!(r#"{{"jsonrpc":"2.0","id":ID,"result":"0x1",{error}}}"#),
        r#"{"jsonrpc":"2.0","id":ID}"#.to_owned(),
        r#"{"jsonrpc":"2.0","id":null,"result":"0x1"}"#.to_owned(),
        r#"{"jsonrpc":"2.0","result":"0x1"}"#.to_owned(),
        r#"[{"jsonrpc":"2.0","id":ID,"result":"0x1"}]"#.to_owned(),
        r#"{"jsonrpc":"2.0","id":ID,"result":"0x1"}}"#.to_owned(),
        r#""0x1""#.to_owned(),
    ] {
        reply.lock().unwrap().clone_from(&said);
        let row = Row { calls: 0, ..Row::refused("no reply", post(call(METHOD, "[]")), INVALID) };
        row.check(&system);
    }
    *reply.lock().unwrap() = r#"{"jsonrpc":"2.0","id":ID,"result":"0x7"}"#.to_owned();
    let good = r#"{"jsonrpc":"2.0","id":1,"result":"0x7"}"#;
    assert_eq!(text(&system, &call(METHOD, "[]")), good, "the node still serves");
}

#[test]
fn a_reply_over_the_cap_is_refused_and_not_asked_for_again() {
    let lines = Lines { limits: "response = \"1KiB\"".to_owned(), ..Lines::default() };
    let system = System::start(&lines, 2);
    let before = system.calls();
    let block = call("eth_getBlockByNumber", r#"["0x3e8",true]"#);
    let (_, seen) = system.ask(&post(&block));
    assert_eq!(seen.status, 200, "{seen:?}");
    assert_eq!(error(&seen), Some((-32003, "response_too_large".to_owned())));
    assert_eq!(system.calls() - before, 1, "not asked for again");
    let listening = call("net_listening", "[]");
    let batch = vec![listening.as_str(); 40].join(",");
    let said = text(&system, &format!("[{batch}]"));
    let items: Vec<serde_json::Value> = serde_json::from_str(&said).unwrap();
    assert_eq!(items.len(), 40, "every item is answered");
    assert_eq!(items[0]["result"], true, "the first fit");
    assert_eq!(items[39]["error"]["data"]["reason"], "response_too_large");
    assert_eq!(items[39]["error"]["code"], -32003);
}

fn short() -> Lines {
    deadlines("200ms", "500ms")
}

#[test]
fn a_call_that_no_node_answers_in_time_is_504() {
    let system = System::start(&short(), 1);
    system.nodes[0].set(only(Fault::Hang, &["web3_clientVersion", "eth_call"]));
    let params = r#"[{"to":"0x0000000000000000000000000000000000000001"},"latest"]"#;
    for body in [version("[]"), call("eth_call", params)] {
        let (_, seen) = system.ask(&post(&body));
        assert_eq!(seen.status, 504, "{seen:?}");
        assert_eq!(error(&seen), Some((-32002, "deadline_exceeded".to_owned())));
    }
}

#[test]
fn an_item_that_times_out_leaves_the_others_alone() {
    let system = System::start(&short(), 1);
    system.nodes[0].set(only(Fault::Hang, &["web3_clientVersion"]));
    let chain = call("eth_chainId", "[]");
    let body = format!("[{chain},{},{chain}]", version("[]"));
    let (_, seen) = system.ask(&post(body));
    assert_eq!(seen.status, 200, "{seen:?}");
    let items: Vec<serde_json::Value> = serde_json::from_str(&seen.body).unwrap();
    assert_eq!(items[0]["result"], "0x539");
    assert_eq!(items[1]["error"]["code"], -32002);
    assert_eq!(items[1]["error"]["data"]["reason"], "deadline_exceeded");
    assert_eq!(items[2]["result"], "0x539");
}

#[test]
fn the_same_transaction_again_is_the_success_that_it_is() {
    let system = System::start(&Lines::default(), 2);
    let signed = tx::sign(&[5; 32], Fields::transfer(1337, 0, [3; 20], 9)).unwrap();
    let send = call("eth_sendRawTransaction", &format!(r#"["{}"]"#, hex(&signed.raw)));
    let hash = hex(&signed.hash);
    for _ in 0..3 {
        let said = text(&system, &send);
        assert_eq!(said, format!(r#"{{"jsonrpc":"2.0","id":1,"result":"{hash}"}}"#));
    }
}

/// A log of its own, removed at the end.
pub struct LogFile(pub PathBuf);

impl LogFile {
    pub fn new(name: &str) -> Self {
        let file = format!("headrace-{name}-{}.log", std::process::id());
        Self(std::env::temp_dir().join(file))
    }

    pub fn lines(&self) -> Lines {
        Lines { access: Some(self.0.display().to_string()), ..Lines::default() }
    }

    pub fn read(&self) -> String {
        std::fs::read_to_string(&self.0).unwrap_or_default()
    }
}

impl Drop for LogFile {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.0));
    }
}

#[test]
fn a_client_that_went_away_is_logged_and_its_node_let_go() {
    let log = LogFile::new("gone");
    let system = System::start(&log.lines(), 1);
    system.nodes[0].set(only(Fault::Hang, &["web3_clientVersion"]));
    let before = system.calls();
    let mut raw = system.connect();
    raw.send(&post(version("[]")));
    until("the node has the call", || system.calls() > before);
    drop(raw);
    until("the line is written", || {
        let text = log.read();
        let line = text.lines().find(|line| line.contains("client_gone"));
        line.is_some_and(|line| line.contains("\"http_status\":499"))
    });
}

#[test]
fn a_draining_gateway_is_not_ready_and_serves() {
    let system = System::start(&Lines::default(), 1);
    system.gateway.start_draining();
    assert_eq!(system.gateway.ready(None), Readiness::NotReady("draining"));
    let (_, seen) = system.ask(b"GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(seen.status, 503);
    Row::served("while draining", post(version("[]"))).check(&system);
}
