//! The data port's manners: everything about a request that is not JSON-RPC.
//!
//! A request passes head, route and text checks in that order; the first that
//! objects answers, through the gateway, which words and records it. Probes
//! (`/livez`, `/readyz`) pass none of the limits.

mod body;
mod cors;
mod head;
mod path;
pub mod reply;
mod request_id;

use std::sync::{Arc, atomic::AtomicU64};

use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header, request::Parts};
use hyper::body::{Body, Incoming};
use tokio::sync::watch;

use crate::{
    error::CallError,
    gateway::{Answer, Gateway, Origin, Protocol, Readiness, Route},
    pressure::Level,
    server::{
        Abort, Link, Phase, Serve,
        http::{
            body::{Bounds, Budget, Text, Unread},
            head::{Refusal, Verb},
            reply::Reply,
            request_id::RequestIds,
        },
    },
    topology::ChainLease,
};

pub use body::BodyTiming;

/// A refused body up to this length is read and dropped, so that its connection
/// can go on.
const DISCARD: u64 = 64 * 1024;

const ALLOW: HeaderValue = HeaderValue::from_static("GET, POST, OPTIONS");

/// The data port of one worker.
#[derive(Clone)]
pub struct Edge(Arc<Inner>);

struct Inner {
    gateway: Arc<Gateway>,
    ids: RequestIds,
    budget: Arc<Budget>,
    timing: BodyTiming,
    phases: watch::Receiver<Phase>,
}

impl Edge {
    /// `bodies` holds the bytes that request bodies may still take: one count for
    /// all workers, begun at `limits.bodies`.
    pub fn new(
        gateway: Arc<Gateway>,
        bodies: Arc<AtomicU64>,
        timing: BodyTiming,
        phases: watch::Receiver<Phase>,
    ) -> Self {
        let budget = Budget::new(bodies);
        Self(Arc::new(Inner { gateway, ids: RequestIds::new(), budget, timing, phases }))
    }
}

impl Serve for Edge {
    async fn answer(
        self,
        request: Request<Incoming>,
        link: Link,
    ) -> Result<Response<Reply>, Abort> {
        let origin = Origin {
            request_id: self.0.ids.next(),
            address: link.peer.ip(),
            protocol: link.protocol,
            known: false,
        };
        let counted = self.0.gateway.responses.begin();
        let mut response = self.0.answer(request, origin).await?;
        counted.with(response.status().as_u16());
        reply::identify(response.headers_mut(), origin.request_id);
        Ok(response)
    }
}

/// Where a request goes, once its head is in order.
enum Way {
    Probe(Box<Response<Reply>>),
    Root,
    Chain(Verb, ChainLease),
}

impl Inner {
    async fn answer(
        &self,
        request: Request<Incoming>,
        origin: Origin,
    ) -> Result<Response<Reply>, Abort> {
        let (parts, body) = request.into_parts();
        let way = self.way(&parts, !body.is_end_stream());
        match way {
            Ok(Way::Probe(response)) => Ok(*response),
            Ok(Way::Root) => Ok(reply::empty(StatusCode::OK)),
            Ok(Way::Chain(verb, chain)) => {
                // Here, not in a function of its own: a call's future is large to move.
                let mut response = match verb {
                    Verb::Get => reply::empty(StatusCode::OK),
                    Verb::Options => cors::preflight(&chain.config.cors, &parts.headers),
                    Verb::Post => self.post(&chain, &parts, body, &origin).await?,
                };
                let page = parts.headers.get(header::ORIGIN);
                cors::allow(&chain.config.cors, page, response.headers_mut());
                Ok(response)
            }
            Err(refusal) => Ok(self.refuse(None, refusal, &parts.headers, body, &origin).await),
        }
    }

    /// Head, method, host and route, in this order.
    fn way(&self, parts: &Parts, has_body: bool) -> Result<Way, Refusal> {
        let host = head::check(parts)?;
        let verb = head::verb(&parts.method, has_body)?;
        if verb == Verb::Get
            && let Some(response) = self.probe(parts.uri.path())
        {
            return Ok(Way::Probe(Box::new(response)));
        }
        if !self.gateway.serves_host(host.as_deref()) {
            return Err(Refusal::keep(CallError::Misdirected));
        }
        let missing = Refusal::keep(CallError::RouteNotFound);
        let path = path::normal(parts.uri.path()).ok_or(missing.clone())?;
        if parts.uri.query().is_some_and(path::has_key) {
            return Err(Refusal::keep(CallError::Unauthenticated));
        }
        match self.gateway.route(host.as_deref(), &path) {
            Route::Chain(chain) => Ok(Way::Chain(verb, chain)),
            Route::Key => Err(Refusal::keep(CallError::Unauthenticated)),
            Route::None if verb == Verb::Get && path == "/" => Ok(Way::Root),
            Route::None => Err(missing),
        }
    }

