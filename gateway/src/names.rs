//! Names and small ids. A name is text that operators wrote; an index is its
//! place in the topology that a call reads, valid for that topology only.

use std::sync::Arc;

/// A name from the config (chain, zone, node): shared, cheap to clone, immutable.
pub type Name = Arc<str>;

/// A node's place among the nodes of its chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeIndex(pub u16);

/// A zone's place among the zones of its chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ZoneIndex(pub u16);

/// A 32-byte block (or transaction) hash.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// Reads `0x` and 64 hex digits of either case.
    pub fn from_hex(text: &str) -> Option<Self> {
        let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"))?.as_bytes();
        if digits.len() != 64 {
            return None;
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = (hex_digit(pair[0])? << 4) | hex_digit(pair[1])?;
        }
        Some(Self(bytes))
    }
}

const HEX_DIGITS: [u8; 16] = *b"0123456789abcdef";

const fn hex_digit(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

impl std::fmt::Display for Hash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut text = [b'0'; 66];
        text[1] = b'x';
        for (pair, byte) in text[2..].chunks_exact_mut(2).zip(self.0) {
            pair[0] = HEX_DIGITS[usize::from(byte >> 4)];
            pair[1] = HEX_DIGITS[usize::from(byte & 15)];
        }
        f.write_str(str::from_utf8(&text).unwrap_or_default())
    }
}

impl std::fmt::Debug for Hash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

/// A block by number and hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Block {
    pub number: u64,
    pub hash: Hash,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_hash_is_0x_and_64_hex_digits_of_either_case() {
        let digits = "0123456789abcdefABCDEF0123456789".repeat(2);
        let rows = [
            (format!("0x{digits}"), true),
            (format!("0X{digits}"), true),
            (digits.clone(), false),
            (format!("0x{}", &digits[1..]), false),
            (format!("0x{digits}0"), false),
            (format!("0x{}g", &digits[1..]), false),
            (format!("0x{}é", &digits[2..]), false),
            (format!("0x{} ", &digits[1..]), false),
            ("0x".to_owned(), false),
            (String::new(), false),
        ];
        for (text, is_hash) in rows {
            assert_eq!(Hash::from_hex(&text).is_some(), is_hash, "{text}");
        }
        let hash = Hash::from_hex(&format!("0x{}A1", "00".repeat(31))).unwrap();
        assert_eq!((hash.0[30], hash.0[31]), (0, 0xa1));
    }

    proptest! {
        #[test]
        fn a_hash_read_from_what_was_written_is_the_same(bytes: [u8; 32]) {
            prop_assert_eq!(Hash::from_hex(&Hash(bytes).to_string()), Some(Hash(bytes)));
        }

        #[test]
        fn no_text_makes_reading_a_hash_panic(text in "(0x)?.{0,70}") {
            let _ = Hash::from_hex(&text);
        }
    }
}
