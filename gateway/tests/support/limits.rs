//! Who is calling and how much they may ask, over real sockets.

use std::time::{Duration, Instant};

use headrace_simnode::{
    Fault, Injected,
    hash::hex,
    tx::{self, Fields},
};

use crate::{
    fleet::Lines,
    raw::{Seen, until},
    rows::{Row, call, error, post, post_with, version},
    system::System,
    upstream_rows::LogFile,
};

const OWN_KEY: &str = "canary-own-key-0001";
const CLIENTS: &str = r#"
    [[clients]]
    name = "own"
    key = "canary-own-key-0001"
    methods = { except = ["eth_gasPrice", "net_*"] }
    [[clients]]
    name = "page"
    key = "page-key-00000001"
    origins = ["https://dapp.example"]
"#;

/// A rate at which a test never gets back what it has spent.
fn rate(burst: u32) -> String {
    format!("rate = {{ weight_per_second = 1, burst = {burst} }}")
}

fn limits(text: String) -> Lines {
    Lines { limits: text, ..Lines::default() }
}

fn known(server: &str) -> Lines {
    Lines { server: server.to_owned(), tables: CLIENTS.to_owned(), ..Lines::default() }
}

/// A node's answer to it weighs 10.
fn heavy_read() -> String {
    call("eth_call", r#"[{"to":"0x0000000000000000000000000000000000000001"},"latest"]"#)
}

fn from(address: &str, body: &str) -> Vec<u8> {
    post_with(&format!("X-Forwarded-For: {address}\r\n"), body.as_bytes())
}

fn by_key(key: &str, body: &str) -> Vec<u8> {
    post_with(&format!("X-Api-Key: {key}\r\n"), body.as_bytes())
}

fn to_path(path: &str, body: &str) -> Vec<u8> {
    String::from_utf8(post(body)).unwrap().replacen("/eth", path, 1).into_bytes()
}

/// Seconds of `Retry-After`, which begins with a zero.
fn wait(seen: &Seen) -> Option<u32> {
    seen.header("retry-after")?.strip_prefix('0')?.parse().ok()
}

fn reason(seen: &Seen) -> String {
    error(seen).map(|(_, reason)| reason).unwrap_or_default()
}

const RATE_LIMITED: (u16, i64, &str) = (429, -32005, "rate_limited");

#[test]
fn b114_over_the_rate_is_429_with_the_time_to_come_back() {
    let system = System::start(&limits(rate(25)), 1);
    for _ in 0..2 {
        Row::served("within the burst", post(heavy_read())).check(&system);
    }
    Row::refused("over the rate", post(heavy_read()), RATE_LIMITED).check(&system);
    let (_, seen) = system.ask(&post(heavy_read()));
    let told = wait(&seen).unwrap();
    assert!((4..=12).contains(&told), "five seconds' worth, and up to as much again: {seen:?}");
    let body: serde_json::Value = serde_json::from_str(&seen.body).unwrap();
    assert_eq!(body["error"]["data"]["rate"]["backoff_seconds"], told);
    assert_eq!(body["error"]["message"], format!("Limit exceeded, try again in {told}s"));
    assert_eq!(body["id"], 1, "its id was read");
}

#[test]
fn b89_a_batch_over_the_rate_is_refused_whole_under_every_id() {
    let system = System::start(&limits(rate(42)), 1);
    let item = |id: &str| heavy_read().replace("\"id\":1", &format!("\"id\":{id}"));
    let quiet = heavy_read().replace("\"id\":1,", "");
    let batch = format!("[{},{},{quiet}]", item("\"a\""), item("7"));
    let row = Row::served("within the burst", post(&batch));
    Row { calls: 3, ..row }.check(&system);
    let before = system.calls();
    let (_, seen) = system.ask(&post(&batch));
    assert_eq!((seen.status, system.calls() - before), (429, 0), "none of it runs");
    assert!(wait(&seen).is_some());
    let body: serde_json::Value = serde_json::from_str(&seen.body).unwrap();
    let items = body.as_array().unwrap();
    let ids: Vec<String> = items.iter().map(|item| item["id"].to_string()).collect();
    assert_eq!(ids, ["\"a\"", "7"], "a notification has no answer");
    for item in items {
        assert_eq!(item["error"]["code"], -32005);
        assert_eq!(item["error"]["data"]["reason"], "rate_limited");
    }
    let (_, seen) = system.ask(&post(format!("[{quiet},{quiet},{quiet}]")));
    assert_eq!((seen.status, reason(&seen).as_str()), (429, "rate_limited"));
    Row::served("what is left", post(heavy_read())).check(&system);
}

#[test]
fn b88_what_no_full_bucket_holds_is_413_and_costs_next_to_nothing() {
    let system = System::start(&limits(rate(25)), 1);
    let three = format!("[{0},{0},{0}]", heavy_read());
    let before = system.calls();
    let (_, seen) = system.ask(&post(&three));
    assert_eq!((seen.status, seen.header("retry-after")), (413, None), "{seen:?}");
    let body: serde_json::Value = serde_json::from_str(&seen.body).unwrap();
    assert_eq!(body.as_array().map(Vec::len), Some(3));
    let data = &body[2]["error"]["data"];
    assert_eq!(body[2]["error"]["code"], -32600);
    assert_eq!(
        (&data["reason"], &data["limit"], &data["actual"]),
        (&"exceeds_burst".into(), &25.into(), &30.into())
    );
    let trace = call("debug_traceBlockByNumber", r#"["0x1"]"#);
    let (_, seen) = system.ask(&post(trace));
    assert_eq!((seen.status, reason(&seen).as_str()), (413, "exceeds_burst"), "a call alone");
    assert_eq!(system.calls(), before);
    for _ in 0..2 {
        Row::served("all is left", post(heavy_read())).check(&system);
    }
}

/// Singles and batches, refused ones and notifications too: the same calls cost the same.
#[test]
fn s05_a_batch_costs_what_its_calls_cost() {
    let calls =
        [heavy_read(), call("nope", "[]"), version("[]"), heavy_read().replace("\"id\":1,", "")];
    let left = |spend: &dyn Fn(&System)| {
        let system = System::start(&limits(rate(60)), 1);
        spend(&system);
        let rest = (0..60).take_while(|_| system.ask(&post(version("[]"))).1.status == 200);
        rest.count()
    };
    let alone = left(&|system| calls.iter().for_each(|call| drop(system.ask(&post(call)))));
    let together = left(&|system| drop(system.ask(&post(format!("[{}]", calls.join(","))))));
    // 60 − 21.1; a second gives one back
    assert!((38..=42).contains(&alone), "{alone}");
    assert!(alone.abs_diff(together) <= 2, "{alone} and {together}");
}

#[test]
fn a_client_that_has_nothing_left_is_refused_unread_and_then_disconnected() {
    let system = System::start(&limits(rate(1)), 1);
    let before = system.calls();
    let unread = b"POST /eth HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n\
                   Content-Length: 1000000\r\n\r\n{";
    let deadline = Instant::now() + Duration::from_secs(30);
    let refused = loop {
        let (_, seen) = system.ask(b"GET /eth HTTP/1.1\r\nHost: a\r\n\r\n");
        if seen.status == 429 {
            break system.ask(unread).1;
        }
        assert!(Instant::now() < deadline, "heads are free");
    };
    // A tenth of a second gives one head back: then its body is waited for.
    assert!([429, 0, 408].contains(&refused.status), "{refused:?}");
    // A refusal is held for a quarter of a second, so one connection alone never gets there.
    let ask = || {
        let (mut raw, seen) = system.ask(b"GET /eth HTTP/1.1\r\nHost: a\r\n\r\n");
        let disconnected = seen.header("connection") == Some("close");
        if disconnected {
            assert_eq!((seen.status, reason(&seen).as_str()), (429, "rate_limited"));
            assert!(raw.is_closed());
        }
        disconnected
    };
    let many = || {
        std::thread::scope(|scope| {
            let asked: Vec<_> = (0..16).map(|_| scope.spawn(ask)).collect();
            asked.into_iter().map(|asked| asked.join().unwrap()).filter(|&gone| gone).count()
        })
    };
    while many() == 0 {
        assert!(Instant::now() < deadline, "refusals are free");
    }
    for path in ["/livez", "/readyz", "/readyz/eth"] {
        let probe = format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(system.ask(probe.as_bytes()).1.status, 200, "{path}");
    }
    assert_eq!(system.calls(), before);
}

/// S01: without trusted proxies every header is nothing; S04: nothing a client sends is.
#[test]
fn b40_no_header_of_an_untrusted_peer_gives_it_another_bucket() {
    let system = System::start(&limits(rate(20)), 1);
    for n in 0..2 {
        Row::served("within the burst", from(&format!("192.0.2.{n}"), &heavy_read()))
            .check(&system);
    }
    for field in [
        "X-Forwarded-For: 192.0.2.9",
        "Forwarded: for=192.0.2.9",
        "X-Real-IP: 192.0.2.9",
        "CF-Connecting-IP: 192.0.2.9",
        "Origin: https://other.example",
        "User-Agent: other",
    ] {
        let asked = post_with(&format!("{field}\r\n"), heavy_read().as_bytes());
        Row::refused(field, asked, RATE_LIMITED).check(&system);
    }
    Row::refused("another path", to_path("/", &heavy_read()), RATE_LIMITED).check(&system);
}

#[test]
fn b41_b42_a_trusted_proxy_tells_each_client_in_the_configured_header() {
    let proxies = "trusted_proxies = [\"127.0.0.0/8\", \"10.0.0.0/8\"]";
    let lines = Lines { server: proxies.to_owned(), ..limits(rate(20)) };
    let system = System::start(&lines, 1);
    let spend = |address: &str, times| {
        for _ in 0..times {
            Row::served("within the burst", from(address, &heavy_read())).check(&system);
        }
    };
    let spent = |address: &str| {
        Row::refused("spent", from(address, &heavy_read()), RATE_LIMITED).check(&system);
    };
    spend("192.0.2.1", 2);
    for same in
        ["192.0.2.1:99", "8.8.8.8, ::ffff:192.0.2.1, 10.1.1.1", "x\r\nX-Forwarded-For: 192.0.2.1"]
    {
        spent(same);
    }
    spent("192.0.2.7\r\nForwarded: for=192.0.2.8\r\nX-Forwarded-For: 192.0.2.1");
    spend("2001:db8::1", 1);
    spend("[2001:db8::2]:443", 1);
    spent("2001:db8::ffff:3");
    spend("2001:db8:0:1::1", 2);
    // garbage is the peer's own
    spend("unknown", 1);
    spend(&vec!["192.0.2.50"; 33].join(","), 1);
    spent("_hidden");
    spend("192.0.2.2", 2);
}

#[test]
fn b45_a_wrong_key_is_401_and_twenty_in_a_minute_are_too_many() {
    let system = System::start(&known("path_keys = true"), 1);
    let wrong = (401, -32600, "unauthenticated");
    let both = format!("X-Api-Key: {OWN_KEY}\r\nAuthorization: Bearer page-key-00000001\r\n");
    let rows = [
        Row::refused("wrong", by_key("nobodys-key-00001", &version("[]")), wrong),
        Row::refused("two keys", post_with(&both, version("[]").as_bytes()), wrong),
        Row::refused("in the path", to_path("/eth/nobodys-key", &version("[]")), wrong),
        Row::served("right", by_key(OWN_KEY, &version("[]"))),
        Row::served("in the path", to_path(&format!("/eth/{OWN_KEY}"), &version("[]"))),
        Row::served("in the path", to_path(&format!("/{OWN_KEY}"), &version("[]"))),
        Row::served("none", post(version("[]"))),
    ];
    rows.iter().for_each(|row| row.check(&system));
    let asked = |key: &str| system.ask(&by_key(key, &version("[]"))).1;
    assert_eq!(asked("x").header("www-authenticate"), Some("Bearer"));
    let many = (0..30).map(|n| asked(&format!("guess-{n}"))).find(|seen| seen.status != 401);
    let many = many.unwrap();
    assert_eq!((many.status, reason(&many).as_str()), (429, "too_many_misses"));
    assert!(wait(&many).is_some());
    Row::served("a right one still", by_key(OWN_KEY, &version("[]"))).check(&system);
}

#[test]
fn b46_a_key_in_the_path_is_401_when_it_is_not_allowed_there() {
    let system = System::start(&known(""), 1);
    let wrong = (401, -32600, "unauthenticated");
    Row::refused("path", to_path(&format!("/eth/{OWN_KEY}"), &version("[]")), wrong).check(&system);
    let query = to_path(&format!("/eth?key={OWN_KEY}"), &version("[]"));
    Row::refused("query", query, wrong).check(&system);
}

#[test]
fn s26_the_log_has_a_clients_name_and_never_its_key() {
    let log = LogFile::new("limits");
    let proxies = "path_keys = true\ntrusted_proxies = [\"127.0.0.0/8\"]";
    let system = System::start(&Lines { access: log.lines().access, ..known(proxies) }, 1);
    let body = version("[]");
    let fields = format!("X-Api-Key: {OWN_KEY}\r\nX-Forwarded-For: 192.0.2.1\r\n");
    system.ask(&post_with(&fields, body.as_bytes()));
    system.ask(&to_path(&format!("/eth/{OWN_KEY}"), &body));
    system.ask(&to_path(&format!("/eth/{OWN_KEY}/x"), &body));
    system.ask(&by_key(&format!("{OWN_KEY}x"), &body));
    system.ask(&by_key(OWN_KEY, "{"));
    until("the log has a line for each", || log.read().lines().count() >= 5);
    let lines = log.read();
    assert!(lines.contains(r#""client":"192.0.2.1","key":"own","chain":"eth""#), "{lines}");
    assert_eq!(lines.matches(r#""key":"own""#).count(), 3, "{lines}");
    let page = system.page("/metrics");
    assert!(page.contains("headrace_client_calls_total{client=\"own\"} 2"), "{page}");
    assert!(page.contains("headrace_client_weight_total{client=\"own\"} 2"), "{page}");
    let all = format!("{lines}{page}{}{:?}", system.page("/api/v1/status"), system.gateway);
    assert!(!all.contains("canary"), "{all}");
}

#[test]
fn b98_a_plan_without_the_method_or_page_is_403() {
    let system = System::start(&known(""), 1);
    let not = (403, -32004, "not_in_plan");
    let page = |origin: &str| {
        let fields = format!("X-Api-Key: page-key-00000001\r\n{origin}");
        post_with(&fields, version("[]").as_bytes())
    };
    for row in [
        Row::refused("method", by_key(OWN_KEY, &call("eth_gasPrice", "[]")), not),
        Row::refused("method, escaped", by_key(OWN_KEY, &call("eth_gas\\u0050rice", "[]")), not),
        Row::refused("method of a group", by_key(OWN_KEY, &call("net_version", "[]")), not),
        Row::refused(
            "unknown",
            by_key(OWN_KEY, &call("net_no", "[]")),
            (200, -32601, "method_not_found"),
        ),
        Row::refused("no page", page(""), not),
        Row::refused("another page", page("Origin: https://dapp.example.evil\r\n"), not),
        Row::served("its page", page("Origin: https://dapp.example\r\n")),
        Row::served("method", by_key(OWN_KEY, &version("[]"))),
        Row::served("nobody known", post(call("net_listening", "[]"))),
    ] {
        row.check(&system);
    }
    let batch = format!("[{},{}]", version("[]"), call("eth_gasPrice", "[]"));
    let (_, seen) = system.ask(&by_key(OWN_KEY, &batch));
    let body: serde_json::Value = serde_json::from_str(&seen.body).unwrap();
    assert_eq!((seen.status, body[1]["error"]["code"].as_i64()), (200, Some(-32004)), "S19");
    assert!(body[0]["result"].is_string(), "{seen:?}");
}

/// A call of `method` that its node answers late, and what another one meets meanwhile.
fn beside(lines: &Lines, method: &str, params: &str, other: &dyn Fn(&System)) {
    let system = System::start(lines, 1);
    let slow = Fault::Slow { factor: 1.0, extra_ms: 3_000 };
    system.nodes[0].set(Injected::from(slow).only(&[method]));
    let before = system.calls();
    let mut first = system.connect();
    first.send(&post(call(method, params)));
    until("the first call has reached its node", || system.calls() > before);
    other(&system);
    assert_eq!(first.read().status, 200);
    system.nodes[0].clear();
    let (_, seen) = system.ask(&post(call(method, params)));
    assert_eq!(seen.status, 200, "nothing is in flight any more: {seen:?}");
}

#[test]
fn b111_heavy_calls_over_their_slots_are_refused_at_once() {
    let (method, params) = ("debug_traceBlockByNumber", r#"["0x1"]"#);
    beside(&Lines::default(), method, params, &|system| {
        let again = post(call(method, params));
        Row::refused("over the share", again, (429, -32005, "heavy_slots")).check(system);
        Row::served("cheap", post(version("[]"))).check(system);
    });
}

#[test]
fn heavy_calls_of_one_batch_take_turns() {
    let system = System::start(&Lines::default(), 1);
    let trace = call("debug_traceBlockByNumber", r#"["0x1"]"#);
    let batch = format!("[{0},{1},{0},{0}]", trace, version("[]"));
    Row { calls: 4, ..Row::served("three traces", post(batch)) }.check(&system);
}

#[test]
fn calls_in_flight_over_the_limit_are_429() {
    let lines = limits("in_flight = 1".to_owned());
    let params = r#"[{"to":"0x0000000000000000000000000000000000000001"},"latest"]"#;
    beside(&lines, "eth_call", params, &|system| {
        let gas = call("eth_gasPrice", "[]");
        let over = (429, -32005, "in_flight");
        Row::refused("single", post(&gas), over).check(system);
        Row::refused("batch", post(format!("[{gas},{gas}]")), over).check(system);
    });
    let system = System::start(&lines, 1);
    let gas = call("eth_gasPrice", "[]");
    let three = Row::served(
        "a batch is carried out as slowly as it may",
        post(format!("[{gas},{gas},{gas}]")),
    );
    Row { calls: 3, ..three }.check(&system);
}

#[test]
fn a_chains_rate_is_for_all_its_clients_together() {
    let lines = Lines {
        chain: rate(20),
        server: "trusted_proxies = [\"127.0.0.0/8\"]".to_owned(),
        ..Lines::default()
    };
    let system = System::start(&lines, 1);
    for address in ["192.0.2.1", "192.0.2.2"] {
        Row::served("within", from(address, &heavy_read())).check(&system);
    }
    Row::refused("over", from("192.0.2.3", &heavy_read()), RATE_LIMITED).check(&system);
}

#[test]
fn b106_calls_that_carry_too_much_reach_no_node() {
    let system = System::start(&Lines::default(), 1);
    let large = (200, -32602, "params_too_large");
    let data = format!(r#"[{{"data":"0x{}"}},"latest"]"#, "00".repeat((128 << 10) + 1));
    let gas = r#"[{"gas":"0x8000000000000001"},"latest"]"#;
    let overrides =
        format!(r#"[{{}},"latest",{{"0x1":{{"code":"0x{}"}}}}]"#, "00".repeat(130 << 10));
    for method in ["eth_call", "eth_estimateGas", "debug_traceCall"] {
        for params in [&data, gas, &overrides] {
            Row::refused("too large", post(call(method, params)), large).check(&system);
        }
    }
}

#[test]
fn b110_a_transaction_for_another_chain_reaches_no_node() {
    let system = System::start(&Lines::default(), 1);
    let raw = |chain| {
        let signed = tx::sign(&[5; 32], Fields::transfer(chain, 0, [3; 20], 9)).unwrap();
        call("eth_sendRawTransaction", &format!("[\"{}\"]", hex(&signed.raw)))
    };
    let wrong = (200, -32000, "wrong_chain_id");
    Row::refused("another chain", post(raw(1)), wrong).check(&system);
    let (_, seen) = system.ask(&post(raw(1_337)));
    assert!(seen.body.contains(r#""result":"0x"#), "{seen:?}");
}
