//! Whether an answer is right: a pure function of the question, the reply and the truth.
//!
//! An answer that means "newest" may be of any block that was there by then; which one
//! it was is told by the answer itself, since simulated state carries its height. That
//! it is fresh enough, and that heads do not go back, is judged elsewhere, over time.
//! How the answers of a family read is told by its [`Ways`]; what they must be is the
//! same for all.

use std::borrow::Cow;
use std::time::Duration;

use headrace_simnode::BlockId;
use headrace_simnode::hash::{Hash, hex, unhex_array};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::family::Ways;
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
    /// What became of a transaction in this block.
    Receipt(u64, Hash),
    /// A contract's refusal, which must arrive whole.
    Revert,
    Write(Hash),
    /// Not judged.
    Anything,
}

/// A value that follows from a block. Accounts, inputs and slots are numbers here; what
/// they are called is the family's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    Block,
    Balance(u64),
    /// What the contract of an account answers to an input.
    Call(u64, u64),
    /// What the contract of an account keeps in a slot.
    Storage(u64, u64),
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
    /// Chopsticks gives none.
    #[serde(default)]
    pub code: i64,
    #[serde(borrow, default)]
    pub message: Cow<'a, str>,
    #[serde(borrow, default)]
    pub data: Option<&'a RawValue>,
    /// NEAR's.
    #[serde(borrow, default)]
    pub cause: Option<Cause<'a>>,
}

/// Why, as NEAR's errors have it.
#[derive(Debug, Deserialize)]
pub struct Cause<'a> {
    #[serde(borrow)]
    pub name: Cow<'a, str>,
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

/// When a call was sent, on the chain's clock, and the HTTP status of its answer; the
/// replies of a batch have none of their own.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    pub sent: Duration,
    pub status: Option<u16>,
}

/// Judges one reply.
#[must_use]
pub fn judge(question: &Question, reply: &Reply<'_>, asked: Asked, truth: &Truth) -> Judgement {
    let ways = truth.ways();
    if *question == Question::Revert {
        return revert(reply, ways);
    }
    if let Some(error) = &reply.error {
        let none = matches!(question, Question::At(number, _) if truth.skipped(*number));
        let told = none && (ways.skipped)(reply, asked.status);
        return if told { Judgement::Right(None) } else { Judgement::Failed(error.code) };
    }
    let Some(result) = reply.result.map(RawValue::get) else {
        return Judgement::Wrong("neither result nor error".to_owned());
    };
    let case = Case { result, asked, truth, ways };
    case.judge(question).map_or_else(Judgement::Wrong, Judgement::Right)
}

fn revert(reply: &Reply<'_>, ways: &Ways) -> Judgement {
    match ((ways.reverted)(reply), &reply.error) {
        (Some(true), _) => Judgement::Right(None),
        (Some(false), error) => {
            let text = error.as_ref().and_then(|error| error.data).or(reply.result);
            Judgement::Wrong(format!(
                "a refusal that is not intact: {}",
                text.map_or_else(|| "nothing".to_owned(), |raw| clip(raw.get()))
            ))
        }
        (None, Some(error)) => Judgement::Failed(error.code),
        (None, None) => Judgement::Wrong("a refusal was answered with a result".to_owned()),
    }
}

/// Right, with the height of a newest answer; else what is wrong.
type Judged = Result<Option<u64>, String>;

/// A result with all that it is held against.
struct Case<'a> {
    result: &'a str,
    asked: Asked,
    truth: &'a Truth,
    ways: &'static Ways,
}

