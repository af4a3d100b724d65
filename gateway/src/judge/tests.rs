use proptest::prelude::*;
use serde_json::Value;

use super::{Missing::*, Verdict::*, *};

/// Judges a call of `class` whose node answered `status` and this error object.
#[track_caller]
fn check(class: Class, status: u16, error: &str, expected: Verdict) {
    let error: Value = serde_json::from_str(error).unwrap();
    let data = error.get("data").map(Value::to_string);
    let view = ReplyView::Error(NodeError {
        code: error.get("code").and_then(Value::as_i64),
        message: error["message"].as_str().unwrap_or(""),
        data: data.as_deref(),
        ..NodeError::default()
    });
    assert_eq!(
        judge_asked(Family::Ethereum, asked(class, Null::Answer), status, &view),
        expected,
        "{error}"
    );
}

/// A call that names no block.
fn asked(class: Class, null: Null) -> Asked {
    Asked { words_of: Family::Ethereum, class, null, block: BlockNeed::None }
}

#[track_caller]
fn check_reads(rows: &[(i64, &str, Verdict)]) {
    check_all(Class::Read, rows);
}

#[track_caller]
fn check_all(class: Class, rows: &[(i64, &str, Verdict)]) {
    for (code, message, expected) in rows {
        let error = serde_json::json!({ "code": code, "message": message }).to_string();
        check(class, 200, &error, *expected);
        let shouted = message.to_uppercase();
        if !message.starts_with("BlockOutOfRange") {
            let error = serde_json::json!({ "code": code, "message": shouted }).to_string();
            check(class, 200, &error, *expected);
        }
    }
}

const TIMEOUT: Verdict = NodeFault(super::NodeFault::Timeout);
const INTERNAL: Verdict = NodeFault(super::NodeFault::Internal);
const STATUS: Verdict = NodeFault(super::NodeFault::Status);
const UNREADABLE: Verdict = NodeFault(super::NodeFault::Unreadable);

#[test]
fn pruned_data_is_missing_on_five_clients() {
    check_reads(&[
        (
            -32000,
            "missing trie node d7f8974f (path ) state 0xd7f8974f is not available",
            Missing(Pruned),
        ),
        (-32000, "historical state d7f8974f is not available", Missing(Pruned)),
        (-32000, "state 0xd7f8974f is not available", Missing(Pruned)),
        (-32000, "historical state is not available", Missing(Pruned)),
        (-32000, "required historical state unavailable (reexec=128)", Missing(Pruned)),
        (-32603, "state at block #1000 is pruned", Missing(Pruned)),
        (-32603, "no state found for block 0xabc", Missing(Pruned)),
        (-32602, "distance to target block exceeds maximum proof window", Missing(Pruned)),
        (-32002, "No state available for block 1000 (0xabc)", Missing(Pruned)),
        (-32000, "World state unavailable", Missing(Pruned)),
        (-32000, "history has been pruned for this block", Missing(Pruned)),
        (-32000, "old data not available due to pruning", Missing(Pruned)),
        (4444, "pruned history unavailable", Missing(Pruned)),
        (
            4444,
            "pruned history unavailable: requested 1, earliest available 15537393",
            Missing(Pruned),
        ),
        (4444, "Pruned history unavailable", Missing(Pruned)),
        (
            -32000,
            "no historical RPC is available for this historical (pre-bedrock) execution request",
            Missing(Pruned),
        ),
        (-32602, "BlockOutOfRangeError: block height is 40 but requested was 1", Missing(Pruned)),
    ]);
}

#[test]
fn indexes_being_built_are_missing_and_teach_nothing_of_retention() {
    check_reads(&[
        (-32000, "state histories haven't been fully indexed yet", Missing(Indexing)),
        (-32000, "history is not fully indexed", Missing(Indexing)),
        (-32000, "state history hasn't been indexed yet", Missing(Indexing)),
        (-32000, "transaction indexing is in progress", Missing(Indexing)),
        (-32000, "genesis is not traceable", Missing(Indexing)),
        (-32008, "Initial sync is still in progress", Missing(Syncing)),
    ]);
}

#[test]
fn a_block_the_node_does_not_know_is_missing() {
    check_reads(&[
        (-32000, "header not found", Missing(UnknownBlock)),
        (-32000, "header for hash not found", Missing(UnknownBlock)),
        (-32000, "hash is not currently canonical", Missing(UnknownBlock)),
        (-32000, "finalized block not found", Missing(UnknownBlock)),
        (-32000, "safe block not found", Missing(UnknownBlock)),
        (-32000, "pending block is not available", Missing(UnknownBlock)),
        (-32000, "pending state is not available", Missing(UnknownBlock)),
        (-32000, "unknown block", Missing(UnknownBlock)),
        (-32001, "block not found: 0x10", Missing(UnknownBlock)),
        (-32001, "unknown block or tx index", Missing(UnknownBlock)),
        (-32000, "block 0x10 not found", Missing(UnknownBlock)),
        (-32000, "block #16 not found", Missing(UnknownBlock)),
        (-32000, "Block not found", Missing(UnknownBlock)),
        (-39001, "Unknown block", Missing(UnknownBlock)),
        (-32602, "Invalid block param (block not found)", Missing(UnknownBlock)),
        (-32001, "16 could not be found", Missing(UnknownBlock)),
    ]);
}

