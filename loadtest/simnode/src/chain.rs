//! One simulated chain, shared by its nodes: which blocks there are, and when.
//!
//! Knows heights, hashes, branches, time and a pool of sent transactions, and no
//! family: a family's simulator ([`Sim`]) turns a [`Draft`] into a block. What must
//! hold: equal options give equal hashes in every process; a block once shown at a
//! branch and number never changes; nothing here blocks for longer than building a
//! few blocks.
//!
//! Memory is about 100 bytes for each block above the linked region's start, besides
//! the sent transactions, which are kept whole.

mod branch;
mod build;
mod pool;
mod sent;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use parking_lot::Mutex;

pub use self::branch::{BranchId, SEGMENT};
use self::branch::{Branches, Root};
use self::pool::Pool;
pub use self::pool::PoolError;
pub use self::sent::Viewer;
use crate::family::{Family, Payload, Sim};
use crate::hash::{Hash, mix};

/// Blocks whose time of birth is remembered, for their way to the nodes.
const RECENT: usize = 64;

/// How far above the head a detached branch may go.
const INVENTED: u64 = 100_000;

/// The genesis instant of chains that nobody times: fixed, so that tests repeat.
const FIXED_GENESIS: Duration = Duration::from_secs(1_700_000_000);

/// How new blocks come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// One each block time, by the wall clock, counted from the genesis instant.
    Clock,
    /// Only when [`Chain::mine`] is called.
    Manual,
}

/// What makes a chain. Equal values give equal chains.
#[derive(Clone, Debug)]
pub struct ChainOptions {
    pub family: Family,
    pub chain_id: u64,
    pub seed: u64,
    /// Height at the genesis instant. Default 1,000. Up to 10,000, every block links
    /// down to block 0. Above, blocks link down to the last multiple of 1,024 that is
    /// at least 8,192 below the start; older ones link within their 1,024 only.
    pub start: u64,
    pub pace: Pace,
    /// Default 2 s; at least 1 ms. With a manual pace it only sets the timestamps.
    pub block_time: Duration,
    /// When block `start` was born, since the Unix epoch. Default: now with
    /// [`Pace::Clock`], a fixed instant with [`Pace::Manual`].
    pub genesis: Option<Duration>,
    /// How far `safe` trails the head. Default 8 blocks.
    pub safe_depth: u64,
    /// How far `finalized` trails the head. Default 32 blocks.
    pub final_depth: u64,
    /// How long a sent transaction travels to the other nodes. Default 50 ms.
    pub gossip: Duration,
    /// One of so many heights has no block, in families that skip heights; 0: none.
    /// Default 16.
    pub skip: u64,
}

impl ChainOptions {
    /// The defaults for a family: how far its `safe` and `finalized` trail the head.
    #[must_use]
    pub fn of(family: Family) -> Self {
        let (safe_depth, final_depth) = family.depths();
        Self { family, safe_depth, final_depth, ..Self::default() }
    }
}

impl Default for ChainOptions {
    fn default() -> Self {
        Self {
            family: Family::Ethereum,
            chain_id: 1337,
            seed: 1,
            start: 1_000,
            pace: Pace::Clock,
            block_time: Duration::from_secs(2),
            genesis: None,
            safe_depth: 8,
            final_depth: 32,
            gossip: Duration::from_millis(50),
            skip: 16,
        }
    }
}

/// What a block is made from.
#[derive(Clone, Debug)]
pub struct Draft {
    pub chain_id: u64,
    pub seed: u64,
    /// Tells branches apart; 0 on the first one.
    pub salt: u64,
    pub number: u64,
    pub parent: Hash,
    /// The parent of the parent; zeros where links end.
    pub grandparent: Hash,
    /// Unix seconds.
    pub timestamp: u64,
    /// Unix milliseconds.
    pub timestamp_ms: u64,
    pub sent: Vec<Arc<SentTx>>,
}

/// A transaction that came in from outside.
#[derive(Debug)]
pub struct SentTx {
    pub hash: Hash,
    pub account: Vec<u8>,
    pub nonce: u64,
    /// What it offers; a replacement must offer a tenth more.
    pub price: u128,
    pub payload: Payload,
}

