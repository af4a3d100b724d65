//! Heads: what the nodes of one chain say is newest, and what clients are shown.
//!
//! A node's claim is worth nothing until its header links to blocks we know
//! ([`Tree`]); only then it votes. [`Heads::settle`] turns votes into the *served
//! tip*. It is pure: the tracker asks nodes, this module says what to ask next
//! and what follows from the answers. Design §6.
//!
//! What must hold:
//! * a node that merely claims a height moves nothing, from the start or live;
//! * the tip goes forward, but for a reorg that the voters show, or a majority
//!   that stays below it for the patience time;
//! * there is no other state that could freeze: when every voter is gone and
//!   another node moves on, its line is taken over ([`TipChange::Rerooted`]).

mod marks;
mod tree;
#[cfg(test)]
mod tests;

use std::time::Duration;

use crate::{
    clock::Timestamp,
    names::{Block, Hash, NodeIndex},
};

pub use crate::family::Header;

pub use self::marks::Marks;
use self::tree::Tree;

/// Headers walked back to link a jump; a wider one needs a second witness.
pub const LINK_DEPTH: usize = 64;
/// The shortest time after which a head that does not move counts as stalled.
pub const MIN_PATIENCE: Duration = Duration::from_secs(12);
/// How far in the future a header's time may be before its claim is implausible.
const FUTURE_SECONDS: u64 = 60;

/// What to ask the node that showed a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    Nothing,
    /// Show the header of this hash, so that the line can be linked.
    Show(Hash),
}

/// How a node's head stands to the served tip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Never showed a head.
    Unseen,
    /// Its head does not link to what we know, or lies on another branch than the tip.
    Forked,
    /// On the tip's line; `lag` blocks below the tip (0: at or above it).
    OnLine { lag: u64 },
    /// On the line, but it stopped while others went on.
    Stalled { lag: u64 },
    /// So far below the tip that its head cannot be linked any more.
    Far { lag: u64 },
}

/// Why the served tip changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TipChange {
    First {
        to: Block,
    },
    Forward {
        from: Block,
        to: Block,
    },
    /// The voters left the tip's branch; `depth` blocks of it are gone.
    Reorg {
        from: Block,
        to: Block,
        depth: u64,
    },
    /// A majority stayed below the tip for the whole patience time.
    Back {
        from: Block,
        to: Block,
    },
    /// Every voter was gone and another line moved on.
    Rerooted {
        from: Block,
        to: Block,
    },
}

impl TipChange {
    pub const fn to(self) -> Block {
        match self {
            Self::First { to }
            | Self::Forward { to, .. }
            | Self::Reorg { to, .. }
            | Self::Back { to, .. }
            | Self::Rerooted { to, .. } => to,
        }
    }
}

/// What one node showed.
#[derive(Clone, Copy, Debug, Default)]
struct Witness {
    head: Option<Header>,
    /// When its head last reached a new height.
    advanced: Timestamp,
    /// Its answers may vote: right identity, probes answered.
    live: bool,
}

/// The heads of one chain's nodes and the tip that follows from them.
#[derive(Debug)]
pub struct Heads {
    witnesses: Vec<Witness>,
    tree: Tree,
    tip: Option<Block>,
    tip_since: Timestamp,
    /// Since when a majority has been below the tip on its own line.
    below_since: Option<Timestamp>,
    /// Since when no live voter has been left on the tip's line.
    deserted_since: Option<Timestamp>,
    block_time: Duration,
}

impl Heads {
    /// `block_time` sets the patience; it is refined by [`Heads::set_block_time`].
    pub fn new(nodes: usize, block_time: Duration) -> Self {
        Self {
            witnesses: vec![Witness::default(); nodes],
            tree: Tree::default(),
            tip: None,
            tip_since: Timestamp::ZERO,
            below_since: None,
            deserted_since: None,
            block_time,
        }
    }

    pub const fn set_block_time(&mut self, block_time: Duration) {
        self.block_time = block_time;
    }

