use proptest::prelude::*;

use super::*;

const GOOD: &str = "POST /eth HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}";

/// What passes in all, and where it stops, when the bytes come in pieces of these lengths.
fn run(bytes: &[u8], cuts: &[usize]) -> (usize, Option<Stop>, u32) {
    let mut scanner = Scanner::default();
    let (mut passed, mut come) = (0, 0);
    let mut cuts = cuts.iter().copied().cycle();
    while come < bytes.len() {
        let cut = cuts.next().unwrap_or(bytes.len()).max(1);
        come = (come + cut).min(bytes.len());
        let scan = scanner.scan(&bytes[passed..come]);
        passed += scan.passed;
        if scan.stop.is_some() {
            return (passed, scan.stop, scanner.heads());
        }
    }
    (passed, None, scanner.heads())
}

fn check(input: impl AsRef<[u8]>, stop: Option<Stop>) {
    let input = input.as_ref();
    let whole = run(input, &[input.len()]);
    let shown = String::from_utf8_lossy(&input[..input.len().min(200)]);
    assert_eq!(whole.1, stop, "{shown:?}");
    assert_eq!(run(input, &[1]), whole, "byte by byte: {shown:?}");
    if stop.is_none() {
        assert_eq!(whole.0, input.len(), "all of it passes: {shown:?}");
    }
}

/// A good request with one part replaced.
fn but(part: &str, instead: &str) -> String {
    assert!(GOOD.contains(part), "{part}");
    GOOD.replace(part, instead)
}

fn bad(input: impl AsRef<[u8]>) {
    check(input, Some(Stop::Head(Fault::Bad)));
}

const LENGTH: &str = "Content-Length: 2";

#[test]
fn what_has_one_reading_passes() {
    check(GOOD, None);
    check(GOOD.repeat(3), None);
    check(format!("\r\n\r\n{GOOD}\r\n{GOOD}"), None);
    check("GET / HTTP/1.0\r\n\r\n", None);
    check(but(LENGTH, "content-length:2"), None);
    check(but(LENGTH, "CONTENT-LENGTH: \t2 \t"), None);
    check("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", None);
    check("CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", None);
    check("GET http://a/eth HTTP/1.1\r\nHost: a\r\n\r\n", None);
    check(but("/eth", "/eth|?a=%20^"), None);
    check(but("Host: a", "X-A: b\u{e9}\tc"), None);
}

#[test]
fn lengths_are_plain_numbers_said_once() {
    for value in [
        "02",
        "+2",
        "-1",
        "0x2",
        "",
        " 2 x",
        "2,2",
        "2, 2",
        "18446744073709551616",
        "18446744073709551615",
        "9223372036854775808",
        "2\r\nContent-Length: 2",
        "2\r\nContent-Length: 3",
        "00",
        "\u{b2}",
        "2;",
    ] {
        bad(but(LENGTH, &format!("Content-Length: {value}")));
    }
    let most = but(LENGTH, "Content-Length: 9223372036854775807");
    check(most, None);
}

#[test]
fn a_body_has_one_framing() {
    let two = Some(Stop::Head(Fault::TwoFramings));
    check(but(LENGTH, "Content-Length: 2\r\nTransfer-Encoding: chunked"), two);
    check(but(LENGTH, "Transfer-Encoding: chunked\r\nContent-Length: 0"), two);
    bad(but(LENGTH, "Transfer-Encoding: chunked").replace("1.1", "1.0"));
    let coded = |coding: &str| but(LENGTH, &format!("Transfer-Encoding: {coding}"));
    for coding in ["gzip, chunked", "identity, chunked", "xchunked", "chunked, identity", "gzip"] {
        check(coded(coding), Some(Stop::Head(Fault::Coding)));
    }
    for coding in [
        "chunked\r\nTransfer-Encoding: chunked",
        "chunked, chunked",
        "\"chunked\"",
        ", chunked",
        "",
        "chunked;q=1",
        "gzip\t, chunked",
        "chunked,",
    ] {
        bad(coded(coding));
    }
    check(coded("Chunked").replace("{}", "2\r\n{}\r\n0\r\n\r\n"), None);
}

