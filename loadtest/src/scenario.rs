//! A scenario file as written, checked as a whole.
//!
//! TOML; unknown keys are refused with their line and column, and so is what cannot
//! be meant: a node that does not exist, a share that is no number, a time past the
//! end. `loadtest/README.md` describes the keys.

mod attack;
mod check;
mod expect;
mod recipe;
mod retry;
mod units;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use headrace_simnode::{Client, Family, Fault};
use serde::Deserialize;
use thiserror::Error;
use toml::Spanned;

use crate::family;

pub use self::attack::{Attack, Kind};
pub use self::expect::{
    Answers, CallsTo, Expect, Goodput, Metric, OfAttack, Over, Ratio, Refused, Returns, Sample,
    ShareTo, Stopped, Which,
};
pub use self::recipe::Recipe;
pub use self::retry::{Library, Model, Retries, Retry};
pub use self::units::{Bytes, Time};

/// A whole scenario.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// What it shows, in a line.
    pub about: String,
    #[serde(default)]
    pub chain: ChainSpec,
    /// Defaults of all nodes.
    #[serde(default)]
    pub node: NodeDefaults,
    pub zones: Vec<Zone>,
    #[serde(default)]
    pub gateway: GatewaySpec,
    pub load: Load,
    #[serde(default)]
    pub at: Vec<Step>,
    #[serde(default)]
    pub attack: Vec<Attack>,
    #[serde(default)]
    pub expect: Vec<Expect>,
}

/// The simulated chain.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ChainSpec {
    /// The families that the scenario is played with; default: all.
    pub families: Vec<Family>,
    /// The one that it is played with now: see [`Scenario::with`].
    #[serde(skip)]
    pub family: Family,
    pub chain_id: u64,
    pub seed: u64,
    /// Height at the start of the run.
    pub start: u64,
    pub block_time: Time,
    /// How long a sent transaction travels to the other nodes.
    pub gossip: Time,
}

impl Default for ChainSpec {
    fn default() -> Self {
        Self {
            families: family::ALL.to_vec(),
            family: Family::Ethereum,
            chain_id: 1337,
            seed: 1,
            start: 1_000,
            block_time: Time::seconds(1),
            gossip: Time::millis(50),
        }
    }
}

/// What nodes have in common unless they say otherwise.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NodeDefaults {
    /// Median service time of the lightest method; heavier ones take their weight.
    pub latency: Time,
    /// Standard deviation of the logarithm of the service time; 0 is a fixed time.
    pub sigma: f64,
    /// Calls served at the same time.
    pub slots: usize,
    /// Heads arrive within this time.
    pub delay: Time,
    /// States that are kept; archive nodes keep all. Default: as the family's nodes do.
    pub states: Option<u64>,
    pub client: Clients,
}

impl Default for NodeDefaults {
    fn default() -> Self {
        Self {
            latency: Time::millis(0),
            sigma: 0.5,
            slots: 1_024,
            delay: Time::millis(50),
            states: None,
            client: Clients::default(),
        }
    }
}

/// Nodes of one zone.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Zone {
    pub name: Spanned<String>,
    pub nodes: Vec<NodeSpec>,
}

/// One node; what is absent is as in `[node]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeSpec {
    pub name: Spanned<String>,
    pub weight: Option<u32>,
    #[serde(default)]
    pub archive: bool,
    #[serde(default)]
    pub fallback: bool,
    pub latency: Option<Time>,
    pub sigma: Option<f64>,
    pub slots: Option<usize>,
    pub delay: Option<Time>,
    pub states: Option<u64>,
    pub client: Option<Clients>,
    /// More keys of the node in the gateway's config.
    #[serde(default)]
    pub config: toml::Table,
}

/// The software of a node, one for each family at most; of the others it is the usual.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "OneOrMore")]
pub struct Clients(pub Vec<Client>);

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(Client),
    More(Vec<Client>),
}

impl From<OneOrMore> for Clients {
    fn from(written: OneOrMore) -> Self {
        match written {
            OneOrMore::One(client) => Self(vec![client]),
            OneOrMore::More(clients) => Self(clients),
        }
    }
}

