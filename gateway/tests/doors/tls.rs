//! TLS to clients: versions, protocols, names, certificates, and who does not speak it.

use std::{io, sync::Arc, time::Duration};

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use rustls::{AlertDescription, Error, version};
use rustls_pki_types::ServerName;
use tokio_rustls::TlsConnector;

use headrace_gateway::server::{Doors, Handshake, Refused, Timing};

use crate::{
    GET,
    client::{Secure, Trusting},
    doors,
    edge_h2::H2,
    edge_server::{Running, Setup, until_count},
    files::Authority,
    fleet::Lines,
    mirror,
};

/// A server with one certificate, the default one, for `a.test`.
fn server(name: &str) -> (Authority, Running) {
    let authority = Authority::new(name);
    let server = mirror(doors(&format!("tls = {}", authority.table("a", &["a.test"], ""))));
    (authority, server)
}

fn counted(server: &Running, outcome: Handshake, count: u64) {
    until_count(outcome.word(), server.traffic.shaken(outcome), count);
}

/// Why a handshake, or the first request after it, was refused.
fn alert(outcome: io::Result<Secure>) -> AlertDescription {
    let asked = outcome.and_then(|mut secure| secure.ask(GET));
    let error = asked.err().unwrap();
    match error.get_ref().and_then(|inner| inner.downcast_ref()) {
        Some(Error::AlertReceived(alert)) => *alert,
        _ => panic!("{error:?}"),
    }
}

#[test]
fn both_versions_are_spoken_and_sessions_resumed() {
    let (authority, server) = server("versions");
    for version in [&version::TLS12, &version::TLS13] {
        let client = Trusting::of(&authority, None, &[version]);
        for _ in 0..2 {
            let mut secure = client.connect(server.address, "a.test").unwrap();
            assert_eq!(secure.ask(GET).unwrap(), (200, "127.0.0.1 false a.test".to_owned()));
            assert_eq!(secure.0.conn.protocol_version(), Some(version.version));
        }
    }
    counted(&server, Handshake::Full, 2);
    counted(&server, Handshake::Resumed, 2);
}

#[test]
fn protocols_are_chosen_by_our_preference_or_refused() {
    let (authority, server) = server("alpn");
    for (offered, chosen) in [
        (&["http/1.1", "h2"][..], Some("h2")),
        (&["http/1.1"], Some("http/1.1")),
        (&["http/1.0", "http/1.1"], Some("http/1.1")),
        (&[], None),
    ] {
        let client = Trusting::new(&authority, None).speaking(offered);
        let secure = client.connect(server.address, "a.test").unwrap();
        let found = secure.0.conn.alpn_protocol().map(|name| std::str::from_utf8(name).unwrap());
        assert_eq!(found, chosen, "{offered:?}");
    }
    let client = Trusting::new(&authority, None).speaking(&["h3"]);
    let refused = alert(client.connect(server.address, "a.test"));
    assert_eq!(refused, AlertDescription::NoApplicationProtocol);
    counted(&server, Handshake::Incompatible, 1);
    let client = Trusting::new(&authority, None).speaking(&["h2"]);
    let mut secure = client.connect(server.address, "a.test").unwrap();
    assert!(secure.ask(GET).is_err(), "HTTP/1.1 where HTTP/2 was chosen");
    until_count("it is counted", server.traffic.of(Refused::Malformed), 1);
}

#[test]
fn names_have_their_certificates_and_unknown_ones_an_alert() {
    let authority = Authority::new("names");
    let a = authority.table("a", &["a.test"], ", names = [\"a.test\"]");
    let below = authority.table("b", &["*.b.test"], ", names = [\"*.b.test\"]");
    let only_named = mirror(doors(&format!("tls = [{a}, {below}]")));
    let client = Trusting::new(&authority, None);
    for name in ["a.test", "x.b.test"] {
        client.connect(only_named.address, name).unwrap();
    }
    for name in ["c.test", "b.test", "x.y.b.test", "127.0.0.1"] {
        let refused = alert(client.connect(only_named.address, name));
        assert_eq!(refused, AlertDescription::UnrecognisedName, "{name}");
    }
    counted(&only_named, Handshake::UnknownName, 4);
    let default = authority.table("c", &["c.test", "127.0.0.1"], "");
    let server = mirror(doors(&format!("tls = [{a}, {default}]")));
    let shown = |name| client.connect(server.address, name).unwrap().shown();
    assert_eq!(shown("c.test"), shown("127.0.0.1"), "the default");
    assert_ne!(shown("c.test"), shown("a.test"));
}

