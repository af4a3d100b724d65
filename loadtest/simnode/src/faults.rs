//! Faults that can be switched on a live node.
//!
//! A [`Fault`] says what is wrong, [`Injected`] also how often and for which methods.
//! Setting a fault replaces one of the same kind. Which faults concern the whole node
//! (its socket, its head, its chain) and which single calls is told by [`Fault::per_call`].

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// What is wrong with a node. In JSON: `{"kind": "lag", "blocks": 5}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// As after SIGKILL: stops listening, resets every connection, loses what it had
    /// not passed on.
    Die,
    /// Stops listening; calls in flight are finished, connections closed after them.
    Refuse,
    /// Accepts and never answers, until it heals (then it answers late, as after SIGCONT).
    Hang,
    /// Takes `factor` times as long and `extra_ms` more.
    Slow {
        #[serde(default = "one")]
        factor: f64,
        #[serde(default)]
        extra_ms: u64,
    },
    /// Answers with an HTTP status, 400 to 599, and `Retry-After` seconds if given.
    Status {
        status: u16,
        #[serde(default)]
        retry_after: Option<u64>,
    },
    /// Answers 200 with bytes that are no JSON.
    Garbage,
    /// Answers 200 with an HTML page.
    Html,
    /// Promises a length, sends half of it, resets.
    Truncate,
    /// Answers with an id that nobody asked for.
    WrongId,
    /// Answers 200 with an empty body.
    Empty,
    /// Answers with this JSON-RPC error, and the HTTP status that the family gives it.
    /// In NEAR a message like `UNAVAILABLE_SHARD` is the name of its cause, with what
    /// belongs to it.
    Error { code: i64, message: String },
    /// Reads the call, carries it out, and resets the connection before it answers.
    ResetAfterRead,
    /// Its head is `blocks` behind.
    Lag { blocks: u64 },
    /// Its head stands still where it was.
    Freeze,
    /// Serves a chain of another id and another genesis.
    WrongChain { chain_id: u64 },
    /// Follows a branch of its own from `height` on. Equal salts are the same branch.
    Fork {
        height: u64,
        #[serde(default)]
        salt: u64,
    },
    /// Claims a head `blocks` ahead; with `headers` it shows invented ones, which link
    /// among themselves but not to the chain.
    Lie {
        blocks: u64,
        #[serde(default)]
        headers: bool,
    },
    /// Alternately serves for `up_ms` and is dead for `down_ms`.
    Flap { up_ms: u64, down_ms: u64 },
    /// Every read of state fails as if pruned.
    LoseState,
    /// Closes a connection that has been idle for a random time up to `max_ms`.
    CloseIdle { max_ms: u64 },
    /// Takes transactions and tells nobody.
    NoPeers,
}

fn one() -> f64 {
    1.0
}

impl Fault {
    /// Whether the fault strikes single calls, so that it may be limited to some
    /// methods and to a share of the calls.
    #[must_use]
    pub fn per_call(&self) -> bool {
        match self {
            Self::Hang
            | Self::Slow { .. }
            | Self::Status { .. }
            | Self::Garbage
            | Self::Html
            | Self::Truncate
            | Self::WrongId
            | Self::Empty
            | Self::Error { .. }
            | Self::ResetAfterRead
            | Self::LoseState => true,
            Self::Die
            | Self::Refuse
            | Self::Lag { .. }
            | Self::Freeze
            | Self::WrongChain { .. }
            | Self::Fork { .. }
            | Self::Lie { .. }
            | Self::Flap { .. }
            | Self::CloseIdle { .. }
            | Self::NoPeers => false,
        }
    }

    fn check(&self) -> Result<(), BadFault> {
        match self {
            Self::Status { status, .. } if !(400..600).contains(status) => {
                Err(BadFault::Status(*status))
            }
            Self::Slow { factor, .. } if !(factor.is_finite() && *factor >= 0.0) => {
                Err(BadFault::Factor(*factor))
            }
            Self::Flap { up_ms: 0, .. } | Self::Flap { down_ms: 0, .. } => Err(BadFault::Period),
            Self::CloseIdle { max_ms: 0 } => Err(BadFault::Period),
            Self::Lie { blocks, .. } if *blocks == 0 || *blocks > 50_000 => {
                Err(BadFault::Claim(*blocks))
            }
            _ => Ok(()),
        }
    }
}

