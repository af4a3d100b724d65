//! Substrate: blocks by their hash, which stands in no header and is computed; state as
//! SCALE bytes under hashed keys; the results of a block's extrinsics in its events.

use std::borrow::Cow;

use headrace_simnode::hash::{Hash, hex, unhex, unhex_array};
use headrace_simnode::substrate::block::Block;
use headrace_simnode::substrate::extrinsic::{self, AccountId, Checkpoint, Fields};
use headrace_simnode::substrate::header::Header;
use headrace_simnode::substrate::scale::blake2_256;
use headrace_simnode::substrate::truth;
use headrace_simnode::{BlockId, Chain};
use serde::Deserialize;

use super::{Payment, Ways, hex_number, never_skipped, text};
use crate::judge::{Question, Reply, Value};
use crate::scenario::Recipe;
use crate::truth::{Facts, Truth};

pub const WAYS: Ways = Ways {
    chain: "substrate",
    path: "/substrate",
    probes: &[
        "chain_getHeader",
        "chain_getBlockHash",
        "chain_getFinalizedHead",
        "state_getRuntimeVersion",
        "system_health",
    ],
    heads: &["chain_getHeader", "chain_getBlockHash", "chain_getFinalizedHead"],
    unavailable: -32_002,
    // As nodes do by default.
    states: 256,
    identity,
    method,
    params,
    write,
    written,
    number,
    block,
    height,
    matches,
    facts,
    receipt,
    reverted,
    skipped: never_skipped,
};

/// A function of the runtime whose answer follows from the block and the arguments.
const FUNCTION: &str = "Headrace_read";

/// The genesis block is the only identity that does not drift.
fn identity(chain: &Chain) -> toml::Value {
    toml::Value::String(hex(&chain.main_hash(0).unwrap_or_default()))
}

fn method(recipe: Recipe) -> Option<&'static str> {
    match recipe {
        Recipe::HeadNumber => Some("chain_getHeader"),
        Recipe::HeadBlock | Recipe::BlockByHash => Some("chain_getBlock"),
        Recipe::FinalBlock => Some("chain_getFinalizedHead"),
        Recipe::Block => Some("chain_getBlockHash"),
        Recipe::HeadBalance
        | Recipe::Balance
        | Recipe::HeadStorage
        | Recipe::Storage
        | Recipe::Receipt => Some("state_getStorage"),
        Recipe::HeadCall | Recipe::Call | Recipe::Revert => Some("state_call"),
        Recipe::Write => Some("author_submitExtrinsic"),
        Recipe::Logs | Recipe::Batch | Recipe::Raw => None,
    }
}

