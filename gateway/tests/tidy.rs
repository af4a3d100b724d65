//! Keeps the source tree in the shape that ARCHITECTURE.md describes: floors, sizes,
//! where async and unsafe may stand, and that the names operators see are documented.
//!
//! It scans text: strings and comments are blanked out first, so that braces and words
//! inside them count for nothing. It does not parse Rust, and need not.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use headrace_gateway::route::Reason;

const LONGEST_FUNCTION: usize = 70;
const LONGEST_FILE: usize = 500;
/// Files that may be longer, each with the reason.
const LONG_FILES: [(&str, &str); 1] =
    [("gateway/src/config/keys.rs", "one table, a row for each key of the config")];
/// Files that may use `unsafe`, each with the reason.
const UNSAFE_FILES: [(&str, &str); 0] = [];
/// Where a family may be named above the rules, each with the reason.
const FAMILY_FILES: [(&str, &str); 2] = [
    ("gateway/src/cli", "help and the demo show calls to copy"),
    ("gateway/src/main.rs", "help shows calls to copy"),
];
/// The lowest floor that may wait.
const ASYNC_FLOOR: usize = 4;
/// The highest floor that may know a family.
const FAMILY_FLOOR: usize = 1;

/// One source file, its strings and comments blanked out in `code`.
struct Source {
    path: String,
    code: String,
    /// Content of string literals, with their lines.
    strings: Vec<(usize, String)>,
    /// Lines of test code.
    test_lines: BTreeSet<usize>,
}

impl Source {
    fn new(path: &str, text: &str) -> Self {
        let (code, strings) = blank(text);
        let test_lines = test_lines(path, &code);
        Self { path: path.to_owned(), code, strings, test_lines }
    }

    fn problem(&self, line: usize, what: &str) -> String {
        format!("{}:{line}: {what}", self.path)
    }

    /// The module of the gateway's library this file belongs to.
    fn module(&self) -> Option<&str> {
        let inside = self.path.strip_prefix("gateway/src/")?;
        let module = inside.split(['/', '.']).next()?;
        (module != "lib").then_some(module)
    }

    /// String literals outside tests.
    fn live_strings(&self) -> impl Iterator<Item = &(usize, String)> {
        self.strings.iter().filter(|(line, _)| !self.test_lines.contains(line))
    }

    /// Lines of code outside tests, numbered from 1, strings blanked.
    fn live_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        (1..).zip(self.code.lines()).filter(|(line, _)| !self.test_lines.contains(line))
    }
}

/// Blanks strings and comments, keeping lines; and gives the strings.
fn blank(text: &str) -> (String, Vec<(usize, String)>) {
    let chars: Vec<char> = text.chars().collect();
    let (mut code, mut strings, mut at, mut line) = (String::new(), Vec::new(), 0, 1);
    while at < chars.len() {
        let (length, content) = token(&chars, at);
        let span = &chars[at..at + length];
        strings.extend(content.map(|content| (line, content)));
        let is_code = length == 1;
        code.extend(span.iter().map(|&c| if is_code || c == '\n' { c } else { ' ' }));
        line += span.iter().filter(|c| **c == '\n').count();
        at += length;
    }
    (code, strings)
}

/// Length of the comment or literal that begins here, and what a string holds; anything
/// else is one character.
fn token(chars: &[char], at: usize) -> (usize, Option<String>) {
    let rest = &chars[at..];
    let in_word = at > 0 && is_word(chars[at - 1]);
    match rest {
        ['/', '/', ..] => (rest.iter().position(|c| *c == '\n').unwrap_or(rest.len()), None),
        ['/', '*', ..] => (block_comment(rest), None),
        ['"', ..] => plain_string(rest),
        ['r', '"' | '#', ..] if !in_word => raw_string(rest, 1),
        ['b' | 'c', 'r', '"' | '#', ..] if !in_word => raw_string(rest, 2),
        ['\'', '\\', _, ..] => {
            let close = rest.iter().skip(3).position(|c| *c == '\'');
            (close.map_or(rest.len(), |close| close + 4), None)
        }
        ['\'', _, '\'', ..] => (3, None),
        _ => (1, None),
    }
}

