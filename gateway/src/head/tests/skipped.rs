//! Chains that skip heights: between a block and its parent there may be none.

use super::{
    super::*,
    SKIPS,
    world::{self, PATIENCE, START, World},
};

const NO_PARENT: Block = Block { number: 0, hash: Hash([0; 32]) };

#[test]
fn the_served_line_is_the_chains_and_skips_what_the_chain_skips() {
    for skips in SKIPS {
        for count in [1, 2, 3, 9] {
            let mut world = World::running_and_skipping(count, skips);
            let changes = world.ticks(200);
            world.check_undisturbed(&changes, START + 203);
            let served = world.heads.served();
            assert!(served.bottom() <= Some(START - 4), "{count}");
            for number in served.bottom().unwrap()..=world.tip().number {
                let block = world.block(0, number);
                let is_there = block.number == number;
                assert_eq!(served.at(number), is_there.then_some(block.hash), "{number}");
                assert_eq!(served.skips(number), !is_there, "{number}");
            }
        }
    }
}

#[test]
fn a_node_that_comes_back_over_skipped_heights_is_linked() {
    for skips in SKIPS {
        let mut world = World::running_and_skipping(2, skips);
        world.nodes[0].live = false;
        world.nodes[1].live = false;
        world.ticks(40);
        world.nodes.iter_mut().for_each(|node| node.live = true);
        let from = world.tip();
        let to = world.block(0, world.nodes[0].head + 1);
        assert_eq!(world.tick(), Some(TipChange::Forward { from, to }));
    }
}

#[test]
fn a_reorg_is_as_deep_as_blocks_are_gone_not_heights() {
    for skips in SKIPS {
        for count in [1, 2, 3, 9] {
            let mut world = World::running_and_skipping(count, skips);
            let from = world.tip();
            let gone = [from, world.block(0, from.number - 1)];
            let shared = world.block(0, gone[1].number - 1);
            let branch = world.fork(0, Some(shared.number));
            world.nodes.iter_mut().for_each(|node| node.branch = branch);
            let changes = world.ticks(4);
            let depth = gone.len() as u64;
            let TipChange::Reorg { from: f, depth: d, .. } = changes[0] else {
                panic!("{changes:?}");
            };
            assert_eq!((f, d), (from, depth), "{count} {skips}");
            assert_eq!(world.heads.at(shared.number), Some(shared.hash));
            assert_eq!(world.tip(), world.block(branch, world.nodes[0].head));
        }
    }
}

#[test]
fn a_minority_fork_with_blocks_where_the_chain_has_none_moves_nothing() {
    for skips in SKIPS {
        for (count, forked) in [(3, 1), (5, 2), (9, 4)] {
            let mut world = World::running_and_skipping(count, skips);
            let from = world.nodes[0].head;
            let branch = world.fork(0, Some(from - 2));
            world.nodes[..forked].iter_mut().for_each(|node| node.branch = branch);
            let changes = world.ticks(30);
            world.check_undisturbed(&changes, from + 30);
            assert_eq!(world.standing(0), Standing::Forked, "{count} {skips}");
            assert_eq!(world.standing(count - 1), Standing::OnLine { lag: 0 });
        }
    }
}

#[test]
fn heights_skipped_while_the_chain_stood_still_are_passed_at_once() {
    for count in [1, 2, 3, 9] {
        let mut world = World::running(count);
        let from = world.tip();
        let branch = world.leap(0, Some(from.number), from.number + 600);
        world.nodes.iter_mut().for_each(|node| node.branch = branch);
        let changes = world.ticks(599);
        assert_eq!(changes, [], "{count}");
        let to = world.block(branch, from.number + 600);
        assert_eq!(world.tick(), Some(TipChange::Forward { from, to }), "{count}");
        assert!((1..600).all(|above| world.heads.served().skips(from.number + above)));
    }
}

