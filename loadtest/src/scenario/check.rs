//! What a scenario must mean, beyond its grammar.

use std::collections::HashSet;

use headrace_simnode::Injected;
use toml::Spanned;

use super::{Attack, Expect, OfAttack, Recipe, Retry, Scenario, Share, Step, Time, Which};
use crate::family::word;

/// Offset in the text, and what is wrong there.
type Problem = (usize, String);

/// Calls of one run: their records are kept until its end.
const CALLS: f64 = 20e6;

pub fn problems(scenario: &Scenario) -> Vec<Problem> {
    let mut found = Checker { scenario, problems: Vec::new() };
    found.names();
    found.load();
    scenario.at.iter().for_each(|step| found.step(step));
    found.attacks();
    scenario.expect.iter().for_each(|expect| found.expect(expect));
    found.problems
}

struct Checker<'s> {
    scenario: &'s Scenario,
    problems: Vec<Problem>,
}

impl Checker<'_> {
    fn add(&mut self, at: usize, what: impl Into<String>) {
        self.problems.push((at, what.into()));
    }

    fn names(&mut self) {
        let (mut zones, mut nodes) = (HashSet::new(), HashSet::new());
        for zone in &self.scenario.zones {
            if !zones.insert(zone.name.get_ref()) {
                self.add(zone.name.span().start, "zone: twice in the file");
            }
            for node in &zone.nodes {
                if !nodes.insert(node.name.get_ref()) {
                    self.add(node.name.span().start, "node: twice in the file");
                }
            }
        }
        if nodes.is_empty() {
            self.add(0, "zones: no nodes");
        }
        if let Some(zone) = &self.scenario.gateway.zone {
            self.zone(zone);
        }
        if !(1..=8).contains(&self.scenario.gateway.count) {
            self.add(0, "gateway.count: allowed is 1 to 8");
        }
    }

    fn load(&mut self) {
        let load = &self.scenario.load;
        let (rate, seconds) = (*load.rate.get_ref(), load.duration.get_ref().0.as_secs_f64());
        if !(rate > 0.0 && rate <= 1e6) {
            self.add(load.rate.span().start, "load.rate: allowed is above 0, up to 1000000");
        } else if rate * seconds > CALLS || seconds <= 0.0 {
            let what = format!("load.duration: allowed is above 0, up to {CALLS} calls");
            self.add(load.duration.span().start, what);
        }
        if load.mix.is_empty() {
            self.add(0, "load.mix: empty");
        }
        load.mix.iter().for_each(|share| self.share(share));
        let sound = |retry: &Retry| !matches!(retry, Retry::Model(model) if !model.is_sound());
        if !load.retry.0.iter().all(sound) {
            self.add(0, "load.retry: allowed are 1 to 100 attempts and a factor of 1 to 10");
        }
        self.families();
        let single = |share: &Share| share.call != Recipe::Batch && !share.poison;
        let batches = load.mix.iter().any(|share| share.call == Recipe::Batch);
        if batches && !load.mix.iter().any(single) {
            self.add(0, "load.mix: a batch needs other calls to be made of");
        }
    }

    fn families(&mut self) {
        let families = &self.scenario.chain.families;
        if families.is_empty() {
            self.add(0, "chain.families: empty");
        }
        let named = |share: &Share| share.call == Recipe::Raw;
        let raw = self.scenario.load.mix.iter().find(|share| named(share));
        let raw = raw.map(|share| share.share.span().start);
        let attack = self.scenario.attack.iter().find(|attack| attack.method.is_some());
        let raw = raw.or(attack.map(|attack| attack.kind.span().start));
        if let Some(at) = raw.filter(|_| families.len() > 1) {
            let what = "a method is of one family: chain.families must be that one";
            self.add(at, what);
        }
        for family in families.clone() {
            if self.scenario.clone().with(family).load.mix.is_empty() {
                let what = format!("chain.families: {} has none of the calls", word(family));
                self.add(0, what);
            }
        }
    }

    fn share(&mut self, share: &Share) {
        let at = share.share.span().start;
        let part = *share.share.get_ref();
        if !(part.is_finite() && part > 0.0) {
            self.add(at, "share: allowed is any number above 0");
        }
        if share.depth.is_some_and(|(from, to)| from > to) {
            self.add(at, "depth: from is above to");
        }
        let raw = share.call == Recipe::Raw;
        if raw != share.method.is_some() || (!raw && share.params.is_some()) {
            self.add(at, "method and params belong to `raw`, which needs a method");
        }
        let size = share.size.unwrap_or(1);
        if !(1..=1_000).contains(&size) {
            self.add(at, "size: allowed is 1 to 1000");
        }
    }

    fn step(&mut self, step: &Step) {
        let at = step.t.as_ref().map_or(0, |t| t.span().start);
        let acts = [
            step.fault.is_some(),
            step.clear,
            step.mine.is_some(),
            step.reorg.is_some(),
            step.reload.is_some(),
            step.churn.is_some(),
            step.broken.is_some(),
            step.terminate.is_some(),
        ];
        if acts.iter().filter(|act| **act).count() != 1 {
            self.add(
                at,
                "at: exactly one of fault, clear, mine, reorg, reload, churn, broken, terminate",
            );
        }
        let aimed = step.node.is_some() || !step.nodes.is_empty() || step.zone.is_some();
        if aimed != (step.fault.is_some() || step.clear) {
            self.add(at, "at: fault and clear, and only they, need a node, nodes or a zone");
        }
        step.node.iter().chain(&step.nodes).for_each(|node| self.node(node));
        step.zone.iter().for_each(|zone| self.zone(zone));
        let end = self.scenario.load.duration.get_ref().0;
        if step.t.as_ref().is_some_and(|t| t.get_ref().0 > end) {
            self.add(at, "at.t: after the end of the load");
        }
        if step.every.is_some() != step.times.is_some() {
            self.add(at, "at: every and times belong together");
        }
        if step.terminate.is_some_and(|index| index >= self.scenario.gateway.count) {
            self.add(at, "at.terminate: no such gateway (they count from 0)");
        }
        self.fault(step, at);
    }

    fn fault(&mut self, step: &Step, at: usize) {
        let Some(fault) = &step.fault else { return };
        let injected = Injected {
            fault: fault.clone(),
            methods: step.methods.clone(),
            probability: step.probability.unwrap_or(1.0),
        };
        if let Err(error) = injected.check() {
            self.add(at, format!("at.fault: {error}"));
        }
    }

    fn attacks(&mut self) {
        let end = *self.scenario.load.duration.get_ref();
        let mut names = HashSet::new();
        for attack in &self.scenario.attack {
            let at = attack.kind.span().start;
            for problem in attack.problems(end) {
                self.add(at, problem);
            }
            if !names.insert(attack.label()) {
                self.add(at, format!("attack {}: twice in the file", attack.label()));
            }
        }
    }

    fn of_attack(&mut self, of: &OfAttack) {
        let (at, scenario) = (of.of.span().start, self.scenario);
        let found = scenario.attack.iter().find(|attack| attack.label() == of.of.get_ref());
        let Some(attack) = found else {
            return self.add(at, format!("no attack is named {:?}", of.of.get_ref()));
        };
        let lasts = attack.until().0.saturating_sub(attack.from.0);
        if of.reaped_within.is_some_and(|within| within.0 >= lasts) {
            self.add(at, "reaped_within: the attack does not last so long");
        }
        if of.goaway_within.is_some() && of.goaway.is_none() {
            self.add(at, "goaway_within needs goaway");
        }
        if of.node_calls.is_some() && self.shares_method(attack) {
            self.add(at, "node_calls: the load calls the same method");
        }
    }

    fn shares_method(&self, attack: &Attack) -> bool {
        self.scenario.chain.families.iter().any(|family| {
            let played = self.scenario.clone().with(*family);
            let method = played.attacked(attack).to_owned();
            let is = |share: &Share| {
                let called = (played.ways().method)(share.call).or(share.method.as_deref());
                called == Some(&method)
            };
            played.load.mix.iter().any(is)
        })
    }

    fn expect(&mut self, expect: &Expect) {
        if let Some(attack) = &expect.attack {
            self.of_attack(attack);
        }
        let windowed = expect.from.is_some() || expect.to.is_some();
        if windowed && expect.attack.as_ref().is_some_and(|of| of.bytes_per_connection.is_none()) {
            let what = "of an attack, only bytes_per_connection has a window";
            self.add(0, format!("expect {:?}: {what}", expect.rule));
        }
        if let Some(of) = expect.goodput
            && (of.rate.is_some() == of.from.zip(of.to).is_some()
                || !(0.0..=1.0).contains(&of.share))
        {
            let what = "goodput is a share, 0 to 1, either of a rate or of a window: from and to";
            self.add(0, format!("expect {:?}: {what}", expect.rule));
        }
        if let Some(of) = &expect.of
            && let Which::Label(label) = of.get_ref()
            && !self.scenario.load.mix.iter().any(|share| share.label() == label)
        {
            let what = format!(
                "expect.of: no call of the mix is named {label:?}; groups are all, reads, writes, newest"
            );
            self.add(of.span().start, what);
        }
        let named = expect.calls_to.as_ref().map(|calls| &calls.node);
        let named = named.into_iter().chain(expect.returns.as_ref().map(|returns| &returns.node));
        let share = expect.share_to.as_ref();
        let named = named.chain(share.and_then(|share| share.node.as_ref()));
        named.for_each(|node| self.node(node));
        share.and_then(|share| share.zone.as_ref()).into_iter().for_each(|zone| self.zone(zone));
        if expect.from.zip(expect.to).is_some_and(|(from, to)| from >= to) {
            self.add(0, format!("expect {:?}: from is not before to", expect.rule));
        }
        if expect.writes_once == Some(false) {
            self.add(0, format!("expect {:?}: writes_once can only be true", expect.rule));
        }
        let end = Time(self.scenario.load.duration.get_ref().0);
        if expect.from.is_some_and(|from| from >= end) {
            self.add(0, format!("expect {:?}: from is after the end of the load", expect.rule));
        }
    }

    fn node(&mut self, name: &Spanned<String>) {
        if !self.scenario.nodes().any(|(_, node)| node.name.get_ref() == name.get_ref()) {
            self.add(name.span().start, format!("no node is named {:?}", name.get_ref()));
        }
    }

    fn zone(&mut self, name: &Spanned<String>) {
        if !self.scenario.zones.iter().any(|zone| zone.name.get_ref() == name.get_ref()) {
            self.add(name.span().start, format!("no zone is named {:?}", name.get_ref()));
        }
    }
}
