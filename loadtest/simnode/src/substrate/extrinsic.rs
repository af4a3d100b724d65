//! Extrinsics: decoding, hashing, signing, checking the signature.
//!
//! Version 4, signed, with the extensions that the simulated runtime has: era, nonce,
//! tip, and the mode of the metadata's hash. [`sign`] makes the bytes that
//! `author_submitExtrinsic` takes; the hash of those bytes is [`hash_of`]. Ed25519 and
//! ECDSA signatures are checked; Sr25519 ones are taken as they come, since nothing
//! here depends on a library that could check them.

use ed25519_dalek::{Signer, SigningKey, VerifyingKey};
use k256::ecdsa::{RecoveryId, Signature as EcdsaSignature, VerifyingKey as EcdsaKey};
use thiserror::Error;

use super::scale::{Reader, ScaleError, blake2_256, push_bytes, push_compact};
use crate::hash::Hash;

/// A 32-byte account.
pub type AccountId = [u8; 32];

/// The version of the simulated runtime that signatures are made for.
pub const SPEC_VERSION: u32 = 1_000_000;
/// The version of its calls.
pub const TRANSACTION_VERSION: u32 = 26;

/// `Balances.transfer_keep_alive`: pallet and function.
const TRANSFER: [u8; 2] = [5, 3];
/// `System.remark`.
const REMARK: [u8; 2] = [0, 0];

/// How long an extrinsic is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Era {
    Immortal,
    /// For `period` blocks (a power of two from 4 to 65,536), from a block on whose
    /// number leaves the remainder `phase`.
    Mortal {
        period: u64,
        phase: u64,
    },
}

impl Era {
    /// The block that an extrinsic of this era was made at, as seen from `current`.
    #[must_use]
    pub fn birth(self, current: u64) -> u64 {
        match self {
            Self::Immortal => 0,
            Self::Mortal { period, phase } => {
                (current.max(phase) - phase) / period * period + phase
            }
        }
    }

    fn push(self, out: &mut Vec<u8>) {
        match self {
            Self::Immortal => out.push(0),
            Self::Mortal { period, phase } => {
                let low = u16::try_from(period.trailing_zeros().clamp(2, 16) - 1).unwrap_or(1);
                let phase = u16::try_from(phase / (period >> 12).max(1)).unwrap_or(0);
                out.extend_from_slice(&(low | phase << 4).to_le_bytes());
            }
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, ScaleError> {
        let first = reader.byte()?;
        if first == 0 {
            return Ok(Self::Immortal);
        }
        let word = u64::from(u16::from_le_bytes([first, reader.byte()?]));
        let period = 2 << (word % 16);
        Ok(Self::Mortal { period, phase: (word >> 4) * (period >> 12).max(1) })
    }
}

/// What the sender chooses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fields {
    pub era: Era,
    pub nonce: u64,
    pub tip: u128,
    /// Pallet, function and arguments, encoded.
    pub call: Vec<u8>,
}

impl Fields {
    /// A transfer that never dies, without a tip.
    #[must_use]
    pub fn transfer(nonce: u64, to: AccountId, value: u128) -> Self {
        let mut call = TRANSFER.to_vec();
        call.push(0);
        call.extend_from_slice(&to);
        push_compact(&mut call, value);
        Self { era: Era::Immortal, nonce, tip: 0, call }
    }

    /// Bytes that change nothing.
    #[must_use]
    pub fn remark(nonce: u64, text: &[u8]) -> Self {
        let mut call = REMARK.to_vec();
        push_bytes(&mut call, text);
        Self { era: Era::Immortal, nonce, tip: 0, call }
    }

    fn push_extra(&self, out: &mut Vec<u8>) {
        self.era.push(out);
        push_compact(out, self.nonce.into());
        push_compact(out, self.tip);
        out.push(0);
    }

    /// What the sender signs: call, extensions, and what both sides know of the chain.
    fn signed_bytes(&self, chain: Checkpoint) -> Vec<u8> {
        let mut out = self.call.clone();
        self.push_extra(&mut out);
        out.extend_from_slice(&SPEC_VERSION.to_le_bytes());
        out.extend_from_slice(&TRANSACTION_VERSION.to_le_bytes());
        out.extend_from_slice(&chain.genesis);
        out.extend_from_slice(&chain.birth);
        out.push(0);
        if out.len() > 256 { blake2_256(&[&out]).to_vec() } else { out }
    }
}

/// What binds a signature to a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    pub genesis: Hash,
    /// The hash of the block that the era begins at; the genesis for an immortal one.
    pub birth: Hash,
}

