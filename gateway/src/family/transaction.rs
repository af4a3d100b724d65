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
    /// Whose nodes and methods know it.
    pub family: Family,
    pub hash: Hash,
    /// In families whose nodes look for a transaction at its signer.
    pub signer: Option<Box<str>>,
}

impl SignedTransaction {
    /// How a node is asked whether it has heard of the transaction; `None` where no node
    /// finds one by its hash.
    pub fn question(&self) -> Option<Question> {
        match self.family {
            Family::Ethereum => Some(ethereum::transaction_question(self.hash)),
            Family::Substrate => None,
            Family::Near => near::transaction_question(self.hash, self.signer.as_deref()?),
            Family::Icon => Some(icon::transaction_question(self.hash)),
        }
    }

    /// Reads the reply to [`SignedTransaction::question`]: whether the node has heard of the
    /// transaction. `None`: it does not say.
    pub fn is_known(&self, told: &Reply<'_>) -> Option<bool> {
        match self.family {
            Family::Ethereum => ethereum::knows_transaction(self.hash, told),
            Family::Substrate => None,
            Family::Near => near::knows_transaction(told),
            Family::Icon => icon::knows_transaction(self.hash, told),
        }
    }
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
        let unsigned = |hash| SignedTransaction { family: self, hash, signer: None };
        match self {
            Self::Ethereum => ethereum::transaction::hash(raw).map(unsigned),
            Self::Substrate => substrate::transaction::hash(raw).map(unsigned),
            Self::Near => near::transaction::read(raw).map(|signed| SignedTransaction {
                family: self,
                hash: signed.hash,
                signer: Some(signed.signer.into()),
            }),
            Self::Icon => icon::transaction::hash(raw).map(unsigned),
        }
    }

    /// The chain (its number) that a signed transaction, a raw JSON value, is for, where it
    /// says so: its bytes cannot execute on another.
    pub fn chain_signed_for(self, raw: &str) -> Option<u64> {
        match self {
            Self::Ethereum => ethereum::transaction::chain_id(raw),
            Self::Substrate | Self::Near | Self::Icon => None,
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
