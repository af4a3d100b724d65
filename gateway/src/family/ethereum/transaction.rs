//! The hash of a signed transaction, computed from the bytes a client sends, so
//! that a write in doubt can be looked up and "already known" be answered.
//!
//! Deliberately not a decoder: signatures, fields and limits are the node's
//! business. Only the one form whose hash is not that of its bytes is opened.

use sha3::{Digest, Keccak256};

use crate::{family::decode_hex, names::Hash, rpc::walk::text};

/// Largest signed transaction in bytes, and the largest that carries blobs
/// (the first is geth's `txMaxSize`, core/txpool/legacypool).
const LARGEST: usize = 128 * 1024;
const LARGEST_WITH_BLOBS: usize = 2 * 1024 * 1024;

/// EIP-4844's type byte.
const BLOB_TYPE: u8 = 0x03;

/// First byte of every RLP list; below it a byte or a string.
const LIST: u8 = 0xc0;

/// Transaction types of EIP-2718 end here.
const LAST_TYPE: u8 = 0x7f;

/// Whether a raw JSON value is hex of a length that nodes take.
pub fn is_one(raw: &str) -> bool {
    let Some(word) = text(raw) else { return false };
    let Some(digits) = word.strip_prefix("0x").map(str::as_bytes) else { return false };
    let most = if digits.starts_with(b"03") { LARGEST_WITH_BLOBS } else { LARGEST };
    let whole = !digits.is_empty() && digits.len().is_multiple_of(2) && digits.len() / 2 <= most;
    whole && digits.iter().all(u8::is_ascii_hexdigit)
}

/// The hash of a raw JSON string, hex of a signed transaction.
pub fn hash(raw: &str) -> Option<Hash> {
    hash_of_bytes(&decode_hex(&text(raw)?)?)
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

/// The chain id that a raw JSON string, hex of a signed transaction, is signed for; `None`
/// where it is signed for any (before EIP-155), or its form is not known here.
pub fn chain_id(raw: &str) -> Option<u64> {
    chain_id_of_bytes(&decode_hex(&text(raw)?)?)
}

/// Typed transactions (EIP-2930, 1559, 4844, 7702) begin with their chain id; a legacy one
/// has it in `v`, the seventh item (EIP-155).
fn chain_id_of_bytes(bytes: &[u8]) -> Option<u64> {
    match *bytes.first()? {
        kind @ 0x01..=0x04 => {
            let (outer, _) = split_list(bytes.get(1..)?)?;
            // a blob transaction in the form it travels in
            let wrapped = kind == BLOB_TYPE && *outer.content.first()? >= LIST;
            let body = if wrapped { split_list(outer.content)?.0 } else { outer };
            Some(split_integer(body.content)?.0)
        }
        LIST..=u8::MAX => {
            let (list, _) = split_list(bytes)?;
            let mut rest = list.content;
            for _ in 0..6 {
                rest = skip_string(rest)?;
            }
            let (v, _) = split_integer(rest)?;
            v.checked_sub(35).map(|v| v / 2)
        }
        _ => None,
    }
}

/// The RLP string that `bytes` begin with, and what follows it.
fn split_string(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (head, length) = match *bytes.first()? {
        0..=0x7f => (0, 1),
        first @ 0x80..=0xb7 => (1, usize::from(first - 0x80)),
        first @ 0xb8..=0xbf => {
            let size = usize::from(first - 0xb7);
            (1 + size, read_length(bytes.get(1..=size)?)?)
        }
        LIST..=u8::MAX => return None,
    };
    let (whole, rest) = bytes.split_at_checked(length.checked_add(head)?)?;
    Some((whole.get(head..)?, rest))
}

fn skip_string(bytes: &[u8]) -> Option<&[u8]> {
    split_string(bytes).map(|(_, rest)| rest)
}

/// An integer of at most 8 bytes, and what follows it.
fn split_integer(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (digits, rest) = split_string(bytes)?;
    if digits.len() > 8 {
        return None;
    }
    Some((digits.iter().fold(0, |value, digit| (value << 8) | u64::from(*digit)), rest))
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

#[cfg(test)]
mod tests;
