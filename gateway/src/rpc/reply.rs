//! Reading what a node answered. Small replies are checked whole; of large ones
//! only the ends are read (a 64 KiB reply costs nanoseconds, not microseconds),
//! and the node is trusted for the grammar of the value between them.
//!
//! Three ways: [`read_reply`] for a whole body, [`read_head`] for the first bytes
//! of one that is too large to hold, and [`Trimmer`] for the rest of that one.

mod trim;

use std::borrow::Cow;

use super::scan::Scanner;
pub use super::walk::{find, is_null};
use super::walk::{members as members_of, string_end, text, value_end};
pub use trim::Trimmer;

/// Up to so many bytes a reply is checked whole.
pub const SMALL: usize = 16 * 1024;

/// A node's answer to one call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply<'a> {
    Result {
        raw: &'a str,
    },
    /// `raw` is the error as the node wrote it. An error without a readable `code`
    /// has none; one that is a bare string is its own message. `name` and `cause` (that
    /// one's own `name`) are what some nodes tell errors by: as written between the quotes.
    Error {
        raw: &'a str,
        code: Option<i64>,
        message: Cow<'a, str>,
        data: Option<&'a str>,
        name: Option<&'a str>,
        cause: Option<&'a str>,
    },
}

/// Why a body is no answer to the call that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReplyFault {
    NotJson,
    Html,
    /// The text ends before it is complete.
    Truncated,
    /// Another id than the one sent, or none beside a result.
    WrongId,
    /// Both a result and an error, or one of them twice.
    Both,
    Neither,
}

/// What the first bytes of a reply show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeadState {
    /// Neither result nor error has begun yet.
    NeedMore,
    /// The result begins at this byte. An id that was not seen must stand behind it.
    Result {
        value_starts_at: usize,
        id_seen: bool,
    },
    /// The reply is an error: collect it whole and use [`read_reply`].
    Error,
    Fault(ReplyFault),
}

/// Reads a whole body. An error may come without an id or with a null one (nodes
/// and providers answer so when they refuse before reading); a result may not.
///
/// # Errors
///
/// The body is no answer to the call `expected_id`.
pub fn read_reply(body: &[u8], expected_id: u64) -> Result<Reply<'_>, ReplyFault> {
    if body.len() > SMALL
        && let Some(raw) = by_ends(body, expected_id)
    {
        return Ok(Reply::Result { raw });
    }
    let body = std::str::from_utf8(body).map_err(|_| ReplyFault::NotJson)?;
    members(body).map_err(|()| why_unreadable(body))?.reply(expected_id)
}

/// Reads the first bytes of a reply, as many as have come.
pub fn read_head(first: &[u8], expected_id: u64) -> HeadState {
    match head(first, expected_id) {
        Ok(Some(state)) => state,
        Ok(None) => HeadState::NeedMore,
        Err(fault) => HeadState::Fault(fault),
    }
}

/// The result of a large body whose ends have the usual shape. An unknown member
/// behind the result that ends in the result's own closing bracket is taken for a
/// part of it: the client then sees that member too, in JSON that is whole.
fn by_ends(body: &[u8], expected_id: u64) -> Option<&str> {
    let HeadState::Result { value_starts_at, id_seen } = read_head(body, expected_id) else {
        return None;
    };
    let value = &body[value_starts_at..];
    let start = value.len().saturating_sub(trim::HELD);
    let end = trim::value_end(&value[start..], *value.first()?, id_seen, expected_id).ok()?;
    std::str::from_utf8(&value[..start + end]).ok()
}

/// The members of a reply that matter, as found.
#[derive(Default)]
struct Members<'a> {
    id: Option<&'a str>,
    result: Option<&'a str>,
    error: Option<&'a str>,
    twice: bool,
}

fn members(body: &str) -> Result<Members<'_>, ()> {
    let mut scanner = Scanner::unlimited(body);
    let mut found = Members::default();
    if !scanner.take(b'{') {
        return Err(());
    }
    let mut more = !scanner.take(b'}');
    while more {
        let name = scanner.member().map_err(drop)?;
        let value = scanner.value().map_err(drop)?;
        let place = match name.as_ref() {
            "id" => Some(&mut found.id),
            "result" => Some(&mut found.result),
            "error" => Some(&mut found.error),
            _ => None,
        };
        found.twice |= place.is_some_and(|place| place.replace(value).is_some());
        more = scanner.take(b',');
        if !more && !scanner.take(b'}') {
            return Err(());
        }
    }
    scanner.end().map_err(drop)?;
    Ok(found)
}

