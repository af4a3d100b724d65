//! Block references of the Substrate family: hashes, and numbers as JSON or hex digits.
//! An omitted or null reference is the newest block; there are no tags.

use crate::{
    family::BlockForm,
    method::{Reference, ReferenceKind},
    names::{Block, Hash},
    rpc::walk::{items, text},
};

/// The kinds of references that the family's methods take.
pub const KINDS: &[ReferenceKind] =
    &[ReferenceKind::Hash, ReferenceKind::Number, ReferenceKind::Numbers];

/// Reads a raw JSON value as a reference of that kind; `None` if it is none.
pub fn read(raw: &str, kind: ReferenceKind) -> Option<Reference> {
    match kind {
        ReferenceKind::Hash => read_hash(&text(raw)?).map(Reference::Hash),
        ReferenceKind::Number => read_number(raw).map(Reference::Number),
        ReferenceKind::Numbers if raw.starts_with('[') => {
            // a list of none names no block: the first one, which every node can tell of
            let mut numbers = items(raw).map(|at| raw.get(at).and_then(read_number));
            let greatest = numbers.try_fold(0, |most: u64, number| Some(most.max(number?)));
            greatest.map(Reference::Number)
        }
        ReferenceKind::Numbers => read_number(raw).map(Reference::Number),
        _ => None,
    }
}

/// `NumberOrHex` of polkadot-sdk: a JSON number, or `0x` and hex digits, padded or not.
pub fn read_number(raw: &str) -> Option<u64> {
    match text(raw) {
        Some(word) => super::read_hex(&word),
        None if raw.bytes().all(|digit| digit.is_ascii_digit()) => raw.parse().ok(),
        None => None,
    }
}

pub fn read_hash(word: &str) -> Option<Hash> {
    Hash::from_hex(word).filter(|_| word.starts_with("0x"))
}

/// The block as a reference: its hash, or its number where a method takes numbers.
pub fn write(block: Block, form: BlockForm) -> String {
    match form {
        BlockForm::Number => block.number.to_string(),
        BlockForm::Hash | BlockForm::HashInPlace => format!("\"{}\"", block.hash),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HASH: &str = "0x91b171bb158e2d3848fa23a9f1c25182fb8e20313b2c1eb49219da7a70ce90c3";

    fn check(raw: &str, kind: ReferenceKind, expected: Option<Reference>) {
        assert_eq!(read(raw, kind), expected, "{raw} as {kind:?}");
    }

    #[test]
    fn a_number_is_json_or_hex_and_of_a_list_the_greatest_counts() {
        for kind in [ReferenceKind::Number, ReferenceKind::Numbers] {
            for (raw, number) in
                [("0", 0), ("436", 436), ("\"0x1B4\"", 436), ("\"0x01\"", 1), ("\"0x0\"", 0)]
            {
                check(raw, kind, Some(Reference::Number(number)));
            }
            for bad in ["-1", "1.5", "1e3", "\"436\"", "\"0x\"", "\"0x+1\"", "true", "{}", "null"] {
                check(bad, kind, None);
            }
        }
        check("[1, \"0x1b5\",2]", ReferenceKind::Numbers, Some(Reference::Number(437)));
        check("[]", ReferenceKind::Numbers, Some(Reference::Number(0)));
        check("[1,null]", ReferenceKind::Numbers, None);
        check("[1]", ReferenceKind::Number, None);
    }

    #[test]
    fn a_hash_is_hex_of_32_bytes() {
        let hash = Reference::Hash(Hash::from_hex(HASH).unwrap());
        check(&format!("\"{HASH}\""), ReferenceKind::Hash, Some(hash));
        for bad in ["7", "\"latest\"", "\"0x12\"", "null", &format!("\"{}\"", &HASH[2..])] {
            check(bad, ReferenceKind::Hash, None);
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(number: u64, hash: [u8; 32]) {
            let block = Block { number, hash: Hash(hash) };
            let read = |form, kind| read(&write(block, form), kind);
            let (named, by_hash) = (Reference::Number(number), Reference::Hash(block.hash));
            prop_assert_eq!(read(BlockForm::Number, ReferenceKind::Numbers), Some(named));
            prop_assert_eq!(read(BlockForm::Hash, ReferenceKind::Hash), Some(by_hash));
        }

        #[test]
        fn no_text_panics(raw: String) {
            for kind in KINDS {
                let _read = read(&raw, *kind);
            }
        }
    }
}
