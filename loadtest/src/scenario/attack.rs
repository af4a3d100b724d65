//! Hostile clients beside the load, as written.

use std::net::Ipv6Addr;

use serde::Deserialize;
use toml::Spanned;

use super::recipe::Recipe;
use super::units::Time;

/// Clients that mean harm. All of them go to the first gateway.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attack {
    pub kind: Spanned<Kind>,
    /// How it is named in expectations and results. Default: the kind.
    pub name: Option<String>,
    pub from: Time,
    /// Either `to` or `for`.
    pub to: Option<Time>,
    #[serde(rename = "for")]
    pub lasts: Option<Time>,
    /// Default 1.
    #[serde(default = "one")]
    pub connections: usize,
    /// Of what the kind does, a second: see [`Kind`]. Rates of calls are scaled with the load's.
    pub rate: Option<f64>,
    /// Loopback addresses that the connections come from, each of a /24 of its own. Default 1.
    pub sources: Option<usize>,
    /// A connection that the gateway closed is opened again.
    #[serde(default)]
    pub again: bool,
    /// Of `partial_head` and `drip_body`: the time between two bytes.
    pub every: Option<Time>,
    /// Of `partial_head`: the share of connections that speak half an HTTP/2 preface.
    pub http2: Option<f64>,
    /// Of `flood`: the sources are told in X-Forwarded-For, and all connections come from 127.0.0.1.
    #[serde(default)]
    pub forwarded: bool,
    /// Of `spoof`: addresses told in X-Forwarded-For are of this /64. Default: any of IPv4.
    pub prefix: Option<Ipv6Addr>,
    /// Sent as `x-api-key`.
    pub key: Option<String>,
    /// What is called: a call of the load's, or `method` with `params`.
    pub call: Option<Recipe>,
    pub method: Option<String>,
    /// JSON text.
    pub params: Option<String>,
    /// Calls of one `batch`; requests of one `slow_reader`.
    pub size: Option<u64>,
}

fn one() -> usize {
    1
}

/// What hostile clients do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Connect and say nothing. Rate: connections opened.
    Silent,
    /// The beginning of a request head, then a byte now and then. Rate: connections opened.
    PartialHead,
    /// A head that announces a body, whose bytes come one by one. Rate: connections opened.
    DripBody,
    /// Asks for large answers and hardly reads them. Rate: connections opened.
    SlowReader,
    /// HTTP/2 streams opened with a call and reset at once. Rate: streams of a connection.
    RapidReset,
    /// HTTP/2 header blocks that never end. Rate: frames of a connection, as for all below.
    Continuation,
    Ping,
    Settings,
    WindowUpdate,
    EmptyData,
    /// One HTTP/2 header, repeated by its index on as many streams as the server allows,
    /// with no window to answer into and no end of the body. Rate: connections opened.
    HeaderBomb,
    /// Calls over kept connections, due whatever became of earlier ones; a connection whose
    /// answer is still out misses its turn. Rate: calls of all.
    Flood,
    /// Large batches. Rate: batches of each connection.
    Batch,
    /// As a flood, each call with a forged X-Forwarded-For. Rate: calls of all.
    Spoof,
}

/// Keys of one kind.
type Keys = &'static [&'static str];

const CALLED: [&str; 4] = ["call", "method", "params", "key"];

