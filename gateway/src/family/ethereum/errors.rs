//! What the errors of Ethereum nodes mean. The same code means different things on
//! different clients, so the text decides first and the code last.
//!
//! The texts stand in the sources of geth (rpc/errors.go, core/error.go, core/txpool/errors.go,
//! eth/api_backend.go, eth/state_accessor.go, eth/filters/api.go), reth (rpc-eth-types,
//! storage/errors), Nethermind (ErrorCodes.cs), Besu (RpcErrorType.java) and Erigon
//! (turbo/jsonrpc), and in the lists of other proxies (eRPC, dshackle, nodecore); those of
//! anvil and EthereumJS were heard from running nodes.
//!
//! A client can put words into an error: a revert's reason, a tracer's exception,
//! a method's name, a bad param that the node quotes. What keeps those words from
//! being taken for the node's own: [`CLIENT_TEXTS`] are tried before all others,
//! and under −32602 a text counts only where the message begins with it.

use crate::{
    family::texts::{front, matches_text, starts_with},
    judge::{Missing, NodeError, NodeFault, Sign, Verdict},
    method::Class,
};

use Calls::{Any, Writes};
use Verdict::{AlreadyKnown, Answer, NodeRefusedWrite, NonceTooLow, NullGap, Throttled};

const PRUNED: Verdict = Verdict::Missing(Missing::Pruned);
const UNKNOWN_BLOCK: Verdict = Verdict::Missing(Missing::UnknownBlock);
const BEHIND_HEAD: Verdict = Verdict::Missing(Missing::BehindHead);
const NO_METHOD: Verdict = Verdict::Missing(Missing::Method);
const INDEXING: Verdict = Verdict::Missing(Missing::Indexing);
const SYNCING: Verdict = Verdict::Missing(Missing::Syncing);
const TIMEOUT: Verdict = Verdict::NodeFault(NodeFault::Timeout);
const INTERNAL: Verdict = Verdict::NodeFault(NodeFault::Internal);

const INVALID_PARAMS: i64 = -32_602;

/// Which calls a text has its meaning for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Calls {
    Any,
    Writes,
}

