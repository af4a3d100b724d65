//! One HTTP/1.1 connection to a node, driven by the call that uses it.
//!
//! There is no task per connection: hyper's `Connection` is polled inside the
//! call's own future, which saves two wake-ups a call, and dropping that future
//! closes the socket. Between calls nobody polls it, so a close by the node is
//! noticed at the next use, before anything is written.

use std::{
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, Uri, header::CONTENT_LENGTH};
use http_body_util::Full;
use hyper::{
    body::{Body, Frame, Incoming},
    client::conn::http1::{self, Connection, SendRequest},
};
use hyper_util::rt::TokioIo;
use tokio::time::{Instant, Sleep, sleep_until};

use super::{
    bound::Slot,
    error::{self, Fault, UpstreamError},
    wire::{Seen, Wire},
};
use crate::wake::{Bell, quietly};

/// Largest reply head, status line included.
const MAX_HEAD: usize = 16 * 1024;
/// Largest read buffer: how much of a large reply one read can take.
const MAX_BUFFER: usize = 128 * 1024;

/// Everything of a request but its body.
pub(super) struct Template {
    pub uri: Uri,
    /// Other paths, by their words.
    pub others: Vec<(&'static str, Uri)>,
    /// Holds a `content-length` to be overwritten, so that a copy never grows.
    pub headers: HeaderMap,
}

impl Template {
    /// A copy that shares no reference counts with this one: each connection has
    /// its own, or workers would write to the same cache lines at every call.
    fn own(&self) -> Self {
        let own = |uri: &Uri| {
            let path = uri.path_and_query().map_or("/", |path| path.as_str());
            Uri::builder().path_and_query(path).build().unwrap_or_else(|_| uri.clone())
        };
        let others = self.others.iter().map(|(word, uri)| (*word, own(uri))).collect();
        let mut headers = HeaderMap::with_capacity(self.headers.len());
        for (name, value) in &self.headers {
            let copied = HeaderValue::from_bytes(value.as_bytes());
            let mut copy = copied.unwrap_or_else(|_| value.clone());
            copy.set_sensitive(value.is_sensitive());
            headers.append(name, copy);
        }
        Self { uri: own(&self.uri), others, headers }
    }

    fn uri_of(&self, path: Option<&str>) -> &Uri {
        let Some(path) = path else { return &self.uri };
        let other = self.others.iter().find(|(word, _)| *word == path);
        other.map_or(&self.uri, |(_, uri)| uri)
    }

    fn request(&self, body: Bytes, path: Option<&str>) -> Request<Full<Bytes>> {
        let mut headers = self.headers.clone();
        headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.uri_of(path).clone();
        *request.headers_mut() = headers;
        request
    }
}

type Driver = Connection<TokioIo<Wire>, Full<Bytes>>;

/// An open connection. Dropping it closes the socket and then frees its slot,
/// in the order of the fields, so that a node never sees more than the bound.
pub(super) struct Conn {
    sender: SendRequest<Full<Bytes>>,
    /// None once the connection has ended.
    driver: Option<Driver>,
    /// What hyper sees as its task, whichever call uses the connection.
    bell: Bell,
    seen: Arc<Seen>,
    template: Template,
    /// Kept from call to call: moving a timer to a later deadline costs no lock,
    /// while a new one takes the runtime's and, on an idle worker, a system call.
    timer: Option<Pin<Box<Sleep>>>,
    /// When it was last taken or put back.
    pub since: Instant,
    /// The shard of the worker whose runtime watches the socket.
    pub home: usize,
    _slot: Slot,
}

impl Conn {
    pub async fn start(
        wire: Wire,
        template: &Template,
        home: usize,
        slot: Slot,
    ) -> Result<Box<Self>, UpstreamError> {
        let seen = Arc::clone(wire.seen());
        let shaken = http1::Builder::new()
            .max_buf_size(MAX_BUFFER)
            .max_header_size(MAX_HEAD)
            .handshake(TokioIo::new(wire))
            .await;
        let (sender, driver) =
            shaken.map_err(|error| UpstreamError::unsent(error::using(&error, false)))?;
        let (driver, template) = (Some(driver), template.own());
        let bell = Bell::default();
        let since = Instant::now();
        let timer = None;
        Ok(Box::new(Self { sender, driver, bell, seen, template, timer, since, home, _slot: slot }))
    }

