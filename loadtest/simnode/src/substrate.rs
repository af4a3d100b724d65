//! The Substrate family: builds blocks and answers methods as polkadot-sdk nodes do.
//!
//! Which methods there are is told by [`methods`]; what is answered follows from the
//! block (see [`truth`]) and from what the node has and keeps of the chain. Deliberately
//! not here: a runtime, WebSockets, and with them subscriptions and `chainHead_v1`, which
//! are refused as nodes refuse them over HTTP.

pub mod block;
mod childs;
mod evm;
pub mod extrinsic;
pub mod header;
mod metadata;
pub mod methods;
mod node;
mod params;
mod pool;
mod reads;
pub mod scale;
mod spec;
pub mod ss58;
mod state;
pub mod texts;
pub mod truth;
pub mod wire;

use std::sync::Arc;

use serde_json::value::RawValue;

use self::block::Block;
use self::methods::Kind;
use crate::chain::{BranchId, Draft};
use crate::family::Client;
use crate::hash::{Hash, unhex};
use crate::node::Context;
use crate::recent::Recent;
use crate::retention::{Keep, Retention};
use crate::rpc::{Answer, Call, RpcError};

/// The simulator of one Substrate chain.
#[derive(Debug, Default)]
pub struct Substrate {
    recent: Recent<Block>,
}

impl Substrate {
    /// See [`crate::family::Sim::seal`].
    pub fn seal(&self, draft: &Draft) -> Hash {
        let block = Arc::new(Block::build(draft));
        let hash = block.hash;
        self.recent.index(hash, block.sent.iter().map(|extrinsic| extrinsic.hash));
        self.recent.keep(hash, block);
        hash
    }

    /// The block at a number of a branch.
    fn block(&self, node: &Context<'_>, branch: BranchId, number: u64) -> Option<Arc<Block>> {
        let hash = node.chain.block_hash(branch, number)?;
        if let Some(block) = self.recent.get(&hash) {
            return Some(block);
        }
        let block = Arc::new(Block::build(&node.chain.draft(branch, number)?));
        self.recent.keep(hash, Arc::clone(&block));
        Some(block)
    }

    /// See [`crate::family::Sim::answer`].
    ///
    /// # Errors
    /// As a node of that client would.
    pub fn answer(&self, node: &Context<'_>, call: &Call<'_>, out: &mut String) -> Answer {
        let client = node.node.options.client;
        let archive = keeps_all(node.node.options.retention);
        let row = methods::find(&call.method)
            .filter(|row| methods::has(client, archive, &call.method) || row.kind == Kind::Stream);
        let Some(row) = row else { return Err(texts::unknown_method(client, &call.method)) };
        match row.kind {
            Kind::Unsafe => return Err(texts::unsafe_method()),
            Kind::Stream if methods::has(client, archive, &call.method) => {
                return Err(texts::no_subscriptions(client));
            }
            Kind::Stream => return Err(texts::unknown_method(client, &call.method)),
            Kind::Read | Kind::Spec | Kind::Archive | Kind::Evm => {}
        }
        let ask = Ask { sim: self, node, client, args: call.args_named(row.params) };
        let (group, name) = row.name.split_once('_').unwrap_or((row.name, ""));
        match group {
            "chain" => ask.chain_method(name, out),
            "state" => ask.state_method(name, out),
            "childstate" => ask.child_method(name, out),
            "author" | "transaction" => ask.pool_method(row.name, out),
            "system" | "rpc" | "sync" | "dev" => ask.node_method(row.name, out),
            "eth" => ask.evm_method(name, out),
            "payment" => ask.payment_method(name, out),
            _ => ask.spec_method(row.name, out),
        }
    }
}

/// One call with all that is needed to answer it.
struct Ask<'a> {
    sim: &'a Substrate,
    node: &'a Context<'a>,
    client: Client,
    args: Vec<&'a RawValue>,
}

fn put(out: &mut String, text: &str) -> Answer {
    out.push_str(text);
    Ok(())
}

fn keeps_all(retention: Retention) -> bool {
    retention.state == Keep::All && retention.bodies == Keep::All
}

/// How heavy a method is, 1 for the lightest: the order of magnitude of the work it
/// makes, not a measurement.
#[must_use]
pub fn weight(method: &str) -> u32 {
    methods::find(method).map_or(1, |row| row.weight)
}

/// The hash of the extrinsic that a call sends.
#[must_use]
pub fn written(call: &Call<'_>) -> Option<Hash> {
    let sends = ["author_submitExtrinsic", "transaction_v1_broadcast"];
    if !sends.contains(&&*call.method) {
        return None;
    }
    let args = call.args_named(&["bytes"]);
    let raw = params::text(args.first()?)?;
    unhex(&raw).map(|raw| extrinsic::hash_of(&raw))
}

/// An error that no client words in its own way.
fn plain_error(client: Client, code: i64, message: &'static str) -> RpcError {
    match client {
        Client::Chopsticks => RpcError::uncoded(message),
        _ => RpcError::new(code, message),
    }
}

#[cfg(test)]
mod tests;
