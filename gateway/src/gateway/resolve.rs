//! Which block a call means, now: the served tip is put in where it means "newest".

use smallvec::SmallVec;

use crate::{
    blocks::Blocks,
    head::Line,
    method::{BlockNeed, Data, Needs, Pinned},
    names::Block,
    route::Ask,
    topology::Tips,
};

/// A call resolved against the tips.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolved {
    Ask(Ask),
    /// It names a block above the served tip.
    Ahead(Ahead),
    /// It means the newest block and there is none yet.
    NoTip,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ahead {
    pub blocks: u64,
    pub range: bool,
}

/// Resolves a call's need against the tips. `pin`: calls that mean "newest" are asked at
/// the served tip; else of nodes at or above it.
pub fn resolve(needs: &Needs<'_>, tips: &Tips, blocks: &Blocks, pin: bool) -> Resolved {
    let bare = Ask { data: needs.method.data, lane: needs.method.lane, ..Ask::anything() };
    let at_tip = Ask { at_tip: true, ..bare };
    let at = |oldest: u64, height: u64| {
        Resolved::Ask(Ask { height: Some(height), oldest: Some(oldest), ..bare })
    };
    match needs.block {
        BlockNeed::None | BlockNeed::Earliest => Resolved::Ask(bare),
        BlockNeed::AtTip => Resolved::Ask(at_tip),
        BlockNeed::Newest(_) if !pin => Resolved::Ask(at_tip),
        BlockNeed::Newest(tag) => match (tips.of(tag), tips.latest) {
            (_, None) => Resolved::NoTip,
            (Some(block), _) => at(block.number, block.number),
            // No finality known: the node's own word for it.
            (None, Some(_)) => Resolved::Ask(at_tip),
        },
        BlockNeed::Number(number) => match tips.latest {
            None => Resolved::NoTip,
            Some(tip) if number > tip.number => ahead(number, tip, false),
            Some(_) => at(number, number),
        },
        BlockNeed::Range { from, to } => match tips.latest {
            None => Resolved::NoTip,
            Some(tip) => range(from, to, tip, at),
        },
        BlockNeed::Hash(hash) => match blocks.height(hash) {
            Some(height) => at(height, height),
            // headers and bodies are kept for longer than states
            None => {
                let discarded = needs.method.data == Data::State && blocks.is_old(hash);
                Resolved::Ask(Ask { archive_only: discarded, ..bare })
            }
        },
    }
}

/// What a write asks: a node at the tip, whose pool other nodes hear of.
pub fn ask_of_write(needs: &Needs<'_>) -> Ask {
    Ask { data: needs.method.data, lane: needs.method.lane, at_tip: true, ..Ask::anything() }
}

fn range(
    from: Option<u64>,
    to: Option<u64>,
    tip: Block,
    at: impl Fn(u64, u64) -> Resolved,
) -> Resolved {
    let highest = to.unwrap_or(tip.number).max(from.unwrap_or(0));
    if highest > tip.number {
        return ahead(highest, tip, true);
    }
    at(from.unwrap_or(tip.number), highest)
}

const fn ahead(number: u64, tip: Block, range: bool) -> Resolved {
    Resolved::Ahead(Ahead { blocks: number - tip.number, range })
}

/// The blocks that a call's pins write: by the position of the pin. One whose block is
/// not known is left out, and the client's own text stays.
pub type PinnedBlocks = SmallVec<[(usize, Block); 2]>;

/// What the pins write now. `line`: the served line, for blocks that are named by number.
pub fn pinned_blocks(needs: &Needs<'_>, tips: &Tips, line: &Line) -> PinnedBlocks {
    let block = |pinned: Pinned| match pinned {
        Pinned::Newest(tag) => tips.of(tag),
        Pinned::Named(number) => line.at(number).map(|hash| Block { number, hash }),
    };
    let pins = needs.pins.iter().enumerate();
    pins.filter_map(|(at, pin)| block(pin.block).map(|block| (at, block))).collect()
}