#[test]
fn a_node_behind_the_caller_says_so_under_three_codes() {
    check_reads(&[
        (-32602, "block range extends beyond current head block", Missing(BehindHead)),
        (-32000, "request beyond head block: requested 9, head 8", Missing(BehindHead)),
        (-32602, "request beyond head block: requested 9, head 8", Missing(BehindHead)),
        (-32602, "specified block greater than current height", Missing(BehindHead)),
        (-32000, "cannot query unfinalized data", Missing(BehindHead)),
        (
            -32602,
            "BlockOutOfRangeError: block height is 40 but requested was 41",
            Missing(BehindHead),
        ),
    ]);
}

#[test]
fn an_unknown_transaction_may_be_a_gap() {
    check_reads(&[(-32000, "transaction not found", NullGap)]);
}

#[test]
fn a_method_that_is_off_is_missing_under_every_code() {
    check_reads(&[
        (-32601, "the method eth_foo does not exist/is not available", Missing(Method)),
        (-32601, "notifications not supported", Missing(Method)),
        (-32604, "Method not enabled", Missing(Method)),
        (-32004, "Method not supported", Missing(Method)),
        (-32600, "Method trace_block is not supported", Missing(Method)),
        (-32600, "Module 'Trace' is disabled", Missing(Method)),
        (-32700, "The method eth_foo does not exist/is not available", Missing(Method)),
    ]);
}

