//! Which node a call is sent to first, and next: what the pure choice needs, and what
//! follows where it finds nobody.

use tokio::time::Instant;

use crate::{
    clock,
    error::CallError,
    gateway::{
        chance,
        queue::{Seat, Turn},
        relay::Job,
        tries::Tries,
    },
    health::CLEARING,
    load::line::NodeSet,
    route::{self, Ask, Decision, Facts, Policy, Reason, View},
    topology::Member,
};

impl<'c> Job<'c> {
    /// The first node. A call that means the newest block waits up to a block time for a
    /// node to get there.
    pub async fn pick_waiting(&self, tries: &mut Tries) -> Result<Seat<'c>, CallError> {
        if self.is_shed() {
            return Err(CallError::Overloaded);
        }
        let began = clock::instant();
        loop {
            match self.pick_in_turn(tries).await {
                Err(error) if self.may_change(&error, began).await => tries.tried.clear(),
                other => return other,
            }
        }
    }

    /// Another node when none is asked any more. As for the first one: if the others are
    /// only behind, a block time is waited for them (a fallback node is probed rarely, and
    /// may be a block late when it is needed).
    pub(super) async fn pick_again_waiting(
        &self,
        tries: &mut Tries,
    ) -> Result<Seat<'c>, CallError> {
        let began = clock::instant();
        loop {
            match self.pick_again(tries) {
                Err(error) if self.may_change(&error, began).await => {}
                other => return other,
            }
        }
    }

    /// Pauses, if who can be asked may soon be another: nodes that are only behind get a
    /// block time to reach the block, those under a new suspicion the time to clear it.
    async fn may_change(&self, error: &CallError, began: Instant) -> bool {
        let patience = match error {
            CallError::HeadUnavailable => self.scope.chain.state.tips().block_time,
            CallError::NoNode(_) if self.is_clearing() => CLEARING,
            _ => return false,
        };
        self.scope.pause((began + patience).min(self.scope.deadline)).await
    }

    /// Another node for a call that was sent before: within the attempts and the budget.
    pub(super) fn pick_again(&self, tries: &mut Tries) -> Result<Seat<'c>, CallError> {
        let retries = &self.scope.chain.config.retries;
        if tries.sent >= retries.attempts {
            return Err(CallError::NoNode(None));
        }
        // A connect that was refused sent nothing, and a node that lacks the block said so
        // cheaply: going on is routing, not a retry that could multiply an outage.
        let is_retry = tries.sent > 0 && !tries.was_lacking;
        let budget = &self.scope.chain.state.retries;
        if is_retry && !budget.spend(self.scope.now()) {
            return Err(CallError::Overloaded);
        }
        self.pick(tries).inspect_err(|_| {
            if is_retry {
                budget.put_back();
            }
        })
    }

    /// Chooses among the nodes not yet tried, and reserves what the chosen one bounds.
    pub fn pick(&self, tries: &mut Tries) -> Result<Seat<'c>, CallError> {
        self.pick_as(tries, Turn::Now)
    }

    /// The same, behind those whose turn it is.
    pub fn pick_as(&self, tries: &mut Tries, turn: Turn<'_, '_>) -> Result<Seat<'c>, CallError> {
        self.pick_within(tries, true, turn)
    }

    /// `panic`: nodes that seem sick too, when most do.
    pub(super) fn pick_within(
        &self,
        tries: &mut Tries,
        panic: bool,
        turn: Turn<'_, '_>,
    ) -> Result<Seat<'c>, CallError> {
        let chain = self.scope.chain;
        let method = self.needs.method;
        let policy = Policy { lag: chain.config.lag, avoid_zone: tries.avoid_zone(), panic };
        let archive_only = tries.archive_only || (self.ask.archive_only && self.has_archive());
        let ask = Ask { archive_only, ..self.ask };
        let mut busy = false;
        tries.full = NodeSet::default();
        loop {
            let now = self.scope.now();
            let mut views = chain.views(now, &ask, (method.index, &self.call.method));
            for view in &mut views {
                view.tried = tries.tried.contains(&view.node);
            }
            let decision = route::choose(policy, ask, &views, chance::draw());
            let chosen = decision.chosen.and_then(|node| self.member(node));
            let Some(member) = chosen else {
                note_full(&decision, &views, &mut tries.full);
                return Err(self.no_node(decision, busy, tries.full));
            };
            tries.tried.push(member.place.node);
            busy = true;
            let Some(seat) = self.take_seat(member, now, turn) else {
                tries.full.insert(member.place.node);
                continue;
            };
            if member.node.lane(ask.lane).may_send(now) && member.node.within_rate() {
                tries.sent += 1;
                return Ok(seat);
            }
        }
    }

    fn member(&self, node: crate::names::NodeIndex) -> Option<&'c Member> {
        self.scope.chain.member(node)
    }

    /// Why nobody can be asked, as an error.
    fn no_node(&self, decision: Decision, busy: bool, full: NodeSet) -> CallError {
        let busy = busy || decision.has(Reason::Full);
        if decision.has(Reason::Pruned) && !busy {
            return match self.has_archive() {
                true => CallError::ArchiveUnavailable,
                false => CallError::HistoryPruned { earliest: None },
            };
        }
        if decision.only(Reason::LacksMethod) {
            return CallError::MethodUnavailable;
        }
        // Before nodes that are only late, whom calls would wait for without bound.
        if !self.worth_waiting_for(full).is_empty() {
            return CallError::Overloaded;
        }
        // Before "too busy": a node that is a block late will be there in a moment.
        if self.may_catch_up(&decision) {
            return CallError::HeadUnavailable;
        }
        if busy {
            return CallError::Overloaded;
        }
        CallError::NoNode(Some(Box::new(decision)))
    }

    /// Whether a node lacks nothing but the head: a dead one that was behind is not waited for.
    fn may_catch_up(&self, decision: &Decision) -> bool {
        const OUT: u16 = Facts::UNHEALTHY | Facts::SUSPECTED | Facts::REFUSED | Facts::DRAINED;
        let members = self.scope.chain.members.iter();
        members.zip(&decision.reasons).any(|(member, reason)| {
            matches!(reason, Some(Reason::Behind | Reason::Stalled | Reason::Lagging))
                && !member.node.facts().has(OUT)
        })
    }

    /// Whether the chain has nodes that keep everything, up or not.
    pub fn has_archive(&self) -> bool {
        self.scope.chain.members.iter().any(|member| member.node.config.archive)
    }
}

/// Nodes that are only full, of those that could not be chosen.
fn note_full(decision: &Decision, views: &[View], full: &mut NodeSet) {
    let reasons = views.iter().zip(&decision.reasons);
    reasons
        .filter(|(_, reason)| **reason == Some(Reason::Full))
        .for_each(|(view, _)| full.insert(view.node));
}
