//! What a reload would change, in the operator's words: by the names of chains
//! and nodes, not by lines. Order, comments, spelling and defaults written out
//! are no change. Secrets are compared but never shown.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde::{Serialize, Serializer, ser::SerializeStruct};

use crate::config::{
    Chain, Config, Node,
    print::{self, Entry, Section},
};

/// Keys that only a restart can change.
pub const RESTART: [&str; 4] = ["server.listen", "server.zone", "server.threads", "admin.listen"];

/// All changes from one config to another; none when they mean the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diff {
    /// General keys first, then chain by chain.
    pub changes: Vec<Change>,
}

/// One change; its `Display` is one line of `headrace diff`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Change {
    ClientAdded {
        client: String,
    },
    ClientRemoved {
        client: String,
    },
    /// A certificate, key or secret that the config names holds something else.
    File {
        path: String,
    },
    ChainAdded {
        chain: String,
        nodes: usize,
        zones: usize,
    },
    ChainRemoved {
        chain: String,
        nodes: usize,
    },
    NodeAdded {
        chain: String,
        node: String,
        zone: String,
    },
    NodeRemoved {
        chain: String,
        node: String,
        zone: String,
    },
    NodeMoved {
        chain: String,
        node: String,
        from: String,
        to: String,
    },
    Key(KeyChange),
}

/// One key with another value; absent values are unset keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KeyChange {
    pub chain: Option<String>,
    pub node: Option<String>,
    /// `server.listen`, or relative to the chain or node: `deadlines.total`.
    pub key: String,
    /// As TOML; what is secret stands as `***`.
    pub from: Option<String>,
    pub to: Option<String>,
    /// The whole file is refused while the gateway runs.
    pub restart: bool,
}

/// Compares two checked configs.
pub fn diff(old: &Config, new: &Config) -> Diff {
    let mut changes = Vec::new();
    for (old, new) in print::general(old).iter().zip(&print::general(new)) {
        let section = old.header.trim_matches(['[', ']']);
        changes.extend(keys(old, new).into_iter().map(|mut change| {
            change.key = format!("{section}.{}", change.key);
            change.restart = RESTART.contains(&change.key.as_str());
            Change::Key(change)
        }));
    }
    clients(old, new, &mut changes);
    let moved = new.files.paths().filter(|path| {
        let before = old.files.digest_of(path);
        before.is_some() && before != new.files.digest_of(path)
    });
    changes.extend(moved.map(|path| Change::File { path: path.display().to_string() }));
    let by_name = |config| -> BTreeMap<String, &Chain> { chains(config).collect() };
    let (olds, news) = (by_name(old), by_name(new));
    for name in olds.keys().chain(news.keys()).collect::<BTreeSet<_>>() {
        match (olds.get(name), news.get(name)) {
            (Some(old), Some(new)) => chain(old, new, &mut changes),
            (Some(old), None) => changes.push(Change::ChainRemoved {
                chain: name.clone(),
                nodes: old.pools.iter().map(|pool| pool.nodes.len()).sum(),
            }),
            (None, Some(new)) => changes.push(Change::ChainAdded {
                chain: name.clone(),
                nodes: new.pools.iter().map(|pool| pool.nodes.len()).sum(),
                zones: new.pools.len(),
            }),
            (None, None) => {}
        }
    }
    Diff { changes }
}

impl Diff {
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// The changed keys that need a restart: a reload refuses them by name.
    pub fn restart(&self) -> Vec<&str> {
        let key = |change: &Change| match change {
            Change::Key(change) if change.restart => {
                RESTART.into_iter().find(|key| *key == change.key)
            }
            _ => None,
        };
        self.changes.iter().filter_map(key).collect()
    }

    /// What `headrace diff --format json` prints.
    pub fn json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_else(|_| "{}".to_owned())
    }
}

/// `{"changes": […], "restart": ["server.listen"]}`.
impl Serialize for Diff {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Diff", 2)?;
        object.serialize_field("changes", &self.changes)?;
        object.serialize_field("restart", &self.restart())?;
        object.end()
    }
}

fn clients(old: &Config, new: &Config, changes: &mut Vec<Change>) {
    let by_name = |config: &'_ Config| -> BTreeMap<String, Section> {
        let clients = config.clients.iter();
        clients.map(|client| (client.name.to_string(), print::client(client))).collect()
    };
    let (olds, news) = (by_name(old), by_name(new));
    for name in olds.keys().chain(news.keys()).collect::<BTreeSet<_>>() {
        match (olds.get(name), news.get(name)) {
            (Some(old), Some(new)) => {
                let key = |change: KeyChange| {
                    let key = format!("clients.{name}.{}", change.key);
                    Change::Key(KeyChange { key, ..change })
                };
                changes.extend(keys(old, new).into_iter().map(key));
            }
            (Some(_), None) => changes.push(Change::ClientRemoved { client: name.clone() }),
            (None, Some(_)) => changes.push(Change::ClientAdded { client: name.clone() }),
            (None, None) => {}
        }
    }
}

