//! How nodes of a family take requests, whatever the method.
//!
//! Each family has constant [`Manners`], says what happens to a request before its
//! body is read (a [`Door`]), and words the error for what is [`Malformed`].

use http::{StatusCode, header, request::Parts};

/// What holds for every request to a node of a family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Manners {
    /// Calls of one batch; 0 where there are no batches.
    pub batch: usize,
    /// Whether the refusal of a longer batch stands in a batch of one.
    pub listed: bool,
    /// Whether the replies of a batch stand in the order of its calls.
    pub in_order: bool,
    /// Whether a call without an id is carried out.
    pub notes: bool,
    /// HTTP status of the empty answer to nothing but notifications.
    pub silent: u16,
    /// The largest request body, in bytes.
    pub body: usize,
    /// Open connections that a node takes when nothing else is said.
    pub connections: usize,
    /// What a connection over the limit is told; without it, it is just closed.
    pub full: Option<Notice>,
}

/// What a node does with a request before it reads the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// Reads the body, which is a call or a batch.
    Read,
    /// Answers with the bare result of this method.
    Page(&'static str),
    /// Says this and reads nothing.
    Say(Notice),
}

/// What the HTTP server says by itself: a status, and plain text or nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notice {
    pub status: StatusCode,
    pub text: &'static str,
}

impl Notice {
    #[must_use]
    pub const fn new(status: StatusCode, text: &'static str) -> Self {
        Self { status, text }
    }
}

/// Why a request is no call and no batch of calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// No JSON, and it does not even begin like a call or a batch.
    Text,
    /// It begins like one, and is no JSON.
    Json,
    /// JSON that is no call.
    Call,
    EmptyBatch,
    /// More calls than [`Manners::batch`].
    LongBatch,
    /// More bytes than [`Manners::body`].
    TooLarge,
}

/// Whether a request says that its body is JSON.
#[must_use]
pub fn is_json(head: &Parts) -> bool {
    let kind = head.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    kind.is_some_and(|kind| kind.trim_start().starts_with("application/json"))
}
