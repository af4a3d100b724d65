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
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering::Relaxed},
    },
    task::{Context, Poll},
};

use tokio::time::{Instant, Sleep, sleep_until};

use crate::{clock, server::Timing};

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

    /// Bytes came in.
    pub fn received(&self) {
        if self.in_flight.load(Relaxed) == 0 {
            self.head.store(true, Relaxed);
        }
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
        self.0.head.store(false, Relaxed);
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
    crowded: bool,
    timer: Pin<Box<Sleep>>,
}

impl Clocks {
    pub fn start(timing: Timing, accepted: Instant) -> Self {
        Self {
            timing,
            seen: (Stage::First, 0),
            since: accepted,
            farewell: None,
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

    /// Ready when the connection has been in its stage too long.
    pub fn poll(&mut self, pace: &Pace, context: &mut Context<'_>) -> Poll<Stage> {
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
        if due < self.timer.deadline() {
            self.timer.as_mut().reset(due);
        }
        while self.timer.as_mut().poll(context).is_ready() {
            if due <= clock::instant() {
                return Poll::Ready(stage);
            }
            self.timer.as_mut().reset(due);
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const TIMING: Timing = Timing {
        head: Duration::from_secs(10),
        idle: Duration::from_secs(75),
        crowded: Duration::from_secs(5),
        stall: Duration::from_secs(30),
        stuck: Duration::from_secs(60),
        linger: Duration::from_secs(1),
        farewell: Duration::from_secs(1),
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
        pace.received();
        assert_eq!(pace.stage(), Stage::First, "an incomplete first head");
        let first = Busy::begin(&pace);
        let second = Busy::begin(&pace);
        pace.received();
        drop(first);
        assert_eq!(pace.stage(), Stage::Busy, "one of two is still in flight");
        pace.sent(false);
        assert_eq!(pace.stage(), Stage::Stalled);
        pace.sent(true);
        drop(second);
        assert_eq!(pace.stage(), Stage::Idle);
        pace.received();
        assert_eq!(pace.stage(), Stage::Head);
        pace.linger();
        assert_eq!(pace.stage(), Stage::Linger);
    }
}
