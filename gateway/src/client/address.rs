//! The client's address: the peer's, or what trusted proxies say it is.
//!
//! A proxy appends the address it was connected from, so the list is true from its right
//! end as far as the hosts in it are trusted; everything left of the first one that is
//! not was written by somebody unknown. What cannot be read is not guessed at: the peer's
//! own address counts then, which limits all that hides behind it together.

use std::{
    borrow::Cow,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use ipnet::IpNet;

/// Most entries over all lines of the header; with more the peer counts.
const MOST_ENTRIES: usize = 32;

/// NAT64's well-known prefix (RFC 6052, section 2.1): a translator's way of writing an
/// IPv4 address.
const NAT64: [u16; 6] = [0x64, 0xff9b, 0, 0, 0, 0];

/// The one spelling of an address: IPv4 inside of IPv6 (mapped, or behind NAT64's
/// well-known prefix) is IPv4.
pub fn canonical(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(six) => match six.segments() {
            [a, b, c, d, e, f, high, low] if [a, b, c, d, e, f] == NAT64 => {
                let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
                Ipv4Addr::new(a, b, c, d).into()
            }
            _ => address.to_canonical(),
        },
        IpAddr::V4(_) => address,
    }
}

/// Whether a peer is believed when it tells a client's address.
pub fn is_trusted(address: IpAddr, trusted: &[IpNet]) -> bool {
    trusted.iter().any(|network| network.contains(&address))
}

/// The client's address by the lines of `X-Forwarded-For`, in their order. `peer` is
/// canonical and trusted.
pub fn by_x_forwarded_for<'l>(
    peer: IpAddr,
    lines: impl Iterator<Item = &'l [u8]>,
    trusted: &[IpNet],
) -> IpAddr {
    let entries = lines.flat_map(|line| line.split(|byte| *byte == b',')).map(<[u8]>::trim_ascii);
    walk(peer, entries.filter(|entry| !entry.is_empty()).map(read), trusted)
}

/// The same by the lines of `Forwarded` (RFC 7239).
pub fn by_forwarded<'l>(
    peer: IpAddr,
    lines: impl Iterator<Item = &'l [u8]>,
    trusted: &[IpNet],
) -> IpAddr {
    let elements = lines.flat_map(|line| split(line, b',')).filter(|element| !element.is_empty());
    walk(peer, elements.map(element), trusted)
}

/// From the right end to the first address that is not trusted; where all are, the
/// leftmost one. `None` among those passed, or too many entries: the peer.
fn walk(peer: IpAddr, entries: impl Iterator<Item = Option<IpAddr>>, trusted: &[IpNet]) -> IpAddr {
    let mut list = [None; MOST_ENTRIES];
    let mut count = 0;
    for entry in entries {
        let Some(slot) = list.get_mut(count) else { return peer };
        *slot = entry;
        count += 1;
    }
    let mut furthest = peer;
    for entry in list[..count].iter().rev() {
        let Some(address) = *entry else { return peer };
        furthest = address;
        if !is_trusted(address, trusted) {
            break;
        }
    }
    furthest
}

/// An address, with or without port and brackets; `None` for anything else.
fn read(text: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(text).ok()?;
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let address = match bare {
        Some(six) => six.parse::<Ipv6Addr>().ok()?.into(),
        None => text
            .parse()
            .or_else(|_| text.parse::<SocketAddr>().map(|socket| socket.ip()))
            .ok()
            .filter(|_| !text.contains('%'))?,
    };
    Some(canonical(address))
}

/// The address in the `for` of one element; `None` where there is none, or two.
fn element(text: &[u8]) -> Option<IpAddr> {
    let mut found = None;
    for pair in split(text, b';') {
        let at = pair.iter().position(|byte| *byte == b'=')?;
        let (name, value) = (&pair[..at], &pair[at + 1..]);
        if name.eq_ignore_ascii_case(b"for") && found.replace(read(&unquote(value)?)?).is_some() {
            return None;
        }
    }
    found
}

/// Parts between separators that stand in no quoted string, without spaces around them.
fn split(text: &[u8], separator: u8) -> impl Iterator<Item = &[u8]> {
    let (mut quoted, mut escaped) = (false, false);
    let parts = text.split(move |&byte| {
        let literal = std::mem::take(&mut escaped);
        match byte {
            b'"' if !literal => quoted = !quoted,
            b'\\' if quoted && !literal => escaped = true,
            _ => {}
        }
        byte == separator && !quoted
    });
    parts.map(<[u8]>::trim_ascii)
}

/// A token as it is, or what a quoted string says.
fn unquote(value: &[u8]) -> Option<Cow<'_, [u8]>> {
    let Some(rest) = value.strip_prefix(b"\"") else { return Some(Cow::Borrowed(value)) };
    let inner = rest.strip_suffix(b"\"")?;
    if !inner.contains(&b'\\') {
        return Some(Cow::Borrowed(inner));
    }
    let mut said = Vec::with_capacity(inner.len());
    let mut bytes = inner.iter();
    while let Some(&byte) = bytes.next() {
        said.push(if byte == b'\\' { *bytes.next()? } else { byte });
    }
    Some(Cow::Owned(said))
}

#[cfg(test)]
mod tests;
