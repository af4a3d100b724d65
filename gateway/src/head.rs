//! Heads: what the nodes of one chain say is newest, and what clients are shown.
//!
//! A node's claim is worth nothing until its own headers link it to the served
//! line ([`Witness`]); only then it votes. [`Heads::settle`] turns votes into the
//! *served tip*. It is pure: the tracker asks nodes, this module says what to ask
//! next and what follows from the answers. It verifies no hash and no signature:
//! against a majority of liars nothing helps.
//!
//! Heights may be skipped: between a block and its parent there may be heights without
//! a block, and lag, a difference of heights, counts them too.
//!
//! What must hold:
//! * a node that merely claims a height moves nothing, from the start or live;
//! * the tip goes forward, but for a reorg that the voters show, or a majority
//!   that stays below it for the patience time;
//! * no node can spoil what another one shows;
//! * there is no other state that could freeze: when the voters are gone or stand
//!   still and another line moves on, it is taken over ([`TipChange::Rerooted`]).

mod line;
mod marks;
mod vote;
mod witness;
#[cfg(test)]
mod tests;

use std::time::Duration;

use crate::{
    clock::Timestamp,
    names::{Block, Hash, NodeIndex},
};

pub use crate::family::Header;

use self::{
    line::KEEP,
    witness::{Claim, Witness},
};
pub use self::{line::Line, marks::Marks};

/// Headers walked back to link a jump; a wider one needs a second witness.
pub const LINK_DEPTH: usize = 64;
/// Headers asked for before there is a tip: enough to see which nodes stand on one line,
/// and soon told by a node that is far away.
pub const FIRST_DEPTH: usize = 16;
/// Heights without a block that a line may have between its head and a block we know,
/// unless the chain had time to come so far: else a great height would need no headers.
pub const MOST_SKIPPED: u64 = LINK_DEPTH as u64;
/// The shortest time after which a head that does not move counts as stalled.
pub const MIN_PATIENCE: Duration = Duration::from_secs(12);
/// How long a node may be below another one after a halt before it counts as stalled: two
/// probes of the slowest pace.
pub const CATCH_UP: Duration = Duration::from_secs(2);
/// How far in the future a header's time may be before its claim is implausible.
const FUTURE_SECONDS: u64 = 60;
/// Patience times after which a header's time shows that its node is not in sync.
const OLD: u32 = 10;

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
    /// A line that cannot be linked was taken over: more nodes stand on it than on the
    /// tip's, or the tip's are gone or stand still while it moves.
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

/// The heads of one chain's nodes and the tip that follows from them.
#[derive(Debug)]
pub struct Heads {
    witnesses: Vec<Witness>,
    /// The blocks clients were shown; the newest is the tip.
    served: Line,
    tip_since: Timestamp,
    /// Since when a majority has been below the tip on its own line.
    below_since: Option<Timestamp>,
    /// Since when a line that cannot be linked could take over.
    rival_since: Option<Timestamp>,
    block_time: Duration,
}

impl Heads {
    /// `block_time` sets the patience; it is refined by [`Heads::set_block_time`].
    pub fn new(nodes: usize, block_time: Duration) -> Self {
        Self {
            witnesses: vec![Witness::default(); nodes],
            served: Line::default(),
            tip_since: Timestamp::ZERO,
            below_since: None,
            rival_since: None,
            block_time,
        }
    }

    pub const fn set_block_time(&mut self, block_time: Duration) {
        self.block_time = block_time;
    }

    /// How long a silence or a majority below the tip is waited out: max(3 block times, 12 s).
    pub fn patience(&self) -> Duration {
        MIN_PATIENCE.max(self.block_time.saturating_mul(3))
    }

    pub fn tip(&self) -> Option<Block> {
        self.served.top()
    }

    /// When the tip last changed.
    pub const fn tip_since(&self) -> Timestamp {
        self.tip_since
    }

