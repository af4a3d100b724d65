//! Active health of one node: probes and their results, and *suspicion*, the
//! shortcut by which a call that meets silence takes a node out before any
//! deadline.
//!
//! Trips: three probes failed in a row, or a suspicion (at once).
//! Recovers: two good probes in a row; a suspicion of a node that was up ends
//! with the first probe it answers. Three and two are HAProxy's `fall` and `rise`.
//! Pure: the tracker sends the probes.

use std::time::Duration;

use crate::clock::Timestamp;

/// Failed probes in a row that take a node down.
pub const FALL: u32 = 3;
/// Good probes in a row that bring it back.
pub const RISE: u32 = 2;
/// How often a node is probed while its state may be about to change.
pub const FAST: Duration = Duration::from_millis(250);
/// Slow start: a node that came back is ramped up over this time.
pub const SLOW_START: Duration = Duration::from_secs(30);

/// A node's state as its probes tell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Not asked yet.
    Unknown,
    Up,
    Down,
}

#[derive(Clone, Copy, Debug)]
pub struct Health {
    state: State,
    failed: u32,
    good: u32,
    since: Timestamp,
}

impl Default for Health {
    fn default() -> Self {
        Self { state: State::Unknown, failed: 0, good: 0, since: Timestamp::ZERO }
    }
}

impl Health {
    pub const fn state(&self) -> State {
        self.state
    }

    /// When the state last changed.
    pub const fn since(&self) -> Timestamp {
        self.since
    }

    /// A probe was answered well. Returns whether the state changed. A node asked for
    /// the first time is up with its first good answer.
    pub fn on_good(&mut self, now: Timestamp) -> bool {
        self.failed = 0;
        self.good = self.good.saturating_add(1);
        match self.state {
            State::Unknown => self.become_(State::Up, now),
            State::Down if self.good >= RISE => self.become_(State::Up, now),
            State::Up | State::Down => false,
        }
    }

    /// A probe failed. Returns whether the state changed.
    pub fn on_failed(&mut self, now: Timestamp) -> bool {
        self.good = 0;
        self.failed = self.failed.saturating_add(1);
        match self.state {
            State::Unknown => self.become_(State::Down, now),
            State::Up if self.failed >= FALL => self.become_(State::Down, now),
            State::Up | State::Down => false,
        }
    }

    /// Whether the next probe should come after [`FAST`] instead of the usual interval.
    pub const fn is_changing(&self) -> bool {
        match self.state {
            State::Unknown => true,
            State::Up => self.failed > 0,
            State::Down => true,
        }
    }

    fn become_(&mut self, state: State, now: Timestamp) -> bool {
        self.state = state;
        self.since = now;
        true
    }
}

/// Share of its weight that a node gets `up_for` after it came back: 10 % rising to all
/// of it over [`SLOW_START`].
pub fn slow_start(up_for: Duration) -> f32 {
    let ramp = up_for.as_secs_f32() / SLOW_START.as_secs_f32();
    (0.1 + 0.9 * ramp).min(1.0)
}

/// Within this time a suspected node's probe has been answered or has failed. A call that no
/// other node can serve waits for that so long, and no longer.
pub const CLEARING: Duration = Duration::from_secs(1);

/// No node may be silent for longer: half of the shortest deadline of a try, so that a
/// call is helped before it fails, however slow its node was before.
const LONGEST_SILENCE: Duration = Duration::from_millis(1_500);
/// …nor a node that has never answered, whose pace is not known.
const UNKNOWN_SILENCE: Duration = Duration::from_secs(1);

/// How long a node with calls in flight may say nothing before it is suspected:
/// max(10 × its p95, 250 ms), at most 1.5 s; 1 s where no p95 is known (zero).
pub fn silence_limit(p95: Duration) -> Duration {
    if p95.is_zero() {
        return UNKNOWN_SILENCE;
    }
    (p95 * 10).clamp(Duration::from_millis(250), LONGEST_SILENCE)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `script`: `+` a good probe, `-` a failed one; gives the state after each.
    fn check(script: &str, expected: &str) {
        let mut health = Health::default();
        let mut states = String::new();
        for (at, probe) in script.chars().enumerate() {
            let now = Timestamp::from_nanos(at as u64 + 1);
            match probe {
                '+' => health.on_good(now),
                _ => health.on_failed(now),
            };
            states.push(match health.state() {
                State::Unknown => '?',
                State::Up => 'U',
                State::Down => 'D',
            });
        }
        assert_eq!(states, expected, "{script}");
    }

    #[test]
    fn three_failures_take_a_node_down_and_two_good_probes_bring_it_back() {
        check("+", "U");
        check("-", "D");
        check("+--+--+", "UUUUUUU");
        check("+---", "UUUD");
        check("+---+", "UUUDD");
        check("+---++", "UUUDDU");
        check("+---+-++", "UUUDDDDU");
    }

    #[test]
    fn a_node_that_came_back_ramps_from_a_tenth_to_all_of_its_weight() {
        assert_eq!(slow_start(Duration::ZERO), 0.1);
        assert!((slow_start(SLOW_START / 2) - 0.55).abs() < 1e-6);
        assert_eq!(slow_start(SLOW_START * 3), 1.0);
    }

    #[test]
    fn silence_is_judged_by_ten_times_p95_from_a_quarter_second_to_one_and_a_half() {
        assert_eq!(silence_limit(Duration::ZERO), Duration::from_secs(1));
        assert_eq!(silence_limit(Duration::from_millis(700)), Duration::from_millis(1_500));
        assert_eq!(silence_limit(Duration::from_millis(2)), Duration::from_millis(250));
        assert_eq!(silence_limit(Duration::from_millis(80)), Duration::from_millis(800));
    }
}
