//! Whether heads go back, as clients see it.
//!
//! An answer is held against the highest head that was known *before its call was
//! sent*: answers to calls that overlap in time say nothing about order. All
//! connections count as one client, which is the strictest reading.

use std::time::Duration;

use super::Back;

/// What was seen so far through each gateway.
#[derive(Debug)]
pub struct Heads {
    highest: Vec<u64>,
    /// First sight of each new highest head through any gateway.
    first: Vec<(u64, Duration)>,
}

/// What was known when a call was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Floor {
    pub same: u64,
    pub any: u64,
}

impl Heads {
    #[must_use]
    pub fn new(gateways: usize) -> Self {
        Self { highest: vec![0; gateways], first: Vec::new() }
    }

    #[must_use]
    pub fn floor(&self, gateway: usize) -> Floor {
        let same = self.highest.get(gateway).copied().unwrap_or(0);
        Floor { same, any: self.highest.iter().copied().max().unwrap_or(0) }
    }

    /// Takes a head that was answered at `now`, to a call sent when `floor` was known. A
    /// step back of up to `excuse` blocks is a reorg's.
    pub fn saw(
        &mut self,
        gateway: usize,
        head: u64,
        floor: Floor,
        excuse: u64,
        now: Duration,
    ) -> Option<Back> {
        let highest = self.first.last().map_or(0, |(number, _)| *number);
        if head > highest {
            self.first.push((head, now));
        }
        if let Some(known) = self.highest.get_mut(gateway) {
            *known = (*known).max(head);
        }
        let same_gateway = head < floor.same;
        let blocks = if same_gateway { floor.same } else { floor.any }.saturating_sub(head);
        if blocks <= excuse {
            return None;
        }
        Some(Back { at: now, blocks, same_gateway, after: self.since(head + 1, now) })
    }

    /// How long ago a head of at least this height was first seen.
    fn since(&self, head: u64, now: Duration) -> Duration {
        let at = self.first.partition_point(|(number, _)| *number < head);
        self.first.get(at).map_or(Duration::ZERO, |(_, seen)| now.saturating_sub(*seen))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Duration = Duration::from_secs(1);

    #[test]
    fn a_head_below_what_was_known_at_sending_is_a_step_back() {
        let mut heads = Heads::new(1);
        let before = heads.floor(0);
        assert_eq!(heads.saw(0, 10, before, 0, S), None);
        let known = heads.floor(0);
        assert_eq!(heads.saw(0, 12, known, 0, 2 * S), None);
        // Sent before 12 was known: no step back.
        assert_eq!(heads.saw(0, 10, known, 0, 3 * S), None);
        let back = heads.saw(0, 10, heads.floor(0), 0, 5 * S).unwrap();
        let expected = Back { at: 5 * S, blocks: 2, same_gateway: true, after: 3 * S };
        assert_eq!(back, expected);
    }

    #[test]
    fn gateways_are_told_apart() {
        let mut heads = Heads::new(2);
        heads.saw(0, 11, heads.floor(0), 0, S);
        let across = heads.saw(1, 10, heads.floor(1), 0, 2 * S).unwrap();
        assert!(!across.same_gateway);
        let again = heads.saw(0, 10, heads.floor(0), 0, 2 * S).unwrap();
        assert!(again.same_gateway);
    }

    #[test]
    fn a_reorg_excuses_as_many_blocks_as_it_is_deep() {
        let mut heads = Heads::new(1);
        heads.saw(0, 12, heads.floor(0), 0, S);
        assert_eq!(heads.saw(0, 10, heads.floor(0), 2, S), None);
        assert!(heads.saw(0, 9, heads.floor(0), 2, S).is_some());
    }
}
