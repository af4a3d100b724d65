//! What follows from an answer for the chain: votes, tips, and the facts that calls
//! read. Short, synchronous, under the chain's track lock.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use crate::{
    clock::Timestamp,
    family::{self, Identity},
    head::{Header, Line, Next, Standing, TipChange},
    health,
    names::{Block, Hash, NodeIndex},
    route::Facts,
    topology::{Chain, Member, Tips, Track},
};

/// The first tip waits for every node's first answer, at most so long.
pub const EVERYONE_ASKED_WITHIN: Duration = Duration::from_secs(10);
/// Blocks remembered by hash when the tip moves: it and its parents.
const REMEMBERED: usize = 65;
/// A measured block time moves a fifth of the way to each new interval.
const BLOCK_TIME_GAIN: f64 = 0.2;

/// A node showed its newest header.
pub fn observe(chain: &Chain, node: NodeIndex, head: Header, now: Timestamp) -> Next {
    let mut track = chain.state.track.lock();
    let highest = track.heads.highest_proven();
    let next = track.heads.observe(now, node, head);
    let news = next == Next::Nothing && highest.is_some_and(|highest| head.number > highest);
    let conflict = track.heads.in_conflict();
    drop(track);
    for member in &chain.members {
        let behind = news && member.node.head() < head.number && !member.node.config.fallback;
        if (behind || conflict) && member.place.node != node {
            member.node.probe_now.notify_one();
        }
    }
    next
}

/// A node showed an older header it was asked for.
pub fn show(chain: &Chain, node: NodeIndex, header: Header) -> Next {
    chain.state.track.lock().heads.show(node, header)
}

/// A node showed a finality mark.
pub fn mark(chain: &Chain, node: NodeIndex, which: family::Ask, block: Block) {
    let mut track = chain.state.track.lock();
    match which {
        family::Ask::Safe => track.safe.observe(node, block),
        family::Ask::Finalized => track.finalized.observe(node, block),
        _ => {}
    }
}

/// Keeps the text of a header, where clients are answered from it.
pub fn keep_header(chain: &Chain, hash: Hash, raw: &str) {
    if chain.config.family.profile().answers_headers {
        chain.state.track.lock().headers.keep(hash, raw);
    }
}

pub fn set_live(chain: &Chain, node: NodeIndex, live: bool) {
    chain.state.track.lock().heads.set_live(node, live);
}

/// Compares what a node says it is with what the chain is, or with what most nodes say.
pub fn identify(chain: &Chain, member: &Member, found: &Identity) {
    let node = &member.node;
    *node.identity.lock() = Some(found.clone());
    if chain.state.identity.load().is_none() {
        learn_identity(chain);
    }
    let Some(known) = chain.state.identity.load_full() else { return };
    if known.agrees(found) == Some(true) {
        chain.state.identity.store(Some(Arc::new(known.merged(found))));
    }
    for member in &chain.members {
        let said = member.node.identity.lock().clone();
        let agrees = said.as_ref().and_then(|said| known.agrees(said));
        let was_wrong = member.node.facts().has(Facts::WRONG_CHAIN);
        member.node.mark(Facts::VERIFIED, agrees == Some(true));
        member.node.mark(Facts::WRONG_CHAIN, agrees == Some(false));
        if agrees == Some(false) && !was_wrong {
            let said = said.unwrap_or_default();
            tracing::error!(chain = %chain.config.name, node = %member.node.config.name,
                expected = %known, found = %said, "node serves another chain: it gets no call");
        }
    }
}

/// The identity that more than half of the nodes agree on, or, once all were asked, the
/// one that most of those who answered do.
fn learn_identity(chain: &Chain) {
    let said: Vec<Identity> =
        chain.members.iter().filter_map(|member| member.node.identity.lock().clone()).collect();
    let agreeing = |one: &Identity| said.iter().filter(|o| one.agrees(o) == Some(true)).count();
    let Some(best) = said.iter().max_by_key(|one| agreeing(one)) else { return };
    let votes = agreeing(best);
    let asked = chain.members.iter().filter(|member| is_asked(member)).count();
    let everyone = asked == chain.members.len() && votes * 2 > said.len();
    if votes * 2 > chain.members.len() || everyone {
        tracing::warn!(chain = %chain.config.name, identity = %best, nodes = votes,
            "no identity is configured: taken from the nodes");
        chain.state.identity.store(Some(Arc::new(best.clone())));
    }
}

fn is_asked(member: &Member) -> bool {
    member.node.health.lock().state() != health::State::Unknown
}

/// Whether each node was asked once, or long enough was waited for it.
pub fn everyone_asked(chain: &Chain, now: Timestamp, started: Timestamp) -> bool {
    now.since(started) >= EVERYONE_ASKED_WITHIN || chain.members.iter().all(is_asked)
}

