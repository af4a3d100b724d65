//! The beginning of a TLS connection, looked at before anything is spent on it: whether the
//! whole ClientHello is there, and no larger than it may be.
//!
//! Only the framing is read (RFC 8446, 4 and 5.1); what it says is rustls's business.

/// Most bytes of a ClientHello, 16 KiB: those of browsers have 2.
const LARGEST: usize = 16 * 1024;
/// Most bytes on the wire with the headers of the records it is cut into.
const LONGEST: usize = LARGEST + 4 * 1024;
/// Record: type, version (2), length (2).
const RECORD: usize = 5;
/// Type of a record that holds handshake messages.
const HANDSHAKE: u8 = 22;
/// Type of the message that a client begins with.
const CLIENT_HELLO: u8 = 1;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hello {
    /// More must come.
    Partial,
    Whole,
    /// TLS, and nothing that a client may begin with.
    Malformed,
    /// Something else than TLS.
    Foreign,
}

/// Looks at the first bytes of a connection.
pub fn look(bytes: &[u8]) -> Hello {
    match bytes {
        [] => Hello::Partial,
        [HANDSHAKE] | [HANDSHAKE, 3, ..] => records(bytes),
        [HANDSHAKE, ..] => Hello::Malformed,
        _ => Hello::Foreign,
    }
}

fn records(mut rest: &[u8]) -> Hello {
    let whole = rest.len();
    // The message's own header: type and length (3). Then only its length counts.
    let mut head = Vec::with_capacity(4);
    let mut seen = 0;
    while let [HANDSHAKE, 3, _, high, low, payload @ ..] = rest {
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let here = &payload[..length.min(payload.len())];
        head.extend(here.iter().take(4 - head.len()));
        seen += here.len();
        if whole - payload.len() + here.len() > LONGEST {
            return Hello::Malformed;
        }
        match *head {
            [CLIENT_HELLO, a, b, c] => {
                let size = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
                if size > LARGEST {
                    return Hello::Malformed;
                }
                if seen >= 4 + size {
                    return Hello::Whole;
                }
            }
            [] | [CLIENT_HELLO, ..] => {}
            _ => return Hello::Malformed,
        }
        if length == 0 {
            return Hello::Malformed;
        }
        rest = &payload[here.len()..];
        if here.len() < length {
            break;
        }
    }
    let broken = rest.len() >= RECORD && !rest.starts_with(&[HANDSHAKE, 3]);
    if broken { Hello::Malformed } else { Hello::Partial }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A ClientHello of `size` bytes in records of at most `cut`.
    fn hello(size: usize, cut: usize) -> Vec<u8> {
        let length = u32::try_from(size).unwrap().to_be_bytes();
        let message = [&[CLIENT_HELLO], &length[1..], &vec![7; size]].concat();
        let record = |part: &[u8]| {
            let length = u16::try_from(part.len()).unwrap().to_be_bytes();
            [&[HANDSHAKE, 3, 1], &length[..], part].concat()
        };
        message.chunks(cut).flat_map(record).collect()
    }

    fn check(bytes: &[u8], expected: Hello) {
        assert_eq!(look(bytes), expected, "{:?}", &bytes[..bytes.len().min(16)]);
    }

    #[test]
    fn a_hello_is_whole_with_its_last_byte_however_it_is_cut() {
        for (size, cut) in [(0, 9), (500, 1000), (500, 100), (500, 1), (LARGEST, 16_000)] {
            let bytes = hello(size, cut);
            check(&bytes, Hello::Whole);
            check(&[&bytes, &b"more"[..]].concat(), Hello::Whole);
            for end in 0..bytes.len().min(3000) {
                check(&bytes[..end], Hello::Partial);
            }
        }
    }

    #[test]
    fn what_is_too_large_or_no_hello_is_told_as_soon_as_it_shows() {
        check(&hello(LARGEST + 1, 16_000)[..9], Hello::Malformed);
        check(&hello(LARGEST, 1), Hello::Malformed);
        check(&[HANDSHAKE, 3, 1, 0, 0], Hello::Malformed);
        check(&[HANDSHAKE, 2], Hello::Malformed);
        check(&[HANDSHAKE, 3, 1, 0, 9, 2], Hello::Malformed);
        let mut broken = hello(500, 100);
        broken[105] = 23;
        check(&broken, Hello::Malformed);
    }

    #[test]
    fn other_first_bytes_are_foreign() {
        for bytes in [&b"GET / HTTP/1.1\r\n"[..], b"PRI", b"\x15\x03\x01", b"\x80\x2e\x01"] {
            check(bytes, Hello::Foreign);
        }
    }
}