    /// The answer to a balancer's question; `None` for other paths.
    fn probe(&self, path: &str) -> Option<Response<Reply>> {
        match path {
            "/livez" => Some(reply::plain(StatusCode::OK, "alive\n")),
            "/readyz" => Some(self.ready(None)),
            _ => path.strip_prefix("/readyz/").map(|chain| self.ready(Some(chain))),
        }
    }

    fn ready(&self, chain: Option<&str>) -> Response<Reply> {
        let draining = *self.phases.borrow() >= Phase::Draining;
        readiness(self.gateway.ready(chain), draining)
    }

    async fn post(
        &self,
        chain: &ChainLease,
        parts: &Parts,
        body: Incoming,
        origin: &Origin,
    ) -> Result<Response<Reply>, Abort> {
        if self.gateway.pressure.level() >= Level::Refuse {
            let refusal = Refusal { error: CallError::Overloaded, close: true };
            return Ok(self.refuse(Some(chain), refusal, &parts.headers, body, origin).await);
        }
        if let Err(refusal) = head::check_post(&parts.headers) {
            return Ok(self.refuse(Some(chain), refusal, &parts.headers, body, origin).await);
        }
        let alone = origin.protocol == Protocol::H1;
        let bounds = Bounds { limit: chain.config.body, timing: self.timing, alone };
        let Text { bytes, held } = match body::read(body, bounds, &self.budget).await {
            Ok(text) => text,
            Err(unread) => return self.unread(unread, chain, origin),
        };
        let answer = self.gateway.serve(chain, bytes, origin).await;
        drop(held);
        Ok(self.respond(answer, origin))
    }

    /// A body that was not read: its connection cannot go on.
    fn unread(
        &self,
        unread: Unread,
        chain: &ChainLease,
        origin: &Origin,
    ) -> Result<Response<Reply>, Abort> {
        let error = match unread {
            Unread::TooLarge { actual } => {
                CallError::BodyTooLarge { limit: chain.config.body, actual }
            }
            Unread::Full => CallError::BodiesFull,
            Unread::TooSlow => CallError::BodyTimeout,
            Unread::Broken => CallError::BadHttp,
            Unread::Truncated => CallError::ClientTruncated,
        };
        let answer = self.gateway.refuse(Some(chain), error, origin);
        if unread == Unread::Truncated {
            // Recorded, and nobody is there to read it.
            return Err(Abort);
        }
        Ok(self.respond(Answer { close: true, ..answer }, origin))
    }

    async fn refuse(
        &self,
        chain: Option<&ChainLease>,
        refusal: Refusal,
        request: &HeaderMap,
        body: Incoming,
        origin: &Origin,
    ) -> Response<Reply> {
        let Refusal { error, mut close } = refusal;
        let extra = explain(&error);
        let answer = self.gateway.refuse(chain, error, origin);
        if !close && origin.protocol == Protocol::H1 {
            close = !self.skip(request, body).await;
        }
        let mut response = self.respond(Answer { close: close || answer.close, ..answer }, origin);
        if let Some((name, value)) = extra {
            response.headers_mut().insert(name, value);
        }
        response
    }

    /// Whether the body of a refused request is out of the connection's way.
    async fn skip(&self, request: &HeaderMap, body: Incoming) -> bool {
        if body.is_end_stream() {
            return true;
        }
        // A client that waits for `100 Continue` must not be told to send.
        let waits = request.contains_key(header::EXPECT);
        let short = body.size_hint().upper().is_none_or(|length| length <= DISCARD);
        !waits && short && body::discard(body, DISCARD, self.timing).await
    }

    fn respond(&self, answer: Answer, origin: &Origin) -> Response<Reply> {
        let close = answer.close && origin.protocol == Protocol::H1;
        let mut response = reply::from_answer(answer);
        if close {
            let headers = response.headers_mut();
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

/// Readiness as balancers read it.
pub(crate) fn readiness(ready: Readiness, draining: bool) -> Response<Reply> {
    match ready {
        Readiness::NoSuchChain => reply::plain(StatusCode::NOT_FOUND, "no such chain\n"),
        _ if draining => reply::plain(StatusCode::SERVICE_UNAVAILABLE, "draining\n"),
        Readiness::NotReady(why) => reply::plain(StatusCode::SERVICE_UNAVAILABLE, why),
        Readiness::Ready => reply::plain(StatusCode::OK, "ready\n"),
    }
}

/// The header that tells a client how to do better.
fn explain(error: &CallError) -> Option<(header::HeaderName, HeaderValue)> {
    match error {
        CallError::HttpMethodNotAllowed | CallError::HttpMethodUnknown => {
            Some((header::ALLOW, ALLOW))
        }
        CallError::UnsupportedEncoding => {
            Some((header::ACCEPT_ENCODING, HeaderValue::from_static("identity")))
        }
        CallError::Unauthenticated => {
            Some((header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")))
        }
        _ => None,
    }
}
