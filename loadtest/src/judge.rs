//! Whether an answer is right: a pure function of the question, the reply and the truth.
//!
//! An answer that means "newest" may be of any block that was there by then; which one
//! it was is told by the answer itself, since simulated state carries its height. That
//! it is fresh enough, and that heads do not go back, is judged elsewhere, over time.

use std::borrow::Cow;
use std::time::Duration;

use headrace_simnode::hash::{Hash, unhex, unhex_array};
use headrace_simnode::truth;
use headrace_simnode::tx::Address;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::truth::Truth;

/// What a call asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    HeadNumber,
    /// A value at the newest block.
    Newest(Value),
    /// The finalized block.
    Final,
    At(u64, Value),
    ByHash(u64, Hash),
    /// All logs of these blocks.
    Logs(u64, u64),
    Receipt(u64, Hash),
    Revert,
    Write(Hash),
    /// Not judged.
    Anything,
}

/// A value that follows from a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    Block,
    Balance(Address),
    Call(Address, Vec<u8>),
    Storage(Address, Hash),
}

/// A reply as JSON-RPC has it.
#[derive(Debug, Deserialize)]
pub struct Reply<'a> {
    #[serde(borrow, default)]
    pub id: Option<&'a RawValue>,
    /// A null result is a result.
    #[serde(borrow, default, deserialize_with = "present")]
    pub result: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub error: Option<ReplyError<'a>>,
}

fn present<'de, D>(reader: D) -> Result<Option<&'de RawValue>, D::Error>
where
    D: serde::Deserializer<'de>,
{
    <&RawValue>::deserialize(reader).map(Some)
}

/// The error of a reply.
#[derive(Debug, Deserialize)]
pub struct ReplyError<'a> {
    pub code: i64,
    #[serde(borrow, default)]
    pub message: Cow<'a, str>,
    #[serde(borrow, default)]
    pub data: Option<&'a RawValue>,
}

impl ReplyError<'_> {
    /// The word in `data.reason`.
    #[must_use]
    pub fn reason(&self) -> Option<String> {
        #[derive(Deserialize)]
        struct Data<'a> {
            #[serde(borrow)]
            reason: Cow<'a, str>,
        }
        let data: Data<'_> = serde_json::from_str(self.data?.get()).ok()?;
        Some(data.reason.into_owned())
    }
}

/// What an answer is worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// Right; of an answer that means "newest", the height that it shows.
    Right(Option<u64>),
    /// An error instead of an answer.
    Failed(i64),
    /// An answer, and not the truth.
    Wrong(String),
}

/// When a call was sent and answered, on the chain's clock.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    pub sent: Duration,
}

/// Judges one reply.
#[must_use]
pub fn judge(question: &Question, reply: &Reply<'_>, asked: Asked, truth: &Truth) -> Judgement {
    if let Some(error) = &reply.error {
        return judge_error(question, error);
    }
    let Some(result) = reply.result.map(RawValue::get) else {
        return Judgement::Wrong("neither result nor error".to_owned());
    };
    let judged = match question {
        Question::HeadNumber => head_number(result, truth),
        Question::Newest(value) => newest(value, result, asked, truth),
        Question::Final => finalized(result, asked, truth),
        Question::At(number, value) => at(*number, value, result, asked, truth),
        Question::ByHash(number, hash) => by_hash(*number, hash, result),
        Question::Logs(from, to) => logs(*from, *to, result, asked, truth),
        Question::Receipt(number, tx) => receipt(*number, tx, result),
        Question::Revert => Err("a revert was answered with a result".to_owned()),
        Question::Write(hash) => match text(result).and_then(unhex_array::<32>) {
            Some(told) if told == *hash => Ok(None),
            _ => Err(format!("another hash: {}", clip(result))),
        },
        Question::Anything => Ok(None),
    };
    judged.map_or_else(Judgement::Wrong, Judgement::Right)
}

type Judged = Result<Option<u64>, String>;

fn judge_error(question: &Question, error: &ReplyError<'_>) -> Judgement {
    if *question != Question::Revert || error.code != 3 {
        return Judgement::Failed(error.code);
    }
    let data = error.data.and_then(|raw| text(raw.get())).and_then(unhex);
    match data {
        Some(data) if data == truth::revert_data() => Judgement::Right(None),
        _ => Judgement::Wrong("the revert data is not intact".to_owned()),
    }
}

fn head_number(result: &str, truth: &Truth) -> Judged {
    let number = quantity(result).ok_or_else(|| format!("no quantity: {}", clip(result)))?;
    let head = truth.chain.tip().1;
    if number > head {
        return Err(format!("height {number}, but the chain's is {head}"));
    }
    Ok(Some(number))
}

fn newest(value: &Value, result: &str, asked: Asked, truth: &Truth) -> Judged {
    let number = height_in(value, result).ok_or_else(|| format!("no value: {}", clip(result)))?;
    let head = truth.chain.tip().1;
    if number > head {
        return Err(format!("of height {number}, but the chain's is {head}"));
    }
    at(number, value, result, asked, truth)?;
    Ok(Some(number))
}

