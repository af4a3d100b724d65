//! The headers nodes have shown, linked by parent hash. Bounded: blocks far below
//! the tip are forgotten, and so are unproven ones when there are too many.

use std::collections::HashMap;

use crate::{
    head::Header,
    names::{Block, Hash},
};

/// Blocks kept below the tip.
pub const KEEP: u64 = 256;
/// Headers kept in all; a node that invents headers cannot grow the tree past it.
const MOST: usize = 16_384;

#[derive(Clone, Copy, Debug)]
struct Entry {
    number: u64,
    parent: Hash,
    proven: bool,
}

/// Whether a header's line reaches a proven block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    Proven,
    /// The line ends at this hash, whose header nobody has shown.
    Missing(Hash),
    /// Too long a walk, or parents whose numbers do not fit.
    Broken,
}

#[derive(Clone, Debug, Default)]
pub struct Tree {
    entries: HashMap<Hash, Entry>,
}

impl Tree {
    pub fn insert(&mut self, header: &Header) {
        if self.entries.len() >= MOST {
            self.entries.retain(|_, entry| entry.proven);
        }
        let entry = Entry { number: header.number, parent: header.parent, proven: false };
        self.entries.entry(header.hash).or_insert(entry);
    }

    /// A block's parent, if its header is known and its number is one below. The numbers
    /// of a walk fall strictly, so invented circles end it.
    fn parent(&self, entry: &Entry) -> Option<(Hash, &Entry)> {
        let parent = self.entries.get(&entry.parent)?;
        (parent.number.checked_add(1) == Some(entry.number)).then_some((entry.parent, parent))
    }

    /// Marks the line of a header proven when it reaches a proven block within `depth` steps.
    pub fn link(&mut self, hash: Hash, depth: usize) -> Link {
        let Some(mut entry) = self.entries.get(&hash) else { return Link::Missing(hash) };
        for _ in 0..depth {
            if entry.proven {
                self.prove(hash);
                return Link::Proven;
            }
            if !self.entries.contains_key(&entry.parent) {
                return Link::Missing(entry.parent);
            }
            let Some((_, parent)) = self.parent(entry) else { return Link::Broken };
            entry = parent;
        }
        Link::Broken
    }

    /// Marks a block and its known ancestors proven.
    pub fn prove(&mut self, hash: Hash) {
        let mut at = hash;
        while let Some(entry) = self.entries.get_mut(&at).filter(|entry| !entry.proven) {
            entry.proven = true;
            let (number, parent) = (entry.number, entry.parent);
            let linked = self.number(parent).and_then(|below| below.checked_add(1)) == Some(number);
            if !linked {
                return;
            }
            at = parent;
        }
    }

    pub fn is_proven(&self, hash: Hash) -> bool {
        self.entries.get(&hash).is_some_and(|entry| entry.proven)
    }

    pub fn number(&self, hash: Hash) -> Option<u64> {
        self.entries.get(&hash).map(|entry| entry.number)
    }

    /// The ancestor of a block at a height (itself at its own), as far as headers are known.
    pub fn ancestor(&self, hash: Hash, number: u64) -> Option<Hash> {
        let mut at = (hash, self.entries.get(&hash)?);
        while at.1.number > number {
            at = self.parent(at.1)?;
        }
        (at.1.number == number).then_some(at.0)
    }

    /// Whether `block` is `hash` or one of its ancestors.
    pub fn descends(&self, hash: Hash, block: Block) -> bool {
        self.ancestor(hash, block.number) == Some(block.hash)
    }

    /// Height of the newest block two blocks share, as far as headers are known.
    pub fn common(&self, one: Block, other: Block) -> Option<u64> {
        let mut number = one.number.min(other.number);
        let mut a = self.ancestor(one.hash, number)?;
        let mut b = self.ancestor(other.hash, number)?;
        while a != b {
            number = number.checked_sub(1)?;
            a = self.ancestor(a, number)?;
            b = self.ancestor(b, number)?;
        }
        Some(number)
    }

    /// The oldest known ancestor of a block.
    pub fn root(&self, hash: Hash) -> Hash {
        let mut at = hash;
        while let Some((parent, _)) = self.entries.get(&at).and_then(|entry| self.parent(entry)) {
            at = parent;
        }
        at
    }

    /// Forgets blocks more than [`KEEP`] below the tip.
    pub fn prune(&mut self, tip: u64) {
        let lowest = tip.saturating_sub(KEEP);
        if self.entries.len() as u64 > KEEP * 2 {
            self.entries.retain(|_, entry| entry.number >= lowest);
        }
    }
}
