//! The topology in force, handed out without a count that all workers bump: each
//! worker keeps a lease of its own, and a call clones that.

use std::{
    ops::Deref,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use arc_swap::ArcSwap;
use crossbeam_utils::CachePadded;
use parking_lot::{Mutex, MutexGuard};

use crate::{
    topology::{Chain, Topology},
    worker::{self, SLOTS},
};

/// The one place a reload stores to.
#[derive(Debug)]
pub struct Current {
    newest: ArcSwap<Topology>,
    /// How often one was stored: cheaper to compare than the topology itself.
    stores: AtomicU64,
    /// One per worker: its own allocation, so its count is written by it alone.
    leases: Box<[CachePadded<Mutex<Held>>]>,
}

/// A worker's lease, and how many stores it has seen.
#[derive(Debug)]
struct Held {
    lease: Arc<Lease>,
    stores: u64,
}

/// A worker's hold on a topology.
#[derive(Debug)]
struct Lease(Arc<Topology>);

/// A chain of the topology a request began with.
#[derive(Clone, Debug)]
pub struct ChainLease {
    lease: Arc<Lease>,
    chain: usize,
}

impl Deref for ChainLease {
    type Target = Chain;

    fn deref(&self) -> &Chain {
        &self.lease.0.chains[self.chain]
    }
}

impl ChainLease {
    pub fn topology(&self) -> &Topology {
        &self.lease.0
    }

    /// A hold for work that outlives the request.
    pub fn chain(&self) -> Arc<Chain> {
        Arc::clone(&self.lease.0.chains[self.chain])
    }
}

impl Current {
    pub fn new(topology: Topology) -> Self {
        let topology = Arc::new(topology);
        let lease = || Arc::new(Lease(Arc::clone(&topology)));
        let held = || CachePadded::new(Mutex::new(Held { lease: lease(), stores: 0 }));
        Self {
            leases: (0..SLOTS).map(|_| held()).collect(),
            newest: ArcSwap::new(topology),
            stores: AtomicU64::new(0),
        }
    }

    /// The newest topology, for whoever is not serving a call.
    pub fn load(&self) -> Arc<Topology> {
        self.newest.load_full()
    }

    /// Puts a new topology in force for every request that begins from now on.
    pub fn store(&self, topology: Arc<Topology>) {
        self.newest.store(topology);
        // Behind the topology, so that whoever sees the count finds it.
        self.stores.fetch_add(1, Ordering::Release);
    }

    /// Finds a chain in the newest topology by this worker's own lease.
    pub fn find(&self, find: impl FnOnce(&Topology) -> Option<usize>) -> Option<ChainLease> {
        let held = self.renewed();
        let topology = &held.lease.0;
        let chain = find(topology).filter(|&chain| chain < topology.chains.len())?;
        Some(ChainLease { lease: Arc::clone(&held.lease), chain })
    }

    /// Looks something up in the newest topology.
    pub fn with<T>(&self, look: impl FnOnce(&Topology) -> T) -> T {
        look(&self.renewed().lease.0)
    }

    /// This worker's own, of the newest topology. Look and let go.
    fn renewed(&self) -> MutexGuard<'_, Held> {
        let stores = self.stores.load(Ordering::Acquire);
        let mut held = self.leases[worker::slot()].lock();
        if held.stores != stores {
            *held = Held { lease: Arc::new(Lease(self.newest.load_full())), stores };
        }
        held
    }
}
