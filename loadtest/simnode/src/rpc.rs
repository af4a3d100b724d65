//! JSON-RPC 2.0 as nodes speak it: calls, batches, and how faults spoil answers.
//!
//! Calls borrow from the request's bytes and answers are written into one string: no
//! tree of values. What the methods mean is the family's business.

use std::borrow::Cow;
use std::collections::HashMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::faults::Fault;
use crate::node::{Context, Shared};

/// Calls of one batch, as geth limits them.
const BATCH: usize = 1_000;

/// A call as it came.
#[derive(Debug, Deserialize)]
pub struct Call<'a> {
    /// Raw text; absent in a notification.
    #[serde(borrow, default, deserialize_with = "present")]
    pub id: Option<&'a RawValue>,
    #[serde(borrow)]
    pub method: Cow<'a, str>,
    #[serde(borrow, default)]
    pub params: Option<&'a RawValue>,
}

/// An absent id and a null id differ, which `Option` alone does not see.
fn present<'de, D>(reader: D) -> Result<Option<&'de RawValue>, D::Error>
where
    D: serde::Deserializer<'de>,
{
    <&RawValue>::deserialize(reader).map(Some)
}

impl<'a> Call<'a> {
    /// The positional parameters; none when they are absent or named.
    #[must_use]
    pub fn args(&self) -> Vec<&'a RawValue> {
        let text = self.params.map_or("[]", RawValue::get);
        serde_json::from_str(text).unwrap_or_default()
    }

    /// The parameters in the order of `names`, whether they came by position or by
    /// name; `null` stands for one that is absent before one that is not.
    #[must_use]
    pub fn args_named(&self, names: &[&str]) -> Vec<&'a RawValue> {
        let text = self.params.map_or("[]", RawValue::get);
        let Ok(mut members) = serde_json::from_str::<HashMap<Cow<'a, str>, &'a RawValue>>(text)
        else {
            return self.args();
        };
        let found: Vec<Option<&RawValue>> =
            names.iter().map(|name| members.remove(*name)).collect();
        let count = found.iter().rposition(Option::is_some).map_or(0, |last| last + 1);
        found[..count].iter().map(|arg| arg.unwrap_or(RawValue::NULL)).collect()
    }
}

/// An error as a node answers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RpcError {
    /// `None`: the member is missing, as in the errors of some nodes.
    pub code: Option<i64>,
    pub message: Cow<'static, str>,
    /// JSON text.
    pub data: Option<String>,
    /// The HTTP status that the error is served with when it is no part of a batch.
    pub status: u16,
}

impl RpcError {
    pub fn new(code: i64, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code: Some(code), message: message.into(), data: None, status: 200 }
    }

    /// An error without a code.
    pub fn uncoded(message: impl Into<Cow<'static, str>>) -> Self {
        Self { code: None, ..Self::new(0, message) }
    }

    /// With a string as its data.
    #[must_use]
    pub fn with_text(mut self, data: &str) -> Self {
        self.data = serde_json::to_string(data).ok();
        self
    }

    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }
}

/// Why a request is not even a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// Neither an object nor an array.
    Text,
    /// JSON that does not parse.
    Json,
    /// JSON that is no call.
    Call,
    EmptyBatch,
    LongBatch,
    TooLarge,
}

/// What answering gives; the result's JSON is in the buffer.
pub type Answer = Result<(), RpcError>;

/// What goes back over HTTP.
#[derive(Debug)]
pub enum Outcome {
    Json {
        status: u16,
        text: String,
    },
    /// Only notifications: 204.
    Nothing,
    Status {
        status: u16,
        retry_after: Option<u64>,
    },
    Body {
        text: &'static str,
        html: bool,
    },
    Truncated(String),
    Reset,
}

/// Serves one request text.
pub async fn serve(node: &Shared, body: &[u8]) -> Outcome {
    let first = body.iter().find(|byte| !byte.is_ascii_whitespace());
    if first == Some(&b'[') { serve_batch(node, body).await } else { serve_one(node, body).await }
}

/// The answer to a request whose body nobody will read.
#[must_use]
pub fn refuse(node: &Shared, why: Malformed) -> Outcome {
    let error = node.chain.sim.malformed(node.options.client, why);
    Outcome::Json { status: error.status, text: refusal(&error) }
}

async fn serve_one(node: &Shared, body: &[u8]) -> Outcome {
    let call = match read(body) {
        Ok(call) => call,
        Err(why) => return refuse(node, why),
    };
    let mut out = String::with_capacity(256);
    match answer(node, &call, &mut out).await {
        Ok(status) if call.id.is_some() => Outcome::Json { status, text: out },
        Ok(_) => Outcome::Nothing,
        Err(spoilt) => spoilt,
    }
}

async fn serve_batch(node: &Shared, body: &[u8]) -> Outcome {
    let items: Vec<&RawValue> = match serde_json::from_slice(body) {
        Ok(items) => items,
        Err(_) => return refuse(node, Malformed::Json),
    };
    if items.is_empty() {
        return refuse(node, Malformed::EmptyBatch);
    }
    if items.len() > BATCH {
        return refuse_long(node);
    }
    let mut out = String::from("[");
    for item in items {
        if let Err(spoilt) = serve_item(node, item.get().as_bytes(), &mut out).await {
            return spoilt;
        }
    }
    if out.len() == 1 {
        return Outcome::Nothing;
    }
    out.push(']');
    Outcome::Json { status: 200, text: out }
}

