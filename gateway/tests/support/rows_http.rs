//! Rows B14 to B24 and B45 to B56 of the catalogue: what is wrong before the JSON.

use crate::rows::{Row, post, post_with, version};

type How = (u16, i64, &'static str);

const BAD: How = (400, -32600, "bad_http");
const NOT_ALLOWED: How = (405, -32600, "http_method_not_allowed");
const UNKNOWN: How = (501, -32600, "http_method_unknown");
const MEDIA: How = (415, -32600, "unsupported_media_type");
const KEY: How = (401, -32600, "unauthenticated");

pub fn rows() -> Vec<Row> {
    [methods(), heads(), no_http(), texts(), keys()].into_iter().flatten().collect()
}

fn at(line: &str) -> String {
    format!("{line} HTTP/1.1\r\nHost: a\r\n\r\n")
}

/// A good call with one part of its head replaced.
fn but(part: &str, instead: &str) -> String {
    let good = String::from_utf8(post(version("[]"))).unwrap();
    assert!(good.contains(part), "{part}");
    good.replace(part, instead)
}

fn with(fields: &str) -> Vec<u8> {
    post_with(fields, version("[]").as_bytes())
}

fn methods() -> Vec<Row> {
    vec![
        Row::refused("B14", at("FOO /eth"), UNKNOWN),
        Row::refused("B14", at("post /eth"), UNKNOWN),
        Row::refused("B15", but("POST", "GET"), BAD).closed(),
        // Answers to HEAD have no body.
        Row::bare("B15", but("POST", "HEAD"), 400),
        Row::refused("B15", but("POST", "OPTIONS"), BAD).closed(),
        Row::refused("B16", at("CONNECT a:443"), NOT_ALLOWED).closed(),
        Row::refused("B17", at("TRACE /eth"), NOT_ALLOWED),
        Row::refused("B17", at("PUT /eth"), NOT_ALLOWED),
        Row::refused("B17", at("DELETE /eth"), NOT_ALLOWED),
        Row::refused("B17", at("PATCH /eth"), NOT_ALLOWED),
        Row::served("B18", with("Connection: upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n")),
        Row::served("B18", with("Connection: upgrade\r\nUpgrade: anything\r\n")),
    ]
}

fn heads() -> Vec<Row> {
    let fields: String = (0..65).map(|n| format!("X-{n}: 1\r\n")).collect();
    let long = format!("POST /{}", "a".repeat(8 * 1024));
    vec![
        Row::refused("B19", with("Content_Length: 5\r\n"), BAD).closed(),
        Row::refused("B19", with("Transfer_Encoding: chunked\r\n"), BAD).closed(),
        Row::refused("B19", with("X_Forwarded_For: 1.2.3.4\r\n"), BAD).closed(),
        Row::refused("B20", but("/eth", "/\u{e9}th"), BAD).closed(),
        Row::bare("B20", but("/eth", "/e\u{7}th"), 400),
        Row::refused("B20", but("Host: a", "Host: \u{e9}"), BAD).closed(),
        Row::refused("B24", with(&fields), (431, -32600, "head_too_large")).closed(),
        Row::bare("B24", with(&format!("X: {}\r\n", "a".repeat(33 * 1024))), 431),
        Row::refused("B24", but("POST /eth", &long), (414, -32600, "target_too_long")).closed(),
    ]
}

fn no_http() -> Vec<Row> {
    let silent = |input: &[u8]| Row::bare("B23", input, 0);
    vec![
        Row::bare("B21", with("X-A : 1\r\n"), 400),
        Row::bare("B21", with("X-A: 1\r\n 2\r\n"), 400),
        Row::bare("B21", with("X-A: 1\0\r\n"), 400),
        Row::bare("B21", with(": 1\r\n"), 400),
        Row::bare("B22", "GET /eth\r\n\r\n", 400),
        Row::bare("B22", but("HTTP/1.1", "HTTP/1.2"), 400),
        Row::bare("B22", but("HTTP/1.1", "HTTP/2.0"), 400),
        Row::bare("B22", but("/eth HTTP", "/eth  HTTP"), 400),
        silent(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
        silent(b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n"),
        silent(b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0c"),
    ]
}

fn texts() -> Vec<Row> {
    const JSON: &str = "Content-Type: application/json";
    let typed = |kind: &str| but(JSON, &format!("Content-Type: {kind}"));
    let wide: Vec<u8> = version("[]").encode_utf16().flat_map(|unit| unit.to_le_bytes()).collect();
    vec![
        Row::refused("B47", typed("text/plain"), MEDIA),
        Row::refused("B47", typed("application/x-www-form-urlencoded"), MEDIA),
        Row::refused("B47", typed("multipart/form-data; boundary=a"), MEDIA),
        Row::refused("B47", but(JSON, "X-A: b"), MEDIA),
        Row::refused("B48", typed("application/json; charset=utf-16"), MEDIA),
        Row::refused("B48", typed("application/json; charset=latin1"), MEDIA),
        Row::served("B48", typed("application/json; charset=UTF-8")),
        Row::refused("B48", post(wide), (400, -32700, "parse_error")),
        Row::refused(
            "B49",
            with("Content-Encoding: gzip\r\n"),
            (415, -32600, "unsupported_encoding"),
        ),
        Row::refused("B54", post(""), (400, -32700, "parse_error")),
        Row::refused("B54", post(" \r\n\t"), (400, -32700, "parse_error")),
        Row::refused("B55", but("/eth", "/nothing"), (404, -32600, "route_not_found")),
        Row::refused("B56", but("/eth", "/metrics"), (404, -32600, "route_not_found")),
    ]
}

fn keys() -> Vec<Row> {
    vec![
        Row::refused("B45", but("/eth", "/eth/0123456789abcdef"), KEY),
        Row::refused("B46", but("/eth", "/eth?apikey=0123456789abcdef"), KEY),
        Row::refused("B46", but("/eth", "/eth?token=0123456789abcdef"), KEY),
    ]
}
