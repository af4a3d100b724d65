//! Accepting: from listeners to workers, or to the runtime at hand.
//!
//! Who may not come in is closed at once, before a byte is read: over a cap, or no proxy
//! where only proxies may connect. An accept that fails for want of
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
use tokio::{net::TcpStream, sync::watch, task::JoinSet, time::Instant};

use crate::server::{
    Doors, Link, Options, Phase, Refused, Serve, Shutdown, Traffic, Word, connection, count,
    next_phase,
    opening::Hall,
    peers::Place,
    worker::{self, Worker},
};

/// Pause after an accept that failed for want of something.
const PAUSE: Duration = Duration::from_millis(10);
/// Failed accepts are told to the log this often.
const TELL: Duration = Duration::from_secs(1);

/// A place among the open connections, given back when dropped.
pub(super) struct Slot {
    traffic: Arc<Traffic>,
    worker: Arc<AtomicUsize>,
    _place: Option<Place>,
}

impl Slot {
    /// Takes a place, or counts the refusal.
    fn take(
        options: &Options,
        doors: &Doors,
        link: &Link,
        worker: &Arc<AtomicUsize>,
    ) -> Option<Self> {
        let place = enter(options, doors, link)
            .map_err(|refused| options.traffic().refuse(refused))
            .ok()?;
        let traffic = options.traffic();
        count(&traffic.accepted);
        worker.fetch_add(1, Ordering::Relaxed);
        Some(Self { traffic: Arc::clone(traffic), worker: Arc::clone(worker), _place: place })
    }
}

/// A place among all and among the peer's own.
fn enter(options: &Options, doors: &Doors, link: &Link) -> Result<Option<Place>, Refused> {
    if doors.proxy_protocol && !link.trusted {
        return Err(Refused::ProxyUntrusted);
    }
    let open = &options.traffic().open;
    if open.fetch_add(1, Ordering::Relaxed) >= doors.room(link) {
        open.fetch_sub(1, Ordering::Relaxed);
        return Err(Refused::OverCap);
    }
    let place = options.hall.peers.enter(link.peer.ip(), doors.caps(link));
    if place.is_err() {
        open.fetch_sub(1, Ordering::Relaxed);
    }
    place
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.traffic.open.fetch_sub(1, Ordering::Relaxed);
        self.worker.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A connection that was let in.
pub(super) struct Arrival {
    pub link: Link,
    pub doors: Arc<Doors>,
    pub accepted: Instant,
    pub slot: Slot,
}

impl Arrival {
    fn admit(peer: SocketAddr, options: &Options, worker: &Arc<AtomicUsize>) -> Option<Self> {
        let doors = options.doors.load_full();
        let link = doors.link(peer);
        let slot = Slot::take(options, &doors, &link, worker)?;
        Some(Self { link, doors, accepted: Instant::now(), slot })
    }

    /// Serves it to its end.
    pub async fn run<S: Serve>(
        self,
        stream: TcpStream,
        service: S,
        hall: Hall,
        words: watch::Receiver<Word>,
    ) {
        let Self { link, doors, accepted, slot } = self;
        let timing = doors.timing;
        let traffic = Arc::clone(&hall.traffic);
        let served =
            connection::Served { service, link, timing, traffic, words, doors, accepted, hall };
        connection::run(stream, served).await;
        drop(slot);
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
        .map(|listener| accept_all(listener, options.traffic(), shutdown.watch(), &give));
    join_all(loops).await;
    Ok(())
}

/// Gives a connection to the worker with the fewest.
fn give(stream: TcpStream, peer: SocketAddr, workers: &[Worker], options: &Options) {
    let Some(worker) = workers.iter().min_by_key(|worker| worker.open.load(Ordering::Relaxed))
    else {
        return;
    };
    let Some(arrival) = Arrival::admit(peer, options, &worker.open) else { return };
    // Registered with this runtime so far; the worker registers it with its own.
    if let Ok(stream) = stream.into_std() {
        worker.take_on(stream, arrival);
    }
}

async fn accept_all(
    listener: tokio::net::TcpListener,
    traffic: &Traffic,
    mut phases: watch::Receiver<Phase>,
    give: impl Fn(TcpStream, SocketAddr),
) {
    phases.mark_changed();
    let mut told = None;
    loop {
        tokio::select! {
            phase = next_phase(&mut phases) => {
                if phase >= Phase::Finishing {
                    break;
                }
            }
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => give(stream, peer),
                Err(error) => after(&error, traffic, &mut told).await,
            },
        }
    }
    // Closing the listener would reset those who wait in the kernel's queue.
    while let Some(Ok((stream, peer))) = listener.accept().now_or_never() {
        give(stream, peer);
    }
}

async fn after(error: &io::Error, traffic: &Traffic, told: &mut Option<Instant>) {
    let gone = [io::ErrorKind::ConnectionAborted, io::ErrorKind::ConnectionReset];
    if gone.contains(&error.kind()) {
        return;
    }
    count(&traffic.accept_errors);
    traffic.pressure.starved_of_files(traffic.pressure.clock.now());
    if told.is_none_or(|told| told.elapsed() >= TELL) {
        *told = Some(Instant::now());
        tracing::warn!(%error, "cannot accept connections");
    }
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
    let mut phases = shutdown.watch();
    let words = watch::Sender::new(Word { phase: *phases.borrow_and_update(), crowded: false });
    let forward = async {
        loop {
            let phase = next_phase(&mut phases).await;
            words.send_modify(|word| word.phase = phase);
        }
    };
    tokio::select! {
        () = forward => {}
        () = accept_here(listener, &options, shutdown, &words, service) => {}
    }
    Ok(())
}

async fn accept_here<S: Serve>(
    listener: tokio::net::TcpListener,
    options: &Options,
    shutdown: &Shutdown,
    words: &watch::Sender<Word>,
    service: S,
) {
    let open = Arc::new(AtomicUsize::new(0));
    let connections = parking_lot::Mutex::new(JoinSet::new());
    let give = |stream, peer| {
        let Some(arrival) = Arrival::admit(peer, options, &open) else { return };
        let mut connections = connections.lock();
        while let Some(ended) = connections.try_join_next() {
            worker::note(&ended, options.traffic());
        }
        connections.spawn(arrival.run(
            stream,
            service.clone(),
            options.hall.clone(),
            words.subscribe(),
        ));
    };
    accept_all(listener, options.traffic(), shutdown.watch(), give).await;
    let mut connections = connections.into_inner();
    while let Some(ended) = connections.join_next().await {
        worker::note(&ended, options.traffic());
    }
}
