//! Every error and rule that is known of Substrate nodes, in their words.

use super::*;
use crate::{family::Family, judge::rows::Rows};

const BLOCK_HASH: &str = "0xfc41b9bd8ef8fe53d58c7ea67c794c7ec9a73daf05e6d54b14ff6342c99ba64c";
const READ: &str = r#"state_getStorage ["0x26aa394e"]"#;
const WRITE: &str = r#"author_submitExtrinsic ["0x84"]"#;

const STATUS: Verdict = Verdict::NodeFault(NodeFault::Status);

/// Judges a coded error to a read or a write; `data` is raw JSON.
#[track_caller]
fn check(call: &str, code: i64, message: &str, data: Option<&str>, expected: Verdict) {
    let message = serde_json::to_string(message).unwrap();
    let data = data.map(|data| format!(r#","data":{data}"#)).unwrap_or_default();
    let error = format!(r#"{{"code":{code},"message":{message}{data}}}"#);
    Rows::of(Family::Substrate).error(call, 200, &error, expected);
}

#[track_caller]
fn reads(rows: &[(i64, &str, Option<&str>, Verdict)]) {
    for (code, message, data, expected) in rows {
        check(READ, *code, message, *data, *expected);
    }
}

#[test]
fn a_discarded_state_is_pruned_in_two_generations_of_nodes() {
    let unknown = "Client error: UnknownBlock: State already discarded for 0xfc41";
    let called = "Client error: Api called for an unknown Block: State already discarded for 0x";
    let quoted = format!("\"{called}\"");
    let old = r#""Client(UnknownBlock(\"State already discarded for Hash(0x1)\"))""#;
    reads(&[
        (4003, unknown, None, PRUNED),
        (4003, called, None, PRUNED),
        (-32603, "Unknown error occurred", Some(old), PRUNED),
        (1, "Unable to query dispatch info.", Some(&quoted), PRUNED),
        (1, "Unable to query fee details.", Some(&quoted), PRUNED),
        (1, "Unable to query nonce.", Some(&quoted), PRUNED),
        // of chains with an EVM
        (-32000, "State already discarded for 0x1", None, PRUNED),
        (-32603, "State already discarded for 0x1", None, PRUNED),
    ]);
}

#[test]
fn an_unknown_block_is_missing_and_not_pruned() {
    let header = "Client error: UnknownBlock: Header was not found in the database: 0x12";
    let called =
        "Client error: Api called for an unknown Block: Header was not found in the database";
    reads(&[
        (4003, header, None, UNKNOWN_BLOCK),
        (4003, called, None, UNKNOWN_BLOCK),
        (1, "Unable to query dispatch info.", Some("\"UnknownBlock: x\""), UNKNOWN_BLOCK),
        (-32000, "header not found", None, UNKNOWN_BLOCK),
    ]);
}

#[test]
fn a_null_is_a_gap_where_the_block_was_named_and_an_answer_where_it_is_a_value() {
    let rows = Rows::of(Family::Substrate);
    for (call, result, expected) in [
        (format!("chain_getHeader [\"{BLOCK_HASH}\"]"), "null", NullGap),
        (format!("chain_getBlock [\"{BLOCK_HASH}\"]"), "null", NullGap),
        ("chain_getBlockHash [7]".to_owned(), "null", NullGap),
        (READ.to_owned(), "null", Answer),
        (
            format!("archive_v1_call [\"{BLOCK_HASH}\",\"Core_version\",\"0x\"]"),
            r#"{"success":false,"error":"Execution failed: trap"}"#,
            Answer,
        ),
    ] {
        rows.result(&call, 200, result, expected);
    }
}

#[test]
fn what_the_client_did_or_wrote_is_its_own() {
    let quoted = Some(r#""invalid value: string \"State already discarded\"""#);
    reads(&[
        (-32602, "Invalid params", quoted, Answer),
        (-32600, "Invalid request", None, Answer),
        (-32700, "Parse error", None, Answer),
        (4003, "Client error: Execution failed: wasm trap: unreachable", None, Answer),
        (4003, "Exported method State already discarded is not found", None, Answer),
        (-32601, "RPC call is unsafe to be called externally", None, Answer),
        (4001, "Cannot resolve a block range ['a' ... 'b]", None, Answer),
        (4002, "count exceeds maximum value. value: 2000, max: 1000", None, Answer),
        (-32007, "Request is too big", Some("\"Exceeded max limit of 1\""), Answer),
        (-32008, "Response is too big", Some("\"Exceeded max limit of 1\""), Answer),
        (-32005, "Batched requests are not supported by this server", None, Answer),
        (-32010, "The batch request was too large", None, Answer),
        (-32011, "The batch response was too large", None, Answer),
        (-32090, "Subscriptions are not available on this transport.", None, Answer),
        (3001, "other", None, Answer),
        (3002, "Client error: other", None, Answer),
        (2002, "bad peer", None, Answer),
        (8000, "Runtime trapped", None, Answer),
        (8010, "other", None, Answer),
        (8011, "Leaf not found", None, Answer),
        (8015, "Invalid best-known block", None, Answer),
        (-32800, "too many follows", None, Answer),
        (-32801, "Invalid block hash", None, Answer),
        (-32802, "withRuntime was false", None, Answer),
        (-32803, "no continue pending", None, Answer),
        (-32804, "duplicate hashes", None, Answer),
        (-32810, "Invalid CID", None, Answer),
    ]);
}

#[test]
fn a_busy_node_an_old_one_and_a_failing_one_are_told_apart() {
    reads(&[
        (-32999, "RPC rate limit exceeded", None, Throttled),
        (-32009, "Server is busy, try again later", None, Throttled),
        (-32006, "Too many subscriptions on the connection", None, Throttled),
        (-32812, "try again later", None, Throttled),
        (-32601, "Method not found", None, NO_METHOD),
        (1, "GRANDPA RPC endpoint not ready", None, SYNCING),
        (1, "BEEFY RPC endpoint not ready", None, SYNCING),
        (4, "GRANDPA prove finality rpc failed: not yet finalized", None, NullGap),
        (-32603, "Internal error", None, INTERNAL),
        (-32811, "try again", None, INTERNAL),
        (2001, "Node is not fully functional: no peers", None, INTERNAL),
    ]);
    let rows = Rows::of(Family::Substrate);
    rows.check(READ, 429, "Too many connections. Please try again later.", Throttled);
    rows.check(READ, 403, "Provided Host header is not whitelisted.", STATUS);
    rows.check(READ, 503, "", STATUS);
}

#[test]
fn errors_without_a_code_are_read_by_their_text_and_the_code_in_it() {
    for (call, message, expected) in [
        (READ, "Method not found: chain_nope", NO_METHOD),
        (READ, "4003: Client error: UnknownBlock: State already discarded for 0x1", PRUNED),
        (
            READ,
            "4003: Client error: UnknownBlock: Header was not found in the database: 0x1",
            UNKNOWN_BLOCK,
        ),
        (READ, "Client error: Execution failed: State already discarded", Answer),
        (READ, "Invalid params: State already discarded", Answer),
        (READ, "count exceeds maximum value. value: 2000, max: 1000", Answer),
        (READ, "Subscription is not supported over HTTP", Answer),
        (READ, "-32602: method not found", Answer),
        (READ, "boom", INTERNAL),
        (WRITE, "1010: {\"invalid\":{\"stale\":null}}", Answer),
        (WRITE, "1013: Transaction Already Imported", AlreadyKnown),
    ] {
        let message = serde_json::to_string(message).unwrap();
        let error = format!(r#"{{"message":{message}}}"#);
        Rows::of(Family::Substrate).error(call, 200, &error, expected);
    }
}

#[test]
fn a_write_is_known_refused_by_one_node_or_the_senders_own_fault() {
    let invalid = "Invalid Transaction";
    let fees = Some("\"Inability to pay some fees (e.g. account balance too low)\"");
    let rows = [
        (1013, "Transaction Already Imported", Some("\"0x2f\""), AlreadyKnown),
        (1012, "Transaction is temporarily banned", None, AlreadyKnown),
        (1014, "Priority is too low: (1 vs 2)", None, Answer),
        (1010, invalid, Some("\"Transaction is outdated\""), NodeRefusedWrite),
        (1010, invalid, Some("\"Transaction has a bad signature\""), NodeRefusedWrite),
        (1010, invalid, Some("\"Transaction has an ancient birth block\""), NodeRefusedWrite),
        (1010, invalid, Some("\"Transaction will be valid in the future\""), NodeRefusedWrite),
        (1010, invalid, fees, Answer),
        (1010, invalid, Some("\"Custom error: 7\""), Answer),
        (1011, "Unknown Transaction Validity", None, NodeRefusedWrite),
        (1016, "Immediately Dropped", None, NodeRefusedWrite),
        (1018, "Unactionable", None, NodeRefusedWrite),
        (1021, "The pool is not accepting future transactions", None, NodeRefusedWrite),
        (1001, "Extrinsic has invalid format: Codec error", None, Answer),
        (1002, "Verification Error: bad", Some("\"x\""), Answer),
        (1015, "Cycle Detected", None, Answer),
        (1019, "No tags provided", None, Answer),
        (1020, "The provided block ID is not valid", None, Answer),
        (1040, "Client error: other", None, Answer),
        (-32999, "RPC rate limit exceeded", None, Throttled),
    ];
    for (code, message, data, expected) in rows {
        check(WRITE, code, message, data, expected);
    }
    check(READ, 1013, "Transaction Already Imported", None, Answer);
}

#[test]
fn a_result_that_tells_of_a_discarded_state_is_pruned() {
    let hash = "0xfc41b9bd8ef8fe53d58c7ea67c794c7ec9a73daf05e6d54b14ff6342c99ba64c";
    let call = format!(r#"archive_v1_call ["{hash}","Core_version","0x"]"#);
    let substrate = Rows::of(Family::Substrate);
    let discarded = format!(
        r#"{{"success":false,"error":"UnknownBlock: State already discarded for {hash}"}}"#
    );
    for (result, expected) in [
        (discarded.as_str(), PRUNED),
        (r#"{"success":false,"error":"Execution failed: wasm trap"}"#, Answer),
        (r#"{"success":true,"value":"0x00"}"#, Answer),
        (r#"{"success":true,"error":"State already discarded"}"#, Answer),
        ("null", NullGap),
    ] {
        substrate.result(&call, 200, result, expected);
    }
}
