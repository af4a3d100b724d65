//! The ICON family (goloop): its questions, how their results are read, and the codes of
//! our own errors. Facts: goloop (doc/jsonrpc_v3.md, server/v3).
//!
//! Every block is final once it is there. Nodes tell neither that they are behind nor what
//! they are: that is their administration's business, on another path.

pub mod block;
pub mod errors;
pub mod transaction;

use std::borrow::Cow;

use serde::Deserialize;

use super::{Ask, Header, Identity, Profile, Question, parse_text};
use crate::{
    error::Kind,
    names::{Block, Hash},
    rpc::{reply::Reply, walk::find},
};

/// Where nodes serve; a channel's name may follow.
const PATH: &str = "/api/v3";

pub static PROFILE: Profile = Profile {
    identities: "a nid (\"0x1\" or 1) or a genesis hash (0x and 64 hex digits)",
    marks: &[],
    no_params: "{}",
    path: PATH,
    ..Profile::USUAL
};

/// The debug API and the trace API lie beside the usual one, with the same channel.
pub fn other_paths(usual: &str) -> Vec<(&'static str, String)> {
    let Some((before, channel)) = usual.split_once(PATH) else { return Vec::new() };
    let beside = |word| (word, format!("{before}/api/{word}{channel}"));
    ["v3d", "rosetta"].into_iter().map(beside).collect()
}

/// `/api/v3` and `/api/v3d`, with or without a channel: which of them makes no difference,
/// for every method is asked where nodes serve it.
pub fn serves_below(path: &str) -> bool {
    let Some(rest) = path.strip_prefix(PATH) else { return false };
    let channel = rest.strip_prefix('d').unwrap_or(rest);
    channel.is_empty() || channel.strip_prefix('/').is_some_and(|name| !name.contains('/'))
}

const BY_HEIGHT: &str = "icx_getBlockByHeight";

/// How ICON nodes are asked.
pub fn question(ask: Ask) -> Option<Question> {
    let height = |number: u64| Cow::Owned(format!(r#"{{"height":"{number:#x}"}}"#));
    let (method, params) = match ask {
        Ask::Head => ("icx_getLastBlock", Cow::Borrowed("{}")),
        Ask::HeaderByHash(hash) => {
            ("icx_getBlockByHash", Cow::Owned(format!(r#"{{"hash":"{hash}"}}"#)))
        }
        Ask::Genesis => (BY_HEIGHT, height(0)),
        Ask::ChainId => ("icx_getNetworkInfo", Cow::Borrowed("{}")),
        Ask::StateByNumber(number) => ("icx_getTotalSupply", height(number)),
        // every block is final; the rest is on a path for administrators only
        Ask::Safe
        | Ask::Finalized
        | Ask::Sync
        | Ask::Version
        | Ask::StateByHash(_)
        | Ask::Methods => return None,
    };
    Some(Question { method, params })
}

#[derive(Deserialize)]
struct WireBlock<'a> {
    height: u64,
    /// Hashes of blocks stand here without `0x`.
    #[serde(borrow)]
    block_hash: Cow<'a, str>,
    #[serde(borrow)]
    prev_block_hash: Cow<'a, str>,
    /// Microseconds.
    time_stamp: u64,
}

/// Reads a block's header members. The first block has no parent: zeros stand for it.
pub fn read_header(result: &str) -> Option<Header> {
    let wire: WireBlock<'_> = serde_json::from_str(result).ok()?;
    let parent = match wire.prev_block_hash.as_ref() {
        "" if wire.height == 0 => Hash([0; 32]),
        digits => read_digits(digits)?,
    };
    Some(Header {
        number: wire.height,
        hash: read_digits(&wire.block_hash)?,
        parent: Block { number: wire.height.saturating_sub(1), hash: parent },
        time: Some(wire.time_stamp / 1_000_000),
    })
}

fn read_digits(digits: &str) -> Option<Hash> {
    let digits = digits.strip_prefix("0x").unwrap_or(digits);
    Hash::from_hex(&format!("0x{digits}"))
}

#[derive(Deserialize)]
struct WireNetwork<'a> {
    #[serde(borrow)]
    nid: Cow<'a, str>,
}

#[derive(Deserialize)]
struct WireGenesis<'a> {
    #[serde(borrow)]
    confirmed_transaction_list: Vec<WireNetwork<'a>>,
}

/// Reads the network's id; or the hash of a block that must be number 0, and the id out of
/// its only transaction: older nodes tell it nowhere else.
pub fn read_identity(ask: Ask, result: &str) -> Option<Identity> {
    let number = |wire: &WireNetwork<'_>| block::read_int(&wire.nid);
    if ask == Ask::Genesis {
        let header = read_header(result).filter(|header| header.number == 0)?;
        let wire = serde_json::from_str::<WireGenesis<'_>>(result).ok();
        let first = wire.and_then(|wire| wire.confirmed_transaction_list.first().and_then(number));
        return Some(Identity { genesis: Some(header.hash), number: first, name: None });
    }
    let wire: WireNetwork<'_> = serde_json::from_str(result).ok()?;
    Some(Identity { number: Some(number(&wire)?), ..Identity::default() })
}

#[derive(Deserialize)]
struct WireTransaction<'a> {
    #[serde(borrow, rename = "txHash")]
    hash: Cow<'a, str>,
}

/// How a node is asked for a transaction, in its pool or in a block.
pub fn transaction_question(hash: Hash) -> Question {
    let params = Cow::Owned(format!(r#"{{"txHash":"{hash}"}}"#));
    Question { method: "icx_getTransactionByHash", params }
}

/// Whether a node showed the transaction, or spoke of it as known or unknown.
pub fn knows_transaction(hash: Hash, told: &Reply<'_>) -> Option<bool> {
    match told {
        Reply::Result { raw } => Some(read_transaction(raw) == Some(hash)),
        Reply::Error { code: Some(errors::NOT_FOUND), .. } => Some(false),
        Reply::Error { code: Some(errors::PENDING | errors::EXECUTING), .. } => Some(true),
        Reply::Error { .. } => None,
    }
}

/// Reads a transaction object's hash.
fn read_transaction(result: &str) -> Option<Hash> {
    let wire: WireTransaction<'_> = serde_json::from_str(result).ok()?;
    read_digits(&wire.hash)
}

/// Reads the height that the node was pruned down to out of `icx_getNetworkInfo`.
pub fn read_earliest(result: &str) -> Option<u64> {
    parse_text(find(result, "earliest")?, block::read_int)
}

/// goloop's codes where it has one for the same; the rest are EIP-1474's.
pub const fn error_code(kind: Kind) -> i32 {
    match kind {
        Kind::NotFound | Kind::Pruned => -31_004,
        Kind::NotSupported => -32_601,
        _ => super::ethereum::error_code(kind),
    }
}

/// goloop's messages: the name of the code, and after a colon what is the matter.
pub const fn error_message(kind: Kind) -> &'static str {
    match kind {
        Kind::Parse => "ParseError",
        Kind::InvalidRequest => "InvalidRequest",
        Kind::MethodNotFound | Kind::NeedsWebsocket | Kind::NotSupported => "MethodNotFound",
        Kind::InvalidParams => "InvalidParams",
        Kind::Internal => "InternalError",
        Kind::NotFound => "NotFound: no node has the block yet",
        Kind::Pruned => "NotFound: PrunedBlock",
        Kind::InvalidInput | Kind::Unavailable | Kind::TooLarge | Kind::Limit => {
            super::ethereum::error_message(kind)
        }
    }
}

#[cfg(test)]
mod tests;
