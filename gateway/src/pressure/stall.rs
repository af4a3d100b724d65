//! How late this process is itself. Each thread that waits for nodes or clients beats at a
//! fixed rate; a beat that comes late, or not at all, was held up by us or by the machine,
//! and a node that seemed silent meanwhile may have spoken to nobody.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use parking_lot::Mutex;

use crate::clock::Timestamp;

/// Time between two beats of a thread.
pub const BEAT: Duration = Duration::from_millis(50);
/// Beats that are remembered: 10 s of them.
const KEPT: usize = 200;
/// Lateness up to this is usual on a busy machine.
pub const USUAL: Duration = Duration::from_millis(150);
/// What a stall has kept from us is read within this time of its end.
const CATCHING_UP: Duration = Duration::from_millis(100);

/// All threads that beat.
#[derive(Debug, Default)]
pub struct Stalls {
    threads: Mutex<Vec<Arc<Heart>>>,
    /// Nanoseconds: when a long stall of some thread was last seen to end.
    ended: AtomicU64,
}

#[derive(Debug)]
struct Heart {
    /// Nanoseconds.
    last: AtomicU64,
    /// Lateness of the last beats.
    late: Mutex<VecDeque<Duration>>,
}

/// One thread's part; dropping it says that the thread is gone.
#[derive(Debug)]
pub struct Thread(Arc<Heart>);

impl Stalls {
    /// A thread begins to beat.
    pub fn join(&self, now: Timestamp) -> Thread {
        let last = AtomicU64::new(now.as_nanos());
        let heart = Arc::new(Heart { last, late: Mutex::default() });
        let mut threads = self.threads.lock();
        threads.retain(|heart| Arc::strong_count(heart) > 1);
        threads.push(Arc::clone(&heart));
        Thread(heart)
    }

    /// The thread beats, [`BEAT`] after the last time if it is in time.
    pub fn beat(&self, thread: &Thread, now: Timestamp) {
        let last = Timestamp::from_nanos(thread.0.last.swap(now.as_nanos(), Relaxed));
        let late = now.since(last).saturating_sub(BEAT);
        if late > USUAL {
            self.ended.fetch_max(now.as_nanos(), Relaxed);
        }
        let mut beats = thread.0.late.lock();
        if beats.len() >= KEPT {
            beats.pop_front();
        }
        beats.push_back(late);
    }

    /// By how much the latest thread is late now.
    pub fn latest(&self, now: Timestamp) -> Duration {
        let threads = self.threads.lock();
        let alive = threads.iter().filter(|heart| Arc::strong_count(heart) > 1);
        alive.map(|heart| heart.late_by(now)).max().unwrap_or_default()
    }

    /// Whether silence means something: no thread was held up just now.
    pub fn are_over(&self, now: Timestamp) -> bool {
        let ended = self.ended.load(Relaxed);
        let over = ended == 0 || now.since(Timestamp::from_nanos(ended)) >= CATCHING_UP;
        over && self.latest(now) <= USUAL
    }

    /// The 99th percentile of lateness over the last 10 s, of the thread where it is greatest.
    pub fn p99(&self) -> Duration {
        let threads = self.threads.lock();
        let p99s = threads.iter().map(|heart| {
            let mut late: Vec<_> = heart.late.lock().iter().copied().collect();
            late.sort_unstable();
            late.get(late.len() * 99 / 100).copied().unwrap_or_default()
        });
        p99s.max().unwrap_or_default()
    }
}

impl Heart {
    fn late_by(&self, now: Timestamp) -> Duration {
        let last = Timestamp::from_nanos(self.last.load(Relaxed));
        now.since(last).saturating_sub(BEAT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Timestamp {
        Timestamp::ZERO + Duration::from_millis(millis)
    }

    #[test]
    fn silence_means_nothing_while_a_thread_is_held_up_and_just_after() {
        let stalls = Stalls::default();
        let (one, other) = (stalls.join(at(0)), stalls.join(at(0)));
        for beat in 1..20 {
            stalls.beat(&one, at(beat * 50));
            stalls.beat(&other, at(beat * 50));
        }
        assert!(stalls.are_over(at(1_000)));
        for beat in 20..40 {
            stalls.beat(&one, at(beat * 50));
        }
        assert!(!stalls.are_over(at(1_950)), "the other is held up");
        stalls.beat(&other, at(1_950));
        assert!(!stalls.are_over(at(1_960)), "and catching up");
        assert!(stalls.are_over(at(2_050)));
    }

    #[test]
    fn a_thread_that_is_gone_is_not_late() {
        let stalls = Stalls::default();
        let gone = stalls.join(at(0));
        assert_eq!(stalls.latest(at(5_050)), Duration::from_secs(5));
        drop(gone);
        assert_eq!(stalls.latest(at(5_050)), Duration::ZERO);
    }

    #[test]
    fn p99_is_of_the_latest_thread() {
        let stalls = Stalls::default();
        let (good, bad) = (stalls.join(at(0)), stalls.join(at(0)));
        for beat in 1..=100 {
            stalls.beat(&good, at(beat * 50));
            stalls.beat(&bad, at(beat * 80));
        }
        assert_eq!(stalls.p99(), Duration::from_millis(30));
    }
}
