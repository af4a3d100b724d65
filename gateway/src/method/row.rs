//! One row of a method table as written, and every problem in it.

use toml::{Table, Value};

use super::{
    BlockPlace, ByHash, Cache, Class, Data, Lane, Method, MethodIndex, Null, ReferenceKind, Timeout,
};

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
    ("hash", ReferenceKind::Hash),
    ("range", ReferenceKind::Range),
    ("open_range", ReferenceKind::OpenRange),
];
const COLUMNS: &str = "class, block, data, cache, weight, full_weight, range_weight, timeout, \
                       null, lane, transaction, by_hash, in_block";
const PLACES: &str = "none, tip, or a position and a kind (any, number, hash, range, open_range) \
                      such as \"1 any?\" or \"0.member number\"";

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
pub(super) fn blank(name: &str) -> Method {
    Method {
        index: MethodIndex(0),
        name: name.into(),
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
    }
}

/// Sets the columns that `columns` has; the lane follows class, timeout and data
/// where one of them is set and it is not.
pub(super) fn apply(row: &mut Method, columns: &Table, problems: &mut Vec<RowProblem>) {
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
        match set(row, column, value) {
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
fn set(row: &mut Method, column: &str, value: &Value) -> Option<Result<(), Wrong>> {
    Some(match column {
        "class" => word(value, CLASSES).map(|class| row.class = class),
        "block" => place(value).map(|block| row.block = block),
        "data" => word(value, DATA).map(|data| row.data = data),
        "cache" => word(value, CACHES).map(|cache| row.cache = cache),
        "weight" => number(value, 1, MAX_WEIGHT).map(|weight| row.weight = weight),
        "full_weight" => number(value, 1, MAX_WEIGHT).map(|weight| row.full_weight = Some(weight)),
        "range_weight" => number(value, 0, MAX_WEIGHT).map(|weight| row.range_weight = weight),
        "timeout" => word(value, TIMEOUTS).map(|timeout| row.timeout = timeout),
        "null" => word(value, NULLS).map(|null| row.null = null),
        "lane" => word(value, LANES).map(|lane| row.lane = lane),
        "transaction" => number(value, 0, 15).map(|at| row.transaction = u8::try_from(at).ok()),
        "by_hash" => by_hash(value).map(|by_hash| row.by_hash = by_hash),
        "in_block" => member_name(value).map(|name| row.in_block = Some(name)),
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
    let plain = |name: &&str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric());
    let name = value.as_str().filter(plain);
    name.map(Into::into).ok_or_else(|| Wrong("the name of a member: a-z A-Z 0-9".into()))
}

fn place(value: &Value) -> Result<BlockPlace, Wrong> {
    match value.as_str() {
        Some("none") => Ok(BlockPlace::None),
        Some("tip") => Ok(BlockPlace::Tip),
        Some(text) => param_place(text).ok_or_else(|| Wrong(PLACES.into())),
        None => Err(Wrong(PLACES.into())),
    }
}

/// `POSITION[.MEMBER] KIND[?]`; a range may not be omitted, nor a member of it be named.
fn param_place(text: &str) -> Option<BlockPlace> {
    let (path, kind) = text.split_once(' ')?;
    let optional = kind.ends_with('?');
    let kind = word(&Value::from(kind.trim_end_matches('?')), KINDS).ok()?;
    let (position, member) = match path.split_once('.') {
        Some((position, member)) => (position, Some(member)),
        None => (path, None),
    };
    let range = matches!(kind, ReferenceKind::Range | ReferenceKind::OpenRange);
    if member == Some("") || (range && (optional || member.is_some())) {
        return None;
    }
    let position = position.parse().ok().filter(|position| *position < 16)?;
    Some(BlockPlace::Param { position, member: member.map(Into::into), kind, optional })
}

/// A value in a message: short, and never a whole table.
fn shown(value: &Value) -> String {
    match value {
        Value::Table(_) | Value::Array(_) => format!("a {}", value.type_str()),
        _ => value.to_string().chars().take(40).collect(),
    }
}
