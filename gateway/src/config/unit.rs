//! Durations and sizes as written: a whole number and a unit. A bare number is
//! refused: `timeout = 30` has cost too many nights.

use std::time::Duration;

/// Units of time, smallest first, in milliseconds.
const TIMES: [(&str, u64); 4] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000)];
/// Units of size, smallest first, in bytes.
const SIZES: [(&str, u64); 4] = [("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)];

/// Regular expressions of both forms, for the JSON schema.
pub const DURATION_PATTERN: &str = "[0-9]+(ms|s|m|h)";
pub const SIZE_PATTERN: &str = "[0-9]+(B|KiB|MiB|GiB)";

/// Reads `250ms`, `10s`, `2m`, `1h`.
///
/// # Errors
/// What is wrong with the text.
pub fn read_duration(text: &str) -> Result<Duration, String> {
    read(text, &TIMES).map(Duration::from_millis)
}

/// Reads `512B`, `256KiB`, `5MiB`, `1GiB` as bytes.
///
/// # Errors
/// What is wrong with the text.
pub fn read_size(text: &str) -> Result<u64, String> {
    read(text, &SIZES)
}

/// The shortest text that reads back as `duration` (whole milliseconds).
pub fn duration(duration: Duration) -> String {
    write(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX), &TIMES)
}

/// The shortest text that reads back as `bytes`.
pub fn size(bytes: u64) -> String {
    write(bytes, &SIZES)
}

fn read(text: &str, units: &[(&str, u64)]) -> Result<u64, String> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    if number.is_empty() {
        return Err(format!("`{text}` is not a whole number with a unit"));
    }
    if unit.is_empty() {
        return Err(format!("`{text}` has no unit"));
    }
    let Some((_, factor)) = units.iter().find(|(name, _)| *name == unit) else {
        return Err(format!("`{text}` has an unknown unit `{unit}`"));
    };
    let value = number.parse::<u64>().ok().and_then(|number| number.checked_mul(*factor));
    value.ok_or_else(|| format!("`{text}` is too large"))
}

fn write(value: u64, units: &[(&str, u64)]) -> String {
    let whole = |(_, factor): &&(&str, u64)| value.is_multiple_of(*factor) && value >= *factor;
    match units.iter().rev().find(whole) {
        Some((name, factor)) => format!("{}{name}", value / factor),
        None => format!("{value}{}", units[0].0),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_duration_is_a_whole_number_with_a_unit() {
        let rows = [
            ("250ms", Ok(250)),
            ("10s", Ok(10_000)),
            ("2m", Ok(120_000)),
            ("1h", Ok(3_600_000)),
            ("0s", Ok(0)),
            ("10", Err("`10` has no unit")),
            ("s", Err("`s` is not a whole number with a unit")),
            ("1.5s", Err("`1.5s` has an unknown unit `.5s`")),
            ("-1s", Err("`-1s` is not a whole number with a unit")),
            ("10 s", Err("`10 s` has an unknown unit ` s`")),
            ("10S", Err("`10S` has an unknown unit `S`")),
            ("5MiB", Err("`5MiB` has an unknown unit `MiB`")),
            ("99999999999999999999s", Err("`99999999999999999999s` is too large")),
            ("18446744073709551615h", Err("`18446744073709551615h` is too large")),
        ];
        for (text, expected) in rows {
            let expected = expected.map(Duration::from_millis).map_err(str::to_owned);
            assert_eq!(read_duration(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_written_size_reads_back(bytes: u64) {
            prop_assert_eq!(read_size(&size(bytes)), Ok(bytes));
        }

        #[test]
        fn a_written_duration_reads_back(millis: u64) {
            let value = Duration::from_millis(millis);
            prop_assert_eq!(read_duration(&duration(value)), Ok(value));
        }
    }
}
