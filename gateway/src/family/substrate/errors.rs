//! What the errors of Substrate nodes mean. Codes are the modules' own (author 1000+,
//! chain 3000+, state 4000+ …), but 1 and 4003 are generic, and old nodes say everything
//! under −32603: so what tells of a block is looked for in message and data, before any
//! code but those that may quote the client.
//!
//! The texts and codes stand in polkadot-sdk (substrate/client/rpc-api, client/db, sp-api,
//! rpc-servers) and jsonrpsee (types/error.rs). Errors without a code are chopsticks': it
//! writes the code, where there was one, in front of the message.

use crate::{
    family::texts::{front, matches_text, starts_with},
    judge::{Missing, NodeError, NodeFault, Sign, Verdict},
    method::Class,
    rpc::walk::find,
};

use Verdict::{AlreadyKnown, Answer, NodeRefusedWrite, NullGap, Throttled};

const PRUNED: Verdict = Verdict::Missing(Missing::Pruned);
const UNKNOWN_BLOCK: Verdict = Verdict::Missing(Missing::UnknownBlock);
const NO_METHOD: Verdict = Verdict::Missing(Missing::Method);
const SYNCING: Verdict = Verdict::Missing(Missing::Syncing);
const INTERNAL: Verdict = Verdict::NodeFault(NodeFault::Internal);

/// Errors that come from executing what the client sent, or quote it.
const CLIENT_TEXTS: &[&str] = &[
    "execution failed",
    "exported method",
    "unsafe to be called",
    "count exceeds maximum value",
    "not supported over http",
    "not available on this transport",
];

/// How the refusal of params begins that comes without its code. It quotes the client.
const BAD_PARAMS: &str = "invalid params";

/// In order: the first match decides.
const TEXTS: &[(&str, Verdict)] = &[
    ("state already discarded", PRUNED),
    ("header was not found in the database", UNKNOWN_BLOCK),
    ("api called for an unknown block", UNKNOWN_BLOCK),
    ("unknownblock", UNKNOWN_BLOCK),
    // of chains with an EVM
    ("header not found", UNKNOWN_BLOCK),
    ("endpoint not ready", SYNCING),
    // of chopsticks, which gives no code
    ("method not found", NO_METHOD),
];

/// Why a transaction may look invalid to a node that is behind (under code 1010).
const MAYBE_BEHIND: &[&str] =
    &["is outdated", "bad signature", "ancient birth block", "valid in the future"];

/// Reads an error: codes of the client's own making, then known texts, then the rest.
pub(crate) fn read(class: Class, error: &NodeError<'_>) -> Sign {
    let code = error.code.or_else(|| leading_code(error.message));
    if let Some(verdict) = code.and_then(by_reserved_code) {
        return Sign::Known(verdict);
    }
    let quotes = code.is_none() && starts_with(front(error.message), BAD_PARAMS);
    if quotes || CLIENT_TEXTS.iter().any(|text| says(error, text)) {
        return Sign::Known(Answer);
    }
    if let Some((_, verdict)) = TEXTS.iter().find(|(text, _)| says(error, text)) {
        return Sign::Known(*verdict);
    }
    if class == Class::Write {
        match code {
            // the node has looked at it, and says what it thinks
            None => return Sign::Likely(Answer),
            Some(code) => {
                if let Some(verdict) = by_author_code(code, error) {
                    return Sign::Known(verdict);
                }
            }
        }
    }
    Sign::Likely(by_code(code))
}

/// A longer result is no failure: it would have to be looked through at every call.
const MOST_FAILURE: usize = 1_024;

/// Reads `{"success":false,"error":"…"}` of `archive_v1_call`: a state that the node has
/// discarded is another node's to answer; what execution said is the client's.
pub(crate) fn read_failure(result: &str) -> Option<Verdict> {
    if result.len() > MOST_FAILURE || !result.starts_with('{') {
        return None;
    }
    find(result, "success").filter(|success| *success == "false")?;
    let error = find(result, "error")?;
    matches_text(front(error), "state already discarded").then_some(PRUNED)
}

/// `4003: Client error: …`
fn leading_code(message: &str) -> Option<i64> {
    message.split_once(": ")?.0.parse().ok()
}

/// Whether message or data hold the text.
fn says(error: &NodeError<'_>, text: &str) -> bool {
    let data = error.data.unwrap_or_default();
    matches_text(front(error.message), text) || matches_text(front(data), text)
}

/// Codes that mean one thing, whatever their text: jsonrpsee's, and those of chainHead,
/// whose hashes the client pinned.
const fn by_reserved_code(code: i64) -> Option<Verdict> {
    match code {
        // Invalid params quote what the client sent; the others are its sizes and ranges.
        -32_602 | -32_600 | -32_700 | 4001 | 4002 => Some(Answer),
        -32_005 | -32_007 | -32_008 | -32_010 | -32_011 => Some(Answer),
        -32_804..=-32_800 | -32_810 => Some(Answer),
        -32_999 | -32_009 | -32_006 | -32_812 => Some(Throttled),
        _ => None,
    }
}

/// The transaction pool's codes.
fn by_author_code(code: i64, error: &NodeError<'_>) -> Option<Verdict> {
    match code {
        1010 if MAYBE_BEHIND.iter().any(|text| says(error, text)) => Some(NodeRefusedWrite),
        // banned for a while: what was included, or seen before
        1012 | 1013 => Some(AlreadyKnown),
        1011 | 1016 | 1018 | 1021 => Some(NodeRefusedWrite),
        _ => None,
    }
}

/// What a code means where no text is known.
const fn by_code(code: Option<i64>) -> Verdict {
    match code {
        Some(-32_601) => NO_METHOD,
        // Finality is not proven yet: another node may be ahead.
        Some(4) => NullGap,
        Some(-32_603 | -32_811 | 2001) | None => INTERNAL,
        Some(_) => Answer,
    }
}

#[cfg(test)]
mod tests;