fn chains(config: &Config) -> impl Iterator<Item = (String, &Chain)> {
    config.chains.iter().map(|chain| (chain.name.to_string(), chain))
}

fn chain(old: &Chain, new: &Chain, changes: &mut Vec<Change>) {
    let name = || Some(old.name.to_string());
    let own = keys(&print::chain(old), &print::chain(new));
    let own = own.into_iter().map(|change| KeyChange { chain: name(), ..change });
    changes.extend(own.map(Change::Key));
    let (olds, news) = (nodes(old), nodes(new));
    for node in olds.keys().chain(news.keys()).collect::<BTreeSet<_>>() {
        let (chain, node_name) = (old.name.to_string(), (*node).to_string());
        match (olds.get(node), news.get(node)) {
            (Some((from, old)), Some((to, new))) => {
                if from != to {
                    let (from, to) = ((*from).to_string(), (*to).to_string());
                    changes.push(Change::NodeMoved { chain, node: node_name, from, to });
                }
                let own = keys(&print::node(old), &print::node(new));
                let node = || Some((*node).to_string());
                let own = own.into_iter().map(|change| KeyChange {
                    chain: name(),
                    node: node(),
                    ..change
                });
                changes.extend(own.map(Change::Key));
            }
            (Some((zone, _)), None) => {
                let zone = (*zone).to_string();
                changes.push(Change::NodeRemoved { chain, node: node_name, zone });
            }
            (None, Some((zone, _))) => {
                let zone = (*zone).to_string();
                changes.push(Change::NodeAdded { chain, node: node_name, zone });
            }
            (None, None) => {}
        }
    }
}

/// The nodes of a chain with their zones, by name.
fn nodes(chain: &Chain) -> BTreeMap<&str, (&str, &Node)> {
    let pools = chain.pools.iter();
    let nodes = pools.flat_map(|pool| pool.nodes.iter().map(|node| (&*pool.zone, node)));
    nodes.map(|(zone, node)| (&*node.name, (zone, node))).collect()
}

/// The keys in which two sections differ, in the order of the new one, then those gone.
fn keys(old: &Section, new: &Section) -> Vec<KeyChange> {
    let find = |section: &Section, key: &str| {
        section.entries.iter().find(|entry| entry.key == key).cloned()
    };
    let change = |key: &str, from: Option<Entry>, to: Option<Entry>| {
        let same = from.as_ref().map(|entry| &entry.full) == to.as_ref().map(|entry| &entry.full);
        (!same).then(|| KeyChange {
            chain: None,
            node: None,
            key: key.to_owned(),
            from: from.map(|entry| entry.shown),
            to: to.map(|entry| entry.shown),
            restart: false,
        })
    };
    let mut found = Vec::new();
    for entry in &new.entries {
        found.extend(change(&entry.key, find(old, &entry.key), Some(entry.clone())));
    }
    for entry in old.entries.iter().filter(|entry| find(new, &entry.key).is_none()) {
        found.extend(change(&entry.key, Some(entry.clone()), None));
    }
    found
}

/// One line per change; `no changes` when there are none.
impl fmt::Display for Diff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("no changes\n");
        }
        self.changes.iter().try_for_each(|change| writeln!(f, "{change}"))
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ClientAdded { client } => write!(f, "client {client} added"),
            Self::ClientRemoved { client } => write!(f, "client {client} removed"),
            Self::File { path } => write!(f, "contents of {path} changed"),
            Self::ChainAdded { chain, nodes, zones } => {
                let (nodes, zones) = (count(*nodes, "node"), count(*zones, "zone"));
                write!(f, "chain {chain} added: {nodes} in {zones}")
            }
            Self::ChainRemoved { chain, nodes } => {
                write!(f, "chain {chain} removed: {}", count(*nodes, "node"))
            }
            Self::NodeAdded { chain, node, zone } => {
                write!(f, "chain {chain}: node {node} added to zone {zone}")
            }
            Self::NodeRemoved { chain, node, zone } => {
                write!(f, "chain {chain}: node {node} removed from zone {zone}")
            }
            Self::NodeMoved { chain, node, from, to } => {
                write!(f, "chain {chain}: node {node} moved from zone {from} to zone {to}")
            }
            Self::Key(change) => change.fmt(f),
        }
    }
}

impl fmt::Display for KeyChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.node, &self.chain) {
            (Some(node), _) => write!(f, "node {node} ")?,
            (None, Some(chain)) => write!(f, "chain {chain}: ")?,
            (None, None) => {}
        }
        f.write_str(&self.key)?;
        if self.from == self.to {
            return write!(f, " changed (secret)");
        }
        write!(f, " {} → {}", value(self.from.as_ref()), value(self.to.as_ref()))?;
        if self.restart { f.write_str(" (needs a restart)") } else { Ok(()) }
    }
}

/// A value for people: a plain text without its quotes.
fn value(toml: Option<&String>) -> &str {
    let Some(toml) = toml else { return "(unset)" };
    let inner = toml.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    inner.filter(|inner| !inner.contains(['"', '\\'])).unwrap_or(toml)
}

fn count(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}
