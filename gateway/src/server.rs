//! The data port: listeners, worker threads, and the life of a connection.
//!
//! Each worker is a thread with a runtime of its own; a connection stays on the
//! worker it was given to, the one with the fewest open ones, so that few busy
//! connections behind a balancer spread too. What a connection says is the
//! business of a [`Serve`]; how long it may take to say it is decided here.
//!
//! Not here: TLS, the PROXY protocol, WebSocket, limits per client.

mod accept;
mod connection;
pub mod http;
mod pace;
mod socket;
mod worker;

use std::{
    io,
    net::{SocketAddr, TcpListener},
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use hyper::body::Incoming;
use socket2::{Domain, Protocol as Transport, Socket, Type};
use tokio::sync::watch;

use crate::{gateway::Protocol, pressure::Pressure};

pub use accept::serve_here;
pub use http::reply::Reply;

/// Connections that wait in the kernel to be accepted.
const BACKLOG: i32 = 4096;

/// What a listener serves: the data port's [`http::Edge`], the admin port.
pub trait Serve: Clone + Send + Sync + 'static {
    /// Answers one request. `Err` sends nothing and ends the connection (HTTP/1)
    /// or the stream (HTTP/2).
    fn answer(
        self,
        request: hyper::Request<Incoming>,
        link: Link,
    ) -> impl Future<Output = Result<hyper::Response<Reply>, Abort>> + Send + 'static;
}

/// The connection that a request came on.
#[derive(Clone, Copy, Debug)]
pub struct Link {
    pub peer: SocketAddr,
    pub protocol: Protocol,
}

/// Ends an exchange without an answer: its client is gone, or beyond answering.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("ended without an answer")]
pub struct Abort;

/// How far the way down has come. Phases only go forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    Serving,
    /// Not ready any more, and serving everything.
    Draining,
    /// No new connections; what is in flight is finished.
    Finishing,
    /// Everything is dropped.
    Stop,
}

/// The handle that takes a server down.
#[derive(Clone, Debug)]
pub struct Shutdown(watch::Sender<Phase>);

impl Default for Shutdown {
    fn default() -> Self {
        Self(watch::channel(Phase::Serving).0)
    }
}

impl Shutdown {
    pub fn watch(&self) -> watch::Receiver<Phase> {
        self.0.subscribe()
    }

    /// Goes on to `phase`; never back.
    pub fn enter(&self, phase: Phase) {
        self.0.send_if_modified(|now| {
            let forward = phase > *now;
            *now = (*now).max(phase);
            forward
        });
    }
}

/// The next phase; pending for ever once nobody can change it.
async fn next_phase(phases: &mut watch::Receiver<Phase>) -> Phase {
    if phases.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
    *phases.borrow_and_update()
}

/// How long a connection may take for what it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// From accept, or from the first byte of a later request, to its complete
    /// head. Default 10 s.
    pub head: Duration,
    /// A kept connection with nothing in flight. Default 75 s, longer than
    /// clients and balancers keep theirs (an AWS ALB: 60 s), so that we do not close one
    /// that is being written to.
    pub idle: Duration,
    /// No byte of an answer taken by the client. Default 30 s.
    pub stall: Duration,
    /// Requests in flight, and nothing of any of them moves: longer than a call
    /// may take, so only a client that opens no window gets there. Default 60 s.
    pub stuck: Duration,
    /// Reading on after our last byte, so that it can be read. Default 1 s.
    pub linger: Duration,
    /// What an idle HTTP/1 connection still gets when the server finishes: its
    /// client may be writing the next request just now. Default 1 s.
    pub farewell: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(10),
            idle: Duration::from_secs(75),
            stall: Duration::from_secs(30),
            stuck: Duration::from_secs(60),
            linger: Duration::from_secs(1),
            farewell: Duration::from_secs(1),
        }
    }
}

/// What became of connections, for metrics. All counts but `open` only grow.
#[derive(Debug, Default)]
pub struct Traffic {
    pub open: AtomicUsize,
    pub accepted: AtomicU64,
    /// Closed at once: over the cap.
    pub over_cap: AtomicU64,
    pub accept_errors: AtomicU64,
    /// TLS or a PROXY header on a plain port: closed without a byte.
    pub foreign: AtomicU64,
    /// Not HTTP that could be answered by us: hyper answered or closed.
    pub malformed: AtomicU64,
    /// Closed for a head, or a reader, that took too long.
    pub too_slow: AtomicU64,
    /// Connections ended by a panic: a bug, never the process's end.
    pub panics: AtomicU64,
    /// What the gateway is short of: keep-alive ends, idle connections close.
    pub pressure: Arc<Pressure>,
}

/// Adds one to a count.
fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

#[derive(Clone, Debug)]
pub struct Options {
    /// Worker threads, at least 1.
    pub threads: usize,
    /// Connections in all; a reload may change it.
    pub connections: Arc<AtomicUsize>,
    pub timing: Timing,
    pub traffic: Arc<Traffic>,
}

/// An address that cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {source}")]
pub struct BindError {
    pub address: SocketAddr,
    pub source: io::Error,
}

/// Listens on every address, or on none.
pub fn bind(addresses: &[SocketAddr]) -> Result<Vec<TcpListener>, BindError> {
    let listen = |&address| listen(address).map_err(|source| BindError { address, source });
    addresses.iter().map(listen).collect()
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Transport::TCP))?;
    if address.is_ipv6() {
        // `[::]` beside `0.0.0.0` is a common pair: each takes its own family only.
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Serves until the phase is [`Phase::Finishing`] and every connection has ended,
/// or until [`Phase::Stop`]. Accepts on the caller's runtime; `make` gives each
/// worker, by its number, what it serves.
///
/// # Errors
/// A thread or a runtime that cannot be made.
pub async fn serve<S: Serve>(
    listeners: Vec<TcpListener>,
    options: Options,
    shutdown: &Shutdown,
    make: impl Fn(usize) -> S,
) -> io::Result<()> {
    let workers = (0..options.threads.max(1))
        .map(|number| worker::start(number, make(number), &options, shutdown.watch()))
        .collect::<io::Result<Vec<_>>>()?;
    accept::hand_out(listeners, &workers, &options, shutdown).await?;
    for worker in workers {
        worker.ended().await;
    }
    Ok(())
}
