//! HTTP/2 frame by frame: what no client library would send, and what comes of it.

use std::io::{Read, Write};

use headrace_gateway::server::Shutdown;

use crate::edge_server::{Running, Setup};

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const PRIORITY: u8 = 2;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;

const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

const PROTOCOL_ERROR: u32 = 1;
const ENHANCE_YOUR_CALM: u32 = 11;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let head = [&length[1..], &[kind, flags], &stream.to_be_bytes()].concat();
    [&head, payload].concat()
}

fn begin() -> Vec<u8> {
    [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), frame(SETTINGS, 0, 0, b"")].concat()
}

type Fields<'a> = &'a [(&'a str, &'a str)];

/// Fields as literals without an index (RFC 7541, section 6.2.2).
fn block(fields: Fields<'_>) -> Vec<u8> {
    let text = |text: &str| {
        let length = text.len();
        let mut bytes = if length < 127 {
            vec![u8::try_from(length).unwrap()]
        } else {
            let more = length - 127;
            vec![127, u8::try_from(more & 127).unwrap() | 128, u8::try_from(more >> 7).unwrap()]
        };
        bytes.extend(text.as_bytes());
        bytes
    };
    let field = |(name, value): &(&str, &str)| [vec![0], text(name), text(value)].concat();
    fields.iter().flat_map(field).collect()
}

fn headers(flags: u8, stream: u32, fields: Fields<'_>) -> Vec<u8> {
    frame(HEADERS, END_HEADERS | flags, stream, &block(fields))
}

const GOOD: [(&str, &str); 5] = [
    (":method", "POST"),
    (":scheme", "http"),
    (":authority", "a"),
    (":path", "/eth"),
    ("content-type", "application/json"),
];

/// The good fields but for one, which is another or gone.
fn but<'a>(name: &str, instead: Option<&'a str>) -> Vec<(&'a str, &'a str)> {
    let kept = |(found, value): (&'static str, &'static str)| {
        if found == name { instead.map(|value| (found, value)) } else { Some((found, value)) }
    };
    GOOD.into_iter().filter_map(kept).collect()
}

