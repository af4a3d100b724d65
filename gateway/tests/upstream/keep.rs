//! Connections are kept while they are good, and only then.

use std::{pin::pin, time::Duration};

use headrace_gateway::upstream::{Fault, HttpClient};
use tokio::{io::AsyncReadExt, io::AsyncWriteExt, sync::mpsc};

use super::node::{
    self, LONG, Node, OK, SHORT, call, check, fail, read_request, send, until, whole,
};

#[tokio::test]
async fn calls_one_after_another_share_a_connection() {
    let node = Node::answering(OK).await;
    let client = node.client();
    for _ in 0..100 {
        assert_eq!(whole(send(&client).await.unwrap()), "{}");
    }
    assert_eq!(node.accepted(), 1);
    let stats = client.stats();
    assert_eq!((stats.open, stats.in_use, stats.opened, stats.failed), (1, 0, 1, 0));
}

#[tokio::test]
async fn chunked_and_empty_replies_keep_the_connection() {
    for reply in [
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n1\r\n \r\n0\r\n\r\n",
        "HTTP/1.1 204 No Content\r\n\r\n",
        "HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n",
    ] {
        let node = Node::answering(reply).await;
        let client = node.client();
        for _ in 0..5 {
            send(&client).await.unwrap();
        }
        assert_eq!(node.accepted(), 1, "{reply}");
    }
}

#[tokio::test]
async fn a_reply_that_says_close_is_the_last_of_its_connection() {
    for reply in [
        "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}",
        "HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\n{}",
    ] {
        let node = Node::answering(reply).await;
        let client = node.client();
        for _ in 0..3 {
            assert_eq!(whole(send(&client).await.unwrap()), "{}");
        }
        assert_eq!((node.accepted(), client.stats().open), (3, 0), "{reply}");
    }
}

/// A node that answers one call a connection, then does `then` and waits for our end.
async fn once(then: &'static [u8], close: bool) -> (Node, mpsc::UnboundedReceiver<()>) {
    let (done, ends) = mpsc::unbounded_channel();
    let node = Node::new(move |mut stream, _| {
        let done = done.clone();
        async move {
            read_request(&mut stream).await;
            stream.write_all(OK.as_bytes()).await.unwrap();
            stream.write_all(then).await.unwrap();
            if close {
                stream.shutdown().await.unwrap();
            }
            done.send(()).unwrap();
            let _ = stream.read(&mut [0; 1]).await;
        }
    })
    .await;
    (node, ends)
}

#[tokio::test]
async fn a_kept_connection_the_node_closed_is_replaced_unseen() {
    let (node, mut closed) = once(b"", true).await;
    let client = node.client();
    for round in 1..=50 {
        assert_eq!(whole(send(&client).await.unwrap()), "{}");
        closed.recv().await.unwrap();
        assert_eq!(node.accepted(), round);
    }
}

#[tokio::test]
async fn bytes_nobody_asked_for_end_the_connection_and_answer_nobody() {
    let stray = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nstray";
    let (node, mut strayed) = once(stray, false).await;
    let client = node.client();
    for _ in 0..20 {
        assert_eq!(whole(send(&client).await.unwrap()), "{}");
        strayed.recv().await.unwrap();
    }
    assert_eq!(node.accepted(), 20);
}

#[tokio::test]
async fn a_close_in_answer_to_a_kept_connections_request_was_sent() {
    let node = Node::new(|mut stream, number| async move {
        read_request(&mut stream).await;
        stream.write_all(OK.as_bytes()).await.unwrap();
        read_request(&mut stream).await;
        assert_eq!(number, 0, "the call must not be repeated");
    })
    .await;
    let client = node.client();
    send(&client).await.unwrap();
    check(&fail(&client, LONG).await, Fault::Closed, true);
    assert_eq!(node.accepted(), 1);
}

#[tokio::test]
async fn idle_connections_expire() {
    let node = Node::answering(OK).await;
    let mut options = node.options();
    options.idle_timeout = Duration::ZERO;
    let client = HttpClient::new(&options).unwrap();
    for _ in 0..3 {
        send(&client).await.unwrap();
    }
    assert_eq!(node.accepted(), 3);
    assert!(client.stats().open <= 1);
}

#[tokio::test]
async fn a_dropped_call_closes_its_connection() {
    let (ended, mut ends) = mpsc::unbounded_channel();
    let node = Node::new(move |mut stream, _| {
        let ended = ended.clone();
        async move {
            ended.send("request").unwrap();
            while read_request(&mut stream).await.is_some() {}
            ended.send("end").unwrap();
        }
    })
    .await;
    let client = node.client();
    {
        let out = call(LONG);
        let mut send = pin!(client.send(&out));
        loop {
            assert!(node::once(send.as_mut()).await.is_pending());
            match ends.try_recv() {
                Ok(what) => break assert_eq!(what, "request"),
                Err(_) => tokio::task::yield_now().await,
            }
        }
        assert_eq!(client.stats().in_use, 1);
    }
    assert_eq!(ends.recv().await, Some("end"));
    assert_eq!((client.stats().open, client.stats().in_use), (0, 0));
}

#[tokio::test]
async fn a_timeout_drops_the_idle_connections_that_prove_nothing() {
    let node = Node::new(|mut stream, _| async move {
        let mut answered = 0;
        while read_request(&mut stream).await.is_some() {
            if answered == 0 {
                stream.write_all(OK.as_bytes()).await.unwrap();
            }
            answered += 1;
        }
    })
    .await;
    let client = node.client();
    let (one, two) = tokio::join!(send(&client), send(&client));
    one.and(two).unwrap();
    assert_eq!(client.stats().open, 2);
    check(&fail(&client, SHORT).await, Fault::HeadTimeout, true);
    until(|| client.stats().open == 0).await;
    send(&client).await.unwrap();
}
