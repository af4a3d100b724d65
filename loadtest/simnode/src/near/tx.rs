//! NEAR transactions: decoding, hashing, signing, checking the signature.
//!
//! A transaction is known by the SHA-256 of its Borsh bytes without the signature.
//! Version 0, ed25519 keys. Keys and signatures of secp256k1 are read, and refused as
//! wrong signatures: no test needs them.

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use serde_json::{Value, json};

use super::action::{self, Action};
use super::borsh::{self, BorshError, Reader};
use super::texts::base58;
use crate::hash::{Hash, sha256};

/// A public key as Borsh has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Key {
    Ed25519([u8; 32]),
    Secp256k1([u8; 64]),
}

impl Key {
    /// The key of a 32-byte secret.
    #[must_use]
    pub fn of(secret: &Hash) -> Self {
        Self::Ed25519(SigningKey::from_bytes(secret).verifying_key().to_bytes())
    }

    /// Reads `ed25519:…`; a key without a prefix is ed25519.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, digits) = text.split_once(':').unwrap_or(("ed25519", text));
        let bytes = bs58::decode(digits).into_vec().ok()?;
        match kind {
            "ed25519" => bytes.try_into().ok().map(Self::Ed25519),
            "secp256k1" => bytes.try_into().ok().map(Self::Secp256k1),
            _ => None,
        }
    }

    /// As nodes write it.
    #[must_use]
    pub fn shown(&self) -> String {
        match self {
            Self::Ed25519(key) => format!("ed25519:{}", base58(key)),
            Self::Secp256k1(key) => format!("secp256k1:{}", base58(key)),
        }
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, BorshError> {
        match reader.u8()? {
            0 => reader.array().map(Self::Ed25519),
            1 => reader.array().map(Self::Secp256k1),
            tag => Err(BorshError::Tag(tag)),
        }
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Ed25519(key) => {
                out.push(0);
                out.extend_from_slice(key);
            }
            Self::Secp256k1(key) => {
                out.push(1);
                out.extend_from_slice(key);
            }
        }
    }
}

/// What a sender signs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    pub signer: String,
    pub key: Key,
    pub nonce: u64,
    pub receiver: String,
    /// A recent block: how the transaction gets old.
    pub block_hash: Hash,
    pub actions: Vec<Action>,
}

impl Transaction {
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(256);
        borsh::push_data(&mut out, self.signer.as_bytes());
        self.key.write(&mut out);
        out.extend_from_slice(&self.nonce.to_le_bytes());
        borsh::push_data(&mut out, self.receiver.as_bytes());
        out.extend_from_slice(&self.block_hash);
        borsh::push_length(&mut out, self.actions.len());
        self.actions.iter().for_each(|action| action.write(&mut out));
        out
    }

    /// What its transfers and calls give away, in yoctoNEAR.
    #[must_use]
    pub fn deposit(&self) -> u128 {
        self.actions.iter().fold(0, |sum, action| sum.saturating_add(action.deposit()))
    }
}

/// A signed transaction as a node keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    pub tx: Transaction,
    pub hash: Hash,
    /// `ed25519:…`
    pub signature: String,
    /// Whether the signature is the key's.
    pub valid: bool,
    pub raw: Vec<u8>,
}

/// Signs with a 32-byte secret; the transaction's key becomes that secret's.
#[must_use]
pub fn sign(secret: &Hash, mut tx: Transaction) -> Signed {
    tx.key = Key::of(secret);
    let mut raw = tx.encode();
    let hash = sha256(&[&raw]);
    let signature = SigningKey::from_bytes(secret).sign(&hash).to_bytes();
    raw.push(0);
    raw.extend_from_slice(&signature);
    Signed { tx, hash, signature: format!("ed25519:{}", base58(&signature)), valid: true, raw }
}

/// A plain transfer: what load and tests send.
#[must_use]
pub fn transfer(
    signer: &str,
    nonce: u64,
    receiver: &str,
    block_hash: Hash,
    yocto: u128,
) -> Transaction {
    Transaction {
        signer: signer.to_owned(),
        key: Key::Ed25519([0; 32]),
        nonce,
        receiver: receiver.to_owned(),
        block_hash,
        actions: vec![Action::Transfer { deposit: yocto }],
    }
}

