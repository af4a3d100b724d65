//! The PROXY protocol, versions 1 and 2: the header in which a balancer tells whose
//! connection it passes on.
//!
//! Specification: <https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt>. Read as
//! strictly as it says, or more: one form of everything, TCP only, a bounded length. What
//! the extra fields (TLVs) tell is not used, but they must be whole. Who may send a header
//! is not decided here.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    str::FromStr,
};

/// Begins a header of version 1.
pub const V1: &[u8] = b"PROXY ";
/// Begins a header of version 2.
pub const V2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
/// The longest header of version 1, its line end included (specification, 2.1).
const V1_LONGEST: usize = 107;
/// Of version 2: signature, version and command, family, length.
const V2_FIXED: usize = 16;
/// Most bytes of extra fields: certificates of clients are told in them, and no more.
const TLVS: usize = 4096;
/// The longest header that is read.
pub const LONGEST: usize = V2_FIXED + 36 + TLVS;

/// What a header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Header {
    /// The proxy's own connection: a health check.
    Local,
    /// Passed on, and from whom is not known.
    Unknown,
    /// Passed on from `source`, which had connected to `destination`.
    Tcp { source: SocketAddr, destination: SocketAddr },
}

/// Why there is no header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bad {
    /// The bytes begin no header.
    Missing,
    /// A header that is not well formed, or too long.
    Malformed,
}

/// Reads the header that `bytes` begin with, and its length; `None` while it is not
/// complete.
///
/// # Errors
/// As soon as it cannot become a header.
pub fn read(bytes: &[u8]) -> Result<Option<(Header, usize)>, Bad> {
    if begins(bytes, V2) {
        return if bytes.len() < V2_FIXED { Ok(None) } else { read_v2(bytes) };
    }
    if begins(bytes, V1) {
        return read_v1(bytes);
    }
    Err(Bad::Missing)
}

/// Whether `bytes` begin with the signature, as far as they go.
fn begins(bytes: &[u8], signature: &[u8]) -> bool {
    bytes.starts_with(signature) || signature.starts_with(bytes)
}

fn read_v1(bytes: &[u8]) -> Result<Option<(Header, usize)>, Bad> {
    let head = &bytes[..bytes.len().min(V1_LONGEST)];
    let Some(end) = head.windows(2).position(|pair| pair == b"\r\n") else {
        // A line feed or a carriage return alone ends nothing.
        let alone = head.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
        let broken = alone.is_some_and(|at| head[at] == b'\n' || at + 1 < head.len());
        let over = bytes.len() >= V1_LONGEST;
        return if broken || over { Err(Bad::Malformed) } else { Ok(None) };
    };
    let line = std::str::from_utf8(&head[V1.len()..end]).map_err(|_| Bad::Malformed)?;
    let header = v1_line(line).ok_or(Bad::Malformed)?;
    Ok(Some((header, end + 2)))
}

/// What stands between the signature and the line's end.
fn v1_line(line: &str) -> Option<Header> {
    if line.contains(['\r', '\n']) {
        return None;
    }
    let mut words = line.split(' ');
    match words.next()? {
        // What follows is to be ignored (specification, 2.1).
        "UNKNOWN" => return Some(Header::Unknown),
        "TCP4" => v1_addresses::<Ipv4Addr>(&mut words),
        "TCP6" => v1_addresses::<Ipv6Addr>(&mut words),
        _ => None,
    }
    .filter(|_| words.next().is_none())
}

fn v1_addresses<Ip: FromStr + Into<IpAddr>>(
    words: &mut std::str::Split<'_, char>,
) -> Option<Header> {
    let mut ip = || words.next()?.parse::<Ip>().ok().map(Into::into);
    let (source, destination) = (ip()?, ip()?);
    let mut port = || port(words.next()?);
    Some(Header::Tcp {
        source: SocketAddr::new(source, port()?),
        destination: SocketAddr::new(destination, port()?),
    })
}

/// Digits without a leading zero.
fn port(word: &str) -> Option<u16> {
    let plain = word.bytes().all(|byte| byte.is_ascii_digit());
    let padded = word.len() > 1 && word.starts_with('0');
    word.parse().ok().filter(|_| plain && !padded)
}