#[test]
fn lines_end_in_crlf_and_hold_one_field() {
    bad(GOOD.replace("\r\n", "\n"));
    bad(but("Host: a\r\n", "Host: a\n"));
    bad(but("Host: a", "Host: a\rb"));
    bad(but("HTTP/1.1\r\n", "HTTP/1.1\r\r\n"));
    bad(but("2\r\n\r\n", "2\r\n\n"));
    bad(but("Host: a", "Host : a"));
    bad(but("Host: a", "Host\t: a"));
    bad(but("Host: a", " Host: a"));
    bad(but("Host: a", "Host: a\r\n b"));
    bad(but("Host: a", "Host: a\r\n\tb"));
    bad(but("Host: a", ": a"));
    bad(but("Host: a", "Host"));
    bad(but("Host: a", "Host: a\0"));
    bad(but("Host: a", "X: \u{7f}"));
    bad(but("Host: a", "X\u{e9}: 1"));
    bad(format!("\r\n\r\n\r\n{GOOD}"));
    bad(format!("\n{GOOD}"));
    bad(format!("\0{GOOD}"));
    bad(format!(" {GOOD}"));
}

#[test]
fn request_lines_have_three_parts() {
    for line in [
        "GET /eth",
        "GET",
        "",
        " / HTTP/1.1",
        "GET  HTTP/1.1",
        "GET /eth  HTTP/1.1",
        "GET  /eth HTTP/1.1",
        "GET /eth HTTP/1.1 ",
        "GET\t/eth HTTP/1.1",
        "GET /e th HTTP/1.1",
        "GET /eth http/1.1",
        "GET /eth HTTP/1",
        "GET /eth HTTP/11",
        "GET /eth HTTP/1.10",
        "G@T /eth HTTP/1.1",
        "GET eth HTTP/1.1",
        "GET /eth#a HTTP/1.1",
        "GET /e\u{7}th HTTP/1.1",
        "GET /\u{e9} HTTP/1.1",
        "GET /a<b HTTP/1.1",
        "GET http:///eth HTTP/1.1",
    ] {
        if !line.is_empty() {
            bad(format!("{line}\r\nHost: a\r\n\r\n"));
        }
    }
    for version in ["HTTP/1.2", "HTTP/2.0", "HTTP/0.9", "HTTP/3.0"] {
        check(but("HTTP/1.1", version), Some(Stop::Head(Fault::Version)));
    }
}

#[test]
fn heads_have_bounds() {
    let fields = |count: usize| but("Host: a", &vec!["X: 1"; count].join("\r\n"));
    check(fields(MAX_FIELDS - 1), None);
    check(fields(MAX_FIELDS), Some(Stop::Head(Fault::HeadTooLarge)));
    check(fields(4000), Some(Stop::Head(Fault::HeadTooLarge)));
    let long = |length: usize| but("Host: a", &format!("X: {}", "a".repeat(length)));
    let rest = GOOD.len() - "{}".len() - "a".len();
    check(long(HEAD_BYTES - rest + "Host".len() - 1), None);
    check(long(HEAD_BYTES), Some(Stop::Head(Fault::HeadTooLarge)));
    let target = |length: usize| but("eth", &"a".repeat(length));
    check(target(MAX_TARGET - 1), None);
    for length in [MAX_TARGET, 9000, 40_000] {
        check(target(length), Some(Stop::Head(Fault::TargetTooLong)));
    }
    check("a".repeat(9000), Some(Stop::Head(Fault::TargetTooLong)));
}

fn chunked(body: &str) -> String {
    but(LENGTH, "Transfer-Encoding: chunked").replace("{}", body)
}

