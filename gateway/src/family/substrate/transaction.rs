//! The hash of a signed extrinsic: BLAKE2b-256 of its bytes as they are sent, length and
//! all. Deliberately not a decoder: what an extrinsic may be is the runtime's business.

use blake2::{Blake2b, Digest, digest::consts::U32};

use crate::{family::decode_hex, names::Hash, rpc::walk::text};

/// Whether a raw JSON value is hex of whole bytes, of one at least.
pub fn is_one(raw: &str) -> bool {
    let Some(word) = text(raw) else { return false };
    let digits = word.strip_prefix("0x").unwrap_or_default();
    let whole = !digits.is_empty() && digits.len().is_multiple_of(2);
    whole && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
}

/// The hash of a raw JSON string, hex of a signed extrinsic.
pub fn hash(raw: &str) -> Option<Hash> {
    let bytes = decode_hex(&text(raw)?).filter(|bytes| !bytes.is_empty())?;
    Some(blake2_256(&bytes))
}

/// BLAKE2b with 256 bits.
pub fn blake2_256(bytes: &[u8]) -> Hash {
    Hash(Blake2b::<U32>::digest(bytes).into())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_hash_is_of_all_the_bytes() {
        // computed with Python's hashlib
        let expected = "0x72809ae0397ac00491bccbf27a3a11277138d826680945684867dc7b46b03c25";
        for raw in [r#""0x280403000b10c4e2c98c01""#, r#""0x280403000B10C4E2C98C01""#] {
            assert!(is_one(raw));
            assert_eq!(hash(raw), Hash::from_hex(expected), "{raw}");
        }
    }

    #[test]
    fn what_is_no_hex_of_whole_bytes_is_none() {
        for raw in
            ["", "null", "1", "\"\"", "\"0x\"", "\"0x123\"", "\"8400\"", "\"0xzz\"", "[\"0x84\"]"]
        {
            assert!(!is_one(raw), "{raw}");
            assert_eq!(hash(raw), None, "{raw}");
        }
    }

    proptest! {
        #[test]
        fn what_is_one_has_a_hash(raw in "\"(0x)?[0-9a-fA-F]{0,9}\"") {
            prop_assert_eq!(hash(&raw).is_some(), is_one(&raw));
        }
    }
}