impl Kind {
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Silent => "silent",
            Self::PartialHead => "partial_head",
            Self::DripBody => "drip_body",
            Self::SlowReader => "slow_reader",
            Self::RapidReset => "rapid_reset",
            Self::Continuation => "continuation",
            Self::Ping => "ping",
            Self::Settings => "settings",
            Self::WindowUpdate => "window_update",
            Self::EmptyData => "empty_data",
            Self::HeaderBomb => "header_bomb",
            Self::Flood => "flood",
            Self::Batch => "batch",
            Self::Spoof => "spoof",
        }
    }

    /// The keys that mean something for it, besides those of all kinds.
    fn keys(self) -> Keys {
        match self {
            Self::Silent
            | Self::RapidReset
            | Self::Continuation
            | Self::Ping
            | Self::Settings
            | Self::WindowUpdate
            | Self::EmptyData
            | Self::HeaderBomb => &["again"],
            Self::PartialHead => &["again", "every", "http2"],
            Self::DripBody => &["again", "every"],
            Self::SlowReader => &["again", "size"],
            Self::Flood => &["forwarded"],
            Self::Batch => &["size"],
            Self::Spoof => &["prefix"],
        }
    }

    /// Whether it sends calls that the file chooses.
    #[must_use]
    pub fn calls(self) -> bool {
        matches!(self, Self::SlowReader | Self::Flood | Self::Batch | Self::Spoof)
    }
}

impl Attack {
    #[must_use]
    pub fn label(&self) -> &str {
        self.name.as_deref().unwrap_or(self.kind.get_ref().word())
    }

    /// Its end.
    #[must_use]
    pub fn until(&self) -> Time {
        let lasts = self.lasts.map_or(self.from.0, |lasts| self.from.0 + lasts.0);
        self.to.unwrap_or(Time(lasts))
    }

    /// What is called where no method is named.
    #[must_use]
    pub fn recipe(&self) -> Recipe {
        let call = if self.method.is_some() { Recipe::Raw } else { Recipe::HeadBalance };
        self.call.unwrap_or(call)
    }

    /// What is wrong with it by itself, in a run that ends at `end`.
    #[must_use]
    pub fn problems(&self, end: Time) -> Vec<String> {
        let mut found = Vec::new();
        let mut hold = |sound: bool, what: &str| {
            if !sound {
                found.push(format!("attack {}: {what}", self.label()));
            }
        };
        hold(self.to.is_some() != self.lasts.is_some(), "either to or for");
        let (from, until) = (self.from, self.until());
        hold(from < until && until <= end, "must last, and end before the load does");
        hold((1..=50_000).contains(&self.connections), "connections: allowed is 1 to 50000");
        let rate = self.rate.unwrap_or(1.0);
        hold(rate > 0.0 && rate <= 1e6, "rate: allowed is above 0, up to 1000000");
        hold((1..=50_000).contains(&self.sources.unwrap_or(1)), "sources: allowed is 1 to 50000");
        hold((1..=1_000_000).contains(&self.size.unwrap_or(1)), "size: allowed is 1 to 1000000");
        let share = self.http2.unwrap_or(0.0);
        hold((0.0..=1.0).contains(&share), "http2: allowed is 0 to 1");
        let every = self.every.is_none_or(|every| every >= Time::millis(1));
        hold(every, "every: allowed is 1ms and more");
        hold(self.call.is_none() || self.method.is_none(), "either call or method");
        hold(self.params.is_none() || self.method.is_some(), "params belong to a method");
        let call = !matches!(self.call, Some(Recipe::Write | Recipe::Batch | Recipe::Raw));
        hold(call, "call: allowed are reads, others by method");
        let kind = *self.kind.get_ref();
        for (key, is) in self.given() {
            let has = kind.keys().contains(&key) || (kind.calls() && CALLED.contains(&key));
            hold(!is || has, &format!("{key} means nothing for {}", kind.word()));
        }
        found
    }

    /// The keys that only some kinds have, and whether they are written.
    fn given(&self) -> [(&'static str, bool); 10] {
        [
            ("again", self.again),
            ("every", self.every.is_some()),
            ("http2", self.http2.is_some()),
            ("forwarded", self.forwarded),
            ("prefix", self.prefix.is_some()),
            ("key", self.key.is_some()),
            ("call", self.call.is_some()),
            ("method", self.method.is_some()),
            ("params", self.params.is_some()),
            ("size", self.size.is_some()),
        ]
    }
}
