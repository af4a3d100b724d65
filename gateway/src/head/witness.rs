//! One node's word: the line of blocks that its own headers show. A node's line
//! rests on its own headers and on the served line only, so no node can spoil
//! what another one shows, whatever parents or numbers it invents.
//!
//! Blocks are linked by hash. A header that tells a wrong number for its parent costs one
//! question more: the parent's own header. Of numbers the order counts, and that not more
//! heights lie skipped than a chain may skip: else a height could be claimed by writing
//! a great number on top of a true hash.

use crate::{
    clock::Timestamp,
    head::{FIRST_DEPTH, Header, LINK_DEPTH, MOST_SKIPPED, Next, line::Line},
    names::{Block, Hash},
};

/// What the first block names as its parent.
const NO_PARENT: Hash = Hash([0; 32]);

/// A node's newest header, and what it is judged by.
#[derive(Clone, Copy, Debug)]
pub struct Claim {
    pub head: Header,
    pub observed: Timestamp,
    /// Too far below the tip to be worth a walk.
    pub far: bool,
    /// Up to this height any number of heights may have been skipped.
    pub plausible: u64,
}

/// A newer head on its way down to a block we know.
#[derive(Clone, Debug)]
struct Walk {
    line: Line,
    /// Parent of the line's oldest block.
    below: Block,
    observed: Timestamp,
    plausible: u64,
    /// A header was shown since the head was last observed.
    moved: bool,
}

#[derive(Clone, Debug, Default)]
pub struct Witness {
    /// What it stands on. While a newer head is walked down, the older line still counts.
    line: Line,
    walk: Option<Walk>,
    /// The chain's first block, if a walk came down to it: the one without a parent.
    first: Option<Block>,
    /// It could not show the links of its head.
    lost: bool,
    /// Unix seconds of its newest header, where headers carry a time.
    pub time: Option<u64>,
    /// Highest block reached on its present branch.
    highest: u64,
    /// When its head last reached a new height.
    pub advanced: Timestamp,
    /// Since when another one that links to the served line has been above it.
    pub behind_since: Option<Timestamp>,
    /// Its answers may vote: right identity, probes answered.
    pub live: bool,
}

impl Witness {
    /// The line its newest head stands on, linked or not; empty before the first head.
    pub fn line(&self) -> &Line {
        match &self.walk {
            Some(walk) if self.lost || self.line.is_empty() => &walk.line,
            _ => &self.line,
        }
    }

    /// Whether it showed as much of its line as can be asked for.
    pub fn has_shown(&self) -> bool {
        let line = self.line();
        line.len() >= LINK_DEPTH || line.bottom() == Some(0) || self.begins(line)
    }

    /// Whether the line begins with the chain's first block, whatever its number.
    fn begins(&self, line: &Line) -> bool {
        self.first.is_some() && self.first == line.blocks().next()
    }

    /// Whether it is still being asked for the first line it stands on.
    pub fn is_new(&self) -> bool {
        self.line.is_empty() && !self.lost
    }

    /// It showed its newest header.
    pub fn observe(&mut self, claim: Claim, served: &Line) -> Next {
        let (head, observed) = (claim.head, claim.observed);
        self.time = head.time;
        self.begin_again_if_short(served);
        let block = head.block();
        if self.walk.is_none() && self.line.top() == Some(block) {
            return Next::Nothing;
        }
        let fresh = Walk::from(claim);
        if let Some(line) = self.place(&fresh, served) {
            self.accept(line, observed);
            return Next::Nothing;
        }
        self.lost |= claim.far || self.walk.as_ref().is_some_and(|walk| !walk.moved);
        let walk = match self.walk.take() {
            Some(walk) if walk.line.top() == Some(block) => {
                Walk { plausible: claim.plausible, moved: false, ..walk }
            }
            Some(walk) if walk.is_extended_by(&head) => {
                Walk { line: walk.line.join(&fresh.line), below: walk.below, ..fresh }
            }
            _ => fresh,
        };
        if claim.far {
            self.walk = Some(walk);
            return Next::Nothing;
        }
        self.go_on(walk, served)
    }

