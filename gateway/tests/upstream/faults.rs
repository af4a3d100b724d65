//! Each fault is told apart, and `sent` is exact.

use std::{io::ErrorKind, pin::pin, time::Duration};

use headrace_gateway::upstream::{Exhausted, Fault, HttpClient, Options, UpstreamError};
use tokio::net::{TcpListener, TcpStream};

use super::node::{LONG, Node, SHORT, call, check, endpoint, fail, once, read_request};

async fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap().port()
}

fn client(host: &str, port: u16) -> HttpClient {
    HttpClient::new(&Options::new(endpoint(host, port))).unwrap()
}

#[tokio::test]
async fn a_refused_connection_sends_nothing() {
    let client = client("127.0.0.1", free_port().await);
    let error = fail(&client, LONG).await;
    check(&error, Fault::ConnectRefused, false);
    assert!(error.is_connect() && !error.is_local());
    let stats = client.stats();
    assert_eq!((stats.open, stats.opened, stats.failed), (0, 0, 1));
}

#[tokio::test]
async fn connecting_is_bounded_with_its_handshake() {
    let node = Node::deaf().await;
    let mut options = node.options();
    options.endpoint.tls = true;
    options.connect_timeout = SHORT;
    let client = HttpClient::new(&options).unwrap();
    check(&fail(&client, LONG).await, Fault::ConnectTimeout, false);
    assert_eq!(client.stats().open, 0);
}

#[tokio::test]
async fn an_unknown_name_is_a_dns_fault() {
    let mut options = Options::new(endpoint("no-such-node.invalid", 80));
    options.connect_timeout = LONG;
    check(&fail(&HttpClient::new(&options).unwrap(), LONG).await, Fault::Dns, false);
}

#[tokio::test]
async fn metadata_addresses_are_never_connected_to() {
    for host in ["169.254.169.254", "0.0.0.0", "fd00:ec2::254", "::ffff:169.254.169.254"] {
        let error = fail(&client(host, 80), LONG).await;
        check(&error, Fault::ForbiddenAddress(host.parse().unwrap()), false);
    }
}

#[tokio::test]
async fn a_close_before_the_reply_was_sent() {
    let node = Node::closing("").await;
    check(&fail(&node.client(), LONG).await, Fault::Closed, true);
}

#[tokio::test]
async fn a_reset_is_told_from_a_close() {
    let node = Node::new(|mut stream: TcpStream, _| async move {
        read_request(&mut stream).await;
        stream.set_zero_linger().unwrap();
    })
    .await;
    check(&fail(&node.client(), LONG).await, Fault::Reset, true);
}

#[tokio::test]
async fn silence_is_a_head_timeout() {
    let node = Node::silent().await;
    let client = node.client();
    check(&fail(&client, SHORT).await, Fault::HeadTimeout, true);
    assert_eq!(client.stats().open, 0, "the connection is closed");
}

#[tokio::test]
async fn a_body_that_stops_is_a_body_timeout() {
    let node = Node::answering("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{").await;
    check(&fail(&node.client(), SHORT).await, Fault::BodyTimeout, true);
}

#[tokio::test]
async fn a_busy_bound_is_a_fault_of_ours() {
    let node = Node::silent().await;
    let mut options = node.options();
    options.max_connections = 1;
    let client = HttpClient::new(&options).unwrap();
    let out = call(LONG);
    let mut busy = pin!(client.send(&out));
    assert!(once(busy.as_mut()).await.is_pending());
    let error = fail(&client, SHORT).await;
    check(&error, Fault::Exhausted(Exhausted::Bound), false);
    assert!(error.is_local());
}

async fn check_reply(reply: &str, fault: Fault) {
    let node = Node::closing(reply.to_owned()).await;
    let client = node.client();
    let error = client.send(&call(LONG)).await.expect_err(reply);
    assert_eq!((error.fault.clone(), error.sent()), (fault, true), "{reply:?}");
    assert_eq!(client.stats().open, 0, "{reply:?}");
}

#[tokio::test]
async fn a_reply_cut_short_is_never_whole() {
    for reply in [
        "HTTP/1.1 20",
        "HTTP/1.1 200 OK\r\ncontent-le",
        "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\n{}",
    ] {
        check_reply(reply, Fault::Truncated).await;
    }
}

#[tokio::test]
async fn malformed_framing_is_refused() {
    let long = format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "x".repeat(20_000));
    for (reply, what) in [
        ("<html>what?</html>\r\n\r\n", "head"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}", "head"),
        ("HTTP/1.1 200 OK\r\ncontent-length: -2\r\n\r\n{}", "head"),
        (&long, "head too large"),
        (
            "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 2\r\n\r\n{}",
            "content-encoding",
        ),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
            "transfer-encoding",
        ),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\nxx", "transfer-encoding"),
        ("HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n", "status"),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n", "body"),
    ] {
        check_reply(reply, Fault::Malformed(what)).await;
    }
}

#[tokio::test]
async fn a_reply_over_the_cap_is_refused_declared_or_not() {
    let chunk = format!("400\r\n{}\r\n", "x".repeat(1024));
    let chunked =
        format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{chunk}{chunk}0\r\n\r\n");
    for reply in ["HTTP/1.1 200 OK\r\ncontent-length: 2000\r\n\r\n", &chunked] {
        let node = Node::answering(reply.to_owned()).await;
        let mut out = call(LONG);
        out.cap = 1999;
        let error = node.client().send(&out).await.unwrap_err();
        check(&error, Fault::TooLarge { limit: 1999 }, true);
    }
}

#[test]
fn faults_of_ours_are_never_the_nodes() {
    for (fault, local, connect) in [
        (Fault::Exhausted(Exhausted::Ports), true, true),
        (Fault::Exhausted(Exhausted::Files), true, true),
        (Fault::Connect(ErrorKind::HostUnreachable), false, true),
        (Fault::Closed, false, false),
    ] {
        let error = UpstreamError::unsent(fault);
        assert_eq!((error.is_local(), error.is_connect()), (local, connect), "{error}");
    }
}

#[tokio::test]
async fn a_deadline_cuts_connecting_too() {
    let node = Node::deaf().await;
    let mut options = node.options();
    options.endpoint.tls = true;
    options.connect_timeout = Duration::from_secs(60);
    let client = HttpClient::new(&options).unwrap();
    check(&fail(&client, SHORT).await, Fault::ConnectTimeout, false);
}
