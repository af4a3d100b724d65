//! JSON-RPC 2.0 as nodes speak it: calls, batches, and how faults spoil answers.
//!
//! Calls borrow from the request's bytes and answers are written into one string: no
//! tree of values. What the methods mean is the family's business.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::faults::Fault;
use crate::hash::hex;
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
}

/// An error as a node answers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RpcError {
    pub code: i64,
    pub message: Cow<'static, str>,
    /// Bytes, shown as a hex string.
    pub data: Option<Vec<u8>>,
}

impl RpcError {
    pub fn new(code: i64, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, message: message.into(), data: None }
    }
}

/// What answering gives; the result's JSON is in the buffer.
pub type Answer = Result<(), RpcError>;

/// What goes back over HTTP.
#[derive(Debug)]
pub enum Outcome {
    Json(String),
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

async fn serve_one(node: &Shared, body: &[u8]) -> Outcome {
    let call = match read(body) {
        Ok(call) => call,
        Err(refusal) => return Outcome::Json(refusal),
    };
    let mut out = String::with_capacity(256);
    let spoilt = answer(node, &call, &mut out).await;
    spoilt.unwrap_or_else(|| finish(&call, out))
}

fn finish(call: &Call<'_>, out: String) -> Outcome {
    if call.id.is_some() { Outcome::Json(out) } else { Outcome::Nothing }
}

async fn serve_batch(node: &Shared, body: &[u8]) -> Outcome {
    let items: Vec<&RawValue> = match serde_json::from_slice(body) {
        Ok(items) => items,
        Err(_) => return Outcome::Json(refusal(-32700, "parse error")),
    };
    if items.is_empty() {
        return Outcome::Json(refusal(-32600, "empty batch"));
    }
    if items.len() > BATCH {
        return Outcome::Json(format!("[{}]", refusal(-32600, "batch too large")));
    }
    let mut out = String::from("[");
    for item in items {
        match serve_item(node, item.get().as_bytes(), &mut out).await {
            Some(spoilt) => return spoilt,
            None => continue,
        }
    }
    if out.len() == 1 {
        return Outcome::Nothing;
    }
    out.push(']');
    Outcome::Json(out)
}

async fn serve_item(node: &Shared, item: &[u8], out: &mut String) -> Option<Outcome> {
    let start = out.len();
    if start > 1 {
        out.push(',');
    }
    match read(item) {
        Err(refusal) => out.push_str(&refusal),
        Ok(call) => {
            let spoilt = answer(node, &call, out).await;
            if call.id.is_none() {
                out.truncate(start);
            }
            return spoilt;
        }
    }
    None
}

fn read(body: &[u8]) -> Result<Call<'_>, String> {
    let Ok(raw) = serde_json::from_slice::<&RawValue>(body) else {
        return Err(refusal(-32700, "parse error"));
    };
    serde_json::from_str(raw.get()).map_err(|_| refusal(-32600, "invalid request"))
}

fn refusal(code: i64, message: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":null,"error":{{"code":{code},"message":"{message}"}}}}"#)
}

/// Answers one call into `out`, or says how the whole reply is spoilt.
async fn answer(node: &Shared, call: &Call<'_>, out: &mut String) -> Option<Outcome> {
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
        return Some(early);
    }
    if !node.serve_time(method).await {
        return Some(Outcome::Status { status: 503, retry_after: None });
    }
    let start = out.len();
    let id = if strike == Some(Fault::WrongId) { "987654321" } else { id_of(call) };
    write_answer(&node.context(method), call, id, strike.as_ref(), out);
    strike.and_then(|fault| spoil_late(&fault, &out[start..]))
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
) {
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
    }
    out.push('}');
}

fn write_error(error: &RpcError, out: &mut String) {
    let message = serde_json::to_string(&error.message).unwrap_or_default();
    out.push_str(r#""error":{"code":"#);
    out.push_str(&error.code.to_string());
    out.push_str(r#","message":"#);
    out.push_str(&message);
    if let Some(data) = &error.data {
        out.push_str(r#","data":""#);
        out.push_str(&hex(data));
        out.push('"');
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
