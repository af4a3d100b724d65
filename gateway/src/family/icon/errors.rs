//! What the errors of ICON nodes mean: goloop's codes have one meaning each, but for
//! −31000 (everything of a transaction) and −32000. A message is the code's name and, after
//! a colon, the detail; one from inside the node begins with that error's own code (`E1005:`).
//!
//! They stand in goloop (server/jsonrpc, server/v3/api_v3.go, service/error.go,
//! common/errors).

use crate::{
    family::texts::{front, matches_text, starts_with},
    judge::{Missing, NodeError, NodeFault, Sign, Verdict},
    method::Class,
};

use Verdict::{AlreadyKnown, Answer, NodeRefusedWrite, NullGap, Throttled};

const PRUNED: Verdict = Verdict::Missing(Missing::Pruned);
const NO_METHOD: Verdict = Verdict::Missing(Missing::Method);
const TIMEOUT: Verdict = Verdict::NodeFault(NodeFault::Timeout);
const INTERNAL: Verdict = Verdict::NodeFault(NodeFault::Internal);

pub(crate) const PENDING: i64 = -31_002;
pub(crate) const EXECUTING: i64 = -31_003;
pub(crate) const NOT_FOUND: i64 = -31_004;

/// What the refusal of a write says that the node had before: in its pool, or in a block.
const KNOWN: &[&str] = &["duplicatetransaction", "committedtransaction"];

/// Reads an error by its code, and by its detail where that is not enough.
pub(crate) fn read(class: Class, error: &NodeError<'_>) -> Sign {
    let write = class == Class::Write;
    let detail = detail(error.message);
    let is = |text| starts_with(detail, text);
    let verdict = match error.code {
        Some(NOT_FOUND) if is("prunedblock(") => PRUNED,
        Some(NOT_FOUND) if is("negativeheight(") => Answer,
        // also a height above the head, and a transaction on its way
        Some(NOT_FOUND) => NullGap,
        Some(-31_001) if write => NodeRefusedWrite,
        Some(-31_000) if write && is_known(detail) => AlreadyKnown,
        // what is waited for is not there
        Some(-31_000) if !write && is("e1005:") => NullGap,
        Some(-31_000) if !write => return Sign::Likely(INTERNAL),
        Some(-31_005) => Throttled,
        Some(-30_012) => TIMEOUT,
        Some(-32_601) => NO_METHOD,
        // The chain does not run on this node.
        Some(-32_000) if is("stopped") || is("alreadystopped") => INTERNAL,
        Some(-32_603) | None => return Sign::Likely(INTERNAL),
        // Pending, executing and waited too long are true answers; a contract's failure,
        // bad params and what is wrong with a transaction are the caller's.
        Some(_) => return Sign::Likely(Answer),
    };
    Sign::Known(verdict)
}

/// What stands behind the name of the code; the whole message where there is none.
fn detail(message: &str) -> &[u8] {
    front(message.split_once(": ").map_or(message, |(_, detail)| detail))
}

