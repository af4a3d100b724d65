//! What is sent, and what is read.

use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use headrace_gateway::{
    config::Secret,
    upstream::{
        BuildError, Client, Fault, HttpClient, Incoming, LargeBody, Outgoing, ReplyBody,
        UpstreamError,
    },
};
use tokio::{io::AsyncWriteExt, sync::mpsc};
use tower::util::BoxCloneSyncService;

use super::node::{LONG, Node, OK, SHORT, call, check, read_request, send, until, whole};

#[tokio::test]
async fn the_request_is_rebuilt_from_the_nodes_settings_alone() {
    let (seen, mut requests) = mpsc::unbounded_channel();
    let node = Node::new(move |mut stream, _| {
        let seen = seen.clone();
        async move {
            while let Some(request) = read_request(&mut stream).await {
                seen.send(request).unwrap();
                stream.write_all(OK.as_bytes()).await.unwrap();
            }
        }
    })
    .await;
    let mut options = node.options();
    options.endpoint.path = "/v3/KEY?x=1".into();
    options.headers = vec![("X-Api-Key".into(), Secret::new("s3cret"))];
    let client = HttpClient::new(&options).unwrap();
    let port = node.port;
    let agent = concat!("headrace/", env!("CARGO_PKG_VERSION"));
    let want = format!(
        "POST /v3/KEY?x=1 HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\ncontent-type: application/json\r\n\
         accept: application/json\r\nuser-agent: {agent}\r\ncontent-length: 2\r\n\
         x-api-key: s3cret\r\n\r\n[]"
    );
    for _ in 0..2 {
        send(&client).await.unwrap();
        assert_eq!(requests.recv().await.unwrap(), want);
    }
    assert!(!format!("{client:?} {options:?}").contains("s3cret"));
    assert!(!format!("{client:?} {options:?}").contains("KEY"));
}

#[tokio::test]
async fn settings_that_would_break_framing_are_refused() {
    let node = Node::silent().await;
    for (name, value, reserved) in [
        ("Content-Length", "1", true),
        ("transfer-encoding", "chunked", true),
        ("accept-encoding", "gzip", true),
        ("a b", "1", false),
        ("x", "a\nb", false),
    ] {
        let mut options = node.options();
        options.headers = vec![(name.into(), Secret::new(value))];
        let error = HttpClient::new(&options).unwrap_err();
        assert_eq!(matches!(error, BuildError::ReservedHeader(_)), reserved, "{error}");
    }
}

/// The reply, whether JSON was announced, whether the close ended it.
async fn check_body(reply: &str, status: u16, body: &str, flags: (bool, bool)) {
    let node = Node::closing(reply.to_owned()).await;
    let got = send(&node.client()).await.unwrap();
    assert_eq!(
        (got.status, (got.content_type_json, got.close_delimited)),
        (status, flags),
        "{reply}"
    );
    assert_eq!(whole(got), body, "{reply}");
}

#[tokio::test]
async fn replies_of_every_framing_are_read() {
    check_body(OK, 200, "{}", (true, false)).await;
    let json = "content-type: Application/JSON; charset=utf-8\r\n";
    let chunked = "2\r\n{}\r\n3;x=y\r\n{}!\r\n1\r\n.\r\n0\r\ntrailer: 1\r\n\r\n";
    let head = format!("HTTP/1.1 200 OK\r\n{json}transfer-encoding: Chunked\r\n\r\n");
    check_body(&format!("{head}{chunked}"), 200, "{}{}!.", (true, false)).await;
    check_body(&format!("{head}2\r\n{{}}\r\n0\r\n\r\n"), 200, "{}", (true, false)).await;
    check_body("HTTP/1.1 200 OK\r\n\r\n{}", 200, "{}", (false, true)).await;
    check_body("HTTP/1.0 200 OK\r\n\r\n", 200, "", (false, true)).await;
    check_body("HTTP/1.1 204 No Content\r\n\r\n", 204, "", (false, false)).await;
    check_body("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", 200, "", (false, false)).await;
    let html =
        "HTTP/1.1 502 Bad Gateway\r\ncontent-type: text/html\r\ncontent-length: 6\r\n\r\n<html>";
    check_body(html, 502, "<html>", (false, false)).await;
    let early = format!("HTTP/1.1 100 Continue\r\n\r\n{OK}");
    check_body(&early, 200, "{}", (true, false)).await;
    let identity = "HTTP/1.1 200 OK\r\ncontent-encoding: identity\r\ncontent-length: 1\r\n\r\n1";
    check_body(identity, 200, "1", (false, false)).await;
}

#[tokio::test]
async fn a_redirect_is_a_status_and_is_not_followed() {
    let elsewhere = Node::answering(OK).await;
    let to = elsewhere.port;
    let reply =
        format!("HTTP/1.1 307 Go\r\nlocation: http://127.0.0.1:{to}/\r\ncontent-length: 0\r\n\r\n");
    check_body(&reply, 307, "", (false, false)).await;
    assert_eq!(elsewhere.accepted(), 0);
}

