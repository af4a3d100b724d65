use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const FAMILY: Family = Family::Ethereum;
const FAMILIES: [Family; 4] = [Family::Ethereum, Family::Substrate, Family::Near, Family::Icon];

fn written(error: &CallError, draw: u64) -> Value {
    written_for(FAMILY, error, draw)
}

fn written_for(family: Family, error: &CallError, draw: u64) -> Value {
    let mut out = Vec::new();
    error.write_object(family, "id-1", error.retry_after(draw), &mut out);
    serde_json::from_slice(&out).unwrap()
}

/// What a client sees of one error; `case` says what brings it.
#[track_caller]
fn check(case: &str, error: CallError, status: u16, code: i64, reason: &str) {
    let object = written(&error, 0);
    assert_eq!(error.http_status(FAMILY), status, "{case}");
    assert_eq!(object["code"], code, "{case}");
    assert_eq!(object["data"]["reason"], reason, "{case}");
    assert_eq!(object["data"]["origin"], "gateway", "{case}");
    assert_eq!(object["data"]["request_id"], "id-1", "{case}");
}

#[test]
fn bad_http_gets_its_status_and_code() {
    check("unknown HTTP method", CallError::HttpMethodUnknown, 501, -32600, "http_method_unknown");
    check("malformed head", CallError::BadHttp, 400, -32600, "bad_http");
    check("TRACE", CallError::HttpMethodNotAllowed, 405, -32600, "http_method_not_allowed");
    check("long target", CallError::TargetTooLong, 414, -32600, "target_too_long");
    check("too many fields", CallError::HeadTooLarge, 431, -32600, "head_too_large");
    check("unknown expectation", CallError::Expectation, 417, -32600, "expectation_failed");
    check("another's host", CallError::Misdirected, 421, -32600, "misdirected");
    check("unknown key", CallError::Unauthenticated, 401, -32600, "unauthenticated");
    check("media", CallError::UnsupportedMediaType, 415, -32600, "unsupported_media_type");
    check("compressed", CallError::UnsupportedEncoding, 415, -32600, "unsupported_encoding");
    let large = CallError::BodyTooLarge { limit: 5, actual: Some(6) };
    check("large body", large, 413, -32600, "body_too_large");
    check("slow body", CallError::BodyTimeout, 408, -32600, "body_timeout");
    check("unknown path", CallError::RouteNotFound, 404, -32600, "route_not_found");
}

#[test]
fn bad_json_gets_its_status_and_code() {
    for (case, invalid, status, code, reason) in [
        ("no JSON", Invalid::Parse, 400, -32700, "parse_error"),
        ("deep", Invalid::TooDeep, 400, -32700, "too_deep"),
        ("many tokens", Invalid::TooComplex, 413, -32600, "too_complex"),
        ("known member twice", Invalid::DuplicateMember, 400, -32600, "duplicate_member"),
        ("member of the params twice", Invalid::DuplicateParam, 200, -32602, "duplicate_param"),
        ("no call", Invalid::NotARequest, 400, -32600, "invalid_request"),
        ("version", Invalid::Version, 400, -32600, "version"),
        ("id", Invalid::BadId, 400, -32600, "bad_id"),
        ("method is no name", Invalid::BadMethod, 400, -32600, "bad_method"),
        ("scalar params", Invalid::ScalarParams, 200, -32602, "scalar_params"),
        ("empty batch", Invalid::EmptyBatch, 400, -32600, "empty_batch"),
        ("large batch", Invalid::BatchTooLarge, 413, -32600, "batch_too_large"),
    ] {
        check(case, CallError::Invalid(invalid), status, code, reason);
    }
}

#[test]
fn bad_calls_get_their_status_and_code() {
    check("unknown or refused", CallError::MethodNotFound, 200, -32601, "method_not_found");
    check("subscription over HTTP", CallError::NeedsWebsocket, 200, -32601, "needs_websocket");
    for (case, params, reason) in [
        ("range", BadParams::InvertedRange, "inverted_range"),
        ("hash and range", BadParams::HashAndRange, "hash_and_range"),
        ("block reference", BadParams::BadBlock, "bad_block"),
        ("transaction", BadParams::BadTransaction, "bad_transaction"),
        ("shape", BadParams::Shape, "bad_params"),
    ] {
        check(case, CallError::BadParams(params), 200, -32602, reason);
    }
    check("range above the head", CallError::RangeBeyondHead, 200, -32602, "range_beyond_head");
    check("old block", CallError::HistoryPruned { earliest: None }, 200, -32001, "history_pruned");
    check("ahead", CallError::BlockNotFound, 200, -32001, "block_not_found");
    check("no node has it", CallError::MethodUnavailable, 200, -32004, "method_unavailable");
}

