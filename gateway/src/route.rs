//! Choosing a node: a pure function from what a call asks and what the nodes are
//! to a [`Decision`] that carries one reason per node. The hot path, the tests,
//! the simulator and `headrace explain` all call this one function; there is no
//! second "explaining" path.
//!
//! Four steps: **filter** (a reason against each node that cannot serve),
//! **tier** (which level of nodes is used), **score** (latency × load), **pick**
//! (the better of two drawn by weight).
//!
//! What must hold: the chosen node has no reason against it; the order of views
//! never matters for who may be chosen; equal inputs give equal decisions; no
//! tier ever relaxes a check that would give a wrong answer.

pub mod explain;
#[cfg(test)]
mod tests;

use smallvec::SmallVec;

use crate::{
    load::UNKNOWN_LATENCY,
    method::{Data, Lane},
    names::{NodeIndex, ZoneIndex},
};

/// Why a node was not chosen: the same words in `explain`, metrics and logs.
/// In order, most permanent first; a node gets the first that applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Reason {
    LacksMethod,
    WrongChain,
    Forked,
    Pruned,
    Behind,
    Stalled,
    Suspected,
    Drained,
    Unhealthy,
    BreakerOpen,
    Lagging,
    Full,
    Tried,
    /// Able, but a better tier was used.
    Tier,
    /// Able and in the tier, but the draw or the score went to another.
    NotDrawn,
}

impl Reason {
    pub const ALL: [Self; 15] = [
        Self::LacksMethod,
        Self::WrongChain,
        Self::Forked,
        Self::Pruned,
        Self::Behind,
        Self::Stalled,
        Self::Suspected,
        Self::Drained,
        Self::Unhealthy,
        Self::BreakerOpen,
        Self::Lagging,
        Self::Full,
        Self::Tried,
        Self::Tier,
        Self::NotDrawn,
    ];

    pub const fn word(self) -> &'static str {
        match self {
            Self::LacksMethod => "lacks_method",
            Self::WrongChain => "wrong_chain",
            Self::Forked => "forked",
            Self::Pruned => "pruned",
            Self::Behind => "behind",
            Self::Stalled => "stalled",
            Self::Suspected => "suspected",
            Self::Drained => "drained",
            Self::Unhealthy => "unhealthy",
            Self::BreakerOpen => "breaker_open",
            Self::Lagging => "lagging",
            Self::Full => "full",
            Self::Tried => "tried",
            Self::Tier => "tier",
            Self::NotDrawn => "not_drawn",
        }
    }

    /// Soft checks may be distrusted in panic: they say that a node seems sick, not that
    /// its answer would be wrong.
    const fn is_soft(self) -> bool {
        matches!(self, Self::Unhealthy | Self::BreakerOpen | Self::Lagging)
    }
}

/// How far down the fallback levels a decision went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tier {
    OwnZone,
    OwnZoneLagging,
    OtherZones,
    /// Archive nodes for a call that does not need one.
    Archive,
    Fallback,
    Panic,
}

impl Tier {
    pub const fn word(self) -> &'static str {
        match self {
            Self::OwnZone => "own_zone",
            Self::OwnZoneLagging => "own_zone_lagging",
            Self::OtherZones => "other_zones",
            Self::Archive => "archive",
            Self::Fallback => "fallback",
            Self::Panic => "panic",
        }
    }
}

/// What a call asks of a node, with the served tip already resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ask {
    /// The node's head must be at least this.
    pub height: Option<u64>,
    /// The oldest block whose `data` the node must still have.
    pub oldest: Option<u64>,
    pub data: Data,
    pub lane: Lane,
    /// Takes no block but means the newest state: nodes at the tip before lagging ones.
    pub at_tip: bool,
    /// A pruned answer has shown that only an archive node can serve this call.
    pub archive_only: bool,
}

impl Ask {
    /// What the least demanding call asks: for looking at nodes, not for calls.
    pub const fn anything() -> Self {
        Self {
            height: None,
            oldest: None,
            data: Data::None,
            lane: Lane::Light,
            at_tip: false,
            archive_only: false,
        }
    }
}

/// How far behind the tip a node may be, and what the chain's policy is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Blocks behind the tip within which a node is fresh: key `lag`.
    pub lag: u64,
    /// After failures in a zone the next attempt leaves it.
    pub avoid_zone: Option<ZoneIndex>,
    /// May go down to the last tier. Not for a hedge: the call has a node already.
    pub panic: bool,
}

