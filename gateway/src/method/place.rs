//! Where something stands in the params: in a list by position, in an object by name,
//! or either way. Paths are split once, when a table is read; finding a value copies
//! nothing.

use std::ops::Range;

use crate::rpc::walk::{is_null, items, members};

/// Positions in a list are below this.
const POSITIONS: u8 = 16;
/// What fills a list up before the position that is written: sliced, never built.
const FILL: &str =
    ",null,null,null,null,null,null,null,null,null,null,null,null,null,null,null,null,";
const OPENED_FILL: &str =
    "[null,null,null,null,null,null,null,null,null,null,null,null,null,null,null,null,";
/// Length of one `null,` of them.
const NULL: usize = 5;

/// A place in the params: in a list, in an object, or in whichever of them is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub list: Option<InList>,
    pub object: Option<InObject>,
}

/// An item of a list of params, or a member inside of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InList {
    pub position: u8,
    /// Path of member names below the item.
    pub names: Box<[Box<str>]>,
}

/// A member of a params object, or a member inside of it; the object itself where no name
/// is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InObject {
    pub names: Box<[Box<str>]>,
    /// `{"NAME":`, to open an object with the member.
    opening: Box<str>,
    /// `,"NAME":`, to add it behind others.
    joining: Box<str>,
}

/// Params as they came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Absent,
    List,
    Object,
}

/// What stands at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Spot<'t> {
    /// A value that is not null.
    Value(Range<usize>),
    /// Null.
    Null(Range<usize>),
    /// Nothing, but it would be written so.
    Gap(Gap<'t>),
    /// Nothing, and params before it are missing too, which null cannot stand for.
    Short,
    /// Nothing (or null) inside of a param: where it would go is not known.
    Inside,
    /// Params of this form do not have the place.
    Nowhere,
    /// A member of that name stands there twice.
    Twice,
}

/// Where a value would be written: in the place of `at`, between `before` and `after`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap<'t> {
    pub at: Range<usize>,
    pub before: &'t str,
    pub after: &'static str,
}

impl Form {
    /// `None`: a scalar. Params are read without space around them.
    pub fn of(params: &str) -> Option<Self> {
        match params.as_bytes().first() {
            None => Some(Self::Absent),
            Some(b'[') => Some(Self::List),
            Some(b'{') => Some(Self::Object),
            Some(_) => is_null(params).then_some(Self::Absent),
        }
    }
}

impl Place {
    /// The item of a list.
    pub const fn item(position: u8, names: Box<[Box<str>]>) -> Self {
        Self { list: Some(InList { position, names }), object: None }
    }

    /// Reads `POSITION[.NAME…]`, `.NAME[.NAME…]`, or both with a bar between; `.` alone is
    /// the params object itself.
    pub fn parse(text: &str) -> Option<Self> {
        let (list, object) = match text.split_once('|') {
            Some((list, object)) => (Some(list), Some(object)),
            None if text.starts_with('.') => (None, Some(text)),
            None => (Some(text), None),
        };
        let list = match list {
            Some(text) => Some(InList::parse(text)?),
            None => None,
        };
        let object = match object {
            Some(text) => Some(InObject::parse(text)?),
            None => None,
        };
        Some(Self { list, object })
    }

    /// The raw value that stands there; none where it is null.
    pub fn value<'p>(&self, params: &'p str) -> Option<&'p str> {
        match self.find(Form::of(params)?, params) {
            Spot::Value(at) => params.get(at),
            _ => None,
        }
    }

    /// What stands there. Absent params are a list where the place has a position.
    pub fn find(&self, form: Form, params: &str) -> Spot<'_> {
        match (form, &self.list, &self.object) {
            (Form::List | Form::Absent, Some(list), names) => {
                list.find(params, form == Form::Absent, names.is_some())
            }
            (Form::Object, _, Some(object)) => object.find(params),
            (Form::Absent, None, Some(object)) => Spot::Gap(object.whole(params)),
            (Form::List, None, _) | (Form::Object, _, None) | (Form::Absent, None, None) => {
                Spot::Nowhere
            }
        }
    }
}

impl InList {
    fn parse(text: &str) -> Option<Self> {
        let (position, names) = match text.split_once('.') {
            Some((position, names)) => (position, split(names)?),
            None => (text, [].into()),
        };
        let position = position.parse().ok().filter(|position| *position < POSITIONS)?;
        Some(Self { position, names })
    }

    /// `nullable`: a method that takes named params too reads null as left out, so that a
    /// list can be filled up to the position; its first param is never one to leave out.
    fn find(&self, params: &str, absent: bool, nullable: bool) -> Spot<'_> {
        let position = usize::from(self.position);
        let (mut count, mut end) = (0, 1);
        for item in items(params) {
            if count == position {
                return self.value(params, item);
            }
            count += 1;
            end = item.end;
        }
        let missing = position - count;
        let fillable = missing == 0 || (nullable && count > 0);
        if !self.names.is_empty() || !fillable {
            return if self.names.is_empty() { Spot::Short } else { Spot::Inside };
        }
        let (text, at) = if absent { (OPENED_FILL, 0..params.len()) } else { (FILL, end..end) };
        let bare = usize::from(!absent && count == 0);
        let before = text.get(bare..=missing * NULL).unwrap_or_default();
        Spot::Gap(Gap { at, before, after: if absent { "]" } else { "" } })
    }

    fn value(&self, params: &str, item: Range<usize>) -> Spot<'_> {
        match (descend(params, item, &self.names), self.names.is_empty()) {
            (Found::None, _) => Spot::Inside,
            (Found::Twice, _) => Spot::Twice,
            (Found::One(at), direct) => checked(params, at, direct),
        }
    }
}

