//! The table of keys for others to read: a JSON schema for editors and CI, a
//! page for people. Both are committed; tests fail when they are stale.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use crate::config::{
    keys::ROOT,
    kind::{Absent, Key, Kind, Literal, Table},
    unit,
};

/// The JSON schema (draft 2020-12) of the config: `headrace schema`.
///
/// It is as strict as one value at a time can be; what keys mean together only
/// `headrace check` knows. Texts may hold `${NAME}` anywhere.
pub fn schema() -> String {
    let mut schema = table_schema(&ROOT);
    if let Value::Object(members) = &mut schema {
        let draft = "https://json-schema.org/draft/2020-12/schema";
        members.insert("$schema".to_owned(), json!(draft));
        members.insert("title".to_owned(), json!("Headrace configuration"));
    }
    let mut text = serde_json::to_string_pretty(&schema).unwrap_or_default();
    text.push('\n');
    text
}

fn table_schema(table: &Table) -> Value {
    let property = |key: &Key| {
        let mut schema = kind_schema(&key.kind);
        if let Value::Object(members) = &mut schema {
            let note = match key.absent {
                Absent::Means(words) => format!("{} Absent: {words}.", key.doc),
                _ => key.doc.to_owned(),
            };
            members.insert("description".to_owned(), json!(note));
            if let Absent::Is(literal) = key.absent {
                members.insert("default".to_owned(), literal_value(literal));
            }
        }
        (key.name.to_owned(), schema)
    };
    let properties: Map<String, Value> = table.keys.iter().map(property).collect();
    let required = table.keys.iter().filter(|key| matches!(key.absent, Absent::Refused));
    let required: Vec<&str> = required.map(|key| key.name).collect();
    let mut schema = json!({
        "type": "object",
        "description": table.doc,
        "properties": properties,
        "additionalProperties": false,
    });
    if let (false, Value::Object(members)) = (required.is_empty(), &mut schema) {
        members.insert("required".to_owned(), json!(required));
    }
    schema
}

fn kind_schema(kind: &Kind) -> Value {
    match kind {
        Kind::Bool => json!({ "type": "boolean" }),
        Kind::Integer { min, max } => json!({ "type": "integer", "minimum": min, "maximum": max }),
        Kind::Number { min, max } => json!({ "type": "number", "minimum": min, "maximum": max }),
        Kind::Duration { .. } => text_schema(unit::DURATION_PATTERN),
        Kind::Size { .. } => text_schema(unit::SIZE_PATTERN),
        Kind::Text(form) => text_schema(form.pattern()),
        Kind::Word { words, .. } => text_schema(&format!("({})", words.join("|"))),
        Kind::Secret => json!({ "anyOf": [
            { "type": "string", "minLength": 1 },
            {
                "type": "object",
                "properties": { "file": { "type": "string", "minLength": 1 } },
                "required": ["file"],
                "additionalProperties": false,
            },
        ] }),
        Kind::List { of, max } => json!({
            "type": "array",
            "items": kind_schema(of),
            "minItems": 1,
            "maxItems": max,
            "uniqueItems": true,
        }),
        Kind::Table(table) => table_schema(table),
        Kind::Map { key, of } => json!({
            "type": "object",
            "propertyNames": { "pattern": format!("^{}$", key.pattern()) },
            "additionalProperties": kind_schema(of),
        }),
        Kind::Either(kinds) => {
            json!({ "anyOf": kinds.iter().map(kind_schema).collect::<Vec<_>>() })
        }
    }
}

/// A text of a pattern, or one that has a variable in it.
fn text_schema(pattern: &str) -> Value {
    json!({ "type": "string", "pattern": format!(r"^({pattern}|.*\$\{{.*)$") })
}

fn literal_value(literal: Literal) -> Value {
    match literal {
        Literal::Bool(value) => json!(value),
        Literal::Integer(value) => json!(value),
        Literal::Number(value) => json!(value),
        Literal::Text(value) => json!(value),
        Literal::Texts(values) => json!(values),
        Literal::EmptyTable => json!({}),
    }
}

/// The page `docs/config.md`.
pub fn docs() -> String {
    let mut page = INTRODUCTION.to_owned();
    table_docs("", &ROOT, &mut page);
    page
}

const INTRODUCTION: &str = "\
<!-- Generated from gateway/src/config/keys.rs; a test fails when it is stale. -->
# Configuration

One TOML file. `headrace check FILE` reports every problem of it at once, `headrace diff OLD NEW`
says what a reload would change, `headrace schema` prints the JSON schema for editors.

