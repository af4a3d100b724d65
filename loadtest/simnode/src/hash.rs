//! Bytes, hashes and draws: the small tools every family needs.
//!
//! Deliberately no cryptography of our own beyond calling keccak-256, and no
//! random source: every draw follows from a seed, so two processes agree.

use std::sync::atomic::{AtomicU64, Ordering};

use sha2::Sha256;
use sha3::{Digest, Keccak256, Sha3_256};

/// A 32-byte hash: of a block, a transaction, a state.
pub type Hash = [u8; 32];

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// Keccak-256 over the parts, one after another.
#[must_use]
pub fn keccak(parts: &[&[u8]]) -> Hash {
    let mut hasher = Keccak256::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}

/// SHA-256 over the parts, one after another.
#[must_use]
pub fn sha256(parts: &[&[u8]]) -> Hash {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}

/// SHA3-256 (FIPS 202) over the parts, one after another.
#[must_use]
pub fn sha3(parts: &[&[u8]]) -> Hash {
    let mut hasher = Sha3_256::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}

/// Appends `bytes` as lower-case hex digits, without `0x`.
pub fn push_hex(out: &mut String, bytes: &[u8]) {
    out.reserve(bytes.len() * 2);
    for byte in bytes {
        out.push(char::from(DIGITS[usize::from(byte >> 4)]));
        out.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
}

/// `0x` and the hex digits of `bytes`.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(2 + bytes.len() * 2);
    out.push_str("0x");
    push_hex(&mut out, bytes);
    out
}

/// Reads `0x` and an even number of hex digits; `None` for anything else.
#[must_use]
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"))?.as_bytes();
    if digits.len() % 2 != 0 {
        return None;
    }
    let mut bytes = Vec::with_capacity(digits.len() / 2);
    for pair in digits.chunks_exact(2) {
        bytes.push(nibble(pair[0])? << 4 | nibble(pair[1])?);
    }
    Some(bytes)
}

/// Reads `0x` and exactly `2 * N` hex digits.
#[must_use]
pub fn unhex_array<const N: usize>(text: &str) -> Option<[u8; N]> {
    unhex(text)?.try_into().ok()
}

fn nibble(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// One step of splitmix64: a good 64-bit mix of any input.
#[must_use]
pub fn mix(input: u64) -> u64 {
    let mut z = input.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A 64-bit key of a name, the same in every process.
#[must_use]
pub fn key_of(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |key, byte| mix(key ^ u64::from(byte)))
}

/// A stream of seeded draws that many tasks may share. Equal seeds give equal
/// streams; who gets which draw depends on the order of asking.
#[derive(Debug)]
pub struct Draws {
    state: AtomicU64,
}

impl Draws {
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { state: AtomicU64::new(seed) }
    }

    /// A uniform 64-bit draw.
    pub fn next(&self) -> u64 {
        mix(self.state.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed))
    }

    /// A uniform draw in `[0, 1)`.
    #[expect(clippy::cast_precision_loss, reason = "53 bits are exact")]
    pub fn unit(&self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// True with the given probability; 1 and above is always, 0 is never.
    pub fn chance(&self, probability: f64) -> bool {
        probability >= 1.0 || self.unit() < probability
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keccak_is_the_ethereum_variant() {
        let empty = "0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470";
        assert_eq!(hex(&keccak(&[])), empty);
        assert_eq!(keccak(&[b"ab", b"c"]), keccak(&[b"abc"]));
    }

    #[test]
    fn sha256_is_the_standard_one() {
        let empty = "0xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(hex(&sha256(&[])), empty);
    }

    #[test]
    fn sha3_is_the_standard_one() {
        let empty = "0xa7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a";
        assert_eq!(hex(&sha3(&[])), empty);
    }

    #[test]
    fn hex_reads_back_what_it_wrote_and_refuses_the_rest() {
        assert_eq!(unhex(&hex(&[0, 1, 0xfe, 0xff])), Some(vec![0, 1, 0xfe, 0xff]));
        for bad in ["", "00", "0x0", "0xzz", "0x0g"] {
            assert_eq!(unhex(bad), None, "{bad}");
        }
        assert_eq!(unhex_array::<2>("0x010203"), None);
    }

    #[test]
    fn equal_seeds_draw_equal_streams() {
        let (a, b) = (Draws::new(7), Draws::new(7));
        for _ in 0..100 {
            assert_eq!(a.next(), b.next());
            assert!((0.0..1.0).contains(&a.unit()));
            b.unit();
        }
        assert!(a.chance(1.0) && !a.chance(0.0));
    }
}
