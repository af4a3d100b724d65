//! Sending transactions and waiting for their results.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::block::{DEFAULT_STEP, quantity};
use super::params::{Kind, Member, may, must};
use super::truth::{self, STEP_PRICE};
use super::tx::{self, Fields, Tx, TxError};
use super::{Ask, hash_value, put, texts, wire};
use crate::chain::{PoolError, SentTx};
use crate::family::{Client, Payload};
use crate::hash::Hash;
use crate::rpc::{Answer, RpcError};

/// How long the waiting methods wait when the caller says nothing.
const WAIT: Duration = Duration::from_secs(5);

/// How far the timestamp may be from the newest block's (before) and the clock (after).
const WINDOW: Duration = Duration::from_secs(300);

const TRANSACTION: [Member; 11] = [
    must("version", Kind::Int),
    must("from", Kind::Account),
    must("to", Kind::Address),
    may("value", Kind::Int),
    must("stepLimit", Kind::Int),
    must("timestamp", Kind::Int),
    must("nid", Kind::Int),
    may("nonce", Kind::Int),
    must("signature", Kind::Signature),
    may("dataType", Kind::Word("call|deploy|message|deposit")),
    may("data", Kind::Any),
];

impl Ask<'_> {
    pub fn send(&self, out: &mut String) -> Answer {
        let hash = self.submit(self.fields()?)?;
        put(out, &hash_value(&hash))
    }

    /// One that is known already is waited for like a new one.
    pub fn send_and_wait(&self, out: &mut String) -> Answer {
        self.waits()?;
        let fields = self.fields()?;
        let known = tx::hash_of(&fields).filter(|hash| self.known(hash));
        let hash = match known {
            Some(hash) => hash,
            None => self.submit(fields)?,
        };
        self.wait_for(&hash, out)
    }

    pub fn wait(&self, out: &mut String) -> Answer {
        self.waits()?;
        let hash = self.tx_hash()?;
        if !self.known(&hash) {
            return Err(texts::system("E1005:NotFound"));
        }
        self.wait_for(&hash, out)
    }

    fn waits(&self) -> Answer {
        match self.node.node.options.client {
            Client::GoloopPlain => Err(texts::waits_disabled()),
            _ => Ok(()),
        }
    }

    fn known(&self, hash: &Hash) -> bool {
        self.pooled(hash) || self.included(hash).is_ok()
    }

    /// The result, or an error that holds the call until there is one.
    fn wait_for(&self, hash: &Hash, out: &mut String) -> Answer {
        let asked = wire::timeout(&self.node.head.headers).unwrap_or(WAIT);
        if asked.is_zero() {
            return Err(texts::error(-32600, "InvalidRequest: InvalidTimeout(0)"));
        }
        let most = self.node.node.options.patience;
        match self.result_of(hash) {
            Ok(result) => put(out, &result),
            Err(error) if matches!(error.code, Some(-31002 | -31003)) => {
                Err(texts::wait_expired(asked.min(most), asked > most, hash))
            }
            Err(error) => Err(error),
        }
    }

    fn fields(&self) -> Result<Fields, RpcError> {
        self.params(&TRANSACTION)?;
        let raw = self.call.params.map_or("", |raw| raw.get());
        serde_json::from_str(raw).map_err(|_| texts::invalid_params("fail to unmarshal"))
    }

    /// Takes a transaction into the pool.
    fn submit(&self, fields: Fields) -> Result<Hash, RpcError> {
        let tx = tx::decode(fields).map_err(|error| match error {
            TxError::Signature => texts::system(&format!("E2005:{error}")),
            TxError::Serialize => texts::system(&format!("E2104:{error}")),
        })?;
        self.check_tx(&tx)?;
        let hash = tx.hash;
        if self.included(&hash).is_ok() {
            return Err(texts::system("E2011:CommittedTransaction"));
        }
        let sent = SentTx {
            hash,
            // Nothing orders the transactions of an account: each has a line of its own.
            account: hash.to_vec(),
            nonce: 0,
            price: STEP_PRICE,
            payload: Payload::Icon(Arc::new(tx)),
        };
        let (chain, node) = (self.node.chain, self.node.node);
        match chain.accept(node.key, Arc::new(sent), self.node.peers) {
            Ok(()) => Ok(hash),
            Err(PoolError::Full) => Err(texts::pool_overflow()),
            // The other two: in a block that has not arrived here, or replaced.
            Err(
                PoolError::NonceTooLow { .. } | PoolError::Underpriced | PoolError::AlreadyKnown,
            ) => Err(texts::system("E2000:DuplicateTransaction")),
        }
    }

    /// The rules that need no pool: network, time, steps, funds.
    fn check_tx(&self, tx: &Tx) -> Answer {
        let own = self.node.chain.chain_id(self.node.view.branch);
        if tx.number("nid") != u128::from(own) {
            let own = quantity(own.into());
            let own = own.as_str().unwrap_or_default();
            return Err(texts::system(&format!("E1006:ValidateNetwork(nid={own}) fail")));
        }
        if tx.text("version") != "0x3" {
            return Err(texts::system("E2005:IllegalTransactionVersion"));
        }
        self.check_time(tx)?;
        let (limit, value) = (tx.number("stepLimit"), tx.number("value"));
        if limit < DEFAULT_STEP {
            let why = format!("E2105:NotEnoughStep(txStepLimit:{limit}, minStep:{DEFAULT_STEP})");
            return Err(texts::system(&why));
        }
        let at = self.at_height(self.node.view.head)?.id;
        let from = tx::address(tx.text("from")).unwrap_or_default();
        let (has, pays) = (truth::balance(&from, at), limit.saturating_mul(STEP_PRICE));
        let pays = pays.saturating_add(value);
        if has < pays {
            let why = format!("E2106:OutOfBalance(balance:{has}, value:{pays})");
            return Err(texts::system(&why));
        }
        Ok(())
    }

    fn check_time(&self, tx: &Tx) -> Answer {
        let newest = u128::from(self.at_height(self.node.view.head)?.timestamp);
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let (least, most) =
            (newest.saturating_sub(WINDOW.as_micros()), now.as_micros() + WINDOW.as_micros());
        let time = tx.number("timestamp");
        if time <= least {
            return Err(texts::system(&format!("E2002:Expired(min-{})", dur(least - time))));
        }
        if time > most {
            return Err(texts::system(&format!("E2003:FutureTx(max+{})", dur(time - most))));
        }
        Ok(())
    }
}

fn dur(micros: u128) -> String {
    wire::go_duration(Duration::from_millis(u64::try_from(micros / 1_000).unwrap_or(u64::MAX)))
}
