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
    method::{BlockNeed, Class, Needs, Null},
    rpc::reply::{Reply, ReplyFault},
};

/// A reply as far as it is judged. The text stays where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplyView<'a> {
    Result {
        is_null: bool,
        /// The raw value, where it came whole.
        raw: &'a str,
    },
    Error(NodeError<'a>),
    /// Not a reply to this call: no JSON, a wrong id, both result and error, neither.
    Unreadable,
}

impl<'a> ReplyView<'a> {
    /// What was read of a whole body.
    pub fn of(read: &'a Result<Reply<'_>, ReplyFault>) -> Self {
        match read {
            Ok(Reply::Result { raw }) => Self::Result { is_null: *raw == "null", raw },
            Ok(error) => NodeError::of(error).map_or(Self::Unreadable, Self::Error),
            Err(_) => Self::Unreadable,
        }
    }
}

/// A node's JSON-RPC error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NodeError<'a> {
    /// `None` where the node sent none, or none that is an integer.
    pub code: Option<i64>,
    pub message: &'a str,
    /// Raw JSON text.
    pub data: Option<&'a str>,
    /// The kind of the error and the name of its cause, in families that tell by them.
    pub name: Option<&'a str>,
    pub cause: Option<&'a str>,
}

impl<'a> NodeError<'a> {
    /// The error that a reply is, if it is one.
    pub fn of(reply: &'a Reply<'_>) -> Option<Self> {
        match reply {
            Reply::Result { .. } => None,
            Reply::Error { code, message, data, name, cause, .. } => {
                Some(Self { code: *code, message, data: *data, name: *name, cause: *cause })
            }
        }
    }
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
    /// The same where "unknown" may also mean "gone": things that the chain never had, and
    /// things that this node dropped. The other that is asked is an archive node.
    DeepGap,
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
    /// The node is in its first sync, or not ready for other reasons of its own.
    Syncing,
    /// The node follows a part of the chain, and what was asked lies in another.
    Shard,
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

/// Judges a reply to a call, received with HTTP `status` (200 on a WebSocket). Costs
/// nothing for a result; errors are matched against the family's texts without allocating.
pub fn judge(family: Family, needs: &Needs<'_>, status: u16, reply: &ReplyView<'_>) -> Verdict {
    let method = needs.method;
    let asked = Asked {
        words_of: method.family,
        class: method.class,
        null: method.null,
        block: needs.block,
    };
    judge_asked(family, asked, status, reply)
}

/// What a verdict depends on of the call.
#[derive(Clone, Copy)]
pub(crate) struct Asked {
    /// Whose words the method's errors have.
    pub words_of: Family,
    pub class: Class,
    pub null: Null,
    pub block: BlockNeed,
}

fn judge_asked(family: Family, asked: Asked, status: u16, reply: &ReplyView<'_>) -> Verdict {
    let served = family.serves_under(status);
    match reply {
        ReplyView::Result { is_null, raw } if served => {
            let failed = asked.words_of.read_failure(raw);
            failed.unwrap_or_else(|| judge_result(asked, *is_null))
        }
        ReplyView::Error(error) => match asked.words_of.read_error(asked, error) {
            Sign::Known(verdict) => verdict,
            Sign::Likely(verdict) if served => verdict,
            Sign::Likely(_) => judge_status(status),
        },
        // A time that ran out before the node has no reply to say so.
        ReplyView::Unreadable if served && status != REQUEST_TIMEOUT => {
            Verdict::NodeFault(NodeFault::Unreadable)
        }
        ReplyView::Result { .. } | ReplyView::Unreadable => judge_status(status),
    }
}

const REQUEST_TIMEOUT: u16 = 408;

const fn judge_status(status: u16) -> Verdict {
    match status {
        429 => Verdict::Throttled,
        REQUEST_TIMEOUT | 504 => Verdict::NodeFault(NodeFault::Timeout),
        _ => Verdict::NodeFault(NodeFault::Status),
    }
}

const fn judge_result(asked: Asked, is_null: bool) -> Verdict {
    match (asked.null, asked.block) {
        (Null::Gap, _) if is_null => Verdict::NullGap,
        // The block exists: the node was chosen because it has it.
        (_, BlockNeed::Number(_)) if is_null => Verdict::NullGap,
        (Null::Gap | Null::Answer, _) => Verdict::Answer,
    }
}

#[cfg(test)]
pub(crate) mod rows;
#[cfg(test)]
mod tests;
