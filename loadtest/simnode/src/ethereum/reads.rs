//! Reads of blocks, transactions and of the node itself.

use std::sync::Arc;

use super::block::Block;
use super::json::{self, Members};
use super::params::{self, BlockRef};
use super::{Ask, put, texts};
use crate::chain::BranchId;
use crate::hash::{Hash, keccak};
use crate::rpc::{Answer, RpcError};

/// Blocks of one `eth_feeHistory`.
const FEE_BLOCKS: u64 = 1_024;

impl Ask<'_> {
    pub fn chain_id(&self, out: &mut String) -> Answer {
        json::quantity(out, self.node.chain.chain_id(self.node.view.branch).into());
        Ok(())
    }

    pub fn net_version(&self, out: &mut String) -> Answer {
        put(out, &format!("\"{}\"", self.node.chain.chain_id(self.node.view.branch)))
    }

    pub fn client_version(&self, out: &mut String) -> Answer {
        put(out, &format!("\"{}\"", texts::version(self.node.node.options.client)))
    }

    pub fn sha3(&self, out: &mut String) -> Answer {
        json::data(out, &keccak(&[&params::bytes(&self.args, 0)?]));
        Ok(())
    }

    pub fn peer_count(&self, out: &mut String) -> Answer {
        put(out, if self.node.peers { "\"0x19\"" } else { "\"0x0\"" })
    }

    /// Which kinds of data are kept from where; older clients do not know the method.
    pub fn capabilities(&self, method: &str, out: &mut String) -> Answer {
        use crate::family::Client;
        let options = &self.node.node.options;
        if matches!(options.client, Client::Nethermind | Client::Besu | Client::Erigon) {
            return Err(texts::unknown_method(method));
        }
        let (keep, head) = (options.retention, self.node.view.head);
        let mut object = Members::open(out);
        let mut tip = Members::open(object.name("head"));
        tip.quantity("number", head).data("hash", &self.head_hash());
        tip.close();
        let kinds = [
            ("state", keep.state),
            ("stateproofs", keep.state),
            ("blocks", keep.bodies),
            ("receipts", keep.bodies),
            ("tx", keep.bodies),
            ("logs", keep.logs),
        ];
        for (name, keep) in kinds {
            capability(object.name(name), keep, head);
        }
        object.close();
        Ok(())
    }

    pub fn block_number(&self, out: &mut String) -> Answer {
        let view = self.node.view;
        json::quantity(out, view.claim.unwrap_or(view.head).into());
        Ok(())
    }

    pub fn gas_price(&self, tip: u64, out: &mut String) -> Answer {
        let base = super::block::base_fee(self.node.view.head);
        json::quantity(out, u128::from(base + tip));
        Ok(())
    }

    pub fn fee_history(&self, out: &mut String) -> Answer {
        let count = params::required(&self.args, 0)?;
        let count = match params::text(count) {
            Some(text) => params::quantity(&text),
            None => count.get().parse().ok(),
        };
        let count = count.ok_or_else(|| params::invalid(0, "invalid block count"))?;
        let newest = params::block(&self.args, 1, false)?;
        let head = self.node.view.head;
        let newest = match newest {
            BlockRef::Number(number) if number > head => {
                let text = format!("request beyond head block: requested {number}, head {head}");
                return Err(RpcError::new(-32000, text));
            }
            other => self.locate(other).ok_or_else(|| params::invalid(1, "unknown block"))?.1,
        };
        let oldest = (newest + 1).saturating_sub(count.clamp(1, FEE_BLOCKS));
        let mut object = Members::open(out);
        object.quantity("oldestBlock", oldest);
        let bases = oldest..=newest + 1;
        json::array(object.name("baseFeePerGas"), bases, |out, number| {
            json::quantity(out, super::block::base_fee(number).into());
        });
        json::array(object.name("gasUsedRatio"), oldest..=newest, |out, _| out.push_str("0.5"));
        let percentiles = self.args.get(2).map_or(0, |raw| raw.get().split(',').count());
        if percentiles > 0 && self.args.get(2).is_some_and(|raw| raw.get().len() > 2) {
            json::array(object.name("reward"), oldest..=newest, |out, _| {
                json::array(out, 0..percentiles, |out, _| out.push_str("\"0x3b9aca00\""));
            });
        }
        object.close();
        Ok(())
    }

    pub fn block(&self, out: &mut String) -> Answer {
        let reference = params::block(&self.args, 0, false)?;
        let full = params::flag(&self.args, 1)?;
        if let Some(text) = self.claimed(reference) {
            return put(out, &text);
        }
        match self.body(reference)? {
            Some(block) => put(out, json::block(&block, full)),
            None => put(out, "null"),
        }
    }

    pub fn header(&self, out: &mut String) -> Answer {
        let reference = params::block(&self.args, 0, false)?;
        if let Some(text) = self.claimed(reference) {
            return put(out, &text);
        }
        let Some(block) = self.found(reference) else { return put(out, "null") };
        let mut object = Members::open(out);
        json::header_members(&mut object, &block.header, &block.hash);
        object.close();
        Ok(())
    }

    pub fn raw_header(&self, out: &mut String) -> Answer {
        match self.found(params::block(&self.args, 0, false)?) {
            Some(block) => json::data(out, &block.header.encode()),
            None => return Err(RpcError::new(-32000, "header not found")),
        }
        Ok(())
    }

    pub fn transaction_count(&self, out: &mut String) -> Answer {
        match self.body(params::block(&self.args, 0, false)?)? {
            Some(block) => json::quantity(out, block.txs.len() as u128),
            None => out.push_str("null"),
        }
        Ok(())
    }

    pub fn no_uncles(&self, out: &mut String) -> Answer {
        let found = self.locate(params::block(&self.args, 0, false)?);
        put(out, if found.is_some() { "\"0x0\"" } else { "null" })
    }

    pub fn transaction_at(&self, out: &mut String) -> Answer {
        let block = self.body(params::block(&self.args, 0, false)?)?;
        let index = params::quantity(&params::string(&self.args, 1)?);
        let index = index.ok_or_else(|| params::invalid(1, "invalid hex quantity"))?;
        let index = usize::try_from(index).unwrap_or(usize::MAX);
        match block {
            Some(block) if index < block.txs.len() => {
                json::transaction(out, &block.txs[index], Some((&block, index)));
            }
            _ => out.push_str("null"),
        }
        Ok(())
    }

    pub fn block_receipts(&self, out: &mut String) -> Answer {
        let Some(block) = self.body(params::block(&self.args, 0, false)?)? else {
            return put(out, "null");
        };
        json::array(out, 0..block.txs.len(), |out, index| json::receipt(out, &block, index));
        Ok(())
    }

    pub fn transaction(&self, out: &mut String) -> Answer {
        let hash = params::hash(&self.args, 0)?;
        match (self.included(&hash), self.pooled(&hash)) {
            (Some((block, index)), _) => {
                json::transaction(out, &block.txs[index], Some((&block, index)));
            }
            (None, Some(tx)) => json::transaction(out, &tx, None),
            (None, None) => out.push_str("null"),
        }
        Ok(())
    }

    pub fn raw_transaction(&self, out: &mut String) -> Answer {
        let hash = params::hash(&self.args, 0)?;
        match (self.included(&hash), self.pooled(&hash)) {
            (Some((block, index)), _) => json::data(out, &block.txs[index].raw),
            (None, Some(tx)) => json::data(out, &tx.raw),
            (None, None) => out.push_str("null"),
        }
        Ok(())
    }

    pub fn receipt(&self, out: &mut String) -> Answer {
        match self.included(&params::hash(&self.args, 0)?) {
            Some((block, index)) => json::receipt(out, &block, index),
            None => out.push_str("null"),
        }
        Ok(())
    }

    /// Branch and number of the block that is meant, if the node has it.
    pub fn locate(&self, reference: BlockRef) -> Option<(BranchId, u64)> {
        let (view, options) = (self.node.view, &self.node.chain.options);
        let number = match reference {
            BlockRef::Latest | BlockRef::Pending => view.head,
            BlockRef::Safe => view.head.saturating_sub(options.safe_depth),
            BlockRef::Finalized => view.head.saturating_sub(options.final_depth),
            BlockRef::Earliest => self.node.node.options.retention.bodies.oldest(view.own),
            BlockRef::Number(number) if number > view.head => return None,
            BlockRef::Number(number) => number,
            BlockRef::Hash { hash, canonical } => return self.locate_hash(&hash, canonical),
        };
        Some((view.branch, number))
    }

    fn locate_hash(&self, hash: &Hash, canonical: bool) -> Option<(BranchId, u64)> {
        let (view, chain) = (self.node.view, self.node.chain);
        let (branch, number) = chain.find(hash)?;
        let seen = number <= view.head && chain.visible(view.branch, branch, number);
        let on_branch = || chain.block_hash(view.branch, number).as_ref() == Some(hash);
        (seen && (!canonical || on_branch())).then_some((branch, number))
    }

    /// The block that is meant, whether its body is kept or not.
    pub fn found(&self, reference: BlockRef) -> Option<Arc<Block>> {
        let (branch, number) = self.locate(reference)?;
        self.sim.block(self.node, branch, number)
    }

    /// The block that is meant, with its body.
    pub fn body(&self, reference: BlockRef) -> Result<Option<Arc<Block>>, RpcError> {
        let Some(block) = self.found(reference) else { return Ok(None) };
        let (options, head) = (&self.node.node.options, self.node.view.own);
        let keep = options.retention.bodies;
        if block.number() > 0 && !keep.has(block.number(), head) {
            return Err(texts::body_pruned(options.client, block.number(), keep.oldest(head)));
        }
        Ok(Some(block))
    }

    /// The block of a transaction on the node's branch, and its index there.
    pub fn included(&self, tx: &Hash) -> Option<(Arc<Block>, usize)> {
        let view = self.node.view;
        for hash in self.sim.blocks_of(tx) {
            let reference = BlockRef::Hash { hash, canonical: true };
            let Some((_, number)) = self.locate(reference) else { continue };
            if !self.node.node.options.retention.bodies.has(number, view.own) {
                continue;
            }
            let block = self.sim.block(self.node, view.branch, number)?;
            let index = block.txs.iter().position(|known| known.hash == *tx)?;
            return Some((block, index));
        }
        None
    }

    pub fn head_hash(&self) -> Hash {
        let view = self.node.view;
        self.node.chain.block_hash(view.branch, view.head).unwrap_or_default()
    }

    /// The newest block of a node that claims one it cannot show: its hash is no hash
    /// of anything, and no other call knows it.
    fn claimed(&self, reference: BlockRef) -> Option<String> {
        let claim = self.node.view.claim?;
        if !matches!(reference, BlockRef::Latest | BlockRef::Pending) {
            return None;
        }
        let block = self.found(BlockRef::Latest)?;
        let fake = |what: &[u8]| keccak(&[b"claim", what, &claim.to_be_bytes(), &block.hash]);
        let mut header = block.header.clone();
        header.timestamp += claim - header.number;
        header.number = claim;
        header.parent = fake(b"parent");
        let mut out = String::new();
        let mut object = Members::open(&mut out);
        json::header_members(&mut object, &header, &fake(b"hash"));
        object.raw("uncles", "[]").raw("transactions", "[]").raw("withdrawals", "[]");
        object.close();
        Some(out)
    }
}

fn capability(out: &mut String, keep: crate::retention::Keep, head: u64) {
    use crate::retention::Keep;
    let mut object = Members::open(out);
    object.raw("disabled", "false").quantity("oldestBlock", keep.oldest(head));
    if let Keep::Last(blocks) = keep {
        let mut strategy = Members::open(object.name("deleteStrategy"));
        strategy.raw("type", "\"window\"").quantity("retentionBlocks", blocks);
        strategy.close();
    }
    object.close();
}
