//! What light clients ask. Headers are real (their hashes can be followed); Merkle
//! paths have the right shape and prove nothing.

use std::sync::Arc;

use serde_json::{Value, json};

use super::block::{Block, EPOCH};
use super::params::BlockRef;
use super::texts::{self, base58};
use super::{Ask, actors, block, json, locate};
use crate::hash::{Hash, sha256};
use crate::rpc::RpcError;

type Reply = Result<Value, RpcError>;

impl Ask<'_> {
    /// The last block of the epoch after the known one's, or the newest final one.
    pub fn next_light_block(&self) -> Reply {
        let known = BlockRef::Hash(self.params.hash("last_block_hash", 0)?);
        let known = self.header(known).ok_or_else(|| locate::unknown(known))?;
        let rules = &self.sim.rules;
        let end = rules.standing((known.height() / EPOCH + 2) * EPOCH - 1);
        let height = end.min(self.final_height());
        if height <= known.height() {
            return Ok(json!({}));
        }
        let shown = self.at_height(height);
        let next = self.at_height(rules.next(height));
        let (Some(shown), Some(next)) = (shown, next) else { return Ok(json!({})) };
        let approvals: Vec<String> =
            (0..actors::VALIDATORS).map(|index| self.sim.actors.sign(index, &next.hash)).collect();
        let seats: Vec<Value> = (0..actors::VALIDATORS).map(|index| self.stake(index)).collect();
        Ok(json!({
            "approvals_after_next": approvals,
            "inner_lite": json::lite_view(&shown),
            "inner_rest_hash": base58(&shown.rest_hash),
            "next_block_inner_hash": base58(&next.inner_hash()),
            "next_bps": seats,
            "prev_block_hash": base58(&shown.prev),
        }))
    }

    /// That a transaction or receipt was executed.
    pub fn light_proof(&self) -> Reply {
        let is_tx = match self.params.text("type", usize::MAX)? {
            "transaction" => true,
            "receipt" => false,
            other => return Err(texts::bad_params(&format!("unknown variant `{other}`"))),
        };
        let name = if is_tx { "transaction_hash" } else { "receipt_id" };
        let id = self.params.hash(name, usize::MAX)?;
        let head = self.light_head()?;
        let included = self.holder(&id).ok_or_else(|| unknown_id(&id))?;
        let found = included
            .txs
            .iter()
            .find(|signed| id == if is_tx { signed.hash } else { block::receipt_id(&signed.hash) });
        let signed = found.ok_or_else(|| unknown_id(&id))?;
        let executed = if is_tx {
            Some(Arc::clone(&included))
        } else {
            self.at_height(self.sim.rules.next(included.height()))
        };
        let executed = executed.filter(|block| block.height() <= self.final_height());
        let executed = executed.ok_or_else(|| not_confirmed(&id))?;
        let outcome = if is_tx {
            json::tx_outcome(signed, &executed)
        } else {
            json::receipt_outcome(signed, &executed)
        };
        Ok(json!({
            "block_header_lite": lite_header(&executed),
            "block_proof": [step(&head.hash)],
            "outcome_proof": outcome,
            "outcome_root_proof": [step(&executed.hash)],
        }))
    }

    /// That a block is an ancestor of another.
    pub fn light_block_proof(&self) -> Reply {
        let asked = BlockRef::Hash(self.params.hash("block_hash", usize::MAX)?);
        let asked = self.header(asked).ok_or_else(|| locate::unknown(asked))?;
        let head = self.light_head()?;
        Ok(json!({"block_header_lite": lite_header(&asked), "block_proof": [step(&head.hash)]}))
    }

    fn light_head(&self) -> Result<Arc<Block>, RpcError> {
        let head = BlockRef::Hash(self.params.hash("light_client_head", usize::MAX)?);
        self.header(head).ok_or_else(|| locate::unknown(head))
    }
}

fn lite_header(block: &Block) -> Value {
    json!({
        "inner_lite": json::lite_view(block),
        "inner_rest_hash": base58(&block.rest_hash),
        "prev_block_hash": base58(&block.prev),
    })
}

fn step(hash: &Hash) -> Value {
    json!({"direction": "Left", "hash": base58(&sha256(&[b"step", hash]))})
}

fn unknown_id(id: &Hash) -> RpcError {
    let id = base58(id);
    let text = format!("either block or transaction or receipt {id} is unknown");
    texts::handler("UNKNOWN_TRANSACTION_OR_RECEIPT", json!({"transaction_or_receipt_id": id}), text)
}

fn not_confirmed(id: &Hash) -> RpcError {
    let id = base58(id);
    let text = format!("{id} has not been confirmed");
    texts::handler("NOT_CONFIRMED", json!({"transaction_or_receipt_id": id}), text)
}
