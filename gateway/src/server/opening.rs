//! From accept to the first byte of HTTP: the PROXY header, then TLS, each where the doors
//! ask for it, all within the one deadline of a first request.
//!
//! Whoever has sent something else is closed without a byte (after an alert, if TLS was
//! spoken) and counted by kind. A client that only drips bytes spends nothing of ours but
//! those: rustls sees a ClientHello when it is whole, and only then is a handshake counted
//! among those under way.

use std::{
    io,
    pin::pin,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use bytes::{Buf, BytesMut};
use rustls::{HandshakeKind, server::Acceptor};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::watch,
    time::{Instant, sleep_until},
};
use tokio_rustls::{StartHandshake, server::TlsStream};

use crate::{
    gateway::Protocol,
    server::{
        Handshake, Link, Phase, Refused, Traffic, Word,
        doors::{Doors, Handshakes},
        hello::{self, Hello},
        next_word,
        peers::{Peers, Place},
        proxy_protocol::{self, Bad, Header},
        traffic::count,
        transport::Transport,
    },
    tls::Tls,
};

/// Bytes read at once: a PROXY header, or most of a ClientHello.
const READ: usize = 2 * 1024;

/// TLS alerts of ours (RFC 8446, 6.2).
const DECODE_ERROR: u8 = 50;
const UNRECOGNIZED_NAME: u8 = 112;

/// What all connections share at the doors.
#[derive(Clone, Debug, Default)]
pub(super) struct Hall {
    pub traffic: Arc<Traffic>,
    pub peers: Arc<Peers>,
    pub handshakes: Arc<Handshakes>,
}

/// A connection that may speak HTTP.
pub(super) struct Opened {
    pub stream: Transport,
    /// Read already, not yet by HTTP.
    pub ahead: BytesMut,
    pub link: Link,
    /// What the client chose by ALPN (RFC 7301).
    pub chosen: Option<Protocol>,
    /// Of the address that the PROXY header told.
    pub place: Option<Place>,
}

impl Opened {
    /// Where the first byte is HTTP's.
    pub fn plain(stream: TcpStream, link: Link) -> Self {
        let (stream, ahead) = (Transport::Plain(stream), BytesMut::new());
        Self { stream, ahead, link, chosen: None, place: None }
    }
}

/// Lets a connection in; `None` for one that was closed, and counted.
pub(super) async fn open(
    mut stream: TcpStream,
    mut link: Link,
    doors: &Doors,
    hall: &Hall,
) -> Option<Opened> {
    let mut ahead = BytesMut::new();
    let mut place = None;
    if doors.proxy_protocol {
        let header = read_header(&mut stream, &mut ahead, &hall.traffic).await?;
        link = told(link, header, doors);
        let entered = enter(&link, doors, hall);
        place = entered.map_err(|refused| hall.traffic.refuse(refused)).ok()?;
    }
    let Some(tls) = &doors.tls else {
        let stream = Transport::Plain(stream);
        return Some(Opened { stream, ahead, link, chosen: None, place });
    };
    read_hello(&mut stream, &mut ahead, &hall.traffic).await?;
    let mut ending = Ending { traffic: &hall.traffic, outcome: Handshake::Timeout };
    let _turn = hall.handshakes.turn(&link, doors.caps(&link)).await?;
    let shaken = shake(stream, &ahead, tls).await;
    ending.outcome = shaken.as_ref().map_or_else(|outcome| *outcome, kind);
    let stream = Box::new(shaken.ok()?);
    let session = stream.get_ref().1;
    let chosen = session.alpn_protocol().map(|name| match name {
        b"h2" => Protocol::H2,
        _ => Protocol::H1,
    });
    link.server_name = session.server_name().map(|name| name.to_ascii_lowercase().into());
    let stream = Transport::Tls(stream);
    Some(Opened { stream, ahead: BytesMut::new(), link, chosen, place })
}

/// Reads more; nothing is kept ready for a client that says nothing.
async fn more(stream: &mut TcpStream, ahead: &mut BytesMut) -> Option<()> {
    stream.readable().await.ok()?;
    ahead.reserve(READ);
    let read = stream.read_buf(ahead).await.ok()?;
    (read > 0).then_some(())
}

async fn read_header(
    stream: &mut TcpStream,
    ahead: &mut BytesMut,
    traffic: &Traffic,
) -> Option<Header> {
    loop {
        match proxy_protocol::read(ahead) {
            Ok(Some((header, length))) => {
                ahead.advance(length);
                return Some(header);
            }
            Ok(None) => {}
            Err(Bad::Missing) => {
                traffic.refuse(Refused::ProxyMissing);
                return None;
            }
            Err(Bad::Malformed) => {
                traffic.refuse(Refused::ProxyMalformed);
                return None;
            }
        }
        if more(stream, ahead).await.is_none() {
            // A balancer that only looks whether somebody listens says nothing.
            if !ahead.is_empty() {
                traffic.refuse(Refused::ProxyMalformed);
            }
            return None;
        }
    }
}

