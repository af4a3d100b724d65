//! What the errors of Substrate nodes mean. Codes are the modules' own (author 1000+,
//! chain 3000+, state 4000+ …), but 1 and 4003 are generic, and old nodes say everything
//! under −32603: so what tells of a block is looked for in message and data, before any
//! code but those that may quote the client.
//!
//! The texts and codes stand in polkadot-sdk (substrate/client/rpc-api, client/db, sp-api,
//! rpc-servers) and jsonrpsee (types/error.rs); those without a code are chopsticks'.

use crate::{
    family::texts::{front, matches_text},
    judge::{Missing, NodeError, NodeFault, Sign, Verdict},
    method::Class,
};

use Verdict::{AlreadyKnown, Answer, NodeRefusedWrite, NullGap, Throttled};

const PRUNED: Verdict = Verdict::Missing(Missing::Pruned);
const UNKNOWN_BLOCK: Verdict = Verdict::Missing(Missing::UnknownBlock);
const NO_METHOD: Verdict = Verdict::Missing(Missing::Method);
const SYNCING: Verdict = Verdict::Missing(Missing::Syncing);
const INTERNAL: Verdict = Verdict::NodeFault(NodeFault::Internal);

/// Errors that come from executing what the client sent, or quote it.
const CLIENT_TEXTS: &[&str] = &["execution failed", "exported method", "unsafe to be called"];

/// In order: the first match decides.
const TEXTS: &[(&str, Verdict)] = &[
    ("state already discarded", PRUNED),
    ("header was not found in the database", UNKNOWN_BLOCK),
    ("api called for an unknown block", UNKNOWN_BLOCK),
    ("unknownblock", UNKNOWN_BLOCK),
    ("endpoint not ready", SYNCING),
    // of chopsticks, which gives no code
    ("method not found", NO_METHOD),
];

/// Why a transaction may look invalid to a node that is behind (under code 1010).
const MAYBE_BEHIND: &[&str] =
    &["is outdated", "bad signature", "ancient birth block", "valid in the future"];

