//! How much clients may ask for, and what each has left.
//!
//! A client is known by name (a key or a token), or by its address: IPv4, or an IPv6 /64
//! below ceilings for its /56 and /48. Rates are GCRA buckets of weight: exact ones for
//! known clients, a table that cannot grow for all others, one for each chain. What is
//! refused is charged to a second bucket, so that refusing has an end too. Everything that
//! counts outlives a reload that does not change its quota.
//!
//! Not here: what a call weighs (`method`), who is told what (`gateway`), connections
//! (`server`). No lock is shared by all calls: buckets are single words, maps are sharded.

mod bucket;
mod chain;
mod flights;
mod known;
mod suspect;
mod table;

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use crate::{
    client::{
        key,
        prefix::{narrowest, prefixes},
        token::BadKeys,
    },
    clock::Timestamp,
    config::{Client, Config},
    metrics::Counters,
};

use self::{
    flights::Flights,
    known::{Known, Names},
    suspect::Suspect,
    table::{Table, Use},
};

pub use self::{
    bucket::{CELLS, Quota, Short},
    chain::{ChainLimits, HeavySlot},
    flights::InFlight,
    known::Guard,
    table::ENTRIES,
};

/// Clients that are not known, as one.
const ANONYMOUS: &str = "anonymous";
/// Wrong keys of one address within this time are too many from the 21st on.
const MISSES: u32 = 20;
const MISSES_WITHIN: Duration = Duration::from_secs(60);

/// A client's place among those known by name, in the topology that a request began with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClientIndex(pub u32);

/// Whose a request is: the known client's, else the address's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Payer {
    /// In its one spelling ([`crate::client::address::canonical`]).
    pub address: IpAddr,
    pub client: Option<ClientIndex>,
}

/// The file of `jwt.keys` is of no use.
#[derive(Clone, Debug, thiserror::Error)]
pub enum BadTokens {
    #[error("jwt.keys: {0}")]
    Unreadable(String),
    #[error("jwt.keys: the file {0}")]
    Keys(#[from] BadKeys),
}

/// Everybody who may call, and what each has left.
#[derive(Debug)]
pub struct Clients {
    known: Vec<Known>,
    names: Names,
    /// What one client that is not known may ask for.
    quota: Option<Quotas>,
    in_flight: Option<u32>,
    shared: Arc<Shared>,
}

/// Quotas by width of the prefix.
#[derive(Clone, Copy, Debug)]
struct Quotas {
    client: Quota,
    /// Of a /56 and a /48.
    wide: [Quota; 2],
    /// Part of each bucket's key: after a change of the quota nobody finds an old one.
    /// Both numbers of the rate, of 24 bits each.
    tag: u64,
}

/// What lives as long as the process.
#[derive(Debug)]
struct Shared {
    table: Table,
    flights: Flights,
    /// Calls of clients that are not known, and their weight in cells.
    anonymous: Counters,
    suspect: Suspect,
}

impl Default for Shared {
    fn default() -> Self {
        Self {
            table: Table::default(),
            flights: Flights::default(),
            anonymous: Counters::new(2),
            suspect: Suspect::default(),
        }
    }
}

/// What clients asked for, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    pub calls: u64,
    /// Tenths of a weight.
    pub cells: u64,
}

/// The table of buckets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableSize {
    /// Written so far, at most [`ENTRIES`].
    pub entries: u64,
    pub bytes: u64,
    /// How often a client found no room, and shared a bucket with others.
    pub overflows: u64,
}

impl Clients {
    /// The clients of `config`; what `old` ones have left goes over.
    ///
    /// # Errors
    /// No token could be verified by the file of `jwt.keys`.
    pub fn build(config: &Config, old: Option<&Self>) -> Result<Self, BadTokens> {
        let shared = old.map(|old| Arc::clone(&old.shared)).unwrap_or_default();
        let hash = |name: &str| shared.table.hash(("known", name));
        let known = known::renewed(config, old.map(|old| (&*old.known, &old.names)), &hash);
        let rate = config.limits.rate;
        Ok(Self {
            names: Names::of(config)?,
            quota: rate.map(|rate| Quotas {
                client: Quota::of(rate, 1),
                wide: [Quota::of(rate, 4), Quota::of(rate, 16)],
                tag: u64::from(rate.weight_per_second) << 24 | u64::from(rate.burst),
            }),
            in_flight: config.limits.in_flight,
            known,
            shared,
        })
    }

    /// Whether anybody can be known at all: else what looks like a key is none of ours.
    pub fn any_known(&self) -> bool {
        !self.known.is_empty()
    }

    /// Whose key it is.
    pub fn by_key(&self, digest: &key::Digest) -> Option<ClientIndex> {
        self.names.by_key(digest)
    }

    /// Whom a token names; `now` in Unix seconds.
    pub fn by_token(&self, token: &str, digest: &key::Digest, now: u64) -> Option<ClientIndex> {
        self.names.by_token(token, digest, now)
    }

    /// The plan of a known client.
    pub fn plan(&self, payer: Payer) -> Option<&Client> {
        self.known(payer).map(|known| &known.config)
    }

    fn known(&self, payer: Payer) -> Option<&Known> {
        payer.client.and_then(|ClientIndex(at)| self.known.get(at as usize))
    }

