//! What is known of a chain as a whole, and outlives reloads: the tips clients are
//! shown, recent blocks, budgets, and what its nodes have shown so far.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use arc_swap::{ArcSwap, ArcSwapOption};
use dashmap::DashMap;
use parking_lot::Mutex;
use tokio::sync::watch;

use crate::{
    blocks::Blocks,
    clock::Timestamp,
    config,
    family::Identity,
    head::{Heads, Line, Marks},
    method::Tag,
    names::{Block, Hash, Name, NodeIndex},
    retry::Budget,
    topology::{Member, Queue},
};

/// Assumed until blocks have been seen.
const ASSUMED_BLOCK_TIME: Duration = Duration::from_secs(2);

/// What clients of a chain are shown as newest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tips {
    /// The served tip. `None` until one was voted.
    pub latest: Option<Block>,
    pub safe: Option<Block>,
    pub finalized: Option<Block>,
    /// When `latest` last changed.
    pub since: Timestamp,
    /// Measured, or as configured.
    pub block_time: Duration,
}

impl Tips {
    pub const fn of(&self, tag: Tag) -> Option<Block> {
        match tag {
            Tag::Latest => self.latest,
            Tag::Safe => self.safe,
            Tag::Finalized => self.finalized,
        }
    }
}

/// Heads and finality marks of a chain's nodes, in the order of its members.
#[derive(Debug)]
pub struct Track {
    pub names: Vec<Name>,
    pub heads: Heads,
    pub safe: Marks,
    pub finalized: Marks,
    pub headers: Headers,
}

/// The texts of recent headers, for families whose clients are answered from them.
#[derive(Debug, Default)]
pub struct Headers(VecDeque<(Hash, Arc<str>)>);

/// Headers kept: more than a walk shows.
const MOST_HEADERS: usize = 128;

impl Headers {
    pub fn keep(&mut self, hash: Hash, raw: &str) {
        if self.of(hash).is_some() {
            return;
        }
        self.0.push_back((hash, raw.into()));
        if self.0.len() > MOST_HEADERS {
            self.0.pop_front();
        }
    }

    pub fn of(&self, hash: Hash) -> Option<Arc<str>> {
        self.0.iter().rev().find(|(kept, _)| *kept == hash).map(|(_, raw)| Arc::clone(raw))
    }
}

#[derive(Debug)]
pub struct ChainState {
    tips: ArcSwap<Tips>,
    /// The blocks clients were shown: what a block's number means.
    line: ArcSwap<Line>,
    /// The served tip's header as nodes tell it, where its text is kept.
    tip_header: ArcSwapOption<(Block, Arc<str>)>,
    /// Counts tip changes; calls that wait for a block listen here.
    pub moved: watch::Sender<u64>,
    pub blocks: Blocks,
    /// Locked by the probe tasks of the chain, never by a call.
    pub track: Mutex<Track>,
    /// As configured, or learned from the first majority.
    pub identity: ArcSwapOption<Identity>,
    pub retries: Budget,
    pub hedges: Budget,
    pub nulls: Nulls,
    pub confirms: Arc<Confirms>,
    /// Calls that wait for a place at a node.
    pub queue: Queue,
}

/// `null` answers that two nodes gave, until the tip moves: not asked twice again.
#[derive(Debug, Default)]
pub struct Nulls {
    /// By the hash of the call's text: how often the tip had moved.
    seen: DashMap<u64, u64>,
    tip_moves: AtomicU64,
}

/// Texts remembered; past it all are forgotten.
const MOST_NULLS: usize = 8_192;

impl Nulls {
    pub fn knows(&self, text: u64) -> bool {
        let moves = self.tip_moves.load(Relaxed);
        self.seen.get(&text).is_some_and(|seen| *seen == moves)
    }

    pub fn remember(&self, text: u64) {
        if self.seen.len() >= MOST_NULLS {
            self.seen.clear();
        }
        self.seen.insert(text, self.tip_moves.load(Relaxed));
    }
}

/// Accepted writes that wait to be confirmed, so many at most.
#[derive(Debug, Default)]
pub struct Confirms(AtomicU64);

const MOST_CONFIRMS: u64 = 1_024;

/// One of them.
#[derive(Debug)]
pub struct Confirming(Arc<Confirms>);

impl Confirms {
    /// A place, if there is one: past the bound a write is not confirmed.
    pub fn enter(self: &Arc<Self>) -> Option<Confirming> {
        let before = self.0.fetch_add(1, Relaxed);
        let confirming = Confirming(Arc::clone(self));
        (before < MOST_CONFIRMS).then_some(confirming)
    }
}

