//! What became of connections, counted for metrics.

use std::sync::{
    Arc,
    atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
};

use crate::pressure::Pressure;

/// Counts of the data port, which only grow but for `open`, and what ends connections early.
#[derive(Debug, Default)]
pub struct Traffic {
    pub open: AtomicUsize,
    pub accepted: AtomicU64,
    pub accept_errors: AtomicU64,
    pub over_cap: AtomicU64,
    pub over_client: AtomicU64,
    pub over_prefix: AtomicU64,
    pub tls_unexpected: AtomicU64,
    pub tls_missing: AtomicU64,
    pub proxy_unexpected: AtomicU64,
    pub proxy_missing: AtomicU64,
    pub proxy_malformed: AtomicU64,
    pub proxy_untrusted: AtomicU64,
    pub malformed: AtomicU64,
    pub too_slow: AtomicU64,
    /// Connections ended by a panic: a bug, never the process's end.
    pub panics: AtomicU64,
    pub handshakes: [AtomicU64; Handshake::ALL.len()],
    /// What the gateway is short of: answers end their connections then, and idle ones close.
    pub pressure: Arc<Pressure>,
}

/// Why a connection was ended, for a fault of its own or for want of room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Over the cap on all connections. Closed at once, as the next two are.
    OverCap,
    OverClient,
    OverPrefix,
    /// TLS on a plain port: closed without a byte, as all are that follow.
    TlsUnexpected,
    /// No TLS where it is spoken.
    TlsMissing,
    /// A PROXY header where none is read.
    ProxyUnexpected,
    /// No PROXY header where one is required.
    ProxyMissing,
    ProxyMalformed,
    /// A peer that may not send one.
    ProxyUntrusted,
    /// Not HTTP that could be answered by us: hyper answered or closed.
    Malformed,
    /// A head, or a reader, that took too long.
    TooSlow,
}

impl Refused {
    pub const ALL: [Self; 11] = [
        Self::OverCap,
        Self::OverClient,
        Self::OverPrefix,
        Self::TlsUnexpected,
        Self::TlsMissing,
        Self::ProxyUnexpected,
        Self::ProxyMissing,
        Self::ProxyMalformed,
        Self::ProxyUntrusted,
        Self::Malformed,
        Self::TooSlow,
    ];

    pub const fn word(self) -> &'static str {
        match self {
            Self::OverCap => "over_cap",
            Self::OverClient => "over_client",
            Self::OverPrefix => "over_prefix",
            Self::TlsUnexpected => "tls_unexpected",
            Self::TlsMissing => "tls_missing",
            Self::ProxyUnexpected => "proxy_unexpected",
            Self::ProxyMissing => "proxy_missing",
            Self::ProxyMalformed => "proxy_malformed",
            Self::ProxyUntrusted => "proxy_untrusted",
            Self::Malformed => "malformed",
            Self::TooSlow => "too_slow",
        }
    }
}

/// How a TLS handshake ended that a client had begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handshake {
    Full,
    /// With a ticket of an earlier connection.
    Resumed,
    /// No version, cipher or protocol in common.
    Incompatible,
    /// The client's certificate is missing, or not to be trusted.
    ClientCertificate,
    /// Asked for a name that has no certificate here.
    UnknownName,
    Malformed,
    /// The client refused: our certificate, mostly.
    Alert,
    /// The client left.
    Gone,
    /// Not done within the time for a first request.
    Timeout,
}

impl Handshake {
    pub const ALL: [Self; 9] = [
        Self::Full,
        Self::Resumed,
        Self::Incompatible,
        Self::ClientCertificate,
        Self::UnknownName,
        Self::Malformed,
        Self::Alert,
        Self::Gone,
        Self::Timeout,
    ];

    pub const fn word(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Resumed => "resumed",
            Self::Incompatible => "incompatible",
            Self::ClientCertificate => "client_certificate",
            Self::UnknownName => "unknown_name",
            Self::Malformed => "malformed",
            Self::Alert => "alert",
            Self::Gone => "gone",
            Self::Timeout => "timeout",
        }
    }
}

impl Traffic {
    /// The count of connections that were ended for this reason.
    pub const fn of(&self, refused: Refused) -> &AtomicU64 {
        match refused {
            Refused::OverCap => &self.over_cap,
            Refused::OverClient => &self.over_client,
            Refused::OverPrefix => &self.over_prefix,
            Refused::TlsUnexpected => &self.tls_unexpected,
            Refused::TlsMissing => &self.tls_missing,
            Refused::ProxyUnexpected => &self.proxy_unexpected,
            Refused::ProxyMissing => &self.proxy_missing,
            Refused::ProxyMalformed => &self.proxy_malformed,
            Refused::ProxyUntrusted => &self.proxy_untrusted,
            Refused::Malformed => &self.malformed,
            Refused::TooSlow => &self.too_slow,
        }
    }

    /// The count of handshakes that ended so.
    pub fn shaken(&self, outcome: Handshake) -> &AtomicU64 {
        &self.handshakes[outcome as usize]
    }

    pub(super) fn refuse(&self, refused: Refused) {
        count(self.of(refused));
    }
}

/// Adds one to a count.
pub(super) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Relaxed);
}
