//! Signed transactions by family: whether a text is one, its hash, how a node is asked for
//! it, and what a sender expects to hear.

use super::{Family, Question, ethereum, icon, near, substrate};
use crate::{
    method::{Method, Timeout},
    names::Hash,
    rpc::reply::Reply,
};

/// What finds a signed transaction again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedTransaction {
    pub hash: Hash,
    /// In families whose nodes look for a transaction at its signer.
    pub signer: Option<Box<str>>,
}

impl Family {
    /// Whether a raw JSON value can be a signed transaction: what a node would refuse by
    /// its form alone is not sent to one.
    pub fn is_transaction(self, raw: &str) -> bool {
        match self {
            Self::Ethereum => ethereum::transaction::is_one(raw),
            Self::Substrate => substrate::transaction::is_one(raw),
            Self::Near => near::transaction::read(raw).is_some(),
            Self::Icon => icon::transaction::is_one(raw),
        }
    }

    /// Reads a signed transaction, a raw JSON value, and computes its hash from its bytes;
    /// `None` where they are not one.
    pub fn transaction(self, raw: &str) -> Option<SignedTransaction> {
        let unsigned = |hash| SignedTransaction { hash, signer: None };
        match self {
            Self::Ethereum => ethereum::transaction::hash(raw).map(unsigned),
            Self::Substrate => substrate::transaction::hash(raw).map(unsigned),
            Self::Near => near::transaction::read(raw).map(|signed| SignedTransaction {
                hash: signed.hash,
                signer: Some(signed.signer.into()),
            }),
            Self::Icon => icon::transaction::hash(raw).map(unsigned),
        }
    }

    /// How a node is asked whether it has heard of a transaction; `None` where no node
    /// finds one by its hash.
    pub fn transaction_question(self, transaction: &SignedTransaction) -> Option<Question> {
        let hash = transaction.hash;
        match self {
            Self::Ethereum => Some(ethereum::transaction_question(hash)),
            Self::Substrate => None,
            Self::Near => near::transaction_question(hash, transaction.signer.as_deref()?),
            Self::Icon => Some(icon::transaction_question(hash)),
        }
    }

    /// Reads the reply to [`Family::transaction_question`]: whether the node has heard of
    /// the transaction. `None`: it does not say.
    pub fn knows_transaction(self, asked: &SignedTransaction, told: &Reply<'_>) -> Option<bool> {
        match self {
            Self::Ethereum => ethereum::knows_transaction(asked.hash, told),
            Self::Substrate => None,
            Self::Near => near::knows_transaction(told),
            Self::Icon => icon::knows_transaction(asked.hash, told),
        }
    }

    /// The answer, as JSON, that a write of `method` gets for a transaction which nodes are
    /// known to have. `None` where it would answer more than the hash: what came of the
    /// transaction, after a wait.
    pub fn write_answer(self, method: &Method, hash: Hash) -> Option<String> {
        if method.timeout == Timeout::Wait {
            return None;
        }
        let hash = self.hash_text(hash);
        match self {
            Self::Near if near::answers_an_object(&method.name) => {
                Some(format!(r#"{{"transaction_hash":"{hash}"}}"#))
            }
            Self::Ethereum | Self::Substrate | Self::Near | Self::Icon => {
                Some(format!("\"{hash}\""))
            }
        }
    }

    /// A transaction's hash as the family's nodes show it, without quotes.
    pub fn hash_text(self, hash: Hash) -> String {
        match self {
            Self::Ethereum | Self::Substrate | Self::Icon => hash.to_string(),
            Self::Near => near::block::write_hash(hash),
        }
    }
}

#[cfg(test)]
mod tests;
