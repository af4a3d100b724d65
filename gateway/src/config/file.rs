//! The config as written: TOML into a tree of typed values, each with its place,
//! by the table of keys ([`super::keys`]).
//!
//! What this reader refuses: syntax errors, unknown keys, wrong types, units,
//! bounds and forms, undefined variables, unreadable secrets. It goes on after
//! each, so that one look at the output is enough. What keys mean together is
//! not its business: that is [`super::check`].

mod list;
mod scalar;
mod variable;

pub use scalar::is_wide;

use std::{collections::HashSet, path::Path, time::Duration};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use crate::config::{
    Files, Secret,
    form::clip,
    kind::{Absent, Kind, Literal, Table},
    problem::{Place, Problems, closest},
};

/// Looks a variable up; the process's own is [`system`].
pub type Env<'e> = &'e dyn Fn(&str) -> Option<String>;

/// A variable of the process; one that is not UTF-8 counts as undefined.
pub fn system(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// A value with its place.
#[derive(Clone, Debug)]
pub struct Item {
    pub place: Place,
    /// False for a default that stands in for a key that was left out.
    pub written: bool,
    pub datum: Datum,
}

/// A value of the kind that the table of keys asks for, within its bounds.
#[derive(Clone, Debug)]
pub enum Datum {
    Bool(bool),
    Integer(u64),
    Number(f64),
    Duration(Duration),
    Size(u64),
    Text(String),
    Secret(Secret),
    List(Vec<Item>),
    Table(Fields),
}

/// The keys of one table that were readable, defaults filled in.
#[derive(Clone, Debug, Default)]
pub struct Fields {
    pub place: Place,
    entries: Vec<(String, Item)>,
    /// Keys that are written but could not be read: each is a problem already.
    unreadable: Vec<&'static str>,
}

/// Reads a whole text. `None` when its grammar is broken: what it means cannot
/// be judged then, but keys and values on the sound lines have been.
/// Files of secrets that are read on the way are noted in `files`.
pub fn read(
    problems: &mut Problems<'_>,
    folder: &Path,
    env: Env<'_>,
    files: &mut Files,
) -> Option<Fields> {
    let (table, errors) = DeTable::parse_recoverable(problems.text());
    let broken = syntax(problems, &errors);
    let mut reader = Reader { problems, folder, env, files, broken };
    let fields = reader.table(&super::keys::ROOT, table.get_ref(), Place::default());
    errors.is_empty().then_some(fields)
}

struct Reader<'p, 't> {
    problems: &'p mut Problems<'t>,
    folder: &'p Path,
    env: Env<'p>,
    files: &'p mut Files,
    broken: Broken,
}

/// Lines whose syntax is broken: what the parser made of them is not judged again.
#[derive(Default)]
struct Broken {
    lines: HashSet<usize>,
    /// From this line on nothing is judged: a bracket before it was never closed,
    /// or a broken header left its keys in the wrong table.
    from: Option<usize>,
}

impl Broken {
    fn has(&self, line: usize) -> bool {
        self.lines.contains(&line) || self.from.is_some_and(|from| line >= from)
    }
}

/// Reports one syntax error per line, the first, and nothing of what an unclosed
/// bracket swallowed.
fn syntax(problems: &mut Problems<'_>, errors: &[toml::de::Error]) -> Broken {
    let mut broken = Broken::default();
    let text = problems.text();
    let end = text.trim_end().len();
    let at = |error: &toml::de::Error| error.span().map_or(0, |span| span.start);
    let unclosed = errors.iter().any(|error| at(error) >= end);
    for error in errors {
        let line = problems.line_of(at(error));
        if broken.lines.contains(&line) {
            continue;
        }
        broken.lines.insert(line);
        problems.error(&Place::new(at(error), ""), format!("not TOML: {}", error.message()));
        let before = text.get(..at(error)).and_then(|text| text.rsplit('\n').next());
        if unclosed || before.is_some_and(|line| line.trim_start().starts_with('[')) {
            broken.from.get_or_insert(line);
        }
        if unclosed {
            break;
        }
    }
    broken
}

type Value<'i> = Spanned<DeValue<'i>>;

impl Reader<'_, '_> {
    fn table(&mut self, table: &Table, written: &DeTable<'_>, place: Place) -> Fields {
        for (name, _) in written.iter() {
            self.refuse_unknown(table, name.get_ref(), &place, name.span().start);
        }
        let mut fields = Fields { place, ..Fields::default() };
        for key in table.keys {
            let path = join(&fields.place.path, key.name);
            let item = match written.get(key.name) {
                Some(value) => self.value(&key.kind, value, path),
                None => self.absent(key.absent, &key.kind, Place { at: fields.place.at, path }),
            };
            match item {
                Some(item) => fields.entries.push((key.name.to_owned(), item)),
                None if written.contains_key(key.name) => fields.unreadable.push(key.name),
                None => {}
            }
        }
        fields
    }

    fn refuse_unknown(&mut self, table: &Table, name: &str, within: &Place, at: usize) {
        if table.keys.iter().any(|key| key.name == name) {
            return;
        }
        if self.problems.is_full() {
            return self.error(within, String::new(), None);
        }
        let place = Place { at, path: join(&within.path, name) };
        if table.later.contains(&name) {
            let message = format!("`{name}` is not supported by this version yet");
            return self.error(&place, message, None);
        }
        let names = table.keys.iter().map(|key| key.name);
        let message = match closest(name, names.chain(table.later.iter().copied())) {
            Some(near) => format!("unknown key `{}`, did you mean `{near}`?", clip(name)),
            None => format!("unknown key `{}`", clip(name)),
        };
        self.error(&place, message, Some(table.names()));
    }

    fn absent(&mut self, absent: Absent, kind: &Kind, place: Place) -> Option<Item> {
        let literal = match absent {
            Absent::Is(literal) => literal,
            Absent::Means(_) => return None,
            // After a syntax error the key may be there and unread.
            Absent::Refused if !self.broken.lines.is_empty() => return None,
            Absent::Refused => {
                let name = place.path.rsplit('.').next().unwrap_or_default().to_owned();
                self.error(&place, format!("`{name}` is missing"), Some(kind.allowed()));
                return None;
            }
        };
        let datum = self.literal(literal, kind, &place)?;
        Some(Item { place, written: false, datum })
    }

    fn literal(&mut self, literal: Literal, kind: &Kind, place: &Place) -> Option<Datum> {
        match (literal, kind) {
            (Literal::Bool(value), _) => Some(Datum::Bool(value)),
            (Literal::Integer(value), _) => Some(Datum::Integer(value)),
            (Literal::Number(value), _) => Some(Datum::Number(value)),
            (Literal::Text(text), Kind::Either(kinds)) => {
                self.text(kinds.first()?, text.to_owned(), place)
            }
            (Literal::Text(text), kind) => self.text(kind, text.to_owned(), place),
            (Literal::Texts(texts), _) => {
                let item = |text: &&str| Item {
                    place: place.clone(),
                    written: false,
                    datum: Datum::Text((*text).to_owned()),
                };
                Some(Datum::List(texts.iter().map(item).collect()))
            }
            (Literal::EmptyTable, Kind::Table(table)) => {
                Some(Datum::Table(self.table(table, &DeTable::new(), place.clone())))
            }
            (Literal::EmptyTable, _) => {
                Some(Datum::Table(Fields { place: place.clone(), ..Fields::default() }))
            }
        }
    }

    fn value(&mut self, kind: &Kind, value: &Value<'_>, path: String) -> Option<Item> {
        let place = Place { at: value.span().start, path };
        let datum = self.datum(kind, value, &place)?;
        Some(Item { place, written: true, datum })
    }

    fn datum(&mut self, kind: &Kind, value: &Value<'_>, place: &Place) -> Option<Datum> {
        match (kind, value.get_ref()) {
            (Kind::Bool, DeValue::Boolean(value)) => Some(Datum::Bool(*value)),
            (Kind::Integer { min, max }, DeValue::Integer(value)) => {
                self.integer(value, *min..=*max, kind, place)
            }
            (Kind::Number { min, max }, DeValue::Integer(_) | DeValue::Float(_)) => {
                self.number(value.get_ref(), *min..=*max, kind, place)
            }
            (
                Kind::Duration { .. } | Kind::Size { .. } | Kind::Text(_) | Kind::Word { .. },
                DeValue::String(text),
            ) => {
                let text = self.interpolate(text, value.span(), place)?.text;
                self.text(kind, text, place)
            }
            (Kind::Secret, DeValue::String(text)) => self.secret_text(text, value.span(), place),
            (Kind::Secret, DeValue::Table(table)) => self.secret_file(table, place),
            (Kind::List { of, max }, DeValue::Array(values)) => self.list(of, *max, values, place),
            (Kind::Table(table), DeValue::Table(written)) => {
                Some(Datum::Table(self.table(table, written, place.clone())))
            }
            (Kind::Map { key, of }, DeValue::Table(written)) => {
                Some(Datum::Table(self.map(*key, of, written, place)))
            }
            (Kind::Either(kinds), written) => match kinds.iter().find(|kind| kind.takes(written)) {
                Some(kind) => self.datum(kind, value, place),
                None => self.wrong_type(kind, written, place),
            },
            (_, written) => self.wrong_type(kind, written, place),
        }
    }

    fn wrong_type(&mut self, kind: &Kind, value: &DeValue<'_>, place: &Place) -> Option<Datum> {
        let unit = match kind {
            Kind::Duration { .. } | Kind::Size { .. } => " without a unit",
            _ => "",
        };
        let message = match value {
            DeValue::Integer(_) | DeValue::Float(_) => format!("is a number{unit}"),
            DeValue::String(_) => "is a text".to_owned(),
            DeValue::Boolean(_) => "is a boolean".to_owned(),
            DeValue::Datetime(_) => "is a date or time".to_owned(),
            DeValue::Array(_) => "is a list".to_owned(),
            DeValue::Table(_) => "is a table".to_owned(),
        };
        self.error(place, message, Some(kind.allowed()));
        None
    }

    /// Adds an error, unless the parser has already complained about its line.
    fn error(&mut self, place: &Place, message: String, allowed: Option<String>) {
        let sound = self.broken.lines.is_empty();
        if !sound && self.broken.has(self.problems.line_of(place.at)) {
            return;
        }
        match allowed {
            Some(allowed) => self.problems.error_allowed(place, message, allowed),
            None => self.problems.error(place, message),
        }
    }
}

/// `key` under `path`, quoted where TOML would want it.
pub fn join(path: &str, key: &str) -> String {
    let key = super::print::key(key);
    if path.is_empty() { key } else { format!("{path}.{key}") }
}

impl Fields {
    pub fn get(&self, name: &str) -> Option<&Item> {
        self.entries.iter().find(|(key, _)| key == name).map(|(_, item)| item)
    }

    /// Whether `name` was left out, which is not the same as written and unreadable.
    pub fn is_absent(&self, name: &str) -> bool {
        self.get(name).is_none() && !self.unreadable.contains(&name)
    }

    /// Keys and values in the order of the table (of the name, for a map).
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Item)> {
        self.entries.iter().map(|(key, item)| (key.as_str(), item))
    }

    /// Where `name` stands, or the table where it was left out.
    pub fn place(&self, name: &str) -> Place {
        match self.get(name) {
            Some(item) => item.place.clone(),
            None => Place { at: self.place.at, path: join(&self.place.path, name) },
        }
    }

    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Item::text)
    }

    pub fn bool(&self, name: &str) -> bool {
        matches!(self.get(name), Some(Item { datum: Datum::Bool(true), .. }))
    }

    pub fn integer(&self, name: &str) -> Option<u64> {
        match self.get(name)?.datum {
            Datum::Integer(value) | Datum::Size(value) => Some(value),
            _ => None,
        }
    }

    pub fn number(&self, name: &str) -> Option<f64> {
        match self.get(name)?.datum {
            Datum::Number(value) => Some(value),
            _ => None,
        }
    }

    pub fn duration(&self, name: &str) -> Option<Duration> {
        match self.get(name)?.datum {
            Datum::Duration(value) => Some(value),
            _ => None,
        }
    }

    pub fn secret(&self, name: &str) -> Option<Secret> {
        match &self.get(name)?.datum {
            Datum::Secret(secret) => Some(secret.clone()),
            _ => None,
        }
    }

    /// The items of a list; none where it was left out.
    pub fn list(&self, name: &str) -> &[Item] {
        match self.get(name) {
            Some(Item { datum: Datum::List(items), .. }) => items,
            _ => &[],
        }
    }

    pub fn table(&self, name: &str) -> Option<&Fields> {
        self.get(name).and_then(Item::table)
    }
}

impl Item {
    pub fn text(&self) -> Option<&str> {
        match &self.datum {
            Datum::Text(text) => Some(text),
            _ => None,
        }
    }

    pub fn table(&self) -> Option<&Fields> {
        match &self.datum {
            Datum::Table(fields) => Some(fields),
            _ => None,
        }
    }
}