impl Clients {
    /// The software of a family's node.
    #[must_use]
    pub fn of(&self, family: Family) -> Option<Client> {
        self.0.iter().copied().find(|client| client.family() == family)
    }
}

/// The gateway's part.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GatewaySpec {
    /// Gateways behind one address, each with all nodes; calls alternate between them.
    pub count: usize,
    /// Zone of each gateway; default: the first.
    pub zone: Option<Spanned<String>>,
    /// Keys merged into the generated config.
    pub config: toml::Table,
    /// Keys merged into its chain.
    pub chain: toml::Table,
}

impl Default for GatewaySpec {
    fn default() -> Self {
        Self { count: 1, zone: None, config: toml::Table::new(), chain: toml::Table::new() }
    }
}

/// When calls are sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Arrivals {
    #[default]
    Poisson,
    Constant,
}

/// The open-loop load.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Load {
    /// HTTP requests a second.
    pub rate: Spanned<f64>,
    pub duration: Spanned<Time>,
    #[serde(default)]
    pub arrivals: Arrivals,
    /// Connections opened before the run, per gateway; more are opened when all are busy.
    #[serde(default = "connections")]
    pub connections: usize,
    /// Requests in flight; what does not fit is not sent and makes the run invalid.
    #[serde(default = "in_flight")]
    pub max_in_flight: usize,
    /// After this time a call counts as failed.
    #[serde(default = "patience")]
    pub timeout: Time,
    #[serde(default)]
    pub seed: u64,
    /// Sent as `x-api-key`.
    pub key: Option<String>,
    /// A call that failed is sent again like this; without it, never.
    #[serde(default)]
    pub retry: Retries,
    pub mix: Vec<Share>,
}

fn connections() -> usize {
    64
}

fn in_flight() -> usize {
    4_096
}

fn patience() -> Time {
    Time::seconds(30)
}

/// One part of the mix.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Share {
    pub call: Recipe,
    /// Its part, relative to the sum of all shares.
    pub share: Spanned<f64>,
    /// How it is named in expectations and results. Default: the recipe's name.
    pub name: Option<String>,
    /// How far below the head the block is that it names: from, to.
    pub depth: Option<(u64, u64)>,
    /// Blocks of one `logs`, calls of one `batch`. Default 4.
    pub size: Option<u64>,
    /// Of `raw`: the method.
    pub method: Option<String>,
    /// Of `raw`: the params as JSON text.
    pub params: Option<String>,
    /// Its answers are not judged, and its failures count only where it is named.
    #[serde(default)]
    pub poison: bool,
}

impl Share {
    #[must_use]
    pub fn label(&self) -> &str {
        self.name.as_deref().unwrap_or(self.call.word())
    }
}

/// Something that happens during the run. Exactly one of the acts.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// When; absent: before the gateway starts.
    pub t: Option<Spanned<Time>>,
    /// Again after this time, `times` in all.
    pub every: Option<Time>,
    pub times: Option<u32>,
    /// Whom it concerns: one node, several, or all of a zone.
    pub node: Option<Spanned<String>>,
    #[serde(default)]
    pub nodes: Vec<Spanned<String>>,
    pub zone: Option<Spanned<String>>,
    /// Act: switch a fault on.
    pub fault: Option<Fault>,
    /// Of a fault: only these methods: by name, by the word of a call, or `heads` for those
    /// by which heads are shown.
    #[serde(default)]
    pub methods: Vec<String>,
    /// Of a fault: the share of calls it strikes.
    pub probability: Option<f64>,
    /// Of a fault: cleared again after this time.
    #[serde(rename = "for")]
    pub lasts: Option<Time>,
    /// Act: heal.
    #[serde(default)]
    pub clear: bool,
    /// Act: so many blocks at once.
    pub mine: Option<u64>,
    /// Act: a reorg of this depth.
    pub reorg: Option<u64>,
    /// Act: another config for all gateways.
    pub reload: Option<Reload>,
    /// Act: many reloads, one after another.
    pub churn: Option<Churn>,
    /// Act: a file that must be refused.
    pub broken: Option<String>,
    /// Act: SIGTERM to this gateway.
    pub terminate: Option<usize>,
}

