//! Which chain it is, as far as that is known.

use crate::names::Hash;

/// What is known of which chain it is: configured, or told by a node. Any part may be
/// unknown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Identity {
    /// Ethereum's chain id, ICON's network id.
    pub number: Option<u64>,
    /// NEAR's chain id.
    pub name: Option<Box<str>>,
    /// Hash of the first block.
    pub genesis: Option<Hash>,
}

impl Identity {
    /// Whether both are the same chain: `Some(false)` when any part known to
    /// both differs, `None` when no part is known to both.
    pub fn agrees(&self, other: &Self) -> Option<bool> {
        let number = self.number.zip(other.number).map(|(a, b)| a == b);
        let name = self.name.as_ref().zip(other.name.as_ref()).map(|(a, b)| a == b);
        let genesis = self.genesis.zip(other.genesis).map(|(a, b)| a == b);
        [number, name, genesis].into_iter().flatten().reduce(|all, part| all && part)
    }

    /// Both together; where both know a part, `other`'s word is the newer one.
    pub fn merged(&self, other: &Self) -> Self {
        Self {
            number: other.number.or(self.number),
            name: other.name.as_ref().or(self.name.as_ref()).cloned(),
            genesis: other.genesis.or(self.genesis),
        }
    }
}

impl std::fmt::Display for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.number, &self.name, self.genesis) {
            (Some(number), ..) => write!(f, "{number:#x}"),
            (None, Some(name), _) => f.write_str(name),
            (None, None, Some(genesis)) => write!(f, "{genesis}"),
            (None, None, None) => f.write_str("unknown"),
        }
    }
}
