//! Who waits for a place at a full node, and who comes first: pure.
//!
//! By rank, then by arrival. First come, first served within a rank, for the wait is bounded
//! (a quarter second) and nobody is sent to a node after it: newest first would only make
//! others wait the whole of it for nothing. The line is bounded: a newcomer pushes out the
//! last of a lower rank, or is refused.
//!
//! Each waits for certain nodes, so that one that only an archive can help holds up nobody.
//! Whoever waits is *called* when a place at one of its nodes is free, and stays in line until
//! it has one: nobody who came later, or ranks lower, takes the place meanwhile.

use std::collections::BTreeMap;

use crate::{method::Lane, names::NodeIndex};

/// How urgent a call is: the lower, the sooner served, the later shed. Known clients come
/// before all others; then writes and cheap reads, state, logs, traces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rank {
    pub unknown: bool,
    pub work: Work,
}

/// Kinds of work by urgency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Work {
    Cheap,
    State,
    Logs,
    Trace,
}

impl Rank {
    /// `known`: a key or a token tells who the client is.
    pub const fn new(known: bool, lane: Lane) -> Self {
        let work = match lane {
            Lane::Light | Lane::Write => Work::Cheap,
            Lane::State => Work::State,
            Lane::Logs => Work::Logs,
            Lane::Trace => Work::Trace,
        };
        Self { unknown: !known, work }
    }

    /// Whether it is shed first when the gateway itself is short of something: heavy work
    /// of everybody, and all of unknown clients where others are known.
    pub fn is_low(self, others_are_known: bool) -> bool {
        self.work >= Work::Logs || (self.unknown && (others_are_known || self.work > Work::Cheap))
    }
}

/// Nodes of a chain, as a set. Those past the 128th share its bits: more may be called than
/// can use the place, never fewer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NodeSet(u128);

impl NodeSet {
    pub const fn insert(&mut self, node: NodeIndex) {
        self.0 |= 1 << (node.0 % 128);
    }

    pub const fn has(self, node: NodeIndex) -> bool {
        self.0 >> (node.0 % 128) & 1 == 1
    }

    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// A place in the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket {
    pub rank: Rank,
    number: u64,
}

#[derive(Debug)]
struct Waiter<T> {
    nodes: NodeSet,
    /// The node whose free place it was called for.
    called: Option<NodeIndex>,
    /// How to reach it.
    bell: T,
}

/// A line of waiters.
#[derive(Debug)]
pub struct Line<T> {
    waiters: BTreeMap<Ticket, Waiter<T>>,
    next: u64,
}

impl<T> Default for Line<T> {
    fn default() -> Self {
        Self { waiters: BTreeMap::new(), next: 0 }
    }
}

impl<T> Line<T> {
    pub fn len(&self) -> usize {
        self.waiters.len()
    }

    pub fn is_empty(&self) -> bool {
        self.waiters.is_empty()
    }

    /// Joins a line of at most `bound`. `Err` gives the bell back: there is no room. `Ok` has
    /// the bell of whoever was pushed out for it.
    pub fn join(
        &mut self,
        rank: Rank,
        nodes: NodeSet,
        bound: usize,
        bell: T,
    ) -> Result<(Ticket, Option<T>), T> {
        let mut pushed_out = None;
        if self.waiters.len() >= bound {
            let last = self.waiters.last_entry().filter(|last| last.key().rank > rank);
            let Some(last) = last else { return Err(bell) };
            pushed_out = Some(last.remove().bell);
        }
        let ticket = Ticket { rank, number: self.next };
        self.next += 1;
        self.waiters.insert(ticket, Waiter { nodes, called: None, bell });
        Ok((ticket, pushed_out))
    }

    /// Whether somebody waits for the node who ranks at least as high.
    pub fn is_ahead_of(&self, rank: Rank, node: NodeIndex) -> bool {
        let better = self.waiters.iter().take_while(|(ticket, _)| ticket.rank <= rank);
        better.into_iter().any(|(_, waiter)| waiter.nodes.has(node))
    }

    /// Whether somebody before this ticket waits for the node.
    pub fn is_before(&self, ticket: Ticket, node: NodeIndex) -> bool {
        self.waiters.range(..ticket).any(|(_, waiter)| waiter.nodes.has(node))
    }

    /// Calls the best who wait for the node and are not called yet, `places` at most, those
    /// already called for it included.
    pub fn call(&mut self, node: NodeIndex, places: u32, mut ring: impl FnMut(&T)) {
        let mut left = places;
        for waiter in self.waiters.values_mut().filter(|waiter| waiter.nodes.has(node)) {
            if left == 0 {
                return;
            }
            match waiter.called {
                Some(called) if called == node => left -= 1,
                Some(_) => {}
                None => {
                    waiter.called = Some(node);
                    ring(&waiter.bell);
                    left -= 1;
                }
            }
        }
    }

    /// Whether it still stands in line, and whether it was called.
    pub fn standing(&self, ticket: Ticket) -> Option<bool> {
        self.waiters.get(&ticket).map(|waiter| waiter.called.is_some())
    }

    /// Found no place: it waits on, for these nodes.
    pub fn wait_on(&mut self, ticket: Ticket, nodes: NodeSet) {
        if let Some(waiter) = self.waiters.get_mut(&ticket) {
            (waiter.nodes, waiter.called) = (nodes, None);
        }
    }

