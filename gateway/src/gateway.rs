//! Placeholder for the path of a call: the contract that the edge is written
//! against, answering every readable call with one constant. Not the gateway.

use std::{
    net::IpAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::StatusCode;
use http_body::{Frame, SizeHint};

use crate::{error::CallError, names::Name, topology::Chain};

/// A request's own id: 128 bits, shown as 32 hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RequestId(pub u128);

impl std::fmt::Display for RequestId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    H1,
    H2,
}

/// Where a request comes from.
#[derive(Clone, Copy, Debug)]
pub struct Origin {
    pub request_id: RequestId,
    pub peer: IpAddr,
    pub protocol: Protocol,
}

/// What the edge reads of the configuration in force.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Hosts served (lower case, no port). Absent: any.
    pub hosts: Option<Vec<String>>,
    /// Send node, zone and attempts as response headers.
    pub expose: bool,
}

pub enum Route {
    Chain(Arc<Chain>),
    /// A path with a key segment while path keys are off (B46).
    Key,
    None,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readiness {
    Ready,
    /// Why not, in a word or two.
    NotReady(&'static str),
    NoSuchChain,
}

/// Who answered a call, for operators.
#[derive(Clone, Debug)]
pub struct Trail {
    pub node: Name,
    pub zone: Name,
    pub attempts: u32,
}

pub struct Answer {
    pub status: StatusCode,
    /// Seconds.
    pub retry_after: Option<u32>,
    pub body: Body,
    pub trail: Option<Trail>,
    pub close: bool,
}

/// Bytes of an answer.
#[derive(Default)]
pub struct Body(Option<Bytes>);

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Poll::Ready(self.0.take().map(|whole| Ok(Frame::data(whole))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.as_ref().map_or(0, |whole| whole.len() as u64))
    }
}

pub struct Gateway {
    pub settings: Arc<Settings>,
    pub chains: Vec<Arc<Chain>>,
    pub readiness: Readiness,
}

impl Gateway {
    /// Finds the chain for a request: Host first, then path.
    pub fn route(&self, _host: Option<&str>, path: &str) -> Route {
        let mut segments = path.trim_start_matches('/').split('/');
        let name = segments.next().unwrap_or_default();
        let Some(chain) = self.chains.iter().find(|chain| *chain.name == *name) else {
            return Route::None;
        };
        match segments.next() {
            None => Route::Chain(Arc::clone(chain)),
            Some(_) => Route::Key,
        }
    }

    /// Answers one request text of a chain. Never fails: errors are answers.
    pub async fn serve(&self, _chain: &Arc<Chain>, text: Bytes, from: &Origin) -> Answer {
        if text.iter().all(u8::is_ascii_whitespace) {
            return json(StatusCode::BAD_REQUEST, -32700, "parse_error", from);
        }
        Answer {
            status: StatusCode::OK,
            retry_after: None,
            body: Body(Some(Bytes::from_static(
                b"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"0x1\"}",
            ))),
            trail: Some(Trail { node: "n1".into(), zone: "z1".into(), attempts: 1 }),
            close: false,
        }
    }

    /// An error of ours as an answer; also records it.
    pub fn refuse(&self, _chain: Option<&Arc<Chain>>, error: CallError, from: &Origin) -> Answer {
        let (status, reason) = match error {
            CallError::BodyTooLarge { .. } => (413, "body_too_large"),
            CallError::BodiesFull => (503, "bodies_full"),
            CallError::BodyTimeout => (408, "body_timeout"),
            CallError::UnsupportedMediaType => (415, "unsupported_media_type"),
            CallError::UnsupportedEncoding => (415, "unsupported_encoding"),
            CallError::RouteNotFound => (404, "route_not_found"),
            CallError::HttpMethodNotAllowed => (405, "http_method_not_allowed"),
            CallError::HttpMethodUnknown => (501, "http_method_unknown"),
            CallError::TransferCoding => (501, "transfer_coding"),
            CallError::Expectation => (417, "expectation"),
            CallError::Misdirected => (421, "misdirected"),
            CallError::Unauthenticated => (401, "unauthenticated"),
            CallError::TargetTooLong => (414, "target_too_long"),
            CallError::HeadTooLarge => (431, "head_too_large"),
            CallError::ClientTruncated => (400, "client_truncated"),
            _ => (400, "bad_http"),
        };
        let transient = status == 503;
        let code = if transient { -32005 } else { -32600 };
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
        let answer = json(status, code, reason, from);
        Answer { retry_after: transient.then_some(1), ..answer }
    }

    pub fn ready(&self, chain: Option<&str>) -> Readiness {
        match chain {
            Some(name) if !self.chains.iter().any(|chain| *chain.name == *name) => {
                Readiness::NoSuchChain
            }
            _ => self.readiness,
        }
    }

    pub fn settings(&self) -> Arc<Settings> {
        Arc::clone(&self.settings)
    }
}

fn json(status: StatusCode, code: i32, reason: &str, from: &Origin) -> Answer {
    let text = format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{{\"code\":{code},\"message\":\"refused\",\
         \"data\":{{\"reason\":\"{reason}\",\"origin\":\"gateway\",\"request_id\":\"{}\"}}}}}}",
        from.request_id
    );
    Answer { status, retry_after: None, body: Body(Some(text.into())), trail: None, close: false }
}
