//! What can go wrong between us and a node, as facts: what happened, whether a
//! byte of the request may have left, and whose fault it is.
//!
//! Not a judgement: an HTTP status or a JSON-RPC error is a reply and never
//! comes here. What must hold: [`UpstreamError::sent`] is false only when no
//! byte of the request was handed to the kernel (it alone decides
//! whether a write may be tried elsewhere).

use std::{error::Error, io, net::IpAddr};

use thiserror::Error;

/// One failed send to one node.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{fault}")]
pub struct UpstreamError {
    pub fault: Fault,
    sent: bool,
}

/// What happened. Texts hold no path, header or credential.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Fault {
    #[error("connection refused")]
    ConnectRefused,
    #[error("connection not established in time")]
    ConnectTimeout,
    /// Unreachable network or host, or another failure to connect.
    #[error("cannot connect: {0}")]
    Connect(io::ErrorKind),
    #[error("name not resolved")]
    Dns,
    #[error("TLS: {0}")]
    Tls(Box<str>),
    /// The name resolves only to addresses that are never used.
    #[error("address {0} is never connected to")]
    ForbiddenAddress(IpAddr),
    #[error("no connection to be had: {0}")]
    Exhausted(Exhausted),
    /// The connection ended before any byte of the reply.
    #[error("connection closed before a reply")]
    Closed,
    #[error("connection reset")]
    Reset,
    #[error("no reply head in time")]
    HeadTimeout,
    #[error("reply body not read in time")]
    BodyTimeout,
    #[error("malformed HTTP: {0}")]
    Malformed(&'static str),
    /// The connection ended inside the reply.
    #[error("reply cut short")]
    Truncated,
    #[error("reply larger than {limit} bytes")]
    TooLarge { limit: u64 },
}

/// What *we* ran out of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Exhausted {
    #[error("local ports")]
    Ports,
    #[error("file descriptors")]
    Files,
    /// All `max_connections` stayed busy until the deadline.
    #[error("connections of the node")]
    Bound,
    /// Too many calls already wait for a connection.
    #[error("the queue for connections")]
    Queue,
}

/// EMFILE and ENFILE, the same numbers on every Unix we build for.
const TOO_MANY_FILES: [i32; 2] = [24, 23];

impl UpstreamError {
    /// `sent`: a byte of the request may have left.
    pub fn new(fault: Fault, sent: bool) -> Self {
        Self { fault, sent }
    }

    /// A failure before any byte of the request.
    pub fn unsent(fault: Fault) -> Self {
        Self::new(fault, false)
    }

    /// True when a byte of the request was handed to the kernel. False is
    /// certain: the node cannot have seen any of it.
    pub fn sent(&self) -> bool {
        self.sent
    }

    /// The fault is ours (ports, file descriptors, our own bound): the node
    /// must not be blamed for it.
    pub fn is_local(&self) -> bool {
        matches!(self.fault, Fault::Exhausted(_))
    }

    /// No connection was made, so the send does not count as an attempt.
    pub fn is_connect(&self) -> bool {
        match self.fault {
            Fault::ConnectRefused
            | Fault::ConnectTimeout
            | Fault::Connect(_)
            | Fault::Dns
            | Fault::ForbiddenAddress(_)
            | Fault::Exhausted(_) => true,
            Fault::Tls(_) => !self.sent,
            Fault::Closed
            | Fault::Reset
            | Fault::HeadTimeout
            | Fault::BodyTimeout
            | Fault::Malformed(_)
            | Fault::Truncated
            | Fault::TooLarge { .. } => false,
        }
    }

    /// One word for metrics and logs; the set is fixed.
    pub fn word(&self) -> &'static str {
        match self.fault {
            Fault::ConnectRefused => "connect_refused",
            Fault::ConnectTimeout => "connect_timeout",
            Fault::Connect(_) => "connect_failed",
            Fault::Dns => "dns",
            Fault::Tls(_) => "tls",
            Fault::ForbiddenAddress(_) => "forbidden_address",
            Fault::Exhausted(_) => "connections_exhausted",
            Fault::Closed => "closed",
            Fault::Reset => "reset",
            Fault::HeadTimeout => "head_timeout",
            Fault::BodyTimeout => "body_timeout",
            Fault::Malformed(_) => "malformed",
            Fault::Truncated => "truncated",
            Fault::TooLarge { .. } => "too_large",
        }
    }
}

/// A failure to connect.
pub(super) fn connecting(error: &io::Error) -> Fault {
    if error.raw_os_error().is_some_and(|code| TOO_MANY_FILES.contains(&code)) {
        return Fault::Exhausted(Exhausted::Files);
    }
    match error.kind() {
        io::ErrorKind::AddrNotAvailable => Fault::Exhausted(Exhausted::Ports),
        io::ErrorKind::ConnectionRefused => Fault::ConnectRefused,
        io::ErrorKind::TimedOut => Fault::ConnectTimeout,
        kind => Fault::Connect(kind),
    }
}

/// A failure of a TLS handshake: a peer that goes away is not a TLS fault.
pub(super) fn handshaking(error: &io::Error) -> Fault {
    match tls_fault(error) {
        Some(fault) => fault,
        None if error.kind() == io::ErrorKind::UnexpectedEof => {
            Fault::Tls("closed during the handshake".into())
        }
        None => Fault::Connect(error.kind()),
    }
}

/// A failure of a connection in use; `received`: a byte of the reply was read.
pub(super) fn using(error: &hyper::Error, received: bool) -> Fault {
    if error.is_parse_too_large() {
        return Fault::Malformed("head too large");
    }
    if error.is_parse() {
        return Fault::Malformed("head");
    }
    if error.is_incomplete_message() || error.is_canceled() || error.is_closed() {
        return ended(received);
    }
    let Some(error) = io_source(error) else {
        return Fault::Malformed("unexpected bytes");
    };
    if let Some(fault) = tls_fault(error) {
        return fault;
    }
    match error.kind() {
        io::ErrorKind::UnexpectedEof => ended(received),
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => Fault::Malformed("body"),
        _ => Fault::Reset,
    }
}

fn ended(received: bool) -> Fault {
    if received { Fault::Truncated } else { Fault::Closed }
}

fn tls_fault(error: &io::Error) -> Option<Fault> {
    let inner = error.get_ref()?.downcast_ref::<rustls::Error>()?;
    Some(Fault::Tls(inner.to_string().into()))
}

fn io_source(error: &hyper::Error) -> Option<&io::Error> {
    let mut next = error.source();
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<io::Error>() {
            return Some(found);
        }
        next = error.source();
    }
    None
}
