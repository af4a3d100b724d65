mod laws;
mod load;

use super::*;

pub const MS: u64 = 1_000_000;
const HEALTHY: u16 = Facts::VERIFIED | Facts::ON_LINE;
const HEAD: u64 = 1_000;

const POLICY: Policy = Policy { lag: 2, avoid_zone: None, panic: true };
const ASK: Ask = Ask {
    height: Some(HEAD),
    oldest: Some(HEAD),
    data: Data::State,
    lane: Lane::State,
    at_tip: false,
    archive_only: false,
};
/// Takes no block, means the newest state.
const AT_TIP: Ask = Ask { height: None, oldest: None, at_tip: true, ..ASK };
/// Reads a block that full nodes of these tests have pruned.
const HISTORY: Ask = Ask { height: Some(10), oldest: Some(10), ..ASK };

/// A healthy, idle node. Zone 0 is the own one.
pub fn node(index: u16, zone: u16) -> View {
    View {
        node: NodeIndex(index),
        zone: ZoneIndex(zone),
        own_zone: zone == 0,
        archive: false,
        fallback: false,
        facts: Facts(HEALTHY),
        lacks_method: false,
        head: HEAD,
        lag: 0,
        oldest: HEAD - 128,
        breaker_open: false,
        full: false,
        tried: false,
        in_flight: 0,
        used: 0.0,
        weight: 100,
        ramp: 1.0,
        latency: MS,
    }
}

fn with(facts: u16) -> Facts {
    Facts(HEALTHY | facts)
}

/// Draws that reach every pair of up to four equal members.
pub fn draws() -> impl Iterator<Item = u64> {
    let parts =
        [0.05, 0.2, 0.3, 0.45, 0.55, 0.7, 0.8, 0.95].map(|part| (part * 4_294_967_296.0) as u64);
    parts.into_iter().flat_map(move |first| parts.map(|second| first << 32 | second))
}

/// Every node that can be chosen, and the tier.
fn choices(policy: Policy, ask: Ask, views: &[View]) -> (Vec<u16>, Option<Tier>) {
    let mut chosen = Vec::new();
    let mut tier = None;
    for draw in draws() {
        let decision = choose(policy, ask, views, draw);
        chosen.extend(decision.chosen.map(|node| node.0));
        tier = decision.tier;
    }
    chosen.sort_unstable();
    chosen.dedup();
    (chosen, tier)
}

#[track_caller]
fn check(policy: Policy, ask: Ask, views: &[View], expected: &[u16], tier: Option<Tier>) {
    assert_eq!(choices(policy, ask, views), (expected.to_vec(), tier));
}

/// The reason against one node beside a healthy one of its zone.
#[track_caller]
fn check_reason(ask: Ask, view: View, expected: Reason) {
    let decision = choose(POLICY, ask, &[view, node(1, 0)], 0);
    assert_eq!(decision.reasons[..], [Some(expected), None], "{view:?}");
    assert_eq!(decision.chosen, Some(NodeIndex(1)));
}

#[test]
fn each_fault_has_its_reason() {
    let plain = node(0, 0);
    let rows = [
        (ASK, View { lacks_method: true, ..plain }, Reason::LacksMethod),
        (ASK, View { facts: with(Facts::WRONG_CHAIN), ..plain }, Reason::WrongChain),
        (ASK, View { facts: with(Facts::FORKED), ..plain }, Reason::Forked),
        (ASK, View { oldest: HEAD + 1, ..plain }, Reason::Pruned),
        (ASK, View { head: HEAD - 1, lag: 1, ..plain }, Reason::Behind),
        (ASK, View { facts: Facts(Facts::VERIFIED), ..plain }, Reason::Behind),
        (AT_TIP, View { facts: with(Facts::STALLED), ..plain }, Reason::Stalled),
        (ASK, View { facts: with(Facts::SUSPECTED), ..plain }, Reason::Suspected),
        (ASK, View { facts: with(Facts::REFUSED), ..plain }, Reason::Suspected),
        (ASK, View { facts: with(Facts::DRAINED), ..plain }, Reason::Drained),
        (ASK, View { facts: with(Facts::UNHEALTHY), ..plain }, Reason::Unhealthy),
        (ASK, View { facts: with(Facts::SYNCING), ..plain }, Reason::Unhealthy),
        (ASK, View { facts: Facts(Facts::ON_LINE), ..plain }, Reason::Unhealthy),
        (ASK, View { breaker_open: true, ..plain }, Reason::BreakerOpen),
        (AT_TIP, View { lag: 3, ..plain }, Reason::Lagging),
        (ASK, View { full: true, ..plain }, Reason::Full),
        (ASK, View { tried: true, ..plain }, Reason::Tried),
        (AT_TIP, View { lag: 1, ..plain }, Reason::Tier),
        (ASK, View { zone: ZoneIndex(1), own_zone: false, ..plain }, Reason::Tier),
        (ASK, View { latency: 50 * MS, ..plain }, Reason::NotDrawn),
        (ASK, View { in_flight: 1, ..plain }, Reason::NotDrawn),
    ];
    rows.into_iter().for_each(|(ask, view, reason)| check_reason(ask, view, reason));
}

