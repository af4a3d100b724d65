//! One question of the gateway's own to one node.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use crate::{
    family::{Ask, Family},
    metrics::{AttemptResult, Purpose},
    rpc::{reply, reply::Reply, write},
    topology::{Chain, Member},
    upstream::{Fault, Outgoing, ReplyBody},
};

/// A probe's answer must be here within this time.
const PATIENCE: Duration = Duration::from_secs(1);
/// A deadline that we ourselves were so late to notice says nothing of the node.
const OWN_STALL: Duration = Duration::from_millis(150);
/// Largest probe answer: a block's header with its transaction hashes.
const MOST: usize = 8 << 20;

/// What came of a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// A result, as raw JSON.
    Result(String),
    /// The node answered with an error: it lives, but will not say.
    Error(String),
    /// The node asks for less.
    Throttled,
    /// The answer was not here in time, but neither were we.
    Late,
    /// Nothing listens there.
    Refused,
    Failed(String),
}

/// Asks; `None` where the family has no such question.
pub async fn ask(chain: &Chain, member: &Member, question: Ask, purpose: Purpose) -> Option<Told> {
    let question = chain.config.family.question(question)?;
    let mut body = Vec::with_capacity(128);
    write::call(&mut body, 1, question.method, Some(&question.params), &[]);
    // Probes count against the node's rate, and are not held up by it.
    let _counted = member.node.within_rate();
    let told = send(member, body.into()).await;
    let result = match &told {
        Told::Result(_) => AttemptResult::Ok,
        Told::Error(_) => AttemptResult::Missing,
        Told::Throttled => AttemptResult::Throttled,
        Told::Late => AttemptResult::Dropped,
        Told::Refused | Told::Failed(_) => AttemptResult::Failed,
    };
    chain.metrics.on_attempt(purpose, result);
    Some(told)
}

async fn send(member: &Member, body: Bytes) -> Told {
    let deadline = Instant::now() + PATIENCE;
    let out = Outgoing { priority: true, whole_up_to: MOST, ..Outgoing::new(body, deadline) };
    let incoming = match member.client.send(out).await {
        Ok(incoming) => incoming,
        Err(error) if error.fault == Fault::ConnectRefused => return Told::Refused,
        Err(_) if Instant::now() > deadline + OWN_STALL => return Told::Late,
        Err(error) => return Told::Failed(error.to_string()),
    };
    if incoming.status == 429 {
        return Told::Throttled;
    }
    let ReplyBody::Whole(body) = incoming.body else {
        return Told::Failed("the answer is too large".to_owned());
    };
    match reply::read_reply(&body, 1) {
        Ok(Reply::Result { raw }) => Told::Result(raw.to_owned()),
        Ok(Reply::Error { message, .. }) => Told::Error(message.into_owned()),
        Err(_) if incoming.status != 200 => Told::Failed(format!("HTTP {}", incoming.status)),
        Err(_) => Told::Failed("the answer is no JSON-RPC reply".to_owned()),
    }
}

impl Told {
    /// The result's text, if there was one.
    pub fn result(&self) -> Option<&str> {
        match self {
            Self::Result(raw) => Some(raw),
            Self::Error(_) | Self::Throttled | Self::Late | Self::Refused | Self::Failed(_) => None,
        }
    }
}

/// Whether a node has heard of a transaction; `None` when it could not be asked.
pub async fn knows_transaction(
    chain: &Chain,
    member: &Member,
    hash: crate::names::Hash,
) -> Option<bool> {
    let family: Family = chain.config.family;
    let told = ask(chain, member, Ask::Transaction(hash), Purpose::Confirm).await?;
    Some(family.read_transaction(told.result()?) == Some(hash))
}

/// Names of methods, or of whole modules as `name_*`, that a node says it offers; empty
/// where it has no way to say.
pub async fn offered(chain: &Chain, member: &Member) -> Vec<String> {
    let family = chain.config.family;
    match ask(chain, member, Ask::Methods, Purpose::Probe).await {
        Some(Told::Result(raw)) => family.read_methods(&raw),
        _ => Vec::new(),
    }
}
