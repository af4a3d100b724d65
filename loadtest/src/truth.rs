//! What the chain said, and when: against this answers are judged.
//!
//! Blocks that a reorg replaced stay true for a while, since nobody can have heard of
//! it at once. Times are the chain's: since its genesis instant.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use headrace_simnode::chain::Draft;
use headrace_simnode::hash::Hash;
use headrace_simnode::{BlockId, Chain};
use parking_lot::Mutex;

use crate::family::{self, Ways};

/// A gateway has two block times to notice a reorg, and at least this.
const NOTICE: Duration = Duration::from_secs(2);

/// The truth of one run.
#[derive(Debug)]
pub struct Truth {
    pub chain: Arc<Chain>,
    past: Mutex<Past>,
    /// What was asked of built blocks: building one signs its transactions.
    facts: Mutex<HashMap<Hash, Facts>>,
}

/// What the body of a block holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    pub logs: usize,
    /// A transaction whose result can be asked for.
    pub tx: Option<Hash>,
}

/// Blocks whose facts are kept at hand.
const FACTS: usize = 8_192;

#[derive(Debug, Default)]
struct Past {
    replaced: Vec<Replaced>,
    /// Blocks that came by hand, off the clock.
    mined: Vec<(u64, Duration)>,
    reorgs: Vec<Reorg>,
}

#[derive(Clone, Copy, Debug)]
struct Replaced {
    number: u64,
    hash: Hash,
    at: Duration,
}

/// A reorg that was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reorg {
    pub at: Duration,
    pub depth: u64,
}

impl Truth {
    #[must_use]
    pub fn new(chain: Arc<Chain>) -> Self {
        Self { chain, past: Mutex::default(), facts: Mutex::default() }
    }

    /// How the chain's family is asked.
    #[must_use]
    pub fn ways(&self) -> &'static Ways {
        family::of(self.chain.options.family)
    }

    /// Whether the chain has no block at this height, below its newest one.
    #[must_use]
    pub fn skipped(&self, number: u64) -> bool {
        self.standing(number) != number
    }

    /// The newest height at or below this one that has a block.
    #[must_use]
    pub fn standing(&self, number: u64) -> u64 {
        self.chain.sim.standing(number)
    }

    /// The height of the newest final block: so many blocks below the head.
    #[must_use]
    pub fn final_height(&self) -> u64 {
        let mut height = self.standing(self.chain.tip().1);
        for _ in 0..self.chain.options.final_depth {
            height = self.standing(height.saturating_sub(1));
        }
        height
    }

    /// The chain's time.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.chain.now()
    }

    /// How long an old branch may still be shown after a reorg.
    #[must_use]
    pub fn notice(&self) -> Duration {
        NOTICE.max(self.chain.options.block_time * 2)
    }

    /// Adds blocks at once.
    pub fn mine(&self, blocks: u64) -> BlockId {
        let (at, from) = (self.now(), self.chain.tip().1 + 1);
        let head = self.chain.mine(blocks);
        self.past.lock().mined.extend((from..=head.number).map(|number| (number, at)));
        head
    }

    /// Replaces the newest blocks: at most those that are not final. A chain whose blocks
    /// are final at once has no reorgs.
    pub fn reorg(&self, depth: u64) -> BlockId {
        // Held over the reorg, so that no judge sees the new branch without the old one.
        let mut past = self.past.lock();
        let head = self.chain.tip().1;
        let depth = depth.min(head - self.final_height());
        let numbers = (head + 1).saturating_sub(depth)..=head + 1;
        let before: Vec<_> =
            numbers.filter_map(|number| Some((number, self.chain.main_hash(number)?))).collect();
        let new = self.chain.reorg(depth);
        let at = self.now();
        let replaced = before.into_iter().map(|(number, hash)| Replaced { number, hash, at });
        past.replaced.extend(replaced);
        past.reorgs.push(Reorg { at, depth });
        new
    }

    /// Whether a block was on the main branch at a time since `asked`, or short enough
    /// before it.
    #[must_use]
    pub fn has(&self, number: u64, hash: &Hash, asked: Duration) -> bool {
        self.candidates(number, asked).contains(hash)
    }

    /// The blocks that a number may mean to somebody who asked then; none where the chain
    /// skipped it.
    #[must_use]
    pub fn candidates(&self, number: u64, asked: Duration) -> Vec<Hash> {
        if self.skipped(number) {
            return Vec::new();
        }
        let past = self.past.lock();
        let notice = self.notice();
        let fresh =
            past.replaced.iter().filter(|old| old.number == number && old.at + notice >= asked);
        let mut hashes: Vec<Hash> = fresh.map(|old| old.hash).collect();
        hashes.extend(self.chain.main_hash(number));
        hashes
    }

    /// When a block was made; `None` when there is none yet.
    #[must_use]
    pub fn born(&self, number: u64) -> Option<Duration> {
        if number > self.chain.tip().1 {
            return None;
        }
        let by_hand = self.past.lock().mined.iter().find(|(n, _)| *n == number).map(|(_, at)| *at);
        let options = &self.chain.options;
        let blocks = u32::try_from(number.saturating_sub(options.start)).unwrap_or(u32::MAX);
        Some(by_hand.unwrap_or_else(|| options.block_time.saturating_mul(blocks)))
    }

    /// For how long a newer block than `number` was there at `now`.
    #[must_use]
    pub fn staleness(&self, number: u64, now: Duration) -> Duration {
        let mut next = number + 1;
        while self.skipped(next) {
            next += 1;
        }
        self.born(next).map_or(Duration::ZERO, |born| now.saturating_sub(born))
    }

    /// The deepest reorg that may still excuse a step back at `now`.
    #[must_use]
    pub fn excuse(&self, now: Duration) -> u64 {
        let past = self.past.lock();
        let recent = past.reorgs.iter().filter(|reorg| reorg.at + self.notice() >= now);
        recent.map(|reorg| reorg.depth).max().unwrap_or(0)
    }

    /// What a block of the main branch holds.
    #[must_use]
    pub fn facts(&self, number: u64) -> Option<Facts> {
        let hash = self.chain.main_hash(number)?;
        if let Some(facts) = self.facts.lock().get(&hash) {
            return Some(*facts);
        }
        let facts = (self.ways().facts)(number, self)?;
        let mut known = self.facts.lock();
        if known.len() >= FACTS {
            known.clear();
        }
        known.insert(hash, facts);
        Some(facts)
    }

    /// What a block of the main branch is made from.
    #[must_use]
    pub fn draft(&self, number: u64) -> Option<Draft> {
        self.chain.draft(self.chain.tip().0, number)
    }
}