/// The link as the header tells it. Who is not told of is not believed to tell of others.
fn told(link: Link, header: Header, doors: &Doors) -> Link {
    match header {
        Header::Tcp { source, .. } => doors.link(source),
        Header::Local | Header::Unknown => Link { trusted: false, ..link },
    }
}

/// What was asked of the proxy at accept is asked of its client now.
fn enter(link: &Link, doors: &Doors, hall: &Hall) -> Result<Option<Place>, Refused> {
    // This connection is among the open ones.
    if hall.traffic.open.load(Relaxed) > doors.room(link) {
        return Err(Refused::OverCap);
    }
    hall.peers.enter(link.peer.ip(), doors.caps(link))
}

/// Reads until a whole ClientHello is there.
async fn read_hello(stream: &mut TcpStream, ahead: &mut BytesMut, traffic: &Traffic) -> Option<()> {
    loop {
        match hello::look(ahead) {
            Hello::Whole => return Some(()),
            Hello::Partial => {}
            Hello::Malformed => {
                count(traffic.shaken(Handshake::Malformed));
                alert(stream, DECODE_ERROR).await;
                return None;
            }
            Hello::Foreign => {
                traffic.refuse(Refused::TlsMissing);
                return None;
            }
        }
        more(stream, ahead).await?;
    }
}

/// A fatal alert before there is a session, in the clear as all of them are then.
async fn alert(stream: &mut TcpStream, description: u8) {
    // A client that takes no seven bytes does without.
    drop(stream.write_all(&[21, 3, 3, 0, 2, 2, description]).await);
}

/// The handshake whose ClientHello has come.
async fn shake(
    mut stream: TcpStream,
    mut hello: &[u8],
    tls: &Tls,
) -> Result<TlsStream<TcpStream>, Handshake> {
    let mut acceptor = Acceptor::default();
    let accepted = loop {
        match acceptor.read_tls(&mut hello) {
            Ok(1..) => {}
            Ok(0) | Err(_) => return Err(Handshake::Malformed),
        }
        match acceptor.accept() {
            Ok(Some(accepted)) => break accepted,
            Ok(None) => {}
            Err((error, mut refusal)) => {
                let mut bytes = Vec::new();
                drop(refusal.write_all(&mut bytes));
                drop(stream.write_all(&bytes).await);
                return Err(because(&error));
            }
        }
    };
    if !tls.serves(accepted.client_hello().server_name()) {
        alert(&mut stream, UNRECOGNIZED_NAME).await;
        return Err(Handshake::UnknownName);
    }
    let start = StartHandshake::from_parts(accepted, stream);
    start.into_stream(Arc::clone(&tls.config)).await.map_err(|error| why(&error))
}

fn kind(stream: &TlsStream<TcpStream>) -> Handshake {
    match stream.get_ref().1.handshake_kind() {
        Some(HandshakeKind::Resumed) => Handshake::Resumed,
        Some(HandshakeKind::Full | HandshakeKind::FullWithHelloRetryRequest) | None => {
            Handshake::Full
        }
    }
}

fn why(error: &io::Error) -> Handshake {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    inner.map_or(Handshake::Gone, because)
}

fn because(error: &rustls::Error) -> Handshake {
    use rustls::Error;
    match error {
        Error::PeerIncompatible(_) | Error::NoApplicationProtocol => Handshake::Incompatible,
        Error::NoCertificatesPresented | Error::InvalidCertificate(_) => {
            Handshake::ClientCertificate
        }
        Error::AlertReceived(_) => Handshake::Alert,
        _ => Handshake::Malformed,
    }
}

/// Counts a handshake when it ends, by itself or by the deadline.
struct Ending<'a> {
    traffic: &'a Traffic,
    outcome: Handshake,
}

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        count(self.traffic.shaken(self.outcome));
    }
}

/// The time that a connection has for its first request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline {
    pub until: Instant,
    /// What it still gets when the server finishes.
    pub farewell: Duration,
}

/// What `work` comes to; `None` for what took too long (counted), or was stopped.
pub(super) async fn in_time<T>(
    work: impl Future<Output = T>,
    mut deadline: Deadline,
    words: &mut watch::Receiver<Word>,
    traffic: &Traffic,
) -> Option<T> {
    let mut work = pin!(work);
    loop {
        tokio::select! {
            biased;
            done = &mut work => {
                // The way down may have begun meanwhile: it is looked at again while serving.
                words.mark_changed();
                return Some(done);
            }
            word = next_word(words) => match word.phase {
                Phase::Stop => return None,
                Phase::Finishing => {
                    deadline.until = deadline.until.min(Instant::now() + deadline.farewell);
                }
                Phase::Serving | Phase::Draining => {}
            },
            () = sleep_until(deadline.until) => {
                traffic.refuse(Refused::TooSlow);
                return None;
            }
        }
    }
}

/// Whether a request for `host` may come on a connection whose client asked TLS for another
/// name: not if it did (RFC 9110, 15.5.20).
pub(super) fn is_misdirected(link: &Link, host: Option<&str>) -> bool {
    let (Some(name), Some(host)) = (link.server_name.as_deref(), host) else { return false };
    name.trim_end_matches('.') != host.trim_end_matches('.')
}
