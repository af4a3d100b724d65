//! Who holds how many connections: by address (IPv6: by /64) and by prefix (/24, /48).
//!
//! Only peers with open connections are here, so the table is never larger than twice the
//! cap on connections, whatever addresses are made up. Sharded, because places are given
//! back on all workers.

use std::{
    collections::{HashMap, hash_map::Entry},
    hash::{BuildHasher, RandomState},
    net::IpAddr,
    sync::Arc,
};

use parking_lot::Mutex;

use crate::server::Refused;

const SHARDS: usize = 16;

/// A prefix: who has one address there, has the others too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Prefix {
    V4([u8; 3]),
    V6([u8; 6]),
}

impl Prefix {
    pub fn of(ip: IpAddr) -> Self {
        match ip.to_canonical() {
            IpAddr::V4(ip) => {
                let [a, b, c, _] = ip.octets();
                Self::V4([a, b, c])
            }
            IpAddr::V6(ip) => {
                let [a, b, c, d, e, f, ..] = ip.octets();
                Self::V6([a, b, c, d, e, f])
            }
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Key {
    /// With what tells a client from others of its prefix: the rest of its /32 or /64.
    Client(Prefix, [u8; 2]),
    Prefix(Prefix),
}

fn client(ip: IpAddr) -> Key {
    let rest = match ip.to_canonical() {
        IpAddr::V4(ip) => [ip.octets()[3], 0],
        IpAddr::V6(ip) => [ip.octets()[6], ip.octets()[7]],
    };
    Key::Client(Prefix::of(ip), rest)
}

/// Caps that hold for one peer; `None`: not counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Caps {
    pub client: Option<u32>,
    pub prefix: Option<u32>,
}

type Shard = Mutex<HashMap<Key, u32>>;

#[derive(Debug, Default)]
pub(super) struct Peers {
    shards: [Shard; SHARDS],
    hasher: RandomState,
}

impl Peers {
    /// Takes a place for a connection from `ip`; `None` where no cap holds.
    pub fn enter(self: &Arc<Self>, ip: IpAddr, caps: Caps) -> Result<Option<Place>, Refused> {
        if caps == Caps::default() {
            return Ok(None);
        }
        let (one, all) = (client(ip), Key::Prefix(Prefix::of(ip)));
        let mut shard = self.shard(Prefix::of(ip)).lock();
        let is_full = |key, cap: Option<u32>| {
            cap.is_some_and(|cap| shard.get(&key).copied().unwrap_or_default() >= cap)
        };
        if is_full(one, caps.client) {
            return Err(Refused::OverClient);
        }
        if is_full(all, caps.prefix) {
            return Err(Refused::OverPrefix);
        }
        let counted = [caps.client.map(|_| one), caps.prefix.map(|_| all)];
        for key in counted.into_iter().flatten() {
            *shard.entry(key).or_default() += 1;
        }
        Ok(Some(Place { peers: Arc::clone(self), counted }))
    }

    fn shard(&self, prefix: Prefix) -> &Shard {
        // The remainder is below SHARDS on any machine.
        &self.shards[self.hasher.hash_one(prefix) as usize % SHARDS]
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().len()).sum()
    }
}

/// A peer's place, given back when dropped.
#[derive(Debug)]
pub(super) struct Place {
    peers: Arc<Peers>,
    counted: [Option<Key>; 2],
}

impl Drop for Place {
    fn drop(&mut self) {
        for key in self.counted.into_iter().flatten() {
            let (Key::Client(prefix, _) | Key::Prefix(prefix)) = key;
            let mut shard = self.peers.shard(prefix).lock();
            if let Entry::Occupied(mut held) = shard.entry(key) {
                *held.get_mut() -= 1;
                if *held.get() == 0 {
                    held.remove();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CAPS: Caps = Caps { client: Some(2), prefix: Some(3) };

    /// Each address takes a place, in order; the outcome of the last.
    fn check(addresses: &[&str], expected: Result<(), Refused>) {
        let peers = Arc::default();
        let enter = |ip: &&str| Peers::enter(&peers, ip.parse().unwrap(), CAPS);
        let (last, before) = addresses.split_last().unwrap();
        let held: Vec<_> = before.iter().map(|ip| enter(ip).unwrap()).collect();
        assert_eq!(enter(last).map(drop), expected, "{addresses:?}");
        drop(held);
        assert_eq!(peers.len(), 0, "who has left is forgotten");
    }

    #[test]
    fn an_address_and_its_prefix_have_caps() {
        check(&["10.0.0.1", "10.0.0.1"], Ok(()));
        check(&["10.0.0.1", "10.0.0.1", "10.0.0.1"], Err(Refused::OverClient));
        check(&["10.0.0.1", "::ffff:10.0.0.1", "10.0.0.1"], Err(Refused::OverClient));
        check(&["10.0.0.1", "10.0.0.2", "10.0.0.3"], Ok(()));
        check(&["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"], Err(Refused::OverPrefix));
        check(&["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.1.4"], Ok(()));
    }

    #[test]
    fn an_ipv6_client_is_a_64_and_its_prefix_a_48() {
        check(&["2001:db8::1", "2001:db8::2", "2001:db8::3"], Err(Refused::OverClient));
        check(&["2001:db8::1", "2001:db8::2", "2001:db8:0:1::1"], Ok(()));
        let three = ["2001:db8:0:1::1", "2001:db8:0:2::1", "2001:db8:0:3::1"];
        check(&[three[0], three[1], three[2], "2001:db8:0:4::1"], Err(Refused::OverPrefix));
        check(&[three[0], three[1], three[2], "2001:db8:1:4::1"], Ok(()));
    }

    #[test]
    fn who_is_exempt_is_not_counted() {
        let peers = Arc::default();
        let ip = "10.0.0.1".parse().unwrap();
        assert!(Peers::enter(&peers, ip, Caps::default()).unwrap().is_none());
        assert_eq!(peers.len(), 0);
        let only = Caps { client: Some(1), prefix: None };
        let held = Peers::enter(&peers, ip, only).unwrap();
        assert_eq!(peers.len(), 1);
        drop(held);
        assert_eq!(peers.len(), 0);
    }

    proptest! {
        #[test]
        fn the_table_holds_no_more_than_two_entries_a_connection(
            addresses in prop::collection::vec(any::<IpAddr>(), 1..50),
        ) {
            let peers = Arc::default();
            let enter = |ip: &IpAddr| Peers::enter(&peers, *ip, CAPS).ok().flatten();
            let held: Vec<_> = addresses.iter().filter_map(enter).collect();
            prop_assert!(peers.len() <= 2 * held.len());
            drop(held);
            prop_assert_eq!(peers.len(), 0);
        }
    }
}
