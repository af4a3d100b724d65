//! From a host to the addresses it may be reached at.
//!
//! Names are resolved at each connect, so that a node that moves is found, and
//! every address is checked after resolving, so that a name cannot lead us to
//! the machine's own metadata service (S21). Private and loopback addresses are
//! nodes' usual homes and pass.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use smallvec::SmallVec;
use tokio::time::timeout;

use super::error::{Exhausted, Fault};

/// A resolver that says nothing for so long is a fault.
const RESOLVE: Duration = Duration::from_secs(2);
/// More addresses than this of one name are not tried.
const MOST: usize = 8;

pub(super) type Addresses = SmallVec<[SocketAddr; MOST]>;

/// The addresses of `host` that may be connected to, in the resolver's order.
pub(super) async fn resolve(host: &str, port: u16) -> Result<Addresses, Fault> {
    if let Ok(ip) = host.parse::<IpAddr>() {
        return allowed([SocketAddr::new(ip, port)].into_iter());
    }
    match timeout(RESOLVE, tokio::net::lookup_host((host, port))).await {
        Ok(Ok(found)) => allowed(found),
        Ok(Err(error)) if error.raw_os_error() == Some(24) => {
            Err(Fault::Exhausted(Exhausted::Files))
        }
        Ok(Err(_)) | Err(_) => Err(Fault::Dns),
    }
}

fn allowed(found: impl Iterator<Item = SocketAddr>) -> Result<Addresses, Fault> {
    let mut addresses = Addresses::new();
    let mut refused = None;
    for address in found {
        if forbidden(address.ip()) {
            refused = Some(address.ip());
        } else if addresses.len() < MOST && !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    match refused {
        _ if !addresses.is_empty() => Ok(addresses),
        Some(ip) => Err(Fault::ForbiddenAddress(ip)),
        None => Err(Fault::Dns),
    }
}

/// Addresses that are never a node: "this network", link-local (where clouds
/// keep their metadata), the metadata services elsewhere, multicast, broadcast.
pub fn forbidden(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => forbidden_v4(ip),
        IpAddr::V6(ip) => forbidden_v6(ip),
    }
}

fn forbidden_v4(ip: Ipv4Addr) -> bool {
    /// Alibaba Cloud's metadata service.
    const ALIBABA: Ipv4Addr = Ipv4Addr::new(100, 100, 100, 200);
    ip.octets()[0] == 0
        || ip.is_link_local()
        || ip.is_multicast()
        || ip.is_broadcast()
        || ip == ALIBABA
}

fn forbidden_v6(ip: Ipv6Addr) -> bool {
    /// The metadata services of AWS and of Google Cloud.
    const METADATA: [Ipv6Addr; 2] = [
        Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254),
        Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254),
    ];
    ip.is_unspecified()
        || ip.is_unicast_link_local()
        || ip.is_multicast()
        || METADATA.contains(&ip)
        || embedded_v4(ip).is_some_and(forbidden_v4)
}

/// The IPv4 address inside a mapped (`::ffff:0:0/96`) or NAT64 (`64:ff9b::/96`, RFC 6052) one.
fn embedded_v4(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    if let Some(ip) = ip.to_ipv4_mapped() {
        return Some(ip);
    }
    let [0x64, 0xff9b, 0, 0, 0, 0, high, low] = ip.segments() else {
        return None;
    };
    let [a, b] = high.to_be_bytes();
    let [c, d] = low.to_be_bytes();
    Some(Ipv4Addr::new(a, b, c, d))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(address: &str, refused: bool) {
        assert_eq!(forbidden(address.parse().unwrap()), refused, "{address}");
    }

    #[test]
    fn metadata_link_local_multicast_and_this_network_are_refused() {
        let rows = "169.254.169.254 169.254.0.1 100.100.100.200 0.0.0.0 0.1.2.3 224.0.0.1 \
            255.255.255.255 :: fe80::1 ff02::1 fd00:ec2::254 fd20:ce::254 \
            ::ffff:169.254.169.254 64:ff9b::a9fe:a9fe ::ffff:0.0.0.0";
        rows.split_whitespace().for_each(|row| check(row, true));
    }

    #[test]
    fn homes_of_nodes_are_allowed() {
        let rows = "127.0.0.1 10.0.0.1 192.168.1.1 172.16.0.1 100.64.0.1 8.8.8.8 ::1 fd12::1 \
            2001:db8::1 ::ffff:10.0.0.1 64:ff9b::808:808";
        rows.split_whitespace().for_each(|row| check(row, false));
    }

    #[test]
    fn one_good_address_among_refused_ones_is_enough() {
        let good: SocketAddr = "10.0.0.1:1".parse().unwrap();
        let bad: SocketAddr = "169.254.1.1:1".parse().unwrap();
        assert_eq!(allowed([bad, good].into_iter()).unwrap().as_slice(), [good]);
        assert_eq!(allowed([bad].into_iter()), Err(Fault::ForbiddenAddress(bad.ip())));
        assert_eq!(allowed([].into_iter()), Err(Fault::Dns));
    }
}
