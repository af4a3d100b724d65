//! When a client sends a call again: the rules of libraries, as they were measured, and a
//! model by numbers. Pure functions of what was heard; chance is an argument.
//!
//! Rules are of one call or batch as a whole. What they know of an answer is its status,
//! the code of its error object and `Retry-After`.

use std::time::Duration;

use crate::scenario::{Library, Model, Retry};

/// What an attempt was answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Heard<'a> {
    /// None of a broken connection or a time-out.
    pub status: Option<u16>,
    /// The code of the error object, where the body is one.
    pub code: Option<i64>,
    pub retry_after: Option<&'a str>,
}

impl Heard<'_> {
    fn seconds(&self) -> Option<u64> {
        self.retry_after?.trim().parse().ok()
    }
}

/// How long to wait before the next attempt, after `attempts` of them; `None`: this answer is
/// the last. `draw` is even between 0 and 1.
#[must_use]
pub fn next(rules: &Retry, attempts: u32, heard: Heard<'_>, draw: f64) -> Option<Duration> {
    match rules {
        Retry::Like(Library::Ethers) => ethers(attempts, heard, draw),
        Retry::Like(Library::Viem) => viem(attempts, heard),
        Retry::Like(Library::Web3) => web3(attempts, heard),
        Retry::Model(model) => by_numbers(model, attempts, heard),
    }
}

/// 429 only, 12 attempts; `Retry-After` counts as milliseconds where it has no leading zero,
/// else a random part of 250 ms doubled with each attempt.
fn ethers(attempts: u32, heard: Heard<'_>, draw: f64) -> Option<Duration> {
    if heard.status != Some(429) || attempts >= 12 {
        return None;
    }
    let plain = heard.retry_after.filter(|text| !text.starts_with('0'));
    let told = plain.and_then(|text| text.parse().ok()).map(Duration::from_millis);
    let slots = (draw * 2_f64.powi(i32::try_from(attempts - 1).unwrap_or(0))).trunc();
    Some(told.unwrap_or(Duration::from_millis(250).mul_f64(slots)))
}

/// Four attempts, 150 ms and doubled. An error object counts instead of the status, and
/// `Retry-After` is obeyed only without one.
fn viem(attempts: u32, heard: Heard<'_>) -> Option<Duration> {
    const STATUSES: [u16; 8] = [403, 408, 413, 429, 500, 502, 503, 504];
    let again = match (heard.code, heard.status) {
        (Some(code), _) => [-1, 429, -32_005, -32_603].contains(&code),
        (None, Some(status)) => STATUSES.contains(&status),
        (None, None) => true,
    };
    if !again || attempts >= 4 {
        return None;
    }
    let told = heard.seconds().filter(|_| heard.code.is_none()).map(Duration::from_secs);
    Some(told.unwrap_or(Duration::from_millis(150) * (1 << (attempts - 1))))
}

/// Every 4xx and 5xx and every broken connection: 5 attempts, 125 ms and doubled.
fn web3(attempts: u32, heard: Heard<'_>) -> Option<Duration> {
    let again = heard.status.is_none_or(|status| status >= 400);
    (again && attempts < 5).then(|| Duration::from_millis(125) * (1 << (attempts - 1)))
}

fn by_numbers(model: &Model, attempts: u32, heard: Heard<'_>) -> Option<Duration> {
    let again = heard.status.map_or(model.broken, |status| model.statuses.contains(&status));
    if !again || attempts >= model.attempts {
        return None;
    }
    let doubled = model.factor.powi(i32::try_from(attempts - 1).unwrap_or(0));
    Duration::try_from_secs_f64(model.pause.0.as_secs_f64() * doubled).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Time;

    /// The pauses in milliseconds between attempts that are all answered alike.
    fn check(rules: &Retry, heard: Heard<'_>, draw: f64, expected: &[u128]) {
        let pauses = (1..20).map_while(|attempts| next(rules, attempts, heard, draw));
        let pauses: Vec<_> = pauses.map(|pause| pause.as_millis()).collect();
        assert_eq!(pauses, expected, "{rules:?} {heard:?}");
    }

    fn heard(status: u16, code: Option<i64>, retry_after: Option<&str>) -> Heard<'_> {
        Heard { status: Some(status), code, retry_after }
    }

    const BROKEN: Heard<'_> = Heard { status: None, code: None, retry_after: None };

    #[test]
    fn ethers_takes_seconds_for_milliseconds_unless_they_begin_with_zero() {
        let ethers = Retry::Like(Library::Ethers);
        check(&ethers, heard(429, Some(-32_005), Some("1")), 0.9, &[1; 11]);
        let pauses = [0, 250, 750, 1_750, 3_500, 7_000, 14_250, 28_750, 57_500, 115_000, 230_250];
        check(&ethers, heard(429, None, Some("01")), 0.9, &pauses);
        check(&ethers, heard(503, Some(-32_002), None), 0.9, &[]);
        check(&ethers, BROKEN, 0.9, &[]);
    }

    #[test]
    fn viem_believes_the_error_object_before_the_status() {
        let viem = Retry::Like(Library::Viem);
        check(&viem, heard(429, Some(-32_005), Some("7")), 0.0, &[150, 300, 600]);
        check(&viem, heard(503, Some(-32_002), Some("7")), 0.0, &[]);
        check(&viem, heard(503, None, Some("01")), 0.0, &[1_000, 1_000, 1_000]);
        check(&viem, heard(400, None, None), 0.0, &[]);
        check(&viem, BROKEN, 0.0, &[150, 300, 600]);
    }

    #[test]
    fn web3_sends_again_after_every_error_status() {
        let web3 = Retry::Like(Library::Web3);
        let pauses = [125, 250, 500, 1_000];
        check(&web3, heard(503, Some(-32_002), Some("05")), 0.0, &pauses);
        check(&web3, heard(400, Some(-32_600), None), 0.0, &pauses);
        check(&web3, BROKEN, 0.0, &pauses);
        check(&web3, heard(200, Some(-32_005), None), 0.0, &[]);
    }

    #[test]
    fn a_model_follows_its_numbers() {
        let model = Model {
            attempts: 4,
            pause: Time::millis(50),
            factor: 2.0,
            statuses: vec![503],
            broken: false,
        };
        let model = Retry::Model(model);
        check(&model, heard(503, None, None), 0.0, &[50, 100, 200]);
        check(&model, heard(429, None, None), 0.0, &[]);
        check(&model, BROKEN, 0.0, &[]);
    }
}
