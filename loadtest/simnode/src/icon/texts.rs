//! Errors in goloop's words. A detail that comes from inside the node carries its own
//! code (`E1005:`), one made by the JSON-RPC server does not.

use std::borrow::Cow;
use std::time::Duration;

use super::wire::go_duration;
use crate::hash::{Hash, hex, push_hex};
use crate::rpc::RpcError;

/// An error, which goloop serves with 400 when it is no part of a batch.
#[must_use]
pub fn error(code: i64, message: impl Into<Cow<'static, str>>) -> RpcError {
    RpcError::new(code, message).with_status(400)
}

/// Nothing by this name here.
#[must_use]
pub fn unknown_method() -> RpcError {
    error(-32601, "MethodNotFound")
}

/// The waiting methods are switched off.
#[must_use]
pub fn waits_disabled() -> RpcError {
    error(-32601, "MethodNotFound: NotEnabled(waitTimeout=0)")
}

#[must_use]
pub fn invalid_params(why: &str) -> RpcError {
    error(-32602, format!("InvalidParams: {why}"))
}

/// A block that was pruned.
#[must_use]
pub fn pruned(height: u64, base: u64) -> RpcError {
    error(-31004, format!("NotFound: PrunedBlock(height={height},base={base})"))
}

/// A block above the newest one.
#[must_use]
pub fn no_block(height: u64) -> RpcError {
    error(-31004, format!("NotFound: E1005:no block for {height}"))
}

#[must_use]
pub fn no_block_by_hash(hash: &Hash) -> RpcError {
    let mut digits = String::new();
    push_hex(&mut digits, hash);
    error(-31004, format!("NotFound: E1005:block not found {digits}"))
}

#[must_use]
pub fn no_transaction(hash: &Hash) -> RpcError {
    error(-31004, format!("NotFound: E1005:not found tx={}", hex(hash)))
}

/// Something else that is not there.
#[must_use]
pub fn not_found(what: &str) -> RpcError {
    error(-31004, format!("NotFound: {what}"))
}

/// The transaction waits in the pool.
#[must_use]
pub fn pending() -> RpcError {
    error(-31002, "Pending: Pending")
}

/// The transaction is in the newest block: its result is in the next one.
#[must_use]
pub fn executing() -> RpcError {
    error(-31003, "Executing: Executing")
}

/// What a node refuses for a reason of its service.
#[must_use]
pub fn system(why: &str) -> RpcError {
    error(-31000, format!("SystemError: {why}"))
}

#[must_use]
pub fn pool_overflow() -> RpcError {
    error(-31001, "PoolOverflow: E2001:TransactionPoolOverFlow")
}

/// No result within the caller's time, or within the node's own where that is shorter.
#[must_use]
pub fn wait_expired(time: Duration, system: bool, hash: &Hash) -> RpcError {
    let dur = go_duration(time);
    let (code, message) = match system {
        true => (-31007, format!("SystemTimeout: SystemTimeoutExpire(dur={dur})")),
        false => (-31006, format!("Timeout: UserTimeoutExpire(dur={dur})")),
    };
    RpcError { hold: Some(time), ..error(code, message).with_text(&hex(hash)) }
}

/// A contract failed with a status (see goloop's failure codes).
#[must_use]
pub fn score(status: u16, why: &str) -> RpcError {
    let code = -30_000 - i64::from(status);
    error(code, format!("SCOREError({code}): E{status:04}:{why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expired_wait_tells_whose_time_it_was_and_the_hash() {
        let hash = [0x11; 32];
        let rows = [
            (false, -31006, "Timeout: UserTimeoutExpire(dur=5s)"),
            (true, -31007, "SystemTimeout: SystemTimeoutExpire(dur=5s)"),
        ];
        for (system, code, message) in rows {
            let error = wait_expired(Duration::from_secs(5), system, &hash);
            assert_eq!((error.code, &*error.message), (Some(code), message));
            assert_eq!(error.data, Some(format!("\"0x{}\"", "11".repeat(32))));
        }
    }
}
