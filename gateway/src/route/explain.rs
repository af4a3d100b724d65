//! A [`Decision`] in words and in JSON, for `headrace explain` and the admin API.
//! It only renders: every fact comes from the decision and the views it was made of.

use serde::Serialize;

use crate::{
    names::Name,
    route::{Decision, View},
};

/// What to call the nodes of the views.
#[derive(Clone, Debug)]
pub struct Label {
    pub node: Name,
    pub zone: Name,
}

/// One decision, rendered; as JSON it is what `headrace explain --format json` prints.
#[derive(Clone, Debug, Serialize)]
pub struct Explanation {
    /// The chosen node, if any.
    pub node: Option<String>,
    pub tier: Option<&'static str>,
    /// What the call asks, in words.
    pub asks: String,
    /// Empty where no node is asked at all.
    pub nodes: Vec<Row>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Row {
    pub node: String,
    pub zone: String,
    /// `null` for the chosen node.
    pub reason: Option<&'static str>,
    pub head: u64,
    pub lag: u64,
    pub in_flight: u32,
    pub latency_seconds: f64,
}

/// Renders a decision. `views` and `labels` stand in the same order.
pub fn explain(decision: &Decision, views: &[View], labels: &[Label], asks: String) -> Explanation {
    let rows = views.iter().zip(labels).zip(&decision.reasons);
    let nodes = rows.map(|((view, label), reason)| Row {
        node: label.node.to_string(),
        zone: label.zone.to_string(),
        reason: reason.map(|reason| reason.word()),
        head: view.head,
        lag: view.lag,
        in_flight: view.in_flight,
        latency_seconds: view.latency as f64 / 1e9,
    });
    let chosen = decision.chosen.and_then(|node| views.iter().position(|view| view.node == node));
    Explanation {
        node: chosen.map(|at| labels[at].node.to_string()),
        tier: decision.tier.map(|tier| tier.word()),
        asks,
        nodes: nodes.collect(),
    }
}

impl Explanation {
    /// Plain text, one line per node, columns aligned.
    pub fn text(&self) -> String {
        if self.nodes.is_empty() {
            return format!("{}\n", self.asks);
        }
        let verdict = match (&self.node, self.tier) {
            (Some(node), Some(tier)) => format!("goes to {node} ({})", tier.replace('_', " ")),
            _ => "no node can serve it".to_owned(),
        };
        let name = self.nodes.iter().map(|row| row.node.len()).max().unwrap_or(0).max(4);
        let zone = self.nodes.iter().map(|row| row.zone.len()).max().unwrap_or(0).max(4);
        let mut text = format!("{}\n{verdict}\n\n", self.asks);
        text +=
            &format!("  {:name$}  {:zone$}  {:>12}  {:>5}  why\n", "node", "zone", "head", "lag");
        for row in &self.nodes {
            let why = row.reason.unwrap_or("chosen");
            text += &format!(
                "  {:name$}  {:zone$}  {:>12}  {:>5}  {why}\n",
                row.node, row.zone, row.head, row.lag
            );
        }
        text
    }
}
