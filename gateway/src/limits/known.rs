//! Clients known by name: their plans, their accounts, and how they are recognised.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, Ordering::Relaxed},
    },
};

use crossbeam_utils::CachePadded;
use moka::sync::Cache;

use crate::{
    client::{
        key::{Digest, Keys},
        token::{Demands, TokenKeys, Verified},
    },
    config::{Client, Config, Jwt, Rate},
    limits::{Asked, BadTokens, ClientIndex, InFlight, Quota},
    names::Name,
};

/// Verified tokens that are remembered: a signature is checked once for each.
const TOKENS: u64 = 4_096;
/// Most bytes of the file of keys.
const MOST_BYTES: u64 = 1 << 20;

/// One client that is known by name.
#[derive(Debug)]
pub(super) struct Known {
    pub config: Client,
    /// Its own, or what everybody has.
    pub quota: Option<Quota>,
    rate: Option<Rate>,
    pub in_flight: Option<u32>,
    /// What stands for it where others count it.
    pub hash: u64,
    pub account: Arc<CachePadded<Account>>,
}

/// What a client has left and asked for: one cache line, that a call of the client writes.
#[derive(Debug, Default)]
pub(super) struct Account {
    pub calls_full_at: AtomicU64,
    pub refusals_full_at: AtomicU64,
    in_flight: AtomicU32,
    calls: AtomicU64,
    cells: AtomicU64,
}

impl Account {
    pub fn count(&self, asked: Asked) {
        self.calls.fetch_add(asked.calls, Relaxed);
        self.cells.fetch_add(asked.cells, Relaxed);
    }

    pub fn asked(&self) -> Asked {
        Asked { calls: self.calls.load(Relaxed), cells: self.cells.load(Relaxed) }
    }
}

/// Calls in flight, counted until this is dropped.
#[derive(Debug)]
pub enum Guard<'g> {
    /// Nobody asked for a count.
    Uncounted,
    Anonymous(InFlight<'g>),
    Known(KnownInFlight<'g>),
}

/// Those of a known client.
#[derive(Debug)]
pub struct KnownInFlight<'g> {
    account: &'g Account,
    calls: u32,
}

impl Drop for KnownInFlight<'_> {
    fn drop(&mut self) {
        self.account.in_flight.fetch_sub(self.calls, Relaxed);
    }
}

impl Known {
    pub fn enter(&self, calls: u32, most: u32) -> Option<Guard<'_>> {
        let account = &**self.account;
        let fits = |now: u32| now.checked_add(calls).filter(|after| *after <= most);
        account.in_flight.fetch_update(Relaxed, Relaxed, fits).ok()?;
        Some(Guard::Known(KnownInFlight { account, calls }))
    }
}

/// The clients of a config. An account goes over from the client of the same name, as long
/// as its rate is the same.
pub(super) fn renewed(
    config: &Config,
    old: Option<(&[Known], &Names)>,
    hash: &impl Fn(&str) -> u64,
) -> Vec<Known> {
    let kept = |client: &Client, rate| {
        let (known, names) = old?;
        let before = known.get(*names.by_name.get(&client.name)? as usize)?;
        (before.rate == rate).then(|| Arc::clone(&before.account))
    };
    let build = |client: &Client| {
        let rate = client.rate.or(config.limits.rate);
        Known {
            quota: rate.map(|rate| Quota::of(rate, 1)),
            rate,
            in_flight: client.in_flight.or(config.limits.in_flight),
            hash: hash(&client.name),
            account: kept(client, rate).unwrap_or_default(),
            config: client.clone(),
        }
    };
    config.clients.iter().map(build).collect()
}

/// How clients are recognised.
#[derive(Debug)]
pub(super) struct Names {
    by_name: HashMap<Name, u32>,
    keys: Keys,
    tokens: Option<Tokens>,
}

#[derive(Debug)]
struct Tokens {
    keys: TokenKeys,
    /// By digest: whom a token names, and until when.
    verified: Cache<Digest, (ClientIndex, u64)>,
}

impl Names {
    pub fn of(config: &Config) -> Result<Self, BadTokens> {
        let clients = || (0_u32..).zip(&config.clients);
        let keys =
            clients().flat_map(|(at, client)| client.keys.iter().map(move |key| (key.0, at)));
        Ok(Self {
            by_name: clients().map(|(at, client)| (Arc::clone(&client.name), at)).collect(),
            keys: Keys::new(keys),
            tokens: config.jwt.as_ref().map(Tokens::read).transpose()?,
        })
    }

    pub fn by_key(&self, digest: &Digest) -> Option<ClientIndex> {
        self.keys.owner(digest).map(ClientIndex)
    }

    pub fn by_token(&self, token: &str, digest: &Digest, now: u64) -> Option<ClientIndex> {
        let tokens = self.tokens.as_ref()?;
        if let Some((client, until)) = tokens.verified.get(digest) {
            return (now < until).then_some(client);
        }
        let Verified { name, until } = tokens.keys.verify(token, now)?;
        let client = ClientIndex(*self.by_name.get(&*name)?);
        tokens.verified.insert(*digest, (client, until));
        Some(client)
    }
}

impl Tokens {
    fn read(jwt: &Jwt) -> Result<Self, BadTokens> {
        let file = crate::config::load::read_bounded(&jwt.keys, MOST_BYTES);
        let file = file.map_err(BadTokens::Unreadable)?;
        let demands = Demands {
            claim: jwt.claim.clone(),
            issuer: jwt.issuer.clone(),
            audience: jwt.audience.clone(),
        };
        let keys = TokenKeys::read(&file, demands)?;
        Ok(Self { keys, verified: Cache::new(TOKENS) })
    }
}
