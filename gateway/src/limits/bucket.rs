//! One bucket of rate: governor's GCRA (the generic cell rate algorithm) over one word.
//!
//! The word is the time at which the bucket is full again, in nanoseconds of the clock:
//! one that has passed, and so zero too, is a full bucket. Cells are tenths of a weight.

use std::{
    cell::Cell,
    num::NonZeroU32,
    ops::Add,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use governor::{
    RateLimiter,
    clock::{Clock, Reference},
    middleware::NoOpMiddleware,
    nanos::Nanos,
    state::{NotKeyed, StateStore},
};

use crate::{clock::Timestamp, config::Rate};

/// Cells of one weight.
pub const CELLS: u32 = 10;

/// How many cells come back how fast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    inner: governor::Quota,
}

/// Why cells cannot be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Short {
    /// They can after so long, if nobody else takes them.
    For(Duration),
    /// Not even from a full bucket; it holds so many.
    Never { cells: u32 },
}

impl Quota {
    /// `share` times a rate.
    pub fn of(rate: Rate, share: u32) -> Self {
        let cells = |weight: u32| weight.saturating_mul(CELLS).saturating_mul(share).max(1);
        Self::new(Duration::from_secs(1) / cells(rate.weight_per_second), cells(rate.burst))
    }

    /// One cell every `period` (at least a nanosecond), at most `burst` at once.
    pub fn new(period: Duration, burst: u32) -> Self {
        let slowest = governor::Quota::per_second(NonZeroU32::MIN);
        let inner = governor::Quota::with_period(period.max(Duration::from_nanos(1)));
        let burst = NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN);
        Self { inner: inner.unwrap_or(slowest).allow_burst(burst) }
    }

    /// Cells of a full bucket.
    pub const fn burst(self) -> u32 {
        self.inner.burst_size().get()
    }

    /// Takes all of so many cells, or none.
    pub fn take(self, full_at: &AtomicU64, cells: u32, now: Timestamp) -> Result<(), Short> {
        let Some(cells) = NonZeroU32::new(cells) else { return Ok(()) };
        let limiter: Limiter<'_> = RateLimiter::new(self.inner, Word(full_at), Stopped::at(now));
        match limiter.check_n(cells) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(until)) => Err(Short::For(until.wait_time_from(Moment(now.as_nanos())))),
            Err(_) => Err(Short::Never { cells: self.burst() }),
        }
    }
}

type Limiter<'w> = RateLimiter<NotKeyed, Word<'w>, Stopped, NoOpMiddleware<Moment>>;

/// The state of one bucket, for one check.
struct Word<'w>(&'w AtomicU64);

impl StateStore for Word<'_> {
    type Key = NotKeyed;

    fn measure_and_replace<T, F, E>(&self, _: &NotKeyed, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let mut seen = self.0.load(Relaxed);
        loop {
            let (outcome, next) = decide(Some(Nanos::new(seen)))?;
            match self.0.compare_exchange_weak(seen, next.as_u64(), Relaxed, Relaxed) {
                Ok(_) => return Ok(outcome),
                Err(other) => seen = other,
            }
        }
    }
}

/// A time of our clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Moment(u64);

impl Add<Nanos> for Moment {
    type Output = Self;

    fn add(self, by: Nanos) -> Self {
        Self(self.0.saturating_add(by.as_u64()))
    }
}

impl Reference for Moment {
    fn duration_since(&self, earlier: Self) -> Nanos {
        Nanos::new(self.0.saturating_sub(earlier.0))
    }

    fn saturating_sub(&self, duration: Nanos) -> Self {
        Self(self.0.checked_sub(duration.as_u64()).unwrap_or(self.0))
    }
}

/// A clock that stands at one time. governor counts from the first reading of a limiter's
/// clock: that is the clock's zero, so that a bucket means the same to every limiter.
struct Stopped {
    next: Cell<Moment>,
    now: Moment,
}

impl Stopped {
    const fn at(now: Timestamp) -> Self {
        Self { next: Cell::new(Moment(0)), now: Moment(now.as_nanos()) }
    }
}

impl Clock for Stopped {
    type Instant = Moment;

    fn now(&self) -> Moment {
        self.next.replace(self.now)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(millis: u64) -> Timestamp {
        Timestamp::ZERO + Duration::from_millis(millis)
    }

    fn rate(weight_per_second: u32, burst: u32) -> Quota {
        Quota::of(Rate { weight_per_second, burst }, 1)
    }

    #[test]
    fn a_bucket_gives_its_burst_and_then_as_fast_as_it_fills() {
        let (quota, bucket) = (rate(10, 2), AtomicU64::new(0));
        let take = |cells, millis| quota.take(&bucket, cells, at(millis));
        assert_eq!(take(20, 5_000), Ok(()));
        assert_eq!(take(1, 5_000), Err(Short::For(Duration::from_millis(10))));
        assert_eq!(take(10, 5_050), Err(Short::For(Duration::from_millis(50))));
        assert_eq!(take(10, 5_100), Ok(()));
        assert_eq!(take(21, 9_000), Err(Short::Never { cells: 20 }));
        assert_eq!(take(20, 9_000), Ok(()), "what was refused took nothing");
        assert_eq!(take(0, 9_000), Ok(()));
    }

    #[test]
    fn the_largest_rate_and_share_still_count() {
        let quota = Quota::of(Rate { weight_per_second: 10_000_000, burst: 10_000_000 }, 16);
        let bucket = AtomicU64::new(0);
        assert_eq!(quota.take(&bucket, quota.burst(), at(1)), Ok(()));
        assert!(quota.take(&bucket, quota.burst(), at(1)).is_err());
    }

    proptest! {
        #[test]
        fn no_more_than_burst_and_what_came_back_is_ever_given(
            weight in 1_u32..1_000, burst in 1_u32..1_000,
            takes in prop::collection::vec((1_u32..2_000, 0_u64..500), 1..100),
        ) {
            let (quota, bucket) = (rate(weight, burst), AtomicU64::new(0));
            let (mut given, mut now) = (0_u64, 1_000);
            for (cells, later) in takes {
                now += later;
                if quota.take(&bucket, cells, at(now)).is_ok() {
                    given += u64::from(cells);
                }
                // a period is cut to whole nanoseconds
                let back = (now - 1_000) as f64 * f64::from(weight) * 10.0 / 1_000.0 * 1.000_1;
                prop_assert!(given as f64 <= f64::from(burst) * 10.0 + back + 1.0);
            }
        }
    }
}
