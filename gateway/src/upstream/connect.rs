//! Opening one connection: resolve, race the addresses, set the socket up,
//! shake hands.
//!
//! Happy eyeballs in short (RFC 8305): the addresses alternate between the
//! families, beginning with the one that worked last; the next one starts when
//! one fails or after 250 ms, and the first that connects wins.

use std::{
    io,
    net::SocketAddr,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    time::Duration,
};

use futures_util::{StreamExt, stream::FuturesUnordered};
use socket2::{SockRef, TcpKeepalive};
use tokio::{
    net::TcpStream,
    time::{Instant, timeout, timeout_at},
};

use super::{
    address::{self, Addresses},
    error::{self, Fault, UpstreamError},
    tls::Tls,
    wire::{Socket, Wire},
};

/// Head start of an address before the next one is tried beside it (RFC 8305, section 5).
const STAGGER: Duration = Duration::from_millis(250);
/// Written bytes that stay unacknowledged for so long end the connection: a node whose
/// packets are dropped sends no reset.
const UNACKNOWLEDGED: Duration = Duration::from_secs(10);
/// Idle before the kernel asks whether the peer is there, and between asking.
const KEEPALIVE: Duration = Duration::from_secs(15);

/// Where and how to connect.
pub(super) struct Target {
    pub host: String,
    pub port: u16,
    pub tls: Option<Tls>,
    /// Bound on resolving, connecting and shaking hands together.
    pub timeout: Duration,
    /// IPv6 worked last: begin with it. Resolvers put it first too.
    pub prefer_v6: AtomicBool,
}

impl Target {
    /// A connection ready for its first request. Nothing of a request is sent.
    pub async fn open(&self, deadline: Instant) -> Result<Wire, UpstreamError> {
        let by = deadline.min(Instant::now() + self.timeout);
        match timeout_at(by, self.reach()).await {
            Ok(Ok(wire)) => Ok(wire),
            Ok(Err(fault)) => Err(UpstreamError::unsent(fault)),
            Err(_) => Err(UpstreamError::unsent(Fault::ConnectTimeout)),
        }
    }

    async fn reach(&self) -> Result<Wire, Fault> {
        let addresses = address::resolve(&self.host, self.port).await?;
        let stream = race(alternate(addresses, self.prefer_v6.load(Relaxed))).await?;
        if let Ok(peer) = stream.peer_addr() {
            self.prefer_v6.store(peer.is_ipv6(), Relaxed);
        }
        set_up(&stream).map_err(|error| error::connecting(&error))?;
        let socket = Socket { stream, seen: Default::default() };
        let Some(tls) = &self.tls else {
            return Ok(Wire::Plain(socket));
        };
        let shaken = tls.connector.connect(tls.name.clone(), socket).await;
        shaken.map(|stream| Wire::Tls(Box::new(stream))).map_err(|e| error::handshaking(&e))
    }
}

/// Alternates families, the preferred one first, keeping the order inside each.
fn alternate(addresses: Addresses, prefer_v6: bool) -> Addresses {
    let (first, second): (Addresses, Addresses) =
        addresses.into_iter().partition(|address| address.is_ipv6() == prefer_v6);
    let mut merged = Addresses::new();
    for place in 0..first.len().max(second.len()) {
        merged.extend(first.get(place).copied());
        merged.extend(second.get(place).copied());
    }
    merged
}

async fn race(addresses: Addresses) -> Result<TcpStream, Fault> {
    let mut waiting = addresses.into_iter();
    let mut running = FuturesUnordered::new();
    let mut fault = Fault::Dns;
    loop {
        running.extend(waiting.next().map(dial));
        match timeout(STAGGER, running.next()).await {
            Ok(Some(Ok(stream))) => return Ok(stream),
            Ok(Some(Err(error))) => fault = error::connecting(&error),
            Ok(None) => return Err(fault),
            Err(_) => {}
        }
    }
}

async fn dial(address: SocketAddr) -> io::Result<TcpStream> {
    TcpStream::connect(address).await
}

fn set_up(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let socket = SockRef::from(stream);
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(UNACKNOWLEDGED))?;
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE).with_interval(KEEPALIVE);
    socket.set_tcp_keepalive(&keepalive)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(addresses: &str, prefer_v6: bool, want: &str) {
        let parse = |text: &str| -> Addresses {
            text.split_whitespace().map(|address| address.parse().unwrap()).collect()
        };
        assert_eq!(alternate(parse(addresses), prefer_v6), parse(want));
    }

    #[test]
    fn addresses_alternate_between_families_with_the_last_good_one_first() {
        check("[::1]:1 [::2]:1 1.1.1.1:1", true, "[::1]:1 1.1.1.1:1 [::2]:1");
        check("[::1]:1 [::2]:1 1.1.1.1:1", false, "1.1.1.1:1 [::1]:1 [::2]:1");
        check("1.1.1.1:1 2.2.2.2:1", true, "1.1.1.1:1 2.2.2.2:1");
        check("", true, "");
    }
}
