//! Block references of the NEAR family: `block_id` (a height, or a base58 hash),
//! `finality` and `sync_checkpoint`, as members of the params object; some methods take
//! a `block_id` alone.

use std::ops::Range;

use crate::{
    family::BlockForm,
    method::{NamedBlock, Reference, ReferenceKind, Tag},
    names::{Block, Hash},
    rpc::walk::{is_null, member_ranges, text},
};

/// The kinds of references that the family's methods take.
pub const KINDS: &[ReferenceKind] =
    &[ReferenceKind::Any, ReferenceKind::Hash, ReferenceKind::Reference, ReferenceKind::Id];

/// Base58 of 32 bytes has at most so many digits; longer text is not looked at.
const HASH_DIGITS: usize = 44;

/// Opens the member that a pin writes.
const BLOCK_ID: &str = "\"block_id\":";

/// Reads a raw JSON value as a reference of that kind; `None` if it is none.
pub fn read(raw: &str, kind: ReferenceKind) -> Option<Reference> {
    let hash = || text(raw).and_then(|word| read_hash(&word)).map(Reference::Hash);
    match kind {
        ReferenceKind::Any => read_height(raw).map(Reference::Number).or_else(hash),
        ReferenceKind::Hash => hash(),
        _ => None,
    }
}

/// Reads the block that members of a params object name: `None` if they name none that
/// is one, or two; `Some(None)` where there are no such members. Null is no member.
pub fn read_named(params: &str) -> Option<Option<NamedBlock>> {
    let (mut named, mut nulls) = (None, false);
    for (name, value) in member_ranges(params) {
        let (key, raw) = (text(params.get(name.clone())?)?, params.get(value.clone())?);
        let read: fn(&str) -> Option<Reference> = match key.as_ref() {
            "block_id" => |raw| read(raw, ReferenceKind::Any),
            "finality" => read_finality,
            "sync_checkpoint" => read_checkpoint,
            _ => continue,
        };
        if is_null(raw) {
            nulls = true;
            continue;
        }
        if named.replace((read(raw)?, name.start..value.end)).is_some() {
            return None;
        }
    }
    Some(named.map(|(reference, member)| named_block(reference, member, nulls)))
}

/// A member that is null beside it would be there twice: nothing is written then.
fn named_block(reference: Reference, member: Range<usize>, nulls: bool) -> NamedBlock {
    let writable = matches!(reference, Reference::Newest(_)) && !nulls;
    NamedBlock { reference, pin: writable.then_some((member, BLOCK_ID)) }
}

fn read_finality(raw: &str) -> Option<Reference> {
    let tag = match text(raw)?.as_ref() {
        "optimistic" => Tag::Latest,
        "near-final" => Tag::Safe,
        "final" => Tag::Finalized,
        _ => return None,
    };
    Some(Reference::Newest(tag))
}

fn read_checkpoint(raw: &str) -> Option<Reference> {
    match text(raw)?.as_ref() {
        "genesis" => Some(Reference::Number(0)),
        "earliest_available" => Some(Reference::Earliest),
        _ => None,
    }
}

fn read_height(raw: &str) -> Option<u64> {
    if raw.bytes().all(|digit| digit.is_ascii_digit()) { raw.parse().ok() } else { None }
}

/// Base58 of 32 bytes.
pub fn read_hash(word: &str) -> Option<Hash> {
    let mut bytes = [0; 32];
    if word.len() > HASH_DIGITS {
        return None;
    }
    let length = bs58::decode(word).onto(&mut bytes).ok()?;
    (length == bytes.len()).then_some(Hash(bytes))
}

pub fn write_hash(hash: Hash) -> String {
    bs58::encode(hash.0).into_string()
}

/// The block as a `block_id`: `436`, or `"EfL8…"`.
pub fn write(block: Block, form: BlockForm) -> String {
    match form {
        BlockForm::Number => block.number.to_string(),
        BlockForm::Hash | BlockForm::HashInPlace => format!("\"{}\"", write_hash(block.hash)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HASH: &str = "EfL8Rc1EH13UxgbJB4skt8xSF8vojNQPcAX1opf6RFab";

    #[test]
    fn a_block_id_is_a_height_or_a_base58_hash() {
        let hash = Reference::Hash(read_hash(HASH).unwrap());
        let any = |raw: &str| read(raw, ReferenceKind::Any);
        assert_eq!(any("134697928"), Some(Reference::Number(134_697_928)));
        assert_eq!(any(&format!("\"{HASH}\"")), Some(hash));
        assert_eq!(read(&format!("\"{HASH}\""), ReferenceKind::Hash), Some(hash));
        assert_eq!(read("7", ReferenceKind::Hash), None);
        let short = format!("\"{}\"", &HASH[2..]);
        for bad in ["-1", "1.5", "\"7\"", "\"final\"", "{}", "null", "\"\"", "\"0OIl\"", &short] {
            assert_eq!(any(bad), None, "{bad}");
        }
    }

    fn check(params: &str, reference: Option<Reference>, pin: Option<&str>) {
        let named = read_named(params).unwrap();
        assert_eq!(named.as_ref().map(|named| named.reference), reference, "{params}");
        let written = named
            .and_then(|named| named.pin)
            .map(|(at, before)| format!("{}{before}7{}", &params[..at.start], &params[at.end..]));
        assert_eq!(written.as_deref(), pin, "{params}");
    }

    #[test]
    fn one_member_names_the_block_and_a_finality_gives_way_to_a_height() {
        let newest = |tag| Some(Reference::Newest(tag));
        check(r#"{"finality":"optimistic"}"#, newest(Tag::Latest), Some(r#"{"block_id":7}"#));
        check(r#"{"finality":"near-final"}"#, newest(Tag::Safe), Some(r#"{"block_id":7}"#));
        check(
            r#"{ "a":1 , "finality" : "final" }"#,
            newest(Tag::Finalized),
            Some(r#"{ "a":1 , "block_id":7 }"#),
        );
        check(r#"{"block_id":9,"finality":null}"#, Some(Reference::Number(9)), None);
        check(r#"{"sync_checkpoint":"genesis"}"#, Some(Reference::Number(0)), None);
        check(r#"{"sync_checkpoint":"earliest_available"}"#, Some(Reference::Earliest), None);
        // the null member would stand there beside the one that is written
        check(r#"{"block_id":null,"finality":"final"}"#, newest(Tag::Finalized), None);
        check(r#"{"account_id":"final"}"#, None, None);
        check(r#"{"block_id":null}"#, None, None);
    }

    #[test]
    fn what_names_no_block_or_two_is_refused() {
        for bad in [
            r#"{"block_id":1,"finality":"final"}"#,
            r#"{"finality":"final","finality":"final"}"#,
            r#"{"finality":"latest"}"#,
            r#"{"finality":7}"#,
            r#"{"sync_checkpoint":"newest"}"#,
            r#"{"block_id":"latest"}"#,
            r#"{"block_id":[]}"#,
        ] {
            assert_eq!(read_named(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(number: u64, hash: [u8; 32]) {
            let block = Block { number, hash: Hash(hash) };
            let read = |form| read(&write(block, form), ReferenceKind::Any);
            prop_assert_eq!(read(BlockForm::Number), Some(Reference::Number(number)));
            prop_assert_eq!(read(BlockForm::Hash), Some(Reference::Hash(block.hash)));
        }

        #[test]
        fn no_text_panics(raw: String) {
            let _read = (read(&raw, ReferenceKind::Any), read_named(&raw));
            let _read = read_named(&format!("{{{raw}"));
        }
    }
}
