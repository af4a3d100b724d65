//! `${NAME}` and `${NAME:-default}` inside texts. As in a shell, the default also
//! stands in for an empty variable. `$${` is a plain `${`.

use std::ops::Range;

use super::{Env, Reader};
use crate::config::problem::Place;

/// A text with its variables filled in.
pub(super) struct Filled {
    pub text: String,
    /// Whether any of it came from the environment.
    pub from_env: bool,
}

/// What is wrong with a reference, and the part of the text that shows it.
#[derive(Debug, PartialEq, Eq)]
struct Bad {
    message: String,
    shown: String,
}

impl Reader<'_, '_> {
    /// Fills variables in; a problem stands at the reference, not at the text's begin.
    pub(super) fn interpolate(
        &mut self,
        text: &str,
        span: Range<usize>,
        place: &Place,
    ) -> Option<Filled> {
        match fill(text, self.env) {
            Ok(filled) => Some(filled),
            Err(bad) => {
                let source = self.problems.text().get(span).unwrap_or_default();
                let offset = source.find(&bad.shown).unwrap_or(0);
                let place = Place { at: place.at + offset, path: place.path.clone() };
                let allowed = "${NAME} of a defined variable, or ${NAME:-default}".to_owned();
                self.error(&place, bad.message, Some(allowed));
                None
            }
        }
    }
}

fn fill(text: &str, env: Env<'_>) -> Result<Filled, Bad> {
    let mut filled = Filled { text: String::with_capacity(text.len()), from_env: false };
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        if let Some(before) = rest[..at].strip_suffix('$') {
            filled.text.push_str(before);
            filled.text.push_str("${");
            rest = &rest[at + 2..];
            continue;
        }
        filled.text.push_str(&rest[..at]);
        let body = &rest[at + 2..];
        let Some(end) = body.find('}') else {
            let shown = rest[at..].to_owned();
            return Err(Bad { message: "has a `${` without `}`".to_owned(), shown });
        };
        filled.text.push_str(&value(&body[..end], env)?);
        filled.from_env = true;
        rest = &body[end + 1..];
    }
    filled.text.push_str(rest);
    Ok(filled)
}

fn value(reference: &str, env: Env<'_>) -> Result<String, Bad> {
    let (name, default) = match reference.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (reference, None),
    };
    let shown = format!("${{{reference}");
    if !is_name(name) {
        return Err(Bad { message: "has a `${…}` that names no variable".to_owned(), shown });
    }
    match (env(name), default) {
        (Some(value), None) => Ok(value),
        (Some(value), Some(_)) if !value.is_empty() => Ok(value),
        (_, Some(default)) => Ok(default.to_owned()),
        (None, None) => {
            Err(Bad { message: format!("the variable `{name}` is not defined"), shown })
        }
    }
}

fn is_name(name: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let begins = name.bytes().next().is_some_and(|byte| !byte.is_ascii_digit());
    begins && name.bytes().all(letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fills `text` in with `A = one`, `EMPTY` = nothing, and compares text or complaint.
    fn check(text: &str, expected: Result<&str, &str>) {
        let env = |name: &str| match name {
            "A" => Some("one".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        };
        let filled = fill(text, &env).map(|filled| filled.text).map_err(|bad| bad.message);
        assert_eq!(filled, expected.map(str::to_owned).map_err(str::to_owned), "{text}");
    }

    #[test]
    fn variables_are_filled_in_and_undefined_ones_refused() {
        check("plain $ {} text", Ok("plain $ {} text"));
        check("${A}", Ok("one"));
        check("x${A}y${A}z", Ok("xoneyonez"));
        check("${B:-two}", Ok("two"));
        check("${A:-two}", Ok("one"));
        check("${B:-}", Ok(""));
        check("${EMPTY}", Ok(""));
        check("${EMPTY:-two}", Ok("two"));
        check("${B}", Err("the variable `B` is not defined"));
        check("${A", Err("has a `${` without `}`"));
        check("${}", Err("has a `${…}` that names no variable"));
        check("${1A}", Err("has a `${…}` that names no variable"));
        check("${A-x}", Err("has a `${…}` that names no variable"));
    }

    #[test]
    fn a_doubled_dollar_is_a_plain_one() {
        check("$${A}", Ok("${A}"));
        check("$${A} ${A}", Ok("${A} one"));
        check("$$", Ok("$$"));
    }

    #[test]
    fn a_variable_that_looks_like_a_reference_is_not_filled_in_again() {
        let env = |_: &str| Some("${A}".to_owned());
        assert_eq!(fill("${A}", &env).map(|filled| filled.text), Ok("${A}".to_owned()));
    }
}
