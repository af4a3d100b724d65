//! The retry loop of one call: choose, send, judge; again elsewhere where that is
//! safe; a second node beside the first when it is slow (hedge) or silent.

mod pick;
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
        queue::{Seat, Turn},
        resolve::PinnedBlocks,
        served::{Content, Large, Served},
        tries::{Next, Reply, Tries},
    },
    judge::{self, ReplyView, Verdict},
    load::limit::Sample,
    method::{Needs, Timeout},
    metrics::{AttemptResult, Ejection, Purpose},
    node::Node,
    pressure::stall,
    route::Ask,
    rpc::{
        Call, reply,
        reply::{HeadState, Trimmer},
        write,
    },
    topology::Member,
    upstream::{Fault, Incoming, Outgoing, ReplyBody, UpstreamError},
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
    /// We ourselves were late to look: a timeout says nothing of the node.
    pub late: bool,
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
            Ok(seat) => seat,
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
                        Ok(seat) => race.add(self.attempt(seat, Purpose::Retry)),
                        Err(error) => return tries.conclude(self, error),
                    },
                },
                Event::Look if self.scope.gateway.is_stopping() => {
                    return tries.conclude(self, CallError::Draining);
                }
                Event::Look => {
                    if let Some((seat, purpose)) = self.reinforce(&mut tries) {
                        race.add(self.attempt(seat, purpose));
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
    fn reinforce(&self, tries: &mut Tries) -> Option<(Seat<'c>, Purpose)> {
        if !self.is_repeatable() {
            return None;
        }
        let last = tries.tried.last().and_then(|&node| self.scope.chain.member(node))?;
        let now = self.scope.now();
        if last.node.is_out() || (self.is_silent(&last.node) && self.suspect(last)) {
            return self.pick_again(tries).ok().map(|seat| (seat, Purpose::Retry));
        }
        if tries.hedge_settled || !self.may_hedge() {
            return None;
        }
        tries.hedge_settled = true;
        if !self.scope.chain.state.hedges.spend(now) {
            return None;
        }
        let seat = self.pick_within(tries, false, Turn::Now).ok()?;
        let member = seat.member;
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
        Some((seat, Purpose::Hedge))
    }

    /// Whether a node is silent, and it is not we who did not listen.
    pub fn is_silent(&self, node: &Node) -> bool {
        let now = self.scope.now();
        node.is_silent(now) && self.scope.gateway.pressure.stalls.are_over(now)
    }

    /// Takes a node out until a probe answers. Returns whether it was in.
    pub fn suspect(&self, member: &Member) -> bool {
        let fresh = member.node.suspect(self.scope.now());
        if fresh {
            member.node.metrics.on_ejection(Ejection::Suspicion);
        }
        fresh
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
    pub async fn attempt<'j>(&'j self, seat: Seat<'j>, purpose: Purpose) -> Report<'j> {
        let started = self.scope.now();
        let (member, deadline) = (seat.member, self.attempt_deadline());
        let mut watch = Watch { job: self, member, purpose, started, reported: false };
        let id = chance::draw() >> 40;
        let limit = self.scope.response_limit();
        let whole = if self.scope.item.1 > 0 { limit as usize } else { WHOLE };
        let out = Outgoing {
            whole_up_to: whole,
            cap: limit,
            path: self.needs.method.path,
            ..Outgoing::new(self.body(&member.node, id), deadline)
        };
        let sent = member.client.send(out).await;
        let now = self.scope.now();
        let took = now.since(started);
        if self.is_cheap() && sent.is_ok() {
            member.node.flight.heard(now);
        }
        let late = clock::instant() > deadline + stall::USUAL;
        if !late {
            self.teach_limit(&seat, sent.as_ref().err(), (now, took));
        }
        drop(seat);
        let reply = match sent {
            Ok(incoming) => self.read(incoming, id),
            Err(error) => Reply::Failed(error),
        };
        watch.report(&reply, took);
        Report { member, took, late, reply }
    }

    /// Whether the silence of its node tells something.
    pub fn is_cheap(&self) -> bool {
        self.needs.method.timeout == Timeout::Cheap
    }

    /// What the node's limit learns: how long an answer took, or that there was none in time.
    fn teach_limit(
        &self,
        seat: &Seat<'_>,
        error: Option<&UpstreamError>,
        (now, took): (Timestamp, Duration),
    ) {
        let told = error
            .is_none_or(|error| matches!(error.fault, Fault::HeadTimeout | Fault::BodyTimeout));
        // A method that waits by itself tells nothing of the node's pace.
        if told && self.needs.method.timeout != Timeout::Wait {
            let (node, lane) = (&seat.member.node, self.ask.lane);
            let usual = Duration::from_nanos(node.lane(lane).latency(now));
            let sample = Sample { lane, took, in_flight: seat.in_flight() };
            node.limiter.on_answer(now, sample, usual);
        }
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
            if self.job.is_cheap() {
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