fn block_comment(rest: &[char]) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < rest.len() {
        match rest[at..] {
            ['/', '*', ..] => (depth, at) = (depth + 1, at + 2),
            ['*', '/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

fn plain_string(rest: &[char]) -> (usize, Option<String>) {
    let mut at = 1;
    while at < rest.len() && rest[at] != '"' {
        at += if rest[at] == '\\' { 2 } else { 1 };
    }
    let end = at.min(rest.len());
    ((end + 1).min(rest.len()), Some(rest[1..end].iter().collect()))
}

fn raw_string(rest: &[char], prefix: usize) -> (usize, Option<String>) {
    let hashes = rest[prefix..].iter().take_while(|c| **c == '#').count();
    let open = prefix + hashes;
    if rest.get(open) != Some(&'"') {
        return (1, None); // a raw identifier
    }
    let is_end = |at: &usize| rest[*at] == '"' && rest[at + 1..].starts_with(&vec!['#'; hashes]);
    let end = (open + 1..rest.len()).find(is_end).unwrap_or(rest.len() - 1);
    ((end + 1 + hashes).min(rest.len()), Some(rest[open + 1..end].iter().collect()))
}

/// The line on which a byte of the text stands.
fn line_of(code: &str, at: usize) -> usize {
    1 + code[..at].matches('\n').count()
}

/// Where the block that opens at or after `from` ends; `None` when a `;` comes first.
fn block_end(code: &str, from: usize) -> Option<usize> {
    let (mut depth, mut brackets) = (0_i64, 0_i64);
    for (at, c) in code[from..].char_indices() {
        match c {
            '(' | '[' => brackets += 1,
            ')' | ']' => brackets -= 1,
            ';' if depth == 0 && brackets == 0 => return None,
            '{' => depth += 1,
            '}' => {
                depth -= 1;
                if depth <= 0 {
                    return Some(from + at);
                }
            }
            _ => {}
        }
    }
    None
}

fn test_lines(path: &str, code: &str) -> BTreeSet<usize> {
    if path.contains("/tests/") || path.ends_with("/tests.rs") {
        return (1..=code.lines().count()).collect();
    }
    let blocks = code
        .match_indices("#[cfg(test)]")
        .filter_map(|(at, _)| Some(line_of(code, at)..=line_of(code, block_end(code, at)?)));
    blocks.flatten().collect()
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn first_word(text: &str) -> String {
    text.chars().take_while(|&c| is_word(c)).collect()
}

/// Places where a word stands by itself.
fn words<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    code.match_indices(word).map(|(at, _)| at).filter(move |&at| {
        !code[..at].ends_with(is_word) && !code[at + word.len()..].starts_with(is_word)
    })
}

/// The floor of each module, from the comments of `lib.rs`.
fn floors(lib: &str) -> BTreeMap<String, usize> {
    let mut floor = None;
    let mut modules = BTreeMap::from([("main".to_owned(), usize::MAX)]);
    for line in lib.lines().map(str::trim) {
        if let Some(rest) = line.strip_prefix("// Floor ") {
            floor = rest.split(|c: char| !c.is_ascii_digit()).next().and_then(|n| n.parse().ok());
        }
        let name = line.strip_prefix("pub ").unwrap_or(line).strip_prefix("mod ");
        if let (Some(name), Some(floor)) = (name.and_then(|name| name.strip_suffix(';')), floor) {
            modules.insert(name.to_owned(), floor);
        }
    }
    modules
}

/// Modules of the crate that the code names: `crate::a`, `crate::{a, b::{c}}`.
fn used_modules(code: &str) -> Vec<(usize, String)> {
    let mut used = Vec::new();
    for at in words(code, "crate").filter(|&at| code[at..].starts_with("crate::")) {
        let path = &code[at + "crate::".len()..];
        let Some(group) = path.strip_prefix('{') else {
            used.push((line_of(code, at), first_word(path)));
            continue;
        };
        let (start, mut depth, mut begins) = (code.len() - group.len(), 0_i64, true);
        for (offset, c) in group.char_indices() {
            match c {
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                '{' => depth += 1,
                ',' if depth == 0 => begins = true,
                _ if begins && is_word(c) => {
                    used.push((line_of(code, start + offset), first_word(&group[offset..])));
                    begins = false;
                }
                _ => {}
            }
        }
    }
    used
}

fn check_floors(source: &Source, floors: &BTreeMap<String, usize>) -> Vec<String> {
    let Some(module) = source.module() else { return Vec::new() };
    let Some(&own) = floors.get(module) else {
        return vec![source.problem(1, &format!("module {module} has no floor in lib.rs"))];
    };
    let higher = used_modules(&source.code).into_iter().filter_map(|(line, name)| {
        let floor = *floors.get(&name)?;
        let what = || format!("floor {own} ({module}) uses floor {floor} ({name})");
        (floor > own).then(|| source.problem(line, &what()))
    });
    higher.collect()
}

fn check_functions(source: &Source) -> Vec<String> {
    let code = &source.code;
    let named = words(code, "fn").map(|at| (at, first_word(code[at + 2..].trim_start())));
    let lengths = named.filter(|(_, name)| !name.is_empty()).filter_map(|(at, name)| {
        let first = line_of(code, at);
        let lines = line_of(code, block_end(code, at)?) + 1 - first;
        let what = || format!("fn {name} has {lines} lines, at most {LONGEST_FUNCTION}");
        (lines > LONGEST_FUNCTION).then(|| source.problem(first, &what()))
    });
    lengths.collect()
}

fn check_length(source: &Source) -> Vec<String> {
    let lines = source.code.lines().count();
    let what = format!("{lines} lines, at most {LONGEST_FILE}: split it, or list it with a reason");
    let is_listed = LONG_FILES.iter().any(|(path, _)| *path == source.path);
    let is_long = lines > LONGEST_FILE && !is_listed;
    Vec::from_iter(is_long.then(|| source.problem(1, &what)))
}

fn check_async(source: &Source, floors: &BTreeMap<String, usize>) -> Vec<String> {
    let floor = source.module().and_then(|module| floors.get(module));
    if floor.is_none_or(|&floor| floor >= ASYNC_FLOOR) {
        return Vec::new();
    }
    let places = ["async", "await"].into_iter().flat_map(|word| words(&source.code, word));
    let what = format!("async below floor {ASYNC_FLOOR}");
    places.map(|at| source.problem(line_of(&source.code, at), &what)).collect()
}

fn check_unsafe(source: &Source) -> Vec<String> {
    if UNSAFE_FILES.iter().any(|(path, _)| *path == source.path) {
        return Vec::new();
    }
    let places = words(&source.code, "unsafe");
    places.map(|at| source.problem(line_of(&source.code, at), "unsafe outside its place")).collect()
}

/// Families, and how their methods' names begin.
const FAMILY_WORDS: &str = "ethereum substrate polkadot family::near nearcore icon eth_ \
                            chain_get state_get author_ broadcast_tx icx_";

fn check_families(source: &Source, floors: &BTreeMap<String, usize>) -> Vec<String> {
    let floor = source.module().and_then(|module| floors.get(module));
    let is_listed = FAMILY_FILES.iter().any(|(path, _)| source.path.starts_with(path));
    if is_listed || floor.is_none_or(|&floor| floor <= FAMILY_FLOOR) {
        return Vec::new();
    }
    let names_one = |text: &str| {
        let text = text.to_lowercase();
        let begins =
            |word: &str| text.match_indices(word).any(|(at, _)| !text[..at].ends_with(is_word));
        FAMILY_WORDS.split_whitespace().any(begins)
    };
    let strings = source.live_strings().map(|(line, text)| (*line, text.as_str()));
    let places = source.live_lines().chain(strings).filter(|(_, text)| names_one(text));
    places.map(|(line, _)| source.problem(line, "names a family above the rules")).collect()
}

/// Words of a text that begin with the metric prefix and name no crate of ours.
fn metric_names(text: &str) -> Vec<String> {
    let crates = ["headrace_gateway", "headrace_simnode", "headrace_loadtest", "headrace_"];
    let starts = text.match_indices("headrace_").filter(|(at, _)| !text[..*at].ends_with(is_word));
    let names = starts.map(|(at, _)| first_word(&text[at..]));
    names.filter(|name| !crates.contains(&name.as_str())).collect()
}

fn check_metrics(sources: &[Source], documented: &str) -> Vec<String> {
    let listed: BTreeSet<String> = metric_names(documented).into_iter().collect();
    let (mut made, mut problems) = (BTreeSet::new(), Vec::new());
    for source in sources.iter().filter(|source| source.path.starts_with("gateway/src/")) {
        for (line, text) in source.live_strings() {
            let names = metric_names(text);
            let missing = names.iter().filter(|name| !listed.contains(*name));
            let what = |name| source.problem(*line, &format!("{name} is not in docs/metrics.md"));
            problems.extend(missing.map(what));
            made.extend(names);
        }
    }
    let is_made = |name: &String| {
        let parts = ["_bucket", "_sum", "_count"].iter().filter_map(|end| name.strip_suffix(end));
        made.contains(name) || parts.into_iter().any(|base| made.contains(base))
    };
    for (line, text) in (1..).zip(documented.lines()) {
        let stale = metric_names(text).into_iter().filter(|name| !is_made(name));
        problems.extend(stale.map(|name| format!("docs/metrics.md:{line}: no code makes {name}")));
    }
    problems
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every file below a folder whose name ends in `end`, by its path from the root.
fn files(folder: &str, end: &str) -> Vec<String> {
    let entries = fs::read_dir(root().join(folder)).into_iter().flatten().flatten();
    let mut found = Vec::new();
    for entry in entries {
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{folder}/{name}");
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_dir() && name != "target" && !name.starts_with('.') {
            found.extend(files(&path, end));
        } else if kind.is_file() && name.ends_with(end) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Runs one rule over every source file.
#[track_caller]
fn check_all(rule: impl Fn(&Source, &BTreeMap<String, usize>) -> Vec<String>) {
    let floors = floors(&read("gateway/src/lib.rs"));
    report(sources().iter().flat_map(|source| rule(source, &floors)).collect());
}

fn sources() -> Vec<Source> {
    let paths = ["gateway", "loadtest", "benches"].into_iter().flat_map(|at| files(at, ".rs"));
    paths.map(|path| Source::new(&path, &read(&path))).collect()
}

#[track_caller]
fn report(problems: Vec<String>) {
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
}

#[test]
fn a_module_uses_its_own_floor_and_those_below() {
    check_all(check_floors);
}

#[test]
fn functions_are_at_most_70_lines() {
    check_all(|source, _| check_functions(source));
}

#[test]
fn files_are_at_most_500_lines() {
    check_all(|source, _| check_length(source));
}

#[test]
fn nothing_waits_below_the_wires() {
    check_all(check_async);
}

#[test]
fn unsafe_stands_only_in_its_place() {
    check_all(|source, _| check_unsafe(source));
}

#[test]
fn only_the_rules_know_a_family() {
    check_all(check_families);
}

#[test]
fn metrics_in_code_and_in_the_docs_are_the_same() {
    if !root().join("docs/metrics.md").exists() {
        eprintln!("skipped: docs/metrics.md does not exist yet");
        return;
    }
    report(check_metrics(&sources(), &read("docs/metrics.md")));
}

#[test]
fn every_reason_word_is_documented() {
    let mut paths = files("docs", ".md");
    paths.extend(root().join("ARCHITECTURE.md").exists().then(|| "ARCHITECTURE.md".to_owned()));
    if paths.is_empty() {
        eprintln!("skipped: neither ARCHITECTURE.md nor docs exist yet");
        return;
    }
    let text: String = paths.iter().map(|path| read(path)).collect();
    let words = Reason::ALL.map(Reason::word).into_iter();
    let missing = words.filter(|word| !text.contains(&format!("`{word}`")));
    let what = |word| format!("gateway/src/route.rs:1: reason `{word}` is in no document");
    report(missing.map(what).collect());
}

#[test]
fn strings_comments_and_lifetimes_hide_nothing_and_invent_nothing() {
    let text = "let a = \"{ unsafe // \\\" \"; // async {\n\
                /* { /* } */ await */ let b = r#\"}\"\n\"#;\n\
                fn f<'a>(c: &'a char) -> bool { *c == '{' || *c == '\\'' || *c == '\"' }\n\
                let r#fn = 1;";
    let source = Source::new("gateway/src/head.rs", text);
    assert_eq!(source.code.lines().count(), text.lines().count());
    assert!(!["unsafe", "async", "await"].iter().any(|word| source.code.contains(word)));
    assert_eq!(source.code.matches('{').count(), 1, "{}", source.code);
    assert_eq!(source.strings[1], (2, "}\"\n".to_owned()));
}

#[test]
fn each_rule_finds_what_it_forbids_and_says_where() {
    let floors = floors("// Floor 1, rules.\npub mod head;\n// Floor 4.\nmod node;\npub mod app;");
    let long = format!("\nfn long() {{\n{}}}\n", "    x();\n".repeat(70));
    let head = |text: &str| Source::new("gateway/src/head/line.rs", text);
    let node = |text: &str| Source::new("gateway/src/node.rs", text);
    let rows = [
        (check_floors(&head("\nuse crate::{\n    head::{a, b},\n    node::x,\n};"), &floors), 4),
        (check_floors(&head("fn f() { crate::node::g(); }"), &floors), 1),
        (check_floors(&Source::new("gateway/src/stray.rs", ""), &floors), 1),
        (check_functions(&head(&long)), 2),
        (check_length(&head(&"\n".repeat(501))), 1),
        (check_async(&head("\n\nasync fn f() {}"), &floors), 3),
        (check_async(&head("\nf().await;"), &floors), 2),
        (check_unsafe(&node("\nunsafe { f() }")), 2),
        (check_families(&node("\nlet method = \"eth_call\";"), &floors), 2),
        (check_families(&node("Family::Ethereum"), &floors), 1),
        (check_families(&node("\nuse crate::family::near;"), &floors), 2),
        (check_metrics(&[node("\n\"headrace_new\"")], ""), 2),
    ];
    for (at, (problems, line)) in rows.iter().enumerate() {
        let [problem] = &problems[..] else { panic!("row {at}: {problems:?}") };
        assert!(problem.contains(&format!(".rs:{line}: ")), "row {at}: {problem}");
    }
    let stale = check_metrics(&[], "\n`headrace_old`");
    assert_eq!(stale, ["docs/metrics.md:2: no code makes headrace_old"]);
}

#[test]
fn each_rule_lets_pass_what_it_allows() {
    let floors = floors("// Floor 1\npub mod head;\n// Floor 4\npub mod node;\n");
    let node = |text: &str| Source::new("gateway/src/node.rs", text);
    let short = format!("fn f() {{\n{}}}", "    x();\n".repeat(68));
    let tested = "// eth_call\n#[cfg(test)]\nmod tests;\n\
                  #[cfg(test)]\nmod more {\n    const M: &str = \"eth_call headrace_x\";\n}";
    assert_eq!(check_floors(&node("use crate::{head::a, node::b};"), &floors), [""; 0]);
    assert_eq!(check_functions(&node(&short)), [""; 0]);
    assert_eq!(check_async(&node("async fn f() { g().await }"), &floors), [""; 0]);
    assert_eq!(check_families(&node(tested), &floors), [""; 0]);
    assert_eq!(check_metrics(&[node(tested)], ""), [""; 0]);
    let documented = "`headrace_x_seconds_bucket` of `headrace_x_seconds`";
    assert_eq!(check_metrics(&[node("\"headrace_x_seconds\"")], documented), [""; 0]);
}
