//! What must hold for any bytes, one function per fuzz target. Shared by the
//! fuzzer and by the test that replays the corpora (gateway/tests/corpus.rs).

use std::{
    net::{IpAddr, Ipv4Addr},
    path::Path,
    sync::LazyLock,
    time::Instant,
};

use bytes::Bytes;
use headrace_gateway::{
    client::address::{by_forwarded, by_x_forwarded_for},
    config::{Config, print},
    family::Family,
    method::{MethodTable, Needs},
    rpc::{
        Call, Id, ReadLimits, Request,
        read::read,
        reply::{HeadState, Reply, SMALL, Trimmer, read_head, read_reply},
        write,
    },
    server::{
        filter::{
            h1::{Scanner, Stop},
            h2::Counter,
        },
        hello::{self, Hello},
        proxy_protocol::{self, Header},
    },
};
use serde::de::IgnoredAny;

/// Accepted text is JSON to another reader too, and a call that is written again
/// is read as the same call.
pub fn rpc_read(data: &[u8]) {
    let calls = match read(data, &ReadLimits::default()) {
        Ok(Request::Single(item)) => vec![item],
        Ok(Request::Batch(items)) => items,
        Err(_) => return,
    };
    assert!(serde_json::from_slice::<IgnoredAny>(data).is_ok());
    for call in calls.into_iter().flatten() {
        let mut text = Vec::new();
        write::call(&mut text, 7, &call.method, call.params, &[]);
        let params = Some(call.params.unwrap_or("[]"));
        let again = Call { id: Id::Raw("7"), params, ..call };
        assert_eq!(read(&text, &ReadLimits::default()), Ok(Request::Single(Ok(again))));
    }
}

/// A reply read whole is JSON; the same bytes streamed end in a value or a fault.
/// The first byte says where the stream is cut.
pub fn rpc_reply(data: &[u8]) {
    let Some((cut, body)) = data.split_first() else { return };
    if let Ok(Reply::Result { raw } | Reply::Error { raw, .. }) = read_reply(body, 7)
        && body.len() <= SMALL
    {
        assert!(serde_json::from_str::<IgnoredAny>(raw).is_ok());
    }
    let first = usize::from(*cut).min(body.len());
    if let HeadState::Result { value_starts_at, id_seen } = read_head(&body[..first], 7) {
        let mut trimmer = Trimmer::new(id_seen, 7);
        let mut passed = 0;
        for chunk in body[value_starts_at..].chunks(usize::from(*cut).max(1)) {
            let pieces = trimmer.push(Bytes::copy_from_slice(chunk));
            passed += pieces.iter().map(|piece| piece.len()).sum::<usize>();
        }
        let rest = trimmer.finish().map_or(0, |rest| rest.len());
        assert!(passed + rest < body.len());
    }
}

const FAMILIES: [Family; 4] = [Family::Ethereum, Family::Substrate, Family::Near, Family::Icon];

/// Pins lie inside the params, in order; pinned params of a call that was read are
/// JSON still.
pub fn method_needs(data: &[u8]) {
    static TABLES: LazyLock<[MethodTable; 4]> =
        LazyLock::new(|| FAMILIES.map(MethodTable::for_family));
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (method, params) = text.split_once(' ').unwrap_or((text, ""));
    let params = (!params.is_empty()).then_some(params);
    let call = Call { id: Id::Missing, method: method.into(), params };
    for needs in TABLES.iter().filter_map(|table| table.needs(&call).ok()) {
        let _weight = needs.weight_at(1_000_000);
        let pinned = pinned(&needs, params.unwrap_or_default());
        if params.is_some_and(|params| serde_json::from_str::<IgnoredAny>(params).is_ok()) {
            assert!(serde_json::from_slice::<IgnoredAny>(&pinned).is_ok());
        }
    }
}