/// What the probes and the tracker say of a node. Bit set, so that a view stays small.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Facts(pub u16);

impl Facts {
    /// Its identity was asked and is the chain's. Until then no tier uses the node.
    pub const VERIFIED: u16 = 1;
    pub const FORKED: u16 = 1 << 1;
    pub const STALLED: u16 = 1 << 2;
    pub const SUSPECTED: u16 = 1 << 3;
    pub const DRAINED: u16 = 1 << 4;
    pub const UNHEALTHY: u16 = 1 << 5;
    /// The last connect was refused: not even panic uses it.
    pub const REFUSED: u16 = 1 << 6;
    /// Showed a head that links to the served line.
    pub const ON_LINE: u16 = 1 << 7;
    /// Says itself that it is syncing.
    pub const SYNCING: u16 = 1 << 8;
    /// Its identity was asked and is another chain's.
    pub const WRONG_CHAIN: u16 = 1 << 9;
    /// Was seen to read a block's hash where a number may stand. Rules nobody out.
    pub const TAKES_HASH: u16 = 1 << 10;

    /// Whether any of these is set.
    pub const fn has(self, facts: u16) -> bool {
        self.0 & facts != 0
    }
}

/// Everything choosing knows of one node at one instant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct View {
    pub node: NodeIndex,
    pub zone: ZoneIndex,
    pub own_zone: bool,
    pub archive: bool,
    pub fallback: bool,
    pub facts: Facts,
    /// Config or the node's own word denies it this method.
    pub lacks_method: bool,
    pub head: u64,
    /// Blocks behind the served tip.
    pub lag: u64,
    /// Oldest block it still serves of the asked data kind; 0: all.
    pub oldest: u64,
    pub breaker_open: bool,
    /// A bound of its own (calls in flight, rate, connections) is reached.
    pub full: bool,
    pub tried: bool,
    /// Method weights of the calls in flight.
    pub in_flight: u32,
    /// Share of its capacity in use, 0 to 1, where a bound is known.
    pub used: f32,
    pub weight: u32,
    /// Slow start's share of its weight, 0.1 to 1.
    pub ramp: f32,
    /// Decayed latency of the call's lane in nanoseconds; 0: never answered.
    pub latency: u64,
}

/// Who serves the call, and why each other node does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    pub chosen: Option<NodeIndex>,
    pub tier: Option<Tier>,
    /// One per view, in the order of the views; `None` for the chosen node.
    pub reasons: SmallVec<[Option<Reason>; 32]>,
}

impl Decision {
    /// Whether every node that was not otherwise ruled out had this reason.
    pub fn only(&self, reason: Reason) -> bool {
        self.has(reason) && self.reasons.iter().flatten().all(|r| *r <= reason)
    }

    pub fn has(&self, reason: Reason) -> bool {
        self.reasons.contains(&Some(reason))
    }
}

/// Own zone is left for another when its node scores this many times worse.
const SPILL_RATIO: f32 = 4.0;
/// …and has at least this much weight in flight: an idle zone is never left for noise.
const SPILL_IN_FLIGHT: u32 = 32;
/// …or when this share of its capacity is used.
const SPILL_USED: f32 = 0.8;
/// Scores within this ratio count as equal: noise must not starve a node.
const EQUAL: f32 = 1.25;
/// The weight at which one unit in flight doubles a node's score: the default weight.
const PLAIN_WEIGHT: f32 = 100.0;

/// One value per view; no allocation for fleets of usual size.
type PerView<T> = SmallVec<[T; 32]>;

/// Where a node stands in the order in which nodes are used for one call. Nodes of a
/// zone that the attempt has to leave come last, whatever their tier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Level {
    avoided: bool,
    /// The call means the newest state, and this node is behind it: a client that saw a block
    /// must not be told of the state before it while any own node has it. Fallback nodes come
    /// after even those.
    late: bool,
    tier: Tier,
}

