//! What the table of keys is made of: keys, what they must be, what it means to
//! leave them out.

use std::time::Duration;

use toml::de::DeValue;

use crate::config::{form::Form, unit};

/// A group of keys.
#[derive(Debug)]
pub struct Table {
    pub doc: &'static str,
    pub keys: &'static [Key],
    /// Keys of later versions: refused as such, never silently accepted.
    pub later: &'static [&'static str],
}

/// One key.
#[derive(Debug)]
pub struct Key {
    pub name: &'static str,
    pub kind: Kind,
    pub absent: Absent,
    pub doc: &'static str,
}

/// What it means to leave a key out.
#[derive(Clone, Copy, Debug)]
pub enum Absent {
    /// It must be written.
    Refused,
    /// The same as this value.
    Is(Literal),
    /// What the words say; the reader yields nothing.
    Means(&'static str),
}

/// A value in the table itself.
#[derive(Clone, Copy, Debug)]
pub enum Literal {
    Bool(bool),
    Integer(u64),
    Number(f64),
    Text(&'static str),
    Texts(&'static [&'static str]),
    EmptyTable,
}

/// What a value must be. Bounds are inclusive.
#[derive(Debug)]
pub enum Kind {
    Bool,
    Integer {
        min: u64,
        max: u64,
    },
    Number {
        min: f64,
        max: f64,
    },
    Duration {
        min: Duration,
        max: Duration,
    },
    /// Bytes.
    Size {
        min: u64,
        max: u64,
    },
    Text(Form),
    Word {
        words: &'static [&'static str],
        later: &'static [&'static str],
    },
    /// A text or `{ file = "…" }`.
    Secret,
    /// Never empty; texts in it are distinct.
    List {
        of: &'static Kind,
        max: usize,
    },
    Table(&'static Table),
    /// Keys of the writer's choice, of one form.
    Map {
        key: Form,
        of: &'static Kind,
    },
    /// The first whose TOML type is the value's.
    Either(&'static [Kind]),
}

impl Kind {
    /// Whether a TOML value of this type is of this kind at all.
    pub fn takes(&self, value: &DeValue<'_>) -> bool {
        match self {
            Self::Bool => value.is_bool(),
            Self::Integer { .. } => value.is_integer(),
            Self::Number { .. } => value.is_integer() || value.is_float(),
            Self::Duration { .. } | Self::Size { .. } | Self::Text(_) | Self::Word { .. } => {
                value.is_str()
            }
            Self::Secret => value.is_str() || value.is_table(),
            Self::List { .. } => value.is_array(),
            Self::Table(_) | Self::Map { .. } => value.is_table(),
            Self::Either(kinds) => kinds.iter().any(|kind| kind.takes(value)),
        }
    }

    /// What a value must be, as shown after `allowed:`.
    pub fn allowed(&self) -> String {
        match self {
            Self::Bool => "true or false".to_owned(),
            Self::Integer { min, max } => match i64::try_from(*max) {
                Ok(i64::MAX) => format!("a whole number from {min}"),
                _ => format!("a whole number from {min} to {max}"),
            },
            Self::Number { min, max } => format!("a number from {min} to {max}"),
            Self::Duration { min, max } => {
                let (min, max) = (unit::duration(*min), unit::duration(*max));
                format!("a duration with unit (ms, s, m, h) from {min} to {max}, such as \"10s\"")
            }
            Self::Size { min, max } => {
                let (min, max) = (unit::size(*min), unit::size(*max));
                format!("a size with unit (B, KiB, MiB, GiB) from {min} to {max}, such as \"5MiB\"")
            }
            Self::Text(form) => form.allowed().to_owned(),
            Self::Word { words, .. } => {
                words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(" or ")
            }
            Self::Secret => "\"${NAME}\", { file = \"…\" }, or a text".to_owned(),
            Self::List { of, .. } => match of {
                Self::Table(table) => format!("a list of tables: {}", table.names()),
                of => format!("a list of: {}", of.allowed()),
            },
            Self::Table(table) => format!("a table of: {}", table.names()),
            Self::Map { key, of } => {
                format!("a table; its keys: {}; its values: {}", key.allowed(), of.allowed())
            }
            Self::Either(kinds) => {
                kinds.iter().map(Self::allowed).collect::<Vec<_>>().join("; or ")
            }
        }
    }
}

impl Table {
    /// The names of its keys, comma-separated.
    pub fn names(&self) -> String {
        self.keys.iter().map(|key| key.name).collect::<Vec<_>>().join(", ")
    }
}
