//! Bad requests, as rows: what is wrong before the JSON.

use crate::rows::{Row, post, post_with, version};

type How = (u16, i64, &'static str);

const BAD: How = (400, -32600, "bad_http");
const NOT_ALLOWED: How = (405, -32600, "http_method_not_allowed");
const UNKNOWN: How = (501, -32600, "http_method_unknown");
const MEDIA: How = (415, -32600, "unsupported_media_type");
const SMUGGLING: How = (400, -32600, "smuggling_cl_te");
const CODING: How = (501, -32600, "transfer_coding");
const VERSION: How = (505, -32600, "http_version");
const TOO_LARGE: How = (431, -32600, "head_too_large");
const TOO_LONG: How = (414, -32600, "target_too_long");
const KEY: How = (401, -32600, "unauthenticated");

pub fn rows() -> Vec<Row> {
    let all = [methods(), heads(), lengths(), codings(), chunks(), hosts(), no_http(), order()];
    all.into_iter().chain([expectations(), texts(), keys()]).flatten().collect()
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
        closed("control character in the target", but("/eth", "/e\u{7}th")),
        Row::refused("Host beyond ASCII", but("Host: a", "Host: \u{e9}"), BAD).closed(),
        Row::refused("too many fields", with(&fields), TOO_LARGE).closed(),
        Row::refused("far too many fields", with(&"X: 1\r\n".repeat(1500)), TOO_LARGE).closed(),
        Row::refused(
            "head too long",
            with(&format!("X: {}\r\n", "a".repeat(33 * 1024))),
            TOO_LARGE,
        )
        .closed(),
        Row::refused("target too long", but("POST /eth", &long), TOO_LONG).closed(),
    ]
}

/// Refused as no HTTP that everybody reads alike; the connection ends.
fn closed(case: &'static str, input: impl Into<Vec<u8>>) -> Row {
    Row::refused(case, input, BAD).closed()
}

const LENGTH: &str = "Content-Length: 66";

fn lengths() -> Vec<Row> {
    let said = |length: &str| but(LENGTH, &format!("Content-Length: {length}"));
    let twice = |length: &str| with(&format!("Content-Length: {length}\r\n"));
    let mut rows = vec![
        closed("two equal lengths", twice("66")),
        closed("two lengths", twice("67")),
        Row::served("length with white space around it", said("  66 \t")),
    ];
    for length in [
        "66, 66",
        "066",
        "+66",
        "-66",
        "0x42",
        "",
        "6 6",
        "66.0",
        "18446744073709551616",
        "18446744073709551615",
        "9223372036854775808",
    ] {
        rows.push(closed("length that is no plain number", said(length)));
    }
    rows
}

/// A good call, its body in these chunks.
fn chunked(coding: &str, chunks: &str) -> String {
    let (head, _) = but(LENGTH, &format!("Transfer-Encoding: {coding}"))
        .split_once("\r\n\r\n")
        .map(|(head, body)| (head.to_owned(), body.to_owned()))
        .unwrap();
    format!("{head}\r\n\r\n{chunks}")
}

fn codings() -> Vec<Row> {
    let call = version("[]");
    let good = format!("{:x}\r\n{call}\r\n0\r\n\r\n", call.len());
    let coded = |coding: &str| chunked(coding, &good);
    let both = |fields: &str| Row::refused("two framings", but(LENGTH, fields), SMUGGLING).closed();
    let mut rows = vec![
        both("Content-Length: 66\r\nTransfer-Encoding: chunked"),
        both("Transfer-Encoding: chunked\r\nContent-Length: 66"),
        Row::served("chunked", coded("chunked")),
        Row::served("chunked in another case", coded("Chunked")),
        closed("coding in HTTP/1.0", coded("chunked").replace("HTTP/1.1", "HTTP/1.0")),
    ];
    for coding in ["gzip, chunked", "identity, chunked", "xchunked", "chunked, identity", "gzip"] {
        rows.push(Row::refused("coding that we lack", coded(coding), CODING).closed());
    }
    for coding in [
        "chunked\r\nTransfer-Encoding: chunked",
        "chunked, chunked",
        "\"chunked\"",
        "gzip\t, chunked",
        "",
        ", chunked",
    ] {
        rows.push(closed("coding that is broken", coded(coding)));
    }
    rows
}

