//! Ethereum transactions: decoding, hashing, signing, recovering the sender.
//!
//! Legacy (EIP-155 and older), access list (2930) and dynamic fee (1559)
//! transactions. Values above 128 bits and blob or set-code transactions are
//! refused: no test needs them. [`sign`] makes the raw bytes that
//! `eth_sendRawTransaction` takes; the hash of those bytes is [`hash_of`].

use k256::ecdsa::{RecoveryId, Signature, SigningKey, VerifyingKey};
use thiserror::Error;

use super::rlp::{self, Reader, RlpError};
use crate::hash::{Hash, keccak};

/// A 20-byte account address.
pub type Address = [u8; 20];

/// Entries of an access list: an address and its storage keys.
pub type AccessList = Vec<(Address, Vec<Hash>)>;

/// What a transaction pays, which also decides its type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fee {
    /// Type 0. Wei per gas.
    Legacy { price: u128 },
    /// Type 1. Wei per gas.
    AccessList { price: u128, list: AccessList },
    /// Type 2. Wei per gas: the tip, and the most paid in all.
    Dynamic { tip: u128, cap: u128, list: AccessList },
}

impl Fee {
    /// The EIP-2718 type.
    #[must_use]
    pub fn kind(&self) -> u8 {
        match self {
            Self::Legacy { .. } => 0,
            Self::AccessList { .. } => 1,
            Self::Dynamic { .. } => 2,
        }
    }

    /// The most paid for one gas, in wei.
    #[must_use]
    pub fn cap(&self) -> u128 {
        match self {
            Self::Legacy { price } | Self::AccessList { price, .. } => *price,
            Self::Dynamic { cap, .. } => *cap,
        }
    }
}

/// The fields a sender chooses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fields {
    /// `None` only in legacy transactions older than EIP-155.
    pub chain_id: Option<u64>,
    pub nonce: u64,
    pub fee: Fee,
    pub gas: u64,
    /// `None` creates a contract.
    pub to: Option<Address>,
    /// Wei.
    pub value: u128,
    pub data: Vec<u8>,
}

impl Fields {
    /// A plain transfer of type 2 with a generous fee: what load and tests send.
    #[must_use]
    pub fn transfer(chain_id: u64, nonce: u64, to: Address, value: u128) -> Self {
        let fee = Fee::Dynamic { tip: 1_000_000_000, cap: 100_000_000_000, list: Vec::new() };
        Self {
            chain_id: Some(chain_id),
            nonce,
            fee,
            gas: 21_000,
            to: Some(to),
            value,
            data: vec![],
        }
    }

    /// What the sender signs.
    #[must_use]
    pub fn signing_hash(&self) -> Hash {
        let mut payload = self.payload();
        if let (Fee::Legacy { .. }, Some(id)) = (&self.fee, self.chain_id) {
            rlp::push_uint(&mut payload, u128::from(id));
            rlp::push_uint(&mut payload, 0);
            rlp::push_uint(&mut payload, 0);
        }
        keccak(&[&self.envelope(&payload)])
    }

    /// The raw bytes with the given signature.
    #[must_use]
    pub fn encode(&self, signature: &Parts) -> Vec<u8> {
        let mut payload = self.payload();
        rlp::push_uint(&mut payload, u128::from(self.v(signature.odd)));
        rlp::push_bytes(&mut payload, rlp::trim(&signature.r));
        rlp::push_bytes(&mut payload, rlp::trim(&signature.s));
        self.envelope(&payload)
    }

    /// The `v` that stands in the encoding: the parity, in legacy ones with the chain id.
    #[must_use]
    pub fn v(&self, odd: bool) -> u64 {
        match (&self.fee, self.chain_id) {
            (Fee::Legacy { .. }, Some(id)) => {
                id.saturating_mul(2).saturating_add(35 + u64::from(odd))
            }
            (Fee::Legacy { .. }, None) => 27 + u64::from(odd),
            _ => u64::from(odd),
        }
    }

