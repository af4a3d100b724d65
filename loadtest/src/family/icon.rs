//! ICON: named params, numbers as `T_INT`, every block final, its results known one
//! block later. Blocks show their height as a plain number and hashes without `0x`.

use std::borrow::Cow;
use std::time::SystemTime;

use headrace_simnode::family::Sim;
use headrace_simnode::hash::{Hash, hex, unhex_array};
use headrace_simnode::icon::truth::{self, REVERT_CONTRACT};
use headrace_simnode::icon::tx::{self, Address, address_text};
use headrace_simnode::{BlockId, Chain};
use serde::Deserialize;

use super::{Payment, Ways, hex_number, never_skipped, text, wide};
use crate::judge::{Question, Reply, Value};
use crate::scenario::Recipe;
use crate::truth::{Facts, Truth};

pub const WAYS: Ways = Ways {
    chain: "icon",
    path: "/icon/api/v3",
    probes: &[
        "icx_getLastBlock",
        "icx_getBlockByHeight",
        "icx_getBlockByHash",
        "icx_getNetworkInfo",
        "icx_getTransactionByHash",
    ],
    heads: &["icx_getLastBlock", "icx_getBlockByHeight", "icx_getNetworkInfo"],
    unavailable: -32_002,
    // Below it a node was pruned once by its operator: there is no window.
    states: 128,
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

/// The number of the network, `nid`.
fn identity(chain: &Chain) -> toml::Value {
    toml::Value::String(format!("{:#x}", chain.options.chain_id))
}

fn method(recipe: Recipe) -> Option<&'static str> {
    match recipe {
        Recipe::HeadNumber => Some("icx_getNetworkInfo"),
        Recipe::HeadBlock | Recipe::FinalBlock => Some("icx_getLastBlock"),
        Recipe::Block => Some("icx_getBlockByHeight"),
        Recipe::BlockByHash => Some("icx_getBlockByHash"),
        Recipe::HeadBalance | Recipe::Balance => Some("icx_getBalance"),
        Recipe::HeadCall | Recipe::Call | Recipe::Revert => Some("icx_call"),
        // No call reads a contract's storage; this reads another part of the state.
        Recipe::HeadStorage | Recipe::Storage => Some("icx_getTotalSupply"),
        Recipe::Receipt => Some("icx_getTransactionResult"),
        Recipe::Write => Some("icx_sendTransaction"),
        Recipe::Logs | Recipe::Batch | Recipe::Raw => None,
    }
}

fn params(question: &Question, _: &Truth) -> String {
    match question {
        Question::Newest(value) => params_at(value, None),
        Question::At(number, value) => params_at(value, Some(*number)),
        Question::ByHash(_, hash) => format!(r#"{{"hash":"{}"}}"#, hex(hash)),
        Question::Receipt(_, tx) => format!(r#"{{"txHash":"{}"}}"#, hex(tx)),
        Question::Revert => call(&REVERT_CONTRACT, &data(0), ""),
        Question::HeadNumber
        | Question::Final
        | Question::Logs(..)
        | Question::Write(_)
        | Question::Anything => "{}".to_owned(),
    }
}

fn params_at(value: &Value, number: Option<u64>) -> String {
    let height = number.map_or_else(String::new, |number| format!(r#""height":"{number:#x}""#));
    let comma = if height.is_empty() { "" } else { "," };
    match value {
        Value::Block | Value::Storage(..) => format!("{{{height}}}"),
        Value::Balance(who) => {
            format!(r#"{{"address":"{}"{comma}{height}}}"#, address_text(&address(0, *who)))
        }
        Value::Call(to, input) => {
            call(&address(1, *to), &data(*input), &format!("{comma}{height}"))
        }
    }
}

fn call(to: &Address, data: &str, height: &str) -> String {
    format!(r#"{{"to":"{}","dataType":"call","data":{data}{height}}}"#, address_text(to))
}

/// The text is part of what a contract answers to, so it is the same everywhere.
fn data(input: u64) -> String {
    format!(r#"{{"method":"read","params":{{"slot":"{input:#x}"}}}}"#)
}

fn address(kind: u8, index: u64) -> Address {
    let mut address = [kind; 21];
    address[1..].copy_from_slice(&super::account(index));
    address
}

fn write(payment: &Payment, truth: &Truth) -> Option<(Hash, String)> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).ok()?;
    let now = u64::try_from(now.as_micros()).ok()?;
    let nid = truth.chain.options.chain_id;
    let to = address(0, payment.to);
    let fields = tx::transfer(nid, &to, payment.amount.into(), now, payment.amount);
    let tx = tx::sign(&payment.secret, fields).ok()?;
    Some((tx.hash, serde_json::to_string(&tx.fields).ok()?))
}

fn written(result: &str) -> Option<Hash> {
    text(result).and_then(unhex_array)
}

fn number(result: &str) -> Option<u64> {
    #[derive(Deserialize)]
    struct Network<'a> {
        #[serde(borrow)]
        latest: Cow<'a, str>,
    }
    hex_number(&serde_json::from_str::<Network<'_>>(result).ok()?.latest)
}

fn block(result: &str, _: &Truth) -> Option<BlockId> {
    #[derive(Deserialize)]
    struct Shown<'a> {
        height: u64,
        #[serde(borrow)]
        block_hash: Cow<'a, str>,
    }
    let block: Shown<'_> = serde_json::from_str(result).ok()?;
    let hash = unhex_array(&format!("0x{}", block.block_hash))?;
    Some(BlockId { number: block.height, hash })
}

fn height(value: &Value, result: &str) -> Option<u64> {
    match value {
        Value::Block => None,
        Value::Balance(_) | Value::Call(..) | Value::Storage(..) => {
            wide(result).map(truth::height_in)
        }
    }
}

fn matches(value: &Value, result: &str, at: BlockId) -> bool {
    let expected = match value {
        Value::Block => return false,
        Value::Balance(who) => truth::balance(&address(0, *who), at),
        Value::Call(to, input) => truth::call(&address(1, *to), &data(*input), at),
        Value::Storage(..) => truth::total_supply(at),
    };
    wide(result) == Some(expected)
}

/// The first transaction is the chain's own issue of coins; the second is somebody's.
fn facts(number: u64, truth: &Truth) -> Option<Facts> {
    let Sim::Icon(sim) = &truth.chain.sim else { return None };
    let block = sim.build(&truth.draft(number)?);
    Some(Facts { logs: 0, tx: block.txs.get(1).map(|tx| tx.hash) })
}

fn receipt(number: u64, tx: &Hash, result: &str, truth: &Truth) -> bool {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Receipt<'a> {
        #[serde(borrow)]
        block_height: Cow<'a, str>,
        #[serde(borrow)]
        block_hash: Cow<'a, str>,
        #[serde(borrow)]
        tx_hash: Cow<'a, str>,
    }
    serde_json::from_str::<Receipt<'_>>(result).is_ok_and(|receipt| {
        hex_number(&receipt.block_height) == Some(number)
            && unhex_array(&receipt.block_hash) == truth.chain.main_hash(number)
            && unhex_array(&receipt.tx_hash) == Some(*tx)
    })
}

fn reverted(reply: &Reply<'_>) -> Option<bool> {
    let error = reply.error.as_ref().filter(|error| error.code == -30_032)?;
    Some(error.message.contains("Reverted(0)"))
}
