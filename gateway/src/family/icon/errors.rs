//! What the errors of ICON nodes mean: goloop's codes have one meaning each, but for
//! −31000 (everything of a transaction) and −32000. They stand in goloop (server/jsonrpc,
//! server/v3/api_v3.go, service/error.go).

use crate::{
    family::texts::{front, matches_text, starts_with},
    judge::{Missing, NodeError, NodeFault, Sign, Verdict},
    method::Class,
};

use Verdict::{AlreadyKnown, Answer, NodeRefusedWrite, NullGap, Throttled};

const TIMEOUT: Verdict = Verdict::NodeFault(NodeFault::Timeout);
const INTERNAL: Verdict = Verdict::NodeFault(NodeFault::Internal);

/// Reads an error by its code, and by its text where that is not enough.
pub(crate) fn read(class: Class, error: &NodeError<'_>) -> Sign {
    let message = front(error.message);
    let write = class == Class::Write;
    let verdict = match error.code {
        Some(-31_004) if starts_with(message, "notfound: prunedblock") => {
            Verdict::Missing(Missing::Pruned)
        }
        Some(-31_004) if starts_with(message, "notfound: negativeheight") => Answer,
        // also a height above the head, and a transaction on its way
        Some(-31_004) => NullGap,
        Some(-31_001) if write => NodeRefusedWrite,
        Some(-31_000) if write && matches_text(message, "duplicatetransaction") => AlreadyKnown,
        Some(-31_000) if !write => return Sign::Likely(INTERNAL),
        Some(-31_005) => Throttled,
        Some(-30_012) => TIMEOUT,
        Some(-32_601) => Verdict::Missing(Missing::Method),
        Some(-32_000) if is_stopped(message) => INTERNAL,
        Some(-32_603) | None => return Sign::Likely(INTERNAL),
        // Pending, executing and waited too long are true answers; a contract's failure,
        // bad params and what is wrong with a transaction are the caller's.
        Some(_) => return Sign::Likely(Answer),
    };
    Sign::Known(verdict)
}

/// The chain does not run on this node.
fn is_stopped(message: &[u8]) -> bool {
    ["servererror: stopped", "servererror: alreadystopped", "stopped"]
        .iter()
        .any(|text| starts_with(message, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(class: Class, code: i64, message: &str, expected: Verdict) {
        let error = NodeError { code: Some(code), message, data: None };
        let (Sign::Known(verdict) | Sign::Likely(verdict)) = read(class, &error);
        assert_eq!(verdict, expected, "{code} {message}");
    }

    #[test]
    fn a_read_is_pruned_unknown_a_true_answer_or_the_nodes_fault() {
        for (code, message, expected) in [
            (
                -31004,
                "NotFound: PrunedBlock(height=1,base=1000)",
                Verdict::Missing(Missing::Pruned),
            ),
            (-31004, "NotFound: NegativeHeight(height=-1)", Answer),
            (-31004, "NotFound: Fail to find data", NullGap),
            (-31004, "NotFound", NullGap),
            (-31002, "Pending: Pending", Answer),
            (-31003, "Executing: Executing", Answer),
            (-31005, "LackOfResource: too many", Throttled),
            (-31006, "Timeout: UserTimeoutExpire(dur=5s)", Answer),
            (-31007, "SystemTimeout: SystemTimeoutExpire(dur=5s)", Answer),
            (-31000, "SystemError: broken", INTERNAL),
            (-32000, "ServerError: Stopped", INTERNAL),
            (-32000, "ServerError: AlreadyStopped", INTERNAL),
            (-32000, "ServerError: the estimate found Stopped", Answer),
            (-32601, "MethodNotFound", Verdict::Missing(Missing::Method)),
            (
                -32601,
                "MethodNotFound: NotEnabled(waitTimeout=0)",
                Verdict::Missing(Missing::Method),
            ),
            (-32602, "InvalidParams: PrunedBlock", Answer),
            (-32600, "InvalidRequest", Answer),
            (-32700, "ParseError", Answer),
            (-32603, "InternalError: x", INTERNAL),
            (-30012, "SCOREError(-30012): Timeout", TIMEOUT),
            (-30032, "SCOREError(-30032): Reverted(0)", Answer),
            (-30002, "SCOREError(-30002): NotFound: PrunedBlock", Answer),
        ] {
            check(Class::Read, code, message, expected);
        }
    }

    #[test]
    fn a_write_is_known_refused_by_one_node_or_the_senders_own_fault() {
        for (code, message, expected) in [
            (-31000, "SystemError: DuplicateTransaction(0xab)", AlreadyKnown),
            (-31000, "SystemError: ExpiredTransaction(diff=1)", Answer),
            (-31000, "SystemError: OutOfBalance(1)", Answer),
            (-31000, "SystemError: fail to verify signature", Answer),
            (-31001, "PoolOverflow: full", NodeRefusedWrite),
            (-31006, "Timeout: UserTimeoutExpire(dur=5s)", Answer),
            (-32000, "ServerError: Stopped", INTERNAL),
        ] {
            check(Class::Write, code, message, expected);
        }
        let bare = NodeError { code: None, message: "", data: None };
        assert_eq!(read(Class::Read, &bare), Sign::Likely(INTERNAL));
    }
}
