//! The Ethereum family: builds blocks and answers methods as execution clients do.
//!
//! Each method is one row of [`Ethereum::answer`]. What is answered follows from the
//! block (see [`truth`]) and from what the node has and keeps of the chain.

pub mod actors;
pub mod block;
mod filters;
pub mod header;
mod json;
mod logs;
mod params;
mod pool;
mod reads;
pub mod rlp;
mod state;
pub mod texts;
mod trace;
pub mod truth;
pub mod tx;
pub mod wire;

use std::sync::Arc;

use self::actors::Actors;
use self::block::Block;
use self::filters::Filters;
use crate::chain::{BranchId, Draft};
use crate::hash::Hash;
use crate::node::Context;
use crate::recent::Recent;
use crate::rpc::{Answer, Call, RpcError};

/// The simulator of one Ethereum chain.
#[derive(Debug)]
pub struct Ethereum {
    pub actors: Actors,
    recent: Recent<Block>,
    filters: Filters,
}

impl Ethereum {
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { actors: Actors::new(seed), recent: Recent::default(), filters: Filters::default() }
    }

    /// See [`crate::family::Sim::seal`].
    pub fn seal(&self, draft: &Draft) -> Hash {
        let block = Arc::new(self.build(draft));
        let hash = block.hash;
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

    fn build(&self, draft: &Draft) -> Block {
        let sent = draft.sent.iter().filter_map(|sent| sent.payload.ethereum().cloned());
        Block::build(&self.actors, draft, &sent.collect::<Vec<_>>())
    }

    /// The blocks that include a transaction, on whatever branch.
    fn blocks_of(&self, tx: &Hash) -> Vec<Hash> {
        self.recent.blocks_of(tx)
    }

    /// See [`crate::family::Sim::answer`].
    ///
    /// # Errors
    /// As a node of that client would.
    pub fn answer(&self, node: &Context<'_>, call: &Call<'_>, out: &mut String) -> Answer {
        let ask = Ask { sim: self, node, args: call.args() };
        match &*call.method {
            "eth_chainId" => ask.chain_id(out),
            "net_version" => ask.net_version(out),
            "web3_clientVersion" => ask.client_version(out),
            "web3_sha3" => ask.sha3(out),
            "eth_protocolVersion" => put(out, "\"0x44\""),
            "net_listening" => put(out, "true"),
            "net_peerCount" => ask.peer_count(out),
            "rpc_modules" => put(out, texts::MODULES),
            "eth_syncing" | "eth_mining" => put(out, "false"),
            "eth_accounts" => put(out, "[]"),
            "eth_hashrate" => put(out, "\"0x0\""),
            "eth_capabilities" => ask.capabilities(&call.method, out),
            "eth_blockNumber" => ask.block_number(out),
            "eth_gasPrice" => ask.gas_price(1_000_000_000, out),
            "eth_baseFee" => ask.gas_price(0, out),
            "eth_maxPriorityFeePerGas" => put(out, "\"0x3b9aca00\""),
            "eth_blobBaseFee" => put(out, "\"0x1\""),
            "eth_feeHistory" => ask.fee_history(out),
            "eth_getBlockByNumber" | "eth_getBlockByHash" => ask.block(out),
            "eth_getHeaderByNumber" | "eth_getHeaderByHash" => ask.header(out),
            "eth_getBlockTransactionCountByNumber" | "eth_getBlockTransactionCountByHash" => {
                ask.transaction_count(out)
            }
            "eth_getUncleCountByBlockNumber" | "eth_getUncleCountByBlockHash" => ask.no_uncles(out),
            "eth_getUncleByBlockNumberAndIndex" | "eth_getUncleByBlockHashAndIndex" => {
                put(out, "null")
            }
            "eth_getTransactionByBlockNumberAndIndex" | "eth_getTransactionByBlockHashAndIndex" => {
                ask.transaction_at(out)
            }
            "eth_getBlockReceipts" => ask.block_receipts(out),
            "eth_getTransactionByHash" => ask.transaction(out),
            "eth_getRawTransactionByHash" | "debug_getRawTransaction" => ask.raw_transaction(out),
            "eth_getTransactionReceipt" => ask.receipt(out),
            "debug_getRawHeader" => ask.raw_header(out),
            _ => ask.state_or_more(&call.method, out),
        }
    }
}

/// One call with all that is needed to answer it.
struct Ask<'a> {
    sim: &'a Ethereum,
    node: &'a Context<'a>,
    args: Vec<&'a serde_json::value::RawValue>,
}

impl Ask<'_> {
    fn state_or_more(&self, method: &str, out: &mut String) -> Answer {
        match method {
            "eth_getBalance" => self.balance(out),
            "eth_getCode" => self.code(out),
            "eth_getTransactionCount" => self.nonce(out),
            "eth_getStorageAt" => self.storage(out),
            "eth_getProof" => self.proof(out),
            "eth_call" => self.call(out),
            "eth_estimateGas" => self.estimate(out),
            "eth_createAccessList" => self.access_list(out),
            "eth_getLogs" => self.logs(out),
            "eth_sendRawTransaction" => self.send_raw(out),
            "txpool_status" => self.pool_status(out),
            "eth_newFilter" | "eth_newBlockFilter" | "eth_newPendingTransactionFilter" => {
                self.new_filter(method, out)
            }
            "eth_getFilterChanges" => self.filter_changes(out),
            "eth_getFilterLogs" => self.filter_logs(out),
            "eth_uninstallFilter" => self.uninstall_filter(out),
            "debug_traceTransaction" => self.trace_transaction(out),
            "debug_traceBlockByNumber" | "debug_traceBlockByHash" => self.trace_block(out),
            "eth_subscribe" | "eth_unsubscribe" => {
                Err(RpcError::new(-32601, "notifications not supported"))
            }
            _ => Err(texts::unknown_method(method)),
        }
    }
}

fn put(out: &mut String, text: &str) -> Answer {
    out.push_str(text);
    Ok(())
}

/// How heavy a method is, 1 for the lightest: the order of magnitude of the work it
/// makes, not a measurement.
#[must_use]
pub fn weight(method: &str) -> u32 {
    match method {
        "eth_getBlockByNumber"
        | "eth_getBlockByHash"
        | "eth_getBalance"
        | "eth_getCode"
        | "eth_getTransactionCount"
        | "eth_getStorageAt"
        | "eth_getTransactionByHash" => 2,
        "eth_getTransactionReceipt" => 3,
        "eth_feeHistory" => 5,
        "eth_call" | "eth_sendRawTransaction" => 10,
        "eth_getBlockReceipts" | "eth_estimateGas" | "eth_createAccessList" => 15,
        "eth_getProof" | "eth_getLogs" | "eth_getFilterLogs" => 20,
        "debug_traceTransaction" => 50,
        "debug_traceBlockByNumber" | "debug_traceBlockByHash" => 100,
        _ => 1,
    }
}

/// The hash of the raw transaction that a call sends.
#[must_use]
pub fn written(call: &Call<'_>) -> Option<Hash> {
    if call.method != "eth_sendRawTransaction" {
        return None;
    }
    let args = call.args();
    params::bytes(&args, 0).ok().map(|raw| tx::hash_of(&raw))
}

#[cfg(test)]
mod tests;
