//! NEAR: named params, base58 and base64, heights that the chain skips. A block is named
//! in the params by `block_id` or `finality`; "newest" is `optimistic` here. A node's
//! HTTP status belongs to its errors.

use std::borrow::Cow;

use headrace_simnode::family::Sim;
use headrace_simnode::hash::{Hash, unhex_array};
use headrace_simnode::near::block::Block;
use headrace_simnode::near::texts::{base58, base64, unbase58, unbase64};
use headrace_simnode::near::truth::{self, At};
use headrace_simnode::near::{actors, tx};
use headrace_simnode::{BlockId, Chain};
use serde::Deserialize;

use super::{Payment, Ways, text};
use crate::judge::{Question, Reply, Value};
use crate::scenario::Recipe;
use crate::truth::{Facts, Truth};

pub const WAYS: Ways = Ways {
    chain: "near",
    path: "/near",
    probes: &["block", "status"],
    heads: &["block", "status"],
    unavailable: -32_000,
    // Five epochs of 43,200 blocks on real chains; here so few that rows reach below.
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
    skipped,
};

/// The method of the contracts that are called.
const METHOD: &str = "read";

/// A sent transaction names a block this far below the head, which every node has.
const NAMED: u64 = 8;

/// The name that `status` gives.
fn identity(chain: &Chain) -> toml::Value {
    toml::Value::String(truth::chain_name(chain.options.chain_id))
}

fn method(recipe: Recipe) -> Option<&'static str> {
    match recipe {
        Recipe::HeadNumber => Some("status"),
        Recipe::HeadBlock | Recipe::FinalBlock | Recipe::Block | Recipe::BlockByHash => {
            Some("block")
        }
        Recipe::HeadBalance
        | Recipe::Balance
        | Recipe::HeadCall
        | Recipe::Call
        | Recipe::HeadStorage
        | Recipe::Storage
        | Recipe::Revert => Some("query"),
        Recipe::Receipt => Some("tx"),
        Recipe::Write => Some("broadcast_tx_async"),
        Recipe::Logs | Recipe::Batch | Recipe::Raw => None,
    }
}

