//! Sockets and HTTP/1.1 of a node: listening, dying, resetting, being slow.
//!
//! A port stays bound while its node is down, so that nobody else gets it and a
//! connect is refused at once, as at a dead process.

mod body;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Semaphore;

use self::body::ReplyBody;
use crate::manners::{Door, Malformed, Notice};
use crate::node::{Life, Shared};
use crate::rpc::{self, Outcome};

/// Connections that may wait to be accepted.
pub const BACKLOG: u32 = 1_024;

/// Binds a port without listening: connects are refused until it listens.
///
/// # Errors
/// When the address cannot be bound.
pub fn reserve(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

/// Serves until the node is stopped, through all its deaths.
pub async fn run(node: Arc<Shared>, mut listener: TcpListener) {
    loop {
        accept_while_up(&node, &listener).await;
        drop(listener);
        let Some(next) = come_back(&node).await else { return };
        listener = next;
    }
}

async fn accept_while_up(node: &Arc<Shared>, listener: &TcpListener) {
    let mut changes = node.watch();
    loop {
        let (life, left) = node.life();
        if life != Life::Up {
            return;
        }
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => admit(node, stream),
                // Out of descriptors: the only cure is to wait.
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            },
            _ = changes.changed() => {}
            () = phase_end(left) => node.announce(),
        }
    }
}

async fn phase_end(left: Option<Duration>) {
    match left {
        Some(left) => tokio::time::sleep(left).await,
        None => std::future::pending().await,
    }
}

/// Waits until the node is up again, its port held meanwhile.
async fn come_back(node: &Arc<Shared>) -> Option<TcpListener> {
    let mut changes = node.watch();
    let mut held = None;
    loop {
        if held.is_none() {
            held = reserve(node.address).ok();
        }
        let (life, left) = node.life();
        match (life, held.take()) {
            (Life::Stopped, _) => return None,
            (Life::Up, Some(socket)) => match socket.listen(BACKLOG) {
                Ok(listener) => return Some(listener),
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            },
            (Life::Up, None) => tokio::time::sleep(Duration::from_millis(10)).await,
            (Life::Closed | Life::Dead, socket) => {
                held = socket;
                tokio::select! {
                    _ = changes.changed() => {}
                    () = phase_end(left) => node.announce(),
                }
            }
        }
    }
}

fn admit(node: &Arc<Shared>, stream: TcpStream) {
    node.counters.connection();
    let open = node.connections.fetch_add(1, Ordering::Relaxed);
    let most = node.options.max_connections;
    let full = if open >= most { node.manners().full } else { None };
    // Those that are told why they are refused are bounded too.
    if open >= most && (full.is_none() || open >= most.saturating_mul(2)) {
        node.connections.fetch_sub(1, Ordering::Relaxed);
        return;
    }
    let node = Arc::clone(node);
    tokio::spawn(async move {
        serve_connection(&node, stream, full).await;
        node.connections.fetch_sub(1, Ordering::Relaxed);
    });
}

/// What a connection's service and its keeper tell each other.
#[derive(Debug)]
struct Wire {
    born: Instant,
    reset: AtomicBool,
    busy: AtomicUsize,
    /// Milliseconds after `born` at which the last answer was ready.
    idle_since: AtomicU64,
    /// The answer to everything, when the connection is one too many.
    full: Option<Notice>,
}

