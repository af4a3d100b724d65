//! The ICON family: builds blocks and answers methods as goloop does.
//!
//! Parameters are named. Every block is final, and the results of its transactions are
//! known one block later. A node has one base height below which it has nothing: the
//! highest of what its retention says. What is answered follows from the block (see
//! [`truth`]) and from what the node has.
//!
//! Not here: the WebSocket streams, `/admin`, and the rosetta API.

pub mod actors;
pub mod block;
mod btp;
mod params;
mod proofs;
mod reads;
mod send;
mod state;
pub mod texts;
pub mod truth;
pub mod tx;
pub mod wire;

use std::sync::Arc;

use serde_json::Value;

use self::actors::Actors;
use self::block::Block;
use self::params::{Member, Params};
use self::wire::Api;
use crate::chain::{BranchId, Draft};
use crate::hash::{Hash, hex};
use crate::node::Context;
use crate::recent::Recent;
use crate::rpc::{Answer, Call, RpcError};

/// The simulator of one ICON chain.
#[derive(Debug)]
pub struct Icon {
    pub actors: Actors,
    recent: Recent<Block>,
}

impl Icon {
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { actors: Actors::new(seed), recent: Recent::default() }
    }

    /// See [`crate::family::Sim::seal`].
    pub fn seal(&self, draft: &Draft) -> Hash {
        let block = Arc::new(self.build(draft));
        let hash = block.id.hash;
        self.recent.index(hash, block.txs.iter().map(|tx| tx.hash));
        self.recent.keep(hash, block);
        hash
    }

    /// The block at a number of a branch.
    #[must_use]
    pub fn block(&self, node: &Context<'_>, branch: BranchId, number: u64) -> Option<Arc<Block>> {
        let hash = node.chain.block_hash(branch, number)?;
        if let Some(block) = self.recent.get(&hash) {
            return Some(block);
        }
        let block = Arc::new(self.build(&node.chain.draft(branch, number)?));
        self.recent.keep(hash, Arc::clone(&block));
        Some(block)
    }

    /// Builds the block of a draft.
    #[must_use]
    pub fn build(&self, draft: &Draft) -> Block {
        let sent = draft.sent.iter().filter_map(|sent| sent.payload.icon().cloned());
        Block::build(&self.actors, draft, &sent.collect::<Vec<_>>())
    }

    /// See [`crate::family::Sim::answer`].
    ///
    /// # Errors
    /// As a node would.
    pub fn answer(&self, node: &Context<'_>, call: &Call<'_>, out: &mut String) -> Answer {
        let ask = Ask { sim: self, node, call };
        match wire::api(node.head.uri.path()) {
            Ok(Api::Debug) => ask.debug(out),
            Ok(Api::Main) | Err(_) => ask.main(out),
        }
    }
}

/// One call with all that is needed to answer it.
struct Ask<'a> {
    sim: &'a Icon,
    node: &'a Context<'a>,
    call: &'a Call<'a>,
}

impl<'a> Ask<'a> {
    fn main(&self, out: &mut String) -> Answer {
        match &*self.call.method {
            "icx_getLastBlock" => self.last_block(out),
            "icx_getBlockByHeight" => self.block_by_height(out),
            "icx_getBlockByHash" => self.block_by_hash(out),
            "icx_getBlockHeaderByHeight" => self.header_by_height(out),
            "icx_getVotesByHeight" => self.votes_by_height(out),
            "icx_getDataByHash" => self.data_by_hash(out),
            "icx_getNetworkInfo" => self.network_info(out),
            "icx_getTransactionByHash" => self.transaction(out),
            "icx_getTransactionResult" => self.transaction_result(out),
            "icx_getProofForResult" => self.proof_for_result(out),
            "icx_getProofForEvents" => self.proof_for_events(out),
            "icx_getBalance" => self.balance(out),
            "icx_getTotalSupply" => self.total_supply(out),
            "icx_call" => self.call_contract(out),
            "icx_getScoreApi" => self.score_api(out),
            "icx_getScoreStatus" => self.score_status(out),
            "icx_sendTransaction" => self.send(out),
            "icx_sendTransactionAndWait" => self.send_and_wait(out),
            "icx_waitTransactionResult" => self.wait(out),
            "btp_getNetworkInfo" => self.btp_network(out),
            "btp_getNetworkTypeInfo" => self.btp_network_type(out),
            "btp_getMessages" => self.btp_messages(out),
            "btp_getHeader" => self.btp_header(out),
            "btp_getProof" => self.btp_proof(out),
            "btp_getSourceInformation" => self.btp_source(out),
            _ => Err(texts::unknown_method()),
        }
    }

    fn debug(&self, out: &mut String) -> Answer {
        match &*self.call.method {
            "debug_estimateStep" => self.estimate_step(out),
            "debug_getTrace" => self.trace(out),
            _ => Err(texts::unknown_method()),
        }
    }

    fn params(&self, members: &[Member]) -> Result<Params<'a>, RpcError> {
        Params::read(self.call, members)
    }
}

fn put(out: &mut String, value: &Value) -> Answer {
    out.push_str(&value.to_string());
    Ok(())
}

/// How heavy a method is, 1 for the lightest: the order of magnitude of the work it
/// makes, not a measurement.
#[must_use]
pub fn weight(method: &str) -> u32 {
    match method {
        "icx_getBalance" | "icx_getTotalSupply" | "icx_getBlockHeaderByHeight" => 2,
        "icx_getLastBlock"
        | "icx_getBlockByHeight"
        | "icx_getBlockByHash"
        | "icx_getScoreStatus"
        | "icx_getTransactionResult"
        | "icx_getTransactionByHash"
        | "icx_getDataByHash"
        | "icx_getVotesByHeight"
        | "btp_getNetworkInfo"
        | "btp_getNetworkTypeInfo" => 3,
        "icx_getScoreApi" | "btp_getMessages" | "btp_getHeader" | "btp_getProof" => 5,
        "icx_call"
        | "icx_sendTransaction"
        | "icx_sendTransactionAndWait"
        | "icx_waitTransactionResult"
        | "icx_getProofForResult"
        | "icx_getProofForEvents" => 10,
        "debug_estimateStep" => 30,
        "debug_getTrace" => 50,
        _ => 1,
    }
}

/// The hash of the transaction that a call sends.
#[must_use]
pub fn written(call: &Call<'_>) -> Option<Hash> {
    if !matches!(&*call.method, "icx_sendTransaction" | "icx_sendTransactionAndWait") {
        return None;
    }
    tx::hash_of(&serde_json::from_str(call.params?.get()).ok()?)
}

fn hash_value(hash: &Hash) -> Value {
    Value::from(hex(hash))
}

#[cfg(test)]
mod tests;
