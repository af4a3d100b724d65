//! Chain families: a closed enum for the few acts a method table cannot hold:
//! how a block reference parses and is written, which calls ask for heads,
//! finality, identity and sync, how a transaction's hash is computed, and how a
//! node's errors are read. Adding a family is one table, one arm, one sample file.
//! Deliberately no trait: the set is closed and every match is exhaustive.
//!
//! Every function is pure and reads untrusted text: a node's nonsense gives
//! `None`, never a panic.

mod errors;
pub mod ethereum;
pub mod icon;
pub mod near;
pub mod substrate;
mod texts;
mod transaction;

use std::borrow::Cow;

pub use transaction::SignedTransaction;

use crate::{
    method::{NamedBlock, Reference, ReferenceKind},
    names::{Block, Hash},
    rpc::walk,
};

/// The kind of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    Ethereum,
    Substrate,
    Near,
    Icon,
}

/// What the gateway itself asks a node, whatever the family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ask {
    /// The header of the node's newest block: [`Family::read_header`].
    Head,
    /// The newest safe block's header; `null` or an error before there is one.
    Safe,
    /// The newest final block's header; `null` or an error before there is one.
    Finalized,
    HeaderByHash(Hash),
    HeaderByNumber(u64),
    /// The chain's own number or name: [`Family::read_identity`].
    ChainId,
    /// The first block, which a node that expired its history may lack:
    /// [`Family::read_identity`].
    Genesis,
    /// [`Family::read_syncing`].
    Sync,
    /// [`Family::read_version`].
    Version,
    /// A cheap state read at a block named by hash: any result shows that the
    /// node has the block's state (not only its header) and takes hashes.
    StateByHash(Hash),
    /// The same by number: any result shows that the state is kept.
    StateByNumber(u64),
    /// Which methods the node offers: [`Family::read_methods`].
    Methods,
}

/// One question to a node: a method and its params as JSON text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    pub method: &'static str,
    pub params: Cow<'static, str>,
}

/// How a block is written into a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockForm {
    Number,
    /// Where a method takes nothing but a hash.
    Hash,
    /// Where a method takes numbers too, and has to be told that this is a hash.
    HashInPlace,
}

/// A block's header, as far as heads are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    pub number: u64,
    pub hash: Hash,
    pub parent: Hash,
    /// Seconds since the Unix epoch, by the block's producer, where headers carry it.
    pub time: Option<u64>,
}

impl Header {
    /// The block this header heads.
    pub const fn block(&self) -> Block {
        Block { number: self.number, hash: self.hash }
    }
}

/// What is known of which chain it is: configured, or told by a node. Either
/// part may be unknown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Identity {
    /// Ethereum's chain id.
    pub number: Option<u64>,
    /// Hash of the first block.
    pub genesis: Option<Hash>,
}

impl Identity {
    /// Whether both are the same chain: `Some(false)` when any part known to
    /// both differs, `None` when no part is known to both.
    pub fn agrees(&self, other: &Self) -> Option<bool> {
        let number = self.number.zip(other.number).map(|(a, b)| a == b);
        let genesis = self.genesis.zip(other.genesis).map(|(a, b)| a == b);
        match (number, genesis) {
            (None, None) => None,
            (number, genesis) => Some(number.unwrap_or(true) && genesis.unwrap_or(true)),
        }
    }

    /// Both together; where both know a part, `other`'s word is the newer one.
    pub fn merged(&self, other: &Self) -> Self {
        Self { number: other.number.or(self.number), genesis: other.genesis.or(self.genesis) }
    }
}

impl std::fmt::Display for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.number, self.genesis) {
            (Some(number), _) => write!(f, "{number:#x}"),
            (None, Some(genesis)) => write!(f, "{genesis}"),
            (None, None) => f.write_str("unknown"),
        }
    }
}

/// What the gateway knows when it answers a call of class `local` itself.
#[derive(Clone, Copy, Debug)]
pub struct LocalFacts<'a> {
    /// The served tip.
    pub tip: Option<Block>,
    /// Verified identity of the chain.
    pub identity: Option<&'a Identity>,
    /// Whether the tip has moved within the time that makes a node stalled.
    pub tip_moving: bool,
}

impl Family {
    /// Every family that a chain can be configured as, in the order of the docs. Of the
    /// others the method tables are read, and what those need.
    pub const ALL: [Self; 1] = [Self::Ethereum];

