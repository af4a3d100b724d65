//! Clients that send again, as written.

use serde::Deserialize;

use super::units::Time;

/// The rules of clients, one or several; each call is of a client of one of them, at random.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(from = "OneOrMore")]
pub struct Retries(pub Vec<Retry>);

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(Retry),
    More(Vec<Retry>),
}

impl From<OneOrMore> for Retries {
    fn from(written: OneOrMore) -> Self {
        match written {
            OneOrMore::One(retry) => Self(vec![retry]),
            OneOrMore::More(retries) => Self(retries),
        }
    }
}

/// When a client sends a call again: as a known library does, or by numbers.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Retry {
    Like(Library),
    Model(Model),
}

/// Client libraries whose rules were measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Library {
    /// ethers 6.17.
    Ethers,
    /// viem 2.56.
    Viem,
    /// web3.py 8.0.
    Web3,
}

/// Rules by numbers.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// In all, the first one included.
    pub attempts: u32,
    /// Before the second attempt.
    pub pause: Time,
    /// Each pause is so many times the one before.
    #[serde(default = "even")]
    pub factor: f64,
    /// HTTP statuses after which it sends again.
    #[serde(default = "statuses")]
    pub statuses: Vec<u16>,
    /// Whether it does so after a broken connection and a time-out.
    #[serde(default = "yes")]
    pub broken: bool,
}

fn even() -> f64 {
    1.0
}

fn statuses() -> Vec<u16> {
    vec![429, 503, 504]
}

fn yes() -> bool {
    true
}

impl Model {
    /// Whether its numbers mean anything.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        (1..=100).contains(&self.attempts) && (1.0..=10.0).contains(&self.factor)
    }
}
