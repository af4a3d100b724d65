//! The open-loop load: calls leave when they are due, whatever became of earlier ones.
//!
//! One thread keeps the time ([`arrivals`]) and one sends and judges ([`engine`]), so
//! that neither the simulated nodes nor the judge move a send. Latency counts from the
//! instant at which a call was to be sent, so that a stall is not left out of it
//! (coordinated omission).

pub mod arrivals;
pub mod client;
pub mod engine;
pub mod heads;
pub mod recipe;
pub mod retry;

use std::time::Duration;

use headrace_simnode::hash::Hash;

/// How one call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Right,
    Wrong,
    /// A JSON-RPC error, with its code.
    Error(i64),
    /// An HTTP status that is no success and carries no JSON-RPC error.
    Status,
    /// An answer that is no JSON-RPC reply to this call.
    Unreadable,
    /// No answer: the connection failed.
    Broken,
    Timeout,
    /// Too many were in flight already.
    Unsent,
}

impl End {
    #[must_use]
    pub fn failed(self) -> bool {
        match self {
            Self::Right | Self::Wrong => false,
            Self::Error(_)
            | Self::Status
            | Self::Unreadable
            | Self::Broken
            | Self::Timeout
            | Self::Unsent => true,
        }
    }

    #[must_use]
    pub fn word(self) -> String {
        match self {
            Self::Right => "right".to_owned(),
            Self::Wrong => "wrong".to_owned(),
            Self::Error(code) => format!("error {code}"),
            Self::Status => "HTTP status".to_owned(),
            Self::Unreadable => "unreadable".to_owned(),
            Self::Broken => "broken connection".to_owned(),
            Self::Timeout => "timeout".to_owned(),
            Self::Unsent => "not sent".to_owned(),
        }
    }
}

/// One call, as it was seen. Times count from the start of the run.
#[derive(Clone, Copy, Debug)]
pub struct Record {
    pub planned: Duration,
    pub sent: Duration,
    pub done: Duration,
    /// Its place in the mix.
    pub share: u16,
    pub gateway: u8,
    pub end: End,
    pub status: u16,
    /// Its place among the reasons seen, plus one.
    pub reason: u8,
    pub retry_after: bool,
    /// For how long a newer block was there when it was answered, if it means "newest".
    pub stale: Option<Duration>,
}

impl Record {
    /// From the planned instant on.
    #[must_use]
    pub fn latency(&self) -> Duration {
        self.done.saturating_sub(self.planned)
    }
}

/// A step back of the head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Back {
    pub at: Duration,
    pub blocks: u64,
    /// Seen through one gateway; else between several.
    pub same_gateway: bool,
    /// How long ago the higher head was first seen.
    pub after: Duration,
}

/// A call that a client sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resent {
    pub at: Duration,
    /// Its place in the mix.
    pub share: u16,
}

/// A write that was sent.
#[derive(Clone, Copy, Debug)]
pub struct Written {
    pub hash: Hash,
    /// Answered with its hash.
    pub accepted: bool,
}

/// All that the load saw.
#[derive(Debug, Default)]
pub struct Seen {
    pub records: Vec<Record>,
    pub reasons: Vec<String>,
    pub backs: Vec<Back>,
    /// Calls that were sent again, each time.
    pub resent: Vec<Resent>,
    pub written: Vec<Written>,
    /// The first wrong answers, in words.
    pub wrong: Vec<String>,
    /// The first errors that were answered, in words.
    pub errors: Vec<String>,
    /// HTTP requests that were planned.
    pub requests: u64,
}
