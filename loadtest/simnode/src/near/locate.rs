//! Which block a caller means, and whether the node has it.

use std::sync::Arc;

use super::block::Block;
use super::params::BlockRef;
use super::{Ask, texts};
use crate::chain::BranchId;
use crate::hash::Hash;
use crate::rpc::RpcError;

impl Ask<'_> {
    /// The height of the newest final block.
    pub fn final_height(&self) -> u64 {
        self.sim.rules.back(self.node.view.head, self.node.chain.options.final_depth)
    }

    /// Height of the oldest block that is kept.
    pub fn earliest(&self) -> u64 {
        let (keep, head) = (self.node.node.options.retention.bodies, self.node.view.own);
        self.sim.rules.rising(keep.oldest(head)).min(head)
    }

    /// Branch and height of the block that is meant, if the node has its header.
    pub fn locate(&self, reference: BlockRef) -> Option<(BranchId, u64)> {
        let (view, rules) = (self.node.view, &self.sim.rules);
        let height = match reference {
            BlockRef::Optimistic => view.head,
            BlockRef::NearFinal => rules.back(view.head, self.node.chain.options.safe_depth),
            BlockRef::Final => self.final_height(),
            BlockRef::Genesis => 0,
            BlockRef::Earliest => self.earliest(),
            BlockRef::Height(height) if height > view.head || rules.skipped(height) => return None,
            BlockRef::Height(height) => height,
            BlockRef::Hash(hash) => return self.locate_hash(&hash),
        };
        Some((view.branch, height))
    }

    fn locate_hash(&self, hash: &Hash) -> Option<(BranchId, u64)> {
        let (view, chain) = (self.node.view, self.node.chain);
        let (branch, height) = chain.find(hash)?;
        (height <= view.head && chain.visible(view.branch, branch, height))
            .then_some((branch, height))
    }

    /// The header of the block that is meant; headers are kept for ever.
    pub fn header(&self, reference: BlockRef) -> Option<Arc<Block>> {
        let (branch, height) = self.locate(reference)?;
        self.sim.block(self.node, branch, height)
    }

    /// The block that is meant, with its body; genesis is never collected.
    pub fn body(&self, reference: BlockRef) -> Result<Arc<Block>, RpcError> {
        let block = self.header(reference).filter(|block| self.keeps(block.height()));
        block.ok_or_else(|| unknown(reference))
    }

    /// Whether the body at a height is kept.
    pub fn keeps(&self, height: u64) -> bool {
        let (keep, head) = (self.node.node.options.retention.bodies, self.node.view.own);
        height == 0 || keep.has(height, head)
    }

    /// The block named by the parameters, with its body; the newest where none is.
    pub fn named_body(&self, position: usize) -> Result<Arc<Block>, RpcError> {
        self.body(self.params.block(position)?.unwrap_or(BlockRef::Optimistic))
    }

    /// The block on the node's branch at a height, whether its body is kept or not.
    pub fn at_height(&self, height: u64) -> Option<Arc<Block>> {
        self.header(BlockRef::Height(height))
    }

    /// The block on the node's branch that has a transaction, receipt or chunk.
    pub fn holder(&self, id: &Hash) -> Option<Arc<Block>> {
        let view = self.node.view;
        self.sim.blocks_with(id).into_iter().find_map(|hash| {
            let (_, height) = self.locate_hash(&hash)?;
            let own = self.node.chain.block_hash(view.branch, height)? == hash;
            if !own || !self.keeps(height) {
                return None;
            }
            self.sim.block(self.node, view.branch, height)
        })
    }
}

/// A block that is not there, in the words of `block`.
pub fn unknown(reference: BlockRef) -> RpcError {
    match reference {
        BlockRef::Height(height) => texts::unknown_height(height),
        BlockRef::Hash(hash) => texts::unknown_hash(&hash),
        BlockRef::Optimistic
        | BlockRef::NearFinal
        | BlockRef::Final
        | BlockRef::Genesis
        | BlockRef::Earliest => {
            let text = "There are no fully synchronized blocks yet";
            texts::handler("NOT_SYNCED_YET", serde_json::json!({}), text)
        }
    }
}
