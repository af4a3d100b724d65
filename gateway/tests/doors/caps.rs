//! How many connections one peer may have, and all of them.

use std::time::Duration;

use headrace_gateway::{
    config::PeerCap,
    server::{
        Doors, Shutdown, Timing,
        proxy_protocol::{Header, write_v1, write_v2},
    },
};

use crate::{
    GET, Mirror,
    client::from,
    edge_server::{Running, serve_with, until_count},
    mirror,
    raw::{Raw, until},
};

fn cap(most: u32) -> Option<PeerCap> {
    Some(PeerCap { most, written: true })
}

fn plain() -> Doors {
    Doors::plain(64, Timing::default())
}

/// A connection that has been answered once; `None` for one that is closed at once.
fn held(server: &Running, ip: &str, first: &[u8]) -> Option<Raw> {
    let mut raw = from(ip, server.address);
    // A server that has closed already may have reset this.
    drop(std::io::Write::write_all(&mut raw.stream, &[first, GET].concat()));
    (raw.read().status == 200).then_some(raw)
}

#[test]
fn an_address_holds_no_more_than_its_share_and_gets_it_back() {
    let server = mirror(Doors { per_client: cap(2), ..plain() });
    let mine: Vec<_> = (0..2).map(|_| held(&server, "127.0.0.1", b"").unwrap()).collect();
    assert!(held(&server, "127.0.0.1", b"").is_none());
    until_count("it is counted", &server.traffic.over_client, 1);
    assert!(held(&server, "127.0.0.2", b"").is_some(), "another has its own");
    drop(mine);
    until("the share is given back", || held(&server, "127.0.0.1", b"").is_some());
}

#[test]
fn a_prefix_holds_no_more_than_its_share() {
    let server = mirror(Doors { per_prefix: cap(2), ..plain() });
    let _held =
        [held(&server, "127.0.0.1", b"").unwrap(), held(&server, "127.0.0.2", b"").unwrap()];
    assert!(held(&server, "127.0.0.3", b"").is_none());
    until_count("it is counted", &server.traffic.over_prefix, 1);
    assert!(held(&server, "127.0.1.1", b"").is_some());
}

#[test]
fn trusted_proxies_are_exempt_and_have_room_beyond_the_cap_for_health_checks() {
    let trusted = vec!["127.0.0.2/32".parse().unwrap()];
    let doors = Doors { connections: 1, per_client: cap(1), trusted, ..plain() };
    let server = mirror(doors);
    let _held = held(&server, "127.0.0.1", b"").unwrap();
    assert!(held(&server, "127.0.0.1", b"").is_none(), "the server is full");
    until_count("it is counted", &server.traffic.over_cap, 1);
    let probes = (0..10).map(|_| held(&server, "127.0.0.2", b"").unwrap()).collect::<Vec<_>>();
    assert_eq!(probes.len(), 10);
}

#[test]
fn caps_hold_for_the_address_that_a_proxy_tells() {
    let trusted = vec!["127.0.0.2/32".parse().unwrap()];
    let doors = Doors { per_client: cap(2), trusted, proxy_protocol: true, ..plain() };
    let server = mirror(doors);
    let tell = |ip: &str| {
        let source = format!("{ip}:1").parse().unwrap();
        let header = Header::Tcp { source, destination: "192.0.2.1:2".parse().unwrap() };
        held(&server, "127.0.0.2", &write_v2(&header, b"").unwrap())
    };
    let _held = [tell("198.51.100.7").unwrap(), tell("198.51.100.7").unwrap()];
    assert!(tell("198.51.100.7").is_none());
    until_count("it is counted", &server.traffic.over_client, 1);
    assert!(tell("198.51.100.8").is_some());
}

#[test]
fn a_full_gateway_answers_the_health_checks_of_a_proxy_and_not_its_clients() {
    let trusted = vec!["127.0.0.2/32".parse().unwrap()];
    let server = mirror(Doors { connections: 1, trusted, proxy_protocol: true, ..plain() });
    let client = write_v1(&Header::Tcp {
        source: "198.51.100.7:1".parse().unwrap(),
        destination: "192.0.2.1:2".parse().unwrap(),
    });
    let check = write_v2(&Header::Local, b"").unwrap();
    let _held = held(&server, "127.0.0.2", &client).unwrap();
    assert!(held(&server, "127.0.0.2", &client).is_none());
    until_count("it is counted", &server.traffic.over_cap, 1);
    assert!(held(&server, "127.0.0.2", &check).is_some());
}

#[test]
fn idle_connections_give_way_while_room_is_scarce() {
    let crowded = Duration::from_millis(50);
    let timing = Timing { crowded, linger: crowded, ..Timing::default() };
    let server = serve_with(Doors::plain(10, timing), Shutdown::default(), |_| Mirror);
    let mut idle: Vec<_> = (0..9).map(|_| held(&server, "127.0.0.1", b"").unwrap()).collect();
    for raw in &mut idle {
        assert!(raw.is_closed(), "nine of ten places are taken");
    }
    until("with room, idle connections stay", || {
        let raw = held(&server, "127.0.0.1", b"").unwrap();
        raw.stream.set_read_timeout(Some(crowded * 4)).unwrap();
        let heard = std::io::Read::read(&mut &raw.stream, &mut [0]);
        heard.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
    });
}
