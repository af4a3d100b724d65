//! What the demo shows: per chain its tip, and per zone how many nodes are well, what
//! ails the others, and what they carry. A line per node is `headrace status`.

use std::collections::HashMap;

use crate::{
    admin::status::{ChainStatus, NodeStatus, status},
    clock::Timestamp,
    gateway::Gateway,
    method::Lane,
};

/// Columns for what is wrong with nodes.
const AILMENTS: usize = 46;

/// Draws one picture after another, and so knows how many calls a second there were.
#[derive(Debug, Default)]
pub struct Picture {
    drawn: Timestamp,
    /// Calls by chain and zone, when last drawn.
    calls: HashMap<(String, String), u64>,
}

impl Picture {
    pub fn draw(&mut self, gateway: &Gateway) -> String {
        let now = gateway.clock.now();
        let seconds = now.since(self.drawn).as_secs_f64();
        self.drawn = now;
        let mut text = format!("  {:8} {:>5} {:>8} {:>8}  out\n", "zone", "well", "calls/s", "p95");
        for chain in &status(gateway).chains {
            text += &self.chain(chain, seconds);
        }
        text
    }

    fn chain(&mut self, chain: &ChainStatus, seconds: f64) -> String {
        let tip = chain.tips.latest.as_ref().map_or_else(
            || "no tip yet".to_owned(),
            |tip| format!("tip {}, {:.0} s old", tip.number, chain.tips.age_seconds),
        );
        let state = if chain.can_serve { "" } else { "  CANNOT SERVE" };
        let mut text = format!("/{} ({})  {tip}{state}\n", chain.name, chain.family);
        let mut zones: Vec<&str> = chain.nodes.iter().map(|node| &*node.zone).collect();
        zones.dedup();
        for zone in zones {
            let nodes = chain.nodes.iter().filter(|node| node.zone == zone);
            text += &self.zone((&chain.name, zone), &nodes.collect::<Vec<_>>(), seconds);
        }
        text
    }

    fn zone(&mut self, (chain, zone): (&str, &str), nodes: &[&NodeStatus], seconds: f64) -> String {
        let calls: u64 = nodes.iter().flat_map(|node| node.calls.values()).sum();
        let before = self.calls.insert((chain.to_owned(), zone.to_owned()), calls);
        let rate = before.filter(|_| seconds > 0.0).map_or_else(
            || "-".to_owned(),
            |before| format!("{:.0}", calls.saturating_sub(before) as f64 / seconds),
        );
        let well = nodes.iter().filter(|node| is_well(node)).count();
        let slowest = nodes.iter().filter_map(|node| node.p95_seconds.get(Lane::Light.word()));
        let p95 = match slowest.copied().fold(0.0, f64::max) {
            0.0 => "-".to_owned(),
            seconds => format!("{:.1} ms", seconds * 1e3),
        };
        let out: Vec<String> = nodes
            .iter()
            .filter(|node| !is_well(node))
            .map(|node| format!("{} {}", node.name, node.states.first().unwrap_or(&"")))
            .collect();
        let out: String = out.join(", ").chars().take(AILMENTS).collect();
        let of = format!("{well}/{}", nodes.len());
        format!("  {zone:8} {of:>5} {rate:>8} {p95:>8}  {out}").trim_end().to_owned() + "\n"
    }
}

fn is_well(node: &NodeStatus) -> bool {
    node.states == ["up"]
}