/// A changed config: the generated one, with changes.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Reload {
    /// Nodes left out.
    pub without: Vec<String>,
    /// Other weights.
    pub weights: BTreeMap<String, u32>,
    /// Keys merged into the file.
    pub config: toml::Table,
    /// Keys merged into the chain.
    pub chain: toml::Table,
}

/// Reloads that add, remove and reweigh nodes and change limits in turn, with broken
/// files between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Churn {
    pub reloads: u32,
    #[serde(default)]
    pub broken: u32,
    pub every: Time,
}

/// Why a file is no scenario: `file:line:column: what`.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{}", problems.join("\n"))]
pub struct BadScenario {
    pub problems: Vec<String>,
}

impl Scenario {
    /// Reads a file.
    ///
    /// # Errors
    /// It cannot be read, is no TOML, or does not mean anything.
    pub fn load(path: &Path) -> Result<Self, BadScenario> {
        let text = std::fs::read_to_string(path).map_err(|error| BadScenario {
            problems: vec![format!("{}: {error}", path.display())],
        })?;
        Self::read(&text, path)
    }

    /// Reads a text; `path` is only named in problems.
    ///
    /// # Errors
    /// As [`Scenario::load`].
    pub fn read(text: &str, path: &Path) -> Result<Self, BadScenario> {
        let place = Places { text, path: path.to_owned() };
        let scenario: Self = toml::from_str(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            BadScenario { problems: vec![place.problem(at, error.message())] }
        })?;
        let problems = check::problems(&scenario);
        if problems.is_empty() {
            return Ok(scenario);
        }
        let problems = problems.iter().map(|(at, what)| place.problem(*at, what)).collect();
        Err(BadScenario { problems })
    }

    pub fn nodes(&self) -> impl Iterator<Item = (&Zone, &NodeSpec)> {
        self.zones.iter().flat_map(|zone| zone.nodes.iter().map(move |node| (zone, node)))
    }

    /// The scenario as it is played with a family: calls that the family does not have are
    /// left out, attacks by them too, and with them the expectations that name only these.
    #[must_use]
    pub fn with(mut self, family: Family) -> Self {
        let ways = family::of(family);
        self.chain.family = family;
        let has = |call: Recipe| {
            matches!(call, Recipe::Batch | Recipe::Raw) || (ways.method)(call).is_some()
        };
        self.load.mix.retain(|share| has(share.call));
        self.attack.retain(|attack| has(attack.recipe()));
        let labels: Vec<_> = self.load.mix.iter().map(|share| share.label().to_owned()).collect();
        let attacks: Vec<_> = self.attack.iter().map(|attack| attack.label().to_owned()).collect();
        self.expect.retain(|expect| {
            let called = match expect.of.as_ref().map(Spanned::get_ref) {
                Some(Which::Label(label)) => labels.contains(label),
                _ => true,
            };
            let of = expect.attack.as_ref().map(|attack| attack.of.get_ref());
            called && of.is_none_or(|of| attacks.contains(of))
        });
        self
    }

    /// The method that an attack calls.
    #[must_use]
    pub fn attacked<'s>(&'s self, attack: &'s Attack) -> &'s str {
        let method = attack.method.as_deref();
        method.or_else(|| (self.ways().method)(attack.recipe())).unwrap_or_default()
    }

    /// How its family is asked.
    #[must_use]
    pub fn ways(&self) -> &'static family::Ways {
        family::of(self.chain.family)
    }

    /// The methods of the mix that only clients call.
    #[must_use]
    pub fn client_methods(&self) -> Vec<&'static str> {
        let ways = self.ways();
        let mut methods: Vec<_> =
            self.load.mix.iter().filter_map(|share| ways.client_method(share.call)).collect();
        methods.sort_unstable();
        methods.dedup();
        methods
    }
}

struct Places<'a> {
    text: &'a str,
    path: PathBuf,
}

impl Places<'_> {
    fn problem(&self, at: usize, what: &str) -> String {
        let before = self.text.get(..at).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        let what = what.trim().replace('\n', "; ");
        format!("{}:{line}:{column}: {what}", self.path.display())
    }
}

#[cfg(test)]
mod tests;
