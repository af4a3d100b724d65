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
use crate::near::{self, Near};
use crate::node::Context;
use crate::retention::Retention;
use crate::rpc::{Answer, Call, Malformed, Manners, RpcError};

/// A kind of chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    Ethereum,
    Icon,
    Near,
}

/// Which nonces of an account a block may include.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nonces {
    /// The next one only, without gaps.
    Consecutive,
    /// Any above the last one.
    Increasing,
}

impl Family {
    /// The software of nodes for which none is named.
    #[must_use]
    pub fn client(self) -> Client {
        match self {
            Self::Ethereum => Client::Geth,
            Self::Icon => Client::Goloop,
            Self::Near => Client::Nearcore214,
        }
    }

    /// How far, in blocks, `safe` and `finalized` trail the head.
    #[must_use]
    pub fn depths(self) -> (u64, u64) {
        match self {
            Self::Ethereum => (8, 32),
            // A block is final when there is one.
            Self::Icon => (0, 0),
            Self::Near => (1, 2),
        }
    }

    /// What a node keeps that is no archive: the state of so many blocks, and the rest
    /// of them where the family drops that too.
    #[must_use]
    pub fn retention(self, blocks: u64) -> Retention {
        match self {
            Self::Ethereum => Retention::full(blocks),
            Self::Icon => Retention::full(blocks),
            Self::Near => Retention::window(blocks),
        }
    }

    #[must_use]
    pub fn nonces(self) -> Nonces {
        match self {
            Self::Ethereum | Self::Icon => Nonces::Consecutive,
            Self::Near => Nonces::Increasing,
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
    /// nearcore 2.4: unknown blocks with HTTP 200, older names and forms of methods.
    Nearcore24,
    /// nearcore 2.7: unknown blocks with HTTP 422, newer names of methods.
    Nearcore27,
    /// nearcore 2.14: single methods beside `query`, time-outs that say what was seen.
    Nearcore214,
}

impl Client {
    /// All of them, in the order of the documentation.
    pub const ALL: [Self; 11] = [
        Self::Geth,
        Self::GethPath,
        Self::Reth,
        Self::Nethermind,
        Self::Besu,
        Self::Erigon,
        Self::Goloop,
        Self::GoloopPlain,
        Self::Nearcore24,
        Self::Nearcore27,
        Self::Nearcore214,
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
            Self::Nearcore24 | Self::Nearcore27 | Self::Nearcore214 => Family::Near,
        }
    }
}

/// A sent transaction as its family decoded it.
#[derive(Debug)]
pub enum Payload {
    Ethereum(Arc<ethereum::tx::Tx>),
    Icon(Arc<icon::tx::Tx>),
    Near(Arc<near::tx::Signed>),
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

    #[must_use]
    pub fn near(&self) -> Option<&Arc<near::tx::Signed>> {
        if let Self::Near(signed) = self { Some(signed) } else { None }
    }
}

/// The simulator of a chain's family.
#[derive(Debug)]
pub enum Sim {
    Ethereum(Ethereum),
    Icon(Icon),
    Near(Near),
}

impl Sim {
    #[must_use]
    pub fn new(options: &ChainOptions) -> Self {
        match options.family {
            Family::Ethereum => Self::Ethereum(Ethereum::new(options.seed)),
            Family::Icon => Self::Icon(Icon::new(options.seed)),
            Family::Near => Self::Near(Near::new(options)),
        }
    }

    /// Builds the block of a draft, keeps it at hand, and returns its hash.
    pub fn seal(&self, draft: &Draft) -> Hash {
        match self {
            Self::Ethereum(ethereum) => ethereum.seal(draft),
            Self::Icon(icon) => icon.seal(draft),
            Self::Near(near) => near.seal(draft),
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
            Self::Near(near) => near.answer(node, call, out),
        }
    }

    /// How heavy a method is: 1 for the lightest. Service time grows with it.
    #[must_use]
    pub fn weight(&self, method: &str) -> u32 {
        match self {
            Self::Ethereum(_) => ethereum::weight(method),
            Self::Icon(_) => icon::weight(method),
            Self::Near(_) => near::weight(method),
        }
    }

    /// The hash of the transaction that a call carries, if it is a write.
    #[must_use]
    pub fn written(&self, call: &Call<'_>) -> Option<Hash> {
        match self {
            Self::Ethereum(_) => ethereum::written(call),
            Self::Icon(_) => icon::written(call),
            Self::Near(_) => near::written(call),
        }
    }

    /// The newest height at or below `number` that has a block.
    #[must_use]
    pub fn standing(&self, number: u64) -> u64 {
        match self {
            Self::Ethereum(_) | Self::Icon(_) => number,
            Self::Near(near) => near.rules.standing(number),
        }
    }

    /// How nodes take requests, whatever the method.
    #[must_use]
    pub fn manners(&self) -> Manners {
        match self {
            Self::Ethereum(_) => ethereum::wire::MANNERS,
            Self::Icon(_) => icon::wire::MANNERS,
            Self::Near(_) => near::wire::MANNERS,
        }
    }

    /// The method whose bare result answers a GET of this path, if one does.
    #[must_use]
    pub fn page(&self, head: &Parts) -> Option<&'static str> {
        match self {
            Self::Ethereum(_) | Self::Icon(_) => None,
            Self::Near(_) => near::wire::page(head),
        }
    }

    /// What a node's HTTP server refuses before it reads the body: status and text.
    #[must_use]
    pub fn refuse(&self, head: &Parts, client: Client) -> Option<(StatusCode, &'static str)> {
        match self {
            Self::Ethereum(_) => ethereum::wire::refuse(head),
            Self::Icon(_) => icon::wire::refuse(head, client),
            Self::Near(_) => near::wire::refuse(head),
        }
    }

    /// What is said to a request that is no call: HTTP status (where it is not one of
    /// a batch) and JSON.
    #[must_use]
    pub fn malformed(&self, why: Malformed) -> (u16, &'static str) {
        match self {
            Self::Ethereum(_) => ethereum::wire::malformed(why),
            Self::Icon(_) => icon::wire::malformed(why),
            Self::Near(_) => near::wire::malformed(why),
        }
    }

    /// An error that a fault asks for, in the form of the family.
    #[must_use]
    pub fn injected(&self, code: i64, message: &str) -> RpcError {
        match self {
            Self::Ethereum(_) | Self::Icon(_) => RpcError::new(code, message.to_owned()),
            Self::Near(_) => near::texts::injected(code, message),
        }
    }

    /// The HTTP status of an error that answers a call outside of batches.
    #[must_use]
    pub fn status(&self, client: Client, error: &RpcError) -> u16 {
        match self {
            Self::Ethereum(_) => 200,
            Self::Icon(_) => 400,
            Self::Near(_) => near::texts::status(client, error),
        }
    }
}