    /// The word in the config, in metrics and in the method table's file name.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ethereum => "ethereum",
            Self::Substrate => "substrate",
            Self::Near => "near",
            Self::Icon => "icon",
        }
    }

    /// The family of that word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|family| family.word() == word)
    }

    /// How this family asks; `None` where it has no such question.
    pub fn question(self, ask: Ask) -> Option<Question> {
        match self {
            Self::Ethereum => Some(ethereum::question(ask)),
            Self::Substrate => substrate::question(ask),
            Self::Near => near::question(ask),
            Self::Icon => icon::question(ask),
        }
    }

    /// Reads the result of [`Ask::Head`], [`Ask::Safe`], [`Ask::Finalized`] and
    /// the two by hash and number; `None` for `null` and for anything unreadable.
    pub fn read_header(self, result: &str) -> Option<Header> {
        match self {
            Self::Ethereum => ethereum::read_header(result),
            Self::Substrate => substrate::read_header(result),
            Self::Near => near::read_header(result),
            Self::Icon => icon::read_header(result),
        }
    }

    /// Reads the result of [`Ask::ChainId`] or [`Ask::Genesis`].
    pub fn read_identity(self, ask: Ask, result: &str) -> Option<Identity> {
        match self {
            Self::Ethereum => ethereum::read_identity(ask, result),
            Self::Substrate => substrate::read_identity(ask, result),
            Self::Near => near::read_identity(ask, result),
            Self::Icon => icon::read_identity(ask, result),
        }
    }

    /// Reads an identity as an operator wrote it.
    pub fn parse_identity(self, text: &str) -> Option<Identity> {
        match self {
            // an ICON network has a number (`nid`) and a genesis hash in the same form
            Self::Ethereum | Self::Icon => ethereum::parse_identity(text),
            Self::Substrate => substrate::parse_identity(text),
            Self::Near => near::parse_identity(text),
        }
    }

    /// Reads the result of [`Ask::Sync`]: whether the node says it is behind its
    /// network. `false` proves nothing: a node that lost its peers says it too.
    pub fn read_syncing(self, result: &str) -> Option<bool> {
        match self {
            Self::Ethereum => ethereum::read_syncing(result),
            Self::Substrate => substrate::read_syncing(result),
            Self::Near => near::read_syncing(result),
            Self::Icon => None,
        }
    }

    /// Reads the result of [`Ask::Version`]: at most 128 printable characters.
    pub fn read_version(self, result: &str) -> Option<String> {
        match self {
            Self::Ethereum | Self::Substrate => read_plain_text(result),
            Self::Near => near::read_version(result),
            Self::Icon => None,
        }
    }

    /// Reads the result of [`Ask::Methods`]: names, or whole modules as `name_*`.
    pub fn read_methods(self, result: &str) -> Vec<String> {
        match self {
            Self::Ethereum => ethereum::read_methods(result),
            Self::Substrate => substrate::read_methods(result),
            Self::Near | Self::Icon => Vec::new(),
        }
    }

    /// Reads a block's number out of a result: a raw JSON value. `None` if it is none.
    pub fn read_block_number(self, raw: &str) -> Option<u64> {
        match self {
            Self::Ethereum => parse_text(raw, ethereum::block::read_quantity),
            Self::Substrate | Self::Near => substrate::block::read_number(raw),
            Self::Icon => parse_text(raw, icon::block::read_int),
        }
    }

    /// Whether the family's methods name blocks in that way.
    pub fn has_kind(self, kind: ReferenceKind) -> bool {
        let kinds = match self {
            Self::Ethereum => ethereum::block::KINDS,
            Self::Substrate => substrate::block::KINDS,
            Self::Near => near::block::KINDS,
            Self::Icon => icon::block::KINDS,
        };
        kinds.contains(&kind)
    }

    /// Reads a block reference of that kind: a raw JSON value. `None` if it is none.
    pub fn read_block(self, raw: &str, kind: ReferenceKind) -> Option<Reference> {
        match self {
            Self::Ethereum => ethereum::block::read(raw, kind),
            Self::Substrate => substrate::block::read(raw, kind),
            Self::Near => near::block::read(raw, kind),
            Self::Icon => icon::block::read(raw, kind),
        }
    }

    /// Reads the block that members of a params object name. `None`: they name none that
    /// is one, or two; `Some(None)`: there are no such members.
    pub fn read_named_block(self, params: &str) -> Option<Option<NamedBlock>> {
        match self {
            Self::Near => near::block::read_named(params),
            Self::Ethereum | Self::Substrate | Self::Icon => Some(None),
        }
    }

    /// A block as it is written into a call.
    pub fn block_text(self, block: Block, form: BlockForm) -> String {
        match self {
            Self::Ethereum => ethereum::block::write(block, form),
            Self::Substrate => substrate::block::write(block, form),
            Self::Near => near::block::write(block, form),
            Self::Icon => icon::block::write(block, form),
        }
    }

    /// The answer, as JSON, to a call of class `local`; `None` when the facts do
    /// not suffice yet, or the method is not one the gateway can answer.
    pub fn local_answer(self, method: &str, facts: &LocalFacts<'_>) -> Option<String> {
        match self {
            Self::Ethereum => ethereum::local_answer(method, facts),
            Self::Substrate => substrate::local_answer(method, facts),
            Self::Near | Self::Icon => None,
        }
    }
}

/// Parses what a raw JSON string says.
fn parse_text<T>(raw: &str, parse: impl Fn(&str) -> Option<T>) -> Option<T> {
    walk::text(raw).and_then(|text| parse(&text))
}

/// A JSON string of printable ASCII, cut at 128 characters: fit for logs and labels.
fn read_plain_text(result: &str) -> Option<String> {
    let text: Cow<'_, str> = serde_json::from_str(result).ok()?;
    Some(plain(&text))
}

/// The printable ASCII of a text, cut at 128 characters.
fn plain(text: &str) -> String {
    let plain = |c: &char| c.is_ascii_graphic() || *c == ' ';
    text.chars().filter(plain).take(128).collect()
}

/// The bytes that `0x` and an even number of hex digits say.
fn decode_hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.strip_prefix("0x")?.as_bytes();
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    let nibble = |digit: u8| char::from(digit).to_digit(16).and_then(|n| u8::try_from(n).ok());
    digits.chunks_exact(2).map(|pair| Some((nibble(pair[0])? << 4) | nibble(pair[1])?)).collect()
}

#[cfg(test)]
mod tests;