/// Number and hash of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockId {
    pub number: u64,
    pub hash: Hash,
}

/// A chain. Shared by its nodes as an `Arc`.
#[derive(Debug)]
pub struct Chain {
    pub options: ChainOptions,
    pub sim: Sim,
    born: Instant,
    /// Time from the genesis instant to `born`.
    age: Duration,
    /// The genesis instant in milliseconds since the Unix epoch.
    genesis_ms: u64,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    branches: Branches,
    main: BranchId,
    head: u64,
    /// Number and time of birth of the newest blocks.
    recent: VecDeque<(u64, Duration)>,
    reorgs: u64,
    pool: Pool,
    /// Of each account that sent: height of inclusion on the main branch, next nonce.
    included: HashMap<Vec<u8>, Vec<(u64, u64)>>,
}

impl Chain {
    #[must_use]
    pub fn new(mut options: ChainOptions) -> Arc<Self> {
        options.block_time = options.block_time.max(Duration::from_millis(1));
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let genesis = options.genesis.unwrap_or(match options.pace {
            Pace::Clock => now,
            Pace::Manual => FIXED_GENESIS,
        });
        let (branches, main) = Branches::new(Root::of(&options));
        let state = State {
            branches,
            main,
            head: options.start,
            recent: VecDeque::new(),
            reorgs: 0,
            pool: Pool::default(),
            included: HashMap::new(),
        };
        let chain = Self {
            sim: Sim::new(&options),
            born: Instant::now(),
            age: now.saturating_sub(genesis),
            genesis_ms: u64::try_from(genesis.as_millis()).unwrap_or(u64::MAX),
            state: Mutex::new(state),
            options,
        };
        chain.with(|_| ());
        Arc::new(chain)
    }

    /// The newest block of the main branch.
    #[must_use]
    pub fn head(&self) -> BlockId {
        self.with(|state| {
            let (main, number) = (state.main, self.sim.standing(state.head));
            BlockId { number, hash: self.hash_at(state, main, number).unwrap_or_default() }
        })
    }

    /// The main branch and its height.
    #[must_use]
    pub fn tip(&self) -> (BranchId, u64) {
        self.with(|state| (state.main, state.head))
    }

    /// Adds `blocks` blocks at once, whatever the pace, and returns the new head.
    /// With [`Pace::Clock`] they are blocks ahead of the clock, which then catches up.
    pub fn mine(&self, blocks: u64) -> BlockId {
        let now = self.now();
        self.with(|state| {
            for _ in 0..blocks {
                self.grow(state, now);
                while self.sim.standing(state.head) != state.head {
                    self.grow(state, now);
                }
            }
        });
        self.head()
    }

    /// Replaces the newest `depth` blocks (never block 0) by another branch of equal
    /// height, for all nodes at once, and returns the new head. Their sent
    /// transactions go back to the pool and into the new blocks.
    pub fn reorg(&self, depth: u64) -> BlockId {
        self.with(|state| {
            let depth = depth.min(state.head - state.branches.floor(state.main).min(state.head));
            if depth > 0 {
                self.switch(state, state.head + 1 - depth);
            }
        });
        self.head()
    }

    /// Hash of the block at `number` of a branch (at a skipped height, of the newest
    /// below); `None` above the chain's height, save on a detached branch.
    #[must_use]
    pub fn block_hash(&self, branch: BranchId, number: u64) -> Option<Hash> {
        self.with(|state| self.hash_at(state, branch, number))
    }

    /// As [`Chain::block_hash`] for the main branch.
    #[must_use]
    pub fn main_hash(&self, number: u64) -> Option<Hash> {
        self.with(|state| self.hash_at(state, state.main, number))
    }

    /// What the block at `number` of a branch is made from.
    #[must_use]
    pub fn draft(&self, branch: BranchId, number: u64) -> Option<Draft> {
        self.with(|state| {
            self.hash_at(state, branch, number)?;
            Some(self.draft_at(state, branch, number))
        })
    }

