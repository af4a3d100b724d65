//! The terms that a connection comes in under: what must come before HTTP, who is believed,
//! and how many there may be. Each connection keeps those that held when it came; a reload
//! changes them for the next ones.

use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use ipnet::IpNet;
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{
    client::address::{canonical, is_trusted},
    config::PeerCap,
    gateway::Protocol,
    server::{
        Link, Timing,
        peers::{Caps, Prefix},
    },
    tls::Tls,
    topology::Topology,
};

/// Handshakes at once.
const HANDSHAKES: usize = 1024;
/// Of them, those of one prefix.
const HANDSHAKES_OF_PREFIX: usize = 16;
/// Places beyond the cap for trusted proxies, so that a balancer's health checks are
/// answered by a gateway that is full: else it would take all of them out at once.
const PROBES: usize = 64;

/// The terms.
#[derive(Clone, Debug)]
pub struct Doors {
    /// Connections in all.
    pub connections: usize,
    pub per_client: Option<PeerCap>,
    pub per_prefix: Option<PeerCap>,
    /// Peers that are believed when they tell a client's address.
    pub trusted: Vec<IpNet>,
    /// Every connection begins with a PROXY header.
    pub proxy_protocol: bool,
    pub tls: Option<Arc<Tls>>,
    pub timing: Timing,
}

impl Doors {
    /// Plain HTTP for anybody.
    pub fn plain(connections: usize, timing: Timing) -> Self {
        Self {
            connections,
            per_client: None,
            per_prefix: None,
            trusted: Vec::new(),
            proxy_protocol: false,
            tls: None,
            timing,
        }
    }

    /// As the config in force says.
    pub fn of(topology: &Topology, connections: usize) -> Self {
        let (server, limits) = (&topology.config.server, &topology.config.limits);
        Self {
            connections,
            per_client: Some(limits.connections_per_client),
            per_prefix: Some(limits.connections_per_prefix),
            trusted: server.trusted_proxies.clone(),
            proxy_protocol: server.proxy_protocol,
            tls: topology.tls.clone(),
            timing: Timing { idle: server.idle.time(), ..Timing::default() },
        }
    }

    /// Whether HTTP begins with the first byte.
    pub(super) fn are_open(&self) -> bool {
        !self.proxy_protocol && self.tls.is_none()
    }

    pub(super) fn trust(&self, ip: IpAddr) -> bool {
        is_trusted(canonical(ip), &self.trusted)
    }

    /// What is known of a connection by its peer alone.
    pub(super) fn link(&self, peer: SocketAddr) -> Link {
        let trusted = self.trust(peer.ip());
        Link { peer, trusted, server_name: None, protocol: Protocol::H1, room: None }
    }

    /// Connections in all, as far as this peer is concerned.
    pub(super) fn room(&self, link: &Link) -> usize {
        self.connections + if self.trust(link.peer.ip()) { PROBES } else { 0 }
    }

    /// The caps that hold for this peer: none for proxies, which pass on many clients.
    pub(super) fn caps(&self, link: &Link) -> Caps {
        let cap = |cap: Option<PeerCap>| {
            let holds = |cap: &PeerCap| {
                !self.trust(link.peer.ip()) && (cap.written || !is_loopback(link.peer.ip()))
            };
            cap.filter(holds).map(|cap| cap.most)
        };
        Caps { client: cap(self.per_client), prefix: cap(self.per_prefix) }
    }
}

fn is_loopback(ip: IpAddr) -> bool {
    ip.to_canonical().is_loopback()
}

/// The handshakes under way. Who finds none free waits, within the time for a first request.
#[derive(Debug)]
pub(super) struct Handshakes {
    all: Arc<Semaphore>,
    /// Of prefixes that have one under way or waiting.
    prefixes: Mutex<HashMap<Prefix, Arc<Semaphore>>>,
}

impl Default for Handshakes {
    fn default() -> Self {
        Self { all: Arc::new(Semaphore::new(HANDSHAKES)), prefixes: Mutex::default() }
    }
}

