//! ICON transactions: the canonical text, its hash, the signature, the sender.
//!
//! A transaction is the object of its parameters. Its hash is SHA3-256 over
//! `icx_sendTransaction.` and the sorted members, without `signature` and `txHash`; the
//! signature is a recoverable secp256k1 signature of that hash. [`sign`] makes the
//! parameters that `icx_sendTransaction` takes.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use k256::ecdsa::{RecoveryId, Signature, SigningKey, VerifyingKey};
use serde_json::{Map, Value};
use thiserror::Error;

use crate::hash::{Hash, push_hex, sha3, unhex_array};

/// An address: 0 for an account (`hx`) or 1 for a contract (`cx`), and 20 bytes.
pub type Address = [u8; 21];

/// Parameters of a transaction by name.
pub type Fields = Map<String, Value>;

/// A transaction as a node keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tx {
    pub hash: Hash,
    /// As sent. Those of the simulated accounts have no signature: see `signer`.
    pub fields: Fields,
    /// The simulated account that signs it when it is shown.
    pub signer: Option<u64>,
}

impl Tx {
    /// One of the simulation's own transactions.
    #[must_use]
    pub fn own(fields: Fields, signer: Option<u64>) -> Self {
        Self { hash: hash_of(&fields).unwrap_or_default(), fields, signer }
    }

    /// A member that is a string; empty when it is none.
    #[must_use]
    pub fn text(&self, name: &str) -> &str {
        self.fields.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// A member that is a `T_INT`; 0 when it is none.
    #[must_use]
    pub fn number(&self, name: &str) -> u128 {
        number(self.text(name)).unwrap_or(0)
    }
}

/// Why parameters are not a transaction. The words are goloop's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum TxError {
    #[error("Failed to verify transaction")]
    Signature,
    #[error("Serialize FAILs")]
    Serialize,
}

/// A `T_INT` that is not negative: hex digits without padding.
#[must_use]
pub fn number(text: &str) -> Option<u128> {
    let digits = text.strip_prefix("0x")?;
    let plain = digits.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
    let canonical = digits == "0" || !digits.starts_with('0');
    if plain && canonical { u128::from_str_radix(digits, 16).ok() } else { None }
}

/// Reads `hx…` or `cx…`.
#[must_use]
pub fn address(text: &str) -> Option<Address> {
    let (kind, digits) = text.split_at_checked(2)?;
    let kind = match kind {
        "hx" => 0,
        "cx" => 1,
        _ => return None,
    };
    let body: [u8; 20] = unhex_array(&format!("0x{digits}"))?;
    let mut address = [kind; 21];
    address[1..].copy_from_slice(&body);
    (!digits.bytes().any(|digit| digit.is_ascii_uppercase())).then_some(address)
}

/// `hx…` or `cx…`.
#[must_use]
pub fn address_text(address: &Address) -> String {
    let mut text = String::with_capacity(42);
    text.push_str(if address[0] == 0 { "hx" } else { "cx" });
    push_hex(&mut text, &address[1..]);
    text
}

/// The account of a public key: the last 20 bytes of its SHA3-256.
#[must_use]
pub fn address_of_key(key: &VerifyingKey) -> Address {
    let point = key.to_encoded_point(false);
    let hash = sha3(&[&point.as_bytes()[1..]]);
    let mut address = [0; 21];
    address[1..].copy_from_slice(&hash[12..]);
    address
}

/// The account of a 32-byte secret.
///
/// # Errors
/// When the secret is not a valid key.
pub fn address_of_secret(secret: &Hash) -> Result<Address, TxError> {
    let key = SigningKey::from_slice(secret).map_err(|_| TxError::Signature)?;
    Ok(address_of_key(key.verifying_key()))
}

