//! From a call's text to what it asks of a node, by its method's row.
//!
//! Only the bytes that the row points at are looked at; the client's text is never
//! rewritten here, a pin only says where the block would be written.

use std::ops::Range;

use super::{
    BadParams, BlockChoice, BlockNeed, BlockPlace, ByHash, Class, Data, Method, MethodTable, Needs,
    Pin, Pinned, Pins, Reference, ReferenceKind, Tag, Timeout,
    place::{Form, Spot},
    range::range,
};
use crate::{
    family::{BlockForm, Family},
    rpc::{Call, walk::items},
};

impl MethodTable {
    /// What a call asks of a node.
    ///
    /// # Errors
    ///
    /// The params name no block where they must, or carry no transaction.
    pub fn needs(&self, call: &Call<'_>) -> Result<Needs<'_>, BadParams> {
        let params = call.params.unwrap_or_default();
        let method = self.kind_of(self.row_of(&call.method), params);
        let (block, pins) = match method.class {
            Class::Refuse | Class::Local | Class::Unsubscribe => no_place(method),
            Class::Read | Class::Write | Class::Session | Class::Subscribe => {
                check_transaction(method, params)?;
                check_size(method, params)?;
                place(method, params)?
            }
        };
        let class = class(method, params, block);
        let pins = if class == Class::Refuse { Pins::none() } else { keep_useful(method, pins) };
        Ok(Needs { method, class, block, weight: weight(method, params, block), pins })
    }
}

/// The class of a call with these params.
fn class(method: &Method, params: &str, block: BlockNeed) -> Class {
    if method.omitted_is_local && block == BlockNeed::Newest(Tag::Latest) {
        return Class::Local;
    }
    let Some(required) = &method.requires else { return method.class };
    let filled = |raw: &str| !raw.starts_with('[') || items(raw).next().is_some();
    if required.value(params).is_some_and(filled) { method.class } else { Class::Refuse }
}

impl<'t> Needs<'t> {
    /// The signed transaction in the params of a write: its raw text.
    pub fn transaction<'p>(&self, params: &'p str) -> Option<&'p str> {
        self.method.transaction.as_ref().and_then(|place| place.value(params))
    }

    /// The method that the call is forwarded as once its pins are written, where it is not
    /// the client's own.
    pub fn pinned_as(&self) -> Option<&'t str> {
        self.method.pinned_as.as_ref().map(|other| &*other.method)
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
fn keep_useful<'t>(method: &Method, mut pins: Pins<'t>) -> Pins<'t> {
    if method.by_hash == ByHash::No {
        pins.retain(|pin| matches!(pin.block, Pinned::Newest(_)));
    }
    pins
}

pub(super) type Found<'t> = (BlockNeed, Pins<'t>);

fn no_place<'t>(method: &Method) -> Found<'t> {
    let need = if method.block == BlockPlace::None { BlockNeed::None } else { BlockNeed::AtTip };
    (need, Pins::none())
}

fn place<'t>(method: &'t Method, params: &str) -> Result<Found<'t>, BadParams> {
    let family = method.family;
    let BlockPlace::Params { choices, else_tip } = &method.block else {
        let Some(other) = &method.pinned_as else { return Ok(no_place(method)) };
        let gap = other.member.whole(params);
        return Ok(omitted(pin_at(gap.at, gap.before, gap.after)));
    };
    let form = Form::of(params).ok_or(BadParams::Shape)?;
    let mut why = BadParams::Shape;
    for choice in choices {
        let listed = form == Form::List || form == Form::Absent && choice.place.list.is_some();
        match choice.read(family, form, params)? {
            Choice::Found(found) => return Ok(found),
            Choice::Missing if listed => why = BadParams::Shape,
            Choice::Missing => why = BadParams::BadBlock,
            Choice::Null => why = BadParams::BadBlock,
            Choice::Nowhere => {}
        }
    }
    if *else_tip { Ok((BlockNeed::AtTip, Pins::none())) } else { Err(why) }
}

/// What one place makes of the params.
enum Choice<'t> {
    Found(Found<'t>),
    Missing,
    Null,
    /// The params are not of the form that has it.
    Nowhere,
}

