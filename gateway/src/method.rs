//! Method tables: what each method of a family asks of a node, as data.
//!
//! A table is one TOML file (`config/methods/<family>.toml`), embedded at build
//! time, with rows overridable per chain. [`MethodTable::needs`] turns one call
//! into [`Needs`] without building a tree of its params. What a method's text
//! means to a node beyond that is deliberately not known here.

mod needs;
mod pin;
mod place;
mod range;
mod row;
mod table;

use std::ops::Range;

pub use pin::{Pin, Pinned, Pins};
pub use place::{InList, InObject, Place};
pub use row::RowProblem;
pub use table::MethodTable;

use crate::{family::Family, names::Hash};

/// What is done with a method at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    Read,
    /// Broadcasts a signed transaction: leaves once, never hedged.
    Write,
    Subscribe,
    Unsubscribe,
    /// Creates or uses state inside one node (filters).
    Session,
    /// Answered by the gateway itself.
    Local,
    /// Never reaches a node: −32601.
    Refuse,
}

/// The data of a node that a call reads: what its retention is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Data {
    None,
    Header,
    Body,
    State,
    Logs,
    Mempool,
}

/// How long one attempt may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Timeout {
    /// 3 s.
    Cheap,
    /// 15 s, not repeated after a timeout.
    Heavy,
    /// The whole of the call's deadline, not repeated after a timeout.
    Trace,
    /// The method holds the socket: one attempt of 25 s, no hedge.
    Wait,
}

/// Cache class of a method's answer (kept for the cache; only read today by `explain`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cache {
    Final,
    /// Final once the result says that all of it was executed and is final.
    Executed,
    Head,
    FinalizedHead,
    Chain,
    Never,
}

/// What a `null` result means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Null {
    /// An answer like any other.
    Answer,
    /// Perhaps this node has a gap: worth asking another one.
    Gap,
}

/// Breakers, latency and in-flight limits are kept per node and lane, so that a
/// node that is bad at one kind of work goes on doing the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lane {
    /// Headers, bodies, node facts: cheap reads.
    Light,
    /// State reads and executions.
    State,
    Logs,
    /// Traces and other work of many seconds.
    Trace,
    Write,
}

impl Lane {
    pub const ALL: [Self; 5] = [Self::Light, Self::State, Self::Logs, Self::Trace, Self::Write];

    /// The word in metrics, logs and `explain`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::State => "state",
            Self::Logs => "logs",
            Self::Trace => "trace",
            Self::Write => "write",
        }
    }
}

/// Row number in a [`MethodTable`]: the index of per-method counters.
/// Row 0 is the default row, shown as `other`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MethodIndex(pub u16);

/// Which newest block a call means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tag {
    Latest,
    Safe,
    Finalized,
}

/// The block a call names, as far as its text says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockNeed {
    /// The method takes no block and answers the same at any (chain id, a hash of text).
    None,
    /// The method takes no block but depends on the newest one (gas price, mempool,
    /// `pending`): goes to nodes at or above the tip.
    AtTip,
    /// `latest`, `safe`, `finalized` or an omitted reference: pinned.
    Newest(Tag),
    /// `earliest`: the oldest block of whatever node answers.
    Earliest,
    Number(u64),
    /// From and to, both inclusive, after tags are resolved against nothing:
    /// an end that is a tag stands in `pins` and is not counted here.
    Range {
        from: Option<u64>,
        to: Option<u64>,
    },
    Hash(Hash),
}

/// Whether a call can name its block by hash: the column `by_hash`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ByHash {
    No,
    /// In the same place (EIP-1898), at nodes that were seen to take it.
    InPlace,
    /// As a call of this method, whose params are the same but for the hash.
    As(Box<str>),
}

/// What one call asks of a node.
#[derive(Clone, Debug)]
pub struct Needs<'t> {
    pub method: &'t Method,
    /// The row's class, or what the params make of it: the columns `omitted` and `requires`.
    pub class: Class,
    pub block: BlockNeed,
    /// Cost in weight units, as far as the params alone say; see [`Needs::weight_at`].
    pub weight: u32,
    pub pins: Pins<'t>,
}

