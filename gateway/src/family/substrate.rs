//! The Substrate family: its questions, how their results are read, its local answers and
//! the codes of our own errors. Facts: polkadot-sdk (substrate/client/rpc-api), the JSON-RPC
//! interface specification, and jsonrpsee.
//!
//! A header has no hash in it: the block's hash is BLAKE2b-256 of the header's SCALE
//! bytes, and is computed here. Finality and a header by number take two questions, the
//! hash and then the header, so they are none of [`Ask`]'s.

pub mod block;
pub mod errors;
pub mod transaction;

use std::borrow::Cow;

use serde::Deserialize;

use super::{Ask, Header, Identity, LocalFacts, Question, decode_hex, parse_text};
use crate::{error::Kind, names::Hash};

/// How Substrate nodes are asked; `None` where one question is not enough.
pub fn question(ask: Ask) -> Option<Question> {
    let (method, params) = match ask {
        Ask::Head => ("chain_getHeader", Cow::Borrowed("[]")),
        Ask::HeaderByHash(hash) => ("chain_getHeader", Cow::Owned(format!(r#"["{hash}"]"#))),
        Ask::Genesis => ("chain_getBlockHash", Cow::Borrowed("[0]")),
        Ask::Sync => ("system_health", Cow::Borrowed("[]")),
        Ask::Version => ("system_version", Cow::Borrowed("[]")),
        Ask::Methods => ("rpc_methods", Cow::Borrowed("[]")),
        // cheaper than any other call that needs the state
        Ask::StateByHash(hash) => ("state_getRuntimeVersion", Cow::Owned(format!(r#"["{hash}"]"#))),
        Ask::Safe
        | Ask::Finalized
        | Ask::HeaderByNumber(_)
        | Ask::ChainId
        | Ask::StateByNumber(_) => return None,
    };
    Some(Question { method, params })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireHeader<'a> {
    #[serde(borrow)]
    parent_hash: Cow<'a, str>,
    #[serde(borrow)]
    number: Cow<'a, str>,
    #[serde(borrow)]
    state_root: Cow<'a, str>,
    #[serde(borrow)]
    extrinsics_root: Cow<'a, str>,
    #[serde(borrow)]
    digest: WireDigest<'a>,
}

#[derive(Deserialize)]
struct WireDigest<'a> {
    #[serde(borrow)]
    logs: Vec<Cow<'a, str>>,
}

/// Reads a header and computes its block's hash.
pub fn read_header(result: &str) -> Option<Header> {
    let wire: WireHeader<'_> = serde_json::from_str(result).ok()?;
    let (number, parent) = (read_hex(&wire.number)?, Hash::from_hex(&wire.parent_hash)?);
    let mut bytes = Vec::with_capacity(512);
    bytes.extend_from_slice(&parent.0);
    push_compact(&mut bytes, number);
    bytes.extend_from_slice(&Hash::from_hex(&wire.state_root)?.0);
    bytes.extend_from_slice(&Hash::from_hex(&wire.extrinsics_root)?.0);
    push_compact(&mut bytes, wire.digest.logs.len() as u64);
    for log in &wire.digest.logs {
        bytes.extend(decode_hex(log)?);
    }
    Some(Header { number, hash: transaction::blake2_256(&bytes), parent, time: None })
}

/// A compact integer of SCALE (docs.polkadot.com, "SCALE codec").
fn push_compact(out: &mut Vec<u8>, value: u64) {
    let bytes = value.to_le_bytes();
    match value {
        0..=0x3f => out.push(bytes[0] << 2),
        0x40..=0x3fff => out.extend_from_slice(&((value << 2 | 1).to_le_bytes())[..2]),
        0x4000..=0x3fff_ffff => out.extend_from_slice(&((value << 2 | 2).to_le_bytes())[..4]),
        _ => {
            let length = (8 - value.leading_zeros() as usize / 8).max(4);
            out.push(((length - 4) << 2 | 3).to_le_bytes()[0]);
            out.extend_from_slice(&bytes[..length]);
        }
    }
}

/// Reads the hash of block 0.
pub fn read_identity(ask: Ask, result: &str) -> Option<Identity> {
    let genesis = parse_text(result, block::read_hash).filter(|_| ask == Ask::Genesis)?;
    Some(Identity { genesis: Some(genesis), ..Identity::default() })
}

/// A genesis hash: chains of this family have no number.
pub fn parse_identity(text: &str) -> Option<Identity> {
    Some(Identity { genesis: Some(Hash::from_hex(text)?), ..Identity::default() })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireHealth {
    is_syncing: bool,
}

/// Reads `system_health`.
pub fn read_syncing(result: &str) -> Option<bool> {
    serde_json::from_str(result).ok().map(|health: WireHealth| health.is_syncing)
}

#[derive(Deserialize)]
struct WireMethods {
    methods: Vec<String>,
}

/// Reads `rpc_methods`: whole names.
pub fn read_methods(result: &str) -> Vec<String> {
    let plain = |name: &String| {
        let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        !name.is_empty() && name.len() <= 128 && name.bytes().all(word)
    };
    let wire = serde_json::from_str(result).map(|wire: WireMethods| wire.methods);
    wire.unwrap_or_default().into_iter().filter(plain).collect()
}

/// Answers from what the gateway knows; the final tip, the newest header and the peers
/// are not among it.
pub fn local_answer(method: &str, facts: &LocalFacts<'_>) -> Option<String> {
    match method {
        "chain_getBlockHash" | "chain_getHead" => facts.tip.map(|tip| format!(r#""{}""#, tip.hash)),
        "archive_v1_genesisHash" | "chainSpec_v1_genesisHash" => {
            let genesis = facts.identity.and_then(|identity| identity.genesis);
            genesis.map(|hash| format!(r#""{hash}""#))
        }
        "system_syncState" => facts.tip.map(|tip| {
            let at = tip.number;
            format!(r#"{{"startingBlock":{at},"currentBlock":{at},"highestBlock":{at}}}"#)
        }),
        _ => None,
    }
}

/// Codes of jsonrpsee and of polkadot-sdk's modules; the rest are EIP-1474's.
pub const fn error_code(kind: Kind) -> i32 {
    match kind {
        Kind::NotFound | Kind::Pruned => 4003,
        Kind::TooLarge => -32_008,
        Kind::Limit => -32_999,
        // jsonrpsee's for a subscription over HTTP
        Kind::NeedsWebsocket => -32_603,
        Kind::NotSupported => -32_601,
        _ => super::ethereum::error_code(kind),
    }
}

/// Messages of the same nodes, which client libraries look into.
pub const fn error_message(kind: Kind) -> &'static str {
    match kind {
        Kind::Pruned => "Client error: UnknownBlock: State already discarded",
        Kind::NotFound => "Client error: UnknownBlock: Header was not found in the database",
        Kind::TooLarge => "Response is too big",
        Kind::Limit => "RPC rate limit exceeded",
        Kind::NeedsWebsocket => "Internal error",
        Kind::NotSupported => "Method not found",
        _ => super::ethereum::error_message(kind),
    }
}

/// `0x` and hex digits of at most 64 bits.
fn read_hex(text: &str) -> Option<u64> {
    let digits = text.strip_prefix("0x")?;
    let plain = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    if plain { u64::from_str_radix(digits, 16).ok() } else { None }
}

#[cfg(test)]
mod tests;