    /// max(3 block times, 12 s): design §6.
    pub fn patience(&self) -> Duration {
        MIN_PATIENCE.max(self.block_time * 3)
    }

    pub const fn tip(&self) -> Option<Block> {
        self.tip
    }

    /// When the tip last changed.
    pub const fn tip_since(&self) -> Timestamp {
        self.tip_since
    }

    pub fn head(&self, node: NodeIndex) -> Option<Block> {
        self.witnesses[usize::from(node.0)].head.map(|head| head.block())
    }

    /// The greatest height that a node proved.
    pub fn highest_proven(&self) -> Option<u64> {
        let proven = self.witnesses.iter().filter(|witness| self.proven(witness));
        proven.filter_map(|witness| witness.head.map(|head| head.number)).max()
    }

    /// When the node's head last reached a new height.
    pub fn advanced(&self, node: NodeIndex) -> Timestamp {
        self.witnesses[usize::from(node.0)].advanced
    }

    /// Whether the node's answers may vote at all: its identity is right and its probes are answered.
    pub fn set_live(&mut self, node: NodeIndex, live: bool) {
        self.witnesses[usize::from(node.0)].live = live;
    }

    /// Takes over what is known of a node from the heads of an older topology.
    pub fn adopt(&mut self, node: NodeIndex, older: &Self, was: NodeIndex) {
        self.witnesses[usize::from(node.0)] = older.witnesses[usize::from(was.0)];
    }

    /// Takes over the tree and the tip of an older topology.
    pub fn adopt_line(&mut self, older: &Self) {
        self.tree = older.tree.clone();
        self.tip = older.tip;
        self.tip_since = older.tip_since;
    }

    /// A node showed its newest header.
    pub fn observe(&mut self, now: Timestamp, node: NodeIndex, head: Header) -> Next {
        let witness = &mut self.witnesses[usize::from(node.0)];
        let higher = witness.head.is_none_or(|old| head.number > old.number);
        if higher {
            witness.advanced = now;
        }
        witness.head = Some(head);
        self.tree.insert(&head);
        self.link(node)
    }

    /// A node showed an older header that was asked for; ask on until the line links.
    pub fn show(&mut self, node: NodeIndex, header: Header) -> Next {
        self.tree.insert(&header);
        self.link(node)
    }

    fn link(&mut self, node: NodeIndex) -> Next {
        let Some(head) = self.witnesses[usize::from(node.0)].head else { return Next::Nothing };
        match self.tree.link(head.hash, LINK_DEPTH) {
            tree::Link::Missing(parent) if head.number > 0 => Next::Show(parent),
            _ => Next::Nothing,
        }
    }

    /// Votes. Not to be called before each node was asked once (or long enough was
    /// waited for it), so that no quick minority makes the first tip.
    /// `unix_now` judges header times (seconds).
    pub fn settle(&mut self, now: Timestamp, unix_now: u64) -> Option<TipChange> {
        self.accept_second_witnesses();
        let Some(tip) = self.tip else {
            let to = self.first_tip(unix_now)?;
            return Some(self.change(now, TipChange::First { to }));
        };
        let voters = self.voters(now);
        if voters.is_empty() {
            return self.reroot(now, unix_now, tip);
        }
        self.deserted_since = None;
        let voted = self.voted(&voters, tip)?;
        let change = self.compare(now, tip, voted)?;
        Some(self.change(now, change))
    }

    /// What the vote means for the tip, if anything.
    fn compare(&mut self, now: Timestamp, tip: Block, voted: Block) -> Option<TipChange> {
        if voted.hash == tip.hash {
            self.below_since = None;
            return None;
        }
        if voted.number > tip.number && self.tree.descends(voted.hash, tip) {
            return Some(TipChange::Forward { from: tip, to: voted });
        }
        if voted.number < tip.number && self.tree.descends(tip.hash, voted) {
            let since = *self.below_since.get_or_insert(now);
            let waited = now.since(since) >= self.patience();
            return waited.then_some(TipChange::Back { from: tip, to: voted });
        }
        let fork = self.tree.common(tip, voted);
        let depth = fork.map_or(tip.number, |at| tip.number.saturating_sub(at));
        Some(TipChange::Reorg { from: tip, to: voted, depth })
    }

