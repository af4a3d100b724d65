//! Lines and votes over them, with and without skipped heights.

use proptest::prelude::*;

use super::super::{line::KEEP, line::Line, vote};
use crate::names::{Block, Hash};

/// The block of a height on a branch.
fn block((number, branch): (u64, u8)) -> Block {
    let mut hash = [branch; 32];
    hash[..8].copy_from_slice(&number.to_be_bytes());
    Block { number, hash: Hash(hash) }
}

fn line(blocks: impl IntoIterator<Item = (u64, u8)>) -> Line {
    let mut line = Line::default();
    blocks.into_iter().for_each(|at| line.push(block(at)));
    line
}

/// A line of branch 0.
fn plain(numbers: &[u64]) -> Line {
    line(numbers.iter().map(|&number| (number, 0)))
}

/// Plain lines, and the last one as given.
fn lines(plains: &[&[u64]], last: &[(u64, u8)]) -> Vec<Line> {
    let mut lines: Vec<Line> = plains.iter().map(|numbers| plain(numbers)).collect();
    lines.push(line(last.iter().copied()));
    lines
}

#[test]
fn a_line_skips_what_lies_between_its_blocks_and_nothing_else() {
    let line = plain(&[8, 10, 11, 14]);
    let skipped: Vec<u64> = (0..20).filter(|&number| line.skips(number)).collect();
    assert_eq!(skipped, [9, 12, 13]);
    assert!(!Line::default().skips(0));
}

#[test]
fn blocks_out_of_order_are_left_out_of_a_line() {
    let mut line = plain(&[10, 12]);
    for number in [12, 11, 10, 0] {
        line.push(block((number, 1)));
    }
    for number in [10, 11, u64::MAX] {
        line.push_below(block((number, 1)));
    }
    assert_eq!(line, plain(&[10, 12]));
}

#[test]
fn a_line_keeps_so_many_blocks_however_far_apart() {
    for step in [1, 3, 1_000_000] {
        let line = line((0..1_000).map(|index| (index * step, 0)));
        assert_eq!(line.len() as u64, KEEP + 1);
        assert_eq!(line.bottom(), Some((999 - KEEP) * step));
        assert_eq!(line.height(), 999 * step);
    }
}

#[test]
fn a_majority_is_what_more_than_half_have_reached_where_heights_are_skipped_too() {
    const FAR: u64 = 10 + 3 * KEEP;
    let rows: [(Vec<Line>, u64); 9] = [
        (lines(&[&[10, 12], &[10, 12]], &[(10, 0), (12, 0)]), 12),
        (lines(&[&[9, 10], &[9, 10, 12]], &[(9, 0), (10, 0), (12, 0), (15, 0)]), 12),
        // what a majority has reached, 11, is skipped on its line
        (lines(&[&[9, 10, 12], &[9, 10]], &[(9, 0), (10, 0), (11, 1)]), 10),
        (lines(&[&[9, 10, 12], &[9, 10, 12], &[9, 10]], &[(10, 0), (11, 1)]), 10),
        (lines(&[&[9, 12, 13], &[9, 12, 13]], &[(9, 0), (11, 1)]), 13),
        (lines(&[&[10, 12], &[10, 12]], &[(10, 0), (11, 1), (12, 0)]), 12),
        // the next lower block lies farther below than a line has blocks
        (lines(&[&[9, 10], &[9, 10, FAR]], &[(9, 0), (10, 0), (FAR + 1, 1)]), 10),
        (lines(&[&[9, 10], &[9, 10]], &[(9, 0), (u64::MAX, 1)]), 10),
        (lines(&[&[0], &[0]], &[(u64::MAX, 1)]), 0),
    ];
    for (lines, expected) in rows {
        let lines: Vec<&Line> = lines.iter().collect();
        let voted = vote::vote(&lines, &Line::default());
        assert_eq!(voted, Some(block((expected, 0))), "{lines:?}");
    }
}

