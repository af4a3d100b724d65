//! The wire to one node: bytes of a call out, bytes of a reply back.
//!
//! Deliberately not here: choosing a node, judging a reply, retrying elsewhere.
//! What must hold: `UpstreamError` is made only here and its `sent` is exact;
//! connections to a node stay within its bound over all workers; a future that
//! is dropped leaves nothing behind.
//!
//! Reading order: [`Client`], then `http` (one request), `pool` and `bound`
//! (whose connection), `conn` (driving it), `body`, `connect`, `tls`, `wire`.
//!
//! Why not hyper-util's pooled client: it takes 3 µs more CPU a call (7.5 against
//! 10.5 of user time, server side included, five interleaved runs on a busy
//! 2-core machine), and it cannot say exactly whether a request left. A call on
//! a kept connection is one read and one write, no task, no shared cache line.

mod address;
mod body;
mod bound;
mod conn;
mod connect;
mod error;
pub mod http;
mod pool;
mod tls;
mod wire;

use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;
use tower::{ServiceExt, util::BoxCloneSyncService};

pub use self::{
    body::LargeBody,
    error::{Exhausted, Fault, UpstreamError},
    http::{BuildError, HttpClient, Options},
};

/// Sends to one node.
#[derive(Debug)]
pub enum Client {
    Http(Box<HttpClient>),
    /// Stands for a node in a test.
    Scripted(BoxCloneSyncService<Outgoing, Incoming, UpstreamError>),
}

impl Client {
    /// A client of a real node. Reads certificate files, connects to nothing.
    pub fn http(options: &Options) -> Result<Self, BuildError> {
        Ok(Self::Http(Box::new(HttpClient::new(options)?)))
    }

    /// Sends one request and reads its reply, up to `out.whole_up_to` bytes of
    /// it whole. Dropping the future cancels the work.
    pub async fn send(&self, out: Outgoing) -> Result<Incoming, UpstreamError> {
        match self {
            Self::Http(client) => client.send(&out).await,
            Self::Scripted(service) => service.clone().oneshot(out).await,
        }
    }

    /// Connections now and since the start; zeros for a scripted node.
    pub fn stats(&self) -> Stats {
        match self {
            Self::Http(client) => client.stats(),
            Self::Scripted(_) => Stats::default(),
        }
    }
}

/// One request.
#[derive(Clone, Debug)]
pub struct Outgoing {
    pub body: Bytes,
    /// For everything until the head and the first `whole_up_to` bytes are here.
    pub deadline: Instant,
    /// Replies up to so many bytes come whole. Usual: 256 KiB.
    pub whole_up_to: usize,
    /// Most bytes of a reply (`limits.response`).
    pub cap: u64,
    /// Goes first when all connections are busy: probes.
    pub priority: bool,
    /// One of [`Options::other_paths`]; `None`, or one the node has not: its usual path.
    pub path: Option<&'static str>,
}

impl Outgoing {
    /// A usual request: whole up to 256 KiB, 25 MiB in all, no priority, the usual path.
    pub fn new(body: Bytes, deadline: Instant) -> Self {
        Self { body, deadline, whole_up_to: 256 << 10, cap: 25 << 20, priority: false, path: None }
    }
}

/// One reply, of whatever status.
#[derive(Debug)]
pub struct Incoming {
    pub status: u16,
    /// From `retry-after` in seconds; the date form is not read.
    pub retry_after: Option<Duration>,
    pub content_type_json: bool,
    /// Only the end of the connection told the end of the body: whether it is
    /// whole must be seen from the JSON.
    pub close_delimited: bool,
    pub body: ReplyBody,
}

#[derive(Debug)]
pub enum ReplyBody {
    Whole(Bytes),
    Large(LargeBody),
}

/// Connections to one node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Open or being opened.
    pub open: u32,
    /// Of these, carrying a call or being opened.
    pub in_use: u32,
    /// Calls that wait for a connection.
    pub waiting: usize,
    /// Opened since the start.
    pub opened: u64,
    /// Failures to open since the start.
    pub failed: u64,
}