    fn change(&mut self, now: Timestamp, change: TipChange) -> TipChange {
        let to = change.to();
        self.tip = Some(to);
        self.tip_since = now;
        self.below_since = None;
        self.deserted_since = None;
        self.tree.prove(to.hash);
        self.tree.prune(to.number);
        change
    }

    /// Live nodes with a proven head that goes on.
    fn voters(&self, now: Timestamp) -> Vec<Block> {
        let voting = |&(index, witness): &(usize, &Witness)| {
            witness.live && self.proven(witness) && !self.is_stalled(now, index)
        };
        let blocks = self.witnesses.iter().enumerate().filter(voting);
        blocks.filter_map(|(_, witness)| witness.head.map(|head| head.block())).collect()
    }

    fn proven(&self, witness: &Witness) -> bool {
        witness.head.is_some_and(|head| self.tree.is_proven(head.hash))
    }

    /// No new head for the patience time while another live node proved one.
    fn is_stalled(&self, now: Timestamp, index: usize) -> bool {
        let this = &self.witnesses[index];
        let Some(head) = this.head else { return false };
        if now.since(this.advanced) <= self.patience() {
            return false;
        }
        self.witnesses.iter().enumerate().any(|(other, witness)| {
            other != index
                && witness.live
                && witness.advanced > this.advanced
                && self.proven(witness)
                && witness.head.is_some_and(|theirs| theirs.number > head.number)
        })
    }

    /// The block the voters agree on: with three or more, the highest that a strict
    /// majority has reached on one branch; with fewer, the greatest proven head,
    /// on the tip's branch as long as a voter still stands there.
    fn voted(&self, voters: &[Block], tip: Block) -> Option<Block> {
        if voters.len() >= 3 {
            return self.majority(voters);
        }
        let on_branch = voters.iter().filter(|head| self.tree.descends(head.hash, tip));
        let kept = on_branch.max_by_key(|head| head.number);
        kept.or_else(|| voters.iter().max_by_key(|head| head.number)).copied()
    }

    fn majority(&self, voters: &[Block]) -> Option<Block> {
        let mut heights: Vec<u64> = voters.iter().map(|head| head.number).collect();
        heights.sort_unstable_by(|a, b| b.cmp(a));
        let reached = *heights.get(voters.len() / 2)?;
        let lowest = reached.saturating_sub(tree::KEEP);
        (lowest..=reached).rev().find_map(|number| {
            let at: Vec<Hash> =
                voters.iter().filter_map(|head| self.tree.ancestor(head.hash, number)).collect();
            let winner = at
                .iter()
                .find(|hash| at.iter().filter(|other| other == hash).count() * 2 > voters.len());
            winner.map(|&hash| Block { number, hash })
        })
    }

    /// A line that cannot be linked within [`LINK_DEPTH`] headers counts once two nodes stand on it.
    fn accept_second_witnesses(&mut self) {
        let lines = self.unproven_lines();
        for line in lines.iter().filter(|line| line.witnesses >= 2) {
            self.tree.prove(line.highest.hash);
        }
    }

    /// The first tip. With one line it is that line; of several, the one with the most
    /// witnesses; among equals a fresh and plausible one, then the lower: a
    /// claim of great height alone never wins.
    fn first_tip(&self, unix_now: u64) -> Option<Block> {
        let live: Vec<Block> = self
            .witnesses
            .iter()
            .filter(|witness| witness.live && self.proven(witness))
            .filter_map(|witness| witness.head.map(|head| head.block()))
            .collect();
        if live.len() >= 3
            && let Some(block) = self.majority(&live)
        {
            return Some(block);
        }
        if let Some(&block) = live.iter().max_by_key(|block| block.number) {
            return Some(block);
        }
        self.best_unproven(unix_now)
    }

