//! One question of the gateway's own to one node.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use crate::{
    family::{Ask, Question, SignedTransaction},
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
    let (told, _) = put(chain, member, &question, purpose).await;
    Some(told)
}

/// Puts a question: what came of it, and the text of the reply, empty where there was none.
async fn put(
    chain: &Chain,
    member: &Member,
    question: &Question,
    purpose: Purpose,
) -> (Told, Bytes) {
    let mut body = Vec::with_capacity(128);
    write::call(&mut body, 1, question.method, Some(&question.params), &[]);
    // Probes count against the node's rate, and are not held up by it.
    let _counted = member.node.within_rate();
    let (told, text) = match send(member, body.into()).await {
        Ok((status, text)) => (read(status, &text), text),
        Err(told) => (told, Bytes::new()),
    };
    let result = match &told {
        Told::Result(_) => AttemptResult::Ok,
        Told::Error(_) => AttemptResult::Missing,
        Told::Throttled => AttemptResult::Throttled,
        Told::Late => AttemptResult::Dropped,
        Told::Refused | Told::Failed(_) => AttemptResult::Failed,
    };
    chain.metrics.on_attempt(purpose, result);
    (told, text)
}

/// The status and the text of the reply; else what came instead of one.
async fn send(member: &Member, body: Bytes) -> Result<(u16, Bytes), Told> {
    let deadline = Instant::now() + PATIENCE;
    let out = Outgoing { priority: true, whole_up_to: MOST, ..Outgoing::new(body, deadline) };
    let incoming = match member.client.send(out).await {
        Ok(incoming) => incoming,
        Err(error) if error.fault == Fault::ConnectRefused => return Err(Told::Refused),
        Err(_) if Instant::now() > deadline + OWN_STALL => return Err(Told::Late),
        Err(error) => return Err(Told::Failed(error.to_string())),
    };
    if incoming.status == 429 {
        return Err(Told::Throttled);
    }
    match incoming.body {
        ReplyBody::Whole(text) => Ok((incoming.status, text)),
        ReplyBody::Large(_) => Err(Told::Failed("the answer is too large".to_owned())),
    }
}

fn read(status: u16, text: &[u8]) -> Told {
    match reply::read_reply(text, 1) {
        Ok(Reply::Result { raw }) => Told::Result(raw.to_owned()),
        Ok(Reply::Error { message, .. }) => Told::Error(message.into_owned()),
        Err(_) if status != 200 => Told::Failed(format!("HTTP {status}")),
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

/// Whether a node has heard of a transaction; `None` when it could not be asked, or does
/// not say.
pub async fn knows_transaction(
    chain: &Chain,
    member: &Member,
    transaction: &SignedTransaction,
) -> Option<bool> {
    let question = transaction.question()?;
    let (_, text) = put(chain, member, &question, Purpose::Confirm).await;
    transaction.is_known(&reply::read_reply(&text, 1).ok()?)
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