/// A signature of one of three kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signature {
    Ed25519([u8; 64]),
    Sr25519([u8; 64]),
    Ecdsa([u8; 65]),
}

/// A signed extrinsic as a node keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extrinsic {
    pub fields: Fields,
    pub from: AccountId,
    pub signature: Signature,
    pub hash: Hash,
    /// With the length before it.
    pub raw: Vec<u8>,
}

/// Why bytes are no extrinsic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ExtrinsicError {
    /// Not even a length and that many bytes.
    #[error("{0}")]
    Opaque(ScaleError),
    /// Not one that the runtime could decode.
    #[error("Runtime cannot decode the extrinsic")]
    Undecodable,
    /// Decoded, but nobody signed it.
    #[error("Could not find an unsigned validator for the unsigned transaction")]
    Unsigned,
}

/// The hash by which an extrinsic is known: BLAKE2b-256 of all its bytes.
#[must_use]
pub fn hash_of(raw: &[u8]) -> Hash {
    blake2_256(&[raw])
}

/// The account of a 32-byte Ed25519 secret.
#[must_use]
pub fn account(secret: &Hash) -> AccountId {
    SigningKey::from_bytes(secret).verifying_key().to_bytes()
}

/// Signs with a 32-byte Ed25519 secret.
#[must_use]
pub fn sign(secret: &Hash, fields: Fields, chain: Checkpoint) -> Extrinsic {
    let key = SigningKey::from_bytes(secret);
    let signature = key.sign(&fields.signed_bytes(chain)).to_bytes();
    let from = key.verifying_key().to_bytes();
    let mut body = vec![0x84, 0];
    body.extend_from_slice(&from);
    body.push(0);
    body.extend_from_slice(&signature);
    fields.push_extra(&mut body);
    body.extend_from_slice(&fields.call);
    let mut raw = Vec::with_capacity(body.len() + 4);
    push_bytes(&mut raw, &body);
    Extrinsic { fields, from, signature: Signature::Ed25519(signature), hash: hash_of(&raw), raw }
}

/// Decodes raw bytes; the signature is not looked at yet.
///
/// # Errors
/// As a node tells them apart.
pub fn decode(raw: &[u8]) -> Result<Extrinsic, ExtrinsicError> {
    let mut reader = Reader::new(raw);
    let length = reader.compact().map_err(ExtrinsicError::Opaque)?;
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    let body = reader.take(length).map_err(ExtrinsicError::Opaque)?;
    match body.first() {
        Some(0x84) => {}
        Some(4) => return Err(ExtrinsicError::Unsigned),
        _ => return Err(ExtrinsicError::Undecodable),
    }
    let (from, signature, fields) =
        read_signed(&mut Reader::new(&body[1..])).map_err(|_| ExtrinsicError::Undecodable)?;
    if !decodable(&fields.call) {
        return Err(ExtrinsicError::Undecodable);
    }
    Ok(Extrinsic { fields, from, signature, hash: hash_of(raw), raw: raw.to_vec() })
}

fn read_signed(reader: &mut Reader<'_>) -> Result<(AccountId, Signature, Fields), ScaleError> {
    if reader.byte()? != 0 {
        return Err(ScaleError::Compact);
    }
    let from = reader.array()?;
    let signature = match reader.byte()? {
        0 => Signature::Ed25519(reader.array()?),
        1 => Signature::Sr25519(reader.array()?),
        2 => Signature::Ecdsa(reader.array()?),
        _ => return Err(ScaleError::Compact),
    };
    let era = Era::read(reader)?;
    let nonce = u64::try_from(reader.compact()?).map_err(|_| ScaleError::Compact)?;
    let tip = reader.compact()?;
    if reader.byte()? != 0 {
        return Err(ScaleError::Compact);
    }
    Ok((from, signature, Fields { era, nonce, tip, call: reader.rest.to_vec() }))
}

