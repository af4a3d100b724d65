//! What must hold in a run, as written.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use super::units::{Bytes, Time};

/// One rule with one or more conditions.
///
/// `from` and `to` cut a window out of the run, by the time at which calls were meant
/// to be sent; default: all of it. `of` picks calls; default: every one whose answer is judged.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// The rule in words.
    pub rule: String,
    pub of: Option<Spanned<Which>>,
    pub from: Option<Time>,
    pub to: Option<Time>,
    /// Calls that got no answer, or an error: at most so many.
    pub failed: Option<u64>,
    /// The same as a share of the calls, 0 to 1.
    pub failed_share: Option<f64>,
    /// At most so many calls may take longer.
    pub over: Option<Over>,
    /// Every call is refused like this.
    pub refused: Option<Refused>,
    /// At least so many calls were answered: the rule was put to the test. Scaled with
    /// the rate.
    pub at_least: Option<u64>,
    /// The head goes back by at most so many blocks, reorgs aside, seen through one gateway.
    pub head_back: Option<u64>,
    /// The same seen through all gateways behind the address.
    pub head_back_across: Option<u64>,
    /// Answers that mean "newest" are at most so old when they are given: the time for
    /// which a newer block was there.
    pub stale: Option<Time>,
    /// Client calls at a node.
    pub calls_to: Option<CallsTo>,
    /// The share of client calls that a node or a zone gets.
    pub share_to: Option<ShareTo>,
    /// Client calls reach a node again.
    pub returns: Option<Returns>,
    /// Node calls per client call, over the methods that only clients use.
    pub node_calls_per_call: Option<f64>,
    /// Nodes taken out by the gateway, for whatever reason.
    pub ejections: Option<u64>,
    /// Each write was received by exactly one node; by up to two where a node that was
    /// ill had it. `true` is the only value.
    pub writes_once: Option<bool>,
    /// Writes that were answered with their hash and are in no block at the end.
    pub writes_lost: Option<u64>,
    /// A series of the gateway's metrics.
    pub metric: Option<Metric>,
    /// A text that the gateway's log must have.
    pub log: Option<String>,
    /// Resident memory of each gateway at its greatest.
    pub rss: Option<Bytes>,
    /// A gateway that was told to stop has stopped well.
    pub stopped: Option<Stopped>,
    /// Reloads that were put in force, at least.
    pub reloads_applied: Option<u64>,
    /// Reloads that were refused, exactly.
    pub reloads_refused: Option<u64>,
    /// What became of an attack, in all its time.
    pub attack: Option<OfAttack>,
    /// Right answers a second, by the time of the answer.
    pub goodput: Option<Goodput>,
    /// The 99th percentile of latency against that of another window. Always strict.
    pub p99_ratio: Option<Ratio>,
    /// `/livez` and `/readyz`, asked on fresh connections every 100 ms, answer 200 in this time.
    pub health_within: Option<Time>,
    /// Judged only in strict plays, and shown in others.
    #[serde(default)]
    pub strict: bool,
}

/// What became of an attack.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfAttack {
    pub of: Spanned<String>,
    /// At least so many connections were opened.
    pub opened: Option<u64>,
    /// No connection was older when the gateway ended it, or is older and open.
    pub reaped_within: Option<Time>,
    /// Every connection got GOAWAY with this code.
    pub goaway: Option<u32>,
    /// So soon after its first hostile byte.
    pub goaway_within: Option<Time>,
    /// Kinds of answers, with bounds on their number.
    #[serde(default)]
    pub answers: Vec<Answers>,
    /// Answers that are of none of these kinds, at most.
    pub others: Option<u64>,
    /// Calls of its method that reached nodes from its begin on, at most.
    pub node_calls: Option<u64>,
    /// The gateway's memory at its greatest while the attack lasted, less what it was before,
    /// for each connection that it has at once. `from` and `to` cut that time.
    pub bytes_per_connection: Option<Bytes>,
    /// The gateway's CPU time in user mode while the attack lasted, less what the load beside
    /// it took in the seconds before, for each answer to the attack. Always strict.
    pub user_time_per_answer: Option<Time>,
}

/// A kind of answers; what is absent is any.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answers {
    pub status: u16,
    pub code: Option<i64>,
    pub reason: Option<String>,
    pub least: Option<u64>,
    pub most: Option<u64>,
}

/// A share of the goodput of another window, or of a given one.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Goodput {
    /// At least this share, 0 to 1.
    pub share: f64,
    /// The other window.
    pub from: Option<Time>,
    pub to: Option<Time>,
    /// Instead of a window: calls a second, as of the nodes' capacity.
    pub rate: Option<f64>,
}

/// Against another window.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ratio {
    pub most: f64,
    pub from: Time,
    pub to: Time,
}

/// Which calls: a group, or a label of the mix.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub enum Which {
    /// All that is judged.
    All,
    Reads,
    Writes,
    /// Answers that mean "newest".
    Newest,
    Label(String),
}

impl From<String> for Which {
    fn from(word: String) -> Self {
        match word.as_str() {
            "all" => Self::All,
            "reads" => Self::Reads,
            "writes" => Self::Writes,
            "newest" => Self::Newest,
            _ => Self::Label(word),
        }
    }
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Over {
    pub time: Time,
    pub most: u64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refused {
    pub status: u16,
    /// Default: that by which the family says that no node can serve.
    pub code: Option<i64>,
    /// One of these words in `data.reason`.
    pub reasons: Vec<String>,
    #[serde(default)]
    pub retry_after: bool,
    pub within: Time,
    /// How many calls may take longer than `within`.
    #[serde(default)]
    pub slower: u64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallsTo {
    pub node: Spanned<String>,
    /// Only this method, by name or by the word of a call; default: all methods that only
    /// clients use.
    pub method: Option<String>,
    pub most: Option<u64>,
    /// Scaled with the rate.
    pub least: Option<u64>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShareTo {
    pub node: Option<Spanned<String>>,
    pub zone: Option<Spanned<String>>,
    /// 0 to 1.
    pub least: f64,
    pub most: f64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Returns {
    pub node: Spanned<String>,
    /// After `from`.
    pub within: Time,
    /// The first second after the return carries fewer calls than the last of the window.
    #[serde(default)]
    pub ramp: bool,
}

/// How samples of a metric are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sample {
    /// How much it rose in the window.
    #[default]
    Rise,
    /// Its greatest value in the window.
    Greatest,
    /// Its last value in the window.
    Last,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metric {
    pub name: String,
    /// Only series with these labels; matching ones are added up.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    #[serde(default)]
    pub sample: Sample,
    pub least: Option<f64>,
    pub most: Option<f64>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stopped {
    pub gateway: usize,
    /// After it was told.
    pub within: Time,
}

impl Expect {
    /// The smallest latency that the rule judges.
    #[must_use]
    pub fn tightest(&self) -> Option<Time> {
        let refused = self.refused.as_ref().map(|refused| refused.within);
        self.over.map(|over| over.time).into_iter().chain(refused).min()
    }
}