    /// Branch and number of a known block.
    #[must_use]
    pub fn find(&self, hash: &Hash) -> Option<(BranchId, u64)> {
        self.with(|state| state.branches.find(hash))
    }

    /// Whether the block at `number` of `other` may be seen from `view`: it is on its
    /// branch, or both were the main branch at some time.
    #[must_use]
    pub fn visible(&self, view: BranchId, other: BranchId, number: u64) -> bool {
        self.with(|state| state.branches.visible(view, other, number))
    }

    /// A branch of its own from `base` on (0: another genesis). Equal arguments give
    /// the same branch. A detached one does not link to what is below it.
    pub fn fork(&self, base: u64, salt: u64, detached: bool, chain_id: Option<u64>) -> BranchId {
        self.with(|state| {
            let id = chain_id.unwrap_or(self.options.chain_id);
            // High bits keep these apart from the salts of reorgs, which count up.
            let salt = mix(salt) | 1 << 63;
            let (main, head) = (state.main, state.head);
            self.hash_at(state, main, head);
            let mut base = if detached { base } else { base.min(head) };
            // A branch begins with a block.
            while self.sim.standing(base) != base {
                base += 1;
            }
            let branch = state.branches.fork(main, base, salt, detached, id);
            self.hash_at(state, branch, head);
            branch
        })
    }

    /// The chain id that a branch shows.
    #[must_use]
    pub fn chain_id(&self, branch: BranchId) -> u64 {
        self.with(|state| state.branches.chain_id(branch))
    }

    /// The newest height that has reached a node: `delay` says how long a block takes.
    #[must_use]
    pub fn arrived(&self, delay: impl Fn(u64) -> Duration) -> (BranchId, u64) {
        let now = self.now();
        self.with(|state| {
            let newest = state.recent.iter().rev();
            let reached = newest.clone().find(|(number, at)| *at + delay(*number) <= now);
            let oldest = state.recent.front().map_or(state.head, |(number, _)| number - 1);
            (state.main, reached.map_or(oldest, |(number, _)| *number))
        })
    }

    /// Time since the genesis instant.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.age + self.born.elapsed()
    }

    /// How many reorgs there were.
    #[must_use]
    pub fn reorgs(&self) -> u64 {
        self.with(|state| state.reorgs)
    }

    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.state.lock();
        if self.options.pace == Pace::Clock {
            let due = self.due();
            while state.head < due {
                let at = self.birth(state.head + 1);
                self.grow(&mut state, at);
            }
        }
        act(&mut state)
    }

    /// The height that the clock asks for.
    fn due(&self) -> u64 {
        let blocks = self.now().as_nanos() / self.options.block_time.as_nanos().max(1);
        self.options.start.saturating_add(u64::try_from(blocks).unwrap_or(0))
    }

    /// When the clock makes block `number`, since the genesis instant.
    fn birth(&self, number: u64) -> Duration {
        let blocks = number.saturating_sub(self.options.start);
        self.options.block_time.saturating_mul(u32::try_from(blocks).unwrap_or(u32::MAX))
    }

    fn grow(&self, state: &mut State, at: Duration) {
        let number = state.head + 1;
        let sent = self.take_sent(state, number, at);
        let main = state.main;
        self.hash_at(state, main, state.head);
        state.head = number;
        self.seal(state, main, number, sent);
        state.recent.push_back((number, at));
        if state.recent.len() > RECENT {
            state.recent.pop_front();
        }
        // Who has not heard of a block by now never will: see `arrived`.
        state.pool.forget(number.saturating_sub(u64::try_from(RECENT).unwrap_or(u64::MAX)));
    }

    fn switch(&self, state: &mut State, base: u64) {
        state.reorgs += 1;
        self.hash_at(state, state.main, state.head);
        let back = state.branches.sent_from(state.main, base);
        state.forget_included(base);
        state.pool.put_back(base, back);
        let salt = state.reorgs;
        state.main = state.branches.replace(state.main, base, salt);
        let (main, now) = (state.main, self.now());
        for number in base..=state.head {
            let sent = self.take_sent(state, number, now);
            self.seal(state, main, number, sent);
        }
    }
}

#[cfg(test)]
mod tests;
