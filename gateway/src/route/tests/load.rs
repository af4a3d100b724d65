//! Shares over many picks, with fixed seeds: by weight, by speed, by load.

use super::{super::*, ASK, MS, POLICY, node};

const PICKS: u64 = 10_000;

/// SplitMix64: uniform draws from a seed.
struct Draws(u64);

impl Draws {
    fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

/// Picks per view while nothing is in flight.
fn idle_shares(views: &[View], seed: u64) -> Vec<u64> {
    let mut draws = Draws(seed);
    let mut picks = vec![0; views.len()];
    for _ in 0..PICKS {
        let chosen = choose(POLICY, ASK, views, draws.draw()).chosen.expect("a node");
        picks[usize::from(chosen.0)] += 1;
    }
    picks
}

/// A small queue model: `rate` calls come per tick (a millisecond). A node works on `slots`
/// calls at once and takes its latency for each; a call that finds `n × slots` calls
/// before it takes `n` latencies more. Gives picks per view over [`PICKS`] calls.
fn loaded_shares(views: &mut [View], rate: usize, slots: u32, seed: u64) -> Vec<u64> {
    let mut draws = Draws(seed);
    let mut picks = vec![0; views.len()];
    let mut ends: Vec<Vec<u64>> = vec![Vec::new(); views.len()];
    for tick in 0..PICKS / rate as u64 {
        for _ in 0..rate {
            let chosen = choose(POLICY, ASK, views, draws.draw()).chosen.expect("a node");
            let at = usize::from(chosen.0);
            let queued = u64::from(views[at].in_flight / slots);
            ends[at].push(tick + (views[at].latency / MS) * (1 + queued));
            views[at].in_flight += 1;
            views[at].used = views[at].in_flight as f32 / slots as f32;
            picks[at] += 1;
        }
        for (view, ends) in views.iter_mut().zip(&mut ends) {
            ends.retain(|end| *end > tick);
            view.in_flight = ends.len() as u32;
            view.used = view.in_flight as f32 / slots as f32;
        }
    }
    picks
}

#[test]
fn idle_nodes_of_about_equal_speed_share_by_weight() {
    let weights = [100_u32, 50, 200, 150];
    let views: Vec<View> = (0_u16..)
        .zip(weights)
        .map(|(at, weight)| View { weight, latency: MS + u64::from(at) * MS / 20, ..node(at, 0) })
        .collect();
    for seed in 1..=5 {
        let picks = idle_shares(&views, seed);
        let deviation = |(&seen, weight): (&u64, u32)| {
            let expected = PICKS as f64 * f64::from(weight) / 500.0;
            (seen as f64 - expected).powi(2) / expected
        };
        let chi_square: f64 = picks.iter().zip(weights).map(deviation).sum();
        assert!(chi_square < 16.3, "p < 0.001 at 3 degrees of freedom: {picks:?}");
    }
}

#[test]
fn a_node_in_slow_start_gets_its_share_at_once_and_no_more() {
    for (ramp, low, high) in [(0.1, 300, 700), (0.5, 1_700, 2_300)] {
        let views = [node(0, 0), node(1, 0), View { ramp, ..node(2, 0) }];
        let picks = idle_shares(&views, 3);
        assert!((low..high).contains(&picks[2]), "{ramp} {picks:?}");
    }
}

#[test]
fn a_node_twenty_times_slower_gets_at_most_a_twentieth() {
    for count in [2_u16, 3, 9] {
        for rate in [1, 5] {
            let mut views: Vec<View> =
                (0..count).map(|at| View { latency: 5 * MS, ..node(at, 0) }).collect();
            views[0].latency *= 20;
            let picks = loaded_shares(&mut views, rate, 64, u64::from(count));
            assert!(picks[0] <= PICKS / 20, "{count} {rate} {picks:?}");
        }
    }
}

#[test]
fn under_load_the_heavier_node_carries_more_in_proportion() {
    let slow = View { latency: 20 * MS, ..node(0, 0) };
    let mut views = [slow, View { weight: 300, node: NodeIndex(1), ..slow }];
    let picks = loaded_shares(&mut views, 2, 1_000, 4);
    assert!((6_800..8_200).contains(&picks[1]), "{picks:?}");
}

#[test]
fn a_zone_with_little_in_flight_is_not_left_for_a_faster_one() {
    let far = View { latency: MS, ..node(1, 1) };
    for (in_flight, chosen) in [(0, 0), (31, 0), (32, 1)] {
        let own = View { latency: 100 * MS, in_flight, ..node(0, 0) };
        let decision = choose(POLICY, ASK, &[own, far], 0);
        assert_eq!(decision.chosen, Some(NodeIndex(chosen)), "{in_flight}");
    }
}

/// Two own nodes and two of another zone, three times as far away.
fn zones() -> Vec<View> {
    let near = |at| View { latency: 5 * MS, ..node(at, 0) };
    let far = |at| View { latency: 15 * MS, ..node(at, 1) };
    vec![near(0), near(1), far(2), far(3)]
}

#[test]
fn nothing_spills_from_a_zone_that_is_not_busy() {
    for (rate, seed) in [(1, 1), (2, 2), (4, 3)] {
        let picks = loaded_shares(&mut zones(), rate, 64, seed);
        assert_eq!(picks[2..], [0, 0], "{rate}");
    }
}

#[test]
fn a_loaded_zone_spills_what_is_above_its_share_and_keeps_the_rest() {
    // two near nodes with 32 slots and 5 ticks a call are 80 % busy at 10 calls a tick
    let spilled = |rate| {
        let picks = loaded_shares(&mut zones(), rate, 32, 7);
        (picks[2] + picks[3]) as f64 / PICKS as f64
    };
    let shares = [8, 12, 16, 20].map(spilled);
    assert!(shares[0] < 0.05, "{shares:?}");
    assert!(shares.is_sorted(), "more load, more spill: {shares:?}");
    assert!((0.2..0.6).contains(&shares[3]), "the own zone stays in use: {shares:?}");
}

#[test]
fn spilled_calls_spread_over_the_other_zones() {
    let mut views = zones();
    views.push(View { latency: 15 * MS, ..node(4, 2) });
    views.push(View { latency: 15 * MS, ..node(5, 2) });
    let picks = loaded_shares(&mut views, 20, 32, 11);
    let spilled: u64 = picks[2..].iter().sum();
    for &one in &picks[2..] {
        assert!((spilled / 8..spilled / 2).contains(&one), "{picks:?}");
    }
}