/// A fault with its reach.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Injected {
    pub fault: Fault,
    /// Only these methods; empty means all.
    #[serde(default)]
    pub methods: Vec<String>,
    /// The share of calls it strikes, 0 to 1. Default 1.
    #[serde(default = "one")]
    pub probability: f64,
}

impl From<Fault> for Injected {
    fn from(fault: Fault) -> Self {
        Self { fault, methods: Vec::new(), probability: 1.0 }
    }
}

impl Injected {
    /// Limits the fault to some methods.
    #[must_use]
    pub fn only(mut self, methods: &[&str]) -> Self {
        self.methods = methods.iter().map(|method| (*method).to_owned()).collect();
        self
    }

    /// Limits the fault to a share of the calls.
    #[must_use]
    pub fn sometimes(mut self, probability: f64) -> Self {
        self.probability = probability;
        self
    }

    /// Whether it strikes calls of this method at all.
    #[must_use]
    pub fn concerns(&self, method: &str) -> bool {
        self.methods.is_empty() || self.methods.iter().any(|known| known == method)
    }

    /// Whether values and reach make sense.
    ///
    /// # Errors
    /// The first thing that does not.
    pub fn check(&self) -> Result<(), BadFault> {
        let limited = !self.methods.is_empty() || self.probability < 1.0;
        if !(0.0..=1.0).contains(&self.probability) {
            return Err(BadFault::Probability(self.probability));
        }
        if limited && !self.fault.per_call() {
            return Err(BadFault::Reach);
        }
        self.fault.check()
    }
}

/// Why a fault cannot be set.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
pub enum BadFault {
    #[error("status is {0}, allowed is 400 to 599")]
    Status(u16),
    #[error("factor is {0}, allowed is any number from 0 on")]
    Factor(f64),
    #[error("probability is {0}, allowed is 0 to 1")]
    Probability(f64),
    #[error("a period of 0 ms, allowed is 1 ms and more")]
    Period,
    #[error("blocks is {0}, allowed is 1 to 50000")]
    Claim(u64),
    #[error("this fault strikes the whole node: methods and probability do not apply")]
    Reach,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Fault) {
        let read: Fault = serde_json::from_str(text).unwrap();
        assert_eq!(read, expected, "{text}");
        let written = serde_json::to_string(&expected).unwrap();
        assert_eq!(serde_json::from_str::<Fault>(&written).unwrap(), expected);
    }

    #[test]
    fn faults_are_named_by_their_kind() {
        check(r#"{"kind":"die"}"#, Fault::Die);
        check(r#"{"kind":"lag","blocks":5}"#, Fault::Lag { blocks: 5 });
        check(r#"{"kind":"slow","extra_ms":9}"#, Fault::Slow { factor: 1.0, extra_ms: 9 });
        check(
            r#"{"kind":"status","status":503}"#,
            Fault::Status { status: 503, retry_after: None },
        );
        check(r#"{"kind":"fork","height":9}"#, Fault::Fork { height: 9, salt: 0 });
        check(r#"{"kind":"lie","blocks":9}"#, Fault::Lie { blocks: 9, headers: false });
        check(r#"{"kind":"reset_after_read"}"#, Fault::ResetAfterRead);
    }

    #[test]
    fn unknown_kinds_and_members_are_refused() {
        for bad in
            [r#"{"kind":"explode"}"#, r#"{"kind":"lag"}"#, r#"{"kind":"lag","blocks":1,"x":1}"#]
        {
            assert!(serde_json::from_str::<Fault>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn values_without_sense_are_refused() {
        let status = Fault::Status { status: 200, retry_after: None };
        assert_eq!(Injected::from(status).check(), Err(BadFault::Status(200)));
        assert_eq!(Injected::from(Fault::Die).sometimes(0.5).check(), Err(BadFault::Reach));
        assert_eq!(Injected::from(Fault::Freeze).only(&["a"]).check(), Err(BadFault::Reach));
        let flap = Fault::Flap { up_ms: 0, down_ms: 1 };
        assert_eq!(Injected::from(flap).check(), Err(BadFault::Period));
        let often = Injected::from(Fault::Hang).sometimes(2.0);
        assert_eq!(often.check(), Err(BadFault::Probability(2.0)));
    }
}
