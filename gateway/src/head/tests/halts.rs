//! Chains that halt, and go on.

use super::{
    super::*,
    world::{PATIENCE, START, World},
};

#[test]
fn when_all_halt_together_nobody_is_stalled_and_the_tip_stands() {
    for count in [1, 2, 3, 9] {
        let mut world = World::running(count);
        if count > 1 {
            world.nodes[0].head -= 1;
            world.nodes[0].frozen = true;
            world.tick();
        }
        let tip = world.tip();
        world.nodes.iter_mut().for_each(|node| node.frozen = true);
        assert_eq!(world.ticks(500), [], "{count}");
        assert_eq!(world.tip(), tip);
        for index in 0..count {
            assert!(matches!(world.standing(index), Standing::OnLine { .. }), "{count} {index}");
        }
    }
}

#[test]
fn the_first_node_that_goes_on_after_a_halt_moves_nothing_and_stalls_nobody() {
    for count in [3, 4, 9] {
        let mut world = World::running(count);
        let tip = world.tip();
        world.nodes.iter_mut().for_each(|node| node.frozen = true);
        assert_eq!(world.ticks(PATIENCE * 2), []);
        // it may be a liar: what it shows links, and nobody else has it
        world.nodes[0].branch = world.fork(0, Some(tip.number));
        world.nodes[0].head = tip.number + 1;
        assert_eq!(world.look(), None, "{count}");
        for index in 1..count {
            assert!(matches!(world.standing(index), Standing::OnLine { .. }), "{count} {index}");
        }
        for node in &mut world.nodes[1..] {
            node.head += 1;
        }
        assert!(matches!(world.look(), Some(TipChange::Forward { .. })), "{count}");
        assert_eq!(world.tip(), world.block(0, tip.number + 1));
    }
}

#[test]
fn a_halted_chain_is_not_left_for_a_line_that_halted_too_or_lies_below() {
    for (frozen, below) in [(true, 0), (false, 150)] {
        let mut world = World::running(2);
        world.nodes[1].branch = world.fork(0, Some(START - 300));
        world.nodes[1].head -= below;
        world.ticks(1);
        world.nodes[0].frozen = true;
        world.nodes[1].frozen = frozen;
        world.nodes[1].head += u64::from(below == 0);
        assert_eq!(world.ticks(50), [], "{frozen} {below}");
    }
}
