//! The rows of one family, found by a method's name.

use std::collections::HashMap;

use toml::{Table, Value};

use super::{
    Class, Method, MethodIndex,
    row::{RowProblem, apply, blank},
};
use crate::family::Family;

/// A family's table, overrides applied. Never empty: row 0 serves every method
/// that no other row does.
#[derive(Debug)]
pub struct MethodTable {
    family: Family,
    rows: Vec<Method>,
    exact: HashMap<Box<str>, MethodIndex>,
    /// Beginnings of names, longest first; the last one is empty (row 0).
    prefixes: Vec<(Box<str>, MethodIndex)>,
}

impl MethodTable {
    /// The table that ships with the gateway.
    pub fn for_family(family: Family) -> Self {
        // a test reads every embedded table without a problem
        Self::read(family, text(family)).0
    }

    /// Reads a table's text; rows with problems keep the columns that have none.
    pub fn read(family: Family, text: &str) -> (Self, Vec<RowProblem>) {
        let mut problems = Vec::new();
        let mut rows = vec![blank("*")];
        let written = text.parse::<Table>().unwrap_or_else(|error| {
            problems.push(whole(family.word(), error.message()));
            Table::new()
        });
        for (name, columns) in &written {
            let Value::Table(columns) = columns else {
                problems.push(whole(name, "is not a row: a table of columns is expected"));
                continue;
            };
            if name == "*" {
                apply(&mut rows[0], columns, &mut problems);
                continue;
            }
            let mut row = blank(name);
            apply(&mut row, columns, &mut problems);
            rows.push(row);
        }
        (Self::of(family, rows), problems)
    }

    /// The table with a chain's own rows: a column that is not set keeps what the
    /// row, or the row that served the name until now, has.
    ///
    /// # Errors
    ///
    /// Every problem in the rows.
    pub fn with_overrides<'r>(
        &self,
        overrides: impl IntoIterator<Item = (&'r str, &'r Table)>,
    ) -> Result<Self, Vec<RowProblem>> {
        let mut problems = Vec::new();
        let mut rows = self.rows.clone();
        for (name, columns) in overrides {
            let known = rows.iter_mut().find(|row| *row.name == *name);
            if let Some(row) = known {
                apply(row, columns, &mut problems);
                continue;
            }
            let mut row = Method { name: name.into(), ..self.row_of(name).clone() };
            apply(&mut row, columns, &mut problems);
            rows.push(row);
        }
        if problems.is_empty() { Ok(Self::of(self.family, rows)) } else { Err(problems) }
    }

    /// The row of a method. A name that has none of its own is also looked for in
    /// lower case among the refused ones, so that no spelling gets past them.
    pub fn row_of(&self, name: &str) -> &Method {
        if let Some(index) = self.exact.get(name) {
            return self.row(*index);
        }
        let row = self.by_prefix(name);
        if row.class == Class::Refuse {
            return row;
        }
        let refused =
            |row: &&Method| row.class == Class::Refuse && serves_any_case(&row.name, name);
        self.rows.iter().find(refused).unwrap_or(row)
    }

    /// The row of an index of this table; row 0 for any other.
    pub fn row(&self, index: MethodIndex) -> &Method {
        self.rows.get(usize::from(index.0)).unwrap_or(&self.rows[0])
    }

    /// All rows, in the order of their indexes.
    pub fn rows(&self) -> &[Method] {
        &self.rows
    }

    pub const fn family(&self) -> Family {
        self.family
    }

    fn of(family: Family, mut rows: Vec<Method>) -> Self {
        rows.truncate(usize::from(u16::MAX));
        let mut table = Self { family, rows: Vec::new(), exact: HashMap::new(), prefixes: vec![] };
        for (index, row) in (0_u16..).zip(&mut rows) {
            row.index = MethodIndex(index);
            match row.name.strip_suffix('*') {
                Some(prefix) => table.prefixes.push((prefix.into(), row.index)),
                None => {
                    table.exact.insert(row.name.clone(), row.index);
                }
            }
        }
        table.prefixes.sort_by_key(|(prefix, _)| std::cmp::Reverse(prefix.len()));
        Self { rows, ..table }
    }

    fn by_prefix(&self, name: &str) -> &Method {
        let found = self.prefixes.iter().find(|(prefix, _)| name.starts_with(&**prefix));
        self.row(found.map_or(MethodIndex(0), |(_, index)| *index))
    }
}

/// The shipped Ethereum table, so that a default is always a whole table.
impl Default for MethodTable {
    fn default() -> Self {
        Self::for_family(Family::Ethereum)
    }
}

const fn text(family: Family) -> &'static str {
    match family {
        Family::Ethereum => include_str!("../../../config/methods/ethereum.toml"),
    }
}

/// Whether a row serves a name if upper and lower case are the same.
fn serves_any_case(row: &str, name: &str) -> bool {
    match row.strip_suffix('*') {
        Some(prefix) => {
            let beginning = name.as_bytes().get(..prefix.len());
            beginning.is_some_and(|bytes| bytes.eq_ignore_ascii_case(prefix.as_bytes()))
        }
        None => row.eq_ignore_ascii_case(name),
    }
}

fn whole(row: &str, message: &str) -> RowProblem {
    RowProblem {
        row: row.to_owned(),
        column: None,
        message: message.to_owned(),
        allowed: "NAME = { column = value, … }".to_owned(),
    }
}