/// One known text: lower case, matched in any case, `*` for anything between.
struct Text(&'static str, Calls, Verdict);

/// Errors that come from executing what the client sent. They may carry text of
/// the client's choice, so they stand before every other row.
const CLIENT_TEXTS: &[&str] = &[
    "execution reverted",
    "vm exception",
    "vm execution error",
    "transaction reverted",
    // geth names the function after an exception of a client's JavaScript tracer,
    // and its engine the place.
    "in server-side tracer function",
    " at <eval>",
];

/// In order: the first match decides.
const TEXTS: &[Text] = &[
    // Module or method off. Before every text that a method's name could contain.
    Text("does not exist/is not available", Any, NO_METHOD),
    Text("method not found", Any, NO_METHOD),
    Text("method not enabled", Any, NO_METHOD),
    Text("method not supported", Any, NO_METHOD),
    Text("method*is not supported", Any, NO_METHOD),
    Text("module*is disabled", Any, NO_METHOD),
    // Writes.
    // Before "known transaction", which it contains.
    Text("unknown transaction", Writes, NodeRefusedWrite),
    Text("transaction type not supported", Writes, NodeRefusedWrite),
    Text("tx type not supported", Writes, NodeRefusedWrite),
    Text("tx of type", Writes, NodeRefusedWrite),
    Text("already known", Writes, AlreadyKnown),
    Text("alreadyknown", Writes, AlreadyKnown),
    Text("known transaction", Writes, AlreadyKnown),
    Text("already imported", Writes, AlreadyKnown),
    Text("already in the mempool", Writes, AlreadyKnown),
    Text("already in mempool", Writes, AlreadyKnown),
    Text("transaction already exists", Writes, AlreadyKnown),
    Text("nonce too low", Writes, NonceTooLow),
    Text("nonce is too low", Writes, NonceTooLow),
    Text("oldnonce", Writes, NonceTooLow),
    Text("pool is full", Writes, NodeRefusedWrite),
    Text("account limit exceeded", Writes, NodeRefusedWrite),
    Text("address already reserved", Writes, NodeRefusedWrite),
    Text("in-flight transaction limit", Writes, NodeRefusedWrite),
    Text("pool size constraints", Writes, NodeRefusedWrite),
    Text("exceeds the configured cap", Writes, NodeRefusedWrite),
    // The sender's own faults, under whatever code.
    Text("insufficient funds", Any, Answer),
    Text("underpriced", Any, Answer),
    Text("gas price below", Any, Answer),
    Text("intrinsic gas too low", Any, Answer),
    Text("nonce too high", Any, Answer),
    Text("gas limit", Any, Answer),
    Text("out of gas", Any, Answer),
    Text("gas required exceeds allowance", Any, Answer),
    Text("failed to decode signed transaction", Any, Answer),
    // Older than what the node keeps.
    Text("missing trie node", Any, PRUNED),
    // Frontier, the EVM of Substrate chains
    Text("state already discarded", Any, PRUNED),
    Text("required historical state unavailable", Any, PRUNED),
    Text("historical state*not available", Any, PRUNED),
    Text("state 0x*is not available", Any, PRUNED),
    Text("state at block*is pruned", Any, PRUNED),
    Text("no state found for block", Any, PRUNED),
    Text("no state available for block", Any, PRUNED),
    Text("world state unavailable", Any, PRUNED),
    Text("distance to target block exceeds", Any, PRUNED),
    Text("history has been pruned", Any, PRUNED),
    Text("old data not available due to pruning", Any, PRUNED),
    Text("pruned history unavailable", Any, PRUNED),
    Text("no historical rpc is available", Any, PRUNED),
    Text("haven't been fully indexed", Any, INDEXING),
    Text("is not fully indexed", Any, INDEXING),
    Text("hasn't been indexed", Any, INDEXING),
    Text("transaction indexing is in progress", Any, INDEXING),
    // Some nodes never trace it: no sign of pruning.
    Text("genesis is not traceable", Any, INDEXING),
    // Newer than what the node has, or another branch.
    Text("block range extends beyond current head block", Any, BEHIND_HEAD),
    Text("request beyond head block", Any, BEHIND_HEAD),
    Text("specified block greater than", Any, BEHIND_HEAD),
    Text("cannot query unfinalized data", Any, BEHIND_HEAD),
    Text("header not found", Any, UNKNOWN_BLOCK),
    Text("header for hash not found", Any, UNKNOWN_BLOCK),
    Text("is not currently canonical", Any, UNKNOWN_BLOCK),
    Text("pending block is not available", Any, UNKNOWN_BLOCK),
    Text("pending state is not available", Any, UNKNOWN_BLOCK),
    Text("unknown block", Any, UNKNOWN_BLOCK),
    Text("block not found", Any, UNKNOWN_BLOCK),
    Text("invalid block param (block not found", Any, UNKNOWN_BLOCK),
    Text("transaction not found", Any, NullGap),
    Text("block*not found", Any, UNKNOWN_BLOCK),
    Text("initial sync is still in progress", Any, SYNCING),
    // The caller's range or the reply's size: before the limits on rate.
    Text("filter not found", Any, Answer),
    Text("block range", Any, Answer),
    Text("range is too", Any, Answer),
    Text("range limit", Any, Answer),
    Text("returned more than", Any, Answer),
    Text("query timeout", Any, Answer),
    Text("eth_getlogs is limited", Any, Answer),
    Text("too many results", Any, Answer),
    Text("query exceeds max", Any, Answer),
    Text("exceeds max batch size", Any, Answer),
    Text("batch too large", Any, Answer),
    Text("response too large", Any, Answer),
    Text("response is too big", Any, Answer),
    Text("request is too big", Any, Answer),
    // Limits on rate.
    Text("rate limit", Any, Throttled),
    Text("rate-limit", Any, Throttled),
    Text("ratelimit", Any, Throttled),
    Text("too many requests", Any, Throttled),
    Text("request limit", Any, Throttled),
    Text("requests per second", Any, Throttled),
    Text("limit exceeded", Any, Throttled),
    Text("has exceeded", Any, Throttled),
    Text("server is busy", Any, Throttled),
    // The node's own time.
    Text("timed out", Any, TIMEOUT),
    Text("execution aborted", Any, TIMEOUT),
    Text("execution timeout", Any, TIMEOUT),
    Text("deadline exceeded", Any, TIMEOUT),
];

/// Reads an error: reserved codes, then known texts, then what is left of the code.
pub(crate) fn read(class: Class, error: &NodeError<'_>) -> Sign {
    if let Some(verdict) = error.code.and_then(by_reserved_code) {
        return Sign::Known(verdict);
    }
    let message = front(error.message);
    if CLIENT_TEXTS.iter().any(|text| matches_text(message, text)) {
        return Sign::Known(Answer);
    }
    let known = out_of_range(error.message)
        .or_else(|| by_text(class, error.code, message))
        .or_else(|| by_data(class, error));
    known.map_or_else(|| Sign::Likely(by_code(class, error.code)), Sign::Known)
}

/// Codes that mean one thing on every client.
const fn by_reserved_code(code: i64) -> Option<Verdict> {
    match code {
        // Reverted, and EIP-7966's timeout, queued and nonce gap: with client text.
        3..=6 => Some(Answer),
        // eth_simulateV1: faults of what is simulated.
        -38_026..=-38_010 => Some(Answer),
        4444 => Some(PRUNED),
        429 | -32_029 => Some(Throttled),
        -32_601 | -32_604 => Some(NO_METHOD),
        -39_001 => Some(UNKNOWN_BLOCK),
        _ => None,
    }
}

fn by_text(class: Class, code: Option<i64>, message: &[u8]) -> Option<Verdict> {
    let quoting = code == Some(INVALID_PARAMS);
    let known = |text: &&Text| {
        let for_call = text.1 == Any || class == Class::Write;
        for_call
            && if quoting { starts_with(message, text.0) } else { matches_text(message, text.0) }
    };
    TEXTS.iter().find(known).map(|text| text.2)
}

/// Some clients say "Internal error" and give the reason in `data`. Only a string
/// is read, and only where the message alone says nothing.
fn by_data(class: Class, error: &NodeError<'_>) -> Option<Verdict> {
    if error.code == Some(INVALID_PARAMS) {
        return None;
    }
    let text = error.data?.trim_start().strip_prefix('"')?;
    let text = front(text);
    if CLIENT_TEXTS.iter().any(|known| matches_text(text, known)) {
        return Some(Answer);
    }
    by_text(class, error.code, text)
}

/// anvil's one text for both ends of what it has:
/// `BlockOutOfRangeError: block height is 40 but requested was 1`.
fn out_of_range(message: &str) -> Option<Verdict> {
    let rest = message.strip_prefix("BlockOutOfRangeError: block height is ")?;
    let (height, requested) = rest.split_once(" but requested was ")?;
    let (height, requested): (u64, u64) = (height.parse().ok()?, requested.trim().parse().ok()?);
    Some(if requested > height { BEHIND_HEAD } else { PRUNED })
}

/// What a code means where no text is known.
const fn by_code(class: Class, code: Option<i64>) -> Verdict {
    match code {
        Some(-32_005) => Throttled,
        Some(-32_004) => NO_METHOD,
        Some(-32_001) if !matches!(class, Class::Write) => UNKNOWN_BLOCK,
        // Resource unavailable, internal error, and codes that our requests cannot
        // have earned: they are rebuilt before they leave.
        Some(-32_002 | -32_603 | -32_600 | -32_700 | 500..=599) | None => INTERNAL,
        Some(_) => Answer,
    }
}
