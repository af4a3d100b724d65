//! Bad requests, as rows: what is wrong before the JSON.

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
        Row::refused("unknown HTTP method", at("FOO /eth"), UNKNOWN),
        Row::refused("unknown HTTP method", at("post /eth"), UNKNOWN),
        Row::refused("only a POST has a body", but("POST", "GET"), BAD).closed(),
        // Answers to HEAD have no body.
        Row::bare("only a POST has a body", but("POST", "HEAD"), 400),
        Row::refused("only a POST has a body", but("POST", "OPTIONS"), BAD).closed(),
        Row::refused("CONNECT", at("CONNECT a:443"), NOT_ALLOWED).closed(),
        Row::refused("HTTP method not allowed", at("TRACE /eth"), NOT_ALLOWED),
        Row::refused("HTTP method not allowed", at("PUT /eth"), NOT_ALLOWED),
        Row::refused("HTTP method not allowed", at("DELETE /eth"), NOT_ALLOWED),
        Row::refused("HTTP method not allowed", at("PATCH /eth"), NOT_ALLOWED),
        Row::served(
            "upgrade not taken",
            with("Connection: upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n"),
        ),
        Row::served("upgrade not taken", with("Connection: upgrade\r\nUpgrade: anything\r\n")),
    ]
}

fn heads() -> Vec<Row> {
    let fields: String = (0..65).map(|n| format!("X-{n}: 1\r\n")).collect();
    let long = format!("POST /{}", "a".repeat(8 * 1024));
    vec![
        Row::refused("underscore for a dash", with("Content_Length: 5\r\n"), BAD).closed(),
        Row::refused("underscore for a dash", with("Transfer_Encoding: chunked\r\n"), BAD).closed(),
        Row::refused("underscore for a dash", with("X_Forwarded_For: 1.2.3.4\r\n"), BAD).closed(),
        Row::refused("target beyond ASCII", but("/eth", "/\u{e9}th"), BAD).closed(),
        Row::refused("media type beyond ASCII", but("json\r", "json\u{e9}\r"), BAD).closed(),
        Row::refused("origin beyond ASCII", with("Origin: http://\u{e9}\r\n"), BAD).closed(),
        Row::bare("control character in the target", but("/eth", "/e\u{7}th"), 400),
        Row::refused("Host beyond ASCII", but("Host: a", "Host: \u{e9}"), BAD).closed(),
        Row::refused("too many fields", with(&fields), (431, -32600, "head_too_large")).closed(),
        Row::bare("head too long", with(&format!("X: {}\r\n", "a".repeat(33 * 1024))), 431),
        Row::refused("target too long", but("POST /eth", &long), (414, -32600, "target_too_long"))
            .closed(),
    ]
}

fn no_http() -> Vec<Row> {
    let silent = |input: &[u8]| Row::bare("not for a plain port", input, 0);
    vec![
        Row::bare("malformed field", with("X-A : 1\r\n"), 400),
        Row::bare("malformed field", with("X-A: 1\r\n 2\r\n"), 400),
        Row::bare("malformed field", with("X-A: 1\0\r\n"), 400),
        Row::bare("malformed field", with(": 1\r\n"), 400),
        Row::bare("HTTP/0.9", "GET /eth\r\n\r\n", 400),
        Row::bare("unknown HTTP version", but("HTTP/1.1", "HTTP/1.2"), 400),
        Row::bare("unknown HTTP version", but("HTTP/1.1", "HTTP/2.0"), 400),
        Row::bare("two spaces", but("/eth HTTP", "/eth  HTTP"), 400),
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
        Row::refused("not JSON by its type", typed("text/plain"), MEDIA),
        Row::refused("not JSON by its type", typed("application/x-www-form-urlencoded"), MEDIA),
        Row::refused("not JSON by its type", typed("multipart/form-data; boundary=a"), MEDIA),
        Row::refused("not JSON by its type", but(JSON, "X-A: b"), MEDIA),
        Row::refused("not UTF-8 by its type", typed("application/json; charset=utf-16"), MEDIA),
        Row::refused("not UTF-8 by its type", typed("application/json; charset=latin1"), MEDIA),
        Row::served("UTF-8 by its type", typed("application/json; charset=UTF-8")),
        Row::refused("UTF-16", post(wide), (400, -32700, "parse_error")),
        Row::refused(
            "compressed",
            with("Content-Encoding: gzip\r\n"),
            (415, -32600, "unsupported_encoding"),
        ),
        Row::refused("no text", post(""), (400, -32700, "parse_error")),
        Row::refused("no text", post(" \r\n\t"), (400, -32700, "parse_error")),
        Row::refused("unknown path", but("/eth", "/nothing"), (404, -32600, "route_not_found")),
        Row::refused("admin path", but("/eth", "/metrics"), (404, -32600, "route_not_found")),
    ]
}

fn keys() -> Vec<Row> {
    vec![
        Row::refused("key in the path", but("/eth", "/eth/0123456789abcdef"), KEY),
        Row::refused("key in the query", but("/eth", "/eth?apikey=0123456789abcdef"), KEY),
        Row::refused("key in the query", but("/eth", "/eth?token=0123456789abcdef"), KEY),
    ]
}
