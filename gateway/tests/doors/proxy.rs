//! The PROXY protocol before HTTP and before TLS.

use std::{net::Shutdown as Half, sync::atomic::Ordering, time::Duration};

use headrace_gateway::server::{
    Doors, Refused, Timing,
    proxy_protocol::{Header, write_v1, write_v2},
};

use crate::{
    GET,
    client::{Trusting, from},
    doors,
    edge_server::{Running, until_count},
    files::Authority,
    mirror,
};

/// Who may tell others' addresses, and one who may not.
const PROXY: &str = "127.0.0.2";
const STRANGER: &str = "127.0.0.3";

fn required() -> Doors {
    doors("proxy_protocol = \"required\"\ntrusted_proxies = [\"127.0.0.2\", \"10.0.0.0/8\"]")
}

fn told(source: &str) -> Header {
    let destination = if source.starts_with('[') { "[::2]:2" } else { "192.0.2.1:2" };
    Header::Tcp { source: source.parse().unwrap(), destination: destination.parse().unwrap() }
}

#[test]
fn the_address_that_is_told_is_the_client() {
    let server = mirror(required());
    let from_v1 = |source: &str| write_v1(&told(source));
    let from_v2 = |source: &str| write_v2(&told(source), &[4, 0, 1, 0]).unwrap();
    let local = b"\r\n\r\n\0\r\nQUIT\n\x20\x00\x00\x05extra".to_vec();
    for (name, header, seen) in [
        ("version 1", from_v1("198.51.100.7:1"), "198.51.100.7 false -"),
        ("version 1, IPv6", from_v1("[2001:db8::7]:1"), "2001:db8::7 false -"),
        ("version 2", from_v2("198.51.100.7:1"), "198.51.100.7 false -"),
        ("version 2, IPv6", from_v2("[2001:db8::7]:1"), "2001:db8::7 false -"),
        ("another proxy", from_v2("10.1.2.3:1"), "10.1.2.3 true -"),
        ("a health check, with a payload", local, "127.0.0.2 false -"),
        ("unknown", write_v1(&Header::Unknown), "127.0.0.2 false -"),
        ("unspecified", write_v2(&Header::Unknown, b"x").unwrap(), "127.0.0.2 false -"),
    ] {
        let mut raw = from(PROXY, server.address);
        raw.send(&[&header, GET].concat());
        assert_eq!(raw.read().body, seen, "{name}");
        raw.send(GET);
        assert_eq!(raw.read().body, seen, "{name}: for all its requests");
        let mut slow = from(PROXY, server.address);
        slow.stream.set_nodelay(true).unwrap();
        header.iter().for_each(|byte| slow.send(&[*byte]));
        slow.send(GET);
        assert_eq!(slow.read().body, seen, "{name}: byte by byte");
    }
}

/// Closed without a byte, and counted as `refused`.
fn check(server: &Running, ip: &str, first: &[u8], refused: Refused) {
    let counter = server.traffic.of(refused);
    let before = counter.load(Ordering::Relaxed);
    let mut raw = from(ip, server.address);
    // A server that has closed already may have reset this.
    drop(std::io::Write::write_all(&mut raw.stream, first));
    drop(raw.stream.shutdown(Half::Write));
    assert!(raw.is_closed(), "{refused:?} {first:?}");
    until_count(refused.word(), counter, before + 1);
}

#[test]
fn what_is_no_header_of_a_trusted_proxy_is_closed_without_a_byte() {
    let server = mirror(required());
    let v2 = write_v2(&told("198.51.100.7:1"), b"").unwrap();
    let long = [&v2[..14], &5000_u16.to_be_bytes(), &[0; 5000]].concat();
    check(&server, STRANGER, &v2, Refused::ProxyUntrusted);
    check(&server, STRANGER, GET, Refused::ProxyUntrusted);
    check(&server, PROXY, GET, Refused::ProxyMissing);
    check(&server, PROXY, b"\x16\x03\x01\x02\x00", Refused::ProxyMissing);
    check(&server, PROXY, b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\n", Refused::ProxyMalformed);
    check(&server, PROXY, &v2[..20], Refused::ProxyMalformed);
    check(&server, PROXY, &long, Refused::ProxyMalformed);
    let twice = [&v2, &v2[..]].concat();
    check(&server, PROXY, &twice, Refused::ProxyUnexpected);
}

#[test]
fn a_header_that_is_not_done_in_time_is_closed() {
    let timing = Timing { head: Duration::from_millis(50), ..Timing::default() };
    let server = mirror(Doors { timing, ..required() });
    for (done, first) in (1..).zip([&b""[..], b"PROX", b"PROXY UNKNOWN", b"\r\n\r\n\0\r\nQUIT\n"]) {
        let mut raw = from(PROXY, server.address);
        raw.send(first);
        assert!(raw.is_closed());
        until_count("it is counted", &server.traffic.too_slow, done);
    }
}

#[test]
fn tls_comes_after_the_header() {
    let authority = Authority::new("proxy");
    let tls = authority.table("a", &["a.test"], "");
    let tls = doors(&format!("tls = {tls}")).tls;
    let server = mirror(Doors { tls, ..required() });
    let client = Trusting::new(&authority, None);
    let mut raw = from(PROXY, server.address);
    raw.send(&write_v1(&told("198.51.100.7:1")));
    let mut secure = client.over(raw.stream, "a.test").unwrap();
    assert_eq!(secure.ask(GET).unwrap(), (200, "198.51.100.7 false a.test".to_owned()));
    let mut raw = from(PROXY, server.address);
    raw.send(&[&write_v1(&told("198.51.100.7:1")), GET].concat());
    assert!(raw.is_closed());
    until_count("plain text where TLS is due", &server.traffic.tls_missing, 1);
}
