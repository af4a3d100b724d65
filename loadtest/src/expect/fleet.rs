//! Expectations on nodes, writes and the gateway itself.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use headrace_simnode::hash::Hash;

use super::{Case, EJECTIONS};
use crate::load::End;
use crate::scenario::{CallsTo, Metric, Returns, Sample, ShareTo, Stopped};
use crate::steps;
use crate::watch::metrics;

/// Second calls that a gateway's budgets allow besides a share of the calls, ten at the start
/// and one a second: at a rate below the file's they are more than the share that counts.
const UNEARNED: f64 = 40.0;

/// Standard deviations by which counts of a node's calls may be off, as draws of so many, at
/// a rate below the file's: bounds are made for that one, and hold there as they are written.
const CHANCE: f64 = 3.0;

/// Traffic of this length is compared at a node's return.
const SECOND: Duration = Duration::from_secs(1);

impl Case<'_> {
    pub fn fleet(&mut self) {
        self.traffic();
        self.writes();
        self.gateway();
    }

    fn traffic(&mut self) {
        if let Some(calls) = self.expect.calls_to.clone() {
            self.calls_to(&calls);
        }
        if let Some(share) = self.expect.share_to.clone() {
            self.share_to(&share);
        }
        if let Some(returns) = self.expect.returns.clone() {
            self.returns(&returns);
        }
        if let Some(most) = self.expect.node_calls_per_call {
            self.amplification(most);
        }
    }

    fn node(&self, name: &str) -> usize {
        let nodes = &self.outcome.world.fleet.nodes;
        nodes.iter().position(|member| member.name == name).unwrap_or(usize::MAX)
    }

    /// What is allowed only where fewer calls are sent than the file says.
    fn below_rate(&self, allowance: f64) -> f64 {
        if self.outcome.rate_scale < 1.0 { allowance } else { 0.0 }
    }

    fn calls_to(&mut self, calls: &CallsTo) {
        let scenario = Arc::clone(&self.outcome.world.scenario);
        let methods = match calls.method.as_deref() {
            Some(word) => scenario.ways().methods(word),
            None => scenario.client_methods(),
        };
        let node = self.node(calls.node.get_ref());
        let (from, to) = (self.from(), self.to());
        let watched = self.outcome.world.watched.lock();
        let count =
            watched.calls(node, &methods, to).saturating_sub(watched.calls(node, &methods, from));
        drop(watched);
        let seen = format!("{count} calls to {}", calls.node.get_ref());
        if let Some(most) = calls.most {
            self.add(count <= most, seen.clone(), format!("at most {most}"));
        }
        if let Some(least) = calls.least.map(|least| self.scaled(least)) {
            self.add(count >= least, seen, format!("at least {least}"));
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "counts of one run")]
    fn share_to(&mut self, share: &ShareTo) {
        let methods = self.outcome.world.scenario.client_methods();
        let (from, to) = (self.from(), self.to());
        let watched = self.outcome.world.watched.lock();
        let (mut all, mut inside) = (0, 0);
        for (at, member) in self.outcome.world.fleet.nodes.iter().enumerate() {
            let calls = |t| watched.calls(at, &methods, t);
            let count = calls(to).saturating_sub(calls(from));
            let named = share.node.as_ref().is_some_and(|node| *node.get_ref() == member.name);
            let zone = share.zone.as_ref().is_some_and(|zone| *zone.get_ref() == member.zone);
            all += count;
            inside += if named || zone { count } else { 0 };
        }
        drop(watched);
        let part = inside as f64 / (all as f64).max(1.0);
        let whom = share.node.as_ref().or(share.zone.as_ref()).map_or("", |name| name.get_ref());
        let seen = format!("{:.1} % of {all} to {whom}", part * 100.0);
        let chance = self.below_rate(CHANCE) * (part * (1.0 - part) / (all as f64).max(1.0)).sqrt();
        let bound = format!(
            "{:.1} % to {:.1} %{}",
            share.least * 100.0,
            share.most * 100.0,
            by_chance(&format!("{:.1} % off", chance * 100.0), chance)
        );
        let allowed = share.least - chance..=share.most + chance;
        self.add(allowed.contains(&part), seen, bound);
    }

    #[expect(clippy::cast_precision_loss, reason = "counts of one run")]
    fn returns(&mut self, returns: &Returns) {
        let methods = self.outcome.world.scenario.client_methods();
        let node = self.node(returns.node.get_ref());
        let (from, end) = (self.from(), self.to().min(self.outcome.length));
        let watched = self.outcome.world.watched.lock();
        let first = watched.first_rise(node, &methods, from);
        let between =
            |from, to| watched.calls(node, &methods, to) - watched.calls(node, &methods, from);
        let ramp = first.map(|first| (between(first, first + SECOND), between(end - SECOND, end)));
        drop(watched);
        let after = first.map(|first| first.saturating_sub(from));
        let seen = match after {
            Some(after) => format!("{} called again after {after:.1?}", returns.node.get_ref()),
            None => format!("{} never called again", returns.node.get_ref()),
        };
        let kept = after.is_some_and(|after| after <= returns.within.0);
        self.add(kept, seen, format!("within {}", returns.within));
        if let (true, Some((early, late))) = (returns.ramp, ramp) {
            let seen = format!("{early} calls in its first second, {late} in the last");
            let chance = self.below_rate(CHANCE) * ((early + late) as f64).sqrt();
            let bound =
                format!("fewer in the first{}", by_chance(&format!("{chance:.0} more"), chance));
            self.add((early as f64) < late as f64 + chance, seen, bound);
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "counts of one run")]
    fn amplification(&mut self, most: f64) {
        let scenario = &self.outcome.world.scenario;
        let methods = scenario.client_methods();
        let (from, to) = (self.from(), self.to());
        let watched = self.outcome.world.watched.lock();
        let nodes = 0..self.outcome.world.fleet.nodes.len();
        let at = |node, t| watched.calls(node, &methods, t);
        let received: u64 = nodes.map(|node| at(node, to).saturating_sub(at(node, from))).sum();
        drop(watched);
        let of_clients = |share: u16| {
            let share = scenario.load.mix.get(usize::from(share));
            share.is_some_and(|share| scenario.ways().client_method(share.call).is_some())
        };
        let sent = self.chosen().filter(|one| of_clients(one.share) && one.end != End::Unsent);
        let again = self.outcome.seen.resent.iter();
        let again = again.filter(|one| of_clients(one.share) && (from..to).contains(&one.at));
        let sent = sent.count() + again.count();
        let ratio = received as f64 / (sent as f64).max(1.0);
        let seen = format!("{ratio:.4} ({received} node calls for {sent})");
        let unearned = self.below_rate(UNEARNED);
        let allowed = most * sent as f64 + unearned;
        self.add(received as f64 <= allowed, seen, format!("{most}, and {unearned}"));
    }

    fn writes(&mut self) {
        if self.expect.writes_once.is_some() {
            self.writes_once();
        }
        if let Some(most) = self.expect.writes_lost {
            let accepted = self.outcome.seen.written.iter().filter(|write| write.accepted);
            let included = self.included();
            let lost = accepted.filter(|write| !included.contains(&write.hash)).count() as u64;
            let seen = format!("{lost} of {} lost", self.outcome.seen.written.len());
            self.add(lost <= most, seen, format!("{most}"));
        }
    }

    fn writes_once(&mut self) {
        let world = &self.outcome.world;
        let ill = |member| {
            world.scenario.at.iter().any(|step| step.fault.is_some() && steps::aims(step, member))
        };
        let ill: Vec<bool> = world.fleet.nodes.iter().map(ill).collect();
        let (mut counts, mut broken) = (HashMap::new(), Vec::new());
        for write in &self.outcome.seen.written {
            let received =
                |member: &crate::fleet::Member| member.node.shared().counters.received(&write.hash);
            let received: Vec<u32> = world.fleet.nodes.iter().map(received).collect();
            let doubtful = received.iter().zip(&ill).any(|(count, ill)| *count > 0 && *ill);
            let nodes = received.iter().filter(|count| **count > 0).count();
            let times: u32 = received.iter().sum();
            *counts.entry(times).or_insert(0_u32) += 1;
            let most = if doubtful { 2 } else { 1 };
            let lacks = write.accepted && nodes == 0;
            if nodes > most || usize::try_from(times).unwrap_or(0) > most || lacks {
                broken.push(format!("{received:?}"));
            }
        }
        let mut counts: Vec<_> = counts.into_iter().collect();
        counts.sort_unstable();
        let words: Vec<_> =
            counts.iter().map(|(times, count)| format!("{count} received {times}×")).collect();
        let first =
            broken.first().map_or_else(String::new, |first| format!(", e.g. by node {first}"));
        let seen = format!("{} otherwise{first}; {}", broken.len(), words.join(", "));
        let bound = "once, twice where an ill node had it".to_owned();
        self.add(broken.is_empty() && !counts.is_empty(), seen, bound);
    }

    /// Sent transactions in blocks of the main branch.
    fn included(&self) -> HashSet<Hash> {
        let chain = &self.outcome.world.fleet.truth.chain;
        let (main, head) = chain.tip();
        let drafts = (chain.options.start..=head).filter_map(|number| chain.draft(main, number));
        drafts
            .flat_map(|draft| draft.sent.iter().map(|sent| sent.hash).collect::<Vec<_>>())
            .collect()
    }

    fn gateway(&mut self) {
        if let Some(most) = self.expect.ejections {
            let metric = Metric {
                name: EJECTIONS.to_owned(),
                labels: std::collections::BTreeMap::default(),
                sample: Sample::Rise,
                least: None,
                most: Some(f64::from(u32::try_from(most).unwrap_or(u32::MAX))),
            };
            self.metric(&metric);
        }
        if let Some(metric) = self.expect.metric.clone() {
            self.metric(&metric);
        }
        if let Some(text) = self.expect.log.clone() {
            let has = self.outcome.logs.iter().any(|log| log.contains(&text));
            let seen = if has { "in the log" } else { "not in the log" };
            self.add(has, seen.to_owned(), format!("{text:?}"));
        }
        if let Some(most) = self.expect.rss {
            let rss = self.outcome.world.watched.lock().rss;
            let bound = format!("{} MiB", most.0 >> 20);
            self.add(rss > 0 && rss <= most.0, format!("{} MiB", rss >> 20), bound);
        }
        if let Some(stopped) = self.expect.stopped {
            self.stopped(stopped);
        }
        let reloads = *self.outcome.world.reloads.lock();
        if let Some(least) = self.expect.reloads_applied {
            self.add(
                reloads.applied >= least,
                format!("{} applied", reloads.applied),
                format!("at least {least}"),
            );
        }
        if let Some(exactly) = self.expect.reloads_refused {
            self.add(
                reloads.refused == exactly,
                format!("{} refused", reloads.refused),
                format!("{exactly}"),
            );
        }
    }

    /// Over all gateways: rises are added up, of values the greatest counts.
    fn metric(&mut self, metric: &Metric) {
        let (from, to) = (self.from(), self.to());
        let mut values = Vec::new();
        for gateway in 0..self.outcome.world.ports.len() {
            let watched = self.outcome.world.watched.lock();
            let of = watched.scraped.iter().filter(|one| one.gateway == gateway);
            let before = of.clone().take_while(|one| one.t < from).last();
            let inside = of.filter(|one| (from..=to).contains(&one.t));
            let value = |one: &crate::watch::Scraped| {
                metrics::sum(&one.series, &metric.name, &metric.labels)
            };
            let samples: Vec<_> = before.into_iter().chain(inside).filter_map(value).collect();
            values.extend(read_samples(metric.sample, &samples));
        }
        let value = match metric.sample {
            Sample::Rise => values.iter().sum(),
            Sample::Greatest | Sample::Last => values.iter().copied().fold(f64::MIN, f64::max),
        };
        let seen = if values.is_empty() {
            "no such series".to_owned()
        } else {
            format!("{} {value}{}", metric.name, self.rises(metric))
        };
        // A counter that was never born has not risen.
        let absent = values.is_empty() && metric.sample != Sample::Rise;
        if let Some(most) = metric.most {
            self.add(value <= most && !absent, seen.clone(), format!("at most {most}"));
        }
        if let Some(least) = metric.least {
            self.add(value >= least && !absent, seen, format!("at least {least}"));
        }
    }

    /// What a counter rose by, series by series.
    fn rises(&self, metric: &Metric) -> String {
        if metric.sample != Sample::Rise {
            return String::new();
        }
        let watched = self.outcome.world.watched.lock();
        let Some(last) = watched.scraped.last() else { return String::new() };
        let risen = last.series.iter().filter(|one| one.name == metric.name && one.value > 0.0);
        let words: Vec<_> = risen
            .map(|one| {
                let labels: Vec<_> = one.labels.values().map(String::as_str).collect();
                format!("{} {}", labels.join("/"), one.value)
            })
            .collect();
        if words.is_empty() { String::new() } else { format!(" ({})", words.join(", ")) }
    }

    fn stopped(&mut self, stopped: Stopped) {
        let gateways = self.outcome.world.gateways.lock();
        let ended = gateways.get(stopped.gateway).and_then(|gateway| gateway.ended);
        drop(gateways);
        let bound = format!("well within {}", stopped.within);
        match ended {
            Some((status, Some(after))) => {
                let kept = status.success() && after <= stopped.within.0;
                self.add(kept, format!("{status} after {after:.1?}"), bound);
            }
            Some((status, None)) => self.add(false, format!("{status}, untold"), bound),
            None => self.add(false, "still running".to_owned(), bound),
        }
    }
}

/// Samples of one gateway in order, the last one before the window first.
fn read_samples(sample: Sample, samples: &[f64]) -> Option<f64> {
    match sample {
        Sample::Rise => Some(samples.last()? - samples.first()?),
        Sample::Greatest => samples.iter().copied().reduce(f64::max),
        Sample::Last => samples.last().copied(),
    }
}

/// How far off a count may be, where it may.
fn by_chance(text: &str, chance: f64) -> String {
    if chance > 0.0 { format!(", by chance {text}") } else { String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_read_as_asked() {
        let check = |sample, expected| assert_eq!(read_samples(sample, &[3.0, 9.0, 5.0]), expected);
        check(Sample::Rise, Some(2.0));
        check(Sample::Greatest, Some(9.0));
        check(Sample::Last, Some(5.0));
        assert_eq!(read_samples(Sample::Rise, &[]), None);
    }
}