/// Decodes the bytes of a signed transaction and checks the signature.
///
/// # Errors
/// When they are none.
pub fn decode(raw: &[u8]) -> Result<Signed, BorshError> {
    let mut reader = Reader::new(raw);
    let tx = Transaction {
        signer: reader.text()?,
        key: Key::read(&mut reader)?,
        nonce: reader.u64()?,
        receiver: reader.text()?,
        block_hash: reader.array()?,
        actions: reader.list(action::read)?,
    };
    let hash = sha256(&[&raw[..raw.len() - reader.left()]]);
    let (signature, valid) = read_signature(&mut reader, &tx.key, &hash)?;
    reader.end()?;
    Ok(Signed { tx, hash, signature, valid, raw: raw.to_vec() })
}

fn read_signature(
    reader: &mut Reader<'_>,
    key: &Key,
    hash: &Hash,
) -> Result<(String, bool), BorshError> {
    match reader.u8()? {
        0 => {
            let bytes: [u8; 64] = reader.array()?;
            Ok((format!("ed25519:{}", base58(&bytes)), verifies(key, hash, &bytes)))
        }
        1 => Ok((format!("secp256k1:{}", base58(reader.bytes(65)?)), false)),
        tag => Err(BorshError::Tag(tag)),
    }
}

fn verifies(key: &Key, hash: &Hash, signature: &[u8; 64]) -> bool {
    let Key::Ed25519(key) = key else { return false };
    let signature = Signature::from_bytes(signature);
    VerifyingKey::from_bytes(key).is_ok_and(|key| key.verify_strict(hash, &signature).is_ok())
}

/// The hash of the transaction in these bytes, if they are one.
#[must_use]
pub fn hash_of(raw: &[u8]) -> Option<Hash> {
    decode(raw).ok().map(|signed| signed.hash)
}

/// As nodes show a transaction.
#[must_use]
pub fn view(signed: &Signed) -> Value {
    let tx = &signed.tx;
    json!({
        "actions": tx.actions.iter().map(Action::view).collect::<Vec<_>>(),
        "hash": base58(&signed.hash),
        "nonce": tx.nonce,
        "priority_fee": 0,
        "public_key": tx.key.shown(),
        "receiver_id": tx.receiver,
        "signature": signed.signature,
        "signer_id": tx.signer,
    })
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    #[test]
    fn what_is_signed_decodes_to_itself_and_a_changed_byte_is_noticed() {
        let signed = sign(&[7; 32], transfer("a.near", 5, "b.near", [9; 32], 1 << 90));
        assert_eq!(decode(&signed.raw), Ok(signed.clone()));
        let mut other = signed.raw.clone();
        *other.last_mut().unwrap() ^= 1;
        assert!(!decode(&other).unwrap().valid);
        assert_eq!(hash_of(&other), Some(signed.hash));
        for cut in 0..signed.raw.len() {
            assert!(decode(&signed.raw[..cut]).is_err(), "{cut}");
        }
    }

    /// Made by near-api-js 7.2.0: a transfer, a call, a full access key.
    const KNOWN: &str = "DgAAAHNlbmRlci50ZXN0bmV0AOpKbGPinFIKvvVQexMuxfmVR3auvr57kkIe6mkURtIsDQAAAAAAAAAQAAAAcmVjZWl2ZXIudGVzdG5ldAkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJAwAAAAMAAACh7czOG8LTAAAAAAAAAgMAAABzZXQHAAAAeyJhIjoxfQDgV+tIGwAAAQAAAAAAAAAAAAAAAAAAAAUA6kpsY+KcUgq+9VB7Ey7F+ZVHdq6+vnuSQh7qaRRG0iwAAAAAAAAAAAEA8F9xeXc4+ozMuNVDp5AlFnWRrHwtvC6cOZiQ/8filUPiYFFpGW/cryenfqlYOPhuwUZtQ46UWgSdraMyLAmGBw==";

    #[test]
    fn a_transaction_made_by_others_is_read() {
        let signed = decode(&STANDARD.decode(KNOWN).unwrap()).unwrap();
        assert!(signed.valid);
        assert_eq!(signed.tx.signer, "sender.testnet");
        assert_eq!(signed.tx.receiver, "receiver.testnet");
        assert_eq!(signed.tx.key, Key::of(&[7; 32]));
        assert_eq!((signed.tx.nonce, signed.tx.actions.len()), (13, 3));
        assert_eq!(signed.tx.deposit(), 10_u128.pow(24) + 1);
        assert_eq!(base58(&signed.hash), "4eaL37KbWPjRg2gDUJB3xxAiL5qqwmyXFeQ6CXYUaUxP");
    }
}
