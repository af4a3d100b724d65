//! Ethereum: blocks by number or tag, numbers as hex, errors with HTTP 200.

use std::borrow::Cow;

use headrace_simnode::ethereum::block::Block;
use headrace_simnode::family::Sim;
use headrace_simnode::hash::{Hash, hex, unhex, unhex_array};
use headrace_simnode::truth::{self, At, REVERT_CONTRACT};
use headrace_simnode::tx::{self, Fields};
use headrace_simnode::{BlockId, Chain};
use serde::Deserialize;

use super::{Payment, Ways, account, hex_number, low_half, never_skipped, quantity, text, wide};
use crate::judge::{Question, Reply, Value};
use crate::scenario::Recipe;
use crate::truth::{Facts, Truth};

pub const WAYS: Ways = Ways {
    chain: "ethereum",
    path: "/ethereum",
    probes: &["eth_blockNumber", "eth_getBlockByNumber", "eth_getBlockByHash"],
    heads: &["eth_chainId", "eth_blockNumber", "eth_getBlockByNumber", "eth_getHeaderByNumber"],
    unavailable: -32_002,
    states: 128,
    identity,
    method,
    params,
    write,
    written,
    number: quantity,
    block,
    height,
    matches,
    facts,
    receipt,
    reverted,
    skipped: never_skipped,
};

fn identity(chain: &Chain) -> toml::Value {
    toml::Value::Integer(i64::try_from(chain.options.chain_id).unwrap_or(i64::MAX))
}

fn method(recipe: Recipe) -> Option<&'static str> {
    match recipe {
        Recipe::HeadNumber => Some("eth_blockNumber"),
        Recipe::HeadBlock | Recipe::FinalBlock | Recipe::Block => Some("eth_getBlockByNumber"),
        Recipe::BlockByHash => Some("eth_getBlockByHash"),
        Recipe::HeadBalance | Recipe::Balance => Some("eth_getBalance"),
        Recipe::HeadCall | Recipe::Call | Recipe::Revert => Some("eth_call"),
        Recipe::HeadStorage | Recipe::Storage => Some("eth_getStorageAt"),
        Recipe::Logs => Some("eth_getLogs"),
        Recipe::Receipt => Some("eth_getTransactionReceipt"),
        Recipe::Write => Some("eth_sendRawTransaction"),
        Recipe::Batch | Recipe::Raw => None,
    }
}

fn params(question: &Question, _: &Truth) -> String {
    match question {
        Question::Newest(value) => params_at(value, "latest"),
        Question::At(number, value) => params_at(value, &format!("{number:#x}")),
        Question::Final => r#"["finalized",false]"#.to_owned(),
        Question::ByHash(_, hash) => format!(r#"["{}",false]"#, hex(hash)),
        Question::Logs(from, to) => {
            format!(r#"[{{"fromBlock":"{from:#x}","toBlock":"{to:#x}"}}]"#)
        }
        Question::Receipt(_, tx) => format!(r#"["{}"]"#, hex(tx)),
        Question::Revert => {
            format!(r#"[{{"to":"{}","data":"0x"}},"latest"]"#, hex(&REVERT_CONTRACT))
        }
        Question::HeadNumber | Question::Write(_) | Question::Anything => "[]".to_owned(),
    }
}

fn params_at(value: &Value, block: &str) -> String {
    match value {
        Value::Block => format!(r#"["{block}",false]"#),
        Value::Balance(who) => format!(r#"["{}","{block}"]"#, hex(&account(*who))),
        Value::Call(to, input) => {
            let (to, data) = (hex(&account(*to)), hex(&truth::word(*input)));
            format!(r#"[{{"to":"{to}","data":"{data}"}},"{block}"]"#)
        }
        Value::Storage(who, slot) => {
            let (who, slot) = (hex(&account(*who)), hex(&truth::word(*slot)));
            format!(r#"["{who}","{slot}","{block}"]"#)
        }
    }
}

fn write(payment: &Payment, truth: &Truth) -> Option<(Hash, String)> {
    let id = truth.chain.options.chain_id;
    let fields = Fields::transfer(id, 0, account(payment.to), payment.amount.into());
    let tx = tx::sign(&payment.secret, fields).ok()?;
    Some((tx.hash, format!(r#"["{}"]"#, hex(&tx.raw))))
}

fn written(result: &str) -> Option<Hash> {
    text(result).and_then(unhex_array)
}

fn block(result: &str, _: &Truth) -> Option<BlockId> {
    #[derive(Deserialize)]
    struct Shown<'a> {
        #[serde(borrow)]
        number: Cow<'a, str>,
        #[serde(borrow)]
        hash: Cow<'a, str>,
    }
    let block: Shown<'_> = serde_json::from_str(result).ok()?;
    Some(BlockId { number: hex_number(&block.number)?, hash: unhex_array(&block.hash)? })
}

fn height(value: &Value, result: &str) -> Option<u64> {
    match value {
        Value::Block => None,
        Value::Balance(_) => wide(result).map(truth::height_in),
        Value::Call(..) | Value::Storage(..) => {
            let word: Hash = text(result).and_then(unhex_array)?;
            Some(truth::height_in(low_half(&word)))
        }
    }
}

fn matches(value: &Value, result: &str, at: BlockId) -> bool {
    let at = At { hash: at.hash, number: at.number };
    let word = || text(result).and_then(unhex_array::<32>);
    match value {
        Value::Block => false,
        Value::Balance(who) => wide(result) == Some(truth::balance(&account(*who), at)),
        Value::Call(to, input) => {
            word() == Some(truth::call(&account(*to), &truth::word(*input), at))
        }
        Value::Storage(who, slot) => {
            word() == Some(truth::storage(&account(*who), &truth::word(*slot), at))
        }
    }
}

fn facts(number: u64, truth: &Truth) -> Option<Facts> {
    let Sim::Ethereum(sim) = &truth.chain.sim else { return None };
    let draft = truth.draft(number)?;
    let sent: Vec<_> =
        draft.sent.iter().filter_map(|sent| sent.payload.ethereum().cloned()).collect();
    let block = Block::build(&sim.actors, &draft, &sent);
    Some(Facts { logs: block.logs.len(), tx: block.txs.first().map(|tx| tx.hash) })
}

fn receipt(number: u64, tx: &Hash, result: &str, _: &Truth) -> bool {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Receipt<'a> {
        #[serde(borrow)]
        block_number: Cow<'a, str>,
        #[serde(borrow)]
        transaction_hash: Cow<'a, str>,
    }
    serde_json::from_str::<Receipt<'_>>(result).is_ok_and(|receipt| {
        hex_number(&receipt.block_number) == Some(number)
            && unhex_array(&receipt.transaction_hash) == Some(*tx)
    })
}

fn reverted(reply: &Reply<'_>) -> Option<bool> {
    let error = reply.error.as_ref().filter(|error| error.code == 3)?;
    let data = error.data.and_then(|raw| text(raw.get())).and_then(unhex);
    Some(data.is_some_and(|data| data == truth::revert_data()))
}
