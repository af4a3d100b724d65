//! How jsonrpsee's HTTP server takes requests, and Chopsticks', whatever the method.

use http::request::Parts;
use http::{Method, StatusCode};

use super::node;
use crate::family::Client;
use crate::manners::{Door, Malformed, Manners, Notice, is_json};
use crate::node::Shared;
use crate::rpc::RpcError;

/// See [`crate::family::Family::manners`]: the defaults of polkadot-sdk nodes.
pub const MANNERS: Manners = Manners {
    batch: 1_000,
    listed: false,
    in_order: true,
    notes: true,
    silent: 204,
    body: 15 * 1024 * 1024,
    connections: 100,
    full: Some(Notice::new(
        StatusCode::TOO_MANY_REQUESTS,
        "Too many connections. Please try again later.",
    )),
};

const METHOD: &str = "Used HTTP Method is not allowed. POST or OPTIONS is required\n";
const CONTENT: &str =
    "Supplied content type is not allowed. Content-Type: application/json is required\n";

/// See [`crate::family::Sim::door`]: the health paths, and what jsonrpsee refuses.
#[must_use]
pub fn door(node: &Shared, head: &Parts) -> Door {
    let chopsticks = node.options.client == Client::Chopsticks;
    if head.method == Method::GET && !chopsticks {
        match head.uri.path() {
            "/health" => return Door::Page("system_health"),
            "/health/readiness" => return Door::Say(Notice::new(node::readiness(node), "")),
            _ => {}
        }
    }
    if head.method != Method::POST {
        Door::Say(Notice::new(StatusCode::METHOD_NOT_ALLOWED, METHOD))
    } else if chopsticks || is_json(head) {
        Door::Read
    } else {
        Door::Say(Notice::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, CONTENT))
    }
}

/// See [`crate::family::Sim::malformed`]. jsonrpsee answers 400 to what does not even begin as one.
#[must_use]
pub fn malformed(client: Client, why: Malformed) -> RpcError {
    let chopsticks = client == Client::Chopsticks;
    match why {
        Malformed::TooLarge => {
            let limit = "Exceeded max limit of 15728640";
            RpcError::new(-32007, "Request is too big").with_text(limit).with_status(413)
        }
        _ if chopsticks => RpcError::uncoded("Invalid JSON-RPC request"),
        Malformed::Text if client != Client::SubstrateOld => {
            RpcError::new(-32700, "Parse error").with_status(400)
        }
        Malformed::Text | Malformed::Json => RpcError::new(-32700, "Parse error"),
        Malformed::Call | Malformed::EmptyBatch => RpcError::new(-32600, "Invalid request"),
        Malformed::LongBatch => {
            let limit = "Exceeded max limit of 1000";
            RpcError::new(-32010, "The batch request was too large").with_text(limit)
        }
    }
}
