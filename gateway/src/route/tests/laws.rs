//! Laws of choosing, over random fleets.

use proptest::prelude::*;

use super::{super::*, HEAD, draws, node};

/// Facts are mostly good, so that every tier comes up.
fn facts() -> impl Strategy<Value = Facts> {
    prop_oneof![
        4 => Just(Facts(Facts::VERIFIED | Facts::ON_LINE)),
        1 => (0_u32..10).prop_map(|bit| Facts((Facts::VERIFIED | Facts::ON_LINE) ^ (1 << bit))),
        1 => (0_u16..1 << 10).prop_map(Facts),
    ]
}

fn view() -> impl Strategy<Value = View> {
    let rarely = || proptest::bool::weighted(0.15);
    let place = (0..3_u16, rarely(), rarely(), facts());
    let able = (rarely(), rarely(), rarely(), rarely(), 0..6_u64);
    let load = (0..80_u32, 0..=10_u8, 1..300_u32, 1..=10_u8, 0..50_000_000_u64);
    (place, able, load).prop_map(|(place, able, load)| View {
        archive: place.1,
        fallback: place.2,
        facts: place.3,
        lacks_method: able.0,
        breaker_open: able.1,
        full: able.2,
        tried: able.3,
        lag: able.4,
        head: HEAD - able.4,
        oldest: if place.1 { 0 } else { HEAD - 128 },
        in_flight: load.0,
        used: f32::from(load.1) / 10.0,
        weight: load.2,
        ramp: f32::from(load.3) / 10.0,
        latency: load.4,
        ..node(0, place.0)
    })
}

fn fleet() -> impl Strategy<Value = Vec<View>> {
    prop::collection::vec(view(), 0..8).prop_map(|mut views| {
        (0..).zip(&mut views).for_each(|(at, view)| view.node = NodeIndex(at));
        views
    })
}

fn ask() -> impl Strategy<Value = Ask> {
    let block = prop_oneof![Just(None), Just(Some(HEAD)), Just(Some(HEAD - 3)), Just(Some(5))];
    (block, any::<bool>(), proptest::bool::weighted(0.1)).prop_map(|(block, at_tip, only)| Ask {
        height: block,
        oldest: block,
        data: Data::State,
        lane: Lane::State,
        at_tip: at_tip && block.is_none(),
        archive_only: only,
    })
}

fn policy() -> impl Strategy<Value = Policy> {
    let zone = prop_oneof![Just(None), (0..3_u16).prop_map(|zone| Some(ZoneIndex(zone)))];
    (0..4_u64, zone).prop_map(|(lag, avoid_zone)| Policy { lag, avoid_zone, panic: true })
}

/// What would make the node's answer wrong, or is never to be used.
fn is_forbidden(ask: Ask, view: &View) -> bool {
    const BAD: u16 =
        Facts::WRONG_CHAIN | Facts::FORKED | Facts::DRAINED | Facts::REFUSED | Facts::SUSPECTED;
    view.lacks_method
        || view.facts.has(BAD)
        || !view.facts.has(Facts::VERIFIED)
        || !view.facts.has(Facts::ON_LINE)
        || view.full
        || view.tried
        || ask.height.is_some_and(|height| view.head < height)
        || (ask.archive_only && !view.archive)
        || (!view.archive && ask.oldest.is_some_and(|oldest| oldest < view.oldest))
}

/// Reasons of filtered nodes, by node: what no draw may change.
fn filtered(decision: &Decision, views: &[View]) -> Vec<(NodeIndex, Option<Reason>)> {
    let settled = |reason: Option<Reason>| reason.filter(|reason| *reason < Reason::Tier);
    let rows = views.iter().zip(&decision.reasons);
    let mut rows: Vec<_> = rows.map(|(view, reason)| (view.node, settled(*reason))).collect();
    rows.sort_unstable();
    rows
}

/// Everybody that some draw can choose.
fn possible(policy: Policy, ask: Ask, views: &[View]) -> std::collections::BTreeSet<NodeIndex> {
    let fine = (0..32_u64).flat_map(|a| (0..32_u64).map(move |b| a << 59 | b << 27 | 1 << 26));
    fine.chain(draws()).filter_map(|draw| choose(policy, ask, views, draw).chosen).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn the_chosen_node_and_only_it_has_no_reason(
        policy in policy(), ask in ask(), views in fleet(), draw: u64,
    ) {
        let decision = choose(policy, ask, &views, draw);
        prop_assert_eq!(decision.reasons.len(), views.len());
        let free = views.iter().zip(&decision.reasons).filter(|(_, reason)| reason.is_none());
        let free: Vec<_> = free.map(|(view, _)| view.node).collect();
        prop_assert_eq!(free, Vec::from_iter(decision.chosen));
        prop_assert_eq!(decision.chosen.is_some(), decision.tier.is_some());
    }

    #[test]
    fn equal_inputs_give_equal_decisions(
        policy in policy(), ask in ask(), views in fleet(), draw: u64,
    ) {
        prop_assert_eq!(choose(policy, ask, &views, draw), choose(policy, ask, &views, draw));
    }

    #[test]
    fn no_tier_admits_a_node_whose_answer_could_be_wrong(
        policy in policy(), ask in ask(), views in fleet(), draw: u64,
    ) {
        if let Some(node) = choose(policy, ask, &views, draw).chosen {
            prop_assert!(!is_forbidden(ask, &views[usize::from(node.0)]));
        }
    }

    #[test]
    fn where_one_node_is_free_of_faults_there_is_a_choice_and_no_panic(
        policy in policy(), ask in ask(), mut views in fleet(), draw: u64,
    ) {
        let good = NodeIndex(views.len() as u16);
        views.push(View { node: good, archive: true, oldest: 0, ..node(0, 0) });
        let decision = choose(policy, ask, &views, draw);
        prop_assert!(decision.tier.is_some_and(|tier| tier < Tier::Panic), "{decision:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_order_of_views_changes_neither_who_can_be_chosen_nor_why_others_are_out(
        policy in policy(), ask in ask(), views in fleet(), draw: u64, turn in 0..8_usize,
    ) {
        let mut plain = views;
        // equal and idle, so that a coarse set of draws reaches everybody in the tier
        for view in &mut plain {
            (view.in_flight, view.used, view.latency, view.weight) = (0, 0.0, 0, 100);
            view.ramp = 1.0;
        }
        let mut other = plain.clone();
        other.reverse();
        other.rotate_left(turn % plain.len().max(1));
        prop_assert_eq!(possible(policy, ask, &plain), possible(policy, ask, &other));
        let (one, two) = (choose(policy, ask, &plain, draw), choose(policy, ask, &other, draw));
        prop_assert_eq!(one.tier, two.tier);
        prop_assert_eq!(filtered(&one, &plain), filtered(&two, &other));
    }
}
