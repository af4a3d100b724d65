//! The closed set of chain families: what the neutral core asks of each.
//!
//! Adding a family is one arm in each enum here and one module beside
//! [`ethereum`](crate::ethereum); nothing else knows families.

use std::sync::Arc;

use http::StatusCode;
use http::request::Parts;
use serde::{Deserialize, Serialize};

use crate::chain::{ChainOptions, Draft};
use crate::ethereum::{self, Ethereum};
use crate::hash::Hash;
use crate::icon::{self, Icon};
use crate::node::Context;
use crate::rpc::{Answer, Call, Malformed, Manners, RpcError};

/// A kind of chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    Ethereum,
    Icon,
}

impl Family {
    /// The software of nodes for which none is named.
    #[must_use]
    pub fn client(self) -> Client {
        match self {
            Self::Ethereum => Client::Geth,
            Self::Icon => Client::Goloop,
        }
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
    /// goloop with the waiting methods and the debug API switched on.
    Goloop,
    /// goloop as it comes: without them.
    GoloopPlain,
}

impl Client {
    /// All of them, in the order of the documentation.
    pub const ALL: [Self; 8] = [
        Self::Geth,
        Self::GethPath,
        Self::Reth,
        Self::Nethermind,
        Self::Besu,
        Self::Erigon,
        Self::Goloop,
        Self::GoloopPlain,
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
            Self::Goloop | Self::GoloopPlain => Family::Icon,
        }
    }
}

/// A sent transaction as its family decoded it.
#[derive(Debug)]
pub enum Payload {
    Ethereum(Arc<ethereum::tx::Tx>),
    Icon(Arc<icon::tx::Tx>),
}

impl Payload {
    #[must_use]
    pub fn ethereum(&self) -> Option<&Arc<ethereum::tx::Tx>> {
        if let Self::Ethereum(tx) = self { Some(tx) } else { None }
    }

    #[must_use]
    pub fn icon(&self) -> Option<&Arc<icon::tx::Tx>> {
        if let Self::Icon(tx) = self { Some(tx) } else { None }
    }
}

/// The simulator of a chain's family.
#[derive(Debug)]
pub enum Sim {
    Ethereum(Ethereum),
    Icon(Icon),
}

impl Sim {
    #[must_use]
    pub fn new(options: &ChainOptions) -> Self {
        match options.family {
            Family::Ethereum => Self::Ethereum(Ethereum::new(options.seed)),
            Family::Icon => Self::Icon(Icon::new(options.seed)),
        }
    }

    /// Builds the block of a draft, keeps it at hand, and returns its hash.
    pub fn seal(&self, draft: &Draft) -> Hash {
        match self {
            Self::Ethereum(ethereum) => ethereum.seal(draft),
            Self::Icon(icon) => icon.seal(draft),
        }
    }

    /// Answers a call: appends the JSON of the result to `out`.
    ///
    /// # Errors
    /// As a node of that client would.
    pub fn answer(&self, node: &Context<'_>, call: &Call<'_>, out: &mut String) -> Answer {
        match self {
            Self::Ethereum(ethereum) => ethereum.answer(node, call, out),
            Self::Icon(icon) => icon.answer(node, call, out),
        }
    }

    /// How heavy a method is: 1 for the lightest. Service time grows with it.
    #[must_use]
    pub fn weight(&self, method: &str) -> u32 {
        match self {
            Self::Ethereum(_) => ethereum::weight(method),
            Self::Icon(_) => icon::weight(method),
        }
    }

    /// The hash of the transaction that a call carries, if it is a write.
    #[must_use]
    pub fn written(&self, call: &Call<'_>) -> Option<Hash> {
        match self {
            Self::Ethereum(_) => ethereum::written(call),
            Self::Icon(_) => icon::written(call),
        }
    }

    /// How nodes take requests, whatever the method.
    #[must_use]
    pub fn manners(&self) -> Manners {
        match self {
            Self::Ethereum(_) => ethereum::wire::MANNERS,
            Self::Icon(_) => icon::wire::MANNERS,
        }
    }

    /// What a node's HTTP server refuses before it reads the body: status and text.
    #[must_use]
    pub fn refuse(&self, head: &Parts, client: Client) -> Option<(StatusCode, &'static str)> {
        match self {
            Self::Ethereum(_) => ethereum::wire::refuse(head),
            Self::Icon(_) => icon::wire::refuse(head, client),
        }
    }

    /// What is said to a request that is no call: HTTP status (where it is not one of
    /// a batch) and JSON.
    #[must_use]
    pub fn malformed(&self, why: Malformed) -> (u16, &'static str) {
        match self {
            Self::Ethereum(_) => ethereum::wire::malformed(why),
            Self::Icon(_) => icon::wire::malformed(why),
        }
    }

    /// The HTTP status of an error that answers a call outside of batches.
    #[must_use]
    pub fn status(&self, _client: Client, _error: &RpcError) -> u16 {
        match self {
            Self::Ethereum(_) => 200,
            Self::Icon(_) => 400,
        }
    }
}
