//! The NEAR family: its questions, how their results are read, and the codes of our own
//! errors. Facts: nearcore (chain/jsonrpc) and its OpenAPI types.
//!
//! Heights are skipped by the chain: a height between two headers may have no block.

pub mod block;
pub mod transaction;

use std::borrow::Cow;

use serde::Deserialize;

use super::{Ask, Header, Identity, Question};
use crate::{
    error::Kind,
    names::{Block, Hash},
};

/// How NEAR nodes are asked. There is none for a state (no account is on every chain), nor
/// for a transaction by its hash alone: nodes want its signer too.
pub fn question(ask: Ask) -> Option<Question> {
    let (method, params) = match ask {
        Ask::Head => ("block", Cow::Borrowed(r#"{"finality":"optimistic"}"#)),
        Ask::Safe => ("block", Cow::Borrowed(r#"{"finality":"near-final"}"#)),
        Ask::Finalized => ("block", Cow::Borrowed(r#"{"finality":"final"}"#)),
        Ask::HeaderByHash(hash) => {
            ("block", Cow::Owned(format!(r#"{{"block_id":"{}"}}"#, block::write_hash(hash))))
        }
        Ask::HeaderByNumber(number) => ("block", Cow::Owned(format!(r#"{{"block_id":{number}}}"#))),
        Ask::Genesis | Ask::Sync | Ask::Version => ("status", Cow::Borrowed("[]")),
        Ask::ChainId
        | Ask::StateByHash(_)
        | Ask::StateByNumber(_)
        | Ask::Methods
        | Ask::Transaction(_) => return None,
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

/// Reads the genesis hash out of `status`.
pub fn read_identity(ask: Ask, result: &str) -> Option<Identity> {
    let status: WireStatus<'_> = serde_json::from_str(result).ok()?;
    let genesis = block::read_hash(&status.genesis_hash).filter(|_| ask == Ask::Genesis)?;
    Some(Identity { genesis: Some(genesis), ..Identity::default() })
}

/// A genesis hash.
pub fn parse_identity(text: &str) -> Option<Identity> {
    Some(Identity { genesis: Some(block::read_hash(text)?), ..Identity::default() })
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

/// NEAR's own errors are all −32000 and tell by `name`; JSON-RPC's are what they are.
pub const fn error_code(kind: Kind) -> i32 {
    match kind {
        Kind::Parse | Kind::InvalidParams => -32_700,
        Kind::InvalidRequest => -32_600,
        Kind::MethodNotFound => -32_601,
        Kind::Internal
        | Kind::NotFound
        | Kind::Unavailable
        | Kind::TooLarge
        | Kind::NotSupported
        | Kind::Limit => -32_000,
    }
}

#[cfg(test)]
mod tests;
