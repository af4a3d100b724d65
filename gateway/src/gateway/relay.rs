//! The retry loop of one call: choose, send, judge; again elsewhere where that is
//! safe; a second node beside the first when it is slow (hedge) or silent.

mod race;
mod wording;

use std::time::Duration;

use bytes::Bytes;
use smallvec::SmallVec;
use tokio::time::Instant;

use crate::{
    clock::{self, Timestamp},
    error::CallError,
    gateway::{
        Scope, chance,
        resolve::PinnedBlocks,
        served::{Content, Large, Served},
        tries::{Next, Reply, Tries},
    },
    health,
    judge::{self, ReplyView, Verdict},
    method::{Needs, Timeout},
    metrics::{AttemptResult, Ejection, Purpose},
    route::{self, Ask, Decision, Facts, Policy, Reason},
    rpc::{
        Call, reply,
        reply::{HeadState, Trimmer},
        write,
    },
    topology::Member,
    upstream::{Exhausted, Fault, Incoming, Outgoing, ReplyBody, UpstreamError},
};

use self::race::{Event, Race};

/// Replies up to this size are held whole before a byte goes down.
const WHOLE: usize = 256 << 10;

/// The code of a node's error that has none: JSON-RPC's for a server's own errors.
const CODELESS: i32 = -32_000;

/// One call on its way to the nodes.
pub struct Job<'c> {
    pub scope: Scope<'c>,
    pub call: &'c Call<'c>,
    pub needs: &'c Needs<'c>,
    pub ask: Ask,
    pub weight: u32,
    pins: PinnedBlocks,
}

/// What one attempt brought.
pub struct Report<'j> {
    pub member: &'j Member,
    pub took: Duration,
    pub reply: Reply,
}

impl<'c> Job<'c> {
    pub const fn new(
        scope: Scope<'c>,
        call: &'c Call<'c>,
        needs: &'c Needs<'c>,
        (ask, weight): (Ask, u32),
        pins: PinnedBlocks,
    ) -> Self {
        Self { scope, call, needs, ask, weight, pins }
    }

    pub async fn relay(&self) -> Served {
        let draw = chance::draw();
        self.scope.chain.state.retries.earn(draw);
        self.scope.chain.state.hedges.earn(draw);
        let mut tries = Tries::default();
        let first = match self.pick_waiting(&mut tries).await {
            Ok(member) => member,
            Err(error) => return tries.conclude(self, error),
        };
        let first = std::pin::pin!(self.attempt(first, Purpose::Call));
        let mut race = Race::new(first, self.scope.deadline);
        loop {
            match race.next(self.next_look(&tries)).await {
                Event::Report(report) => match tries.digest(self, report) {
                    Next::Done(content) => return tries.serve(self, content),
                    Next::Again if race.is_running() => {}
                    Next::Again => match self.pick_again_waiting(&mut tries).await {
                        Ok(member) => race.add(self.attempt(member, Purpose::Retry)),
                        Err(error) => return tries.conclude(self, error),
                    },
                },
                Event::Look if self.scope.gateway.is_stopping() => {
                    return tries.conclude(self, CallError::Draining);
                }
                Event::Look => {
                    if let Some((member, purpose)) = self.reinforce(&mut tries) {
                        race.add(self.attempt(member, purpose));
                    }
                }
                Event::Deadline => return tries.conclude(self, CallError::Deadline),
            }
        }
    }

    /// When to look again whether the call needs help.
    fn next_look(&self, tries: &Tries) -> Duration {
        const TICK: Duration = Duration::from_millis(40);
        if tries.hedge_settled || !self.may_hedge() { TICK } else { self.hedge_delay().min(TICK) }
    }