#[cfg(test)]
mod tests {
    use headrace_simnode::{ChainOptions, Family, Pace};

    use super::*;

    fn truth() -> Truth {
        Truth::new(Chain::new(ChainOptions { pace: Pace::Manual, ..ChainOptions::default() }))
    }

    #[test]
    fn a_replaced_block_stays_true_to_who_asked_before_it_was_known() {
        let truth = truth();
        let old = truth.chain.head();
        truth.reorg(1);
        let now = truth.now();
        assert_ne!(truth.chain.head().hash, old.hash);
        assert!(truth.has(old.number, &old.hash, now));
        assert!(!truth.has(old.number, &old.hash, now + truth.notice() + Duration::from_secs(1)));
        assert!(truth.has(old.number, &truth.chain.head().hash, now));
        assert!(!truth.has(old.number - 1, &old.hash, now));
    }

    #[test]
    fn only_a_reorg_excuses_a_step_back_and_only_as_deep() {
        let truth = truth();
        assert_eq!(truth.excuse(truth.now()), 0);
        truth.reorg(3);
        assert_eq!(truth.excuse(truth.now()), 3);
        assert_eq!(truth.excuse(truth.now() + Duration::from_secs(60)), 0);
    }

    #[test]
    fn a_block_is_stale_since_the_next_one() {
        let truth = truth();
        let head = truth.chain.head().number;
        assert_eq!(truth.staleness(head, truth.now()), Duration::ZERO);
        truth.mine(1);
        let later = truth.now() + Duration::from_secs(7);
        assert!(truth.staleness(head, later) >= Duration::from_secs(7));
        assert_eq!(truth.staleness(head + 1, later), Duration::ZERO);
    }

    #[test]
    fn only_blocks_that_are_not_final_are_replaced() {
        for (family, deepest) in
            [(Family::Ethereum, 9), (Family::Substrate, 3), (Family::Near, 2), (Family::Icon, 0)]
        {
            let options = ChainOptions { pace: Pace::Manual, skip: 0, ..ChainOptions::of(family) };
            let truth = Truth::new(Chain::new(options));
            let head = truth.chain.head().number;
            let last = truth.chain.main_hash(head - deepest);
            truth.reorg(9);
            assert_eq!(truth.excuse(truth.now()), deepest, "{family:?}");
            assert_eq!(truth.chain.main_hash(head - deepest), last, "{family:?}");
        }
    }

    #[test]
    fn a_skipped_height_has_no_block_and_makes_nothing_stale() {
        let options = ChainOptions { pace: Pace::Manual, ..ChainOptions::of(Family::Near) };
        let truth = Truth::new(Chain::new(options));
        let skipped = (900..1_000).find(|number| truth.skipped(*number)).unwrap();
        assert!(truth.candidates(skipped, truth.now()).is_empty());
        let below = truth.standing(skipped);
        assert!(below < skipped);
        let hash = truth.chain.main_hash(below).unwrap();
        assert!(truth.has(below, &hash, truth.now()));
        assert!(!truth.has(skipped, &hash, truth.now()));
        assert!(truth.final_height() < truth.chain.head().number);
    }
}
