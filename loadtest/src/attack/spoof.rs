//! Forged X-Forwarded-For over few connections: another address with each call.

use std::net::{Ipv4Addr, Ipv6Addr};

use headrace_simnode::hash::mix;

use super::Ground;

/// The low half of an address of IPv6.
const INTERFACE: u128 = u64::MAX as u128;

pub fn forwarded(ground: &Ground, place: usize, number: u64) -> String {
    let draw = mix((place as u64) << 40 | number);
    match ground.attack.prefix {
        Some(prefix) => format!("x-forwarded-for: {}\r\n", of_prefix(prefix, draw)),
        None => format!("x-forwarded-for: {}\r\n", any(draw)),
    }
}

fn of_prefix(prefix: Ipv6Addr, draw: u64) -> Ipv6Addr {
    Ipv6Addr::from(u128::from(prefix) & !INTERFACE | u128::from(draw))
}

fn any(draw: u64) -> Ipv4Addr {
    Ipv4Addr::from(u32::try_from(draw >> 32).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_a_prefix_differ_in_their_low_half() {
        let prefix = "2001:db8:1:2:ffff::9".parse().unwrap();
        assert_eq!(of_prefix(prefix, 0xabcd).to_string(), "2001:db8:1:2::abcd");
        assert_eq!(any(0x0a01_0203_ffff_ffff).to_string(), "10.1.2.3");
    }
}