    /// Cells that a client may ever spend at once; `None`: it has no limit.
    pub fn burst(&self, payer: Payer) -> Option<u32> {
        match self.known(payer) {
            Some(known) => known.quota.map(Quota::burst),
            None => self.quota.map(|quotas| quotas.client.burst()),
        }
    }

    /// Takes all of so many cells from a client, or says when they can be had.
    pub fn take(&self, payer: Payer, cells: u32, now: Timestamp) -> Result<(), Short> {
        if let Some(known) = self.known(payer) {
            let Some(quota) = known.quota else { return Ok(()) };
            return quota.take(&known.account.calls_full_at, cells, now);
        }
        let Some(quotas) = &self.quota else { return Ok(()) };
        let table = &self.shared.table;
        for prefix in prefixes(payer.address) {
            let (quota, of) = match prefix.share {
                1 => (quotas.client, Use::Calls),
                4 => (quotas.wide[0], Use::Calls56),
                _ => (quotas.wide[1], Use::Calls48),
            };
            let hash = table.hash(key(of, quotas.tag, prefix.address));
            quota.take(table.bucket(hash, of, now), cells, now)?;
        }
        Ok(())
    }

    /// Charges a refusal to the client's second bucket, which is as large as its first.
    /// False when that is empty too: such a client is not worth a connection.
    pub fn take_refusal(&self, payer: Payer, now: Timestamp) -> bool {
        if let Some(known) = self.known(payer) {
            let Some(quota) = known.quota else { return true };
            return quota.take(&known.account.refusals_full_at, 1, now).is_ok();
        }
        let Some(quotas) = &self.quota else { return true };
        let table = &self.shared.table;
        let hash = table.hash(key(Use::Refusals, quotas.tag, narrowest(payer.address)));
        quotas.client.take(table.bucket(hash, Use::Refusals, now), 1, now).is_ok()
    }

    /// Counts a key that is not valid. False when too many came from the address.
    pub fn may_miss(&self, address: IpAddr, now: Timestamp) -> bool {
        let table = &self.shared.table;
        let hash = table.hash(key(Use::Misses, 0, narrowest(address)));
        let quota = Quota::new(MISSES_WITHIN / MISSES, MISSES);
        quota.take(table.bucket(hash, Use::Misses, now), 1, now).is_ok()
    }

    /// Calls of one client that may be in flight together.
    pub fn most_in_flight(&self, payer: Payer) -> Option<u32> {
        self.known(payer).map_or(self.in_flight, |known| known.in_flight)
    }

    /// Counts calls as in flight until the guard is dropped; `None` when they are too many.
    pub fn enter(&self, payer: Payer, calls: u32) -> Option<Guard<'_>> {
        let Some(most) = self.most_in_flight(payer) else { return Some(Guard::Uncounted) };
        match self.known(payer) {
            Some(known) => known.enter(calls, most),
            None => {
                let client = self.shared.table.hash(narrowest(payer.address));
                self.shared.flights.enter(client, calls, most).map(Guard::Anonymous)
            }
        }
    }

    /// What stands for a client where others count it.
    pub fn hash(&self, payer: Payer) -> u64 {
        let address = || self.shared.table.hash(narrowest(payer.address));
        self.known(payer).map_or_else(address, |known| known.hash)
    }

    /// Counts what a client asked for.
    pub fn count(&self, payer: Payer, asked: Asked) {
        match self.known(payer) {
            Some(known) => known.account.count(asked),
            None => {
                self.shared.anonymous.add(0, asked.calls);
                self.shared.anonymous.add(1, asked.cells);
            }
        }
    }

    /// Counts a request by the address it seems to come from.
    pub fn watch(&self, payer: Payer, peer: SocketAddr, now: Timestamp) {
        if payer.client.is_none() {
            let written = self.quota.is_some() || self.in_flight.is_some();
            let matters = written || !payer.address.is_loopback();
            self.shared.suspect.on_request(payer.address, peer, matters, now);
        }
    }

    /// What each asked for: all that are not known together, and those known that did. Each
    /// name is there once, whatever names are configured.
    pub fn asked(&self) -> Vec<(&str, Asked)> {
        let sum = |at| self.shared.anonymous.sum(at);
        let mut all = vec![(ANONYMOUS, Asked { calls: sum(0), cells: sum(1) })];
        for known in &self.known {
            let (name, asked) = (&*known.config.name, known.account.asked());
            if name == ANONYMOUS {
                all[0].1.calls += asked.calls;
                all[0].1.cells += asked.cells;
            } else if asked.calls > 0 {
                all.push((name, asked));
            }
        }
        all
    }

    /// What the buckets of clients that are not known hold.
    pub fn table(&self) -> TableSize {
        let table = &self.shared.table;
        TableSize {
            entries: table.entries(),
            bytes: table.bytes() as u64,
            overflows: table.overflows(),
        }
    }

    /// Whether most requests seem to come from one address.
    pub fn address_is_suspect(&self) -> bool {
        self.shared.suspect.is()
    }
}

/// What a bucket of an address is found by: few bytes, for it is hashed for every call.
fn key(of: Use, tag: u64, address: IpAddr) -> (u64, u128) {
    let address = match address {
        IpAddr::V4(four) => four.to_ipv6_mapped(),
        IpAddr::V6(six) => six,
    };
    ((of as u64) << 48 | tag, address.to_bits())
}

#[cfg(test)]
mod tests;
