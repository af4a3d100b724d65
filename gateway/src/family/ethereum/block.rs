//! Block references of the Ethereum family: numbers, tags, hashes and the objects
//! of EIP-1898, read from raw params and written where the served tip is pinned.
//!
//! A reference that a node would refuse is refused here, so that
//! it costs no node anything.

use crate::{
    family::BlockForm,
    method::{Reference, ReferenceKind, Tag},
    names::{Block, Hash},
    rpc::walk::{is_null, members, text},
};

/// The kinds of references that the family's methods take.
pub const KINDS: &[ReferenceKind] = &[
    ReferenceKind::Any,
    ReferenceKind::Number,
    ReferenceKind::Hash,
    ReferenceKind::Range,
    ReferenceKind::OpenRange,
];

/// Reads a raw JSON value as a reference of that kind; `None` if it is none.
pub fn read(raw: &str, kind: ReferenceKind) -> Option<Reference> {
    let any = kind == ReferenceKind::Any;
    if raw.starts_with('{') {
        return any.then(|| read_object(raw)).flatten();
    }
    let word = text(raw)?;
    if kind == ReferenceKind::Hash {
        return read_hash(&word);
    }
    let tag = match word.as_ref() {
        "latest" => Reference::Newest(Tag::Latest),
        "safe" => Reference::Newest(Tag::Safe),
        "finalized" => Reference::Newest(Tag::Finalized),
        "pending" => Reference::Pending,
        "earliest" => Reference::Earliest,
        word if word.len() == 66 && any => return read_hash(word),
        word => Reference::Number(read_quantity(word)?),
    };
    Some(tag)
}

/// `0x` in lower case and hex digits without leading zeros, at most 2⁶⁴ − 1.
pub fn read_quantity(word: &str) -> Option<u64> {
    let digits = word.strip_prefix("0x")?;
    let plain = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    if !plain || digits.len() > 16 || (digits.len() > 1 && digits.starts_with('0')) {
        return None;
    }
    u64::from_str_radix(digits, 16).ok()
}

/// The block as a reference: `"0x1b4"`, `"0xd4e5…"`, or `{"blockHash":"0xd4e5…"}` (EIP-1898).
pub fn write(block: Block, form: BlockForm) -> String {
    match form {
        BlockForm::Number => format!("\"{:#x}\"", block.number),
        BlockForm::Hash => format!("\"{}\"", block.hash),
        BlockForm::HashInPlace => format!("{{\"blockHash\":\"{}\"}}", block.hash),
    }
}

fn read_hash(word: &str) -> Option<Reference> {
    Hash::from_hex(word).map(Reference::Hash)
}

/// EIP-1898: exactly one of `blockNumber` (a tag too, as geth reads it) and `blockHash`.
fn read_object(raw: &str) -> Option<Reference> {
    let mut found = None;
    for (name, value) in members(raw) {
        let kind = match name.as_ref() {
            "blockNumber" => ReferenceKind::Number,
            "blockHash" => ReferenceKind::Hash,
            "requireCanonical" => continue,
            _ => return None,
        };
        let value = raw.get(value)?;
        if is_null(value) {
            continue;
        }
        if found.is_some() {
            return None;
        }
        found = Some(read(value, kind)?);
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HASH: &str = "0xd4e56740f876aef8c010b86a40d5f56745a118d0906a34e69aec8c0db1cb8fa3";

    fn check(raw: &str, kind: ReferenceKind, expected: Option<Reference>) {
        assert_eq!(read(raw, kind), expected, "{raw} as {kind:?}");
    }

    #[test]
    fn numbers_and_tags_are_read_wherever_a_number_may_stand() {
        for kind in [ReferenceKind::Any, ReferenceKind::Number] {
            check("\"0x0\"", kind, Some(Reference::Number(0)));
            check("\"0x1b4\"", kind, Some(Reference::Number(436)));
            check("\"0xFFffFFffFFffFFff\"", kind, Some(Reference::Number(u64::MAX)));
            check("\"latest\"", kind, Some(Reference::Newest(Tag::Latest)));
            check("\"l\\u0061test\"", kind, Some(Reference::Newest(Tag::Latest)));
            check("\"safe\"", kind, Some(Reference::Newest(Tag::Safe)));
            check("\"finalized\"", kind, Some(Reference::Newest(Tag::Finalized)));
            check("\"pending\"", kind, Some(Reference::Pending));
            check("\"earliest\"", kind, Some(Reference::Earliest));
        }
        check("\"latest\"", ReferenceKind::Hash, None);
        check("\"0x1\"", ReferenceKind::Hash, None);
    }

    #[test]
    fn what_is_no_reference_is_refused() {
        let bad = [
            "\"0x\"",
            "\"0x01\"",
            "12",
            "\"12\"",
            "\"LATEST\"",
            "\" latest\"",
            "\"latest \"",
            "\"0x10000000000000000\"",
            "\"-0x1\"",
            "\"-1\"",
            "\"0x-1\"",
            "\"0x+1\"",
            "\"0X1\"",
            "\"\"",
            "null",
            "true",
            "[]",
            "{}",
            "\"0xg\"",
            "1.5",
            "\"0x1 \"",
            "\"0x1\\u0000\"",
        ];
        for raw in bad {
            for kind in [ReferenceKind::Any, ReferenceKind::Number, ReferenceKind::Hash] {
                check(raw, kind, None);
            }
        }
        check(&format!("\"{}\"", &HASH[..65]), ReferenceKind::Any, None);
        check(&format!("\"{HASH}\""), ReferenceKind::Number, None);
    }

    #[test]
    fn hashes_and_objects_are_read_where_any_reference_may_stand() {
        let hash = Reference::Hash(Hash::from_hex(HASH).unwrap());
        let any = ReferenceKind::Any;
        check(&format!("\"{HASH}\""), any, Some(hash));
        check(&format!("\"{HASH}\""), ReferenceKind::Hash, Some(hash));
        check(&format!("{{\"blockHash\":\"{HASH}\",\"requireCanonical\":true}}"), any, Some(hash));
        check("{\"blockNumber\" : \"0x9\"}", any, Some(Reference::Number(9)));
        check("{\"blockNumber\":\"latest\"}", any, Some(Reference::Newest(Tag::Latest)));
        check("{\"blockHash\":null,\"blockNumber\":\"0x9\"}", any, Some(Reference::Number(9)));
        check(&format!("{{\"blockNumber\":\"0x9\",\"blockHash\":\"{HASH}\"}}"), any, None);
        check("{\"blockNumber\":\"0x09\"}", any, None);
        check("{\"blockNumber\":\"0x9\",\"x\":1}", any, None);
        check("{\"blockNumber\":\"0x9\"}", ReferenceKind::Number, None);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(number: u64, hash: [u8; 32]) {
            let block = Block { number, hash: Hash(hash) };
            let read = |form, kind| read(&write(block, form), kind);
            let (named, by_hash) = (Reference::Number(number), Reference::Hash(block.hash));
            prop_assert_eq!(read(BlockForm::Number, ReferenceKind::Number), Some(named));
            prop_assert_eq!(read(BlockForm::Hash, ReferenceKind::Hash), Some(by_hash));
            prop_assert_eq!(read(BlockForm::HashInPlace, ReferenceKind::Any), Some(by_hash));
        }

        #[test]
        fn no_text_panics(raw: String) {
            let _read = read(&raw, ReferenceKind::Any);
        }
    }
}
