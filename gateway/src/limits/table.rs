//! Buckets of clients that nobody named: a table that cannot grow, whoever writes to it.
//!
//! An address is a 64-bit hash with a seed of this process, so that nobody can choose
//! where it goes; two that share a hash share a bucket. A set has eight ways; a bucket
//! that is full again is as good as none, so its way is taken over without a scan. When
//! all eight are in use, whoever is not among them shares one bucket with all others of
//! whom that is true; those who are keep theirs. There are no locks: entries are pairs of
//! words, and a race over a way that is taken over just now misplaces one call's cells.

use std::{
    hash::{BuildHasher, Hash, RandomState},
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use crossbeam_utils::CachePadded;

use crate::{clock::Timestamp, metrics::Counters};

/// Entries in all: 16 MiB.
pub const ENTRIES: usize = 1 << 20;
const WAYS: usize = 8;
/// Sets of one page: 4 KiB. A page is allocated when it is first written.
const SETS: usize = 32;
const PAGES: usize = ENTRIES / WAYS / SETS;

/// What a bucket is for: the same address has several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Use {
    /// Calls, of one client.
    Calls,
    /// Calls, of all clients of a /56.
    Calls56,
    /// The same of a /48.
    Calls48,
    /// Refusals.
    Refusals,
    /// Keys that are not valid.
    Misses,
}

const USES: usize = 5;

#[derive(Debug, Default)]
struct Entry {
    /// Whose; 0: nobody's yet.
    key: AtomicU64,
    full_at: AtomicU64,
}

#[derive(Debug, Default)]
#[repr(align(64))]
struct Set([Entry; WAYS]);

#[derive(Debug)]
pub struct Table {
    pages: Box<[OnceLock<Box<[Set]>>]>,
    seed: RandomState,
    /// For whom there is no room.
    overflow: [CachePadded<AtomicU64>; USES],
    /// Entries written for the first time, and times that the overflow was used.
    counts: Counters,
}

impl Default for Table {
    fn default() -> Self {
        Self {
            pages: (0..PAGES).map(|_| OnceLock::new()).collect(),
            seed: RandomState::new(),
            overflow: Default::default(),
            counts: Counters::new(2),
        }
    }
}

impl Table {
    /// What stands for a client here. Never 0.
    pub fn hash(&self, client: impl Hash) -> u64 {
        self.seed.hash_one(client) | 1 << 63
    }

    /// The bucket of a hash: its own, or the one that all share for whom there is no room.
    pub fn bucket(&self, hash: u64, of: Use, now: Timestamp) -> &AtomicU64 {
        let (page, set) = place(hash);
        let fresh = || (0..SETS).map(|_| Set::default()).collect();
        let page = self.pages[page].get_or_init(fresh);
        let Set(ways) = &page[set];
        if let Some(own) = ways.iter().find(|entry| entry.key.load(Relaxed) == hash) {
            return &own.full_at;
        }
        let free = |entry: &&Entry| entry.full_at.load(Relaxed) <= now.as_nanos();
        for entry in ways.iter().filter(free) {
            let before = entry.key.load(Relaxed);
            if entry.key.compare_exchange(before, hash, Relaxed, Relaxed).is_ok() {
                self.counts.add(0, u64::from(before == 0));
                return &entry.full_at;
            }
        }
        self.counts.add(1, 1);
        &self.overflow[of as usize]
    }

    /// Entries written so far, at most [`ENTRIES`].
    pub fn entries(&self) -> u64 {
        self.counts.sum(0)
    }

    /// How often a client found no room.
    pub fn overflows(&self) -> u64 {
        self.counts.sum(1)
    }

    /// Bytes held by pages that were written.
    pub fn bytes(&self) -> usize {
        let written = self.pages.iter().filter(|page| page.get().is_some()).count();
        size_of_val(&*self.pages) + written * SETS * size_of::<Set>()
    }
}

