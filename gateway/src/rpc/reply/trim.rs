//! The end of a reply whose result is passed through: the value ends where the
//! reply's closing brace, and the members before it, are cut off.

use std::collections::VecDeque;

use bytes::Bytes;
use smallvec::SmallVec;

use super::ReplyFault;

/// Bytes held back until the end is known. Longer than any tail that nodes write.
pub const HELD: usize = 256;

/// Passes the value of a large reply through, but for its last [`HELD`] bytes, so
/// that at the end it can cut what is not the value, or say that the reply broke off.
#[derive(Debug)]
pub struct Trimmer {
    held: VecDeque<Bytes>,
    held_bytes: usize,
    first: Option<u8>,
    id_seen: bool,
    expected_id: u64,
}

impl Trimmer {
    /// `id_seen` is that of [`super::HeadState::Result`]; the first chunk to push
    /// begins at its `value_starts_at`.
    pub const fn new(id_seen: bool, expected_id: u64) -> Self {
        Self { held: VecDeque::new(), held_bytes: 0, first: None, id_seen, expected_id }
    }

    /// Takes the next bytes; what may be sent on.
    pub fn push(&mut self, chunk: Bytes) -> SmallVec<[Bytes; 2]> {
        if self.first.is_none() {
            self.first = chunk.trim_ascii_start().first().copied();
        }
        self.held_bytes += chunk.len();
        self.held.push_back(chunk);
        let mut free = SmallVec::new();
        while self.held_bytes > HELD {
            let Some(mut front) = self.held.pop_front() else { break };
            let surplus = (self.held_bytes - HELD).min(front.len());
            free.push(front.split_to(surplus));
            self.held_bytes -= surplus;
            if !front.is_empty() {
                self.held.push_front(front);
            }
        }
        free
    }

    /// The body has ended: the rest of the value.
    ///
    /// # Errors
    ///
    /// The reply broke off, has no id of ours, or ends in an unknown shape. Some of
    /// it may have been sent on: the client's stream must be broken off visibly.
    pub fn finish(self) -> Result<Bytes, ReplyFault> {
        let mut tail = Vec::with_capacity(self.held_bytes);
        self.held.iter().for_each(|chunk| tail.extend_from_slice(chunk));
        let first = self.first.ok_or(ReplyFault::Truncated)?;
        let end = value_end(&tail, first, self.id_seen, self.expected_id)?;
        tail.truncate(end);
        Ok(tail.into())
    }
}

/// Where the value ends in the last bytes of a reply. `first` is the value's first
/// byte. Cutting members from the end cannot cut the value: a value that is a
/// container ends in its bracket, and inside a string quotes are escaped.
pub(super) fn value_end(
    tail: &[u8],
    first: u8,
    mut id_seen: bool,
    expected_id: u64,
) -> Result<usize, ReplyFault> {
    let mut rest = tail.trim_ascii_end().strip_suffix(b"}").ok_or(ReplyFault::Truncated)?;
    let mut id = itoa::Buffer::new();
    let id = id.format(expected_id).as_bytes();
    loop {
        rest = rest.trim_ascii_end();
        if let Some(before) = without_member(rest, b"\"id\"", id) {
            id_seen = true;
            rest = before;
        } else if let Some(before) = without_member(rest, b"\"jsonrpc\"", b"\"2.0\"") {
            rest = before;
        } else if let Some(before) = without_member(rest, b"\"error\"", b"null") {
            rest = before;
        } else {
            break;
        }
    }
    let whole = match (first, rest.last()) {
        (b'{', Some(b'}')) | (b'[', Some(b']')) | (b'"', Some(b'"')) => true,
        (b'{' | b'[' | b'"', _) => false,
        (_, last) => last.is_some_and(u8::is_ascii_alphanumeric),
    };
    match (whole, id_seen) {
        (true, true) => Ok(rest.len()),
        (true, false) => Err(ReplyFault::WrongId),
        (false, _) => Err(ReplyFault::Truncated),
    }
}

fn without_member<'a>(text: &'a [u8], name: &[u8], value: &[u8]) -> Option<&'a [u8]> {
    let text = text.strip_suffix(value)?.trim_ascii_end();
    let text = text.strip_suffix(b":")?.trim_ascii_end();
    text.strip_suffix(name)?.trim_ascii_end().strip_suffix(b",")
}