fn pinned(needs: &Needs<'_>, params: &str) -> Vec<u8> {
    let mut done = 0;
    for pin in needs.pins.iter() {
        assert!(done <= pin.at.start && pin.at.start <= pin.at.end);
        assert!(params.get(pin.at.clone()).is_some());
        done = pin.at.end;
    }
    let splices: Vec<_> = needs.pins.iter().map(|pin| pin.splice("\"0x1b4\"")).collect();
    let mut text = Vec::new();
    write::spliced(&mut text, params, &splices);
    text
}

/// Any text is a table, perhaps with problems; every problem says what is allowed.
pub fn method_rows(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    for family in FAMILIES {
        let (table, problems) = MethodTable::read(family, text);
        assert!(table.row_of("eth_call").weight >= 1);
        assert!(problems.iter().all(|problem| !problem.allowed.is_empty()));
    }
}

/// Any text is a config or a list of problems; a config is written back as itself. Variables
/// are those of nobody: nothing of the machine is read.
pub fn config(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let none = |_: &str| None;
    match Config::parse(text, Path::new("/nonexistent/headrace.toml"), &none) {
        Ok(loaded) => {
            let text = print::written(&loaded.config);
            let again = Config::parse(&text, Path::new("/nonexistent/headrace.toml"), &none);
            assert_eq!(again.ok().map(|again| again.config.revision), Some(loaded.config.revision));
        }
        Err(problems) => assert!(!problems.is_empty()),
    }
}

/// However a client's bytes are cut, the same of them pass; and what passes is read the
/// same way by a reader that knows nothing but lines. The first byte says where to cut.
pub fn http1_head(data: &[u8]) {
    let Some((cut, bytes)) = data.split_first() else { return };
    let whole = passed(bytes, bytes.len());
    assert_eq!(passed(bytes, usize::from(*cut)), whole);
    let (length, heads, _) = whole;
    assert_eq!(plain_heads(&bytes[..length]), heads);
}

/// What passes when bytes come in pieces of this length: how much, heads, and the stop.
fn passed(bytes: &[u8], piece: usize) -> (usize, u32, Option<Stop>) {
    let mut scanner = Scanner::default();
    let (mut passed, mut come) = (0, 0);
    while come < bytes.len() {
        come = (come + piece.max(1)).min(bytes.len());
        let scan = scanner.scan(&bytes[passed..come]);
        passed += scan.passed;
        if scan.stop.is_some() {
            return (passed, scanner.heads(), scan.stop);
        }
    }
    (passed, scanner.heads(), None)
}

/// The heads of a stream, read by its lines alone.
fn plain_heads(mut bytes: &[u8]) -> u32 {
    let mut heads = 0;
    while !bytes.is_empty() {
        while let Some(rest) = bytes.strip_prefix(b"\r\n") {
            bytes = rest;
        }
        let Some(head) = until(&mut bytes, b"\r\n\r\n") else {
            panic!("a head is passed whole");
        };
        heads += 1;
        let head = String::from_utf8_lossy(head).to_lowercase();
        assert!(!head.replace("\r\n", "").contains(['\r', '\n', '\0']));
        let mut lines = head.split("\r\n");
        assert_eq!(lines.next().map(|line| line.split(' ').count()), Some(3));
        let fields: Vec<_> = lines.filter_map(|line| line.split_once(':')).collect();
        let find = |name: &str| fields.iter().filter(|field| field.0 == name).collect::<Vec<_>>();
        match (&find("content-length")[..], &find("transfer-encoding")[..]) {
            ([], []) => {}
            ([(_, length)], []) => {
                let Ok(length) = length.trim().parse::<usize>() else {
                    panic!("a length is a number");
                };
                bytes = &bytes[length.min(bytes.len())..];
            }
            ([], [(_, coding)]) => {
                assert_eq!(coding.trim(), "chunked");
                skip_chunks(&mut bytes);
            }
            several => panic!("{several:?}"),
        }
    }
    heads
}

