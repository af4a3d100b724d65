//! How a node stands, in the words that metrics, `status` and alerts share. It
//! reads off what choosing reads; it decides nothing.

use crate::{clock::Timestamp, method::Lane, node::Node, route::Facts};

/// A node's standing: several at once, or `Up` alone. `Unverified` until its identity
/// was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Up,
    Unverified,
    WrongChain,
    Forked,
    Stalled,
    Suspected,
    Drained,
    Unhealthy,
    Syncing,
    BreakerOpen,
    Lagging,
}

impl Standing {
    pub const ALL: [Self; 11] = [
        Self::Up,
        Self::Unverified,
        Self::WrongChain,
        Self::Forked,
        Self::Stalled,
        Self::Suspected,
        Self::Drained,
        Self::Unhealthy,
        Self::Syncing,
        Self::BreakerOpen,
        Self::Lagging,
    ];

    /// The words of [`crate::route::Reason`] where it has one.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Unverified => "unverified",
            Self::WrongChain => "wrong_chain",
            Self::Forked => "forked",
            Self::Stalled => "stalled",
            Self::Suspected => "suspected",
            Self::Drained => "drained",
            Self::Unhealthy => "unhealthy",
            Self::Syncing => "syncing",
            Self::BreakerOpen => "breaker_open",
            Self::Lagging => "lagging",
        }
    }
}

/// A node's standing at `now`, most permanent first; never empty. `lag`: blocks behind
/// the tip within which a node is fresh.
pub fn standing(node: &Node, lag: u64, now: Timestamp) -> Vec<Standing> {
    let out = |standing: &Standing| applies(*standing, node, lag, now);
    let out: Vec<Standing> = Standing::ALL.into_iter().filter(out).collect();
    if out.is_empty() { vec![Standing::Up] } else { out }
}

fn applies(standing: Standing, node: &Node, lag: u64, now: Timestamp) -> bool {
    let facts = node.facts();
    match standing {
        Standing::Up => false,
        Standing::Unverified => !facts.has(Facts::VERIFIED | Facts::WRONG_CHAIN),
        Standing::WrongChain => facts.has(Facts::WRONG_CHAIN),
        Standing::Forked => facts.has(Facts::FORKED),
        Standing::Stalled => facts.has(Facts::STALLED),
        Standing::Suspected => facts.has(Facts::SUSPECTED | Facts::REFUSED),
        Standing::Drained => facts.has(Facts::DRAINED),
        Standing::Unhealthy => facts.has(Facts::UNHEALTHY),
        Standing::Syncing => facts.has(Facts::SYNCING),
        Standing::BreakerOpen => open_lanes(node, now).next().is_some(),
        Standing::Lagging => facts.has(Facts::VERIFIED) && node.lag() > lag,
    }
}

/// The kinds of work that a node's breakers keep away from it.
pub fn open_lanes(node: &Node, now: Timestamp) -> impl Iterator<Item = Lane> {
    Lane::ALL.into_iter().filter(move |&lane| node.lane(lane).is_open(now))
}