#[test]
fn the_nodes_own_time_and_failures_are_its_faults() {
    check_reads(&[
        (-32002, "request timed out", TIMEOUT),
        (-32000, "execution aborted (timeout = 5s)", TIMEOUT),
        (-32000, "execution timeout", TIMEOUT),
        (-32000, "context deadline exceeded", TIMEOUT),
        (-32603, "Internal error", INTERNAL),
        (-32603, "leveldb: closed", INTERNAL),
        (-32002, "Resource unavailable", INTERNAL),
        (-32600, "Invalid Request", INTERNAL),
        (502, "bad gateway", INTERNAL),
    ]);
    check(Class::Read, 200, r#"{"message":"upstream gone"}"#, INTERNAL);
}

#[test]
fn limits_on_rate_throttle() {
    check_reads(&[
        (429, "Your app has exceeded its compute units per second capacity", Throttled),
        (-32005, "daily request count exceeded, request rate limited", Throttled),
        (-32005, "Limit exceeded", Throttled),
        (-32005, "something new", Throttled),
        (-32029, "Too many requests", Throttled),
        (-32000, "Too Many Requests", Throttled),
        (-32000, "rate limit reached", Throttled),
        (-32000, "exceeded its requests per second capacity", Throttled),
        (-32007, "25/second request limit reached", Throttled),
        (-32009, "Server is busy, try again later", Throttled),
    ]);
}

#[test]
fn limits_on_range_and_size_are_the_callers() {
    check_reads(&[
        (-32602, "exceed maximum block range 10000", Answer),
        (-32602, "invalid block range params", Answer),
        (-32602, "exceed max addresses or topics per search position", Answer),
        (-32000, "exceed max topics", Answer),
        (-32602, "query exceeds max block range 100000", Answer),
        (-32602, "query exceeds max results 20000, retry with the range 1-2", Answer),
        (-32000, "block range is too wide", Answer),
        (-32005, "range is too large, max is 10k", Answer),
        (-32005, "query returned more than 10000 results", Answer),
        (-32000, "query timeout exceeded", Answer),
        (-32603, "eth_getLogs is limited to a 10,000 range", Answer),
        (-32005, "too many results", Answer),
        (-32005, "Requested range exceeds maximum RPC range limit", Answer),
        (-32005, "Number of requests exceeds max batch size", Answer),
        (-32003, "response too large", Answer),
        (-32008, "Response is too big", Answer),
        (-32600, "batch too large", Answer),
        (-32000, "filter not found", Answer),
        (-32602, "filter not found", Answer),
    ]);
}

#[test]
fn the_callers_own_faults_are_answers() {
    check_reads(&[
        (3, "execution reverted: ERC20: transfer amount exceeds balance", Answer),
        (-32000, "execution reverted", Answer),
        (-32015, "VM execution error.", Answer),
        (-32000, "out of gas", Answer),
        (-32000, "gas required exceeds allowance (1000)", Answer),
        (-32000, "invalid opcode: opcode 0xfe not defined", Answer),
        (-32602, "missing value for required argument 0", Answer),
        (-32602, "invalid argument 0: hex string without 0x prefix", Answer),
        (-38010, "nonce too low", Answer),
        (-32000, "invalid input", Answer),
    ]);
}

#[test]
fn a_write_the_node_had_before_is_a_success() {
    check_all(
        Class::Write,
        &[
            (-32000, "already known", AlreadyKnown),
            (-32000, "Known transaction", AlreadyKnown),
            (-32000, "known transaction: 0xabc", AlreadyKnown),
            (-32010, "AlreadyKnown", AlreadyKnown),
            (-32003, "transaction already imported", AlreadyKnown),
            (-32010, "Transaction with the same hash was already imported.", AlreadyKnown),
            (-32000, "already in the mempool", AlreadyKnown),
            (-32000, "transaction already exists", AlreadyKnown),
        ],
    );
}

#[test]
fn a_spent_nonce_is_not_decided_here() {
    check_all(
        Class::Write,
        &[
            (-32000, "nonce too low: next nonce 12, tx nonce 11", NonceTooLow),
            (-32001, "Nonce too low", NonceTooLow),
            (-32003, "nonce too low", NonceTooLow),
            (-32010, "Transaction nonce is too low. Try incrementing the nonce.", NonceTooLow),
            (-32010, "OldNonce", NonceTooLow),
        ],
    );
}

#[test]
fn a_write_refused_for_the_nodes_own_reasons_goes_elsewhere() {
    check_all(
        Class::Write,
        &[
            (-32000, "txpool is full", NodeRefusedWrite),
            (-32000, "account limit exceeded", NodeRefusedWrite),
            (-32000, "address already reserved", NodeRefusedWrite),
            (
                -32000,
                "in-flight transaction limit reached for delegated accounts",
                NodeRefusedWrite,
            ),
            (
                -32000,
                "tx fee (1.20 ether) exceeds the configured cap (1.00 ether)",
                NodeRefusedWrite,
            ),
            (-32000, "transaction type not supported", NodeRefusedWrite),
            (-32000, "tx of type 3 not supported", NodeRefusedWrite),
            (-32000, "Unknown transaction type", NodeRefusedWrite),
            (
                -32000,
                "transaction discarded outright due to pool size constraints",
                NodeRefusedWrite,
            ),
            (-32005, "rate limit", Throttled),
            (-32603, "Internal error", INTERNAL),
            (-32002, "request timed out", TIMEOUT),
            (-32008, "Initial sync is still in progress", Missing(Syncing)),
        ],
    );
}

#[test]
fn a_write_that_is_the_senders_fault_is_an_answer() {
    check_all(
        Class::Write,
        &[
            (-32000, "nonce too high", Answer),
            (-32000, "replacement transaction underpriced", Answer),
            (-32000, "transaction underpriced", Answer),
            (-32000, "transaction gas price below minimum", Answer),
            (-32000, "insufficient funds for gas * price + value: balance 0", Answer),
            (-32003, "insufficient funds for gas * price + value", Answer),
            (-32603, "insufficient funds for gas * price + value", Answer),
            (-32000, "intrinsic gas too low: have 1, want 21000", Answer),
            (-32000, "exceeds block gas limit", Answer),
            (-32005, "Transaction gas limit exceeds block gas limit", Answer),
            (-32000, "rlp: value size exceeds available input length", Answer),
            (-32000, "typed transaction too short", Answer),
            (-32602, "failed to decode signed transaction", Answer),
            (-32000, "invalid sender", Answer),
            (-32000, "invalid chain id for signer: have 1 want 2", Answer),
            (-32000, "only replay-protected (EIP-155) transactions allowed over RPC", Answer),
            // EIP-7966: timeout, queued, nonce gap.
            (4, "The transaction was added to the mempool but wasn't processed in 2s.", Answer),
            (5, "queued", Answer),
            (6, "nonce gap", Answer),
        ],
    );
}

#[test]
fn texts_of_writes_mean_nothing_for_reads() {
    check_reads(&[(-32000, "already known", Answer), (-32000, "nonce too low", Answer)]);
}

#[test]
fn no_text_of_a_clients_choice_makes_a_fault() {
    let poisons = [
        "missing trie node",
        "rate limit",
        "request timed out",
        "header not found",
        "Too Many Requests",
        "initial sync is still in progress",
    ];
    for poison in poisons {
        let carriers = [
            (3, poison.to_owned()),
            (3, format!("execution reverted: {poison}")),
            (-32000, format!("execution reverted: {poison}")),
            (-32000, format!("VM Exception while processing transaction: revert {poison}")),
            (
                -32603,
                format!(
                    "Error: VM Exception while processing transaction: reverted with reason string '{poison}'"
                ),
            ),
            (-32000, format!("{poison}    in server-side tracer function 'step'")),
            (-32000, format!("{poison} at <eval>:1:20(3)")),
            (-32602, format!("invalid argument 0: unknown variant `{poison}`")),
            (-32602, format!("Invalid params: invalid type: string \"{poison}\"")),
        ];
        for (code, message) in carriers {
            check_reads(&[(code, &message, Answer)]);
        }
    }
    check_reads(&[(-32601, "the method rate-limit does not exist", Missing(Method))]);
}

#[test]
fn data_is_read_where_the_message_says_nothing() {
    let error = r#"{"code":-32603,"message":"Internal error","data":"MissingTrieNodeException: missing trie node"}"#;
    check(Class::Read, 200, error, Missing(Pruned));
    let error = r#"{"code":-32602,"message":"Invalid params","data":"missing trie node"}"#;
    check(Class::Read, 200, error, Answer);
    let error = r#"{"code":-32603,"message":"Internal error","data":{"text":"missing trie node"}}"#;
    check(Class::Read, 200, error, INTERNAL);
    let error = r#"{"code":-32603,"message":"Internal error","data":"VM Exception: rate limit"}"#;
    check(Class::Read, 200, error, Answer);
}

#[test]
fn errors_without_a_code_are_read_by_their_text() {
    check(Class::Read, 200, r#"{"message":"header not found"}"#, Missing(UnknownBlock));
    check(Class::Read, 200, r#"{"message":"VM Exception: revert"}"#, Answer);
}

#[test]
fn a_known_text_stands_under_any_status_and_a_mere_code_does_not() {
    let reverted = r#"{"code":3,"message":"execution reverted"}"#;
    let unknown = r#"{"code":-32000,"message":"something"}"#;
    for (status, error, expected) in [
        (500, reverted, Answer),
        (503, unknown, STATUS),
        (429, unknown, Throttled),
        (403, unknown, STATUS),
        (504, unknown, TIMEOUT),
        (400, unknown, Answer),
        (500, r#"{"code":-32000,"message":"header not found"}"#, Missing(UnknownBlock)),
        (403, r#"{"code":-32600,"message":"monthly rate limit reached"}"#, Throttled),
    ] {
        check(Class::Read, status, error, expected);
    }
}

#[test]
fn results_and_unreadable_replies_are_judged_by_row_and_status() {
    let null = ReplyView::Result { is_null: true, raw: "null" };
    let some = ReplyView::Result { is_null: false, raw: "\"0x1\"" };
    for (null_means, status, reply, expected) in [
        (Null::Answer, 200, null, Answer),
        (Null::Gap, 200, null, NullGap),
        (Null::Gap, 200, some, Answer),
        (Null::Answer, 500, some, STATUS),
        (Null::Gap, 200, ReplyView::Unreadable, UNREADABLE),
        (Null::Gap, 429, ReplyView::Unreadable, Throttled),
        (Null::Gap, 502, ReplyView::Unreadable, STATUS),
        (Null::Gap, 408, ReplyView::Unreadable, TIMEOUT),
    ] {
        let asked = asked(Class::Read, null_means);
        let verdict = judge_asked(Family::Ethereum, asked, status, &reply);
        assert_eq!(verdict, expected, "{status} {reply:?}");
    }
    let numbered = Asked { block: BlockNeed::Number(7), ..asked(Class::Read, Null::Answer) };
    assert_eq!(judge_asked(Family::Ethereum, numbered, 200, &null), NullGap, "the block exists");
}

proptest! {
    #[test]
    fn a_revert_is_an_answer_whatever_it_says(message in ".*", data in ".*", status in 100u16..600) {
        let plain = NodeError::default();
        let error = NodeError { code: Some(3), message: &message, data: Some(&data), ..plain };
        let asked = asked(Class::Read, Null::Gap);
        let verdict = judge_asked(Family::Ethereum, asked, status, &ReplyView::Error(error));
        prop_assert_eq!(verdict, Answer);
    }

    #[test]
    fn no_error_text_panics(
        code in proptest::option::of(any::<i64>()),
        message in "\\PC{0,600}",
        data in proptest::option::of("\"?\\PC{0,600}"),
        status in any::<u16>(),
        cause in proptest::option::of("[A-Z_]{0,30}"),
    ) {
        let (data, cause) = (data.as_deref(), cause.as_deref());
        let error = NodeError { code, message: &message, data, name: cause, cause };
        let asked = asked(Class::Write, Null::Answer);
        for family in [Family::Ethereum, Family::Substrate, Family::Near, Family::Icon] {
            judge_asked(family, asked, status, &ReplyView::Error(error));
        }
    }
}
