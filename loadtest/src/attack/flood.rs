//! A flood of calls from many addresses: real ones of the loopback network, or told by a
//! proxy.

use std::net::Ipv4Addr;

use super::Ground;

/// Of the addresses that proxies tell: 198.18.0.0/15 is for tests of the kind (RFC 2544).
const FIRST: u32 = u32::from_be_bytes([198, 18, 0, 0]);

/// Where a call comes from, if a proxy is to tell.
pub fn forwarded(ground: &Ground, place: usize, number: u64) -> String {
    if !ground.attack.forwarded {
        return String::new();
    }
    let sources = ground.attack.sources.unwrap_or(1) as u64;
    format!("x-forwarded-for: {}\r\n", address(sources, place as u64 + number))
}

/// The address of a turn: sources take theirs one after another, each in a /24 of its own as
/// far as there are so many.
fn address(sources: u64, turn: u64) -> Ipv4Addr {
    let source = u32::try_from(turn % sources).unwrap_or(0);
    Ipv4Addr::from(FIRST + (source << 8 & 0x1_ff00) + (source >> 9))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_source_has_an_address_of_its_own() {
        let check = |turn, expected: &str| {
            assert_eq!(address(1_000, turn).to_string(), expected, "{turn}");
        };
        check(0, "198.18.0.0");
        check(1, "198.18.1.0");
        check(511, "198.19.255.0");
        check(512, "198.18.0.1");
        check(1_001, "198.18.1.0");
        let all: std::collections::HashSet<_> = (0..1_000).map(|at| address(1_000, at)).collect();
        assert_eq!(all.len(), 1_000);
    }
}
