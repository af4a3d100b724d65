//! The data port over real sockets: bytes in, status, code and connection out
//! (faults.md 5.1 to 5.3), and what a connection goes through to its end.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]

#[path = "support/edge_h2.rs"]
mod edge_h2;
#[path = "support/edge_server.rs"]
mod edge_server;

use std::{
    net::{Shutdown as Half, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use edge_h2::H2;
use edge_server::{Raw, Running, Seen, Setup, until, until_count};
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use tokio::sync::watch;

use headrace_gateway::{
    config::Cors,
    gateway::{Readiness, Settings},
    server::{Abort, Link, Phase, Reply, Serve, Shutdown, Timing, http::BodyTiming},
};

const GET: &[u8] = b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n";

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
        ("B14", at("FOO /eth"), 501, BAD, true),
        ("B14 lower case", at("post /eth"), 501, BAD, true),
        ("B16", at("CONNECT a:443"), 405, BAD, false),
        ("B17 TRACE", at("TRACE /eth"), 405, BAD, true),
        ("B17 PUT", at("PUT /eth"), 405, BAD, true),
        ("GET on a chain", at("GET /eth"), 200, None, true),
        ("HEAD on a chain", at("HEAD /eth/"), 200, None, true),
        ("B54", at("GET /"), 200, None, true),
        ("B55", at("GET /nothing"), 404, BAD, true),
        ("B46 path", at("GET /eth/0123456789abcdef"), 401, BAD, true),
        ("B46 query", at("GET /eth?apikey=abc"), 401, BAD, true),
        ("B56 empty segment", at("GET //eth"), 404, BAD, true),
        ("B56 dots", at("GET /%2e%2e/eth"), 404, BAD, true),
        ("B56 parameter", at("GET /eth;x=1"), 404, BAD, true),
        ("B56 NUL", at("GET /eth%00"), 404, BAD, true),
        ("B56 trailing dot", at("GET /eth."), 404, BAD, true),
        ("B56 admin", at("GET /metrics"), 404, BAD, true),
        ("B20", at("GET /\u{e9}th"), 400, BAD, false),
        ("B24 target", at(&format!("GET /{}", "a".repeat(9000))), 414, BAD, false),
    ];
    for (name, request, status, code, kept) in &rows {
        check(&server, (name, request, *status, *code, *kept));
    }
}

#[test]
fn heads_that_can_be_read_twice_are_refused() {
    let server = Setup::default().start();
    let with = |fields: &str| post(fields, "{}");
    let many: String = (0..65).map(|n| format!("X-{n}: 1\r\n")).collect();
    let chunked = |coding: &str| {
        format!(
            "POST /eth HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n\
             Transfer-Encoding: {coding}\r\n\r\n2\r\n{{}}\r\n0\r\n\r\n"
        )
    };
    let rows = [
        ("B04", with("").replace("Length: 2", "Length: 02"), 400, BAD, false),
        ("B07", "GET /eth HTTP/1.1\r\n\r\n".into(), 400, BAD, false),
        ("B08 two", with("Host: a\r\n"), 400, BAD, false),
        ("B08 list", with("").replace("Host: a", "Host: a, b"), 400, BAD, false),
        ("B09", with("").replace("POST /eth", "POST http://b/eth"), 400, BAD, false),
        ("B10 unknown", chunked("gzip, chunked"), 501, BAD, false),
        ("B10 twice", chunked("chunked\r\nTransfer-Encoding: chunked"), 400, BAD, false),
        ("chunked alone", chunked("chunked"), 200, None, true),
        ("B15", with("").replace("POST", "GET"), 400, BAD, false),
        ("B15 OPTIONS", with("").replace("POST", "OPTIONS"), 400, BAD, false),
        ("B18 ignored", with("Connection: upgrade\r\nUpgrade: h2c\r\n"), 200, None, true),
        ("B18 WebSocket", with("Upgrade: websocket\r\n"), 400, BAD, true),
        ("B19", with("Content_Length: 5\r\n"), 400, BAD, false),
        ("B24 fields", with(&many), 431, BAD, false),
        ("HTTP/1.0", "GET /livez HTTP/1.0\r\n\r\n".into(), 200, None, false),
    ];
    for (name, request, status, code, kept) in &rows {
        check(&server, (name, request, *status, *code, *kept));
    }
}

