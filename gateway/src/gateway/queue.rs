//! A place for a call at a node: taken when the node is chosen, waited for where all who
//! could serve are full, given back when the call ends, however it ends.
//!
//! Only a call's first attempt waits: a retry or a hedge that waited would multiply what the
//! nodes have too much of already. The wait is short and bounded, and nobody is sent after it.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use crate::{
    clock,
    clock::Timestamp,
    error::CallError,
    gateway::{Gateway, relay::Job, tries::Tries},
    health,
    load::line::{NodeSet, Rank},
    metrics::Queued,
    node::{CallClass, InFlight, Leaving},
    pressure::Level,
    topology::{Chain, Member, Standing, Waiting},
};

/// The longest wait for a place.
const PATIENCE: Duration = Duration::from_millis(250);
/// One who waits looks for itself this often: limits grow, and nodes come back.
const LOOK: Duration = Duration::from_millis(25);
/// Calls that may wait for each that the nodes may hold.
const WAITING_PER_PLACE: usize = 2;

/// A call's place among those in flight at a node. Dropped, it goes to who waits for it.
pub struct Seat<'c> {
    pub member: &'c Member,
    gateway: &'c Gateway,
    chain: &'c Chain,
    class: CallClass,
    /// Taken out when dropped, before anybody is called.
    flight: Option<InFlight<'c>>,
}

impl Seat<'_> {
    /// Calls of the same class that were in flight when it was taken, itself included.
    pub fn in_flight(&self) -> u32 {
        self.flight.as_ref().map_or(0, |flight| flight.counts.of_class(self.class))
    }
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        drop(self.flight.take());
        let queue = &self.chain.state.queue;
        if queue.waiting() > 0 {
            let room = self.member.node.room(self.gateway.clock.now(), self.class);
            queue.call(self.class, self.member.place.node, room);
        }
    }
}

/// How a call comes to a place.
#[derive(Clone, Copy)]
pub enum Turn<'w, 'q> {
    /// Behind all who wait and are no less urgent.
    New,
    /// Waiting already: behind those before it.
    Waiting(&'w Waiting<'q>),
    /// Called, or sent before: takes what is free.
    Now,
}

impl<'c> Job<'c> {
    pub fn class(&self) -> CallClass {
        CallClass::of(self.ask.lane)
    }

    pub fn rank(&self) -> Rank {
        Rank::new(self.scope.from.known(), self.ask.lane)
    }

