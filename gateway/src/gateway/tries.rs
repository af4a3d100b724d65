//! What one call has tried so far, and what follows from each reply: done, or
//! another node. Blame is settled here: a node is debited for a failed call only
//! when another node answers the same call.

use std::time::Duration;

use smallvec::SmallVec;

use crate::{
    breaker::LONGEST_WAIT,
    clock::Timestamp,
    error::CallError,
    family::BlockForm,
    gateway::{
        chance,
        relay::{Job, Report},
        served::{Content, Served},
    },
    judge::{Missing, NodeFault, Verdict},
    load::line::NodeSet,
    method::{BlockNeed, Data, Lane, Timeout},
    metrics::Ejection,
    names::{NodeIndex, ZoneIndex},
    node::Node,
    topology::Member,
    upstream::{Fault, UpstreamError},
};

/// A node that asks for less without saying how long is left alone for a second.
const THROTTLED: Duration = Duration::from_secs(1);

/// Leaves a node alone that asks for less, for as long as it says.
pub fn leave_alone(node: &Node, now: Timestamp, retry_after: Option<Duration>) {
    let wait = retry_after.unwrap_or(THROTTLED);
    Lane::ALL.iter().for_each(|&lane| node.lane(lane).on_throttled(now, wait));
    node.limiter.leave_alone(now + wait.min(LONGEST_WAIT));
    node.limiter.on_overload(now, now);
}

/// What a call does next.
#[derive(Debug)]
pub enum Next {
    Done(Content),
    Again,
}

/// How a node's reply was read.
#[derive(Debug)]
pub enum Reply {
    Judged { verdict: Verdict, content: Content, retry_after: Option<Duration> },
    Failed(UpstreamError),
}

#[derive(Debug, Default)]
pub struct Tries {
    /// Nodes asked, or found unable at the last moment.
    pub tried: SmallVec<[NodeIndex; 8]>,
    /// Nodes that could serve the call and were full when last looked at.
    pub full: NodeSet,
    /// Sends that count as attempts.
    pub sent: u32,
    pub hedged: bool,
    /// The hedge was launched, or the budget refused it.
    pub hedge_settled: bool,
    /// Copies of a write have left.
    pub copied: bool,
    /// Failures that the next good answer turns into debits.
    failures: SmallVec<[NodeIndex; 4]>,
    /// Those of them whose connection broke after the call had left: suspected then.
    broken: SmallVec<[NodeIndex; 4]>,
    /// Zone of the last failure and how many in a row it had.
    zone: Option<(ZoneIndex, u32)>,
    /// The best reply so far that is no good answer: what the client gets if none is better.
    fallback: Option<Content>,
    nulls: u32,
    /// Only a node that keeps everything can answer.
    pub archive_only: bool,
    /// A node said that it does not keep what is asked any more.
    pruned: bool,
    /// …and so did one that should keep everything.
    archive_pruned: bool,
    /// The last node had nothing wrong with it, it only lacks what was asked.
    pub was_lacking: bool,
    timed_out: bool,
    unreadable: bool,
    overloaded: bool,
    served_by: Option<NodeIndex>,
}

impl Tries {
    /// The zone to leave, after two failures in it.
    pub fn avoid_zone(&self) -> Option<ZoneIndex> {
        self.zone.filter(|&(_, failures)| failures >= 2).map(|(zone, _)| zone)
    }

    /// Takes in a report; `lane` and blame by what it says.
    pub fn digest(&mut self, job: &Job<'_>, report: Report<'_>) -> Next {
        let member = report.member;
        let node = &member.node;
        self.was_lacking = match report.reply {
            Reply::Judged { verdict: Verdict::Missing(missing), .. } => match missing {
                Missing::Pruned | Missing::Method | Missing::Shard => true,
                // Our own words: no client can make nodes be asked so.
                Missing::UnknownBlock => job.wording(node).form != BlockForm::Number,
                Missing::BehindHead | Missing::Indexing | Missing::Syncing => false,
            },
            Reply::Judged { .. } | Reply::Failed(_) => false,
        };
        let now = job.scope.now();
        let lane = job.ask.lane;
        match report.reply {
            Reply::Failed(error) => self.failed(job, member, error, (report.took, report.late)),
            Reply::Judged { verdict, content, retry_after } => match verdict {
                Verdict::Answer => {
                    node.lane(lane).on_success(now, report.took);
                    self.settle_blame(job);
                    self.served_by = Some(member.place.node);
                    Next::Done(content)
                }
                Verdict::NullGap | Verdict::DeepGap => {
                    node.lane(lane).on_success(now, report.took);
                    self.null(job, member.place.node, verdict, content)
                }
                Verdict::Missing(missing) => {
                    node.lane(lane).on_no_verdict(now);
                    self.missing(job, member.place.node, missing, content)
                }
                Verdict::Throttled => {
                    leave_alone(node, now, retry_after);
                    self.overloaded = true;
                    Next::Again
                }
                Verdict::NodeFault(fault) => {
                    node.lane(lane).on_slow(now, report.took);
                    if !job.is_repeatable() {
                        return Next::Done(content);
                    }
                    self.timed_out |= fault == NodeFault::Timeout;
                    self.fault(job, member.place.node);
                    match content {
                        Content::Error { .. } => self.fallback = Some(content),
                        _ => self.unreadable |= fault != NodeFault::Timeout,
                    }
                    self.again_unless_heavy_timeout(job, fault == NodeFault::Timeout)
                }
                Verdict::AlreadyKnown | Verdict::NonceTooLow | Verdict::NodeRefusedWrite => {
                    Next::Done(content)
                }
            },
        }
    }

