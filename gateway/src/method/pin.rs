//! Where the block that a call means is written into its params.

use std::ops::Range;

use super::Tag;
use crate::{family::BlockForm, rpc::write::Splice};

/// One place in the params where a block is to be written: the bytes of `at` are
/// replaced by `before`, the block, `after`. `at` is empty where the client
/// omitted the reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pin<'t> {
    pub at: Range<usize>,
    pub before: &'t str,
    pub after: &'static str,
    pub block: Pinned,
    /// What the place takes.
    pub form: BlockForm,
}

impl<'t> Pin<'t> {
    /// What is to be written: `block` is the reference's text.
    pub fn splice<'a>(&self, block: &'a str) -> Splice<'a>
    where
        't: 'a,
    {
        Splice { at: self.at.clone(), before: self.before, text: block, after: self.after }
    }
}

/// Which block a pin writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pinned {
    Newest(Tag),
    /// The client named it by number: written only where its hash can stand for it, so
    /// that a node on another branch cannot answer.
    Named(u64),
}

/// The pins of one call, in the order of their places: at most two, the ends of a range.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pins<'t>([Option<Pin<'t>>; 2]);

impl<'t> Pins<'t> {
    pub const fn none() -> Self {
        Self([None, None])
    }

    pub const fn one(pin: Pin<'t>) -> Self {
        Self([Some(pin), None])
    }

    pub const fn is_empty(&self) -> bool {
        self.0[0].is_none()
    }

    pub fn len(&self) -> usize {
        self.iter().count()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Pin<'t>> {
        self.0.iter().flatten()
    }

    pub fn get(&self, position: usize) -> Option<&Pin<'t>> {
        self.0.get(position)?.as_ref()
    }

    /// Adds a pin in its order; a third one is none of a call's.
    pub fn add(&mut self, pin: Pin<'t>) {
        match &self.0 {
            [None, _] => self.0[0] = Some(pin),
            [Some(first), None] if first.at.start <= pin.at.start => self.0[1] = Some(pin),
            [Some(_), None] => self.0 = [Some(pin), self.0[0].take()],
            [Some(_), Some(_)] => {}
        }
    }

    /// Keeps the pins that `keep` is true of.
    pub fn retain(&mut self, keep: impl Fn(&Pin<'t>) -> bool) {
        let [first, second] = std::mem::take(&mut self.0).map(|pin| pin.filter(&keep));
        self.0 = if first.is_some() { [first, second] } else { [second, None] };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pin(start: usize, block: Pinned) -> Pin<'static> {
        Pin { at: start..start, before: "", after: "", block, form: BlockForm::Number }
    }

    #[test]
    fn pins_stand_in_the_order_of_their_places_and_equal_ones_as_they_came() {
        let newest = Pinned::Newest(Tag::Latest);
        for (first, second, expected) in [
            (1, 5, [Pinned::Named(1), newest]),
            (5, 1, [newest, Pinned::Named(1)]),
            (3, 3, [Pinned::Named(1), newest]),
        ] {
            let mut pins = Pins::none();
            pins.add(pin(first, Pinned::Named(1)));
            pins.add(pin(second, newest));
            let blocks: Vec<_> = pins.iter().map(|pin| pin.block).collect();
            assert_eq!(blocks, expected);
            pins.retain(|pin| pin.block == newest);
            assert_eq!((pins.len(), pins.get(0).map(|pin| pin.block)), (1, Some(newest)));
            pins.retain(|_| false);
            assert!(pins.is_empty());
        }
    }
}
