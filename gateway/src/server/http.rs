//! The data port's manners: everything about a request that is not JSON-RPC.
//!
//! A request passes head, route and text checks in that order; the first that
//! objects answers, through the gateway, which words and records it. Probes
//! (`/livez`, `/readyz`) pass none of the limits.

mod body;
mod client;
mod cors;
mod head;
mod path;
pub mod reply;
mod request_id;

use std::{
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header, request::Parts};
use hyper::body::{Body, Incoming};
use tokio::sync::watch;

use crate::{
    client::key::Digest,
    config::Server,
    error::CallError,
    gateway::{Answer, Gateway, Origin, Protocol, Readiness, RequestId, Route},
    pressure::Level,
    server::{
        Abort, Link, Phase, Serve,
        http::{
            body::{Bounds, Budget, Text, Unread},
            head::{Refusal, Verb},
            reply::Reply,
            request_id::RequestIds,
        },
        is_misdirected,
    },
    topology::ChainLease,
};

pub use body::{BodyTiming, Room};

/// A refused body up to this length is read and dropped, so that its connection
/// can go on.
const DISCARD: u64 = 64 * 1024;

/// A client that asks for too much gets its answer after so long: those that repeat at once,
/// as ethers does with a delay drawn from zero on, come to four calls a second.
const HELD: Duration = Duration::from_millis(250);

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
        let request_id = self.0.ids.next();
        let counted = self.0.gateway.responses.begin();
        let mut response = self.0.answer(request, link, request_id).await?;
        if response.status() == StatusCode::TOO_MANY_REQUESTS {
            // Boxed: few answers need it, and every request's future would be larger by it.
            Box::pin(tokio::time::sleep(HELD)).await;
        }
        counted.with(response.status().as_u16());
        reply::identify(response.headers_mut(), request_id);
        Ok(response)
    }

    fn refuse(&self, error: &CallError, link: Link) -> Response<Reply> {
        // Of a refused head nothing is believed, so its client is the peer.
        let origin = self.0.origin(&HeaderMap::new(), &link, self.0.ids.next());
        let counted = self.0.gateway.responses.begin();
        let answer = self.0.gateway.refuse(None, error.clone(), &origin);
        let mut response = self.0.respond(Answer { close: true, ..answer }, &origin);
        counted.with(response.status().as_u16());
        reply::identify(response.headers_mut(), origin.request_id);
        response
    }
}

/// Where a request goes, once its head is in order.
enum Way {
    Probe(Box<Response<Reply>>),
    Root,
    Chain(Entrance),
}

/// Where a request comes in.
struct Entrance {
    verb: Verb,
    chain: ChainLease,
    /// Digest of the key in the path, where there is one.
    key: Option<Digest>,
}

impl Inner {
    async fn answer(
        &self,
        request: Request<Incoming>,
        link: Link,
        request_id: RequestId,
    ) -> Result<Response<Reply>, Abort> {
        let (parts, body) = request.into_parts();
        let way = self.way(&parts, &link, !body.is_end_stream());
        // Fields can take a hundred times what they took on the wire: none of them is held
        // while something is waited for.
        let headers = parts.headers;
        if let Ok(Way::Probe(response)) = way {
            return Ok(*response);
        }
        let mut origin = self.origin(&headers, &link, request_id);
        match way {
            Ok(Way::Chain(entrance)) => {
                let admitted = self.admit(&entrance, &headers, &link, &mut origin);
                let Entrance { verb, chain, .. } = entrance;
                let page = headers.get(header::ORIGIN).cloned();
                // Here, not in a function of its own: a call's future is large to move.
                let mut response = match (admitted, verb) {
                    (Err(error), _) => {
                        let waits = awaits_leave(headers);
                        let refusal = Refusal::keep(error);
                        self.refuse(Some(&chain), refusal, waits, body, &origin).await
                    }
                    (Ok(()), Verb::Get) => reply::empty(StatusCode::OK),
                    (Ok(()), Verb::Options) => cors::preflight(&chain.config.cors, &headers),
                    (Ok(()), Verb::Post) => {
                        self.post(&chain, headers, body, (&origin, link.room)).await?
                    }
                };
                cors::allow(&chain.config.cors, page.as_ref(), response.headers_mut());
                Ok(response)
            }
            nowhere => match self.charge(nowhere, &origin) {
                Ok(_) => Ok(reply::empty(StatusCode::OK)),
                Err(refusal) => {
                    let waits = awaits_leave(headers);
                    Ok(self.refuse(None, refusal, waits, body, &origin).await)
                }
            },
        }
    }

