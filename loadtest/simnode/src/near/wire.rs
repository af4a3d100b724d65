//! How nearcore's HTTP server takes requests, whatever the method.
//!
//! One call per POST on `/`: a batch, a notification and anything else that is no call
//! get one and the same parse error, here as JSON also where nearcore says so in plain
//! text. Statuses follow the error's name, see [`texts`].

use http::request::Parts;
use http::{Method, StatusCode};

use super::texts;
use crate::manners::{Door, Malformed, Manners, Notice, is_json};
use crate::rpc::RpcError;

/// See [`crate::family::Family::manners`]. The body limit is nearcore's default.
pub const MANNERS: Manners = Manners {
    batch: 0,
    listed: false,
    in_order: true,
    notes: false,
    silent: 400,
    body: 10 * 1024 * 1024,
    connections: 4_096,
    full: None,
};

/// See [`crate::family::Sim::door`]; some methods are pages too.
#[must_use]
pub fn door(head: &Parts) -> Door {
    let say = |status, text| Door::Say(Notice::new(status, text));
    let page = head.method == Method::GET || head.method == Method::HEAD;
    match head.uri.path() {
        "/status" if page => Door::Page("status"),
        "/health" if page => Door::Page("health"),
        "/network_info" if page => Door::Page("network_info"),
        "/" if head.method != Method::POST => say(StatusCode::METHOD_NOT_ALLOWED, ""),
        "/" if is_json(head) => Door::Read,
        "/" => say(StatusCode::UNSUPPORTED_MEDIA_TYPE, "Content type error"),
        _ => say(StatusCode::NOT_FOUND, ""),
    }
}

/// See [`crate::family::Sim::malformed`].
#[must_use]
pub fn malformed(why: Malformed) -> RpcError {
    match why {
        Malformed::TooLarge => texts::no_request().with_status(413),
        Malformed::Text
        | Malformed::Json
        | Malformed::Call
        | Malformed::EmptyBatch
        | Malformed::LongBatch => texts::no_request(),
    }
}