    /// The p95 of the pool's good nodes for this lane, at least 10 ms.
    fn hedge_delay(&self) -> Duration {
        let lane = self.ask.lane;
        let p95s = self.scope.chain.members.iter().map(|member| member.node.p95(lane));
        let mut known: SmallVec<[Duration; 16]> = p95s.filter(|p95| !p95.is_zero()).collect();
        known.sort_unstable();
        let median = known.get(known.len() / 2).copied().unwrap_or(Duration::from_millis(100));
        median.max(Duration::from_millis(10))
    }

    fn may_hedge(&self) -> bool {
        let timeout = self.needs.method.timeout;
        self.is_repeatable() && matches!(timeout, Timeout::Cheap | Timeout::Heavy)
    }

    pub fn is_repeatable(&self) -> bool {
        self.needs.method.is_repeatable()
    }

    /// A second node for a call whose node is silent (at once) or slow (a hedge).
    fn reinforce(&self, tries: &mut Tries) -> Option<(&'c Member, Purpose)> {
        if !self.is_repeatable() {
            return None;
        }
        let last = tries.tried.last().and_then(|&node| self.scope.chain.member(node))?;
        let now = self.scope.now();
        if last.node.is_out() || (last.node.is_silent(now) && self.suspect(last)) {
            return self.pick_again(tries).ok().map(|member| (member, Purpose::Retry));
        }
        if tries.hedge_settled || !self.may_hedge() {
            return None;
        }
        tries.hedge_settled = true;
        if !self.scope.chain.state.hedges.spend(now) {
            return None;
        }
        let member = self.pick_within(tries, false).ok()?;
        let is_late = self.ask.at_tip && member.node.lag() > 0;
        if is_late || member.node.lane(self.ask.lane).is_doubtful() {
            // A hedge is for speed: not at a node that may only fail, nor at one that is behind
            // where the newest is asked for. It was not asked, so the call still waits for the
            // one before it, and may come back to this one.
            member.node.lane(self.ask.lane).on_no_verdict(now);
            tries.sent -= 1;
            tries.tried.pop();
            return None;
        }
        tries.hedged = true;
        Some((member, Purpose::Hedge))
    }

    /// Takes a node out until a probe answers. Returns whether it was in.
    pub fn suspect(&self, member: &Member) -> bool {
        let fresh = member.node.suspect(self.scope.now());
        if fresh {
            member.node.metrics.on_ejection(Ejection::Suspicion);
        }
        fresh
    }

