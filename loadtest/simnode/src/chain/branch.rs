//! Branches of a chain: hashes by number, and numbers by hash.
//!
//! A branch holds the blocks from its base on and takes what is below from its
//! parent. Reorgs make a new main branch; forks and wrong chains are private ones.
//! Below the linked region hashes come in segments of 1,024, of which a few are kept.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::{ChainOptions, SentTx};
use crate::hash::{Hash, keccak};

/// Blocks of a segment: the unit in which old blocks link.
pub const SEGMENT: u64 = 1_024;

/// Starts up to here are linked down to genesis.
const LINKED_START: u64 = 10_000;
/// How far above it the link region reaches down from the start.
const LINKED_DEPTH: u64 = 8_192;
/// Segments of old blocks kept.
const SEGMENTS: usize = 32;

/// Names one branch of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BranchId(usize);

/// What the first branch begins with.
#[derive(Clone, Copy, Debug)]
pub struct Root {
    seed: u64,
    chain_id: u64,
    /// First block of the linked region.
    anchor: u64,
}

impl Root {
    pub fn of(options: &ChainOptions) -> Self {
        let below = options.start.saturating_sub(LINKED_DEPTH);
        let anchor = if options.start <= LINKED_START { 0 } else { below - below % SEGMENT };
        Self { seed: options.seed, chain_id: options.chain_id, anchor }
    }
}

#[derive(Debug)]
struct Branch {
    parent: Option<BranchId>,
    base: u64,
    salt: u64,
    chain_id: u64,
    /// Main at some time; the others are seen only by nodes that are on them.
    public: bool,
    detached: bool,
    links: Vec<Link>,
}

#[derive(Debug)]
struct Link {
    hash: Hash,
    sent: Vec<Arc<SentTx>>,
}

/// All branches of a chain.
#[derive(Debug)]
pub struct Branches {
    root: Root,
    list: Vec<Branch>,
    by_hash: HashMap<Hash, (BranchId, u64)>,
    by_tx: HashMap<Hash, (BranchId, u64)>,
    old: HashMap<(BranchId, u64), Vec<Hash>>,
    old_order: VecDeque<(BranchId, u64)>,
}

impl Branches {
    pub fn new(root: Root) -> (Self, BranchId) {
        let first = Branch {
            parent: None,
            base: root.anchor,
            salt: 0,
            chain_id: root.chain_id,
            public: true,
            detached: false,
            links: Vec::new(),
        };
        let branches = Self {
            root,
            list: vec![first],
            by_hash: HashMap::new(),
            by_tx: HashMap::new(),
            old: HashMap::new(),
            old_order: VecDeque::new(),
        };
        (branches, BranchId(0))
    }

    /// The private branch with this base, salt and identity, made when it is new.
    pub fn fork(
        &mut self,
        main: BranchId,
        base: u64,
        salt: u64,
        detached: bool,
        chain_id: u64,
    ) -> BranchId {
        let parent = (base > 0).then_some(main);
        let base = base.max(self.root.anchor);
        let same = |b: &Branch| {
            !b.public
                && b.base == base
                && b.salt == salt
                && b.detached == detached
                && b.chain_id == chain_id
        };
        if let Some(known) = self.list.iter().position(same) {
            return BranchId(known);
        }
        self.add(Branch { parent, base, salt, chain_id, public: false, detached, links: vec![] })
    }

    /// A new main branch from `base` on.
    pub fn replace(&mut self, main: BranchId, base: u64, salt: u64) -> BranchId {
        let chain_id = self.at(main).chain_id;
        let parent = Some(main);
        self.add(Branch {
            parent,
            base,
            salt,
            chain_id,
            public: true,
            detached: false,
            links: vec![],
        })
    }

    fn add(&mut self, branch: Branch) -> BranchId {
        self.list.push(branch);
        BranchId(self.list.len() - 1)
    }

    /// The next block to build so that `number` of `branch` exists, if any lacks.
    pub fn missing(&self, branch: BranchId, number: u64) -> Option<(BranchId, u64)> {
        let owner = self.owner(branch, number);
        let held = self.at(owner);
        let next = held.base + count(held.links.len());
        // A detached or rooted branch needs nothing below; a child needs its parent's
        // blocks up to its base, and those exist since main branches grow in order.
        (number >= held.base && number >= next).then_some((owner, next))
    }

    pub fn push(&mut self, branch: BranchId, hash: Hash, sent: Vec<Arc<SentTx>>) {
        let held = &mut self.list[branch.0];
        let number = held.base + count(held.links.len());
        for tx in &sent {
            self.by_tx.insert(tx.hash, (branch, number));
        }
        held.links.push(Link { hash, sent });
        // A skipped height has the hash of the block below, which keeps its number.
        self.by_hash.entry(hash).or_insert((branch, number));
    }

