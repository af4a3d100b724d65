//! Chain families: a closed enum for the few acts a method table cannot hold:
//! how a block reference parses and is written, which calls ask for heads,
//! finality, identity and sync, how a transaction's hash is computed, and how a
//! node's errors are read. Adding a family is one table, one arm, one sample file.
//! Deliberately no trait: the set is closed and every match is exhaustive.

pub mod ethereum;

/// The kind of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    Ethereum,
}

impl Family {
    /// Every family, in the order of the docs.
    pub const ALL: [Self; 1] = [Self::Ethereum];

    /// The word in the config, in metrics and in the method table's file name.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ethereum => "ethereum",
        }
    }
}
