//! What the errors of NEAR nodes mean. They tell by names, of the error and of its cause;
//! the code is nearly always −32000, and texts are for people. Only where the node hides
//! one error inside another is its text read.
//!
//! The names stand in nearcore (chain/jsonrpc-primitives/src/types, errors.rs) and in its
//! OpenAPI types. They are the node's own words alone: what a contract or a client says
//! stands in `info` and `data`.

use crate::{
    family::texts::{front, matches_text},
    judge::{Asked, Missing, NodeError, NodeFault, Sign, Verdict},
    method::{BlockNeed, Class},
    rpc::walk::find,
};

use Verdict::{AlreadyKnown, Answer, DeepGap, NonceTooLow, Throttled};

const PRUNED: Verdict = Verdict::Missing(Missing::Pruned);
const UNKNOWN_BLOCK: Verdict = Verdict::Missing(Missing::UnknownBlock);
const BEHIND_HEAD: Verdict = Verdict::Missing(Missing::BehindHead);
const NO_METHOD: Verdict = Verdict::Missing(Missing::Method);
const INDEXING: Verdict = Verdict::Missing(Missing::Indexing);
const SYNCING: Verdict = Verdict::Missing(Missing::Syncing);
const SHARD: Verdict = Verdict::Missing(Missing::Shard);
const INTERNAL: Verdict = Verdict::NodeFault(NodeFault::Internal);

/// The name of the cause with which a node answers a question for a transaction that it
/// has not heard of.
pub(crate) const UNKNOWN_TRANSACTION: &str = "UNKNOWN_TRANSACTION";

/// Causes that mean one thing in every call.
const CAUSES: &[(&str, Verdict)] = &[
    ("GARBAGE_COLLECTED_BLOCK", PRUNED),
    // never there, or dropped with its block: one name for both
    ("UNKNOWN_CHUNK", DeepGap),
    ("UNKNOWN_EPOCH", DeepGap),
    ("EPOCH_OUT_OF_BOUNDS", DeepGap),
    ("UNKNOWN_RECEIPT", DeepGap),
    ("OUTCOMES_NOT_STORED", DeepGap),
    (UNKNOWN_TRANSACTION, DeepGap),
    ("UNKNOWN_TRANSACTION_OR_RECEIPT", DeepGap),
    ("UNAVAILABLE_SHARD", SHARD),
    ("DOES_NOT_TRACK_SHARD", SHARD),
    ("NO_SYNCED_BLOCKS", SYNCING),
    ("NOT_SYNCED_YET", SYNCING),
    ("NODE_IS_SYNCING", SYNCING),
    ("NO_NEW_BLOCKS", SYNCING),
    ("SHARD_NOT_APPLIED", BEHIND_HEAD),
    ("INCONSISTENT_STATE", INTERNAL),
    ("METHOD_NOT_FOUND", NO_METHOD),
    // what the node was not set up to keep
    ("UNSUPPORTED", INDEXING),
    // The waiting ran out: the method's own answer, and another wait would be no shorter.
    ("TIMEOUT_ERROR", Answer),
    // The caller's own.
    ("PARSE_ERROR", Answer),
    ("INVALID_ACCOUNT", Answer),
    ("INVALID_SHARD_ID", Answer),
    ("UNKNOWN_ACCOUNT", Answer),
    ("UNKNOWN_ACCESS_KEY", Answer),
    ("UNKNOWN_GAS_KEY", Answer),
    ("NO_CONTRACT_CODE", Answer),
    ("NO_GLOBAL_CONTRACT_CODE", Answer),
    ("TOO_LARGE_CONTRACT_STATE", Answer),
    ("CONTRACT_EXECUTION_ERROR", Answer),
    // a block that is not the last one of its epoch
    ("VALIDATOR_INFO_UNAVAILABLE", Answer),
    ("NOT_CONFIRMED", Answer),
    ("DEPTH_EXCEEDED", Answer),
    ("WINDOW_TOO_LARGE", Answer),
    ("MALFORMED_HINT", Answer),
    ("BUDGET_EXCEEDED", Answer),
];

/// Reads an error by the name of its cause; by its code where it has no names, as those
/// of providers before a node.
pub(crate) fn read(asked: Asked, error: &NodeError<'_>) -> Sign {
    let Some(cause) = error.cause.or(error.name) else { return by_code(error.code) };
    let verdict = match cause {
        // The tip was shown by nodes, so the chain has it: this one has not.
        "UNKNOWN_BLOCK" if matches!(asked.block, BlockNeed::Newest(_)) => UNKNOWN_BLOCK,
        // a height that the chain skipped, or a block that this node dropped
        "UNKNOWN_BLOCK" => DeepGap,
        "INTERNAL_ERROR" => hidden(error),
        "INVALID_TRANSACTION" => invalid_transaction(asked.class, error),
        // Passed on to who can take it.
        "REQUEST_ROUTED" if asked.class == Class::Write => AlreadyKnown,
        "REQUEST_ROUTED" => Answer,
        cause => match CAUSES.iter().find(|(name, _)| *name == cause) {
            Some((_, verdict)) => *verdict,
            None => return by_kind(error.name),
        },
    };
    Sign::Known(verdict)
}

/// An internal error may hold what another method says by a name of its own.
fn hidden(error: &NodeError<'_>) -> Verdict {
    let says = |text| {
        let data = error.data.unwrap_or_default();
        matches_text(front(data), text) || matches_text(front(error.message), text)
    };
    if says("is garbage collected on this node") {
        return PRUNED;
    }
    if says("garbage collected") { DeepGap } else { INTERNAL }
}

fn invalid_transaction(class: Class, error: &NodeError<'_>) -> Verdict {
    let why = error
        .data
        .and_then(|data| find(data, "TxExecutionError"))
        .and_then(|inner| find(inner, "InvalidTxError"));
    let spent = why.is_some_and(|why| find(why, "InvalidNonce").is_some());
    if spent && class == Class::Write { NonceTooLow } else { Answer }
}

/// A cause that no list knows.
fn by_kind(name: Option<&str>) -> Sign {
    match name {
        Some("INTERNAL_ERROR") => Sign::Known(INTERNAL),
        Some("REQUEST_VALIDATION_ERROR") => Sign::Known(Answer),
        _ => Sign::Likely(Answer),
    }
}

const fn by_code(code: Option<i64>) -> Sign {
    match code {
        Some(-32_601) => Sign::Known(NO_METHOD),
        Some(429 | -429 | -32_005 | -32_029) => Sign::Known(Throttled),
        Some(-32_603 | -32_600) | None => Sign::Likely(INTERNAL),
        Some(_) => Sign::Likely(Answer),
    }
}

#[cfg(test)]
mod tests;
