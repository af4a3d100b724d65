//! Finality marks.

use super::{
    super::*,
    world::{START, World},
};

#[test]
fn a_mark_is_what_a_majority_has_reached_and_never_goes_back() {
    let world = World::new(3);
    let mut marks = Marks::new(3);
    let observe = |marks: &mut Marks, numbers: [u64; 3]| {
        for (node, number) in (0..).zip(numbers) {
            marks.observe(NodeIndex(node), world.block(0, number));
        }
        marks.settle(|_| true, &Line::default()).map(|block| block.number)
    };
    assert_eq!(observe(&mut marks, [64, 96, 5_000]), Some(96));
    assert_eq!(observe(&mut marks, [64, 64, 64]), None);
    assert_eq!(marks.settled().map(|block| block.number), Some(96));
    assert_eq!(observe(&mut marks, [97, 98, 96]), Some(97));
    let mut two = Marks::new(2);
    two.observe(NodeIndex(0), world.block(0, 96));
    two.observe(NodeIndex(1), world.block(0, 5_000));
    let settled = two.settle(|_| true, &Line::default());
    assert_eq!(settled, Some(world.block(0, 96)), "of two the lower");
}

#[test]
fn a_mark_that_the_served_line_contradicts_is_no_vote() {
    let mut world = World::running_and_skipping(3, u64::MAX);
    world.ticks(40);
    let (served, fork) = (world.heads.served().clone(), world.fork(0, Some(START)));
    let invented = Block { number: START + 18, hash: Hash([9; 32]) };
    assert!(served.skips(invented.number));
    for (lie, expected) in [
        (invented, START + 16),
        (world.block(fork, START + 18), START + 16),
        (world.block(0, START + 20), START + 20),
        (Block { number: 3, ..invented }, START + 16),
    ] {
        let mut marks = Marks::new(3);
        marks.observe(NodeIndex(0), world.block(0, START + 16));
        marks.observe(NodeIndex(1), lie);
        marks.observe(NodeIndex(2), world.block(0, START + 24));
        let settled = marks.settle(|_| true, &served);
        assert_eq!(settled, Some(world.block(0, expected)), "{lie:?}");
    }
}
