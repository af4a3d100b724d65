//! How nearcore's HTTP server takes requests, whatever the method.
//!
//! One call per POST on `/`: a batch, a notification and anything else that is no call
//! get one and the same parse error. Statuses follow the error's name, see
//! [`texts::status`](super::texts::status).

use http::request::Parts;
use http::{Method, StatusCode, header};

use crate::rpc::{Malformed, Manners};

/// See [`crate::family::Sim::manners`]. The body limit is nearcore's default.
pub const MANNERS: Manners =
    Manners { batch: 0, in_order: true, notes: false, silent: 400, body: 10 * 1024 * 1024 };

/// See [`crate::family::Sim::page`].
#[must_use]
pub fn page(head: &Parts) -> Option<&'static str> {
    if head.method != Method::GET && head.method != Method::HEAD {
        return None;
    }
    match head.uri.path() {
        "/status" => Some("status"),
        "/health" => Some("health"),
        "/network_info" => Some("network_info"),
        _ => None,
    }
}

/// See [`crate::family::Sim::refuse`].
#[must_use]
pub fn refuse(head: &Parts) -> Option<(StatusCode, &'static str)> {
    if head.uri.path() != "/" {
        return Some((StatusCode::NOT_FOUND, ""));
    }
    if head.method != Method::POST {
        return Some((StatusCode::METHOD_NOT_ALLOWED, ""));
    }
    let kind = head.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let json = kind.is_some_and(|kind| kind.trim_start().starts_with("application/json"));
    (!json).then_some((StatusCode::UNSUPPORTED_MEDIA_TYPE, "Content type error"))
}

/// See [`crate::family::Sim::malformed`].
#[must_use]
pub fn malformed(why: Malformed) -> (u16, &'static str) {
    match why {
        Malformed::Json => (400, "Json deserialize error: expected value at line 1 column 1"),
        Malformed::Call | Malformed::EmptyBatch | Malformed::LongBatch => (400, NO_REQUEST),
    }
}

const NO_REQUEST: &str = r#"{"jsonrpc":"2.0","error":{"name":"REQUEST_VALIDATION_ERROR","cause":{"info":{"error_message":"JSON RPC Request format was expected"},"name":"PARSE_ERROR"},"code":-32700,"message":"Parse error","data":"JSON RPC Request format was expected"},"id":null}"#;