fn chunks() -> Vec<Row> {
    let call = version("[]");
    let (first, rest) = call.split_at(5);
    let size = rest.len();
    let whole = format!("5\r\n{first}\r\n{size:x};a=b\r\n{rest}\r\n0\r\n");
    let mut rows = vec![
        Row::served("chunks", chunked("chunked", &format!("{whole}\r\n"))),
        Row::served("trailer", chunked("chunked", &format!("{whole}X-A: b\r\n\r\n"))),
    ];
    let long = "x".repeat(4097);
    for broken in [
        "zz\r\n".to_owned(),
        format!("{:017x}\r\n", 5),
        "5 \r\n".into(),
        "5;a\nb\r\n".into(),
        format!("5;{long}\r\n"),
        format!("5\r\n{first}X5\r\n"),
        format!("5\r\n{first}\n"),
        "5\n".into(),
        format!("{whole}Content-Length: 5\r\n\r\n"),
        format!("{whole}Transfer-Encoding: chunked\r\n\r\n"),
        format!("{whole}Authorization: a\r\n\r\n"),
        format!("{whole}Host: b\r\n\r\n"),
        format!("{whole}{}\r\n", "X: 1\r\n".repeat(9)),
        format!("{whole}X: {long}\r\n\r\n"),
    ] {
        rows.push(closed("chunks that are broken", chunked("chunked", &broken)));
    }
    rows
}

fn hosts() -> Vec<Row> {
    let host = |host: &str| but("Host: a", &format!("Host: {host}"));
    let mut rows = vec![
        closed("no Host", but("Host: a\r\n", "")),
        closed("two Hosts", with("Host: a\r\n")),
        closed("another's target", but("/eth", "http://b/eth")),
        closed("another scheme", but("/eth", "ftp://a/eth")),
        closed("target of no form", but("/eth", "eth")),
        closed("fragment in the target", but("/eth", "/eth#a")),
        Row::served("absolute target", but("/eth", "http://a/eth")),
    ];
    for broken in ["a, b", "u@a", "a:b", "a:99999", "", "[::1", "a b", "a/b"] {
        rows.push(closed("Host that is none", host(broken)));
    }
    rows
}

/// What follows a refusal is not looked at, and what came before it is answered first.
fn order() -> Vec<Row> {
    let good = String::from_utf8(post(version("[]"))).unwrap();
    let bad = but("Host: a\r\n", "Host: a\n");
    vec![
        closed("a call after a refusal", format!("{bad}{good}")),
        closed("a call after a refusal", format!("{}{good}", but("Host: a\r\n", ""))),
        closed("more blank lines than two", format!("\r\n\r\n\r\n{good}")),
        closed("blank line of one byte", format!("\n{good}")),
        closed("NUL before all", format!("\0{good}")),
        Row::served("two blank lines", format!("\r\n\r\n{good}")),
    ]
}

fn no_http() -> Vec<Row> {
    let silent = |input: &[u8]| Row::bare("not for a plain port", input, 0);
    vec![
        closed("malformed field", with("X-A : 1\r\n")),
        closed("malformed field", with("X-A: 1\r\n 2\r\n")),
        closed("malformed field", with("X-A: 1\0\r\n")),
        closed("malformed field", with(": 1\r\n")),
        closed("malformed field", with("X-A\r\n")),
        closed("bare line feed", with("X-A: 1\n")),
        closed("bare line feed", String::from_utf8(with("")).unwrap().replace("\r\n", "\n")),
        closed("bare carriage return", with("X-A: 1\r2\r\n")),
        closed("bare carriage return", but("HTTP/1.1\r\n", "HTTP/1.1\r\r\n")),
        closed("HTTP/0.9", "GET /eth\r\n\r\n"),
        Row::refused("unknown HTTP version", but("HTTP/1.1", "HTTP/1.2"), VERSION).closed(),
        Row::refused("unknown HTTP version", but("HTTP/1.1", "HTTP/2.0"), VERSION).closed(),
        closed("version that is none", but("HTTP/1.1", "http/1.1")),
        closed("two spaces", but("/eth HTTP", "/eth  HTTP")),
        silent(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
        silent(b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n"),
        silent(b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0c"),
    ]
}

fn expectations() -> Vec<Row> {
    let huge = but(LENGTH, "Expect: 100-continue\r\nContent-Length: 10000000000");
    let other = (417, -32600, "expectation_failed");
    vec![
        Row::refused("expected and too long", huge, (413, -32600, "body_too_large")).closed(),
        Row::refused("unknown expectation", with("Expect: bread\r\n"), other).closed(),
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