/// Chooses a node. `draw` is uniform over all `u64`.
pub fn choose(policy: Policy, ask: Ask, views: &[View], draw: u64) -> Decision {
    let mut reasons: PerView<Option<Reason>> =
        views.iter().map(|view| filter(policy, ask, view)).collect();
    let archive = archive_needed(views, &reasons);
    let mut levels: PerView<Level> =
        views.iter().map(|view| level(policy, ask, view, archive)).collect();
    let nobody = reasons.iter().all(Option::is_some);
    if nobody && policy.panic && distrust(views, &mut reasons) {
        levels.iter_mut().for_each(|level| level.tier = Tier::Panic);
    }
    let able = levels.iter().zip(&reasons).filter(|(_, reason)| reason.is_none());
    let best = able.map(|(&level, _)| level).min();
    let Some(chosen) = best.and_then(|best| pick(best, views, &levels, &reasons, draw)) else {
        return Decision { chosen: None, tier: None, reasons };
    };
    let used = levels[chosen];
    for (at, reason) in reasons.iter_mut().enumerate() {
        if reason.is_none() && at != chosen {
            *reason = Some(if levels[at] <= used { Reason::NotDrawn } else { Reason::Tier });
        }
    }
    Decision { chosen: Some(views[chosen].node), tier: Some(used.tier), reasons }
}

/// The first reason against a node, most permanent first.
fn filter(policy: Policy, ask: Ask, view: &View) -> Option<Reason> {
    let facts = view.facts;
    if view.lacks_method {
        return Some(Reason::LacksMethod);
    }
    if facts.has(Facts::WRONG_CHAIN) {
        return Some(Reason::WrongChain);
    }
    if facts.has(Facts::FORKED) {
        return Some(Reason::Forked);
    }
    if is_pruned(ask, view) {
        return Some(Reason::Pruned);
    }
    if !facts.has(Facts::ON_LINE) || ask.height.is_some_and(|height| view.head < height) {
        return Some(Reason::Behind);
    }
    passing(policy, ask, view)
}

fn is_pruned(ask: Ask, view: &View) -> bool {
    if ask.archive_only && !view.archive {
        return true;
    }
    !view.archive && ask.oldest.is_some_and(|oldest| oldest < view.oldest)
}

/// Reasons that pass with time, or with the call.
fn passing(policy: Policy, ask: Ask, view: &View) -> Option<Reason> {
    let facts = view.facts;
    let rows = [
        (facts.has(Facts::STALLED) && (ask.at_tip || ask.height.is_none()), Reason::Stalled),
        (facts.has(Facts::SUSPECTED | Facts::REFUSED), Reason::Suspected),
        (facts.has(Facts::DRAINED), Reason::Drained),
        (
            facts.has(Facts::UNHEALTHY | Facts::SYNCING) || !facts.has(Facts::VERIFIED),
            Reason::Unhealthy,
        ),
        (view.breaker_open, Reason::BreakerOpen),
        (ask.at_tip && view.lag > policy.lag, Reason::Lagging),
        (view.full, Reason::Full),
        (view.tried, Reason::Tried),
    ];
    rows.iter().find(|(applies, _)| *applies).map(|&(_, reason)| reason)
}

fn level(policy: Policy, ask: Ask, view: &View, archive_needed: bool) -> Level {
    let tier = tier_of(policy, ask, view, archive_needed);
    let late = ask.at_tip && (view.lag > 0 || view.fallback);
    Level { avoided: policy.avoid_zone == Some(view.zone), late, tier }
}

/// The tier a usable node belongs to for this call.
fn tier_of(policy: Policy, ask: Ask, view: &View, archive_needed: bool) -> Tier {
    if view.fallback {
        return Tier::Fallback;
    }
    if view.archive && !archive_needed {
        return Tier::Archive;
    }
    if !view.own_zone {
        return Tier::OtherZones;
    }
    // a block's lag is no fault where the call does not ask for the newest state: else the
    // first node with a new block would get all calls for a moment
    let lag_allowed = if ask.at_tip { 0 } else { policy.lag };
    if view.lag <= lag_allowed { Tier::OwnZone } else { Tier::OwnZoneLagging }
}

/// An archive node is taken as an ordinary one where no other own node could serve the
/// call by its data: then the call is an archive call.
fn archive_needed(views: &[View], reasons: &[Option<Reason>]) -> bool {
    let mut full_nodes =
        views.iter().zip(reasons).filter(|(view, _)| !view.archive && !view.fallback);
    full_nodes.all(|(_, reason)| {
        matches!(
            reason,
            Some(Reason::Pruned | Reason::LacksMethod | Reason::WrongChain | Reason::Forked)
        )
    })
}

