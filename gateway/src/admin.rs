//! The operators' port: metrics, probes, status and the API, apart from the data port.
//!
//! It answers nobody's web page (any `Origin` is refused, and any Host that a
//! page could have rebound to us), and with a token configured everything but the
//! probes asks for it. What the pages say is given to it.

mod api;
pub mod exposition;
pub mod standing;
pub mod status;

use std::{net::IpAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header, request::Parts};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use tokio::{sync::watch, time::timeout};

use crate::{
    config::Secret,
    gateway::Readiness,
    server::{
        Abort, Link, Phase, Reply, Serve,
        http::{
            readiness,
            reply::{empty, plain},
        },
    },
};

pub use self::api::pages;

/// Connections at once: operators, scrapers and probes, not clients.
pub const CONNECTIONS: usize = 16;
/// Bytes of one API request.
const BODY: usize = 1024 * 1024;
const BODY_TIMEOUT: Duration = Duration::from_secs(15);

/// A page made anew for each request.
pub type Page = Box<dyn Fn() -> String + Send + Sync>;
/// The token in force, if one is configured.
pub type Token = Box<dyn Fn() -> Option<Secret> + Send + Sync>;
/// Whether the gateway, or one of its chains, can serve.
pub type Ready = Box<dyn Fn(Option<&str>) -> Readiness + Send + Sync>;
/// Answers below `/api/`; `None` for a path or method it does not know.
pub type Api = Box<dyn Fn(ApiRequest) -> BoxFuture<'static, Option<ApiAnswer>> + Send + Sync>;

/// A request to the API, after the checks of this port.
#[derive(Clone, Debug)]
pub struct ApiRequest {
    pub method: Method,
    pub path: String,
    pub query: Option<String>,
    pub body: Bytes,
}

/// What the API answers: always JSON.
#[derive(Clone, Debug)]
pub struct ApiAnswer {
    pub status: StatusCode,
    pub json: String,
}

/// What the port shows.
pub struct Pages {
    /// Prometheus text.
    pub metrics: Page,
    /// JSON of `/api/v1/status`.
    pub status: Page,
    pub ready: Ready,
    pub api: Api,
}

/// The admin port's service.
#[derive(Clone)]
pub struct Admin(Arc<Inner>);

struct Inner {
    pages: Pages,
    token: Token,
    phases: watch::Receiver<Phase>,
}

impl Admin {
    pub fn new(pages: Pages, token: Token, phases: watch::Receiver<Phase>) -> Self {
        Self(Arc::new(Inner { pages, token, phases }))
    }
}

impl Serve for Admin {
    async fn answer(self, request: Request<Incoming>, _: Link) -> Result<Response<Reply>, Abort> {
        let (parts, body) = request.into_parts();
        match self.0.page(&parts) {
            Some(response) => Ok(response),
            None => self.0.api(parts, body).await,
        }
    }
}

impl Inner {
    /// Everything but the API.
    fn page(&self, parts: &Parts) -> Option<Response<Reply>> {
        if parts.headers.contains_key(header::ORIGIN) || !is_own_host(parts) {
            return Some(plain(StatusCode::FORBIDDEN, "not for web pages\n"));
        }
        let path = parts.uri.path();
        let reads = matches!(parts.method, Method::GET | Method::HEAD);
        match path {
            "/livez" if reads => return Some(plain(StatusCode::OK, "alive\n")),
            "/readyz" if reads => return Some(self.ready(None)),
            _ => {}
        }
        if reads && let Some(chain) = path.strip_prefix("/readyz/") {
            return Some(self.ready(Some(chain)));
        }
        if !self.admits(&parts.headers) {
            let mut response = plain(StatusCode::UNAUTHORIZED, "token wanted\n");
            let bearer = HeaderValue::from_static("Bearer");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, bearer);
            return Some(response);
        }
        match path {
            "/metrics" if reads => {
                Some(text("text/plain; version=0.0.4; charset=utf-8", (self.pages.metrics)()))
            }
            "/api/v1/status" if reads => Some(text("application/json", (self.pages.status)())),
            _ if path.starts_with("/api/") => None,
            _ => Some(plain(StatusCode::NOT_FOUND, "no such page\n")),
        }
    }

    fn ready(&self, chain: Option<&str>) -> Response<Reply> {
        readiness((self.pages.ready)(chain), *self.phases.borrow() >= Phase::Draining)
    }

    fn admits(&self, headers: &HeaderMap) -> bool {
        let Some(token) = (self.token)() else { return true };
        let said = headers.get(header::AUTHORIZATION).map(HeaderValue::as_bytes);
        let Some((scheme, said)) = said.and_then(|said| said.split_at_checked(7)) else {
            return false;
        };
        scheme.eq_ignore_ascii_case(b"bearer ") && is_same(said, token.expose().as_bytes())
    }

    async fn api(&self, parts: Parts, body: Incoming) -> Result<Response<Reply>, Abort> {
        let body = match timeout(BODY_TIMEOUT, Limited::new(body, BODY).collect()).await {
            Ok(Ok(body)) => body.to_bytes(),
            Ok(Err(_)) => return Ok(closing(StatusCode::PAYLOAD_TOO_LARGE)),
            Err(_) => return Ok(closing(StatusCode::REQUEST_TIMEOUT)),
        };
        let request = ApiRequest {
            method: parts.method,
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().map(str::to_owned),
            body,
        };
        let Some(ApiAnswer { status, json }) = (self.pages.api)(request).await else {
            return Ok(plain(StatusCode::NOT_FOUND, "no such call\n"));
        };
        let mut response = text("application/json", json);
        *response.status_mut() = status;
        Ok(response)
    }
}

