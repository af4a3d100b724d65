//! The Substrate family: its questions, how their results are read, its local answers and
//! the codes of our own errors. Facts: polkadot-sdk (substrate/client/rpc-api), the JSON-RPC
//! interface specification, and jsonrpsee.
//!
//! A header has no hash in it, and how it hashes differs from chain to chain. So nodes are
//! asked for a block's hash first and then for the header of that hash: two questions, but
//! right for every chain, and a block that is known already takes one.

pub mod block;
pub mod errors;
pub mod transaction;

use std::borrow::Cow;

use serde::Deserialize;

use super::{Ask, Family, Header, Identity, LocalFacts, Profile, Question, Shown, parse_text};
use crate::{
    error::Kind,
    names::{Block, Hash},
};

/// Bodies as jsonrpsee's; the EVM is Frontier's.
pub static PROFILE: Profile = Profile {
    body: Some(15 << 20),
    lists_methods: true,
    answers_headers: true,
    sessions_are_connections: true,
    evm: Some((Family::Ethereum, &["eth_chainId", "net_version"])),
    ..Profile::USUAL
};

/// How Substrate nodes are asked; `None` where they have no such question.
pub fn question(ask: Ask) -> Option<Question> {
    let (method, params) = match ask {
        Ask::Head => ("chain_getBlockHash", Cow::Borrowed("[]")),
        Ask::Finalized => ("chain_getFinalizedHead", Cow::Borrowed("[]")),
        Ask::HeaderByHash(hash) => ("chain_getHeader", Cow::Owned(format!(r#"["{hash}"]"#))),
        Ask::Genesis => ("chain_getBlockHash", Cow::Borrowed("[0]")),
        Ask::Sync => ("system_health", Cow::Borrowed("[]")),
        Ask::Version => ("system_version", Cow::Borrowed("[]")),
        Ask::Methods => ("rpc_methods", Cow::Borrowed("[]")),
        // cheaper than any other call that needs the state
        Ask::StateByHash(hash) => ("state_getRuntimeVersion", Cow::Owned(format!(r#"["{hash}"]"#))),
        Ask::Safe | Ask::ChainId | Ask::StateByNumber(_) => return None,
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
}

/// Reads a block's hash, or the header of a block that was asked for by its hash.
pub fn read_shown(ask: Ask, result: &str) -> Option<Shown> {
    let Ask::HeaderByHash(hash) = ask else {
        return parse_text(result, block::read_hash).map(Shown::Hash);
    };
    let wire: WireHeader<'_> = serde_json::from_str(result).ok()?;
    let (number, parent) = (read_hex(&wire.number)?, Hash::from_hex(&wire.parent_hash)?);
    let parent = Block { number: number.saturating_sub(1), hash: parent };
    Some(Shown::Header(Header { number, hash, parent, time: None }))
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

/// Answers from what the gateway knows. Peers are the nodes behind it.
pub fn local_answer(method: &str, facts: &LocalFacts<'_>) -> Option<String> {
    match method {
        "chain_getHeader" => facts.header.map(str::to_owned),
        "chain_getBlockHash" | "chain_getHead" => facts.tip.map(hash_of),
        "chain_getFinalizedHead" | "chain_getFinalisedHead" => facts.finalized.map(hash_of),
        "archive_v1_finalizedHeight" => facts.finalized.map(|block| block.number.to_string()),
        "archive_v1_genesisHash" | "chainSpec_v1_genesisHash" => {
            let genesis = facts.identity.and_then(|identity| identity.genesis);
            genesis.map(|hash| format!(r#""{hash}""#))
        }
        "system_health" => facts.tip.map(|_| {
            let (peers, syncing) = (facts.nodes, !facts.tip_moving);
            format!(r#"{{"peers":{peers},"isSyncing":{syncing},"shouldHavePeers":true}}"#)
        }),
        "system_syncState" => facts.tip.map(|tip| {
            let at = tip.number;
            format!(r#"{{"startingBlock":{at},"currentBlock":{at},"highestBlock":{at}}}"#)
        }),
        "rpc_methods" => {
            let names = (facts.methods)();
            // names of our own table: nothing in them is to be escaped
            Some(format!(r#"{{"methods":["{}"]}}"#, names.join(r#"",""#)))
        }
        _ => None,
    }
}

fn hash_of(block: Block) -> String {
    format!(r#""{}""#, block.hash)
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