    /// Takes a place at the node, if it is this call's turn and there is one.
    pub fn take_seat(
        &self,
        member: &'c Member,
        now: Timestamp,
        turn: Turn<'_, '_>,
    ) -> Option<Seat<'c>> {
        let chain: &'c Chain = self.scope.chain;
        let (class, node) = (self.class(), member.place.node);
        let is_others = match turn {
            Turn::New => chain.state.queue.is_ahead_of(class, self.rank(), node),
            Turn::Waiting(waiting) => waiting.is_behind(node),
            Turn::Now => false,
        };
        if is_others {
            return None;
        }
        let call = Leaving {
            weight: self.weight,
            cheap: self.is_cheap(),
            heavy: class == CallClass::Heavy,
        };
        let flight = member.node.enter(now, call)?;
        Some(Seat { member, gateway: self.scope.gateway, chain, class, flight: Some(flight) })
    }

    /// The first node of a call: at once, or after a wait in line.
    pub async fn pick_in_turn(&self, tries: &mut Tries) -> Result<Seat<'c>, CallError> {
        match self.pick_as(tries, Turn::New) {
            Err(CallError::Overloaded) => self.wait_in_line(tries).await,
            other => other,
        }
    }

    /// Refused at once where the gateway itself is short of memory or time and the call is of
    /// those that are given up first.
    pub fn is_shed(&self) -> bool {
        let gateway = self.scope.gateway;
        gateway.pressure.level() >= Level::ShedLow && {
            let config = &self.scope.chain.topology().config;
            let others_are_known = !config.clients.is_empty() || config.jwt.is_some();
            self.rank().is_low(others_are_known)
        }
    }

    async fn wait_in_line(&self, tries: &mut Tries) -> Result<Seat<'c>, CallError> {
        let chain = self.scope.chain;
        let began = clock::instant();
        let until = (began + self.patience()).min(self.scope.deadline);
        let nodes = self.hoped_for(tries.full);
        let (class, rank) = (self.class(), self.rank());
        let waiting = match nodes.is_empty() {
            true => None,
            false => chain.state.queue.join(class, rank, nodes, self.most_waiting()),
        };
        let Some(waiting) = waiting else {
            chain.metrics.on_queued(Queued::Refused);
            return Err(CallError::Overloaded);
        };
        let mut outcome = Outcome { chain, queued: Queued::Left };
        let (queued, picked) = self.wait(tries, &waiting, until).await;
        outcome.queued = queued;
        picked
    }

    async fn wait(
        &self,
        tries: &mut Tries,
        waiting: &Waiting<'_>,
        until: Instant,
    ) -> (Queued, Result<Seat<'c>, CallError>) {
        loop {
            let turn = match waiting.standing() {
                Standing::PushedOut => return (Queued::PushedOut, Err(CallError::Overloaded)),
                Standing::Called => Turn::Now,
                Standing::Waits => Turn::Waiting(waiting),
            };
            tries.tried.clear();
            match self.pick_as(tries, turn) {
                Err(CallError::Overloaded) => waiting.wait_on(self.hoped_for(tries.full)),
                Err(error) => return (Queued::Left, Err(error)),
                Ok(seat) => return (Queued::Served, Ok(seat)),
            }
            let now = clock::instant();
            if now >= until {
                return (Queued::TimedOut, Err(CallError::Deadline));
            }
            let look = (now + LOOK).min(until);
            drop(timeout_at(look, waiting.bell().notified()).await);
        }
    }

    /// A node under a new suspicion may be cleared in a moment.
    fn patience(&self) -> Duration {
        if self.is_clearing() { health::CLEARING } else { PATIENCE }
    }

    pub fn is_clearing(&self) -> bool {
        let now = self.scope.now();
        self.scope.chain.members.iter().any(|member| member.node.may_be_cleared(now))
    }

    /// Of full nodes, those that may have a place in time: not those that asked to be left
    /// alone for longer.
    pub fn worth_waiting_for(&self, full: NodeSet) -> NodeSet {
        self.nodes_that(|member, now| {
            let until = member.node.limiter.throttled_until(now);
            full.has(member.place.node) && until.is_none_or(|until| until.since(now) < PATIENCE)
        })
    }

    /// The same, and those that a probe may clear of a suspicion.
    fn hoped_for(&self, full: NodeSet) -> NodeSet {
        let worth = self.worth_waiting_for(full);
        self.nodes_that(|member, now| {
            worth.has(member.place.node) || member.node.may_be_cleared(now)
        })
    }

    fn nodes_that(&self, wanted: impl Fn(&Member, Timestamp) -> bool) -> NodeSet {
        let (now, mut nodes) = (self.scope.now(), NodeSet::default());
        let members = self.scope.chain.members.iter().filter(|member| wanted(member, now));
        members.for_each(|member| nodes.insert(member.place.node));
        nodes
    }

    fn most_waiting(&self) -> usize {
        let now = self.scope.now();
        let members = self.scope.chain.members.iter();
        let places: u32 = members.map(|member| member.node.limit(now, self.class())).sum();
        places as usize * WAITING_PER_PLACE
    }
}

/// Counts how a wait ended, also that of a client which left.
struct Outcome<'c> {
    chain: &'c Chain,
    queued: Queued,
}

impl Drop for Outcome<'_> {
    fn drop(&mut self) {
        self.chain.metrics.on_queued(self.queued);
    }
}