fn finalized(result: &str, asked: Asked, truth: &Truth) -> Judged {
    let number =
        height_in(&Value::Block, result).ok_or_else(|| format!("no block: {}", clip(result)))?;
    let most = truth.chain.tip().1.saturating_sub(truth.chain.options.final_depth);
    if number > most {
        return Err(format!("block {number} is not final yet, {most} is"));
    }
    at(number, &Value::Block, result, asked, truth)?;
    Ok(None)
}

fn at(number: u64, value: &Value, result: &str, asked: Asked, truth: &Truth) -> Judged {
    let is = |hash: Hash| matches(value, result, number, hash);
    if truth.candidates(number, asked.sent).into_iter().any(is) {
        return Ok(None);
    }
    let shown = height_in(value, result);
    Err(match shown {
        Some(other) if other != number => format!("of block {other} instead of {number}"),
        _ => format!("not of block {number} of this chain: {}", clip(result)),
    })
}

fn matches(value: &Value, result: &str, number: u64, hash: Hash) -> bool {
    let at = Truth::at(number, hash);
    match value {
        Value::Block => block(result) == Some((number, hash)),
        Value::Balance(address) => wide(result) == Some(truth::balance(address, at)),
        Value::Call(to, data) => word(result) == Some(truth::call(to, data, at)),
        Value::Storage(address, slot) => word(result) == Some(truth::storage(address, slot, at)),
    }
}

/// The height that a value shows.
fn height_in(value: &Value, result: &str) -> Option<u64> {
    match value {
        Value::Block => block(result).map(|(number, _)| number),
        Value::Balance(_) => wide(result).map(truth::height_in),
        Value::Call(..) | Value::Storage(..) => {
            let word = word(result)?;
            let mut half = [0; 16];
            half.copy_from_slice(&word[16..]);
            Some(truth::height_in(u128::from_be_bytes(half)))
        }
    }
}

fn by_hash(number: u64, hash: &Hash, result: &str) -> Judged {
    match block(result) {
        Some(found) if found == (number, *hash) => Ok(None),
        _ => Err(format!("not block {number} by its hash: {}", clip(result))),
    }
}

fn logs(from: u64, to: u64, result: &str, asked: Asked, truth: &Truth) -> Judged {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Log<'a> {
        #[serde(borrow)]
        block_number: Cow<'a, str>,
        #[serde(borrow)]
        block_hash: Cow<'a, str>,
    }
    let logs: Vec<Log<'_>> =
        serde_json::from_str(result).map_err(|_| format!("no logs: {}", clip(result)))?;
    let mut expected = 0;
    for number in from..=to {
        expected += truth.facts(number).map_or(0, |facts| facts.logs);
    }
    if logs.len() != expected {
        return Err(format!("{} logs of blocks {from} to {to} instead of {expected}", logs.len()));
    }
    for log in &logs {
        let number = hex_number(&log.block_number).filter(|number| (from..=to).contains(number));
        let hash = unhex_array::<32>(&log.block_hash);
        let known =
            number.zip(hash).is_some_and(|(number, hash)| truth.has(number, &hash, asked.sent));
        if !known {
            return Err(format!("a log of another block: {} {}", log.block_number, log.block_hash));
        }
    }
    Ok(None)
}

fn receipt(number: u64, tx: &Hash, result: &str) -> Judged {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Receipt<'a> {
        #[serde(borrow)]
        block_number: Cow<'a, str>,
        #[serde(borrow)]
        transaction_hash: Cow<'a, str>,
    }
    let receipt: Receipt<'_> =
        serde_json::from_str(result).map_err(|_| format!("no receipt: {}", clip(result)))?;
    let told = (hex_number(&receipt.block_number), unhex_array::<32>(&receipt.transaction_hash));
    if told == (Some(number), Some(*tx)) {
        return Ok(None);
    }
    Err(format!("another receipt: block {}", receipt.block_number))
}

fn block(result: &str) -> Option<(u64, Hash)> {
    #[derive(Deserialize)]
    struct Block<'a> {
        #[serde(borrow)]
        number: Cow<'a, str>,
        #[serde(borrow)]
        hash: Cow<'a, str>,
    }
    let block: Block<'_> = serde_json::from_str(result).ok()?;
    Some((hex_number(&block.number)?, unhex_array(&block.hash)?))
}

fn quantity(result: &str) -> Option<u64> {
    text(result).and_then(hex_number)
}

fn wide(result: &str) -> Option<u128> {
    u128::from_str_radix(text(result)?.strip_prefix("0x")?, 16).ok()
}

fn word(result: &str) -> Option<Hash> {
    text(result).and_then(unhex_array)
}

fn hex_number(text: &str) -> Option<u64> {
    u64::from_str_radix(text.strip_prefix("0x")?, 16).ok()
}

/// The text of a JSON string that needs no unescaping: hex never does.
fn text(raw: &str) -> Option<&str> {
    raw.strip_prefix('"')?.strip_suffix('"')
}

fn clip(text: &str) -> String {
    text.chars().take(80).collect()
}

#[cfg(test)]
mod tests;