#[test]
fn a_request_for_another_host_than_the_name_is_misdirected() {
    let authority = Authority::new("misdirected");
    let lines = format!("tls = {}", authority.table("a", &["a.test", "127.0.0.1"], ""));
    let lines = Lines { server: lines, ..Lines::default() };
    let server = Setup { lines, ..Setup::default() }.start();
    let client = Trusting::new(&authority, None);
    for (name, host, status) in [
        ("a.test", "a.test", 200),
        ("a.test", "A.test:8545", 200),
        ("a.test", "b.test", 421),
        ("127.0.0.1", "b.test", 200),
    ] {
        let mut secure = client.connect(server.address, name).unwrap();
        let request = format!("GET /eth HTTP/1.1\r\nHost: {host}\r\n\r\n");
        assert_eq!(secure.ask(request.as_bytes()).unwrap().0, status, "{name} {host}");
    }
}

#[test]
fn clients_show_certificates_of_the_authority_where_one_is_named() {
    let authority = Authority::new("mutual");
    let ca = format!(", client_ca = \"{}\"", authority.folder.join("ca.pem").display());
    let server = mirror(doors(&format!("tls = {}", authority.table("a", &["a.test"], &ca))));
    for version in [&version::TLS12, &version::TLS13] {
        let client = |shown| Trusting::of(&authority, shown, &[version]);
        let mut secure = client(Some(authority.shown())).connect(server.address, "a.test").unwrap();
        assert_eq!(secure.ask(GET).unwrap().0, 200);
        let none = alert(client(None).connect(server.address, "a.test"));
        let required = [AlertDescription::CertificateRequired, AlertDescription::HandshakeFailure];
        assert!(required.contains(&none), "{none:?}");
        let stranger = Authority::new("stranger").shown();
        let unknown = alert(client(Some(stranger)).connect(server.address, "a.test"));
        // The stranger bears the same name: its signature shows that it is another.
        let strange = [AlertDescription::UnknownCA, AlertDescription::DecryptError];
        assert!(strange.contains(&unknown), "{unknown:?}");
    }
    counted(&server, Handshake::ClientCertificate, 4);
    counted(&server, Handshake::Full, 2);
}

/// The extensions: ECDSA with P-256 and SHA-256 (RFC 8446, 4.2.3).
const SIGNATURES: [u8; 10] = [0, 8, 0, 13, 0, 4, 0, 2, 4, 3];

/// A ClientHello with this version and these ciphers, and one signature algorithm.
fn hello(version: u8, ciphers: &[u8]) -> Vec<u8> {
    let length = [u8::try_from(ciphers.len()).unwrap()];
    let body =
        [&[3, version][..], &[7; 32], &[0, 0], &length, ciphers, &[1, 0], &SIGNATURES].concat();
    let message = [&[1, 0, 0, u8::try_from(body.len()).unwrap()], &body[..]].concat();
    [&[22, 3, 1, 0, u8::try_from(message.len()).unwrap()], &message[..]].concat()
}

#[test]
fn hellos_that_we_cannot_answer_get_an_alert() {
    let (_, server) = server("hellos");
    let large = [22, 3, 1, 0x40, 0, 1, 0, 0x40, 1];
    for (name, bytes, alert, outcome) in [
        ("TLS 1.1", hello(2, &[0xc0, 0x2b]), 70, Handshake::Incompatible),
        ("no cipher in common", hello(3, &[0, 5]), 40, Handshake::Incompatible),
        ("too large", large.to_vec(), 50, Handshake::Malformed),
        ("no hello", vec![22, 3, 1, 0, 4, 2, 0, 0, 0], 50, Handshake::Malformed),
        ("nonsense", vec![22, 3, 1, 0, 6, 1, 0, 0, 2, 9, 9], 50, Handshake::Malformed),
    ] {
        let counter = server.traffic.shaken(outcome);
        let before = counter.load(std::sync::atomic::Ordering::Relaxed);
        let mut raw = server.connect();
        raw.send(&bytes);
        let mut seen = Vec::new();
        // A reset after it says nothing more.
        drop(std::io::Read::read_to_end(&mut raw.stream, &mut seen));
        assert_eq!(seen, [21, 3, 3, 0, 2, 2, alert], "{name}");
        until_count(name, counter, before + 1);
    }
}

