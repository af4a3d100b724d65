//! The hash and the signer of a signed transaction, from its Borsh bytes in base64.
//!
//! The hash is SHA-256 of the bytes without the signature, which is their end. What lies
//! between the signer and the signature is deliberately not decoded: nodes learn new
//! actions, and a gateway must not refuse them.

use std::borrow::Cow;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha256};

use crate::{names::Hash, rpc::walk::text};

/// Names of accounts have from 2 to 64 letters (nearcore, account-id).
const ACCOUNT: std::ops::RangeInclusive<usize> = 2..=64;

/// The version byte of transactions that have one; those of version 0 have none.
const VERSION_1: u8 = 1;

/// Nonce, shortest receiver with its length, block hash, number of actions: what follows
/// the signer's key at least.
const SHORTEST_REST: usize = 8 + 4 + 2 + 32 + 4;

/// What is told of a signed transaction: nodes find it by both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    pub hash: Hash,
    pub signer: String,
}

/// Reads a raw JSON string, base64 of a signed transaction.
pub fn read(raw: &str) -> Option<Signed> {
    let word: Cow<'_, str> = text(raw)?;
    read_bytes(&STANDARD.decode(word.as_bytes()).ok()?)
}

/// Reads the Borsh bytes of a signed transaction, as far as they are alike in all versions.
pub fn read_bytes(bytes: &[u8]) -> Option<Signed> {
    // a name's length is below 256: in version 0 the second byte is 0
    let versioned = *bytes.get(1)? != 0;
    if versioned && *bytes.first()? != VERSION_1 {
        return None;
    }
    let (length, rest) = bytes.get(usize::from(versioned)..)?.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    if !ACCOUNT.contains(&length) {
        return None;
    }
    let (signer, rest) = rest.split_at_checked(length)?;
    // a key and the signature that is made with it: ed25519, secp256k1
    let (key, signature) = match *rest.first()? {
        0 => (33, 65),
        1 => (65, 66),
        _ => return None,
    };
    if rest.len() < key + SHORTEST_REST + signature {
        return None;
    }
    let (unsigned, signature) = bytes.split_at_checked(bytes.len().checked_sub(signature)?)?;
    if signature.first() != rest.first() {
        return None;
    }
    let signer = str::from_utf8(signer).ok()?.to_owned();
    Some(Signed { hash: Hash(Sha256::digest(unsigned).into()), signer })
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::family::near::block;

    /// Made by near-api-js 7.2.0: a transfer, a call, a full access key.
    pub(crate) const KNOWN: &str = "DgAAAHNlbmRlci50ZXN0bmV0AOpKbGPinFIKvvVQexMuxfmVR3auvr57kkIe6mkURtIsDQAAAAAAAAAQAAAAcmVjZWl2ZXIudGVzdG5ldAkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJAwAAAAMAAACh7czOG8LTAAAAAAAAAgMAAABzZXQHAAAAeyJhIjoxfQDgV+tIGwAAAQAAAAAAAAAAAAAAAAAAAAUA6kpsY+KcUgq+9VB7Ey7F+ZVHdq6+vnuSQh7qaRRG0iwAAAAAAAAAAAEA8F9xeXc4+ozMuNVDp5AlFnWRrHwtvC6cOZiQ/8filUPiYFFpGW/cryenfqlYOPhuwUZtQ46UWgSdraMyLAmGBw==";
    pub(crate) const KNOWN_HASH: &str = "4eaL37KbWPjRg2gDUJB3xxAiL5qqwmyXFeQ6CXYUaUxP";

    #[test]
    fn a_transaction_made_by_others_has_their_hash_and_signer() {
        let signed = read(&format!("\"{KNOWN}\"")).unwrap();
        assert_eq!(block::write_hash(signed.hash), KNOWN_HASH);
        assert_eq!(signed.signer, "sender.testnet");
    }

    #[test]
    fn a_version_byte_before_it_is_hashed_with_it() {
        let mut bytes = STANDARD.decode(KNOWN).unwrap();
        bytes.insert(0, VERSION_1);
        let signed = read_bytes(&bytes).unwrap();
        let unsigned = &bytes[..bytes.len() - 65];
        assert_eq!(signed.hash, Hash(Sha256::digest(unsigned).into()));
        assert_eq!(signed.signer, "sender.testnet");
        bytes[0] = 2;
        assert_eq!(read_bytes(&bytes), None);
    }

    #[test]
    fn what_is_none_is_refused() {
        for raw in ["", "null", "7", "[]", "\"\"", "\"!\"", "\"DgAAAHNlbmRl\""] {
            assert_eq!(read(raw), None, "{raw}");
        }
        let bytes = STANDARD.decode(KNOWN).unwrap();
        let other_signature = bytes.len() - 65;
        for (at, byte) in [(0, 1), (0, 65), (1, 1), (4, 0xff), (18, 2), (other_signature, 1)] {
            let mut changed = bytes.clone();
            changed[at] = byte;
            assert_eq!(read_bytes(&changed), None, "{at}");
        }
        assert_eq!(read_bytes(&bytes[..160]), None);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>, cut in 0..300_usize) {
            let known = STANDARD.decode(KNOWN).unwrap();
            let _read = (read_bytes(&bytes), read_bytes(&known[..cut.min(known.len())]));
        }
    }
}
