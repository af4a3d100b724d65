//! JSON-RPC over HTTP/1.1 to one node endpoint.
//!
//! The request is rebuilt from nothing but the body and this node's own
//! settings: no header of a client gets here. Redirects are not followed,
//! bodies are not decompressed, and framing that two parsers could read
//! differently is refused. A status is not judged here.
//!
//! Dropping [`HttpClient::send`]'s future closes the connection it used.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use http::{
    HeaderMap, HeaderName, HeaderValue, Response, Uri,
    header::{
        ACCEPT, ACCEPT_ENCODING, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE,
        EXPECT, HOST, RETRY_AFTER, TE, TRAILER, TRANSFER_ENCODING, UPGRADE, USER_AGENT,
    },
};
use hyper::body::{Body, Incoming as HyperBody};
use smallvec::SmallVec;
use thiserror::Error;
use tokio::time::Instant;

use super::{
    Incoming, Outgoing, ReplyBody, Stats,
    body::{self, LargeBody, Read, Rest},
    bound::{Grant, Slot},
    conn::{Conn, Template},
    connect::Target,
    error::{Fault, UpstreamError},
    pool::Pool,
    tls::Tls,
};
use crate::config::{Endpoint, NodeTls, Secret};

/// Sent as `user-agent`.
const AGENT: &str = concat!("headrace/", env!("CARGO_PKG_VERSION"));
/// Settings of a node must not break the framing of its requests.
const RESERVED: [HeaderName; 8] =
    [ACCEPT_ENCODING, CONNECTION, CONTENT_LENGTH, EXPECT, TE, TRAILER, TRANSFER_ENCODING, UPGRADE];

/// All that a client of one endpoint is made of.
#[derive(Clone, Debug)]
pub struct Options {
    pub endpoint: Endpoint,
    /// Other paths of the endpoint, by the word that [`Outgoing::path`] names them with.
    pub other_paths: Vec<(&'static str, String)>,
    /// Sent with every request; may replace `host`, `accept` and `user-agent`.
    pub headers: Vec<(String, Secret)>,
    pub tls: NodeTls,
    /// Connections over all workers, at least 1.
    pub max_connections: u32,
    /// Bound on resolving, connecting and the TLS handshake together.
    pub connect_timeout: Duration,
    /// A connection unused for so long is closed. Default 10 s: nodes close
    /// theirs after unknown times (geth after 120 s), and must not close one
    /// that we are writing to.
    pub idle_timeout: Duration,
    /// A large reply that brings no byte for so long has failed. Default 30 s.
    pub stall_timeout: Duration,
    /// Worker threads that call [`crate::worker::enter`].
    pub workers: usize,
}

impl Options {
    /// The defaults for `endpoint`: its path alone, no headers, 64 connections, 1 s to connect.
    pub fn new(endpoint: Endpoint) -> Self {
        Self {
            endpoint,
            other_paths: Vec::new(),
            headers: Vec::new(),
            tls: NodeTls::default(),
            max_connections: 64,
            connect_timeout: Duration::from_secs(1),
            idle_timeout: Duration::from_secs(10),
            stall_timeout: Duration::from_secs(30),
            workers: 0,
        }
    }
}

/// Settings a client cannot be made of. Texts hold no secret.
#[derive(Debug, Error)]
pub enum BuildError {
    #[error("header `{0}` is not valid")]
    Header(String),
    #[error("header `{0}` is the gateway's own")]
    ReservedHeader(String),
    #[error("the host is not valid")]
    Host,
    #[error("the path is not valid")]
    Path,
    #[error("`{0}` is not a name to verify")]
    TlsName(String),
    #[error("a client certificate needs both `cert` and `key`")]
    HalfPair,
    #[error("{path}: {error}", path = path.display())]
    File { path: PathBuf, error: String },
    #[error("TLS: {0}")]
    Tls(rustls::Error),
}

impl BuildError {
    pub(super) fn file(path: &Path, error: impl ToString) -> Self {
        Self::File { path: path.to_owned(), error: error.to_string() }
    }
}

/// The client of one endpoint. Cheap to share by `Arc`; calls need only `&self`.
pub struct HttpClient {
    target: Target,
    template: Template,
    pool: Arc<Pool>,
    stall: Duration,
}

impl HttpClient {
    /// Reads the certificate files. Connects to nothing.
    pub fn new(options: &Options) -> Result<Self, BuildError> {
        let Endpoint { tls, host, port, path } = &options.endpoint;
        let tls = tls.then(|| Tls::new(host, &options.tls)).transpose()?;
        let uri =
            |path: &str| Uri::builder().path_and_query(path).build().map_err(|_| BuildError::Path);
        let others = options.other_paths.iter().map(|(word, path)| Ok((*word, uri(path)?)));
        Ok(Self {
            target: Target {
                host: host.clone(),
                port: *port,
                tls,
                timeout: options.connect_timeout,
                prefer_v6: true.into(),
            },
            template: Template {
                uri: uri(path)?,
                others: others.collect::<Result<_, BuildError>>()?,
                headers: headers(&options.endpoint, &options.headers)?,
            },
            pool: Arc::new(Pool::new(
                options.workers,
                options.max_connections,
                options.idle_timeout,
            )),
            stall: options.stall_timeout,
        })
    }

