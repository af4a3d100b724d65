//! Finality marks (*safe*, *finalized*) of one chain: the height that a majority
//! of the voting nodes has reached, which never goes back.

use crate::{
    head::line::Line,
    names::{Block, NodeIndex},
};

/// One kind of mark over all nodes of a chain.
#[derive(Clone, Debug)]
pub struct Marks {
    shown: Vec<Option<Block>>,
    settled: Option<Block>,
}

impl Marks {
    pub fn new(nodes: usize) -> Self {
        Self { shown: vec![None; nodes], settled: None }
    }

    pub fn observe(&mut self, node: NodeIndex, block: Block) {
        self.shown[usize::from(node.0)] = Some(block);
    }

    /// The mark clients are shown.
    pub const fn settled(&self) -> Option<Block> {
        self.settled
    }

    /// Takes the mark over from an older topology.
    pub const fn adopt(&mut self, older: &Self) {
        self.settled = older.settled;
    }

    /// Counts the votes of the nodes that may vote; returns the mark when it moved.
    /// As for heads: sorted descending, index ⌊N/2⌋; of two the lower, for a mark is a promise.
    /// A block that the served line contradicts (another one at its height, or none) is no
    /// vote: clients would be shown a block that no node on that line has.
    pub fn settle(&mut self, may_vote: impl Fn(NodeIndex) -> bool, served: &Line) -> Option<Block> {
        let mut votes: Vec<Block> = (0u16..)
            .zip(&self.shown)
            .filter(|&(index, _)| may_vote(NodeIndex(index)))
            .filter_map(|(_, &block)| block)
            .filter(|&block| !served.contradicts(block))
            .collect();
        votes.sort_unstable_by_key(|block| std::cmp::Reverse(block.number));
        let voted = *votes.get(votes.len() / 2)?;
        if self.settled.is_some_and(|old| voted.number <= old.number) {
            return None;
        }
        self.settled = Some(voted);
        self.settled
    }
}
