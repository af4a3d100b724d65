//! Small writes of several pieces as a write of one: copying a few KiB costs less
//! than what the kernel takes longer for `writev` than for `send`.

use std::{cell::RefCell, io::IoSlice};

/// Pieces up to so many bytes together are copied.
const SMALL: usize = 4 * 1024;

thread_local! {
    static PIECES: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// What `write` makes of the pieces in one; `None`, and nothing written, when they are
/// too large to be copied.
pub fn joined<T>(pieces: &[IoSlice<'_>], write: impl FnOnce(&[u8]) -> T) -> Option<T> {
    if let [only] = pieces {
        return Some(write(only));
    }
    if pieces.iter().map(|piece| piece.len()).sum::<usize>() > SMALL {
        return None;
    }
    PIECES.with_borrow_mut(|whole| {
        whole.clear();
        pieces.iter().for_each(|piece| whole.extend_from_slice(piece));
        Some(write(whole))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pieces: &[&[u8]], whole: Option<&[u8]>) {
        let slices: Vec<_> = pieces.iter().map(|piece| IoSlice::new(piece)).collect();
        assert_eq!(joined(&slices, <[u8]>::to_vec).as_deref(), whole);
    }

    #[test]
    fn small_pieces_become_one_in_their_order() {
        check(&[b"head", b"", b"body"], Some(b"headbody"));
        check(&[b"again"], Some(b"again"));
        check(&[], Some(b""));
        let half = [7; SMALL / 2];
        check(&[&half, &half], Some(&[7; SMALL]));
    }

    #[test]
    fn large_pieces_are_left_apart_unless_there_is_only_one() {
        let half = [7; SMALL / 2];
        check(&[&half, &half, b"x"], None);
        check(&[&[7; SMALL * 2]], Some(&[7; SMALL * 2]));
    }
}
