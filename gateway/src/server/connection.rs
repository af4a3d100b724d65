//! One connection: which protocol it speaks, then hyper, under our clocks.
//!
//! HTTP/1.1 and HTTP/2 share the port; the first bytes tell them apart, and ALPN must not
//! have said otherwise. What comes before HTTP is the business of [`opening`]; TLS and PROXY
//! headers where none belong are closed without a byte.

use std::{
    future::{Future, poll_fn},
    io,
    pin::{Pin, pin},
    sync::Arc,
    task::Poll,
    time::Duration,
};

use bytes::BytesMut;
use http::{HeaderValue, Request, Response, header};
use hyper::{
    body::Incoming,
    server::conn::{http1, http2},
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::{io::AsyncReadExt, net::TcpStream, sync::watch, time::Instant};

use crate::{
    clock,
    gateway::{Protocol, chance},
    pressure::Level,
    server::{
        Abort, Doors, Link, Phase, Refused, Reply, Serve, Timing, Traffic, Word, count,
        filter::{Frames, Gate, Heads, h1},
        http::Room,
        next_word,
        opening::{self, Deadline, Hall, Opened, in_time},
        pace::{Busy, Clocks, Expired, Pace, Stage},
        socket::{Paced, Wire},
        transport::Transport,
    },
    wake::Bell,
};

const H2_PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const PROXY_V1: &[u8] = b"PROXY ";
const PROXY_V2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
/// First byte of a TLS handshake record.
const TLS: u8 = 0x16;

/// First bytes read at once: most requests whole.
const FIRST_READ: usize = 4 * 1024;

// What one connection can make us hold. In HTTP/2 one byte on the wire (an index into
// HPACK's table) is a whole field in memory, hence few streams and short header lists.
const BUFFER_BYTES: usize = 64 * 1024;
const STREAMS: u32 = 32;
const STREAM_WINDOW: u32 = 64 * 1024;
const CONNECTION_WINDOW: u32 = 1024 * 1024;
const HEADER_LIST: u32 = 8 * 1024;
/// Of an answer, per stream, when the client reads slower than nodes send.
const SEND_BUFFER: usize = 64 * 1024;
/// Streams that the client reset before they were looked at, and streams that its errors
/// made us reset: more of them are an attack.
const RESETS: usize = 20;
const ERROR_RESETS: usize = 128;
const PING_EVERY: Duration = Duration::from_secs(30);
const PING_TIMEOUT: Duration = Duration::from_secs(10);

/// What a connection is served with.
pub(super) struct Served<S> {
    pub service: S,
    pub link: Link,
    pub timing: Timing,
    pub traffic: Arc<Traffic>,
    pub words: watch::Receiver<Word>,
    pub doors: Arc<Doors>,
    pub accepted: Instant,
    pub hall: Hall,
}

/// Serves a connection to its end.
pub(super) async fn run<S: Serve>(stream: TcpStream, mut served: Served<S>) {
    let clocks = Clocks::start(served.timing, served.accepted, chance::draw());
    // Answers are written whole; waiting for more to send only delays them.
    drop(stream.set_nodelay(true));
    served.words.mark_changed();
    let Some(opened) = let_in(stream, &mut served).await else { return };
    let Opened { mut stream, mut ahead, link, chosen, place: _place } = opened;
    served.link = link;
    let spoken = match sniff_in_time(&mut stream, &mut ahead, &mut served).await {
        Some(Spoken::Http(protocol)) => protocol,
        Some(Spoken::Foreign) => return served.traffic.refuse(uninvited(&ahead)),
        None => return,
    };
    if chosen.is_some_and(|chosen| chosen != spoken) {
        return served.traffic.refuse(Refused::Malformed);
    }
    let pace = Arc::new(Pace::default());
    let gate = match spoken {
        Protocol::H1 => Gate::Heads(Heads::new(Arc::clone(&pace))),
        Protocol::H2 => Gate::Frames(Frames::default()),
    };
    let wire = Wire { stream, ahead: ahead.freeze(), lingers: true };
    let socket = Paced { wire, pace: Arc::clone(&pace), gate };
    // Boxed: a connection that has said nothing yet should hold next to nothing.
    match spoken {
        Protocol::H1 => Box::pin(http1(socket, served, pace, clocks)).await,
        Protocol::H2 => Box::pin(http2(socket, served, pace, clocks)).await,
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spoken {
    Http(Protocol),
    Foreign,
}

impl<S> Served<S> {
    fn deadline(&self) -> Deadline {
        Deadline { until: self.accepted + self.timing.head, farewell: self.timing.farewell }
    }
}

/// What must come before HTTP; `None` for a connection that was closed.
async fn let_in<S>(stream: TcpStream, served: &mut Served<S>) -> Option<Opened> {
    if served.doors.are_open() {
        return Some(Opened::plain(stream, served.link.clone()));
    }
    let deadline = served.deadline();
    let Served { link, words, doors, hall, traffic, .. } = served;
    let opening = async {
        stream.readable().await.ok()?;
        // Not in the future of every connection, nor of a silent one: its state is large.
        Box::pin(opening::open(stream, link.clone(), doors, hall)).await
    };
    in_time(opening, deadline, words, traffic).await?
}

/// The protocol, or `None` for a client that leaves or says nothing in time.
async fn sniff_in_time<S>(
    stream: &mut Transport,
    ahead: &mut BytesMut,
    served: &mut Served<S>,
) -> Option<Spoken> {
    let deadline = served.deadline();
    let sniffed = sniff(stream, ahead);
    in_time(sniffed, deadline, &mut served.words, &served.traffic).await?.ok()
}

async fn sniff(stream: &mut Transport, ahead: &mut BytesMut) -> io::Result<Spoken> {
    loop {
        if let Some(spoken) = classify(ahead) {
            return Ok(spoken);
        }
        // No memory for what has not come.
        stream.readable().await?;
        ahead.reserve(FIRST_READ.saturating_sub(ahead.len()).max(H2_PREFACE.len()));
        if stream.read_buf(ahead).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

/// What foreign first bytes are.
fn uninvited(first: &[u8]) -> Refused {
    if first.starts_with(&[TLS]) { Refused::TlsUnexpected } else { Refused::ProxyUnexpected }
}

/// What the first bytes speak; `None` while they may still become either.
fn classify(first: &[u8]) -> Option<Spoken> {
    if first.is_empty() {
        return None;
    }
    if first[0] == TLS {
        return Some(Spoken::Foreign);
    }
    for (signature, spoken) in [
        (H2_PREFACE, Spoken::Http(Protocol::H2)),
        (PROXY_V1, Spoken::Foreign),
        (PROXY_V2, Spoken::Foreign),
    ] {
        if first.starts_with(signature) {
            return Some(spoken);
        }
        if signature.starts_with(first) {
            return None;
        }
    }
    Some(Spoken::Http(Protocol::H1))
}

async fn http1<S: Serve>(socket: Paced, served: Served<S>, pace: Arc<Pace>, clocks: Clocks) {
    let Served { service, link, traffic, words, .. } = served;
    let link = Link { protocol: Protocol::H1, ..link };
    let (marks, pressure) = (Arc::clone(&pace), Arc::clone(&traffic.pressure));
    let exchange = service_fn(move |request| {
        if pressure.level() >= Level::NoKeepAlive {
            marks.close();
        }
        exchange(service.clone(), request, link.clone(), Arc::clone(&marks))
    });
    let mut builder = http1::Builder::new();
    // No `pipeline_flush`: it leaves hyper's own refusals unsent (measured, 1.12).
    builder.header_read_timeout(None).max_header_size(h1::HEAD_BYTES).max_buf_size(BUFFER_BYTES);
    let connection = pin!(builder.serve_connection(TokioIo::new(socket), exchange));
    let bell = Bell::default();
    let drive = Drive { pace, clocks, traffic, words, bell, protocol: Protocol::H1 };
    drive.run(connection, http1::Connection::graceful_shutdown).await;
}

async fn http2<S: Serve>(socket: Paced, served: Served<S>, pace: Arc<Pace>, clocks: Clocks) {
    let Served { service, link, traffic, words, .. } = served;
    let room = Some(Arc::new(Room::default()));
    let link = Link { protocol: Protocol::H2, room, ..link };
    let marks = Arc::clone(&pace);
    let exchange = service_fn(move |request| {
        exchange(service.clone(), request, link.clone(), Arc::clone(&marks))
    });
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_header_list_size(HEADER_LIST)
        .max_send_buf_size(SEND_BUFFER)
        .max_pending_accept_reset_streams(RESETS)
        .max_local_error_reset_streams(ERROR_RESETS)
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PING_TIMEOUT);
    let connection = pin!(builder.serve_connection(TokioIo::new(socket), exchange));
    let bell = Bell::default();
    let drive = Drive { pace, clocks, traffic, words, bell, protocol: Protocol::H2 };
    drive.run(connection, http2::Connection::graceful_shutdown).await;
}

/// One request and its answer, marked as in flight until the answer's last byte.
async fn exchange<S: Serve>(
    service: S,
    request: Request<Incoming>,
    link: Link,
    pace: Arc<Pace>,
) -> Result<Response<Reply>, Abort> {
    let busy = Busy::begin(&pace);
    let protocol = link.protocol;
    let mut response = match pace.next_request() {
        None => service.answer(request, link).await?,
        Some(fault) => service.refuse(&fault.into(), link),
    };
    if protocol == Protocol::H1 && pace.closes() {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response.body_mut().hold(busy);
    Ok(response)
}

/// What takes a connection to its end: hyper, the clocks, the server's phases.
struct Drive {
    pace: Arc<Pace>,
    clocks: Clocks,
    traffic: Arc<Traffic>,
    words: watch::Receiver<Word>,
    /// What hyper sees as its task.
    bell: Bell,
    protocol: Protocol,
}

enum Step {
    Ended(hyper::Result<()>),
    Expired(Expired),
    Told(Word),
}

impl Drive {
    /// `ask` makes hyper end the connection after what is in flight.
    async fn run<C>(mut self, mut connection: Pin<&mut C>, ask: fn(Pin<&mut C>))
    where
        C: Future<Output = hyper::Result<()>>,
    {
        let mut asked = false;
        loop {
            match self.step(connection.as_mut()).await {
                Step::Ended(outcome) => return self.note(&outcome),
                Step::Expired(Expired::Stage(Stage::Idle)) if !asked => {
                    asked = true;
                    ask(connection.as_mut());
                    self.clocks.ask();
                }
                Step::Expired(Expired::Stage(stage)) => return self.expired(stage),
                Step::Expired(Expired::Age) => {
                    self.pace.close();
                    if self.protocol == Protocol::H2 && !asked {
                        asked = true;
                        ask(connection.as_mut());
                        self.clocks.ask();
                    }
                }
                Step::Told(Word { phase: Phase::Stop, .. }) => return,
                Step::Told(Word { phase: Phase::Finishing, .. }) => {
                    self.pace.close();
                    self.clocks.finish();
                    // GOAWAY lets requests on their way in; HTTP/1 has no such word,
                    // so there the next answer says it (see `Timing::farewell`).
                    if self.protocol == Protocol::H2 {
                        asked = true;
                        ask(connection.as_mut());
                    }
                }
                Step::Told(Word { phase: Phase::Serving | Phase::Draining, crowded }) => {
                    self.clocks.crowd(crowded);
                }
            }
        }
    }

    async fn step<C>(&mut self, mut connection: Pin<&mut C>) -> Step
    where
        C: Future<Output = hyper::Result<()>>,
    {
        let Self { pace, clocks, words, bell, .. } = self;
        let polled = poll_fn(|context| {
            clock::in_one_moment(|| {
                let mut inner = bell.context(context.waker());
                if let Poll::Ready(outcome) = connection.as_mut().poll(&mut inner) {
                    return Poll::Ready(Step::Ended(outcome));
                }
                clocks.poll(pace, context).map(Step::Expired)
            })
        });
        tokio::select! {
            biased;
            step = polled => step,
            word = next_word(words) => Step::Told(word),
        }
    }

    fn note(&self, outcome: &hyper::Result<()>) {
        let Err(error) = outcome else { return };
        if error.is_parse() {
            count(&self.traffic.malformed);
        }
        tracing::debug!(%error, "a connection ended early");
    }

    fn expired(&self, stage: Stage) {
        match stage {
            // Cut short by us, not slow.
            Stage::First if self.pace.closes() => {}
            Stage::First | Stage::Head | Stage::Stalled | Stage::Busy => {
                count(&self.traffic.too_slow);
            }
            Stage::Idle | Stage::Linger => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const H1: Option<Spoken> = Some(Spoken::Http(Protocol::H1));
    const H2: Option<Spoken> = Some(Spoken::Http(Protocol::H2));
    const FOREIGN: Option<Spoken> = Some(Spoken::Foreign);

    #[test]
    fn first_bytes_tell_the_protocol_as_soon_as_they_can() {
        for (first, spoken) in [
            (&b""[..], None),
            (b"G", H1),
            (b"GET / HTTP/1.1", H1),
            (b"P", None),
            (b"PO", H1),
            (b"PR", None),
            (b"PRI * HTTP/2.0\r\n", None),
            (H2_PREFACE, H2),
            (b"PRI * HTTP/1.1\r\n", H1),
            (b"PROXY TCP4 1.2.3.4", FOREIGN),
            (PROXY_V2, FOREIGN),
            (b"\r\n", None),
            (b"\r\nGET", H1),
            (b"\x16\x03\x01", FOREIGN),
        ] {
            assert_eq!(classify(first), spoken, "{first:?}");
        }
    }
}
