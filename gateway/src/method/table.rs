//! The rows of one chain's methods, found by a method's name.

use std::collections::HashMap;

use toml::{Table, Value};

use super::{
    ByHash, Class, Method, MethodIndex,
    row::{RowProblem, apply, blank, check_local},
};
use crate::{
    family::Family,
    rpc::walk::{find, text as text_of},
};

/// A family's table, overrides applied. Never empty: row 0 serves every method
/// that no other row does.
#[derive(Debug)]
pub struct MethodTable {
    family: Family,
    rows: Vec<Method>,
    exact: HashMap<Box<str>, MethodIndex>,
    /// Beginnings of names, longest first; the last one is empty (row 0).
    prefixes: Vec<(Box<str>, MethodIndex)>,
    /// Rows METHOD.VALUE: the method's row, the value, the row.
    kinds: Vec<(MethodIndex, Box<str>, MethodIndex)>,
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
        let mut rows = vec![blank(family, "*")];
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
            let mut row = blank(family, name);
            apply(&mut row, columns, &mut problems);
            rows.push(row);
        }
        (Self::of(family, rows), problems)
    }

    /// The table with the rows of the family whose methods nodes of this one may speak
    /// besides; `None` where there is none. Blocks have another hash there, so none is named
    /// by one.
    pub fn with_evm(&self) -> Option<Self> {
        let (other, asked) = self.family.profile().evm?;
        let mut rows = self.rows.clone();
        for row in &Self::for_family(other).rows {
            if row.is_other() || self.exact.contains_key(&row.name) {
                continue;
            }
            let class = if asked.contains(&&*row.name) { Class::Read } else { row.class };
            rows.push(Method { class, by_hash: ByHash::No, ..row.clone() });
        }
        Some(Self::of(self.family, rows))
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
            let at = rows.iter().position(|row| *row.name == *name).unwrap_or_else(|| {
                rows.push(Method { name: name.into(), ..self.row_under(name).clone() });
                rows.len() - 1
            });
            let before = rows[at].class;
            apply(&mut rows[at], columns, &mut problems);
            problems.extend(check_local(before, &rows[at]));
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

    /// The row METHOD.VALUE, where a param is part of the method and there is one; else the
    /// method's own.
    pub(super) fn kind_of<'t>(&'t self, method: &'t Method, params: &str) -> &'t Method {
        let Some(member) = &method.kind else { return method };
        let Some(value) = find(params, member).and_then(text_of) else { return method };
        let mut kinds = self.kinds.iter();
        let found = kinds.find(|(of, kind, _)| *of == method.index && **kind == *value);
        found.map_or(method, |(_, _, index)| self.row(*index))
    }

    /// The row that a new row of that name begins as.
    fn row_under(&self, name: &str) -> &Method {
        let of = name.split_once('.').map(|(method, _)| self.row_of(method));
        of.filter(|method| method.kind.is_some()).unwrap_or_else(|| self.row_of(name))
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
        let (exact, prefixes, kinds) = (HashMap::new(), Vec::new(), Vec::new());
        let mut table = Self { family, rows: Vec::new(), exact, prefixes, kinds };
        for (index, row) in (0_u16..).zip(&mut rows) {
            row.index = MethodIndex(index);
        }
        for row in &rows {
            match (row.name.strip_suffix('*'), kind_row(&rows, &row.name)) {
                (Some(prefix), _) => table.prefixes.push((prefix.into(), row.index)),
                // no method has that name: only a call of `of` leads there
                (None, Some((of, value))) => table.kinds.push((of, value.into(), row.index)),
                (None, None) => {
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

pub(super) const fn text(family: Family) -> &'static str {
    match family {
        Family::Ethereum => include_str!("../../../config/methods/ethereum.toml"),
        Family::Substrate => include_str!("../../../config/methods/substrate.toml"),
        Family::Near => include_str!("../../../config/methods/near.toml"),
        Family::Icon => include_str!("../../../config/methods/icon.toml"),
    }
}

/// The method's row and the value, if a name is METHOD.VALUE of a method with kinds.
fn kind_row<'n>(rows: &[Method], name: &'n str) -> Option<(MethodIndex, &'n str)> {
    let (method, value) = name.split_once('.')?;
    let of = rows.iter().find(|row| *row.name == *method && row.kind.is_some())?;
    Some((of.index, value))
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
