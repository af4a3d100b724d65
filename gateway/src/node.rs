//! What is known of one node, in atomics that every call reads: facts from the
//! tracker, load from the calls themselves. A `Node` outlives reloads as long as
//! its identity in the config stays; it holds no connection and sends nothing.
//!
//! Per-second facts have one writer (the tracker's probe task of this node);
//! per-call facts are relaxed atomics on cache lines of their own.

mod flight;
mod lane;
mod limiter;

use std::{
    sync::atomic::{AtomicU16, AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::{
    clock::Timestamp,
    config,
    family::Identity,
    health::{self, Health},
    load::limit::{self, Limit},
    method::{Data, Lane, MethodIndex},
    metrics::NodeMetrics,
    names::{NodeIndex, ZoneIndex},
    route::{Ask, Facts, View},
};

pub use self::{
    flight::{Counts, Flight, InFlight, Leaving},
    lane::LaneState,
    limiter::{CallClass, Limiter},
};

const UNTOLD: u64 = u64::MAX;

/// One node of one chain.
#[derive(Debug)]
pub struct Node {
    pub config: config::Node,
    pub zone: crate::names::Name,
    facts: AtomicU16,
    head: AtomicU64,
    /// Blocks behind the served tip.
    lag: AtomicU64,
    /// The oldest block it says it keeps; [`UNTOLD`] where it does not say.
    earliest: AtomicU64,
    up_since: AtomicU64,
    suspected_at: AtomicU64,
    pub health: Mutex<Health>,
    /// What the node last said it is.
    pub identity: Mutex<Option<Identity>>,
    /// Wakes the probe task of this node.
    pub probe_now: Notify,
    pub flight: Flight,
    /// How many calls it may hold.
    pub limiter: Limiter,
    pub metrics: NodeMetrics,
    lanes: [LaneState; Lane::ALL.len()],
    rate: Option<DefaultDirectRateLimiter>,
    methods: usize,
    /// Methods this node has said it does not have, one bit per row.
    lacks: Box<[AtomicU64]>,
}

/// Where a node stands in the topology that a call reads.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    pub node: NodeIndex,
    pub zone: ZoneIndex,
    pub own_zone: bool,
}

impl Node {
    /// `heavy`: heavy calls that it may hold.
    pub fn new(config: config::Node, zone: crate::names::Name, methods: usize, heavy: u32) -> Self {
        let rate = config.rate.and_then(std::num::NonZeroU32::new);
        Self {
            zone,
            facts: AtomicU16::new(0),
            head: AtomicU64::new(0),
            lag: AtomicU64::new(0),
            earliest: AtomicU64::new(UNTOLD),
            up_since: AtomicU64::new(0),
            suspected_at: AtomicU64::new(0),
            health: Mutex::default(),
            identity: Mutex::default(),
            probe_now: Notify::new(),
            flight: Flight::default(),
            limiter: Limiter::new(Limit::new(config.max_in_flight, heavy)),
            metrics: NodeMetrics::default(),
            lanes: Default::default(),
            rate: rate.map(|rate| RateLimiter::direct(Quota::per_second(rate))),
            methods,
            lacks: (0..methods.div_ceil(64)).map(|_| AtomicU64::new(0)).collect(),
            config,
        }
    }

    /// Rows of the method table it was built for.
    pub const fn methods(&self) -> usize {
        self.methods
    }

    /// Takes over what is known of the same node under changed settings: its health and
    /// head, if it is still the same endpoint, and its drain flag in any case.
    pub fn adopt(&self, old: &Self, same_endpoint: bool) {
        if !same_endpoint {
            self.mark(Facts::DRAINED, old.facts().has(Facts::DRAINED));
            return;
        }
        *self.health.lock() = *old.health.lock();
        *self.identity.lock() = old.identity.lock().clone();
        self.facts.store(old.facts.load(Relaxed), Relaxed);
        self.head.store(old.head.load(Relaxed), Relaxed);
        self.lag.store(old.lag.load(Relaxed), Relaxed);
        self.earliest.store(old.earliest.load(Relaxed), Relaxed);
        self.up_since.store(old.up_since.load(Relaxed), Relaxed);
        self.limiter.adopt(&old.limiter);
    }

    pub const fn lane(&self, lane: Lane) -> &LaneState {
        &self.lanes[lane as usize]
    }

    pub fn facts(&self) -> Facts {
        Facts(self.facts.load(Relaxed))
    }

    pub fn head(&self) -> u64 {
        self.head.load(Relaxed)
    }

    pub fn lag(&self) -> u64 {
        self.lag.load(Relaxed)
    }

    /// Sets or clears facts.
    pub fn mark(&self, facts: u16, on: bool) {
        if on {
            self.facts.fetch_or(facts, Relaxed);
        } else {
            self.facts.fetch_and(!facts, Relaxed);
        }
    }

    pub fn set_head(&self, head: u64, lag: u64) {
        self.head.store(head, Relaxed);
        self.lag.store(lag, Relaxed);
    }

    /// The node said what it keeps.
    pub fn set_earliest(&self, earliest: u64) {
        self.earliest.store(earliest, Relaxed);
    }

    /// The oldest block that the node says it keeps, if it says so.
    pub fn earliest(&self) -> Option<u64> {
        Some(self.earliest.load(Relaxed)).filter(|&earliest| earliest != UNTOLD)
    }

    /// The node is up since now: slow start begins. Not at process start, where every
    /// node is new and a ramp would only overload the first one.
    pub fn came_back(&self, now: Timestamp) {
        self.lanes.iter().for_each(LaneState::forget_latency);
        self.limiter.on_return(now);
        self.up_since.store(now.as_nanos().max(1), Relaxed);
    }

    /// Takes the node out gently, or back in through slow start.
    pub fn drain(&self, on: bool, now: Timestamp) {
        if self.facts().has(Facts::DRAINED) && !on {
            self.came_back(now);
        }
        self.mark(Facts::DRAINED, on);
    }

    /// Takes the node out at once, until a probe answers. Returns whether it was not out yet.
    pub fn suspect(&self, now: Timestamp) -> bool {
        let before = self.facts.fetch_or(Facts::SUSPECTED, Relaxed);
        let fresh = before & Facts::SUSPECTED == 0;
        if fresh {
            self.suspected_at.store(now.as_nanos(), Relaxed);
            self.probe_now.notify_one();
        }
        fresh
    }

    /// A round of probes that began then went well. A suspicion that came up meanwhile stays:
    /// the round may have asked before there was a reason for it.
    pub fn clear_suspicion(&self, began: Timestamp) {
        if Timestamp::from_nanos(self.suspected_at.load(Relaxed)) <= began {
            self.mark(Facts::SUSPECTED, false);
        }
    }

    pub fn is_suspected(&self) -> bool {
        self.facts().has(Facts::SUSPECTED)
    }

    /// Whether it was suspected so lately that its probe may still clear it.
    pub fn may_be_cleared(&self, now: Timestamp) -> bool {
        let facts = self.facts();
        let since = Timestamp::from_nanos(self.suspected_at.load(Relaxed));
        facts.has(Facts::SUSPECTED)
            && !facts.has(Facts::UNHEALTHY | Facts::REFUSED)
            && now.since(since) < health::CLEARING
    }

    /// Whether what is out there will hardly come back: it fell silent, or its probes fail.
    pub fn is_out(&self) -> bool {
        self.facts().has(Facts::SUSPECTED | Facts::UNHEALTHY | Facts::REFUSED)
    }

    /// Whether calls have been out for too long with nothing coming back.
    pub fn is_silent(&self, now: Timestamp) -> bool {
        let limit = health::silence_limit(self.lane(Lane::Light).p95());
        self.flight.silent_for(now).is_some_and(|silent| silent >= limit)
    }

    /// Remembers that the node does not have a method; forgotten with its next identity check.
    pub fn learn_lack(&self, method: MethodIndex) {
        let (word, bit) = (usize::from(method.0 / 64), method.0 % 64);
        if let Some(bits) = self.lacks.get(word) {
            bits.fetch_or(1 << bit, Relaxed);
        }
    }

    pub fn forget_lacks(&self) {
        for bits in &self.lacks {
            bits.store(0, Relaxed);
        }
    }

    /// Whether the config, or the node's own word, denies it a method.
    pub fn lacks(&self, method: MethodIndex, name: &str) -> bool {
        let (word, bit) = (usize::from(method.0 / 64), method.0 % 64);
        let learned =
            method.0 != 0 && self.lacks.get(word).is_some_and(|b| b.load(Relaxed) >> bit & 1 == 1);
        learned || !self.config.methods.allows(name)
    }

    /// Calls of a class that the node may hold now: its limit, a tenth of it and rising
    /// after a return.
    pub fn limit(&self, now: Timestamp, class: CallClass) -> u32 {
        let most = self.limiter.most(class);
        match (class, self.up_since.load(Relaxed)) {
            (CallClass::Heavy, _) | (_, 0) => most,
            (CallClass::Other, since) => {
                limit::ramped(most, now.since(Timestamp::from_nanos(since)))
            }
        }
    }

    /// How many more calls of a class the node may be sent now.
    pub fn room(&self, now: Timestamp, class: CallClass) -> u32 {
        let counts = self.flight.counts();
        let of_class = self.limit(now, class).saturating_sub(counts.of_class(class));
        let most = self.config.max_in_flight.unwrap_or(u32::MAX);
        of_class.min(most.saturating_sub(counts.calls))
    }

    /// A call leaves for the node, if it may hold one more.
    pub fn enter(&self, now: Timestamp, call: Leaving) -> Option<InFlight<'_>> {
        let class = if call.heavy { CallClass::Heavy } else { CallClass::Other };
        let limit = self.limit(now, class);
        let most = self.config.max_in_flight.unwrap_or(u32::MAX);
        self.flight
            .enter(now, call, |counts| counts.of_class(class) <= limit && counts.calls <= most)
    }

    /// Takes one call out of the node's rate, if it has one.
    pub fn within_rate(&self) -> bool {
        self.rate.as_ref().is_none_or(|rate| rate.check().is_ok())
    }

    /// Everything choosing needs to know, at one instant.
    pub fn view(
        &self,
        now: Timestamp,
        place: Place,
        ask: &Ask,
        method: (MethodIndex, &str),
    ) -> View {
        let lane = self.lane(ask.lane);
        let head = self.head();
        let counts = self.flight.counts();
        let class = CallClass::of(ask.lane);
        let throttled = self.limiter.throttled_until(now).is_some();
        let limit = self.limit(now, class);
        let most = self.config.max_in_flight.unwrap_or(u32::MAX);
        let full = counts.of_class(class) >= limit || counts.calls >= most;
        View {
            node: place.node,
            zone: place.zone,
            own_zone: place.own_zone,
            archive: self.config.archive,
            fallback: self.config.fallback,
            facts: self.facts(),
            lacks_method: self.lacks(method.0, method.1),
            head,
            lag: self.lag(),
            oldest: self.oldest(ask.data, head),
            // One that asks for less is not sick: panic must not send it more.
            breaker_open: !throttled && lane.is_open(now),
            full: throttled || full,
            tried: false,
            in_flight: counts.weight,
            used: counts.of_class(class) as f32 / limit.min(most).max(1) as f32,
            weight: self.config.weight,
            ramp: self.ramp(now),
            latency: lane.latency(now),
        }
    }

    fn ramp(&self, now: Timestamp) -> f32 {
        match self.up_since.load(Relaxed) {
            0 => 1.0,
            since => health::slow_start(now.since(Timestamp::from_nanos(since))),
        }
    }

    /// The oldest block the node still serves of a data kind: as configured, else by its own
    /// word; 0 where nothing is known.
    fn oldest(&self, data: Data, head: u64) -> u64 {
        let kept = self.config.oldest.map(|oldest| match data {
            Data::State => oldest.state,
            Data::Body => oldest.body,
            Data::Logs => oldest.logs,
            Data::None | Data::Header | Data::Mempool => None,
        });
        match (kept.flatten(), data) {
            (Some(config::Retention::From(height)), _) => height,
            (Some(config::Retention::Window(blocks)), _) => (head + 1).saturating_sub(blocks),
            (None, Data::State | Data::Body | Data::Logs) => self.earliest().unwrap_or(0),
            (None, Data::None | Data::Header | Data::Mempool) => 0,
        }
    }

    /// The time a good answer usually takes at most, for patience and hedges.
    pub fn p95(&self, lane: Lane) -> Duration {
        self.lane(lane).p95()
    }
}
