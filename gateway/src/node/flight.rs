//! Calls in flight at one node: counted in calls by class and in method weights, and
//! listened to, so that silence is noticed before any deadline. All counts
//! share one word, so that a call writes this line twice: leaving and coming back.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use crossbeam_utils::CachePadded;

use crate::{clock::Timestamp, node::limiter::CallClass};

/// One call: bits 0 to 15.
const CALL: u64 = 1;
/// One cheap call: bits 16 to 31. Only these tell silence from slow work.
const CHEAP: u64 = 1 << 16;
/// One heavy call: bits 32 to 39. The limit keeps them far below what fits.
const HEAVY: u64 = 1 << 32;
/// One unit of weight: bits 40 to 63.
const WEIGHT: u64 = 1 << 40;
/// No call counts for more, so that as many as a node holds at most fit.
const HEAVIEST: u32 = 1 << 14;
/// `heard` is not written again within this time: fine enough for silence of 250 ms.
const HEARD_GRAIN: Duration = Duration::from_millis(10);

#[derive(Debug, Default)]
struct Words {
    counts: AtomicU64,
    /// When the first of the cheap calls now in flight left, or one was last answered.
    heard: AtomicU64,
    /// When a cheap call was last given up unanswered.
    gave_up: AtomicU64,
}

/// Calls given up and sent within this time are one silence: a node whose calls are all
/// rescued by hedges must not look as if it had just begun to be asked.
const CHAIN: Duration = Duration::from_millis(100);

/// A call about to leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leaving {
    /// In method weights.
    pub weight: u32,
    /// Its silence tells something.
    pub cheap: bool,
    /// Limited with those of many seconds.
    pub heavy: bool,
}

/// What is in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    pub calls: u32,
    /// Heavy ones among them.
    pub heavy: u32,
    /// Method weights of all.
    pub weight: u32,
}

impl Counts {
    const fn of(word: u64) -> Self {
        Self {
            calls: (word & 0xffff) as u32,
            heavy: (word >> 32 & 0xff) as u32,
            weight: (word >> 40) as u32,
        }
    }

    pub const fn of_class(self, class: CallClass) -> u32 {
        match class {
            CallClass::Heavy => self.heavy,
            CallClass::Other => self.calls.saturating_sub(self.heavy),
        }
    }
}

#[derive(Debug, Default)]
pub struct Flight(CachePadded<Words>);

impl Flight {
    pub fn calls(&self) -> u32 {
        (self.0.counts.load(Relaxed) & 0xffff) as u32
    }

    pub fn weight(&self) -> u32 {
        self.counts().weight
    }

    /// All counts of one instant.
    pub fn counts(&self) -> Counts {
        Counts::of(self.0.counts.load(Relaxed))
    }

    /// A call leaves, unless those in flight with it are more than `fits` allows; it is in
    /// flight until the guard is dropped. A view may be old by then: other workers have
    /// looked at the same moment.
    pub fn enter(
        &self,
        now: Timestamp,
        call: Leaving,
        fits: impl FnOnce(Counts) -> bool,
    ) -> Option<InFlight<'_>> {
        let Leaving { weight, cheap, heavy } = call;
        let entry = CALL
            + if cheap { CHEAP } else { 0 }
            + if heavy { HEAVY } else { 0 }
            + WEIGHT * u64::from(weight.min(HEAVIEST));
        let flight = self.begin(now, entry);
        fits(flight.counts).then_some(flight)
    }

    /// A probe leaves: listened to like a cheap call, so that a node nobody calls is not
    /// trusted for that. It takes no place and no weight.
    pub fn enter_probe(&self, now: Timestamp) -> InFlight<'_> {
        self.begin(now, CHEAP)
    }

    fn begin(&self, now: Timestamp, entry: u64) -> InFlight<'_> {
        let cheap = entry & CHEAP != 0;
        let before = self.0.counts.fetch_add(entry, Relaxed);
        if cheap && before & (CHEAP * 0xffff) == 0 && !self.was_just_given_up(now) {
            self.0.heard.store(now.as_nanos(), Relaxed);
        }
        InFlight { flight: self, entry, counts: Counts::of(before.wrapping_add(entry)) }
    }

    /// A cheap call was given up without an answer.
    pub fn gave_up(&self, now: Timestamp) {
        self.0.gave_up.store(now.as_nanos().max(1), Relaxed);
    }

    fn was_just_given_up(&self, now: Timestamp) -> bool {
        let at = self.0.gave_up.load(Relaxed);
        at != 0 && now.since(Timestamp::from_nanos(at)) < CHAIN
    }

    /// The node said something on a cheap call.
    pub fn heard(&self, now: Timestamp) {
        let last = Timestamp::from_nanos(self.0.heard.load(Relaxed));
        if now.since(last) >= HEARD_GRAIN {
            self.0.heard.store(now.as_nanos(), Relaxed);
        }
    }

    /// How long cheap calls have been out with nothing back; `None` when none is out.
    pub fn silent_for(&self, now: Timestamp) -> Option<Duration> {
        let out = self.0.counts.load(Relaxed) & (CHEAP * 0xffff) != 0;
        out.then(|| now.since(Timestamp::from_nanos(self.0.heard.load(Relaxed))))
    }
}

