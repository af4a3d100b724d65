//! From the mix to calls: what is sent, and what a right answer would be.

use std::sync::Arc;

use headrace_simnode::hash::{Draws, Hash, hex, keccak};
use headrace_simnode::truth::REVERT_CONTRACT;
use headrace_simnode::tx::{self, Address, Fields};

use crate::judge::{Question, Value};
use crate::scenario::{Recipe, Scenario, Share};
use crate::truth::Truth;

/// Accounts and contracts that are read.
const ACCOUNTS: u64 = 64;
/// How far below the head numbered reads are, unless the mix says so: below any reorg,
/// within what full nodes keep.
const DEPTH: (u64, u64) = (8, 100);
const SIZE: u64 = 4;

/// One call to be sent.
#[derive(Clone, Debug)]
pub struct Planned {
    pub share: u16,
    pub question: Question,
    pub method: Arc<str>,
    /// JSON text.
    pub params: String,
}

/// Draws calls from a mix.
#[derive(Debug)]
pub struct Cook {
    truth: Arc<Truth>,
    draws: Draws,
    shares: Vec<Share>,
    /// Sums of the shares up to each.
    sums: Vec<f64>,
    /// The same without batches, and without poison: a batch is as slow as its slowest call.
    singles: Vec<(usize, f64)>,
    seed: u64,
    writes: u64,
}

impl Cook {
    #[must_use]
    pub fn new(scenario: &Scenario, truth: Arc<Truth>) -> Self {
        let shares = scenario.load.mix.clone();
        let mut sum = 0.0;
        let mut up_to = |share: &Share| {
            sum += *share.share.get_ref();
            sum
        };
        let sums = shares.iter().map(&mut up_to).collect();
        sum = 0.0;
        let mut up_to = |share: &Share| {
            sum += *share.share.get_ref();
            sum
        };
        let single = |(_, share): &(usize, &Share)| share.call != Recipe::Batch && !share.poison;
        let singles = shares.iter().enumerate().filter(single);
        let singles = singles.map(|(at, share)| (at, up_to(share))).collect();
        let seed = scenario.load.seed ^ scenario.chain.seed;
        Self { truth, draws: Draws::new(seed), shares, sums, singles, seed, writes: 0 }
    }

    /// The calls of the next request: one, or those of a batch.
    pub fn request(&mut self) -> (Vec<Planned>, bool) {
        let total = self.sums.last().copied().unwrap_or(1.0);
        let draw = self.draws.unit() * total;
        let at = self.sums.partition_point(|sum| *sum <= draw).min(self.shares.len() - 1);
        if self.shares[at].call != Recipe::Batch {
            return (vec![self.call(at)], false);
        }
        let size = self.shares[at].size.unwrap_or(SIZE);
        ((0..size).map(|_| self.single()).collect(), true)
    }

    fn single(&mut self) -> Planned {
        let total = self.singles.last().map_or(1.0, |(_, sum)| *sum);
        let draw = self.draws.unit() * total;
        let at = self.singles.partition_point(|(_, sum)| *sum <= draw).min(self.singles.len() - 1);
        self.call(self.singles[at].0)
    }

    fn call(&mut self, at: usize) -> Planned {
        let share = self.shares[at].clone();
        let (method, params, question) = match share.call {
            Recipe::Write => self.write(),
            Recipe::Raw => {
                let params = share.params.clone().unwrap_or_else(|| "[]".to_owned());
                let method = share.method.clone().unwrap_or_default();
                let question = Question::Anything;
                return self.planned(at, &method, params, question, share.poison);
            }
            _ => self.read(&share),
        };
        self.planned(at, method, params, question, share.poison)
    }

    fn planned(
        &self,
        at: usize,
        method: &str,
        params: String,
        question: Question,
        poison: bool,
    ) -> Planned {
        let question = if poison { Question::Anything } else { question };
        Planned { share: u16::try_from(at).unwrap_or(0), question, method: method.into(), params }
    }

