//! Sending extrinsics, in the manner of a transaction pool.

use std::sync::Arc;

use super::extrinsic::{self, Checkpoint, Era, Extrinsic, ExtrinsicError};
use super::{Ask, put, texts, truth};
use crate::chain::{PoolError, SentTx};
use crate::family::{Client, Payload};
use crate::hash::hex;
use crate::json::{array, data};
use crate::rpc::{Answer, RpcError};

/// How far back the runtime remembers block hashes.
const BLOCK_HASHES: u64 = 4_096;

/// Why a pool takes no extrinsic: the variant's name and the words of sp-runtime.
#[derive(Clone, Copy, Debug)]
struct Invalid {
    variant: &'static str,
    words: &'static str,
}

const STALE: Invalid = Invalid { variant: "stale", words: "Transaction is outdated" };
const BAD_PROOF: Invalid =
    Invalid { variant: "badProof", words: "Transaction has a bad signature" };
const ANCIENT: Invalid =
    Invalid { variant: "ancientBirthBlock", words: "Transaction has an ancient birth block" };
const PAYMENT: Invalid = Invalid {
    variant: "payment",
    words: "Inability to pay some fees (e.g. account balance too low)",
};

impl Ask<'_> {
    /// The methods that begin with `author_` or `transaction_`.
    pub fn pool_method(&self, name: &str, out: &mut String) -> Answer {
        match name {
            "author_submitExtrinsic" => {
                let hash = self.submit(&self.bytes(0)?)?;
                data(out, &hash);
                Ok(())
            }
            "author_pendingExtrinsics" => {
                let pooled = self.node.chain.pool_list(self.node.viewer());
                let raws = pooled.iter().filter_map(|sent| sent.payload.substrate());
                array(out, raws, |out, extrinsic| data(out, &extrinsic.raw));
                Ok(())
            }
            "transaction_v1_broadcast" => {
                // What cannot be taken now is tried again later; the caller never hears.
                let _ = self.submit(&self.bytes(0)?);
                let id = self.node.node.draws.next();
                put(out, &format!("\"{id:016x}\""))
            }
            "transaction_v1_stop" => {
                self.string(0)?;
                put(out, "null")
            }
            _ => Err(texts::unknown_method(self.client, name)),
        }
    }

    fn submit(&self, raw: &[u8]) -> Result<crate::hash::Hash, RpcError> {
        let extrinsic = extrinsic::decode(raw).map_err(|error| self.undecoded(error))?;
        let hash = extrinsic.hash;
        if self.included(&hash) {
            return Err(self.banned());
        }
        self.check(&extrinsic)?;
        let sent = SentTx {
            hash,
            account: extrinsic.from.to_vec(),
            nonce: extrinsic.fields.nonce,
            // The core replaces for a tenth more; equal tips must not replace.
            price: extrinsic.fields.tip.saturating_add(1).saturating_mul(10),
            payload: Payload::Substrate(Arc::new(extrinsic)),
        };
        let (chain, node) = (self.node.chain, self.node.node);
        match chain.accept(node.key, Arc::new(sent), self.node.peers) {
            Ok(()) => Ok(hash),
            Err(PoolError::AlreadyKnown) if self.client == Client::Chopsticks => Ok(hash),
            Err(PoolError::AlreadyKnown) if chain.pooled(self.node.viewer(), &hash).is_none() => {
                Err(self.banned())
            }
            Err(PoolError::AlreadyKnown) => {
                let known = RpcError::new(1013, "Transaction Already Imported");
                Err(known.with_text(&hex(&hash)))
            }
            Err(PoolError::NonceTooLow { .. }) => Err(self.invalid_transaction(STALE)),
            Err(PoolError::Underpriced) => Err(self.low_priority()),
            Err(PoolError::Full) => {
                let text = "The transaction couldn't enter the pool because of the limit";
                Err(RpcError::new(1016, "Immediately Dropped").with_text(text))
            }
        }
    }

    /// What the runtime checks before the pool does.
    fn check(&self, extrinsic: &Extrinsic) -> Answer {
        let head = self.node.view.head;
        let birth = extrinsic.fields.era.birth(head);
        let mortal = extrinsic.fields.era != Era::Immortal;
        if mortal && head.saturating_sub(birth) > BLOCK_HASHES {
            return Err(self.invalid_transaction(ANCIENT));
        }
        let hash = |number| self.main_hash(number).unwrap_or_default();
        let chain = Checkpoint { genesis: hash(0), birth: hash(birth) };
        if !extrinsic.verify(chain) {
            return Err(self.invalid_transaction(BAD_PROOF));
        }
        let at = crate::chain::BlockId { number: head, hash: self.best_hash() };
        if extrinsic.fields.tip > truth::balance(&extrinsic.from, at) {
            return Err(self.invalid_transaction(PAYMENT));
        }
        Ok(())
    }

    fn undecoded(&self, error: ExtrinsicError) -> RpcError {
        if self.client == Client::Chopsticks {
            return RpcError::uncoded(format!("Unable to decode extrinsic: {error}"));
        }
        match error {
            ExtrinsicError::Opaque(why) => {
                RpcError::new(1001, format!("Extrinsic has invalid format: {why}"))
            }
            ExtrinsicError::Undecodable => {
                let why = "Runtime error: Execution failed: Execution aborted due to trap: wasm \
                           trap: wasm `unreachable` instruction executed";
                RpcError::new(1002, format!("Verification Error: {why}")).with_text(why)
            }
            ExtrinsicError::Unsigned => {
                RpcError::new(1011, "Unknown Transaction Validity").with_text(&error.to_string())
            }
        }
    }

    fn invalid_transaction(&self, why: Invalid) -> RpcError {
        match self.client {
            Client::Chopsticks => {
                RpcError::uncoded(format!(r#"{{"invalid":{{"{}":null}}}}"#, why.variant))
            }
            _ => RpcError::new(1010, "Invalid Transaction").with_text(why.words),
        }
    }

    /// What is in a block already is not taken again for a while.
    fn banned(&self) -> RpcError {
        match self.client {
            Client::Chopsticks => self.invalid_transaction(STALE),
            _ => RpcError::new(1012, "Transaction is temporarily banned"),
        }
    }

    fn low_priority(&self) -> RpcError {
        match self.client {
            Client::Chopsticks => RpcError::uncoded("Priority is too low"),
            _ => RpcError::new(1014, "Priority is too low: (10 vs 10)").with_text(
                "The transaction has too low priority to replace another transaction already in \
                 the pool.",
            ),
        }
    }
}
