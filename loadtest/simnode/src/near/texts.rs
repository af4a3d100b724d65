//! Errors in the words of nearcore, by generation. Source: chain/jsonrpc and
//! chain/jsonrpc-primitives of nearcore, and its issues 12402, 12611 and 15950.
//!
//! Programs read `name` and `cause.name`; `code` and `data` are what older ones read.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::family::Client;
use crate::hash::Hash;
use crate::rpc::RpcError;

/// Base58 of bytes, as hashes are written.
#[must_use]
pub fn base58(bytes: &[u8]) -> String {
    bs58::encode(bytes).into_string()
}

/// The bytes of a base58 text.
#[must_use]
pub fn unbase58(text: &str) -> Option<Vec<u8>> {
    bs58::decode(text).into_vec().ok()
}

/// Base64 of bytes, as arguments and transactions are written.
#[must_use]
pub fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// The bytes of a base64 text.
#[must_use]
pub fn unbase64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// `status.version.version`.
#[must_use]
pub fn version(client: Client) -> &'static str {
    match client {
        Client::Nearcore24 => "2.4.0",
        Client::Nearcore27 => "2.7.1",
        _ => "2.14.0",
    }
}

/// Protocol version that goes with it.
#[must_use]
pub fn protocol(client: Client) -> u32 {
    match client {
        Client::Nearcore24 => 73,
        Client::Nearcore27 => 79,
        _ => 83,
    }
}

/// The HTTP status that nearcore takes from the names of an error and of its cause.
fn status(name: &str, cause: &Value) -> u16 {
    match (name, cause["name"].as_str()) {
        ("REQUEST_VALIDATION_ERROR", _) => 400,
        (_, Some("TIMEOUT_ERROR")) => 408,
        (_, Some("UNKNOWN_BLOCK")) => UNKNOWN_BLOCK,
        ("INTERNAL_ERROR", _) => 500,
        _ => 200,
    }
}

/// The status of unknown blocks since pull request 12402.
const UNKNOWN_BLOCK: u16 = 422;

/// An error as a generation serves it.
#[must_use]
pub fn served_by(client: Client, error: RpcError) -> RpcError {
    let older = client == Client::Nearcore24 && error.status == UNKNOWN_BLOCK;
    if older { error.with_status(200) } else { error }
}

/// An error that a fault asks for. A message in capitals is the name of a cause, which
/// gets its usual name, status and text; any other is a provider's own error.
#[must_use]
pub fn injected(client: Client, code: i64, message: &str) -> RpcError {
    let plain = |byte: u8| byte.is_ascii_uppercase() || byte == b'_';
    if message.is_empty() || !message.bytes().all(plain) {
        return RpcError::new(code, message.to_owned());
    }
    let (info, text) = match message {
        "INTERNAL_ERROR" => {
            return internal("The node reached its limits. Try again later. More details: full");
        }
        "TIMEOUT_ERROR" => return timeout(client, false),
        "NO_SYNCED_BLOCKS" => (json!({}), "There are no fully synchronized blocks on the node yet"),
        "NOT_SYNCED_YET" => (json!({}), "There are no fully synchronized blocks yet"),
        "UNAVAILABLE_SHARD" => {
            (json!({"requested_shard_id": 0}), "The node does not track the shard ID 0")
        }
        "DOES_NOT_TRACK_SHARD" => (
            json!({}),
            "Node doesn't track this shard. Cannot determine whether the transaction is valid",
        ),
        "SHARD_NOT_APPLIED" => (json!({}), "Shard result is not applied yet"),
        other => (json!({}), other),
    };
    served_by(client, handler(message, info, text))
}

/// An error of a handler, as most are.
#[must_use]
pub fn handler(cause: &str, info: Value, data: impl Into<Value>) -> RpcError {
    named("HANDLER_ERROR", -32000, "Server error", &json!({"info": info, "name": cause}), data)
}

fn named(
    name: &str,
    code: i64,
    message: &'static str,
    cause: &Value,
    data: impl Into<Value>,
) -> RpcError {
    RpcError {
        data: Some(data.into().to_string()),
        status: status(name, cause),
        more: Some(format!("\"name\":\"{name}\",\"cause\":{cause}")),
        ..RpcError::new(code, message)
    }
}

#[must_use]
pub fn unknown_method(method: &str) -> RpcError {
    let cause = json!({"info": {"method_name": method}, "name": "METHOD_NOT_FOUND"});
    named("REQUEST_VALIDATION_ERROR", -32601, "Method not found", &cause, method)
}

/// Parameters that cannot be read; `why` is serde's word for it.
#[must_use]
pub fn bad_params(why: &str) -> RpcError {
    let text = format!("Failed parsing args: {why}");
    let cause = json!({"info": {"error_message": text}, "name": "PARSE_ERROR"});
    named("REQUEST_VALIDATION_ERROR", -32700, "Parse error", &cause, text)
}

/// What is no call at all.
#[must_use]
pub fn no_request() -> RpcError {
    let text = "JSON RPC Request format was expected";
    let cause = json!({"info": {"error_message": text}, "name": "PARSE_ERROR"});
    named("REQUEST_VALIDATION_ERROR", -32700, "Parse error", &cause, text)
}

#[must_use]
pub fn internal(why: &str) -> RpcError {
    let cause = json!({"info": {"error_message": why}, "name": "INTERNAL_ERROR"});
    named("INTERNAL_ERROR", -32000, "Server error", &cause, why)
}

