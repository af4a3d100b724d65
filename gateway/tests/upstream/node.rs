//! A node that follows a script, and a client of it.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    task::Poll,
    time::Duration,
};

use bytes::Bytes;
use headrace_gateway::{
    config::Endpoint,
    upstream::{Fault, HttpClient, Incoming, Options, Outgoing, ReplyBody, UpstreamError},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
    time::Instant,
};

/// No test should come near it.
pub const LONG: Duration = Duration::from_secs(20);
/// For what must run out.
pub const SHORT: Duration = Duration::from_millis(80);

pub const OK: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";

pub struct Node {
    pub port: u16,
    accepted: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Node {
    /// Each connection runs `script`, which gets it and its number, from 0.
    pub async fn new<F>(script: impl Fn(TcpStream, usize) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let accepted = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&accepted);
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(script(stream, count.fetch_add(1, SeqCst)));
            }
        });
        Self { port, accepted, task }
    }

    /// Every request gets `reply`; connections are kept.
    pub async fn answering(reply: impl Into<Bytes>) -> Self {
        let reply = reply.into();
        Self::new(move |mut stream, _| {
            let reply = reply.clone();
            async move {
                while read_request(&mut stream).await.is_some() {
                    stream.write_all(&reply).await.unwrap();
                }
            }
        })
        .await
    }

    /// The first request of each connection gets `reply`, then the end.
    pub async fn closing(reply: impl Into<Bytes>) -> Self {
        let reply = reply.into();
        Self::new(move |mut stream, _| {
            let reply = reply.clone();
            async move {
                read_request(&mut stream).await;
                stream.write_all(&reply).await.unwrap();
            }
        })
        .await
    }

    /// Reads and never answers.
    pub async fn silent() -> Self {
        Self::new(|mut stream, _| async move { while read_request(&mut stream).await.is_some() {} })
            .await
    }

    /// Takes any bytes and never answers.
    pub async fn deaf() -> Self {
        let sink = |mut stream: TcpStream| async move {
            while stream.read(&mut [0; 512]).await.is_ok_and(|count| count > 0) {}
        };
        Self::new(move |stream, _| sink(stream)).await
    }

    /// Connections taken so far.
    pub fn accepted(&self) -> usize {
        self.accepted.load(SeqCst)
    }

    pub fn options(&self) -> Options {
        Options::new(endpoint("127.0.0.1", self.port))
    }

    pub fn client(&self) -> HttpClient {
        HttpClient::new(&self.options()).unwrap()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub fn endpoint(host: &str, port: u16) -> Endpoint {
    Endpoint { tls: false, host: host.into(), port, path: "/".into() }
}

/// One request, head and body, as text; None at the end of the connection.
pub async fn read_request(stream: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut text = String::new();
    loop {
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.unwrap().parse::<usize>().unwrap() {
                return Some(text);
            }
        }
        let mut buffer = [0; 4096];
        match stream.read(&mut buffer).await {
            Ok(count) if count > 0 => text += std::str::from_utf8(&buffer[..count]).unwrap(),
            _ => return None,
        }
    }
}

pub fn call(within: Duration) -> Outgoing {
    Outgoing::new(Bytes::from_static(b"[]"), Instant::now() + within)
}

pub async fn send(client: &HttpClient) -> Result<Incoming, UpstreamError> {
    client.send(&call(LONG)).await
}

pub async fn fail(client: &HttpClient, within: Duration) -> UpstreamError {
    client.send(&call(within)).await.expect_err("a fault")
}

pub fn whole(reply: Incoming) -> Bytes {
    match reply.body {
        ReplyBody::Whole(bytes) => bytes,
        ReplyBody::Large(large) => panic!("{large:?}"),
    }
}

/// The fault, and whether a byte may have left.
#[track_caller]
pub fn check(error: &UpstreamError, fault: Fault, sent: bool) {
    assert_eq!((&error.fault, error.sent()), (&fault, sent), "{error}");
}

/// Waits until `holds`.
pub async fn until(holds: impl Fn() -> bool) {
    let deadline = Instant::now() + LONG;
    while !holds() {
        assert!(Instant::now() < deadline, "still not so");
        tokio::task::yield_now().await;
    }
}

/// Polls once.
pub async fn once<F: Future>(mut future: Pin<&mut F>) -> Poll<F::Output> {
    std::future::poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await
}