    /// The newest block a node stands on. A claim whose links are still being shown does
    /// not count yet.
    pub fn head(&self, node: NodeIndex) -> Option<Block> {
        self.witness(node).line().top()
    }

    /// The greatest height that a node proved.
    pub fn highest_proven(&self) -> Option<u64> {
        let linked = self.witnesses.iter().filter(|witness| self.is_linked(witness));
        linked.map(|witness| witness.line().height()).max()
    }

    /// When the node's head last reached a new height.
    pub fn advanced(&self, node: NodeIndex) -> Timestamp {
        self.witness(node).advanced
    }

    fn witness(&self, node: NodeIndex) -> &Witness {
        &self.witnesses[usize::from(node.0)]
    }

    /// Whether the node's answers may vote at all: its identity is right and its probes are answered.
    pub fn set_live(&mut self, node: NodeIndex, live: bool) {
        self.witnesses[usize::from(node.0)].live = live;
    }

    /// Takes over what is known of a node from the heads of an older topology.
    pub fn adopt(&mut self, node: NodeIndex, older: &Self, was: NodeIndex) {
        self.witnesses[usize::from(node.0)] = older.witness(was).clone();
    }

    /// Takes over the tip and its line of an older topology.
    pub fn adopt_line(&mut self, older: &Self) {
        self.served = older.served.clone();
        self.tip_since = older.tip_since;
    }

    /// A node showed its newest header.
    pub fn observe(&mut self, now: Timestamp, node: NodeIndex, head: Header) -> Next {
        let far = self.is_far(head.number) && self.witnesses.iter().any(|w| self.is_linked(w));
        let plausible = self.tip().map_or(0, |tip| self.plausible_height(now, tip));
        let claim = Claim { head, observed: now, far, plausible };
        self.witnesses[usize::from(node.0)].observe(claim, &self.served)
    }

    /// A node showed an older header that was asked for; ask on until the line links.
    pub fn show(&mut self, node: NodeIndex, header: Header) -> Next {
        self.witnesses[usize::from(node.0)].show(&header, &self.served)
    }

    /// Votes. Not to be called before each node was asked once (or long enough was
    /// waited for it), so that no quick minority makes the first tip.
    /// `unix_now` judges header times (seconds).
    pub fn settle(&mut self, now: Timestamp, unix_now: u64) -> Option<TipChange> {
        self.note_behind(now);
        let line = match self.tip() {
            None => self.first_line(unix_now),
            Some(tip) => self.rival(now, tip).or_else(|| self.next_line(now, tip)),
        };
        self.change(now, line?)
    }

    /// What the voters say the served line is now, if it changes.
    fn next_line(&mut self, now: Timestamp, tip: Block) -> Option<Line> {
        let voters = self.voters(now);
        let lines = lines(&voters);
        let voted = vote::vote(&lines, &self.served);
        let is_below = |block: Block| block != tip && self.served.has(block);
        if voted.is_some_and(is_below) {
            let line = vote::leading_to(&lines, voted?);
            let since = *self.below_since.get_or_insert(now);
            return line.filter(|_| now.since(since) >= self.patience());
        }
        let line = voted.filter(|&block| block != tip).and_then(|b| vote::leading_to(&lines, b));
        self.below_since = None;
        line
    }

    fn change(&mut self, now: Timestamp, line: Line) -> Option<TipChange> {
        let to = line.top()?;
        let common = line.common(&self.served);
        let change = match (self.tip(), common) {
            (None, _) => TipChange::First { to },
            (Some(from), None) => TipChange::Rerooted { from, to },
            (Some(from), Some(at)) if at == from.number => TipChange::Forward { from, to },
            (Some(from), Some(at)) if at == to.number => TipChange::Back { from, to },
            (Some(from), Some(at)) => {
                let depth = self.served.above(at).len() as u64;
                TipChange::Reorg { from, to, depth }
            }
        };
        self.served = match common {
            Some(at) => self.served.up_to(at).join(&line.above(at)),
            None => line,
        };
        self.tip_since = now;
        self.below_since = None;
        self.rival_since = None;
        Some(change)
    }