    fn payload(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(128 + self.data.len());
        if self.fee.kind() > 0 {
            rlp::push_uint(&mut out, u128::from(self.chain_id.unwrap_or(0)));
        }
        rlp::push_uint(&mut out, u128::from(self.nonce));
        match &self.fee {
            Fee::Legacy { price } | Fee::AccessList { price, .. } => {
                rlp::push_uint(&mut out, *price);
            }
            Fee::Dynamic { tip, cap, .. } => {
                rlp::push_uint(&mut out, *tip);
                rlp::push_uint(&mut out, *cap);
            }
        }
        rlp::push_uint(&mut out, u128::from(self.gas));
        rlp::push_bytes(&mut out, self.to.as_ref().map_or(&[][..], |to| &to[..]));
        rlp::push_uint(&mut out, self.value);
        rlp::push_bytes(&mut out, &self.data);
        if let Fee::AccessList { list, .. } | Fee::Dynamic { list, .. } = &self.fee {
            push_access_list(&mut out, list);
        }
        out
    }

    fn envelope(&self, payload: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(payload.len() + 5);
        if self.fee.kind() > 0 {
            out.push(self.fee.kind());
        }
        rlp::push_list(&mut out, payload);
        out
    }
}

/// A signature in parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parts {
    pub r: Hash,
    pub s: Hash,
    /// Parity of the curve point's y.
    pub odd: bool,
}

/// A signed transaction as a node keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tx {
    pub fields: Fields,
    pub signature: Parts,
    pub hash: Hash,
    pub from: Address,
    pub raw: Vec<u8>,
}

/// Why raw bytes are not a transaction. The words are geth's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum TxError {
    #[error("typed transaction too short")]
    TooShort,
    #[error("transaction type not supported")]
    Type,
    #[error("{0}")]
    Rlp(#[from] RlpError),
    #[error("invalid transaction v, r, s values")]
    Signature,
}

/// The hash by which a raw transaction is known: keccak-256 of its bytes.
#[must_use]
pub fn hash_of(raw: &[u8]) -> Hash {
    keccak(&[raw])
}

/// Signs with a 32-byte secret.
///
/// # Errors
/// When the secret is not a valid key (zero or above the group order).
pub fn sign(secret: &Hash, fields: Fields) -> Result<Tx, TxError> {
    let key = SigningKey::from_slice(secret).map_err(|_| TxError::Signature)?;
    let (signature, recovery) =
        key.sign_prehash_recoverable(&fields.signing_hash()).map_err(|_| TxError::Signature)?;
    let parts = Parts {
        r: signature.r().to_bytes().into(),
        s: signature.s().to_bytes().into(),
        odd: recovery.is_y_odd(),
    };
    Ok(assemble(fields, parts, address_of_key(key.verifying_key())))
}

/// The account address of a 32-byte secret.
///
/// # Errors
/// When the secret is not a valid key.
pub fn address(secret: &Hash) -> Result<Address, TxError> {
    let key = SigningKey::from_slice(secret).map_err(|_| TxError::Signature)?;
    Ok(address_of_key(key.verifying_key()))
}

/// A transaction from fields, a signature known to be good, and its sender.
#[must_use]
pub fn assemble(fields: Fields, signature: Parts, from: Address) -> Tx {
    let raw = fields.encode(&signature);
    Tx { hash: hash_of(&raw), fields, signature, from, raw }
}

/// Decodes raw bytes and recovers the sender.
///
/// # Errors
/// As geth words them.
pub fn decode(raw: &[u8]) -> Result<Tx, TxError> {
    let (fields, signature) = match raw {
        [] => return Err(TxError::TooShort),
        [0xc0..=0xff, ..] => decode_legacy(raw)?,
        [1 | 2] => return Err(TxError::TooShort),
        [kind @ (1 | 2), rest @ ..] => decode_typed(*kind, rest)?,
        _ => return Err(TxError::Type),
    };
    let from = recover(&fields.signing_hash(), &signature)?;
    Ok(Tx { fields, signature, hash: hash_of(raw), from, raw: raw.to_vec() })
}

fn decode_legacy(raw: &[u8]) -> Result<(Fields, Parts), TxError> {
    let mut reader = Reader::list_of(raw)?;
    let nonce = reader.uint64()?;
    let fee = Fee::Legacy { price: reader.uint()? };
    let (gas, to, value, data) = read_common(&mut reader)?;
    let v = reader.uint64()?;
    let (chain_id, odd) = match v {
        27 | 28 => (None, v == 28),
        35.. => (Some((v - 35) / 2), (v - 35) % 2 == 1),
        _ => return Err(TxError::Signature),
    };
    let signature = read_signature(&mut reader, odd)?;
    Ok((Fields { chain_id, nonce, fee, gas, to, value, data }, signature))
}