/// hyper's own refusals: the status is right, the body empty, the connection ends.
#[test]
fn what_is_no_http_is_refused_and_closed() {
    let server = Setup::default().start();
    let with = |fields: &str| post(fields, "{}");
    let rows = [
        ("B03", with("Content-Length: 3\r\n"), 400),
        ("B05", with("").replace("Length: 2", "Length: +2"), 400),
        ("B10", with("").replace("Content-Length: 2", "Transfer-Encoding: xchunked"), 400),
        ("B11", with("Transfer-Encoding: chunked\r\n").replace("HTTP/1.1", "HTTP/1.0"), 400),
        ("B21 space", with("X-A : 1\r\n"), 400),
        ("B21 fold", with("X-A: 1\r\n 2\r\n"), 400),
        ("B22", "GET / HTTP/1.2\r\nHost: a\r\n\r\n".into(), 400),
        ("B24 fields", with(&"X: 1\r\n".repeat(150)), 431),
        ("B24 bytes", with(&format!("X: {}\r\n", "a".repeat(40_000))), 431),
    ];
    for (name, request, status) in &rows {
        check(&server, (name, request, *status, None, false));
    }
}

#[test]
fn texts_that_we_do_not_read_are_refused() {
    let server = Setup::default().start();
    let json = "Content-Type: application/json";
    let with = |fields: &str| post(fields, "{}");
    let rows = [
        ("a call", with(""), 200, None, true),
        ("B26", with("Expect: bread\r\n"), 417, BAD, false),
        ("B47", with("").replace(json, "Content-Type: text/plain"), 415, BAD, true),
        ("B47 missing", with("").replace(json, "X-A: b"), 415, BAD, true),
        ("B48", with("").replace(json, &format!("{json}; charset=utf-16")), 415, BAD, true),
        ("B49", with("Content-Encoding: gzip\r\n"), 415, BAD, true),
        ("B50", with("").replace("Length: 2", "Length: 9999"), 413, BAD, false),
        ("B54", post("", ""), 400, Some(-32700), true),
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
fn a_chunked_body_may_not_grow_past_the_limit() {
    let server = Setup { body: 8, ..Setup::default() }.start();
    let request = "POST /eth HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n\
                   Transfer-Encoding: chunked\r\n\r\n9\r\n123456789\r\n";
    check(&server, ("B51", request, 413, BAD, false));
}

#[test]
fn an_expectation_is_met_only_for_a_body_that_will_be_read() {
    let server = Setup::default().start();
    let head = |length: u64| {
        post("Expect: 100-continue\r\n", "").replace("Length: 0", &format!("Length: {length}"))
    };
    check(&server, ("B25", &head(10_000_000_000), 413, BAD, false));
    let (mut raw, seen) = server.ask(head(2).as_bytes());
    assert_eq!(seen.status, 100);
    raw.send(b"{}");
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
    assert_eq!(seen.header("retry-after"), Some("01"));
    drop(holding);
    until("they are given back", || {
        server.ask(post("", &"1".repeat(30)).as_bytes()).1.status == 200
    });
}

#[test]
fn a_body_that_comes_too_slowly_is_408() {
    let timing = BodyTiming { grace: Duration::from_millis(50), ..BodyTiming::default() };
    let server = Setup { body_timing: timing, ..Setup::default() }.start();
    let request = post("", "{}");
    let (held_back, _) = request.split_at(request.len() - 1);
    check(&server, ("B52", held_back, 408, BAD, false));
}

#[test]
fn a_body_cut_short_gets_nothing() {
    let server = Setup::default().start();
    let mut raw = server.connect();
    raw.send(&post("", "{}").as_bytes()[..post("", "{}").len() - 1]);
    raw.stream.shutdown(Half::Write).unwrap();
    assert_eq!(raw.read().status, 0, "B53");
}

#[test]
fn silent_and_slow_heads_are_closed() {
    let timing = Timing { head: Duration::from_millis(50), ..Timing::default() };
    let server = Setup { timing, ..Setup::default() }.start();
    let openings: [&[u8]; 5] = [
        b"",
        b"P",
        b"PRI * HTTP/2.0\r\n",
        b"GET / HTTP/1.1\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ];
    for (done, opening) in (1..).zip(openings) {
        let mut raw = server.connect();
        raw.send(opening);
        until_count("a silent socket is closed", &server.traffic.too_slow, done);
        drop(raw);
    }
    let (mut raw, seen) = server.ask(GET);
    assert_eq!(seen.status, 200);
    raw.send(b"GET /li");
    assert!(raw.is_closed(), "a later head has the same bound");
}

#[test]
fn an_idle_connection_outlives_the_head_deadline_and_ends_at_its_own() {
    let head = Duration::from_millis(20);
    let timing = Timing { head, idle: Duration::from_millis(300), ..Timing::default() };
    let server = Setup { timing, ..Setup::default() }.start();
    let (mut raw, _) = server.ask(GET);
    let begun = std::time::Instant::now();
    assert!(raw.is_closed());
    assert!(begun.elapsed() > 5 * head, "closed as a slow head");
    assert_eq!(server.traffic.too_slow.load(Ordering::Relaxed), 0);
}

#[test]
fn what_is_not_for_a_plain_port_is_closed_without_a_byte() {
    let server = Setup::default().start();
    for first in [&b"\x16\x03\x01\x02\x00\x01"[..], b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n"] {
        let mut raw = server.connect();
        raw.send(first);
        assert_eq!(raw.read().status, 0, "B23");
    }
    until_count("both are counted", &server.traffic.foreign, 2);
}

#[test]
fn hosts_outside_the_list_are_misdirected() {
    let settings = Settings { hosts: Some(vec!["rpc.example".into()]), expose: false };
    let server = Setup { settings, ..Setup::default() }.start();
    let to = |host: &str| post("", "{}").replace("Host: a", &format!("Host: {host}"));
    check(&server, ("B43", &to("evil.example"), 421, BAD, true));
    check(&server, ("B43 case", &to("RPC.example:8545"), 200, None, true));
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
    let only = Cors::Only(vec!["https://x.example".into()]);
    let listed = Setup { cors: only, ..Setup::default() }.start();
    let (_, seen) = listed.ask(post("Origin: https://x.example\r\n", "{}").as_bytes());
    assert_eq!(seen.header("access-control-allow-origin"), Some("https://x.example"));
    let (_, seen) = listed.ask(post("Origin: https://y.example\r\n", "{}").as_bytes());
    assert_eq!((seen.status, seen.header("access-control-allow-origin")), (200, None), "B44");
    let (_, seen) = listed.ask(preflight("https://y.example").as_bytes());
    assert_eq!((seen.status, seen.header("access-control-allow-methods")), (204, None), "B44");
}

#[test]
fn readiness_is_told_for_all_and_for_one_chain() {
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n");
    let ready = Setup::default().start();
    check(&ready, ("all", &get("/readyz"), 200, None, true));
    check(&ready, ("one", &get("/readyz/eth"), 200, None, true));
    check(&ready, ("none", &get("/readyz/other"), 404, None, true));
    let readiness = Readiness::NotReady("no chain can be served\n");
    let sick = Setup { readiness, ..Setup::default() }.start();
    check(&sick, ("not ready", &get("/readyz"), 503, None, true));
    check(&sick, ("alive", &get("/livez"), 200, None, true));
}

#[test]
fn who_answered_is_told_only_where_it_is_exposed() {
    for expose in [false, true] {
        let settings = Settings { hosts: None, expose };
        let server = Setup { settings, ..Setup::default() }.start();
        let (_, seen) = server.ask(post("", "{}").as_bytes());
        assert_eq!(seen.header("x-headrace-node").is_some(), expose);
    }
}

#[test]
fn connections_over_the_cap_are_closed_at_once() {
    let server = Setup { connections: 1, ..Setup::default() }.start();
    let (first, _) = server.ask(GET);
    assert_eq!(server.connect().read().status, 0);
    until_count("it is counted", &server.traffic.over_cap, 1);
    drop(first);
    until("the place is given back", || {
        let mut raw = server.connect();
        std::io::Write::write_all(&mut raw.stream, GET).is_ok() && raw.read().status == 200
    });
}

#[test]
fn draining_is_not_ready_and_serves_and_finishing_ends_what_is_idle() {
    let timing = Timing { farewell: Duration::from_millis(200), ..Timing::default() };
    let server = Setup { timing, ..Setup::default() }.start();
    let (mut used, _) = server.ask(GET);
    let (mut idle, _) = server.ask(GET);
    server.shutdown.enter(Phase::Draining);
    used.send(b"GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n");
    let seen = used.read();
    assert_eq!((seen.status, seen.header("connection")), (503, None), "not ready, and serving");
    used.send(post("", "{}").as_bytes());
    assert_eq!(used.read().status, 200);
    server.shutdown.enter(Phase::Finishing);
    assert!(idle.is_closed(), "idle connections end");
    drop(used);
    server.ended();
}

#[test]
fn finishing_still_answers_a_request_that_was_on_its_way_and_says_close() {
    let timing = Timing { farewell: Duration::from_secs(30), ..Timing::default() };
    let server = Setup { timing, ..Setup::default() }.start();
    let (mut raw, _) = server.ask(GET);
    server.shutdown.enter(Phase::Finishing);
    // The connection hears of the phase on its own worker, a moment later.
    let raw = std::cell::RefCell::new(&mut raw);
    until("an answer says close", || {
        let mut raw = raw.borrow_mut();
        raw.send(GET);
        let seen = raw.read();
        assert_eq!(seen.status, 200);
        seen.header("connection") == Some("close")
    });
    server.ended();
}

#[test]
fn a_client_that_reads_nothing_is_let_go() {
    let timing = Timing { stall: Duration::from_millis(50), ..Timing::default() };
    let server = Setup { timing, ..Setup::default() }.serve(Shutdown::default(), |_| Flood);
    let mut raw = server.connect();
    raw.send(GET);
    until_count("the stalled writer ends", &server.traffic.too_slow, 1);
    drop(raw);
}

/// Answers with more than sockets hold.
#[derive(Clone)]
struct Flood;

impl Serve for Flood {
    async fn answer(self, _: Request<Incoming>, _: Link) -> Result<Response<Reply>, Abort> {
        Ok(Response::new(Reply::text(vec![b'x'; 64 << 20])))
    }
}

/// Answers when it is told to; counts what it began and what was dropped.
#[derive(Clone)]
struct Script(Arc<Scripted>);

struct Scripted {
    begun: AtomicU64,
    ended: AtomicU64,
    go: watch::Sender<bool>,
}

struct Ends(Script);

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.0.ended.fetch_add(1, Ordering::Relaxed);
    }
}

impl Script {
    fn new() -> Self {
        let go = watch::Sender::new(false);
        Self(Arc::new(Scripted { begun: AtomicU64::new(0), ended: AtomicU64::new(0), go }))
    }

    fn serve(&self, setup: Setup) -> Running {
        let script = self.clone();
        setup.serve(Shutdown::default(), move |_| script.clone())
    }
}

impl Serve for Script {
    async fn answer(self, _: Request<Incoming>, _: Link) -> Result<Response<Reply>, Abort> {
        let _ends = Ends(self.clone());
        self.0.begun.fetch_add(1, Ordering::Relaxed);
        let mut go = self.0.go.subscribe();
        go.wait_for(|go| *go).await.map_err(|_| Abort)?;
        Ok(Response::new(Reply::text("done")))
    }
}

#[test]
fn a_client_that_leaves_takes_its_call_along() {
    let script = Script::new();
    let server = script.serve(Setup::default());
    let mut raw = server.connect();
    raw.send(GET);
    until_count("the call begins", &script.0.begun, 1);
    drop(raw);
    until_count("the call is dropped", &script.0.ended, 1);
}

#[test]
fn finishing_lets_a_call_in_flight_end() {
    let script = Script::new();
    let server = script.serve(Setup::default());
    let mut raw = server.connect();
    raw.send(GET);
    until_count("the call begins", &script.0.begun, 1);
    server.shutdown.enter(Phase::Finishing);
    until("nobody listens", || TcpStream::connect(server.address).is_err());
    script.0.go.send_replace(true);
    assert_eq!(raw.read().body, "done");
    server.ended();
}

#[test]
fn stop_drops_what_is_in_flight() {
    let script = Script::new();
    let server = script.serve(Setup::default());
    let mut raw = server.connect();
    raw.send(GET);
    until_count("the call begins", &script.0.begun, 1);
    server.shutdown.enter(Phase::Stop);
    assert_eq!(raw.read().status, 0);
    server.ended();
}

#[test]
fn connections_spread_over_the_workers() {
    let script = Script::new();
    let workers = Arc::new(AtomicU64::new(0));
    let made = Arc::clone(&workers);
    let server = {
        let script = script.clone();
        Setup::default().serve(Shutdown::default(), move |number| {
            made.fetch_or(1 << number, Ordering::Relaxed);
            Placed { number, seen: Arc::clone(&script.0) }
        })
    };
    let _held: Vec<Raw> = (0..2).map(|_| server.ask(GET).0).collect();
    assert_eq!(workers.load(Ordering::Relaxed), 0b11);
    assert_eq!(script.0.begun.load(Ordering::Relaxed), 0b11, "one on each");
}

/// Marks the worker that it answers on.
#[derive(Clone)]
struct Placed {
    number: usize,
    seen: Arc<Scripted>,
}

impl Serve for Placed {
    async fn answer(self, _: Request<Incoming>, _: Link) -> Result<Response<Reply>, Abort> {
        self.seen.begun.fetch_or(1 << self.number, Ordering::Relaxed);
        Ok(Response::new(Reply::text("here")))
    }
}

#[test]
fn a_port_in_use_is_one_clear_error() {
    let server = Setup::default().start();
    let error = headrace_gateway::server::bind(&[server.address]).unwrap_err().to_string();
    assert!(error.starts_with(&format!("cannot listen on {}: ", server.address)), "{error}");
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
        ("B32 host", h2_post("http://a/eth").header("host", "b"), 400),
        ("B32 userinfo", h2_post("http://u@a/eth"), 400),
        ("B34 fields", many(h2_post("http://a/eth")), 431),
        ("B47", Request::post("http://a/eth").header("content-type", "text/plain"), 415),
        ("B55", h2_post("http://a/nothing"), 404),
        ("still there", h2_post("http://a/eth"), 200),
    ] {
        let answer = client.ask(request.body(text("{}")).unwrap()).await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{name}");
        assert!(answer.headers().contains_key("x-request-id"), "{name}");
        assert!(!answer.headers().contains_key("connection"), "{name}");
    }
}

