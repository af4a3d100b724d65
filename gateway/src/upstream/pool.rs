//! The idle connections of one node: a stack per worker, newest first, so that
//! a call takes the warmest connection its own runtime watches.
//!
//! Own shard, then a new connection, then (at the bound) another worker's idle
//! one, then the queue. A connection goes back to the shard it came from.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed, Ordering::SeqCst, fence},
    },
    time::Duration,
};

use crossbeam_utils::CachePadded;
use parking_lot::Mutex;
use tokio::time::{Instant, timeout_at};

use super::{
    Stats,
    bound::{Bound, Grant},
    conn::Conn,
    error::{Exhausted, Fault, UpstreamError},
};
use crate::{clock, worker};

/// How often connections that idled for too long are looked for.
const SWEEP: Duration = Duration::from_secs(1);

type Shard = CachePadded<Mutex<VecDeque<Box<Conn>>>>;

pub(super) struct Pool {
    /// One per worker, and the first for everybody else. Each stack holds its
    /// newest connection at the back.
    shards: Box<[Shard]>,
    bound: Arc<Bound>,
    idle_timeout: Duration,
    born: Instant,
    /// Milliseconds after `born`.
    next_sweep: AtomicU64,
}

impl Pool {
    pub fn new(workers: usize, max_connections: u32, idle_timeout: Duration) -> Self {
        Self {
            shards: (0..=workers).map(|_| Shard::default()).collect(),
            bound: Bound::new(max_connections),
            idle_timeout,
            born: Instant::now(),
            next_sweep: AtomicU64::new(0),
        }
    }

    /// A connection, or leave to open one; waits at the bound until `deadline`.
    pub async fn checkout(&self, deadline: Instant, first: bool) -> Result<Grant, UpstreamError> {
        if let Some(conn) = self.pop(self.home()) {
            return Ok(Grant::Conn(conn));
        }
        if let Some(slot) = self.bound.reserve() {
            return Ok(Grant::Slot(slot));
        }
        if let Some(conn) = self.steal() {
            return Ok(Grant::Conn(conn));
        }
        let granted = self.bound.enqueue(first)?;
        self.settle();
        match timeout_at(deadline, granted).await {
            Ok(Ok(grant)) => Ok(grant),
            Ok(Err(_)) | Err(_) => Err(UpstreamError::unsent(Fault::Exhausted(Exhausted::Bound))),
        }
    }

    /// Takes back a connection whose reply was read whole.
    pub fn checkin(&self, mut conn: Box<Conn>) {
        if !conn.rest() {
            return;
        }
        let now = clock::instant();
        conn.since = now;
        self.push(conn);
        // Pairs with the queue's own order: see `bound`.
        fence(SeqCst);
        if self.bound.queued() > 0 {
            self.settle();
        }
        self.sweep(now);
    }

    /// The shard of the calling thread.
    pub fn home(&self) -> usize {
        worker::slot() % self.shards.len()
    }

    /// Drops what was idle since before `then`: the node has shown since that
    /// it does not answer, and nothing shows that these still work.
    pub fn forget_before(&self, then: Instant) {
        for shard in &self.shards {
            let mut stack = shard.lock();
            let stale = stack.iter().take_while(|conn| conn.since < then).count();
            let stale: Vec<_> = stack.drain(..stale).collect();
            drop(stack);
            drop(stale);
        }
    }

    pub fn stats(&self) -> Stats {
        let idle = self.shards.iter().map(|shard| shard.lock().len()).sum::<usize>() as u32;
        let open = self.bound.open();
        Stats {
            open,
            in_use: open.saturating_sub(idle),
            waiting: self.bound.queued(),
            opened: self.bound.opened.load(Relaxed),
            failed: self.bound.failed.load(Relaxed),
        }
    }

    fn push(&self, conn: Box<Conn>) {
        if let Some(shard) = self.shards.get(conn.home) {
            shard.lock().push_back(conn);
        }
    }

    fn pop(&self, shard: usize) -> Option<Box<Conn>> {
        let shard = self.shards.get(shard)?;
        let mut conn = shard.lock().pop_back()?;
        let now = clock::instant();
        if now.duration_since(conn.since) <= self.idle_timeout {
            conn.since = now;
            return Some(conn);
        }
        // The newest is too old, so all below it are.
        let expired = std::mem::take(&mut *shard.lock());
        drop(expired);
        None
    }

    fn steal(&self) -> Option<Box<Conn>> {
        let home = self.home();
        let count = self.shards.len();
        (home..home + count).find_map(|shard| self.pop(shard % count))
    }

    /// Gives what is free to those who wait.
    fn settle(&self) {
        while self.bound.queued() > 0 {
            let free = self.steal().map(Grant::Conn);
            let Some(grant) = free.or_else(|| self.bound.reserve().map(Grant::Slot)) else {
                return;
            };
            match self.bound.hand_over(grant) {
                Ok(()) | Err(Grant::Slot(_)) => {}
                Err(Grant::Conn(conn)) => self.push(conn),
            }
        }
    }

    /// At most once in [`SWEEP`], by whoever comes by: probes always do.
    fn sweep(&self, now: Instant) {
        let age = now.duration_since(self.born).as_millis() as u64;
        let due = self.next_sweep.load(Relaxed);
        let next = age + SWEEP.as_millis() as u64;
        if age < due || self.next_sweep.compare_exchange(due, next, Relaxed, Relaxed).is_err() {
            return;
        }
        if let Some(then) = now.checked_sub(self.idle_timeout) {
            self.forget_before(then);
        }
    }
}
