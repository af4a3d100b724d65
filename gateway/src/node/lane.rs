//! One kind of work at one node: its latency and its breaker.

use std::{
    sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use crossbeam_utils::CachePadded;
use parking_lot::Mutex;

use crate::{
    breaker::{Breaker, LONGEST_WAIT, State},
    clock::Timestamp,
    load,
};

/// How much slower a node looks that has stumbled.
const STUMBLE: u64 = 8;
/// The last call was given up.
const GIVEN_UP: u8 = 1;
/// The last call failed, or the last two were given up: a node that fails slowly is
/// always overtaken, and its failures are never seen.
const STUMBLED: u8 = 2;

/// The average in units of 64 ns (high half: 274 s at most) and when it was sampled in
/// milliseconds (low half: wraps after 49 days, harmless for an age). One word, so that
/// a call writes it once.
#[derive(Debug, Default)]
struct Average(AtomicU64);

impl Average {
    /// Nanoseconds, and the age of the last sample.
    fn load(&self, now: Timestamp) -> (u64, Duration) {
        let word = self.0.load(Relaxed);
        let age = millis(now).wrapping_sub(word as u32);
        ((word >> 32) << 6, Duration::from_millis(u64::from(age)))
    }

    fn store(&self, now: Timestamp, nanos: u64) {
        let units = (nanos >> 6).clamp(1, u64::from(u32::MAX));
        self.0.store(units << 32 | u64::from(millis(now)), Relaxed);
    }
}

const fn millis(now: Timestamp) -> u32 {
    (now.as_nanos() / 1_000_000) as u32
}

#[derive(Debug, Default)]
struct Latency {
    average: Average,
    /// Nanoseconds. Learns from every other answer, to spare the line.
    p95: AtomicU64,
}

#[derive(Debug, Default)]
pub struct LaneState {
    latency: CachePadded<Latency>,
    breaker: Mutex<Breaker>,
    /// The breaker counts: successes must be reported to it. Spares the lock else.
    attentive: AtomicBool,
    /// What the last calls say: [`GIVEN_UP`], [`STUMBLED`], or 0 after a good answer.
    trouble: AtomicU8,
    /// Nanoseconds until which the breaker lets nothing through; 0: closed.
    open_until: AtomicU64,
}

impl LaneState {
    /// Decayed latency in nanoseconds; 0 before the first answer. After a failed call it
    /// counts several times, so that a node that fails what others answer is not chosen
    /// for being idle.
    pub fn latency(&self, now: Timestamp) -> u64 {
        let (average, age) = self.latency.average.load(now);
        let decayed = load::decayed(average, age);
        if self.has_stumbled() { decayed * STUMBLE } else { decayed }
    }

    /// Forgets how slow the node was: it came back as another one.
    pub fn forget_latency(&self) {
        self.latency.average.0.store(0, Relaxed);
        self.latency.p95.store(0, Relaxed);
    }

    pub fn p95(&self) -> Duration {
        Duration::from_nanos(self.latency.p95.load(Relaxed))
    }

    /// Whether calls must stay away. Open until the trial has decided.
    pub fn is_open(&self, now: Timestamp) -> bool {
        match self.open_until.load(Relaxed) {
            0 => false,
            until => now.as_nanos() < until,
        }
    }

    /// Its last call failed, or it has failed calls lately that other nodes answered.
    pub fn is_doubtful(&self) -> bool {
        self.has_stumbled() || self.attentive.load(Relaxed)
    }

    fn has_stumbled(&self) -> bool {
        self.trouble.load(Relaxed) == STUMBLED
    }

    /// Claims the one call that tries an open breaker. True for a closed one.
    pub fn may_send(&self, now: Timestamp) -> bool {
        if self.open_until.load(Relaxed) == 0 {
            return true;
        }
        let mut breaker = self.breaker.lock();
        let trial = breaker.try_trial(now);
        self.show(&breaker);
        trial
    }

    /// A good answer after `took`. Returns whether it closed the breaker.
    pub fn on_success(&self, now: Timestamp, took: Duration) -> bool {
        let sample = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.sample(now, sample);
        if sample & 1 == 0 || self.latency.p95.load(Relaxed) == 0 {
            self.learn_p95(sample);
        }
        if self.trouble.load(Relaxed) != 0 {
            self.trouble.store(0, Relaxed);
        }
        if !self.attentive.load(Relaxed) {
            return false;
        }
        let mut breaker = self.breaker.lock();
        let closed = breaker.on_success(now);
        self.show(&breaker);
        closed
    }

    /// How long an answer takes at most: from one answer (nanoseconds), a probe's too.
    pub fn learn_p95(&self, sample: u64) {
        let p95 = self.latency.p95.load(Relaxed);
        self.latency.p95.store(load::p95_step(p95, sample), Relaxed);
    }

    /// A failed call, whoever is to blame, counts as a slow one.
    pub fn on_slow(&self, now: Timestamp, took: Duration) {
        self.trouble.store(STUMBLED, Relaxed);
        self.sample(now, load::failed_sample(self.latency.average.load(now).0, took));
    }

    /// A failure that another node's answer has proved to be this node's own. Returns
    /// whether the breaker opened.
    pub fn on_debit(&self, now: Timestamp, may_open: bool, chance: f32) -> bool {
        let mut breaker = self.breaker.lock();
        let opened = breaker.on_failure(now, may_open, chance);
        self.show(&breaker);
        opened
    }

    /// The node asked for time.
    pub fn on_throttled(&self, now: Timestamp, wait: Duration) {
        let mut breaker = self.breaker.lock();
        breaker.on_throttled(now, wait);
        self.show(&breaker);
    }

    /// A call was given up after `took`: another node was faster, or the client left. That
    /// tells nothing but that its answer would have taken longer still; without it a hung
    /// node whose calls are rescued by hedges would look as fast as before.
    pub fn on_given_up(&self, now: Timestamp, took: Duration) {
        let took = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        let (average, _) = self.latency.average.load(now);
        if average > 0 && took > average {
            self.sample(now, took);
        }
        let trouble = self.trouble.load(Relaxed);
        self.trouble.store(if trouble == 0 { GIVEN_UP } else { STUMBLED }, Relaxed);
        self.on_no_verdict(now);
    }

    /// A call ended without telling whether the node is well: if it was the one that tries
    /// an open breaker, the next may.
    pub fn on_no_verdict(&self, now: Timestamp) {
        if self.open_until.load(Relaxed) != 0 {
            let mut breaker = self.breaker.lock();
            breaker.on_no_verdict(now);
            self.show(&breaker);
        }
    }

    fn sample(&self, now: Timestamp, sample: u64) {
        let (average, age) = self.latency.average.load(now);
        self.latency.average.store(now, load::blend(average, age, sample));
    }

    fn show(&self, breaker: &Breaker) {
        let open_until = match breaker.state() {
            State::Closed => 0,
            State::Open { until } => until.as_nanos().max(1),
            // Not for ever: a trial that nobody reports back is forgotten.
            State::Trial { since } => (since + LONGEST_WAIT).as_nanos(),
        };
        self.open_until.store(open_until, Relaxed);
        self.attentive.store(!breaker.is_pristine(), Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::breaker;

    #[test]
    fn while_a_trial_is_out_nobody_else_may_send() {
        let lane = LaneState::default();
        let now = Timestamp::from_nanos(1);
        for _ in 0..breaker::CONSECUTIVE {
            lane.on_debit(now, true, 0.0);
        }
        assert!(lane.is_open(now) && !lane.may_send(now));
        let later = now + breaker::FIRST_WAIT;
        assert!(!lane.is_open(later), "the wait is over: choosing may offer the node");
        assert!(lane.may_send(later), "one call tries it");
        assert!(lane.is_open(later) && !lane.may_send(later));
        assert!(lane.on_success(later, Duration::from_millis(1)));
        assert!(!lane.is_open(later) && lane.may_send(later));
    }

    #[test]
    fn a_trial_that_nobody_reports_back_keeps_the_node_out_no_longer_than_the_longest_wait() {
        let lane = LaneState::default();
        let now = Timestamp::from_nanos(1);
        lane.on_throttled(now, breaker::FIRST_WAIT);
        let tried = now + breaker::FIRST_WAIT;
        assert!(lane.may_send(tried) && lane.is_open(tried));
        let later = tried + breaker::LONGEST_WAIT;
        assert!(!lane.is_open(later) && lane.may_send(later));
        lane.on_no_verdict(later);
        assert!(!lane.is_open(later) && lane.may_send(later), "no verdict: the next may try");
    }

    #[test]
    fn a_call_given_up_counts_as_long_as_it_was_waited_for_if_that_is_longer() {
        let (lane, ms) = (LaneState::default(), Duration::from_millis(1));
        let now = Timestamp::from_nanos(1);
        lane.on_success(now, ms);
        lane.on_given_up(now, ms / 2);
        assert_eq!(lane.latency(now), 1_000_000);
        lane.on_success(now, ms);
        lane.on_given_up(now, ms * 40);
        assert!((39_000_000..41_000_000).contains(&lane.latency(now)));
    }

    #[test]
    fn a_node_that_is_overtaken_twice_in_a_row_has_stumbled_until_its_next_answer() {
        let (lane, ms) = (LaneState::default(), Duration::from_millis(1));
        let now = Timestamp::from_nanos(1);
        lane.on_success(now, ms);
        lane.on_given_up(now, ms);
        assert!(!lane.is_doubtful());
        lane.on_given_up(now, ms);
        assert!(lane.is_doubtful());
        assert_eq!(lane.latency(now), 8_000_000);
        lane.on_success(now, ms);
        assert!(!lane.is_doubtful());
    }

    #[test]
    fn p95_and_latency_are_known_after_the_first_answer() {
        let lane = LaneState::default();
        let now = Timestamp::from_nanos(1);
        assert_eq!(lane.latency(now), 0);
        lane.on_success(now, Duration::from_millis(4));
        assert_eq!(lane.latency(now), 4_000_000);
        assert_eq!(lane.p95(), Duration::from_millis(8));
    }
}
