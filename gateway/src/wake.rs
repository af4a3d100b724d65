//! Wakers for a future that is polled inside another one.
//!
//! hyper hands bodies and heads over through channels, and each hand-over wakes the
//! task that is being polled just then: one more poll of all it holds, for nothing.
//! A [`Bell`] is the waker such a future gets instead. It wakes the task that polled
//! it last, except for what rings inside [`quietly`].
//!
//! What must hold: whoever takes something quietly makes sure itself that the giver
//! is polled again where there is more to give.

use std::{
    cell::Cell,
    sync::Arc,
    task::{Context, Wake, Waker},
};

use parking_lot::Mutex;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Ear {
    Open,
    Shut,
    /// Shut, and something rang.
    Missed,
}

thread_local! {
    static EAR: Cell<Ear> = const { Cell::new(Ear::Open) };
}

/// Runs `work`. Bells that ring on this thread meanwhile wake nobody; whether one did.
pub fn quietly<T>(work: impl FnOnce() -> T) -> (T, bool) {
    struct Open;
    impl Drop for Open {
        fn drop(&mut self) {
            EAR.set(Ear::Open);
        }
    }
    EAR.set(Ear::Shut);
    let _open = Open;
    let done = work();
    (done, EAR.get() == Ear::Missed)
}

/// A waker that stays the same while the task behind it changes.
#[derive(Debug)]
pub struct Bell {
    line: Arc<Line>,
    waker: Waker,
}

#[derive(Debug)]
struct Line(Mutex<Waker>);

impl Default for Bell {
    /// A bell that nobody hears yet.
    fn default() -> Self {
        let line = Arc::new(Line(Mutex::new(Waker::noop().clone())));
        Self { waker: Waker::from(Arc::clone(&line)), line }
    }
}

impl Bell {
    /// The context to poll with, so that a ring wakes `task` from now on.
    pub fn context(&self, task: &Waker) -> Context<'_> {
        let mut heard_by = self.line.0.lock();
        if !heard_by.will_wake(task) {
            let before = std::mem::replace(&mut *heard_by, task.clone());
            // Dropping a waker can drop its task, which may ring.
            drop(heard_by);
            drop(before);
        }
        Context::from_waker(&self.waker)
    }
}

impl Wake for Line {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if EAR.get() != Ear::Open {
            return EAR.set(Ear::Missed);
        }
        let task = self.0.lock().clone();
        task.wake();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    use super::*;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Relaxed);
        }
    }

    fn task() -> (Arc<Count>, Waker) {
        let count = Arc::new(Count::default());
        (Arc::clone(&count), Waker::from(count))
    }

    #[test]
    fn a_ring_wakes_the_task_that_polled_last() {
        let (bell, first, second) = (Bell::default(), task(), task());
        let registered = bell.context(&first.1).waker().clone();
        registered.wake_by_ref();
        let again = bell.context(&second.1).waker().clone();
        assert!(again.will_wake(&registered), "what is registered once stays good");
        registered.wake();
        assert_eq!((first.0.0.load(Relaxed), second.0.0.load(Relaxed)), (1, 1));
    }

    #[test]
    fn what_rings_quietly_wakes_nobody_and_is_told() {
        let (bell, (count, task)) = (Bell::default(), task());
        let waker = bell.context(&task).waker().clone();
        assert_eq!(quietly(|| waker.wake_by_ref()), ((), true));
        assert_eq!(quietly(|| 7), (7, false));
        assert_eq!(count.0.load(Relaxed), 0);
        waker.wake();
        assert_eq!(count.0.load(Relaxed), 1);
    }

    #[test]
    fn quiet_ends_with_a_panic_and_holds_on_its_own_thread_only() {
        let (bell, (count, task)) = (Bell::default(), task());
        let waker = bell.context(&task).waker().clone();
        assert!(std::panic::catch_unwind(|| quietly(|| panic!("on purpose"))).is_err());
        waker.wake_by_ref();
        quietly(|| std::thread::scope(|scope| drop(scope.spawn(|| waker.wake_by_ref()).join())));
        assert_eq!(count.0.load(Relaxed), 2);
    }
}
