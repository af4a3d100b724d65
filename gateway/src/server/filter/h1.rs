//! HTTP/1: where each head and each body ends, and whether anybody could see that
//! differently.
//!
//! A [`Scanner`] lets bytes pass only up to the end of the last complete head; bodies pass
//! as they come, counted. What it lets through has one reading: strict lines, one framing,
//! strict chunks (RFC 9112). Its verdict never depends on how the bytes were cut into reads,
//! and each byte of a head is looked at once, however it comes.

mod chunks;
mod head;

use chunks::Chunks;
use head::{Framing, Head};

use super::Fault;

/// Most bytes of one head.
pub const HEAD_BYTES: usize = 32 * 1024;
/// Most fields of one head.
pub const MAX_FIELDS: usize = 64;
/// Most bytes of the request target.
pub const MAX_TARGET: usize = 8 * 1024;

/// What came of the bytes shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scan {
    /// So many of them pass. The rest is the beginning of a head, to be shown again with
    /// what follows, unless there is a stop.
    pub passed: usize,
    pub stop: Option<Stop>,
}

/// Nothing after it passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The next head is refused.
    Head(Fault),
    /// The body under way is broken.
    Body,
}

/// The state of one connection's inbound bytes.
#[derive(Debug, Default)]
pub struct Scanner {
    state: State,
    heads: u32,
}

#[derive(Debug)]
enum State {
    Head(Head),
    /// Bytes of a body that are still to come.
    Length(u64),
    Chunks(Chunks),
    Stopped,
}

impl Default for State {
    fn default() -> Self {
        Self::Head(Head::default())
    }
}

impl From<Framing> for State {
    fn from(framing: Framing) -> Self {
        match framing {
            Framing::None => Self::default(),
            Framing::Length(length) => Self::Length(length),
            Framing::Chunked => Self::Chunks(Chunks::default()),
        }
    }
}

impl Scanner {
    /// Heads that passed so far; wraps.
    pub fn heads(&self) -> u32 {
        self.heads
    }

    /// Looks at all bytes that have come and not passed yet.
    pub fn scan(&mut self, bytes: &[u8]) -> Scan {
        let mut passed = 0;
        while passed < bytes.len() {
            let stop = match self.step(&bytes[passed..]) {
                (0, None) => break,
                (length, stop) => {
                    passed += length;
                    stop
                }
            };
            if stop.is_some() {
                self.state = State::Stopped;
                return Scan { passed, stop };
            }
        }
        Scan { passed, stop: None }
    }

    /// How many of these bytes, at least one, pass next.
    fn step(&mut self, bytes: &[u8]) -> (usize, Option<Stop>) {
        match &mut self.state {
            State::Head(head) => match head.scan(bytes) {
                Ok(None) => (0, None),
                Ok(Some((length, framing))) => {
                    self.heads = self.heads.wrapping_add(1);
                    self.state = framing.into();
                    (length, None)
                }
                Err(fault) => (0, Some(Stop::Head(fault))),
            },
            State::Length(left) => {
                let length = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                *left -= length as u64;
                if *left == 0 {
                    self.state = State::default();
                }
                (length, None)
            }
            State::Chunks(chunks) => match chunks.scan(bytes) {
                Ok((length, ended)) => {
                    if ended {
                        self.state = State::default();
                    }
                    (length, None)
                }
                Err(length) => (length, Some(Stop::Body)),
            },
            State::Stopped => (0, None),
        }
    }
}

#[cfg(test)]
mod tests;
