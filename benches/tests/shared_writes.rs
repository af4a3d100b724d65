//! The ledger of `benches/README.md` holds: no function on the way of a call writes
//! shared lines more often than it says, and a served call writes four at most.
//!
//! It counts writing operations in the text of functions. That is no measurement: it
//! cannot see a write that hides behind another name. It does see the one that somebody
//! adds to a function everybody's calls go through.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::{fs, path::Path};

/// Most writes to shared lines per served call (`benches/README.md`).
const MOST: f64 = 4.0;
/// Operations that take a line for writing.
const WRITES: [&str; 11] = [
    ".store(",
    ".swap(",
    ".fetch_add(",
    ".fetch_sub(",
    ".fetch_or(",
    ".fetch_and(",
    ".fetch_max(",
    ".fetch_update(",
    ".compare_exchange",
    ".lock()",
    ".try_lock()",
];

struct Row {
    file: String,
    function: String,
    in_source: usize,
    per_call: f64,
}

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The rows of the ledger: those that begin with a file.
fn ledger() -> Vec<Row> {
    let text = read("benches/README.md");
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `gateway/src/"));
    let row = |row: &str| {
        let cells: Vec<&str> = row.split('|').map(|cell| cell.trim().trim_matches('`')).collect();
        Row {
            file: format!("gateway/src/{}", cells[0]),
            function: cells[1].to_owned(),
            in_source: cells[2].parse().unwrap(),
            per_call: cells[3].parse().unwrap(),
        }
    };
    rows.map(row).collect()
}

/// The text of a function, from its name to the brace that ends it; tests are not looked at.
fn body<'t>(text: &'t str, function: &str) -> &'t str {
    let code = text.split("#[cfg(test)]").next().unwrap_or(text);
    let start = code.find(&format!("fn {function}(")).unwrap_or_else(|| panic!("no {function}"));
    let mut depth = 0;
    for (at, byte) in code[start..].bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' if depth == 1 => return &code[start..=start + at],
            b'}' => depth -= 1,
            _ => {}
        }
    }
    panic!("{function} does not end");
}

fn writes(code: &str) -> usize {
    let lines = code.lines().map(|line| line.split("//").next().unwrap_or(line));
    lines.map(|line| WRITES.iter().map(|word| line.matches(word).count()).sum::<usize>()).sum()
}

#[test]
fn every_function_of_the_ledger_writes_as_often_as_it_says() {
    let rows = ledger();
    assert!(rows.len() >= 6, "the ledger of benches/README.md was not found");
    for Row { file, function, in_source, per_call } in rows {
        assert_eq!(writes(body(&read(&file), &function)), in_source, "{file}: {function}");
        assert!(per_call <= in_source as f64, "{file}: {function}");
    }
}

#[test]
fn a_served_call_writes_shared_lines_four_times_at_most() {
    let sum: f64 = ledger().iter().map(|row| row.per_call).sum();
    assert!(sum > 0.0 && sum <= MOST, "{sum}");
}

#[test]
fn files_on_the_way_of_a_call_write_nothing_past_the_ledger() {
    for file in [
        "call",
        "resolve",
        "way",
        "relay",
        "relay/race",
        "record",
        "served",
        "batch",
        "relay/wording",
    ] {
        let text = read(&format!("gateway/src/gateway/{file}.rs"));
        let code = text.split("#[cfg(test)]").next().unwrap_or(&text);
        assert_eq!(writes(code), 0, "{file}.rs");
        assert!(!code.contains("Arc::clone"), "{file}.rs: a shared count is a write too");
    }
}

#[test]
fn the_counter_sees_a_write_that_is_added() {
    let text = "fn a(&self) {\n  if x { self.y.store(1) } // .lock()\n}\nfn b() { c.fetch_add(1) }";
    assert_eq!(writes(body(text, "a")), 1);
    assert_eq!(writes(body(text, "b")), 1);
    assert_eq!(writes(text), 2);
}