/// A height that is above the head, was skipped, or is collected: one text for all.
#[must_use]
pub fn unknown_height(height: u64) -> RpcError {
    let data = format!("DB Not Found Error: BLOCK HEIGHT: {height} \n Cause: Unknown");
    handler("UNKNOWN_BLOCK", json!({}), data)
}

#[must_use]
pub fn unknown_hash(hash: &Hash) -> RpcError {
    let data = format!("DB Not Found Error: BLOCK HEADER: {}", base58(hash));
    handler("UNKNOWN_BLOCK", json!({}), data)
}

/// The same, as `query` says it: `id` is what the caller wrote, `shown` its Rust form.
#[must_use]
pub fn unknown_reference(id: &Value, shown: &str) -> RpcError {
    let data = format!(
        "Block either has never been observed on the node or has been garbage collected: \
         BlockId({shown})"
    );
    handler("UNKNOWN_BLOCK", json!({"block_reference": {"block_id": id}}), data)
}

fn collected_text(height: u64) -> String {
    format!(
        "The data for block #{height} is garbage collected on this node, \
         use an archival node to fetch historical data"
    )
}

/// State of a collected block, asked through `query`.
#[must_use]
pub fn collected(height: u64, hash: &Hash) -> RpcError {
    let info = json!({"block_height": height, "block_hash": base58(hash)});
    handler("GARBAGE_COLLECTED_BLOCK", info, collected_text(height))
}

/// State of a collected block, asked through a single method: a sentence in an
/// internal error, with HTTP 500.
#[must_use]
pub fn collected_inside(height: u64) -> RpcError {
    internal(&collected_text(height))
}

#[must_use]
pub fn unknown_chunk(hash: &str) -> RpcError {
    let data =
        format!("Chunk Missing (unavailable on the node): ChunkHash(`{hash}`) \n Cause: Unknown");
    handler("UNKNOWN_CHUNK", json!({"chunk_hash": hash}), data)
}

#[must_use]
pub fn bad_shard(shard: u64) -> RpcError {
    let data = format!("Shard id {shard} does not exist");
    handler("INVALID_SHARD_ID", json!({"shard_id": shard}), data)
}

#[must_use]
pub fn unknown_tx(hash: &Hash) -> RpcError {
    let hash = base58(hash);
    let data = format!("Transaction {hash} doesn't exist");
    handler("UNKNOWN_TRANSACTION", json!({"requested_transaction_hash": hash}), data)
}

/// The wait for a transaction ran out. `pending` is whether the node knows it.
#[must_use]
pub fn timeout(client: Client, pending: bool) -> RpcError {
    let mut cause = json!({"name": "TIMEOUT_ERROR"});
    if client == Client::Nearcore214 {
        // Since pull request 15950; the spelling of the members is ours.
        cause["info"] = json!({"status": if pending { "PENDING" } else { "NOT_OBSERVED" }});
    }
    named("HANDLER_ERROR", -32000, "Server error", &cause, "Timeout")
}

/// A transaction that is refused; `why` is an `InvalidTxError`.
#[must_use]
pub fn invalid_tx(why: &Value) -> RpcError {
    let data = json!({"TxExecutionError": {"InvalidTxError": why}});
    handler("INVALID_TRANSACTION", json!({}), data)
}

#[must_use]
pub fn unknown_receipt(id: &str) -> RpcError {
    let data = format!("The receipt id {id} has never been observed on the node");
    handler("UNKNOWN_RECEIPT", json!({"receipt_id": id}), data)
}

#[must_use]
pub fn unknown_epoch() -> RpcError {
    handler("UNKNOWN_EPOCH", json!({}), "Unknown Epoch")
}

#[must_use]
pub fn no_validators() -> RpcError {
    handler("VALIDATOR_INFO_UNAVAILABLE", json!({}), "Validator info unavailable")
}

/// No new block for a time: what `health` says of a node that stands still.
#[must_use]
pub fn no_new_blocks(elapsed: std::time::Duration) -> RpcError {
    let info = json!({"elapsed": {"secs": elapsed.as_secs(), "nanos": elapsed.subsec_nanos()}});
    handler("NO_NEW_BLOCKS", info, format!("No blocks for {elapsed:?}."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(message: &str, cause: &str, http: u16, data: &str) {
        let error = injected(Client::Nearcore214, -32000, message);
        let more: Value =
            serde_json::from_str(&format!("{{{}}}", error.more.as_ref().unwrap())).unwrap();
        assert_eq!(more["cause"]["name"], cause);
        assert_eq!(error.status, http, "{message}");
        assert!(error.data.unwrap().contains(data), "{message}");
    }

    #[test]
    fn an_injected_cause_comes_with_its_status_and_text() {
        check("UNAVAILABLE_SHARD", "UNAVAILABLE_SHARD", 200, "does not track the shard ID");
        check("NOT_SYNCED_YET", "NOT_SYNCED_YET", 200, "fully synchronized");
        check("INTERNAL_ERROR", "INTERNAL_ERROR", 500, "reached its limits");
        check("TIMEOUT_ERROR", "TIMEOUT_ERROR", 408, "Timeout");
        check("DEPTH_EXCEEDED", "DEPTH_EXCEEDED", 200, "DEPTH_EXCEEDED");
        assert_eq!(injected(Client::Nearcore214, -32005, "too many").more, None);
    }

    #[test]
    fn unknown_blocks_have_a_status_since_a_generation() {
        let status = |client, error| served_by(client, error).status;
        assert_eq!(status(Client::Nearcore24, unknown_height(5)), 200);
        assert_eq!(status(Client::Nearcore27, unknown_height(5)), 422);
        assert_eq!(status(Client::Nearcore24, unknown_method("x")), 400);
    }
}
