//! What an operator at three in the morning wants to see: chains, tips, and each
//! node with what is wrong with it. As JSON for the API, as a table for a terminal.

mod table;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{
    admin::{
        exposition::{head_age, trail},
        standing::{open_lanes, standing},
    },
    clock::Timestamp,
    gateway::{Gateway, Readiness},
    method::Lane,
    metrics::{AttemptResult, Ejection},
    names::Block,
    topology::{Chain, Member},
};

pub use self::table::{Table, table};

/// `/api/v1/status`.
#[derive(Debug, Serialize)]
pub struct Status {
    pub version: &'static str,
    /// Names the config in force.
    pub revision: String,
    /// Why the gateway is not ready; `null` when it is.
    pub not_ready: Option<&'static str>,
    pub chains: Vec<ChainStatus>,
}

#[derive(Debug, Serialize)]
pub struct ChainStatus {
    pub name: String,
    pub family: &'static str,
    /// Whether some node could take a call for the newest block now.
    pub can_serve: bool,
    pub panic: bool,
    pub tips: TipsStatus,
    pub retry_budget_ratio: f64,
    pub nodes: Vec<NodeStatus>,
}

#[derive(Debug, Serialize)]
pub struct TipsStatus {
    pub latest: Option<BlockStatus>,
    pub safe: Option<BlockStatus>,
    pub finalized: Option<BlockStatus>,
    pub age_seconds: f64,
    /// Blocks behind the first node's head.
    pub trail: u64,
    pub block_time_seconds: f64,
}

#[derive(Debug, Serialize)]
pub struct BlockStatus {
    pub number: u64,
    pub hash: String,
}

#[derive(Debug, Serialize)]
pub struct NodeStatus {
    pub name: String,
    pub zone: String,
    pub archive: bool,
    pub fallback: bool,
    /// `up` alone, or everything that keeps calls away; the words of the metrics.
    pub states: Vec<&'static str>,
    /// Kinds of work that its breakers keep away.
    pub open_breakers: Vec<&'static str>,
    pub head: u64,
    pub lag: u64,
    pub head_age_seconds: f64,
    pub in_flight: u32,
    pub connections: u32,
    /// Calls to it since it was known, by result.
    pub calls: BTreeMap<&'static str, u64>,
    /// By kind of work, where it has answered.
    pub p95_seconds: BTreeMap<&'static str, f64>,
    pub ejections: BTreeMap<&'static str, u64>,
}

/// The gateway's status as JSON.
pub fn json(gateway: &Gateway) -> String {
    serde_json::to_string_pretty(&status(gateway)).unwrap_or_else(|error| {
        tracing::error!(%error, "the status could not be written");
        "{}".to_owned()
    })
}

/// The gateway's status now.
pub fn status(gateway: &Gateway) -> Status {
    let topology = gateway.current.load();
    let now = gateway.clock.now();
    Status {
        version: env!("CARGO_PKG_VERSION"),
        revision: topology.config.revision.clone(),
        not_ready: match gateway.ready(None) {
            Readiness::NotReady(why) => Some(why),
            Readiness::Ready | Readiness::NoSuchChain => None,
        },
        chains: topology.chains.iter().map(|chain| chain_status(chain, now)).collect(),
    }
}

fn chain_status(chain: &Chain, now: Timestamp) -> ChainStatus {
    let tips = chain.state.tips();
    ChainStatus {
        name: chain.config.name.to_string(),
        family: chain.config.family.word(),
        can_serve: chain.can_serve(now),
        panic: chain.in_panic(now),
        tips: TipsStatus {
            latest: tips.latest.map(|tip| block(chain, tip)),
            safe: tips.safe.map(|tip| block(chain, tip)),
            finalized: tips.finalized.map(|tip| block(chain, tip)),
            age_seconds: now.since(tips.since).as_secs_f64(),
            trail: trail(chain),
            block_time_seconds: tips.block_time.as_secs_f64(),
        },
        retry_budget_ratio: chain.state.retries.remaining(),
        nodes: chain.members.iter().map(|member| node_status(chain, member, now)).collect(),
    }
}

/// Hashes as the family's nodes show them.
fn block(chain: &Chain, block: Block) -> BlockStatus {
    BlockStatus { number: block.number, hash: chain.config.family.hash_text(block.hash) }
}

fn node_status(chain: &Chain, member: &Member, now: Timestamp) -> NodeStatus {
    let node = &member.node;
    let states = standing(node, chain.config.lag, now);
    let p95 = |lane: Lane| Some((lane.word(), node.p95(lane).as_secs_f64()));
    let ejections = |why: Ejection| (why.word(), node.metrics.ejections.sum(why as usize));
    NodeStatus {
        name: node.config.name.to_string(),
        zone: node.zone.to_string(),
        archive: node.config.archive,
        fallback: node.config.fallback,
        states: states.into_iter().map(|state| state.word()).collect(),
        open_breakers: open_lanes(node, now).map(Lane::word).collect(),
        head: node.head(),
        lag: node.lag(),
        head_age_seconds: head_age(chain, member, now),
        in_flight: node.flight.calls(),
        connections: member.client.stats().open,
        calls: AttemptResult::ALL.map(|one| (one.word(), node.metrics.attempts(one))).into(),
        p95_seconds: Lane::ALL.into_iter().filter_map(p95).filter(|(_, p95)| *p95 > 0.0).collect(),
        ejections: Ejection::ALL.map(ejections).into(),
    }
}
