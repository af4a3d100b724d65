//! HTTP/1.1 connections to one gateway, kept alive: one call on a connection at a time.
//!
//! Deliberately no pool of hyper-util's: the load knows what it wants, and connections
//! are used in turn so that calls of all of them are in flight at some time.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::net::SocketAddr;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// Largest answer that is read.
const ANSWER: usize = 64 << 20;

/// What came back.
#[derive(Debug)]
pub struct Response {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// The connection failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken;

/// Connections to one address.
#[derive(Debug)]
pub struct Connections {
    pub address: SocketAddr,
    host: HeaderValue,
    key: Option<HeaderValue>,
    path: &'static str,
    idle: RefCell<VecDeque<SendRequest<Full<Bytes>>>>,
}

impl Connections {
    #[must_use]
    pub fn new(address: SocketAddr, path: &'static str, key: Option<&str>) -> Self {
        let host = HeaderValue::from_str(&address.to_string())
            .unwrap_or_else(|_| HeaderValue::from_static("localhost"));
        let key = key.and_then(|key| HeaderValue::from_str(key).ok());
        Self { address, host, key, path, idle: RefCell::default() }
    }

    /// Opens connections ahead of the run.
    pub async fn open(&self, count: usize) {
        for _ in 0..count {
            let Ok(connection) = self.connect().await else { return };
            self.idle.borrow_mut().push_back(connection);
        }
    }

    /// Sends one request on the connection that was idle for longest.
    ///
    /// # Errors
    /// No connection can be had, or it broke. A request that was not sent since its
    /// connection had just been closed is sent again on a new one, as clients do.
    pub async fn post(&self, body: Bytes) -> Result<Response, Broken> {
        let mut idle = self.take();
        loop {
            let fresh = idle.is_none();
            let mut connection = match idle.take() {
                Some(connection) => connection,
                None => self.connect().await?,
            };
            let error = match connection.send_request(self.request(body.clone())).await {
                Ok(response) => return self.read(response, connection).await,
                Err(error) => error,
            };
            if fresh || !error.is_canceled() {
                return Err(Broken);
            }
            idle = self.take();
        }
    }

    fn take(&self) -> Option<SendRequest<Full<Bytes>>> {
        let mut idle = self.idle.borrow_mut();
        while let Some(connection) = idle.pop_front() {
            if connection.is_ready() {
                return Some(connection);
            }
        }
        None
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, Broken> {
        let stream = TcpStream::connect(self.address).await.map_err(|_| Broken)?;
        stream.set_nodelay(true).map_err(|_| Broken)?;
        let (sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(|_| Broken)?;
        tokio::task::spawn_local(async move {
            // Whoever waits for an answer on it hears of the error.
            let _ = connection.await;
        });
        Ok(sender)
    }

    fn request(&self, body: Bytes) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = http::Method::POST;
        *request.uri_mut() = http::Uri::from_static(self.path);
        let headers = request.headers_mut();
        headers.insert(header::HOST, self.host.clone());
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(key) = &self.key {
            headers.insert("x-api-key", key.clone());
        }
        request
    }

    async fn read(
        &self,
        response: http::Response<hyper::body::Incoming>,
        mut connection: SendRequest<Full<Bytes>>,
    ) -> Result<Response, Broken> {
        let (parts, body) = response.into_parts();
        let body = Limited::new(body, ANSWER).collect().await.map_err(|_| Broken)?.to_bytes();
        if connection.ready().await.is_ok() {
            self.idle.borrow_mut().push_back(connection);
        }
        Ok(Response { status: parts.status, headers: parts.headers, body })
    }
}
