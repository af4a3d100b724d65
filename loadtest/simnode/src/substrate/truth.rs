//! What the right answer is: pure functions of the block, for whoever judges.
//!
//! As on the simulated Ethereum chain, state is a function of the *hash* of the block it
//! is read at, and carries the block's height, so that an answer from a wrong block is
//! seen and the wrong block is named. Some keys keep the meaning that clients know:
//! the height, the time, an account, the code.

use super::extrinsic::AccountId;
use super::scale::{blake2_128, blake2_256};
use crate::chain::{BlockId, Draft};
use crate::hash::Hash;

/// `System.Number`: the height as a `u32`.
pub const SYSTEM_NUMBER: [u8; 32] = [
    0x26, 0xaa, 0x39, 0x4e, 0xea, 0x56, 0x30, 0xe0, 0x7c, 0x48, 0xae, 0x0c, 0x95, 0x58, 0xce, 0xf7,
    0x02, 0xa5, 0xc1, 0xb1, 0x9a, 0xb7, 0xa0, 0x4f, 0x53, 0x6c, 0x51, 0x9a, 0xca, 0x49, 0x83, 0xac,
];

/// The prefix of `System.Account`; the account's BLAKE2b-128 and the account follow.
pub const SYSTEM_ACCOUNT: [u8; 32] = [
    0x26, 0xaa, 0x39, 0x4e, 0xea, 0x56, 0x30, 0xe0, 0x7c, 0x48, 0xae, 0x0c, 0x95, 0x58, 0xce, 0xf7,
    0xb9, 0x9d, 0x88, 0x0e, 0xc6, 0x81, 0x79, 0x9c, 0x0c, 0xf3, 0x0e, 0x88, 0x86, 0x37, 0x1d, 0xa9,
];

/// `System.Events`: what became of the block's extrinsics.
pub const SYSTEM_EVENTS: [u8; 32] = [
    0x26, 0xaa, 0x39, 0x4e, 0xea, 0x56, 0x30, 0xe0, 0x7c, 0x48, 0xae, 0x0c, 0x95, 0x58, 0xce, 0xf7,
    0x80, 0xd4, 0x1e, 0x5e, 0x16, 0x05, 0x67, 0x65, 0xbc, 0x84, 0x61, 0x85, 0x10, 0x72, 0xc9, 0xd7,
];

/// `System.Digest`: what of the header's digest was known before the block was executed.
pub const SYSTEM_DIGEST: [u8; 32] = [
    0x26, 0xaa, 0x39, 0x4e, 0xea, 0x56, 0x30, 0xe0, 0x7c, 0x48, 0xae, 0x0c, 0x95, 0x58, 0xce, 0xf7,
    0x99, 0xe7, 0xf9, 0x3f, 0xc6, 0xa9, 0x8f, 0x08, 0x74, 0xfd, 0x05, 0x7f, 0x11, 0x1c, 0x4d, 0x2d,
];

/// `Timestamp.Now`: milliseconds as a `u64`.
pub const TIMESTAMP_NOW: [u8; 32] = [
    0xf0, 0xc3, 0x65, 0xc3, 0xcf, 0x59, 0xd6, 0x71, 0xeb, 0x72, 0xda, 0x0e, 0x7a, 0x41, 0x13, 0xc4,
    0x9f, 0x1f, 0x05, 0x15, 0xf4, 0x62, 0xcd, 0xcf, 0x84, 0xe0, 0xf1, 0xd6, 0x04, 0x5d, 0xfc, 0xbb,
];

/// The key of the runtime's code.
pub const CODE: &[u8] = b":code";

/// A runtime function that fails wherever it is called.
pub const TRAP_FUNCTION: &str = "Headrace_trap";

/// The low bits of a number that carry the height.
pub const HEIGHT_BITS: u32 = 40;

const HEIGHT_MASK: u128 = (1 << HEIGHT_BITS) - 1;

/// The free balance of an account in the smallest unit: always between 2^99 and 2^100.
#[must_use]
pub fn balance(account: &AccountId, at: BlockId) -> u128 {
    let hash = blake2_256(&[b"balance", &at.hash, account]);
    let mut half = [0; 16];
    half.copy_from_slice(&hash[..16]);
    let high = (u128::from_le_bytes(half) >> 29) | (1 << 99);
    (high & ((1 << 100) - 1) & !HEIGHT_MASK) | (u128::from(at.number) & HEIGHT_MASK)
}

/// The SCALE bytes of an account's record, as `System.Account` has it.
#[must_use]
pub fn account(account: &AccountId, nonce: u64, at: BlockId) -> Vec<u8> {
    let mut out = Vec::with_capacity(80);
    let nonce = u32::try_from(nonce).unwrap_or(u32::MAX);
    for count in [nonce, 0, 1, 0] {
        out.extend_from_slice(&count.to_le_bytes());
    }
    // Free, reserved, frozen, flags (the highest bit: the new logic of holds).
    for amount in [balance(account, at), 0, 0, 1 << 127] {
        out.extend_from_slice(&amount.to_le_bytes());
    }
    out
}