/// When most of the chain's own capacity looks sick, the checks are distrusted, not the
/// nodes: those whose only reasons are soft become able again. Whether there are any.
fn distrust(views: &[View], reasons: &mut [Option<Reason>]) -> bool {
    const NEVER: u16 = Facts::REFUSED | Facts::SUSPECTED | Facts::DRAINED | Facts::STALLED;
    if !most_looks_sick(views) {
        return false;
    }
    let mut any = false;
    for (view, reason) in views.iter().zip(reasons.iter_mut()) {
        let usable = view.facts.has(Facts::VERIFIED) && !view.facts.has(NEVER);
        let usable = usable && !view.tried && !view.full;
        if usable && reason.is_some_and(Reason::is_soft) {
            *reason = None;
            any = true;
        }
    }
    any
}

/// Whether own nodes holding more than half of the chain's weight are out for soft reasons.
pub fn most_looks_sick(views: &[View]) -> bool {
    const SICK: u16 =
        Facts::UNHEALTHY | Facts::SUSPECTED | Facts::STALLED | Facts::SYNCING | Facts::REFUSED;
    let (mut all, mut sick) = (0_u64, 0_u64);
    for view in views.iter().filter(|view| !view.fallback) {
        let weight = u64::from(view.weight);
        let facts = view.facts;
        let out = facts.has(SICK) || !facts.has(Facts::VERIFIED) || view.breaker_open;
        all += weight;
        sick += if out { weight } else { 0 };
    }
    sick * 2 > all
}

/// The better of two drawn from the best level; a busy own zone spills to the others.
fn pick(
    best: Level,
    views: &[View],
    levels: &[Level],
    reasons: &[Option<Reason>],
    draw: u64,
) -> Option<usize> {
    let members = |wanted: Level| -> PerView<usize> {
        (0..views.len()).filter(|&at| reasons[at].is_none() && levels[at] == wanted).collect()
    };
    let own = better_of_two(views, &members(best), draw)?;
    if best.tier > Tier::OwnZoneLagging || !is_busy(&views[own]) {
        return Some(own);
    }
    let others = members(Level { avoided: false, tier: Tier::OtherZones, ..best });
    let other = better_of_two(views, &others, draw.rotate_left(21));
    other.filter(|&other| spills(&views[own], &views[other])).or(Some(own))
}

fn is_busy(view: &View) -> bool {
    view.in_flight >= SPILL_IN_FLIGHT || view.used >= SPILL_USED
}

fn spills(own: &View, other: &View) -> bool {
    (own.used >= SPILL_USED && other.used < own.used)
        || (own.in_flight >= SPILL_IN_FLIGHT && score(own) > SPILL_RATIO * score(other))
}

/// Weight with slow start included; a weight of 0 counts as 1.
fn share(view: &View) -> f32 {
    view.weight.max(1) as f32 * view.ramp.clamp(0.01, 1.0)
}

/// Decayed latency × (1 + weight in flight per share of capacity); lower is better. Idle
/// nodes are compared by latency alone: weight then decides by the draw.
fn score(view: &View) -> f32 {
    let latency =
        if view.latency == 0 { UNKNOWN_LATENCY.as_nanos() as f32 } else { view.latency as f32 };
    latency * (1.0 + view.in_flight as f32 * PLAIN_WEIGHT / share(view))
}

/// Two distinct members drawn by weight; the clearly lower score wins, else the first drawn.
fn better_of_two(views: &[View], members: &[usize], draw: u64) -> Option<usize> {
    let total: f32 = members.iter().map(|&at| share(&views[at])).sum();
    let first = draw_one(views, members, None, total * fraction(draw >> 32))?;
    let rest = total - share(&views[first]);
    let second = draw_one(views, members, Some(first), rest * fraction(draw & 0xffff_ffff));
    let clearly_better = |&second: &usize| score(&views[first]) > EQUAL * score(&views[second]);
    second.filter(clearly_better).or(Some(first))
}

/// The member in whose part of the whole weight `point` falls, leaving one out.
fn draw_one(
    views: &[View],
    members: &[usize],
    without: Option<usize>,
    point: f32,
) -> Option<usize> {
    let mut left = point;
    let mut last = None;
    for &at in members.iter().filter(|&&at| Some(at) != without) {
        last = Some(at);
        left -= share(&views[at]);
        if left < 0.0 {
            break;
        }
    }
    last
}

/// 32 bits as a number in `[0, 1)`.
fn fraction(bits: u64) -> f32 {
    (bits >> 8) as f32 / (1_u32 << 24) as f32
}