    /// Runs `work` on this connection; None when `deadline` comes first.
    pub async fn until<T>(
        &mut self,
        deadline: Instant,
        work: impl AsyncFnOnce(&mut Self) -> T,
    ) -> Option<T> {
        let mut timer = match self.timer.take() {
            Some(mut timer) => {
                timer.as_mut().reset(deadline);
                timer
            }
            None => Box::pin(sleep_until(deadline)),
        };
        let done = {
            let mut work = pin!(work(self));
            std::future::poll_fn(|cx| match work.as_mut().poll(cx) {
                Poll::Ready(done) => Poll::Ready(Some(done)),
                Poll::Pending => timer.as_mut().poll(cx).map(|()| None),
            })
            .await
        };
        self.timer = Some(timer);
        done
    }

    /// Sends one request and waits for the head of the reply.
    pub async fn request(
        &mut self,
        body: Bytes,
        path: Option<&str>,
    ) -> Result<Response<Incoming>, UpstreamError> {
        self.seen.reset();
        let mut reply = pin!(self.sender.send_request(self.template.request(body, path)));
        let replied = std::future::poll_fn(|cx| {
            drive(&mut self.driver, &self.bell, cx);
            // Only driving brings the head, so being woken for it as well says nothing new.
            reply.as_mut().poll(&mut Context::from_waker(Waker::noop()))
        })
        .await;
        replied.map_err(|error| self.failed(&error))
    }

    /// Moves bytes both ways as far as the socket allows.
    pub fn drive(&mut self, cx: &mut Context<'_>) {
        drive(&mut self.driver, &self.bell, cx);
    }

    /// The next of a body, as far as it was driven here already. Whoever gets `Pending`
    /// drives and looks again, so nobody need be woken for it.
    pub fn poll_frame(body: &mut Incoming) -> Poll<Option<hyper::Result<Frame<Bytes>>>> {
        let mut cx = Context::from_waker(Waker::noop());
        quietly(|| Pin::new(body).poll_frame(&mut cx)).0
    }

    /// After a whole reply: settles the connection and lets go of the waker of
    /// the call that used it. False: it cannot carry another call.
    pub fn rest(&mut self) -> bool {
        // What read the last of the reply has usually gone on to wait for a next request.
        if !self.sender.is_ready() {
            self.drive(&mut Context::from_waker(Waker::noop()));
        }
        self.bell.context(Waker::noop());
        self.driver.is_some() && self.sender.is_ready()
    }

    /// A byte of the request was handed to the kernel.
    pub fn sent(&self) -> bool {
        self.seen.written()
    }

    /// A byte of the reply arrived.
    pub fn received(&self) -> bool {
        self.seen.read()
    }

    pub fn failed(&self, error: &hyper::Error) -> UpstreamError {
        self.fault(error::using(error, self.received()))
    }

    pub fn fault(&self, fault: Fault) -> UpstreamError {
        UpstreamError::new(fault, self.sent())
    }
}

/// How the connection ended is told through the reply or its body.
fn drive(driver: &mut Option<Driver>, bell: &Bell, cx: &mut Context<'_>) {
    let Some(connection) = driver else {
        return;
    };
    if let Poll::Ready(ended) = Pin::new(connection).poll(&mut bell.context(cx.waker())) {
        if let Err(error) = ended {
            tracing::trace!(%error, "a connection to a node ended");
        }
        *driver = None;
    }
}
