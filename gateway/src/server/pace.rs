//! How long a connection may take, told from what it is doing.
//!
//! hyper has one timer for idle connections and slow heads (`header_read_timeout`) and none
//! at all before it knows the protocol. Here the socket and the service mark what
//! happens in a [`Pace`], without reading a clock; [`Clocks`] looks at the marks
//! once after each poll of the connection and keeps one lazy timer.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU32, Ordering::Relaxed},
    },
    task::{Context, Poll},
    time::Duration,
};

use tokio::time::{Instant, Sleep, sleep_until};

use crate::{
    clock,
    server::{Timing, filter::Fault},
};

/// What a connection is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// No complete request head yet.
    First,
    /// Between requests.
    Idle,
    /// Some bytes of a later request's head have come.
    Head,
    /// A request is in flight.
    Busy,
    /// The client takes no bytes.
    Stalled,
    /// Our side is shut; reading on so that the client can read our last answer.
    Linger,
}

/// The marks of one connection. Written and read on its worker only; atomics
/// because its futures are `Send`.
#[derive(Debug, Default)]
pub(super) struct Pace {
    in_flight: AtomicU32,
    /// Grows with every change that starts a stage anew.
    turns: AtomicU32,
    started: AtomicBool,
    head: AtomicBool,
    stalled: AtomicBool,
    lingering: AtomicBool,
    closing: AtomicBool,
    /// Requests begun: the number of the next one.
    begun: AtomicU32,
    /// The number of the request whose head was refused, and why; nothing follows it.
    refusal: OnceLock<(u32, Fault)>,
}

impl Pace {
    pub fn stage(&self) -> Stage {
        if self.lingering.load(Relaxed) {
            Stage::Linger
        } else if self.stalled.load(Relaxed) {
            Stage::Stalled
        } else if self.in_flight.load(Relaxed) > 0 {
            Stage::Busy
        } else if !self.started.load(Relaxed) {
            Stage::First
        } else if self.head.load(Relaxed) {
            Stage::Head
        } else {
            Stage::Idle
        }
    }

    /// Whether the beginning of a head has come, and not its end.
    pub fn heads(&self, begun: bool) {
        self.head.store(begun, Relaxed);
    }

    /// The head of request `number` is refused.
    pub fn refuse(&self, number: u32, fault: Fault) {
        // The first is the last: nothing is read after it.
        let _first = self.refusal.set((number, fault));
    }

    /// The next request in order begins; why it is refused, if it is.
    pub fn next_request(&self) -> Option<Fault> {
        let number = self.begun.fetch_add(1, Relaxed);
        self.refusal.get().filter(|(refused, _)| *refused == number).map(|(_, fault)| *fault)
    }

    /// Bytes went out, or could not.
    pub fn sent(&self, progress: bool) {
        if progress {
            self.turn();
        }
        self.stalled.store(!progress, Relaxed);
    }

    pub fn linger(&self) {
        self.lingering.store(true, Relaxed);
    }

    /// Answers from now on say that the connection closes.
    pub fn close(&self) {
        self.closing.store(true, Relaxed);
    }

    pub fn closes(&self) -> bool {
        self.closing.load(Relaxed)
    }

    fn turn(&self) {
        self.turns.fetch_add(1, Relaxed);
    }
}

/// A request in flight: from its complete head to the last byte of its answer.
#[derive(Debug)]
pub struct Busy(Arc<Pace>);

impl Busy {
    pub(super) fn begin(pace: &Arc<Pace>) -> Self {
        pace.started.store(true, Relaxed);
        pace.in_flight.fetch_add(1, Relaxed);
        pace.turn();
        Self(Arc::clone(pace))
    }

    /// A part of the answer was taken.
    pub(super) fn moves(&self) {
        self.0.turn();
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Relaxed);
        self.0.turn();
    }
}

/// When `stage`, begun at `since`, has lasted too long. A server that finishes
/// shortens what only waits.
fn due(stage: Stage, since: Instant, farewell: Option<Instant>, timing: &Timing) -> Instant {
    let earliest = |at: Instant| farewell.map_or(at, |farewell| at.min(farewell));
    match stage {
        Stage::First => earliest(since + timing.head),
        Stage::Idle => earliest(since + timing.idle),
        Stage::Head => since + timing.head,
        Stage::Stalled => since + timing.stall,
        Stage::Linger => since + timing.linger,
        Stage::Busy => since + timing.stuck,
    }
}

/// The timer of one connection. Re-armed only when it fires or when something is
/// due sooner, so a busy connection costs no timer work per request.
#[derive(Debug)]
pub(super) struct Clocks {
    timing: Timing,
    seen: (Stage, u32),
    since: Instant,
    farewell: Option<Instant>,
    /// When the connection is old, until that is told.
    old: Option<Instant>,
    crowded: bool,
    timer: Pin<Box<Sleep>>,
}

/// What a connection's timer says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expired {
    /// It was in this stage too long.
    Stage(Stage),
    /// It is old, and has better be replaced by a new one; said once.
    Age,
}

