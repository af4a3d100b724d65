//! The data port over real sockets: bytes in, status, code and connection out; and what a
//! connection goes through to its end.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]

#[path = "support/control.rs"]
mod control;
#[path = "support/edge_frames.rs"]
mod edge_frames;
#[path = "support/edge_h2.rs"]
mod edge_h2;
#[path = "support/edge_lives.rs"]
mod edge_lives;
#[path = "support/edge_server.rs"]
mod edge_server;
#[path = "support/fleet.rs"]
mod fleet;
#[path = "support/raw.rs"]
mod raw;

use bytes::Bytes;
use http::Request;
use http_body_util::Full;

use edge_h2::H2;
use edge_server::{Running, Setup, until_count};
use fleet::Lines;
use raw::{Seen, until};

/// A request that is always answered.
const GET: &[u8] = b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n";
/// A call that the node answers.
const CALL: &str = r#"{"jsonrpc":"2.0","id":1,"method":"web3_clientVersion"}"#;

fn post(fields: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "POST /eth HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\n{fields}\r\n{body}"
    )
}

fn code(seen: &Seen) -> Option<i64> {
    let body: serde_json::Value = serde_json::from_str(&seen.body).ok()?;
    body["error"]["code"].as_i64()
}

/// A row: what is sent, the status, the code, whether the connection goes on.
type Row<'a> = (&'a str, &'a str, u16, Option<i64>, bool);

fn check(server: &Running, (name, request, status, expected, kept): Row<'_>) {
    let (mut raw, seen) = server.ask(request.as_bytes());
    assert_eq!(seen.status, status, "{name}: {seen:?}");
    assert_eq!(code(&seen), expected, "{name}: {seen:?}");
    if expected.is_some() {
        assert_eq!(seen.header("content-type"), Some("application/json"), "{name}");
        assert_eq!(seen.header("cache-control"), Some("no-store"), "{name}");
        assert_eq!(seen.header("x-request-id").map(str::len), Some(32), "{name}");
    }
    if kept {
        raw.send(GET);
        assert_eq!(raw.read().status, 200, "{name}: the connection goes on");
    } else {
        assert!(raw.is_closed(), "{name}: the connection ends");
    }
}

const BAD: Option<i64> = Some(-32600);

#[test]
fn methods_and_targets_have_their_answers() {
    let server = Setup::default().start();
    let at = |line: &str| format!("{line} HTTP/1.1\r\nHost: a\r\n\r\n");
    let rows = [
        ("unknown method", at("FOO /eth"), 501, BAD, true),
        ("lower case", at("post /eth"), 501, BAD, true),
        ("CONNECT", at("CONNECT a:443"), 405, BAD, false),
        ("TRACE", at("TRACE /eth"), 405, BAD, true),
        ("PUT", at("PUT /eth"), 405, BAD, true),
        ("GET on a chain", at("GET /eth"), 200, None, true),
        ("HEAD on a chain", at("HEAD /eth/"), 200, None, true),
        ("GET on the root", at("GET /"), 200, None, true),
        ("unknown path", at("GET /nothing"), 404, BAD, true),
        ("key in the path", at("GET /eth/0123456789abcdef"), 401, BAD, true),
        ("key in the query", at("GET /eth?apikey=abc"), 401, BAD, true),
        ("empty segment", at("GET //eth"), 404, BAD, true),
        ("dots", at("GET /%2e%2e/eth"), 404, BAD, true),
        ("parameter", at("GET /eth;x=1"), 404, BAD, true),
        ("NUL", at("GET /eth%00"), 404, BAD, true),
        ("trailing dot", at("GET /eth."), 404, BAD, true),
        ("path of the admin port", at("GET /metrics"), 404, BAD, true),
        ("target beyond ASCII", at("GET /\u{e9}th"), 400, BAD, false),
        ("long target", at(&format!("GET /{}", "a".repeat(9000))), 414, BAD, false),
    ];
    for (name, request, status, code, kept) in &rows {
        check(&server, (name, request, *status, *code, *kept));
    }
}

