//! Consecutive blocks of one branch: hashes by number, newest last. Bounded.
//! It knows nothing of who showed it or whether it is true.

use std::collections::VecDeque;

use crate::names::{Block, Hash};

/// Blocks kept below the newest.
pub const KEEP: u64 = 256;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    hashes: VecDeque<Hash>,
    /// Number of the oldest; meaningless while empty.
    lowest: u64,
}

impl Line {
    pub fn of(block: Block) -> Self {
        Self { hashes: VecDeque::from([block.hash]), lowest: block.number }
    }

    pub fn len(&self) -> usize {
        self.hashes.len()
    }

    pub fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }

    pub fn top(&self) -> Option<Block> {
        let hash = *self.hashes.back()?;
        Some(Block { number: self.lowest + (self.hashes.len() as u64 - 1), hash })
    }

    /// Number of the oldest block; `None` while empty.
    pub fn bottom(&self) -> Option<u64> {
        (!self.is_empty()).then_some(self.lowest)
    }

    /// Number of the newest block, 0 while empty: an order among lines.
    pub fn height(&self) -> u64 {
        self.top().map_or(0, |block| block.number)
    }

    pub fn at(&self, number: u64) -> Option<Hash> {
        let index = usize::try_from(number.checked_sub(self.lowest)?).ok()?;
        self.hashes.get(index).copied()
    }

    pub fn has(&self, block: Block) -> bool {
        self.at(block.number) == Some(block.hash)
    }

    /// Number of the newest block that both lines have.
    pub fn common(&self, other: &Self) -> Option<u64> {
        let lowest = self.bottom()?.max(other.bottom()?);
        let highest = self.height().min(other.height());
        (lowest..=highest).rev().find(|&number| self.at(number) == other.at(number))
    }

    /// The same line without what is above `number`.
    pub fn up_to(&self, number: u64) -> Self {
        let kept = number.checked_sub(self.lowest).map_or(0, |above| above.saturating_add(1));
        let kept = usize::try_from(kept).unwrap_or(usize::MAX);
        Self { hashes: self.hashes.iter().take(kept).copied().collect(), lowest: self.lowest }
    }

    /// The same line without what is not above `number`.
    pub fn above(&self, number: u64) -> Self {
        let lowest = self.lowest.max(number.saturating_add(1));
        let skipped = usize::try_from(lowest - self.lowest).unwrap_or(usize::MAX);
        Self { hashes: self.hashes.iter().skip(skipped).copied().collect(), lowest }
    }

    /// The child of the newest block.
    pub fn push(&mut self, hash: Hash) {
        self.hashes.push_back(hash);
        if self.hashes.len() as u64 > KEEP + 1 {
            self.hashes.pop_front();
            self.lowest += 1;
        }
    }

    /// The parent of the oldest block, which must not be block 0.
    pub fn push_below(&mut self, hash: Hash) {
        self.hashes.push_front(hash);
        self.lowest = self.lowest.saturating_sub(1);
    }

    /// Continues with the blocks of `other`, whose oldest is the child of this line's newest.
    pub fn join(mut self, other: &Self) -> Self {
        other.hashes.iter().for_each(|&hash| self.push(hash));
        self
    }

    pub fn number_of(&self, hash: Hash) -> Option<u64> {
        let index = self.hashes.iter().rposition(|known| *known == hash)?;
        Some(self.lowest + index as u64)
    }
}