    /// A first line that was shown before there was a tip, and does not link to it, is
    /// walked down again, to the full depth.
    fn begin_again_if_short(&mut self, served: &Line) {
        let apart = !self.line.is_empty() && self.line.common(served).is_none();
        if apart && self.walk.is_none() && !served.is_empty() && !self.has_shown() {
            self.line = Line::default();
        }
    }

    /// It showed an older header that was asked for.
    pub fn show(&mut self, header: &Header, served: &Line) -> Next {
        let Some(mut walk) = self.walk.take_if(|walk| walk.below.hash == header.hash) else {
            return Next::Nothing;
        };
        if !walk.may_rest_on(header.number) {
            self.accept(walk.line, walk.observed);
            return Next::Nothing;
        }
        walk.line.push_below(header.block());
        walk.below = header.parent;
        walk.moved = true;
        if let Some(line) = self.place(&walk, served) {
            self.accept(line, walk.observed);
            return Next::Nothing;
        }
        self.go_on(walk, served)
    }

    /// Asks for the next header, or gives up: then the node stands on a line of its own.
    fn go_on(&mut self, walk: Walk, served: &Line) -> Next {
        let depth = if served.is_empty() { FIRST_DEPTH } else { LINK_DEPTH };
        let is_first = walk.line.bottom() == Some(0) || walk.below.hash == NO_PARENT;
        if is_first {
            self.first = walk.line.blocks().next();
        }
        if is_first || walk.line.len() >= depth {
            self.accept(walk.line, walk.observed);
            return Next::Nothing;
        }
        let below = walk.below.hash;
        self.walk = Some(walk);
        Next::Show(below)
    }

    /// The line up to the walk's head, once the walk is down at a block on, or at the child
    /// of a block on, a line we know.
    fn place(&self, walk: &Walk, served: &Line) -> Option<Line> {
        let known = [&self.line, served];
        let oldest = walk.line.blocks().next()?;
        if let Some(line) = known.iter().find(|line| line.has(oldest)) {
            return Some(line.up_to(oldest.number).join(&walk.line.above(oldest.number)));
        }
        let parent = walk.below;
        let base = known.iter().find(|line| line.has(parent))?;
        walk.may_rest_on(parent.number).then(|| base.up_to(parent.number).join(&walk.line))
    }

    fn accept(&mut self, line: Line, observed: Timestamp) {
        let Some(head) = line.top() else { return };
        let before = self.line.top();
        let same_branch = before.is_none_or(|old| line.has(old) || self.line.has(head));
        let reached = if same_branch { self.highest } else { self.line.height() };
        if before.is_none() || head.number > reached {
            self.advanced = observed;
        }
        let goes_on = same_branch && before.is_some();
        self.highest = if goes_on { self.highest.max(head.number) } else { head.number };
        self.line = line;
        self.walk = None;
        self.lost = false;
    }
}

impl Walk {
    fn is_extended_by(&self, head: &Header) -> bool {
        let top = self.line.top();
        top.is_some_and(|top| top.hash == head.parent.hash && top.number < head.number)
    }

    /// Whether a block of that number can be the parent of the oldest one: it is lower, and
    /// not too many heights between it and the head are skipped.
    fn may_rest_on(&self, number: u64) -> bool {
        let height = self.line.height();
        let blocks = self.line.len() as u64;
        let skipped = height.saturating_sub(number).saturating_sub(blocks);
        let is_lower = self.line.bottom().is_some_and(|bottom| number < bottom);
        is_lower && (skipped <= MOST_SKIPPED || height <= self.plausible)
    }
}

impl From<Claim> for Walk {
    fn from(claim: Claim) -> Self {
        Self {
            line: Line::of(claim.head.block()),
            below: claim.head.parent,
            observed: claim.observed,
            plausible: claim.plausible,
            moved: false,
        }
    }
}
