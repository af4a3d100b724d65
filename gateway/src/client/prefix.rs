//! The prefixes that an address counts under: whoever has one IPv6 address has a whole
//! /64 of them, and often more.

use std::net::{IpAddr, Ipv6Addr};

/// One prefix, and how many times a client's rate all of it together may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Prefix {
    pub address: IpAddr,
    /// Bits of it that count.
    pub length: u8,
    pub share: u32,
}

/// Lengths of IPv6 prefixes, and how many clients' rates each holds: one site's network,
/// a customer's, a small provider's.
const SIX: [(u8, u32); 3] = [(64, 1), (56, 4), (48, 16)];

/// The prefixes of a canonical address, the narrowest first; that one is the client.
pub fn prefixes(address: IpAddr) -> impl Iterator<Item = Prefix> {
    let levels = match address {
        IpAddr::V4(_) => &SIX[..1],
        IpAddr::V6(_) => &SIX[..],
    };
    levels.iter().map(move |&(length, share)| match address {
        IpAddr::V4(_) => Prefix { address, length: 32, share: 1 },
        IpAddr::V6(six) => {
            let kept = six.to_bits() & (u128::MAX << (128 - u32::from(length)));
            Prefix { address: Ipv6Addr::from_bits(kept).into(), length, share }
        }
    })
}

/// The narrowest prefix: what "one client" means.
pub fn narrowest(address: IpAddr) -> IpAddr {
    prefixes(address).next().map_or(address, |prefix| prefix.address)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(address: &str, expected: &[(&str, u8, u32)]) {
        let found: Vec<_> = prefixes(address.parse().unwrap())
            .map(|prefix| (prefix.address.to_string(), prefix.length, prefix.share))
            .collect();
        let expected: Vec<_> = expected
            .iter()
            .map(|&(address, bits, share)| (address.to_owned(), bits, share))
            .collect();
        assert_eq!(found, expected, "{address}");
    }

    #[test]
    fn s03_an_ipv4_address_counts_alone_and_an_ipv6_one_under_three_prefixes() {
        check("192.0.2.7", &[("192.0.2.7", 32, 1)]);
        check(
            "2001:db8:1:23ff:1:2:3:4",
            &[("2001:db8:1:23ff::", 64, 1), ("2001:db8:1:2300::", 56, 4), ("2001:db8:1::", 48, 16)],
        );
    }

    proptest! {
        #[test]
        fn s03_all_addresses_of_a_64_are_one_client(network: u64, one: u64, other: u64) {
            let of = |host| IpAddr::from(Ipv6Addr::from_bits(u128::from(network) << 64 | u128::from(host)));
            prop_assert_eq!(narrowest(of(one)), narrowest(of(other)));
        }
    }
}
