//! Reads of blocks: which ones the node has, and which it shows.

use std::sync::Arc;

use serde_json::value::RawValue;

use super::block::Block;
use super::header::Header;
use super::scale::blake2_256;
use super::{Ask, params, texts};
use crate::chain::BranchId;
use crate::family::Client;
use crate::hash::Hash;
use crate::json::{Members, array, data};
use crate::rpc::{Answer, RpcError};

impl Ask<'_> {
    /// The methods that begin with `chain_`.
    pub fn chain_method(&self, name: &str, out: &mut String) -> Answer {
        match name {
            "getHeader" => self.header(out),
            "getBlock" => self.full_block(out),
            "getBlockHash" => self.block_hash(out),
            "getFinalizedHead" => self.finalized_head(out),
            _ => Err(texts::unknown_method(self.client, name)),
        }
    }

    fn header(&self, out: &mut String) -> Answer {
        match (self.hash(0)?, self.claimed()) {
            (None, Some(header)) => header.write(out),
            (hash, _) => match self.found(hash) {
                Some(block) => block.header.write(out),
                None => out.push_str("null"),
            },
        }
        Ok(())
    }

    fn full_block(&self, out: &mut String) -> Answer {
        match (self.hash(0)?, self.claimed()) {
            (None, Some(header)) => write_block(out, &header, &[]),
            (hash, _) => match self.found(hash).filter(|block| self.has_body(block.number())) {
                Some(block) => write_block(out, &block.header, &block.extrinsics),
                None => out.push_str("null"),
            },
        }
        Ok(())
    }

    /// One number, a list of them, or none for the best block.
    fn block_hash(&self, out: &mut String) -> Answer {
        let Some(raw) = self.arg(0) else {
            let claimed = self.claimed().map(|header| header.hash());
            data(out, &claimed.unwrap_or_else(|| self.best_hash()));
            return Ok(());
        };
        if !raw.get().starts_with('[') {
            self.write_hash(raw, out)?;
            return Ok(());
        }
        let numbers: Vec<&RawValue> = serde_json::from_str(raw.get())
            .map_err(|_| self.invalid("invalid type, expected a sequence of numbers"))?;
        let mut answer = Ok(());
        array(out, numbers, |out, raw| {
            if let Err(error) = self.write_hash(raw, out) {
                answer = Err(error);
            }
        });
        answer
    }

    fn write_hash(&self, raw: &RawValue, out: &mut String) -> Result<(), RpcError> {
        let wrong = || self.invalid("data did not match any variant of untagged enum ListOrValue");
        match self.main_hash(params::number(raw).ok_or_else(wrong)?) {
            Some(hash) => data(out, &hash),
            None => out.push_str("null"),
        }
        Ok(())
    }

    fn finalized_head(&self, out: &mut String) -> Answer {
        data(out, &self.main_hash(self.finalized()).unwrap_or_default());
        Ok(())
    }

    /// The hash of a number on the node's branch, up to its head.
    pub fn main_hash(&self, number: u64) -> Option<Hash> {
        let view = self.node.view;
        if number > view.head {
            return None;
        }
        self.node.chain.block_hash(view.branch, number)
    }

    pub fn best_hash(&self) -> Hash {
        self.main_hash(self.node.view.head).unwrap_or_default()
    }

    /// The number of the newest final block.
    pub fn finalized(&self) -> u64 {
        finalized(self.client, self.node)
    }

    /// The block of a hash, or the best one; not one that this node has not seen.
    /// Chopsticks takes the genesis block for one that it does not know.
    pub fn found(&self, hash: Option<Hash>) -> Option<Arc<Block>> {
        let (branch, number) = self.locate(hash)?;
        self.sim.block(self.node, branch, number)
    }

    /// Branch and number of the block that a hash names, or of the best one.
    pub fn locate(&self, hash: Option<Hash>) -> Option<(BranchId, u64)> {
        let (view, chain) = (self.node.view, self.node.chain);
        let Some(hash) = hash else { return Some((view.branch, view.head)) };
        let seen = |place: &(BranchId, u64)| {
            place.1 <= view.head && chain.visible(view.branch, place.0, place.1)
        };
        let known = chain.find(&hash).filter(seen);
        known.or((self.client == Client::Chopsticks).then_some((view.branch, 0)))
    }

    pub fn has_body(&self, number: u64) -> bool {
        let keep = self.node.node.options.retention.bodies;
        number == 0 || keep.has(number, self.node.view.own)
    }

    /// Whether a block of the node's own branch includes an extrinsic.
    pub fn included(&self, extrinsic: &Hash) -> bool {
        self.sim.recent.blocks_of(extrinsic).iter().any(|hash| {
            let place = self.node.chain.find(hash).filter(|(_, n)| *n <= self.node.view.head);
            place.is_some_and(|(_, number)| self.main_hash(number).as_ref() == Some(hash))
        })
    }

    /// The newest header of a node that claims one it cannot show: no other call knows it.
    fn claimed(&self) -> Option<Header> {
        let claim = self.node.view.claim?;
        let block = self.found(None)?;
        let fake = |what: &[u8]| blake2_256(&[b"claim", what, &claim.to_be_bytes(), &block.hash]);
        let mut header = block.header.clone();
        header.number = claim;
        header.parent = fake(b"parent");
        header.state_root = fake(b"state");
        Some(header)
    }
}

/// The number of the newest block that a node holds final.
pub fn finalized(client: Client, node: &crate::node::Context<'_>) -> u64 {
    let head = node.view.head;
    match client {
        Client::Chopsticks => head,
        _ => head.saturating_sub(node.chain.options.final_depth),
    }
}

fn write_block(out: &mut String, header: &Header, extrinsics: &[Vec<u8>]) {
    let mut object = Members::open(out);
    let mut block = Members::open(object.name("block"));
    header.write(block.name("header"));
    array(block.name("extrinsics"), extrinsics, |out, extrinsic| data(out, extrinsic));
    block.close();
    object.raw("justifications", "null");
    object.close();
}
