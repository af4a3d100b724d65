//! A worker: a thread, its runtime, and the connections that live on it.

use std::{
    io,
    net::TcpStream,
    sync::{Arc, atomic::AtomicUsize},
    thread,
};

use tokio::{
    runtime::{Builder, Runtime},
    sync::{mpsc, oneshot, watch},
    task::{JoinError, JoinSet},
};

use crate::{
    server::{
        Options, Phase, Serve, Traffic, Word, accept::Arrival, count, next_phase, opening::Hall,
    },
    watchdog,
};

/// What a worker tells its connections.
pub(super) struct News {
    pub phases: watch::Receiver<Phase>,
    pub crowd: watch::Receiver<bool>,
}

/// A running worker, as the accept loop sees it.
pub(super) struct Worker {
    /// Its open connections.
    pub open: Arc<AtomicUsize>,
    // As many as the connection cap allows: a bound of its own would only lose them.
    inbox: mpsc::UnboundedSender<(TcpStream, Arrival)>,
    ended: oneshot::Receiver<()>,
}

impl Worker {
    /// Gives the worker a connection.
    pub fn take_on(&self, stream: TcpStream, arrival: Arrival) {
        // A worker that stopped has dropped its inbox; so is the connection.
        drop(self.inbox.send((stream, arrival)));
    }

    /// Lets the worker know that nothing more comes, and waits for its last connection.
    pub async fn ended(self) {
        drop(self.inbox);
        drop(self.ended.await);
    }
}

/// Starts a worker's thread.
pub(super) fn start<S: Serve>(
    number: usize,
    service: S,
    options: &Options,
    news: News,
) -> io::Result<Worker> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let (inbox, arrivals) = mpsc::unbounded_channel();
    let (end, ended) = oneshot::channel();
    let options = options.clone();
    thread::Builder::new().name(format!("headrace-worker-{number}")).spawn(move || {
        crate::worker::enter(number);
        work(&runtime, service, &options, arrivals, news);
        drop(runtime);
        drop(end);
    })?;
    Ok(Worker { open: Arc::new(AtomicUsize::new(0)), inbox, ended })
}

fn work<S: Serve>(
    runtime: &Runtime,
    service: S,
    options: &Options,
    mut arrivals: mpsc::UnboundedReceiver<(TcpStream, Arrival)>,
    news: News,
) {
    let News { mut phases, mut crowd } = news;
    // Connections watch the worker's own channel: waking one touches no line
    // that other cores write.
    let word = Word { phase: *phases.borrow_and_update(), crowded: *crowd.borrow_and_update() };
    let local = watch::Sender::new(word);
    let mut connections = JoinSet::new();
    let mut more = true;
    runtime.block_on(async {
        tokio::spawn(watchdog::beat(Arc::clone(&options.traffic().pressure)));
        while more || !connections.is_empty() {
            tokio::select! {
                phase = next_phase(&mut phases) => {
                    local.send_modify(|word| word.phase = phase);
                    if phase == Phase::Stop {
                        break;
                    }
                }
                Ok(()) = crowd.changed() => {
                    let crowded = *crowd.borrow_and_update();
                    local.send_modify(|word| word.crowded = crowded);
                }
                arrival = arrivals.recv(), if more => match arrival {
                    Some((stream, arrival)) => {
                        let (service, words) = (service.clone(), local.subscribe());
                        connections.spawn(host(stream, arrival, service, options.hall.clone(), words));
                    }
                    None => more = false,
                },
                Some(ended) = connections.join_next(), if !connections.is_empty() => {
                    note(&ended, options.traffic());
                }
            }
        }
    });
}

/// One connection, from its place in the inbox to its end.
async fn host<S: Serve>(
    stream: TcpStream,
    arrival: Arrival,
    service: S,
    hall: Hall,
    words: watch::Receiver<Word>,
) {
    if let Ok(stream) = tokio::net::TcpStream::from_std(stream) {
        arrival.run(stream, service, hall, words).await;
    }
}

pub(super) fn note(ended: &Result<(), JoinError>, traffic: &Traffic) {
    if ended.as_ref().is_err_and(JoinError::is_panic) {
        count(&traffic.panics);
        tracing::error!("a connection ended in a panic: this is a bug");
    }
}
