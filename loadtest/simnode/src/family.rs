//! The closed set of chain families: what the neutral core asks of each.
//!
//! Adding a family is one arm in each enum here and one module beside
//! [`ethereum`](crate::ethereum); nothing else knows families.

use std::sync::Arc;

use http::request::Parts;
use serde::{Deserialize, Serialize};

use crate::chain::{ChainOptions, Draft};
use crate::ethereum::{Ethereum, tx::Tx};
use crate::hash::Hash;
use crate::node::{Context, Shared};
use crate::rpc::{Answer, Call, Malformed, RpcError};
use crate::server::Greeting;
use crate::substrate::{Substrate, extrinsic::Extrinsic};

/// A kind of chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    Ethereum,
    Substrate,
}

impl Family {
    /// What a node of the family is when nothing else is said.
    #[must_use]
    pub fn client(self) -> Client {
        match self {
            Self::Ethereum => Client::Geth,
            Self::Substrate => Client::PolkadotSdk,
        }
    }

    /// Connections that a node of the family takes when nothing else is said.
    #[must_use]
    pub fn max_connections(self) -> usize {
        match self {
            Self::Ethereum => 4_096,
            Self::Substrate => 100,
        }
    }

    /// How far finality trails the head of a healthy chain, in blocks.
    #[must_use]
    pub fn final_depth(self) -> u64 {
        match self {
            Self::Ethereum => 32,
            Self::Substrate => 3,
        }
    }
}

impl ChainOptions {
    /// The defaults of a family.
    #[must_use]
    pub fn of(family: Family) -> Self {
        Self { family, final_depth: family.final_depth(), ..Self::default() }
    }
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
    /// A node built from today's polkadot-sdk.
    PolkadotSdk,
    /// A Substrate node of 2020 and 2021, before jsonrpsee: errors by `-32603`.
    SubstrateOld,
    /// Chopsticks, the development node: errors without codes, the genesis block for
    /// an unknown hash, every block final.
    Chopsticks,
}

impl Client {
    /// All of them, in the order of the documentation.
    pub const ALL: [Self; 9] = [
        Self::Geth,
        Self::GethPath,
        Self::Reth,
        Self::Nethermind,
        Self::Besu,
        Self::Erigon,
        Self::PolkadotSdk,
        Self::SubstrateOld,
        Self::Chopsticks,
    ];

    #[must_use]
    pub fn family(self) -> Family {
        match self {
            Self::Geth
            | Self::GethPath
            | Self::Reth
            | Self::Nethermind
            | Self::Besu
            | Self::Erigon => Family::Ethereum,
            Self::PolkadotSdk | Self::SubstrateOld | Self::Chopsticks => Family::Substrate,
        }
    }
}

/// A sent transaction as its family decoded it.
#[derive(Debug)]
pub enum Payload {
    Ethereum(Arc<Tx>),
    Substrate(Arc<Extrinsic>),
}

impl Payload {
    #[must_use]
    pub fn ethereum(&self) -> Option<&Arc<Tx>> {
        match self {
            Self::Ethereum(tx) => Some(tx),
            Self::Substrate(_) => None,
        }
    }

    #[must_use]
    pub fn substrate(&self) -> Option<&Arc<Extrinsic>> {
        match self {
            Self::Substrate(extrinsic) => Some(extrinsic),
            Self::Ethereum(_) => None,
        }
    }
}

/// The simulator of a chain's family.
#[derive(Debug)]
pub enum Sim {
    Ethereum(Ethereum),
    Substrate(Substrate),
}

impl Sim {
    #[must_use]
    pub fn new(options: &ChainOptions) -> Self {
        match options.family {
            Family::Ethereum => Self::Ethereum(Ethereum::new(options.seed)),
            Family::Substrate => Self::Substrate(Substrate::default()),
        }
    }

    /// The simulator of an Ethereum chain.
    #[must_use]
    pub fn ethereum(&self) -> Option<&Ethereum> {
        match self {
            Self::Ethereum(ethereum) => Some(ethereum),
            Self::Substrate(_) => None,
        }
    }

    /// Builds the block of a draft, keeps it at hand, and returns its hash.
    pub fn seal(&self, draft: &Draft) -> Hash {
        match self {
            Self::Ethereum(ethereum) => ethereum.seal(draft),
            Self::Substrate(substrate) => substrate.seal(draft),
        }
    }

    /// Answers a call: appends the JSON of the result to `out`.
    ///
    /// # Errors
    /// As a node of that client would.
    pub fn answer(&self, node: &Context<'_>, call: &Call<'_>, out: &mut String) -> Answer {
        match self {
            Self::Ethereum(ethereum) => ethereum.answer(node, call, out),
            Self::Substrate(substrate) => substrate.answer(node, call, out),
        }
    }

    /// How heavy a method is: 1 for the lightest. Service time grows with it.
    #[must_use]
    pub fn weight(&self, method: &str) -> u32 {
        match self {
            Self::Ethereum(_) => crate::ethereum::weight(method),
            Self::Substrate(_) => crate::substrate::weight(method),
        }
    }

    /// The hash of the transaction that a call carries, if it is a write.
    #[must_use]
    pub fn written(&self, call: &Call<'_>) -> Option<Hash> {
        match self {
            Self::Ethereum(_) => crate::ethereum::written(call),
            Self::Substrate(_) => crate::substrate::written(call),
        }
    }

    /// What is said to a request that is no call.
    #[must_use]
    pub fn malformed(&self, client: Client, why: Malformed) -> RpcError {
        match self {
            Self::Ethereum(_) => crate::ethereum::door::malformed(why),
            Self::Substrate(_) => crate::substrate::texts::malformed(client, why),
        }
    }

    /// Whether a batch that is too long is refused by a batch of one.
    #[must_use]
    pub fn lists_refusals(&self) -> bool {
        match self {
            Self::Ethereum(_) => true,
            Self::Substrate(_) => false,
        }
    }

    /// What the HTTP server says before it reads a body; `None` reads it.
    #[must_use]
    pub fn door(&self, node: &Shared, head: &Parts) -> Option<Greeting> {
        match self {
            Self::Ethereum(_) => crate::ethereum::door::greet(head),
            Self::Substrate(substrate) => substrate.greet(node, head),
        }
    }

    /// The largest request body.
    #[must_use]
    pub fn body_limit(&self) -> usize {
        match self {
            Self::Ethereum(_) => 5 * 1024 * 1024,
            Self::Substrate(_) => 15 * 1024 * 1024,
        }
    }

    /// What a connection over the limit is told; without it, it is just closed.
    #[must_use]
    pub fn full(&self) -> Option<Greeting> {
        match self {
            Self::Ethereum(_) => None,
            Self::Substrate(_) => Some(crate::substrate::texts::full()),
        }
    }
}
