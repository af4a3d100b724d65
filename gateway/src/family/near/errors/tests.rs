//! Every error and rule that is known of NEAR nodes, in their words.

use super::*;
use crate::{family::Family, judge::rows::Rows};

const BLOCK_7: &str = r#"block {"block_id":7}"#;
const BY_HASH: &str = r#"block {"block_id":"EfL8Rc1EH13UxgbJB4skt8xSF8vojNQPcAX1opf6RFab"}"#;
const FINAL: &str = r#"block {"finality":"final"}"#;
const QUERY: &str = r#"query {"request_type":"view_account","block_id":7,"account_id":"a.near"}"#;
const VIEW: &str = r#"EXPERIMENTAL_view_account {"block_id":7,"account_id":"a.near"}"#;
const CHUNK: &str = r#"chunk {"block_id":7,"shard_id":0}"#;
const CHANGES: &str = r#"changes {"block_id":7,"changes_type":"data_changes"}"#;
const TX: &str = r#"tx {"tx_hash":"7AfonAhbK4ZbdBU9VPcQdrTZVZBXE25HmZAMEABs9To1","sender_account_id":"a.near","wait_until":"FINAL"}"#;
const RECEIPT: &str =
    r#"EXPERIMENTAL_receipt {"receipt_id":"7AfonAhbK4ZbdBU9VPcQdrTZVZBXE25HmZAMEABs9To1"}"#;
const TO_TX: &str =
    r#"EXPERIMENTAL_receipt_to_tx {"receipt_id":"7AfonAhbK4ZbdBU9VPcQdrTZVZBXE25HmZAMEABs9To1"}"#;
const VALIDATORS: &str =
    r#"validators {"epoch_id":"7AfonAhbK4ZbdBU9VPcQdrTZVZBXE25HmZAMEABs9To1"}"#;
const LIGHT: &str = r#"light_client_proof {"type":"receipt","receipt_id":"x","receiver_id":"a.near","light_client_head":"7AfonAhbK4ZbdBU9VPcQdrTZVZBXE25HmZAMEABs9To1"}"#;

const TIMEOUT: Verdict = Verdict::NodeFault(NodeFault::Timeout);
const STATUS: Verdict = Verdict::NodeFault(NodeFault::Status);

