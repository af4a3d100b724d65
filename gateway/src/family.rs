//! Chain families: a closed enum for the few acts a method table cannot hold:
//! how a block reference parses and is written, which calls ask for heads,
//! finality, identity and sync, how a transaction's hash is computed, and how a
//! node's errors are read. What needs no code stands in a [`Profile`]. Adding a family
//! is one table with its samples, one module, and an arm in each match here.
//! Deliberately no trait: the set is closed and every match is exhaustive.
//!
//! Every function is pure and reads untrusted text: a node's nonsense gives
//! `None`, never a panic.

mod errors;
pub mod ethereum;
pub mod icon;
mod identity;
pub mod near;
pub mod substrate;
mod texts;
mod transaction;

use std::borrow::Cow;

use crate::{
    method::{NamedBlock, Reference, ReferenceKind},
    names::{Block, Hash},
    rpc::walk,
};

pub use self::{identity::Identity, transaction::SignedTransaction};

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
    /// The node's newest block: [`Family::read_shown`].
    Head,
    /// The newest safe block; `null` or an error before there is one.
    Safe,
    /// The newest final block; `null` or an error before there is one.
    Finalized,
    HeaderByHash(Hash),
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
    /// The block before it, whose number need not be the one before: some chains skip
    /// heights. A parent of number 0 and a zero hash stands for none: it is the first block.
    pub parent: Block,
    /// Seconds since the Unix epoch, by the block's producer, where headers carry it.
    pub time: Option<u64>,
}

impl Header {
    /// The block this header heads.
    pub const fn block(&self) -> Block {
        Block { number: self.number, hash: self.hash }
    }
}

/// What a node showed of a block it was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    Header(Header),
    /// Only which block it is: its header is to be asked for by this hash.
    Hash(Hash),
}

/// What the gateway knows when it answers a call of class `local` itself.
#[derive(Clone, Copy)]
pub struct LocalFacts<'a> {
    /// The served tip.
    pub tip: Option<Block>,
    /// The newest block that clients are told is final.
    pub finalized: Option<Block>,
    /// The served tip's header as a node showed it, where the family's are kept.
    pub header: Option<&'a str>,
    /// Verified identity of the chain.
    pub identity: Option<&'a Identity>,
    /// Whether the tip has moved within the time that makes a node stalled.
    pub tip_moving: bool,
    /// Nodes that can serve.
    pub nodes: usize,
    /// The names of the methods that are served, in order.
    pub methods: &'a dyn Fn() -> Vec<&'a str>,
}

/// What a family is like, as far as no call and no node changes it.
#[derive(Debug)]
pub struct Profile {
    /// What [`Family::parse_identity`] reads, for whoever wrote something else.
    pub identities: &'static str,
    /// Which finality marks nodes are asked for. None: every block is final.
    pub marks: &'static [Ask],
    /// The params of a call that has none: of the form that nodes read.
    pub no_params: &'static str,
    /// The path at which nodes serve.
    pub path: &'static str,
    /// Bytes that nodes take as one request body, where it is more than the gateway's usual
    /// bound.
    pub body: Option<u64>,
    /// Whether nodes list every method they have by its whole name.
    pub lists_methods: bool,
    /// Whether clients are answered from the texts of headers that nodes showed.
    pub answers_headers: bool,
    /// Whether what nodes keep for a client lives on its connection, so that over HTTP the
    /// methods of class `session` are refused as subscriptions are.
    pub sessions_are_connections: bool,
    /// The family whose methods nodes may speak besides, and those of its methods that only
    /// nodes can answer there, for the chain's identity is of the other kind.
    pub evm: Option<(Family, &'static [&'static str])>,
}

impl Profile {
    /// What most are like.
    pub const USUAL: Self = Self {
        identities: "a genesis hash (0x and 64 hex digits)",
        marks: &[Ask::Finalized],
        no_params: "[]",
        path: "/",
        body: None,
        lists_methods: false,
        answers_headers: false,
        sessions_are_connections: false,
        evm: None,
    };
}