/// Some nodes answer a batch that is too long with a batch of one.
fn refuse_long(node: &Shared) -> Outcome {
    match refuse(node, Malformed::LongBatch) {
        Outcome::Json { status, text } if node.chain.sim.lists_refusals() => {
            Outcome::Json { status, text: format!("[{text}]") }
        }
        outcome => outcome,
    }
}

async fn serve_item(node: &Shared, item: &[u8], out: &mut String) -> Result<(), Outcome> {
    let start = out.len();
    if start > 1 {
        out.push(',');
    }
    match read(item) {
        Err(why) => {
            out.push_str(&refusal(&node.chain.sim.malformed(node.options.client, why)));
        }
        Ok(call) => {
            answer(node, &call, out).await?;
            if call.id.is_none() {
                out.truncate(start);
            }
        }
    }
    Ok(())
}

fn read(body: &[u8]) -> Result<Call<'_>, Malformed> {
    let Ok(raw) = serde_json::from_slice::<&RawValue>(body) else {
        let object = body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{');
        return Err(if object { Malformed::Json } else { Malformed::Text });
    };
    serde_json::from_str(raw.get()).map_err(|_| Malformed::Call)
}

fn refusal(error: &RpcError) -> String {
    let mut out = String::from(r#"{"jsonrpc":"2.0","id":null,"#);
    write_error(error, &mut out);
    out.push('}');
    out
}

/// Answers one call into `out` and gives its HTTP status, or says how the whole reply
/// is spoilt.
async fn answer(node: &Shared, call: &Call<'_>, out: &mut String) -> Result<u16, Outcome> {
    let method = &*call.method;
    node.counters.call(method, node.chain.sim.written(call));
    let strike = node.strike(method);
    if strike.is_some() {
        node.counters.fault(method);
    }
    if strike == Some(Fault::Hang) {
        node.healed(method).await;
    }
    if let Some(early) = strike.as_ref().and_then(spoil_early) {
        return Err(early);
    }
    if !node.serve_time(method).await {
        return Err(Outcome::Status { status: 503, retry_after: None });
    }
    let start = out.len();
    let id = if strike == Some(Fault::WrongId) { "987654321" } else { id_of(call) };
    let status = write_answer(&node.context(method), call, id, strike.as_ref(), out);
    match strike.and_then(|fault| spoil_late(&fault, &out[start..])) {
        Some(spoilt) => Err(spoilt),
        None => Ok(status),
    }
}

fn id_of<'a>(call: &Call<'a>) -> &'a str {
    call.id.map_or("null", RawValue::get)
}

fn write_answer(
    node: &Context<'_>,
    call: &Call<'_>,
    id: &str,
    strike: Option<&Fault>,
    out: &mut String,
) -> u16 {
    let mut status = 200;
    out.push_str(r#"{"jsonrpc":"2.0","id":"#);
    out.push_str(id);
    out.push_str(r#","result":"#);
    let result = out.len();
    let answer = match strike {
        Some(Fault::Error { code, message }) => Err(RpcError::new(*code, message.clone())),
        _ => node.chain.sim.answer(node, call, out),
    };
    if let Err(error) = answer {
        node.node.counters.error(&call.method);
        out.truncate(result - r#""result":"#.len());
        write_error(&error, out);
        status = error.status;
    }
    out.push('}');
    status
}

fn write_error(error: &RpcError, out: &mut String) {
    let message = serde_json::to_string(&error.message).unwrap_or_default();
    out.push_str(r#""error":{"#);
    if let Some(code) = error.code {
        out.push_str(&format!(r#""code":{code},"#));
    }
    out.push_str(r#""message":"#);
    out.push_str(&message);
    if let Some(data) = &error.data {
        out.push_str(r#","data":"#);
        out.push_str(data);
    }
    out.push('}');
}

/// Faults that strike before the call is carried out.
fn spoil_early(fault: &Fault) -> Option<Outcome> {
    match fault {
        Fault::Status { status, retry_after } => {
            Some(Outcome::Status { status: *status, retry_after: *retry_after })
        }
        Fault::Garbage => Some(Outcome::Body { text: "\u{1}\u{2}{{not json]", html: false }),
        Fault::Html => Some(Outcome::Body { text: PAGE, html: true }),
        Fault::Empty => Some(Outcome::Body { text: "", html: false }),
        _ => None,
    }
}

/// Faults that strike when the answer is ready.
fn spoil_late(fault: &Fault, text: &str) -> Option<Outcome> {
    match fault {
        Fault::Truncate => Some(Outcome::Truncated(text.to_owned())),
        Fault::ResetAfterRead => Some(Outcome::Reset),
        _ => None,
    }
}

const PAGE: &str = "<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head>\
<body><center><h1>502 Bad Gateway</h1></center></body></html>";