#[test]
fn chunks_are_strict() {
    let long = "x".repeat(4094);
    for body in [
        "2\r\n{}\r\n0\r\n\r\n".to_owned(),
        "0\r\n\r\n".into(),
        "00000000000000A\r\n0123456789\r\n0\r\n\r\n".into(),
        "2;a=b\r\n{}\r\n0;c\r\n\r\n".into(),
        format!("1;{long}\r\n1\r\n0;\r\n\r\n"),
        "0\r\nX-A: b\r\nX-C:\r\n\r\n".into(),
    ] {
        check(format!("{}{GOOD}", chunked(&body)), None);
    }
    for body in [
        "zz\r\n".to_owned(),
        "\r\n".into(),
        "2\n{}\r\n0\r\n\r\n".into(),
        "2 \r\n{}\r\n0\r\n\r\n".into(),
        "0x2\r\n{}".into(),
        "+2\r\n{}".into(),
        "00000000000000002\r\n{}".into(),
        "2\r\n{}0\r\n\r\n".into(),
        "2\r\n{}\n0\r\n\r\n".into(),
        "2;a\nb\r\n{}".into(),
        "2;a\rb\r\n{}".into(),
        "2;a\0\r\n{}".into(),
        format!("1;{long}\r\n1\r\n1;abc\r\n1\r\n0\r\n\r\n"),
        "0\r\n\n".into(),
        "0\r\n X: 1\r\n\r\n".into(),
        "0\r\nX : 1\r\n\r\n".into(),
        "0\r\nX: 1\n\r\n".into(),
        "0\r\nX\r\n\r\n".into(),
        "0\r\nContent-Length: 5\r\n\r\n".into(),
        "0\r\nTRANSFER_ENCODING: chunked\r\n\r\n".into(),
        "0\r\nAuthorization: x\r\n\r\n".into(),
        "0\r\nHost: x\r\n\r\n".into(),
        format!("0\r\n{}\r\n", "X: 1\r\n".repeat(9)),
        format!("0\r\nX: {}\r\n\r\n", "a".repeat(4096)),
    ] {
        check(chunked(&body), Some(Stop::Body));
    }
}

#[test]
fn an_incomplete_head_is_withheld_and_bodies_pass_as_they_come() {
    let two = format!("{GOOD}{GOOD}");
    for cut in 0..two.len() {
        let mut scanner = Scanner::default();
        let passed = scanner.scan(&two.as_bytes()[..cut]).passed;
        let body = GOOD.len() - 2;
        let expected = match cut {
            _ if cut < body => 0,
            _ if cut < GOOD.len() + body => cut.min(GOOD.len()),
            _ => cut,
        };
        assert_eq!(passed, expected, "{cut}");
    }
}

#[test]
fn nothing_after_a_stop_passes() {
    let mut scanner = Scanner::default();
    let input = format!("{GOOD}GET / HTTP/1.1\n\n{GOOD}");
    let stop = Some(Stop::Head(Fault::Bad));
    assert_eq!(scanner.scan(input.as_bytes()), Scan { passed: GOOD.len(), stop });
    assert_eq!(scanner.scan(GOOD.as_bytes()), Scan { passed: 0, stop: None });
    assert_eq!(scanner.heads(), 1);
}

/// Pieces that heads and bodies are made of, right and wrong.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let known = prop::sample::select(vec![
        "GET / HTTP/1.1\r\n",
        "POST /eth HTTP/1.1\r\n",
        "POST /eth HTTP/1.0\r\n",
        "Host: a\r\n",
        "Content-Length: 3\r\n",
        "Transfer-Encoding: chunked\r\n",
        "X-A: b\r\n",
        "\r\n",
        "\n",
        "\r",
        "3\r\nabc\r\n",
        "0\r\n\r\n",
        "0\r\nX: 1\r\n\r\n",
        "abc",
        "3;x=y\r\n",
        " ",
        "\0",
        GOOD,
    ]);
    prop_oneof![
        9 => known.prop_map(|text| text.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..4),
    ]
}

proptest! {
    #[test]
    fn how_bytes_are_cut_into_reads_changes_nothing(
        pieces in prop::collection::vec(piece(), 0..24),
        cuts in prop::collection::vec(1_usize..40, 1..8),
    ) {
        let bytes = pieces.concat();
        prop_assert_eq!(run(&bytes, &cuts), run(&bytes, &[usize::MAX / 2]));
    }
}