fn is_known(detail: &[u8]) -> bool {
    let codes = ["e2000:", "e2011:"];
    codes.iter().any(|code| starts_with(detail, code))
        || KNOWN.iter().any(|text| matches_text(detail, text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{family::Family, judge::rows::Rows};

    const BLOCK: &str = r#"icx_getBlockByHeight {"height":"0x1"}"#;
    const LAST: &str = "icx_getLastBlock {}";
    const RESULT: &str = r#"icx_getTransactionResult {"txHash":"0xd8da71e926052b960def61c64f325412772f8e986f888685bc87c0bc046c2d9f"}"#;
    const WAIT: &str = r#"icx_waitTransactionResult {"txHash":"0xd8da71e926052b960def61c64f325412772f8e986f888685bc87c0bc046c2d9f"}"#;
    const CALL: &str = r#"icx_call {"to":"cx1","dataType":"call","data":{}}"#;
    const ESTIMATE: &str = r#"debug_estimateStep {"version":"0x3"}"#;
    const SEND: &str = r#"icx_sendTransaction {"version":"0x3","signature":"x"}"#;
    const SEND_WAIT: &str = r#"icx_sendTransactionAndWait {"version":"0x3","signature":"x"}"#;

    /// Rows of a call, the code and the message, as goloop sends them and as a proxy may.
    #[track_caller]
    fn check(rows: &[(&str, i64, &str, Verdict)]) {
        let icon = Rows::of(Family::Icon);
        for (call, code, message, expected) in rows {
            let error = format!(r#"{{"code":{code},"message":"{message}"}}"#);
            icon.error(call, 400, &error, *expected);
            icon.error(call, 200, &error, *expected);
        }
    }

    #[test]
    fn what_is_not_there_is_pruned_a_gap_or_a_true_answer() {
        check(&[
            (BLOCK, -31004, "NotFound: PrunedBlock(height=1,base=1000)", PRUNED),
            (BLOCK, -31004, "NotFound: NegativeHeight(height=-1)", Answer),
            (BLOCK, -31004, "NotFound: E1005:no block for 1", NullGap),
            (BLOCK, -31004, "NotFound: Fail to find data", NullGap),
            (BLOCK, -31004, "NotFound", NullGap),
            (BLOCK, -31004, "NotFound: E1005:not found tx=PrunedBlock(", NullGap),
            (RESULT, -31004, "NotFound: E1005:not found tx=0xd8da", NullGap),
            (RESULT, -31002, "Pending: Pending", Answer),
            (RESULT, -31003, "Executing: Executing", Answer),
            (WAIT, -31000, "SystemError: E1005:not found tx=0xd8da", NullGap),
        ]);
    }

    #[test]
    fn a_wait_that_ran_out_is_the_methods_answer() {
        check(&[
            (WAIT, -31006, "Timeout: UserTimeoutExpire(dur=5s)", Answer),
            (WAIT, -31007, "SystemTimeout: SystemTimeoutExpire(dur=5s)", Answer),
            (SEND_WAIT, -31006, "Timeout: UserTimeoutExpire(dur=5s)", Answer),
            (SEND_WAIT, -31007, "SystemTimeout: SystemTimeoutExpire(dur=5s)", Answer),
        ]);
    }

    #[test]
    fn a_failing_or_busy_node_and_one_without_the_method_are_told_apart() {
        check(&[
            (RESULT, -31000, "SystemError: broken", INTERNAL),
            (LAST, -32000, "ServerError: Stopped", INTERNAL),
            (LAST, -32000, "ServerError: AlreadyStopped", INTERNAL),
            (LAST, -32000, "Stopped", INTERNAL),
            (CALL, -31005, "LackOfResource: too many", Throttled),
            (CALL, -32603, "InternalError: x", INTERNAL),
            (CALL, -30012, "SCOREError(-30012): E0012:Timeout", TIMEOUT),
            (LAST, -32601, "MethodNotFound", NO_METHOD),
            (WAIT, -32601, "MethodNotFound: NotEnabled(waitTimeout=0)", NO_METHOD),
        ]);
        let icon = Rows::of(Family::Icon);
        let status = Verdict::NodeFault(NodeFault::Status);
        for (code, body, expected) in [
            (404, "icx API is disabled", status),
            (404, "debug API is disabled", status),
            (404, "rosetta API is disabled", status),
            (404, "No channel", status),
            (502, "<html>", status),
            (429, "slow down", Throttled),
            (200, "", Verdict::NodeFault(NodeFault::Unreadable)),
        ] {
            icon.check(LAST, code, body, expected);
        }
        let many = r#"{"code":-32600,"message":"InvalidRequest","data":"too many request"}"#;
        icon.error(LAST, 503, many, status);
    }

    #[test]
    fn what_the_client_did_or_wrote_is_its_own() {
        check(&[
            (ESTIMATE, -32000, "ServerError: the estimate found Stopped", Answer),
            (BLOCK, -32602, "InvalidParams: PrunedBlock", Answer),
            (BLOCK, -32600, "InvalidRequest", Answer),
            (BLOCK, -32700, "ParseError", Answer),
            (CALL, -30001, "SCOREError(-30001): E0001:UnknownFailure", Answer),
            (CALL, -30002, "SCOREError(-30002): NotFound: PrunedBlock(", Answer),
            (CALL, -30009, "SCOREError(-30009): E0009:AccessDenied", Answer),
            (CALL, -30032, "SCOREError(-30032): Reverted(0)", Answer),
            (ESTIMATE, -30011, "SCOREError(-30011): E0011:OutOfBalance", Answer),
        ]);
        let result = r#""0x2961fff8ca4a62327800000""#;
        Rows::of(Family::Icon).result(CALL, 200, result, Answer);
    }

    #[test]
    fn a_write_is_known_refused_by_one_node_or_the_senders_own_fault() {
        let both = |code, message, expected| {
            check(&[(SEND, code, message, expected), (SEND_WAIT, code, message, expected)]);
        };
        for (code, message, expected) in [
            (-31000, "SystemError: E2000:DuplicateTransaction", AlreadyKnown),
            (-31000, "SystemError: E2011:CommittedTransaction", AlreadyKnown),
            (-31000, "SystemError: DuplicateTransaction(0xab)", AlreadyKnown),
            (-31000, "SystemError: E2002:ExpiredTransaction", Answer),
            (-31000, "SystemError: E2003:FutureTransaction", Answer),
            (-31000, "SystemError: ExpiredTransaction(diff=1)", Answer),
            (-31000, "SystemError: E2004:InvalidTransaction", Answer),
            (-31000, "SystemError: OutOfBalance(1)", Answer),
            (-31000, "SystemError: NotEnoughStep(1)", Answer),
            (-31000, "SystemError: fail to verify signature", Answer),
            (-31001, "PoolOverflow: E2001:TransactionPoolOverFlow", NodeRefusedWrite),
            (-31005, "LackOfResource: x", Throttled),
            (-32000, "ServerError: Stopped", INTERNAL),
            (-32602, "InvalidParams: x", Answer),
        ] {
            both(code, message, expected);
        }
        let bare = NodeError::default();
        assert_eq!(read(Class::Read, &bare), Sign::Likely(INTERNAL));
    }
}
