//! One node's word: the line of blocks that its own headers show. A node's line
//! rests on its own headers and on the served line only, so no node can spoil
//! what another one shows, whatever parents or numbers it invents.

use crate::{
    clock::Timestamp,
    head::{FIRST_DEPTH, Header, LINK_DEPTH, Next, line::Line},
    names::{Block, Hash},
};

/// A newer head on its way down to a block we know.
#[derive(Clone, Debug)]
struct Walk {
    line: Line,
    /// Parent of the line's oldest block.
    below: Hash,
    observed: Timestamp,
    /// A header was shown since the head was last observed.
    moved: bool,
}

#[derive(Clone, Debug, Default)]
pub struct Witness {
    /// What it stands on. While a newer head is walked down, the older line still counts.
    line: Line,
    walk: Option<Walk>,
    /// It could not show the links of its head.
    lost: bool,
    /// Unix seconds of its newest header, where headers carry a time.
    pub time: Option<u64>,
    /// Highest block reached on its present branch.
    highest: u64,
    /// When its head last reached a new height.
    pub advanced: Timestamp,
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
        line.len() >= LINK_DEPTH || line.bottom() == Some(0)
    }

    /// Whether it is still being asked for the first line it stands on.
    pub fn is_new(&self) -> bool {
        self.line.is_empty() && !self.lost
    }

    /// It showed its newest header. `far`: too far below the tip to be worth a walk.
    pub fn observe(&mut self, now: Timestamp, head: &Header, served: &Line, far: bool) -> Next {
        self.time = head.time;
        self.begin_again_if_short(served);
        let block = head.block();
        if self.walk.is_none() && self.line.top() == Some(block) {
            return Next::Nothing;
        }
        if let Some(line) = self.place(head, served) {
            self.accept(line, now);
            return Next::Nothing;
        }
        self.lost |= far || self.walk.as_ref().is_some_and(|walk| !walk.moved);
        let walk = match self.walk.take() {
            Some(walk) if walk.line.top() == Some(block) => Walk { moved: false, ..walk },
            Some(walk) if walk.is_extended_by(head) => {
                let line = walk.line.join(&Line::of(block));
                Walk { line, observed: now, moved: false, ..walk }
            }
            _ => Walk { line: Line::of(block), below: head.parent, observed: now, moved: false },
        };
        if far {
            self.walk = Some(walk);
            return Next::Nothing;
        }
        self.go_on(walk, served)
    }

    /// A first line that was shown before there was a tip, and does not link to it, is
    /// walked down again, to the full depth.
    fn begin_again_if_short(&mut self, served: &Line) {
        let short = self.line.len() < LINK_DEPTH && self.line.bottom() != Some(0);
        let apart = !self.line.is_empty() && self.line.common(served).is_none();
        if short && apart && self.walk.is_none() && !served.is_empty() {
            self.line = Line::default();
        }
    }

    /// It showed an older header that was asked for.
    pub fn show(&mut self, header: &Header, served: &Line) -> Next {
        let Some(mut walk) = self.walk.take_if(|walk| walk.below == header.hash) else {
            return Next::Nothing;
        };
        if header.number.checked_add(1) != walk.line.bottom() {
            self.accept(walk.line, walk.observed);
            return Next::Nothing;
        }
        if let Some(base) = self.place(header, served) {
            self.accept(base.join(&walk.line), walk.observed);
            return Next::Nothing;
        }
        walk.line.push_below(header.hash);
        walk.below = header.parent;
        walk.moved = true;
        self.go_on(walk, served)
    }

    /// Asks for the next header, or gives up: then the node stands on a line of its own.
    fn go_on(&mut self, walk: Walk, served: &Line) -> Next {
        let depth = if served.is_empty() { FIRST_DEPTH } else { LINK_DEPTH };
        if walk.line.len() >= depth || walk.line.bottom() == Some(0) {
            self.accept(walk.line, walk.observed);
            return Next::Nothing;
        }
        let below = walk.below;
        self.walk = Some(walk);
        Next::Show(below)
    }

    /// The line up to a header that is on, or the child of a block on, a line we know.
    fn place(&self, header: &Header, served: &Line) -> Option<Line> {
        let known = [&self.line, served];
        if let Some(line) = known.iter().find(|line| line.has(header.block())) {
            return Some(line.up_to(header.number));
        }
        let parent = Block { number: header.number.checked_sub(1)?, hash: header.parent };
        let base = known.iter().find(|line| line.has(parent))?.up_to(parent.number);
        Some(base.join(&Line::of(header.block())))
    }

    fn accept(&mut self, line: Line, observed: Timestamp) {
        let Some(head) = line.top() else { return };
        let before = self.line.top();
        let same_branch = before.is_none_or(|old| line.has(old) || self.line.has(head));
        let reached = if same_branch { self.highest } else { self.line.height() };
        if before.is_none() || head.number > reached {
            self.advanced = observed;
        }
        self.highest = if same_branch { self.highest.max(head.number) } else { head.number };
        self.line = line;
        self.walk = None;
        self.lost = false;
    }
}

impl Walk {
    fn is_extended_by(&self, head: &Header) -> bool {
        self.line.top().is_some_and(|top| {
            top.hash == head.parent && top.number.checked_add(1) == Some(head.number)
        })
    }
}