    /// Live nodes on a line that links to the served one and goes on.
    fn voters(&self, now: Timestamp) -> Vec<&Witness> {
        let voting =
            |&witness: &&Witness| self.is_linked(witness) && !self.is_stalled(now, witness);
        self.witnesses.iter().filter(voting).collect()
    }

    fn is_linked(&self, witness: &Witness) -> bool {
        witness.live && witness.line().common(&self.served).is_some()
    }

    /// Remembers since when each node has been below another one.
    fn note_behind(&mut self, now: Timestamp) {
        let linked = self.witnesses.iter().filter(|witness| self.is_linked(witness));
        let highest = linked.map(|witness| witness.line().height()).max().unwrap_or(0);
        for witness in &mut self.witnesses {
            let is_behind = witness.line().height() < highest;
            let since = witness.behind_since.unwrap_or(now);
            witness.behind_since = is_behind.then_some(since);
        }
    }

    /// No new head for the patience time while another one proved one. A head that came
    /// just before all of them stopped is no proof: a chain that halts stalls nobody; nor
    /// does the first node that goes on after a halt, before the others could.
    fn is_stalled(&self, now: Timestamp, this: &Witness) -> bool {
        let patience = self.patience();
        let had_time = this.behind_since.is_some_and(|since| now.since(since) >= CATCH_UP);
        if now.since(this.advanced) < patience || !had_time {
            return false;
        }
        self.witnesses.iter().any(|other| {
            other.advanced >= this.advanced + patience / 2
                && other.line().height() > this.line().height()
                && self.is_linked(other)
        })
    }

    /// The first line. Of several, one that is in sync by its headers' times, then the one
    /// with the most witnesses; among equals the newest by time, then the lower: a claim
    /// of great height alone never wins.
    fn first_line(&self, unix_now: u64) -> Option<Line> {
        let live = self.witnesses.iter().filter(|w| w.live && !w.line().is_empty());
        let best = groups(live.collect()).into_iter().max_by_key(|group| {
            let in_sync = group.iter().any(|witness| self.is_in_sync(witness, unix_now));
            let time = group.iter().filter_map(|witness| witness.time).max();
            let newest = if in_sync { None } else { time };
            let lower = std::cmp::Reverse(group.iter().map(|w| w.line().height()).max());
            (in_sync, group.len(), newest, lower)
        })?;
        let lines = lines(&best);
        match vote::vote(&lines, &self.served) {
            Some(block) => vote::leading_to(&lines, block),
            None => lines.iter().min_by_key(|line| line.height()).map(|&line| line.clone()),
        }
    }

    fn is_in_sync(&self, witness: &Witness, unix_now: u64) -> bool {
        let oldest = unix_now.saturating_sub((self.patience() * OLD).as_secs());
        let latest = unix_now.saturating_add(FUTURE_SECONDS);
        witness.time.is_none_or(|time| (oldest..=latest).contains(&time))
    }

