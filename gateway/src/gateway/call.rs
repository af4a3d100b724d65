//! One call: by its method's class it is refused, answered here, written, or
//! relayed once the block it means is known.

use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout_at};

use crate::{
    clock,
    error::CallError,
    family::LocalFacts,
    gateway::{
        Scope,
        relay::Job,
        resolve::{Ahead, PinnedBlocks, Resolved, pinned_blocks, resolve},
        served::{Content, Served},
        way::Way,
    },
    head,
    method::{BlockNeed, Needs, Null},
    route::Ask,
    rpc::{Call, walk},
    topology::Tips,
};

/// A call for a block ahead waits at most so long.
const AHEAD: Duration = Duration::from_secs(1);
/// Blocks ahead of the tip that are worth waiting for.
const NEAR: u64 = 2;

impl Scope<'_> {
    /// Carries out a call the way it goes; it was admitted.
    pub(super) async fn call(&self, call: &Call<'_>, way: Way<'_>) -> Served {
        match way {
            Way::Refused(error) => Served::refused(error),
            Way::Local { .. } => self.local(call).await,
            Way::LocalOrRead(needs) => match self.local_answer(&call.method) {
                Some(raw) => Served::ours(Content::Ours(raw)),
                None => self.read(call, &needs).await,
            },
            Way::Write(needs) => self.write(call, &needs).await,
            Way::Read(needs) => match self.heavy_slot(&needs) {
                Ok(_slot) => self.read(call, &needs).await,
                Err(error) => Served::refused(error),
            },
        }
    }

    /// Answers from what the gateway knows itself; waits a block time for what it does not
    /// know yet.
    async fn local(&self, call: &Call<'_>) -> Served {
        let until = self.block_time_from_now();
        loop {
            let tips = self.chain.state.tips();
            if let Some(raw) = self.local_answer(&call.method) {
                return Served::ours(Content::Ours(raw));
            }
            if !self.tip_moves_before(until, &tips).await {
                return Served::refused(self.no_tip());
            }
        }
    }

    fn local_answer(&self, method: &str) -> Option<String> {
        let state = &self.chain.state;
        let tips = state.tips();
        let identity = state.identity.load();
        let header = tips.latest.and_then(|tip| state.header_of(tip));
        let patience = head::MIN_PATIENCE.max(tips.block_time * 3);
        self.chain.methods().row_of(method).family.local_answer(
            method,
            &LocalFacts {
                tip: tips.latest,
                finalized: tips.finalized,
                header: header.as_deref(),
                identity: identity.as_deref(),
                tip_moving: self.now().since(tips.since) < patience,
                nodes: self.chain.members.iter().filter(|member| !member.node.is_out()).count(),
                methods: &|| self.chain.served_methods(),
            },
        )
    }

    async fn read(&self, call: &Call<'_>, needs: &Needs<'_>) -> Served {
        let until = self.block_time_from_now();
        let (ask, tips) = loop {
            let tips = self.chain.state.tips();
            match resolve(needs, &tips, &self.chain.state.blocks, self.chain.config.pin) {
                Resolved::Ask(ask) => break (ask, tips),
                Resolved::NoTip => {
                    if !self.tip_moves_before(until, &tips).await {
                        return Served::refused(self.no_tip());
                    }
                }
                Resolved::Ahead(ahead) => {
                    let near = ahead.blocks <= NEAR;
                    let until = until.min(Instant::now() + AHEAD);
                    if !near || !self.tip_moves_before(until, &tips).await {
                        return above_every_head(needs, ahead);
                    }
                }
            }
        };
        self.relay_call(call, needs, ask, &tips).await
    }

    async fn relay_call(
        &self,
        call: &Call<'_>,
        needs: &Needs<'_>,
        ask: Ask,
        tips: &Tips,
    ) -> Served {
        let blocks = match self.chain.config.pin && !needs.pins.is_empty() {
            true => pinned_blocks(needs, tips, &self.chain.state.line()),
            false => PinnedBlocks::new(),
        };
        let tip = tips.latest.map_or(0, |tip| tip.number);
        let weight = needs.weight_at(tip);
        let job = Job::new(*self, call, needs, (ask, weight), blocks);
        let served = self.with_tip(needs, job.relay().await, tips);
        match self.block_of(needs, &served) {
            Some(number) => self.once_shown(number, served).await,
            None => served,
        }
    }

    /// Puts the served tip in where the method's row says that a node tells its own.
    fn with_tip(&self, needs: &Needs<'_>, served: Served, tips: &Tips) -> Served {
        let (Some(at), Some(tip)) = (&needs.method.tip_at, tips.latest) else { return served };
        let Content::Result(raw) = &served.content else { return served };
        let family = needs.method.family;
        let text = std::str::from_utf8(raw).ok().and_then(|raw| family.with_tip(raw, at, tip));
        match text {
            Some(text) => Served { content: Content::Result(text.into()), ..served },
            None => served,
        }
    }

    /// The block that an answer says it is from, where the method's row tells.
    fn block_of(&self, needs: &Needs<'_>, served: &Served) -> Option<u64> {
        let (Some(member), Content::Result(raw)) = (&needs.method.in_block, &served.content) else {
            return None;
        };
        let number = walk::find(std::str::from_utf8(raw).ok()?, member)?;
        needs.method.family.read_block_number(number)
    }

    /// Holds an answer back until clients are shown its block: a client that reads "mined in
    /// block 9" asks for block 9 next. Else it is not mined yet.
    async fn once_shown(&self, number: u64, served: Served) -> Served {
        let until = self.block_time_from_now().min(Instant::now() + AHEAD);
        loop {
            let tips = self.chain.state.tips();
            if tips.latest.is_none_or(|tip| number <= tip.number) {
                return served;
            }
            if !self.tip_moves_before(until, &tips).await {
                return Served { content: Content::Ours("null".to_owned()), ..served };
            }
        }
    }

    /// One block time from now, within the call's deadline.
    fn block_time_from_now(&self) -> Instant {
        (clock::instant() + self.chain.state.tips().block_time).min(self.deadline)
    }

    /// Waits for the tip to move on from what was seen; false when it did not before `until`.
    async fn tip_moves_before(&self, until: Instant, seen: &Tips) -> bool {
        let mut moved = self.chain.state.moved.subscribe();
        // It may have moved since it was looked at.
        if self.chain.state.tips().latest != seen.latest {
            return true;
        }
        timeout_at(until, moved.changed()).await.is_ok()
    }

    fn no_tip(&self) -> CallError {
        let views =
            self.chain.views(self.now(), &Ask::anything(), (crate::method::MethodIndex(0), ""));
        let any = views.iter().any(|view| {
            view.facts.has(crate::route::Facts::VERIFIED)
                && !view.facts.has(crate::route::Facts::UNHEALTHY)
        });
        if any { CallError::HeadUnavailable } else { CallError::NoNode(None) }
    }

    /// Sleeps a moment, for conditions nobody announces; false at the deadline.
    pub(super) async fn pause(&self, until: Instant) -> bool {
        let next = Instant::now() + Duration::from_millis(20);
        sleep_until(next.min(until)).await;
        Instant::now() < until
    }
}

/// A block that no node has yet: `null` where the method says so of unknown blocks, an
/// error else. Never an empty list, which would say
/// that the block has no logs.
fn above_every_head(needs: &Needs<'_>, ahead: Ahead) -> Served {
    let named = matches!(needs.block, BlockNeed::Number(_));
    if named && needs.method.null == Null::Gap {
        return Served::ours(Content::Ours("null".to_owned()));
    }
    Served::refused(if ahead.range { CallError::RangeBeyondHead } else { CallError::BlockNotFound })
}