impl Handshakes {
    /// Waits for a turn; peers without caps only have the bound in all. `None` never comes:
    /// the semaphores are not closed.
    pub async fn turn(self: &Arc<Self>, link: &Link, caps: Caps) -> Option<Turn> {
        let lane = (caps != Caps::default()).then(|| self.lane(Prefix::of(link.peer.ip())));
        // In this order: who waits for its prefix must not hold one of all.
        let of_prefix = match &lane {
            Some(lane) => Some(Arc::clone(&lane.semaphore).acquire_owned().await.ok()?),
            None => None,
        };
        let of_all = Arc::clone(&self.all).acquire_owned().await.ok()?;
        Some(Turn { _of_all: of_all, _of_prefix: of_prefix, _lane: lane })
    }

    fn lane(self: &Arc<Self>, prefix: Prefix) -> Lane {
        let mut prefixes = self.prefixes.lock();
        let new = || Arc::new(Semaphore::new(HANDSHAKES_OF_PREFIX));
        let semaphore = Arc::clone(prefixes.entry(prefix).or_insert_with(new));
        Lane { handshakes: Arc::clone(self), prefix, semaphore }
    }
}

/// Ends with the handshake. Its parts are given back in this order.
#[derive(Debug)]
pub(super) struct Turn {
    _of_all: OwnedSemaphorePermit,
    _of_prefix: Option<OwnedSemaphorePermit>,
    _lane: Option<Lane>,
}

/// A prefix's semaphore in use; the last user takes it out of the table.
#[derive(Debug)]
struct Lane {
    handshakes: Arc<Handshakes>,
    prefix: Prefix,
    semaphore: Arc<Semaphore>,
}

impl Drop for Lane {
    fn drop(&mut self) {
        let mut prefixes = self.handshakes.prefixes.lock();
        // The table's and ours; a new user would have to lock the table first.
        if Arc::strong_count(&self.semaphore) == 2 {
            prefixes.remove(&self.prefix);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    fn doors(written: bool) -> Doors {
        let cap = Some(PeerCap { most: 7, written });
        let trusted = vec!["10.0.0.0/8".parse().unwrap()];
        let plain = Doors::plain(100, Timing::default());
        Doors { per_client: cap, per_prefix: cap, trusted, ..plain }
    }

    fn link(doors: &Doors, ip: &str) -> Link {
        doors.link(SocketAddr::new(ip.parse().unwrap(), 1))
    }

    #[test]
    fn caps_spare_proxies_always_and_loopback_unless_they_are_written() {
        for (ip, written, most) in [
            ("192.0.2.1", false, Some(7)),
            ("10.1.2.3", false, None),
            ("10.1.2.3", true, None),
            ("::ffff:10.1.2.3", true, None),
            ("127.0.0.1", false, None),
            ("::1", false, None),
            ("127.0.0.1", true, Some(7)),
        ] {
            let doors = doors(written);
            let expected = Caps { client: most, prefix: most };
            assert_eq!(doors.caps(&link(&doors, ip)), expected, "{ip} {written}");
        }
    }

    #[test]
    fn a_full_gateway_still_has_room_for_health_checks() {
        let doors = doors(false);
        for (ip, room) in [("192.0.2.1", 100), ("10.0.0.1", 164), ("127.0.0.1", 100)] {
            assert_eq!(doors.room(&link(&doors, ip)), room, "{ip}");
        }
    }

    #[test]
    fn a_prefix_has_its_share_of_the_handshakes_and_is_forgotten_after_them() {
        let handshakes = Arc::new(Handshakes::default());
        let doors = doors(false);
        let turn = |ip: &str| {
            let link = link(&doors, ip);
            handshakes.turn(&link, doors.caps(&link)).now_or_never().flatten()
        };
        let held: Vec<_> = (0..HANDSHAKES_OF_PREFIX).filter_map(|_| turn("192.0.2.1")).collect();
        assert_eq!(held.len(), HANDSHAKES_OF_PREFIX);
        assert!(turn("192.0.2.200").is_none(), "the same prefix waits");
        assert!(turn("192.0.3.1").is_some(), "another has its own");
        let proxies: Vec<_> = (0..HANDSHAKES).filter_map(|_| turn("10.0.0.1")).collect();
        assert_eq!(proxies.len(), HANDSHAKES - HANDSHAKES_OF_PREFIX);
        assert!(turn("192.0.3.1").is_none(), "all are taken");
        drop((held, proxies));
        assert!(turn("192.0.2.200").is_some());
        assert!(handshakes.prefixes.lock().is_empty());
    }
}