    fn read(&self, share: &Share) -> (&'static str, String, Question) {
        let address = self.address();
        match share.call {
            Recipe::HeadNumber => ("eth_blockNumber", "[]".to_owned(), Question::HeadNumber),
            Recipe::HeadBlock => newest(Value::Block),
            Recipe::HeadBalance => newest(Value::Balance(address)),
            Recipe::HeadCall => newest(self.value_of_call(address)),
            Recipe::HeadStorage => newest(Value::Storage(address, self.slot())),
            Recipe::FinalBlock => {
                ("eth_getBlockByNumber", r#"["finalized",false]"#.to_owned(), Question::Final)
            }
            Recipe::Block => at(self.number(share), Value::Block),
            Recipe::Balance => at(self.number(share), Value::Balance(address)),
            Recipe::Call => at(self.number(share), self.value_of_call(address)),
            Recipe::Storage => at(self.number(share), Value::Storage(address, self.slot())),
            Recipe::BlockByHash => self.by_hash(share),
            Recipe::Logs => self.logs(share),
            Recipe::Receipt => self.receipt(share),
            Recipe::Revert => {
                let params =
                    format!(r#"[{{"to":"{}","data":"0x"}},"latest"]"#, hex(&REVERT_CONTRACT));
                ("eth_call", params, Question::Revert)
            }
            // Handled before; the cheapest read stands in.
            Recipe::Write | Recipe::Batch | Recipe::Raw => {
                ("eth_blockNumber", "[]".to_owned(), Question::HeadNumber)
            }
        }
    }

    fn by_hash(&self, share: &Share) -> (&'static str, String, Question) {
        let number = self.number(share);
        let hash = self.truth.chain.main_hash(number).unwrap_or_default();
        let params = format!(r#"["{}",false]"#, hex(&hash));
        ("eth_getBlockByHash", params, Question::ByHash(number, hash))
    }

    fn logs(&self, share: &Share) -> (&'static str, String, Question) {
        let size = share.size.unwrap_or(SIZE);
        let to = self.number(share);
        let from = (to + 1).saturating_sub(size);
        let params = format!(r#"[{{"fromBlock":"{from:#x}","toBlock":"{to:#x}"}}]"#);
        ("eth_getLogs", params, Question::Logs(from, to))
    }

    fn receipt(&self, share: &Share) -> (&'static str, String, Question) {
        let number = self.number(share);
        let tx = self.truth.facts(number).and_then(|facts| facts.tx).unwrap_or_default();
        let params = format!(r#"["{}"]"#, hex(&tx));
        ("eth_getTransactionReceipt", params, Question::Receipt(number, tx))
    }

    /// Each write comes from an account of its own, so that none waits for another.
    fn write(&mut self) -> (&'static str, String, Question) {
        self.writes += 1;
        let secret = keccak(&[b"load", &self.seed.to_be_bytes(), &self.writes.to_be_bytes()]);
        let id = self.truth.chain.options.chain_id;
        let fields = Fields::transfer(id, 0, self.address(), u128::from(self.writes));
        let (raw, hash) = match tx::sign(&secret, fields) {
            Ok(tx) => (hex(&tx.raw), tx.hash),
            // One secret in 2^128 is no key; the node will refuse the empty bytes.
            Err(_) => ("0x".to_owned(), [0; 32]),
        };
        ("eth_sendRawTransaction", format!(r#"["{raw}"]"#), Question::Write(hash))
    }

    fn number(&self, share: &Share) -> u64 {
        let (from, to) = share.depth.unwrap_or(DEPTH);
        let depth = from + self.draws.next() % (to - from + 1);
        self.truth.chain.tip().1.saturating_sub(depth)
    }

    fn address(&self) -> Address {
        let hash = keccak(&[b"account", &(self.draws.next() % ACCOUNTS).to_be_bytes()]);
        let mut address = [0; 20];
        address.copy_from_slice(&hash[..20]);
        address
    }

    fn slot(&self) -> Hash {
        headrace_simnode::truth::word(self.draws.next() % ACCOUNTS)
    }

    fn value_of_call(&self, to: Address) -> Value {
        Value::Call(to, self.slot().to_vec())
    }
}

fn newest(value: Value) -> (&'static str, String, Question) {
    let (method, params) = ask(&value, "latest");
    (method, params, Question::Newest(value))
}

fn at(number: u64, value: Value) -> (&'static str, String, Question) {
    let (method, params) = ask(&value, &format!("{number:#x}"));
    (method, params, Question::At(number, value))
}

fn ask(value: &Value, block: &str) -> (&'static str, String) {
    match value {
        Value::Block => ("eth_getBlockByNumber", format!(r#"["{block}",false]"#)),
        Value::Balance(address) => ("eth_getBalance", format!(r#"["{}","{block}"]"#, hex(address))),
        Value::Call(to, data) => {
            let params = format!(r#"[{{"to":"{}","data":"{}"}},"{block}"]"#, hex(to), hex(data));
            ("eth_call", params)
        }
        Value::Storage(address, slot) => {
            let params = format!(r#"["{}","{}","{block}"]"#, hex(address), hex(slot));
            ("eth_getStorageAt", params)
        }
    }
}
