//! Who may come in: proxies, certificates, clients, tokens, rates.

use std::{collections::HashMap, path::Path};

use ipnet::IpNet;
use sha2::{Digest, Sha256};

use super::{Checker, resolve, small};
use crate::{
    config::{
        Chain, Config,
        edge::{
            Client, Forwarded, HASHED, Idle, Jwt, KeyHash, PeerCap, Rate, ServerTls, read_network,
        },
        file::{Datum, Fields, Item},
        problem::Problems,
    },
    method::Class,
    names::Name,
};

/// Shorter keys can be guessed.
const SHORT_KEY: usize = 16;
/// Balancers are told apart by nothing but their idle times: this is what most of them keep.
const USUAL_IDLE: &str = "an AWS NLB keeps idle connections 350 s, Google's balancers 600 s";

pub(super) fn rate(table: Option<&Fields>) -> Option<Rate> {
    let table = table?;
    let weight_per_second = small(table.integer("weight_per_second"));
    let burst = table.integer("burst").map(|burst| small(Some(burst)));
    let burst = burst.unwrap_or(weight_per_second.saturating_mul(2));
    Some(Rate { weight_per_second, burst })
}

pub(super) fn peer_cap(limits: &Fields, name: &str) -> PeerCap {
    let written = limits.get(name).is_some_and(|item| item.written);
    PeerCap { most: small(limits.integer(name)), written }
}

pub(super) fn trusted_proxies(server: &Fields) -> Vec<IpNet> {
    let texts = server.list("trusted_proxies").iter().filter_map(Item::text);
    texts.filter_map(|text| read_network(text).ok()).collect()
}

pub(super) fn forwarded(server: &Fields) -> Forwarded {
    match server.text("forwarded") {
        Some("forwarded") => Forwarded::Forwarded,
        _ => Forwarded::XForwardedFor,
    }
}

pub(super) fn idle(server: &Fields) -> Idle {
    let word = server.text("idle").unwrap_or_default();
    Idle::ALL.into_iter().find(|idle| idle.word() == word).unwrap_or(Idle::Direct)
}

/// What keys of `[server]` mean together.
pub(super) fn judge_server(problems: &mut Problems<'_>, fields: &Fields) {
    let behind = !fields.list("trusted_proxies").is_empty();
    if behind && idle(fields) == Idle::Direct {
        let message = format!(
            "idle connections are closed after 75 s, which may be before the proxies do: {USUAL_IDLE}"
        );
        problems.warn(&fields.place("idle"), message);
    }
    if fields.text("proxy_protocol") == Some("required") && !behind {
        let message =
            "is `required`, and no peer is in `server.trusted_proxies`: nobody could connect";
        problems.error(&fields.place("proxy_protocol"), message);
    }
}

impl Checker<'_, '_> {
    pub(super) fn server_tls(&mut self, server: &Fields) -> Vec<ServerTls> {
        let tables: Vec<&Fields> = match server.get("tls").map(|item| &item.datum) {
            Some(Datum::Table(table)) => vec![table],
            Some(Datum::List(items)) => items.iter().filter_map(Item::table).collect(),
            _ => Vec::new(),
        };
        let certificates: Vec<_> =
            tables.iter().filter_map(|table| self.certificate(table)).collect();
        self.once_per_name(&tables);
        certificates
    }

    fn certificate(&mut self, table: &Fields) -> Option<ServerTls> {
        let path = |key| table.text(key).map(|path| resolve(self.folder, path));
        let (cert, key, client_ca) = (path("cert"), path("key"), path("client_ca"));
        let files = [("cert", &cert, false), ("key", &key, true), ("client_ca", &client_ca, false)];
        let [chain, private, _] = files.map(|(name, path, secret)| {
            path.as_ref().and_then(|path| self.pem(table, name, path, secret))
        });
        self.belong(table, chain.as_deref(), private.as_deref());
        let names = table.list("names").iter().filter_map(Item::text);
        let names = names.map(str::to_ascii_lowercase).collect();
        Some(ServerTls { cert: cert?, key: key?, names, client_ca })
    }

    /// A name gets one certificate, and one entry at most is the default.
    fn once_per_name(&mut self, tables: &[&Fields]) {
        let mut seen: HashMap<String, usize> = HashMap::new();
        for table in tables {
            let names: Vec<_> = match table.is_absent("names") {
                true => vec![("the default certificate".to_owned(), table.place.clone())],
                false => {
                    let name = |item: &Item| Some((item.text()?.to_owned(), item.place.clone()));
                    table.list("names").iter().filter_map(name).collect()
                }
            };
            for (name, place) in names {
                if let Some(first) = seen.insert(name.to_ascii_lowercase(), place.at) {
                    let message = format!("`{name}` is here twice, {}", self.first_on(first));
                    self.problems.error(&place, message);
                }
            }
        }
        let ca = |table: &Fields| table.text("client_ca").map(str::to_owned);
        if let Some(odd) = tables.iter().find(|table| ca(table) != ca(tables[0])) {
            let message = "all certificates ask for the same client authorities, or none does";
            self.problems.error(&odd.place("client_ca"), message);
        }
    }