/// Params that no node should see: −32602 with this reason, no node touched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BadParams {
    /// A block reference that is not one.
    BadBlock,
    /// The range begins after its end.
    InvertedRange,
    /// Both a block hash and a range.
    HashAndRange,
    /// A raw transaction that is not hex, is odd, empty or too large.
    BadTransaction,
    /// More data, overrides or gas than nodes should be asked to carry out.
    TooLarge,
    /// Params are not of the shape the table reads from.
    Shape,
}

/// A block reference as a family's params say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reference {
    Number(u64),
    Newest(Tag),
    /// The block that a node would make now: never pinned.
    Pending,
    Earliest,
    Hash(Hash),
}

/// Which forms of a reference a place takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReferenceKind {
    /// Whatever the family names a block by in one value: number, tag, hash, or an object
    /// of one of them.
    Any,
    /// Number or tag.
    Number,
    /// A number or a list of them, of which the greatest counts.
    Numbers,
    Hash,
    /// An object of two ends (numbers or tags) or a block hash; an omitted end is
    /// the newest block.
    Range,
    /// The same, but what an omitted end means is the node's business.
    OpenRange,
    /// Members of the params object itself name the block: [`NamedBlock`].
    Reference,
    /// The id of something whose block only the answer tells.
    Id,
}

/// A block that members of a params object name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedBlock {
    pub reference: Reference,
    /// Where a number could stand for it: the place of the whole member, and what opens
    /// the member that takes its place.
    pub pin: Option<(Range<usize>, &'static str)>,
}

/// Where a method's params name a block: the column `block`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BlockPlace {
    None,
    Tip,
    /// The first of these that is there.
    Params {
        choices: Box<[BlockChoice]>,
        /// Where none is there, the answer depends on the newest block.
        else_tip: bool,
    },
}

/// One place where a block may be named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockChoice {
    pub place: Place,
    pub kind: ReferenceKind,
    /// May be omitted (or null), and then means the newest block.
    pub optional: bool,
}

/// The method that a call without a place for a block is asked as when it is pinned:
/// the column `pinned_as`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PinnedAs {
    pub method: Box<str>,
    /// The member that names the block: the only one of the params.
    pub member: InObject,
}

/// One row of a table. Columns are the contract of `config/methods/*.toml` and of
/// `[chains.methods.NAME]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Method {
    pub index: MethodIndex,
    /// A name ending in `*` serves every method that begins so.
    pub name: Box<str>,
    /// Whose forms its params, results and errors have: the chain's own family, or the one
    /// whose methods its nodes speak besides.
    pub family: Family,
    pub class: Class,
    pub block: BlockPlace,
    pub by_hash: ByHash,
    pub data: Data,
    pub cache: Cache,
    pub weight: u32,
    /// Weight when param 1 is `true`.
    pub full_weight: Option<u32>,
    /// Added to the weight for every 1,000 blocks of a range.
    pub range_weight: u32,
    pub timeout: Timeout,
    pub null: Null,
    pub lane: Lane,
    /// Where the signed transaction stands.
    pub transaction: Option<Place>,
    /// Member of the result that names the block it is from: held back while that block
    /// is above the served tip.
    pub in_block: Option<Box<str>>,
    /// Without its block the call is answered by the gateway, as a class `local` is.
    pub omitted_is_local: bool,
    /// Without this param, or with an empty list, the call is refused.
    pub requires: Option<Place>,
    pub pinned_as: Option<PinnedAs>,
    /// Member of the result in which the served tip's number stands in place of the node's.
    pub tip_at: Option<Box<str>>,
    /// The path below `/api/` at which nodes serve the method, where it is not the usual one.
    pub path: Option<&'static str>,
    /// Member of the params object that is part of the method: the row METHOD.VALUE counts,
    /// where there is one.
    pub kind: Option<Box<str>>,
}

impl Method {
    /// The word for metrics and logs; the row of all other methods is `other`.
    pub fn label(&self) -> &str {
        if self.is_other() { "other" } else { &self.name }
    }

    /// The row of methods the table does not know: not cached, not hedged, retried
    /// only if nothing was sent.
    pub const fn is_other(&self) -> bool {
        self.index.0 == 0
    }

    /// Whether asking twice is the same as asking once, so that a call may be
    /// retried after it was sent, and hedged.
    pub fn is_repeatable(&self) -> bool {
        !self.is_other() && matches!(self.class, Class::Read | Class::Local)
    }
}

#[cfg(test)]
mod tests;
