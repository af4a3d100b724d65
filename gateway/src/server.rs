//! The data port: listeners, worker threads, and the life of a connection.
//!
//! Each worker is a thread with a runtime of its own; a connection stays on the
//! worker it was given to, the one with the fewest open ones, so that few busy
//! connections behind a balancer spread too. What must come before HTTP, and who may
//! connect how often, is said by [`Doors`]. What a connection says is the
//! business of a [`Serve`]; how long it may take to say it is decided here.
//!
//! Not here: WebSocket, limits on what clients ask for.

mod accept;
mod connection;
pub mod filter;
mod crowd;
mod doors;
pub mod hello;
pub mod http;
mod opening;
mod pace;
mod peers;
pub mod proxy_protocol;
mod socket;
mod traffic;
mod transport;
mod worker;

use std::{
    io,
    net::{SocketAddr, TcpListener},
    sync::Arc,
    time::Duration,
};

use arc_swap::ArcSwap;
use hyper::body::Incoming;
use socket2::{Domain, Protocol as Transport, Socket, Type};
use tokio::sync::watch;

use crate::{error::CallError, gateway::Protocol, pressure::Pressure};

pub use accept::serve_here;
pub use doors::Doors;
pub use http::reply::Reply;
pub use traffic::{Handshake, Refused, Traffic};

use opening::{Hall, is_misdirected};
use traffic::count;

use http::reply;

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

    /// The answer to a request whose head was refused, and is not there. Its connection
    /// ends with it.
    fn refuse(&self, error: &CallError, _link: Link) -> hyper::Response<Reply> {
        reply::bare(error)
    }
}

/// The connection that a request came on.
#[derive(Clone, Debug)]
pub struct Link {
    /// The client, as far as the connection tells: the address that a PROXY header told,
    /// else the one that connected.
    pub peer: SocketAddr,
    /// Whether `peer` is believed when its requests tell of another client: it is in
    /// `server.trusted_proxies`, and is not a proxy that could not say whom it passes on.
    pub trusted: bool,
    /// The name that the client asked TLS for (SNI), in lower case.
    pub server_name: Option<Arc<str>>,
    pub protocol: Protocol,
    /// What bodies that come together may hold: HTTP/2.
    pub room: Option<Arc<http::Room>>,
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

/// What connections are told: one word, so that they listen in one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Word {
    phase: Phase,
    /// Room is scarce: who is idle gives way.
    crowded: bool,
}

/// The next word; pending for ever once there can be none.
async fn next_word(words: &mut watch::Receiver<Word>) -> Word {
    if words.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
    *words.borrow_and_update()
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
    /// A kept connection with nothing in flight. Default 75 s; what stands in front
    /// (`server.idle`) must keep it shorter, or we close one that is being written to.
    pub idle: Duration,
    /// The same while room is scarce. Default 5 s.
    pub crowded: Duration,
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
    /// After which a connection is asked to make way for a new one, so that no balancer
    /// sticks to one gateway for ever; a tenth more or less. Default 30 min.
    pub age: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(10),
            idle: Duration::from_secs(75),
            crowded: Duration::from_secs(5),
            stall: Duration::from_secs(30),
            stuck: Duration::from_secs(60),
            linger: Duration::from_secs(1),
            farewell: Duration::from_secs(1),
            age: Duration::from_secs(30 * 60),
        }
    }
}

/// What a server is run with.
#[derive(Clone, Debug)]
pub struct Options {
    /// Worker threads, at least 1.
    pub threads: usize,
    /// The terms for the next connections; a reload stores new ones.
    pub doors: Arc<ArcSwap<Doors>>,
    hall: Hall,
}

impl Options {
    pub fn new(threads: usize, doors: Doors) -> Self {
        let doors = Arc::new(ArcSwap::from_pointee(doors));
        Self { threads, doors, hall: Hall::default() }
    }

    /// With connections ended early while the gateway is short of something.
    pub fn under(mut self, pressure: Arc<Pressure>) -> Self {
        self.hall.traffic = Arc::new(Traffic { pressure, ..Traffic::default() });
        self
    }

    /// What becomes of the server's connections.
    pub fn traffic(&self) -> &Arc<Traffic> {
        &self.hall.traffic
    }
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
    let crowd = watch::Sender::new(false);
    let workers = (0..options.threads.max(1))
        .map(|number| {
            let news = worker::News { phases: shutdown.watch(), crowd: crowd.subscribe() };
            worker::start(number, make(number), &options, news)
        })
        .collect::<io::Result<Vec<_>>>()?;
    tokio::select! {
        () = crowd::watch(&options, crowd) => {}
        outcome = accept::hand_out(listeners, &workers, &options, shutdown) => outcome?,
    }
    for worker in workers {
        worker.ended().await;
    }
    Ok(())
}
