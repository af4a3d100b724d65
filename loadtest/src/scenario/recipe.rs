//! What calls ask, in no family's words.

use serde::Deserialize;

/// What a call asks, in no family's words: how each asks it stands in
/// [`family`](crate::family).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recipe {
    /// The height of the newest block.
    HeadNumber,
    /// The newest block.
    HeadBlock,
    /// An account's balance at the newest block.
    HeadBalance,
    /// A contract's answer at the newest block.
    HeadCall,
    /// A stored value at the newest block.
    HeadStorage,
    /// The newest final block.
    FinalBlock,
    /// A block by its number.
    Block,
    /// A block by its hash.
    BlockByHash,
    /// A balance at an older block.
    Balance,
    /// A contract's answer at an older block.
    Call,
    /// A stored value at an older block.
    Storage,
    /// All logs of `size` blocks. Ethereum alone has such a call.
    Logs,
    /// What became of a transaction in a block.
    Receipt,
    /// A contract's refusal, which must arrive whole.
    Revert,
    /// A signed payment of a fresh account.
    Write,
    /// `size` calls drawn from the rest of the mix in one body.
    Batch,
    /// Any method, its answer not judged.
    Raw,
}

impl Recipe {
    /// All of them.
    pub const ALL: [Self; 17] = [
        Self::HeadNumber,
        Self::HeadBlock,
        Self::HeadBalance,
        Self::HeadCall,
        Self::HeadStorage,
        Self::FinalBlock,
        Self::Block,
        Self::BlockByHash,
        Self::Balance,
        Self::Call,
        Self::Storage,
        Self::Logs,
        Self::Receipt,
        Self::Revert,
        Self::Write,
        Self::Batch,
        Self::Raw,
    ];

    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::HeadNumber => "head_number",
            Self::HeadBlock => "head_block",
            Self::HeadBalance => "head_balance",
            Self::HeadCall => "head_call",
            Self::HeadStorage => "head_storage",
            Self::FinalBlock => "final_block",
            Self::Block => "block",
            Self::BlockByHash => "block_by_hash",
            Self::Balance => "balance",
            Self::Call => "call",
            Self::Storage => "storage",
            Self::Logs => "logs",
            Self::Receipt => "receipt",
            Self::Revert => "revert",
            Self::Write => "write",
            Self::Batch => "batch",
            Self::Raw => "raw",
        }
    }

    /// Whether the answer means the newest block.
    #[must_use]
    pub fn newest(self) -> bool {
        match self {
            Self::HeadNumber
            | Self::HeadBlock
            | Self::HeadBalance
            | Self::HeadCall
            | Self::HeadStorage => true,
            Self::FinalBlock
            | Self::Block
            | Self::BlockByHash
            | Self::Balance
            | Self::Call
            | Self::Storage
            | Self::Logs
            | Self::Receipt
            | Self::Revert
            | Self::Write
            | Self::Batch
            | Self::Raw => false,
        }
    }
}
