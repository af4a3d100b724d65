//! Sent transactions that wait for a block, and which node has heard of them.
//!
//! One pool object for all nodes of a chain: a transaction is known to the nodes
//! that received it, and to all others once it has travelled for the gossip time.
//! A block takes those that have travelled, in the order of their nonces; a node that
//! has not got the block yet still has them in its pool.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use super::SentTx;
use crate::family::Nonces;
use crate::hash::Hash;

/// Transactions that fit.
const CAPACITY: usize = 100_000;

/// Why a pool refuses a transaction. A family words it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PoolError {
    AlreadyKnown,
    NonceTooLow { next: u64, sent: u64 },
    Underpriced,
    Full,
}

/// A transaction and how it came.
#[derive(Debug)]
pub struct Offer {
    pub node: u64,
    pub tx: Arc<SentTx>,
    pub at: Duration,
    /// Whether the node passes it on.
    pub peers: bool,
    pub gossip: Duration,
}

#[derive(Debug)]
struct Entry {
    tx: Arc<SentTx>,
    nodes: Vec<u64>,
    /// Since when it travels; `None` when no node passes it on.
    since: Option<Duration>,
    order: u64,
}

impl Entry {
    fn spread(&self, now: Duration, gossip: Duration) -> bool {
        self.since.is_some_and(|since| since.saturating_add(gossip) <= now)
    }

    fn known(&self, node: u64, now: Duration, gossip: Duration) -> bool {
        self.nodes.contains(&node) || self.spread(now, gossip)
    }
}

/// How a node looks into the pool.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    pub node: u64,
    /// The lowest block of the main branch that the node has not got.
    pub ahead: u64,
    pub now: Duration,
    pub gossip: Duration,
}

impl Look {
    fn knows(&self, entry: &Entry) -> bool {
        entry.known(self.node, self.now, self.gossip)
    }
}

/// The pool of one chain.
#[derive(Debug, Default)]
pub struct Pool {
    by_account: HashMap<Vec<u8>, BTreeMap<u64, Entry>>,
    by_hash: HashMap<Hash, (Vec<u8>, u64)>,
    /// What the newest blocks of the main branch took, by their numbers.
    taken: BTreeMap<u64, Vec<Entry>>,
    orders: u64,
}

impl Pool {
    pub fn is_empty(&self) -> bool {
        self.by_hash.is_empty()
    }

    pub fn insert(&mut self, offer: Offer) -> Result<(), PoolError> {
        let full = self.by_hash.len() >= CAPACITY;
        let entries = self.by_account.entry(offer.tx.account.clone()).or_default();
        match entries.get_mut(&offer.tx.nonce) {
            Some(entry) if entry.tx.hash == offer.tx.hash => return hear(entry, &offer),
            Some(entry) if offer.tx.price < entry.tx.price + entry.tx.price / 10 => {
                return Err(PoolError::Underpriced);
            }
            Some(entry) => {
                self.by_hash.remove(&entry.tx.hash);
            }
            None if full => return Err(PoolError::Full),
            None => {}
        }
        self.put(offer.tx, vec![offer.node], offer.peers.then_some(offer.at));
        Ok(())
    }

    /// Takes the transactions of the replaced blocks from `base` on back: every node
    /// knows them.
    pub fn put_back(&mut self, base: u64, txs: Vec<Arc<SentTx>>) {
        self.taken.split_off(&base);
        for tx in txs {
            self.put(tx, Vec::new(), Some(Duration::ZERO));
        }
    }

    /// Forgets that blocks up to `number` took something: all nodes have got them.
    pub fn forget(&mut self, number: u64) {
        while self.taken.first_key_value().is_some_and(|(oldest, _)| *oldest <= number) {
            self.taken.pop_first();
        }
    }

    pub fn get(&self, look: Look, hash: &Hash) -> Option<Arc<SentTx>> {
        let waiting = self.by_hash.get(hash).and_then(|(account, nonce)| {
            self.by_account.get(account).and_then(|entries| entries.get(nonce))
        });
        let found = waiting.or_else(|| self.coming(look).find(|entry| entry.tx.hash == *hash));
        found.filter(|entry| look.knows(entry)).map(|entry| Arc::clone(&entry.tx))
    }

    pub fn count(&self, look: Look) -> usize {
        self.seen(look).count()
    }