#[test]
fn failures_of_nodes_and_gateway_get_their_status_and_code() {
    check("size", CallError::ResponseTooLarge { limit: 9 }, 200, -32003, "response_too_large");
    check("deadline", CallError::Deadline, 504, -32002, "deadline_exceeded");
    check("all nodes full", CallError::Overloaded, 503, -32005, "overloaded");
    check("bodies", CallError::BodiesFull, 503, -32005, "bodies_full");
    check("no usable node", CallError::NoNode(None), 503, -32002, "no_healthy_upstream");
    check("head", CallError::HeadUnavailable, 503, -32002, "head_unavailable");
    check("archive away", CallError::ArchiveUnavailable, 503, -32002, "archive_unavailable");
    check("client gone", CallError::ClientGone, 499, -32002, "client_gone");
    check("no reply", CallError::UpstreamInvalid, 502, -32002, "upstream_invalid_response");
    check("draining", CallError::Draining, 503, -32005, "draining");
    check("write in doubt", CallError::WriteInDoubt { hash: None }, 504, -32002, "write_in_doubt");
    check("internal", CallError::Internal, 500, -32603, "internal");
}

#[test]
fn messages_are_canonical_and_ranges_keep_geths_words() {
    for (error, message) in [
        (CallError::Invalid(Invalid::Parse), "Parse error"),
        (CallError::BadHttp, "Invalid request"),
        (CallError::MethodNotFound, "Method not found"),
        (CallError::BadParams(BadParams::BadBlock), "Invalid params"),
        (CallError::BadParams(BadParams::InvertedRange), "invalid block range params"),
        (CallError::RangeBeyondHead, "block range extends beyond current head block"),
        (CallError::Internal, "Internal error"),
        (CallError::BlockNotFound, "Resource not found"),
        (CallError::NoNode(None), "Resource unavailable"),
        (CallError::ResponseTooLarge { limit: 1 }, "response too large"),
        (CallError::MethodUnavailable, "Method not supported"),
        (CallError::Overloaded, "Limit exceeded, try again in 1s"),
    ] {
        assert_eq!(written(&error, 0)["message"], message);
    }
}

#[test]
fn a_limit_names_the_wait_three_times_and_a_missing_node_in_the_header_only() {
    let after = CallError::Overloaded.retry_after(3).unwrap();
    assert_eq!((after.seconds, after.to_string().as_str()), (4, "04"));
    let object = written(&CallError::Overloaded, 3);
    assert_eq!(object["message"], "Limit exceeded, try again in 4s");
    assert_eq!(object["data"]["rate"], json!({"backoff_seconds": 4}));
    let after = CallError::NoNode(None).retry_after(1).unwrap();
    assert_eq!(after.to_string(), "02");
    assert_eq!(written(&CallError::NoNode(None), 1)["data"].get("rate"), None);
    assert_eq!(CallError::Deadline.retry_after(1), None);
    assert_eq!(CallError::MethodNotFound.retry_after(1), None);
}

#[test]
fn facts_stand_in_data_where_they_are_known() {
    let doubt = Hash([0xab; 32]);
    for (error, facts) in [
        (CallError::BodyTooLarge { limit: 5, actual: Some(6) }, json!({"limit": 5, "actual": 6})),
        (CallError::BodyTooLarge { limit: 5, actual: None }, json!({"limit": 5})),
        (CallError::ResponseTooLarge { limit: 9 }, json!({"limit": 9})),
        (CallError::HistoryPruned { earliest: Some(7) }, json!({"earliest": 7})),
        (CallError::HistoryPruned { earliest: None }, json!({})),
        (CallError::WriteInDoubt { hash: Some(doubt) }, json!({"hash": doubt.to_string()})),
        (CallError::WriteInDoubt { hash: None }, json!({})),
    ] {
        let mut data = written(&error, 0)["data"].clone();
        let common = data.as_object_mut().unwrap();
        for member in ["reason", "origin", "request_id", "retryable"] {
            assert!(common.remove(member).is_some(), "{member}");
        }
        assert_eq!(data, facts, "{error:?}");
    }
}

/// Code and message of one error, and its HTTP status.
#[track_caller]
fn check_for(family: Family, error: &CallError, code: i64, message: &str, status: u16) {
    let object = written_for(family, error, 0);
    assert_eq!((object["code"].as_i64(), object["message"].as_str()), (Some(code), Some(message)));
    assert_eq!(error.http_status(family), status, "{error:?}");
    assert_eq!(object["data"]["reason"], error.reason().word());
}

const PRUNED: CallError = CallError::HistoryPruned { earliest: None };

#[test]
fn substrate_nodes_words_stand_for_history_limits_and_missing_connections() {
    let check = |error, code, message, status| {
        check_for(Family::Substrate, error, code, message, status);
    };
    check(&PRUNED, 4003, "Client error: UnknownBlock: State already discarded", 200);
    let unknown = "Client error: UnknownBlock: Header was not found in the database";
    check(&CallError::BlockNotFound, 4003, unknown, 200);
    let limit = "RPC rate limit exceeded, try again in 1s";
    check(&CallError::Overloaded, -32999, limit, 503);
    check(&CallError::NeedsWebsocket, -32603, "Internal error", 200);
    check(&CallError::MethodNotFound, -32601, "Method not found", 200);
    check(&CallError::MethodUnavailable, -32601, "Method not found", 200);
    let large = CallError::ResponseTooLarge { limit: 1 };
    check(&large, -32008, "Response is too big", 200);
    check(&CallError::Invalid(Invalid::Parse), -32700, "Parse error", 400);
}

