//! SCALE, the encoding of Substrate, as far as headers and extrinsics need it, and the
//! hashes that go with it. Source: docs.polkadot.com, "SCALE codec".

use blake2::digest::consts::{U16, U32};
use blake2::{Blake2b, Digest};
use thiserror::Error;

use crate::hash::Hash;

/// BLAKE2b with 256 bits over the parts, one after another: the hash of blocks,
/// extrinsics and storage values.
#[must_use]
pub fn blake2_256(parts: &[&[u8]]) -> Hash {
    let mut hasher = Blake2b::<U32>::new();
    parts.iter().for_each(|part| hasher.update(part));
    hasher.finalize().into()
}

/// BLAKE2b with 128 bits: the hash before the key in maps of the runtime's storage.
#[must_use]
pub fn blake2_128(bytes: &[u8]) -> [u8; 16] {
    Blake2b::<U16>::digest(bytes).into()
}

/// Appends a compact integer.
pub fn push_compact(out: &mut Vec<u8>, value: u128) {
    let bytes = value.to_le_bytes();
    match value {
        0..=0x3f => out.push(bytes[0] << 2),
        0x40..=0x3fff => {
            let word = u16::from_le_bytes([bytes[0], bytes[1]]) << 2 | 1;
            out.extend_from_slice(&word.to_le_bytes());
        }
        0x4000..=0x3fff_ffff => {
            let word = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]) << 2 | 2;
            out.extend_from_slice(&word.to_le_bytes());
        }
        _ => {
            let length = (16 - value.leading_zeros() as usize / 8).max(4);
            out.push(bytes_above_four(length) << 2 | 3);
            out.extend_from_slice(&bytes[..length]);
        }
    }
}

fn bytes_above_four(length: usize) -> u8 {
    u8::try_from(length - 4).unwrap_or(0)
}

/// Appends bytes with their length before them.
pub fn push_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    push_compact(out, bytes.len() as u128);
    out.extend_from_slice(bytes);
}

/// Why bytes cannot be read. The words are parity-scale-codec's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ScaleError {
    #[error("Not enough data to fill buffer")]
    Short,
    #[error("out of range decoding Compact<u128>")]
    Compact,
}

/// Reads one value after another.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    pub rest: &'a [u8],
}

impl<'a> Reader<'a> {
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// # Errors
    /// When fewer bytes are left.
    pub fn take(&mut self, count: usize) -> Result<&'a [u8], ScaleError> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(ScaleError::Short)?;
        self.rest = rest;
        Ok(taken)
    }

    /// # Errors
    /// When fewer bytes are left.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], ScaleError> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    /// # Errors
    /// When nothing is left.
    pub fn byte(&mut self) -> Result<u8, ScaleError> {
        Ok(self.array::<1>()?[0])
    }

    /// A compact integer of up to 128 bits.
    ///
    /// # Errors
    /// When it is cut, or larger.
    pub fn compact(&mut self) -> Result<u128, ScaleError> {
        let first = self.byte()?;
        let small = u128::from(first >> 2);
        let rest = match first & 3 {
            0 => return Ok(small),
            1 => self.take(1)?,
            2 => self.take(3)?,
            _ => {
                let length = usize::from(first >> 2) + 4;
                return little(self.take(length)?);
            }
        };
        Ok(little(rest)? << 6 | small)
    }
}

fn little(bytes: &[u8]) -> Result<u128, ScaleError> {
    let mut word = [0; 16];
    word.get_mut(..bytes.len()).ok_or(ScaleError::Compact)?.copy_from_slice(bytes);
    Ok(u128::from_le_bytes(word))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hash::{hex, unhex};

    fn check(value: u128, encoded: &str) {
        let mut out = Vec::new();
        push_compact(&mut out, value);
        assert_eq!(hex(&out), encoded, "{value}");
    }

    #[test]
    fn compact_integers_are_written_as_documented() {
        check(0, "0x00");
        check(42, "0xa8");
        check(64, "0x0101");
        check(69, "0x1501");
        check(65_535, "0xfeff0300");
        check(1 << 30, "0x0300000040");
        check(100_000_000_000_000, "0x0b00407a10f35a");
        check(u128::MAX, &format!("0x33{}", "ff".repeat(16)));
    }

    proptest! {
        #[test]
        fn what_was_written_is_read_back(value: u128, shift in 0_u32..128) {
            let (value, mut out) = (value >> shift, Vec::new());
            push_compact(&mut out, value);
            let mut reader = Reader::new(&out);
            prop_assert_eq!(reader.compact(), Ok(value));
            prop_assert!(reader.rest.is_empty());
            prop_assert_eq!(Reader::new(&out[..out.len() - 1]).compact(), Err(ScaleError::Short));
        }
    }

    #[test]
    fn the_hash_is_blake2b() {
        // RFC 7693 has only 512 bits; this is `b2sum -l 256` of nothing.
        let empty = "0x0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8";
        assert_eq!(hex(&blake2_256(&[])), empty);
        assert_eq!(blake2_256(&[b"ab", b"c"]), blake2_256(&[b"abc"]));
        assert_eq!(blake2_128(b"").to_vec(), unhex("0xcae66941d9efbd404e4d88758ea67670").unwrap());
    }
}
