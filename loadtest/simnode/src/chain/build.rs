//! Blocks of a chain, built when they are first needed.
//!
//! A family seals each [`Draft`]; a height that the family skips has the hash of the
//! block below. Old blocks come in whole segments.

use std::sync::Arc;

use super::branch::{BranchId, SEGMENT};
use super::{Chain, Draft, INVENTED, SentTx, State};
use crate::hash::Hash;

impl Chain {
    /// Hash at a number, after building what is missing up to it.
    pub(super) fn hash_at(&self, state: &mut State, branch: BranchId, number: u64) -> Option<Hash> {
        let ahead = if state.branches.is_detached(branch, number) { INVENTED } else { 0 };
        if number > state.head.saturating_add(ahead) {
            return None;
        }
        while let Some(next) = state.branches.missing(branch, number) {
            self.seal(state, next.0, next.1, Vec::new());
        }
        if let Some(hash) = state.branches.hash(branch, number) {
            return Some(hash);
        }
        self.build_segment(state, branch, number);
        state.branches.hash(branch, number)
    }

    /// Builds the 1,024 blocks around an old `number`, which link among themselves.
    fn build_segment(&self, state: &mut State, branch: BranchId, number: u64) {
        let first = number - number % SEGMENT;
        for number in first..first + SEGMENT {
            let stands = self.sim.standing(number) == number;
            let below = || state.branches.hash(branch, number.saturating_sub(1));
            let skipped = if stands { None } else { below() };
            let hash =
                skipped.unwrap_or_else(|| self.sim.seal(&self.draft_at(state, branch, number)));
            state.branches.put_old(branch, number, hash);
        }
    }

    pub(super) fn seal(
        &self,
        state: &mut State,
        branch: BranchId,
        number: u64,
        sent: Vec<Arc<SentTx>>,
    ) {
        if self.sim.standing(number) != number
            && let Some(below) = state.branches.hash(branch, number.saturating_sub(1))
        {
            state.branches.push(branch, below, sent);
            return;
        }
        let mut draft = self.draft_at(state, branch, number);
        draft.sent.clone_from(&sent);
        let hash = self.sim.seal(&draft);
        state.branches.push(branch, hash, sent);
    }

    pub(super) fn draft_at(&self, state: &State, branch: BranchId, number: u64) -> Draft {
        let branches = &state.branches;
        let below = self.sim.standing(number.saturating_sub(1));
        let grandparent = if branches.is_linked(branch, number) {
            branches.parent(branch, below)
        } else {
            [0; 32]
        };
        Draft {
            chain_id: branches.chain_id(branch),
            seed: self.options.seed,
            salt: branches.salt(branch, number),
            number,
            parent: branches.parent(branch, number),
            grandparent,
            timestamp: self.timestamp_ms(number) / 1_000,
            timestamp_ms: self.timestamp_ms(number),
            sent: branches.sent(branch, number),
        }
    }

    fn timestamp_ms(&self, number: u64) -> u64 {
        let step = u64::try_from(self.options.block_time.as_millis()).unwrap_or(u64::MAX);
        let start = self.options.start;
        let after = number.saturating_sub(start).saturating_mul(step);
        let before = start.saturating_sub(number).saturating_mul(step);
        self.genesis_ms.saturating_add(after).saturating_sub(before)
    }
}
