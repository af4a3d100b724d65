//! What a run found, for people and for programs.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

use crate::attack::Seen;
use crate::expect::{Finding, counts};
use crate::lateness::{self, Generator, Validity, Verdict};
use crate::load::{End, Record};
use crate::runner::Outcome;

/// The result of one scenario. Latencies in seconds.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Its name and the family.
    pub scenario: String,
    pub about: String,
    pub passed: bool,
    pub verdict: Verdict,
    /// Requests a second that were meant, and that were sent.
    pub rate: f64,
    pub achieved: f64,
    pub calls: Vec<Calls>,
    /// From the planned instant on.
    pub latency: Latency,
    /// Send time minus planned time.
    pub lateness: Latency,
    pub nodes: Vec<NodeCalls>,
    pub attacks: Vec<Attacked>,
    /// Greatest resident memory of a gateway, bytes.
    pub rss: u64,
    pub wrong: Vec<String>,
    pub errors: Vec<String>,
    pub events: Vec<Event>,
    pub findings: Vec<Finding>,
    /// Where config and log are kept.
    pub folder: Option<PathBuf>,
}

/// One part of the mix.
#[derive(Clone, Debug, Serialize)]
pub struct Calls {
    pub name: String,
    pub count: u64,
    pub failed: u64,
    pub wrong: u64,
    pub latency: Latency,
}

/// What an attack came to.
#[derive(Clone, Debug, Serialize)]
pub struct Attacked {
    pub name: String,
    /// How its connections ended.
    pub ends: BTreeMap<String, u64>,
    /// The greatest age of one that the gateway ended, in seconds.
    pub oldest_reaped: f64,
    pub requests: u64,
    /// Requests that could not be sent in their turn.
    pub missed: u64,
    /// By status, code and reason.
    pub answers: BTreeMap<String, u64>,
    /// Streams that were reset, by code.
    pub resets: BTreeMap<u32, u64>,
    /// What came back in batches.
    pub results: u64,
    pub errors: u64,
    /// Bytes sent.
    pub bytes: u64,
}

/// Percentiles in seconds.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Latency {
    pub p50: f64,
    pub p95: f64,
    pub p99: f64,
    pub p999: f64,
    pub max: f64,
}

/// Calls that a node received, probes included.
#[derive(Clone, Debug, Serialize)]
pub struct NodeCalls {
    pub name: String,
    pub zone: String,
    pub calls: u64,
    /// Of methods that only clients use.
    pub client_calls: u64,
}

/// Something that happened, in seconds after the start.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Event {
    pub t: f64,
    pub what: String,
}

/// Puts a report together.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "counts of one run")]
pub fn make(name: &str, outcome: &Outcome, findings: Vec<Finding>) -> Report {
    let records = &outcome.seen.records;
    let sent = || records.iter().filter(|record| record.end != End::Unsent);
    let late = summary(sent().map(|record| record.sent.saturating_sub(record.planned)));
    let requests = outcome.seen.requests;
    let world = &outcome.world;
    let tightest = world.scenario.expect.iter().filter_map(crate::scenario::Expect::tightest).min();
    let verdict = lateness::verdict(&Generator {
        lateness: Duration::from_secs_f64(late.p999),
        gap: Duration::from_secs_f64(1.0 / outcome.rate.max(1e-6)),
        planned: requests,
        unsent: records.len().saturating_sub(sent().count()) as u64,
        tightest: tightest.filter(|_| outcome.timed).map(|time| time.0),
    });
    Report {
        scenario: name.to_owned(),
        about: world.scenario.about.clone(),
        passed: findings.iter().all(|finding| finding.kept),
        verdict,
        rate: outcome.rate,
        achieved: requests as f64 / outcome.length.as_secs_f64(),
        calls: calls(outcome),
        latency: summary(sent().map(Record::latency)),
        lateness: late,
        nodes: nodes(outcome),
        attacks: outcome.attacks.iter().map(attacked).collect(),
        rss: world.watched.lock().rss,
        wrong: outcome.seen.wrong.clone(),
        errors: outcome.seen.errors.clone(),
        events: outcome.events.clone(),
        findings,
        folder: None,
    }
}

fn attacked(seen: &Seen) -> Attacked {
    Attacked {
        name: seen.name.clone(),
        ends: seen.ends(),
        oldest_reaped: seen.oldest_reaped().as_secs_f64(),
        requests: seen.requests,
        missed: seen.missed,
        answers: seen.answers.iter().map(|(kind, count)| (kind.to_string(), *count)).collect(),
        resets: seen.resets.clone(),
        results: seen.results,
        errors: seen.errors,
        bytes: seen.bytes,
    }
}

fn calls(outcome: &Outcome) -> Vec<Calls> {
    let mix = outcome.world.scenario.load.mix.iter().enumerate();
    let mut calls = Vec::new();
    for (at, share) in mix {
        let of =
            || outcome.seen.records.iter().filter(move |record| usize::from(record.share) == at);
        let count = |is: fn(End) -> bool| of().filter(|record| is(record.end)).count() as u64;
        if of().next().is_some() {
            calls.push(Calls {
                name: share.label().to_owned(),
                count: count(|_| true),
                failed: count(End::failed),
                wrong: count(|end| end == End::Wrong),
                latency: summary(of().map(Record::latency)),
            });
        }
    }
    calls
}

fn nodes(outcome: &Outcome) -> Vec<NodeCalls> {
    let methods = outcome.world.scenario.client_methods();
    let watched = outcome.world.watched.lock();
    let members = outcome.world.fleet.nodes.iter().enumerate();
    let one = |(at, member): (usize, &crate::fleet::Member)| NodeCalls {
        name: member.name.clone(),
        zone: member.zone.clone(),
        calls: watched.counted.last().map_or(0, |last| last.nodes[at].values().sum()),
        client_calls: watched.calls(at, &methods, Duration::MAX),
    };
    members.map(one).collect()
}

