//! What all clients of one chain may ask for together: a rate, and slots for heavy calls.

use std::sync::{
    Arc,
    atomic::{AtomicU32, AtomicU64, Ordering::Relaxed},
};

use crossbeam_utils::CachePadded;

use crate::{
    clock::Timestamp,
    config::{Chain, Config, Rate},
    limits::{
        Quota, Short,
        flights::{Flights, InFlight},
    },
};

/// Heavy calls in flight for each node, where no other number is configured.
const HEAVY_OF_A_NODE: u32 = 2;
/// One client's share of the slots: a tenth, but always one.
const SHARES: u32 = 10;

/// Limits of one chain.
#[derive(Debug)]
pub struct ChainLimits {
    rate: Option<Rate>,
    quota: Option<Quota>,
    slots: u32,
    full_at: Arc<CachePadded<AtomicU64>>,
    heavy: Arc<Heavy>,
}

#[derive(Debug, Default)]
struct Heavy {
    in_flight: CachePadded<AtomicU32>,
    by_client: Flights,
}

/// A slot for a heavy call, taken until this is dropped.
#[derive(Debug)]
pub struct HeavySlot<'s> {
    heavy: &'s Heavy,
    _share: InFlight<'s>,
}

impl ChainLimits {
    /// The limits of a chain, going on from `old` ones: the bucket while its rate stays the
    /// same, calls in flight always.
    pub fn renewed(config: &Config, chain: &Chain, old: Option<&Self>) -> Self {
        let nodes: usize = chain.pools.iter().map(|pool| pool.nodes.len()).sum();
        let usual = HEAVY_OF_A_NODE.saturating_mul(u32::try_from(nodes).unwrap_or(u32::MAX));
        let same = old.filter(|old| old.rate == chain.rate);
        Self {
            rate: chain.rate,
            quota: chain.rate.map(|rate| Quota::of(rate, 1)),
            slots: config.limits.heavy.unwrap_or(usual).max(1),
            full_at: same.map(|old| Arc::clone(&old.full_at)).unwrap_or_default(),
            heavy: old.map(|old| Arc::clone(&old.heavy)).unwrap_or_default(),
        }
    }

    /// Cells that can ever be spent at once; `None`: there is no limit.
    pub fn burst(&self) -> Option<u32> {
        self.quota.map(Quota::burst)
    }

    /// Takes all of so many cells, or says when they can be had.
    pub fn take(&self, cells: u32, now: Timestamp) -> Result<(), Short> {
        self.quota.map_or(Ok(()), |quota| quota.take(&self.full_at, cells, now))
    }

    /// A slot for a heavy call of a client (its hash); `None` when all are taken, or the
    /// client's share of them is.
    pub fn heavy_slot(&self, client: u64) -> Option<HeavySlot<'_>> {
        let heavy = &*self.heavy;
        let share = heavy.by_client.enter(client, 1, (self.slots / SHARES).max(1))?;
        let free = |taken: u32| (taken < self.slots).then_some(taken + 1);
        heavy.in_flight.fetch_update(Relaxed, Relaxed, free).ok()?;
        Some(HeavySlot { heavy, _share: share })
    }
}

impl Drop for HeavySlot<'_> {
    fn drop(&mut self) {
        self.heavy.in_flight.fetch_sub(1, Relaxed);
    }
}
