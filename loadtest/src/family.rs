//! What differs between chain families when a gateway is put to the test: by which
//! method each neutral call is asked, how its params are written, and how the answer
//! reads. The rows of the scenarios know none of it.
//!
//! One constant of [`Ways`] per family, found by [`of`]; a family more is one file and
//! one arm. Everything here is a function of its arguments: what was asked, what was
//! answered, and the chain.

mod ethereum;
mod icon;
mod near;
mod substrate;

use headrace_simnode::hash::{Hash, keccak};
use headrace_simnode::{BlockId, Chain, Family};

use crate::judge::{Question, Reply, Value};
use crate::scenario::Recipe;
use crate::truth::{Facts, Truth};

/// How one family is asked and how its answers read.
#[derive(Debug)]
pub struct Ways {
    /// The name of the chain in the gateway's config.
    pub chain: &'static str,
    /// Where its calls are posted to: below the chain's default route.
    pub path: &'static str,
    /// Methods that the gateway's own probes use too: at a node, calls of any other
    /// method are calls of clients.
    pub probes: &'static [&'static str],
    /// Those of them that show heads and which chain it is.
    pub heads: &'static [&'static str],
    /// The code of the gateway's refusal when no node can serve.
    pub unavailable: i64,
    /// Blocks whose state a full node keeps unless the scenario says otherwise.
    pub states: u64,
    /// Which chain it is, as the gateway's config has it.
    pub identity: fn(&Chain) -> toml::Value,
    /// The method that a call is asked by; `None` where the family has no such call.
    pub method: fn(Recipe) -> Option<&'static str>,
    /// The params of a read, as JSON text.
    pub params: fn(&Question, &Truth) -> String,
    /// Signs a payment to an account by an account of its own: hash and params.
    pub write: fn(&Payment, &Truth) -> Option<(Hash, String)>,
    /// The hash in the answer to a write.
    pub written: fn(&str) -> Option<Hash>,
    /// The height in the answer to a question for the newest one.
    pub number: fn(&str) -> Option<u64>,
    /// The block that a result shows.
    pub block: fn(&str, &Truth) -> Option<BlockId>,
    /// The height that a value shows.
    pub height: fn(&Value, &str) -> Option<u64>,
    /// Whether a result is this value at this block.
    pub matches: fn(&Value, &str, BlockId) -> bool,
    /// What the block at a number of the main branch holds.
    pub facts: fn(u64, &Truth) -> Option<Facts>,
    /// Whether a result is that of a transaction in this block.
    pub receipt: fn(u64, &Hash, &str, &Truth) -> bool,
    /// Whether a reply is a contract's refusal: intact, or with something lost.
    pub reverted: fn(&Reply<'_>) -> Option<bool>,
    /// Whether a reply says, as nodes do, that a height has no block; by its HTTP status too,
    /// where it has one of its own.
    pub skipped: fn(&Reply<'_>, Option<u16>) -> bool,
}

/// A payment that nobody else's waits for.
#[derive(Clone, Copy, Debug)]
pub struct Payment {
    /// The secret of the account that pays.
    pub secret: Hash,
    /// Whom, as [`account`] names it.
    pub to: u64,
    pub amount: u64,
}

/// The ways of a family.
#[must_use]
pub fn of(family: Family) -> &'static Ways {
    match family {
        Family::Ethereum => &ethereum::WAYS,
        Family::Substrate => &substrate::WAYS,
        Family::Near => &near::WAYS,
        Family::Icon => &icon::WAYS,
    }
}

/// All families, in the order of the documentation.
pub const ALL: [Family; 4] = [Family::Ethereum, Family::Substrate, Family::Near, Family::Icon];

/// The word for a family in files and on the command line.
#[must_use]
pub fn word(family: Family) -> &'static str {
    of(family).chain
}

/// The family of a word.
#[must_use]
pub fn from_word(text: &str) -> Option<Family> {
    ALL.into_iter().find(|family| word(*family) == text)
}

impl Ways {
    /// The method of a call, where no probe of the gateway uses it: such calls at a node
    /// are calls of clients.
    #[must_use]
    pub fn client_method(&self, recipe: Recipe) -> Option<&'static str> {
        (self.method)(recipe).filter(|method| !self.probes.contains(method))
    }

    /// The methods that a scenario means by a word: those by which heads are shown, that
    /// of a call, or the one of this name.
    #[must_use]
    pub fn methods<'w>(&self, word: &'w str) -> Vec<&'w str> {
        if word == HEADS {
            return self.heads.to_vec();
        }
        let recipe = Recipe::ALL.into_iter().find(|recipe| recipe.word() == word);
        vec![recipe.and_then(self.method).unwrap_or(word)]
    }
}

/// In scenarios the word for [`Ways::heads`].
const HEADS: &str = "heads";

/// Twenty bytes that follow from the number of an account.
#[must_use]
pub fn account(index: u64) -> [u8; 20] {
    let hash = keccak(&[b"account", &index.to_be_bytes()]);
    let mut account = [0; 20];
    account.copy_from_slice(&hash[..20]);
    account
}

/// The number in the low bytes of a word, where a value of 32 bytes carries its height.
fn low_half(word: &Hash) -> u128 {
    let mut half = [0; 16];
    half.copy_from_slice(&word[16..]);
    u128::from_be_bytes(half)
}

fn quantity(result: &str) -> Option<u64> {
    text(result).and_then(hex_number)
}

fn wide(result: &str) -> Option<u128> {
    u128::from_str_radix(text(result)?.strip_prefix("0x")?, 16).ok()
}

fn hex_number(text: &str) -> Option<u64> {
    u64::from_str_radix(text.strip_prefix("0x")?, 16).ok()
}

/// The text of a JSON string that needs no unescaping: hex and base58 never do.
fn text(raw: &str) -> Option<&str> {
    raw.strip_prefix('"')?.strip_suffix('"')
}

/// No family but NEAR's skips heights.
fn never_skipped(_: &Reply<'_>, _: Option<u16>) -> bool {
    false
}

#[cfg(test)]
mod tests;
