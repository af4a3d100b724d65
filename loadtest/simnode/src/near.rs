//! The NEAR family: builds blocks and answers methods as nearcore does.
//!
//! Heights are skipped (see [`truth::Rules`]), state and bodies are collected after a
//! window of blocks, transactions wait in the open socket. Each method is one row of
//! [`Near::answer`]; what is answered follows from the block (see [`truth`]) and from
//! what the node has and keeps of the chain.
//!
//! Answers fit the schemas of `@near-js/jsonrpc-types` 1.4.0, whose keys are camel case,
//! except where real nodes do not: `query` to an unknown key or a failed contract (a
//! result with `error`), and `{"final_execution_status":"NONE"}`. The schemas have no
//! `EXPERIMENTAL_view_*`, `EXPERIMENTAL_call_function` and `EXPERIMENTAL_receipt_to_tx`.

pub mod action;
pub mod actors;
pub mod block;
pub mod borsh;
mod changes;
mod config;
mod json;
mod light;
mod locate;
mod own;
mod params;
mod query;
mod reads;
mod send;
pub mod texts;
pub mod truth;
pub mod tx;
mod wait;
pub mod wire;

use std::sync::Arc;

use serde_json::Value;

use self::actors::Actors;
use self::block::Block;
use self::params::Params;
use self::truth::Rules;
use crate::chain::{BranchId, ChainOptions, Draft};
use crate::family::Client;
use crate::hash::Hash;
use crate::node::Context;
use crate::recent::Recent;
use crate::rpc::{Answer, Call, RpcError};

/// The simulator of one NEAR chain.
#[derive(Debug)]
pub struct Near {
    pub rules: Rules,
    pub actors: Actors,
    /// Found by the ids of transactions, receipts and chunks.
    recent: Recent<Block>,
}

impl Near {
    #[must_use]
    pub fn new(options: &ChainOptions) -> Self {
        let rules = Rules { seed: options.seed, skip: options.skip };
        Self { rules, actors: Actors::new(options.seed), recent: Recent::default() }
    }

    /// See [`crate::family::Sim::seal`].
    pub fn seal(&self, draft: &Draft) -> Hash {
        let block = Arc::new(self.build(draft));
        let hash = block.hash;
        let of_txs = block.txs.iter().flat_map(|tx| [tx.hash, block::receipt_id(&tx.hash)]);
        self.recent.index(hash, of_txs.chain(block.chunks.iter().map(|chunk| chunk.hash)));
        self.recent.keep(hash, block);
        hash
    }

    fn build(&self, draft: &Draft) -> Block {
        let sent: Vec<_> =
            draft.sent.iter().filter_map(|sent| sent.payload.near().cloned()).collect();
        Block::build(&self.rules, &self.actors, draft, &sent)
    }

    /// The block at a height of a branch that was not skipped.
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

    /// The blocks with a transaction, receipt or chunk, on whatever branch.
    fn blocks_with(&self, id: &Hash) -> Vec<Hash> {
        self.recent.blocks_of(id)
    }

    /// See [`crate::family::Sim::answer`].
    ///
    /// # Errors
    /// As a node of that generation would.
    pub fn answer(&self, node: &Context<'_>, call: &Call<'_>, out: &mut String) -> Answer {
        let client = node.node.options.client;
        self.try_answer(node, call, out).map_err(|error| texts::served_by(client, error))
    }

    fn try_answer(&self, node: &Context<'_>, call: &Call<'_>, out: &mut String) -> Answer {
        let method = &*call.method;
        if !knows(node.node.options.client, method) {
            return Err(texts::unknown_method(method));
        }
        let ask = Ask { sim: self, node, params: Params::of(call)? };
        if matches!(method, "block") {
            return ask.block_text(out);
        }
        let value = ask.value(method)?;
        out.push_str(&value.to_string());
        Ok(())
    }
}

/// Whether a generation has a method.
fn knows(client: Client, method: &str) -> bool {
    let age = match client {
        Client::Nearcore24 => 4,
        Client::Nearcore27 => 7,
        _ => 14,
    };
    match method {
        "EXPERIMENTAL_check_tx" | "EXPERIMENTAL_broadcast_tx_sync" => age < 7,
        "changes"
        | "block_effects"
        | "genesis_config"
        | "light_client_proof"
        | "maintenance_windows" => age >= 7,
        "EXPERIMENTAL_receipt_to_tx" => age >= 14,
        _ => {
            !method.starts_with("EXPERIMENTAL_view_") && method != "EXPERIMENTAL_call_function"
                || age >= 14
        }
    }
}

