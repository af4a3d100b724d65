//! The closed set of chain families: what the neutral core asks of each.
//!
//! Adding a family is one arm in each enum here and one module beside
//! [`ethereum`](crate::ethereum); nothing else knows families.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::chain::{ChainOptions, Draft};
use crate::ethereum::{Ethereum, tx::Tx};
use crate::hash::Hash;
use crate::node::Context;
use crate::rpc::{Answer, Call};

/// A kind of chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    Ethereum,
}

/// A node software whose words and habits a node imitates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Client {
    /// geth with the hash scheme: `missing trie node`.
    Geth,
    /// geth with the path scheme: `historical state … is not available`.
    GethPath,
    Reth,
    Nethermind,
    Besu,
    Erigon,
}

impl Client {
    /// All of them, in the order of the documentation.
    pub const ALL: [Self; 6] =
        [Self::Geth, Self::GethPath, Self::Reth, Self::Nethermind, Self::Besu, Self::Erigon];

    #[must_use]
    pub fn family(self) -> Family {
        match self {
            Self::Geth
            | Self::GethPath
            | Self::Reth
            | Self::Nethermind
            | Self::Besu
            | Self::Erigon => Family::Ethereum,
        }
    }
}

/// A sent transaction as its family decoded it.
#[derive(Debug)]
pub enum Payload {
    Ethereum(Arc<Tx>),
}

/// The simulator of a chain's family.
#[derive(Debug)]
pub enum Sim {
    Ethereum(Ethereum),
}

impl Sim {
    #[must_use]
    pub fn new(options: &ChainOptions) -> Self {
        match options.family {
            Family::Ethereum => Self::Ethereum(Ethereum::new(options.seed)),
        }
    }

    /// Builds the block of a draft, keeps it at hand, and returns its hash.
    pub fn seal(&self, draft: &Draft) -> Hash {
        match self {
            Self::Ethereum(ethereum) => ethereum.seal(draft),
        }
    }

    /// Answers a call: appends the JSON of the result to `out`.
    ///
    /// # Errors
    /// As a node of that client would.
    pub fn answer(&self, node: &Context<'_>, call: &Call<'_>, out: &mut String) -> Answer {
        match self {
            Self::Ethereum(ethereum) => ethereum.answer(node, call, out),
        }
    }

    /// How heavy a method is: 1 for the lightest. Service time grows with it.
    #[must_use]
    pub fn weight(&self, method: &str) -> u32 {
        match self {
            Self::Ethereum(_) => crate::ethereum::weight(method),
        }
    }

    /// The hash of the transaction that a call carries, if it is a write.
    #[must_use]
    pub fn written(&self, call: &Call<'_>) -> Option<Hash> {
        match self {
            Self::Ethereum(_) => crate::ethereum::written(call),
        }
    }
}