fn params(question: &Question, _: &Truth) -> String {
    match question {
        Question::Newest(value) => params_at(value, OPTIMISTIC),
        Question::At(number, value) => params_at(value, &format!(r#""block_id":{number}"#)),
        Question::Final => r#"{"finality":"final"}"#.to_owned(),
        Question::ByHash(_, hash) => format!(r#"{{"block_id":"{}"}}"#, base58(hash)),
        Question::Receipt(_, tx) => {
            let sender = actors::account(0);
            format!(r#"{{"tx_hash":"{}","sender_account_id":"{sender}"}}"#, base58(tx))
        }
        Question::Revert => call(truth::PANIC_CONTRACT, b"", OPTIMISTIC),
        Question::HeadNumber | Question::Logs(..) | Question::Write(_) | Question::Anything => {
            "[]".to_owned()
        }
    }
}

const OPTIMISTIC: &str = r#""finality":"optimistic""#;

fn params_at(value: &Value, block: &str) -> String {
    match value {
        Value::Block => format!("{{{block}}}"),
        Value::Balance(who) => {
            let account = account(*who);
            format!(r#"{{"request_type":"view_account",{block},"account_id":"{account}"}}"#)
        }
        Value::Call(to, input) => call(&account(*to), &arguments(*input), block),
        Value::Storage(who, _) => format!(
            r#"{{"request_type":"view_state",{block},"account_id":"{}","prefix_base64":""}}"#,
            account(*who)
        ),
    }
}

fn call(account: &str, arguments: &[u8], block: &str) -> String {
    format!(
        r#"{{"request_type":"call_function",{block},"account_id":"{account}","method_name":"{METHOD}","args_base64":"{}"}}"#,
        base64(arguments)
    )
}

fn account(index: u64) -> String {
    format!("load-{index}.sim")
}

fn arguments(input: u64) -> Vec<u8> {
    format!(r#"{{"slot":{input}}}"#).into_bytes()
}

/// Each access key counts its own nonces, so one account can pay for all.
fn write(payment: &Payment, truth: &Truth) -> Option<(Hash, String)> {
    let named = truth.chain.main_hash(truth.chain.tip().1.saturating_sub(NAMED))?;
    let transfer = tx::transfer("payer.sim", 1, &account(payment.to), named, payment.amount.into());
    let signed = tx::sign(&payment.secret, transfer);
    Some((signed.hash, format!(r#"["{}"]"#, base64(&signed.raw))))
}

fn written(result: &str) -> Option<Hash> {
    text(result).and_then(hash)
}

fn hash(text: &str) -> Option<Hash> {
    unbase58(text)?.try_into().ok()
}

fn number(result: &str) -> Option<u64> {
    #[derive(Deserialize)]
    struct Status {
        sync_info: Sync,
    }
    #[derive(Deserialize)]
    struct Sync {
        latest_block_height: u64,
    }
    Some(serde_json::from_str::<Status>(result).ok()?.sync_info.latest_block_height)
}

fn block(result: &str, _: &Truth) -> Option<BlockId> {
    #[derive(Deserialize)]
    struct Shown<'a> {
        #[serde(borrow)]
        header: Header<'a>,
    }
    #[derive(Deserialize)]
    struct Header<'a> {
        height: u64,
        #[serde(borrow)]
        hash: Cow<'a, str>,
    }
    let header = serde_json::from_str::<Shown<'_>>(result).ok()?.header;
    Some(BlockId { number: header.height, hash: hash(&header.hash)? })
}

/// What `query` answers, whatever it was asked for.
#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow, default)]
    amount: Option<Cow<'a, str>>,
    #[serde(default)]
    result: Option<Vec<u8>>,
    #[serde(borrow, default)]
    values: Vec<Pair<'a>>,
    #[serde(borrow, default)]
    error: Option<Cow<'a, str>>,
    #[serde(default)]
    block_height: Option<u64>,
    #[serde(borrow, default)]
    block_hash: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Pair<'a> {
    #[serde(borrow)]
    value: Cow<'a, str>,
}

impl Answer<'_> {
    fn amount(&self) -> Option<u128> {
        self.amount.as_deref()?.parse().ok()
    }

    /// The word that a view call returns: JSON of hex digits.
    fn returned(&self) -> Option<Hash> {
        let digits = text(std::str::from_utf8(self.result.as_deref()?).ok()?)?;
        unhex_array(&format!("0x{digits}"))
    }

    fn stored(&self) -> Option<Hash> {
        unbase64(&self.values.first()?.value)?.try_into().ok()
    }
}

fn height(value: &Value, result: &str) -> Option<u64> {
    let answer: Answer<'_> = serde_json::from_str(result).ok()?;
    let word = match value {
        Value::Block => return None,
        Value::Balance(_) => return answer.amount().map(truth::height_in),
        Value::Call(..) => answer.returned()?,
        Value::Storage(..) => answer.stored()?,
    };
    Some(truth::height_in(super::low_half(&word)))
}

fn matches(value: &Value, result: &str, at: BlockId) -> bool {
    let Ok(answer) = serde_json::from_str::<Answer<'_>>(result) else { return false };
    let told = answer.block_hash.as_deref().and_then(hash);
    if (answer.block_height, told) != (Some(at.number), Some(at.hash)) {
        return false;
    }
    let at = At { hash: at.hash, number: at.number };
    match value {
        Value::Block => false,
        Value::Balance(who) => answer.amount() == Some(truth::amount(&account(*who), at)),
        Value::Call(to, input) => {
            answer.result == Some(truth::call(&account(*to), METHOD, &arguments(*input), at))
        }
        Value::Storage(who, _) => answer.stored() == Some(truth::state_value(&account(*who), at)),
    }
}

/// The transaction that every block has: the pulse's.
fn facts(number: u64, truth: &Truth) -> Option<Facts> {
    let Sim::Near(sim) = &truth.chain.sim else { return None };
    let block = Block::build(&sim.rules, &sim.actors, &truth.draft(number)?, &[]);
    Some(Facts { logs: 0, tx: block.txs.first().map(|tx| tx.hash) })
}

fn receipt(number: u64, tx: &Hash, result: &str, truth: &Truth) -> bool {
    #[derive(Deserialize)]
    struct Outcome<'a> {
        #[serde(borrow)]
        transaction: Transaction<'a>,
        #[serde(borrow)]
        transaction_outcome: Place<'a>,
    }
    #[derive(Deserialize)]
    struct Transaction<'a> {
        #[serde(borrow)]
        hash: Cow<'a, str>,
    }
    #[derive(Deserialize)]
    struct Place<'a> {
        #[serde(borrow)]
        block_hash: Cow<'a, str>,
    }
    serde_json::from_str::<Outcome<'_>>(result).is_ok_and(|outcome| {
        hash(&outcome.transaction.hash) == Some(*tx)
            && hash(&outcome.transaction_outcome.block_hash) == truth.chain.main_hash(number)
    })
}

/// `query` shows a contract's failure as an answer with a member `error`.
fn reverted(reply: &Reply<'_>) -> Option<bool> {
    let answer: Answer<'_> = serde_json::from_str(reply.result?.get()).ok()?;
    Some(answer.error? == truth::PANIC)
}

/// The status that nodes give it since nearcore 2.6, and whose name clients read.
fn skipped(reply: &Reply<'_>, status: Option<u16>) -> bool {
    let cause = reply.error.as_ref().and_then(|error| error.cause.as_ref());
    let told = cause.is_some_and(|cause| cause.name == "UNKNOWN_BLOCK");
    told && status.is_none_or(|status| status == 422)
}
