//! HTTP/2 frames by hand (RFC 9113), those that hostile clients write, and a reader of what
//! servers write. Headers are HPACK (RFC 7541) from the static table and literals only.

/// What a client says first.
pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

pub const DATA: u8 = 0;
pub const HEADERS: u8 = 1;
pub const RST_STREAM: u8 = 3;
pub const SETTINGS: u8 = 4;
pub const PING: u8 = 6;
pub const GOAWAY: u8 = 7;
pub const WINDOW_UPDATE: u8 = 8;
pub const CONTINUATION: u8 = 9;

/// Flags: of SETTINGS and PING; of DATA and HEADERS; of HEADERS and CONTINUATION.
pub const ACK: u8 = 1;
pub const END_STREAM: u8 = 1;
pub const END_HEADERS: u8 = 4;

/// Settings.
pub const MAX_CONCURRENT_STREAMS: u16 = 3;
pub const INITIAL_WINDOW_SIZE: u16 = 4;

/// The code of a stream that nobody wants any more.
pub const CANCEL: u32 = 8;

const HEAD: usize = 9;

/// Appends a frame.
pub fn write(out: &mut Vec<u8>, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
    let length = u32::try_from(payload.len()).unwrap_or(0).to_be_bytes();
    out.extend_from_slice(&length[1..]);
    out.extend_from_slice(&[kind, flags]);
    out.extend_from_slice(&stream.to_be_bytes());
    out.extend_from_slice(payload);
}

/// Appends SETTINGS with these values.
pub fn settings(out: &mut Vec<u8>, values: &[(u16, u32)]) {
    let mut payload = Vec::with_capacity(values.len() * 6);
    for (name, value) in values {
        payload.extend_from_slice(&name.to_be_bytes());
        payload.extend_from_slice(&value.to_be_bytes());
    }
    write(out, SETTINGS, 0, 0, &payload);
}

/// The header block of a POST of JSON: indexed fields of the static table, and literals
/// that are not added to the dynamic one.
#[must_use]
pub fn post(path: &str, authority: &str) -> Vec<u8> {
    // :method POST, :scheme http.
    let mut block = vec![0x83, 0x86];
    literal(&mut block, &[0x04], path);
    literal(&mut block, &[0x01], authority);
    // content-type is 31: fifteen in the prefix, and sixteen.
    literal(&mut block, &[0x0f, 0x10], "application/json");
    block
}

/// Appends a value after its name, as it is; shorter than 127 bytes.
fn literal(block: &mut Vec<u8>, name: &[u8], value: &str) {
    block.extend_from_slice(name);
    block.push(u8::try_from(value.len()).unwrap_or(0) & 0x7f);
    block.extend_from_slice(value.as_bytes());
}

/// A frame that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    pub kind: u8,
    pub flags: u8,
    pub stream: u32,
    pub payload: Vec<u8>,
}

impl Frame {
    /// The code of GOAWAY and RST_STREAM.
    #[must_use]
    pub fn code(&self) -> Option<u32> {
        let at = match self.kind {
            GOAWAY => 4,
            RST_STREAM => 0,
            _ => return None,
        };
        self.payload.get(at..at + 4)?.try_into().ok().map(u32::from_be_bytes)
    }

    /// A value of SETTINGS.
    #[must_use]
    pub fn setting(&self, name: u16) -> Option<u32> {
        let mut values = self.payload.chunks_exact(6);
        let value = values.find(|value| value[..2] == name.to_be_bytes())?;
        value[2..].try_into().ok().map(u32::from_be_bytes)
    }

    /// The status of HEADERS: the first field, of the static table or a literal of digits.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        if self.kind != HEADERS {
            return None;
        }
        match *self.payload.first()? {
            indexed @ 0x88..=0x8e => {
                Some([200, 204, 206, 304, 400, 404, 500][usize::from(indexed - 0x88)])
            }
            // A literal named :status: indexed, not, or never.
            0x48..=0x4e | 0x08 | 0x18 => digits(self.payload.get(1..)?),
            _ => None,
        }
    }
}