impl Clocks {
    /// `draw` spreads the ages of connections that began together.
    pub fn start(timing: Timing, accepted: Instant, draw: u64) -> Self {
        Self {
            timing,
            seen: (Stage::First, 0),
            since: accepted,
            farewell: None,
            old: Some(accepted + age(timing.age, draw)),
            crowded: false,
            timer: Box::pin(sleep_until(accepted + timing.head)),
        }
    }

    /// The server finishes: what is idle ends soon.
    pub fn finish(&mut self) {
        self.farewell = Some(Instant::now() + self.timing.farewell);
    }

    /// Room is scarce, or no more: how long an idle connection is kept.
    pub fn crowd(&mut self, crowded: bool) {
        self.crowded = crowded;
    }

    /// The connection was asked to end: it has as long as a lingering one.
    pub fn ask(&mut self) {
        self.timing.idle = self.timing.linger;
        self.farewell = None;
        self.since = Instant::now();
    }

    /// Ready when the connection has been in its stage too long, or has become old.
    pub fn poll(&mut self, pace: &Pace, context: &mut Context<'_>) -> Poll<Expired> {
        let now_seen = (pace.stage(), pace.turns.load(Relaxed));
        if now_seen != self.seen {
            self.seen = now_seen;
            self.since = clock::instant();
        }
        let stage = self.seen.0;
        let mut due = due(stage, self.since, self.farewell, &self.timing);
        if self.crowded && stage == Stage::Idle {
            due = due.min(self.since + self.timing.crowded);
        }
        let next = self.old.map_or(due, |old| due.min(old));
        if next < self.timer.deadline() {
            self.timer.as_mut().reset(next);
        }
        while self.timer.as_mut().poll(context).is_ready() {
            let now = clock::instant();
            if due <= now {
                return Poll::Ready(Expired::Stage(stage));
            }
            if self.old.is_some_and(|old| old <= now) {
                self.old = None;
                self.timer.as_mut().reset(due);
                return Poll::Ready(Expired::Age);
            }
            self.timer.as_mut().reset(next);
        }
        Poll::Pending
    }
}

/// `mean`, more or less a tenth of it.
fn age(mean: Duration, draw: u64) -> Duration {
    mean.mul_f64(0.9 + 0.2 * (draw as f64 / u64::MAX as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMING: Timing = Timing {
        head: Duration::from_secs(10),
        idle: Duration::from_secs(75),
        crowded: Duration::from_secs(5),
        stall: Duration::from_secs(30),
        stuck: Duration::from_secs(60),
        linger: Duration::from_secs(1),
        farewell: Duration::from_secs(1),
        age: Duration::from_secs(1800),
    };

    #[test]
    fn each_stage_has_its_own_deadline() {
        let since = Instant::now();
        for (stage, seconds) in [
            (Stage::First, 10),
            (Stage::Idle, 75),
            (Stage::Head, 10),
            (Stage::Busy, 60),
            (Stage::Stalled, 30),
            (Stage::Linger, 1),
        ] {
            let expected = since + Duration::from_secs(seconds);
            assert_eq!(due(stage, since, None, &TIMING), expected, "{stage:?}");
        }
    }

    #[test]
    fn a_farewell_ends_what_waits_and_spares_what_has_begun() {
        let since = Instant::now();
        let soon = since + Duration::from_millis(500);
        for (stage, ends) in
            [(Stage::First, true), (Stage::Idle, true), (Stage::Head, false), (Stage::Busy, false)]
        {
            assert_eq!(due(stage, since, Some(soon), &TIMING) == soon, ends, "{stage:?}");
        }
    }

    #[test]
    fn marks_tell_the_stage() {
        let pace = Arc::new(Pace::default());
        assert_eq!(pace.stage(), Stage::First);
        pace.heads(true);
        assert_eq!(pace.stage(), Stage::First, "an incomplete first head");
        pace.heads(false);
        let first = Busy::begin(&pace);
        let second = Busy::begin(&pace);
        drop(first);
        assert_eq!(pace.stage(), Stage::Busy, "one of two is still in flight");
        pace.sent(false);
        assert_eq!(pace.stage(), Stage::Stalled);
        pace.sent(true);
        drop(second);
        assert_eq!(pace.stage(), Stage::Idle);
        pace.heads(true);
        assert_eq!(pace.stage(), Stage::Head);
        let third = Busy::begin(&pace);
        assert_eq!(pace.stage(), Stage::Busy);
        drop(third);
        assert_eq!(pace.stage(), Stage::Head, "the next one's had begun to come meanwhile");
        pace.linger();
        assert_eq!(pace.stage(), Stage::Linger);
    }

    #[test]
    fn the_refused_request_is_known_by_its_number() {
        let pace = Pace::default();
        assert_eq!(pace.next_request(), None);
        pace.refuse(2, Fault::Version);
        assert_eq!(pace.next_request(), None);
        assert_eq!(pace.next_request(), Some(Fault::Version));
    }

    #[test]
    fn ages_are_spread_around_their_mean() {
        for (draw, seconds) in [(0, 1620), (u64::MAX / 2, 1800), (u64::MAX, 1980)] {
            assert_eq!(age(TIMING.age, draw).as_secs_f64().round(), f64::from(seconds));
        }
    }
}
