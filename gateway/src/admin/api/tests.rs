use std::path::Path;

use bytes::Bytes;
use serde_json::Value;

use super::*;
use crate::{
    access::AccessLog,
    clock::Clock,
    config::Config,
    topology::{Current, Topology},
};

const CONFIG: &str = r#"
[[chains]]
name = "one"
family = "ethereum"
identity = 1

[[chains.pools]]
zone = "a"
nodes = [{ name = "a1", http = "http://127.0.0.1:1" }]
"#;

fn gateway() -> Gateway {
    let loaded = Config::parse(CONFIG, Path::new("test.toml"), &|_| None).unwrap();
    let topology = Topology::build(Arc::new(loaded.config), None).unwrap();
    Gateway::new(Arc::new(Current::new(topology)), Clock::manual(), AccessLog::off())
}

/// Status and JSON of an answer; 404 for a call that is not known.
fn call(gateway: &Gateway, method: Method, path: &str, body: &str) -> (u16, Value) {
    let body = Bytes::copy_from_slice(body.as_bytes());
    let request = ApiRequest { method, path: path.to_owned(), query: None, body };
    match answer(gateway, &request) {
        None => (404, Value::Null),
        Some(answer) => (answer.status.as_u16(), serde_json::from_str(&answer.json).expect("JSON")),
    }
}

#[test]
fn a_node_is_drained_and_taken_back_by_its_name() {
    let gateway = gateway();
    let states = || {
        let status: Value = serde_json::from_str(&status::json(&gateway)).unwrap();
        status["chains"][0]["nodes"][0]["states"].clone()
    };
    let post = |path: &str| call(&gateway, Method::POST, path, "").0;
    assert_eq!(post("/api/v1/nodes/a1/drain"), 200);
    assert_eq!(states(), json!(["unverified", "drained"]));
    assert_eq!(post("/api/v1/nodes/a1/undrain"), 200);
    assert_eq!(states(), json!(["unverified"]));
    assert_eq!(post("/api/v1/nodes/b7/drain"), 404);
}

#[test]
fn only_known_calls_are_answered_and_only_by_post() {
    let gateway = gateway();
    let status = |method, path: &str| call(&gateway, method, path, "").0;
    assert_eq!(status(Method::GET, "/api/v1/nodes/a1/drain"), 405);
    assert_eq!(status(Method::GET, "/api/v1/explain"), 405);
    assert_eq!(status(Method::POST, "/api/v1/nodes/a1/ban"), 404);
    assert_eq!(status(Method::POST, "/api/v2/explain"), 404);
}

#[test]
fn explain_answers_in_json_and_on_request_in_words() {
    let gateway = gateway();
    let explain = |body: Value| call(&gateway, Method::POST, "/api/v1/explain", &body.to_string());
    let gas = r#"{"jsonrpc":"2.0","id":1,"method":"eth_gasPrice","params":[]}"#;
    let (code, told) = explain(json!({ "chain": "one", "call": gas, "text": true }));
    assert_eq!((code, &told["nodes"][0]["reason"]), (200, &json!("behind")));
    assert!(told["text"].as_str().is_some_and(|text| text.contains("no node can serve it")));
    assert_eq!(explain(json!({ "call": gas })).1["text"], Value::Null);
    for (wrong, word) in [
        (json!({ "chain": "two", "call": gas }), "one of one"),
        (json!({ "chain": "one", "call": "{" }), "parse_error"),
        (json!({ "chain": "one", "zone": "z", "call": gas }), "no zone z"),
        (json!({ "chain": "one" }), "the body"),
    ] {
        let (code, told) = explain(wrong);
        assert_eq!(code, 400, "{told}");
        assert!(told["error"].as_str().is_some_and(|error| error.contains(word)), "{told}");
    }
}
