//! A runtime on a thread of its own, for simulated nodes and probes: tests that are
//! not async, or that have a runtime themselves, run things there.

use std::{sync::mpsc, thread::JoinHandle};

use tokio::{runtime::Handle, sync::oneshot};

pub struct Control {
    handle: Handle,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Control {
    pub fn start() -> Self {
        let (stop, stopped) = oneshot::channel::<()>();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let handle = runtime.handle().clone();
        let thread = std::thread::spawn(move || {
            // Ends when told, or when the other end is gone.
            drop(runtime.block_on(stopped));
        });
        Self { handle, stop: Some(stop), thread: Some(thread) }
    }

    /// What `work` comes to, there.
    pub fn run<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> T {
        let (give, take) = mpsc::channel();
        self.handle.spawn(async move {
            // Nobody takes it when the test has failed already.
            let _ = give.send(work.await);
        });
        // Nothing comes when the work has panicked: its own message says why.
        take.recv().unwrap()
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}
