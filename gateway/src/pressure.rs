//! What the gateway itself is short of: memory, time on the CPU, file descriptors. One level,
//! which the path of a call reads with one relaxed load; what is done about it stands where
//! it is done.
//!
//! Memory is that of the tightest cgroup ([`memory`]), or all the machine has. Time is judged
//! by how late each thread's ticks are ([`stall`]). Who looks, and when, is `watchdog`'s.

pub mod memory;
pub mod stall;

use std::{
    sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use parking_lot::Mutex;

use crate::clock::{Clock, Timestamp};

use self::stall::Stalls;

/// How short it is, and what follows. Each level has all that those before it have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Level {
    #[default]
    Calm,
    /// Caches give memory back, and no new WebSocket is taken.
    Shrink,
    /// Answers end their connection, idle ones are closed.
    NoKeepAlive,
    /// Low priority is refused at once.
    ShedLow,
    /// Everything but probes and the admin port is refused.
    Refuse,
}

impl Level {
    pub const ALL: [Self; 5] =
        [Self::Calm, Self::Shrink, Self::NoKeepAlive, Self::ShedLow, Self::Refuse];

    fn from_number(number: u8) -> Self {
        Self::ALL.get(usize::from(number)).copied().unwrap_or_default()
    }

    /// Share of the memory from which on the level holds.
    const fn begins_at(self) -> f64 {
        match self {
            Self::Calm => 0.0,
            Self::Shrink => 0.80,
            Self::NoKeepAlive => 0.88,
            Self::ShedLow => 0.92,
            Self::Refuse => 0.95,
        }
    }

    /// The level at this share of memory, coming from `self`: up at once, down only when
    /// there is some room to spare, so that it does not flap.
    pub fn at(self, share: f64) -> Self {
        const HYSTERESIS: f64 = 0.03;
        let holds = |level: &&Self| {
            let kept = if **level <= self { HYSTERESIS } else { 0.0 };
            share >= level.begins_at() - kept
        };
        Self::ALL.iter().rev().find(holds).copied().unwrap_or_default()
    }
}

/// A thread that is late by more than this, for [`STARVED_FOR`], is starved.
const LATE: Duration = Duration::from_secs(1);
const STARVED_FOR: Duration = Duration::from_secs(5);
/// An accept that found no file descriptor counts for so long.
const FILES_FOR: Duration = Duration::from_secs(1);

/// Shared by all threads of a gateway.
#[derive(Debug)]
pub struct Pressure {
    pub clock: Clock,
    level: AtomicU8,
    /// Nanoseconds until which file descriptors are short.
    files_until: AtomicU64,
    /// Of the memory, in parts of a million, when it was last looked at.
    memory: AtomicU32,
    slow: Mutex<Slow>,
    /// How late the ticks of each thread are.
    pub stalls: Stalls,
}

/// What only the control thread writes.
#[derive(Debug, Default)]
struct Slow {
    memory: Level,
    late_since: Option<Timestamp>,
}

impl Default for Pressure {
    /// By the system's clock.
    fn default() -> Self {
        Self::new(Clock::system())
    }
}

impl Pressure {
    pub fn new(clock: Clock) -> Self {
        Self {
            clock,
            level: AtomicU8::new(0),
            files_until: AtomicU64::new(0),
            memory: AtomicU32::new(0),
            slow: Mutex::default(),
            stalls: Stalls::default(),
        }
    }

    pub fn level(&self) -> Level {
        Level::from_number(self.level.load(Relaxed))
    }

    /// Share of the memory in use, as last looked at.
    pub fn memory_share(&self) -> f64 {
        f64::from(self.memory.load(Relaxed)) / 1e6
    }

    /// An accept found no file descriptor: idle connections have to make room.
    pub fn starved_of_files(&self, now: Timestamp) {
        self.files_until.fetch_max((now + FILES_FOR).as_nanos(), Relaxed);
        self.level.fetch_max(Level::NoKeepAlive as u8, Relaxed);
    }

    /// Looks at everything again; `share` of the memory in use, `None` where it is not
    /// known. Returns the level before and now.
    pub fn look(&self, now: Timestamp, share: Option<f64>) -> (Level, Level) {
        let mut slow = self.slow.lock();
        if let Some(share) = share {
            slow.memory = slow.memory.at(share);
            self.memory.store((share * 1e6).clamp(0.0, 4e9) as u32, Relaxed);
        }
        let late = self.stalls.latest(now) > LATE;
        slow.late_since = late.then(|| slow.late_since.unwrap_or(now));
        let starved = slow.late_since.is_some_and(|since| now.since(since) >= STARVED_FOR);
        let time = if starved { Level::ShedLow } else { Level::Calm };
        let short_of_files = now < Timestamp::from_nanos(self.files_until.load(Relaxed));
        let files = if short_of_files { Level::NoKeepAlive } else { Level::Calm };
        let level = slow.memory.max(time).max(files);
        (Level::from_number(self.level.swap(level as u8, Relaxed)), level)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The levels that a run of memory shares (percent) leads through.
    fn check(shares: &[u32], expected: &[Level]) {
        let mut level = Level::Calm;
        let seen: Vec<_> = shares
            .iter()
            .map(|&share| {
                level = level.at(f64::from(share) / 100.0);
                level
            })
            .collect();
        assert_eq!(seen, expected, "{shares:?}");
    }

    #[test]
    fn the_ladder_goes_up_at_once_and_down_three_points_later() {
        use Level::{Calm, NoKeepAlive, Refuse, ShedLow, Shrink};
        check(&[50, 79, 80, 88, 92, 95], &[Calm, Calm, Shrink, NoKeepAlive, ShedLow, Refuse]);
        check(&[99, 93, 91, 90, 86, 84], &[Refuse, Refuse, ShedLow, ShedLow, NoKeepAlive, Shrink]);
        check(&[80, 78, 76, 79, 80], &[Shrink, Shrink, Calm, Calm, Shrink]);
        check(&[96, 10], &[Refuse, Calm]);
    }

    fn at(millis: u64) -> Timestamp {
        Timestamp::ZERO + Duration::from_millis(millis)
    }

    #[test]
    fn want_of_file_descriptors_ends_keep_alive_for_a_second() {
        let pressure = Pressure::default();
        pressure.starved_of_files(at(1_000));
        assert_eq!(pressure.level(), Level::NoKeepAlive, "at once");
        pressure.look(at(1_900), Some(0.1));
        assert_eq!(pressure.level(), Level::NoKeepAlive);
        assert_eq!(pressure.look(at(2_000), Some(0.1)), (Level::NoKeepAlive, Level::Calm));
    }

    #[test]
    fn a_thread_late_by_a_second_for_five_sheds_low_priority_until_it_is_not() {
        let pressure = Pressure::default();
        let thread = pressure.stalls.join(at(0));
        for second in 0..10 {
            let now = at(2_000 + second * 1_000);
            pressure.look(now, None);
            let expected = if second < 5 { Level::Calm } else { Level::ShedLow };
            assert_eq!(pressure.level(), expected, "{second}");
        }
        pressure.stalls.beat(&thread, at(12_000));
        pressure.look(at(12_000), None);
        assert_eq!(pressure.level(), Level::Calm);
    }
}
