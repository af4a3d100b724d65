//! Writes: a signed transaction leaves once, and its fate is found out.
//!
//! What must hold: no hedge carries a write; its bytes are received by one node, by
//! two when the first is in doubt or refused it for reasons of its own, and never by
//! more on the client's path (`broadcast` aside); "already known" is success.

use std::{pin::pin, sync::Arc, time::Duration};

use tokio::time::{Instant, sleep};

use crate::{
    error::CallError,
    family::SignedTransaction,
    gateway::{
        Scope, chance,
        queue::Seat,
        relay::{Job, Report},
        resolve::{PinnedBlocks, ask_of_write},
        served::{Content, Served},
        tries::{self, Reply, Tries},
    },
    judge::Verdict,
    method::Needs,
    metrics::Purpose,
    names::NodeIndex,
    rpc::{Call, write},
    topology::{Chain, Member},
    tracker::knows_transaction,
    upstream::{Fault, Outgoing},
};

/// A copy sent off the client's path must be answered within this time.
const COPY_DEADLINE: Duration = Duration::from_secs(5);
/// Nodes that must not have heard of an accepted write before it is sent again: one alone
/// may just be between its pool and the block.
const CONFIRM_LOOKS: usize = 2;
/// How often a write under way is looked at.
const LOOK: Duration = Duration::from_millis(50);

/// What became of one send of the bytes.
enum Fate {
    /// The node took them (or answers with the client's own fault): the answer.
    Answered(Content),
    /// The node had them before: their hash is the answer, where the method answers no
    /// more than that; else what the node says.
    Known(Content),
    /// The sender's nonce is spent, perhaps by these very bytes.
    NonceSpent(Content),
    /// Refused for reasons of this node alone.
    Refused(Content),
    /// No byte left.
    Unsent,
    InDoubt,
}

impl Scope<'_> {
    pub(super) async fn write(&self, call: &Call<'_>, needs: &Needs<'_>) -> Served {
        let ask = ask_of_write(needs);
        let job = Job::new(*self, call, needs, (ask, needs.weight), PinnedBlocks::new());
        let family = needs.method.family;
        let transaction = needs.transaction(call.params.unwrap_or_default());
        let transaction = transaction.and_then(|raw| family.transaction(raw));
        Writer { job: &job, transaction, tries: Tries::default() }.run().await
    }
}

struct Writer<'w, 'c> {
    job: &'w Job<'c>,
    /// `None` where the bytes cannot be looked up again.
    transaction: Option<SignedTransaction>,
    tries: Tries,
}

