//! Reads of blocks, chunks, prices and validators.

use std::sync::Arc;

use serde_json::{Value, json};

use super::block::{self, Block, Chunk, EPOCH};
use super::params::BlockRef;
use super::texts::base58;
use super::{Ask, actors, json, texts, truth};
use crate::family::Client;
use crate::hash::sha256;
use crate::rpc::{Answer, RpcError};

type Reply = Result<Value, RpcError>;

impl Ask<'_> {
    pub fn block_text(&self, out: &mut String) -> Answer {
        let reference = self.params.required_block(0)?;
        if let Some(claimed) = self.claimed(reference) {
            out.push_str(&claimed.to_string());
            return Ok(());
        }
        let block = self.body(reference)?;
        let protocol = texts::protocol(Client::Nearcore214);
        out.push_str(
            block.text.get_or_init(|| json::block(self.sim, &block, protocol).to_string()),
        );
        Ok(())
    }

    /// The newest block of a node that claims one it cannot show: its hash is no hash
    /// of anything, and no other call knows it.
    fn claimed(&self, reference: BlockRef) -> Option<Value> {
        let claim = self.node.view.claim.filter(|_| reference == BlockRef::Optimistic)?;
        let head = self.header(BlockRef::Optimistic)?;
        let mut shown = json::block(self.sim, &head, texts::protocol(Client::Nearcore214));
        let (hash, parent) = claimed_hashes(claim, &head);
        shown["header"]["height"] = json!(claim);
        shown["header"]["hash"] = json!(hash);
        shown["header"]["prev_hash"] = json!(parent);
        shown["header"]["prev_height"] = json!(claim - 1);
        Some(shown)
    }

    pub fn chunk(&self) -> Reply {
        let (block, index) = self.find_chunk()?;
        let chunk = &block.chunks[index];
        let txs: Vec<Value> = block.txs_of(chunk.shard).map(|tx| super::tx::view(tx)).collect();
        Ok(json!({
            "author": json::author(block.height() + chunk.shard),
            "header": json::chunk_header(self.sim, &block, chunk),
            "receipts": self.incoming(&block, chunk),
            "transactions": txs,
        }))
    }

    /// Receipts of the block below whose receiver is in this shard.
    fn incoming(&self, block: &Block, chunk: &Chunk) -> Vec<Value> {
        let Some(below) = self.header(BlockRef::Hash(block.prev)) else { return Vec::new() };
        let here = below.txs.iter().filter(|tx| block::shard_of(&tx.tx.receiver) == chunk.shard);
        here.map(|signed| json::receipt(signed, below.height())).collect()
    }

    /// The block of a chunk that is named by its hash, or by block and shard, and
    /// where it stands there.
    fn find_chunk(&self) -> Result<(Arc<Block>, usize), RpcError> {
        if self.params.get("chunk_id", 0).is_some() {
            let hash = self.params.hash("chunk_id", 0)?;
            let block = self.holder(&hash);
            let block = block.ok_or_else(|| texts::unknown_chunk(&base58(&hash)))?;
            let index = block.chunks.iter().position(|chunk| chunk.hash == hash);
            let index = index.ok_or_else(|| texts::unknown_chunk(&base58(&hash)))?;
            return Ok((block, index));
        }
        let block = self.body(self.params.required_block(usize::MAX)?)?;
        let shard = self.params.number("shard_id")?;
        let shard = shard.ok_or_else(|| texts::bad_params("missing field `shard_id`"))?;
        let index = block.chunks.iter().position(|chunk| chunk.shard == shard);
        Ok((block, index.ok_or_else(|| texts::bad_shard(shard))?))
    }

    pub fn gas_price(&self) -> Reply {
        let old = self.node.node.options.client == Client::Nearcore24;
        if old && matches!(self.params, super::Params::Named(_)) {
            let why = "invalid type: map, expected a tuple of size 1";
            return Err(texts::bad_params(why));
        }
        let block = self.named_body(0)?;
        Ok(json!({"gas_price": truth::gas_price(block.height()).to_string()}))
    }

    pub fn congestion(&self) -> Reply {
        self.find_chunk()?;
        Ok(json!({"congestion_level": 0.0}))
    }

    pub fn maintenance(&self) -> Reply {
        self.params.text("account_id", 0)?;
        Ok(json!([]))
    }

    pub fn validators(&self) -> Reply {
        let epoch = self.asked_epoch()?;
        let height = (epoch + 1) * EPOCH - 1;
        let current: Vec<Value> = (0..actors::VALIDATORS)
            .map(|index| self.seat(index, height.min(self.node.view.head) - epoch * EPOCH))
            .collect();
        let next: Vec<Value> = (0..actors::VALIDATORS)
            .map(|index| {
                let mut seat = self.stake(index);
                seat["shards"] = json!([index % block::SHARDS]);
                seat
            })
            .collect();
        Ok(json!({
            "current_fishermen": [],
            "current_proposals": [],
            "current_validators": current,
            "epoch_height": epoch,
            "epoch_start_height": self.sim.rules.rising(epoch * EPOCH),
            "next_fishermen": [],
            "next_validators": next,
            "prev_epoch_kickout": [],
        }))
    }

    fn seat(&self, index: u64, blocks: u64) -> Value {
        let turns = blocks / actors::VALIDATORS;
        let mut seat = self.stake(index);
        let more = json!({
            "is_slashed": false,
            "num_expected_blocks": turns,
            "num_expected_chunks": turns,
            "num_expected_chunks_per_shard": [turns],
            "num_expected_endorsements": blocks,
            "num_expected_endorsements_per_shard": [blocks],
            "num_produced_blocks": turns,
            "num_produced_chunks": turns,
            "num_produced_chunks_per_shard": [turns],
            "num_produced_endorsements": blocks,
            "num_produced_endorsements_per_shard": [blocks],
            "shards": [index % block::SHARDS],
            "shards_endorsed": [index % block::SHARDS],
        });
        if let (Some(seat), Value::Object(more)) = (seat.as_object_mut(), more) {
            seat.remove("validator_stake_struct_version");
            seat.extend(more);
        }
        seat
    }

    /// The number of the epoch that is asked for: the current one, one by its id, or
    /// the one that a block ends.
    fn asked_epoch(&self) -> Result<u64, RpcError> {
        let now = self.node.view.head / EPOCH;
        if self.params.named("epoch_id").is_some() {
            let id = self.params.hash("epoch_id", usize::MAX)?;
            let chain_id = self.node.chain.chain_id(self.node.view.branch);
            let oldest = self.earliest() / EPOCH;
            let seed = self.node.chain.options.seed;
            let found =
                (oldest..=now).rev().find(|epoch| block::epoch_id(seed, chain_id, *epoch) == id);
            return found.ok_or_else(texts::unknown_epoch);
        }
        let Some(reference) = self.params.block(0)? else { return Ok(now) };
        let block = self.header(reference).filter(|block| self.keeps(block.height()));
        let height = block.ok_or_else(texts::unknown_epoch)?.height();
        let next = self.sim.rules.next(height);
        if next / EPOCH == height / EPOCH {
            return Err(texts::no_validators());
        }
        Ok(height / EPOCH)
    }

    pub fn validators_ordered(&self) -> Reply {
        self.named_body(0).map_err(|_| texts::no_validators())?;
        Ok((0..actors::VALIDATORS).map(|index| self.stake(index)).collect())
    }
}

/// The hashes of a claimed block and of its parent, in base58.
pub fn claimed_hashes(claim: u64, head: &Block) -> (String, String) {
    let fake = |what: &[u8]| base58(&sha256(&[b"claim", what, &claim.to_le_bytes(), &head.hash]));
    (fake(b"hash"), fake(b"parent"))
}
