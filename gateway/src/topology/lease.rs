//! The topology in force, handed out without a count that all workers bump: each
//! worker keeps a lease of its own, and a call clones that.

use std::{ops::Deref, sync::Arc};

use arc_swap::ArcSwap;
use crossbeam_utils::CachePadded;
use parking_lot::Mutex;

use crate::{
    topology::{Chain, Topology},
    worker::{self, SLOTS},
};

/// The one place a reload stores to.
#[derive(Debug)]
pub struct Current {
    newest: ArcSwap<Topology>,
    /// One per worker: its own allocation, so its count is written by it alone.
    leases: Box<[CachePadded<Mutex<Arc<Lease>>>]>,
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
        let lease = || CachePadded::new(Mutex::new(Arc::new(Lease(Arc::clone(&topology)))));
        Self { leases: (0..SLOTS).map(|_| lease()).collect(), newest: ArcSwap::new(topology) }
    }

    /// The newest topology, for whoever is not serving a call.
    pub fn load(&self) -> Arc<Topology> {
        self.newest.load_full()
    }

    /// Puts a new topology in force for every request that begins from now on.
    pub fn store(&self, topology: Arc<Topology>) {
        self.newest.store(topology);
    }

    /// Finds a chain in the newest topology by this worker's own lease.
    pub fn find(&self, find: impl FnOnce(&Topology) -> Option<usize>) -> Option<ChainLease> {
        let lease = self.lease();
        let chain = find(&lease.0).filter(|&chain| chain < lease.0.chains.len())?;
        Some(ChainLease { lease, chain })
    }

    /// Looks something up in the newest topology.
    pub fn with<T>(&self, look: impl FnOnce(&Topology) -> T) -> T {
        look(&self.lease().0)
    }

    fn lease(&self) -> Arc<Lease> {
        let newest = self.newest.load();
        let mut mine = self.leases[worker::slot()].lock();
        if !Arc::ptr_eq(&mine.0, &newest) {
            *mine = Arc::new(Lease(Arc::clone(&newest)));
        }
        Arc::clone(&mine)
    }
}
