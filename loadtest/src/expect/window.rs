//! Expectations on a window of the run against another: goodput, latency; and on health
//! answers in it.

use std::time::Duration;

use super::Case;
use crate::load::{End, Record};
use crate::scenario::{Goodput, Ratio};

/// The two times of a window.
type Window = (Duration, Duration);

impl Case<'_> {
    pub fn window(&mut self) {
        if let Some(goodput) = self.expect.goodput {
            self.goodput(goodput);
        }
        if let Some(ratio) = self.expect.p99_ratio {
            self.p99_ratio(ratio);
        }
        if let Some(within) = self.expect.health_within {
            self.health(within.0);
        }
    }

    fn goodput(&mut self, goodput: Goodput) {
        let window = (self.from(), self.to().min(self.outcome.length));
        let seen = self.right_a_second(window);
        let other = match (goodput.rate, goodput.from.zip(goodput.to)) {
            (Some(rate), _) => rate * self.outcome.rate_scale,
            (None, Some((from, to))) => self.right_a_second((from.0, to.0)),
            (None, None) => f64::INFINITY,
        };
        let share = seen / other.max(1e-6);
        let words = format!("{:.1} % ({seen:.1} right a second of {other:.1})", share * 100.0);
        self.add(share >= goodput.share, words, format!("at least {:.0} %", goodput.share * 100.0));
    }

    /// Right answers of the calls that are chosen, by the time of the answer.
    fn right_a_second(&self, (from, to): Window) -> f64 {
        let right =
            |record: &&Record| record.end == End::Right && (from..to).contains(&record.done);
        let records = self.outcome.seen.records.iter();
        let count = records.filter(|record| self.is_meant(record)).filter(right).count();
        count as f64 / to.saturating_sub(from).as_secs_f64().max(1e-3)
    }

    fn p99_ratio(&mut self, ratio: Ratio) {
        let here = self.p99((self.from(), self.to()));
        let there = self.p99((ratio.from.0, ratio.to.0));
        let seen = here.as_secs_f64() / there.as_secs_f64().max(1e-6);
        let words = format!("p99 {here:.2?}, {seen:.2} times {there:.2?}");
        self.add_timed(seen <= ratio.most, words, format!("{} times", ratio.most));
        if let Some(finding) = self.findings.last_mut() {
            finding.strict = true;
        }
    }

    fn p99(&self, (from, to): Window) -> Duration {
        let records = self.outcome.seen.records.iter().filter(|record| self.is_meant(record));
        let inside = records.filter(|record| (from..to).contains(&record.planned));
        percentile(inside.map(Record::latency).collect(), 0.99)
    }

    fn health(&mut self, within: Duration) {
        let (from, to) = (self.from(), self.to());
        let watched = self.outcome.world.watched.lock();
        let asked = watched.health.iter().filter(|one| (from..to).contains(&one.t));
        let asked: Vec<_> = asked.copied().collect();
        drop(watched);
        let bad = asked.iter().filter(|one| one.status != 200).count();
        let slow = asked.iter().filter(|one| one.took > within).count();
        let greatest = asked.iter().map(|one| one.took).max().unwrap_or_default();
        let words = format!("{bad} of {} otherwise", asked.len());
        self.add(bad == 0 && !asked.is_empty(), words, "200".to_owned());
        let p99 = percentile(asked.iter().map(|one| one.took).collect(), 0.99);
        let words = format!("{slow} slower, p99 {p99:.1?}, greatest {greatest:.1?}");
        self.add_timed(slow == 0, words, format!("within {within:.0?}"));
    }
}

/// Nearest rank.
fn percentile(mut times: Vec<Duration>, part: f64) -> Duration {
    times.sort_unstable();
    let rank = (times.len() as f64 * part).ceil();
    let at = (0..times.len()).find(|at| *at as f64 + 1.0 >= rank);
    at.map_or(Duration::ZERO, |at| times[at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_the_nearest_rank() {
        let check = |count: u64, expected| {
            let times = (1..=count).rev().map(Duration::from_millis).collect();
            assert_eq!(percentile(times, 0.99), Duration::from_millis(expected), "{count}");
        };
        check(0, 0);
        check(1, 1);
        check(100, 99);
        check(1_000, 990);
    }
}
