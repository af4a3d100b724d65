//! Counters of what happened, kept once per worker and merged when scraped, so
//! that counting costs no shared cache line. Gauges are not kept here: they are
//! read off the topology when somebody asks (`admin`). Every label comes from a
//! closed set; no label ever holds a client's text.

mod counters;
mod responses;

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    time::{SystemTime, UNIX_EPOCH},
};

pub use self::{
    counters::{Counters, Histograms},
    responses::{Answering, Responses},
};

use crate::{
    error::{CallError, Side},
    method::Lane,
};

/// How a client's call ended (`docs/metrics.md`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Outcome {
    Ok,
    /// The node's own JSON-RPC error, passed on.
    AppError,
    ClientError,
    RateLimited,
    Shed,
    UpstreamError,
    Timeout,
    ClientGone,
}

impl Outcome {
    pub const ALL: [Self; 8] = [
        Self::Ok,
        Self::AppError,
        Self::ClientError,
        Self::RateLimited,
        Self::Shed,
        Self::UpstreamError,
        Self::Timeout,
        Self::ClientGone,
    ];

    /// How a call ended that the gateway refused.
    pub const fn of(error: &CallError) -> Self {
        match error {
            CallError::Deadline => Self::Timeout,
            CallError::ClientGone => Self::ClientGone,
            CallError::Overloaded | CallError::BodiesFull => Self::Shed,
            CallError::RateLimited { .. }
            | CallError::InFlight
            | CallError::HeavySlots
            | CallError::TooManyMisses => Self::RateLimited,
            other => match other.side() {
                Side::Client => Self::ClientError,
                Side::Gateway | Side::Node => Self::UpstreamError,
            },
        }
    }

    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::AppError => "app_error",
            Self::ClientError => "client_error",
            Self::RateLimited => "rate_limited",
            Self::Shed => "shed",
            Self::UpstreamError => "upstream_error",
            Self::Timeout => "timeout",
            Self::ClientGone => "client_gone",
        }
    }
}

/// Who made the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Source {
    Gateway,
    Node,
}

impl Source {
    pub const ALL: [Self; 2] = [Self::Gateway, Self::Node];

    pub const fn word(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Node => "node",
        }
    }
}

/// Why a node was called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Purpose {
    /// The first attempt of a client's call.
    Call,
    Retry,
    Hedge,
    Probe,
    /// Settling or confirming a write.
    Confirm,
}

impl Purpose {
    pub const ALL: [Self; 5] = [Self::Call, Self::Retry, Self::Hedge, Self::Probe, Self::Confirm];

    pub const fn word(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::Retry => "retry",
            Self::Hedge => "hedge",
            Self::Probe => "probe",
            Self::Confirm => "confirm",
        }
    }
}

/// How one call to a node ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum AttemptResult {
    Ok,
    /// The node lacks what was asked: pruned, behind, no such method.
    Missing,
    Throttled,
    /// An error, garbage or a broken connection.
    Failed,
    Timeout,
    /// Given up because another attempt answered first, or the client left.
    Dropped,
}

impl AttemptResult {
    pub const ALL: [Self; 6] =
        [Self::Ok, Self::Missing, Self::Throttled, Self::Failed, Self::Timeout, Self::Dropped];

    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Missing => "missing",
            Self::Throttled => "throttled",
            Self::Failed => "failed",
            Self::Timeout => "timeout",
            Self::Dropped => "dropped",
        }
    }
}

/// How a call's wait for a place at a node ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Queued {
    /// It got a place.
    Served,
    /// The queue was full of calls no less urgent: it did not wait.
    Refused,
    /// It made room for a more urgent call.
    PushedOut,
    TimedOut,
    /// Its client left, or it could not be served for another reason.
    Left,
}

impl Queued {
    pub const ALL: [Self; 5] =
        [Self::Served, Self::Refused, Self::PushedOut, Self::TimedOut, Self::Left];

    pub const fn word(self) -> &'static str {
        match self {
            Self::Served => "served",
            Self::Refused => "refused",
            Self::PushedOut => "pushed_out",
            Self::TimedOut => "timed_out",
            Self::Left => "left",
        }
    }
}