/// Page and set of a hash, by bits that tell entries of one set apart no further.
const fn place(hash: u64) -> (usize, usize) {
    let bits = hash as usize;
    (bits / SETS % PAGES, bits % SETS)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::ZERO + Duration::from_secs(seconds)
    }

    /// Takes a bucket that is not full again before `until`.
    fn fill(table: &Table, hash: u64, until: Timestamp) -> &AtomicU64 {
        let bucket = table.bucket(hash, Use::Calls, at(1));
        bucket.store(until.as_nanos(), Relaxed);
        bucket
    }

    #[test]
    fn an_entry_is_16_bytes_and_the_table_16_mib() {
        assert_eq!(size_of::<Set>(), 16 * WAYS);
        assert_eq!(PAGES * SETS * size_of::<Set>(), 16 << 20);
    }

    #[test]
    fn an_empty_table_holds_no_page() {
        let table = Table::default();
        assert_eq!(table.bytes(), PAGES * size_of::<OnceLock<Box<[Set]>>>());
        fill(&table, 1 << 63, at(2));
        assert_eq!(table.bytes(), PAGES * size_of::<OnceLock<Box<[Set]>>>() + 4096);
    }

    #[test]
    fn s06_at_its_cap_existing_clients_keep_their_buckets_and_others_share_one() {
        let table = Table::default();
        // every way of every set, in use until second 100
        let mut kept = Vec::new();
        for way in 0..WAYS {
            for set in 0..ENTRIES / WAYS {
                let hash = 1 << 63 | (way as u64) << 40 | set as u64;
                kept.push((hash, std::ptr::from_ref(fill(&table, hash, at(100)))));
            }
        }
        assert_eq!((table.entries(), table.overflows()), (ENTRIES as u64, 0));
        let one = std::ptr::from_ref(table.bucket(1 << 63 | 99 << 40, Use::Calls, at(2)));
        let other = std::ptr::from_ref(table.bucket(1 << 63 | 99 << 40 | 7, Use::Calls, at(2)));
        assert_eq!(one, other, "those for whom there is no room share a bucket");
        assert!(!kept.iter().any(|(_, bucket)| *bucket == one));
        let own = |(hash, bucket): &(u64, *const AtomicU64)| {
            std::ptr::from_ref(table.bucket(*hash, Use::Calls, at(2))) == *bucket
        };
        assert!(kept.iter().all(own), "existing clients keep theirs");
        assert_eq!((table.entries(), table.overflows()), (ENTRIES as u64, 2));
        assert!(table.bytes() <= 32 << 20, "{}", table.bytes());
    }

    #[test]
    fn a_bucket_that_is_full_again_is_taken_over() {
        let table = Table::default();
        for way in 0..WAYS as u64 {
            fill(&table, 1 << 63 | way << 40, at(if way == 5 { 10 } else { 100 }));
        }
        let newcomer = 1 << 63 | 99 << 40;
        table.bucket(newcomer, Use::Calls, at(9));
        assert_eq!(table.overflows(), 1, "not yet");
        let own = table.bucket(newcomer, Use::Calls, at(10));
        assert_eq!((table.overflows(), table.entries()), (1, WAYS as u64));
        own.store(at(50).as_nanos(), Relaxed);
        table.bucket(1 << 63 | 5 << 40, Use::Calls, at(11));
        assert_eq!(table.overflows(), 2, "whose bucket was full has lost it");
    }

    /// Threads that meet a client for the first time together may each take a way for it:
    /// what one of them wrote can be lost then, and nothing after that.
    #[test]
    fn a_client_finds_one_bucket_from_all_threads() {
        const CLIENTS: u64 = 10_000;
        let table = Table::default();
        let missed = || {
            let lost = |client| {
                let bucket = fill_once(&table, table.hash(client));
                bucket.load(Relaxed) != at(100).as_nanos()
            };
            (0..CLIENTS).filter(|client| lost(*client)).count()
        };
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(missed);
            }
        });
        missed();
        assert_eq!((missed(), table.overflows()), (0, 0));
        assert!(table.entries() < CLIENTS + CLIENTS / 10, "{}", table.entries());
    }

    /// Fills a bucket that is not in use.
    fn fill_once(table: &Table, hash: u64) -> &AtomicU64 {
        let bucket = table.bucket(hash, Use::Calls, at(1));
        if bucket.load(Relaxed) == 0 {
            return fill(table, hash, at(100));
        }
        bucket
    }
}
