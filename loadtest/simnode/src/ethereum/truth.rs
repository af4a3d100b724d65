//! What the right answer is: pure functions of the block, for whoever judges.
//!
//! State is a function of the *hash* of the block it is read at, so it differs by
//! seed, height and branch, and an answer from a wrong block or a wrong branch is
//! seen. It also carries the height in its low 40 bits, so a judge can tell *which*
//! wrong block answered. No real chain behaves so (code does not change with every
//! block there); that is the point.

use super::tx::Address;
use crate::hash::{Hash, keccak};

/// A contract that answers every `eth_call` with the number of the block.
pub const HEIGHT_CONTRACT: Address = *b"headrace/height\0\0\0\0\0";

/// A contract that reverts every `eth_call` with [`REVERT_REASON`].
pub const REVERT_CONTRACT: Address = *b"headrace/revert\0\0\0\0\0";

/// The reason given by [`REVERT_CONTRACT`].
pub const REVERT_REASON: &str = "simulated revert";

/// The low bits that carry the height.
pub const HEIGHT_BITS: u32 = 40;

const HEIGHT_MASK: u128 = (1 << HEIGHT_BITS) - 1;

/// A block as state sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct At {
    pub hash: Hash,
    pub number: u64,
}

/// The balance of an account in wei: always between 2^125 and 2^126, so that
/// every account can pay for what it sends.
#[must_use]
pub fn balance(address: &Address, at: At) -> u128 {
    let hash = keccak(&[b"balance", &at.hash, address]);
    let high = u128::from_be_bytes(first(&hash)) >> 3 | 1 << 125;
    high & !(3 << 126) & !HEIGHT_MASK | u128::from(at.number) & HEIGHT_MASK
}

/// The storage word of a contract.
#[must_use]
pub fn storage(address: &Address, slot: &Hash, at: At) -> Hash {
    marked(keccak(&[b"storage", &at.hash, address, slot]), at)
}

/// The answer of `eth_call` to a contract other than the two special ones.
#[must_use]
pub fn call(to: &Address, data: &[u8], at: At) -> Hash {
    if *to == HEIGHT_CONTRACT {
        return word(at.number);
    }
    marked(keccak(&[b"call", &at.hash, to, data]), at)
}

/// The code at an address: empty for three of four addresses.
#[must_use]
pub fn code(address: &Address, at: At) -> Vec<u8> {
    let special = *address == HEIGHT_CONTRACT || *address == REVERT_CONTRACT;
    if !special && !keccak(&[b"has code", address])[0].is_multiple_of(4) {
        return Vec::new();
    }
    let mut code = vec![0x60, 0x80, 0x60, 0x40, 0x52];
    code.extend_from_slice(&marked(keccak(&[b"code", &at.hash, address]), at));
    code
}

/// The root of the state, as the header carries it: known before the block's own hash.
#[must_use]
pub fn state_root(parent: &Hash, number: u64) -> Hash {
    keccak(&[b"state root", parent, &number.to_be_bytes()])
}

/// The block number that a balance, or the last 16 bytes of a word, carries.
#[must_use]
pub fn height_in(value: u128) -> u64 {
    u64::try_from(value & HEIGHT_MASK).unwrap_or(0)
}

/// A number as a 32-byte word.
#[must_use]
pub fn word(number: u64) -> Hash {
    let mut word = [0; 32];
    word[24..].copy_from_slice(&number.to_be_bytes());
    word
}

/// The revert data of [`REVERT_CONTRACT`]: the ABI encoding of `Error(string)`.
#[must_use]
pub fn revert_data() -> Vec<u8> {
    let mut data = vec![0x08, 0xc3, 0x79, 0xa0];
    data.extend_from_slice(&word(32));
    data.extend_from_slice(&word(u64::try_from(REVERT_REASON.len()).unwrap_or(0)));
    data.extend_from_slice(REVERT_REASON.as_bytes());
    data.resize(4 + 96, 0);
    data
}

fn marked(mut hash: Hash, at: At) -> Hash {
    hash[27..].copy_from_slice(&at.number.to_be_bytes()[3..]);
    hash
}

fn first(hash: &Hash) -> [u8; 16] {
    let mut half = [0; 16];
    half.copy_from_slice(&hash[..16]);
    half
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn state_differs_by_block_and_tells_its_height(
            a: Hash, b: Hash, address: Address, slot: Hash, number in 0_u64..1 << 40,
        ) {
            prop_assume!(a != b);
            let (here, there) = (At { hash: a, number }, At { hash: b, number });
            prop_assert_ne!(balance(&address, here), balance(&address, there));
            prop_assert_ne!(storage(&address, &slot, here), storage(&address, &slot, there));
            prop_assert_ne!(call(&address, &slot, here), call(&address, &slot, there));
            prop_assert_eq!(height_in(balance(&address, here)), number);
            prop_assert!(balance(&address, here) >> 125 == 1);
        }
    }

    #[test]
    fn the_special_contracts_have_code_and_a_meaning() {
        let at = At { hash: [1; 32], number: 77 };
        assert_eq!(call(&HEIGHT_CONTRACT, &[], at), word(77));
        assert!(!code(&HEIGHT_CONTRACT, at).is_empty());
        assert!(!code(&REVERT_CONTRACT, at).is_empty());
        assert_eq!(revert_data().len(), 100);
    }
}
