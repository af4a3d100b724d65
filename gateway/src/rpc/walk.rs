//! Walking over JSON text that was checked before: the items of an array, the
//! members of an object, as byte ranges. No checks, no copies; text that is no
//! JSON ends a walk early and never panics.

use std::{borrow::Cow, ops::Range};

use super::scan::{special, unescape};

/// The items of a raw array, as ranges of `raw`. Empty if it is no array.
pub fn items(raw: &str) -> impl Iterator<Item = Range<usize>> {
    let mut walk = Walk::into(raw, b'[');
    std::iter::from_fn(move || {
        let value = walk.value()?;
        walk.separator();
        Some(value)
    })
}

/// The members of a raw object: the decoded name, and the value's range of `raw`.
/// Empty if it is no object.
pub fn members(raw: &str) -> impl Iterator<Item = (Cow<'_, str>, Range<usize>)> {
    member_ranges(raw).map_while(|(name, value)| Some((text(raw.get(name)?)?, value)))
}

/// The members of a raw object: the ranges of the name, in its quotes, and of the value.
pub fn member_ranges(raw: &str) -> impl Iterator<Item = (Range<usize>, Range<usize>)> {
    let mut walk = Walk::into(raw, b'{');
    std::iter::from_fn(move || {
        let name = walk.value()?;
        walk.separator();
        let value = walk.value()?;
        walk.separator();
        Some((name, value))
    })
}

/// The range of the value of the member `name` at the top level of a raw object.
pub fn find_range(raw: &str, name: &str) -> Option<Range<usize>> {
    members(raw).find(|(found, _)| found == name).map(|(_, value)| value)
}

/// The raw value of the member `name` at the top level of a raw object.
pub fn find<'a>(raw: &'a str, name: &str) -> Option<&'a str> {
    find_range(raw, name).and_then(|range| raw.get(range))
}

/// The decoded text of a raw JSON string; `None` if it is no string.
pub fn text(raw: &str) -> Option<Cow<'_, str>> {
    Some(unescape(raw.strip_prefix('"')?.strip_suffix('"')?))
}

/// Whether a raw value is `null`.
pub fn is_null(raw: &str) -> bool {
    raw.trim_matches([' ', '\n', '\r', '\t']) == "null"
}

/// The end of the value that begins at `at`; `None` if the text ends before it does.
/// A scalar without a delimiter behind it counts as ended.
pub(crate) fn value_end(text: &[u8], mut at: usize) -> Option<usize> {
    match *text.get(at)? {
        b'"' => return string_end(text, at),
        b'{' | b'[' => {}
        _ => return Some(scalar_end(text, at)),
    }
    let mut depth = 0_usize;
    loop {
        match *text.get(at)? {
            b'"' => {
                at = string_end(text, at)?;
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            _ => {}
        }
        at += 1;
        if depth == 0 {
            return Some(at);
        }
    }
}

/// Behind the closing quote of the string that opens at `at`.
pub(crate) fn string_end(text: &[u8], at: usize) -> Option<usize> {
    let mut at = at + 1;
    loop {
        at = special(text, at)?;
        match text[at] {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

fn scalar_end(text: &[u8], at: usize) -> usize {
    let ends = |byte: &u8| matches!(byte, b',' | b'}' | b']' | b':' | b' ' | b'\n' | b'\r' | b'\t');
    let rest = text.get(at..).unwrap_or_default();
    rest.iter().position(ends).map_or(text.len(), |n| at + n)
}

/// A place inside one container.
struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Walk<'a> {
    fn into(raw: &'a str, opening: u8) -> Self {
        let mut walk = Self { bytes: raw.as_bytes(), at: 0 };
        walk.space();
        let found = walk.bytes.get(walk.at) == Some(&opening);
        walk.at = if found { walk.at + 1 } else { walk.bytes.len() };
        walk
    }

    fn value(&mut self) -> Option<Range<usize>> {
        self.space();
        if matches!(self.bytes.get(self.at)?, b']' | b'}' | b',' | b':') {
            return None;
        }
        let start = self.at;
        self.at = value_end(self.bytes, start)?;
        Some(start..self.at)
    }

    /// Consumes a comma or a colon.
    fn separator(&mut self) {
        self.space();
        self.at += usize::from(matches!(self.bytes.get(self.at), Some(b',' | b':')));
    }

    fn space(&mut self) {
        while matches!(self.bytes.get(self.at), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(raw: &str, expected: &[&str]) {
        let found: Vec<_> = items(raw).map(|range| &raw[range]).collect();
        assert_eq!(found, expected, "{raw}");
    }

    #[test]
    fn items_are_the_raw_texts_between_commas() {
        check("[]", &[]);
        check("[ ]", &[]);
        check("[1]", &["1"]);
        check(
            r#" [ "a,]" , {"b":[1,2]},[ ] ,null ]"#,
            &[r#""a,]""#, r#"{"b":[1,2]}"#, "[ ]", "null"],
        );
        check(r#"["\"", "\\"]"#, &[r#""\"""#, r#""\\""#]);
        check("{}", &[]);
        check("7", &[]);
    }

    #[test]
    fn text_that_is_no_json_ends_a_walk() {
        for raw in ["[", "[1", "[\"", "[[", "{\"a\":", "[}", "]", "", "[,", "{:", "[\"\\"] {
            assert!(items(raw).count() <= 1, "{raw}");
            assert_eq!(members(raw).count(), 0, "{raw}");
        }
    }

    #[test]
    fn a_member_is_found_at_the_top_level_only_and_under_its_decoded_name() {
        let raw = r#"{"a":{"number":"0x1"}, "numb\u0065r" : "0x2" ,"hash":null}"#;
        assert_eq!(find(raw, "number"), Some("\"0x2\""));
        assert_eq!(find(raw, "hash"), Some("null"));
        assert_eq!(find(raw, "b"), None);
        assert_eq!(find("[1]", "b"), None);
    }

    #[test]
    fn null_is_null_with_or_without_space() {
        assert!(is_null("null") && is_null(" null\n"));
        assert!(!is_null("\"null\"") && !is_null("nul") && !is_null(""));
    }
}
