//! When a call is sent again, and the budgets that bound it.
//!
//! [`Budget`] is a bucket filled by calls (a share of them) and by time (a
//! floor), so that retries cannot multiply an outage. Retries and hedges have a
//! bucket each. The form is that of `tower::retry::budget`.

use std::{
    sync::atomic::{AtomicI64, AtomicU64, Ordering},
    time::Duration,
};

use crate::clock::Timestamp;

/// How long a bucket saves up.
const SAVED: Duration = Duration::from_secs(10);
/// Calls that one of them pays in for.
const PAYS_FOR: u64 = 8;
/// Thousandths: one retry.
const ONE: i64 = 1_000;

/// A bucket of retries (or hedges), shared by all calls of a chain. Relaxed atomics:
/// a race may let one retry more through, never lose the bound.
#[derive(Debug)]
pub struct Budget {
    /// Thousandths of a retry in the bucket.
    level: AtomicI64,
    filled_at: AtomicU64,
    share: f64,
    /// Thousandths earned by each call.
    per_call: i64,
    /// Retries a second that are always allowed.
    floor: f64,
    most: i64,
}

impl Budget {
    /// `share` of calls (0.2: one retry for five calls) and `floor` a second. The bucket
    /// starts with what the floor saves in 10 s and holds at most that or 1,000, whichever is more.
    pub fn new(share: f64, floor: f64) -> Self {
        let start = (floor * SAVED.as_secs_f64() * ONE as f64) as i64;
        Self {
            level: AtomicI64::new(start),
            filled_at: AtomicU64::new(0),
            share,
            per_call: (share * ONE as f64) as i64,
            floor,
            most: start.max(if share > 0.0 { 1_000 * ONE } else { 0 }),
        }
    }

    /// Whether it was made with these numbers.
    pub fn is(&self, share: f64, floor: f64) -> bool {
        self.share == share && self.floor == floor
    }

    /// A call came in. One call in eight, by the random `draw`, pays in for all of them: the
    /// line is shared by all workers.
    pub fn earn(&self, draw: u64) {
        let pays = draw.is_multiple_of(PAYS_FOR) && self.per_call > 0;
        if pays && self.level.load(Ordering::Relaxed) < self.most {
            self.level.fetch_add(self.per_call * PAYS_FOR as i64, Ordering::Relaxed);
        }
    }

    /// Takes one retry out, if there is one.
    pub fn spend(&self, now: Timestamp) -> bool {
        self.fill(now);
        if self.level.fetch_sub(ONE, Ordering::Relaxed) >= ONE {
            return true;
        }
        self.level.fetch_add(ONE, Ordering::Relaxed);
        false
    }

    /// Returns a retry that was taken out and found no node.
    pub fn put_back(&self) {
        self.level.fetch_add(ONE, Ordering::Relaxed);
    }

    /// How full it is, 0 to 1.
    pub fn remaining(&self) -> f64 {
        if self.most == 0 {
            return 0.0;
        }
        (self.level.load(Ordering::Relaxed) as f64 / self.most as f64).clamp(0.0, 1.0)
    }

    fn fill(&self, now: Timestamp) {
        let before = self.filled_at.load(Ordering::Relaxed);
        let passed = now.since(Timestamp::from_nanos(before)).min(SAVED).as_secs_f64();
        let due = (passed * self.floor * ONE as f64) as i64;
        if due < ONE {
            return;
        }
        let filler = self.filled_at.compare_exchange(
            before,
            now.as_nanos(),
            Ordering::Relaxed,
            Ordering::Relaxed,
        );
        if filler.is_ok() {
            let level = self.level.load(Ordering::Relaxed);
            self.level.fetch_add(due.min(self.most - level).max(0), Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Timestamp {
        Timestamp::ZERO + Duration::from_millis(millis)
    }

    fn spent(budget: &Budget, now: Timestamp) -> usize {
        (0..100_000).take_while(|_| budget.spend(now)).count()
    }

    #[test]
    fn retries_are_bounded_by_a_share_of_the_calls_and_a_floor() {
        let budget = Budget::new(0.2, 10.0);
        assert_eq!(spent(&budget, at(0)), 100, "what the floor saved in ten seconds");
        (0..1_000).for_each(|call| budget.earn(call));
        assert_eq!(spent(&budget, at(0)), 200);
        assert_eq!(spent(&budget, at(1_000)), 10);
        assert_eq!(spent(&budget, at(3_600_000)), 100, "the floor saves up ten seconds at most");
    }

    #[test]
    fn a_budget_of_nothing_allows_nothing() {
        let budget = Budget::new(0.0, 0.0);
        (0..1_000).for_each(|call| budget.earn(call));
        assert_eq!(spent(&budget, at(60_000)), 0);
        assert_eq!(budget.remaining(), 0.0);
    }

    #[test]
    fn a_flood_of_calls_cannot_save_up_without_bound() {
        let budget = Budget::new(0.2, 10.0);
        (0..1_000_000).for_each(|call| budget.earn(call));
        assert!(spent(&budget, at(0)) <= 1_001);
    }
}
