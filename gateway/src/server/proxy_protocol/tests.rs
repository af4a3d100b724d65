use proptest::prelude::*;

use super::*;

fn tcp(source: &str, destination: &str) -> Header {
    Header::Tcp { source: source.parse().unwrap(), destination: destination.parse().unwrap() }
}

/// `bytes` with a request behind them are read as `expected`, and no part of them is.
fn check(bytes: &[u8], expected: Result<Header, Bad>) {
    let more = [bytes, b"GET / HTTP/1.1\r\n"].concat();
    let read = read(&more);
    let wanted = expected.map(|header| Some((header, bytes.len())));
    assert_eq!(read, wanted, "{:?}", String::from_utf8_lossy(bytes));
    if expected.is_ok() {
        for end in 0..bytes.len() {
            assert_eq!(super::read(&bytes[..end]), Ok(None), "the first {end} bytes");
        }
    }
}

#[test]
fn version_1_has_one_form() {
    let long = format!("PROXY UNKNOWN {}\r\n", "x".repeat(V1_LONGEST - 16));
    assert_eq!(long.len(), V1_LONGEST);
    for (line, header) in [
        ("PROXY TCP4 1.2.3.4 5.6.7.8 1 65535\r\n", tcp("1.2.3.4:1", "5.6.7.8:65535")),
        ("PROXY TCP6 ::1 2001:db8::2 0 443\r\n", tcp("[::1]:0", "[2001:db8::2]:443")),
        ("PROXY UNKNOWN\r\n", Header::Unknown),
        ("PROXY UNKNOWN ff::1 whatever 1 2 3\r\n", Header::Unknown),
        (&long, Header::Unknown),
    ] {
        check(line.as_bytes(), Ok(header));
    }
    for line in [
        "PROXY TCP4 1.2.3.4 5.6.7.8 1 65536\r\n",
        "PROXY TCP4 1.2.3.4 5.6.7.8 1 +2\r\n",
        "PROXY TCP4 1.2.3.4 5.6.7.8 01 2\r\n",
        "PROXY TCP4 1.2.3.04 5.6.7.8 1 2\r\n",
        "PROXY TCP4 1.2.3.4  5.6.7.8 1 2\r\n",
        "PROXY TCP4 1.2.3.4 5.6.7.8 1 2 \r\n",
        "PROXY TCP4 1.2.3.4 5.6.7.8 1\r\n",
        "PROXY TCP4 ::1 ::2 1 2\r\n",
        "PROXY TCP6 1.2.3.4 5.6.7.8 1 2\r\n",
        "PROXY TCP4 1.2.3.4 5.6.7.8 1 2\n",
        "PROXY TCP4 1.2.3.4 5.6.7.8 1 2\rX\r\n",
        "PROXY UDP4 1.2.3.4 5.6.7.8 1 2\r\n",
        "PROXY UNKNOWNX\r\n",
        "PROXY \r\n",
        "PROXY UNKNOWN \u{e9}\r\r\n",
        &format!("PROXY UNKNOWN {}\r\n", "x".repeat(V1_LONGEST - 15)),
    ] {
        check(line.as_bytes(), Err(Bad::Malformed));
    }
}

/// A header of version 2 with these bytes after the length.
fn v2(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
    let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
    [V2, &[command, family], &length, rest].concat()
}

#[test]
fn version_2_is_tcp_with_whole_fields_within_their_bound() {
    let four = [1, 2, 3, 4, 5, 6, 7, 8, 0, 1, 1, 187];
    let six = [[0; 32].as_slice(), &[0, 1, 0, 2]].concat();
    let with = |tlvs: &[u8]| [&four[..], tlvs].concat();
    let field = |length: usize| {
        let size = u16::try_from(length - 3).unwrap().to_be_bytes();
        [&[4, size[0], size[1]], vec![0; length - 3].as_slice()].concat()
    };
    let known = tcp("1.2.3.4:1", "5.6.7.8:443");
    for (bytes, header) in [
        (v2(0x21, 0x11, &four), Ok(known)),
        (v2(0x21, 0x21, &six), Ok(tcp("[::]:1", "[::]:2"))),
        (v2(0x21, 0x11, &with(&[1, 0, 2, b'h', b'2', 4, 0, 0])), Ok(known)),
        (v2(0x21, 0x11, &with(&field(TLVS))), Ok(known)),
        (v2(0x20, 0x00, b""), Ok(Header::Local)),
        (v2(0x20, 0x00, b"no field at all"), Ok(Header::Local)),
        (v2(0x20, 0x11, &four), Ok(Header::Local)),
        (v2(0x21, 0x00, b"anything"), Ok(Header::Unknown)),
        (v2(0x21, 0x11, &with(&field(TLVS + 1))), Err(Bad::Malformed)),
        (v2(0x20, 0x00, &[0; TLVS + 1]), Err(Bad::Malformed)),
        (v2(0x21, 0x11, &with(&[1, 0])), Err(Bad::Malformed)),
        (v2(0x21, 0x11, &with(&[1, 0, 2, 0])), Err(Bad::Malformed)),
        (v2(0x21, 0x11, &four[..11]), Err(Bad::Malformed)),
        (v2(0x21, 0x21, &four), Err(Bad::Malformed)),
        (v2(0x21, 0x12, &four), Err(Bad::Malformed)),
        (v2(0x21, 0x31, &[0; 216]), Err(Bad::Malformed)),
        (v2(0x22, 0x11, &four), Err(Bad::Malformed)),
        (v2(0x11, 0x11, &four), Err(Bad::Malformed)),
    ] {
        check(&bytes, header);
    }
}

#[test]
fn other_first_bytes_are_no_header_as_soon_as_that_shows() {
    for bytes in
        [&b"G"[..], b"PROXx", b"PRI * HTTP/2.0\r\n", b"\r\n\r\nG", b"\x16\x03\x01", b"proxy "]
    {
        check(bytes, Err(Bad::Missing));
    }
}

fn address() -> impl Strategy<Value = SocketAddr> {
    any::<(IpAddr, u16)>().prop_map(SocketAddr::from)
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(
        source in address(), destination in address(), fields in prop::collection::vec(any::<u8>(), 0..64),
    ) {
        prop_assume!(source.is_ipv4() == destination.is_ipv4());
        let header = Header::Tcp { source, destination };
        check(&write_v1(&header), Ok(header));
        let tlv = [&[0xe0, 0, u8::try_from(fields.len()).unwrap()], fields.as_slice()].concat();
        check(&write_v2(&header, &tlv).unwrap(), Ok(header));
    }

    #[test]
    fn what_is_read_is_within_the_bytes_and_needs_all_of_them(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        for signature in [V1, V2] {
            let bytes = [signature, &bytes].concat();
            if let Ok(Some((header, length))) = read(&bytes) {
                prop_assert!(length <= bytes.len() && length <= LONGEST);
                prop_assert_eq!(read(&bytes[..length]), Ok(Some((header, length))));
            }
        }
    }
}
