//! The status as a table of at most [`WIDTH`] columns: one line per chain, one per node.

use std::collections::HashMap;

use crate::{
    admin::status::{ChainStatus, NodeStatus, Status, status},
    clock::Timestamp,
    gateway::Gateway,
    method::Lane,
};

/// Columns of a terminal that is not made larger.
pub const WIDTH: usize = 100;
/// Longer names are cut: other columns must stay in their place.
const NAME: usize = 20;
const ZONE: usize = 12;

/// Draws one table after another, and so knows how many calls a second there were.
#[derive(Debug, Default)]
pub struct Table {
    drawn: Timestamp,
    /// Calls by node, when last drawn.
    calls: HashMap<String, u64>,
}

/// One table, without calls a second: for those see [`Table`].
pub fn table(gateway: &Gateway) -> String {
    Table::default().draw(gateway)
}

impl Table {
    /// The status now; calls a second since this table was last drawn.
    pub fn draw(&mut self, gateway: &Gateway) -> String {
        let (now, status) = (gateway.clock.now(), status(gateway));
        let seconds = now.since(self.drawn).as_secs_f64();
        self.drawn = now;
        self.render(&status, seconds)
    }

    fn render(&mut self, status: &Status, seconds: f64) -> String {
        let mut text = String::new();
        for chain in &status.chains {
            text += &title(chain);
            text += &line(&["node", "zone", "state", "head", "lag", "calls/s", "p95", "in flight"]);
            for node in &chain.nodes {
                text += &self.row(node, seconds);
            }
        }
        text
    }

    fn row(&mut self, node: &NodeStatus, seconds: f64) -> String {
        let calls = node.calls.values().sum();
        let before = self.calls.insert(node.name.clone(), calls);
        let rate = before.filter(|_| seconds > 0.0).map_or_else(
            || "-".to_owned(),
            |before| format!("{:.0}", calls.saturating_sub(before) as f64 / seconds),
        );
        let (head, lag) = match node.head {
            0 => ("-".to_owned(), "-".to_owned()),
            head => (head.to_string(), node.lag.to_string()),
        };
        line(&[
            &node.name,
            &node.zone,
            &states(node),
            &head,
            &lag,
            &rate,
            &p95(node),
            &node.in_flight.to_string(),
        ])
    }
}

fn title(chain: &ChainStatus) -> String {
    let tip = chain.tips.latest.as_ref().map_or_else(
        || "no tip yet".to_owned(),
        |tip| format!("tip {}, {:.0} s old", tip.number, chain.tips.age_seconds),
    );
    let state = match (chain.can_serve, chain.panic) {
        (false, _) => "  CANNOT SERVE",
        (true, true) => "  PANIC: most nodes look sick",
        (true, false) => "",
    };
    let text = format!("{} ({})  {tip}{state}", cut(&chain.name, 40), chain.family);
    format!("{}\n", cut(&text, WIDTH))
}

/// The first state, and how many more there are.
fn states(node: &NodeStatus) -> String {
    let first = node.states.first().copied().unwrap_or_default();
    let role = match (node.fallback, node.archive) {
        (true, _) => " (fallback)",
        (false, true) => " (archive)",
        (false, false) => "",
    };
    match node.states.len() {
        0 | 1 => format!("{first}{role}"),
        many => format!("{first} +{}{role}", many - 1),
    }
}

/// Of the work that most calls are.
fn p95(node: &NodeStatus) -> String {
    match node.p95_seconds.get(Lane::Light.word()) {
        Some(seconds) => format!("{:.1} ms", seconds * 1e3),
        None => "-".to_owned(),
    }
}

fn line(cells: &[&str; 8]) -> String {
    let [node, zone, state, head, lag, rate, p95, in_flight] = cells;
    let (node, zone, state) = (cut(node, NAME), cut(zone, ZONE), cut(state, 19));
    let text = format!(
        "  {node:NAME$} {zone:ZONE$} {state:19} {head:>10} {lag:>5} {rate:>7} {p95:>9} {in_flight:>9}"
    );
    format!("{}\n", text.trim_end())
}

/// At most so many characters.
fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::admin::status::{BlockStatus, TipsStatus};

    fn node(name: &str, states: &[&'static str], calls: u64) -> NodeStatus {
        NodeStatus {
            name: name.to_owned(),
            zone: "eu-1a".to_owned(),
            archive: false,
            fallback: false,
            states: states.to_vec(),
            open_breakers: Vec::new(),
            head: 1_234,
            lag: 1,
            head_age_seconds: 1.0,
            in_flight: 3,
            connections: 4,
            calls: BTreeMap::from([("ok", calls)]),
            p95_seconds: BTreeMap::from([("light", 0.0123)]),
            ejections: BTreeMap::new(),
        }
    }

    fn status_of(nodes: Vec<NodeStatus>) -> Status {
        let latest = Some(BlockStatus { number: 1_235, hash: String::new() });
        let tips = TipsStatus {
            latest,
            safe: None,
            finalized: None,
            age_seconds: 2.0,
            trail: 0,
            block_time_seconds: 2.0,
        };
        let chain = ChainStatus {
            name: "eth".to_owned(),
            family: "ethereum",
            can_serve: true,
            panic: false,
            tips,
            retry_budget_ratio: 1.0,
            nodes,
        };
        Status { version: "0", revision: String::new(), not_ready: None, chains: vec![chain] }
    }

    #[test]
    fn a_table_shows_calls_a_second_from_its_second_drawing_on() {
        let mut table = Table::default();
        table.render(&status_of(vec![node("a1", &["up"], 100)]), 0.0);
        let text = table.render(&status_of(vec![node("a1", &["up"], 300)]), 2.0);
        let expected = "\
eth (ethereum)  tip 1235, 2 s old
  node                 zone         state                     head   lag calls/s       p95 in flight
  a1                   eu-1a        up                        1234     1     100   12.3 ms         3
";
        assert_eq!(text, expected);
    }

    #[test]
    fn no_line_is_wider_than_the_terminal_whatever_the_names() {
        let long = "n".repeat(200);
        let mut bad =
            node(&long, &["wrong_chain", "unhealthy", "breaker_open"], u64::from(u32::MAX));
        bad.zone.clone_from(&long);
        bad.fallback = true;
        let mut status = status_of(vec![bad]);
        status.chains[0].name = long;
        status.chains[0].can_serve = false;
        let text = table_of(&status);
        let widest = text.lines().map(|line| line.chars().count()).max();
        assert!(widest.is_some_and(|widest| widest <= WIDTH), "{text}");
    }

    fn table_of(status: &Status) -> String {
        Table::default().render(status, 0.0)
    }
}