fn read_v2(bytes: &[u8]) -> Result<Option<(Header, usize)>, Bad> {
    let (command, family) = (bytes[12], bytes[13]);
    let length = usize::from(u16::from_be_bytes([bytes[14], bytes[15]]));
    // Bytes of addresses; of those that are not to be read, none is told apart from TLVs.
    let addresses = match (command, family) {
        (0x20, _) | (0x21, 0x00) => 0,
        (0x21, 0x11) => 12,
        (0x21, 0x21) => 36,
        _ => return Err(Bad::Malformed),
    };
    if length < addresses || length - addresses > TLVS {
        return Err(Bad::Malformed);
    }
    let Some(rest) = bytes.get(V2_FIXED..V2_FIXED + length) else { return Ok(None) };
    let (told, tlvs) = rest.split_at(addresses);
    let header = match (command, addresses) {
        (0x20, _) => Header::Local,
        (_, 12) if are_whole(tlvs) => v2_tcp::<4>(told).ok_or(Bad::Malformed)?,
        (_, 36) if are_whole(tlvs) => v2_tcp::<16>(told).ok_or(Bad::Malformed)?,
        (_, 0) => Header::Unknown,
        _ => return Err(Bad::Malformed),
    };
    Ok(Some((header, V2_FIXED + length)))
}

/// Two addresses of `N` bytes, then two ports.
fn v2_tcp<const N: usize>(told: &[u8]) -> Option<Header>
where
    IpAddr: From<[u8; N]>,
{
    let (source, rest) = told.split_first_chunk::<N>()?;
    let (destination, ports) = rest.split_first_chunk::<N>()?;
    let &[a, b, c, d] = ports else { return None };
    let at = |ip: [u8; N], port| SocketAddr::new(ip.into(), u16::from_be_bytes(port));
    Some(Header::Tcp { source: at(*source, [a, b]), destination: at(*destination, [c, d]) })
}

/// Whether extra fields (a type, a length of two bytes, a value) fill the bytes exactly.
fn are_whole(mut tlvs: &[u8]) -> bool {
    while let [_, high, low, rest @ ..] = tlvs {
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let Some(next) = rest.get(length..) else { return false };
        tlvs = next;
    }
    tlvs.is_empty()
}

/// Writes a header of version 1: `Local` has no form in it and stands as unknown.
pub fn write_v1(header: &Header) -> Vec<u8> {
    let Header::Tcp { source, destination } = header else { return b"PROXY UNKNOWN\r\n".to_vec() };
    let family = if source.is_ipv4() { "TCP4" } else { "TCP6" };
    let (from, to) = (source.ip(), destination.ip());
    let (from_port, to_port) = (source.port(), destination.port());
    format!("PROXY {family} {from} {to} {from_port} {to_port}\r\n").into_bytes()
}

/// Writes a header of version 2 with these extra fields, at most 4,096 bytes; `None` for
/// addresses of two families.
pub fn write_v2(header: &Header, tlvs: &[u8]) -> Option<Vec<u8>> {
    let (command, family, mut told) = match header {
        Header::Local => (0x20, 0x00, Vec::new()),
        Header::Unknown => (0x21, 0x00, Vec::new()),
        Header::Tcp { source, destination } => match (source.ip(), destination.ip()) {
            (IpAddr::V4(from), IpAddr::V4(to)) => {
                (0x21, 0x11, [from.octets(), to.octets()].concat())
            }
            (IpAddr::V6(from), IpAddr::V6(to)) => {
                (0x21, 0x21, [from.octets(), to.octets()].concat())
            }
            _ => return None,
        },
    };
    if let Header::Tcp { source, destination } = header {
        told.extend(source.port().to_be_bytes());
        told.extend(destination.port().to_be_bytes());
    }
    let length = u16::try_from(told.len() + tlvs.len()).ok()?;
    Some([V2, &[command, family], &length.to_be_bytes(), &told, tlvs].concat())
}

#[cfg(test)]
mod tests;