/// Reads an error: codes of the client's own making, then known texts, then the rest.
pub(crate) fn read(class: Class, error: &NodeError<'_>) -> Sign {
    if let Some(verdict) = error.code.and_then(by_reserved_code) {
        return Sign::Known(verdict);
    }
    if CLIENT_TEXTS.iter().any(|text| says(error, text)) {
        return Sign::Known(Answer);
    }
    if let Some((_, verdict)) = TEXTS.iter().find(|(text, _)| says(error, text)) {
        return Sign::Known(*verdict);
    }
    if class == Class::Write
        && let Some(verdict) = by_author_code(error)
    {
        return Sign::Known(verdict);
    }
    Sign::Likely(by_code(error.code))
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
fn by_author_code(error: &NodeError<'_>) -> Option<Verdict> {
    match error.code? {
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
mod tests {
    use super::*;

    #[track_caller]
    fn check(class: Class, code: i64, message: &str, data: Option<&str>, expected: Verdict) {
        let error = NodeError { code: Some(code), message, data };
        let (Sign::Known(verdict) | Sign::Likely(verdict)) = read(class, &error);
        assert_eq!(verdict, expected, "{code} {message} {data:?}");
    }

    fn reads(rows: &[(i64, &str, Option<&str>, Verdict)]) {
        for (code, message, data, expected) in rows {
            check(Class::Read, *code, message, *data, *expected);
        }
    }

    #[test]
    fn a_discarded_state_is_pruned_in_two_generations_of_nodes() {
        let unknown = "Client error: UnknownBlock: State already discarded for 0xfc41";
        let called =
            "Client error: Api called for an unknown Block: State already discarded for 0x";
        let old = r#""Client(UnknownBlock(\"State already discarded for Hash(0x1)\"))""#;
        reads(&[
            (4003, unknown, None, PRUNED),
            (4003, called, None, PRUNED),
            (-32603, "Unknown error occurred", Some(old), PRUNED),
            (1, "Unable to query dispatch info.", Some(called), PRUNED),
            (1, "Unable to query fee details.", Some(called), PRUNED),
            (1, "Unable to query nonce.", Some(called), PRUNED),
            (-32000, "State already discarded for 0x1", None, PRUNED),
        ]);
    }

    #[test]
    fn an_unknown_block_is_missing_and_not_pruned() {
        let header = "Client error: UnknownBlock: Header was not found in the database: 0x12";
        reads(&[
            (4003, header, None, UNKNOWN_BLOCK),
            (
                4003,
                "Client error: Api called for an unknown Block: Header was not found in the database",
                None,
                UNKNOWN_BLOCK,
            ),
            (1, "Unable to query dispatch info.", Some("\"UnknownBlock: x\""), UNKNOWN_BLOCK),
        ]);
    }

    #[test]
    fn what_the_client_did_or_wrote_is_its_own() {
        let quoted = Some(r#""invalid value: string \"State already discarded\"""#);
        reads(&[
            (-32602, "Invalid params", quoted, Answer),
            (4003, "Client error: Execution failed: wasm trap: unreachable", None, Answer),
            (4003, "Exported method State already discarded is not found", None, Answer),
            (-32601, "RPC call is unsafe to be called externally", None, Answer),
            (4001, "Cannot resolve a block range ['a' ... 'b]", None, Answer),
            (4002, "count exceeds maximum value. value: 2000, max: 1000", None, Answer),
            (-32008, "Response is too big", Some("\"Exceeded max limit of 1\""), Answer),
            (-32007, "Request is too big", None, Answer),
            (-32010, "The batch request was too large", None, Answer),
            (-32801, "Invalid block hash", None, Answer),
            (3002, "Client error: other", None, Answer),
            (8011, "Leaf not found", None, Answer),
        ]);
    }

    #[test]
    fn a_busy_node_an_old_one_and_a_failing_one_are_told_apart() {
        reads(&[
            (-32999, "RPC rate limit exceeded", None, Throttled),
            (-32009, "Server is busy, try again later", None, Throttled),
            (-32006, "Too many subscriptions on the connection", None, Throttled),
            (-32601, "Method not found", None, NO_METHOD),
            (1, "GRANDPA RPC endpoint not ready", None, SYNCING),
            (1, "BEEFY RPC endpoint not ready", None, SYNCING),
            (4, "GRANDPA prove finality rpc failed: not yet finalized", None, NullGap),
            (-32603, "Internal error", None, INTERNAL),
            (2001, "Node is not fully functional: no peers", None, INTERNAL),
        ]);
        let chopsticks = |message| NodeError { code: None, message, data: None };
        let lacking = read(Class::Read, &chopsticks("Method not found: chain_nope"));
        assert_eq!(lacking, Sign::Known(NO_METHOD));
        assert_eq!(read(Class::Read, &chopsticks("boom")), Sign::Likely(INTERNAL));
    }

    #[test]
    fn a_write_is_known_refused_by_one_node_or_the_senders_own_fault() {
        let rows = [
            (1013, "Transaction Already Imported", Some("\"0x2f\""), AlreadyKnown),
            (1012, "Transaction is temporarily banned", None, AlreadyKnown),
            (1014, "Priority is too low: (1 vs 2)", None, Answer),
            (1010, "Invalid Transaction", Some("\"Transaction is outdated\""), NodeRefusedWrite),
            (
                1010,
                "Invalid Transaction",
                Some("\"Transaction has a bad signature\""),
                NodeRefusedWrite,
            ),
            (
                1010,
                "Invalid Transaction",
                Some("\"Inability to pay some fees (e.g. account balance too low)\""),
                Answer,
            ),
            (1010, "Invalid Transaction", Some("\"Custom error: 7\""), Answer),
            (1011, "Unknown Transaction Validity", None, NodeRefusedWrite),
            (1016, "Immediately Dropped", None, NodeRefusedWrite),
            (1018, "Unactionable", None, NodeRefusedWrite),
            (1021, "The pool is not accepting future transactions", None, NodeRefusedWrite),
            (1001, "Extrinsic has invalid format: Codec error", None, Answer),
            (1002, "Verification Error: bad", None, Answer),
            (1015, "Cycle Detected", None, Answer),
            (1019, "No tags provided", None, Answer),
        ];
        for (code, message, data, expected) in rows {
            check(Class::Write, code, message, data, expected);
        }
        check(Class::Read, 1013, "Transaction Already Imported", None, Answer);
    }
}
