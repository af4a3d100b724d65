//! What a node's reply means: an answer for the client, or a reason to ask another
//! node. A verdict moves traffic and debits nodes, so it must not be in a client's
//! hand: texts that a client can choose (a revert's reason, a tracer's exception)
//! are recognised first and are answers, whatever else they contain.
//!
//! Deliberately not the judge of blame: a node is debited only when another one
//! answers the same call, so a wrong verdict costs one more node call
//! and no more.

use crate::{
    family::Family,
    method::{Class, Method, Null},
};

/// A reply as far as it is judged. The text stays where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplyView<'a> {
    Result {
        is_null: bool,
    },
    Error(NodeError<'a>),
    /// Not a reply to this call: no JSON, a wrong id, both result and error, neither.
    Unreadable,
}

/// A node's JSON-RPC error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeError<'a> {
    /// `None` where the node sent none, or none that is an integer.
    pub code: Option<i64>,
    pub message: &'a str,
    /// Raw JSON text.
    pub data: Option<&'a str>,
}

/// What to do with a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// The client's, byte for byte: a result, or an error of the client's own making.
    Answer,
    /// The node knows nothing of what was asked (`null`, or the error that says so):
    /// true of things that do not exist, a gap where another node has them. It is
    /// the answer when one or two others say the same.
    NullGap,
    /// This node cannot answer, through no fault: another one may.
    Missing(Missing),
    /// The node asks for less: another one, and a pause for this one.
    Throttled,
    /// The node failed.
    NodeFault(NodeFault),
    /// A write: the node had these bytes before. Success; the result is their hash.
    AlreadyKnown,
    /// A write: the sender's nonce is spent. After a first send of the same bytes
    /// perhaps by themselves: settled by their hash; else the client's own fault.
    NonceTooLow,
    /// A write: refused for reasons of this node alone (pool full, fee cap): one other.
    NodeRefusedWrite,
}

/// What a node lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Missing {
    /// The block is older than what the node keeps: a deeper or archive node.
    Pruned,
    /// The node does not know the block: a node at or above that height.
    UnknownBlock,
    /// The node says that its own head is below the block.
    BehindHead,
    /// The node does not serve the method: any that does.
    Method,
    /// An index is still being built, or the node's settings rule the block out: a
    /// deeper node. Teaches nothing about retention.
    Indexing,
    /// The node is in its first sync.
    Syncing,
}

/// How a node failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NodeFault {
    /// An HTTP status that is no reply to a call (5xx, 403, 404 …).
    Status,
    Unreadable,
    /// The node's own time ran out.
    Timeout,
    /// An internal error, or one that no list knows.
    Internal,
}

/// How sure a family is of what an error means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sign {
    /// A known text, or a code with one meaning: stands whatever the HTTP status.
    Known(Verdict),
    /// Concluded from a code with several meanings: stands only where the HTTP
    /// status is that of a served call.
    Likely(Verdict),
}

/// Judges a reply to a call of `method`, received with HTTP `status` (200 on a
/// WebSocket). Costs nothing for a result; errors are matched against the
/// family's texts without allocating.
pub fn judge(family: Family, method: &Method, status: u16, reply: &ReplyView<'_>) -> Verdict {
    judge_row(family, Row { class: method.class, null: method.null }, status, reply)
}

/// The columns of a method's row that a verdict depends on.
#[derive(Clone, Copy)]
struct Row {
    class: Class,
    null: Null,
}

fn judge_row(family: Family, row: Row, status: u16, reply: &ReplyView<'_>) -> Verdict {
    match reply {
        ReplyView::Result { is_null } if served(status) => judge_result(row, *is_null),
        ReplyView::Error(error) => match family.read_error(row.class, error) {
            Sign::Known(verdict) => verdict,
            Sign::Likely(verdict) if served(status) => verdict,
            Sign::Likely(_) => judge_status(status),
        },
        ReplyView::Unreadable if served(status) => Verdict::NodeFault(NodeFault::Unreadable),
        ReplyView::Result { .. } | ReplyView::Unreadable => judge_status(status),
    }
}

/// Statuses under which nodes send replies to calls they served; some send a
/// method's error as 400.
const fn served(status: u16) -> bool {
    matches!(status, 200..=299 | 400)
}

const fn judge_status(status: u16) -> Verdict {
    match status {
        429 => Verdict::Throttled,
        408 | 504 => Verdict::NodeFault(NodeFault::Timeout),
        _ => Verdict::NodeFault(NodeFault::Status),
    }
}

const fn judge_result(row: Row, is_null: bool) -> Verdict {
    match row.null {
        Null::Gap if is_null => Verdict::NullGap,
        Null::Gap | Null::Answer => Verdict::Answer,
    }
}

#[cfg(test)]
mod tests;
