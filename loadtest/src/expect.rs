//! Holds what was seen against what was expected: pure functions over one outcome.
//!
//! Every condition gives one [`Finding`], kept or broken. Beyond what the file asks,
//! no run may have a wrong answer, a reload with the wrong outcome, or a gateway that
//! ended by itself.

mod attack;
mod calls;
mod fleet;
mod window;

use std::time::Duration;

use serde::Serialize;

use crate::load::Record;
use crate::runner::Outcome;
use crate::scenario::{Expect, Recipe, Which};

pub use self::attack::counts;

/// Counts nodes that were taken out.
pub const EJECTIONS: &str = "headrace_node_ejections_total";

/// One condition, kept or broken.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    pub rule: String,
    pub kept: bool,
    /// It judges how long calls took, which a busy machine can spoil.
    pub timed: bool,
    /// It says something only where nothing else runs on the machine.
    pub strict: bool,
    /// What was seen.
    pub seen: String,
    /// What was allowed.
    pub bound: String,
}

impl Finding {
    /// Takes a bound as kept that nobody judges in this run: on time where it is not `timed`,
    /// and a strict one where it is not `strict`.
    pub fn excuse(&mut self, timed: bool, strict: bool) {
        let judged = (timed || !self.timed) && (strict || !self.strict);
        if !judged && !self.kept {
            self.kept = true;
            self.seen.push_str(" (not judged)");
        }
    }
}

/// Judges all expectations.
#[must_use]
pub fn judge(outcome: &Outcome) -> Vec<Finding> {
    let mut findings = always(outcome);
    for expect in &outcome.world.scenario.expect {
        let mut case = Case { outcome, expect, findings: Vec::new() };
        case.calls();
        case.fleet();
        case.window();
        case.attack();
        findings.append(&mut case.findings);
    }
    findings
}

fn always(outcome: &Outcome) -> Vec<Finding> {
    let wrong =
        outcome.seen.records.iter().filter(|one| one.end == crate::load::End::Wrong).count();
    let mut findings = vec![Finding {
        rule: "no answer is wrong".to_owned(),
        kept: wrong == 0,
        timed: false,
        strict: false,
        seen: format!("{wrong} wrong"),
        bound: "0".to_owned(),
    }];
    let odd = outcome.world.reloads.lock().odd;
    if odd > 0 {
        findings.push(Finding {
            rule: "good configs are applied, broken ones refused".to_owned(),
            kept: false,
            timed: false,
            strict: false,
            seen: format!("{odd} otherwise"),
            bound: "0".to_owned(),
        });
    }
    let died =
        |gateway: &&crate::gateway::Gateway| gateway.ended.is_some() && gateway.told.is_none();
    let died = outcome.world.gateways.lock().iter().filter(died).count();
    if died > 0 {
        findings.push(Finding {
            rule: "a gateway ends only when told".to_owned(),
            kept: false,
            timed: false,
            strict: false,
            seen: format!("{died} ended"),
            bound: "0".to_owned(),
        });
    }
    findings
}

/// One expectation under judgement.
struct Case<'o> {
    outcome: &'o Outcome,
    expect: &'o Expect,
    findings: Vec<Finding>,
}

impl Case<'_> {
    fn add(&mut self, kept: bool, seen: String, bound: String) {
        let rule = self.expect.rule.clone();
        let strict = self.expect.strict;
        self.findings.push(Finding { rule, kept, timed: false, strict, seen, bound });
    }

    /// As [`Case::add`], of how long calls took.
    fn add_timed(&mut self, kept: bool, seen: String, bound: String) {
        self.add(kept, seen, bound);
        if let Some(finding) = self.findings.last_mut() {
            finding.timed = true;
        }
    }

    fn from(&self) -> Duration {
        self.expect.from.map_or(Duration::ZERO, |from| from.0)
    }

    /// The end of the window: what comes after the load belongs to an open one.
    fn to(&self) -> Duration {
        self.expect.to.map_or(Duration::MAX, |to| to.0)
    }

    /// A count that grows with the load.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a count of one run times a factor up to 100"
    )]
    fn scaled(&self, count: u64) -> u64 {
        (count as f64 * self.outcome.rate_scale) as u64
    }

    /// The calls that the expectation speaks of.
    fn chosen(&self) -> impl Iterator<Item = &Record> {
        let (from, to) = (self.from(), self.to());
        self.outcome
            .seen
            .records
            .iter()
            .filter(move |record| (from..to).contains(&record.planned) && self.is_meant(record))
    }

    /// Whether it speaks of a call, whenever that was.
    fn is_meant(&self, record: &Record) -> bool {
        let which = self.expect.of.as_ref().map_or(&Which::All, |of| of.get_ref());
        let mix = &self.outcome.world.scenario.load.mix;
        let Some(share) = mix.get(usize::from(record.share)) else { return false };
        let write = share.call == Recipe::Write;
        match which {
            Which::All => !share.poison,
            Which::Reads => !share.poison && !write,
            Which::Writes => !share.poison && write,
            Which::Newest => !share.poison && share.call.newest(),
            Which::Label(label) => share.label() == label,
        }
    }
}