/// Whether an own node could take calls.
pub fn own_node_usable(chain: &Chain) -> bool {
    chain.members.iter().any(|member| {
        let out = Facts::UNHEALTHY
            | Facts::SUSPECTED
            | Facts::REFUSED
            | Facts::FORKED
            | Facts::STALLED
            | Facts::WRONG_CHAIN
            | Facts::DRAINED;
        let facts = member.node.facts();
        !member.node.config.fallback && facts.has(Facts::VERIFIED) && !facts.has(out)
    })
}

/// Votes, and publishes what calls read.
pub fn settle(chain: &Chain, now: Timestamp, started: Timestamp) {
    if !everyone_asked(chain, now, started) {
        return;
    }
    let unix_now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
    let mut track = chain.state.track.lock();
    let before = chain.state.tips();
    let change = track.heads.settle(now, unix_now);
    let tips = new_tips(chain, &mut track, before, change, now);
    for member in &chain.members {
        publish_member(member, &track, now, &tips);
    }
    if tips != before {
        remember(chain, track.heads.served());
        let header = tips.latest.and_then(|tip| track.headers.of(tip.hash));
        chain.state.show(tips, track.heads.served(), header);
    }
    drop(track);
    if let Some(change) = change {
        say(chain, change);
    }
}

fn new_tips(
    chain: &Chain,
    track: &mut Track,
    before: Tips,
    change: Option<TipChange>,
    now: Timestamp,
) -> Tips {
    let may_vote = |node: NodeIndex| {
        let facts = chain.member(node).map(|member| member.node.facts()).unwrap_or_default();
        facts.has(Facts::VERIFIED) && !facts.has(Facts::UNHEALTHY | Facts::FORKED)
    };
    track.safe.settle(may_vote, track.heads.served());
    track.finalized.settle(may_vote, track.heads.served());
    let latest = track.heads.tip();
    let instant = if chain.config.family.profile().marks.is_empty() { latest } else { None };
    let mut tips = Tips {
        latest,
        safe: track.safe.settled().or(instant),
        finalized: track.finalized.settled().or(instant),
        ..before
    };
    if let Some(change) = change {
        tips.since = now;
        if let (TipChange::Forward { from, to }, None) = (change, chain.config.block_time) {
            tips.block_time = measured(before, to.number - from.number, now);
            track.heads.set_block_time(tips.block_time);
        }
    }
    tips
}

/// The block time after another interval; kept between 50 ms and 2 minutes.
fn measured(before: Tips, blocks: u64, now: Timestamp) -> Duration {
    if before.since == Timestamp::ZERO {
        return before.block_time;
    }
    let interval = now.since(before.since).as_secs_f64() / blocks.max(1) as f64;
    let old = before.block_time.as_secs_f64();
    let mixed = old + BLOCK_TIME_GAIN * (interval.min(old * 10.0) - old);
    Duration::from_secs_f64(mixed.clamp(0.05, 120.0))
}

fn publish_member(member: &Member, track: &Track, now: Timestamp, tips: &Tips) {
    let node = &member.node;
    let at = member.place.node;
    let standing = track.heads.standing(now, at);
    let head = track.heads.head(at).map_or(0, |head| head.number);
    let (on_line, forked, stalled) = match standing {
        Standing::Unseen | Standing::Far { .. } => (false, false, false),
        Standing::Forked => (false, true, false),
        Standing::OnLine { .. } => (true, false, false),
        // One that does not answer is down, not stalled.
        Standing::Stalled { .. } => (true, false, !node.facts().has(Facts::UNHEALTHY)),
    };
    node.mark(Facts::ON_LINE, on_line);
    node.mark(Facts::FORKED, forked);
    node.mark(Facts::STALLED, stalled);
    let tip = tips.latest.map_or(0, |tip| tip.number);
    node.set_head(head, tip.saturating_sub(head));
}

/// Keeps the tip's hash and its parents' for calls that name blocks by hash.
fn remember(chain: &Chain, served: &Line) {
    let newest = served.blocks().rev().take(REMEMBERED);
    let news = newest.take_while(|block| chain.state.blocks.height(block.hash).is_none());
    news.for_each(|block| chain.state.blocks.insert(block));
}

fn say(chain: &Chain, change: TipChange) {
    let name = &chain.config.name;
    match change {
        TipChange::First { to } => {
            tracing::info!(chain = %name, tip = to.number, "first tip");
        }
        TipChange::Forward { .. } => chain.metrics.tip_changes.add(0, 1),
        TipChange::Reorg { from, to, depth } => {
            chain.metrics.tip_changes.add(1, 1);
            tracing::info!(chain = %name, from = from.number, tip = to.number, depth, "reorg");
        }
        TipChange::Back { from, to } => {
            chain.metrics.tip_changes.add(2, 1);
            tracing::warn!(chain = %name, from = from.number, tip = to.number,
                "the tip goes back: most nodes stayed below it");
        }
        TipChange::Rerooted { from, to } => {
            chain.metrics.tip_changes.add(3, 1);
            tracing::warn!(chain = %name, from = from.number, tip = to.number,
                "the tip moves to another line: no node is left on the old one");
        }
    }
}
