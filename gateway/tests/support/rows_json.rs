//! Bad requests, as rows: the JSON text.

use crate::rows::{Row, call, post, version};

type How = (u16, i64, &'static str);

const PARSE: How = (400, -32700, "parse_error");
const DEEP: How = (400, -32700, "too_deep");
const COMPLEX: How = (413, -32600, "too_complex");
const TWICE: How = (400, -32600, "duplicate_member");
const TWICE_INSIDE: How = (200, -32602, "duplicate_param");
const NO_METHOD: How = (200, -32601, "method_not_found");

pub fn rows() -> Vec<Row> {
    [documents(), values(), sizes(), members(), names()].into_iter().flatten().collect()
}

fn refused(case: &'static str, bodies: &[&[u8]], how: How) -> Vec<Row> {
    bodies.iter().map(|body| Row::refused(case, post(body), how)).collect()
}

/// Rows of calls whose params are these.
fn params(case: &'static str, params: &[&str], how: How) -> Vec<Row> {
    params.iter().map(|params| Row::refused(case, post(version(params)), how)).collect()
}

fn documents() -> Vec<Row> {
    let one = version("[]");
    let two = format!("{one}{one}");
    let lines = format!("{one}\n{one}\n");
    let trailing = format!("{one}x");
    let marked = format!("\u{feff}{one}");
    let overlong = [b"{\"a\":\"\xc0\xaf\",".as_slice(), &one.as_bytes()[1..]].concat();
    let invalid = [b"{\"a\":\"\xff\",".as_slice(), &one.as_bytes()[1..]].concat();
    let surrogate = [b"{\"a\":\"\xed\xa0\x80\",".as_slice(), &one.as_bytes()[1..]].concat();
    [
        refused("unfinished", &[b"{", b"[", b"\"", &one.as_bytes()[..one.len() - 1]], PARSE),
        refused("two texts", &[two.as_bytes(), lines.as_bytes(), trailing.as_bytes()], PARSE),
        refused("byte order mark", &[marked.as_bytes()], PARSE),
        refused("not UTF-8", &[&overlong, &invalid, &surrogate], PARSE),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn values() -> Vec<Row> {
    let long = format!("[{}]", "1".repeat(65));
    let huge = format!("[{}]", "1".repeat(1_000_000));
    let most = format!("[{}]", "1".repeat(64));
    let exact: Vec<Row> = ["[1e400]", "[1e-400]", "[-0]", &most]
        .iter()
        .map(|params| Row::served("number kept as written", post(version(params))))
        .collect();
    [
        params("surrogate", &[r#"["\ud800"]"#, r#"["\udc00\ud800"]"#, r#"["\ud800x"]"#], PARSE),
        params("no JSON", &["[NaN]", "[Infinity]", "[01]", "[+1]", "[.5]", "[1.]", "['x']"], PARSE),
        params(
            "no JSON",
            &["[1,]", "[1 /* x */]", "[1] // x\n", r#"{"a":1,}"#, "[-]", "[1e]"],
            PARSE,
        ),
        params("control character in a string", &["[\"\u{1}\"]", "[\"\n\"]", "[\"\t\"]"], PARSE),
        params("number too long", &[&long, &huge], PARSE),
        exact,
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn nested(depth: usize) -> String {
    format!("{}{}", "[".repeat(depth), "]".repeat(depth))
}

/// An object of so many members.
fn object(members: usize) -> String {
    let list: Vec<String> = (0..members).map(|n| format!("\"k{n}\":{n}")).collect();
    format!("{{{}}}", list.join(","))
}

fn sizes() -> Vec<Row> {
    let open = "[".repeat(1_000_000);
    let tokens = format!("[{}1]", "1,".repeat(50_000));
    let top = version("[]").replacen('{', &format!("{},", object(1_022).trim_end_matches('}')), 1);
    let equal_sums: Vec<String> = (0..1_000).map(|n| format!("\"{n:010b}\":0")).collect();
    let colliding = format!("{{{}}}", equal_sums.join(","));
    [
        // The request's own object is the outermost level.
        params("too deep", &[&nested(32), &nested(1_000), &nested(100_000)], DEEP),
        refused("too deep", &[nested(33).as_bytes(), open.as_bytes()], DEEP),
        vec![Row::served("as deep as allowed", post(version(&nested(31))))],
        params("too complex", &[&tokens, &object(1_025)], COMPLEX),
        refused("too complex", &[top.as_bytes()], COMPLEX),
        vec![Row::served("as many members as allowed", post(version(&object(1_024))))],
        vec![Row::served("names of equal sums", post(version(&colliding)))],
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn members() -> Vec<Row> {
    let again = |member: &str| post(version("[]").replacen('{', &format!("{{{member},"), 1));
    let known = [
        r#""jsonrpc":"2.0""#,
        r#""id":1"#,
        r#""method":"web3_clientVersion""#,
        r#""params":[]"#,
        r#""\u006dethod":"admin_peers""#,
        r#""i\u0064":2"#,
    ];
    let inside =
        [r#"[{"a":1,"a":2}]"#, r#"{"a":1,"\u0061":1}"#, r#"[[{"x":{"to":1,"from":2,"to":3}}]]"#];
    let unknown = [
        r#""extra":1"#,
        r#""__proto__":{"method":"admin_peers"}"#,
        r#""constructor":[]"#,
        r#""params2":[1]"#,
        r#""extra":1,"extra":2"#,
    ];
    [
        known.iter().map(|member| Row::refused("member twice", again(member), TWICE)).collect(),
        params("param twice", &inside, TWICE_INSIDE),
        unknown.iter().map(|member| Row::served("unknown member", again(member))).collect(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn names() -> Vec<Row> {
    let escaped = r#"{"jsonrpc":"2.0","id":1,"meth\u006fd":"web3_\u0063lientVersion"}"#;
    let hidden = r#"{"jsonrpc":"2.0","id":1,"meth\u006fd":"\u0061dmin_peers"}"#;
    let named = |name: &str| Row::refused("method misspelt", post(call(name, "[]")), NO_METHOD);
    let odd = [
        "eth_call\\u0000",
        "eth_call ",
        " eth_call",
        "ETH_CALL",
        "Admin_Peers",
        "\u{435}th_call",
        "eth_call\u{202e}",
        "\u{200f}eth_call",
    ];
    let mut rows: Vec<Row> = odd.iter().map(|name| named(name)).collect();
    rows.push(Row::served("escaped names", post(escaped)));
    rows.push(Row::refused("escaped names", post(hidden), NO_METHOD));
    rows
}
