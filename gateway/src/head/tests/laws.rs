//! Random worlds in which a strict majority is honest.

use proptest::prelude::*;

use super::{
    super::{Header, Next, TipChange},
    world::{BLOCK_TIME, START, World},
};
use crate::names::{Block, Hash, NodeIndex};

/// How far honest nodes may lag.
const LAG: u64 = 3;

#[derive(Clone, Debug)]
struct Step {
    /// Which node is asked.
    node: usize,
    /// What a liar does with it.
    lie: u8,
    by: u64,
    lag: u64,
    block: bool,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = (0..7_usize, any::<u8>(), 0..2_000_u64, 0..=LAG, proptest::bool::weighted(0.1))
        .prop_map(|(node, lie, by, lag, block)| Step { node, lie, by, lag, block });
    prop::collection::vec(step, 50..400)
}

/// Chains without skipped heights, with some, and with as many as there can be.
fn skips() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0), any::<u64>(), Just(u64::MAX)]
}

/// One of many lies: invented forks and heights, the truth under other numbers and
/// parents, any header of the past, garbage.
fn lie(world: &mut World, step: &Step, head: u64) -> Header {
    let real = world.header(0, head);
    let garbage = Hash([step.lie; 32]);
    match step.lie % 10 {
        0 => Header { number: head + step.by, ..real },
        1 => Header { parent: Block { hash: garbage, ..real.parent }, ..real },
        2 => Header { hash: garbage, ..real },
        3 => world.header(0, head - step.by % 500),
        4 => world.header(0, head + step.by % 3),
        5 => Header { parent: real.block(), number: head + 1, hash: garbage, time: None },
        6 => {
            let parent = Block { number: step.by, hash: garbage };
            Header { number: u64::MAX - step.by, hash: garbage, parent, time: None }
        }
        7 => Header { number: head - 1, parent: world.block(0, head - 2), ..real },
        8 => {
            let branch = world.leap(0, Some(head), head + step.by);
            world.header(branch, head + step.by)
        }
        _ => {
            let branch = world.fork(0, Some(head - step.by % 70));
            world.header(branch, head + step.by % 100)
        }
    }
}

/// Shows a liar's head and whatever it invents below.
fn show_lie(world: &mut World, node: NodeIndex, step: &Step, head: Header) {
    world.heads.set_live(node, true);
    let mut next = world.heads.observe(world.now(), node, head);
    let mut number = head.number;
    for _ in 0..step.by % 80 {
        let Next::Show(hash) = next else { return };
        number = if step.lie.is_multiple_of(11) { step.by } else { number.saturating_sub(1) };
        let parent = Hash([step.lie ^ number as u8; 32]);
        let parent = Block { number: number.saturating_sub(1), hash: parent };
        next = world.heads.show(node, Header { number, hash, parent, time: None });
    }
}

/// The chain and its nodes, of which the first `liars` lie.
struct Story {
    world: World,
    liars: usize,
    head: u64,
    /// The chain's head when each node was last asked.
    asked: Vec<u64>,
}

impl Story {
    fn new(liars: usize, more: usize, skips: u64) -> Self {
        let count = (2 * liars + 1 + more).max(3);
        let mut world = World::skipping(count, skips);
        (liars..count).for_each(|index| world.poll(index));
        Self { world, liars, head: START, asked: vec![START; count] }
    }

    fn ask_honest(&mut self, index: usize, lag: u64) {
        let shown = self.head.saturating_sub(lag).max(self.world.nodes[index].head);
        self.world.nodes[index].head = shown;
        self.asked[index] = self.head;
        self.world.poll(index);
    }

    /// A block comes; nobody stays unasked for so long that it would seem stalled.
    fn grow(&mut self) {
        self.head += 1;
        self.world.clock.advance(BLOCK_TIME);
        for index in self.liars..self.asked.len() {
            if self.asked[index] + 2 <= self.head {
                self.ask_honest(index, LAG);
            }
        }
    }

    fn play(&mut self, step: &Step) -> Option<TipChange> {
        if step.block {
            self.grow();
        }
        let index = step.node % self.asked.len();
        if index < self.liars {
            let header = lie(&mut self.world, step, self.head);
            show_lie(&mut self.world, NodeIndex(index as u16), step, header);
        } else {
            self.ask_honest(index, step.lag);
        }
        self.world.settle()
    }

    /// The lowest head among the honest.
    fn reached(&self) -> u64 {
        let lowest = self.world.nodes[self.liars..].iter().map(|node| node.head).min();
        self.world.block(0, lowest.unwrap_or(0)).number
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn with_an_honest_majority_the_tip_is_honest_goes_forward_and_keeps_up(
        liars in 0..=3_usize, more in 0..=1_usize, skips in skips(), steps in steps(),
    ) {
        let mut story = Story::new(liars, more, skips);
        for step in &steps {
            let change = story.play(step);
            let is_forward =
                matches!(change, None | Some(TipChange::First { .. } | TipChange::Forward { .. }));
            prop_assert!(is_forward, "{change:?}");
            let tip = story.world.tip();
            prop_assert_eq!(tip, story.world.block(0, tip.number));
            prop_assert!((story.reached()..=story.head).contains(&tip.number), "{tip:?}");
        }
        let served = story.world.heads.served();
        for number in START..=served.height() {
            let real = story.world.block(0, number);
            let expected = (real.number == number).then_some(real.hash);
            prop_assert_eq!(served.at(number), expected, "the line to the tip is honest too");
        }
    }
}
