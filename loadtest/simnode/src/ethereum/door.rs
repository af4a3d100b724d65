//! What geth's HTTP server says before it reads a body, and to what is no call.

use http::request::Parts;
use http::{Method, StatusCode, header};

use crate::rpc::{Malformed, RpcError};
use crate::server::Greeting;

/// Refuses what is no POST of JSON; 200 is the empty answer to a plain GET.
#[must_use]
pub fn greet(head: &Parts) -> Option<Greeting> {
    match head.method {
        Method::POST => {}
        Method::GET | Method::HEAD => return Some(Greeting::empty(StatusCode::OK)),
        _ => return Some(Greeting::empty(StatusCode::METHOD_NOT_ALLOWED)),
    }
    let kind = head.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let json = kind.is_some_and(|kind| kind.trim_start().starts_with("application/json"));
    (!json).then(|| Greeting::empty(StatusCode::UNSUPPORTED_MEDIA_TYPE))
}

/// See [`crate::family::Sim::malformed`].
#[must_use]
pub fn malformed(why: Malformed) -> RpcError {
    match why {
        Malformed::Text | Malformed::Json => RpcError::new(-32700, "parse error"),
        Malformed::Call => RpcError::new(-32600, "invalid request"),
        Malformed::EmptyBatch => RpcError::new(-32600, "empty batch"),
        Malformed::LongBatch => RpcError::new(-32600, "batch too large"),
        Malformed::TooLarge => RpcError::new(-32600, "content length too large").with_status(413),
    }
}
