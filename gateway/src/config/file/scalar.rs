//! Single values: numbers within bounds, texts of a form, secrets.

use std::ops::{Range, RangeInclusive};
use std::path::Path;

use toml::de::{DeInteger, DeTable, DeValue};

use super::{Datum, Reader};
use crate::config::{
    Secret,
    edge::HASHED,
    form::clip,
    kind::Kind,
    problem::{Place, closest},
    unit,
};

/// Bytes that are read of a secret's file.
const SECRET_BYTES: u64 = 64 << 10;

impl Reader<'_, '_> {
    pub(super) fn integer(
        &mut self,
        value: &DeInteger<'_>,
        bounds: RangeInclusive<u64>,
        kind: &Kind,
        place: &Place,
    ) -> Option<Datum> {
        let number = u64::from_str_radix(value.as_str(), value.radix()).ok();
        match number.filter(|number| bounds.contains(number)) {
            Some(number) => Some(Datum::Integer(number)),
            None => self.out_of_bounds(value.as_str(), kind, place),
        }
    }

    pub(super) fn number(
        &mut self,
        value: &DeValue<'_>,
        bounds: RangeInclusive<f64>,
        kind: &Kind,
        place: &Place,
    ) -> Option<Datum> {
        let text = match value {
            DeValue::Float(value) => value.as_str(),
            DeValue::Integer(value) => value.as_str(),
            _ => "",
        };
        match text.parse::<f64>().ok().filter(|number| bounds.contains(number)) {
            // + 0.0: there is no −0 in a config.
            Some(number) => Some(Datum::Number(number + 0.0)),
            None => self.out_of_bounds(text, kind, place),
        }
    }

    fn out_of_bounds(&mut self, text: &str, kind: &Kind, place: &Place) -> Option<Datum> {
        self.error(place, format!("`{}` is out of bounds", clip(text)), Some(kind.allowed()));
        None
    }

    /// Reads a text whose variables are filled in.
    pub(super) fn text(&mut self, kind: &Kind, text: String, place: &Place) -> Option<Datum> {
        if text.trim().is_empty() {
            self.error(place, "is empty".to_owned(), Some(kind.allowed()));
            return None;
        }
        let read = match kind {
            Kind::Duration { min, max } => match unit::read_duration(&text) {
                Ok(value) if (*min..=*max).contains(&value) => Ok(Datum::Duration(value)),
                Ok(_) => Err(format!("`{}` is out of bounds", clip(&text))),
                Err(message) => Err(message),
            },
            Kind::Size { min, max } => match unit::read_size(&text) {
                Ok(value) if (*min..=*max).contains(&value) => Ok(Datum::Size(value)),
                Ok(_) => Err(format!("`{}` is out of bounds", clip(&text))),
                Err(message) => Err(message),
            },
            Kind::Word { words, later } => read_word(&text, words, later),
            Kind::Text(form) => form.check(&text).map(|()| Datum::Text(text)),
            _ => Err("is a text".to_owned()),
        };
        match read {
            Ok(datum) => Some(datum),
            Err(message) => {
                self.error(place, message, Some(kind.allowed()));
                None
            }
        }
    }

    pub(super) fn secret_text(
        &mut self,
        text: &str,
        span: Range<usize>,
        place: &Place,
    ) -> Option<Datum> {
        let filled = self.interpolate(text, span, place)?;
        let harmless = filled.text.trim().is_empty() || filled.text.starts_with(HASHED);
        if !filled.from_env && !harmless {
            let message = "is a secret in plain text: use { file = \"…\" } or ${NAME}";
            self.problems.warn(place, message);
        }
        self.secret(&filled.text, place)
    }

    pub(super) fn secret_file(&mut self, table: &DeTable<'_>, place: &Place) -> Option<Datum> {
        for (name, _) in table.iter().filter(|(name, _)| name.get_ref() != "file") {
            let message = format!("unknown key `{}`", clip(name.get_ref()));
            let path = super::join(&place.path, name.get_ref());
            self.error(&Place { at: name.span().start, path }, message, Some("file".to_owned()));
        }
        let path = format!("{}.file", place.path);
        let Some(value) = table.get("file") else {
            let place = Place { at: place.at, path };
            self.error(&place, "`file` is missing".to_owned(), Some(Kind::Secret.allowed()));
            return None;
        };
        let item = self.value(&Kind::Text(crate::config::form::Form::File), value, path)?;
        let path = super::super::check::resolve(self.folder, item.text()?);
        match read_secret(&path) {
            Ok((text, wide)) => {
                self.files.add(&path, text.as_bytes());
                if wide {
                    let message = "can be read by others: its mode is wider than 0640";
                    self.problems.warn(&item.place, message);
                }
                self.secret(&text, &item.place)
            }
            Err(message) => {
                self.error(&item.place, message, None);
                None
            }
        }
    }

    /// A secret travels in a header, so it must fit into one.
    fn secret(&mut self, text: &str, place: &Place) -> Option<Datum> {
        if text.trim().is_empty() {
            self.error(place, "is empty".to_owned(), Some(Kind::Secret.allowed()));
            return None;
        }
        if http::HeaderValue::from_str(text).is_err() {
            let message = "has characters that no header can carry (line ends, control characters)";
            self.error(place, message.to_owned(), None);
            return None;
        }
        Some(Datum::Secret(Secret::new(text)))
    }
}

fn read_word(text: &str, words: &[&str], later: &[&str]) -> Result<Datum, String> {
    if words.contains(&text) {
        return Ok(Datum::Text(text.to_owned()));
    }
    if later.contains(&text) {
        return Err(format!("`{text}` is not supported by this version yet"));
    }
    let shown = clip(text);
    Err(match closest(text, words.iter().copied()) {
        Some(near) => format!("`{shown}` is unknown, did you mean `{near}`?"),
        None => format!("`{shown}` is unknown"),
    })
}

/// The text of a secret's file without the line end at its end, and whether its
/// mode is wider than 0640.
fn read_secret(path: &Path) -> Result<(String, bool), String> {
    let wide = is_wide(path);
    let bytes = crate::config::load::read_bounded(path, SECRET_BYTES)?;
    match String::from_utf8(bytes) {
        Ok(text) => Ok((text.trim_end_matches(['\r', '\n']).to_owned(), wide)),
        Err(_) => Err(format!("{} is not UTF-8", path.display())),
    }
}

/// Whether group may write, or others may do anything, with the file.
#[cfg(unix)]
pub fn is_wide(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;

    std::fs::metadata(path).is_ok_and(|meta| meta.permissions().mode() & 0o037 != 0)
}

#[cfg(not(unix))]
pub fn is_wide(_path: &Path) -> bool {
    false
}