/// Counters of one chain.
#[derive(Debug)]
pub struct ChainMetrics {
    methods: usize,
    requests: Counters,
    /// By lane: full time of a client's call.
    pub durations: Histograms,
    attempts: Counters,
    pub batch_items: Histograms,
    /// By kind, in the order of [`ChainMetrics::TIP_CHANGES`].
    pub tip_changes: Counters,
    queued: Counters,
}

impl ChainMetrics {
    /// How the served tip may change.
    pub const TIP_CHANGES: [&str; 4] = ["forward", "reorg", "back", "rerooted"];

    /// `methods`: rows of the chain's method table.
    pub fn new(methods: usize) -> Self {
        Self {
            methods,
            requests: Counters::new(methods * Outcome::ALL.len() * Source::ALL.len()),
            durations: Histograms::seconds(Lane::ALL.len()),
            attempts: Counters::new(Purpose::ALL.len() * AttemptResult::ALL.len()),
            batch_items: Histograms::items(1),
            tip_changes: Counters::new(Self::TIP_CHANGES.len()),
            queued: Counters::new(Queued::ALL.len()),
        }
    }

    pub const fn methods(&self) -> usize {
        self.methods
    }

    pub fn on_call(&self, method: usize, outcome: Outcome, source: Source) {
        self.requests.add(Self::cell(method.min(self.methods - 1), outcome, source), 1);
    }

    pub fn calls(&self, method: usize, outcome: Outcome, source: Source) -> u64 {
        self.requests.sum(Self::cell(method, outcome, source))
    }

    pub fn on_attempt(&self, purpose: Purpose, result: AttemptResult) {
        self.attempts.add(purpose as usize * AttemptResult::ALL.len() + result as usize, 1);
    }

    pub fn on_queued(&self, how: Queued) {
        self.queued.add(how as usize, 1);
    }

    pub fn queued(&self, how: Queued) -> u64 {
        self.queued.sum(how as usize)
    }

    pub fn attempts(&self, purpose: Purpose, result: AttemptResult) -> u64 {
        self.attempts.sum(purpose as usize * AttemptResult::ALL.len() + result as usize)
    }

    const fn cell(method: usize, outcome: Outcome, source: Source) -> usize {
        (method * Outcome::ALL.len() + outcome as usize) * Source::ALL.len() + source as usize
    }
}

/// Counters of one node.
#[derive(Debug)]
pub struct NodeMetrics {
    results: Counters,
    /// By lane: time of one attempt that was answered.
    pub durations: Histograms,
    /// Ejections: probes, suspicion, breaker, in that order.
    pub ejections: Counters,
}

impl Default for NodeMetrics {
    fn default() -> Self {
        Self {
            results: Counters::new(AttemptResult::ALL.len()),
            durations: Histograms::seconds(1),
            ejections: Counters::new(Ejection::ALL.len()),
        }
    }
}

impl NodeMetrics {
    pub fn on_attempt(&self, result: AttemptResult) {
        self.results.add(result as usize, 1);
    }

    pub fn attempts(&self, result: AttemptResult) -> u64 {
        self.results.sum(result as usize)
    }

    pub fn on_ejection(&self, why: Ejection) {
        self.ejections.add(why as usize, 1);
    }
}

/// What took a node out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Ejection {
    Probes,
    Suspicion,
    Breaker,
}

impl Ejection {
    pub const ALL: [Self; 3] = [Self::Probes, Self::Suspicion, Self::Breaker];

    pub const fn word(self) -> &'static str {
        match self {
            Self::Probes => "probes",
            Self::Suspicion => "suspicion",
            Self::Breaker => "breaker",
        }
    }
}

/// How the last reload went.
#[derive(Debug)]
pub struct ReloadStatus {
    ok: AtomicBool,
    /// Unix seconds.
    at: AtomicU64,
}

impl Default for ReloadStatus {
    fn default() -> Self {
        let status = Self { ok: AtomicBool::new(true), at: AtomicU64::new(0) };
        status.succeeded();
        status
    }
}

impl ReloadStatus {
    pub fn succeeded(&self) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.ok.store(true, Relaxed);
        self.at.store(now.as_secs(), Relaxed);
    }

    pub fn failed(&self) {
        self.ok.store(false, Relaxed);
    }

    /// Whether the last reload was applied, and when one last was (Unix seconds).
    pub fn read(&self) -> (bool, u64) {
        (self.ok.load(Relaxed), self.at.load(Relaxed))
    }
}