impl Wire {
    fn new(full: Option<Notice>) -> Self {
        Self {
            full,
            born: Instant::now(),
            reset: AtomicBool::new(false),
            busy: AtomicUsize::new(0),
            idle_since: AtomicU64::new(0),
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.born.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Time since the last answer; none while one is being made.
    fn idle(&self) -> Option<Duration> {
        if self.busy.load(Ordering::Relaxed) > 0 {
            return None;
        }
        let since = self.idle_since.load(Ordering::Relaxed);
        Some(Duration::from_millis(self.now().saturating_sub(since)))
    }
}

async fn serve_connection(node: &Arc<Shared>, stream: TcpStream, full: Option<Notice>) {
    // Answers are small and go out whole; an error only means the peer has left.
    let _ = stream.set_nodelay(true);
    let wire = Arc::new(Wire::new(full));
    let service = service_fn(|request| {
        let (node, wire) = (Arc::clone(node), Arc::clone(&wire));
        async move {
            wire.busy.fetch_add(1, Ordering::Relaxed);
            let response = respond(&node, &wire, request).await;
            wire.idle_since.store(wire.now(), Ordering::Relaxed);
            wire.busy.fetch_sub(1, Ordering::Relaxed);
            response
        }
    });
    let mut connection =
        http1::Builder::new().pipeline_flush(true).serve_connection(TokioIo::new(stream), service);
    let mut changes = node.watch();
    let mut closing = false;
    let dead = loop {
        let dead = matches!(node.life().0, Life::Dead | Life::Stopped);
        if dead {
            break true;
        }
        if node.life().0 == Life::Closed && !closing {
            closing = true;
            std::pin::Pin::new(&mut connection).graceful_shutdown();
        }
        tokio::select! {
            _ = &mut connection => break false,
            // The sender lives in the node, which this connection holds.
            _ = changes.changed() => {}
            () = idle_end(node, &wire), if !closing => {
                closing = true;
                std::pin::Pin::new(&mut connection).graceful_shutdown();
            }
        }
    };
    if dead || wire.reset.load(Ordering::Relaxed) {
        let stream = connection.into_parts().io.into_inner();
        // Without lingering, closing sends RST, as the kernel does for a killed process
        // with unread data.
        let _ = stream.set_zero_linger();
    }
}

/// Ends when the connection has been idle for as long as a fault says.
async fn idle_end(node: &Shared, wire: &Wire) {
    let Some(limit) = node.idle_limit() else {
        return std::future::pending().await;
    };
    loop {
        match wire.idle() {
            Some(idle) if idle >= limit => return,
            Some(idle) => tokio::time::sleep(limit - idle).await,
            None => tokio::time::sleep(limit).await,
        }
    }
}

/// The connection is to be reset instead of answered.
#[derive(Debug, thiserror::Error)]
#[error("reset by fault")]
struct Reset;

async fn respond(
    node: &Shared,
    wire: &Wire,
    request: Request<Incoming>,
) -> Result<Response<ReplyBody>, Reset> {
    if matches!(node.life().0, Life::Dead | Life::Stopped) {
        wire.reset.store(true, Ordering::Relaxed);
        return Err(Reset);
    }
    let (head, body) = request.into_parts();
    let door = wire.full.map_or_else(|| node.chain.sim.door(node, &head), Door::Say);
    let outcome = match door {
        Door::Say(notice) => return Ok(say(notice)),
        Door::Page(method) => rpc::serve_page(node, &head, method).await,
        Door::Read => match Limited::new(body, node.manners().body).collect().await {
            Ok(body) => rpc::serve(node, &head, &body.to_bytes()).await,
            Err(_) => rpc::refuse(node, Malformed::TooLarge),
        },
    };
    match outcome {
        Outcome::Json { status, text } => Ok(json(status, ReplyBody::whole(text))),
        Outcome::Truncated(text) => Ok(json(200, ReplyBody::half(text))),
        Outcome::Nothing { status } => Ok(plain(code(status), Bytes::new())),
        Outcome::Status { status, retry_after } => Ok(failure(status, retry_after)),
        Outcome::Body { text, html: false } => Ok(json(200, ReplyBody::whole(text))),
        Outcome::Body { text, html: true } => Ok(page(text)),
        Outcome::Reset => {
            wire.reset.store(true, Ordering::Relaxed);
            Err(Reset)
        }
    }
}

fn say(notice: Notice) -> Response<ReplyBody> {
    let mut response = plain(notice.status, Bytes::from_static(notice.text.as_bytes()));
    if !notice.text.is_empty() {
        let kind = HeaderValue::from_static("text/plain");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
    }
    response
}

fn code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

fn json(status: u16, body: ReplyBody) -> Response<ReplyBody> {
    let mut response = Response::new(body);
    *response.status_mut() = code(status);
    let kind = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

fn page(text: &'static str) -> Response<ReplyBody> {
    let mut response = Response::new(ReplyBody::whole(text));
    let kind = HeaderValue::from_static("text/html");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

fn plain(status: StatusCode, body: Bytes) -> Response<ReplyBody> {
    let mut response = Response::new(ReplyBody::whole(body));
    *response.status_mut() = status;
    response
}

fn failure(status: u16, retry_after: Option<u64>) -> Response<ReplyBody> {
    let status = code(status);
    let text = status.canonical_reason().unwrap_or("error");
    let mut response = plain(status, Bytes::from_static(text.as_bytes()));
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// Waits for a slot, then for the service time of the method; false when too many
/// calls wait already.
pub(crate) async fn serve_time(
    node: &Shared,
    method: &str,
    slots: &Semaphore,
    waiting: &AtomicUsize,
) -> bool {
    let time = node.service_time(method);
    let permit = match slots.try_acquire() {
        Ok(permit) => permit,
        Err(_) => {
            if waiting.fetch_add(1, Ordering::Relaxed) >= node.options.queue {
                waiting.fetch_sub(1, Ordering::Relaxed);
                return false;
            }
            let _leave = Waiting(waiting);
            match slots.acquire().await {
                Ok(permit) => permit,
                Err(_) => return false,
            }
        }
    };
    if !time.is_zero() {
        tokio::time::sleep(time).await;
    }
    drop(permit);
    true
}

/// A place in the queue, given back also when the caller leaves.
struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
