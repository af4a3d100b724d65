//! Rows of counters and histograms, one copy per worker.

use std::{
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use crossbeam_utils::CachePadded;

use crate::worker::{self, SLOTS};

/// Counters of one padded block. Blocks keep a worker's counters off every line that
/// another worker writes.
const BLOCK: usize = 16;

type Block = CachePadded<[AtomicU64; BLOCK]>;

/// A fixed number of counters.
#[derive(Debug)]
pub struct Counters {
    len: usize,
    /// Allocated when a worker first counts.
    slots: Box<[OnceLock<Box<[Block]>>]>,
}

impl Counters {
    pub fn new(len: usize) -> Self {
        Self { len, slots: (0..SLOTS).map(|_| OnceLock::new()).collect() }
    }

    /// Adds to a counter of this worker. Out of range is ignored.
    pub fn add(&self, at: usize, by: u64) {
        let fresh = || (0..self.len.div_ceil(BLOCK)).map(|_| Block::default()).collect();
        let Some(slot) = self.slots.get(worker::slot()) else { return };
        let block = slot.get_or_init(fresh).get(at / BLOCK);
        if at < self.len
            && let Some(block) = block
        {
            block[at % BLOCK].fetch_add(by, Relaxed);
        }
    }

    /// The sum over all workers.
    pub fn sum(&self, at: usize) -> u64 {
        let used = self.slots.iter().filter_map(OnceLock::get);
        used.filter_map(|slot| slot.get(at / BLOCK)).map(|b| b[at % BLOCK].load(Relaxed)).sum()
    }
}

/// A fixed number of histograms with the same buckets.
#[derive(Debug)]
pub struct Histograms {
    /// Upper bounds, inclusive, in the unit of the samples.
    bounds: &'static [u64],
    /// Units of the samples in one exported unit: a divisor, so that bounds come out as
    /// the shortest decimals.
    per_unit: f64,
    cells: Counters,
}

/// Bounds of the buckets of latencies, in microseconds: 1 ms to 10 s.
const SECONDS: [u64; 12] = [
    1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 3_000_000,
    10_000_000,
];
const ITEMS: [u64; 7] = [1, 2, 5, 10, 25, 50, 100];

impl Histograms {
    /// `rows` histograms of durations.
    pub fn seconds(rows: usize) -> Self {
        Self::new(rows, &SECONDS, 1e6)
    }

    /// `rows` histograms of small counts.
    pub fn items(rows: usize) -> Self {
        Self::new(rows, &ITEMS, 1.0)
    }

    fn new(rows: usize, bounds: &'static [u64], per_unit: f64) -> Self {
        Self { bounds, per_unit, cells: Counters::new(rows * (bounds.len() + 2)) }
    }

    pub fn observe(&self, row: usize, sample: u64) {
        let bucket = self.bounds.partition_point(|&bound| bound < sample);
        let base = row * (self.bounds.len() + 2);
        self.cells.add(base + bucket, 1);
        self.cells.add(base + self.bounds.len() + 1, sample);
    }

    pub fn observe_time(&self, row: usize, took: Duration) {
        self.observe(row, u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
    }

    /// Upper bounds with cumulative counts, the count of all, and the sum, in the exported unit.
    pub fn read(&self, row: usize) -> (Vec<(f64, u64)>, u64, f64) {
        let base = row * (self.bounds.len() + 2);
        let mut total = 0;
        let buckets = self.bounds.iter().enumerate().map(|(at, &bound)| {
            total += self.cells.sum(base + at);
            (bound as f64 / self.per_unit, total)
        });
        let buckets = buckets.collect();
        total += self.cells.sum(base + self.bounds.len());
        let sum = self.cells.sum(base + self.bounds.len() + 1) as f64 / self.per_unit;
        (buckets, total, sum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_of_all_workers_are_merged() {
        let counters = Counters::new(2);
        std::thread::scope(|scope| {
            for index in 0..3 {
                let counters = &counters;
                scope.spawn(move || {
                    worker::enter(index);
                    counters.add(1, 5);
                });
            }
        });
        assert_eq!((counters.sum(0), counters.sum(1)), (0, 15));
    }

    #[test]
    fn a_histogram_counts_up_to_and_including_its_bounds() {
        let histograms = Histograms::items(2);
        for sample in [1, 2, 3, 1_000] {
            histograms.observe(1, sample);
        }
        let (buckets, count, sum) = histograms.read(1);
        let counts: Vec<u64> = buckets.iter().map(|&(_, count)| count).collect();
        assert_eq!(counts, [1, 2, 3, 3, 3, 3, 3]);
        assert_eq!((count, sum), (4, 1_006.0));
        assert_eq!(histograms.read(0).1, 0);
    }
}