impl Drop for Confirming {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Relaxed);
    }
}

impl ChainState {
    /// The state for a chain with these members, continuing `old` where there is one.
    pub fn renewed(
        chain: &config::Chain,
        members: &[Member],
        old: Option<&Arc<Self>>,
    ) -> Arc<Self> {
        let names: Vec<Name> =
            members.iter().map(|member| Arc::clone(&member.node.config.name)).collect();
        let kept = old.filter(|old| {
            let policy = (&chain.retries, chain.hedge);
            old.track.lock().names == names && old.policy_is(policy)
        });
        if let Some(kept) = kept {
            return Arc::clone(kept);
        }
        let tips = old.map(|old| old.tips());
        let block_time = chain.block_time.or(tips.map(|tips| tips.block_time));
        let block_time = block_time.unwrap_or(ASSUMED_BLOCK_TIME);
        let fresh =
            Tips { latest: None, safe: None, finalized: None, since: Timestamp::ZERO, block_time };
        let identity = chain.identity.as_deref().and_then(|text| chain.family.parse_identity(text));
        let state = Self {
            tips: ArcSwap::from_pointee(tips.unwrap_or(fresh)),
            line: ArcSwap::from_pointee(
                old.map(|old| (**old.line.load()).clone()).unwrap_or_default(),
            ),
            tip_header: ArcSwapOption::new(old.and_then(|old| old.tip_header.load_full())),
            moved: watch::Sender::new(0),
            blocks: Blocks::default(),
            track: Mutex::new(Track::new(names, block_time, old.map(|old| &old.track))),
            identity: ArcSwapOption::from_pointee(identity),
            retries: Budget::new(chain.retries.budget, chain.retries.floor),
            hedges: Budget::new(chain.hedge, if chain.hedge > 0.0 { 1.0 } else { 0.0 }),
            nulls: Nulls::default(),
            confirms: Arc::default(),
            queue: Queue::default(),
        };
        if let Some(old) = old {
            state.take_over(old);
        }
        Arc::new(state)
    }

    /// Everything that is not by node: recent blocks and a learned identity.
    fn take_over(&self, old: &Self) {
        old.blocks.each(|block| self.blocks.insert(block));
        if self.identity.load().is_none() {
            self.identity.store(old.identity.load_full());
        }
    }

    fn policy_is(&self, (retries, hedge): (&config::Retries, f64)) -> bool {
        self.retries.is(retries.budget, retries.floor)
            && self.hedges.is(hedge, if hedge > 0.0 { 1.0 } else { 0.0 })
    }

    pub fn tips(&self) -> Tips {
        **self.tips.load()
    }

    /// The blocks clients were shown, the newest last.
    pub fn line(&self) -> arc_swap::Guard<Arc<Line>> {
        self.line.load()
    }

    /// The text of a served tip's header, if it is kept.
    pub fn header_of(&self, tip: Block) -> Option<Arc<str>> {
        let kept = self.tip_header.load();
        kept.as_ref().filter(|kept| kept.0 == tip).map(|kept| Arc::clone(&kept.1))
    }

    /// Publishes new tips, the line that leads to them and the text of the tip's header;
    /// only the tracker does.
    pub fn show(&self, tips: Tips, line: &Line, header: Option<Arc<str>>) {
        if self.line.load().top() != tips.latest {
            self.line.store(Arc::new(line.clone()));
        }
        self.tip_header.store(tips.latest.zip(header).map(Arc::new));
        let moved = self.tips.swap(Arc::new(tips)).latest != tips.latest;
        if moved {
            self.nulls.tip_moves.fetch_add(1, Relaxed);
            self.moved.send_modify(|count| *count += 1);
        }
    }
}

impl Track {
    fn new(names: Vec<Name>, block_time: Duration, old: Option<&Mutex<Self>>) -> Self {
        let count = names.len();
        let mut track = Self {
            heads: Heads::new(count, block_time),
            safe: Marks::new(count),
            finalized: Marks::new(count),
            headers: Headers::default(),
            names,
        };
        if let Some(old) = old {
            track.adopt(&old.lock());
        }
        track
    }

    /// Takes over what nodes of the same name have shown.
    fn adopt(&mut self, old: &Self) {
        self.heads.adopt_line(&old.heads);
        self.safe.adopt(&old.safe);
        self.finalized.adopt(&old.finalized);
        for (at, name) in (0u16..).zip(&self.names) {
            let was = (0u16..).zip(&old.names).find(|(_, other)| *other == name);
            if let Some((was, _)) = was {
                self.heads.adopt(NodeIndex(at), &old.heads, NodeIndex(was));
            }
        }
    }
}
