//! JSON-RPC words: calls and replies that borrow from the bytes they came in.
//!
//! Nothing here builds a tree of values. [`read`] checks the whole text once
//! (UTF-8, grammar, depth, tokens, duplicate members), then hands out slices;
//! ids travel byte for byte. [`reply`] reads what nodes send, large results by
//! their ends only. [`walk`] looks into text that was checked before. [`write`]
//! splices slices into new texts.

pub mod read;
pub mod reply;
mod scan;
pub mod walk;
pub mod write;

use std::borrow::Cow;

/// Bounds on one request text, so that no text costs more memory or time than its size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadLimits {
    /// Nested containers, the outermost counted as 1. Default 32.
    pub depth: u32,
    /// Scalars, opening brackets and member names. Default 50,000.
    pub tokens: u32,
    /// Members of one object. Default 1,024.
    pub members: u32,
    /// Calls of one batch. Default 100.
    pub items: u32,
}

impl Default for ReadLimits {
    fn default() -> Self {
        Self { depth: 32, tokens: 50_000, members: 1_024, items: 100 }
    }
}

/// A call's id: raw JSON text as the client wrote it. A missing id (a
/// notification) is not a null id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Id<'a> {
    Missing,
    Raw(&'a str),
}

/// One JSON-RPC call, borrowed from its request text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call<'a> {
    pub id: Id<'a>,
    /// Decoded: escapes resolved, so that policy sees what the node would see.
    pub method: Cow<'a, str>,
    /// Raw text of the array or object; `None` when absent or null.
    pub params: Option<&'a str>,
}

/// Why a text, or one item of a batch, is not a call. Each has one reason word,
/// one code and (for a whole request) one HTTP status (`docs/errors.md`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Invalid {
    /// Not JSON, or JSON this gateway refuses to read (lone surrogates, long numbers).
    Parse,
    TooDeep,
    TooComplex,
    BatchTooLarge,
    EmptyBatch,
    /// Not a request object.
    NotARequest,
    Version,
    BadId,
    BadMethod,
    /// One of the four known members twice.
    DuplicateMember,
    /// A member inside `params` twice.
    DuplicateParam,
    /// `params` is a scalar.
    ScalarParams,
}

/// One item that is not a call, with the id to answer it under: `null` if none
/// was readable, missing only if the object had none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused<'a> {
    pub id: Id<'a>,
    pub why: Invalid,
}

/// A whole request as read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request<'a> {
    Single(Result<Call<'a>, Refused<'a>>),
    /// Never empty; at most [`ReadLimits::items`] long.
    Batch(Vec<Result<Call<'a>, Refused<'a>>>),
}