fn and<'a>(fields: Fields<'a>) -> Vec<(&'a str, &'a str)> {
    [&GOOD[..], fields].concat()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Came {
    Status(u16),
    Reset(u32),
    Goaway(u32),
    Closed,
}

/// The status of a header block that begins with it: indexed, or a literal in Huffman's code.
fn status(block: &[u8]) -> u16 {
    match block {
        [0x88, ..] => 200,
        [0x8c, ..] => 400,
        [0x8d, ..] => 404,
        [_, length, digits @ ..] => {
            let digits = &digits[..usize::from(length & 127)];
            let bits = digits.iter().fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
            let (mut left, mut number) = (digits.len() * 8, 0);
            let top = |left: usize, count: usize| (bits >> (left - count)) & ((1 << count) - 1);
            for _ in 0..3 {
                let short = top(left, 5);
                let digit = if short < 3 { short } else { top(left, 6) - 22 };
                left -= if short < 3 { 5 } else { 6 };
                number = number * 10 + digit;
            }
            u16::try_from(number).unwrap()
        }
        _ => 0,
    }
}

/// Sends all of `bytes`, and gives what first comes that is an answer or an end.
fn ask(server: &Running, bytes: &[u8]) -> (crate::raw::Raw, Came) {
    let mut raw = server.connect();
    // A server that has had enough reads no more.
    drop(raw.stream.write_all(bytes));
    let came = first(&mut raw.stream);
    (raw, came)
}

fn first(stream: &mut std::net::TcpStream) -> Came {
    loop {
        let mut head = [0; 9];
        if stream.read_exact(&mut head).is_err() {
            return Came::Closed;
        }
        let mut payload = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
        stream.read_exact(&mut payload).unwrap();
        let code = |at: usize| u32::from_be_bytes(payload[at..at + 4].try_into().unwrap());
        match head[3] {
            HEADERS => return Came::Status(status(&payload)),
            RST_STREAM => return Came::Reset(code(0)),
            GOAWAY => return Came::Goaway(code(4)),
            _ => {}
        }
    }
}

#[test]
fn malformed_requests_reset_their_stream() {
    let server = Setup::default().start();
    let end = |fields: Fields<'_>| headers(END_STREAM, 1, fields);
    let late = [&GOOD[1..], &GOOD[..1]].concat();
    let short =
        [headers(0, 1, &and(&[("content-length", "5")])), frame(DATA, END_STREAM, 1, b"{}")]
            .concat();
    for (case, request) in [
        ("connection", end(&and(&[("connection", "close")]))),
        ("te", end(&and(&[("te", "gzip")]))),
        ("transfer-encoding", end(&and(&[("transfer-encoding", "chunked")]))),
        ("upgrade", end(&and(&[("upgrade", "h2c")]))),
        ("no path", end(&but(":path", None))),
        ("no method", end(&but(":method", None))),
        ("no scheme", end(&but(":scheme", None))),
        ("empty path", end(&but(":path", Some("")))),
        ("two methods", end(&[&GOOD[..1], &GOOD[..]].concat())),
        ("late pseudo-header", end(&late)),
        ("unknown pseudo-header", end(&[&[(":other", "a")], &GOOD[..]].concat())),
        ("upper-case name", end(&and(&[("X-A", "b")]))),
        ("length of other than the data", short),
        ("extended CONNECT", end(&[&[(":protocol", "websocket")], &GOOD[..]].concat())),
    ] {
        let (_, came) = ask(&server, &[begin(), request].concat());
        let refused = [Came::Reset(PROTOCOL_ERROR), Came::Goaway(PROTOCOL_ERROR)];
        assert!(refused.contains(&came), "{case}: {came:?}");
    }
}

#[test]
fn heads_that_can_be_read_twice_have_their_status() {
    let server = Setup::default().start();
    let long = "a".repeat(9000);
    let many = vec![("x-a", "1"); 65];
    let connect = [(":method", "CONNECT"), (":authority", "a:443")];
    for (case, fields, status) in [
        ("another host", and(&[("host", "b")]), 400),
        ("no host", but(":authority", None), 400),
        ("user in the host", but(":authority", Some("u@a")), 400),
        ("another scheme", but(":scheme", Some("javascript")), 400),
        ("padded length", and(&[("content-length", "00")]), 400),
        ("CONNECT", connect.to_vec(), 405),
        ("too many fields", and(&many), 431),
        ("list too long", and(&[("x-a", &long)]), 431),
        ("the same host, and no text", and(&[("host", "a")]), 400),
    ] {
        let (_, came) = ask(&server, &[begin(), headers(END_STREAM, 1, &fields)].concat());
        assert_eq!(came, Came::Status(status), "{case}");
    }
}

#[test]
fn floods_of_control_frames_are_told_to_calm_down_and_closed() {
    let server = Setup::default().start();
    let open = headers(0, 1, &GOOD);
    let reset = |stream: u32| {
        [headers(0, stream, &GOOD), frame(RST_STREAM, 0, stream, &[0, 0, 0, 8])].concat()
    };
    let floods = [
        ("PING", vec![], frame(PING, 0, 0, &[0; 8]).repeat(2000)),
        ("SETTINGS", vec![], frame(SETTINGS, 0, 0, b"").repeat(2000)),
        ("WINDOW_UPDATE", vec![], frame(WINDOW_UPDATE, 0, 0, &[0, 0, 0, 1]).repeat(2000)),
        ("PRIORITY", vec![], frame(PRIORITY, 0, 1, &[0, 0, 0, 3, 9]).repeat(2000)),
        ("unknown", vec![], frame(0xbb, 0, 0, b"x").repeat(2000)),
        ("empty DATA", open.clone(), frame(DATA, 0, 1, b"").repeat(2000)),
        (
            "CONTINUATION",
            frame(HEADERS, 0, 1, &block(&GOOD)),
            frame(CONTINUATION, 0, 1, b"").repeat(2000),
        ),
        ("rapid reset", vec![], (0..1000).flat_map(|n| reset(2 * n + 1)).collect()),
    ];
    for (case, opening, flood) in floods {
        let (mut raw, came) = ask(&server, &[begin(), opening, flood].concat());
        let mut came = came;
        // Streams may be reset before the connection is.
        while matches!(came, Came::Reset(_) | Came::Status(_)) {
            came = first(&mut raw.stream);
        }
        assert_eq!(came, Came::Goaway(ENHANCE_YOUR_CALM), "{case}");
        assert_eq!(first(&mut raw.stream), Came::Closed, "{case}");
    }
}

#[test]
fn a_flood_from_a_client_that_reads_little_ends_in_time() {
    let server = Setup::default().serve(Shutdown::default(), |_| crate::edge_lives::Flood);
    let mut raw = server.connect();
    let window = |stream| frame(WINDOW_UPDATE, 0, stream, &0x7fff_0000_u32.to_be_bytes());
    let request = headers(END_STREAM, 1, &but(":path", Some("/")));
    raw.send(&[begin(), window(0), request, window(1)].concat());
    // An answer that fills the socket is under way; the client reads a frame of it.
    assert_eq!(first(&mut raw.stream), Came::Status(200));
    drop(raw.stream.write_all(&frame(PING, 0, 0, &[0; 8]).repeat(2000)));
    // With no timeout of the server's own, this read would go on to the answer's end.
    let mut read = 0;
    let mut piece = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = raw.stream.read(&mut piece) {
        read += length;
    }
    assert!(read < 64 << 20, "cut short: {read}");
}

#[test]
fn streams_have_their_bound() {
    let server = Setup::default().start();
    let opened: Vec<u8> = (0..65).flat_map(|n| headers(0, 2 * n + 1, &GOOD)).collect();
    let (_, came) = ask(&server, &[begin(), opened].concat());
    assert!(matches!(came, Came::Reset(7)), "REFUSED_STREAM: {came:?}");
}
