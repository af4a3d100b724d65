//! From a host to the addresses it may be reached at.
//!
//! Names are resolved at each connect, so that a node that moves is found, and
//! every address is checked after resolving, so that a name cannot lead us to
//! the machine's own metadata service. Private and loopback addresses are
//! nodes' usual homes and pass.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use smallvec::SmallVec;
use tokio::time::timeout;

use super::error::{Exhausted, Fault};
use crate::config::endpoint::forbidden;

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
        if forbidden(address.ip()).is_some() {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_good_address_among_refused_ones_is_enough() {
        let good: SocketAddr = "10.0.0.1:1".parse().unwrap();
        let bad: SocketAddr = "169.254.1.1:1".parse().unwrap();
        assert_eq!(allowed([bad, good].into_iter()).unwrap().as_slice(), [good]);
        assert_eq!(allowed([bad].into_iter()), Err(Fault::ForbiddenAddress(bad.ip())));
        assert_eq!(allowed([].into_iter()), Err(Fault::Dns));
    }
}
