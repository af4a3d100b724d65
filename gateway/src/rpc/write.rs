//! Writing JSON-RPC texts by splicing slices: no tree, no formatting machinery.
//! Raw pieces (ids, params, results, data) are written as they are; they were
//! checked when they were read.

use std::ops::Range;

use super::{Id, scan::special, walk::find};

/// A place in the params and what is written there: `at` is replaced by
/// `before`, `text`, `after`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Splice<'a> {
    pub at: Range<usize>,
    pub before: &'a str,
    pub text: &'a str,
    pub after: &'a str,
}

/// Writes the request for a node. Absent params are written as `[]`, which every
/// node reads; `splices` are in the order of their places and do not overlap.
/// A place outside the params is written at their end.
pub fn call(
    out: &mut Vec<u8>,
    id: u64,
    method: &str,
    params: Option<&str>,
    splices: &[Splice<'_>],
) {
    let params = params.unwrap_or(if splices.is_empty() { "[]" } else { "" });
    out.reserve(64 + method.len() + params.len() + 48 * splices.len());
    out.extend_from_slice(b"{\"jsonrpc\":\"2.0\",\"id\":");
    out.extend_from_slice(itoa::Buffer::new().format(id).as_bytes());
    out.extend_from_slice(b",\"method\":");
    string(out, method);
    out.extend_from_slice(b",\"params\":");
    spliced(out, params, splices);
    out.push(b'}');
}

/// Writes the params with the splices in them.
pub fn spliced(out: &mut Vec<u8>, params: &str, splices: &[Splice<'_>]) {
    let mut done = 0;
    for splice in splices {
        let start = splice.at.start.clamp(done, params.len());
        out.extend_from_slice(&params.as_bytes()[done..start]);
        for piece in [splice.before, splice.text, splice.after] {
            out.extend_from_slice(piece.as_bytes());
        }
        done = splice.at.end.clamp(start, params.len());
    }
    out.extend_from_slice(&params.as_bytes()[done..]);
}

const HEAD: &[u8] = b"{\"jsonrpc\":\"2.0\",\"id\":";
const RESULT: &[u8] = b",\"result\":";
const ERROR: &[u8] = b",\"error\":";

/// Writes an answer: the client's id and a raw result.
pub fn result(out: &mut Vec<u8>, id: Id<'_>, raw: &[u8]) {
    out.reserve(around(id, RESULT) + raw.len());
    result_head(out, id);
    out.extend_from_slice(raw);
    out.push(b'}');
}

/// Writes an answer up to its result, for one that streams; `}` ends it.
pub fn result_head(out: &mut Vec<u8>, id: Id<'_>) {
    head(out, id);
    out.extend_from_slice(RESULT);
}

/// Writes an answer that carries a raw error object, such as a node's own.
pub fn raw_error(out: &mut Vec<u8>, id: Id<'_>, raw: &[u8]) {
    out.reserve(around(id, ERROR) + raw.len());
    head(out, id);
    out.extend_from_slice(ERROR);
    out.extend_from_slice(raw);
    out.push(b'}');
}

/// Writes an answer that carries an error; `data` is raw JSON.
pub fn error(out: &mut Vec<u8>, id: Id<'_>, code: i64, message: &str, data: Option<&str>) {
    out.reserve(96 + message.len() + data.map_or(0, str::len));
    head(out, id);
    out.extend_from_slice(b",\"error\":{\"code\":");
    out.extend_from_slice(itoa::Buffer::new().format(code).as_bytes());
    out.extend_from_slice(b",\"message\":");
    string(out, message);
    if let Some(data) = data {
        out.extend_from_slice(b",\"data\":");
        out.extend_from_slice(data.as_bytes());
    }
    out.extend_from_slice(b"}}");
}

fn head(out: &mut Vec<u8>, id: Id<'_>) {
    out.extend_from_slice(HEAD);
    out.extend_from_slice(shown(id));
}

/// An id that is missing is answered as `null` (an answer to a refused item).
const fn shown(id: Id<'_>) -> &[u8] {
    match id {
        Id::Raw(raw) => raw.as_bytes(),
        Id::Missing => b"null",
    }
}

/// Bytes of an answer around the raw value of its member: exactly, so that an answer
/// that fits its buffer becomes `Bytes` without another allocation.
const fn around(id: Id<'_>, member: &[u8]) -> usize {
    HEAD.len() + shown(id).len() + member.len() + 1
}

/// Writes a JSON string: quotes, and escapes where the grammar wants them.
pub fn string(out: &mut Vec<u8>, text: &str) {
    let bytes = text.as_bytes();
    out.push(b'"');
    let mut done = 0;
    while let Some(at) = special(bytes, done) {
        out.extend_from_slice(&bytes[done..at]);
        escape(out, bytes[at]);
        done = at + 1;
    }
    out.extend_from_slice(&bytes[done..]);
    out.push(b'"');
}

fn escape(out: &mut Vec<u8>, byte: u8) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    match byte {
        b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
        b'\n' => out.extend_from_slice(b"\\n"),
        b'\r' => out.extend_from_slice(b"\\r"),
        b'\t' => out.extend_from_slice(b"\\t"),
        _ => {
            let digits = [HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]];
            out.extend_from_slice(b"\\u00");
            out.extend_from_slice(&digits);
        }
    }
}