/// Whether the runtime has such a call.
fn decodable(call: &[u8]) -> bool {
    let mut reader = Reader::new(call);
    let read = match reader.array::<2>() {
        // System.remark and remark_with_event: bytes with their length.
        Ok([0, 0 | 7]) => reader.compact().and_then(|length| {
            reader.take(usize::try_from(length).unwrap_or(usize::MAX)).map(|_| ())
        }),
        // Balances.transfer_allow_death and transfer_keep_alive: an account, an amount.
        Ok([5, 0 | 3]) => reader.array::<33>().and_then(|_| reader.compact()).map(|_| ()),
        _ => return false,
    };
    read.is_ok() && reader.rest.is_empty()
}

impl Extrinsic {
    /// Whether the sender signed this for that chain.
    #[must_use]
    pub fn verify(&self, chain: Checkpoint) -> bool {
        let message = self.fields.signed_bytes(chain);
        match &self.signature {
            Signature::Ed25519(bytes) => {
                let signature = ed25519_dalek::Signature::from_bytes(bytes);
                VerifyingKey::from_bytes(&self.from)
                    .is_ok_and(|key| key.verify_strict(&message, &signature).is_ok())
            }
            Signature::Sr25519(_) => true,
            Signature::Ecdsa(bytes) => recovered(bytes, &message) == Some(self.from),
        }
    }
}

/// The account of the key that made an ECDSA signature.
fn recovered(bytes: &[u8; 65], message: &[u8]) -> Option<AccountId> {
    let signature = EcdsaSignature::from_slice(&bytes[..64]).ok()?;
    let recovery = RecoveryId::from_byte(bytes[64])?;
    let digest = blake2_256(&[message]);
    let key = EcdsaKey::recover_from_prehash(&digest, &signature, recovery).ok()?;
    Some(blake2_256(&[key.to_encoded_point(true).as_bytes()]))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHAIN: Checkpoint = Checkpoint { genesis: [1; 32], birth: [1; 32] };

    #[test]
    fn what_was_signed_is_decoded_and_verified_for_its_chain_only() {
        for fields in [Fields::transfer(3, [9; 32], 1 << 70), Fields::remark(0, &[7; 400])] {
            let made = sign(&[5; 32], fields, CHAIN);
            let read = decode(&made.raw).unwrap();
            assert_eq!(read, made);
            assert_eq!(read.from, account(&[5; 32]));
            assert!(read.verify(CHAIN));
            assert!(!read.verify(Checkpoint { genesis: [2; 32], ..CHAIN }));
            assert!(!read.verify(Checkpoint { birth: [2; 32], ..CHAIN }));
        }
    }

    #[test]
    fn a_mortal_era_keeps_period_and_birth() {
        for (period, phase, current, birth) in
            [(64, 37, 1_001, 997), (4, 3, 1_001, 999), (65_536, 1_008, 70_000, 66_544)]
        {
            let era = Era::Mortal { period, phase };
            let made = sign(&[5; 32], Fields { era, ..Fields::remark(0, b"x") }, CHAIN);
            assert_eq!(decode(&made.raw).unwrap().fields.era, era);
            assert_eq!(era.birth(current), birth);
        }
    }

    #[test]
    fn an_ecdsa_signature_names_the_hash_of_its_key() {
        let key = k256::ecdsa::SigningKey::from_slice(&[5; 32]).unwrap();
        let (signature, recovery) =
            key.sign_prehash_recoverable(&blake2_256(&[b"message"])).unwrap();
        let mut bytes = [0; 65];
        bytes[..64].copy_from_slice(&signature.to_bytes());
        bytes[64] = recovery.to_byte();
        let point = key.verifying_key().to_encoded_point(true);
        assert_eq!(recovered(&bytes, b"message"), Some(blake2_256(&[point.as_bytes()])));
    }

    #[test]
    fn what_is_none_is_told_apart() {
        let good = sign(&[5; 32], Fields::remark(0, b"x"), CHAIN).raw;
        let mut cut = good.clone();
        cut.pop();
        let mut odd = good.clone();
        let call = odd.len() - 4;
        odd[call] = 99;
        let rows = [
            (vec![], ExtrinsicError::Opaque(ScaleError::Short)),
            (cut, ExtrinsicError::Opaque(ScaleError::Short)),
            (odd, ExtrinsicError::Undecodable),
            (vec![4, 0x42], ExtrinsicError::Undecodable),
            (vec![8, 4, 0], ExtrinsicError::Unsigned),
        ];
        for (raw, expected) in rows {
            assert_eq!(decode(&raw), Err(expected), "{raw:02x?}");
        }
    }
}