    pub fn put_old(&mut self, branch: BranchId, number: u64, hash: Hash) {
        let key = (self.owner(branch, number), number / SEGMENT);
        if !self.old.contains_key(&key) {
            self.old_order.push_back(key);
        }
        self.old.entry(key).or_default().push(hash);
        self.by_hash.entry(hash).or_insert((key.0, number));
        if self.old_order.len() > SEGMENTS {
            self.drop_oldest_segment();
        }
    }

    fn drop_oldest_segment(&mut self) {
        let Some(key) = self.old_order.pop_front() else { return };
        for hash in self.old.remove(&key).unwrap_or_default() {
            self.by_hash.remove(&hash);
        }
    }

    pub fn hash(&self, branch: BranchId, number: u64) -> Option<Hash> {
        let owner = self.owner(branch, number);
        match self.link(owner, number) {
            Some(link) => Some(link.hash),
            None => {
                let old = self.old.get(&(owner, number / SEGMENT))?;
                old.get(index(number % SEGMENT)).copied()
            }
        }
    }

    pub fn find(&self, hash: &Hash) -> Option<(BranchId, u64)> {
        self.by_hash.get(hash).copied()
    }

    /// Whether the block at `number`, as seen from `branch`, is on a detached branch.
    pub fn is_detached(&self, branch: BranchId, number: u64) -> bool {
        self.at(self.owner(branch, number)).detached
    }

    pub fn chain_id(&self, branch: BranchId) -> u64 {
        self.at(branch).chain_id
    }

    /// What tells the block at `number` apart from those of other branches.
    pub fn salt(&self, branch: BranchId, number: u64) -> u64 {
        self.at(self.owner(branch, number)).salt
    }

    pub fn sent(&self, branch: BranchId, number: u64) -> Vec<Arc<SentTx>> {
        let link = self.link(self.owner(branch, number), number);
        link.map_or_else(Vec::new, |link| link.sent.clone())
    }

    /// Whether the parent of `number` is a block of this branch or of one below it.
    pub fn is_linked(&self, branch: BranchId, number: u64) -> bool {
        let held = self.at(self.owner(branch, number));
        let segment = number <= self.root.anchor && number.is_multiple_of(SEGMENT);
        number > 0 && !segment && !(held.detached && number == held.base)
    }

    /// The parent's hash: nothing for genesis, a made-up one where links end.
    pub fn parent(&self, branch: BranchId, number: u64) -> Hash {
        let owner = self.owner(branch, number);
        let held = self.at(owner);
        if number == 0 {
            return [0; 32];
        }
        if !self.is_linked(branch, number) {
            let parts = [self.root.seed, held.salt, number].map(u64::to_be_bytes);
            return keccak(&[b"no parent", &parts[0], &parts[1], &parts[2]]);
        }
        self.hash(branch, number - 1).unwrap_or_default()
    }

    pub fn visible(&self, view: BranchId, other: BranchId, number: u64) -> bool {
        self.owner(view, number) == other || (self.at(view).public && self.at(other).public)
    }

    /// The lowest block that a reorg of this branch must leave.
    pub fn floor(&self, _branch: BranchId) -> u64 {
        self.root.anchor
    }

    /// The sent transactions of a branch from `base` on, oldest first.
    pub fn sent_from(&self, branch: BranchId, base: u64) -> Vec<Arc<SentTx>> {
        let held = self.at(branch);
        let mut sent = match held.parent {
            Some(parent) if base < held.base => self.sent_between(parent, base, held.base),
            _ => Vec::new(),
        };
        let skip = index(base.saturating_sub(held.base));
        sent.extend(held.links.iter().skip(skip).flat_map(|link| link.sent.iter().cloned()));
        sent
    }

    fn sent_between(&self, branch: BranchId, from: u64, to: u64) -> Vec<Arc<SentTx>> {
        (from..to).flat_map(|number| self.sent(branch, number)).collect()
    }

    /// Whether a transaction is in a block of this branch.
    pub fn was_sent(&self, branch: BranchId, hash: &Hash) -> bool {
        self.by_tx.get(hash).is_some_and(|(at, number)| self.owner(branch, *number) == *at)
    }

    /// The newest number that a branch shares with the main one.
    pub fn shared_with_main(&self, branch: BranchId, main: BranchId) -> u64 {
        if branch == main {
            return u64::MAX;
        }
        let held = self.at(branch);
        if held.public {
            u64::MAX
        } else if held.parent.is_none() {
            0
        } else {
            held.base - 1
        }
    }

    fn at(&self, branch: BranchId) -> &Branch {
        &self.list[branch.0]
    }

    /// The branch that holds `number` as seen from `branch`.
    fn owner(&self, branch: BranchId, number: u64) -> BranchId {
        let mut owner = branch;
        loop {
            match self.at(owner).parent {
                Some(parent) if number < self.at(owner).base => owner = parent,
                _ => return owner,
            }
        }
    }

    fn link(&self, owner: BranchId, number: u64) -> Option<&Link> {
        let held = self.at(owner);
        held.links.get(index(number.checked_sub(held.base)?))
    }
}

fn index(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
