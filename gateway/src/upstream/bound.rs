//! How many connections one node may have, over all workers, and who is next
//! when they are all busy.
//!
//! A [`Slot`] stands for one connection, open or being opened; it is given back
//! when dropped, wherever that happens, and goes to the next in the queue. In
//! the steady state nothing here is written: a call that finds an idle
//! connection of its own worker touches no shared cache line.
//!
//! No wake-up is lost: whoever frees something looks at the queue *after*, and
//! whoever queues looks for something free *after*, all sequentially consistent.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering::Relaxed, Ordering::SeqCst},
    },
};

use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::{
    conn::Conn,
    error::{Exhausted, Fault, UpstreamError},
};

/// Calls that may wait for a connection of one node; past it they are refused at once.
const MAX_QUEUE: usize = 1024;

/// What a call needs to go on.
pub(super) enum Grant {
    Conn(Box<Conn>),
    /// Leave to open a connection.
    Slot(Slot),
}

type Waiter = oneshot::Sender<Grant>;

pub(super) struct Bound {
    most: u32,
    open: AtomicU32,
    /// The length of `queue`, to be read without its lock.
    queued: AtomicUsize,
    queue: Mutex<VecDeque<Waiter>>,
    pub opened: AtomicU64,
    pub failed: AtomicU64,
}

impl Bound {
    pub fn new(most: u32) -> Arc<Self> {
        Arc::new(Self {
            most: most.max(1),
            open: AtomicU32::new(0),
            queued: AtomicUsize::new(0),
            queue: Mutex::default(),
            opened: AtomicU64::new(0),
            failed: AtomicU64::new(0),
        })
    }

    pub fn open(&self) -> u32 {
        self.open.load(Relaxed)
    }

    pub fn queued(&self) -> usize {
        self.queued.load(SeqCst)
    }

    /// A slot, if the bound allows one more connection.
    pub fn reserve(self: &Arc<Self>) -> Option<Slot> {
        let more = |open| (open < self.most).then_some(open + 1);
        self.open.fetch_update(SeqCst, SeqCst, more).ok()?;
        Some(Slot { bound: Arc::clone(self), held: true })
    }

    /// Joins the queue, at its front if `priority`. The caller must look for
    /// something free afterwards.
    pub fn enqueue(&self, priority: bool) -> Result<oneshot::Receiver<Grant>, UpstreamError> {
        let (waiter, granted) = oneshot::channel();
        let mut queue = self.queue.lock();
        if queue.len() >= MAX_QUEUE {
            queue.retain(|waiter| !waiter.is_closed());
        }
        if queue.len() >= MAX_QUEUE && !priority {
            return Err(UpstreamError::unsent(Fault::Exhausted(Exhausted::Queue)));
        }
        if priority {
            queue.push_front(waiter);
        } else {
            queue.push_back(waiter);
        }
        self.queued.store(queue.len(), SeqCst);
        Ok(granted)
    }

    /// Gives to the first that still waits; back if nobody does.
    pub fn hand_over(&self, mut grant: Grant) -> Result<(), Grant> {
        while let Some(waiter) = self.next() {
            match waiter.send(grant) {
                Ok(()) => return Ok(()),
                Err(refused) => grant = refused,
            }
        }
        Err(grant)
    }

    fn next(&self) -> Option<Waiter> {
        let mut queue = self.queue.lock();
        let waiter = queue.pop_front();
        self.queued.store(queue.len(), SeqCst);
        waiter
    }

    /// One connection less; its slot goes to whoever waits.
    fn release(self: &Arc<Self>) {
        self.open.fetch_sub(1, SeqCst);
        while self.queued() > 0 {
            let Some(slot) = self.reserve() else {
                return;
            };
            if let Err(Grant::Slot(slot)) = self.hand_over(Grant::Slot(slot)) {
                slot.put_back();
            }
        }
    }
}

/// The right to one connection.
pub(super) struct Slot {
    bound: Arc<Bound>,
    /// Not given back yet.
    held: bool,
}

impl Slot {
    pub fn bound(&self) -> &Bound {
        &self.bound
    }

    /// Gives the slot back without looking at the queue: `release`, which calls
    /// this, looks again.
    fn put_back(mut self) {
        self.held = false;
        self.bound.open.fetch_sub(1, SeqCst);
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if self.held {
            self.bound.release();
        }
    }
}