fn decode_typed(kind: u8, rest: &[u8]) -> Result<(Fields, Parts), TxError> {
    let mut reader = Reader::list_of(rest)?;
    let chain_id = Some(reader.uint64()?);
    let nonce = reader.uint64()?;
    let first = reader.uint()?;
    let cap = if kind == 2 { reader.uint()? } else { first };
    let (gas, to, value, data) = read_common(&mut reader)?;
    let list = read_access_list(&mut reader)?;
    let fee = match kind {
        1 => Fee::AccessList { price: first, list },
        _ => Fee::Dynamic { tip: first, cap, list },
    };
    let odd = match reader.uint64()? {
        parity @ (0 | 1) => parity == 1,
        _ => return Err(TxError::Signature),
    };
    let signature = read_signature(&mut reader, odd)?;
    Ok((Fields { chain_id, nonce, fee, gas, to, value, data }, signature))
}

type Common = (u64, Option<Address>, u128, Vec<u8>);

fn read_common(reader: &mut Reader<'_>) -> Result<Common, TxError> {
    let gas = reader.uint64()?;
    let to = match reader.bytes()? {
        [] => None,
        bytes => Some(bytes.try_into().map_err(|_| RlpError::TooLong)?),
    };
    Ok((gas, to, reader.uint()?, reader.bytes()?.to_vec()))
}

fn read_signature(reader: &mut Reader<'_>, odd: bool) -> Result<Parts, TxError> {
    let parts = Parts { r: read_word(reader)?, s: read_word(reader)?, odd };
    reader.end()?;
    Ok(parts)
}

fn read_word(reader: &mut Reader<'_>) -> Result<Hash, TxError> {
    let bytes = reader.bytes()?;
    let mut word = [0; 32];
    let start = 32_usize.checked_sub(bytes.len()).ok_or(RlpError::TooLong)?;
    word[start..].copy_from_slice(bytes);
    Ok(word)
}

fn push_access_list(out: &mut Vec<u8>, list: &AccessList) {
    let mut payload = Vec::new();
    for (address, keys) in list {
        let (mut entry, mut slots) = (Vec::new(), Vec::new());
        rlp::push_bytes(&mut entry, address);
        keys.iter().for_each(|key| rlp::push_bytes(&mut slots, key));
        rlp::push_list(&mut entry, &slots);
        rlp::push_list(&mut payload, &entry);
    }
    rlp::push_list(out, &payload);
}

fn read_access_list(reader: &mut Reader<'_>) -> Result<AccessList, TxError> {
    let mut items = reader.list()?;
    let mut list = Vec::new();
    while !items.is_empty() {
        let mut entry = items.list()?;
        let address = entry.bytes()?.try_into().map_err(|_| RlpError::TooLong)?;
        let (mut slots, mut keys) = (entry.list()?, Vec::new());
        while !slots.is_empty() {
            keys.push(slots.bytes()?.try_into().map_err(|_| RlpError::TooLong)?);
        }
        entry.end()?;
        list.push((address, keys));
    }
    Ok(list)
}

fn recover(hash: &Hash, parts: &Parts) -> Result<Address, TxError> {
    let signature = Signature::from_scalars(parts.r, parts.s).map_err(|_| TxError::Signature)?;
    let recovery = RecoveryId::new(parts.odd, false);
    let key = VerifyingKey::recover_from_prehash(hash, &signature, recovery)
        .map_err(|_| TxError::Signature)?;
    Ok(address_of_key(&key))
}

/// The address of a public key: the last 20 bytes of its keccak.
#[must_use]
pub fn address_of_key(key: &VerifyingKey) -> Address {
    let point = key.to_encoded_point(false);
    let hash = keccak(&[&point.as_bytes()[1..]]);
    let mut address = [0; 20];
    address.copy_from_slice(&hash[12..]);
    address
}

#[cfg(test)]
mod tests;
