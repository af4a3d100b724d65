//! The simulated fleet of a scenario.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::Context as _;
use headrace_simnode::{
    Chain, ChainOptions, Family, Keep, Latency, Law, Node, NodeOptions, Pace, Retention,
};

use crate::scenario::{NodeSpec, Scenario};
use crate::truth::Truth;

/// Running nodes with the truth about their chain.
#[derive(Debug)]
pub struct Fleet {
    pub truth: Arc<Truth>,
    /// In the order of the file.
    pub nodes: Vec<Member>,
}

/// One node of the fleet.
#[derive(Debug)]
pub struct Member {
    pub name: String,
    pub zone: String,
    pub spec: NodeSpec,
    pub node: Node,
}

impl Fleet {
    /// Starts the chain's clock and all nodes.
    ///
    /// # Errors
    /// A port cannot be bound.
    pub async fn start(scenario: &Scenario) -> anyhow::Result<Self> {
        let spec = &scenario.chain;
        let chain = Chain::new(ChainOptions {
            chain_id: spec.chain_id,
            seed: spec.seed,
            start: spec.start,
            pace: Pace::Clock,
            block_time: spec.block_time.0,
            gossip: spec.gossip.0,
            ..ChainOptions::of(spec.family)
        });
        let mut nodes = Vec::new();
        for (zone, spec) in scenario.nodes() {
            let options = options(spec, scenario);
            let name = options.name.clone();
            let node = Node::start(Arc::clone(&chain), options).await;
            let node = node.with_context(|| format!("node {name} cannot listen"))?;
            nodes.push(Member {
                name,
                zone: zone.name.get_ref().clone(),
                spec: spec.clone(),
                node,
            });
        }
        Ok(Self { truth: Arc::new(Truth::new(chain)), nodes })
    }

    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Member> {
        self.nodes.iter().find(|member| member.name == name)
    }

    #[must_use]
    pub fn url(&self, name: &str) -> String {
        self.find(name).map_or_else(String::new, |member| member.node.url())
    }
}

fn options(spec: &NodeSpec, scenario: &Scenario) -> NodeOptions {
    let (defaults, family) = (&scenario.node, scenario.chain.family);
    let median = spec.latency.unwrap_or(defaults.latency).0;
    let sigma = spec.sigma.unwrap_or(defaults.sigma);
    let law = if sigma > 0.0 { Law::LogNormal { median, sigma } } else { Law::Fixed(median) };
    let client = spec.client.as_ref().unwrap_or(&defaults.client).of(family);
    NodeOptions {
        client: client.unwrap_or(family.client()),
        retention: retention(spec, scenario),
        latency: Latency { default: law, methods: HashMap::new() },
        slots: spec.slots.unwrap_or(defaults.slots),
        delay: spec.delay.unwrap_or(defaults.delay).0,
        ..NodeOptions::of(family, spec.name.get_ref())
    }
}

/// What a node keeps: a window that moves, but in ICON, whose nodes have a base height.
fn retention(spec: &NodeSpec, scenario: &Scenario) -> Retention {
    if spec.archive {
        return Retention::ARCHIVE;
    }
    let states = spec.states.or(scenario.node.states).unwrap_or(scenario.ways().states);
    match scenario.chain.family {
        Family::Icon => {
            let base = Keep::From(scenario.chain.start.saturating_sub(states));
            Retention { state: base, bodies: base, logs: base }
        }
        family @ (Family::Ethereum | Family::Near | Family::Substrate) => family.retention(states),
    }
}
