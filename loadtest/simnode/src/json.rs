//! JSON written straight into a string, for every family.

use std::fmt::Write as _;

use crate::hash::push_hex;

/// Appends a hex quantity in quotes.
pub fn quantity(out: &mut String, value: u128) {
    // Writing to a string cannot fail.
    let _ = write!(out, "\"{value:#x}\"");
}

/// Appends bytes as a hex string in quotes.
pub fn data(out: &mut String, bytes: &[u8]) {
    out.push_str("\"0x");
    push_hex(out, bytes);
    out.push('"');
}

/// Appends a JSON string; `text` needs no escapes.
pub fn plain(out: &mut String, text: &str) {
    out.push('"');
    out.push_str(text);
    out.push('"');
}

/// Writes the members of one object, commas included.
#[derive(Debug)]
pub struct Members<'a> {
    out: &'a mut String,
    first: bool,
}

impl<'a> Members<'a> {
    pub fn open(out: &'a mut String) -> Self {
        out.push('{');
        Self { out, first: true }
    }

    pub fn close(self) {
        self.out.push('}');
    }

    /// Starts a member whose value the caller appends.
    pub fn name(&mut self, name: &str) -> &mut String {
        if !self.first {
            self.out.push(',');
        }
        self.first = false;
        self.out.push('"');
        self.out.push_str(name);
        self.out.push_str("\":");
        self.out
    }

    pub fn quantity(&mut self, name: &str, value: impl Into<u128>) -> &mut Self {
        quantity(self.name(name), value.into());
        self
    }

    pub fn data(&mut self, name: &str, bytes: &[u8]) -> &mut Self {
        data(self.name(name), bytes);
        self
    }

    /// A number as JSON has it.
    pub fn number(&mut self, name: &str, value: u64) -> &mut Self {
        // Writing to a string cannot fail.
        let _ = write!(self.name(name), "{value}");
        self
    }

    /// A string without escapes.
    pub fn text(&mut self, name: &str, value: &str) -> &mut Self {
        plain(self.name(name), value);
        self
    }

    pub fn raw(&mut self, name: &str, text: &str) -> &mut Self {
        self.name(name).push_str(text);
        self
    }
}

/// Appends an array, one item after another.
pub fn array<T>(
    out: &mut String,
    items: impl IntoIterator<Item = T>,
    mut write: impl FnMut(&mut String, T),
) {
    out.push('[');
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write(out, item);
    }
    out.push(']');
}
