//! What the right answer is: pure functions of the block, for whoever judges.
//!
//! State is a function of the *hash* of the block it is read at, so an answer from a
//! wrong block or a wrong branch is seen; it also carries the height in its low 40
//! bits, so a judge can tell *which* wrong block answered.

use super::tx::Address;
use crate::chain::BlockId;
use crate::hash::{Hash, sha3};

/// A contract that answers every `icx_call` with the number of the block.
pub const HEIGHT_CONTRACT: Address = *b"\x01headrace/height\0\0\0\0\0";

/// A contract that reverts whatever is asked of it.
pub const REVERT_CONTRACT: Address = *b"\x01headrace/revert\0\0\0\0\0";

/// A contract address at which there is no contract.
pub const NO_CONTRACT: Address = *b"\x01headrace/nobody\0\0\0\0\0";

/// A method that no contract has.
pub const NO_METHOD: &str = "no_such_method";

/// Loop paid for a step.
pub const STEP_PRICE: u128 = 12_500_000_000;

/// The low bits that carry the height.
pub const HEIGHT_BITS: u32 = 40;

const HEIGHT_MASK: u128 = (1 << HEIGHT_BITS) - 1;

/// The balance of an address in loop: always between 2^125 and 2^126, so that every
/// account can pay for what it sends.
#[must_use]
pub fn balance(address: &Address, at: BlockId) -> u128 {
    marked(sha3(&[b"balance", &at.hash, address]), at)
}

/// All there is, in loop.
#[must_use]
pub fn total_supply(at: BlockId) -> u128 {
    marked(sha3(&[b"supply", &at.hash]), at)
}

/// The answer of `icx_call` to a contract other than the special ones; `data` is the
/// text of the call's `data` as it was sent.
#[must_use]
pub fn call(to: &Address, data: &str, at: BlockId) -> u128 {
    if *to == HEIGHT_CONTRACT {
        return at.number.into();
    }
    marked(sha3(&[b"call", &at.hash, to, data.as_bytes()]), at)
}

/// The code of a contract.
#[must_use]
pub fn code_hash(address: &Address, at: BlockId) -> Hash {
    sha3(&[b"code", &at.hash, address])
}

/// The block number that an answer carries.
#[must_use]
pub fn height_in(value: u128) -> u64 {
    u64::try_from(value & HEIGHT_MASK).unwrap_or(0)
}

fn marked(hash: Hash, at: BlockId) -> u128 {
    let mut half = [0; 16];
    half.copy_from_slice(&hash[..16]);
    let high = u128::from_be_bytes(half) >> 3 | 1 << 125;
    high & !HEIGHT_MASK | u128::from(at.number) & HEIGHT_MASK
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn state_differs_by_block_and_tells_its_height(
            a: Hash, b: Hash, body: [u8; 20], number in 0_u64..1 << 40,
        ) {
            prop_assume!(a != b);
            let mut address = [1; 21];
            address[1..].copy_from_slice(&body);
            let (here, there) = (BlockId { hash: a, number }, BlockId { hash: b, number });
            prop_assert_ne!(balance(&address, here), balance(&address, there));
            prop_assert_ne!(total_supply(here), total_supply(there));
            prop_assert_ne!(call(&address, "{}", here), call(&address, "{}", there));
            prop_assert_eq!(height_in(balance(&address, here)), number);
            prop_assert!(balance(&address, here) >> 125 == 1);
        }
    }

    #[test]
    fn the_height_contract_tells_the_height() {
        assert_eq!(call(&HEIGHT_CONTRACT, "{}", BlockId { hash: [1; 32], number: 77 }), 77);
    }
}
