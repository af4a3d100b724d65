//! Blocks and transactions.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::block::{self, Block, quantity};
use super::params::{Kind, must};
use super::truth::STEP_PRICE;
use super::tx::Tx;
use super::{Ask, hash_value, put, texts, wire};
use crate::chain::{BlockId, BranchId};
use crate::hash::{Hash, hex, sha3};
use crate::rpc::{Answer, RpcError};

/// A transaction in a block.
pub struct Found {
    pub block: Arc<Block>,
    pub index: usize,
}

impl Ask<'_> {
    pub fn last_block(&self, out: &mut String) -> Answer {
        self.params(&[])?;
        let block = self.at_height(self.node.view.head)?;
        match self.node.view.claim {
            Some(claim) => put(out, &self.claimed(&block, claim)),
            None => self.write_block(&block, out),
        }
    }

    pub fn block_by_height(&self, out: &mut String) -> Answer {
        let params = self.params(&[must("height", Kind::Int)])?;
        let block = self.at_height(params.int("height").unwrap_or(u64::MAX))?;
        self.write_block(&block, out)
    }

    pub fn block_by_hash(&self, out: &mut String) -> Answer {
        let params = self.params(&[must("hash", Kind::Hash)])?;
        let block = self.at_hash(&params.hash("hash").unwrap_or_default())?;
        self.write_block(&block, out)
    }

    pub fn header_by_height(&self, out: &mut String) -> Answer {
        let params = self.params(&[must("height", Kind::Int)])?;
        let block = self.at_height(params.int("height").unwrap_or(u64::MAX))?;
        put(out, &bytes(&block.header))
    }

    pub fn votes_by_height(&self, out: &mut String) -> Answer {
        let params = self.params(&[must("height", Kind::Int)])?;
        let block = self.at_height(params.int("height").unwrap_or(u64::MAX))?;
        put(out, &bytes(&block::votes(&block.id.hash, block.id.number)))
    }

    /// Headers, votes and the validators have a hash by which they are found.
    pub fn data_by_hash(&self, out: &mut String) -> Answer {
        let params = self.params(&[must("hash", Kind::Hash)])?;
        let hash = params.hash("hash").unwrap_or_default();
        if let Ok(block) = self.at_hash(&hash) {
            return put(out, &bytes(&block.header));
        }
        let validators = block::validators();
        if sha3(&[&validators]) == hash {
            return put(out, &bytes(&validators));
        }
        match self.votes_of_recent(&hash) {
            Some(votes) => put(out, &bytes(&votes)),
            None => Err(texts::not_found("Fail to find data")),
        }
    }

    /// The votes that one of the newest blocks names.
    fn votes_of_recent(&self, hash: &Hash) -> Option<Vec<u8>> {
        let view = self.node.view;
        let newest = view.head.saturating_sub(VOTES).max(self.base())..=view.head;
        newest.rev().find_map(|number| {
            let block = self.node.chain.block_hash(view.branch, number)?;
            let votes = block::votes(&block, number);
            (sha3(&[&votes]) == *hash).then_some(votes)
        })
    }

    pub fn network_info(&self, out: &mut String) -> Answer {
        let view = self.node.view;
        let nid = self.node.chain.chain_id(view.branch);
        put(
            out,
            &json!({
                "platform": "icon",
                "nid": quantity(nid.into()),
                "channel": wire::CHANNEL,
                "earliest": quantity(self.base().into()),
                "latest": quantity(view.claim.unwrap_or(view.head).into()),
                "stepPrice": quantity(STEP_PRICE),
            }),
        )
    }

    pub fn transaction(&self, out: &mut String) -> Answer {
        let hash = self.tx_hash()?;
        let Found { block, index } = self.included(&hash)?;
        let mut shown = self.shown(&block.txs[index]);
        place(&mut shown, &block, index);
        put(out, &Value::Object(shown))
    }

    pub fn transaction_result(&self, out: &mut String) -> Answer {
        let hash = self.tx_hash()?;
        put(out, &self.result_of(&hash)?)
    }

    /// The hash in the parameter `txHash`, the only one.
    pub fn tx_hash(&self) -> Result<Hash, RpcError> {
        let params = self.params(&[must("txHash", Kind::Hash)])?;
        Ok(params.hash("txHash").unwrap_or_default())
    }

    /// The result of a transaction, once the block after its own is there.
    pub fn result_of(&self, hash: &Hash) -> Result<Value, RpcError> {
        let Found { block, index } = self.executed(hash)?;
        let mut receipt = block.receipt(index);
        place(&mut receipt, &block, index);
        receipt.insert("txHash".to_owned(), hash_value(hash));
        Ok(Value::Object(receipt))
    }

    /// A transaction whose result is known.
    pub fn executed(&self, hash: &Hash) -> Result<Found, RpcError> {
        let found = match self.included(hash) {
            Ok(found) => found,
            Err(_) if self.pooled(hash) => return Err(texts::pending()),
            Err(error) => return Err(error),
        };
        if found.block.id.number >= self.node.view.head {
            return Err(texts::executing());
        }
        Ok(found)
    }

    /// A transaction in a block that this node has.
    pub fn included(&self, hash: &Hash) -> Result<Found, RpcError> {
        let view = self.node.view;
        for block in self.sim.recent.blocks_of(hash) {
            let Some((_, number)) = self.node.chain.find(&block) else { continue };
            let own = self.node.chain.block_hash(view.branch, number);
            if number > view.head || own != Some(block) {
                continue;
            }
            let block = self.at_height(number)?;
            let Some(index) = block.txs.iter().position(|tx| tx.hash == *hash) else { continue };
            return Ok(Found { block, index });
        }
        Err(texts::no_transaction(hash))
    }

    /// Whether a transaction waits in this node's pool.
    pub fn pooled(&self, hash: &Hash) -> bool {
        self.node.chain.pooled(self.node.viewer(), hash).is_some()
    }

    /// The oldest block that this node has.
    pub fn base(&self) -> u64 {
        let (keep, head) = (self.node.node.options.retention, self.node.view.own);
        [keep.state, keep.bodies, keep.logs]
            .map(|keep| keep.oldest(head))
            .into_iter()
            .max()
            .unwrap_or(0)
    }

    /// The block at a height.
    pub fn at_height(&self, number: u64) -> Result<Arc<Block>, RpcError> {
        let (view, base) = (self.node.view, self.base());
        if number < base {
            return Err(texts::pruned(number, base));
        }
        let block = match number > view.head {
            true => None,
            false => self.sim.block(self.node, view.branch, number),
        };
        block.ok_or_else(|| texts::no_block(number))
    }

    pub fn at_hash(&self, hash: &Hash) -> Result<Arc<Block>, RpcError> {
        let Some((_, number)) = self.locate(hash) else {
            return Err(texts::no_block_by_hash(hash));
        };
        self.at_height(number)
    }

    /// Where a block is, if it is on this node's branch and not above its head.
    fn locate(&self, hash: &Hash) -> Option<(BranchId, u64)> {
        let (view, chain) = (self.node.view, self.node.chain);
        let (branch, number) = chain.find(hash)?;
        let own = chain.block_hash(view.branch, number).as_ref() == Some(hash);
        (number <= view.head && own).then_some((branch, number))
    }

    fn write_block(&self, block: &Block, out: &mut String) -> Answer {
        out.push_str(block.text.get_or_init(|| {
            let txs = block.txs.iter().map(|tx| Value::Object(self.shown(tx)));
            block.json(txs.collect()).to_string()
        }));
        Ok(())
    }

    /// A transaction as it is shown.
    fn shown(&self, tx: &Tx) -> Map<String, Value> {
        let mut shown = tx.fields.clone();
        shown.insert("txHash".to_owned(), hash_value(&tx.hash));
        if let Some(signer) = tx.signer {
            let signature = self.sim.actors.signature(signer, tx);
            shown.insert("signature".to_owned(), signature.into());
        }
        shown
    }

    /// The newest block of a node that claims one it cannot show: its hash is no hash of
    /// anything, and no other call knows it.
    fn claimed(&self, block: &Block, claim: u64) -> Value {
        let fake = |what: &[u8]| sha3(&[b"claim", what, &claim.to_be_bytes(), &block.id.hash]);
        let after = (claim - block.id.number).saturating_mul(2_000_000);
        let claimed = Block {
            id: BlockId { number: claim, hash: fake(b"hash") },
            parent: fake(b"parent"),
            timestamp: block.timestamp.saturating_add(after),
            txs: Vec::new(),
            header: Vec::new(),
            text: std::sync::OnceLock::new(),
        };
        claimed.json(Vec::new())
    }
}

/// How far back votes are found by their hash.
const VOTES: u64 = 256;

/// Says where a transaction is.
fn place(shown: &mut Map<String, Value>, block: &Block, index: usize) {
    shown.insert("blockHash".to_owned(), hex(&block.id.hash).into());
    shown.insert("blockHeight".to_owned(), quantity(block.id.number.into()));
    shown.insert("txIndex".to_owned(), quantity(index as u128));
}

/// Bytes as goloop shows them: base64.
pub fn bytes(bytes: &[u8]) -> Value {
    Value::from(STANDARD.encode(bytes))
}
