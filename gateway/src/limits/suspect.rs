//! Whether most requests seem to come from one address: then a balancer in front is
//! taken for the client, and all its clients are limited as one (F75).
//!
//! One request of eight is looked at. Each worker keeps the addresses that came most
//! (Misra and Gries, "Finding repeated elements", 1982): counts are too low by at most a
//! seventeenth of all, never too high, so an address that is said to have more than half
//! has. Known clients do not count: they are not limited by address.

use std::{
    net::{IpAddr, SocketAddr},
    sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use crossbeam_utils::CachePadded;
use parking_lot::Mutex;
use smallvec::SmallVec;

use crate::{
    clock::Timestamp,
    worker::{self, SLOTS},
};

/// Looked at: one request of so many.
const SAMPLE: u64 = 8;
/// Fewer requests in a window say nothing.
const LEAST: u64 = 1_000;
const WINDOW: Duration = Duration::from_secs(60);
/// Addresses that one worker keeps.
const KEPT: usize = 16;

#[derive(Debug, Default)]
struct Tally {
    requests: u64,
    /// Those looked at in this window.
    sampled: u64,
    most: SmallVec<[Seen; KEPT]>,
}

#[derive(Clone, Copy, Debug)]
struct Seen {
    address: IpAddr,
    count: u64,
    peer: SocketAddr,
    /// Came on more than one connection.
    several: bool,
}

#[derive(Debug)]
pub struct Suspect {
    tallies: Box<[CachePadded<Mutex<Tally>>]>,
    began: AtomicU64,
    is: AtomicBool,
}

impl Default for Suspect {
    fn default() -> Self {
        Self {
            tallies: (0..SLOTS).map(|_| CachePadded::default()).collect(),
            began: AtomicU64::new(0),
            is: AtomicBool::new(false),
        }
    }
}

impl Suspect {
    /// Whether most requests of the last full window seemed to come from one address.
    pub fn is(&self) -> bool {
        self.is.load(Relaxed)
    }

    /// Counts a request of nobody known: from `address`, on a connection of `peer`.
    /// `matters` says whether limits by this address would harm anybody.
    pub fn on_request(&self, address: IpAddr, peer: SocketAddr, matters: bool, now: Timestamp) {
        let mut tally = self.tallies[worker::slot()].lock();
        tally.requests += 1;
        if !tally.requests.is_multiple_of(SAMPLE) {
            return;
        }
        tally.sampled += 1;
        if matters {
            tally.add(Seen { address, count: 1, peer, several: false });
        }
        drop(tally);
        let began = self.began.load(Relaxed);
        let over = now.since(Timestamp::from_nanos(began)) >= WINDOW;
        let take = || self.began.compare_exchange(began, now.as_nanos(), Relaxed, Relaxed).is_ok();
        if over && take() {
            self.judge();
        }
    }

    /// Ends a window.
    fn judge(&self) {
        let mut all = Tally::default();
        for tally in &self.tallies {
            let mut tally = tally.lock();
            all.sampled += std::mem::take(&mut tally.sampled);
            for seen in tally.most.drain(..) {
                all.merge(seen);
            }
        }
        let found = all.majority();
        let was = self.is.swap(found.is_some(), Relaxed);
        if let Some(address) = found.filter(|_| !was) {
            tracing::warn!(
                %address,
                "most requests come from one address: if it is a balancer's, name it in \
                 `server.trusted_proxies`, or all its clients are limited as one"
            );
        }
    }
}

impl Tally {
    fn add(&mut self, new: Seen) {
        if let Some(seen) = self.most.iter_mut().find(|seen| seen.address == new.address) {
            seen.join(new);
        } else if self.most.len() < KEPT {
            self.most.push(new);
        } else {
            self.most.iter_mut().for_each(|seen| seen.count -= 1);
            self.most.retain(|seen| seen.count > 0);
        }
    }

    /// Adds what another worker has seen: sums lose nothing, so all are kept.
    fn merge(&mut self, other: Seen) {
        match self.most.iter_mut().find(|seen| seen.address == other.address) {
            Some(seen) => seen.join(other),
            None => self.most.push(other),
        }
    }

    fn majority(&self) -> Option<IpAddr> {
        let enough = self.sampled * SAMPLE >= LEAST;
        let most = self.most.iter().max_by_key(|seen| seen.count)?;
        (enough && most.several && most.count * 2 > self.sampled).then_some(most.address)
    }
}

impl Seen {
    fn join(&mut self, other: Self) {
        self.count += other.count;
        self.several |= other.several || other.peer != self.peer;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::ZERO + Duration::from_secs(seconds)
    }

    /// `share` of `all` requests come from one address, on so many connections; the others
    /// from an address each. Says whether that is suspect after the window.
    fn judged(all: u32, share: f64, connections: u16, matters: bool) -> bool {
        let suspect = Suspect::default();
        let one = IpAddr::from([192, 0, 2, 1]);
        let mut owed = 0.0;
        for n in 0..all {
            owed += share;
            // eight at once, so that sampling cannot miss a pattern
            let address = if owed >= 1.0 { one } else { IpAddr::from(n.to_be_bytes()) };
            owed -= if owed >= 1.0 { 1.0 } else { 0.0 };
            for _ in 0..SAMPLE {
                let port = u16::try_from(n % u32::from(connections)).unwrap();
                suspect.on_request(address, SocketAddr::new(address, port), matters, at(1));
            }
        }
        assert!(!suspect.is(), "not before the window's end");
        let other = IpAddr::from([198, 51, 100, 1]);
        for _ in 0..SAMPLE {
            suspect.on_request(other, SocketAddr::new(other, 1), true, at(61));
        }
        suspect.is()
    }

    #[test]
    fn f75_most_of_many_requests_from_one_address_are_suspect() {
        for (all, share, connections, matters, expected) in [
            (1_000, 1.0, 2, true, true),
            (1_000, 0.7, 20, true, true),
            (1_000, 0.45, 20, true, false),
            (1_000, 0.0, 2, true, false),
            (1_000, 1.0, 1, true, false),
            (1_000, 1.0, 2, false, false),
            (100, 1.0, 2, true, false),
        ] {
            let found = judged(all, share, connections, matters);
            assert_eq!(found, expected, "{all} {share} {connections} {matters}");
        }
    }

    #[test]
    fn f75_the_suspicion_ends_with_a_window_that_gives_no_reason() {
        let suspect = Suspect::default();
        let one = IpAddr::from([192, 0, 2, 1]);
        for n in 0..2_000 {
            suspect.on_request(one, SocketAddr::new(one, n), true, at(1));
        }
        for (seconds, expected) in [(61, true), (100, true), (122, false)] {
            for _ in 0..SAMPLE {
                suspect.on_request(one, SocketAddr::new(one, 1), true, at(seconds));
            }
            assert_eq!(suspect.is(), expected, "{seconds}");
        }
    }
}