#[test]
fn heads_that_can_be_read_twice_are_refused() {
    let server = Setup::default().start();
    let with = |fields: &str| post(fields, "{}");
    let call = |fields: &str| post(fields, CALL);
    let many: String = (0..65).map(|n| format!("X-{n}: 1\r\n")).collect();
    let chunked = |coding: &str| {
        format!(
            "POST /eth HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n\
             Transfer-Encoding: {coding}\r\n\r\n{:x}\r\n{CALL}\r\n0\r\n\r\n",
            CALL.len()
        )
    };
    let rows = [
        ("padded length", with("").replace("Length: 2", "Length: 02"), 400, BAD, false),
        ("no Host", "GET /eth HTTP/1.1\r\n\r\n".into(), 400, BAD, false),
        ("two Hosts", with("Host: a\r\n"), 400, BAD, false),
        ("list of Hosts", with("").replace("Host: a", "Host: a, b"), 400, BAD, false),
        ("another's target", with("").replace("POST /eth", "POST http://b/eth"), 400, BAD, false),
        ("unknown coding", chunked("gzip, chunked"), 501, BAD, false),
        ("chunked twice", chunked("chunked\r\nTransfer-Encoding: chunked"), 400, BAD, false),
        ("chunked alone", chunked("chunked"), 200, None, true),
        ("GET with a body", with("").replace("POST", "GET"), 400, BAD, false),
        ("OPTIONS with a body", with("").replace("POST", "OPTIONS"), 400, BAD, false),
        ("upgrade not taken", call("Connection: upgrade\r\nUpgrade: h2c\r\n"), 200, None, true),
        ("POST as a WebSocket", with("Upgrade: websocket\r\n"), 400, BAD, true),
        ("underscore for a dash", with("Content_Length: 5\r\n"), 400, BAD, false),
        ("too many fields", with(&many), 431, BAD, false),
        ("an old version", "GET /livez HTTP/1.0\r\n\r\n".into(), 200, None, false),
    ];
    for (name, request, status, code, kept) in &rows {
        check(&server, (name, request, *status, *code, *kept));
    }
}

#[test]
fn what_came_before_a_refused_head_is_answered_first_and_nothing_after_it() {
    let server = Setup::default().start();
    let bad = "GET / HTTP/1.1\nHost: a\r\n\r\n";
    let call = post("", CALL);
    let (mut raw, first) = server.ask(format!("{call}{call}{bad}{call}").as_bytes());
    assert_eq!(first.status, 200);
    assert_eq!(raw.read().status, 200);
    let refused = raw.read();
    assert_eq!((refused.status, code(&refused)), (400, BAD));
    assert_eq!(refused.header("connection"), Some("close"));
    assert!(raw.is_closed());
}

#[test]
fn a_head_may_come_in_any_pieces() {
    let server = Setup::default().start();
    let mut raw = server.connect();
    let call = post("", CALL);
    for pieces in [1, 7, 50] {
        for piece in call.repeat(3).as_bytes().chunks(pieces) {
            raw.send(piece);
        }
        (0..3).for_each(|_| assert_eq!(raw.read().status, 200, "{pieces}"));
    }
    for byte in b"GET / HTTP/1.1\r\nHost : a\r\n" {
        raw.send(&[*byte]);
    }
    assert_eq!(raw.read().status, 400);
}

#[test]
fn a_refused_head_gets_its_answer_from_a_client_that_sends_no_more() {
    let server = Setup::default().start();
    let mut raw = server.connect();
    raw.send(b"HEAD / HTTP/1.1\nHost: a\r\n\r\n");
    raw.stream.shutdown(std::net::Shutdown::Write).unwrap();
    let seen = raw.read();
    assert_eq!((seen.status, seen.header("x-request-id").is_some()), (400, true), "{seen:?}");
}