impl<'c> Writer<'_, 'c> {
    async fn run(mut self) -> Served {
        let (member, fate) = match self.send_first().await {
            Ok(sent) => sent,
            Err(error) => return self.tries.conclude(self.job, error),
        };
        let content = match fate {
            Fate::Answered(content) => {
                self.accepted(member.place.node, &content);
                content
            }
            Fate::Known(content) => self.hash_or(content),
            Fate::NonceSpent(content) => self.known_or(content).await,
            Fate::Refused(content) => self.refused(content).await,
            Fate::InDoubt | Fate::Unsent => self.settle().await,
        };
        self.tries.serve_from(self.job, member.place.node, content)
    }

    /// Sends to the first node that takes the connection.
    async fn send_first(&mut self) -> Result<(&'c Member, Fate), CallError> {
        loop {
            let seat = self.job.pick_waiting(&mut self.tries).await?;
            let member = seat.member;
            self.broadcast(member.place.node);
            match self.send_to(seat, Purpose::Call).await {
                Fate::Unsent => {}
                fate => return Ok((member, fate)),
            }
        }
    }

    /// Sends the bytes to a node. A node that falls silent leaves them in doubt at once, if
    /// others can be asked for them: there is no point in waiting for its deadline. Where no
    /// node finds them by their hash, a slow answer is worth more than a second copy.
    async fn send_to(&mut self, seat: Seat<'_>, purpose: Purpose) -> Fate {
        let (job, member) = (self.job, seat.member);
        let can_be_asked_for =
            self.transaction.as_ref().is_some_and(|sent| sent.question().is_some());
        let mut attempt = pin!(job.attempt(seat, purpose));
        loop {
            tokio::select! {
                report = &mut attempt => return self.fate(report),
                () = sleep(LOOK), if can_be_asked_for => {
                    let node = &member.node;
                    if node.is_suspected() || job.is_silent(node) {
                        self.job.suspect(member);
                        return Fate::InDoubt;
                    }
                }
            }
        }
    }

    fn fate(&mut self, report: Report<'_>) -> Fate {
        let member = report.member;
        self.tell_lane(&report);
        match report.reply {
            Reply::Failed(error) => {
                if !matches!(error.fault, Fault::HeadTimeout | Fault::BodyTimeout)
                    && !error.is_local()
                {
                    self.job.suspect(member);
                }
                if error.sent() { Fate::InDoubt } else { Fate::Unsent }
            }
            Reply::Judged { verdict, content, .. } => match verdict {
                Verdict::Answer | Verdict::NullGap | Verdict::DeepGap => Fate::Answered(content),
                Verdict::AlreadyKnown => Fate::Known(content),
                Verdict::NonceTooLow => Fate::NonceSpent(content),
                Verdict::NodeRefusedWrite | Verdict::Throttled | Verdict::Missing(_) => {
                    Fate::Refused(content)
                }
                Verdict::NodeFault(_) => {
                    // Debited if the other node takes the same bytes.
                    self.tries.fault(self.job, member.place.node);
                    Fate::InDoubt
                }
            },
        }
    }

    /// What one send says of its node: an answer is one, and a node on trial gets a verdict
    /// or leaves the trial to the next call.
    fn tell_lane(&self, report: &Report<'_>) {
        let (node, now) = (&report.member.node, self.job.scope.now());
        let lane = node.lane(self.job.ask.lane);
        let Reply::Judged { verdict, retry_after, .. } = &report.reply else {
            return lane.on_no_verdict(now);
        };
        match verdict {
            Verdict::Answer
            | Verdict::NullGap
            | Verdict::DeepGap
            | Verdict::AlreadyKnown
            | Verdict::NonceTooLow
            | Verdict::NodeRefusedWrite => {
                lane.on_success(now, report.took);
            }
            Verdict::Throttled => tries::leave_alone(node, now, *retry_after),
            Verdict::Missing(_) | Verdict::NodeFault(_) => lane.on_no_verdict(now),
        }
    }

    /// In doubt: another node may have heard of it; else it gets the same bytes, once.
    async fn settle(&mut self) -> Content {
        let settle = self.job.scope.chain.config.writes.settle;
        if !settle {
            return self.in_doubt();
        }
        let Ok(seat) = self.job.pick(&mut self.tries) else { return self.in_doubt() };
        let other = seat.member;
        // One that waits for what comes of it is told that by nobody but a node.
        if let Some(answer) = self.answer()
            && self.is_known_to(other).await
        {
            return answer;
        }
        if Instant::now() >= self.job.scope.deadline {
            return self.in_doubt();
        }
        let fate = self.send_to(seat, Purpose::Retry).await;
        if matches!(fate, Fate::Answered(_) | Fate::Known(_) | Fate::NonceSpent(_)) {
            self.tries.settle_blame(self.job);
        }
        match fate {
            Fate::Answered(content) => {
                self.accepted(other.place.node, &content);
                content
            }
            // it was these bytes: the hash, or that nobody waits for it any more
            Fate::Known(_) => self.hash_or(self.in_doubt()),
            Fate::NonceSpent(content) => self.known_or(content).await,
            Fate::Refused(_) | Fate::Unsent | Fate::InDoubt => self.in_doubt(),
        }
    }

    /// Refused by one node for its own reasons: one other, and its word counts.
    async fn refused(&mut self, first: Content) -> Content {
        let Ok(seat) = self.job.pick(&mut self.tries) else { return first };
        let other = seat.member;
        match self.send_to(seat, Purpose::Retry).await {
            Fate::Answered(content) => {
                self.accepted(other.place.node, &content);
                content
            }
            Fate::Known(content) => self.hash_or(content),
            Fate::NonceSpent(content) => self.known_or(content).await,
            Fate::Refused(content) => content,
            Fate::Unsent => first,
            Fate::InDoubt => self.in_doubt(),
        }
    }

    /// The nonce is spent: by these bytes if some node knows them.
    async fn known_or(&mut self, content: Content) -> Content {
        let Some(answer) = self.answer() else { return content };
        let asked = self.tries.tried.first().and_then(|&node| self.job.scope.chain.member(node));
        let Some(member) = asked else { return content };
        if self.is_known_to(member).await { answer } else { content }
    }

    async fn is_known_to(&self, member: &Member) -> bool {
        let Some(transaction) = &self.transaction else { return false };
        knows_transaction(self.job.scope.chain, member, transaction).await == Some(true)
    }

    fn in_doubt(&self) -> Content {
        let hash = self.transaction.as_ref().map(|transaction| transaction.hash);
        Content::Refused(CallError::WriteInDoubt { hash })
    }

    /// A node has the bytes: their hash, or what stands for it where the method answers more.
    fn hash_or(&self, content: Content) -> Content {
        self.answer().unwrap_or(content)
    }

    /// The answer that follows from the bytes alone.
    fn answer(&self) -> Option<Content> {
        let transaction = self.transaction.as_ref()?;
        let answer = transaction.family.write_answer(self.job.needs.method, transaction.hash);
        answer.map(Content::Ours)
    }

    /// Copies to other nodes at once, if the chain is configured so.
    fn broadcast(&mut self, first: NodeIndex) {
        let copies = self.job.scope.chain.config.writes.broadcast.saturating_sub(1);
        if copies == 0 || self.tries.copied {
            return;
        }
        self.tries.copied = true;
        let chain = self.job.scope.chain.chain();
        let others = usable_others(&chain, first);
        for node in others.into_iter().take(copies as usize) {
            tokio::spawn(send_copy(Arc::clone(&chain), node, self.body()));
        }
    }

    fn body(&self) -> bytes::Bytes {
        let mut body = Vec::new();
        write::call(&mut body, 1, &self.job.call.method, self.job.call.params, &[]);
        body.into()
    }

    /// Accepted: about a block later another node is asked whether it has heard of it.
    fn accepted(&self, node: NodeIndex, content: &Content) {
        let chain = self.job.scope.chain;
        let (Content::Result(_), Some(transaction)) = (content, &self.transaction) else {
            return;
        };
        if transaction.question().is_none() {
            return;
        }
        if !chain.config.writes.confirm || chain.members.len() < 2 {
            return;
        }
        if let Some(slot) = chain.state.confirms.enter() {
            let (chain, transaction, body) = (chain.chain(), transaction.clone(), self.body());
            tokio::spawn(async move {
                confirm(chain, node, transaction, body).await;
                drop(slot);
            });
        }
    }
}