#[test]
fn no_line_leads_to_a_block_over_one_that_the_majority_lacks_or_without_one_it_has() {
    for (lines, leads) in [
        // an invented block at a skipped height, below a true one
        (lines(&[&[10, 12], &[10, 12]], &[(10, 0), (11, 1), (12, 0)]), plain(&[10, 12])),
        (lines(&[&[10, 12], &[10, 12]], &[(11, 1), (12, 0)]), plain(&[10, 12])),
        // a true block left out
        (lines(&[&[10, 11, 12], &[10, 11, 12]], &[(10, 0), (12, 0)]), plain(&[10, 11, 12])),
        // another parent
        (lines(&[&[10, 12], &[10, 12]], &[(10, 1), (12, 0)]), plain(&[10, 12])),
    ] {
        for turned in 0..lines.len() {
            let mut refs: Vec<&Line> = lines.iter().collect();
            refs.rotate_left(turned);
            let led = vote::leading_to(&refs, block((12, 0)));
            assert_eq!(led.as_ref(), Some(&leads), "{refs:?}");
        }
    }
    // two liars that agree, and an honest fork that has no block at 11 either
    let (lie, fork) = (line([(10, 0), (11, 1), (12, 0)]), line([(10, 0), (13, 2)]));
    let led = vote::leading_to(&[&lie, &lie, &plain(&[10, 12]), &fork, &fork], block((12, 0)));
    assert_eq!(led, Some(plain(&[10, 12])));
    let wide = plain(&[1, u64::MAX]);
    assert_eq!(vote::leading_to(&[&wide, &wide], block((u64::MAX, 0))), Some(wide.clone()));
}

/// Up to 40 blocks whose numbers rise by one, by little or by a lot.
fn numbers() -> impl Strategy<Value = Vec<u64>> {
    let step = prop_oneof![8 => Just(1), 3 => 2..5_u64, 1 => 5..2_000_u64];
    let steps = prop::collection::vec(step, 0..40);
    (0..50_u64, steps).prop_map(|(first, steps)| {
        steps
            .iter()
            .scan(first, |number, step| Some(std::mem::replace(number, *number + step)))
            .collect()
    })
}

proptest! {
    #[test]
    fn a_line_answers_as_a_plain_list_of_blocks_does(
        numbers in numbers(), others in prop::collection::vec(0..3_u8, 40), beyond in 0..5_u64,
    ) {
        let line = plain(&numbers);
        let mixed = numbers.iter().zip(&others).filter(|(_, branch)| **branch < 2);
        let mixed: Vec<(u64, u8)> = mixed.map(|(&number, &branch)| (number, branch)).collect();
        let shared = mixed.iter().rev().find(|(_, branch)| *branch == 0).map(|(number, _)| *number);
        let other = self::line(mixed);
        prop_assert_eq!(line.common(&other), shared);
        prop_assert_eq!(other.common(&line), shared);
        let highest = numbers.last().map_or(0, |number| number + beyond);
        for number in (0..=highest).filter(|number| number % 7 == 0 || numbers.contains(number)) {
            let expected = numbers.contains(&number).then(|| block((number, 0)).hash);
            prop_assert_eq!(line.at(number), expected);
            let cut = numbers.partition_point(|known| *known <= number);
            let newest = cut.checked_sub(1).map(|index| block((numbers[index], 0)));
            prop_assert_eq!(line.newest_up_to(number), newest);
            prop_assert_eq!(&line.up_to(number), &plain(&numbers[..cut]));
            prop_assert_eq!(&line.above(number), &plain(&numbers[cut..]));
            prop_assert_eq!(&line.up_to(number).join(&line.above(number)), &line);
            let inside = 0 < cut && cut < numbers.len() && expected.is_none();
            prop_assert_eq!(line.skips(number), inside);
            if let Some(hash) = expected {
                prop_assert_eq!(line.number_of(hash), Some(number));
            }
        }
    }
}