    /// One request, one reply. A kept connection that the node has closed
    /// meanwhile is replaced unseen as long as nothing was sent on it.
    pub async fn send(&self, out: &Outgoing) -> Result<Incoming, UpstreamError> {
        loop {
            let mut kept = true;
            let conn = match self.pool.checkout(out.deadline, out.priority).await? {
                Grant::Conn(conn) => conn,
                Grant::Slot(slot) => {
                    kept = false;
                    self.open(slot, out.deadline).await?
                }
            };
            match self.exchange(conn, out).await {
                Err(error) if kept && !error.sent() && error.fault != Fault::HeadTimeout => {}
                answer => return answer,
            }
        }
    }

    pub fn stats(&self) -> Stats {
        self.pool.stats()
    }

    async fn open(&self, slot: Slot, deadline: Instant) -> Result<Box<Conn>, UpstreamError> {
        let began = Instant::now();
        match self.target.open(deadline).await {
            Ok(wire) => {
                slot.bound().opened.fetch_add(1, Relaxed);
                Conn::start(wire, &self.template, self.pool.home(), slot).await
            }
            Err(error) => {
                slot.bound().failed.fetch_add(1, Relaxed);
                if !error.is_local() {
                    self.pool.forget_before(began);
                }
                Err(error)
            }
        }
    }

    async fn exchange(
        &self,
        mut conn: Box<Conn>,
        out: &Outgoing,
    ) -> Result<Incoming, UpstreamError> {
        let mut reading = false;
        let replied =
            conn.until(out.deadline, async |conn| reply(conn, out, &mut reading).await).await;
        let Some(replied) = replied else {
            if !conn.received() {
                self.pool.forget_before(conn.since);
            }
            let fault = if reading { Fault::BodyTimeout } else { Fault::HeadTimeout };
            return Err(conn.fault(fault));
        };
        let Reply { head, body, read } = replied?;
        let body = match read {
            Read::Whole(bytes) => {
                drop(body);
                self.pool.checkin(conn);
                ReplyBody::Whole(bytes)
            }
            Read::More(first) => {
                let Head { declared, .. } = head;
                let rest = Rest { first, declared, body, conn, cap: out.cap, stall: self.stall };
                ReplyBody::Large(LargeBody::new(rest, Arc::clone(&self.pool)))
            }
        };
        let Head { status, retry_after, content_type_json, close_delimited, .. } = head;
        Ok(Incoming { status, retry_after, content_type_json, close_delimited, body })
    }
}

impl std::fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Target { host, port, .. } = &self.target;
        f.debug_struct("HttpClient").field("host", host).field("port", port).finish()
    }
}

struct Reply {
    head: Head,
    body: HyperBody,
    read: Read,
}

async fn reply(
    conn: &mut Conn,
    out: &Outgoing,
    reading: &mut bool,
) -> Result<Reply, UpstreamError> {
    let response = conn.request(out.body.clone(), out.path).await?;
    *reading = true;
    let head = read_head(&response, out.cap).map_err(|fault| conn.fault(fault))?;
    let mut body = response.into_body();
    let read = body::collect(conn, &mut body, out.whole_up_to, out.cap).await?;
    Ok(Reply { head, body, read })
}

struct Head {
    status: u16,
    retry_after: Option<Duration>,
    content_type_json: bool,
    close_delimited: bool,
    declared: Option<u64>,
}

