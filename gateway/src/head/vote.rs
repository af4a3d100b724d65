//! What lines agree on. Pure functions over lines; who may vote is decided above.
//! Heights without a block are no disagreement: only where lines do have blocks, or
//! show that they have none, do they speak of a height.

use crate::{
    head::line::Line,
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
    numbers(lines, reached).find_map(|number| {
        let hash = agreed(lines, number)??;
        Some(Block { number, hash })
    })
}

/// The heights at which any of the lines has a block, from `highest` down.
fn numbers(lines: &[&Line], highest: u64) -> impl Iterator<Item = u64> {
    let newest_up_to = |number: u64| {
        let blocks = lines.iter().filter_map(|line| line.newest_up_to(number));
        blocks.map(|block| block.number).max()
    };
    std::iter::successors(newest_up_to(highest), move |number| newest_up_to(number.checked_sub(1)?))
}

/// What more than half of the lines say of a height: its block, or that it has none.
fn agreed(lines: &[&Line], number: u64) -> Option<Option<Hash>> {
    let says = |line: &&Line| {
        let hash = line.at(number);
        (hash.is_some() || line.skips(number)).then_some(hash)
    };
    let said: Vec<Option<Hash>> = lines.iter().filter_map(says).collect();
    let has_most =
        |one: &&Option<Hash>| said.iter().filter(|other| other == one).count() * 2 > lines.len();
    said.iter().find(has_most).copied()
}

/// The line that leads to a voted block: of those that have it, one that the majority
/// contradicts nowhere below and that most of the others have too. A liar may put a true
/// block on top of an invented one.
pub fn leading_to(lines: &[&Line], block: Block) -> Option<Line> {
    let holders: Vec<&Line> = lines.iter().filter(|line| line.has(block)).copied().collect();
    let below = numbers(lines, block.number);
    let said: Vec<_> = below.filter_map(|at| Some((at, agreed(lines, at)?))).collect();
    let is_sound = |line: &Line| {
        let mut reached = said.iter().take_while(|(at, _)| line.bottom() <= Some(*at));
        reached.all(|&(at, said)| line.at(at) == said)
    };
    let companions = |line: &Line| {
        holders.iter().filter(|other| is_same_below(line, other, block.number)).count()
    };
    let best = holders.iter().max_by_key(|line| (is_sound(line), companions(line)))?;
    Some(best.up_to(block.number))
}

/// Whether two lines have the same blocks wherever both reach, up to a height.
fn is_same_below(one: &Line, other: &Line, number: u64) -> bool {
    let lowest = one.bottom().max(other.bottom()).unwrap_or(0);
    let both_reach = |block: &Block| (lowest..=number).contains(&block.number);
    one.blocks().filter(both_reach).eq(other.blocks().filter(both_reach))
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
