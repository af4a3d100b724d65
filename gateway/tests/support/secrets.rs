//! No secret is shown: keys in nodes' URLs and headers, and in what clients send,
//! are looked for wherever the gateway writes.

use headrace_simnode::{Fault, Injected};

use crate::{
    raw::until,
    rows::{call, post, post_with, version},
    system::System,
    upstream_rows::LogFile,
};

const PATH: &str = "canarypath7d1";
const QUERY: &str = "canaryquery7d1";
const HEADER: &str = "canaryheader7d1";
const CLIENT: &str = "canaryclient7d1";
const SECRETS: [&str; 4] = [PATH, QUERY, HEADER, CLIENT];

fn clean(place: &str, text: &str) {
    for secret in SECRETS {
        assert!(!text.to_lowercase().contains(secret), "{place} shows {secret}: {text}");
    }
}

/// Requests that carry a key where keys have been seen.
fn requests() -> Vec<Vec<u8>> {
    let to = |path: &str| {
        let text = String::from_utf8(post(version("[]"))).unwrap();
        text.replace("/eth", path).into_bytes()
    };
    vec![
        post(version("[]")),
        to(&format!("/eth/{CLIENT}")),
        to(&format!("/{CLIENT}")),
        to(&format!("/eth?apikey={CLIENT}")),
        to(&format!("/eth?x={CLIENT}")),
        to(&format!("/eth/{CLIENT}%00")),
        post_with(&format!("X-Api-Key: {CLIENT}\r\n"), version("[]").as_bytes()),
        post_with(&format!("Authorization: Bearer {CLIENT}\r\n"), version("[]").as_bytes()),
        post_with(&format!("X-Request-Id: {CLIENT}\r\n"), version("[]").as_bytes()),
        post_with(&format!("Content-Encoding: {CLIENT}\r\n"), version("[]").as_bytes()),
        post(call(CLIENT, "[]")),
        post(call("eth_getBalance", &format!(r#"["{CLIENT}","{CLIENT}"]"#))),
        post(format!(r#"{{"jsonrpc":"2.0","id":1,"method":"a","{CLIENT}":"{CLIENT}""#)),
        post(format!(r#"[{{"{CLIENT}":1}},"{CLIENT}"]"#)),
    ]
}

#[test]
fn no_secret_is_shown_anywhere() {
    let log = LogFile::new("secrets");
    let mut lines = log.lines();
    lines.path = format!("/v3/{PATH}?key={QUERY}");
    lines.node = format!(", headers = {{ authorization = \"Bearer {HEADER}\" }}");
    lines.server = "expose = true".to_owned();
    let system = System::start(&lines, 1);
    let node = &system.nodes[0];
    let mut sent = 0;
    let faults = [None, Some(Fault::Html), Some(Fault::Status { status: 403, retry_after: None })];
    for fault in faults.into_iter().chain([Some(Fault::Die)]) {
        node.clear();
        match fault {
            Some(Fault::Die) => node.set(Fault::Die),
            Some(fault) => node.set(Injected::from(fault).only(&["web3_clientVersion"])),
            None => {}
        }
        for request in requests() {
            let (_, seen) = system.ask(&request);
            assert_ne!(seen.status, 0, "{}", String::from_utf8_lossy(&request));
            clean("an answer's head", &seen.head);
            clean("an answer", &seen.body);
            sent += 1;
        }
    }
    until("the log has a line for each", || log.read().lines().count() >= sent);
    clean("the access log", &log.read());
    clean("/metrics", &system.page("/metrics"));
    clean("the status", &system.page("/api/v1/status"));
    clean("debug text", &format!("{:?}", system.gateway));
}
