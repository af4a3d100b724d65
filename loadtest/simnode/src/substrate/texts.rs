//! Errors in the words of two generations of nodes and of Chopsticks. Sources: rpc-api,
//! rpc-servers and client/db of polkadot-sdk; jsonrpsee; jsonrpc-pubsub; the issues
//! polkadot-js/api 2629 and substrate-api-sidecar 1562; chopsticks-core 1.5.1.

use crate::family::Client;
use crate::hash::{Hash, hex};
use crate::rpc::RpcError;

/// Why the state of a block is not to be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// The node does not know the block.
    Unknown(Hash),
    /// The node has the block and not its state any more.
    Discarded(Hash),
}

impl Missing {
    fn reason(self) -> String {
        match self {
            Self::Unknown(hash) => {
                format!("Header was not found in the database: {}", hex(&hash))
            }
            Self::Discarded(hash) => format!("State already discarded for {}", hex(&hash)),
        }
    }

    /// As the nodes of 2020 put it into `data`.
    fn debug(self) -> String {
        let reason = match self {
            Self::Unknown(hash) => format!("Expect header: BlockId::Hash({})", hex(&hash)),
            Self::Discarded(hash) => {
                format!("State already discarded for BlockId::Hash({})", hex(&hash))
            }
        };
        format!("Client(UnknownBlock({reason:?}))")
    }
}

/// Which part of a node was asked: each words the same failure in its own way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Storage, straight from the database.
    Storage,
    /// A function of the runtime: calls, metadata, version.
    Runtime,
    /// A method that hides the reason behind this message.
    Behind(&'static str),
}

/// The state of a block is not to be had.
#[must_use]
pub fn missing(client: Client, asked: Asked, missing: Missing) -> RpcError {
    let reason = missing.reason();
    let (storage, runtime) = (
        format!("Client error: UnknownBlock: {reason}"),
        format!("Client error: Api called for an unknown Block: {reason}"),
    );
    match (client, asked) {
        (Client::Chopsticks, Asked::Storage) => RpcError::uncoded(format!("4003: {storage}")),
        (Client::Chopsticks, _) => RpcError::uncoded(format!("4003: {runtime}")),
        (Client::SubstrateOld, Asked::Behind(message)) => {
            RpcError::new(1, message).with_text(&missing.debug())
        }
        (Client::SubstrateOld, _) => {
            RpcError::new(-32603, "Unknown error occurred").with_text(&missing.debug())
        }
        (_, Asked::Behind(message)) => {
            let text = format!("Api called for an unknown Block: {reason}");
            RpcError::new(1, message).with_text(&text)
        }
        (_, Asked::Storage) => RpcError::new(4003, storage),
        (_, Asked::Runtime) => RpcError::new(4003, runtime),
    }
}

/// A function of the runtime failed, as it would anywhere.
#[must_use]
pub fn execution_failed(client: Client, why: &str) -> RpcError {
    let text = format!("Client error: Execution failed: {why}");
    match client {
        Client::Chopsticks => RpcError::uncoded(text),
        Client::SubstrateOld => {
            let data = format!("Client(Execution(Other({why:?})))");
            RpcError::new(-32603, "Unknown error occurred").with_text(&data)
        }
        _ => RpcError::new(4003, text),
    }
}

#[must_use]
pub fn unknown_method(client: Client, method: &str) -> RpcError {
    match client {
        Client::Chopsticks => RpcError::uncoded(format!("Method not found: {method}")),
        _ => RpcError::new(-32601, "Method not found"),
    }
}

/// A node refuses what could harm it.
#[must_use]
pub fn unsafe_method() -> RpcError {
    RpcError::new(-32601, "RPC call is unsafe to be called externally")
}

/// A method that needs a connection that stays.
#[must_use]
pub fn no_subscriptions(client: Client) -> RpcError {
    match client {
        Client::Chopsticks => {
            RpcError::uncoded("Subscription is not supported over HTTP".to_owned())
        }
        Client::SubstrateOld => {
            RpcError::new(-32090, "Subscriptions are not available on this transport.")
        }
        _ => RpcError::new(-32603, "Internal error"),
    }
}

#[must_use]
pub fn invalid_params(client: Client, why: &str) -> RpcError {
    match client {
        Client::Chopsticks => RpcError::uncoded(format!("Invalid params: {why}")),
        Client::SubstrateOld => RpcError::new(-32602, format!("Invalid params: {why}.")),
        _ => RpcError::new(-32602, "Invalid params").with_text(why),
    }
}

/// A page of more than 1,000 keys.
#[must_use]
pub fn long_page(client: Client, value: u64) -> RpcError {
    let text = format!("count exceeds maximum value. value: {value}, max: 1000");
    match client {
        Client::Chopsticks => RpcError::uncoded(text),
        _ => RpcError::new(4002, text),
    }
}

/// `system_name` and `system_version`.
#[must_use]
pub fn software(client: Client) -> (&'static str, &'static str) {
    match client {
        Client::SubstrateOld => ("Substrate Node", "2.0.0-24d8d7d-x86_64-linux-gnu"),
        Client::Chopsticks => ("Subway", "chopsticks-v1"),
        _ => ("Parity Polkadot", "1.20.1-simulated"),
    }
}