#[test]
fn plain_text_is_closed_without_a_byte() {
    let (_, server) = server("plain");
    for first in [GET, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"PROXY UNKNOWN\r\n"] {
        let mut raw = server.connect();
        raw.send(first);
        assert!(raw.is_closed());
    }
    until_count("they are counted", &server.traffic.tls_missing, 3);
}

#[test]
fn one_deadline_holds_for_hello_handshake_and_head() {
    let authority = Authority::new("deadline");
    let timing = Timing { head: Duration::from_millis(500), ..Timing::default() };
    let doors = doors(&format!("tls = {}", authority.table("a", &["a.test"], "")));
    let server = mirror(Doors { timing, ..doors });
    let too_slow = &server.traffic.too_slow;
    let mut silent = server.connect();
    assert!(silent.is_closed());
    until_count("a silent one", too_slow, 1);
    let mut dripping = server.connect();
    let whole = hello(3, &[0xc0, 0x2b]);
    dripping.send(&whole[..20]);
    assert!(dripping.is_closed());
    until_count("a hello in part", too_slow, 2);
    assert_eq!(
        server.traffic.shaken(Handshake::Timeout).load(std::sync::atomic::Ordering::Relaxed),
        0
    );
    // TLS 1.2 with P-256: the server waits for the client's key after this.
    let mut half = server.connect();
    half.send(&modern_hello());
    until_count("a handshake in part", too_slow, 3);
    counted(&server, Handshake::Timeout, 1);
    let client = Trusting::new(&authority, None);
    let mut secure = client.connect(server.address, "a.test").unwrap();
    std::io::Write::write_all(&mut secure.0, b"GET / HT").unwrap();
    until_count("a head in part", too_slow, 4);
}

/// The ClientHello of a real client.
fn modern_hello() -> Vec<u8> {
    let authority = Authority::new("hello");
    let config = Arc::new(Trusting::new(&authority, None).config);
    let name = ServerName::try_from("a.test").unwrap();
    let mut session = rustls::ClientConnection::new(config, name).unwrap();
    let mut bytes = Vec::new();
    session.write_tls(&mut bytes).unwrap();
    bytes
}

#[tokio::test]
async fn http_2_is_spoken_over_tls() {
    let (authority, server) = server("h2");
    let client = Trusting::new(&authority, None).speaking(&["h2", "http/1.1"]);
    let stream = tokio::net::TcpStream::connect(server.address).await.unwrap();
    let name = ServerName::try_from("a.test").unwrap();
    let connector = TlsConnector::from(Arc::new(client.config));
    let mut client = H2::over(connector.connect(name, stream).await.unwrap()).await;
    for _ in 0..3 {
        let request = Request::get("https://a.test/").body(Full::<Bytes>::default()).unwrap();
        let answer = client.ask(request).await.unwrap();
        assert_eq!(&answer.body()[..], b"127.0.0.1 false a.test");
    }
}

#[test]
fn long_answers_pass_whole_and_slowly_read_ones_too() {
    let authority = Authority::new("long");
    let doors = doors(&format!("tls = {}", authority.table("a", &["a.test"], "")));
    let shutdown = headrace_gateway::server::Shutdown::default();
    let server = crate::edge_server::serve_with(doors, shutdown, |_| Long);
    let client = Trusting::new(&authority, None);
    let mut secure = client.connect(server.address, "a.test").unwrap();
    for _ in 0..2 {
        let (status, body) = secure.ask(GET).unwrap();
        assert_eq!((status, body.len()), (200, LENGTH));
        assert!(body.bytes().enumerate().all(|(at, byte)| byte == b'a' + (at % 26) as u8));
    }
}

const LENGTH: usize = 300_000;

/// Answers with more than TLS buffers.
#[derive(Clone)]
struct Long;

impl headrace_gateway::server::Serve for Long {
    async fn answer(
        self,
        _: Request<hyper::body::Incoming>,
        _: headrace_gateway::server::Link,
    ) -> Result<http::Response<headrace_gateway::server::Reply>, headrace_gateway::server::Abort>
    {
        let text: Vec<u8> = (0..LENGTH).map(|at| b'a' + (at % 26) as u8).collect();
        Ok(http::Response::new(headrace_gateway::server::Reply::text(text)))
    }
}
