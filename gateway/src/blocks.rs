//! Height by block hash, for recent blocks of one chain: a call that names a
//! block by hash is routed by its height. Filled by the tracker from the headers
//! it sees; bounded, the oldest forgotten first. Not a cache of answers.

use std::collections::VecDeque;

use dashmap::{DashMap, DashSet};
use parking_lot::Mutex;

use crate::names::{Block, Hash};

/// Blocks remembered.
const KEPT: usize = 4_096;

#[derive(Debug, Default)]
pub struct Blocks {
    heights: DashMap<Hash, u64>,
    /// In the order of arrival; only the tracker takes this lock.
    arrived: Mutex<VecDeque<Hash>>,
    /// Blocks that a node no longer keeps.
    old: DashSet<Hash>,
}

impl Blocks {
    pub fn insert(&self, block: Block) {
        if self.heights.insert(block.hash, block.number).is_some() {
            return;
        }
        let mut arrived = self.arrived.lock();
        arrived.push_back(block.hash);
        if arrived.len() > KEPT
            && let Some(oldest) = arrived.pop_front()
        {
            self.heights.remove(&oldest);
        }
    }

    /// Visits every block in the order of arrival.
    pub fn each(&self, mut visit: impl FnMut(Block)) {
        for &hash in self.arrived.lock().iter() {
            if let Some(number) = self.height(hash) {
                visit(Block { number, hash });
            }
        }
    }

    /// A node said that it has discarded the block. Past the bound all are forgotten: each
    /// costs one call of a full node to be learned again.
    pub fn learn_old(&self, hash: Hash) {
        if self.old.len() >= KEPT {
            self.old.clear();
        }
        self.old.insert(hash);
    }

    /// Whether a block of unknown height is so old that not every node keeps it.
    pub fn is_old(&self, hash: Hash) -> bool {
        self.old.contains(&hash)
    }

    pub fn height(&self, hash: Hash) -> Option<u64> {
        self.heights.get(&hash).map(|height| *height)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_blocks_are_remembered_within_the_bound() {
        let blocks = Blocks::default();
        assert!(!blocks.is_old(Hash([1; 32])));
        blocks.learn_old(Hash([1; 32]));
        assert!(blocks.is_old(Hash([1; 32])));
        for number in 0..=KEPT as u64 {
            let mut bytes = [0; 32];
            bytes[..8].copy_from_slice(&number.to_be_bytes());
            blocks.learn_old(Hash(bytes));
        }
        assert!(blocks.old.len() <= KEPT);
    }

    #[test]
    fn recent_blocks_are_known_by_hash_and_old_ones_forgotten() {
        let blocks = Blocks::default();
        let hash = |number: u64| {
            let mut bytes = [0; 32];
            bytes[..8].copy_from_slice(&number.to_be_bytes());
            Hash(bytes)
        };
        for number in 0..=KEPT as u64 {
            blocks.insert(Block { number, hash: hash(number) });
        }
        assert_eq!(blocks.height(hash(0)), None);
        assert_eq!(blocks.height(hash(1)), Some(1));
        assert_eq!(blocks.heights.len(), KEPT);
    }
}
