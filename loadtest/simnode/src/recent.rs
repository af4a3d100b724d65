//! The blocks that were built last, and the blocks that include a transaction.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use parking_lot::Mutex;

use crate::hash::Hash;

/// Built blocks kept at hand.
const BLOCKS: usize = 4_096;
/// Transactions that can be found by their hash: the newest ones.
const TXS: usize = 200_000;

/// Blocks of one family by their hash.
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
        self.inner.lock().blocks.get(hash).map(Arc::clone)
    }

    pub fn keep(&self, hash: Hash, block: Arc<B>) {
        let mut inner = self.inner.lock();
        inner.order.push_back(hash);
        inner.blocks.insert(hash, block);
        if inner.order.len() > BLOCKS
            && let Some(oldest) = inner.order.pop_front()
        {
            inner.blocks.remove(&oldest);
        }
    }

    /// Remembers that a block includes these transactions.
    pub fn index(&self, block: Hash, txs: impl IntoIterator<Item = Hash>) {
        let mut inner = self.inner.lock();
        for tx in txs {
            inner.index(tx, block);
        }
    }

    /// The blocks that include a transaction, on whatever branch.
    #[must_use]
    pub fn blocks_of(&self, tx: &Hash) -> Vec<Hash> {
        self.inner.lock().txs.get(tx).cloned().unwrap_or_default()
    }
}

impl<B> Inner<B> {
    fn index(&mut self, tx: Hash, block: Hash) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transaction_is_found_in_every_block_that_includes_it() {
        let recent: Recent<u8> = Recent::default();
        recent.index([1; 32], [[9; 32]]);
        recent.index([2; 32], [[9; 32]]);
        recent.index([2; 32], [[9; 32]]);
        assert_eq!(recent.blocks_of(&[9; 32]), [[1; 32], [2; 32]]);
        assert!(recent.blocks_of(&[8; 32]).is_empty());
    }

    #[test]
    fn only_the_newest_blocks_are_kept() {
        let recent: Recent<usize> = Recent::default();
        let name = |index: usize| {
            let mut hash = [0; 32];
            hash[..8].copy_from_slice(&index.to_be_bytes());
            hash
        };
        for index in 0..=BLOCKS {
            recent.keep(name(index), Arc::new(index));
        }
        assert_eq!(recent.get(&name(0)), None);
        assert_eq!(recent.get(&name(BLOCKS)).as_deref(), Some(&BLOCKS));
    }
}
