//! One row of a method table as written, and every problem in it.

use toml::{Table, Value};

use super::{
    BlockChoice, BlockPlace, ByHash, Cache, Class, Data, InObject, Lane, Method, MethodIndex, Null,
    PinnedAs, Place, ReferenceKind, Timeout, place::is_name,
};
use crate::family::Family;

/// Largest weight of one call.
const MAX_WEIGHT: u32 = 1_000_000;

const CLASSES: &[(&str, Class)] = &[
    ("read", Class::Read),
    ("write", Class::Write),
    ("subscribe", Class::Subscribe),
    ("unsubscribe", Class::Unsubscribe),
    ("session", Class::Session),
    ("local", Class::Local),
    ("refuse", Class::Refuse),
];
const DATA: &[(&str, Data)] = &[
    ("none", Data::None),
    ("header", Data::Header),
    ("body", Data::Body),
    ("state", Data::State),
    ("logs", Data::Logs),
    ("mempool", Data::Mempool),
];
const CACHES: &[(&str, Cache)] = &[
    ("final", Cache::Final),
    ("executed", Cache::Executed),
    ("head", Cache::Head),
    ("finalized_head", Cache::FinalizedHead),
    ("chain", Cache::Chain),
    ("never", Cache::Never),
];
const TIMEOUTS: &[(&str, Timeout)] = &[
    ("cheap", Timeout::Cheap),
    ("heavy", Timeout::Heavy),
    ("trace", Timeout::Trace),
    ("wait", Timeout::Wait),
];
const NULLS: &[(&str, Null)] = &[("answer", Null::Answer), ("gap", Null::Gap)];
const LANES: &[(&str, Lane)] = &[
    ("light", Lane::Light),
    ("state", Lane::State),
    ("logs", Lane::Logs),
    ("trace", Lane::Trace),
    ("write", Lane::Write),
];
const KINDS: &[(&str, ReferenceKind)] = &[
    ("any", ReferenceKind::Any),
    ("number", ReferenceKind::Number),
    ("numbers", ReferenceKind::Numbers),
    ("hash", ReferenceKind::Hash),
    ("range", ReferenceKind::Range),
    ("open_range", ReferenceKind::OpenRange),
    ("reference", ReferenceKind::Reference),
    ("id", ReferenceKind::Id),
];
const PATHS: &[(&str, &str)] = &[("v3d", "v3d"), ("rosetta", "rosetta")];
const OMITTED: &[(&str, bool)] = &[("local", true)];
const COLUMNS: &str = "class, block, data, cache, weight, full_weight, range_weight, timeout, \
                       null, lane, transaction, by_hash, in_block, omitted, requires, pinned_as, \
                       tip_at, path, kind";
const PLACE: &str = "a place in the params such as \"0\", \".name\" or \"0|.name\"";

/// What is wrong with a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowProblem {
    /// The row's name as written.
    pub row: String,
    /// `None`: the row as a whole.
    pub column: Option<String>,
    pub message: String,
    pub allowed: String,
}

/// A column's value is wrong: what would be right.
struct Wrong(String);

/// A row before any column is read: the defaults of the columns.
pub(super) fn blank(family: Family, name: &str) -> Method {
    Method {
        index: MethodIndex(0),
        name: name.into(),
        family,
        class: Class::Read,
        block: BlockPlace::None,
        by_hash: ByHash::No,
        data: Data::None,
        cache: Cache::Never,
        weight: 1,
        full_weight: None,
        range_weight: 0,
        timeout: Timeout::Cheap,
        null: Null::Answer,
        lane: Lane::Light,
        transaction: None,
        in_block: None,
        omitted_is_local: false,
        requires: None,
        pinned_as: None,
        tip_at: None,
        path: None,
        kind: None,
    }
}

/// Sets the columns that `columns` has; the lane follows class, timeout and data
/// where one of them is set and it is not.
pub(super) fn apply(row: &mut Method, columns: &Table, problems: &mut Vec<RowProblem>) {
    let family = row.family;
    let name = row.name.to_string();
    let problem = |column: Option<&str>, message: String, allowed: String| RowProblem {
        row: name.clone(),
        column: column.map(str::to_owned),
        message,
        allowed,
    };
    if let Err(Wrong(allowed)) = check_name(&row.name) {
        problems.push(problem(None, "is no method name".into(), allowed));
    }
    for (column, value) in columns {
        match set(row, family, column, value) {
            Some(Ok(())) => {}
            Some(Err(Wrong(allowed))) => {
                let message = format!("{} is not allowed here", shown(value));
                problems.push(problem(Some(column), message, allowed));
            }
            None => {
                problems.push(problem(Some(column), "is no column".into(), COLUMNS.into()));
            }
        }
    }
    let decides = ["class", "timeout", "data"];
    if !columns.contains_key("lane") && decides.iter().any(|column| columns.contains_key(*column)) {
        row.lane = derived_lane(row);
    }
}

