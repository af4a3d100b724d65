//! The breaker of one node and lane: ejects a node whose probes pass but whose
//! calls fail.
//!
//! Trips: five debited failures in a row, or half of at least 20 calls within
//! 10 s. Who is debited is not decided here: a failure counts against a node
//! only when another node answered the same call, so no client can
//! eject a pool with a poisonous call.
//! Recovers: after a wait (5 s, doubling to 60 s, up to half longer by chance)
//! one call is let through; its success closes the breaker, its failure opens
//! it for twice as long. A node that asks for time (Retry-After) gets it.
//! Five in a row is Envoy's default (`consecutive_5xx`), waits up to 60 s with half by
//! chance are linkerd's (failure accrual). Pure; `now` and chance are arguments.

use std::time::Duration;

use crate::clock::Timestamp;

pub const CONSECUTIVE: u32 = 5;
pub const SHARE_CALLS: u32 = 20;
pub const WINDOW: Duration = Duration::from_secs(10);
pub const FIRST_WAIT: Duration = Duration::from_secs(5);
pub const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// A close that lasts this long forgets the doubling.
const FORGIVEN: Duration = Duration::from_secs(60);

/// What the breaker says to a call that would use the node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Closed,
    /// No call before this instant.
    Open {
        until: Timestamp,
    },
    /// One call is out to try the node.
    Trial {
        since: Timestamp,
    },
}

#[derive(Clone, Copy, Debug)]
pub struct Breaker {
    state: State,
    /// Debited failures since the last success.
    consecutive: u32,
    window_from: Timestamp,
    calls: u32,
    failures: u32,
    wait: Duration,
    closed_at: Timestamp,
}

impl Default for Breaker {
    fn default() -> Self {
        Self {
            state: State::Closed,
            consecutive: 0,
            window_from: Timestamp::ZERO,
            calls: 0,
            failures: 0,
            wait: FIRST_WAIT,
            closed_at: Timestamp::ZERO,
        }
    }
}

impl Breaker {
    pub const fn state(&self) -> State {
        self.state
    }

    /// Nothing has gone wrong lately: successes need not be reported.
    pub const fn is_pristine(&self) -> bool {
        matches!(self.state, State::Closed) && self.consecutive == 0 && self.failures == 0
    }

    /// Asks for the one call that tries an open breaker whose wait is over. A trial
    /// that never reported back is forgotten after the longest wait.
    pub fn try_trial(&mut self, now: Timestamp) -> bool {
        let due = match self.state {
            State::Closed => false,
            State::Open { until } => now >= until,
            State::Trial { since } => now.since(since) >= LONGEST_WAIT,
        };
        if due {
            self.state = State::Trial { since: now };
        }
        due
    }

    /// A call succeeded. Returns whether the breaker closed by it.
    pub fn on_success(&mut self, now: Timestamp) -> bool {
        self.consecutive = 0;
        self.count(now);
        let closes = matches!(self.state, State::Trial { .. });
        if closes {
            *self = Self { wait: self.wait, closed_at: now, ..Self::default() };
        }
        closes
    }

    /// A call failed and another node answered it. `may_open`: the ejection cap of the
    /// chain leaves room. `chance` is uniform in `[0, 1)`. Returns whether it opened.
    pub fn on_failure(&mut self, now: Timestamp, may_open: bool, chance: f32) -> bool {
        self.count(now);
        self.consecutive = self.consecutive.saturating_add(1);
        self.failures = self.failures.saturating_add(1);
        let failed_trial = matches!(self.state, State::Trial { .. });
        let tripped = self.consecutive >= CONSECUTIVE
            || (self.calls >= SHARE_CALLS && self.failures * 2 >= self.calls);
        if failed_trial || (tripped && may_open && self.state == State::Closed) {
            self.open(now, chance);
            return true;
        }
        false
    }

    /// The node asked to be left alone for a while (429 with Retry-After).
    pub fn on_throttled(&mut self, now: Timestamp, wait: Duration) {
        let until = now + wait.min(LONGEST_WAIT);
        match self.state {
            State::Open { until: already } if already >= until => {}
            State::Closed | State::Open { .. } | State::Trial { .. } => {
                self.state = State::Open { until };
            }
        }
    }

    /// A trial ended without a verdict (the client left): the next call may try.
    pub const fn on_no_verdict(&mut self, now: Timestamp) {
        if let State::Trial { .. } = self.state {
            self.state = State::Open { until: now };
        }
    }