    /// `null`, or the error that says so: asked once more elsewhere, unless the tip has not
    /// moved since another node said the same. What a node may have dropped is asked of an
    /// archive last; a hash, before that, of a node that may be fresher.
    fn null(&mut self, job: &Job<'_>, node: NodeIndex, verdict: Verdict, content: Content) -> Next {
        self.nulls += 1;
        self.look_at(job, node);
        let deep = verdict == Verdict::DeepGap;
        let exists = match job.needs.block {
            // where nodes have an error for it, the chain may have skipped the number
            BlockNeed::Number(_) => !deep,
            BlockNeed::Newest(_) => true,
            _ => false,
        };
        let skipped = match job.needs.block {
            BlockNeed::Number(number) => deep && is_skipped(job, node, number),
            _ => false,
        };
        let by_hash = deep && matches!(job.needs.block, BlockNeed::Hash(_));
        let enough = match (skipped, exists || by_hash) {
            (true, _) => 1,
            (false, true) => 3,
            (false, false) => 2,
        };
        self.archive_only |= deep && self.nulls + 1 == enough && job.has_archive();
        if self.nulls >= enough || (!exists && job.scope.chain.state.nulls.knows(job.text_hash())) {
            self.served_by = Some(node);
            if !exists {
                job.scope.chain.state.nulls.remember(job.text_hash());
            }
            return Next::Done(content);
        }
        self.fallback = Some(content);
        self.served_by = Some(node);
        Next::Again
    }

    fn missing(
        &mut self,
        job: &Job<'_>,
        node: NodeIndex,
        missing: Missing,
        content: Content,
    ) -> Next {
        match missing {
            Missing::Pruned => {
                self.pruned = true;
                self.archive_only = job.has_archive();
                if let BlockNeed::Hash(hash) = job.needs.block
                    && job.needs.method.data == Data::State
                {
                    job.scope.chain.state.blocks.learn_old(hash);
                }
                let member = job.scope.chain.member(node);
                self.archive_pruned |= member.is_some_and(|member| member.node.config.archive);
                return Next::Again;
            }
            Missing::Indexing => self.archive_only |= job.has_archive(),
            Missing::Method => {
                if let Some(member) = job.scope.chain.member(node) {
                    let asked = job.wording(&member.node);
                    member.node.learn_lack(asked.index);
                    if asked.index != job.needs.method.index {
                        // It may have the method that the client named.
                        self.tried.retain(|tried| *tried != node);
                    }
                }
            }
            Missing::UnknownBlock | Missing::BehindHead => self.look_at(job, node),
            Missing::Syncing | Missing::Shard => {}
        }
        self.fallback = Some(content);
        self.served_by = Some(node);
        Next::Again
    }

    /// A node that does not know the tip it has shown has left the branch, or the chain: no
    /// new call until a probe answers. Only where the gateway itself named the block: what a
    /// client names must take no node out.
    fn look_at(&self, job: &Job<'_>, node: NodeIndex) {
        let Some(member) = job.scope.chain.member(node) else { return };
        let by_hash = job.wording(&member.node).form != BlockForm::Number;
        if by_hash && matches!(job.needs.block, BlockNeed::Newest(_)) {
            job.suspect(member);
        }
    }

