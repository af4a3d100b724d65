//! The calls of one chain that wait for a place at a full node: a [`Line`] for each class,
//! shared by all workers. While nobody waits, a finished call reads one word of it.
//!
//! Nothing here waits: that is `gateway::queue`'s. A wake-up may be lost between a call that
//! ends and one that just joins; whoever waits therefore looks for itself now and then.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::{
    load::line::{Line, NodeSet, Rank, Ticket},
    names::NodeIndex,
    node::CallClass,
};

type Bell = Arc<Notify>;

#[derive(Debug, Default)]
pub struct Queue {
    /// Length of both lines, to be read without the lock.
    waiting: AtomicUsize,
    lines: Mutex<[Line<Bell>; CallClass::ALL.len()]>,
}

/// How it stands with one who waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Waits,
    /// A place should be free.
    Called,
    /// Somebody more urgent needed the room.
    PushedOut,
}

impl Queue {
    /// Calls that wait.
    pub fn waiting(&self) -> usize {
        self.waiting.load(Relaxed)
    }

    /// Calls of a class that wait.
    pub fn waiting_of(&self, class: CallClass) -> usize {
        if self.waiting() == 0 { 0 } else { self.lines.lock()[class as usize].len() }
    }

    /// Whether a newcomer must not take a place at the node: others wait for it who are no
    /// less urgent.
    pub fn is_ahead_of(&self, class: CallClass, rank: Rank, node: NodeIndex) -> bool {
        self.waiting() > 0 && self.lines.lock()[class as usize].is_ahead_of(rank, node)
    }

    /// Joins the line of a class; `None` when `bound` others wait who are no less urgent.
    pub fn join(
        &self,
        class: CallClass,
        rank: Rank,
        nodes: NodeSet,
        bound: usize,
    ) -> Option<Waiting<'_>> {
        let bell = Bell::default();
        let mut lines = self.lines.lock();
        let (ticket, pushed_out) =
            lines[class as usize].join(rank, nodes, bound, Arc::clone(&bell)).ok()?;
        self.count(&lines[..]);
        drop(lines);
        if let Some(bell) = pushed_out {
            bell.notify_one();
        }
        Some(Waiting { queue: self, class, ticket, bell })
    }

    /// Places at a node are free: calls the best who wait for it.
    pub fn call(&self, class: CallClass, node: NodeIndex, places: u32) {
        if places > 0 && self.waiting() > 0 {
            self.lines.lock()[class as usize].call(node, places, |bell| bell.notify_one());
        }
    }

    fn count(&self, lines: &[Line<Bell>]) {
        self.waiting.store(lines.iter().map(Line::len).sum(), Relaxed);
    }
}

/// One who waits; dropping it leaves the line.
#[derive(Debug)]
pub struct Waiting<'q> {
    queue: &'q Queue,
    class: CallClass,
    ticket: Ticket,
    bell: Bell,
}

impl Waiting<'_> {
    /// Rings when it is called or pushed out.
    pub fn bell(&self) -> &Notify {
        &self.bell
    }

    pub fn standing(&self) -> Standing {
        match self.queue.lines.lock()[self.class as usize].standing(self.ticket) {
            None => Standing::PushedOut,
            Some(true) => Standing::Called,
            Some(false) => Standing::Waits,
        }
    }

    /// Whether somebody before it waits for the node.
    pub fn is_behind(&self, node: NodeIndex) -> bool {
        self.queue.lines.lock()[self.class as usize].is_before(self.ticket, node)
    }

    /// Found no place: waits on, for these nodes.
    pub fn wait_on(&self, nodes: NodeSet) {
        self.queue.lines.lock()[self.class as usize].wait_on(self.ticket, nodes);
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut lines = self.queue.lines.lock();
        let line = &mut lines[self.class as usize];
        if let Some(node) = line.leave(self.ticket) {
            // Its place may still be free; who is called in vain waits on.
            line.call(node, 1, |bell| bell.notify_one());
        }
        self.queue.count(&lines[..]);
    }
}