#[expect(clippy::cast_precision_loss, reason = "microseconds of one run")]
fn summary(times: impl Iterator<Item = Duration>) -> Latency {
    // Two significant figures of up to an hour in microseconds.
    let Ok(mut histogram) = Histogram::<u64>::new_with_bounds(1, 3_600_000_000, 3) else {
        return Latency::default();
    };
    for time in times {
        histogram.saturating_record(u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
    }
    if histogram.is_empty() {
        return Latency::default();
    }
    let at = |quantile: f64| histogram.value_at_quantile(quantile) as f64 / 1e6;
    Latency { p50: at(0.5), p95: at(0.95), p99: at(0.99), p999: at(0.999), max: at(1.0) }
}

impl Report {
    /// Whether nothing was broken and the measurement is good.
    #[must_use]
    pub fn valid(&self) -> bool {
        self.verdict.valid < Validity::Invalid
    }

    /// Whether the machine may be to blame: the measurement is not valid, or it is suspect and
    /// nothing is broken but how long calls took.
    #[must_use]
    pub fn is_doubtful(&self) -> bool {
        let broken = || self.findings.iter().filter(|finding| !finding.kept);
        let late = self.verdict.valid == Validity::Suspect;
        !self.valid() || (late && broken().count() > 0 && broken().all(|finding| finding.timed))
    }

    /// The report as text.
    #[must_use]
    pub fn text(&self) -> String {
        let mut out = String::new();
        // Writing to a string cannot fail.
        let _ = self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) -> std::fmt::Result {
        let word = match (self.passed, self.valid()) {
            (false, _) => "FAILED",
            (true, false) => "INVALID",
            (true, true) => "passed",
        };
        writeln!(out, "{}: {word} – {}", self.scenario, self.about)?;
        writeln!(
            out,
            "  {:.0} requests/s of {:.0}, {:?} {}",
            self.achieved,
            self.rate,
            self.verdict.valid,
            self.verdict.reasons.join("; ")
        )?;
        row(out, "calls", "count", "failed", "wrong", None)?;
        for one in &self.calls {
            row(out, &one.name, one.count, one.failed, one.wrong, Some(one.latency))?;
        }
        row(out, "all", "", "", "", Some(self.latency))?;
        row(out, "lateness", "", "", "", Some(self.lateness))?;
        let nodes: Vec<_> =
            self.nodes.iter().map(|one| format!("{} {}", one.name, one.client_calls)).collect();
        writeln!(
            out,
            "  client calls: {}; gateway memory {} MiB",
            nodes.join(", "),
            self.rss >> 20
        )?;
        self.attacks.iter().try_for_each(|one| one.write(out))?;
        for event in self.events.iter().take(40) {
            writeln!(out, "  {:>7.2}s {}", event.t, event.what)?;
        }
        for wrong in &self.wrong {
            writeln!(out, "  wrong {wrong}")?;
        }
        for error in self.errors.iter().take(if self.passed { 0 } else { 20 }) {
            writeln!(out, "  error {error}")?;
        }
        for one in &self.findings {
            let mark = if one.kept { "ok  " } else { "FAIL" };
            writeln!(out, "  {mark} {}: {} (allowed: {})", one.rule, one.seen, one.bound)?;
        }
        match &self.folder {
            Some(folder) => writeln!(out, "  config and log: {}", folder.display()),
            None => Ok(()),
        }
    }
}

impl Attacked {
    fn write(&self, out: &mut String) -> std::fmt::Result {
        let (ends, answers) = (counts(self.ends.iter()), counts(self.answers.iter()));
        write!(
            out,
            "  attack {}: {ends}, reaped at {:.1}s at most",
            self.name, self.oldest_reaped
        )?;
        write!(out, "; {} KiB sent, {} requests", self.bytes >> 10, self.requests)?;
        if self.missed > 0 {
            write!(out, ", {} missed", self.missed)?;
        }
        write!(out, "; answers: {answers}")?;
        if self.results + self.errors > 0 {
            write!(out, "; in batches {} results, {} errors", self.results, self.errors)?;
        }
        if !self.resets.is_empty() {
            write!(out, "; streams reset: {}", counts(self.resets.iter()))?;
        }
        writeln!(out)
    }
}

fn row(
    out: &mut String,
    name: &str,
    count: impl std::fmt::Display,
    failed: impl std::fmt::Display,
    wrong: impl std::fmt::Display,
    latency: Option<Latency>,
) -> std::fmt::Result {
    write!(out, "  {name:<14}{count:>9}{failed:>8}{wrong:>7}")?;
    match latency {
        None => writeln!(out, "{:>10}{:>10}{:>10}{:>10}", "p50 ms", "p99", "p99.9", "max"),
        Some(one) => {
            let ms = |seconds: f64| seconds * 1_000.0;
            let (p50, p99, p999, max) = (ms(one.p50), ms(one.p99), ms(one.p999), ms(one.max));
            writeln!(out, "{p50:>10.2}{p99:>10.2}{p999:>10.2}{max:>10.2}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_in_seconds() {
        let latency = summary((1..=1_000).map(Duration::from_millis));
        assert!((latency.p50 - 0.5).abs() < 0.001, "{latency:?}");
        assert!((latency.p999 - 0.999).abs() < 0.002, "{latency:?}");
        assert!(summary(std::iter::empty()).max.abs() < 1e-9);
    }
}
