//! Errors in the words of six clients. Source: the clients' own code, read in 2026.
//! geth's are those of every client that is not named.

use crate::family::Client;
use crate::hash::{Hash, hex};
use crate::rpc::RpcError;

/// The answer of `rpc_modules`.
pub const MODULES: &str = r#"{"debug":"1.0","eth":"1.0","net":"1.0","rpc":"1.0","web3":"1.0"}"#;

/// `web3_clientVersion`.
#[must_use]
pub fn version(client: Client) -> &'static str {
    match client {
        Client::Reth => "reth/v1.9.3-simulated/x86_64-unknown-linux-gnu",
        Client::Nethermind => "Nethermind/v1.35.2+simulated/linux-x64/dotnet9.0.10",
        Client::Besu => "besu/v25.10.0/linux-x86_64/openjdk-java-21",
        Client::Erigon => "erigon/3.2.2/linux-amd64/go1.25.1",
        _ => "Geth/v1.17.8-stable/linux-amd64/go1.25.1",
    }
}

#[must_use]
pub fn unknown_method(method: &str) -> RpcError {
    RpcError::new(-32601, format!("the method {method} does not exist/is not available"))
}

/// The state of a block is not kept any more.
#[must_use]
pub fn state_pruned(client: Client, number: u64, hash: &Hash, root: &Hash) -> RpcError {
    let root = hex(root);
    let bare = &root[2..];
    match client {
        Client::GethPath => {
            RpcError::new(-32000, format!("historical state {bare} is not available"))
        }
        Client::Reth => RpcError::new(-32603, format!("state at block #{number} is pruned")),
        Client::Nethermind => {
            RpcError::new(-32002, format!("No state available for block {number} ({})", hex(hash)))
        }
        Client::Besu => RpcError::new(-32000, "World state unavailable"),
        Client::Erigon => RpcError::new(-32000, "history has been pruned for this block"),
        _ => RpcError::new(
            -32000,
            format!("missing trie node {bare} (path ) state {root} is not available, not found"),
        ),
    }
}

/// The state that a trace starts from is not kept any more.
#[must_use]
pub fn trace_state_pruned(client: Client, number: u64, hash: &Hash, root: &Hash) -> RpcError {
    match client {
        Client::Geth | Client::GethPath => {
            RpcError::new(-32000, "required historical state unavailable (reexec=128)")
        }
        _ => state_pruned(client, number, hash, root),
    }
}

/// Bodies, receipts or logs of a block are not kept any more.
#[must_use]
pub fn body_pruned(client: Client, number: u64, oldest: u64) -> RpcError {
    match client {
        Client::Reth => RpcError::new(
            4444,
            format!("pruned history unavailable: requested {number}, earliest available {oldest}"),
        ),
        Client::Besu => RpcError::new(4444, "Pruned history unavailable"),
        _ => RpcError::new(4444, "pruned history unavailable"),
    }
}

/// State was asked at a number that the node does not have.
#[must_use]
pub fn unknown_number(client: Client, number: u64) -> RpcError {
    match client {
        Client::Reth => RpcError::new(-32001, format!("block not found: {number:#x}")),
        Client::Nethermind => RpcError::new(-32001, format!("{number} could not be found")),
        Client::Besu => RpcError::new(-32000, "Block not found"),
        _ => RpcError::new(-32000, "header not found"),
    }
}

/// State was asked at a hash that the node does not have.
#[must_use]
pub fn unknown_hash(client: Client, hash: &Hash) -> RpcError {
    match client {
        Client::Reth => RpcError::new(-32001, format!("block not found: hash {}", hex(hash))),
        Client::Nethermind => RpcError::new(-32001, format!("{} could not be found", hex(hash))),
        Client::Besu => RpcError::new(-32000, "Block not found"),
        _ => RpcError::new(-32000, "header for hash not found"),
    }
}

/// A range of logs reaches above the head.
#[must_use]
pub fn beyond_head(client: Client) -> RpcError {
    match client {
        Client::Besu => RpcError::new(-32000, "Block not found"),
        _ => RpcError::new(-32602, "block range extends beyond current head block"),
    }
}

/// The pool knows the transaction.
#[must_use]
pub fn already_known(client: Client) -> RpcError {
    match client {
        Client::Besu => RpcError::new(-32000, "Known transaction"),
        Client::Nethermind => RpcError::new(-32010, "AlreadyKnown"),
        _ => RpcError::new(-32000, "already known"),
    }
}

/// The account has used the nonce.
#[must_use]
pub fn nonce_too_low(client: Client, next: u64, sent: u64) -> RpcError {
    match client {
        Client::Besu => RpcError::new(-32001, "Nonce too low"),
        Client::Nethermind => RpcError::new(-32010, "OldNonce"),
        _ => RpcError::new(-32000, format!("nonce too low: next nonce {next}, tx nonce {sent}")),
    }
}

/// A filter id means nothing here.
#[must_use]
pub fn no_filter(client: Client) -> RpcError {
    match client {
        Client::Reth => RpcError::new(-32602, "filter not found"),
        Client::Besu => RpcError::new(-32000, "Filter not found"),
        _ => RpcError::new(-32000, "filter not found"),
    }
}