#[tokio::test]
async fn finishing_says_goaway_and_ends_streams_in_flight_first() {
    let script = Script::new();
    let server = script.serve(Setup::default());
    let mut client = H2::connect(server.address).await;
    let handle = (server.shutdown.clone(), script.clone());
    let helper = std::thread::spawn(move || {
        until_count("the call begins", &handle.1.0.begun, 1);
        handle.0.enter(Phase::Finishing);
        handle.1.0.go.send_replace(true);
    });
    let answer = client.ask(h2_post("http://a/eth").body(text("{}")).unwrap()).await.unwrap();
    assert_eq!(&answer.body()[..], b"done");
    assert!(client.connection.await.unwrap().is_ok(), "the connection ends in order");
    helper.join().unwrap();
    server.ended();
}

#[tokio::test]
async fn a_stream_that_is_reset_takes_its_call_along() {
    let script = Script::new();
    let server = script.serve(Setup::default());
    let mut client = H2::connect(server.address).await;
    let request = h2_post("http://a/eth").body(text("{}")).unwrap();
    let asking = tokio::spawn(async move {
        let outcome = client.ask(request).await;
        (client, outcome)
    });
    let begun = script.clone();
    tokio::task::spawn_blocking(move || until_count("begun", &begun.0.begun, 1)).await.unwrap();
    asking.abort();
    let ended = script.clone();
    tokio::task::spawn_blocking(move || until_count("dropped", &ended.0.ended, 1)).await.unwrap();
}
