//! Accepting: from listeners to workers, or to the runtime at hand.
//!
//! A connection over the cap is closed at once. An accept that fails for want of
//! file descriptors is tried again after a pause: spinning would only make it worse.

use std::{
    io,
    net::{SocketAddr, TcpListener},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::{FutureExt, future::join_all};
use tokio::{net::TcpStream, sync::watch, task::JoinSet};

use crate::server::{
    Options, Phase, Serve, Shutdown, Traffic, connection, count, next_phase,
    worker::{self, Worker},
};

/// Pause after an accept that failed for want of something.
const PAUSE: Duration = Duration::from_millis(10);

/// A place among the open connections, given back when dropped.
pub(super) struct Slot {
    traffic: Arc<Traffic>,
    worker: Arc<AtomicUsize>,
}

impl Slot {
    /// Takes a place, or counts the refusal.
    fn take(traffic: &Arc<Traffic>, worker: &Arc<AtomicUsize>, cap: usize) -> Option<Self> {
        if traffic.open.fetch_add(1, Ordering::Relaxed) >= cap {
            traffic.open.fetch_sub(1, Ordering::Relaxed);
            count(&traffic.over_cap);
            return None;
        }
        count(&traffic.accepted);
        worker.fetch_add(1, Ordering::Relaxed);
        Some(Self { traffic: Arc::clone(traffic), worker: Arc::clone(worker) })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.traffic.open.fetch_sub(1, Ordering::Relaxed);
        self.worker.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Accepts on all listeners until the server finishes.
pub(super) async fn hand_out(
    listeners: Vec<TcpListener>,
    workers: &[Worker],
    options: &Options,
    shutdown: &Shutdown,
) -> io::Result<()> {
    let listeners = listeners
        .into_iter()
        .map(tokio::net::TcpListener::from_std)
        .collect::<io::Result<Vec<_>>>()?;
    let give = |stream, peer| give(stream, peer, workers, options);
    let loops = listeners
        .into_iter()
        .map(|listener| accept_all(listener, &options.traffic, shutdown.watch(), &give));
    join_all(loops).await;
    Ok(())
}

/// Gives a connection to the worker with the fewest.
fn give(stream: TcpStream, peer: SocketAddr, workers: &[Worker], options: &Options) {
    let Some(worker) = workers.iter().min_by_key(|worker| worker.open.load(Ordering::Relaxed))
    else {
        return;
    };
    let Some(slot) =
        Slot::take(&options.traffic, &worker.open, options.connections.load(Ordering::Relaxed))
    else {
        return;
    };
    // Registered with this runtime so far; the worker registers it with its own.
    if let Ok(stream) = stream.into_std() {
        worker.take_on(stream, peer, slot);
    }
}

async fn accept_all(
    listener: tokio::net::TcpListener,
    traffic: &Traffic,
    mut phases: watch::Receiver<Phase>,
    give: impl Fn(TcpStream, SocketAddr),
) {
    phases.mark_changed();
    loop {
        tokio::select! {
            phase = next_phase(&mut phases) => {
                if phase >= Phase::Finishing {
                    break;
                }
            }
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => give(stream, peer),
                Err(error) => after(&error, traffic).await,
            },
        }
    }
    // Closing the listener would reset those who wait in the kernel's queue.
    while let Some(Ok((stream, peer))) = listener.accept().now_or_never() {
        give(stream, peer);
    }
}

async fn after(error: &io::Error, traffic: &Traffic) {
    let gone = [io::ErrorKind::ConnectionAborted, io::ErrorKind::ConnectionReset];
    if gone.contains(&error.kind()) {
        return;
    }
    count(&traffic.accept_errors);
    traffic.pressure.starved_of_files(traffic.pressure.clock.now());
    tracing::warn!(%error, "cannot accept a connection");
    tokio::time::sleep(PAUSE).await;
}

/// Serves one listener on the runtime at hand: for a port with few connections.
/// Ends as [`crate::server::serve`] does.
///
/// # Errors
/// A listener that the runtime cannot take.
pub async fn serve_here<S: Serve>(
    listener: TcpListener,
    options: Options,
    shutdown: &Shutdown,
    service: S,
) -> io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let open = Arc::new(AtomicUsize::new(0));
    let connections = parking_lot::Mutex::new(JoinSet::new());
    let give = |stream, peer| {
        let Some(slot) =
            Slot::take(&options.traffic, &open, options.connections.load(Ordering::Relaxed))
        else {
            return;
        };
        let served = connection::Served {
            service: service.clone(),
            peer,
            timing: options.timing,
            traffic: Arc::clone(&options.traffic),
            phases: shutdown.watch(),
        };
        let mut connections = connections.lock();
        while let Some(ended) = connections.try_join_next() {
            worker::note(&ended, &options.traffic);
        }
        connections.spawn(async move {
            connection::run(stream, served).await;
            drop(slot);
        });
    };
    accept_all(listener, &options.traffic, shutdown.watch(), give).await;
    let mut connections = connections.into_inner();
    while let Some(ended) = connections.join_next().await {
        worker::note(&ended, &options.traffic);
    }
    Ok(())
}