/// The members that a plain transfer of `value` loop has; `from` is set by [`sign`].
#[must_use]
pub fn transfer(nid: u64, to: &Address, value: u128, timestamp: u64, nonce: u64) -> Fields {
    let hex = |value: u128| Value::from(format!("{value:#x}"));
    let members = [
        ("version", Value::from("0x3")),
        ("to", Value::from(address_text(to))),
        ("value", hex(value)),
        ("stepLimit", hex(1_000_000)),
        ("timestamp", hex(timestamp.into())),
        ("nid", hex(nid.into())),
        ("nonce", hex(nonce.into())),
    ];
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Sets `from` and `signature`.
///
/// # Errors
/// When the secret is not a valid key, or the members cannot be serialised.
pub fn sign(secret: &Hash, mut fields: Fields) -> Result<Tx, TxError> {
    let from = address_of_secret(secret)?;
    fields.insert("from".to_owned(), Value::from(address_text(&from)));
    let hash = hash_of(&fields).ok_or(TxError::Serialize)?;
    fields.insert("signature".to_owned(), Value::from(signature(secret, &hash)?));
    Ok(Tx { hash, fields, signer: None })
}

/// The text of a signature: r, s and the recovery id in base64.
///
/// # Errors
/// When the secret is not a valid key.
pub fn signature(secret: &Hash, hash: &Hash) -> Result<String, TxError> {
    let key = SigningKey::from_slice(secret).map_err(|_| TxError::Signature)?;
    let (signature, recovery) =
        key.sign_prehash_recoverable(hash).map_err(|_| TxError::Signature)?;
    let mut bytes = signature.to_bytes().to_vec();
    bytes.push(recovery.to_byte());
    Ok(STANDARD.encode(bytes))
}

/// Takes members as they were sent, if the signature is that of the sender.
///
/// # Errors
/// As goloop words them.
pub fn decode(fields: Fields) -> Result<Tx, TxError> {
    let hash = hash_of(&fields).ok_or(TxError::Serialize)?;
    let tx = Tx { hash, fields, signer: None };
    let from = recover(&hash, tx.text("signature")).ok_or(TxError::Signature)?;
    if address_text(&from) != tx.text("from") {
        return Err(TxError::Signature);
    }
    Ok(tx)
}

/// Who made a signature of `hash`.
#[must_use]
pub fn recover(hash: &Hash, signature: &str) -> Option<Address> {
    let bytes = STANDARD.decode(signature).ok()?;
    let (parts, recovery) = bytes.split_at_checked(64)?;
    let [recovery] = recovery else { return None };
    let signature = Signature::from_slice(parts).ok()?;
    let recovery = RecoveryId::from_byte(*recovery)?;
    let key = VerifyingKey::recover_from_prehash(hash, &signature, recovery).ok()?;
    Some(address_of_key(&key))
}

/// The hash of a transaction; `None` where a value has no canonical text (a boolean).
#[must_use]
pub fn hash_of(fields: &Fields) -> Option<Hash> {
    Some(sha3(&[serialize(fields)?.as_bytes()]))
}

/// The text that is hashed.
#[must_use]
pub fn serialize(fields: &Fields) -> Option<String> {
    let mut out = String::from("icx_sendTransaction.");
    let skipped = ["signature", "txHash"];
    push_members(&mut out, fields, &skipped)?;
    Some(out)
}

fn push_members(out: &mut String, fields: &Fields, skipped: &[&str]) -> Option<()> {
    let mut names: Vec<&String> = fields.keys().collect();
    names.retain(|name| !skipped.contains(&name.as_str()));
    names.sort();
    for (index, name) in names.into_iter().enumerate() {
        if index > 0 {
            out.push('.');
        }
        out.push_str(&escaped(name));
        out.push('.');
        push_value(out, fields.get(name)?)?;
    }
    Some(())
}

fn push_value(out: &mut String, value: &Value) -> Option<()> {
    match value {
        Value::Null => out.push_str("\\0"),
        Value::String(text) => out.push_str(&escaped(text)),
        Value::Number(number) => out.push_str(&number.as_i64()?.to_string()),
        Value::Bool(_) => return None,
        Value::Object(members) => {
            out.push('{');
            push_members(out, members, &[])?;
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push('.');
                }
                push_value(out, item)?;
            }
            out.push(']');
        }
    }
    Some(())
}

fn escaped(text: &str) -> Cow<'_, str> {
    let special = |letter: char| matches!(letter, '\\' | '{' | '}' | '[' | ']' | '.');
    if !text.contains(special) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for letter in text.chars() {
        if special(letter) {
            out.push('\\');
        }
        out.push(letter);
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hash::hex;

    fn fields(text: &str) -> Fields {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn the_canonical_text_sorts_nests_and_escapes() {
        let rows = [
            (r#"{"to":"hx1","from":"hx0","signature":"x"}"#, Some("from.hx0.to.hx1")),
            (
                r#"{"data":{"params":{"b":["0x1",null],"a":"x.y"},"method":"f"},"version":"0x3"}"#,
                Some(r"data.{method.f.params.{a.x\.y.b.[0x1.\0]}}.version.0x3"),
            ),
            (r#"{"data":"a\\{}[]"}"#, Some(r"data.a\\\{\}\[\]")),
            (r#"{"data":true}"#, None),
        ];
        for (text, expected) in rows {
            let expected = expected.map(|rest| format!("icx_sendTransaction.{rest}"));
            assert_eq!(serialize(&fields(text)), expected, "{text}");
        }
    }

    /// The values that iconsdk 2.6.0 makes of these parameters and this key.
    #[test]
    fn hash_and_address_are_those_of_the_python_sdk() {
        let tx = sign(&[5; 32], transfer(0x539, &[0; 21], 9, 1_700_000_000_000_000, 1)).unwrap();
        assert_eq!(tx.text("from"), SDK_ADDRESS);
        assert_eq!(hex(&tx.hash), SDK_HASH);
        assert_eq!(tx.text("signature"), SDK_SIGNATURE);
    }

    const SDK_ADDRESS: &str = "hxb7141750847ef78fab794c5e13110f866dec5877";
    const SDK_HASH: &str = "0x706be05bff57571d74d311802cd6e21c0f4f993908ce97abfb23b667db442279";
    const SDK_SIGNATURE: &str =
        "7m0R8v+AtgR7HX5MuI8/A6r6cdtMPcwkHhQFqclqgqwGrAy10vEJzT46rcKGNedmWv0+X34BNCPD4WmWmn9DvgA=";

    proptest! {
        #[test]
        fn a_signed_transaction_is_taken_and_a_changed_one_is_not(
            secret in prop::array::uniform32(1_u8..), value: u128, nonce: u64,
        ) {
            let tx = sign(&secret, transfer(1, &[1; 21], value, 2, nonce)).unwrap();
            prop_assert_eq!(decode(tx.fields.clone()).unwrap(), tx.clone());
            let mut other = tx.fields;
            other.insert("nonce".to_owned(), Value::from(format!("{:#x}", nonce ^ 1)));
            prop_assert_eq!(decode(other), Err(TxError::Signature));
        }

        #[test]
        fn addresses_read_back(kind in 0_u8..2, body: [u8; 20]) {
            let mut address = [kind; 21];
            address[1..].copy_from_slice(&body);
            prop_assert_eq!(super::address(&address_text(&address)), Some(address));
        }
    }

    #[test]
    fn numbers_are_lower_case_and_not_padded() {
        for (text, expected) in [("0x0", Some(0)), ("0x1a", Some(26))] {
            assert_eq!(number(text), expected);
        }
        for bad in ["", "0x", "0x01", "0x1A", "12", "-0x1"] {
            assert_eq!(number(bad), None, "{bad}");
        }
    }
}