#[test]
fn icon_errors_in_a_method_are_bad_requests() {
    let check = |error, code, message, status| {
        check_for(Family::Icon, error, code, message, status);
    };
    check(&PRUNED, -31004, "NotFound: PrunedBlock", 400);
    check(&CallError::BlockNotFound, -31004, "NotFound: no node has the block yet", 400);
    check(&CallError::MethodNotFound, -32601, "MethodNotFound", 400);
    check(&CallError::BadParams(BadParams::BadBlock), -32602, "InvalidParams", 400);
    check(&CallError::Deadline, -32002, "Resource unavailable", 504);
    check(&CallError::NoNode(None), -32002, "Resource unavailable", 503);
    check(&CallError::Overloaded, -32005, "Limit exceeded, try again in 1s", 503);
}

#[test]
fn near_errors_tell_by_names_and_have_every_member() {
    let check = |error: &CallError, name: &str, cause: &str, code: i64| {
        let object = written_for(Family::Near, error, 0);
        assert_eq!((&object["name"], &object["cause"]["name"]), (&json!(name), &json!(cause)));
        assert_eq!(object["code"], code, "{error:?}");
        assert!(object["cause"]["info"].is_object(), "{error:?}");
        assert!(object["message"].is_string() && object["data"].is_object(), "{error:?}");
        let expected = match cause {
            "UNKNOWN_BLOCK" => 422,
            "METHOD_NOT_FOUND" => 400,
            "PARSE_ERROR" if error.reason().http_status() == 200 => 400,
            _ => error.reason().http_status(),
        };
        assert_eq!(error.http_status(Family::Near), expected, "as nearcore: {error:?}");
    };
    let (handler, bad) = ("HANDLER_ERROR", "REQUEST_VALIDATION_ERROR");
    let (internal, parse) = ("INTERNAL_ERROR", "PARSE_ERROR");
    check(&PRUNED, handler, "GARBAGE_COLLECTED_BLOCK", -32000);
    check(&CallError::BlockNotFound, handler, "UNKNOWN_BLOCK", -32000);
    check(&CallError::MethodNotFound, bad, "METHOD_NOT_FOUND", -32601);
    check(&CallError::MethodUnavailable, bad, "METHOD_NOT_FOUND", -32601);
    check(&CallError::BadParams(BadParams::BadBlock), bad, parse, -32700);
    check(&CallError::Invalid(Invalid::Parse), bad, parse, -32700);
    check(&CallError::Invalid(Invalid::BatchTooLarge), bad, parse, -32600);
    for error in [
        CallError::NoNode(None),
        CallError::Deadline,
        CallError::Overloaded,
        CallError::ArchiveUnavailable,
        CallError::WriteInDoubt { hash: None },
        CallError::Internal,
    ] {
        check(&error, internal, internal, -32000);
    }
}

#[test]
fn a_write_in_doubt_shows_its_hash_as_the_nodes_do() {
    let hash = Hash([0xab; 32]);
    for family in FAMILIES {
        let object = written_for(family, &CallError::WriteInDoubt { hash: Some(hash) }, 0);
        assert_eq!(object["data"]["hash"], family.hash_text(hash), "{family:?}");
    }
    assert!(!Family::Near.hash_text(hash).starts_with("0x"));
}

#[test]
fn permanent_refusals_never_use_what_client_libraries_repeat() {
    for reason in Reason::ALL.iter().filter(|reason| reason.retry() == Retry::Never) {
        let code = FAMILY.error_code(reason.kind());
        assert!(![-32005, -32603, -1].contains(&code), "{reason:?}");
        assert_ne!(reason.http_status(), 429, "{reason:?}");
    }
}

#[test]
fn reasons_are_distinct_snake_case_words() {
    let mut words: Vec<_> = Reason::ALL.iter().map(|reason| reason.word()).collect();
    assert!(words.iter().all(|word| word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')));
    words.sort_unstable();
    words.dedup();
    assert_eq!(words.len(), Reason::ALL.len());
    assert!(Reason::ALL.iter().enumerate().all(|(place, reason)| *reason as usize == place));
}

proptest! {
    #[test]
    fn no_request_id_breaks_the_json(request_id in "\\PC*") {
        let mut out = Vec::new();
        for family in FAMILIES {
            out.clear();
            CallError::Internal.write_object(family, &request_id, None, &mut out);
            prop_assert!(serde_json::from_slice::<Value>(&out).is_ok());
        }
    }

    #[test]
    fn a_wait_is_within_its_bounds(draw: u64) {
        let after = CallError::Draining.retry_after(draw).unwrap();
        prop_assert!((1..=5).contains(&after.seconds));
    }
}