impl Case<'_> {
    fn judge(&self, question: &Question) -> Judged {
        match question {
            Question::HeadNumber => self.head_number(),
            Question::Newest(value) => self.newest(value),
            Question::Final => self.finalized(),
            Question::At(number, value) => self.at(*number, value),
            Question::ByHash(number, hash) => self.by_hash(*number, *hash),
            Question::Logs(from, to) => self.logs(*from, *to),
            Question::Receipt(number, tx) => self.receipt(*number, tx),
            Question::Write(hash) => match (self.ways.written)(self.result) {
                Some(told) if told == *hash => Ok(None),
                _ => Err(format!("another hash: {}", self.clip())),
            },
            // Judged before, as a whole reply.
            Question::Revert | Question::Anything => Ok(None),
        }
    }

    fn head_number(&self) -> Judged {
        let number = (self.ways.number)(self.result);
        let number = number.ok_or_else(|| format!("no height: {}", self.clip()))?;
        let head = self.truth.chain.tip().1;
        if number > head {
            return Err(format!("height {number}, but the chain's is {head}"));
        }
        Ok(Some(number))
    }

    fn newest(&self, value: &Value) -> Judged {
        let number = self.height(value).ok_or_else(|| format!("no value: {}", self.clip()))?;
        let head = self.truth.chain.tip().1;
        if number > head {
            return Err(format!("of height {number}, but the chain's is {head}"));
        }
        self.at(number, value)?;
        Ok(Some(number))
    }

    fn finalized(&self) -> Judged {
        let block = self.block().ok_or_else(|| format!("no block: {}", self.clip()))?;
        let most = self.truth.final_height();
        if block.number > most {
            return Err(format!("block {} is not final yet, {most} is", block.number));
        }
        if self.truth.has(block.number, &block.hash, self.asked.sent) {
            return Ok(None);
        }
        Err(format!("not block {} of this chain: {}", block.number, self.clip()))
    }

    fn at(&self, number: u64, value: &Value) -> Judged {
        let is = |hash: Hash| self.matches(value, BlockId { number, hash });
        if self.truth.candidates(number, self.asked.sent).into_iter().any(is) {
            return Ok(None);
        }
        Err(match self.height(value) {
            Some(other) if other != number => format!("of block {other} instead of {number}"),
            _ => format!("not of block {number} of this chain: {}", self.clip()),
        })
    }

    fn by_hash(&self, number: u64, hash: Hash) -> Judged {
        match self.block() {
            Some(found) if found == (BlockId { number, hash }) => Ok(None),
            _ => Err(format!("not block {number} by its hash: {}", self.clip())),
        }
    }

    fn receipt(&self, number: u64, tx: &Hash) -> Judged {
        if (self.ways.receipt)(number, tx, self.result, self.truth) {
            return Ok(None);
        }
        Err(format!("not what became of {} in block {number}: {}", hex(tx), self.clip()))
    }

    fn matches(&self, value: &Value, at: BlockId) -> bool {
        match value {
            Value::Block => self.block() == Some(at),
            Value::Balance(_) | Value::Call(..) | Value::Storage(..) => {
                (self.ways.matches)(value, self.result, at)
            }
        }
    }

    /// The height that a value shows.
    fn height(&self, value: &Value) -> Option<u64> {
        match value {
            Value::Block => self.block().map(|block| block.number),
            Value::Balance(_) | Value::Call(..) | Value::Storage(..) => {
                (self.ways.height)(value, self.result)
            }
        }
    }

    fn block(&self) -> Option<BlockId> {
        (self.ways.block)(self.result, self.truth)
    }

    /// Ethereum's alone.
    fn logs(&self, from: u64, to: u64) -> Judged {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Log<'a> {
            #[serde(borrow)]
            block_number: Cow<'a, str>,
            #[serde(borrow)]
            block_hash: Cow<'a, str>,
        }
        let logs: Vec<Log<'_>> =
            serde_json::from_str(self.result).map_err(|_| format!("no logs: {}", self.clip()))?;
        let mut expected = 0;
        for number in from..=to {
            expected += self.truth.facts(number).map_or(0, |facts| facts.logs);
        }
        if logs.len() != expected {
            return Err(format!(
                "{} logs of blocks {from} to {to} instead of {expected}",
                logs.len()
            ));
        }
        for log in &logs {
            let number = log.block_number.strip_prefix("0x");
            let number = number.and_then(|digits| u64::from_str_radix(digits, 16).ok());
            let number = number.filter(|number| (from..=to).contains(number));
            let hash = unhex_array::<32>(&log.block_hash);
            let known = number
                .zip(hash)
                .is_some_and(|(number, hash)| self.truth.has(number, &hash, self.asked.sent));
            if !known {
                return Err(format!(
                    "a log of another block: {} {}",
                    log.block_number, log.block_hash
                ));
            }
        }
        Ok(None)
    }

    fn clip(&self) -> String {
        clip(self.result)
    }
}

fn clip(text: &str) -> String {
    text.chars().take(80).collect()
}

#[cfg(test)]
mod tests;