impl Family {
    /// Every family, in the order of the docs.
    pub const ALL: [Self; 4] = [Self::Ethereum, Self::Substrate, Self::Near, Self::Icon];

    /// The word in the config, in metrics and in the method table's file name.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ethereum => "ethereum",
            Self::Substrate => "substrate",
            Self::Near => "near",
            Self::Icon => "icon",
        }
    }

    /// What is the same for every call and every node.
    pub const fn profile(self) -> &'static Profile {
        match self {
            Self::Ethereum => &ethereum::PROFILE,
            Self::Substrate => &substrate::PROFILE,
            Self::Near => &near::PROFILE,
            Self::Icon => &icon::PROFILE,
        }
    }

    /// The family of that word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|family| family.word() == word)
    }

    /// The other paths at which a node serves some methods, by the word of the method's
    /// column `path`: they follow from the path of its endpoint.
    pub fn other_paths(self, usual: &str) -> Vec<(&'static str, String)> {
        match self {
            Self::Icon => icon::other_paths(usual),
            Self::Ethereum | Self::Substrate | Self::Near => Vec::new(),
        }
    }

    /// Whether clients of this family put a path like this behind a chain's route.
    pub fn serves_below(self, path: &str) -> bool {
        match self {
            Self::Icon => icon::serves_below(path),
            Self::Ethereum | Self::Substrate | Self::Near => false,
        }
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
    /// [`Ask::HeaderByHash`]; `None` for `null` and for anything unreadable.
    pub fn read_shown(self, ask: Ask, result: &str) -> Option<Shown> {
        match self {
            Self::Ethereum => ethereum::read_header(result).map(Shown::Header),
            Self::Substrate => substrate::read_shown(ask, result),
            Self::Near => near::read_header(result).map(Shown::Header),
            Self::Icon => icon::read_header(result).map(Shown::Header),
        }
    }

    /// Reads the result of [`Ask::ChainId`] or [`Ask::Genesis`].
    pub fn read_identity(self, ask: Ask, result: &str) -> Option<Identity> {
        match self {
            Self::Ethereum => ethereum::read_identity(ask, result),
            Self::Substrate => substrate::read_identity(ask, result),
            Self::Near => near::read_identity(result),
            Self::Icon => icon::read_identity(ask, result),
        }
    }

    /// Reads the oldest block that a node keeps out of the result of [`Ask::ChainId`],
    /// where nodes tell it there.
    pub fn read_earliest(self, result: &str) -> Option<u64> {
        match self {
            Self::Near => near::read_earliest(result),
            Self::Icon => icon::read_earliest(result),
            Self::Ethereum | Self::Substrate => None,
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

    /// How a pin names the block where a method takes references of that kind: by its hash
    /// wherever it can, so that a node on another branch cannot answer from there.
    pub const fn pin_form(self, kind: ReferenceKind) -> BlockForm {
        match (self, kind) {
            (_, ReferenceKind::Hash) | (Self::Near, _) => BlockForm::Hash,
            (Self::Ethereum | Self::Substrate | Self::Icon, _) => BlockForm::Number,
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

    /// Whether params ask a node to carry out more than it should: more input, overrides or
    /// gas than any honest call has.
    pub fn is_too_large(self, params: &str) -> bool {
        match self {
            Self::Ethereum => ethereum::execution::is_too_large(params),
            Self::Substrate | Self::Near | Self::Icon => false,
        }
    }

    /// A result in which a node told its own newest block, `at` the row's column `tip_at`,
    /// with the served tip there instead; `None` where it says nothing of one, or the same.
    pub fn with_tip(self, result: &str, at: &str, tip: Block) -> Option<String> {
        let place = walk::find_range(result, at)?;
        let own = result.get(place.clone())?;
        let text = match self {
            Self::Near => near::with_tip(own, tip)?,
            Self::Ethereum | Self::Substrate | Self::Icon => {
                self.block_text(tip, BlockForm::Number)
            }
        };
        (text != own).then(|| format!("{}{text}{}", &result[..place.start], &result[place.end..]))
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