    fn failed(
        &mut self,
        job: &Job<'_>,
        member: &Member,
        error: UpstreamError,
        (took, late): (Duration, bool),
    ) -> Next {
        let (node, now) = (member.place.node, job.scope.now());
        if let Fault::TooLarge { limit } = error.fault {
            return Next::Done(Content::Refused(CallError::ResponseTooLarge { limit }));
        }
        if error.is_local() {
            member.node.lane(job.ask.lane).on_no_verdict(now);
            member.node.limiter.on_overload(now, now - took);
            self.sent = self.sent.saturating_sub(1);
            self.overloaded = true;
            return Next::Again;
        }
        if error.is_connect() {
            self.sent = self.sent.saturating_sub(1);
        }
        let timeout = matches!(error.fault, Fault::HeadTimeout | Fault::BodyTimeout);
        if late && (timeout || error.fault == Fault::ConnectTimeout) {
            // Held up ourselves: the answer may have been there.
            member.node.lane(job.ask.lane).on_no_verdict(now);
            self.timed_out = true;
            return self.again_unless_heavy_timeout(job, true);
        }
        member.node.lane(job.ask.lane).on_slow(now, took);
        if error.sent() && !timeout {
            // Perhaps by the call's doing, which no other call shall pay for.
            self.broken.push(node);
        } else if !timeout {
            job.suspect(member);
        }
        self.timed_out |= timeout;
        self.unreadable |= matches!(error.fault, Fault::Malformed(_) | Fault::Truncated);
        self.fault(job, node);
        if error.sent() && !job.is_repeatable() {
            let error = if timeout { CallError::Deadline } else { CallError::UpstreamInvalid };
            return Next::Done(Content::Refused(error));
        }
        self.again_unless_heavy_timeout(job, timeout)
    }

    /// A heavy attempt that timed out is not repeated: its node may still be at it, and the
    /// next would be no faster.
    fn again_unless_heavy_timeout(&self, job: &Job<'_>, timeout: bool) -> Next {
        let cheap = job.needs.method.timeout == Timeout::Cheap;
        if timeout && !cheap {
            return Next::Done(Content::Refused(CallError::Deadline));
        }
        Next::Again
    }

    /// A node failed the call; whether it is to blame, the next good answer says.
    pub fn fault(&mut self, job: &Job<'_>, node: NodeIndex) {
        self.failures.push(node);
        let Some(member) = job.scope.chain.member(node) else { return };
        self.zone = match self.zone {
            Some((zone, failures)) if zone == member.place.zone => Some((zone, failures + 1)),
            _ => Some((member.place.zone, 1)),
        };
    }

    /// Another node answered: those that failed are to blame.
    pub fn settle_blame(&mut self, job: &Job<'_>) {
        let now = job.scope.now();
        let lane = job.ask.lane;
        for member in self.broken.drain(..).filter_map(|node| job.scope.chain.member(node)) {
            job.suspect(member);
        }
        for node in self.failures.drain(..) {
            let Some(member) = job.scope.chain.member(node) else { continue };
            let may_open = job.scope.chain.may_eject(now, lane);
            if member.node.lane(lane).on_debit(now, may_open, chance::fraction()) {
                member.node.metrics.on_ejection(Ejection::Breaker);
                tracing::warn!(chain = %job.scope.chain.config.name,
                    node = %member.node.config.name, lane = lane.word(),
                    "breaker opened: other nodes answer what this one fails");
            }
        }
    }

    /// What the client gets when nobody is left to ask, or nothing may be repeated.
    pub fn conclude(&mut self, job: &Job<'_>, none_left: CallError) -> Served {
        let content = match self.fallback.take() {
            Some(content) => content,
            None if self.unreadable => Content::Refused(CallError::UpstreamInvalid),
            None if self.timed_out => Content::Refused(CallError::Deadline),
            None if self.overloaded => Content::Refused(CallError::Overloaded),
            None if self.pruned => Content::Refused(self.too_old(job)),
            None => Content::Refused(none_left),
        };
        self.serve(job, content)
    }

    /// In our words: each client says "pruned" in its own, and none knows of the archive.
    fn too_old(&self, job: &Job<'_>) -> CallError {
        if job.has_archive() && !self.archive_pruned {
            return CallError::ArchiveUnavailable;
        }
        CallError::HistoryPruned { earliest: None }
    }

    /// As [`Tries::serve`], naming the node that was written to.
    pub fn serve_from(mut self, job: &Job<'_>, node: NodeIndex, content: Content) -> Served {
        self.served_by = Some(node);
        self.serve(job, content)
    }

    pub fn serve(&self, job: &Job<'_>, content: Content) -> Served {
        // Nobody is blamed for what is left: one of them may have been on trial.
        for member in self.failures.iter().filter_map(|&node| job.scope.chain.member(node)) {
            member.node.lane(job.ask.lane).on_no_verdict(job.scope.now());
        }
        Served { content, node: self.served_by, attempts: self.sent, hedged: self.hedged }
    }
}

/// Whether a node that has no block at a height shows that the chain skipped it: the served
/// line does too, or reaches not so far down, and the node says that it does. Of newer blocks
/// its word alone is not enough: it may have fallen behind just now.
fn is_skipped(job: &Job<'_>, node: NodeIndex, number: u64) -> bool {
    let line = job.scope.chain.state.line();
    let member = job.scope.chain.member(node);
    let keeps = member.and_then(|member| member.node.earliest());
    let is_older = line.bottom().is_some_and(|bottom| number < bottom);
    line.skips(number) || (is_older && keeps.is_some_and(|earliest| number >= earliest))
}