impl<'a> Members<'a> {
    fn reply(self, expected_id: u64) -> Result<Reply<'a>, ReplyFault> {
        let error = self.error.filter(|raw| *raw != "null");
        let named = self.id.filter(|raw| *raw != "null");
        let right = named.is_some_and(|raw| is_number(raw.as_bytes(), expected_id));
        if !right && (named.is_some() || error.is_none() && self.result.is_some()) {
            return Err(ReplyFault::WrongId);
        }
        match (self.result, error) {
            _ if self.twice => Err(ReplyFault::Both),
            (Some(result), Some(_)) if result != "null" => Err(ReplyFault::Both),
            (_, Some(error)) => Ok(read_error(error)),
            (Some(raw), None) => Ok(Reply::Result { raw }),
            (None, None) => Err(ReplyFault::Neither),
        }
    }
}

/// In one walk, whatever members there are.
fn read_error(raw: &str) -> Reply<'_> {
    let (mut code, mut message, mut data, mut name, mut cause) = (None, None, None, None, None);
    for (member, value) in members_of(raw) {
        let value = raw.get(value).unwrap_or_default();
        match member.as_ref() {
            "code" => code = code.or_else(|| value.parse().ok()),
            "message" => message = message.or_else(|| text(value)),
            "data" => data = data.or(Some(value)),
            "name" => name = name.or_else(|| unquoted(value)),
            "cause" => cause = cause.or_else(|| find(value, "name").and_then(unquoted)),
            _ => {}
        }
    }
    let message = message.or_else(|| text(raw)).unwrap_or_default();
    Reply::Error { raw, code, message, data, name, cause }
}

/// What stands between the quotes of a raw string. Nothing is decoded: names have no escapes.
fn unquoted(raw: &str) -> Option<&str> {
    raw.strip_prefix('"')?.strip_suffix('"')
}

fn why_unreadable(body: &str) -> ReplyFault {
    let body = body.trim_start();
    match body.as_bytes().first() {
        None => ReplyFault::Truncated,
        Some(b'<') => ReplyFault::Html,
        Some(b'{') if value_end(body.as_bytes(), 0).is_none() => ReplyFault::Truncated,
        Some(_) => ReplyFault::NotJson,
    }
}

fn is_number(raw: &[u8], number: u64) -> bool {
    raw == itoa::Buffer::new().format(number).as_bytes()
}

/// `None`: more bytes are needed.
fn head(first: &[u8], expected_id: u64) -> Result<Option<HeadState>, ReplyFault> {
    let Some(mut at) = next(first, 0) else { return Ok(None) };
    match first[at] {
        b'{' => at += 1,
        b'<' => return Err(ReplyFault::Html),
        _ => return Err(ReplyFault::NotJson),
    }
    let mut id_seen = false;
    loop {
        let Some((name, value)) = member(first, at)? else { return Ok(None) };
        if name == b"result" {
            return Ok(Some(HeadState::Result { value_starts_at: value, id_seen }));
        }
        // a scalar is known to be whole only by what follows it
        let Some(end) = value_end(first, value) else { return Ok(None) };
        let Some(behind) = next(first, end) else { return Ok(None) };
        match (name, &first[value..end]) {
            (b"error", raw) if raw != b"null" => return Ok(Some(HeadState::Error)),
            (b"id", raw) if is_number(raw, expected_id) => id_seen = true,
            (b"id", raw) if raw != b"null" => return Err(ReplyFault::WrongId),
            _ => {}
        }
        match first[behind] {
            b',' => at = behind + 1,
            b'}' => return Err(ReplyFault::Neither),
            _ => return Err(ReplyFault::NotJson),
        }
    }
}

/// The name of the member that begins at or after `at`, and where its value begins.
fn member(text: &[u8], at: usize) -> Result<Option<(&[u8], usize)>, ReplyFault> {
    let Some(open) = next(text, at) else { return Ok(None) };
    match text[open] {
        b'"' => {}
        b'}' => return Err(ReplyFault::Neither),
        _ => return Err(ReplyFault::NotJson),
    }
    let Some(close) = string_end(text, open) else { return Ok(None) };
    let Some(colon) = next(text, close) else { return Ok(None) };
    if text[colon] != b':' {
        return Err(ReplyFault::NotJson);
    }
    let name = &text[open + 1..close - 1];
    Ok(next(text, colon + 1).map(|value| (name, value)))
}

/// The next byte that is not white space.
fn next(text: &[u8], at: usize) -> Option<usize> {
    let space = |byte: &u8| matches!(byte, b' ' | b'\n' | b'\r' | b'\t');
    text.get(at..)?.iter().position(|byte| !space(byte)).map(|n| at + n)
}

#[cfg(test)]
mod tests;