#[test]
fn texts_that_we_do_not_read_are_refused() {
    let server = Setup::default().start();
    let json = "Content-Type: application/json";
    let with = |fields: &str| post(fields, "{}");
    let rows = [
        ("a call", post("", CALL), 200, None, true),
        ("unknown expectation", with("Expect: bread\r\n"), 417, BAD, false),
        ("plain text", with("").replace(json, "Content-Type: text/plain"), 415, BAD, true),
        ("no type", with("").replace(json, "X-A: b"), 415, BAD, true),
        ("UTF-16", with("").replace(json, &format!("{json}; charset=utf-16")), 415, BAD, true),
        ("compressed", with("Content-Encoding: gzip\r\n"), 415, BAD, true),
        ("length over the limit", with("").replace("Length: 2", "Length: 9999"), 413, BAD, false),
        ("no text", post("", ""), 400, Some(-32700), true),
    ];
    for (name, request, status, code, kept) in &rows {
        check(&server, (name, request, *status, *code, *kept));
    }
    let (_, seen) = server.ask(with("Content-Encoding: br\r\n").as_bytes());
    assert_eq!(seen.header("accept-encoding"), Some("identity"));
    let (_, seen) = server.ask(b"GET /eth/secretsecretsecret HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(seen.header("www-authenticate"), Some("Bearer"));
    let (_, seen) = server.ask(b"DELETE /eth HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(seen.header("allow"), Some("GET, POST, OPTIONS"));
}

#[test]
fn a_chunked_body_keeps_its_framing_and_the_limit() {
    let server = Setup { body: 8, ..Setup::default() }.start();
    let chunks = |text: &str| {
        format!(
            "POST /eth HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n\
             Transfer-Encoding: chunked\r\n\r\n{text}"
        )
    };
    check(&server, ("over the limit", &chunks("9\r\n123456789\r\n"), 413, BAD, false));
    check(&server, ("chunk of no size", &chunks("zz\r\n{}\r\n0\r\n\r\n"), 400, BAD, false));
    check(&server, ("chunk without an end", &chunks("2\r\n{}XX0\r\n\r\n"), 400, BAD, false));
}

#[test]
fn an_expectation_is_met_only_for_a_body_that_will_be_read() {
    let server = Setup::default().start();
    let head = |length: u64| {
        post("Expect: 100-continue\r\n", "").replace("Length: 0", &format!("Length: {length}"))
    };
    check(&server, ("too long to expect", &head(10_000_000_000), 413, BAD, false));
    let (mut raw, seen) = server.ask(head(CALL.len() as u64).as_bytes());
    assert_eq!(seen.status, 100);
    raw.send(CALL.as_bytes());
    assert_eq!(raw.read().status, 200);
}

#[test]
fn all_bodies_in_flight_share_one_bound() {
    let server = Setup { bodies: 100, ..Setup::default() }.start();
    let held = post("Expect: 100-continue\r\n", "").replace("Length: 0", "Length: 80");
    let (holding, seen) = server.ask(held.as_bytes());
    assert_eq!(seen.status, 100, "80 bytes are held");
    let (_, seen) = server.ask(post("", &"1".repeat(30)).as_bytes());
    assert_eq!((seen.status, code(&seen)), (503, Some(-32005)));
    let wait = seen.header("retry-after").and_then(|wait| wait.strip_prefix('0'));
    assert!(wait.is_some_and(|wait| ("1"..="5").contains(&wait)), "{seen:?}");
    drop(holding);
    until("they are given back", || {
        server.ask(post("", &"1".repeat(30)).as_bytes()).1.status == 400
    });
}

#[test]
fn what_is_not_for_a_plain_port_is_closed_without_a_byte() {
    let server = Setup::default().start();
    let traffic = &server.traffic;
    for (first, counter) in [
        (&b"\x16\x03\x01\x02\x00\x01"[..], &traffic.tls_unexpected),
        (b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n", &traffic.proxy_unexpected),
    ] {
        let mut raw = server.connect();
        raw.send(first);
        assert_eq!(raw.read().status, 0);
        until_count("it is counted", counter, 1);
    }
}

#[test]
fn hosts_outside_the_list_are_misdirected() {
    let hosts = "hosts = [\"rpc.example\"]".to_owned();
    let lines = Lines { server: hosts, ..Lines::default() };
    let server = Setup { lines, ..Setup::default() }.start();
    let to = |host: &str| post("", CALL).replace("Host: a", &format!("Host: {host}"));
    check(&server, ("another's host", &to("evil.example"), 421, BAD, true));
    check(&server, ("host in another case", &to("RPC.example:8545"), 200, None, true));
    let probe = "GET /livez HTTP/1.1\r\nHost: 10.0.0.1\r\n\r\n";
    check(&server, ("probes come by address", probe, 200, None, true));
}

#[test]
fn pages_of_allowed_origins_may_read_and_ask_first() {
    let preflight = |origin: &str| {
        format!(
            "OPTIONS /eth HTTP/1.1\r\nHost: a\r\nOrigin: {origin}\r\n\
             Access-Control-Request-Method: POST\r\n\r\n"
        )
    };
    let open = Setup::default().start();
    let (_, seen) = open.ask(preflight("https://x.example").as_bytes());
    assert_eq!(seen.status, 204);
    assert_eq!(seen.header("access-control-allow-origin"), Some("*"));
    assert_eq!(seen.header("access-control-max-age"), Some("7200"));
    let only = "cors = [\"https://x.example\"]".to_owned();
    let lines = Lines { chain: only, ..Lines::default() };
    let listed = Setup { lines, ..Setup::default() }.start();
    let (_, seen) = listed.ask(post("Origin: https://x.example\r\n", CALL).as_bytes());
    assert_eq!(seen.header("access-control-allow-origin"), Some("https://x.example"));
    let (_, seen) = listed.ask(post("Origin: https://y.example\r\n", CALL).as_bytes());
    assert_eq!((seen.status, seen.header("access-control-allow-origin")), (200, None));
    let (_, seen) = listed.ask(preflight("https://y.example").as_bytes());
    assert_eq!((seen.status, seen.header("access-control-allow-methods")), (204, None));
}

#[test]
fn readiness_is_told_for_all_and_for_one_chain() {
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n");
    let ready = Setup::default().start();
    check(&ready, ("all", &get("/readyz"), 200, None, true));
    check(&ready, ("one", &get("/readyz/eth"), 200, None, true));
    check(&ready, ("none", &get("/readyz/other"), 404, None, true));
    let sick = Setup { sick: true, ..Setup::default() }.start();
    check(&sick, ("not ready", &get("/readyz"), 503, None, true));
    check(&sick, ("alive", &get("/livez"), 200, None, true));
}

#[test]
fn who_answered_is_told_only_where_it_is_exposed() {
    for expose in [false, true] {
        let lines = Lines { server: format!("expose = {expose}"), ..Lines::default() };
        let server = Setup { lines, ..Setup::default() }.start();
        let (_, seen) = server.ask(post("", CALL).as_bytes());
        assert_eq!(seen.header("x-headrace-node").is_some(), expose);
    }
}

/// A POST as HTTP/2 sends it.
fn h2_post(uri: &str) -> http::request::Builder {
    Request::post(uri).header("content-type", "application/json")
}

fn text(text: &'static str) -> Full<Bytes> {
    Full::new(Bytes::from_static(text.as_bytes()))
}

#[tokio::test]
async fn http_2_without_tls_has_the_same_manners() {
    let server = Setup::default().start();
    let mut client = H2::connect(server.address).await;
    let many = |mut request: http::request::Builder| {
        for n in 0..65 {
            request = request.header(format!("x-{n}"), "1");
        }
        request
    };
    for (name, request, status) in [
        ("a call", h2_post("http://a/eth"), 200),
        ("two hosts", h2_post("http://a/eth").header("host", "b"), 400),
        ("user in the host", h2_post("http://u@a/eth"), 400),
        ("too many fields", many(h2_post("http://a/eth")), 431),
        ("plain text", Request::post("http://a/eth").header("content-type", "text/plain"), 415),
        ("unknown path", h2_post("http://a/nothing"), 404),
        ("still there", h2_post("http://a/eth"), 200),
    ] {
        let answer = client.ask(request.body(text(CALL)).unwrap()).await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{name}");
        assert!(answer.headers().contains_key("x-request-id"), "{name}");
        assert!(!answer.headers().contains_key("connection"), "{name}");
    }
}