#[test]
fn of_several_reasons_the_most_permanent_is_told() {
    let mut view = View { tried: true, full: true, breaker_open: true, ..node(0, 0) };
    check_reason(ASK, view, Reason::BreakerOpen);
    view.facts = with(Facts::UNHEALTHY | Facts::DRAINED);
    check_reason(ASK, view, Reason::Drained);
    view.facts = with(Facts::SUSPECTED | Facts::DRAINED | Facts::FORKED);
    check_reason(ASK, view, Reason::Forked);
    view.lacks_method = true;
    check_reason(ASK, view, Reason::LacksMethod);
}

#[test]
fn reason_words_are_distinct_and_in_the_order_of_the_reasons() {
    assert!(Reason::ALL.is_sorted());
    let words: std::collections::BTreeSet<_> = Reason::ALL.map(Reason::word).into();
    assert_eq!(words.len(), Reason::ALL.len());
}

/// One node of every tier, best first.
fn ladder() -> Vec<View> {
    vec![
        node(0, 0),
        View { lag: 3, head: HEAD - 3, ..node(1, 0) },
        node(2, 1),
        View { archive: true, oldest: 0, ..node(3, 0) },
        View { fallback: true, ..node(4, 2) },
    ]
}

#[test]
fn tiers_are_used_in_order_each_only_when_the_better_ones_are_out() {
    let tiers =
        [Tier::OwnZone, Tier::OwnZoneLagging, Tier::OtherZones, Tier::Archive, Tier::Fallback];
    let mut views = ladder();
    for (at, tier) in tiers.into_iter().enumerate() {
        check(POLICY, HISTORY_HELD, &views, &[at as u16], Some(tier));
        views[at].facts = with(Facts::UNHEALTHY);
    }
    check(POLICY, HISTORY_HELD, &views, &[0, 1, 2, 3, 4], Some(Tier::Panic));
}

/// A pending nonce of the block before is "nonce too low" to who has seen that block.
#[test]
fn a_call_for_the_newest_state_leaves_the_zone_before_it_is_told_of_an_older_one() {
    let order = [
        (0, Tier::OwnZone),
        (2, Tier::OtherZones),
        (3, Tier::Archive),
        (1, Tier::OwnZoneLagging),
        (4, Tier::Fallback),
    ];
    let mut views = ladder();
    views[1].lag = 1;
    for (at, tier) in order {
        check(POLICY, AT_TIP, &views, &[at], Some(tier));
        views[usize::from(at)].facts = with(Facts::UNHEALTHY);
    }
}

#[test]
fn fallback_is_left_as_soon_as_any_own_node_can_serve() {
    for back in 0..4 {
        let mut views = ladder();
        views[1].lag = 1;
        views[..4].iter_mut().for_each(|view| view.facts = with(Facts::SUSPECTED));
        check(POLICY, AT_TIP, &views, &[4], Some(Tier::Fallback));
        views[back].facts = with(0);
        let (chosen, _) = choices(POLICY, AT_TIP, &views);
        assert_eq!(chosen, [back as u16]);
    }
}

#[test]
fn archive_calls_go_to_archive_nodes_and_others_do_not() {
    let archive = View { archive: true, oldest: 0, ..node(1, 0) };
    let views = [node(0, 0), archive, node(2, 1)];
    check(POLICY, ASK, &views, &[0], Some(Tier::OwnZone));
    check(POLICY, HISTORY, &views, &[1], Some(Tier::OwnZone));
    check(POLICY, Ask { archive_only: true, ..ASK }, &views, &[1], Some(Tier::OwnZone));
    let remote = View { archive: true, oldest: 0, ..node(1, 1) };
    check(POLICY, HISTORY, &[node(0, 0), remote], &[1], Some(Tier::OtherZones));
}