    pub(super) fn clients(&mut self, root: &Fields, chains: &[Chain]) -> Vec<Client> {
        let has_tokens = root.table("jwt").is_some();
        let mut names: HashMap<String, usize> = HashMap::new();
        let mut keys: HashMap<KeyHash, usize> = HashMap::new();
        let tables = root.list("clients").iter().filter_map(Item::table);
        let mut clients = Vec::new();
        for table in tables {
            let Some(name) = table.text("name") else { continue };
            let place = table.place("name");
            if let Some(first) = names.insert(name.to_owned(), place.at) {
                let message = format!("two clients are named `{name}`, {}", self.first_on(first));
                self.problems.error(&place, message);
            }
            if table.is_absent("key") && !has_tokens {
                let message = format!("`{name}` has no `key`, and there is no `[jwt]`");
                self.problems.error(&table.place, message);
            }
            clients.push(self.client(table, name, chains, &mut keys));
        }
        clients
    }

    fn client(
        &mut self,
        table: &Fields,
        name: &str,
        chains: &[Chain],
        seen: &mut HashMap<KeyHash, usize>,
    ) -> Client {
        let keys = self.key_hashes(table);
        let place = table.place("key");
        for key in &keys {
            if let Some(first) = seen.insert(*key, place.at) {
                let message = format!("is also another's key, {}", self.first_on(first));
                self.problems.error(&place, message);
            }
        }
        Client {
            name: name.into(),
            keys,
            rate: rate(table.table("rate")),
            in_flight: table.integer("in_flight").map(|most| small(Some(most))),
            chains: self.chains_of(table, chains),
            methods: self.method_filter(table),
            origins: (!table.is_absent("origins")).then(|| {
                let origins = table.list("origins").iter().filter_map(Item::text);
                origins.map(str::to_ascii_lowercase).collect()
            }),
        }
    }

    fn key_hashes(&mut self, table: &Fields) -> Vec<KeyHash> {
        let items = match table.get("key") {
            Some(Item { datum: Datum::List(items), .. }) => items.as_slice(),
            Some(item) => std::slice::from_ref(item),
            None => &[],
        };
        items.iter().filter_map(|item| self.key_hash(item)).collect()
    }

    fn key_hash(&mut self, item: &Item) -> Option<KeyHash> {
        let Datum::Secret(secret) = &item.datum else { return None };
        let text = secret.expose();
        let Some(digits) = text.strip_prefix(HASHED) else {
            if text.len() < SHORT_KEY {
                let message = format!("is shorter than {SHORT_KEY} characters: it can be guessed");
                self.problems.warn(&item.place, message);
            }
            return Some(KeyHash(Sha256::digest(text).into()));
        };
        let hash = read_hash(digits);
        if hash.is_none() {
            let message = format!("begins with `{HASHED}`, and what follows is no such hash");
            let allowed = "64 hex digits, as `sha256sum` prints them".to_owned();
            self.problems.error_allowed(&item.place, message, allowed);
        }
        hash
    }

    fn chains_of(&mut self, table: &Fields, chains: &[Chain]) -> Option<Vec<Name>> {
        if table.is_absent("chains") {
            return None;
        }
        let mut names = Vec::new();
        for item in table.list("chains") {
            let Some(name) = item.text() else { continue };
            if !chains.is_empty() && !chains.iter().any(|chain| &*chain.name == name) {
                let known: Vec<_> = chains.iter().map(|chain| &*chain.name).collect();
                let message = format!("there is no chain `{name}`");
                self.problems.error_allowed(&item.place, message, known.join(", "));
            }
            names.push(name.into());
        }
        Some(names)
    }

    pub(super) fn jwt(&mut self, root: &Fields) -> Option<Jwt> {
        let table = root.table("jwt")?;
        let keys = resolve(self.folder, table.text("keys")?);
        self.readable(table, "keys", &keys);
        Some(Jwt {
            keys,
            claim: table.text("claim").unwrap_or_default().to_owned(),
            issuer: table.text("issuer").map(str::to_owned),
            audience: table.text("audience").map(str::to_owned),
        })
    }

    fn readable(&mut self, table: &Fields, key: &str, path: &Path) {
        match crate::config::load::read_bounded(path, 1 << 20) {
            Ok(bytes) => self.files.add(path, &bytes),
            Err(message) => self.problems.error(&table.place(key), message),
        }
    }
}

fn read_hash(digits: &str) -> Option<KeyHash> {
    let digits = digits.trim();
    if digits.len() != 64 || !digits.is_ascii() {
        return None;
    }
    let mut hash = [0; 32];
    for (byte, pair) in hash.iter_mut().zip(digits.as_bytes().chunks_exact(2)) {
        let pair = std::str::from_utf8(pair).ok().filter(|pair| !pair.starts_with('+'))?;
        *byte = u8::from_str_radix(pair, 16).ok()?;
    }
    Some(KeyHash(hash))
}

/// Warns of calls that no client could ever make: heavier than the whole burst.
pub(super) fn unaffordable(problems: &mut Problems<'_>, root: &Fields, config: &Config) {
    let Some(rate) = config.limits.rate else { return };
    let heaviest = config
        .chains
        .iter()
        .flat_map(|chain| chain.methods.rows())
        .filter(|row| row.class != Class::Refuse && row.weight > rate.burst)
        .max_by_key(|row| row.weight);
    let (Some(row), Some(limits)) = (heaviest, root.table("limits")) else { return };
    let message = format!(
        "a burst of {} is less than `{}` weighs ({}): without a plan of its own nobody could call it",
        rate.burst, row.name, row.weight
    );
    problems.warn(&limits.place("rate"), message);
}
