//! What an attack came to: how each connection ended, and what was answered.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::scenario::Attack;

/// Kinds of answers that are told apart; past it new ones count as the last.
const KINDS: usize = 64;

/// How a connection ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// It was never open.
    Refused,
    /// The gateway closed it.
    Closed,
    /// The gateway reset it.
    Reset,
    /// It was open until the attacker left.
    #[default]
    Open,
}

/// What became of one connection. Times are of the run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fate {
    pub opened: Duration,
    /// When the first hostile byte was sent, where handshakes come before.
    pub hostile: Option<Duration>,
    /// The first GOAWAY that was no "no error", and when.
    pub goaway: Option<(u32, Duration)>,
    pub ended: Duration,
    pub how: How,
}

impl Fate {
    /// How old the connection became.
    #[must_use]
    pub fn age(&self) -> Duration {
        self.ended.saturating_sub(self.opened)
    }

    /// From the first hostile byte to GOAWAY.
    #[must_use]
    pub fn patience(&self) -> Option<Duration> {
        let (_, at) = self.goaway?;
        Some(at.saturating_sub(self.hostile.unwrap_or(self.opened)))
    }
}

/// A kind of answer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Answer {
    /// 0: an HTTP/2 status that is not one of those with an index and not read.
    pub status: u16,
    /// The code of the first JSON-RPC error in it.
    pub code: Option<i64>,
    /// The first `data.reason` in it.
    pub reason: Option<String>,
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.status)?;
        if let Some(code) = self.code {
            write!(f, " {code}")?;
        }
        if let Some(reason) = &self.reason {
            write!(f, " {reason}")?;
        }
        Ok(())
    }
}

/// All that an attack saw.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    pub name: String,
    pub from: Duration,
    pub until: Duration,
    /// Connections that it has at once, or would have if it were let.
    pub places: usize,
    pub fates: Vec<Fate>,
    pub answers: BTreeMap<Answer, u64>,
    /// Streams that the gateway reset, by code.
    pub resets: BTreeMap<u32, u64>,
    /// Results and errors that came back in batches.
    pub results: u64,
    pub errors: u64,
    /// Requests that were sent, and that could not be for lack of a free connection.
    pub requests: u64,
    pub missed: u64,
    /// Bytes sent.
    pub bytes: u64,
}

impl Seen {
    #[must_use]
    pub fn named(attack: &Attack) -> Self {
        Self {
            name: attack.label().to_owned(),
            from: attack.from.0,
            until: attack.until().0,
            places: attack.connections,
            ..Self::default()
        }
    }

    pub fn answered(&mut self, answer: Answer) {
        let full = self.answers.len() >= KINDS && !self.answers.contains_key(&answer);
        let last = full.then(|| self.answers.keys().next_back().cloned()).flatten();
        *self.answers.entry(last.unwrap_or(answer)).or_default() += 1;
    }

    /// Connections that were open at some time.
    pub fn open(&self) -> impl Iterator<Item = &Fate> {
        self.fates.iter().filter(|fate| fate.how != How::Refused)
    }

    /// Connections by how they ended, in words.
    #[must_use]
    pub fn ends(&self) -> BTreeMap<String, u64> {
        let mut ends = BTreeMap::new();
        for fate in &self.fates {
            let word = match (fate.goaway, fate.how) {
                (Some((code, _)), _) => format!("GOAWAY {code}"),
                (None, How::Refused) => "refused".to_owned(),
                (None, How::Closed) => "closed".to_owned(),
                (None, How::Reset) => "reset".to_owned(),
                (None, How::Open) => "still open".to_owned(),
            };
            *ends.entry(word).or_default() += 1;
        }
        ends
    }

    /// The greatest age of a connection that the gateway ended.
    #[must_use]
    pub fn oldest_reaped(&self) -> Duration {
        let reaped = self.open().filter(|fate| fate.how != How::Open || fate.goaway.is_some());
        reaped.map(Fate::age).max().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Duration = Duration::from_secs(1);

    fn fate(opened: u32, ended: u32, how: How) -> Fate {
        Fate { opened: S * opened, ended: S * ended, how, ..Fate::default() }
    }

    #[test]
    fn ages_are_of_connections_that_the_gateway_ended() {
        let mut seen = Seen::default();
        assert_eq!(seen.oldest_reaped(), Duration::ZERO);
        seen.fates = vec![
            fate(1, 4, How::Closed),
            fate(2, 6, How::Open),
            fate(4, 5, How::Reset),
            fate(3, 3, How::Refused),
        ];
        assert_eq!(seen.open().count(), 3);
        assert_eq!(seen.oldest_reaped(), 3 * S);
        assert_eq!(seen.ends()["refused"], 1);
    }

    #[test]
    fn patience_counts_from_the_first_hostile_byte() {
        let mut fate = fate(1, 9, How::Closed);
        assert_eq!(fate.patience(), None);
        fate.goaway = Some((11, 4 * S));
        assert_eq!(fate.patience(), Some(3 * S));
        fate.hostile = Some(2 * S);
        assert_eq!(fate.patience(), Some(2 * S));
    }

    #[test]
    fn kinds_of_answers_are_bounded() {
        let mut seen = Seen::default();
        for status in 0..100 {
            seen.answered(Answer { status, code: None, reason: None });
        }
        assert_eq!(seen.answers.len(), KINDS);
        assert_eq!(seen.answers.values().sum::<u64>(), 100);
    }
}
