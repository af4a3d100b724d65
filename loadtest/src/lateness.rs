//! Whether the measurement itself is good: the generator's own lateness, and what it
//! could not send.

use std::time::Duration;

use serde::Serialize;

/// Of all requests, the share that may stay unsent.
const UNSENT: f64 = 0.001;

/// What a measurement is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Validity {
    Valid,
    /// Latencies may be the generator's.
    Suspect,
    Invalid,
}

/// The verdict on a measurement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verdict {
    pub valid: Validity,
    pub reasons: Vec<String>,
}

/// How the generator did.
#[derive(Clone, Copy, Debug)]
pub struct Generator {
    /// 99.9th percentile of send time minus planned time.
    pub lateness: Duration,
    /// Mean time between requests.
    pub gap: Duration,
    pub planned: u64,
    pub unsent: u64,
    /// The smallest latency that any expectation judges. A measurement that judges none
    /// counts things, which lateness does not falsify; one that judges long ones
    /// tolerates a tenth of them.
    pub tightest: Option<Duration>,
}

/// Judges a measurement.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "counts of one run")]
pub fn verdict(generator: &Generator) -> Verdict {
    let suspect = Duration::from_millis(1).max(generator.gap / 20);
    let invalid = Duration::from_millis(5).max(generator.gap / 5);
    let tolerated = generator.tightest.map(|tightest| invalid.max(tightest / 10));
    let mut verdict = Verdict { valid: Validity::Valid, reasons: Vec::new() };
    let late = generator.lateness;
    if tolerated.is_some_and(|tolerated| late > tolerated) {
        verdict.add(
            Validity::Invalid,
            format!(
                "sent late: p99.9 {late:.1?} over {tolerated:.1?}",
                tolerated = tolerated.unwrap_or_default()
            ),
        );
    } else if late > suspect {
        verdict.add(Validity::Suspect, format!("sent late: p99.9 {late:.1?} over {suspect:.1?}"));
    }
    if generator.unsent as f64 > generator.planned as f64 * UNSENT {
        verdict.add(
            Validity::Invalid,
            format!("{} of {} not sent", generator.unsent, generator.planned),
        );
    }
    verdict
}

impl Verdict {
    fn add(&mut self, valid: Validity, reason: String) {
        self.valid = self.valid.max(valid);
        self.reasons.push(reason);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn check(lateness: Duration, gap: Duration, tightest: Option<Duration>, expected: Validity) {
        let generator = Generator { lateness, gap, planned: 10_000, unsent: 0, tightest };
        assert_eq!(verdict(&generator).valid, expected, "{generator:?}");
    }

    #[test]
    fn lateness_is_held_against_the_gap() {
        check(MS, MS, Some(MS), Validity::Valid);
        check(2 * MS, MS, Some(MS), Validity::Suspect);
        check(2 * MS, 100 * MS, Some(MS), Validity::Valid);
        check(6 * MS, 100 * MS, Some(MS), Validity::Suspect);
        check(6 * MS, MS, Some(MS), Validity::Invalid);
        check(21 * MS, 100 * MS, Some(MS), Validity::Invalid);
    }

    #[test]
    fn a_tenth_of_the_smallest_latency_judged_is_tolerated() {
        check(20 * MS, MS, Some(300 * MS), Validity::Suspect);
        check(31 * MS, MS, Some(300 * MS), Validity::Invalid);
        check(31 * MS, MS, None, Validity::Suspect);
    }

    #[test]
    fn what_was_not_sent_cannot_be_measured() {
        let generator =
            Generator { lateness: MS, gap: MS, planned: 10_000, unsent: 11, tightest: None };
        assert_eq!(verdict(&generator).valid, Validity::Invalid);
        assert_eq!(verdict(&Generator { unsent: 10, ..generator }).valid, Validity::Valid);
    }
}
