//! The NEAR family: its questions, how their results are read, and the codes of our own
//! errors. Facts: nearcore (chain/jsonrpc) and its OpenAPI types.
//!
//! Heights are skipped by the chain: a height between two headers may have no block.

pub mod block;
pub mod errors;
pub mod transaction;

use std::borrow::Cow;

use serde::Deserialize;

use super::{Ask, BlockForm, Header, Identity, Profile, Question};
use crate::{
    error::Kind,
    names::{Block, Hash},
    rpc::{
        reply::Reply,
        walk::{find, find_range},
    },
};

pub static PROFILE: Profile = Profile {
    identities: "a chain_id (\"mainnet\") or a genesis hash (base58)",
    marks: &[Ask::Safe, Ask::Finalized],
    ..Profile::USUAL
};

/// How NEAR nodes are asked. There is none for a state: no account is on every chain.
pub fn question(ask: Ask) -> Option<Question> {
    let (method, params) = match ask {
        Ask::Head => ("block", Cow::Borrowed(r#"{"finality":"optimistic"}"#)),
        Ask::Safe => ("block", Cow::Borrowed(r#"{"finality":"near-final"}"#)),
        Ask::Finalized => ("block", Cow::Borrowed(r#"{"finality":"final"}"#)),
        Ask::HeaderByHash(hash) => {
            ("block", Cow::Owned(format!(r#"{{"block_id":"{}"}}"#, block::write_hash(hash))))
        }
        Ask::ChainId | Ask::Sync | Ask::Version => ("status", Cow::Borrowed("[]")),
        // its hash is in the answer about the chain's name
        Ask::Genesis | Ask::StateByHash(_) | Ask::StateByNumber(_) | Ask::Methods => return None,
    };
    Some(Question { method, params })
}

#[derive(Deserialize)]
struct WireBlock<'a> {
    #[serde(borrow)]
    header: WireHeader<'a>,
}

#[derive(Deserialize)]
struct WireHeader<'a> {
    height: u64,
    #[serde(borrow)]
    hash: Cow<'a, str>,
    #[serde(borrow)]
    prev_hash: Cow<'a, str>,
    /// Headers of the first years have none.
    prev_height: Option<u64>,
    /// The number beside it is beyond what all readers of JSON can hold.
    #[serde(borrow)]
    timestamp_nanosec: Cow<'a, str>,
}

/// Reads a block's header. Where it does not tell its parent's height, that is taken to be
/// the one below; the parent's own header knows better.
pub fn read_header(result: &str) -> Option<Header> {
    let header = serde_json::from_str::<WireBlock<'_>>(result).ok()?.header;
    let nanoseconds: u64 = header.timestamp_nanosec.parse().ok()?;
    Some(Header {
        number: header.height,
        hash: block::read_hash(&header.hash)?,
        parent: read_parent(&header)?,
        time: Some(nanoseconds / 1_000_000_000),
    })
}

/// The first block, whatever its height, has a parent of zeros.
fn read_parent(header: &WireHeader<'_>) -> Option<Block> {
    let hash = block::read_hash(&header.prev_hash)?;
    if hash == Hash([0; 32]) {
        return Some(Block { number: 0, hash });
    }
    let told = header.prev_height.filter(|&height| height < header.height);
    let number = told.unwrap_or_else(|| header.height.saturating_sub(1));
    Some(Block { number, hash })
}

#[derive(Deserialize)]
struct WireStatus<'a> {
    #[serde(borrow)]
    chain_id: Cow<'a, str>,
    #[serde(borrow)]
    genesis_hash: Cow<'a, str>,
    sync_info: WireSync,
    #[serde(borrow)]
    version: WireVersion<'a>,
}

#[derive(Deserialize)]
struct WireSync {
    syncing: bool,
}

#[derive(Deserialize)]
struct WireVersion<'a> {
    #[serde(borrow)]
    version: Cow<'a, str>,
}

/// Reads the chain's name and its genesis hash out of `status`.
pub fn read_identity(result: &str) -> Option<Identity> {
    let status: WireStatus<'_> = serde_json::from_str(result).ok()?;
    let genesis = block::read_hash(&status.genesis_hash);
    Some(Identity { name: Some(read_name(&status.chain_id)?), genesis, number: None })
}

/// Reads the oldest height that the node keeps out of `status`.
pub fn read_earliest(result: &str) -> Option<u64> {
    find(find(result, "sync_info")?, "earliest_block_height")?.parse().ok()
}

/// A chain's name, or a genesis hash.
pub fn parse_identity(text: &str) -> Option<Identity> {
    match block::read_hash(text) {
        Some(genesis) => Some(Identity { genesis: Some(genesis), ..Identity::default() }),
        None => Some(Identity { name: Some(read_name(text)?), ..Identity::default() }),
    }
}

/// `mainnet`, `testnet`, or what a private network is called: 1 to 64 letters, digits,
/// `-`, `_` and `.`.
fn read_name(text: &str) -> Option<Box<str>> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    ((1..=64).contains(&text.len()) && text.bytes().all(plain)).then(|| text.into())
}

/// Reads `status`: a frozen node says `false` too.
pub fn read_syncing(result: &str) -> Option<bool> {
    serde_json::from_str(result).ok().map(|status: WireStatus<'_>| status.sync_info.syncing)
}

/// Reads the version out of `status`.
pub fn read_version(result: &str) -> Option<String> {
    let status: WireStatus<'_> = serde_json::from_str(result).ok()?;
    Some(super::plain(&status.version.version))
}

/// `sync_info` of a node's `status` with the served tip in it; `None` where it is there.
/// The time and the state root beside it stay those of the node's own newest block.
pub fn with_tip(sync_info: &str, tip: Block) -> Option<String> {
    let height = find_range(sync_info, "latest_block_height")?;
    let hash = find_range(sync_info, "latest_block_hash")?;
    let mut texts = [(height, tip.number.to_string()), (hash, block::write(tip, BlockForm::Hash))];
    texts.sort_by_key(|(place, _)| std::cmp::Reverse(place.start));
    let mut written = sync_info.to_owned();
    for (place, text) in texts {
        written.replace_range(place, &text);
    }
    Some(written)
}

/// How a node is asked for a transaction: where its signer lives, and without a wait.
pub fn transaction_question(hash: Hash, signer: &str) -> Option<Question> {
    // the name is a client's bytes
    let signer = serde_json::to_string(signer).ok()?;
    let hash = block::write_hash(hash);
    let params =
        format!(r#"{{"tx_hash":"{hash}","sender_account_id":{signer},"wait_until":"NONE"}}"#);
    Some(Question { method: "tx", params: Cow::Owned(params) })
}

/// A node that has not heard of a transaction says so by name; any other error says
/// neither.
pub fn knows_transaction(told: &Reply<'_>) -> Option<bool> {
    match told {
        Reply::Result { .. } => Some(true),
        Reply::Error { cause: Some(errors::UNKNOWN_TRANSACTION), .. } => Some(false),
        Reply::Error { .. } => None,
    }
}

/// Writes that answer the hash inside an object.
pub fn answers_an_object(method: &str) -> bool {
    method == "EXPERIMENTAL_broadcast_tx_sync"
}

/// NEAR's own errors are all −32000 and tell by names; JSON-RPC's are what they are.
pub const fn error_code(kind: Kind) -> i32 {
    match kind {
        Kind::Parse | Kind::InvalidParams => -32_700,
        Kind::InvalidRequest => -32_600,
        Kind::MethodNotFound | Kind::NeedsWebsocket | Kind::NotSupported => -32_601,
        Kind::Internal
        | Kind::InvalidInput
        | Kind::NotFound
        | Kind::Pruned
        | Kind::Unavailable
        | Kind::TooLarge
        | Kind::Limit => -32_000,
    }
}

/// nearcore's messages: one for each code.
pub const fn error_message(kind: Kind) -> &'static str {
    match kind {
        Kind::Parse | Kind::InvalidParams => "Parse error",
        Kind::InvalidRequest => "Invalid request",
        Kind::MethodNotFound | Kind::NeedsWebsocket | Kind::NotSupported => "Method not found",
        Kind::Internal
        | Kind::InvalidInput
        | Kind::NotFound
        | Kind::Pruned
        | Kind::Unavailable
        | Kind::TooLarge
        | Kind::Limit => "Server error",
    }
}

/// The names by which clients tell errors, of the error and of its cause. A method's name
/// is a client's text and is not repeated.
pub const fn error_members(kind: Kind) -> &'static str {
    match kind {
        Kind::Parse | Kind::InvalidParams => {
            r#""name":"REQUEST_VALIDATION_ERROR","cause":{"info":{"error_message":"Failed parsing args"},"name":"PARSE_ERROR"},"#
        }
        Kind::InvalidRequest => {
            r#""name":"REQUEST_VALIDATION_ERROR","cause":{"info":{"error_message":"Invalid request"},"name":"PARSE_ERROR"},"#
        }
        Kind::MethodNotFound | Kind::NeedsWebsocket | Kind::NotSupported => {
            r#""name":"REQUEST_VALIDATION_ERROR","cause":{"info":{"method_name":""},"name":"METHOD_NOT_FOUND"},"#
        }
        Kind::NotFound => r#""name":"HANDLER_ERROR","cause":{"info":{},"name":"UNKNOWN_BLOCK"},"#,
        Kind::Pruned => {
            r#""name":"HANDLER_ERROR","cause":{"info":{},"name":"GARBAGE_COLLECTED_BLOCK"},"#
        }
        Kind::Internal | Kind::InvalidInput | Kind::Unavailable | Kind::TooLarge | Kind::Limit => {
            r#""name":"INTERNAL_ERROR","cause":{"info":{"error_message":"The gateway cannot serve the call"},"name":"INTERNAL_ERROR"},"#
        }
    }
}

#[cfg(test)]
mod tests;
