//! How one call was served: what the client gets, and what the record says of it.

use bytes::Bytes;

use crate::{
    error::CallError,
    metrics::{Outcome, Source},
    names::NodeIndex,
    rpc::reply::Trimmer,
    upstream::LargeBody,
};

/// What the client gets for one call.
#[derive(Debug)]
pub enum Content {
    /// A node's result: raw JSON, a slice of its reply.
    Result(Bytes),
    /// A node's error object: raw JSON, and the HTTP status it is sent under when the call
    /// came alone.
    Error {
        raw: Bytes,
        status: u16,
    },
    /// A node's result that is too large to be held: its bytes as they come.
    Stream(Box<Large>),
    /// A result of our own making.
    Ours(String),
    Refused(CallError),
}

/// A large result under way.
#[derive(Debug)]
pub struct Large {
    /// Bytes of the reply before its value begins.
    pub skip: usize,
    pub rest: LargeBody,
    pub trimmer: Trimmer,
}

#[derive(Debug)]
pub struct Served {
    pub content: Content,
    /// Who answered. A place, not a name: a name's count is shared by all workers.
    pub node: Option<NodeIndex>,
    /// Node calls made for it.
    pub attempts: u32,
    pub hedged: bool,
}

impl Served {
    pub const fn ours(content: Content) -> Self {
        Self { content, node: None, attempts: 0, hedged: false }
    }

    pub const fn refused(error: CallError) -> Self {
        Self::ours(Content::Refused(error))
    }

    pub const fn source(&self) -> Source {
        match self.content {
            Content::Result(_) | Content::Error { .. } | Content::Stream(_) => Source::Node,
            Content::Ours(_) | Content::Refused(_) => Source::Gateway,
        }
    }

    pub const fn outcome(&self) -> Outcome {
        match &self.content {
            Content::Result(_) | Content::Stream(_) | Content::Ours(_) => Outcome::Ok,
            Content::Error { .. } => Outcome::AppError,
            Content::Refused(error) => Outcome::of(error),
        }
    }
}
