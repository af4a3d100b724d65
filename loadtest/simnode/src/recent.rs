//! Built blocks kept at hand, and which block a transaction is in.
//!
//! A cache: whoever misses a block builds it again from its draft. What must hold: the
//! newest blocks and transactions stay, and memory is bounded.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use parking_lot::Mutex;

use crate::hash::Hash;

/// Blocks kept.
const BLOCKS: usize = 4_096;
/// Transactions that can be found by their hash: the newest ones.
const TXS: usize = 200_000;

/// The newest blocks of one chain, whatever a family calls a block.
#[derive(Debug)]
pub struct Recent<B> {
    inner: Mutex<Inner<B>>,
}

#[derive(Debug)]
struct Inner<B> {
    blocks: HashMap<Hash, Arc<B>>,
    order: VecDeque<Hash>,
    /// Of each transaction, the blocks that include it: one on each branch.
    txs: HashMap<Hash, Vec<Hash>>,
    tx_order: VecDeque<Hash>,
}

impl<B> Default for Recent<B> {
    fn default() -> Self {
        let inner = Inner {
            blocks: HashMap::new(),
            order: VecDeque::new(),
            txs: HashMap::new(),
            tx_order: VecDeque::new(),
        };
        Self { inner: Mutex::new(inner) }
    }
}

impl<B> Recent<B> {
    #[must_use]
    pub fn get(&self, hash: &Hash) -> Option<Arc<B>> {
        self.inner.lock().blocks.get(hash).cloned()
    }

    pub fn keep(&self, hash: Hash, block: Arc<B>) {
        let mut inner = self.inner.lock();
        if inner.blocks.insert(hash, block).is_none() {
            inner.order.push_back(hash);
        }
        if inner.order.len() > BLOCKS
            && let Some(oldest) = inner.order.pop_front()
        {
            inner.blocks.remove(&oldest);
        }
    }

    /// Notes that a block includes these transactions.
    pub fn index(&self, block: Hash, txs: impl Iterator<Item = Hash>) {
        let mut inner = self.inner.lock();
        for tx in txs {
            inner.index(block, tx);
        }
    }

    /// The blocks that include a transaction, on whatever branch.
    #[must_use]
    pub fn blocks_of(&self, tx: &Hash) -> Vec<Hash> {
        self.inner.lock().txs.get(tx).cloned().unwrap_or_default()
    }
}

impl<B> Inner<B> {
    fn index(&mut self, block: Hash, tx: Hash) {
        let blocks = self.txs.entry(tx).or_default();
        if blocks.is_empty() {
            self.tx_order.push_back(tx);
        }
        if !blocks.contains(&block) {
            blocks.push(block);
        }
        if self.tx_order.len() > TXS
            && let Some(oldest) = self.tx_order.pop_front()
        {
            self.txs.remove(&oldest);
        }
    }
}
