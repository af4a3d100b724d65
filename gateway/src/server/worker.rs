//! A worker: a thread, its runtime, and the connections that live on it.

use std::{
    io,
    net::{SocketAddr, TcpStream},
    sync::{Arc, atomic::AtomicUsize},
    thread,
};

use tokio::{
    runtime::{Builder, Runtime},
    sync::{mpsc, oneshot, watch},
    task::{JoinError, JoinSet},
};

use crate::{
    server::{Options, Phase, Serve, Traffic, accept::Slot, connection, count, next_phase},
    watchdog,
};

struct Arrival {
    stream: TcpStream,
    peer: SocketAddr,
    slot: Slot,
}

/// A running worker, as the accept loop sees it.
pub(super) struct Worker {
    /// Its open connections.
    pub open: Arc<AtomicUsize>,
    // As many as the connection cap allows: a bound of its own would only lose them.
    inbox: mpsc::UnboundedSender<Arrival>,
    ended: oneshot::Receiver<()>,
}

impl Worker {
    /// Gives the worker a connection.
    pub fn take_on(&self, stream: TcpStream, peer: SocketAddr, slot: Slot) {
        // A worker that stopped has dropped its inbox; so is the connection.
        drop(self.inbox.send(Arrival { stream, peer, slot }));
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
    phases: watch::Receiver<Phase>,
) -> io::Result<Worker> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let (inbox, arrivals) = mpsc::unbounded_channel();
    let (end, ended) = oneshot::channel();
    let options = options.clone();
    thread::Builder::new().name(format!("headrace-worker-{number}")).spawn(move || {
        crate::worker::enter(number);
        work(&runtime, service, options, arrivals, phases);
        drop(runtime);
        drop(end);
    })?;
    Ok(Worker { open: Arc::new(AtomicUsize::new(0)), inbox, ended })
}

fn work<S: Serve>(
    runtime: &Runtime,
    service: S,
    options: Options,
    mut arrivals: mpsc::UnboundedReceiver<Arrival>,
    mut phases: watch::Receiver<Phase>,
) {
    // Connections watch the worker's own channel: waking one touches no line
    // that other cores write.
    let local = watch::Sender::new(*phases.borrow_and_update());
    let mut connections = JoinSet::new();
    let mut more = true;
    runtime.block_on(async {
        tokio::spawn(watchdog::beat(Arc::clone(&options.traffic.pressure)));
        while more || !connections.is_empty() {
            tokio::select! {
                phase = next_phase(&mut phases) => {
                    local.send_replace(phase);
                    if phase == Phase::Stop {
                        break;
                    }
                }
                arrival = arrivals.recv(), if more => match arrival {
                    Some(arrival) => {
                        let served = connection::Served {
                            service: service.clone(),
                            peer: arrival.peer,
                            timing: options.timing,
                            traffic: Arc::clone(&options.traffic),
                            phases: local.subscribe(),
                        };
                        connections.spawn(host(arrival, served));
                    }
                    None => more = false,
                },
                Some(ended) = connections.join_next(), if !connections.is_empty() => {
                    note(&ended, &options.traffic);
                }
            }
        }
    });
}

/// One connection, from its place in the inbox to its end.
async fn host<S: Serve>(arrival: Arrival, served: connection::Served<S>) {
    let Arrival { stream, slot, .. } = arrival;
    if let Ok(stream) = tokio::net::TcpStream::from_std(stream) {
        connection::run(stream, served).await;
    }
    drop(slot);
}

pub(super) fn note(ended: &Result<(), JoinError>, traffic: &Traffic) {
    if ended.as_ref().is_err_and(JoinError::is_panic) {
        count(&traffic.panics);
        tracing::error!("a connection ended in a panic: this is a bug");
    }
}
