//! Sending transactions, in the manner of nearcore: what is known already is no error,
//! and `broadcast_tx_async` tells the hash of anything that it can read.

use std::sync::Arc;

use serde_json::{Value, json};

use super::params::BlockRef;
use super::texts::{self, base58};
use super::tx::{self, Signed};
use super::wait::Level;
use super::{Ask, query, truth};
use crate::chain::{PoolError, SentTx};
use crate::family::Payload;
use crate::rpc::RpcError;

/// Blocks after which a transaction that names a block is too old, as on real chains.
const VALIDITY: u64 = 86_400;

/// How far a nonce may be above what heights allow, as on real chains.
const NONCES_PER_BLOCK: u64 = 1_000_000;

impl Ask<'_> {
    /// The signed transaction that the parameters carry.
    pub fn signed(&self) -> Result<Signed, RpcError> {
        let raw = self.params.bytes("signed_tx_base64", 0)?;
        tx::decode(&raw)
            .map_err(|error| texts::bad_params(&format!("Failed to decode transaction: {error}")))
    }

    pub fn send(&self) -> Result<Value, RpcError> {
        let (signed, wanted) = (self.signed()?, self.wanted()?);
        let hash = signed.hash;
        self.admit(signed)?;
        if wanted == Level::None {
            return Ok(json!({"final_execution_status": "NONE"}));
        }
        self.reached(&hash, wanted, false)
    }

    pub fn send_async(&self) -> Result<Value, RpcError> {
        let signed = self.signed()?;
        let hash = json!(base58(&signed.hash));
        // The node tells nobody whether it took it.
        let _ = self.admit(signed);
        Ok(hash)
    }

    pub fn send_sync(&self) -> Result<Value, RpcError> {
        let signed = self.signed()?;
        let hash = base58(&signed.hash);
        self.admit(signed)?;
        Ok(json!({"transaction_hash": hash}))
    }

    pub fn check_tx(&self) -> Result<Value, RpcError> {
        let signed = self.signed()?;
        self.check(&signed)?;
        Ok(json!({"transaction_hash": base58(&signed.hash)}))
    }

    fn admit(&self, signed: Signed) -> Result<(), RpcError> {
        if self.pooled(&signed.hash).is_some() || self.holder(&signed.hash).is_some() {
            return Ok(());
        }
        self.check(&signed)?;
        let sent = SentTx {
            hash: signed.hash,
            account: query::key_id(&signed.tx.signer, &signed.tx.key),
            nonce: signed.tx.nonce,
            price: 10,
            payload: Payload::Near(Arc::new(signed)),
        };
        let (chain, node) = (self.node.chain, self.node.node);
        match chain.accept(node.key, Arc::new(sent), self.node.peers) {
            // Of two with one nonce the first is taken, and nobody is told.
            Ok(()) | Err(PoolError::AlreadyKnown | PoolError::Underpriced) => Ok(()),
            Err(PoolError::NonceTooLow { next, sent }) => {
                Err(bad_nonce(sent, next.saturating_sub(1)))
            }
            Err(PoolError::Full) => {
                let why = json!({"ShardCongested": {"shard_id": 0, "congestion_level": 1.0}});
                Err(texts::invalid_tx(&why))
            }
        }
    }

    /// The rules that need no pool, in nearcore's order.
    fn check(&self, signed: &Signed) -> Result<(), RpcError> {
        let tx = &signed.tx;
        if !signed.valid {
            return Err(texts::invalid_tx(&json!("InvalidSignature")));
        }
        let (view, named) = (self.node.view, self.locate(BlockRef::Hash(tx.block_hash)));
        if named.is_none_or(|(_, height)| height + VALIDITY < view.head) {
            return Err(texts::invalid_tx(&json!("Expired")));
        }
        if !truth::exists(&tx.signer) {
            return Err(texts::invalid_tx(
                &json!({"SignerDoesNotExist": {"signer_id": tx.signer}}),
            ));
        }
        let ours = tx.signer == super::actors::account(0);
        if ours || !truth::has_keys(&tx.signer) {
            // The pulse's nonces follow the height; a transaction from outside would
            // break that.
            let key = json!({"account_id": tx.signer, "public_key": tx.key.shown()});
            let why = json!({"InvalidAccessKeyError": {"AccessKeyNotFound": key}});
            return Err(texts::invalid_tx(&why));
        }
        let last = self.key_nonce(&tx.signer, &tx.key, view.branch, view.head);
        if tx.nonce <= last {
            return Err(bad_nonce(tx.nonce, last));
        }
        let most = view.head.saturating_mul(NONCES_PER_BLOCK);
        if tx.nonce >= most {
            let why = json!({"NonceTooLarge": {"tx_nonce": tx.nonce, "upper_bound": most}});
            return Err(texts::invalid_tx(&why));
        }
        self.check_funds(signed)
    }

    fn check_funds(&self, signed: &Signed) -> Result<(), RpcError> {
        let (tx, view) = (&signed.tx, self.node.view);
        let hash = self.node.chain.block_hash(view.branch, view.head).unwrap_or_default();
        let balance = truth::amount(&tx.signer, truth::At { hash, number: view.head });
        if tx.deposit() <= balance {
            return Ok(());
        }
        let why = json!({
            "balance": balance.to_string(),
            "cost": tx.deposit().to_string(),
            "signer_id": tx.signer,
        });
        Err(texts::invalid_tx(&json!({"NotEnoughBalance": why})))
    }
}

fn bad_nonce(sent: u64, last: u64) -> RpcError {
    texts::invalid_tx(&json!({"InvalidNonce": {"tx_nonce": sent, "ak_nonce": last}}))
}