impl InObject {
    /// Reads `.NAME[.NAME…]`; `.` alone is the object itself.
    pub fn parse(text: &str) -> Option<Self> {
        let names = match text.strip_prefix('.')? {
            "" => [].into(),
            names => split(names)?,
        };
        let name = names.first().map_or("", |name| name);
        let (opening, joining) = (format!("{{\"{name}\":"), format!(",\"{name}\":"));
        Some(Self { opening: opening.into(), joining: joining.into(), names })
    }

    /// Params that hold nothing but the member.
    pub fn whole(&self, params: &str) -> Gap<'_> {
        Gap { at: 0..params.len(), before: &self.opening, after: "}" }
    }

    fn find(&self, params: &str) -> Spot<'_> {
        match (descend(params, 0..params.len(), &self.names), &*self.names) {
            (Found::Twice, _) => Spot::Twice,
            (Found::One(at), names) => checked(params, at, names.len() < 2),
            (Found::None, [_]) => Spot::Gap(self.added(params)),
            (Found::None, _) => Spot::Inside,
        }
    }

    /// Behind the members that are there.
    fn added(&self, params: &str) -> Gap<'_> {
        let (at, before) = match members(params).last() {
            Some((_, value)) => (value.end, &*self.joining),
            None => (1, self.opening.get(1..).unwrap_or_default()),
        };
        Gap { at: at..at, before, after: "" }
    }
}

/// `direct`: a null would be written over.
fn checked(params: &str, at: Range<usize>, direct: bool) -> Spot<'static> {
    match params.get(at.clone()).is_some_and(is_null) {
        true if direct => Spot::Null(at),
        true => Spot::Inside,
        false => Spot::Value(at),
    }
}

enum Found {
    None,
    One(Range<usize>),
    Twice,
}

/// Follows a path of names from a value.
fn descend(params: &str, from: Range<usize>, names: &[Box<str>]) -> Found {
    let mut at = from;
    for name in names {
        let outer = params.get(at.clone()).unwrap_or_default();
        let mut found = members(outer).filter(|(found, _)| **found == **name);
        let Some((_, value)) = found.next() else { return Found::None };
        if found.next().is_some() {
            return Found::Twice;
        }
        at = at.start + value.start..at.start + value.end;
    }
    Found::One(at)
}

fn split(names: &str) -> Option<Box<[Box<str>]>> {
    names.split('.').map(|name| is_name(name).then(|| name.into())).collect()
}

/// Whether a text is a member's name as tables write them.
pub(super) fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The params with `7` at the place, or the spot's name where it is not to be written.
    fn check(place: &str, params: &str, expected: &str) {
        let place_read = Place::parse(place).unwrap();
        let written = |at: Range<usize>, before: &str, after: &str| {
            format!("{}{before}7{after}{}", &params[..at.start], &params[at.end..])
        };
        let shown = match place_read.find(Form::of(params).unwrap(), params) {
            Spot::Value(at) => format!("value {}", &params[at]),
            Spot::Null(at) => written(at, "", ""),
            Spot::Gap(gap) => written(gap.at, gap.before, gap.after),
            spot => format!("{spot:?}"),
        };
        assert_eq!(shown, expected, "{place} in {params}");
    }

    #[test]
    fn a_value_is_found_by_position_by_name_or_either() {
        check("1", r#"[1, "b" ]"#, r#"value "b""#);
        check("1.b.c", r#"[1,{"a":0,"b":{"c":[2]}}]"#, "value [2]");
        check(".hash", r#"{"a":{"hash":1},"hash":2}"#, "value 2");
        check("1|.hash", r#"{"hash":2}"#, "value 2");
        check("1|.hash", "[3,4]", "value 4");
        check(".", r#"{"a":1}"#, r#"value {"a":1}"#);
    }

    #[test]
    fn what_is_left_out_is_written_where_it_belongs() {
        check("0", "", "[7]");
        check("0", "[ ]", "[7 ]");
        check("1", "[1]", "[1,7]");
        check("1", "[1,null]", "[1,7]");
        check("1", "[]", "Short");
        check("2", "[1]", "Short");
        check("2|.c", "[1]", "[1,null,7]");
        check("4|.c", "[1,2]", "[1,2,null,null,7]");
        check("1|.c", "[]", "Short");
        check("1|.c", "", "Short");
        check("0|.c", "null", "[7]");
        check(".c", "", r#"{"c":7}"#);
        check(".c", "{ }", r#"{"c":7 }"#);
        check(".c", r#"{ "a":1 }"#, r#"{ "a":1,"c":7 }"#);
        check(".c", r#"{"c": null}"#, r#"{"c": 7}"#);
    }

    #[test]
    fn what_would_not_be_read_there_is_not_written() {
        check("1.a", "[1,{}]", "Inside");
        check("1.a", r#"[1,{"a":null}]"#, "Inside");
        check("1.a", "[1]", "Inside");
        check(".a.b", r#"{"a":{}}"#, "Inside");
        check(".a", r#"{"a":1,"\u0061":2}"#, "Twice");
        check(".a", "[1]", "Nowhere");
        check("1", "{}", "Nowhere");
    }

    #[test]
    fn a_place_is_a_position_below_16_or_names_or_both() {
        for good in ["0", "15", "1.a", ".", ".a_b", "0|.a", "1.b.c|.d.e"] {
            assert!(Place::parse(good).is_some(), "{good}");
        }
        for bad in ["", "16", "-1", "a", "1.", "1..a", ".a.", "0|", "0|a", "|.a", ".é", "0|.a|.b"]
        {
            assert_eq!(Place::parse(bad), None, "{bad}");
        }
    }
}