    /// Leaves the line. The node it had been called for, if any: its place may be free.
    pub fn leave(&mut self, ticket: Ticket) -> Option<NodeIndex> {
        self.waiters.remove(&ticket).and_then(|waiter| waiter.called)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn nodes(list: &[u16]) -> NodeSet {
        let mut set = NodeSet::default();
        list.iter().for_each(|&node| set.insert(NodeIndex(node)));
        set
    }

    fn rank(known: bool, lane: Lane) -> Rank {
        Rank::new(known, lane)
    }

    /// Whom a free place at the node calls, in order.
    fn called(line: &mut Line<&'static str>, node: u16, places: u32) -> Vec<&'static str> {
        let mut rung = Vec::new();
        line.call(NodeIndex(node), places, |name| rung.push(*name));
        rung
    }

    #[test]
    fn known_clients_come_first_then_cheap_work_then_who_came_first() {
        let mut line = Line::default();
        for (name, known, lane) in [
            ("anonymous trace", false, Lane::Trace),
            ("anonymous read", false, Lane::Light),
            ("known trace", true, Lane::Trace),
            ("known logs", true, Lane::Logs),
            ("known state", true, Lane::State),
            ("known write", true, Lane::Write),
            ("known read", true, Lane::Light),
        ] {
            line.join(rank(known, lane), nodes(&[0]), 10, name).unwrap();
        }
        let order = [
            "known write",
            "known read",
            "known state",
            "known logs",
            "known trace",
            "anonymous read",
            "anonymous trace",
        ];
        assert_eq!(called(&mut line, 0, 7), order);
    }

    #[test]
    fn a_newcomer_pushes_out_the_last_of_a_lower_rank_and_is_refused_else() {
        let mut line = Line::default();
        let (low, high) = (rank(false, Lane::State), rank(false, Lane::Light));
        line.join(low, nodes(&[0]), 2, "first").unwrap();
        line.join(low, nodes(&[0]), 2, "second").unwrap();
        assert_eq!(line.join(low, nodes(&[0]), 2, "third"), Err("third"));
        let (_, out) = line.join(high, nodes(&[0]), 2, "fourth").unwrap();
        assert_eq!(out, Some("second"));
        let (_, out) = line.join(high, nodes(&[0]), 2, "fifth").unwrap();
        assert_eq!(out, Some("first"));
        assert_eq!(line.join(high, nodes(&[0]), 2, "sixth"), Err("sixth"));
        assert_eq!(line.len(), 2);
    }

    #[test]
    fn a_free_place_calls_only_who_can_use_it_and_nobody_twice() {
        let mut line = Line::default();
        let plain = rank(false, Lane::Light);
        line.join(plain, nodes(&[1]), 9, "for one").unwrap();
        line.join(plain, nodes(&[0, 1]), 9, "for both").unwrap();
        line.join(plain, nodes(&[0]), 9, "for nought").unwrap();
        assert_eq!(called(&mut line, 0, 1), ["for both"]);
        assert_eq!(called(&mut line, 0, 1), [""; 0], "the place is spoken for");
        assert_eq!(called(&mut line, 0, 2), ["for nought"]);
        assert_eq!(called(&mut line, 1, 1), ["for one"]);
    }

    #[test]
    fn who_stands_in_line_is_ahead_of_newcomers_of_no_higher_rank_at_its_nodes() {
        let mut line = Line::default();
        let (state, light) = (rank(false, Lane::State), rank(false, Lane::Light));
        let (ticket, _) = line.join(state, nodes(&[1]), 9, "waits").unwrap();
        let ahead = |line: &Line<_>, rank, node| line.is_ahead_of(rank, NodeIndex(node));
        assert!(ahead(&line, state, 1) && !ahead(&line, state, 0) && !ahead(&line, light, 1));
        called(&mut line, 1, 1);
        assert!(ahead(&line, state, 1), "called, but not yet served");
        assert!(!line.is_before(ticket, NodeIndex(1)), "nobody is before the first");
        assert_eq!(line.leave(ticket), Some(NodeIndex(1)), "its place may be free");
        assert!(line.is_empty() && !ahead(&line, state, 1));
    }

    #[test]
    fn low_ranks_are_heavy_work_and_unknown_clients_where_others_are_known() {
        let low = |known, lane, keys| rank(known, lane).is_low(keys);
        assert!(low(true, Lane::Trace, true) && low(true, Lane::Logs, false));
        assert!(!low(true, Lane::State, true) && low(false, Lane::State, false));
        assert!(low(false, Lane::Light, true) && !low(false, Lane::Light, false));
        assert!(!low(false, Lane::Write, false));
    }

    proptest! {
        /// Whatever happens, the line is within its bound, and nobody is served before one
        /// of a higher rank who waits for the same.
        #[test]
        fn the_line_stays_within_its_bound_and_in_order(
            steps in prop::collection::vec((0_u8..3, any::<bool>(), 0_usize..5), 1..200),
        ) {
            let mut line = Line::default();
            for (step, known, lane) in steps {
                let rank = rank(known, Lane::ALL[lane]);
                match step {
                    0 | 1 => drop(line.join(rank, nodes(&[0]), 8, rank)),
                    _ => {
                        let best = line.waiters.keys().next().copied();
                        let mut rung = None;
                        line.call(NodeIndex(0), 1, |&rank| rung = Some(rank));
                        prop_assert_eq!(rung, best.map(|best| best.rank));
                        best.map(|best| line.leave(best));
                    }
                }
                prop_assert!(line.len() <= 8);
            }
        }
    }
}
