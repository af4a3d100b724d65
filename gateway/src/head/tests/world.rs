//! A small deterministic chain and nodes that show it, each in its own way.

use std::time::Duration;

use crate::{
    clock::{Clock, Timestamp},
    head::{Header, Heads, LINK_DEPTH, Next, Standing, TipChange},
    names::{Block, Hash, NodeIndex},
};

pub const BLOCK_TIME: Duration = Duration::from_secs(2);
/// Ticks (one block each) of the patience time.
pub const PATIENCE: u64 = 6;
/// Height of every world at its start.
pub const START: u64 = 1_000;
const GENESIS_TIME: u64 = 1_700_000_000;

/// A branch of the chain: which one it left, and the last block they share.
#[derive(Clone, Copy, Debug)]
struct Branch {
    from: usize,
    shared: Option<u64>,
    /// Its first height with a block of its own.
    resumes: u64,
}

/// What a node shows: a head on a branch, and perhaps the headers below it.
#[derive(Clone, Copy, Debug)]
pub struct Sim {
    pub branch: usize,
    pub head: u64,
    pub shows_headers: bool,
    pub frozen: bool,
    pub live: bool,
}

pub struct World {
    branches: Vec<Branch>,
    /// Which heights have no block, on each branch others; 0: all have one.
    skips: u64,
    pub nodes: Vec<Sim>,
    pub heads: Heads,
    pub clock: Clock,
    /// Headers that were asked for.
    pub asked: usize,
}

impl World {
    /// `count` honest nodes at [`START`] on branch 0. Nothing is observed yet.
    pub fn new(count: usize) -> Self {
        Self::skipping(count, 0)
    }

    /// The same on a chain that skips heights, three in a row at most: so much longer may
    /// a block take.
    pub fn skipping(count: usize, skips: u64) -> Self {
        let block_time = if skips == 0 { BLOCK_TIME } else { BLOCK_TIME * 4 };
        let honest = Sim { branch: 0, head: START, shows_headers: true, frozen: false, live: true };
        Self {
            branches: vec![Branch { from: 0, shared: None, resumes: 0 }],
            skips,
            nodes: vec![honest; count],
            heads: Heads::new(count, block_time),
            clock: Clock::manual(),
            asked: 0,
        }
    }

    /// A new branch that leaves `from` after block `shared`; `None`: another chain.
    pub fn fork(&mut self, from: usize, shared: Option<u64>) -> usize {
        self.leap(from, shared, 0)
    }

    /// A new branch whose first block of its own is at `resumes`, far above the last shared.
    pub fn leap(&mut self, from: usize, shared: Option<u64>, resumes: u64) -> usize {
        self.branches.push(Branch { from, shared, resumes });
        self.branches.len() - 1
    }

    /// The branch that a height of a branch belongs to.
    fn owner(&self, branch: usize, number: u64) -> usize {
        let mut owner = branch;
        while let Branch { from, shared: Some(shared), .. } = self.branches[owner]
            && number <= shared
        {
            owner = from;
        }
        owner
    }

    fn is_skipped(&self, owner: usize, number: u64) -> bool {
        let at = (number * 7 + owner as u64 * 13) % 64;
        let by_pattern = self.skips >> at & 1 == 1 && !number.is_multiple_of(4);
        by_pattern || number < self.branches[owner].resumes
    }

    /// The block of a branch at a height, or else the next lower one.
    pub fn block(&self, branch: usize, mut number: u64) -> Block {
        while self.is_skipped(self.owner(branch, number), number) {
            number -= 1;
        }
        let owner = self.owner(branch, number);
        let mut hash = [7; 32];
        hash[..8].copy_from_slice(&(owner as u64).to_be_bytes());
        hash[8..16].copy_from_slice(&number.to_be_bytes());
        Block { number, hash: Hash(hash) }
    }

    /// The header of [`Self::block`].
    pub fn header(&self, branch: usize, number: u64) -> Header {
        let Block { number, hash } = self.block(branch, number);
        let none = Block { number: 0, hash: Hash([0; 32]) };
        Header {
            number,
            hash,
            parent: number.checked_sub(1).map_or(none, |below| self.block(branch, below)),
            time: Some(GENESIS_TIME + number * BLOCK_TIME.as_secs()),
        }
    }

    fn header_of(&self, hash: Hash) -> Header {
        let part = |at: usize| u64::from_be_bytes(hash.0[at..at + 8].try_into().unwrap());
        self.header(part(0) as usize, part(8))
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn unix_now(&self) -> u64 {
        GENESIS_TIME + START * BLOCK_TIME.as_secs() + self.now().since(Timestamp::ZERO).as_secs()
    }

    /// Asks one node for its head and for the headers that follow from it.
    pub fn poll(&mut self, index: usize) {
        let (sim, node) = (self.nodes[index], NodeIndex(index as u16));
        self.heads.set_live(node, sim.live);
        if !sim.live {
            return;
        }
        // a liar with any wit keeps its times plausible
        let time = Some(self.unix_now().min(GENESIS_TIME + sim.head * BLOCK_TIME.as_secs()));
        let head = Header { time, ..self.header(sim.branch, sim.head) };
        let mut next = self.heads.observe(self.now(), node, head);
        let mut steps = 0;
        while let (Next::Show(hash), true) = (next, sim.shows_headers) {
            steps += 1;
            assert!(steps < LINK_DEPTH, "a walk ends within its depth");
            next = self.heads.show(node, self.header_of(hash));
        }
        self.asked += steps;
    }

    pub fn settle(&mut self) -> Option<TipChange> {
        self.heads.settle(self.now(), self.unix_now())
    }

    /// Every node is asked, then the votes are counted.
    pub fn look(&mut self) -> Option<TipChange> {
        (0..self.nodes.len()).for_each(|index| self.poll(index));
        self.settle()
    }

    /// One block time passes: nodes that are not frozen go one block on.
    pub fn tick(&mut self) -> Option<TipChange> {
        self.clock.advance(BLOCK_TIME);
        for sim in self.nodes.iter_mut().filter(|sim| !sim.frozen) {
            sim.head += 1;
        }
        self.look()
    }

    pub fn ticks(&mut self, count: u64) -> Vec<TipChange> {
        (0..count).filter_map(|_| self.tick()).collect()
    }

    /// A world whose tip is already served.
    pub fn running(count: usize) -> Self {
        Self::running_and_skipping(count, 0)
    }

    pub fn running_and_skipping(count: usize, skips: u64) -> Self {
        let mut world = Self::skipping(count, skips);
        world.look();
        world.ticks(3);
        assert_eq!(world.tip(), world.block(0, START + 3));
        world
    }

    pub fn tip(&self) -> Block {
        self.heads.tip().expect("a tip")
    }

    pub fn standing(&self, index: usize) -> Standing {
        self.heads.standing(self.now(), NodeIndex(index as u16))
    }

    /// Asserts that nothing but single steps forward happened, up to the honest head.
    #[track_caller]
    pub fn check_undisturbed(&self, changes: &[TipChange], honest_head: u64) {
        let forward = |change: &TipChange| {
            matches!(change, TipChange::First { .. } | TipChange::Forward { .. })
        };
        assert!(changes.iter().all(forward), "{changes:?}");
        assert_eq!(self.tip(), self.block(0, honest_head));
    }
}
