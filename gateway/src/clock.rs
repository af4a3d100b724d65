//! Time as a value: rules take `now` as an argument and never read a clock.
//!
//! A [`Timestamp`] is monotonic and has no relation to the wall clock, so a
//! jump of the system's time moves nothing.

use std::{
    cell::Cell,
    ops::{Add, Sub},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;

/// A monotonic instant: nanoseconds since its [`Clock`] was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The instant its clock was made.
    pub const ZERO: Self = Self(0);

    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// Time since `earlier`; zero if `earlier` is later.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, by: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(by.as_nanos()).unwrap_or(u64::MAX)))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;

    fn sub(self, by: Duration) -> Self {
        Self(self.0.saturating_sub(u64::try_from(by.as_nanos()).unwrap_or(u64::MAX)))
    }
}

thread_local! {
    static MOMENT: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Runs `work`, for which time stands still: all of it reads the clock as it was at the
/// beginning. For one poll of a connection, which is over in microseconds.
pub fn in_one_moment<T>(work: impl FnOnce() -> T) -> T {
    struct Over;
    impl Drop for Over {
        fn drop(&mut self) {
            MOMENT.set(None);
        }
    }
    MOMENT.set(Some(Instant::now()));
    let _over = Over;
    work()
}

/// The time: now, or when [`in_one_moment`] began.
pub fn instant() -> Instant {
    MOMENT.get().unwrap_or_else(Instant::now)
}

/// Where timestamps come from: the system, or a test's hand.
#[derive(Clone, Debug)]
pub enum Clock {
    System(Instant),
    Manual(Arc<AtomicU64>),
}

impl Clock {
    pub fn system() -> Self {
        Self::System(Instant::now())
    }

    /// A clock that stands at [`Timestamp::ZERO`] until [`Clock::advance`] moves it.
    pub fn manual() -> Self {
        Self::Manual(Arc::new(AtomicU64::new(0)))
    }

    pub fn now(&self) -> Timestamp {
        match self {
            Self::System(base) => Timestamp::ZERO + instant().duration_since(*base),
            Self::Manual(nanos) => Timestamp(nanos.load(Ordering::Relaxed)),
        }
    }

    /// Moves a manual clock; a system clock moves by itself.
    pub fn advance(&self, by: Duration) {
        if let Self::Manual(nanos) = self {
            nanos.store((self.now() + by).0, Ordering::Relaxed);
        }
    }
}
