//! The closed set of chain families: what the neutral core asks of each.
//!
//! Adding a family is one arm in each enum here and one module beside
//! [`ethereum`](crate::ethereum); nothing else knows families.

use std::sync::Arc;

use http::request::Parts;
use serde::{Deserialize, Serialize};

use crate::chain::{ChainOptions, Draft};
use crate::ethereum::{self, Ethereum};
use crate::hash::Hash;
use crate::icon::{self, Icon};
use crate::manners::{Door, Malformed, Manners};
use crate::near::{self, Near};
use crate::node::{Context, Shared};
use crate::retention::Retention;
use crate::rpc::{Answer, Call, RpcError};
use crate::substrate::{self, Substrate};

/// A kind of chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    Ethereum,
    Icon,
    Near,
    Substrate,
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
            Self::Substrate => Client::PolkadotSdk,
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
            Self::Substrate => (3, 3),
        }
    }

    /// What a node keeps that is no archive: the state of so many blocks, and the rest
    /// of them where the family drops that too.
    #[must_use]
    pub fn retention(self, blocks: u64) -> Retention {
        match self {
            Self::Ethereum | Self::Icon | Self::Substrate => Retention::full(blocks),
            Self::Near => Retention::window(blocks),
        }
    }

    #[must_use]
    pub fn nonces(self) -> Nonces {
        match self {
            Self::Ethereum | Self::Icon | Self::Substrate => Nonces::Consecutive,
            Self::Near => Nonces::Increasing,
        }
    }

    /// How nodes take requests, whatever the method.
    #[must_use]
    pub fn manners(self) -> Manners {
        match self {
            Self::Ethereum => ethereum::wire::MANNERS,
            Self::Icon => icon::wire::MANNERS,
            Self::Near => near::wire::MANNERS,
            Self::Substrate => substrate::wire::MANNERS,
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
    /// A node built from today's polkadot-sdk.
    PolkadotSdk,
    /// The same with an EVM, whose methods it speaks besides.
    Frontier,
    /// A Substrate node of 2020 and 2021, before jsonrpsee: errors by `-32603`.
    SubstrateOld,
    /// Chopsticks, the development node: errors without codes, the genesis block for
    /// an unknown hash, every block final.
    Chopsticks,
}

impl Client {
    /// All of them, in the order of the documentation.
    pub const ALL: [Self; 15] = [
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
        Self::PolkadotSdk,
        Self::Frontier,
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
            Self::Goloop | Self::GoloopPlain => Family::Icon,
            Self::Nearcore24 | Self::Nearcore27 | Self::Nearcore214 => Family::Near,
            Self::PolkadotSdk | Self::Frontier | Self::SubstrateOld | Self::Chopsticks => {
                Family::Substrate
            }
        }
    }
}

/// A sent transaction as its family decoded it.
#[derive(Debug)]
pub enum Payload {
    Ethereum(Arc<ethereum::tx::Tx>),
    Icon(Arc<icon::tx::Tx>),
    Near(Arc<near::tx::Signed>),
    Substrate(Arc<substrate::extrinsic::Extrinsic>),
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

    #[must_use]
    pub fn substrate(&self) -> Option<&Arc<substrate::extrinsic::Extrinsic>> {
        if let Self::Substrate(extrinsic) = self { Some(extrinsic) } else { None }
    }
}

/// The simulator of a chain's family.
#[derive(Debug)]
pub enum Sim {
    Ethereum(Ethereum),
    Icon(Icon),
    Near(Near),
    Substrate(Substrate),
}

impl Sim {
    #[must_use]
    pub fn new(options: &ChainOptions) -> Self {
        match options.family {
            Family::Ethereum => Self::Ethereum(Ethereum::new(options.seed)),
            Family::Icon => Self::Icon(Icon::new(options.seed)),
            Family::Near => Self::Near(Near::new(options)),
            Family::Substrate => Self::Substrate(Substrate::default()),
        }
    }

    /// Builds the block of a draft, keeps it at hand, and returns its hash.
    pub fn seal(&self, draft: &Draft) -> Hash {
        match self {
            Self::Ethereum(ethereum) => ethereum.seal(draft),
            Self::Icon(icon) => icon.seal(draft),
            Self::Near(near) => near.seal(draft),
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
            Self::Icon(icon) => icon.answer(node, call, out),
            Self::Near(near) => near.answer(node, call, out),
            Self::Substrate(substrate) => substrate.answer(node, call, out),
        }
    }

    /// How heavy a method is: 1 for the lightest. Service time grows with it.
    #[must_use]
    pub fn weight(&self, method: &str) -> u32 {
        match self {
            Self::Ethereum(_) => ethereum::weight(method),
            Self::Icon(_) => icon::weight(method),
            Self::Near(_) => near::weight(method),
            Self::Substrate(_) => substrate::weight(method),
        }
    }

    /// The hash of the transaction that a call carries, if it is a write.
    #[must_use]
    pub fn written(&self, call: &Call<'_>) -> Option<Hash> {
        match self {
            Self::Ethereum(_) => ethereum::written(call),
            Self::Icon(_) => icon::written(call),
            Self::Near(_) => near::written(call),
            Self::Substrate(_) => substrate::written(call),
        }
    }

    /// The newest height at or below `number` that has a block.
    #[must_use]
    pub fn standing(&self, number: u64) -> u64 {
        match self {
            Self::Ethereum(_) | Self::Icon(_) | Self::Substrate(_) => number,
            Self::Near(near) => near.rules.standing(number),
        }
    }

    /// What a node does with a request before it reads the body.
    #[must_use]
    pub fn door(&self, node: &Shared, head: &Parts) -> Door {
        match self {
            Self::Ethereum(_) => ethereum::wire::door(head),
            Self::Icon(_) => icon::wire::door(head, node.options.client),
            Self::Near(_) => near::wire::door(head),
            Self::Substrate(_) => substrate::wire::door(node, head),
        }
    }

    /// What is said to a request, or to an item of a batch, that is no call.
    #[must_use]
    pub fn malformed(&self, client: Client, why: Malformed) -> RpcError {
        match self {
            Self::Ethereum(_) => ethereum::wire::malformed(why),
            Self::Icon(_) => icon::wire::malformed(why),
            Self::Near(_) => near::wire::malformed(why),
            Self::Substrate(_) => substrate::wire::malformed(client, why),
        }
    }

    /// An error that a fault asks for, in the form of the family.
    #[must_use]
    pub fn injected(&self, client: Client, code: i64, message: &str) -> RpcError {
        match self {
            Self::Ethereum(_) | Self::Substrate(_) => RpcError::new(code, message.to_owned()),
            Self::Icon(_) => icon::texts::error(code, message.to_owned()),
            Self::Near(_) => near::texts::injected(client, code, message),
        }
    }
}