/// Whether an override made the gateway answer what it cannot.
pub(super) fn check_local(before: Class, row: &Method) -> Option<RowProblem> {
    (row.class == Class::Local && before != Class::Local).then(|| RowProblem {
        row: row.name.to_string(),
        column: Some("class".to_owned()),
        message: "the gateway cannot answer this method itself".to_owned(),
        allowed: "any class but local".to_owned(),
    })
}

/// `None`: there is no such column.
fn set(row: &mut Method, family: Family, column: &str, value: &Value) -> Option<Result<(), Wrong>> {
    Some(match column {
        "class" => word(value, CLASSES).map(|class| row.class = class),
        "block" => block_place(family, value).map(|block| row.block = block),
        "data" => word(value, DATA).map(|data| row.data = data),
        "cache" => word(value, CACHES).map(|cache| row.cache = cache),
        "weight" => number(value, 1, MAX_WEIGHT).map(|weight| row.weight = weight),
        "full_weight" => number(value, 1, MAX_WEIGHT).map(|weight| row.full_weight = Some(weight)),
        "range_weight" => number(value, 0, MAX_WEIGHT).map(|weight| row.range_weight = weight),
        "timeout" => word(value, TIMEOUTS).map(|timeout| row.timeout = timeout),
        "null" => word(value, NULLS).map(|null| row.null = null),
        "lane" => word(value, LANES).map(|lane| row.lane = lane),
        "transaction" => transaction(value).map(|place| row.transaction = Some(place)),
        "by_hash" => by_hash(value).map(|by_hash| row.by_hash = by_hash),
        "in_block" => member_name(value).map(|name| row.in_block = Some(name)),
        "omitted" => word(value, OMITTED).map(|local| row.omitted_is_local = local),
        "requires" => place(value).map(|place| row.requires = Some(place)),
        "pinned_as" => pinned_as(value).map(|other| row.pinned_as = Some(other)),
        "tip_at" => member_name(value).map(|name| row.tip_at = Some(name)),
        "path" => word(value, PATHS).map(|path| row.path = Some(path)),
        "kind" => member_name(value).map(|name| row.kind = Some(name)),
        _ => return None,
    })
}

const fn derived_lane(row: &Method) -> Lane {
    match (row.class, row.timeout, row.data) {
        (Class::Write, _, _) => Lane::Write,
        (_, Timeout::Trace, _) => Lane::Trace,
        (_, _, Data::State) => Lane::State,
        (_, _, Data::Logs) => Lane::Logs,
        (_, _, Data::None | Data::Header | Data::Body | Data::Mempool) => Lane::Light,
    }
}

fn check_name(name: &str) -> Result<(), Wrong> {
    let stem = name.strip_suffix('*').unwrap_or(name);
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    if name.is_empty() || name.len() > 128 || !stem.bytes().all(plain) {
        return Err(Wrong("up to 128 of a-z A-Z 0-9 _ - . with one * at the end".into()));
    }
    Ok(())
}

fn word<T: Copy>(value: &Value, words: &[(&str, T)]) -> Result<T, Wrong> {
    let text = value.as_str().unwrap_or_default();
    let found = words.iter().find(|(word, _)| *word == text);
    found.map(|(_, meaning)| *meaning).ok_or_else(|| {
        let words: Vec<_> = words.iter().map(|(word, _)| *word).collect();
        Wrong(words.join(", "))
    })
}

fn number(value: &Value, least: u32, most: u32) -> Result<u32, Wrong> {
    let number = value.as_integer().and_then(|number| u32::try_from(number).ok());
    let within = number.filter(|number| (least..=most).contains(number));
    within.ok_or_else(|| Wrong(format!("a whole number from {least} to {most}")))
}

fn by_hash(value: &Value) -> Result<ByHash, Wrong> {
    match value.as_str() {
        Some("never") => Ok(ByHash::No),
        Some("in_place") => Ok(ByHash::InPlace),
        Some(method) if !method.ends_with('*') && check_name(method).is_ok() => {
            Ok(ByHash::As(method.into()))
        }
        _ => Err(Wrong("never, in_place, or the name of a method".into())),
    }
}