#[test]
fn a_node_just_below_many_skipped_heights_lags_and_is_neither_far_nor_forked() {
    let mut world = World::running(3);
    let from = world.tip();
    let branch = world.leap(0, Some(from.number), from.number + 600);
    world.nodes[..2].iter_mut().for_each(|node| node.branch = branch);
    world.nodes[2].frozen = true;
    world.ticks(600);
    assert_eq!(world.tip().number, from.number + 600);
    assert_eq!(world.standing(2), Standing::OnLine { lag: 600 }, "it had no time yet");
    world.clock.advance(CATCH_UP);
    assert_eq!(world.standing(2), Standing::Stalled { lag: 600 });
    world.nodes[2] = world.nodes[1];
    world.look();
    assert_eq!(world.standing(2), Standing::OnLine { lag: 0 });
    let below = world.block(0, from.number - 1);
    world.nodes[2].head = below.number;
    world.look();
    assert_eq!(world.standing(2), Standing::OnLine { lag: 601 }, "it moved just now");
    let fork = world.fork(0, Some(from.number - 2));
    world.nodes[2].branch = fork;
    world.look();
    assert_eq!(world.standing(2), Standing::Forked);
}

#[test]
fn heights_skipped_faster_than_a_chain_can_are_followed_in_bounded_time() {
    for count in [1, 2, 3] {
        let mut world = World::running(count);
        let from = world.tip();
        let branch = world.leap(0, Some(from.number), from.number + 300);
        for node in &mut world.nodes {
            (node.branch, node.head) = (branch, from.number + 300);
        }
        assert_eq!(world.ticks(200), [], "{count}");
        world.ticks(100);
        assert_eq!(world.tip(), world.block(branch, world.nodes[0].head), "{count}");
    }
}

#[test]
fn a_parents_wrong_height_breaks_no_link_while_its_hash_is_right() {
    for skips in SKIPS {
        for wrong in [0, START, START + 3, u64::MAX] {
            for above in [4, 12] {
                let mut world = World::running_and_skipping(1, skips);
                world.clock.advance(world::BLOCK_TIME);
                let misled = |header: Header| Header {
                    parent: Block { number: wrong, ..header.parent },
                    ..header
                };
                let mut shown = world.header(0, START + above);
                let head = shown.block();
                let mut next = world.heads.observe(world.now(), NodeIndex(0), misled(shown));
                while let Next::Show(hash) = next {
                    assert_eq!(hash, shown.parent.hash);
                    shown = world.header(0, shown.parent.number);
                    next = world.heads.show(NodeIndex(0), misled(shown));
                }
                world.settle();
                assert_eq!(world.tip(), head, "{wrong} {above} {skips}");
            }
        }
    }
}

#[test]
fn a_block_that_is_not_above_its_parent_links_to_nothing() {
    for number in [START + 3, START + 2, START - 200] {
        let mut world = World::running(1);
        let (tip, hash) = (world.tip(), Hash([9; 32]));
        let head = Header { number, hash, parent: tip, time: None };
        let next = world.heads.observe(world.now(), NodeIndex(0), head);
        if let Next::Show(hash) = next {
            assert_eq!(hash, tip.hash);
            let next = world.heads.show(NodeIndex(0), world.header(0, tip.number));
            assert_eq!(next, Next::Nothing);
        }
        assert_eq!(world.settle(), None, "{number}");
        assert_eq!(world.tip(), tip);
        assert_eq!(world.standing(0), Standing::Forked);
    }
}

#[test]
fn a_first_block_above_height_0_is_asked_for_no_parent_and_begins_a_whole_line() {
    let first = Header { number: 9_820_210, hash: Hash([1; 32]), parent: NO_PARENT, time: None };
    let mut heads = Heads::new(1, world::BLOCK_TIME);
    heads.set_live(NodeIndex(0), true);
    assert_eq!(heads.observe(Timestamp::ZERO, NodeIndex(0), first), Next::Nothing);
    assert_eq!(heads.settle(Timestamp::ZERO, 0), Some(TipChange::First { to: first.block() }));

    // a chain that began anew is followed as soon as one that begins at height 0
    let mut world = World::running(1);
    let from = world.tip();
    let number = from.number + 10;
    let again = Header { number, ..first };
    let mut changes = Vec::new();
    for _ in 0..=PATIENCE {
        world.clock.advance(world::BLOCK_TIME);
        let next = world.heads.observe(world.now(), NodeIndex(0), again);
        assert_eq!(next, Next::Nothing);
        changes.extend(world.settle());
    }
    assert_eq!(changes, [TipChange::Rerooted { from, to: again.block() }]);
}
