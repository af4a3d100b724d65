mod laws;
mod halts;
mod lines;
mod marked;
mod skipped;
mod world;

use self::world::{PATIENCE, START, World};
use super::*;

/// Numbers of nodes: 1 + 1 fallback and 2, 2 + 1 fallback and 3, and 3 zones × 3.
const FLEETS: [usize; 3] = [2, 3, 9];

/// Makes a node a liar.
type Lie = fn(&mut World, usize);

/// Claims a height 1,000 above the others and shows nothing.
fn claim(world: &mut World, liar: usize) {
    world.nodes[liar].head += 1_000;
    world.nodes[liar].branch = world.fork(0, Some(world.nodes[liar].head - 1));
    world.nodes[liar].shows_headers = false;
}

/// Invents 1,000 headers on top of the true head.
fn invent(world: &mut World, liar: usize) {
    world.nodes[liar].branch = world.fork(0, Some(world.nodes[liar].head));
    world.nodes[liar].head += 1_000;
}

fn other_chain(world: &mut World, liar: usize) {
    world.nodes[liar].branch = world.fork(0, None);
    world.nodes[liar].head += 1_000;
}

fn minority_fork(world: &mut World, liar: usize) {
    world.nodes[liar].branch = world.fork(0, Some(world.nodes[liar].head - 2));
}

/// Invents one header, 1,000 heights above the true head and with that as its parent.
fn leap(world: &mut World, liar: usize) {
    let head = world.nodes[liar].head;
    world.nodes[liar].branch = world.leap(0, Some(head), head + 1_000);
    world.nodes[liar].head += 1_000;
}

const LIES: [(&str, Lie); 4] =
    [("claim", claim), ("invent", invent), ("leap", leap), ("other chain", other_chain)];
/// No heights skipped, some, and three of four. See [`World::skipping`].
const SKIPS: [u64; 3] = [0, 0x9d3a_4c71_e850_b62f, u64::MAX];

