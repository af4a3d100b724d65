//! A node's limit as calls read it: one word, written only when the limit moves. The rule
//! that moves it is [`Limit`], behind a lock that calls try and never wait for.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use crossbeam_utils::CachePadded;
use parking_lot::Mutex;

use crate::{
    clock::Timestamp,
    load::limit::{Limit, Sample},
    method::Lane,
};

/// Kinds of calls that are limited apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallClass {
    /// Traces and other work of many seconds.
    Heavy,
    Other,
}

impl CallClass {
    pub const ALL: [Self; 2] = [Self::Heavy, Self::Other];

    pub const fn of(lane: Lane) -> Self {
        match lane {
            Lane::Trace => Self::Heavy,
            Lane::Light | Lane::State | Lane::Logs | Lane::Write => Self::Other,
        }
    }

    /// The word in metrics.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Heavy => "heavy",
            Self::Other => "other",
        }
    }
}

/// Answers slower than this are all looked at; of faster ones one in [`SPARED`], to spare
/// the line. By what a lane usually takes, not by the answer, so that the mean stays true.
const RARE: Duration = Duration::from_millis(5);
const SPARED: u64 = 8;

#[derive(Debug)]
pub struct Limiter {
    /// Low half: calls that are not heavy. High half: heavy ones.
    shown: AtomicU64,
    /// Nanoseconds until which the node wants to be left alone.
    throttled_until: AtomicU64,
    rule: CachePadded<Mutex<Limit>>,
}

impl Limiter {
    pub fn new(limit: Limit) -> Self {
        let limiter = Self {
            shown: AtomicU64::new(0),
            throttled_until: AtomicU64::new(0),
            rule: CachePadded::new(Mutex::new(limit)),
        };
        limiter.show(Timestamp::ZERO, &limit);
        limiter
    }

    /// Calls of a class that the node may hold, but for the ramp after a return.
    pub fn most(&self, class: CallClass) -> u32 {
        let shown = self.shown.load(Relaxed);
        match class {
            CallClass::Heavy => (shown >> 32) as u32,
            CallClass::Other => shown as u32,
        }
    }

    /// A client's call was answered, or given up for its time. `usual`: what the lane's
    /// answers take on average.
    pub fn on_answer(&self, now: Timestamp, sample: Sample, usual: Duration) {
        let spared = usual < RARE && !(sample.took.as_nanos() as u64 / 64).is_multiple_of(SPARED);
        if spared || CallClass::of(sample.lane) == CallClass::Heavy {
            return;
        }
        // Who is there already learns the same.
        let Some(mut rule) = self.rule.try_lock() else { return };
        if rule.on_answer(now, sample) || rule.heavy(now) != self.most(CallClass::Heavy) {
            self.show(now, &rule);
        }
    }

    /// The node asked for less, or had no connection left.
    pub fn on_overload(&self, now: Timestamp, began: Timestamp) {
        self.change(now, |rule| rule.on_overload(now, began));
    }

    /// A probe has shown how far the node is behind; see [`Limit::on_lag`].
    pub fn on_lag(&self, now: Timestamp, lag: u64, fresh: u64, in_flight: u32) {
        self.change(now, |rule| rule.on_lag(now, lag, fresh, in_flight));
    }

    /// The node came back, perhaps as another one.
    pub fn on_return(&self, now: Timestamp) {
        self.throttled_until.store(0, Relaxed);
        self.change(now, |rule| rule.on_return());
    }

    /// Takes over what another has learned.
    pub fn adopt(&self, old: &Self) {
        self.throttled_until.store(old.throttled_until.load(Relaxed), Relaxed);
        self.change(Timestamp::ZERO, |rule| rule.adopt(&old.rule.lock()));
    }

    /// The node wants no calls before then.
    pub fn leave_alone(&self, until: Timestamp) {
        self.throttled_until.fetch_max(until.as_nanos(), Relaxed);
    }

    /// Until when the node wants to be left alone, if it does.
    pub fn throttled_until(&self, now: Timestamp) -> Option<Timestamp> {
        let until = Timestamp::from_nanos(self.throttled_until.load(Relaxed));
        (now < until).then_some(until)
    }

    fn change(&self, now: Timestamp, change: impl FnOnce(&mut Limit)) {
        let mut rule = self.rule.lock();
        change(&mut rule);
        self.show(now, &rule);
    }

    fn show(&self, now: Timestamp, rule: &Limit) {
        let shown = u64::from(rule.heavy(now)) << 32 | u64::from(rule.calls());
        if self.shown.load(Relaxed) != shown {
            self.shown.store(shown, Relaxed);
        }
    }
}