#[tokio::test]
async fn retry_after_is_read_in_seconds() {
    for (value, want) in
        [("7", Some(7)), ("007", Some(7)), ("Fri, 31 Dec 1999", None), ("-1", None)]
    {
        let reply =
            format!("HTTP/1.1 429 Slow\r\nretry-after: {value}\r\ncontent-length: 0\r\n\r\n");
        let node = Node::answering(reply).await;
        let got = send(&node.client()).await.unwrap();
        assert_eq!(got.retry_after, want.map(Duration::from_secs), "{value}");
    }
}

/// A reply of `size` bytes, declared, and the call for it.
async fn large(size: usize) -> (Node, HttpClient, Outgoing, String) {
    let body: String = ('a'..='z').cycle().take(size).collect();
    let node =
        Node::answering(format!("HTTP/1.1 200 OK\r\ncontent-length: {size}\r\n\r\n{body}")).await;
    let client = node.client();
    let mut out = call(LONG);
    out.whole_up_to = 4096;
    (node, client, out, body)
}

fn stream(reply: Incoming) -> LargeBody {
    match reply.body {
        ReplyBody::Large(large) => large,
        ReplyBody::Whole(bytes) => panic!("{} bytes", bytes.len()),
    }
}

async fn drain(mut body: LargeBody) -> Result<Vec<u8>, UpstreamError> {
    let mut all = Vec::new();
    while let Some(data) = body.next().await {
        all.extend_from_slice(&data?);
    }
    assert!(body.next().await.is_none(), "an ended stream stays ended");
    Ok(all)
}

#[tokio::test]
async fn whole_replies_reach_exactly_to_the_limit() {
    let (_node, client, mut out, body) = large(300_000).await;
    out.whole_up_to = 300_000;
    assert_eq!(whole(client.send(&out).await.unwrap()), body);
    out.whole_up_to = 299_999;
    let reply = client.send(&out).await.unwrap();
    assert!(matches!(reply.body, ReplyBody::Whole(_)) || stream(reply).first.len() > 299_999);
}

#[tokio::test]
async fn a_large_reply_streams_and_gives_its_connection_back() {
    let (node, client, out, body) = large(1_000_000).await;
    for _ in 0..2 {
        let large = stream(client.send(&out).await.unwrap());
        assert!(large.first.len() > 4096);
        assert_eq!(large.declared, Some(1_000_000));
        assert_eq!(client.stats().in_use, 1);
        assert_eq!(drain(large).await.unwrap(), body.as_bytes());
        assert_eq!(client.stats().in_use, 0);
    }
    assert_eq!(node.accepted(), 1);
}

#[tokio::test]
async fn a_large_reply_that_is_dropped_closes_its_connection() {
    let (_node, client, out, _) = large(1_000_000).await;
    drop(client.send(&out).await.unwrap());
    assert_eq!(client.stats().open, 0);
}

#[tokio::test]
async fn the_cap_holds_inside_the_stream() {
    let chunk = format!("2000\r\n{}\r\n", "x".repeat(0x2000));
    let reply =
        format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{}", chunk.repeat(20));
    let node = Node::answering(reply).await;
    let client = node.client();
    let mut out = call(LONG);
    (out.whole_up_to, out.cap) = (4096, 100_000);
    let error = drain(stream(client.send(&out).await.unwrap())).await.unwrap_err();
    check(&error, Fault::TooLarge { limit: 100_000 }, true);
    assert_eq!(client.stats().open, 0);
}

#[tokio::test]
async fn a_stream_cut_short_or_stalled_ends_with_its_fault() {
    let part = format!("HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n{}", "x".repeat(9000));
    let closing = Node::closing(part.clone()).await;
    let silent = Node::answering(part).await;
    for (node, fault) in [(closing, Fault::Truncated), (silent, Fault::BodyTimeout)] {
        let mut options = node.options();
        options.stall_timeout = SHORT;
        let client = HttpClient::new(&options).unwrap();
        let mut out = call(LONG);
        out.whole_up_to = 4096;
        let reply = client.send(&out).await.unwrap();
        check(&drain(stream(reply)).await.unwrap_err(), fault, true);
        until(|| client.stats().open == 0).await;
    }
}

#[tokio::test]
async fn a_scripted_node_stands_for_a_real_one() {
    let service = tower::service_fn(|out: Outgoing| async move {
        if out.priority {
            return Err(UpstreamError::unsent(Fault::ConnectRefused));
        }
        Ok(Incoming {
            status: 200,
            retry_after: None,
            content_type_json: true,
            close_delimited: false,
            body: ReplyBody::Whole(out.body),
        })
    });
    let client = Client::Scripted(BoxCloneSyncService::new(service));
    assert_eq!(whole(client.send(call(LONG)).await.unwrap()), Bytes::from_static(b"[]"));
    let mut out = call(LONG);
    out.priority = true;
    check(&client.send(out).await.unwrap_err(), Fault::ConnectRefused, false);
}
