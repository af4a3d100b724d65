//! Parameters as Ethereum writes them, and the block they name.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::tx::Address;
use crate::hash::{Hash, unhex, unhex_array};
use crate::rpc::RpcError;

/// The raw parameters of a call.
pub type Args<'a> = [&'a RawValue];

/// A block as a caller names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockRef {
    Number(u64),
    Latest,
    Safe,
    Finalized,
    Earliest,
    Pending,
    Hash { hash: Hash, canonical: bool },
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct BlockObject<'a> {
    #[serde(borrow, default)]
    block_number: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    block_hash: Option<Cow<'a, str>>,
    #[serde(default)]
    require_canonical: bool,
}

/// An invalid argument in geth's words.
pub fn invalid(index: usize, why: &str) -> RpcError {
    RpcError::new(-32602, format!("invalid argument {index}: {why}"))
}

/// A parameter that must be there.
pub fn required<'a>(args: &Args<'a>, index: usize) -> Result<&'a RawValue, RpcError> {
    let found = args.get(index).copied().filter(|raw| raw.get() != "null");
    found.ok_or_else(|| {
        RpcError::new(-32602, format!("missing value for required argument {index}"))
    })
}

/// A string parameter.
pub fn string<'a>(args: &Args<'a>, index: usize) -> Result<Cow<'a, str>, RpcError> {
    let raw = required(args, index)?;
    text(raw).ok_or_else(|| invalid(index, "json: cannot unmarshal into a string"))
}

/// The text of a JSON string.
pub fn text<'a>(raw: &'a RawValue) -> Option<Cow<'a, str>> {
    #[derive(Deserialize)]
    struct Text<'b>(#[serde(borrow)] Cow<'b, str>);
    serde_json::from_str::<Text<'a>>(raw.get()).ok().map(|text| text.0)
}

pub fn bytes(args: &Args<'_>, index: usize) -> Result<Vec<u8>, RpcError> {
    unhex(&string(args, index)?).ok_or_else(|| invalid(index, "invalid hex string"))
}

pub fn hash(args: &Args<'_>, index: usize) -> Result<Hash, RpcError> {
    unhex_array(&string(args, index)?)
        .ok_or_else(|| invalid(index, "hex string has wrong length, want 64 for common.Hash"))
}

pub fn address(args: &Args<'_>, index: usize) -> Result<Address, RpcError> {
    unhex_array(&string(args, index)?)
        .ok_or_else(|| invalid(index, "hex string has wrong length, want 40 for common.Address"))
}

/// A storage slot: a hex quantity or word of at most 32 bytes.
pub fn slot(args: &Args<'_>, index: usize) -> Result<Hash, RpcError> {
    word(&string(args, index)?).ok_or_else(|| invalid(index, "unable to decode storage key"))
}

/// A hex number of any width up to 32 bytes.
pub fn word(text: &str) -> Option<Hash> {
    let digits = text.strip_prefix("0x")?;
    let padded = format!("0x{digits:0>64}");
    if digits.len() > 64 { None } else { unhex_array(&padded) }
}

/// A flag; false when absent.
pub fn flag(args: &Args<'_>, index: usize) -> Result<bool, RpcError> {
    match args.get(index).map(|raw| raw.get()) {
        None | Some("null" | "false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(invalid(index, "json: cannot unmarshal into a bool")),
    }
}

/// A hex quantity without leading zeros.
pub fn quantity(text: &str) -> Option<u64> {
    let digits = text.strip_prefix("0x")?;
    let canonical = digits == "0" || !digits.starts_with('0');
    let plain = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    if canonical && plain { u64::from_str_radix(digits, 16).ok() } else { None }
}

/// The block that a parameter names; `latest` when it is absent and `default` allows it.
pub fn block(args: &Args<'_>, index: usize, default: bool) -> Result<BlockRef, RpcError> {
    if default && args.get(index).is_none_or(|raw| raw.get() == "null") {
        return Ok(BlockRef::Latest);
    }
    let raw = required(args, index)?;
    match text(raw) {
        Some(text) => {
            block_text(&text).ok_or_else(|| invalid(index, "hex string without 0x prefix"))
        }
        None => block_object(raw, index),
    }
}

/// A number, a tag or a hash.
pub fn block_text(text: &str) -> Option<BlockRef> {
    Some(match text {
        "latest" => BlockRef::Latest,
        "safe" => BlockRef::Safe,
        "finalized" => BlockRef::Finalized,
        "earliest" => BlockRef::Earliest,
        "pending" => BlockRef::Pending,
        _ if text.len() == 66 => BlockRef::Hash { hash: unhex_array(text)?, canonical: false },
        _ => BlockRef::Number(quantity(text)?),
    })
}

/// The object of EIP-1898.
fn block_object(raw: &RawValue, index: usize) -> Result<BlockRef, RpcError> {
    let object: BlockObject<'_> = serde_json::from_str(raw.get())
        .map_err(|_| invalid(index, "json: cannot unmarshal into a block number or hash"))?;
    let reference = match (object.block_number, object.block_hash) {
        (Some(_), Some(_)) => {
            return Err(invalid(
                index,
                "cannot specify both BlockHash and BlockNumber, choose one or the other",
            ));
        }
        (Some(number), None) => block_text(&number),
        (None, Some(hash)) => {
            let canonical = object.require_canonical;
            unhex_array(&hash).map(|hash| BlockRef::Hash { hash, canonical })
        }
        (None, None) => None,
    };
    reference.ok_or_else(|| invalid(index, "invalid block number or hash"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<BlockRef>) {
        let args: Vec<&RawValue> = serde_json::from_str(text).unwrap();
        assert_eq!(block(&args, 0, true).ok(), expected, "{text}");
    }

    #[test]
    fn a_block_is_named_by_number_tag_hash_or_object() {
        let word = "11".repeat(32);
        let by_hash = |canonical| Some(BlockRef::Hash { hash: [0x11; 32], canonical });
        check("[]", Some(BlockRef::Latest));
        check("[null]", Some(BlockRef::Latest));
        check(r#"["0x1b4"]"#, Some(BlockRef::Number(436)));
        check(r#"["finalized"]"#, Some(BlockRef::Finalized));
        check(&format!(r#"["0x{word}"]"#), by_hash(false));
        check(r#"[{"blockNumber":"0x1"}]"#, Some(BlockRef::Number(1)));
        check(&format!(r#"[{{"blockHash":"0x{word}","requireCanonical":true}}]"#), by_hash(true));
    }

    #[test]
    fn anything_else_is_no_block() {
        let both = format!(r#"[{{"blockHash":"0x{}","blockNumber":"0x1"}}]"#, "11".repeat(32));
        for bad in
            [r#"["0x01"]"#, r#"["0x"]"#, r#"["newest"]"#, "[5]", "[{}]", r#"["0x+1"]"#, &both]
        {
            check(bad, None);
        }
    }
}
