//! The Ethereum execution family: its questions, how their results are read, its
//! local answers and the codes of our own errors. Facts: the
//! execution-apis specification, and what geth, reth, Nethermind, Besu and Erigon do.

pub mod block;
pub mod errors;
pub mod execution;
pub mod transaction;

use std::borrow::Cow;

use serde::Deserialize;

use super::{Ask, Header, Identity, LocalFacts, Profile, Question};
use crate::{
    error::Kind,
    names::{Block, Hash},
    rpc::reply::Reply,
};

pub static PROFILE: Profile = Profile {
    identities: "a chain id (\"0x539\" or 1337) or a genesis hash (0x and 64 hex digits)",
    marks: &[Ask::Safe, Ask::Finalized],
    ..Profile::USUAL
};

const BLOCK_BY_NUMBER: &str = "eth_getBlockByNumber";

/// How Ethereum nodes are asked. A block without its transactions is a header in
/// every client; `eth_getHeaderBy*` is not.
pub fn question(ask: Ask) -> Question {
    let (method, params) = match ask {
        Ask::Head => (BLOCK_BY_NUMBER, Cow::Borrowed(r#"["latest",false]"#)),
        Ask::Safe => (BLOCK_BY_NUMBER, Cow::Borrowed(r#"["safe",false]"#)),
        Ask::Finalized => (BLOCK_BY_NUMBER, Cow::Borrowed(r#"["finalized",false]"#)),
        Ask::Genesis => (BLOCK_BY_NUMBER, Cow::Borrowed(r#"["0x0",false]"#)),
        Ask::HeaderByHash(hash) => {
            ("eth_getBlockByHash", Cow::Owned(format!(r#"["{hash}",false]"#)))
        }
        Ask::ChainId => ("eth_chainId", Cow::Borrowed("[]")),
        Ask::Sync => ("eth_syncing", Cow::Borrowed("[]")),
        Ask::Methods => ("rpc_modules", Cow::Borrowed("[]")),
        Ask::Version => ("web3_clientVersion", Cow::Borrowed("[]")),
        Ask::StateByHash(hash) => {
            let at = format!(r#"["{ZERO_ADDRESS}",{{"blockHash":"{hash}"}}]"#);
            ("eth_getCode", Cow::Owned(at))
        }
        Ask::StateByNumber(number) => {
            ("eth_getBalance", Cow::Owned(format!(r#"["{ZERO_ADDRESS}","{number:#x}"]"#)))
        }
    };
    Question { method, params }
}

/// Every state has an answer for it, so only the state's absence is an error.
const ZERO_ADDRESS: &str = "0x0000000000000000000000000000000000000000";

#[derive(Deserialize)]
struct WireHeader<'a> {
    #[serde(borrow)]
    number: Cow<'a, str>,
    #[serde(borrow)]
    hash: Cow<'a, str>,
    #[serde(borrow, rename = "parentHash")]
    parent: Cow<'a, str>,
    #[serde(borrow)]
    timestamp: Cow<'a, str>,
}

/// Reads a block object's header members.
pub fn read_header(result: &str) -> Option<Header> {
    let wire: WireHeader<'_> = serde_json::from_str(result).ok()?;
    let number = parse_quantity(&wire.number)?;
    Some(Header {
        number,
        hash: Hash::from_hex(&wire.hash)?,
        parent: Block { number: number.saturating_sub(1), hash: Hash::from_hex(&wire.parent)? },
        time: Some(parse_quantity(&wire.timestamp)?),
    })
}

/// Reads a chain id, or the hash of a block that must be number 0.
pub fn read_identity(ask: Ask, result: &str) -> Option<Identity> {
    if ask == Ask::Genesis {
        let header = read_header(result).filter(|header| header.number == 0)?;
        return Some(Identity { genesis: Some(header.hash), ..Identity::default() });
    }
    let text: Cow<'_, str> = serde_json::from_str(result).ok()?;
    Some(Identity { number: Some(parse_quantity(&text)?), ..Identity::default() })
}

/// A chain id in hex or decimal, or a genesis hash.
pub fn parse_identity(text: &str) -> Option<Identity> {
    if let Some(genesis) = Hash::from_hex(text) {
        return Some(Identity { genesis: Some(genesis), ..Identity::default() });
    }
    let number = parse_quantity(text).or_else(|| parse_decimal(text))?;
    Some(Identity { number: Some(number), ..Identity::default() })
}

#[derive(Deserialize)]
#[serde(untagged)]
enum WireSync<'a> {
    Flag(bool),
    #[serde(borrow)]
    Progress(WireProgress<'a>),
}

#[derive(Deserialize)]
struct WireProgress<'a> {
    #[serde(borrow, rename = "currentBlock")]
    current: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "highestBlock")]
    highest: Option<Cow<'a, str>>,
}

/// `false`, or an object. geth keeps the object while it only builds indexes:
/// with every block present the node is not behind.
/// geth names modules, not methods: `{"eth":"1.0","net":"1.0"}`.
pub fn read_methods(result: &str) -> Vec<String> {
    let modules: std::collections::BTreeMap<String, serde::de::IgnoredAny> =
        serde_json::from_str(result).unwrap_or_default();
    let plain = |name: &String| name.len() <= 32 && name.bytes().all(|b| b.is_ascii_alphanumeric());
    modules.into_keys().filter(plain).map(|name| format!("{name}_*")).collect()
}

pub fn read_syncing(result: &str) -> Option<bool> {
    let progress = match serde_json::from_str(result).ok()? {
        WireSync::Flag(syncing) => return Some(syncing),
        WireSync::Progress(progress) => progress,
    };
    let read = |text: Option<Cow<'_, str>>| text.and_then(|text| parse_quantity(&text));
    match (read(progress.current), read(progress.highest)) {
        // Both are 0 before the first block; `highest` stays 0 where no download has run.
        (Some(current), Some(highest)) => Some(current < highest || current == 0),
        _ => Some(true),
    }
}

#[derive(Deserialize)]
struct WireTransaction<'a> {
    #[serde(borrow)]
    hash: Cow<'a, str>,
}

/// How a node is asked for a transaction, in its pool or in a block.
pub fn transaction_question(hash: Hash) -> Question {
    let params = Cow::Owned(format!(r#"["{hash}"]"#));
    Question { method: "eth_getTransactionByHash", params }
}

/// Whether a node showed the transaction; an error says neither.
pub fn knows_transaction(hash: Hash, told: &Reply<'_>) -> Option<bool> {
    match told {
        Reply::Result { raw } => Some(read_transaction(raw) == Some(hash)),
        Reply::Error { .. } => None,
    }
}

/// Reads a transaction object's hash.
fn read_transaction(result: &str) -> Option<Hash> {
    let wire: WireTransaction<'_> = serde_json::from_str(result).ok()?;
    Hash::from_hex(&wire.hash)
}

/// Answers from what the gateway knows. `eth_coinbase`, `eth_getWork` and the
/// like have no truthful answer here: their rows refuse them.
pub fn local_answer(method: &str, facts: &LocalFacts<'_>) -> Option<String> {
    let chain_id = facts.identity.and_then(|identity| identity.number);
    match method {
        "eth_blockNumber" => facts.tip.map(|tip| format!(r#""{:#x}""#, tip.number)),
        "eth_chainId" => chain_id.map(|number| format!(r#""{number:#x}""#)),
        "net_version" => chain_id.map(|number| format!(r#""{number}""#)),
        "eth_syncing" => syncing(facts),
        "eth_accounts" => Some("[]".to_owned()),
        "eth_mining" => Some("false".to_owned()),
        "eth_hashrate" => Some(r#""0x0""#.to_owned()),
        _ => None,
    }
}

/// While the tip stands still, clients are told that nothing newer can be shown.
fn syncing(facts: &LocalFacts<'_>) -> Option<String> {
    let tip = facts.tip?;
    if facts.tip_moving {
        return Some("false".to_owned());
    }
    let at = tip.number;
    Some(format!(
        r#"{{"startingBlock":"{at:#x}","currentBlock":"{at:#x}","highestBlock":"{at:#x}"}}"#
    ))
}

/// Codes of EIP-1474, which execution-apis and the client libraries know.
pub const fn error_code(kind: Kind) -> i32 {
    match kind {
        Kind::Parse => -32_700,
        Kind::InvalidRequest => -32_600,
        Kind::MethodNotFound | Kind::NeedsWebsocket => -32_601,
        Kind::InvalidParams => -32_602,
        Kind::Internal => -32_603,
        Kind::InvalidInput => -32_000,
        Kind::NotFound | Kind::Pruned => -32_001,
        Kind::Unavailable => -32_002,
        Kind::TooLarge => -32_003,
        Kind::NotSupported => -32_004,
        Kind::Limit => -32_005,
    }
}

/// Messages of the same lists; −32003 in geth's meaning.
pub const fn error_message(kind: Kind) -> &'static str {
    match kind {
        Kind::Parse => "Parse error",
        Kind::InvalidRequest => "Invalid request",
        Kind::MethodNotFound | Kind::NeedsWebsocket => "Method not found",
        Kind::InvalidParams => "Invalid params",
        Kind::Internal => "Internal error",
        Kind::InvalidInput => "Invalid input",
        Kind::NotFound | Kind::Pruned => "Resource not found",
        Kind::Unavailable => "Resource unavailable",
        Kind::TooLarge => "response too large",
        Kind::NotSupported => "Method not supported",
        Kind::Limit => "Limit exceeded",
    }
}

/// `0x` and 1 to 16 hex digits. Leading zeros are accepted: nodes and operators
/// write them, and here they change no meaning.
fn parse_quantity(text: &str) -> Option<u64> {
    let digits = text.strip_prefix("0x")?;
    // `from_str_radix` alone would take a sign.
    if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    u64::from_str_radix(digits, 16).ok()
}

fn parse_decimal(text: &str) -> Option<u64> {
    if !text.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}