fn lies_fleets_and_skips() -> impl Iterator<Item = ((&'static str, Lie), usize, u64)> {
    LIES.into_iter().flat_map(|lie| {
        let rows = FLEETS.into_iter().flat_map(|count| SKIPS.map(|skips| (count, skips)));
        rows.map(move |(count, skips)| (lie, count, skips))
    })
}

#[test]
fn the_first_tip_is_the_head_of_one_two_three_or_nine_nodes() {
    for count in [1, 2, 3, 9] {
        let mut world = World::new(count);
        let first = world.look();
        assert_eq!(first, Some(TipChange::First { to: world.block(0, START) }), "{count}");
        let changes = world.ticks(20);
        assert_eq!(changes.len(), 20);
        world.check_undisturbed(&changes, START + 20);
    }
}

#[test]
fn the_first_tip_of_three_is_what_two_have_reached_and_of_two_the_greater_head() {
    for (lags, expected) in
        [(vec![0, 3], 0), (vec![3, 0], 0), (vec![0, 2, 5], 2), (vec![5, 0, 0], 0)]
    {
        let mut world = World::new(lags.len());
        for (node, lag) in world.nodes.iter_mut().zip(&lags) {
            node.head -= lag;
        }
        world.look();
        assert_eq!(world.tip(), world.block(0, START - expected), "{lags:?}");
    }
}

#[test]
fn two_nodes_still_in_sync_do_not_make_the_first_tip_against_one_at_the_head() {
    let mut world = World::new(3);
    world.nodes[1].head -= 900;
    world.nodes[2].head -= 901;
    world.look();
    assert_eq!(world.tip(), world.block(0, START));
    assert_eq!(world.standing(1), Standing::Far { lag: 900 });
}

#[test]
fn a_liar_from_the_start_moves_nothing_in_any_fleet() {
    for ((name, lie), count, skips) in lies_fleets_and_skips() {
        for liar in [0, count - 1] {
            let mut world = World::skipping(count, skips);
            lie(&mut world, liar);
            let mut changes: Vec<_> = world.look().into_iter().collect();
            changes.extend(world.ticks(100));
            world.check_undisturbed(&changes, START + 100);
            assert_eq!(world.standing(liar), Standing::Forked, "{name} {count} {liar} {skips}");
        }
    }
}

#[test]
fn a_liar_that_begins_live_moves_nothing_and_is_forked_by_its_second_claim() {
    for ((name, lie), count, skips) in lies_fleets_and_skips() {
        for liar in [0, count - 1] {
            let mut world = World::running_and_skipping(count, skips);
            lie(&mut world, liar);
            let changes = world.ticks(2);
            assert_eq!(world.standing(liar), Standing::Forked, "{name} {count} {liar} {skips}");
            world.check_undisturbed(&changes, START + 5);
            let changes = world.ticks(100);
            world.check_undisturbed(&changes, START + 105);
        }
    }
}

#[test]
fn a_liar_that_returns_to_the_truth_votes_again_at_once() {
    for (_, lie) in LIES {
        let mut world = World::running(2);
        lie(&mut world, 1);
        world.ticks(20);
        world.nodes[1] = world.nodes[0];
        world.tick();
        assert_eq!(world.standing(1), Standing::OnLine { lag: 0 });
        for _ in 0..2 * PATIENCE {
            world.clock.advance(world::BLOCK_TIME);
            world.nodes[0].head += 1;
            world.nodes[1].head = world.nodes[0].head - 1;
            world.look();
            assert_eq!(world.standing(1), Standing::OnLine { lag: 1 }, "it goes on, one behind");
        }
        world.nodes[0].live = false;
        let changes = world.ticks(3);
        assert_eq!(changes.len(), 2, "the tip goes on with it alone");
    }
}

#[test]
fn the_true_hash_under_a_false_number_or_parent_spoils_no_honest_line() {
    for count in [2, 3] {
        let mut world = World::running(count);
        for step in 4..40 {
            let real = world.header(0, START + step);
            let lies = [
                Header { number: real.number + 1_000, ..real },
                Header {
                    number: real.number - 1,
                    parent: world.block(0, START + step - 2),
                    ..real
                },
                Header { parent: Block { hash: Hash([9; 32]), ..real.parent }, ..real },
                Header { parent: real.block(), ..real },
            ];
            for lie in lies {
                let next = world.heads.observe(world.now(), NodeIndex(0), lie);
                if let Next::Show(hash) = next {
                    world.heads.show(
                        NodeIndex(0),
                        Header { hash, parent: Block { hash, ..lie.parent }, ..lie },
                    );
                }
            }
            world.nodes[0].live = false;
            world.tick();
            assert_eq!(world.tip(), world.block(0, START + step), "{count}");
        }
    }
}

#[test]
fn a_minority_fork_moves_nothing_from_the_start_or_live() {
    for (count, forked) in [(3, 1), (5, 2), (9, 4)] {
        for live in [false, true] {
            let mut world = if live { World::running(count) } else { World::new(count) };
            let from = world.nodes[0].head;
            let branch = world.fork(0, Some(from - 2));
            world.nodes[..forked].iter_mut().for_each(|node| node.branch = branch);
            let changes = world.ticks(30);
            world.check_undisturbed(&changes, from + 30);
            assert_eq!(world.standing(0), Standing::Forked);
            assert_eq!(world.standing(count - 1), Standing::OnLine { lag: 0 });
            assert!(world.heads.in_conflict());
        }
    }
}

#[test]
fn without_a_majority_the_tip_returns_to_the_common_ancestor_once_and_stays() {
    for count in [4, 8] {
        let mut world = World::running(count);
        let shared = START + 2;
        let branch = world.fork(0, Some(shared));
        world.nodes[..count / 2].iter_mut().for_each(|node| node.branch = branch);
        let from = world.tip();
        assert_eq!(world.ticks(PATIENCE), [], "patience first");
        let changes = world.ticks(50);
        let to = world.block(0, shared);
        assert_eq!(changes, [TipChange::Back { from, to }]);
        world.nodes[0].branch = 0;
        let forward = world.tick().map(|change| change.to());
        assert_eq!(forward, Some(world.block(0, world.nodes[0].head)), "one more decides it");
    }
}

#[test]
fn two_nodes_that_disagree_never_make_the_tip_flip() {
    for forked in [0, 1] {
        let mut world = World::running(2);
        minority_fork(&mut world, forked);
        let changes = world.ticks(50);
        world.check_undisturbed(&changes, START + 53);
        assert_eq!(world.standing(forked), Standing::Forked);
    }
}

#[test]
fn a_reorg_moves_the_tip_once_with_its_depth() {
    for count in [1, 2, 3, 9] {
        for depth in 1..=3 {
            let mut world = World::running(count);
            let from = world.tip();
            let branch = world.fork(0, Some(from.number - depth));
            world.nodes.iter_mut().for_each(|node| node.branch = branch);
            let to = world.block(branch, from.number + 1);
            assert_eq!(world.tick(), Some(TipChange::Reorg { from, to, depth }), "{count}");
            let changes = world.ticks(10);
            assert!(changes.iter().all(|change| matches!(change, TipChange::Forward { .. })));
            assert_eq!(world.tip(), world.block(branch, from.number + 11));
            assert_eq!(world.heads.at(from.number), Some(world.block(branch, from.number).hash));
        }
    }
}

#[test]
fn nodes_that_reorg_one_after_the_other_move_the_tip_once() {
    let mut world = World::running(3);
    let from = world.tip();
    let branch = world.fork(0, Some(from.number - 1));
    let mut changes = Vec::new();
    for index in 0..3 {
        world.nodes[index].branch = branch;
        changes.extend(world.look());
    }
    let to = world.block(branch, from.number);
    assert_eq!(changes, [TipChange::Reorg { from, to, depth: 1 }]);
}

#[test]
fn a_reorg_to_a_lower_height_is_followed_at_once() {
    for count in [1, 2, 3, 9] {
        let mut world = World::running(count);
        let from = world.tip();
        let branch = world.fork(0, Some(from.number - 3));
        for node in &mut world.nodes {
            (node.branch, node.head) = (branch, from.number - 1);
        }
        let to = world.block(branch, from.number - 1);
        assert_eq!(world.look(), Some(TipChange::Reorg { from, to, depth: 3 }), "{count}");
    }
}

#[test]
fn one_frozen_node_stalls_nobody_else_and_stops_nothing() {
    for count in FLEETS {
        let mut world = World::running(count);
        world.nodes[0].frozen = true;
        let changes = world.ticks(PATIENCE - 1);
        world.check_undisturbed(&changes, START + 2 + PATIENCE);
        assert_eq!(world.standing(0), Standing::OnLine { lag: PATIENCE - 1 });
        world.tick();
        assert_eq!(world.standing(0), Standing::Stalled { lag: PATIENCE });
        assert_eq!(world.standing(1), Standing::OnLine { lag: 0 });
        world.nodes[0].frozen = false;
        world.tick();
        assert_eq!(world.standing(0), Standing::OnLine { lag: PATIENCE }, "it moves again");
    }
}

#[test]
fn when_most_freeze_the_last_ones_tip_is_served_within_patience() {
    for count in [2, 3, 9] {
        let mut world = World::running(count);
        world.nodes[1..].iter_mut().for_each(|node| node.frozen = true);
        world.ticks(PATIENCE);
        assert_eq!(world.tip(), world.block(0, world.nodes[0].head), "{count}");
    }
}

#[test]
fn a_wide_jump_needs_a_second_witness() {
    for (jump, witnesses, moves) in [
        (64, 1, true),
        (65, 1, false),
        (200, 1, false),
        (65, 2, true),
        (200, 2, true),
        (5_000, 2, false),
    ] {
        let mut world = World::running(2);
        let from = world.tip();
        world.nodes[2 - witnesses..].iter_mut().for_each(|node| node.head += jump - 1);
        world.nodes.iter_mut().for_each(|node| node.frozen = node.head == from.number);
        world.clock.advance(world::BLOCK_TIME * 100);
        world.tick();
        assert_eq!(world.tip() != from, moves, "{jump} {witnesses}");
        let expected = if moves { from.number + jump } else { from.number };
        assert_eq!(world.tip().number, expected);
    }
}

#[test]
fn when_everyone_was_gone_the_first_to_return_is_followed_in_bounded_time() {
    for (count, returning) in [(1, 1), (2, 1), (3, 1), (3, 3)] {
        let mut world = World::running(count);
        let from = world.tip();
        world.nodes.iter_mut().for_each(|node| node.live = false);
        world.ticks(200);
        world.nodes[..returning].iter_mut().for_each(|node| node.live = true);
        let changes = world.ticks(PATIENCE + 1);
        let rerooted =
            matches!(changes[..], [TipChange::Rerooted { from: f, .. }, ..] if f == from);
        assert!(rerooted, "{changes:?}");
        assert_eq!(world.tip(), world.block(0, world.nodes[0].head), "{count}");
        assert_eq!(world.standing(0), Standing::OnLine { lag: 0 });
    }
}

#[test]
fn a_returning_node_is_followed_though_the_last_voter_froze_meanwhile() {
    let mut world = World::running(2);
    world.nodes[0].live = false;
    world.nodes[1].frozen = true;
    world.ticks(100);
    world.nodes[0].live = true;
    world.ticks(PATIENCE + 1);
    assert_eq!(world.tip(), world.block(0, world.nodes[0].head));
}

#[test]
fn a_line_from_afar_takes_nothing_over_while_a_voter_of_the_tip_goes_on() {
    for ahead in [0, 5, 60] {
        let mut world = World::running(2);
        world.nodes[1].branch = world.fork(0, Some(START - 200));
        world.nodes[1].head += ahead;
        let changes = world.ticks(50);
        world.check_undisturbed(&changes, START + 53);
        assert_eq!(world.standing(1), Standing::Forked, "{ahead}");
    }
}

#[test]
fn a_line_from_afar_takes_nothing_over_while_the_voters_are_split_but_go_on() {
    let mut world = World::running(5);
    let from = world.tip();
    let to = world.block(0, from.number - 1);
    let branch = world.fork(0, Some(to.number));
    world.nodes[..2].iter_mut().for_each(|node| node.branch = branch);
    world.nodes[4].branch = world.fork(0, Some(START - 200));
    assert_eq!(world.ticks(50), [TipChange::Back { from, to }]);
}

#[test]
fn a_chain_that_began_anew_is_followed_after_patience() {
    let mut world = World::running(3);
    world.ticks(500);
    let reset = world.fork(0, None);
    for node in &mut world.nodes {
        (node.branch, node.head) = (reset, 5);
    }
    assert_eq!(world.ticks(PATIENCE), []);
    world.ticks(3);
    assert_eq!(world.tip(), world.block(reset, world.nodes[0].head));
}

#[test]
fn a_majority_below_the_tip_takes_it_back_only_after_patience() {
    let mut world = World::running(3);
    let from = world.tip();
    for node in &mut world.nodes {
        node.frozen = true;
    }
    world.nodes[1..].iter_mut().for_each(|node| node.head -= 3);
    assert_eq!(world.ticks(PATIENCE), []);
    let to = world.block(0, from.number - 3);
    assert_eq!(world.ticks(10), [TipChange::Back { from, to }]);
}

#[test]
fn a_majority_that_is_below_the_tip_for_a_moment_takes_nothing_back() {
    let mut world = World::running(3);
    for _ in 0..10 {
        world.nodes[1..].iter_mut().for_each(|node| node.head -= 3);
        let changes = world.ticks(PATIENCE - 1);
        assert!(changes.iter().all(|change| matches!(change, TipChange::Forward { .. })));
    }
}

#[test]
fn invented_circles_of_parents_end_the_walk() {
    let mut heads = Heads::new(1, world::BLOCK_TIME);
    let (one, two) = (Hash([1; 32]), Hash([2; 32]));
    let header = |number: u64, hash, parent| {
        let parent = Block { number: number.saturating_sub(1), hash: parent };
        Header { number, hash, parent, time: None }
    };
    let node = NodeIndex(0);
    assert_eq!(heads.observe(Timestamp::ZERO, node, header(10, one, two)), Next::Show(two));
    assert_eq!(heads.show(node, header(9, two, one)), Next::Show(one));
    assert_eq!(heads.show(node, header(10, one, two)), Next::Nothing);
    let mut heads = Heads::new(1, world::BLOCK_TIME);
    assert_eq!(heads.observe(Timestamp::ZERO, node, header(11, two, two)), Next::Show(two));
    for number in (0..11).rev() {
        let next = heads.show(node, header(number, two, two));
        assert_eq!(next, if number == 0 { Next::Nothing } else { Next::Show(two) });
    }
    assert_eq!(heads.observe(Timestamp::ZERO, node, header(u64::MAX, one, one)), Next::Show(one));
    assert_eq!(heads.show(node, header(u64::MAX, one, one)), Next::Nothing);
}

#[test]
fn a_node_that_invents_headers_without_end_takes_bounded_room_and_bounded_asking() {
    let mut world = World::running(2);
    let asked = world.asked;
    for _ in 0..2_000 {
        let from = world.nodes[0].head;
        world.nodes[1].branch = world.fork(0, Some(from));
        world.nodes[1].head = from + 5_000;
        world.tick();
        let held: usize = world.heads.witnesses.iter().map(|w| w.line().len()).sum();
        assert!(held <= 2 * (KEEP as usize + 1), "{held}");
    }
    assert!(world.asked - asked <= 2_000 * LINK_DEPTH);
    assert_eq!(world.tip(), world.block(0, START + 2_003));
}

#[test]
fn a_new_topology_keeps_the_tip_and_what_nodes_have_shown() {
    let world = World::running(3);
    let mut heads = Heads::new(2, world::BLOCK_TIME);
    heads.adopt_line(&world.heads);
    heads.adopt(NodeIndex(0), &world.heads, NodeIndex(2));
    assert_eq!(heads.tip(), world.heads.tip());
    assert_eq!(heads.standing(world.now(), NodeIndex(0)), Standing::OnLine { lag: 0 });
    assert_eq!(heads.standing(world.now(), NodeIndex(1)), Standing::Unseen);
    assert_eq!(heads.number_of(world.tip().hash), Some(world.tip().number));
}
