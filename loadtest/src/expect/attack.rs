//! Expectations on what became of attacks.

use std::time::Duration;

use super::Case;
use crate::attack::seen::Answer;
use crate::attack::{Fate, How, Seen};
use crate::scenario::{Answers, OfAttack, Time};

impl Case<'_> {
    pub fn attack(&mut self) {
        let outcome = self.outcome;
        let Some(of) = &self.expect.attack else { return };
        let Some(seen) = outcome.attacks.iter().find(|seen| seen.name == *of.of.get_ref()) else {
            return;
        };
        if let Some(least) = of.opened {
            let opened = seen.open().count() as u64;
            self.add(opened >= least, format!("{opened} opened"), format!("at least {least}"));
        }
        if let Some(within) = of.reaped_within {
            self.reaped(seen, within);
        }
        if let Some(code) = of.goaway {
            self.goaway(seen, code, of.goaway_within);
        }
        self.answers(seen, of);
        if let Some(most) = of.node_calls {
            self.node_calls(seen, most);
        }
        if let Some(most) = of.bytes_per_connection {
            self.memory(seen, most.0);
        }
        if let Some(most) = of.user_time_per_answer {
            self.user_time(seen, most);
        }
    }

    fn reaped(&mut self, seen: &Seen, within: Time) {
        let older = seen.open().filter(|fate| fate.age() > within.0).count();
        let reaped = seen.open().filter(|fate| fate.how != How::Open).count();
        let words = format!("{reaped} reaped, the oldest {:.1?} old", seen.oldest_reaped());
        let kept = older == 0 && reaped > 0;
        self.add(kept, format!("{older} older, {words}"), format!("all within {within}"));
    }

    fn goaway(&mut self, seen: &Seen, code: u32, within: Option<Time>) {
        let (told, all) = told(seen, code, within.map_or(SOON, |within| within.0));
        let ends = counts(seen.ends().iter());
        let kept = told == all && all > 0;
        self.add(kept, format!("{told} of {all}: {ends}"), format!("GOAWAY {code} to all"));
        let Some(within) = within else { return };
        let latest = seen.open().filter_map(Fate::patience).max().unwrap_or_default();
        let kept = told > 0 && latest <= within.0;
        self.add_timed(kept, format!("after {latest:.2?}"), format!("{within}"));
    }

    fn answers(&mut self, seen: &Seen, of: &OfAttack) {
        let count = |is: &dyn Fn(&Answer) -> bool| -> u64 {
            seen.answers.iter().filter(|(answer, _)| is(answer)).map(|(_, count)| count).sum()
        };
        for kind in &of.answers {
            let count = count(&|answer| is_of(kind, answer));
            let kept = kind.least.is_none_or(|least| count >= least)
                && kind.most.is_none_or(|most| count <= most);
            let word = words(kind);
            let bounds = format!("{} to {}", bound(kind.least, "any"), bound(kind.most, "any"));
            self.add(kept, format!("{count} times {word}"), bounds);
        }
        if let Some(most) = of.others {
            let count = count(&|answer| !of.answers.iter().any(|kind| is_of(kind, answer)));
            let all = counts(seen.answers.iter());
            self.add(count <= most, format!("{count} others of {all}"), format!("{most}"));
        }
    }

    fn node_calls(&mut self, seen: &Seen, most: u64) {
        let scenario = &self.outcome.world.scenario;
        let attack = scenario.attack.iter().find(|attack| attack.label() == seen.name);
        let method = attack.map_or("", |attack| scenario.attacked(attack)).to_owned();
        let watched = self.outcome.world.watched.lock();
        let at = |node, t| watched.calls(node, &[&method], t);
        let nodes = 0..self.outcome.world.fleet.nodes.len();
        let end = Duration::MAX;
        let count: u64 = nodes.map(|node| at(node, end).saturating_sub(at(node, seen.from))).sum();
        drop(watched);
        let words = format!("{count} calls at nodes for {} requests", seen.requests);
        self.add(count <= most, words, format!("at most {most}"));
    }

    fn memory(&mut self, seen: &Seen, most: u64) {
        let watched = self.outcome.world.watched.lock();
        let before = watched.resident(seen.from, seen.from);
        let window = (seen.from.max(self.from()), seen.until.min(self.to()));
        let greatest = watched.resident(window.0, window.1);
        drop(watched);
        let open = seen.open().count().min(seen.places).max(1) as u64;
        let each = greatest.saturating_sub(before) / open;
        let words = format!(
            "{:.1} KiB for each of {open}: from {} to {} KiB",
            each as f64 / 1_024.0,
            before >> 10,
            greatest >> 10
        );
        let bound = format!("{:.1} KiB", most as f64 / 1_024.0);
        self.add(each <= most && before > 0 && seen.open().count() > 0, words, bound);
    }

    fn user_time(&mut self, seen: &Seen, most: Time) {
        let alone = seen.from.min(ALONE);
        let watched = self.outcome.world.watched.lock();
        let before = watched.cpu(seen.from.saturating_sub(alone), seen.from);
        let inside = watched.cpu(seen.from, seen.until);
        drop(watched);
        let times =
            seen.until.saturating_sub(seen.from).as_secs_f64() / alone.as_secs_f64().max(1e-3);
        let answers = seen.answers.values().sum::<u64>();
        let each = |inside: Duration, before: Duration| {
            inside.saturating_sub(before.mul_f64(times)).div_f64((answers as f64).max(1.0))
        };
        let (user, system) = (each(inside.0, before.0), each(inside.1, before.1));
        let words =
            format!("{user:.1?} for each of {answers} answers, and {system:.1?} in the kernel");
        self.add_timed(user <= most.0 && answers > 0, words, format!("{:?}", most.0));
        if let Some(finding) = self.findings.last_mut() {
            finding.strict = true;
        }
    }
}