/// One call with all that is needed to answer it.
struct Ask<'a> {
    sim: &'a Near,
    node: &'a Context<'a>,
    params: Params,
}

impl Ask<'_> {
    fn value(&self, method: &str) -> Result<Value, RpcError> {
        match method {
            "status" => self.status(),
            "health" => self.health(),
            "network_info" => Ok(self.network_info()),
            "tier1_network_info" => Ok(self.tier1()),
            "client_config" => Ok(self.client_config()),
            "EXPERIMENTAL_split_storage_info" => Ok(self.split_storage()),
            "chunk" => self.chunk(),
            "gas_price" => self.gas_price(),
            "validators" => self.validators(),
            "EXPERIMENTAL_validators_ordered" => self.validators_ordered(),
            "genesis_config" | "EXPERIMENTAL_genesis_config" => Ok(self.genesis_config()),
            "EXPERIMENTAL_protocol_config" => self.protocol_config(),
            "EXPERIMENTAL_congestion_level" => self.congestion(),
            "maintenance_windows" | "EXPERIMENTAL_maintenance_windows" => self.maintenance(),
            "changes" | "EXPERIMENTAL_changes" => self.changes(),
            "block_effects" | "EXPERIMENTAL_changes_in_block" => self.touched(),
            "query" => self.query(),
            _ => self.value_of_more(method),
        }
    }

    fn value_of_more(&self, method: &str) -> Result<Value, RpcError> {
        match method {
            "tx" => self.tx(false),
            "EXPERIMENTAL_tx_status" => self.tx(true),
            "send_tx" | "broadcast_tx_commit" => self.send(),
            "broadcast_tx_async" => self.send_async(),
            "EXPERIMENTAL_broadcast_tx_sync" => self.send_sync(),
            "EXPERIMENTAL_check_tx" => self.check_tx(),
            "EXPERIMENTAL_receipt" => self.receipt(),
            "EXPERIMENTAL_receipt_to_tx" => self.receipt_to_tx(),
            "light_client_proof" | "EXPERIMENTAL_light_client_proof" => self.light_proof(),
            "EXPERIMENTAL_light_client_block_proof" => self.light_block_proof(),
            "next_light_client_block" => self.next_light_block(),
            _ => match method.strip_prefix("EXPERIMENTAL_") {
                Some(
                    kind @ ("call_function"
                    | "view_account"
                    | "view_access_key"
                    | "view_access_key_list"
                    | "view_code"
                    | "view_state"
                    | "view_gas_key_nonces"),
                ) => self.view(kind, true),
                _ => Err(texts::unknown_method(method)),
            },
        }
    }
}

/// How heavy a method is, 1 for the lightest: the order of magnitude of the work it
/// makes, not a measurement.
#[must_use]
pub fn weight(method: &str) -> u32 {
    match method {
        "network_info" | "EXPERIMENTAL_view_account" | "EXPERIMENTAL_view_access_key" => 2,
        "block" | "EXPERIMENTAL_receipt" | "EXPERIMENTAL_congestion_level" => 3,
        "tx"
        | "chunk"
        | "broadcast_tx_async"
        | "genesis_config"
        | "EXPERIMENTAL_genesis_config"
        | "next_light_client_block" => 5,
        "query"
        | "changes"
        | "EXPERIMENTAL_changes"
        | "block_effects"
        | "EXPERIMENTAL_changes_in_block"
        | "EXPERIMENTAL_tx_status"
        | "send_tx"
        | "EXPERIMENTAL_protocol_config"
        | "EXPERIMENTAL_validators_ordered" => 10,
        "broadcast_tx_commit" => 15,
        "validators"
        | "light_client_proof"
        | "EXPERIMENTAL_light_client_proof"
        | "EXPERIMENTAL_light_client_block_proof"
        | "EXPERIMENTAL_view_code"
        | "EXPERIMENTAL_call_function"
        | "EXPERIMENTAL_receipt_to_tx" => 20,
        "EXPERIMENTAL_view_state" => 50,
        _ => 1,
    }
}

/// The hash of the signed transaction that a call sends.
#[must_use]
pub fn written(call: &Call<'_>) -> Option<Hash> {
    if !matches!(
        &*call.method,
        "send_tx" | "broadcast_tx_commit" | "broadcast_tx_async" | "EXPERIMENTAL_broadcast_tx_sync"
    ) {
        return None;
    }
    let raw = Params::of(call).ok()?.bytes("signed_tx_base64", 0).ok()?;
    tx::hash_of(&raw)
}

#[cfg(test)]
mod tests;