fn text(kind: &'static str, text: String) -> Response<Reply> {
    let mut response = Response::new(Reply::text(text));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn closing(status: StatusCode) -> Response<Reply> {
    let mut response = empty(status);
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

/// Whether the request was meant for this port: rebinding needs a DNS name, so
/// addresses and `localhost` are safe; Kubernetes scrapes by address.
fn is_own_host(parts: &Parts) -> bool {
    let field = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let authority = parts.uri.authority().map(http::uri::Authority::as_str).or(field);
    let Some(authority) = authority.and_then(|text| text.parse::<http::uri::Authority>().ok())
    else {
        return false;
    };
    let host = authority.host().trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok()
}

/// Compares without telling by its time where two texts differ.
fn is_same(one: &[u8], other: &[u8]) -> bool {
    let differing = one.iter().zip(other).fold(0, |seen, (a, b)| seen | (a ^ b));
    std::hint::black_box(differing) == 0 && one.len() == other.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admin(token: Option<&str>) -> Admin {
        let pages = Pages {
            metrics: Box::new(|| "headrace_up 1\n".into()),
            status: Box::new(|| "{}".into()),
            ready: Box::new(|_| Readiness::Ready),
            api: Box::new(|_| Box::pin(async { None })),
        };
        let token = token.map(Secret::new);
        Admin::new(pages, Box::new(move || token.clone()), watch::channel(Phase::Serving).1)
    }

    /// The status that a GET gets; 0 when it would go on to the API.
    fn check(token: Option<&str>, path: &str, fields: &[(&str, &str)], expected: u16) {
        let mut request = Request::builder().uri(path);
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let parts = request.body(()).unwrap().into_parts().0;
        let page = admin(token).0.page(&parts);
        let status = page.map_or(0, |response| response.status().as_u16());
        assert_eq!(status, expected, "{path} {fields:?}");
    }

    const HOST: (&str, &str) = ("host", "127.0.0.1:9545");

    #[test]
    fn pages_are_shown_to_programs_and_not_to_web_pages() {
        check(None, "/metrics", &[HOST], 200);
        check(None, "/api/v1/status", &[("host", "localhost")], 200);
        check(None, "/api/v1/explain", &[HOST], 0);
        check(None, "/livez", &[("host", "[::1]:9545")], 200);
        check(None, "/readyz", &[HOST], 200);
        check(None, "/eth", &[HOST], 404);
        check(None, "/metrics", &[HOST, ("origin", "http://127.0.0.1:9545")], 403);
        check(None, "/metrics", &[("host", "rebound.example")], 403);
        check(None, "/metrics", &[], 403);
    }

    #[test]
    fn a_token_guards_everything_but_the_probes() {
        let bearer = |value| [HOST, ("authorization", value)];
        check(Some("secret"), "/metrics", &[HOST], 401);
        check(Some("secret"), "/api/v1/explain", &[HOST], 401);
        check(Some("secret"), "/metrics", &bearer("Bearer secret"), 200);
        check(Some("secret"), "/metrics", &bearer("bearer secret"), 200);
        for wrong in ["Bearer secre", "Bearer secrets", "Bearer ", "secret", "Basic secret"] {
            check(Some("secret"), "/metrics", &bearer(wrong), 401);
        }
        check(Some("secret"), "/livez", &[HOST], 200);
        check(Some("secret"), "/readyz", &[HOST], 200);
    }
}