/// Asks another node for an accepted transaction after a block time, and once more after
/// another; if it still has not heard of it, it gets the same bytes, so that a node which
/// accepts and then dies, or has no peers, loses nothing.
async fn confirm(
    chain: Arc<Chain>,
    accepted_by: NodeIndex,
    transaction: SignedTransaction,
    body: bytes::Bytes,
) {
    for _ in 0..CONFIRM_LOOKS {
        sleep(chain.state.tips().block_time).await;
        let Some(&node) = usable_others(&chain, accepted_by).first() else { return };
        let Some(member) = chain.member(node) else { return };
        if knows_transaction(&chain, member, &transaction).await != Some(false) {
            return;
        }
    }
    let Some(&node) = usable_others(&chain, accepted_by).first() else { return };
    tracing::info!(chain = %chain.config.name, node = chain.member(node).map(|m| &*m.node.config.name),
        "an accepted transaction had not reached other nodes: sent there too");
    send_copy(Arc::clone(&chain), node, body).await;
}

/// Nodes other than `not` that are well, own ones first, in random order.
fn usable_others(chain: &Chain, not: NodeIndex) -> Vec<NodeIndex> {
    use crate::route::Facts;
    let out = Facts::UNHEALTHY | Facts::SUSPECTED | Facts::REFUSED | Facts::DRAINED | Facts::FORKED;
    let well = chain.members.iter().filter(|member| {
        let facts = member.node.facts();
        member.place.node != not
            && facts.has(Facts::VERIFIED)
            && !facts.has(out | Facts::WRONG_CHAIN)
    });
    let mut others: Vec<_> =
        well.map(|m| (m.node.config.fallback, chance::draw(), m.place.node)).collect();
    others.sort_unstable();
    others.into_iter().map(|(_, _, node)| node).collect()
}

async fn send_copy(chain: Arc<Chain>, node: NodeIndex, body: bytes::Bytes) {
    let Some(member) = chain.member(node) else { return };
    let sent = member.client.send(Outgoing::new(body, Instant::now() + COPY_DEADLINE)).await;
    let result = match sent {
        Ok(_) => crate::metrics::AttemptResult::Ok,
        Err(_) => crate::metrics::AttemptResult::Failed,
    };
    chain.metrics.on_attempt(Purpose::Confirm, result);
}