    /// What leads to no chain is charged too: else it would be free.
    fn charge(&self, way: Result<Way, Refusal>, origin: &Origin) -> Result<Way, Refusal> {
        let close = way.as_ref().is_err_and(|refusal| refusal.close);
        let charged = self.gateway.admit_head(None, origin);
        charged.map_err(|error| Refusal { error, close }).and(way)
    }

    /// Where a request comes from, as far as its connection and trusted proxies say.
    fn origin(&self, request: &HeaderMap, link: &Link, request_id: RequestId) -> Origin {
        let of = |server: &Server| client::address(server, link, request);
        let address = self.gateway.current.with(|topology| of(&topology.config.server));
        Origin { request_id, address, protocol: link.protocol, client: None }
    }

    /// Finds out who asks, charges the head, and looks whether the client may ask here.
    fn admit(
        &self,
        Entrance { verb, chain, key }: &Entrance,
        request: &HeaderMap,
        link: &Link,
        origin: &mut Origin,
    ) -> Result<(), CallError> {
        let clients = &chain.topology().clients;
        // A pre-flight never carries a header's key, and one in its path is not used.
        let found = match verb {
            Verb::Options => Ok(None),
            Verb::Get | Verb::Post => client::find(clients, request, *key),
        };
        origin.client = found.unwrap_or(None);
        clients.watch(origin.payer(), link.peer, self.gateway.clock.now());
        self.gateway.admit_head(Some(chain), origin)?;
        if found.is_err() {
            return Err(self.gateway.missed(Some(chain), origin));
        }
        self.gateway.admit_plan(chain, request, origin)
    }

    /// Head, method, host and route, in this order.
    fn way(&self, parts: &Parts, link: &Link, has_body: bool) -> Result<Way, Refusal> {
        let host = head::check(parts)?;
        let verb = head::verb(&parts.method, has_body)?;
        if verb == Verb::Get
            && let Some(response) = self.probe(parts.uri.path())
        {
            return Ok(Way::Probe(Box::new(response)));
        }
        if !self.gateway.serves_host(host.as_deref()) || is_misdirected(link, host.as_deref()) {
            return Err(Refusal::keep(CallError::Misdirected));
        }
        let missing = Refusal::keep(CallError::RouteNotFound);
        let path = path::normal(parts.uri.path()).ok_or(missing.clone())?;
        if parts.uri.query().is_some_and(path::has_key) {
            return Err(Refusal::keep(CallError::Unauthenticated));
        }
        match self.gateway.route(host.as_deref(), &path) {
            Route::Chain(chain) => Ok(Way::Chain(Entrance { verb, chain, key: None })),
            Route::Keyed(chain) => Ok(Way::Chain(Entrance { verb, chain, key: path::key(&path) })),
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
        headers: HeaderMap,
        body: Incoming,
        (origin, room): (&Origin, Option<Arc<Room>>),
    ) -> Result<Response<Reply>, Abort> {
        let checked = match self.gateway.pressure.level() >= Level::Refuse {
            true => Err(Refusal::close(CallError::Overloaded)),
            false => head::check_post(&headers),
        };
        let waits = awaits_leave(headers);
        if let Err(refusal) = checked {
            return Ok(self.refuse(Some(chain), refusal, waits, body, origin).await);
        }
        let alone = origin.protocol == Protocol::H1;
        let bounds = Bounds { limit: chain.config.body, timing: self.timing, alone };
        let read = body::read(body, bounds, room.as_deref(), &self.budget).await;
        let Text { bytes, held } = match read {
            Ok(text) => text,
            Err(unread) => return self.unread(unread, chain, origin),
        };
        // Boxed: a stream whose body is still on its way should not hold a whole call's room.
        let answer = Box::pin(self.gateway.serve(chain, bytes, origin)).await;
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
        waits: bool,
        body: Incoming,
        origin: &Origin,
    ) -> Response<Reply> {
        let Refusal { error, mut close } = refusal;
        let extra = explain(&error);
        let answer = self.gateway.refuse(chain, error, origin);
        if !close && origin.protocol == Protocol::H1 {
            // A client that waits for `100 Continue` must not be told to send.
            close = !body.is_end_stream() && (waits || !Box::pin(self.skip(body)).await);
        }
        let mut response = self.respond(Answer { close: close || answer.close, ..answer }, origin);
        if let Some((name, value)) = extra {
            response.headers_mut().insert(name, value);
        }
        response
    }

    /// Whether the body of a refused request is out of the connection's way.
    async fn skip(&self, body: Incoming) -> bool {
        let short = body.size_hint().upper().is_none_or(|length| length <= DISCARD);
        short && body::discard(body, DISCARD, self.timing).await
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

/// Whether a client waits for `100 Continue` before it sends its body; drops the rest.
fn awaits_leave(headers: HeaderMap) -> bool {
    headers.contains_key(header::EXPECT)
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