    /// A line that cannot be linked and takes over: at once when two nodes or more stand
    /// on it above the tip and fewer on the tip's; after the patience time when
    /// the tip's are gone, or stand still while it moves.
    fn rival(&mut self, now: Timestamp, tip: Block) -> Option<Line> {
        let voters = self.voters(now);
        let plausible = self.plausible_height(now, tip);
        let apart = self.witnesses.iter().filter(|w| {
            w.live && w.has_shown() && !self.is_linked(w) && w.line().height() <= plausible
        });
        let is_above = |group: &[&Witness]| group.iter().any(|w| w.line().height() > tip.number);
        let rivals = groups(apart.collect()).into_iter().filter(|group| {
            let moving = group.iter().any(|w| now.since(w.advanced) < self.patience());
            voters.is_empty() || (is_above(group) && moving)
        });
        let rival = rivals.max_by_key(|group| (is_above(group), group.len()));
        let still_since = voters.iter().map(|w| w.advanced).max().unwrap_or(self.tip_since);
        let outnumbers = |group: &Vec<&Witness>| {
            group.len() >= 2 && group.len() > voters.len() && is_above(group)
        };
        let line = rival.as_ref().and_then(|group| {
            let lines = lines(group);
            vote::leading_to(&lines, vote::vote(&lines, &self.served)?)
        });
        if rival.as_ref().is_some_and(outnumbers) {
            return line;
        }
        let since = line.as_ref().map(|_| self.rival_since.unwrap_or(now));
        self.rival_since = since;
        let patience = self.patience();
        let waited = now.since(since?) >= patience && now.since(still_since) >= patience;
        line.filter(|_| waited)
    }

    /// How far a chain can have come since the tip changed: twice the usual pace, and a
    /// walk's length for bursts.
    fn plausible_height(&self, now: Timestamp, tip: Block) -> u64 {
        let passed = now.since(self.tip_since).as_nanos();
        let blocks = 2 * passed / self.block_time.as_nanos().max(1);
        let blocks = u64::try_from(blocks).unwrap_or(u64::MAX).saturating_add(LINK_DEPTH as u64);
        tip.number.saturating_add(blocks)
    }

    /// So far below the tip that the served line does not reach down there.
    fn is_far(&self, number: u64) -> bool {
        let is_below = |tip: Block| tip.number > number.saturating_add(KEEP);
        self.tip().is_some_and(is_below) && self.served.bottom() > Some(number)
    }

    /// How a node stands to the tip, for the chooser and the operator.
    pub fn standing(&self, now: Timestamp, node: NodeIndex) -> Standing {
        let witness = self.witness(node);
        let (Some(tip), Some(head)) = (self.tip(), self.head(node)) else {
            return Standing::Unseen;
        };
        let lag = tip.number.saturating_sub(head.number);
        if witness.is_new() {
            return Standing::Unseen;
        }
        if self.is_far(head.number) {
            return Standing::Far { lag };
        }
        let line = witness.line();
        let on_line = if lag == 0 { line.has(tip) } else { self.served.has(head) };
        if !on_line {
            return Standing::Forked;
        }
        if self.is_stalled(now, witness) {
            Standing::Stalled { lag }
        } else {
            Standing::OnLine { lag }
        }
    }

    /// Whether a live node shows another branch at the tip's height or above: ask everybody
    /// again at once.
    pub fn in_conflict(&self) -> bool {
        let Some(tip) = self.tip() else { return false };
        let mut linked = self.witnesses.iter().filter(|witness| self.is_linked(witness));
        linked.any(|w| w.line().height() >= tip.number && !w.line().has(tip))
    }

    /// Number of a block that the served line or a node's own line has.
    pub fn number_of(&self, hash: Hash) -> Option<u64> {
        let shown = self.witnesses.iter().map(Witness::line);
        std::iter::once(&self.served).chain(shown).find_map(|line| line.number_of(hash))
    }

    /// The blocks clients were shown, the newest last.
    pub const fn served(&self) -> &Line {
        &self.served
    }

    /// The hash of the block at a height on the tip's line, if its header is still kept.
    pub fn at(&self, number: u64) -> Option<Hash> {
        self.served.at(number)
    }
}

fn lines<'w>(witnesses: &[&'w Witness]) -> Vec<&'w Line> {
    witnesses.iter().map(|witness| witness.line()).collect()
}

/// Witnesses whose lines meet, together.
fn groups(witnesses: Vec<&Witness>) -> Vec<Vec<&Witness>> {
    let groups = vote::group(&lines(&witnesses));
    groups.into_iter().map(|group| group.into_iter().map(|at| witnesses[at]).collect()).collect()
}
