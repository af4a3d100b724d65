//! Paths: normalised once, then matched exactly.
//!
//! There is one spelling of each route. Anything that some other server might
//! read differently (empty and dot segments, encoded separators, parameters) is
//! no path of ours.

use std::borrow::Cow;

use crate::client::key::{Digest, digest};

/// The path in its one spelling, without a trailing slash; `None` for a path
/// that no route can have.
pub(super) fn normal(path: &str) -> Option<Cow<'_, str>> {
    if path == "/" {
        return Some(Cow::Borrowed(path));
    }
    let path = if path.contains('%') { Cow::Owned(decode(path)?) } else { Cow::Borrowed(path) };
    let trimmed = path.strip_suffix('/').unwrap_or(&path);
    let length = trimmed.len();
    let segments = trimmed.strip_prefix('/')?;
    if !segments.split('/').all(is_plain) {
        return None;
    }
    Some(match path {
        Cow::Borrowed(path) => Cow::Borrowed(&path[..length]),
        Cow::Owned(mut path) => {
            path.truncate(length);
            Cow::Owned(path)
        }
    })
}

/// Unreserved characters (RFC 3986 section 2.3) only; a trailing dot is none.
fn is_plain(segment: &str) -> bool {
    !segment.is_empty() && !segment.ends_with('.') && segment.bytes().all(is_unreserved)
}

const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// Decodes encoded unreserved characters; `None` when anything else is encoded.
fn decode(path: &str) -> Option<String> {
    let mut parts = path.split('%');
    let mut decoded = parts.next()?.to_owned();
    for part in parts {
        let digits =
            part.get(..2).filter(|digits| digits.bytes().all(|d| d.is_ascii_hexdigit()))?;
        let byte = u8::from_str_radix(digits, 16).ok().filter(|byte| is_unreserved(*byte))?;
        decoded.push(char::from(byte));
        decoded.push_str(part.get(2..)?);
    }
    Some(decoded)
}

/// The digest of the key that a path ends in. The key itself goes no further.
pub(super) fn key(path: &str) -> Option<Digest> {
    path.rsplit_once('/').map(|(_, key)| digest(key.as_bytes()))
}

/// Whether a query carries what looks like a key: a client that believes
/// it is known must hear that it is not.
pub(super) fn has_key(query: &str) -> bool {
    const NAMES: [&str; 6] = ["key", "apikey", "api_key", "api-key", "token", "access_token"];
    query.split('&').any(|pair| {
        let name = pair.split('=').next().unwrap_or_default();
        NAMES.iter().any(|known| name.eq_ignore_ascii_case(known))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(path: &str, expected: Option<&str>) {
        assert_eq!(normal(path).as_deref(), expected, "{path}");
    }

    #[test]
    fn a_path_has_one_spelling() {
        check("/", Some("/"));
        check("/eth", Some("/eth"));
        check("/eth/", Some("/eth"));
        check("/%65th", Some("/eth"));
        check("/%65th/", Some("/eth"));
        check("/icon/api/v3", Some("/icon/api/v3"));
    }

    #[test]
    fn tricks_are_no_path() {
        for path in [
            "",
            "*",
            "eth",
            "//",
            "//eth",
            "/eth//",
            "/eth/.",
            "/eth/..",
            "/%2e%2e/eth",
            "/.%2e",
            "/eth;x=1",
            "/eth%00",
            "/eth%2f",
            "/eth%",
            "/eth%4",
            "/eth%zz",
            "/eth%+5",
            "/eth.",
            "/eth%2e",
            "/%2565th",
            "/eth\\x",
            "/eth:1",
            "/eth/%c3%a9",
        ] {
            check(path, None);
        }
    }

    #[test]
    fn a_key_in_the_query_is_seen() {
        for (query, expected) in [
            ("", false),
            ("x=1", false),
            ("key=abc", true),
            ("x=1&apiKey=abc", true),
            ("token", true),
            ("monkey=1", false),
        ] {
            assert_eq!(has_key(query), expected, "{query}");
        }
    }

    proptest! {
        #[test]
        fn normalising_twice_changes_nothing(path in "/[a-z%./;0-9]{0,20}") {
            if let Some(once) = normal(&path) {
                let twice = normal(&once).map(Cow::into_owned);
                prop_assert_eq!(twice.as_deref(), Some(&*once));
            }
        }
    }
}
