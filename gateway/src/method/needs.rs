//! From a call's text to what it asks of a node, by its method's row.
//!
//! Only the bytes that the row points at are looked at; the client's text is never
//! rewritten here, a pin only says where the block would be written.

use std::ops::Range;

use smallvec::{SmallVec, smallvec};

use super::{
    BadParams, BlockNeed, BlockPlace, ByHash, Class, Method, MethodTable, Needs, Pin, Pinned,
    Reference, ReferenceKind, Tag, range::range,
};
use crate::{
    family::{Family, ethereum},
    rpc::{
        Call,
        walk::{find_range, is_null, items, text},
    },
};

/// Largest signed transaction in bytes, and the largest that carries blobs
/// (the first is geth's `txMaxSize`, core/txpool/legacypool).
const TRANSACTION_BYTES: usize = 128 * 1024;
const BLOB_TRANSACTION_BYTES: usize = 2 * 1024 * 1024;

impl MethodTable {
    /// What a call asks of a node.
    ///
    /// # Errors
    ///
    /// The params name no block where they must, or carry no transaction.
    pub fn needs(&self, call: &Call<'_>) -> Result<Needs<'_>, BadParams> {
        let method = self.row_of(&call.method);
        let params = call.params.unwrap_or_default();
        let (block, pins) = match method.class {
            Class::Refuse | Class::Local | Class::Subscribe | Class::Unsubscribe => {
                no_place(method)
            }
            Class::Read | Class::Write | Class::Session => place(self.family(), method, params)?,
        };
        if method.class == Class::Write {
            check_transaction(method, params)?;
        }
        let pins = keep_useful(method, pins);
        Ok(Needs { method, block, weight: weight(method, params, block), pins })
    }
}

impl Needs<'_> {
    /// The weight when every end of a range that is not named stands at the tip.
    pub fn weight_at(&self, tip: u64) -> u32 {
        let BlockNeed::Range { from, to } = self.block else { return self.weight };
        let unnamed = usize::from(from.is_none()) + usize::from(to.is_none());
        // an end that is neither named nor pinned reaches back as far as the node does
        let start = if unnamed > self.pins.len() { 0 } else { tip };
        let width = to.unwrap_or(tip).saturating_sub(from.unwrap_or(start));
        range_weight(self.method, width)
    }
}

/// A named block is written again only by its hash.
fn keep_useful(method: &Method, mut pins: SmallVec<[Pin; 2]>) -> SmallVec<[Pin; 2]> {
    if method.by_hash == ByHash::No {
        pins.retain(|pin| matches!(pin.block, Pinned::Newest(_)));
    }
    pins
}

pub(super) type Found = (BlockNeed, SmallVec<[Pin; 2]>);

fn no_place(method: &Method) -> Found {
    let need = if method.block == BlockPlace::None { BlockNeed::None } else { BlockNeed::AtTip };
    (need, SmallVec::new())
}

fn place(family: Family, method: &Method, params: &str) -> Result<Found, BadParams> {
    let BlockPlace::Param { position, member, kind, optional } = &method.block else {
        return Ok(no_place(method));
    };
    if params.starts_with('{') {
        return Err(BadParams::Shape);
    }
    let slot = slot(params, usize::from(*position));
    if let Some(name) = member {
        return in_member(family, params, &slot, name, *kind, *optional);
    }
    match (kind, slot) {
        (ReferenceKind::Range | ReferenceKind::OpenRange, Slot::Value(at)) => {
            range(family, params, at, *kind == ReferenceKind::Range)
        }
        (_, Slot::Value(at)) if !(*optional && is_null(&params[at.clone()])) => {
            one(family, params, pin_at(at, "", ""), *kind)
        }
        (_, Slot::Value(at)) => Ok(omitted(at, "", "")),
        (_, Slot::Absent) if *optional && *position == 0 => Ok(omitted(0..0, "[", "]")),
        (_, Slot::Next { at, before }) if *optional => Ok(omitted(at..at, before, "")),
        // params before it are missing too: the node says which
        (_, Slot::Absent | Slot::Short) if *optional => {
            Ok((BlockNeed::Newest(Tag::Latest), SmallVec::new()))
        }
        (_, Slot::Absent | Slot::Short | Slot::Next { .. }) => Err(BadParams::Shape),
    }
}

/// Where a param stands, or would stand.
enum Slot {
    Value(Range<usize>),
    /// It would be the next one, written here.
    Next {
        at: usize,
        before: &'static str,
    },
    /// Params before it are missing too.
    Short,
    /// There are no params at all.
    Absent,
}