    fn best_unproven(&self, unix_now: u64) -> Option<Block> {
        let patience = self.patience().as_secs();
        let lines = self.unproven_lines();
        let plausible =
            |line: &&Line| line.highest.time.is_none_or(|t| t <= unix_now + FUTURE_SECONDS);
        let fresh = |line: &Line| line.highest.time.is_none_or(|t| t + patience >= unix_now);
        let best = lines.iter().filter(plausible).max_by_key(|line| {
            let age_order = if fresh(line) { u64::MAX } else { line.highest.time.unwrap_or(0) };
            (line.witnesses, fresh(line), age_order, std::cmp::Reverse(line.highest.number))
        });
        best.map(|line| line.highest.block())
    }

    /// No voter is left on the tip's line. After the patience time a line that has moved
    /// within it is taken over; until then the tip stands.
    fn reroot(&mut self, now: Timestamp, unix_now: u64, tip: Block) -> Option<TipChange> {
        let since = *self.deserted_since.get_or_insert(now);
        if now.since(since) < self.patience() {
            return None;
        }
        let to = self.best_unproven(unix_now)?;
        let patience = self.patience();
        let moving = self.witnesses.iter().any(|witness| {
            witness.live
                && witness.head.is_some_and(|head| head.hash == to.hash)
                && now.since(witness.advanced) <= patience
        });
        moving.then(|| self.change(now, TipChange::Rerooted { from: tip, to }))
    }

    /// Live nodes whose heads are not proven, grouped by the line they stand on.
    fn unproven_lines(&self) -> Vec<Line> {
        let mut lines: Vec<Line> = Vec::new();
        for witness in self.witnesses.iter().filter(|w| w.live && !self.proven(w)) {
            let Some(head) = witness.head else { continue };
            let root = self.tree.root(head.hash);
            match lines.iter_mut().find(|line| line.root == root) {
                None => lines.push(Line { root, witnesses: 1, highest: head }),
                Some(line) => {
                    line.witnesses += 1;
                    if head.number > line.highest.number {
                        line.highest = head;
                    }
                }
            }
        }
        lines
    }

    /// How a node stands to the tip, for the chooser and the operator.
    pub fn standing(&self, now: Timestamp, node: NodeIndex) -> Standing {
        let index = usize::from(node.0);
        let (Some(tip), Some(head)) = (self.tip, self.witnesses[index].head) else {
            return Standing::Unseen;
        };
        let lag = tip.number.saturating_sub(head.number);
        if lag > tree::KEEP {
            return Standing::Far { lag };
        }
        if !self.tree.is_proven(head.hash) {
            return Standing::Forked;
        }
        let on_line = if head.number >= tip.number {
            self.tree.descends(head.hash, tip)
        } else {
            self.tree.descends(tip.hash, head.block())
        };
        if !on_line {
            return Standing::Forked;
        }
        if self.is_stalled(now, index) {
            Standing::Stalled { lag }
        } else {
            Standing::OnLine { lag }
        }
    }

    /// Whether two live nodes show different branches at equal height: ask everybody again at once.
    pub fn in_conflict(&self) -> bool {
        let Some(tip) = self.tip else { return false };
        self.witnesses.iter().filter(|witness| witness.live && self.proven(witness)).any(
            |witness| {
                witness.head.is_some_and(|head| {
                    head.number >= tip.number && !self.tree.descends(head.hash, tip)
                })
            },
        )
    }

    /// Number of a block we know the header of.
    pub fn number_of(&self, hash: Hash) -> Option<u64> {
        self.tree.number(hash)
    }

    /// The hash of the block at a height on the tip's line, if its header is still kept.
    pub fn at(&self, number: u64) -> Option<Hash> {
        self.tree.ancestor(self.tip?.hash, number)
    }
}

/// Nodes that stand on one line we cannot link.
#[derive(Debug)]
struct Line {
    /// The oldest header of the line that was shown.
    root: Hash,
    witnesses: usize,
    highest: Header,
}
