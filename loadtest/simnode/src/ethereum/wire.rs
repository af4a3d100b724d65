//! How geth's HTTP server takes requests, whatever the method.

use http::request::Parts;
use http::{Method, StatusCode};

use crate::manners::{Door, Malformed, Manners, Notice, is_json};
use crate::rpc::RpcError;

/// See [`crate::family::Family::manners`].
pub const MANNERS: Manners = Manners {
    batch: 1_000,
    listed: true,
    in_order: true,
    notes: true,
    silent: 204,
    body: 5 * 1024 * 1024,
    connections: 4_096,
    full: None,
};

/// See [`crate::family::Sim::door`]; 200 is the empty answer to a plain GET.
#[must_use]
pub fn door(head: &Parts) -> Door {
    let status = match head.method {
        Method::POST if is_json(head) => return Door::Read,
        Method::POST => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Method::GET | Method::HEAD => StatusCode::OK,
        _ => StatusCode::METHOD_NOT_ALLOWED,
    };
    Door::Say(Notice::new(status, ""))
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