fn params(question: &Question, chain: &Truth) -> String {
    match question {
        Question::Newest(value) => params_at(value, None),
        // Blocks are named by number in one call only.
        Question::At(number, Value::Block) => format!("[{number}]"),
        Question::At(number, value) => params_at(value, chain.chain.main_hash(*number)),
        Question::ByHash(_, hash) => format!(r#"["{}"]"#, hex(hash)),
        Question::Receipt(_, block) => {
            format!(r#"["{}","{}"]"#, hex(&truth::SYSTEM_EVENTS), hex(block))
        }
        Question::Revert => format!(r#"["{}","0x"]"#, truth::TRAP_FUNCTION),
        Question::HeadNumber
        | Question::Final
        | Question::Logs(..)
        | Question::Write(_)
        | Question::Anything => "[]".to_owned(),
    }
}

fn params_at(value: &Value, at: Option<Hash>) -> String {
    let at = at.map_or_else(String::new, |hash| format!(r#","{}""#, hex(&hash)));
    match value {
        Value::Block => "[]".to_owned(),
        Value::Balance(who) => {
            format!(r#"["{}"{at}]"#, hex(&truth::account_key(&account(*who))))
        }
        Value::Call(to, input) => {
            format!(r#"["{FUNCTION}","{}"{at}]"#, hex(&arguments(*to, *input)))
        }
        Value::Storage(who, slot) => format!(r#"["{}"{at}]"#, hex(&key(*who, *slot))),
    }
}

fn account(index: u64) -> AccountId {
    blake2_256(&[b"account", &index.to_le_bytes()])
}

fn arguments(to: u64, input: u64) -> Vec<u8> {
    [to.to_le_bytes(), input.to_le_bytes()].concat()
}

/// A key that has a value: the first of those that follow from both numbers.
fn key(who: u64, slot: u64) -> Vec<u8> {
    let nth = |nth: u64| [who, slot, nth].map(u64::to_le_bytes).concat();
    (0..).map(nth).find(|key| truth::present(key)).unwrap_or_default()
}

fn write(payment: &Payment, truth: &Truth) -> Option<(Hash, String)> {
    let genesis = truth.chain.main_hash(0)?;
    let fields = Fields::transfer(0, account(payment.to), payment.amount.into());
    let checkpoint = Checkpoint { genesis, birth: genesis };
    let signed = extrinsic::sign(&payment.secret, fields, checkpoint);
    Some((signed.hash, format!(r#"["{}"]"#, hex(&signed.raw))))
}

fn written(result: &str) -> Option<Hash> {
    text(result).and_then(unhex_array)
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

impl WireHeader<'_> {
    fn id(&self) -> Option<BlockId> {
        let header = Header {
            parent: unhex_array(&self.parent_hash)?,
            number: hex_number(&self.number)?,
            state_root: unhex_array(&self.state_root)?,
            extrinsics_root: unhex_array(&self.extrinsics_root)?,
            logs: self.digest.logs.iter().map(|log| unhex(log)).collect::<Option<_>>()?,
        };
        Some(BlockId { number: header.number, hash: header.hash() })
    }
}

fn number(result: &str) -> Option<u64> {
    let header: WireHeader<'_> = serde_json::from_str(result).ok()?;
    header.id().map(|block| block.number)
}

/// A whole block, or nothing but a hash.
fn block(result: &str, truth: &Truth) -> Option<BlockId> {
    #[derive(Deserialize)]
    struct Full<'a> {
        #[serde(borrow)]
        block: Body<'a>,
    }
    #[derive(Deserialize)]
    struct Body<'a> {
        #[serde(borrow)]
        header: WireHeader<'a>,
    }
    if let Some(hash) = text(result).and_then(unhex_array) {
        let (_, number) = truth.chain.find(&hash)?;
        return Some(BlockId { number, hash });
    }
    serde_json::from_str::<Full<'_>>(result).ok()?.block.header.id()
}

fn height(value: &Value, result: &str) -> Option<u64> {
    let bytes = text(result).and_then(unhex)?;
    match value {
        Value::Block => None,
        Value::Balance(_) => {
            let free = bytes.get(16..32)?.try_into().ok()?;
            Some(truth::height_in(u128::from_le_bytes(free)))
        }
        Value::Call(..) | Value::Storage(..) => truth::height_in_bytes(&bytes),
    }
}

fn matches(value: &Value, result: &str, at: BlockId) -> bool {
    let Some(bytes) = text(result).and_then(unhex) else { return false };
    match value {
        Value::Block => false,
        // Who is paid has sent nothing.
        Value::Balance(who) => bytes == truth::account(&account(*who), 0, at),
        Value::Call(to, input) => bytes == truth::call(FUNCTION, &arguments(*to, *input), at),
        Value::Storage(who, slot) => truth::storage(&key(*who, *slot), at) == Some(bytes),
    }
}

/// There is no call for one extrinsic: events are read at the block.
fn facts(number: u64, truth: &Truth) -> Option<Facts> {
    Some(Facts { logs: 0, tx: truth.chain.main_hash(number) })
}

fn receipt(number: u64, _: &Hash, result: &str, truth: &Truth) -> bool {
    let events = truth.draft(number).map(|draft| Block::build(&draft).events());
    events.is_some() && events == text(result).and_then(unhex)
}

fn reverted(reply: &Reply<'_>) -> Option<bool> {
    let error = reply.error.as_ref()?;
    let said = |words: &str| {
        error.message.contains(words) || error.data.is_some_and(|data| data.get().contains(words))
    };
    said("Execution").then(|| said("wasm `unreachable` instruction executed"))
}