/// The key of an account's record.
#[must_use]
pub fn account_key(account: &AccountId) -> Vec<u8> {
    [&SYSTEM_ACCOUNT[..], &blake2_128(account), account].concat()
}

/// The account whose record a key names.
#[must_use]
pub fn account_of(key: &[u8]) -> Option<AccountId> {
    let rest = key.strip_prefix(&SYSTEM_ACCOUNT)?;
    let (hash, account) = rest.split_at_checked(16)?;
    let account = AccountId::try_from(account).ok()?;
    (blake2_128(&account) == hash).then_some(account)
}

/// The value under a key; `None` for one of eight keys, which have none. Not for the keys
/// whose value needs more than number and hash: accounts, events, digest and time.
#[must_use]
pub fn storage(key: &[u8], at: BlockId) -> Option<Vec<u8>> {
    if key == SYSTEM_NUMBER {
        return Some(u32::try_from(at.number).unwrap_or(u32::MAX).to_le_bytes().to_vec());
    }
    if key == CODE {
        return Some(b"\0asm\x01\0\0\0 headrace: no real runtime".to_vec());
    }
    if !present(key) {
        return None;
    }
    Some(marked(blake2_256(&[b"storage", &at.hash, key]), at).to_vec())
}

/// Whether there is something under a key, at whatever block.
#[must_use]
pub fn present(key: &[u8]) -> bool {
    let known = [&SYSTEM_NUMBER[..], &SYSTEM_EVENTS, &SYSTEM_DIGEST, &TIMESTAMP_NOW, CODE];
    known.contains(&key)
        || account_of(key).is_some()
        || !blake2_256(&[b"present", key])[0].is_multiple_of(8)
}

/// The answer of a runtime function that is none of those that clients know.
#[must_use]
pub fn call(function: &str, args: &[u8], at: BlockId) -> Hash {
    marked(blake2_256(&[b"call", &at.hash, function.as_bytes(), args]), at)
}

/// The fee of an extrinsic of this length, in the smallest unit.
#[must_use]
pub fn fee(length: usize, at: BlockId) -> u128 {
    ((1_000 + length as u128) << HEIGHT_BITS) | (u128::from(at.number) & HEIGHT_MASK)
}

/// The root of the state, as the header carries it: known before the block's own hash.
/// Seed, chain and branch are in it, so genesis blocks differ by them.
#[must_use]
pub fn state_root(draft: &Draft) -> Hash {
    let parts = [draft.number, draft.seed, draft.chain_id, draft.salt].map(u64::to_le_bytes);
    blake2_256(&[b"state root", &draft.parent, &parts.concat()])
}

/// The height that a balance or a fee carries.
#[must_use]
pub fn height_in(value: u128) -> u64 {
    u64::try_from(value & HEIGHT_MASK).unwrap_or(0)
}

/// The height that a stored value or the answer of a call carries, in its last 5 bytes.
#[must_use]
pub fn height_in_bytes(value: &[u8]) -> Option<u64> {
    let tail = value.last_chunk::<5>()?;
    Some(tail.iter().fold(0, |height, byte| height << 8 | u64::from(*byte)))
}

fn marked(mut hash: Hash, at: BlockId) -> Hash {
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
            a: Hash, b: Hash, who: AccountId, number in 0_u64..1 << 40,
        ) {
            prop_assume!(a != b);
            let (here, there) = (BlockId { hash: a, number }, BlockId { hash: b, number });
            prop_assert_ne!(balance(&who, here), balance(&who, there));
            prop_assert_ne!(call("A_b", &who, here), call("A_b", &who, there));
            prop_assert_eq!(height_in(balance(&who, here)), number);
            prop_assert_eq!(balance(&who, here) >> 99, 1);
            prop_assert_eq!(height_in(fee(200, here)), number);
            prop_assert_eq!(height_in_bytes(&call("A_b", &who, here)), Some(number));
            if let Some(value) = storage(&who, here) {
                prop_assert_eq!(height_in_bytes(&value), Some(number));
                prop_assert_ne!(Some(value), storage(&who, there));
            }
            prop_assert_eq!(storage(&who, here).is_some(), present(&who));
            prop_assert_eq!(account_of(&account_key(&who)), Some(who));
        }
    }

    #[test]
    fn some_keys_have_nothing() {
        let at = BlockId { hash: [1; 32], number: 7 };
        let absent = (0_u8..=255).filter(|key| storage(&[*key], at).is_none()).count();
        assert!((10..60).contains(&absent), "{absent}");
        assert_eq!(storage(&SYSTEM_NUMBER, at), Some(vec![7, 0, 0, 0]));
    }
}