    /// The first node. A call that means the newest block waits up to a block time for a
    /// node to get there.
    pub async fn pick_waiting(&self, tries: &mut Tries) -> Result<&'c Member, CallError> {
        let began = clock::instant();
        loop {
            match self.pick(tries) {
                Err(error) if self.may_change(&error, began).await => tries.tried.clear(),
                other => return other,
            }
        }
    }

    /// Another node when none is asked any more. As for the first one: if the others are
    /// only behind, a block time is waited for them (a fallback node is probed rarely, and
    /// may be a block late when it is needed).
    async fn pick_again_waiting(&self, tries: &mut Tries) -> Result<&'c Member, CallError> {
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
        let now = self.scope.now();
        let clearing = || self.scope.chain.members.iter().any(|m| m.node.may_be_cleared(now));
        let patience = match error {
            CallError::HeadUnavailable => self.scope.chain.state.tips().block_time,
            CallError::NoNode(_) | CallError::Overloaded if clearing() => health::CLEARING,
            _ => return false,
        };
        self.scope.pause((began + patience).min(self.scope.deadline)).await
    }

    /// Another node for a call that was sent before: within the attempts and the budget.
    fn pick_again(&self, tries: &mut Tries) -> Result<&'c Member, CallError> {
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
    pub fn pick(&self, tries: &mut Tries) -> Result<&'c Member, CallError> {
        self.pick_within(tries, true)
    }

    /// `panic`: nodes that seem sick too, when most do.
    fn pick_within(&self, tries: &mut Tries, panic: bool) -> Result<&'c Member, CallError> {
        let chain = self.scope.chain;
        let method = self.needs.method;
        let policy = Policy { lag: chain.config.lag, avoid_zone: tries.avoid_zone(), panic };
        let archive_only = tries.archive_only || (self.ask.archive_only && self.has_archive());
        let ask = Ask { archive_only, ..self.ask };
        let mut busy = false;
        loop {
            let now = self.scope.now();
            let mut views = chain.views(now, &ask, (method.index, &self.call.method));
            for view in &mut views {
                view.tried = tries.tried.contains(&view.node);
            }
            let decision = route::choose(policy, ask, &views, chance::draw());
            let chosen = decision.chosen.and_then(|node| self.member(node));
            let Some(member) = chosen else { return Err(self.no_node(decision, busy)) };
            tries.tried.push(member.place.node);
            if member.node.lane(ask.lane).may_send(now) && member.node.within_rate() {
                tries.sent += 1;
                return Ok(member);
            }
            busy = true;
        }
    }

    fn member(&self, node: crate::names::NodeIndex) -> Option<&'c Member> {
        self.scope.chain.member(node)
    }

    /// Why nobody can be asked, as an error.
    fn no_node(&self, decision: Decision, busy: bool) -> CallError {
        if decision.has(Reason::Pruned) {
            return match self.has_archive() {
                true => CallError::ArchiveUnavailable,
                false => CallError::HistoryPruned { earliest: None },
            };
        }
        if decision.only(Reason::LacksMethod) {
            return CallError::MethodUnavailable;
        }
        // Before "too busy": a node that is a block late will be there in a moment.
        if self.may_catch_up(&decision) {
            return CallError::HeadUnavailable;
        }
        if busy || decision.has(Reason::Full) {
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

    /// Tells calls with the same text apart from others, for what is remembered of them.
    pub fn text_hash(&self) -> u64 {
        use std::hash::{DefaultHasher, Hash, Hasher};
        let mut hasher = DefaultHasher::new();
        self.call.method.hash(&mut hasher);
        self.call.params.hash(&mut hasher);
        hasher.finish()
    }

    /// When one try must be over.
    fn attempt_deadline(&self) -> Instant {
        let deadlines = &self.scope.chain.config.deadlines;
        let most = match self.needs.method.timeout {
            Timeout::Cheap => deadlines.attempt,
            Timeout::Heavy => deadlines.heavy,
            Timeout::Trace | Timeout::Wait => deadlines.total,
        };
        (clock::instant() + most).min(self.scope.deadline)
    }

    /// Sends to one node and reads what comes back.
    pub async fn attempt<'j>(&'j self, member: &'j Member, purpose: Purpose) -> Report<'j> {
        let started = self.scope.now();
        let cheap = self.needs.method.timeout == Timeout::Cheap;
        let flight = member.node.flight.enter(started, self.weight, cheap);
        if !member.node.has_room_for(&flight) {
            let full = UpstreamError::unsent(Fault::Exhausted(Exhausted::Bound));
            return Report { member, took: Duration::ZERO, reply: Reply::Failed(full) };
        }
        let mut watch = Watch { job: self, member, purpose, started, reported: false };
        let id = chance::draw() >> 40;
        let limit = self.scope.response_limit();
        let whole = if self.scope.item.1 > 0 { limit as usize } else { WHOLE };
        let out = Outgoing {
            whole_up_to: whole,
            cap: limit,
            path: self.needs.method.path,
            ..Outgoing::new(self.body(&member.node, id), self.attempt_deadline())
        };
        let sent = member.client.send(out).await;
        let now = self.scope.now();
        let took = now.since(started);
        if cheap && sent.is_ok() {
            member.node.flight.heard(now);
        }
        drop(flight);
        let reply = match sent {
            Ok(incoming) => self.read(incoming, id),
            Err(error) => Reply::Failed(error),
        };
        watch.report(&reply, took);
        Report { member, took, reply }
    }

    /// Reads and judges a reply.
    fn read(&self, incoming: Incoming, id: u64) -> Reply {
        let (status, retry_after) = (incoming.status, incoming.retry_after);
        let (view, content) = match incoming.body {
            ReplyBody::Whole(body) => return self.read_whole(&body, id, status, retry_after),
            ReplyBody::Large(rest) => match reply::read_head(&rest.first, id) {
                HeadState::Result { value_starts_at, id_seen } => {
                    let trimmer = Trimmer::new(id_seen, id);
                    let large = Large { skip: value_starts_at, rest, trimmer };
                    (
                        ReplyView::Result { is_null: false, raw: "" },
                        Content::Stream(Box::new(large)),
                    )
                }
                _ => (ReplyView::Unreadable, Content::Refused(CallError::UpstreamInvalid)),
            },
        };
        Reply::Judged { verdict: self.judge(status, &view), content, retry_after }
    }

    fn read_whole(
        &self,
        body: &Bytes,
        id: u64,
        status: u16,
        retry_after: Option<Duration>,
    ) -> Reply {
        let read = reply::read_reply(body, id);
        let content = match &read {
            Ok(reply::Reply::Result { raw }) => Content::Result(body.slice_ref(raw.as_bytes())),
            Ok(reply::Reply::Error { raw, code, .. }) => Content::Error {
                raw: match code {
                    Some(_) => None,
                    None => write::with_code(raw, CODELESS),
                }
                .map_or_else(|| body.slice_ref(raw.as_bytes()), Bytes::from),
                status: self.scope.chain.config.family.error_status(status),
            },
            Err(_) => Content::Refused(CallError::UpstreamInvalid),
        };
        let verdict = self.judge(status, &ReplyView::of(&read));
        Reply::Judged { verdict, content, retry_after }
    }

    fn judge(&self, status: u16, view: &ReplyView<'_>) -> Verdict {
        judge::judge(self.scope.chain.config.family, self.needs, status, view)
    }
}

/// Counts an attempt, also one that is given up on the way.
struct Watch<'j, 'c> {
    job: &'j Job<'c>,
    member: &'j Member,
    purpose: Purpose,
    started: Timestamp,
    reported: bool,
}

impl Watch<'_, '_> {
    fn report(&mut self, reply: &Reply, took: Duration) {
        self.reported = true;
        let result = match reply {
            Reply::Judged { verdict, .. } => match verdict {
                Verdict::Answer | Verdict::NullGap | Verdict::DeepGap => AttemptResult::Ok,
                Verdict::AlreadyKnown | Verdict::NonceTooLow | Verdict::NodeRefusedWrite => {
                    AttemptResult::Ok
                }
                Verdict::Missing(_) => AttemptResult::Missing,
                Verdict::Throttled => AttemptResult::Throttled,
                Verdict::NodeFault(_) => AttemptResult::Failed,
            },
            Reply::Failed(error) => failed(error),
        };
        self.count(result);
        if result == AttemptResult::Ok {
            self.member.node.metrics.durations.observe_time(0, took);
        }
    }

    fn count(&self, result: AttemptResult) {
        self.job.scope.chain.metrics.on_attempt(self.purpose, result);
        self.member.node.metrics.on_attempt(result);
    }
}

impl Drop for Watch<'_, '_> {
    fn drop(&mut self) {
        if !self.reported {
            self.count(AttemptResult::Dropped);
            let now = self.job.scope.now();
            let lane = self.member.node.lane(self.job.ask.lane);
            lane.on_given_up(now, now.since(self.started));
            if self.job.needs.method.timeout == Timeout::Cheap {
                self.member.node.flight.gave_up(now);
            }
        }
    }
}

fn failed(error: &UpstreamError) -> AttemptResult {
    match error.fault {
        Fault::HeadTimeout | Fault::BodyTimeout | Fault::ConnectTimeout => AttemptResult::Timeout,
        _ => AttemptResult::Failed,
    }
}
