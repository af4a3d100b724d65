//! What lines agree on. Pure functions over lines; who may vote is decided above.

use crate::{
    head::line::{KEEP, Line},
    names::{Block, Hash},
};

/// The block that lines agree on: of three or more, the highest that a strict majority
/// has reached on one branch; of fewer, the highest head, on the branch of the
/// served line's tip as long as one of them stands there.
pub fn vote(lines: &[&Line], served: &Line) -> Option<Block> {
    if lines.len() >= 3 {
        return majority(lines);
    }
    let tip = served.top();
    let best = lines.iter().max_by_key(|line| {
        let on_tip = tip.is_some_and(|tip| line.has(tip));
        (on_tip, line.height(), line.top().is_some_and(|top| served.has(top)))
    });
    best.and_then(|line| line.top())
}

/// Heads sorted descending, index ⌊N/2⌋, then down to where the hashes agree.
fn majority(lines: &[&Line]) -> Option<Block> {
    let mut heights: Vec<u64> = lines.iter().map(|line| line.height()).collect();
    heights.sort_unstable_by(|a, b| b.cmp(a));
    let reached = *heights.get(lines.len() / 2)?;
    let lowest = reached.saturating_sub(KEEP);
    (lowest..=reached)
        .rev()
        .find_map(|number| agreed(lines, number).map(|hash| Block { number, hash }))
}

/// The block at a height that more than half of the lines have.
fn agreed(lines: &[&Line], number: u64) -> Option<Hash> {
    let at: Vec<Hash> = lines.iter().filter_map(|line| line.at(number)).collect();
    let has_most = |hash: &&Hash| at.iter().filter(|other| other == hash).count() * 2 > lines.len();
    at.iter().find(has_most).copied()
}

/// The line that leads to a voted block: of those that have it, one that the majority
/// contradicts nowhere below and that most of the others have too. A liar may put a true
/// block on top of an invented one.
pub fn leading_to(lines: &[&Line], block: Block) -> Option<Line> {
    let holders: Vec<&&Line> = lines.iter().filter(|line| line.has(block)).collect();
    let is_sound = |line: &Line| {
        let mut below = line.bottom().unwrap_or(0)..block.number;
        below.all(|number| agreed(lines, number).is_none_or(|hash| line.at(number) == Some(hash)))
    };
    let companions = |line: &Line| {
        holders.iter().filter(|other| is_same_below(line, other, block.number)).count()
    };
    let best = holders.iter().max_by_key(|line| (is_sound(line), companions(line)))?;
    Some(best.up_to(block.number))
}

/// Whether two lines have the same blocks wherever both have one, up to a height.
fn is_same_below(one: &Line, other: &Line, number: u64) -> bool {
    let lowest = one.bottom().max(other.bottom()).unwrap_or(0);
    (lowest..=number).all(|at| one.at(at) == other.at(at))
}

/// Puts lines that share a block together; indices into `lines`.
pub fn group(lines: &[&Line]) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let meets = |group: &Vec<usize>| group.iter().any(|&at| lines[at].common(line).is_some());
        let (met, mut apart): (Vec<_>, Vec<_>) = groups.into_iter().partition(meets);
        let mut joined: Vec<usize> = met.into_iter().flatten().collect();
        joined.push(index);
        apart.push(joined);
        groups = apart;
    }
    groups
}