* Texts may hold `${NAME}` or `${NAME:-default}` from the environment; `$${` is a plain `${`.
* Secrets are `{ file = \"…\" }` (a path relative to the config file, or absolute), `\"${NAME}\"`, or a
  text, which warns.
* Durations and sizes have a unit: `250ms`, `10s`, `2m`, `1h`; `512B`, `256KiB`, `5MiB`, `1GiB`.
* An unknown key, a key of a later version and a key that would do nothing are refused.
* Everything can change while the gateway runs but `server.listen`, `server.zone`,
  `server.threads` and `admin.listen`.
";

fn table_docs(path: &str, table: &Table, page: &mut String) {
    let title = if path.is_empty() { "The file".to_owned() } else { format!("`{path}`") };
    // Writing to a String cannot fail.
    let _ = write!(page, "\n## {title}\n\n{}\n\n", table.doc);
    page.push_str("| key | value | default | meaning |\n|---|---|---|---|\n");
    for key in table.keys {
        let default = match key.absent {
            Absent::Refused => "must be written".to_owned(),
            Absent::Means(words) => words.to_owned(),
            Absent::Is(Literal::EmptyTable) => "as below".to_owned(),
            Absent::Is(literal) => format!("`{}`", literal_value(literal)),
        };
        let allowed = brief(&key.kind).replace('|', "\\|");
        let _ = writeln!(page, "| `{}` | {allowed} | {default} | {} |", key.name, key.doc);
    }
    for key in table.keys {
        let path =
            if path.is_empty() { key.name.to_owned() } else { format!("{path}.{}", key.name) };
        inner_docs(&path, &key.kind, page);
    }
}

/// The sections of the tables inside a value. A window has none of its own.
fn inner_docs(path: &str, kind: &Kind, page: &mut String) {
    match kind {
        Kind::Table(table) if table.keys.len() > 1 => table_docs(path, table, page),
        Kind::List { of, .. } => inner_docs(&format!("{path}[]"), of, page),
        Kind::Map { of, .. } => inner_docs(&format!("{path}.NAME"), of, page),
        // One table, or a list of the same: it is told once.
        Kind::Either([first @ Kind::Table(one), Kind::List { of: Kind::Table(other), .. }])
            if std::ptr::eq(*one, *other) =>
        {
            inner_docs(path, first, page);
        }
        Kind::Either(kinds) => kinds.iter().for_each(|kind| inner_docs(path, kind, page)),
        _ => {}
    }
}

fn brief(kind: &Kind) -> String {
    match kind {
        Kind::Table(table) if table.keys.len() == 1 => "`{ window = n }`".to_owned(),
        Kind::Table(_) => "a table, below".to_owned(),
        Kind::Map { of: Kind::Table(_), .. } => "tables by name, below".to_owned(),
        Kind::Map { key, .. } => format!("a table of secrets; keys: {}", key.allowed()),
        Kind::List { of: Kind::Table(_), .. } => "a list of tables, below".to_owned(),
        Kind::Either(kinds) => kinds.iter().map(brief).collect::<Vec<_>>().join("; or "),
        kind => kind.allowed(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every schema of an object inside `schema`.
    fn objects<'s>(schema: &'s Value, found: &mut Vec<&'s Value>) {
        match schema {
            Value::Object(members) => {
                if members.contains_key("properties") {
                    found.push(schema);
                }
                members.values().for_each(|member| objects(member, found));
            }
            Value::Array(items) => items.iter().for_each(|item| objects(item, found)),
            _ => {}
        }
    }

    #[test]
    fn no_table_of_the_schema_takes_unknown_keys() {
        let schema: Value = serde_json::from_str(&schema()).unwrap();
        let mut found = Vec::new();
        objects(&schema, &mut found);
        assert!(found.len() > 10, "{}", found.len());
        for object in found {
            assert_eq!(object["additionalProperties"], json!(false), "{object}");
        }
    }

    #[test]
    fn every_key_has_a_word_of_explanation() {
        fn check(table: &Table) {
            assert!(table.doc.ends_with('.'), "{}", table.doc);
            for key in table.keys {
                assert!(key.doc.len() > 5 && key.doc.ends_with(['.', '…']), "{}", key.name);
                if let Kind::Table(inner) | Kind::List { of: Kind::Table(inner), .. } = &key.kind {
                    check(inner);
                }
            }
        }
        check(&ROOT);
    }
}