#[test]
fn where_all_own_nodes_are_archive_they_serve_as_ordinary_ones() {
    let archive = |index| View { archive: true, oldest: 0, ..node(index, 0) };
    let fallback = View { fallback: true, ..node(2, 0) };
    check(POLICY, ASK, &[archive(0), archive(1), fallback], &[0, 1], Some(Tier::OwnZone));
}

#[test]
fn a_lag_within_limits_matters_only_to_calls_that_mean_the_newest_state() {
    let mut views = [node(0, 0), View { lag: 2, ..node(1, 0) }];
    check(POLICY, AT_TIP, &views, &[0], Some(Tier::OwnZone));
    check(POLICY, HISTORY_HELD, &views, &[0, 1], Some(Tier::OwnZone));
    views[1].lag = 3;
    check(POLICY, HISTORY_HELD, &views, &[0], Some(Tier::OwnZone));
}

/// Reads an older block that everybody still has.
const HISTORY_HELD: Ask = Ask { height: Some(HEAD - 50), oldest: Some(HEAD - 50), ..ASK };

#[test]
fn an_avoided_zone_is_left_for_any_other_and_used_when_there_is_none() {
    let avoid = |zone| Policy { avoid_zone: Some(ZoneIndex(zone)), ..POLICY };
    let views = [node(0, 0), node(1, 1), node(2, 2)];
    check(avoid(0), ASK, &views, &[1, 2], Some(Tier::OtherZones));
    check(avoid(1), ASK, &views[1..], &[2], Some(Tier::OtherZones));
    check(avoid(0), ASK, &views[..1], &[0], Some(Tier::OwnZone));
    let fallback = View { fallback: true, ..node(3, 3) };
    check(avoid(0), ASK, &[views[0], fallback], &[3], Some(Tier::Fallback));
}

#[test]
fn panic_comes_only_when_more_than_half_of_the_chains_weight_looks_sick() {
    let sick = View { facts: with(Facts::UNHEALTHY), ..node(0, 0) };
    let tried = |index, weight| View { tried: true, weight, ..node(index, 1) };
    check(POLICY, ASK, &[sick, tried(1, 100)], &[], None);
    check(POLICY, ASK, &[sick, tried(1, 99)], &[0], Some(Tier::Panic));
    let fallback = View { tried: true, fallback: true, weight: 900, ..node(2, 1) };
    check(POLICY, ASK, &[sick, fallback], &[0], Some(Tier::Panic));
    let open = View { breaker_open: true, ..node(3, 1) };
    check(POLICY, ASK, &[sick, open, tried(1, 100)], &[0, 3], Some(Tier::Panic));
    let calm = Policy { panic: false, ..POLICY };
    check(calm, ASK, &[sick, open, tried(1, 100)], &[], None);
}

#[test]
fn with_no_node_there_is_no_choice() {
    check(POLICY, ASK, &[], &[], None);
    let decision = choose(POLICY, ASK, &[View { full: true, ..node(0, 0) }], 0);
    assert!(decision.only(Reason::Full) && decision.has(Reason::Full));
    assert!(!decision.only(Reason::Lagging));
}

#[test]
fn an_explanation_names_the_chosen_node_and_a_word_for_each_other() {
    let views = [node(0, 0), View { full: true, ..node(1, 1) }];
    let decision = choose(POLICY, ASK, &views, 0);
    let label = |node: &str, zone: &str| explain::Label { node: node.into(), zone: zone.into() };
    let labels = [label("a1", "a"), label("b1", "b")];
    let told = explain::explain(&decision, &views, &labels, "state at 1000".to_owned());
    assert_eq!(told.node.as_deref(), Some("a1"));
    assert_eq!(told.tier, Some("own_zone"));
    let reasons: Vec<_> = told.nodes.iter().map(|row| row.reason).collect();
    assert_eq!(reasons, [None, Some("full")]);
    let text = told.text();
    assert!(text.contains("goes to a1 (own zone)") && text.contains("full"), "{text}");
}
