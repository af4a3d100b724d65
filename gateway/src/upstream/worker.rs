//! Which worker thread this is: an index that picks a shard of every pool of
//! connections, so that a call finds a connection that its own runtime made.
//!
//! A wrong or missing index costs speed, never correctness.

use std::cell::Cell;

thread_local! {
    static INDEX: Cell<usize> = const { Cell::new(0) };
}

/// Names the calling thread. Workers count from 1; 0 is everybody else
/// (the control thread, tests).
pub fn enter(index: usize) {
    INDEX.set(index);
}

/// The index of the calling thread; 0 unless [`enter`] said otherwise.
pub fn index() -> usize {
    INDEX.get()
}