/// A node's error that lacks a code, with this one; `None` where it has a member `code`,
/// or is neither an object nor a text. Client libraries take an error without a code for
/// no reply at all.
pub fn with_code(error: &str, code: i32) -> Option<String> {
    if error.starts_with('"') {
        return Some(format!(r#"{{"code":{code},"message":{error}}}"#));
    }
    let members = error.strip_prefix('{').filter(|_| find(error, "code").is_none())?;
    let empty = members.trim_start().starts_with('}');
    Some(format!(r#"{{"code":{code}{}{members}"#, if empty { "" } else { "," }))
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use proptest::prelude::*;

    use super::*;
    use crate::rpc::{Call, ReadLimits, Request, read::read, reply};

    #[test]
    fn an_error_without_a_code_gets_one_and_others_stay() {
        for (error, expected) in [
            (r#"{"message":"x"}"#, Some(r#"{"code":-32000,"message":"x"}"#)),
            ("{}", Some(r#"{"code":-32000}"#)),
            (r#""x""#, Some(r#"{"code":-32000,"message":"x"}"#)),
            (r#"{"message":"x","code":"y"}"#, None),
            (r#"{"code":3,"message":"x"}"#, None),
            ("null", None),
        ] {
            assert_eq!(with_code(error, -32_000).as_deref(), expected, "{error}");
        }
    }

    fn written(params: Option<&str>, splices: &[Splice<'_>]) -> String {
        let mut out = Vec::new();
        call(&mut out, 7, "m", params, splices);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_call_is_its_four_members_with_the_splices_in_place() {
        let head = r#"{"jsonrpc":"2.0","id":7,"method":"m","params":"#;
        let splice = |at, before, after| Splice { at, before, text: "\"0x9\"", after };
        assert_eq!(written(None, &[]), format!("{head}[]}}"));
        assert_eq!(written(Some("[ 1 ]"), &[]), format!("{head}[ 1 ]}}"));
        assert_eq!(written(None, &[splice(0..0, "[", "]")]), format!("{head}[\"0x9\"]}}"));
        assert_eq!(
            written(Some("[1,2]"), &[splice(1..2, "", ""), splice(4..4, ",", "")]),
            format!("{head}[\"0x9\",2,\"0x9\"]}}"),
        );
        assert_eq!(written(Some("[1]"), &[splice(9..12, "", "")]), format!("{head}[1]\"0x9\"}}"));
    }

    #[test]
    fn answers_carry_the_id_byte_for_byte_and_null_where_it_is_missing() {
        let mut out = Vec::new();
        result(&mut out, Id::Raw("\"\\u0041\""), b"[1]");
        raw_error(&mut out, Id::Raw("-0"), b"{}");
        error(&mut out, Id::Missing, -32000, "a\"\n\u{1}é", Some("{\"x\":1}"));
        let expected = concat!(
            r#"{"jsonrpc":"2.0","id":"\u0041","result":[1]}"#,
            r#"{"jsonrpc":"2.0","id":-0,"error":{}}"#,
            r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"a\"\n\u0001é","data":{"x":1}}}"#
        );
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(id: u64, method in "\\PC{1,24}", n: i64) {
            let params = format!("[{n}]");
            let mut out = Vec::new();
            call(&mut out, id, &method, Some(&params), &[]);
            let id = id.to_string();
            let expected = Call { id: Id::Raw(&id), method: Cow::Borrowed(&method), params: Some(&params) };
            prop_assert_eq!(read(&out, &ReadLimits::default()), Ok(Request::Single(Ok(expected))));
        }

        #[test]
        fn an_error_written_is_read_back(id: u64, code: i64, message: String) {
            let mut out = Vec::new();
            error(&mut out, Id::Raw(&id.to_string()), code, &message, Some("[0]"));
            let Ok(reply::Reply::Error { code: c, message: m, data, .. }) = reply::read_reply(&out, id) else {
                panic!("not read as an error")
            };
            prop_assert_eq!((c, m.as_ref(), data), (Some(code), message.as_str(), Some("[0]")));
        }
    }
}
