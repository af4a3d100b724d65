//! No bytes from outside make us hold more than a hundred times their size, or 64 KiB: the
//! fuzz corpora and inputs made to be dear, under an allocator that counts. What operators
//! write has a floor of its own, for a chain's method table has one.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]

#[path = "../../fuzz/targets.rs"]
mod targets;

use std::{fs, path::Path};

use peak_alloc::PeakAlloc;

#[global_allocator]
static COUNTING: PeakAlloc = PeakAlloc;

/// Bytes that any input of a client or node may cost.
const FLOOR: usize = 64 << 10;
/// Bytes that any text of an operator may cost.
const OPERATORS: usize = 4 << 20;
/// Bytes that each byte of an input may cost.
const FACTOR: usize = 100;
/// Of a request body where nothing else is written.
const BODY: usize = 5 << 20;

/// Its corpus, what reads the bytes, what they may cost at least.
type Target = (&'static str, fn(&[u8]), usize);

const TARGETS: [Target; 10] = [
    ("rpc_read", targets::rpc_read, FLOOR),
    ("rpc_reply", targets::rpc_reply, FLOOR),
    ("method_needs", targets::method_needs, FLOOR),
    ("http1_head", targets::http1_head, FLOOR),
    ("http2_frames", targets::http2_frames, FLOOR),
    ("proxy_header", targets::proxy_header, FLOOR),
    ("tls_hello", targets::tls_hello, FLOOR),
    ("forwarded", targets::forwarded, FLOOR),
    ("method_rows", targets::method_rows, OPERATORS),
    ("config", targets::config, OPERATORS),
];

/// What an input costs at most, beyond what is held already.
fn cost(run: fn(&[u8]), input: &[u8]) -> usize {
    let before = COUNTING.current_usage();
    COUNTING.reset_peak_usage();
    run(input);
    COUNTING.peak_usage().saturating_sub(before)
}

fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target);
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    files.map(|file| (file.display().to_string(), fs::read(&file).unwrap())).collect()
}

/// As many of `piece` as a body may hold, between `before` and `after`.
fn filled(before: &str, piece: &str, after: &str) -> Vec<u8> {
    let room = BODY - before.len() - after.len();
    [before, &piece.repeat(room / piece.len()), after].concat().into_bytes()
}

/// Texts that cost naive readers dear.
fn dear() -> Vec<(String, Vec<u8>)> {
    let call = r#"{"jsonrpc":"2.0","id":1,"method":"eth_call","params":["#;
    let members: String = (0..100_000).map(|n| format!("\"k{n}\":0,")).collect();
    let texts = [
        ("objects", filled("[", r#"{"a":{}},"#, "0]")),
        ("zeros", filled("[", "0,", "0]")),
        ("params of zeros", filled(call, "0,", "0]}")),
        ("depth", filled("", "[", "")),
        ("depth of objects", filled("", r#"{"a":"#, "")),
        ("batch", filled("[", r#"{"jsonrpc":"2.0","id":1,"method":"m"},"#, "0]")),
        ("escapes", filled("[\"", r"\u0061", "\"]")),
        ("members", format!("{{{members}\"z\":0}}").into_bytes()),
        ("one number", filled("", "1", "")),
        ("white space", filled("", " ", "1")),
        ("a reply of zeros", filled(r#"x{"jsonrpc":"2.0","id":7,"result":["#, "0,", "0]}")),
    ];
    texts.into_iter().map(|(name, text)| (name.to_owned(), text)).collect()
}

/// One test: what is counted is the whole process.
#[test]
fn no_input_costs_more_than_its_bound() {
    let mut faults = Vec::new();
    let dear = dear();
    for (target, run, floor) in TARGETS {
        // Tables are made at the first use.
        run(b"eth_call []");
        let corpus = corpus(target);
        let hostile = dear.iter().filter(|_| floor == FLOOR);
        for (name, input) in corpus.iter().chain(hostile) {
            let cost = cost(run, input);
            let bound = floor.max(FACTOR * input.len());
            if cost > bound {
                faults.push(format!("{target}: {name}: {} bytes cost {cost}", input.len()));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
