//! Ranges of blocks in params: `{fromBlock, toBlock}` or `{blockHash}`.

use std::ops::Range;

use super::{
    BadParams, BlockNeed, Pin, Pinned, Pins, Reference, ReferenceKind,
    needs::{Found, one, pin_at, read},
};
use crate::{
    family::Family,
    rpc::walk::{is_null, members},
};

/// What stands before an end that is written in: alone in its object, or not.
const FROM: [&str; 2] = ["\"fromBlock\":", ",\"fromBlock\":"];
const TO: [&str; 2] = ["\"toBlock\":", ",\"toBlock\":"];

/// Reads the range object that stands at `object`. `fill`: an omitted end is the
/// newest block and is pinned as such.
pub(super) fn range<'t>(
    family: Family,
    params: &str,
    object: Range<usize>,
    fill: bool,
) -> Result<Found<'t>, BadParams> {
    if !params[object.clone()].starts_with('{') {
        return Err(BadParams::Shape);
    }
    let places = Places::find(params, &object);
    let given =
        |at: &Option<Range<usize>>| at.as_ref().is_some_and(|at| !is_null(&params[at.clone()]));
    if let Some(hash) = places.hash.clone().filter(|_| given(&places.hash)) {
        if given(&places.from) || given(&places.to) {
            return Err(BadParams::HashAndRange);
        }
        return one(family, params, pin_at(hash, "", ""), ReferenceKind::Hash);
    }
    let mut ends = Ends {
        family,
        params,
        fill,
        behind: object.end - 1,
        alone: places.members == 0,
        pins: Pins::none(),
    };
    let from = ends.read(places.from, FROM)?;
    let to = ends.read(places.to, TO)?;
    if from.zip(to).is_some_and(|(from, to)| from > to) {
        return Err(BadParams::InvertedRange);
    }
    Ok((BlockNeed::Range { from, to }, ends.pins))
}

/// Where the members of a range object stand.
#[derive(Default)]
struct Places {
    from: Option<Range<usize>>,
    to: Option<Range<usize>>,
    hash: Option<Range<usize>>,
    members: usize,
}

impl Places {
    fn find(params: &str, object: &Range<usize>) -> Self {
        let mut places = Self::default();
        for (name, value) in members(&params[object.clone()]) {
            places.members += 1;
            let place = match name.as_ref() {
                "fromBlock" => &mut places.from,
                "toBlock" => &mut places.to,
                "blockHash" => &mut places.hash,
                _ => continue,
            };
            *place = Some(object.start + value.start..object.start + value.end);
        }
        places
    }
}

/// The two ends as they are read, and the pins that they give.
struct Ends<'a, 't> {
    family: Family,
    params: &'a str,
    fill: bool,
    /// Where a member would be added.
    behind: usize,
    /// No member stands before the next one.
    alone: bool,
    pins: Pins<'t>,
}

impl Ends<'_, '_> {
    /// One end: its number, else perhaps a pin. Null is omitted.
    fn read(
        &mut self,
        place: Option<Range<usize>>,
        name: [&'static str; 2],
    ) -> Result<Option<u64>, BadParams> {
        let Some(at) = place else {
            if self.fill {
                let before = name[usize::from(!self.alone)];
                self.pins.add(pin_at(self.behind..self.behind, before, ""));
                self.alone = false;
            }
            return Ok(None);
        };
        let raw = &self.params[at.clone()];
        if is_null(raw) {
            if self.fill {
                self.pins.add(pin_at(at, "", ""));
            }
            return Ok(None);
        }
        match read(self.family, raw, ReferenceKind::Number)? {
            Reference::Number(number) => return Ok(Some(number)),
            Reference::Newest(tag) => {
                self.pins.add(Pin { block: Pinned::Newest(tag), ..pin_at(at, "", "") });
            }
            Reference::Earliest => {}
            Reference::Pending | Reference::Hash(_) => return Err(BadParams::BadBlock),
        }
        Ok(None)
    }
}
