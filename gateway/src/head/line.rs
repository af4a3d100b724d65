//! Blocks of one branch, each the child of the one before, newest last. Bounded. Numbers
//! rise, but not always by one: some chains skip heights. It knows nothing of who showed
//! it or whether it is true.

use std::collections::VecDeque;

use crate::names::{Block, Hash};

/// Blocks kept below the newest.
pub const KEEP: u64 = 256;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// By number, which rises strictly.
    blocks: VecDeque<Block>,
}

impl Line {
    pub fn of(block: Block) -> Self {
        Self { blocks: VecDeque::from([block]) }
    }

    pub fn len(&self) -> usize {
        self.blocks.len()
    }

    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// The blocks, oldest first.
    pub fn blocks(&self) -> impl DoubleEndedIterator<Item = Block> {
        self.blocks.iter().copied()
    }

    pub fn top(&self) -> Option<Block> {
        self.blocks.back().copied()
    }

    /// Number of the oldest block; `None` while empty.
    pub fn bottom(&self) -> Option<u64> {
        self.blocks.front().map(|block| block.number)
    }

    /// Number of the newest block, 0 while empty: an order among lines.
    pub fn height(&self) -> u64 {
        self.top().map_or(0, |block| block.number)
    }

    pub fn at(&self, number: u64) -> Option<Hash> {
        self.newest_up_to(number).filter(|block| block.number == number).map(|block| block.hash)
    }

    pub fn has(&self, block: Block) -> bool {
        self.at(block.number) == Some(block.hash)
    }

    /// Whether the line shows that there is no block at a height: it has blocks above and
    /// below it.
    pub fn skips(&self, number: u64) -> bool {
        self.bottom().is_some_and(|bottom| bottom < number)
            && number < self.height()
            && self.at(number).is_none()
    }

    /// Whether the line shows that a block is not on its branch: it has another one at that
    /// height, or skips it.
    pub fn contradicts(&self, block: Block) -> bool {
        self.skips(block.number) || self.at(block.number).is_some_and(|hash| hash != block.hash)
    }

    /// The newest block whose number is not above `number`.
    pub fn newest_up_to(&self, number: u64) -> Option<Block> {
        self.blocks.get(self.count_up_to(number).checked_sub(1)?).copied()
    }

    /// Blocks whose number is not above `number`. Distances bound where to look: at most
    /// one block per height from either end, which without gaps leaves one place.
    fn count_up_to(&self, number: u64) -> usize {
        let Some(below) = self.bottom().and_then(|bottom| number.checked_sub(bottom)) else {
            return 0;
        };
        let below = usize::try_from(below).unwrap_or(usize::MAX);
        let above = usize::try_from(self.height().saturating_sub(number)).unwrap_or(usize::MAX);
        let mut most = below.saturating_add(1).min(self.len());
        let mut least = self.len().saturating_sub(above);
        while least < most {
            let middle = usize::midpoint(least, most);
            if self.blocks[middle].number <= number {
                least = middle + 1;
            } else {
                most = middle;
            }
        }
        least
    }

    /// Number of the newest block that both lines have.
    pub fn common(&self, other: &Self) -> Option<u64> {
        self.blocks().rev().find(|&block| other.has(block)).map(|block| block.number)
    }

    /// The same line without what is above `number`.
    pub fn up_to(&self, number: u64) -> Self {
        Self { blocks: self.blocks().take(self.count_up_to(number)).collect() }
    }

    /// The same line without what is not above `number`.
    pub fn above(&self, number: u64) -> Self {
        Self { blocks: self.blocks().skip(self.count_up_to(number)).collect() }
    }

    /// The child of the newest block. One that is not above it is none, and is left out.
    pub fn push(&mut self, block: Block) {
        if self.top().is_some_and(|top| block.number <= top.number) {
            return;
        }
        self.blocks.push_back(block);
        if self.blocks.len() as u64 > KEEP + 1 {
            self.blocks.pop_front();
        }
    }

    /// The parent of the oldest block. One that is not below it is none, and is left out.
    pub fn push_below(&mut self, block: Block) {
        if self.bottom().is_none_or(|bottom| block.number < bottom) {
            self.blocks.push_front(block);
        }
    }

    /// Continues with the blocks of `other`, whose oldest is the child of this line's newest.
    pub fn join(mut self, other: &Self) -> Self {
        other.blocks().for_each(|block| self.push(block));
        self
    }

    /// Number of the block of that hash.
    pub fn number_of(&self, hash: Hash) -> Option<u64> {
        self.blocks().rev().find(|known| known.hash == hash).map(|known| known.number)
    }
}
