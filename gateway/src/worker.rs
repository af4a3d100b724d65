//! Which worker thread runs this code. State that every call writes is kept once
//! per worker and merged when read, so that no line is written by all of them.

use std::cell::Cell;

/// Slots that per-worker state has. Worker threads use 1 up to the last, wrapping
/// around on larger machines; threads that are no workers share slot 0.
pub const SLOTS: usize = 65;

thread_local! {
    static SLOT: Cell<usize> = const { Cell::new(0) };
}

/// Says that this thread is worker `index` (from 0).
pub fn enter(index: usize) {
    SLOT.set(1 + index % (SLOTS - 1));
}

/// This thread's slot, below [`SLOTS`].
pub fn slot() -> usize {
    SLOT.get()
}
