//! From the mix to calls: what is asked, and what a right answer would be. How a family
//! writes it is told by its [`Ways`](crate::family::Ways).

use std::sync::Arc;

use headrace_simnode::hash::{Draws, keccak};

use crate::family::Payment;
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
        let (question, params) = match share.call {
            Recipe::Write => self.write(),
            Recipe::Raw => {
                let params = share.params.clone().unwrap_or_else(|| "[]".to_owned());
                (Question::Anything, params)
            }
            _ => {
                let question = self.question(&share);
                let params = (self.truth.ways().params)(&question, &self.truth);
                (question, params)
            }
        };
        let method = (self.truth.ways().method)(share.call);
        let method = method.or(share.method.as_deref()).unwrap_or_default();
        let question = if share.poison { Question::Anything } else { question };
        let share = u16::try_from(at).unwrap_or(0);
        Planned { share, question, method: method.into(), params }
    }

    fn question(&self, share: &Share) -> Question {
        match share.call {
            Recipe::HeadNumber => Question::HeadNumber,
            Recipe::HeadBlock => Question::Newest(Value::Block),
            Recipe::HeadBalance => Question::Newest(self.balance()),
            Recipe::HeadCall => Question::Newest(self.value_of_call()),
            Recipe::HeadStorage => Question::Newest(self.storage()),
            Recipe::FinalBlock => Question::Final,
            Recipe::Block => Question::At(self.number(share), Value::Block),
            Recipe::Balance => Question::At(self.number(share), self.balance()),
            Recipe::Call => Question::At(self.number(share), self.value_of_call()),
            Recipe::Storage => Question::At(self.number(share), self.storage()),
            Recipe::BlockByHash => {
                let number = self.block(share);
                Question::ByHash(number, self.truth.chain.main_hash(number).unwrap_or_default())
            }
            Recipe::Logs => {
                let to = self.number(share);
                Question::Logs((to + 1).saturating_sub(share.size.unwrap_or(SIZE)), to)
            }
            Recipe::Receipt => {
                let number = self.block(share);
                let tx = self.truth.facts(number).and_then(|facts| facts.tx);
                Question::Receipt(number, tx.unwrap_or_default())
            }
            Recipe::Revert => Question::Revert,
            // Made elsewhere.
            Recipe::Write | Recipe::Batch | Recipe::Raw => Question::Anything,
        }
    }

    /// Each write comes from an account of its own, so that none waits for another.
    fn write(&mut self) -> (Question, String) {
        self.writes += 1;
        let payment = Payment {
            secret: keccak(&[b"load", &self.seed.to_be_bytes(), &self.writes.to_be_bytes()]),
            to: self.account(),
            amount: self.writes,
        };
        // One secret in 2^128 is no key; the node will refuse the empty params.
        let signed = (self.truth.ways().write)(&payment, &self.truth);
        let (hash, params) = signed.unwrap_or_else(|| ([0; 32], "[]".to_owned()));
        (Question::Write(hash), params)
    }

    /// A height so far below the head, be there a block or not.
    fn number(&self, share: &Share) -> u64 {
        let (from, to) = share.depth.unwrap_or(DEPTH);
        let depth = from + self.draws.next() % (to - from + 1);
        self.truth.chain.tip().1.saturating_sub(depth)
    }

    /// The height of a block so far below the head.
    fn block(&self, share: &Share) -> u64 {
        self.truth.standing(self.number(share))
    }

    fn account(&self) -> u64 {
        self.draws.next() % ACCOUNTS
    }

    fn balance(&self) -> Value {
        Value::Balance(self.account())
    }

    fn storage(&self) -> Value {
        Value::Storage(self.account(), self.account())
    }

    fn value_of_call(&self) -> Value {
        Value::Call(self.account(), self.account())
    }
}
