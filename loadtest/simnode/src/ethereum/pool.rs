//! Sending transactions, in the manner of a mempool.

use std::sync::Arc;

use super::block::gas_used;
use super::json;
use super::tx::{self, Tx};
use super::{Ask, params, put, texts};
use crate::chain::{PoolError, SentTx};
use crate::family::Payload;
use crate::hash::Hash;
use crate::rpc::{Answer, RpcError};

impl Ask<'_> {
    pub fn send_raw(&self, out: &mut String) -> Answer {
        let raw = params::bytes(&self.args, 0)?;
        let tx = tx::decode(&raw).map_err(|error| RpcError::new(-32000, error.to_string()))?;
        self.check_tx(&tx)?;
        let hash = tx.hash;
        let sent = SentTx {
            hash,
            account: tx.from.to_vec(),
            nonce: tx.fields.nonce,
            price: tx.fields.fee.cap(),
            payload: Payload::Ethereum(Arc::new(tx)),
        };
        let (chain, node) = (self.node.chain, self.node.node);
        chain.accept(node.key, Arc::new(sent), self.node.peers).map_err(|e| self.refusal(e))?;
        json::data(out, &hash);
        Ok(())
    }

    /// The rules that need no pool: identity, gas, funds.
    fn check_tx(&self, tx: &Tx) -> Answer {
        let fields = &tx.fields;
        let Some(id) = fields.chain_id else {
            let why = "only replay-protected (EIP-155) transactions allowed over RPC";
            return Err(RpcError::new(-32000, why));
        };
        let own = self.node.chain.chain_id(self.node.view.branch);
        if id != own {
            let why = format!("invalid chain id for signer: have {id} want {own}");
            return Err(RpcError::new(-32000, why));
        }
        if gas_used(tx) == fields.gas && fields.gas < 21_000 {
            let why = format!("intrinsic gas too low: gas {}, minimum needed 21000", fields.gas);
            return Err(RpcError::new(-32000, why));
        }
        let cost = fields.fee.cap().saturating_mul(fields.gas.into());
        if cost.saturating_add(fields.value) >> 125 > 0 {
            return Err(RpcError::new(-32000, "insufficient funds for gas * price + value"));
        }
        match self.sim.actors.index_of(&tx.from) {
            // Their nonces follow the height; a transaction from outside would break that.
            Some(_) => Err(RpcError::new(-32000, "address already reserved")),
            None => Ok(()),
        }
    }

    fn refusal(&self, error: PoolError) -> RpcError {
        let client = self.node.node.options.client;
        match error {
            PoolError::AlreadyKnown => texts::already_known(client),
            PoolError::NonceTooLow { next, sent } => texts::nonce_too_low(client, next, sent),
            PoolError::Underpriced => RpcError::new(-32000, "replacement transaction underpriced"),
            PoolError::Full => RpcError::new(-32000, "txpool is full"),
        }
    }

    /// A transaction that waits in this node's pool.
    pub fn pooled(&self, hash: &Hash) -> Option<Arc<Tx>> {
        let sent = self.node.chain.pooled(self.node.viewer(), hash)?;
        sent.payload.ethereum().cloned()
    }

    pub fn pool_status(&self, out: &mut String) -> Answer {
        let count = self.node.chain.pool_size(self.node.viewer());
        put(out, &format!(r#"{{"pending":"{count:#x}","queued":"0x0"}}"#))
    }
}
