//! HTTP/1.1 answers, as far as hostile clients look at them: where one ends, its status, and
//! the code and reason of the first error in its body. Searched, not parsed: an answer may
//! be as large as a batch.

use super::seen::Answer;

/// A whole answer at the start of some bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whole {
    pub answer: Answer,
    /// Results and errors in its body.
    pub results: u64,
    pub errors: u64,
    /// Bytes that it took.
    pub length: usize,
    /// The connection can be used again.
    pub kept: bool,
}

/// The first answer in `bytes`, once it is whole. Without a length, and at the end of the
/// connection, the rest is its body.
#[must_use]
pub fn read(bytes: &[u8], ended: bool) -> Option<Whole> {
    let head_end = find(bytes, b"\r\n\r\n", 0)? + 4;
    let head = String::from_utf8_lossy(&bytes[..head_end]).to_ascii_lowercase();
    let status = head.strip_prefix("http/1.")?.get(2..5)?.parse().ok()?;
    let (length, body) = match (value(&head, "content-length"), value(&head, "transfer-encoding")) {
        (_, Some("chunked")) => chunks(bytes, head_end)?,
        (Some(length), _) => {
            let end = head_end.checked_add(length.parse().ok()?)?;
            (end, bytes.get(head_end..end)?.to_vec())
        }
        (None, _) if ended => (bytes.len(), bytes[head_end..].to_vec()),
        (None, _) => return None,
    };
    let body = String::from_utf8_lossy(&body);
    let kept = value(&head, "connection") != Some("close");
    let (results, errors) = members(&body);
    let (code, reason) = error(&body);
    Some(Whole { answer: Answer { status, code, reason }, results, errors, length, kept })
}

/// The code and the reason of the first error in a body.
#[must_use]
pub fn error(body: &str) -> (Option<i64>, Option<String>) {
    let Some(at) = body.find("\"error\"") else { return (None, None) };
    let after = |name: &str| {
        let at = at + body[at..].find(name)? + name.len();
        body[at..].trim_start().strip_prefix(':').map(str::trim_start)
    };
    let code = after("\"code\"").and_then(|rest| {
        let end = rest.find(|one: char| one != '-' && !one.is_ascii_digit());
        rest[..end.unwrap_or(rest.len())].parse().ok()
    });
    let reason = after("\"reason\"").and_then(|rest| rest.strip_prefix('"'));
    (code, reason.and_then(|rest| rest.split('"').next()).map(str::to_owned))
}

/// Results and errors of the replies in a body: members of objects that stand alone or in one
/// list, not of what is in them.
fn members(body: &str) -> (u64, u64) {
    let bytes = body.as_bytes();
    let deep = if bytes.first() == Some(&b'[') { 2 } else { 1 };
    let (mut depth, mut at, mut found) = (0, 0, (0, 0));
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth -= 1,
            b'"' => {
                let end = string(bytes, at);
                match (depth == deep, bytes.get(end), &bytes[at + 1..end - 1]) {
                    (true, Some(b':'), b"result") => found.0 += 1,
                    (true, Some(b':'), b"error") => found.1 += 1,
                    _ => {}
                }
                at = end - 1;
            }
            _ => {}
        }
        at += 1;
    }
    found
}

/// Where a string that begins at `at` ends; at the end of the text where it does not.
fn string(bytes: &[u8], at: usize) -> usize {
    let mut end = at + 1;
    while end < bytes.len() && bytes[end] != b'"' {
        end += if bytes[end] == b'\\' { 2 } else { 1 };
    }
    bytes.len().min(end + 1).max(at + 2)
}

fn value<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    let lines = head.split("\r\n").skip(1);
    let mut pairs = lines.filter_map(|line| line.split_once(':'));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value.trim())
}

/// Where the last chunk ends, and the body.
fn chunks(bytes: &[u8], mut at: usize) -> Option<(usize, Vec<u8>)> {
    let mut body = Vec::new();
    loop {
        let line = find(bytes, b"\r\n", at)?;
        let size = std::str::from_utf8(&bytes[at..line]).ok()?;
        let size = usize::from_str_radix(size.split(';').next()?.trim(), 16).ok()?;
        let end = line.checked_add(2)?.checked_add(size)?;
        bytes.get(end..end.checked_add(2)?)?;
        if size == 0 {
            return Some((end + 2, body));
        }
        body.extend_from_slice(&bytes[line + 2..end]);
        at = end + 2;
    }
}

fn find(bytes: &[u8], what: &[u8], from: usize) -> Option<usize> {
    let rest = bytes.get(from..)?;
    rest.windows(what.len()).position(|window| window == what).map(|at| from + at)
}

#[cfg(test)]
mod tests {
    use super::*;

    const REFUSED: &str = r#"{"jsonrpc":"2.0","error":{"code": -32005,"message":"m","data":{"reason":"rate_limited"}},"id":1}"#;

    fn check(text: &str, ended: bool, expected: Option<(u16, Option<i64>, usize, bool)>) {
        let seen = read(text.as_bytes(), ended);
        let seen = seen.map(|seen| (seen.answer.status, seen.answer.code, seen.length, seen.kept));
        assert_eq!(seen, expected, "{text}");
    }

    #[test]
    fn an_answer_ends_where_its_length_says() {
        let head = "HTTP/1.1 429 Too Many\r\nContent-Length: ";
        let text = format!("{head}{}\r\n\r\n{REFUSED}HTTP/1.1", REFUSED.len());
        check(&text, false, Some((429, Some(-32_005), text.len() - 8, true)));
        check(&text[..text.len() - 9], false, None);
        check("HTTP/1.1 204 No\r\ncontent-length: 0\r\n", false, None);
        let close = "HTTP/1.1 408 X\r\nConnection: close\r\ncontent-length: 0\r\n\r\n";
        check(close, false, Some((408, None, close.len(), false)));
    }

    #[test]
    fn an_answer_in_chunks_ends_with_the_empty_one() {
        let text = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
        check(text, false, Some((200, None, text.len(), true)));
        check(&text[..text.len() - 1], false, None);
    }

    #[test]
    fn without_a_length_the_end_of_the_connection_ends_it() {
        let text = "HTTP/1.1 400 Bad\r\n\r\nno";
        check(text, false, None);
        check(text, true, Some((400, None, text.len(), true)));
        check("PRI * HTTP", true, None);
    }

    #[test]
    fn only_members_of_replies_count() {
        let check = |body: &str, expected| assert_eq!(members(body), expected, "{body}");
        check(r#"{"result":{"error":1,"result":[]}}"#, (1, 0));
        check(r#"[{"result":[{"result":{}}]},{"error":{"a":"\"error\":"}}]"#, (1, 1));
        check(r#"["result":1,"result"]"#, (0, 0));
        check("\"", (0, 0));
        check(r#"{"error\"#, (0, 0));
    }

    #[test]
    fn items_of_a_batch_are_counted() {
        let body = format!(r#"[{REFUSED},{{"result":1,"id":2}},{{"result":null,"id":3}}]"#);
        let text = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        let whole = read(text.as_bytes(), false).unwrap();
        assert_eq!((whole.results, whole.errors), (2, 1));
        assert_eq!(whole.answer.reason.as_deref(), Some("rate_limited"));
    }
}