    /// What a node knows, in the order of arrival.
    pub fn list(&self, look: Look) -> Vec<Arc<SentTx>> {
        let mut known: Vec<_> = self.seen(look).collect();
        known.sort_by_key(|entry| entry.order);
        known.into_iter().map(|entry| Arc::clone(&entry.tx)).collect()
    }

    pub fn next_nonce(&self, look: Look, account: &[u8], mut next: u64) -> u64 {
        let entries = self.by_account.get(account);
        let waits = |nonce: u64| {
            let entry = entries.and_then(|entries| entries.get(&nonce));
            entry.is_some_and(|entry| look.knows(entry))
        };
        let comes = |nonce: u64| {
            let is = |entry: &Entry| entry.tx.account == account && entry.tx.nonce == nonce;
            self.coming(look).any(|entry| is(entry) && look.knows(entry))
        };
        while waits(next) || comes(next) {
            next += 1;
        }
        next
    }

    /// What is in blocks that a node has not got.
    fn coming(&self, look: Look) -> impl Iterator<Item = &Entry> {
        self.taken.range(look.ahead..).flat_map(|(_, entries)| entries)
    }

    /// What a node has in its pool.
    fn seen(&self, look: Look) -> impl Iterator<Item = &Entry> {
        let waiting = self.by_account.values().flat_map(BTreeMap::values);
        waiting.chain(self.coming(look)).filter(move |entry| look.knows(entry))
    }

    /// Takes and returns what block `number`, made at `at`, includes: what its maker had
    /// heard of by then, oldest senders first.
    pub fn take(
        &mut self,
        number: u64,
        at: Duration,
        nonces: Nonces,
        next: impl Fn(&[u8]) -> u64,
    ) -> Vec<Arc<SentTx>> {
        let (mut taken, by_hash) = (Vec::new(), &mut self.by_hash);
        for (account, entries) in &mut self.by_account {
            let nonce = next(account);
            let later = entries.split_off(&nonce);
            for stale in std::mem::replace(entries, later).into_values() {
                by_hash.remove(&stale.tx.hash);
            }
            for due in due(entries, nonce, nonces, |entry| entry.spread(at, Duration::ZERO)) {
                taken.extend(entries.remove(&due));
            }
        }
        self.by_account.retain(|_, entries| !entries.is_empty());
        taken.sort_by_key(|entry| (entry.tx.nonce, entry.order));
        taken.iter().for_each(|entry| {
            by_hash.remove(&entry.tx.hash);
        });
        let txs = taken.iter().map(|entry| Arc::clone(&entry.tx)).collect();
        self.taken.insert(number, taken);
        txs
    }

    /// Forgets what only `node` knew.
    pub fn lose(&mut self, node: u64, now: Duration, gossip: Duration) {
        let by_hash = &mut self.by_hash;
        for entries in self.by_account.values_mut() {
            entries.retain(|_, entry| {
                let lost = entry.nodes == [node] && !entry.spread(now, gossip);
                if lost {
                    by_hash.remove(&entry.tx.hash);
                }
                !lost
            });
        }
        self.by_account.retain(|_, entries| !entries.is_empty());
    }

    fn put(&mut self, tx: Arc<SentTx>, nodes: Vec<u64>, since: Option<Duration>) {
        self.orders += 1;
        self.by_hash.insert(tx.hash, (tx.account.clone(), tx.nonce));
        let entries = self.by_account.entry(tx.account.clone()).or_default();
        entries.insert(tx.nonce, Entry { tx, nodes, since, order: self.orders });
    }
}

/// The nonces that a block may include, from `next` on, in order.
fn due(
    entries: &BTreeMap<u64, Entry>,
    next: u64,
    nonces: Nonces,
    heard: impl Fn(&Entry) -> bool,
) -> Vec<u64> {
    match nonces {
        Nonces::Consecutive => {
            (next..).take_while(|nonce| entries.get(nonce).is_some_and(&heard)).collect()
        }
        Nonces::Increasing => {
            entries.iter().filter(|(_, entry)| heard(entry)).map(|(nonce, _)| *nonce).collect()
        }
    }
}

/// A node hears of a transaction that another one may have told nobody.
fn hear(entry: &mut Entry, offer: &Offer) -> Result<(), PoolError> {
    if entry.known(offer.node, offer.at, offer.gossip) {
        return Err(PoolError::AlreadyKnown);
    }
    entry.nodes.push(offer.node);
    if offer.peers && entry.since.is_none() {
        entry.since = Some(offer.at);
    }
    Ok(())
}