/// A call of that method with a signed transaction.
fn write(method: &str) -> String {
    let known = crate::family::near::transaction::tests::KNOWN;
    format!(r#"{method} {{"signed_tx_base64":"{known}"}}"#)
}

/// An error of a handler; `data` is raw JSON.
fn handler(cause: &str, data: &str) -> String {
    format!(
        r#"{{"name":"HANDLER_ERROR","cause":{{"info":{{"name":"PARSE_ERROR"}},"name":"{cause}"}},"code":-32000,"message":"Server error","data":{data}}}"#
    )
}

fn internal(text: &str) -> String {
    format!(
        r#"{{"name":"INTERNAL_ERROR","cause":{{"info":{{"error_message":"{text}"}},"name":"INTERNAL_ERROR"}},"code":-32000,"message":"Server error","data":"{text}"}}"#
    )
}

fn refused(cause: &str, code: i64, message: &str, data: &str) -> String {
    format!(
        r#"{{"name":"REQUEST_VALIDATION_ERROR","cause":{{"info":{{"error_message":"{data}"}},"name":"{cause}"}},"code":{code},"message":"{message}","data":"{data}"}}"#
    )
}

/// Rows of a call, the HTTP status and the cause.
#[track_caller]
fn check(rows: &[(&str, u16, &str, Verdict)]) {
    let near = Rows::of(Family::Near);
    for (call, status, cause, expected) in rows {
        near.error(call, *status, &handler(cause, "\"text\""), *expected);
    }
}

#[test]
fn a_skipped_height_is_no_fault_and_never_pruned_and_the_tip_is_never_skipped() {
    check(&[
        (BLOCK_7, 422, "UNKNOWN_BLOCK", DeepGap),
        (BLOCK_7, 200, "UNKNOWN_BLOCK", DeepGap),
        (QUERY, 422, "UNKNOWN_BLOCK", DeepGap),
        (BY_HASH, 422, "UNKNOWN_BLOCK", DeepGap),
        (FINAL, 422, "UNKNOWN_BLOCK", UNKNOWN_BLOCK),
    ]);
    let near = Rows::of(Family::Near);
    for data in [
        r#""DB Not Found Error: BLOCK HEIGHT: 134697928 \n Cause: Unknown""#,
        r#""DB Not Found Error: BLOCK HEADER: 3Xz2wM9rigMXzA2c5vgCP8wTgFBaePucgUmVYPkMqhRL""#,
        r#""Block either has never been observed on the node or has been garbage collected: BlockId(Height(7))""#,
    ] {
        near.error(BLOCK_7, 422, &handler("UNKNOWN_BLOCK", data), DeepGap);
    }
}

#[test]
fn what_the_node_collected_is_pruned_by_name_and_inside_an_internal_error() {
    let text = "The data for block #100000000 is garbage collected on this node, use an archival node to fetch historical data";
    let near = Rows::of(Family::Near);
    near.error(QUERY, 200, &handler("GARBAGE_COLLECTED_BLOCK", &format!("\"{text}\"")), PRUNED);
    near.error(VIEW, 500, &internal(text), PRUNED);
    let limits = "The node reached its limits. Try again later. More details: ";
    near.error(VIEW, 500, &internal(&format!("{limits}{text}")), PRUNED);
    let either = "Block either has never been observed on the node or has been garbage collected";
    near.error(VIEW, 500, &internal(either), DeepGap);
}

#[test]
fn what_is_unknown_by_its_id_may_be_there_in_an_archive() {
    check(&[
        (CHUNK, 200, "UNKNOWN_CHUNK", DeepGap),
        (VALIDATORS, 200, "UNKNOWN_EPOCH", DeepGap),
        (RECEIPT, 200, "UNKNOWN_RECEIPT", DeepGap),
        (TO_TX, 200, "OUTCOMES_NOT_STORED", DeepGap),
        (TX, 200, "UNKNOWN_TRANSACTION", DeepGap),
        (LIGHT, 200, "UNKNOWN_TRANSACTION_OR_RECEIPT", DeepGap),
        (LIGHT, 200, "EPOCH_OUT_OF_BOUNDS", DeepGap),
        (TO_TX, 200, "UNSUPPORTED", INDEXING),
    ]);
}

#[test]
fn a_wait_that_ran_out_is_the_methods_answer() {
    let (send, commit) = (write("send_tx"), write("broadcast_tx_commit"));
    check(&[
        (TX, 408, "TIMEOUT_ERROR", Answer),
        (&send, 408, "TIMEOUT_ERROR", Answer),
        (&commit, 408, "TIMEOUT_ERROR", Answer),
    ]);
    let near = Rows::of(Family::Near);
    let bare = r#"{"name":"HANDLER_ERROR","cause":{"name":"TIMEOUT_ERROR"},"code":-32000,"message":"Server error","data":"Timeout"}"#;
    near.error(TX, 408, bare, Answer);
    near.check(TX, 408, "", TIMEOUT);
}

#[test]
fn a_node_that_is_behind_or_follows_other_shards_lacks_what_others_have() {
    check(&[
        (QUERY, 200, "UNAVAILABLE_SHARD", SHARD),
        (LIGHT, 200, "UNAVAILABLE_SHARD", SHARD),
        (TX, 200, "DOES_NOT_TRACK_SHARD", SHARD),
        (QUERY, 200, "NO_SYNCED_BLOCKS", SYNCING),
        (BLOCK_7, 200, "NOT_SYNCED_YET", SYNCING),
        (CHANGES, 200, "NOT_SYNCED_YET", SYNCING),
        ("health", 200, "NODE_IS_SYNCING", SYNCING),
        ("health", 200, "NO_NEW_BLOCKS", SYNCING),
        ("health", 200, "EPOCH_OUT_OF_BOUNDS", DeepGap),
        (CHANGES, 200, "SHARD_NOT_APPLIED", BEHIND_HEAD),
    ]);
}

#[test]
fn the_callers_own_faults_and_true_answers_are_answers() {
    check(&[
        (QUERY, 200, "UNKNOWN_ACCOUNT", Answer),
        (QUERY, 200, "INVALID_ACCOUNT", Answer),
        (QUERY, 200, "UNKNOWN_ACCESS_KEY", Answer),
        (QUERY, 200, "UNKNOWN_GAS_KEY", Answer),
        (QUERY, 200, "NO_CONTRACT_CODE", Answer),
        (QUERY, 200, "NO_GLOBAL_CONTRACT_CODE", Answer),
        (QUERY, 200, "TOO_LARGE_CONTRACT_STATE", Answer),
        (QUERY, 200, "CONTRACT_EXECUTION_ERROR", Answer),
        (CHUNK, 200, "INVALID_SHARD_ID", Answer),
        (VALIDATORS, 200, "VALIDATOR_INFO_UNAVAILABLE", Answer),
        (LIGHT, 200, "NOT_CONFIRMED", Answer),
        (TO_TX, 200, "DEPTH_EXCEEDED", Answer),
        (TO_TX, 200, "WINDOW_TOO_LARGE", Answer),
        (TO_TX, 200, "MALFORMED_HINT", Answer),
        (TO_TX, 200, "BUDGET_EXCEEDED", Answer),
        (TX, 200, "REQUEST_ROUTED", Answer),
        (QUERY, 200, "A_NAME_TO_COME", Answer),
    ]);
    let near = Rows::of(Family::Near);
    let text = "Failed parsing args: invalid type: map, expected a tuple of size 1";
    let parse = refused("PARSE_ERROR", -32700, "Parse error", text);
    near.error(r#"gas_price {"block_id":157347609}"#, 400, &parse, Answer);
    let other = refused("A_NAME_TO_COME", -32700, "Parse error", text);
    near.error(BLOCK_7, 400, &other, Answer);
    let error = r#"{"error":"access key ed25519:8fW does not exist while viewing","logs":[],"block_height":17795474,"block_hash":"9Mjp"}"#;
    near.result(QUERY, 200, error, Answer);
    near.result(BLOCK_7, 200, r#"{"author":"a.near"}"#, Answer);
}

#[test]
fn a_failing_or_busy_node_and_one_without_the_method_are_told_apart() {
    let near = Rows::of(Family::Near);
    let limits = "The node reached its limits. Try again later. More details: x";
    near.error(QUERY, 500, &internal(limits), INTERNAL);
    let new = r#"{"name":"INTERNAL_ERROR","cause":{"info":{},"name":"NEW"},"code":-32000}"#;
    near.error(QUERY, 500, new, INTERNAL);
    near.error(LIGHT, 200, &handler("INCONSISTENT_STATE", "\"x\""), INTERNAL);
    let unknown = refused("METHOD_NOT_FOUND", -32601, "Method not found", "changes");
    for status in [400, 200] {
        near.error(CHANGES, status, &unknown, NO_METHOD);
    }
    near.error(CHANGES, 200, r#"{"code":-32601,"message":"Method not found"}"#, NO_METHOD);
    for (status, body, expected) in [
        (429, "too many requests", Throttled),
        (429, "{}", Throttled),
        (502, "<html>", STATUS),
        (503, "", STATUS),
        (500, "", STATUS),
        (504, "", TIMEOUT),
        (200, "<html>", Verdict::NodeFault(NodeFault::Unreadable)),
    ] {
        near.check(QUERY, status, body, expected);
    }
    for code in [429, -429, -32005, -32029] {
        let error = format!(r#"{{"code":{code},"message":"rate limit"}}"#);
        near.error(QUERY, 200, &error, Throttled);
    }
    let nameless = r#"{"code":-32000,"message":"Server error"}"#;
    near.error(QUERY, 200, nameless, Answer);
    near.error(QUERY, 503, nameless, STATUS);
    near.error(QUERY, 200, r#"{"message":"upstream gone"}"#, INTERNAL);
}

#[test]
fn a_write_is_spent_routed_untaken_or_the_senders_own_fault() {
    let near = Rows::of(Family::Near);
    let invalid = |why: &str| {
        let data = format!(r#"{{"TxExecutionError":{{"InvalidTxError":{why}}}}}"#);
        handler("INVALID_TRANSACTION", &data)
    };
    for method in ["send_tx", "broadcast_tx_commit", "broadcast_tx_async"] {
        let call = write(method);
        let nonce = invalid(r#"{"InvalidNonce":{"ak_nonce":9,"tx_nonce":9}}"#);
        near.error(&call, 200, &nonce, NonceTooLow);
        for why in [
            "\"Expired\"",
            "\"InvalidSignature\"",
            r#"{"NotEnoughBalance":{"signer_id":"invalidnonce.near"}}"#,
            r#"{"InvalidSignerId":{"signer_id":"InvalidNonce"}}"#,
        ] {
            near.error(&call, 200, &invalid(why), Answer);
        }
        near.error(&call, 200, &handler("INVALID_TRANSACTION", "\"InvalidNonce\""), Answer);
        near.error(&call, 200, &handler("DOES_NOT_TRACK_SHARD", "\"x\""), SHARD);
        near.error(&call, 200, &handler("REQUEST_ROUTED", "\"x\""), AlreadyKnown);
        near.error(&call, 500, &internal("x"), INTERNAL);
        near.check(&call, 429, "slow down", Throttled);
    }
    near.error(TX, 200, &invalid(r#"{"InvalidNonce":{}}"#), Answer);
}
