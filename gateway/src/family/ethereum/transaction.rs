//! The hash of a signed transaction, computed from the bytes a client sends, so
//! that a write in doubt can be looked up and "already known" be answered.
//!
//! Deliberately not a decoder: signatures, fields and limits are the node's
//! business. Only the one form whose hash is not that of its bytes is opened.

use std::borrow::Cow;

use serde_json::value::RawValue;
use sha3::{Digest, Keccak256};

use crate::names::Hash;

/// EIP-4844's type byte.
const BLOB_TYPE: u8 = 0x03;

/// First byte of every RLP list; below it a byte or a string.
const LIST: u8 = 0xc0;

/// Transaction types of EIP-2718 end here.
const LAST_TYPE: u8 = 0x7f;

/// The hash of `params[0]`, a hex string of a signed transaction.
pub fn hash(params: &str) -> Option<Hash> {
    let items: Vec<&RawValue> = serde_json::from_str(params).ok()?;
    let text: Cow<'_, str> = serde_json::from_str(items.first()?.get()).ok()?;
    hash_of_bytes(&decode_hex(&text)?)
}

/// The hash of a signed transaction: legacy, typed, or a blob transaction in the
/// form it travels in.
pub fn hash_of_bytes(bytes: &[u8]) -> Option<Hash> {
    match *bytes.first()? {
        BLOB_TYPE => hash_of_blob(bytes),
        0x01..=LAST_TYPE | LIST..=u8::MAX => Some(keccak(&[bytes])),
        _ => None,
    }
}

/// A blob transaction travels as `0x03 || rlp([body, blobs, commitments, proofs])`
/// (EIP-4844), since EIP-7594 with a version byte after the body. Its hash is that
/// of `0x03 || rlp(body)`. Without the wrapper the first item is the chain id, a
/// string.
fn hash_of_blob(bytes: &[u8]) -> Option<Hash> {
    let (outer, rest) = split_list(bytes.get(1..)?)?;
    if !rest.is_empty() {
        return None;
    }
    if *outer.content.first()? < LIST {
        return Some(keccak(&[bytes]));
    }
    let (body, _) = split_list(outer.content)?;
    Some(keccak(&[&[BLOB_TYPE], body.whole]))
}

fn keccak(parts: &[&[u8]]) -> Hash {
    let mut hasher = Keccak256::new();
    for part in parts {
        hasher.update(part);
    }
    Hash(hasher.finalize().into())
}

/// One RLP list.
struct List<'a> {
    /// With its head.
    whole: &'a [u8],
    /// Without.
    content: &'a [u8],
}

/// Reads the RLP list that `bytes` begin with, and what follows it.
fn split_list(bytes: &[u8]) -> Option<(List<'_>, &[u8])> {
    let (head, length) = match *bytes.first()? {
        first @ LIST..=0xf7 => (1, usize::from(first - LIST)),
        first @ 0xf8..=0xff => {
            let size = usize::from(first - 0xf7);
            (1 + size, read_length(bytes.get(1..=size)?)?)
        }
        _ => return None,
    };
    let (whole, rest) = bytes.split_at_checked(head.checked_add(length)?)?;
    Some((List { whole, content: whole.get(head..)? }, rest))
}

/// A big-endian length of 1 to 8 bytes.
fn read_length(digits: &[u8]) -> Option<usize> {
    let value = digits.iter().fold(0u64, |value, digit| (value << 8) | u64::from(*digit));
    usize::try_from(value).ok()
}

fn decode_hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.strip_prefix("0x")?.as_bytes();
    if digits.len() % 2 != 0 {
        return None;
    }
    let nibble = |digit: u8| char::from(digit).to_digit(16).and_then(|n| u8::try_from(n).ok());
    digits.chunks_exact(2).map(|pair| Some((nibble(pair[0])? << 4) | nibble(pair[1])?)).collect()
}

#[cfg(test)]
mod tests;