fn slot(params: &str, position: usize) -> Slot {
    if params.is_empty() {
        return Slot::Absent;
    }
    let (mut count, mut end) = (0, 1);
    for item in items(params) {
        if count == position {
            return Slot::Value(item);
        }
        count += 1;
        end = item.end;
    }
    match count {
        _ if count < position => Slot::Short,
        0 => Slot::Next { at: end, before: "" },
        _ => Slot::Next { at: end, before: "," },
    }
}

pub(super) const fn pin_at(at: Range<usize>, before: &'static str, after: &'static str) -> Pin {
    Pin { at, before, after, block: Pinned::Newest(Tag::Latest) }
}

/// An omitted reference: the newest block, to be written there.
fn omitted(at: Range<usize>, before: &'static str, after: &'static str) -> Found {
    (BlockNeed::Newest(Tag::Latest), smallvec![pin_at(at, before, after)])
}

/// The one reference at the pin's place.
pub(super) fn one(
    family: Family,
    params: &str,
    pin: Pin,
    kind: ReferenceKind,
) -> Result<Found, BadParams> {
    Ok(match read(family, &params[pin.at.clone()], kind)? {
        Reference::Number(number) => {
            let pin = Pin { block: Pinned::Named(number), ..pin };
            (BlockNeed::Number(number), smallvec![pin])
        }
        Reference::Hash(hash) => (BlockNeed::Hash(hash), SmallVec::new()),
        Reference::Pending => (BlockNeed::AtTip, SmallVec::new()),
        Reference::Earliest => (BlockNeed::Earliest, SmallVec::new()),
        Reference::Newest(tag) => {
            (BlockNeed::Newest(tag), smallvec![Pin { block: Pinned::Newest(tag), ..pin }])
        }
    })
}

/// A reference that is a member of a param. One that is left out is not written in:
/// where it would go is not known for every client.
fn in_member(
    family: Family,
    params: &str,
    slot: &Slot,
    name: &str,
    kind: ReferenceKind,
    optional: bool,
) -> Result<Found, BadParams> {
    let Slot::Value(param) = slot else {
        return if optional {
            Ok((BlockNeed::AtTip, SmallVec::new()))
        } else {
            Err(BadParams::Shape)
        };
    };
    let found = find_range(&params[param.clone()], name)
        .map(|value| param.start + value.start..param.start + value.end)
        .filter(|value| !is_null(&params[value.clone()]));
    match found {
        Some(at) => one(family, params, pin_at(at, "", ""), kind),
        None if optional => Ok((BlockNeed::AtTip, SmallVec::new())),
        None => Err(BadParams::Shape),
    }
}

pub(super) fn read(family: Family, raw: &str, kind: ReferenceKind) -> Result<Reference, BadParams> {
    let reference = match family {
        Family::Ethereum => ethereum::block::read(raw, kind),
    };
    reference.ok_or(BadParams::BadBlock)
}

fn weight(method: &Method, params: &str, block: BlockNeed) -> u32 {
    if let BlockNeed::Range { from: Some(from), to: Some(to) } = block {
        return range_weight(method, to.saturating_sub(from));
    }
    let Some(full) = method.full_weight else { return method.weight };
    match slot(params, 1) {
        Slot::Value(at) if &params[at.clone()] == "true" => full,
        _ => method.weight,
    }
}

fn range_weight(method: &Method, width: u64) -> u32 {
    let thousands = u32::try_from(width / 1_000).unwrap_or(u32::MAX);
    method.weight.saturating_add(thousands.saturating_mul(method.range_weight))
}

fn check_transaction(method: &Method, params: &str) -> Result<(), BadParams> {
    let Some(position) = method.transaction else { return Ok(()) };
    let Slot::Value(at) = slot(params, usize::from(position)) else {
        return Err(BadParams::BadTransaction);
    };
    let raw = text(&params[at]).ok_or(BadParams::BadTransaction)?;
    let digits = raw.strip_prefix("0x").ok_or(BadParams::BadTransaction)?.as_bytes();
    let most = if digits.starts_with(b"03") { BLOB_TRANSACTION_BYTES } else { TRANSACTION_BYTES };
    let whole = !digits.is_empty() && digits.len().is_multiple_of(2) && digits.len() / 2 <= most;
    if whole && digits.iter().all(u8::is_ascii_hexdigit) {
        return Ok(());
    }
    Err(BadParams::BadTransaction)
}
