//! What a node was asked, counted.

use std::collections::HashMap;

use parking_lot::Mutex;
use serde::Serialize;

use crate::hash::{Hash, hex};

/// Transactions whose arrivals are counted; past it new ones are not.
const TXS: usize = 1_000_000;
/// Method names that are counted by name; past it new ones count as `other`.
const METHODS: usize = 512;

/// Calls of one method.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Received, whatever became of them.
    pub calls: u64,
    /// Answered with a JSON-RPC error.
    pub errors: u64,
    /// Struck by a fault that spoilt the answer.
    pub faults: u64,
}

/// A copy of the counters at one instant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    pub methods: HashMap<String, Tally>,
    /// How often each transaction hash was received by a call.
    pub txs: HashMap<String, u32>,
    /// Connections accepted since the start.
    pub connections: u64,
}

impl Counts {
    /// Calls received in all.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.methods.values().map(|tally| tally.calls).sum()
    }

    /// Calls of one method.
    #[must_use]
    pub fn calls_of(&self, method: &str) -> u64 {
        self.methods.get(method).map_or(0, |tally| tally.calls)
    }

    /// How often a transaction was received.
    #[must_use]
    pub fn received(&self, hash: &Hash) -> u32 {
        self.txs.get(&hex(hash)).copied().unwrap_or(0)
    }
}

/// The counters of a node.
#[derive(Debug, Default)]
pub struct Counters {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    /// Where a method's tally stands.
    names: HashMap<String, usize>,
    tallies: Vec<Tally>,
    txs: HashMap<Hash, u32>,
    connections: u64,
}

impl Counters {
    pub(crate) fn call(&self, method: &str, tx: Option<Hash>) {
        let mut inner = self.inner.lock();
        inner.tally(method).calls += 1;
        let Some(hash) = tx else { return };
        if inner.txs.len() < TXS || inner.txs.contains_key(&hash) {
            *inner.txs.entry(hash).or_default() += 1;
        }
    }

    pub(crate) fn error(&self, method: &str) {
        self.inner.lock().tally(method).errors += 1;
    }

    pub(crate) fn fault(&self, method: &str) {
        self.inner.lock().tally(method).faults += 1;
    }

    pub(crate) fn connection(&self) {
        self.inner.lock().connections += 1;
    }

    /// How often a transaction was received, without copying all counters.
    #[must_use]
    pub fn received(&self, hash: &Hash) -> u32 {
        self.inner.lock().txs.get(hash).copied().unwrap_or(0)
    }

    #[must_use]
    pub fn snapshot(&self) -> Counts {
        let inner = self.inner.lock();
        Counts {
            methods: inner
                .names
                .iter()
                .map(|(name, index)| (name.clone(), inner.tallies[*index]))
                .collect(),
            txs: inner.txs.iter().map(|(hash, count)| (hex(hash), *count)).collect(),
            connections: inner.connections,
        }
    }
}

impl Inner {
    /// Allocates for a method's first call only.
    fn tally(&mut self, method: &str) -> &mut Tally {
        if let Some(index) = self.names.get(method) {
            return &mut self.tallies[*index];
        }
        let name = if self.names.len() < METHODS { method } else { "other" };
        let index = *self.names.entry(name.to_owned()).or_insert(self.tallies.len());
        if index == self.tallies.len() {
            self.tallies.push(Tally::default());
        }
        &mut self.tallies[index]
    }
}