    fn open(&mut self, now: Timestamp, chance: f32) {
        let forgiven = now.since(self.closed_at) >= FORGIVEN && self.state == State::Closed;
        let wait = if forgiven { FIRST_WAIT } else { self.wait };
        let until = now + wait.mul_f32(1.0 + chance.clamp(0.0, 1.0) / 2.0);
        let doubled = (wait * 2).min(LONGEST_WAIT);
        *self = Self {
            state: State::Open { until },
            wait: doubled,
            closed_at: self.closed_at,
            ..Self::default()
        };
    }

    fn count(&mut self, now: Timestamp) {
        if now.since(self.window_from) >= WINDOW {
            self.window_from = now;
            self.calls = 0;
            self.failures = 0;
        }
        self.calls = self.calls.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Timestamp {
        Timestamp::ZERO + Duration::from_millis(millis)
    }

    fn tripped(breaker: &mut Breaker, now: Timestamp) -> bool {
        (0..CONSECUTIVE).any(|_| breaker.on_failure(now, true, 0.0))
    }

    #[test]
    fn five_failures_in_a_row_open_it_and_a_success_between_starts_over() {
        let mut breaker = Breaker::default();
        for _ in 0..CONSECUTIVE - 1 {
            assert!(!breaker.on_failure(at(0), true, 0.0));
        }
        breaker.on_success(at(0));
        assert!(!breaker.on_failure(at(1), true, 0.0));
        assert!(tripped(&mut breaker, at(2)));
        assert_eq!(breaker.state(), State::Open { until: at(2) + FIRST_WAIT });
    }

    #[test]
    fn half_of_twenty_calls_within_the_window_open_it() {
        let mut breaker = Breaker::default();
        let mut opened_after = 0;
        for call in 1..=40 {
            let opened = if call % 2 == 0 {
                breaker.on_failure(at(call), true, 0.0)
            } else {
                breaker.on_success(at(call));
                false
            };
            if opened {
                opened_after = call;
                break;
            }
        }
        assert_eq!(opened_after, u64::from(SHARE_CALLS));
    }

    #[test]
    fn the_ejection_cap_keeps_it_closed() {
        let mut breaker = Breaker::default();
        for call in 0..100 {
            assert!(!breaker.on_failure(at(call), false, 0.0));
        }
        assert_eq!(breaker.state(), State::Closed);
    }

    #[test]
    fn one_call_tries_it_and_decides() {
        let mut breaker = Breaker::default();
        tripped(&mut breaker, at(0));
        assert!(!breaker.try_trial(at(4_999)));
        assert!(breaker.try_trial(at(5_000)), "the wait is over");
        assert!(!breaker.try_trial(at(5_001)), "one call only");
        assert!(breaker.on_failure(at(5_002), false, 0.0), "a failed trial opens it, cap or not");
        assert_eq!(breaker.state(), State::Open { until: at(5_002) + FIRST_WAIT * 2 });
        assert!(breaker.try_trial(at(16_000)));
        assert!(breaker.on_success(at(16_001)));
        assert_eq!(breaker.state(), State::Closed);
    }

    #[test]
    fn waits_double_to_the_longest_and_are_forgiven_after_a_good_minute() {
        let mut breaker = Breaker::default();
        let mut now = at(0);
        tripped(&mut breaker, now);
        for _ in 0..6 {
            now = now + LONGEST_WAIT * 2;
            assert!(breaker.try_trial(now));
            breaker.on_failure(now, true, 0.0);
        }
        assert_eq!(breaker.state(), State::Open { until: now + LONGEST_WAIT });
        now = now + LONGEST_WAIT * 2;
        breaker.try_trial(now);
        breaker.on_success(now);
        now = now + FORGIVEN;
        tripped(&mut breaker, now);
        assert_eq!(breaker.state(), State::Open { until: now + FIRST_WAIT });
    }

    #[test]
    fn a_node_that_asks_for_time_gets_it_and_no_more_than_the_longest_wait() {
        let mut breaker = Breaker::default();
        breaker.on_throttled(at(0), Duration::from_secs(2));
        assert!(!breaker.try_trial(at(1_999)));
        assert!(breaker.try_trial(at(2_000)));
        breaker.on_throttled(at(3_000), Duration::from_secs(86_400));
        assert_eq!(breaker.state(), State::Open { until: at(3_000) + LONGEST_WAIT });
    }

    #[test]
    fn a_trial_without_a_verdict_leaves_the_next_call_to_try() {
        let mut breaker = Breaker::default();
        tripped(&mut breaker, at(0));
        assert!(breaker.try_trial(at(6_000)));
        breaker.on_no_verdict(at(6_001));
        assert!(breaker.try_trial(at(6_001)));
    }
}