impl BlockChoice {
    fn read<'t>(
        &'t self,
        family: Family,
        form: Form,
        params: &str,
    ) -> Result<Choice<'t>, BadParams> {
        let kind = self.kind;
        let spot = self.place.find(form, params);
        let found = match (kind, spot) {
            (_, Spot::Nowhere) => return Ok(Choice::Nowhere),
            (_, Spot::Twice) => return Err(BadParams::BadBlock),
            (ReferenceKind::Range | ReferenceKind::OpenRange, Spot::Value(at) | Spot::Null(at)) => {
                range(family, params, at, kind == ReferenceKind::Range)?
            }
            (ReferenceKind::Id, Spot::Value(_)) => (BlockNeed::AtTip, Pins::none()),
            (ReferenceKind::Reference, Spot::Value(at)) => match named(family, params, at)? {
                Some(found) => found,
                None => return Ok(Choice::Missing),
            },
            (_, Spot::Value(at)) => one(family, params, pin_of(family, kind, at, "", ""), kind)?,
            (_, Spot::Null(at)) if self.optional => omitted(pin_of(family, kind, at, "", "")),
            (_, Spot::Gap(gap)) if self.optional => {
                omitted(pin_of(family, kind, gap.at, gap.before, gap.after))
            }
            // params before it are missing too: the node says which
            (_, Spot::Short) if self.optional && self.place.object.is_none() => {
                (BlockNeed::Newest(Tag::Latest), Pins::none())
            }
            // where it would go is not known for every client
            (_, Spot::Inside) if self.optional => (BlockNeed::AtTip, Pins::none()),
            (_, Spot::Null(_)) => return Ok(Choice::Null),
            (_, Spot::Gap(_) | Spot::Short | Spot::Inside) => return Ok(Choice::Missing),
        };
        Ok(Choice::Found(found))
    }
}

/// A pin that a number is written in.
pub(super) const fn pin_at<'t>(at: Range<usize>, before: &'t str, after: &'static str) -> Pin<'t> {
    Pin { at, before, after, block: Pinned::Newest(Tag::Latest), form: BlockForm::Number }
}

/// A pin as a place of that kind takes it.
const fn pin_of<'t>(
    family: Family,
    kind: ReferenceKind,
    at: Range<usize>,
    before: &'t str,
    after: &'static str,
) -> Pin<'t> {
    Pin { form: family.pin_form(kind), ..pin_at(at, before, after) }
}

/// An omitted reference: the newest block, to be written there.
fn omitted(pin: Pin<'_>) -> Found<'_> {
    (BlockNeed::Newest(Tag::Latest), Pins::one(pin))
}

/// The one reference at the pin's place.
pub(super) fn one<'t>(
    family: Family,
    params: &str,
    pin: Pin<'t>,
    kind: ReferenceKind,
) -> Result<Found<'t>, BadParams> {
    let reference = read(family, &params[pin.at.clone()], kind)?;
    Ok(found(reference, Some(pin)))
}

/// The block that members of the params object name, if they name one.
fn named<'t>(
    family: Family,
    params: &str,
    at: Range<usize>,
) -> Result<Option<Found<'t>>, BadParams> {
    let Some(named) = family.read_named_block(&params[at]).ok_or(BadParams::BadBlock)? else {
        return Ok(None);
    };
    let pin =
        named.pin.map(|(at, before)| pin_of(family, ReferenceKind::Reference, at, before, ""));
    Ok(Some(found(named.reference, pin)))
}

fn found(reference: Reference, pin: Option<Pin<'_>>) -> Found<'_> {
    let (need, pinned) = match reference {
        Reference::Number(number) => (BlockNeed::Number(number), Some(Pinned::Named(number))),
        Reference::Newest(tag) => (BlockNeed::Newest(tag), Some(Pinned::Newest(tag))),
        Reference::Hash(hash) => (BlockNeed::Hash(hash), None),
        Reference::Pending => (BlockNeed::AtTip, None),
        Reference::Earliest => (BlockNeed::Earliest, None),
    };
    let pin = pin.zip(pinned).map(|(pin, block)| Pin { block, ..pin });
    (need, pin.map_or_else(Pins::none, Pins::one))
}

pub(super) fn read(family: Family, raw: &str, kind: ReferenceKind) -> Result<Reference, BadParams> {
    family.read_block(raw, kind).ok_or(BadParams::BadBlock)
}

fn weight(method: &Method, params: &str, block: BlockNeed) -> u32 {
    if let BlockNeed::Range { from: Some(from), to: Some(to) } = block {
        return range_weight(method, to.saturating_sub(from));
    }
    let Some(full) = method.full_weight else { return method.weight };
    let second = items(params).nth(1);
    if second.is_some_and(|at| &params[at] == "true") { full } else { method.weight }
}

fn range_weight(method: &Method, width: u64) -> u32 {
    let thousands = u32::try_from(width / 1_000).unwrap_or(u32::MAX);
    method.weight.saturating_add(thousands.saturating_mul(method.range_weight))
}

/// Heavy reads of state are executions: what they carry is bounded before a node sees it.
fn check_size(method: &Method, params: &str) -> Result<(), BadParams> {
    let executes = method.data == Data::State && method.timeout != Timeout::Cheap;
    let large = executes && method.family.is_too_large(params);
    if large { Err(BadParams::TooLarge) } else { Ok(()) }
}

fn check_transaction(method: &Method, params: &str) -> Result<(), BadParams> {
    let Some(place) = &method.transaction else { return Ok(()) };
    let whole = place.value(params).is_some_and(|raw| method.family.is_transaction(raw));
    if whole { Ok(()) } else { Err(BadParams::BadTransaction) }
}
