//! What the right answer is: pure functions of the block, for whoever judges.
//!
//! State is a function of the *hash* of the block it is read at, and carries the height
//! in its low 40 bits: a wrong block is seen, and which one it was. Which heights have
//! no block follows from the seed alone, so branches skip the same ones.

use crate::chain::SEGMENT;
use crate::hash::{Hash, mix, push_hex, sha256};

/// A contract that answers every call with the height of the block, as a JSON number.
pub const HEIGHT_CONTRACT: &str = "height.sim";

/// A contract whose every call panics.
pub const PANIC_CONTRACT: &str = "panic.sim";

/// What [`PANIC_CONTRACT`] says.
pub const PANIC: &str =
    "wasm execution failed with error: HostError(GuestPanic { panic_msg: \"simulated panic\" })";

/// The low bits that carry the height.
pub const HEIGHT_BITS: u32 = 40;

const HEIGHT_MASK: u128 = (1 << HEIGHT_BITS) - 1;

/// A block as state sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct At {
    pub hash: Hash,
    pub number: u64,
}

/// Which heights have a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    pub seed: u64,
    /// One of so many heights has none; below 2: all have one.
    pub skip: u64,
}

impl Rules {
    /// Whether the chain skipped this height. Multiples of 1,024 never are.
    #[must_use]
    pub fn skipped(&self, height: u64) -> bool {
        let may = self.skip > 1 && !height.is_multiple_of(SEGMENT);
        may && mix(self.seed ^ mix(height)).is_multiple_of(self.skip)
    }

    /// The newest height at or below this one that has a block.
    #[must_use]
    pub fn standing(&self, mut height: u64) -> u64 {
        while self.skipped(height) {
            height -= 1;
        }
        height
    }

    /// The next height that has a block.
    #[must_use]
    pub fn next(&self, height: u64) -> u64 {
        self.rising(height + 1)
    }

    /// The oldest height at or above this one that has a block.
    #[must_use]
    pub fn rising(&self, mut height: u64) -> u64 {
        while self.skipped(height) {
            height += 1;
        }
        height
    }

    /// The height of the block so many blocks below; 0 where there are fewer.
    #[must_use]
    pub fn back(&self, mut height: u64, blocks: u64) -> u64 {
        for _ in 0..blocks {
            if height == 0 {
                break;
            }
            height = self.standing(height - 1);
        }
        height
    }
}

/// The name that `status` gives the chain.
#[must_use]
pub fn chain_name(chain_id: u64) -> String {
    format!("sim-{chain_id}")
}

/// Whether an account exists: all do, save those whose name begins with `missing`.
#[must_use]
pub fn exists(account: &str) -> bool {
    !account.starts_with("missing")
}

/// Whether an account has access keys: all do (any key is one), save those whose name
/// begins with `keyless`.
#[must_use]
pub fn has_keys(account: &str) -> bool {
    !account.starts_with("keyless")
}

/// Whether an account has a contract: all do, save those whose name begins with `plain`.
#[must_use]
pub fn has_code(account: &str) -> bool {
    !account.starts_with("plain")
}

/// The balance of an account in yoctoNEAR: always between 2^100 and 2^101.
#[must_use]
pub fn amount(account: &str, at: At) -> u128 {
    let hash = sha256(&[b"amount", &at.hash, account.as_bytes()]);
    let mut half = [0; 16];
    half.copy_from_slice(&hash[..16]);
    let high = u128::from_be_bytes(half) >> 28 | 1 << 100;
    high & !(7 << 101) & !HEIGHT_MASK | u128::from(at.number) & HEIGHT_MASK
}

/// The value under the only key of an account's contract state, [`STATE_KEY`].
#[must_use]
pub fn state_value(account: &str, at: At) -> Hash {
    marked(sha256(&[b"state", &at.hash, account.as_bytes()]), at)
}

/// The key of every contract's state.
pub const STATE_KEY: &[u8] = b"STATE";

/// What a view call returns: JSON.
#[must_use]
pub fn call(account: &str, method: &str, args: &[u8], at: At) -> Vec<u8> {
    if account == HEIGHT_CONTRACT {
        return at.number.to_string().into_bytes();
    }
    let parts = [b"call", &at.hash[..], account.as_bytes(), b"/", method.as_bytes(), b"/", args];
    let mut text = String::from("\"");
    push_hex(&mut text, &marked(sha256(&parts), at));
    text.push('"');
    text.into_bytes()
}

/// The wasm of an account's contract.
#[must_use]
pub fn code(account: &str, at: At) -> Vec<u8> {
    let mut code = b"\0asm\x01\0\0\0".to_vec();
    code.extend_from_slice(&marked(sha256(&[b"code", &at.hash, account.as_bytes()]), at));
    code
}

/// The price of gas at a block, in yoctoNEAR.
#[must_use]
pub fn gas_price(number: u64) -> u128 {
    100_000_000 + u128::from(number % 1_000_000)
}

/// The height that an amount, or the last 16 bytes of a word, carries.
#[must_use]
pub fn height_in(value: u128) -> u64 {
    u64::try_from(value & HEIGHT_MASK).unwrap_or(0)
}

fn marked(mut hash: Hash, at: At) -> Hash {
    hash[27..].copy_from_slice(&at.number.to_be_bytes()[3..]);
    hash
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn state_differs_by_block_and_tells_its_height(
            a: Hash, b: Hash, account in "[a-z]{2,20}", number in 0_u64..1 << 40,
        ) {
            prop_assume!(a != b);
            let (here, there) = (At { hash: a, number }, At { hash: b, number });
            prop_assert_ne!(amount(&account, here), amount(&account, there));
            prop_assert_ne!(state_value(&account, here), state_value(&account, there));
            prop_assert_ne!(call(&account, "m", b"", here), call(&account, "m", b"", there));
            prop_assert_eq!(height_in(amount(&account, here)), number);
            prop_assert_eq!(amount(&account, here) >> 100, 1);
        }

        #[test]
        fn skipped_heights_have_neighbours_that_stand(seed: u64, skip in 0_u64..20, height in 1_u64..1 << 40) {
            let rules = Rules { seed, skip };
            let (below, above) = (rules.standing(height), rules.rising(height));
            prop_assert!(!rules.skipped(below) && !rules.skipped(above));
            prop_assert!(below <= height && height <= above);
            prop_assert_eq!(below == height, !rules.skipped(height));
            prop_assert_eq!(rules.back(rules.next(height), 1), below);
        }
    }

    #[test]
    fn about_one_height_in_so_many_is_skipped() {
        let rules = Rules { seed: 1, skip: 16 };
        let skipped = (0..16_000).filter(|height| rules.skipped(*height)).count();
        assert!((850..1_150).contains(&skipped), "{skipped}");
        let none = Rules { seed: 1, skip: 0 };
        assert!((0..1_000).all(|height| !none.skipped(height)));
    }
}