fn skip_chunks(bytes: &mut &[u8]) {
    while let Some(line) = until(bytes, b"\r\n") {
        let size = line.split(|byte| *byte == b';').next().unwrap_or_default();
        let digits = String::from_utf8_lossy(size);
        let Ok(size) = u64::from_str_radix(&digits, 16) else { panic!("a size is a number") };
        if size == 0 {
            loop {
                match until(bytes, b"\r\n") {
                    Some([]) => return,
                    Some(_) => {}
                    None => return *bytes = &[],
                }
            }
        }
        let size = usize::try_from(size).unwrap_or(usize::MAX).saturating_add(2);
        *bytes = &bytes[size.min(bytes.len())..];
    }
    *bytes = &[];
}

/// What comes before `end`, which is taken too; `None` when it is not there.
fn until<'a>(bytes: &mut &'a [u8], end: &[u8]) -> Option<&'a [u8]> {
    let at = bytes.windows(end.len()).position(|window| window == end)?;
    let (before, rest) = bytes.split_at(at);
    *bytes = &rest[end.len()..];
    Some(before)
}

/// However frames are cut, a flood is a flood. The first byte says where to cut.
pub fn http2_frames(data: &[u8]) {
    let Some((cut, bytes)) = data.split_first() else { return };
    let now = Instant::now();
    let run = |piece: usize| {
        let mut counter = Counter::default();
        let pieces = bytes.chunks(piece.max(1));
        let flood = pieces.fold(false, |flood, piece| flood | counter.received(piece, now));
        bytes.chunks(piece.max(1)).for_each(|piece| counter.sent(piece));
        assert!(counter.outbound().rest(bytes) <= bytes.len());
        (flood, counter.goaway(), counter.outbound().is_between())
    };
    assert_eq!(run(usize::from(*cut)), run(bytes.len()));
}

/// A header that is read ends within the bytes and is told by them alone; what it says, when
/// it is written again, is read as the same. A prefix of it is not read, nor refused.
pub fn proxy_header(data: &[u8]) {
    let Ok(Some((header, length))) = proxy_protocol::read(data) else { return };
    assert!(length <= data.len() && length <= proxy_protocol::LONGEST);
    assert_eq!(proxy_protocol::read(&data[..length]), Ok(Some((header, length))));
    assert_eq!(proxy_protocol::read(&data[..length - 1]), Ok(None));
    let again = proxy_protocol::write_v2(&header, b"").unwrap_or_default();
    assert_eq!(proxy_protocol::read(&again), Ok(Some((header, again.len()))));
    if header != Header::Local {
        let again = proxy_protocol::write_v1(&header);
        assert_eq!(proxy_protocol::read(&again), Ok(Some((header, again.len()))));
    }
}

/// A verdict stays, whatever comes after the bytes that it was made on.
pub fn tls_hello(data: &[u8]) {
    let mut seen = Hello::Partial;
    for end in 0..=data.len().min(512) {
        let now = hello::look(&data[..end]);
        assert!(seen == Hello::Partial || seen == now);
        seen = now;
    }
    let whole = hello::look(data);
    assert!(seen == Hello::Partial || seen == whole);
}

/// Whatever stands left of a trusted proxy's own entry, the client is who it says; with too
/// many entries, or an entry that is no address, it is the proxy itself.
pub fn forwarded(data: &[u8]) {
    let (proxy, client) = (Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(192, 0, 2, 1));
    let Ok(network) = "10.0.0.0/8".parse() else { return };
    let trusted = [network];
    let left = || data.split(|byte| *byte == b'\n');
    let proxy = IpAddr::V4(proxy);
    let known = [proxy, IpAddr::V4(client)];
    let told = by_x_forwarded_for(proxy, left().chain([&b"192.0.2.1"[..]]), &trusted);
    assert!(known.contains(&told), "{told}");
    let told = by_forwarded(proxy, left().chain([&b"for=192.0.2.1"[..]]), &trusted);
    assert!(known.contains(&told), "{told}");
    let _ = by_x_forwarded_for(proxy, left(), &trusted);
    let _ = by_forwarded(proxy, left(), &trusted);
}
