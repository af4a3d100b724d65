//! Durations and sizes with their units: `20us`, `250ms`, `3s`, `10min`, `1h`; `200MiB`.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Deserializer, de};

/// A duration as written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(pub Duration);

impl Time {
    #[must_use]
    pub const fn seconds(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }

    #[must_use]
    pub const fn millis(millis: u64) -> Self {
        Self(Duration::from_millis(millis))
    }

    /// Reads a number with a unit.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let units = [("ms", 0.001), ("us", 1e-6), ("min", 60.0), ("s", 1.0), ("h", 3_600.0)];
        let (seconds, _) = number(text, &units)?;
        Duration::try_from_secs_f64(seconds).ok().map(Self)
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        let text = String::deserialize(reader)?;
        let wrong =
            || de::Error::custom(format!("{text:?} is no time: a number and us, ms, s, min or h"));
        Self::read(&text).ok_or_else(wrong)
    }
}

/// A size as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bytes(pub u64);

impl Bytes {
    /// Reads a number with a unit.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "bounded above and below"
    )]
    pub fn read(text: &str) -> Option<Self> {
        let units = [("KiB", 1_024.0), ("MiB", 1_048_576.0), ("GiB", 1_073_741_824.0)];
        let (bytes, _) = number(text, &units)?;
        (0.0..1e15).contains(&bytes).then_some(Self(bytes as u64))
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        let text = String::deserialize(reader)?;
        let wrong =
            || de::Error::custom(format!("{text:?} is no size: a number and KiB, MiB or GiB"));
        Self::read(&text).ok_or_else(wrong)
    }
}

/// The number before the first unit that ends the text, in base units.
fn number<'u>(text: &str, units: &[(&'u str, f64)]) -> Option<(f64, &'u str)> {
    let (unit, factor) = units.iter().find(|(unit, _)| text.ends_with(unit))?;
    let digits = text.strip_suffix(unit)?;
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let value: f64 = digits.parse().ok()?;
    plain.then_some((value * factor, *unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<Duration>) {
        assert_eq!(Time::read(text).map(|time| time.0), expected, "{text}");
    }

    #[test]
    fn times_need_a_unit_and_a_plain_number() {
        check("250ms", Some(Duration::from_millis(250)));
        check("20us", Some(Duration::from_micros(20)));
        check("1.5s", Some(Duration::from_millis(1_500)));
        check("10min", Some(Duration::from_secs(600)));
        check("2h", Some(Duration::from_secs(7_200)));
        for bad in ["", "s", "3", "-1s", "1e3s", "infs", "3 s", "1d", "1.1.1s"] {
            check(bad, None);
        }
    }

    #[test]
    fn sizes_are_binary() {
        assert_eq!(Bytes::read("200MiB"), Some(Bytes(200 << 20)));
        assert_eq!(Bytes::read("1.5KiB"), Some(Bytes(1_536)));
        assert_eq!(Bytes::read("200MB"), None);
        assert_eq!(Bytes::read("99999999GiB"), None);
    }
}
