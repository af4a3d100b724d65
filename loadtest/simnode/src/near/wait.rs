//! How far a transaction has come, and waiting for it in the open socket.

use std::sync::Arc;

use serde_json::{Value, json};

use super::block::{self, Block};
use super::tx::{self, Signed};
use super::{Ask, json, texts};
use crate::hash::Hash;
use crate::rpc::RpcError;

/// How far a transaction has come, in nearcore's order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    None,
    /// In a block.
    Included,
    /// Its receipt was executed in the block after.
    ExecutedOptimistic,
    /// Its block is final.
    IncludedFinal,
    /// Executed, and its block is final.
    Executed,
    /// The block that executed the receipt is final too.
    Final,
}

const LEVELS: [(&str, Level); 6] = [
    ("NONE", Level::None),
    ("INCLUDED", Level::Included),
    ("EXECUTED_OPTIMISTIC", Level::ExecutedOptimistic),
    ("INCLUDED_FINAL", Level::IncludedFinal),
    ("EXECUTED", Level::Executed),
    ("FINAL", Level::Final),
];

impl Level {
    fn word(self) -> &'static str {
        LEVELS.iter().find(|(_, level)| *level == self).map_or("NONE", |(word, _)| word)
    }
}

/// A transaction that is in a block of the node's branch.
struct Found {
    signed: Arc<Signed>,
    block: Arc<Block>,
    /// The block that executed the receipt.
    executed: Option<Arc<Block>>,
    level: Level,
}

impl Ask<'_> {
    /// What the caller waits for; the default is nearcore's.
    pub fn wanted(&self) -> Result<Level, RpcError> {
        let Some(value) = self.params.named("wait_until") else {
            return Ok(Level::ExecutedOptimistic);
        };
        let found = LEVELS.iter().find(|(word, _)| value.as_str() == Some(word));
        found.map(|(_, level)| *level).ok_or_else(|| {
            texts::bad_params(&format!("unknown variant `{value}`, expected one of `NONE`, …"))
        })
    }

    pub fn tx(&self, receipts: bool) -> Result<Value, RpcError> {
        let named = self.params.named("tx_hash").is_some();
        let by_hash = named || self.params.get("sender_account_id", 1).is_some();
        let hash = if by_hash {
            self.params.text("sender_account_id", 1)?;
            self.params.hash("tx_hash", 0)?
        } else {
            self.signed()?.hash
        };
        self.reached(&hash, self.wanted()?, receipts)
    }

    /// The outcome of a transaction that has come as far as wanted; else an error that
    /// holds the socket.
    pub fn reached(&self, hash: &Hash, wanted: Level, receipts: bool) -> Result<Value, RpcError> {
        let found = self.find(hash);
        match found.filter(|found| found.level >= wanted) {
            Some(found) => Ok(shown(&found, receipts)),
            None => self.not_reached(hash, wanted),
        }
    }

    fn not_reached(&self, hash: &Hash, wanted: Level) -> Result<Value, RpcError> {
        let node = self.node.node;
        let pending = self.pooled(hash).is_some() || self.find(hash).is_some();
        if wanted > Level::None {
            let hold = Some(node.options.patience);
            return Err(RpcError { hold, ..texts::timeout(node.options.client, pending) });
        }
        if pending {
            return Ok(json!({"final_execution_status": "NONE"}));
        }
        Err(texts::unknown_tx(hash))
    }

    /// A transaction that waits in this node's pool.
    pub fn pooled(&self, hash: &Hash) -> Option<Arc<Signed>> {
        let sent = self.node.chain.pooled(self.node.viewer(), hash)?;
        sent.payload.near().cloned()
    }

    fn find(&self, hash: &Hash) -> Option<Found> {
        let block = self.holder(hash)?;
        let signed = Arc::clone(block.txs.iter().find(|signed| signed.hash == *hash)?);
        let (height, last) = (block.height(), self.final_height());
        let executed = self.at_height(self.sim.rules.next(height));
        let executed_at = executed.as_ref().map(|block| block.height());
        let level = match executed_at {
            Some(at) if at <= last => Level::Final,
            Some(_) if height <= last => Level::Executed,
            Some(_) => Level::ExecutedOptimistic,
            None => Level::Included,
        };
        Some(Found { signed, block, executed, level })
    }

    pub fn receipt(&self) -> Result<Value, RpcError> {
        let (signed, block) = self.of_receipt()?;
        Ok(json::receipt(&signed, block.height()))
    }

    pub fn receipt_to_tx(&self) -> Result<Value, RpcError> {
        let (signed, _) = self.of_receipt()?;
        Ok(json!({
            "sender_account_id": signed.tx.signer,
            "transaction_hash": texts::base58(&signed.hash),
        }))
    }

    /// The transaction that a receipt came from, and the block that includes it.
    fn of_receipt(&self) -> Result<(Arc<Signed>, Arc<Block>), RpcError> {
        let id = self.params.hash("receipt_id", 0)?;
        let unknown = || texts::unknown_receipt(&texts::base58(&id));
        let block = self.holder(&id).ok_or_else(unknown)?;
        let signed = block.txs.iter().find(|signed| block::receipt_id(&signed.hash) == id);
        Ok((Arc::clone(signed.ok_or_else(unknown)?), block))
    }
}

fn shown(found: &Found, receipts: bool) -> Value {
    let (signed, executed) = (&found.signed, found.executed.as_deref());
    let outcomes: Vec<Value> =
        executed.iter().map(|block| json::receipt_outcome(signed, block)).collect();
    let status = executed.map_or(json!("Started"), |block| json::final_status(signed, block));
    let mut shown = json!({
        "final_execution_status": found.level.word(),
        "receipts_outcome": outcomes,
        "status": status,
        "transaction": tx::view(signed),
        "transaction_outcome": json::tx_outcome(signed, &found.block),
    });
    if receipts {
        shown["receipts"] = json!([json::receipt(signed, found.block.height())]);
    }
    shown
}