/// Refuses what is framed ambiguously, encoded, or declared too large.
fn read_head(response: &Response<HyperBody>, cap: u64) -> Result<Head, Fault> {
    let headers = response.headers();
    if response.status().is_informational() {
        return Err(Fault::Malformed("status"));
    }
    let Fields { encoding, retry, kind, codings, has_length } = Fields::find(headers);
    if encoding.is_some_and(|value| value != "identity") {
        return Err(Fault::Malformed("content-encoding"));
    }
    let chunked = is_chunked(&codings, has_length)?;
    let declared = response.body().size_hint().exact();
    if declared.is_some_and(|length| length > cap) {
        return Err(Fault::TooLarge { limit: cap });
    }
    Ok(Head {
        status: response.status().as_u16(),
        retry_after: retry.and_then(retry_after),
        content_type_json: kind.is_some_and(is_json),
        close_delimited: declared.is_none() && !chunked,
        declared,
    })
}

/// The fields that matter here, found in one pass: the first of each name.
#[derive(Default)]
struct Fields<'a> {
    encoding: Option<&'a HeaderValue>,
    retry: Option<&'a HeaderValue>,
    kind: Option<&'a HeaderValue>,
    codings: SmallVec<[&'a HeaderValue; 2]>,
    has_length: bool,
}

impl<'a> Fields<'a> {
    fn find(headers: &'a HeaderMap) -> Self {
        let mut fields = Self::default();
        for (name, value) in headers {
            let slot = match *name {
                CONTENT_ENCODING => &mut fields.encoding,
                RETRY_AFTER => &mut fields.retry,
                CONTENT_TYPE => &mut fields.kind,
                TRANSFER_ENCODING => {
                    fields.codings.push(value);
                    continue;
                }
                CONTENT_LENGTH => {
                    fields.has_length = true;
                    continue;
                }
                _ => continue,
            };
            slot.get_or_insert(value);
        }
        fields
    }
}

fn is_chunked(codings: &[&HeaderValue], has_length: bool) -> Result<bool, Fault> {
    match codings {
        [] => Ok(false),
        [only] if only.as_bytes().eq_ignore_ascii_case(b"chunked") && !has_length => Ok(true),
        _ => Err(Fault::Malformed("transfer-encoding")),
    }
}

/// Seconds only: the date form would need the node's clock to be right.
fn retry_after(value: &HeaderValue) -> Option<Duration> {
    let seconds: u32 = value.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds.into()))
}

fn is_json(value: &HeaderValue) -> bool {
    const JSON: &[u8] = b"application/json";
    let value = value.as_bytes();
    let Some((essence, rest)) = value.split_at_checked(JSON.len()) else {
        return false;
    };
    essence.eq_ignore_ascii_case(JSON) && matches!(rest.first(), None | Some(b';' | b' '))
}

fn headers(endpoint: &Endpoint, own: &[(String, Secret)]) -> Result<HeaderMap, BuildError> {
    let json = HeaderValue::from_static("application/json");
    let host = HeaderValue::from_str(&host(endpoint)).map_err(|_| BuildError::Host)?;
    let mut headers = HeaderMap::with_capacity(own.len() + 5);
    headers.insert(HOST, host);
    headers.insert(CONTENT_TYPE, json.clone());
    headers.insert(ACCEPT, json);
    headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
    headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    for (name, secret) in own {
        let invalid = || BuildError::Header(name.clone());
        let key = HeaderName::from_bytes(name.as_bytes()).map_err(|_| invalid())?;
        if RESERVED.contains(&key) || key == CONTENT_TYPE {
            return Err(BuildError::ReservedHeader(name.clone()));
        }
        let mut value = HeaderValue::from_str(secret.expose()).map_err(|_| invalid())?;
        value.set_sensitive(true);
        headers.insert(key, value);
    }
    Ok(headers)
}

/// `host[:port]` as in a URL: the scheme's own port is left out.
fn host(endpoint: &Endpoint) -> String {
    let Endpoint { tls, host, port, .. } = endpoint;
    let v6 = host.contains(':');
    let host = if v6 { format!("[{host}]") } else { host.clone() };
    let default = if *tls { 443 } else { 80 };
    if *port == default { host } else { format!("{host}:{port}") }
}
