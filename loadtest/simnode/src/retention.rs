//! What a node keeps of the past.

use serde::{Deserialize, Serialize};

/// How much of one kind of data is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Keep {
    All,
    /// The newest n blocks.
    Last(u64),
    /// From a height on.
    From(u64),
}

impl Keep {
    /// The oldest block whose data is there when the head is `head`.
    #[must_use]
    pub fn oldest(self, head: u64) -> u64 {
        match self {
            Self::All => 0,
            Self::Last(blocks) => (head + 1).saturating_sub(blocks),
            Self::From(height) => height,
        }
    }

    #[must_use]
    pub fn has(self, number: u64, head: u64) -> bool {
        number >= self.oldest(head)
    }
}

/// What a node keeps, by kind of data. Headers are always kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retention {
    pub state: Keep,
    pub bodies: Keep,
    pub logs: Keep,
}

impl Retention {
    /// Everything.
    pub const ARCHIVE: Self = Self { state: Keep::All, bodies: Keep::All, logs: Keep::All };

    /// All blocks and logs, and the state of the newest `states` blocks.
    #[must_use]
    pub const fn full(states: u64) -> Self {
        Self { state: Keep::Last(states), ..Self::ARCHIVE }
    }

    /// Everything of the newest `blocks` blocks, and nothing older.
    #[must_use]
    pub const fn window(blocks: u64) -> Self {
        let keep = Keep::Last(blocks);
        Self { state: keep, bodies: keep, logs: keep }
    }
}

impl Default for Retention {
    /// A full node: 128 states.
    fn default() -> Self {
        Self::full(128)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(keep: Keep, head: u64, oldest: u64) {
        assert_eq!(keep.oldest(head), oldest);
        assert!(keep.has(oldest, head));
        assert!(oldest == 0 || !keep.has(oldest - 1, head));
    }

    #[test]
    fn a_window_moves_with_the_head() {
        check(Keep::All, 500, 0);
        check(Keep::Last(128), 500, 373);
        check(Keep::Last(128), 501, 374);
        check(Keep::Last(128), 10, 0);
        check(Keep::From(400), 500, 400);
    }
}