fn member_name(value: &Value) -> Result<Box<str>, Wrong> {
    let name = value.as_str().filter(|name| is_name(name));
    name.map(Into::into).ok_or_else(|| Wrong("the name of a member: a-z A-Z 0-9 _".into()))
}

fn place(value: &Value) -> Result<Place, Wrong> {
    value.as_str().and_then(Place::parse).ok_or_else(|| Wrong(PLACE.into()))
}

/// A position, a place, or the params themselves.
fn transaction(value: &Value) -> Result<Place, Wrong> {
    let place = match value {
        Value::Integer(_) => {
            let position = number(value, 0, 15)?;
            u8::try_from(position).ok().map(|position| Place::item(position, [].into()))
        }
        Value::String(text) if text == "params" => Place::parse("."),
        Value::String(text) => Place::parse(text),
        _ => None,
    };
    place.ok_or_else(|| Wrong(format!("a whole number from 0 to 15, params, or {PLACE}")))
}

/// `METHOD .MEMBER`
fn pinned_as(value: &Value) -> Result<PinnedAs, Wrong> {
    let wrong = || Wrong("a method and the member that names its block: METHOD .MEMBER".into());
    let (method, member) =
        value.as_str().and_then(|text| text.split_once(' ')).ok_or_else(wrong)?;
    let member = InObject::parse(member).filter(|member| member.names.len() == 1);
    if method.ends_with('*') || check_name(method).is_err() {
        return Err(wrong());
    }
    Ok(PinnedAs { method: method.into(), member: member.ok_or_else(wrong)? })
}

fn block_place(family: Family, value: &Value) -> Result<BlockPlace, Wrong> {
    match value.as_str() {
        Some("none") => Ok(BlockPlace::None),
        Some("tip") => Ok(BlockPlace::Tip),
        Some(text) => param_place(family, text).ok_or_else(|| places(family)),
        None => Err(places(family)),
    }
}

fn places(family: Family) -> Wrong {
    let kinds = KINDS.iter().filter(|(_, kind)| family.has_kind(*kind));
    let kinds: Vec<_> = kinds.map(|(word, _)| *word).collect();
    Wrong(format!(
        "none, tip, or a place in the params and a kind ({}) such as \"1 {}?\"; several with \" | \" \
         between, the last may be tip",
        kinds.join(", "),
        kinds.first().unwrap_or(&"hash"),
    ))
}

/// `PLACE KIND[?]`, several of them with a bar and blanks between; `tip` may be the last.
fn param_place(family: Family, text: &str) -> Option<BlockPlace> {
    let (text, else_tip) = match text.strip_suffix(" | tip") {
        Some(before) => (before, true),
        None => (text, false),
    };
    let choices: Option<Box<[_]>> =
        text.split(" | ").map(|choice| block_choice(family, choice)).collect();
    Some(BlockPlace::Params { choices: choices?, else_tip })
}

/// A range, an id or named members may not be omitted; a range is a param of its own, and
/// named members are those of the params.
fn block_choice(family: Family, text: &str) -> Option<BlockChoice> {
    let (place, kind) = text.split_once(' ')?;
    let (kind, optional) = match kind.strip_suffix('?') {
        Some(kind) => (kind, true),
        None => (kind, false),
    };
    let kind = word(&Value::from(kind), KINDS).ok().filter(|kind| family.has_kind(*kind))?;
    let whole = place == ".";
    let place = Place::parse(place)?;
    let fits = match kind {
        ReferenceKind::Reference => whole && !optional,
        ReferenceKind::Range | ReferenceKind::OpenRange => {
            let item = place.list.as_ref().is_some_and(|list| list.names.is_empty());
            item && place.object.is_none() && !optional
        }
        ReferenceKind::Id => !whole && !optional,
        ReferenceKind::Any
        | ReferenceKind::Number
        | ReferenceKind::Numbers
        | ReferenceKind::Hash => !whole,
    };
    fits.then_some(BlockChoice { place, kind, optional })
}

/// A value in a message: short, and never a whole table.
fn shown(value: &Value) -> String {
    match value {
        Value::Table(_) | Value::Array(_) => format!("a {}", value.type_str()),
        _ => value.to_string().chars().take(40).collect(),
    }
}
