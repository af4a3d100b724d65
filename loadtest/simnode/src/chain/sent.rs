//! The way of sent transactions: into the pools of nodes, into blocks, and back.

use std::sync::Arc;
use std::time::Duration;

use super::branch::BranchId;
use super::pool::{Look, Offer, PoolError};
use super::{Chain, SentTx, State};
use crate::family::Nonces;
use crate::hash::Hash;

/// A node as its pool sees it. What is in a block that the node has not got is in its
/// pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Viewer {
    pub node: u64,
    pub branch: BranchId,
    pub head: u64,
}

impl Chain {
    /// Takes a transaction that `node` received; without `peers` it goes no farther.
    ///
    /// # Errors
    /// When the pool of that node refuses it.
    pub fn accept(&self, node: u64, tx: Arc<SentTx>, peers: bool) -> Result<(), PoolError> {
        let at = self.now();
        self.with(|state| {
            let next = state.next_nonce(state.main, &tx.account, state.head);
            if tx.nonce < next {
                return Err(state.nonce_error(&tx, next));
            }
            state.pool.insert(Offer { node, tx, at, peers, gossip: self.options.gossip })
        })
    }

    /// A transaction in the pool of a node.
    #[must_use]
    pub fn pooled(&self, viewer: Viewer, hash: &Hash) -> Option<Arc<SentTx>> {
        self.look(viewer, |state, look| state.pool.get(look, hash))
    }

    /// Transactions in the pool of a node.
    #[must_use]
    pub fn pool_size(&self, viewer: Viewer) -> usize {
        self.look(viewer, |state, look| state.pool.count(look))
    }

    /// The transactions in the pool of a node, oldest first.
    #[must_use]
    pub fn pool_list(&self, viewer: Viewer) -> Vec<Arc<SentTx>> {
        self.look(viewer, |state, look| state.pool.list(look))
    }

    /// The next nonce of an account that sent, at a block; 0 when it never did.
    #[must_use]
    pub fn nonce(&self, branch: BranchId, account: &[u8], number: u64) -> u64 {
        self.with(|state| state.next_nonce(branch, account, number))
    }

    /// The next nonce counting what a node has in its pool, from `next` on.
    #[must_use]
    pub fn pending_nonce(&self, viewer: Viewer, account: &[u8], next: u64) -> u64 {
        self.look(viewer, |state, look| state.pool.next_nonce(look, account, next))
    }

    /// Forgets what only a dead node knew: transactions it had not passed on.
    pub fn lose(&self, node: u64) {
        let now = self.now();
        self.with(|state| state.pool.lose(node, now, self.options.gossip));
    }

    fn look<T>(&self, viewer: Viewer, act: impl FnOnce(&State, Look) -> T) -> T {
        let now = self.now();
        self.with(|state| {
            let shared = state.branches.shared_with_main(viewer.branch, state.main);
            let ahead = viewer.head.min(shared).saturating_add(1);
            act(state, Look { node: viewer.node, ahead, now, gossip: self.options.gossip })
        })
    }

    /// The sent transactions that go into block `number`: none where it is skipped.
    pub(super) fn take_sent(
        &self,
        state: &mut State,
        number: u64,
        at: Duration,
    ) -> Vec<Arc<SentTx>> {
        if self.sim.standing(number) == number {
            state.take_sent(number, at, self.options.family.nonces())
        } else {
            Vec::new()
        }
    }
}

impl State {
    fn take_sent(&mut self, number: u64, at: Duration, nonces: Nonces) -> Vec<Arc<SentTx>> {
        if self.pool.is_empty() {
            return Vec::new();
        }
        let included = &self.included;
        let next = |account: &[u8]| {
            included.get(account).and_then(|heights| heights.last()).map_or(0, |last| last.1)
        };
        let taken = self.pool.take(number, at, nonces, next);
        for tx in &taken {
            self.included.entry(tx.account.clone()).or_default().push((number, tx.nonce + 1));
        }
        taken
    }

    fn next_nonce(&self, branch: BranchId, account: &[u8], number: u64) -> u64 {
        let limit = number.min(self.branches.shared_with_main(branch, self.main));
        let Some(heights) = self.included.get(account) else { return 0 };
        heights.iter().rev().find(|(height, _)| *height <= limit).map_or(0, |entry| entry.1)
    }

    fn nonce_error(&self, tx: &SentTx, next: u64) -> PoolError {
        if self.branches.was_sent(self.main, &tx.hash) {
            return PoolError::AlreadyKnown;
        }
        PoolError::NonceTooLow { next, sent: tx.nonce }
    }

    pub(super) fn forget_included(&mut self, base: u64) {
        for heights in self.included.values_mut() {
            heights.retain(|(height, _)| *height < base);
        }
    }
}
