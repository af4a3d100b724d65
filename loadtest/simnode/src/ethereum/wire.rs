//! How geth's HTTP server takes requests, whatever the method.

use http::request::Parts;
use http::{Method, StatusCode, header};

use crate::rpc::{Malformed, Manners};

/// See [`crate::family::Sim::manners`].
pub const MANNERS: Manners =
    Manners { batch: 1_000, in_order: true, notes: true, silent: 204, body: 5 * 1024 * 1024 };

/// See [`crate::family::Sim::refuse`]; 200 is the empty answer to a plain GET.
#[must_use]
pub fn refuse(head: &Parts) -> Option<(StatusCode, &'static str)> {
    match head.method {
        Method::POST => {}
        Method::GET | Method::HEAD => return Some((StatusCode::OK, "")),
        _ => return Some((StatusCode::METHOD_NOT_ALLOWED, "")),
    }
    let kind = head.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let json = kind.is_some_and(|kind| kind.trim_start().starts_with("application/json"));
    (!json).then_some((StatusCode::UNSUPPORTED_MEDIA_TYPE, ""))
}

/// See [`crate::family::Sim::malformed`].
#[must_use]
pub fn malformed(why: Malformed) -> (u16, &'static str) {
    let text = match why {
        Malformed::Json => {
            r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"parse error"}}"#
        }
        Malformed::Call => {
            r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"invalid request"}}"#
        }
        Malformed::EmptyBatch => {
            r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"empty batch"}}"#
        }
        Malformed::LongBatch => {
            r#"[{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"batch too large"}}]"#
        }
    };
    (200, text)
}
