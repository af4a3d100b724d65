//! A WINDOW_UPDATE flood: the connection's window grows byte by byte.

use super::frames::{self, WINDOW_UPDATE};
use super::talk::flood;
use super::wire::{Gone, Wire};

/// Frames a second.
const RATE: f64 = 2_000.0;

pub async fn live(wire: Wire) -> Gone {
    flood(wire, &[], RATE, |_, out| write(out)).await
}

fn write(out: &mut Vec<u8>) {
    frames::write(out, WINDOW_UPDATE, 0, 0, &1_u32.to_be_bytes());
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_window_grows_by_one() {
        let mut out = Vec::new();
        super::write(&mut out);
        assert_eq!(out, b"\0\0\x04\x08\0\0\0\0\0\0\0\0\x01");
    }
}