/// A string of three digits, plain or in HPACK's Huffman code.
fn digits(text: &[u8]) -> Option<u16> {
    let length = usize::from(text.first()? & 0x7f);
    let value = text.get(1..1 + length)?;
    if text[0] & 0x80 == 0 {
        return std::str::from_utf8(value).ok()?.parse().ok();
    }
    let bits = value.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte));
    let mut left = u32::try_from(length * 8).ok().filter(|left| *left <= 32)?;
    let (mut number, mut count) = (0, 0);
    while count < 3 {
        // 0, 1 and 2 take five bits, the others six.
        let five = (bits >> left.checked_sub(5)?) & 0x1f;
        let digit = if five < 3 {
            left -= 5;
            five
        } else {
            let six = (bits >> left.checked_sub(6)?) & 0x3f;
            left -= 6;
            (0x19..=0x1f).contains(&six).then(|| six - 0x19 + 3)?
        };
        number = number * 10 + u16::try_from(digit).ok()?;
        count += 1;
    }
    Some(number)
}

/// Takes the first frame out of bytes that came, once it is whole.
#[must_use]
pub fn take(bytes: &mut Vec<u8>) -> Option<Frame> {
    let head = bytes.get(..HEAD)?;
    let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
    let (kind, flags) = (head[3], head[4]);
    let stream = u32::from_be_bytes([head[5] & 0x7f, head[6], head[7], head[8]]);
    let payload = bytes.get(HEAD..HEAD + length)?.to_vec();
    bytes.drain(..HEAD + length);
    Some(Frame { kind, flags, stream, payload })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_written_as_the_rfc_has_them() {
        let mut out = Vec::new();
        write(&mut out, PING, 0, 0, b"01234567");
        assert_eq!(out, b"\x00\x00\x08\x06\x00\x00\x00\x00\x0001234567");
        out.clear();
        write(&mut out, RST_STREAM, 0, 0x0102_0305, &CANCEL.to_be_bytes());
        assert_eq!(out, b"\x00\x00\x04\x03\x00\x01\x02\x03\x05\x00\x00\x00\x08");
        out.clear();
        settings(&mut out, &[(INITIAL_WINDOW_SIZE, 0)]);
        assert_eq!(out, b"\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x04\x00\x00\x00\x00");
    }

    #[test]
    fn a_post_is_indexed_fields_and_literals() {
        let expected = b"\x83\x86\x04\x02/e\x01\x03a:1\x0f\x10\x10application/json";
        assert_eq!(post("/e", "a:1"), expected);
    }

    #[test]
    fn what_was_written_is_read() {
        let mut bytes = Vec::new();
        write(&mut bytes, GOAWAY, 0, 0, &[0, 0, 0, 7, 0, 0, 0, 11, b'x']);
        settings(&mut bytes, &[(1, 9), (MAX_CONCURRENT_STREAMS, 64)]);
        let rest = bytes.split_off(20);
        let frame = take(&mut bytes).unwrap();
        assert_eq!((frame.kind, frame.code()), (GOAWAY, Some(11)));
        assert_eq!(take(&mut bytes), None);
        bytes.extend(rest);
        let frame = take(&mut bytes).unwrap();
        assert_eq!(frame.setting(MAX_CONCURRENT_STREAMS), Some(64));
        assert_eq!((frame.setting(5), frame.code(), bytes.len()), (None, None, 0));
    }

    #[test]
    fn a_status_is_read_in_each_of_its_forms() {
        let check = |payload: &[u8], expected| {
            let frame = Frame { kind: HEADERS, flags: 0, stream: 1, payload: payload.to_vec() };
            assert_eq!(frame.status(), expected, "{payload:x?}");
        };
        check(&[0x88, 0x41], Some(200));
        check(&[0x8d], Some(404));
        check(&[0x48, 0x03, b'4', b'2', b'9'], Some(429));
        // RFC 7541 C.6.1: 302 as 6402.
        check(&[0x48, 0x82, 0x64, 0x02], Some(302));
        // C.6.2: 307 as 640eff.
        check(&[0x48, 0x83, 0x64, 0x0e, 0xff], Some(307));
        check(&[0x61], None);
        check(&[0x48, 0x82, 0x64], None);
    }
}
