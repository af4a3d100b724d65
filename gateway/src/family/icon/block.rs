//! Block references of the ICON family: heights as T_INT, hashes. Every block is final;
//! there are no tags.

use crate::{
    family::BlockForm,
    method::{Reference, ReferenceKind},
    names::{Block, Hash},
    rpc::walk::text,
};

/// The kinds of references that the family's methods take.
pub const KINDS: &[ReferenceKind] = &[ReferenceKind::Number, ReferenceKind::Hash];

/// Reads a raw JSON value as a reference of that kind; `None` if it is none.
pub fn read(raw: &str, kind: ReferenceKind) -> Option<Reference> {
    let word = text(raw)?;
    match kind {
        ReferenceKind::Number => read_int(&word).map(Reference::Number),
        ReferenceKind::Hash => read_hash(&word).map(Reference::Hash),
        _ => None,
    }
}

/// T_INT that is not negative: `0x` and hex digits in lower case, without padding.
pub fn read_int(word: &str) -> Option<u64> {
    let digits = word.strip_prefix("0x")?;
    let plain = digits.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
    let padded = digits.len() > 1 && digits.starts_with('0');
    if plain && !padded { u64::from_str_radix(digits, 16).ok() } else { None }
}

pub fn read_hash(word: &str) -> Option<Hash> {
    Hash::from_hex(word).filter(|_| word.starts_with("0x"))
}

/// The block as a reference: `"0x1b4"`, or its hash where a method takes hashes.
pub fn write(block: Block, form: BlockForm) -> String {
    match form {
        BlockForm::Number => format!("\"{:#x}\"", block.number),
        BlockForm::Hash | BlockForm::HashInPlace => format!("\"{}\"", block.hash),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_height_is_a_t_int_and_nothing_else() {
        let read = |raw: &str| read(raw, ReferenceKind::Number);
        assert_eq!(read("\"0x0\""), Some(Reference::Number(0)));
        assert_eq!(read("\"0x1b4\""), Some(Reference::Number(436)));
        for bad in [
            "\"0x\"",
            "\"0x01\"",
            "\"0x1B4\"",
            "\"-0x1\"",
            "\"latest\"",
            "\"436\"",
            "436",
            "null",
            "{}",
            "\"\"",
            "\"0X1\"",
            "\"0x10000000000000000\"",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_hash_is_0x_and_64_hex_digits() {
        let digits = "8e".repeat(32);
        let read = |raw: &str| read(raw, ReferenceKind::Hash);
        let hash = Reference::Hash(Hash([0x8e; 32]));
        assert_eq!(read(&format!("\"0x{digits}\"")), Some(hash));
        for bad in [format!("\"{digits}\""), format!("\"0X{digits}\""), "\"0x1b4\"".to_owned()] {
            assert_eq!(read(&bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(number: u64, hash: [u8; 32]) {
            let block = Block { number, hash: Hash(hash) };
            let read = |form, kind| read(&write(block, form), kind);
            let (named, by_hash) = (Reference::Number(number), Reference::Hash(block.hash));
            prop_assert_eq!(read(BlockForm::Number, ReferenceKind::Number), Some(named));
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