/// One call in flight; dropping it, however the call ended, takes it out.
#[derive(Debug)]
pub struct InFlight<'n> {
    flight: &'n Flight,
    entry: u64,
    /// What was in flight when it entered, itself included.
    pub counts: Counts,
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.flight.0.counts.fetch_sub(self.entry, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Timestamp {
        Timestamp::ZERO + Duration::from_millis(millis)
    }

    fn enter(flight: &Flight, now: Timestamp, weight: u32, cheap: bool) -> InFlight<'_> {
        flight.enter(now, Leaving { weight, cheap, heavy: false }, |_| true).unwrap()
    }

    #[test]
    fn a_call_that_does_not_fit_leaves_no_trace() {
        let flight = Flight::default();
        let heavy = Leaving { weight: 500, cheap: false, heavy: true };
        let one = flight.enter(at(0), heavy, |counts| counts.heavy <= 1).unwrap();
        assert_eq!(one.counts, Counts { calls: 1, heavy: 1, weight: 500 });
        assert!(flight.enter(at(0), heavy, |counts| counts.heavy <= 1).is_none());
        let _light = enter(&flight, at(0), 1, true);
        assert_eq!(flight.counts(), Counts { calls: 2, heavy: 1, weight: 501 });
        assert_eq!(flight.counts().of_class(CallClass::Other), 1);
        drop(one);
        assert_eq!(flight.counts(), Counts { calls: 1, heavy: 0, weight: 1 });
    }

    #[test]
    fn a_call_is_in_flight_until_its_guard_is_dropped() {
        let flight = Flight::default();
        let one = enter(&flight, at(0), 50, false);
        let two = enter(&flight, at(0), 2, true);
        assert_eq!((flight.calls(), flight.weight()), (2, 52));
        drop(one);
        drop(two);
        assert_eq!((flight.calls(), flight.weight()), (0, 0));
    }

    #[test]
    fn silence_counts_from_the_first_cheap_call_out_or_the_last_answer() {
        let flight = Flight::default();
        let _heavy = enter(&flight, at(0), 100, false);
        assert_eq!(flight.silent_for(at(900)), None, "heavy work is allowed to be silent");
        let _one = enter(&flight, at(1_000), 1, true);
        let _two = enter(&flight, at(1_100), 1, true);
        assert_eq!(flight.silent_for(at(1_200)), Some(Duration::from_millis(200)));
        flight.heard(at(1_250));
        assert_eq!(flight.silent_for(at(1_300)), Some(Duration::from_millis(50)));
    }

    #[test]
    fn a_probe_is_listened_to_and_takes_no_place() {
        let flight = Flight::default();
        let _probe = flight.enter_probe(at(100));
        assert_eq!((flight.calls(), flight.weight()), (0, 0));
        assert_eq!(flight.silent_for(at(400)), Some(Duration::from_millis(300)));
    }

    #[test]
    fn silence_goes_on_through_calls_that_are_given_up_and_sent_again() {
        let flight = Flight::default();
        for call in 0..30 {
            let guard = enter(&flight, at(call * 20), 1, true);
            flight.gave_up(at(call * 20 + 15));
            drop(guard);
        }
        let _next = enter(&flight, at(600), 1, true);
        assert_eq!(flight.silent_for(at(610)), Some(Duration::from_millis(610)));
    }

    #[test]
    fn a_call_given_up_long_ago_is_no_silence() {
        let flight = Flight::default();
        drop(enter(&flight, at(0), 1, true));
        flight.gave_up(at(5));
        let _next = enter(&flight, at(10_000), 1, true);
        assert_eq!(flight.silent_for(at(10_010)), Some(Duration::from_millis(10)));
    }
}