/// A connection that the attacker left before this time need not have got GOAWAY, where the
/// file says no other.
const SOON: Duration = Duration::from_secs(1);

/// Connections that got GOAWAY with a code, of those that had to.
fn told(seen: &Seen, code: u32, within: Duration) -> (usize, usize) {
    let due = |fate: &&Fate| fate.goaway.is_some() || fate.how != How::Open || fate.age() > within;
    let has = |fate: &&Fate| fate.goaway.is_some_and(|(told, _)| told == code);
    (seen.open().filter(has).count(), seen.open().filter(due).count())
}

/// The load alone is watched for so long before an attack.
const ALONE: Duration = Duration::from_secs(3);

fn is_of(kind: &Answers, answer: &Answer) -> bool {
    kind.status == answer.status
        && kind.code.is_none_or(|code| answer.code == Some(code))
        && kind.reason.as_ref().is_none_or(|reason| answer.reason.as_ref() == Some(reason))
}

fn words(kind: &Answers) -> String {
    Answer { status: kind.status, code: kind.code, reason: kind.reason.clone() }.to_string()
}

fn bound(count: Option<u64>, none: &str) -> String {
    count.map_or_else(|| none.to_owned(), |count| count.to_string())
}

/// Words with their counts, in a row.
pub fn counts<'c, W: std::fmt::Display + 'c>(
    counts: impl Iterator<Item = (&'c W, &'c u64)>,
) -> String {
    let words: Vec<_> = counts.map(|(word, count)| format!("{count} × {word}")).collect();
    if words.is_empty() { "none".to_owned() } else { words.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_left_early_need_not_have_got_goaway() {
        let fate = |ended, how, goaway: Option<u32>| Fate {
            ended: Duration::from_millis(ended),
            how,
            goaway: goaway.map(|code| (code, Duration::ZERO)),
            ..Fate::default()
        };
        let check = |fates: &[Fate], expected| {
            let seen = Seen { fates: fates.to_vec(), ..Seen::default() };
            assert_eq!(told(&seen, 11, SOON), expected, "{fates:?}");
        };
        check(&[fate(500, How::Closed, Some(11)), fate(500, How::Open, None)], (1, 1));
        check(&[fate(500, How::Open, Some(11)), fate(500, How::Closed, Some(1))], (1, 2));
        check(&[fate(1_500, How::Open, None), fate(0, How::Refused, None)], (0, 1));
        check(&[fate(500, How::Reset, None)], (0, 1));
    }

    #[test]
    fn what_a_kind_does_not_say_is_any() {
        let answer =
            Answer { status: 413, code: Some(-32_600), reason: Some("body_too_large".to_owned()) };
        let check = |status, code, reason: Option<&str>, expected| {
            let reason = reason.map(str::to_owned);
            let kind = Answers { status, code, reason, least: None, most: None };
            assert_eq!(is_of(&kind, &answer), expected, "{kind:?}");
        };
        check(413, None, None, true);
        check(413, Some(-32_600), Some("body_too_large"), true);
        check(429, None, None, false);
        check(413, Some(-32_005), None, false);
        check(413, None, Some("batch_too_large"), false);
    }
}
