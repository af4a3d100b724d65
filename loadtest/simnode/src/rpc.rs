//! JSON-RPC 2.0 as nodes speak it: calls, batches, and how faults spoil answers.
//!
//! Calls borrow from the request's bytes and answers are written into one string: no
//! tree of values. What the methods mean is the family's business, and so are its
//! [manners](crate::manners).

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;
use std::time::{Duration, Instant};

use http::request::Parts;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::faults::Fault;
use crate::manners::Malformed;
use crate::node::{Context, Shared};

/// How often a held call is asked again.
const HOLD_STEP: Duration = Duration::from_millis(10);

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

    /// The named parameters; none when they are absent or positional.
    #[must_use]
    pub fn named(&self) -> Option<BTreeMap<Cow<'a, str>, &'a RawValue>> {
        serde_json::from_str(self.params?.get()).ok()
    }

    /// The parameters in the order of `names`, whether they came by position or by
    /// name; `null` stands for one that is absent before one that is not.
    #[must_use]
    pub fn args_named(&self, names: &[&str]) -> Vec<&'a RawValue> {
        let Some(mut members) = self.named() else { return self.args() };
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
    /// More members, as JSON text without braces: `"name":"HANDLER_ERROR"`.
    pub more: Option<String>,
    /// The HTTP status that the error is served with when it is no part of a batch.
    /// Default 200.
    pub status: u16,
    /// The call is asked again until this time is over, and only then this is the
    /// answer: for methods that hold the socket.
    pub hold: Option<Duration>,
}

impl RpcError {
    pub fn new(code: i64, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code: Some(code), ..Self::uncoded(message) }
    }

    /// An error without a code.
    pub fn uncoded(message: impl Into<Cow<'static, str>>) -> Self {
        let message = message.into();
        Self { code: None, message, data: None, more: None, status: 200, hold: None }
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

/// What answering gives; the result's JSON is in the buffer.
pub type Answer = Result<(), RpcError>;

/// What goes back over HTTP.
#[derive(Debug)]
pub enum Outcome {
    Json {
        status: u16,
        text: String,
    },
    /// Only notifications.
    Nothing {
        status: u16,
    },
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

/// Serves one request, given its head and its whole body.
pub async fn serve(node: &Shared, head: &Parts, body: &[u8]) -> Outcome {
    let first = body.iter().find(|byte| !byte.is_ascii_whitespace());
    let batch = first == Some(&b'[');
    if batch { serve_batch(node, head, body).await } else { serve_one(node, head, body).await }
}

/// Serves a GET for which a family has a method: its bare result, or 503.
pub async fn serve_page(node: &Shared, head: &Parts, method: &str) -> Outcome {
    let call = Call { id: None, method: Cow::Borrowed(method), params: None };
    let mut out = String::with_capacity(256);
    match answer(node, head, &call, &mut out).await {
        Err(spoilt) => spoilt,
        Ok(_) => page(&out),
    }
}

fn page(reply: &str) -> Outcome {
    #[derive(Deserialize)]
    struct Reply<'a> {
        #[serde(borrow, default, deserialize_with = "present")]
        result: Option<&'a RawValue>,
    }
    let read = serde_json::from_str::<Reply<'_>>(reply).ok();
    match read.and_then(|reply| reply.result) {
        Some(result) => Outcome::Json { status: 200, text: result.get().to_owned() },
        None => Outcome::Status { status: 503, retry_after: None },
    }
}

/// The answer to a request that is no call.
#[must_use]
pub fn refuse(node: &Shared, why: Malformed) -> Outcome {
    let error = node.chain.sim.malformed(node.options.client, why);
    let mut text = refusal(&error);
    if why == Malformed::LongBatch && node.manners().listed {
        text = format!("[{text}]");
    }
    Outcome::Json { status: error.status, text }
}

fn refusal(error: &RpcError) -> String {
    let mut out = String::from(r#"{"jsonrpc":"2.0","id":null,"#);
    write_error(error, &mut out);
    out.push('}');
    out
}

async fn serve_one(node: &Shared, head: &Parts, body: &[u8]) -> Outcome {
    let call = match read(body) {
        Ok(call) => call,
        Err(why) => return refuse(node, why),
    };
    if call.id.is_none() && !node.manners().notes {
        return refuse(node, Malformed::Call);
    }
    let mut out = String::with_capacity(256);
    match answer(node, head, &call, &mut out).await {
        Err(spoilt) => spoilt,
        Ok(_) if call.id.is_none() => nothing(node),
        Ok(status) => Outcome::Json { status, text: out },
    }
}

fn nothing(node: &Shared) -> Outcome {
    Outcome::Nothing { status: node.manners().silent }
}

async fn serve_batch(node: &Shared, head: &Parts, body: &[u8]) -> Outcome {
    let manners = node.manners();
    let items: Vec<&RawValue> = match serde_json::from_slice(body) {
        Ok(items) => items,
        Err(_) => return refuse(node, Malformed::Json),
    };
    if items.is_empty() {
        return refuse(node, Malformed::EmptyBatch);
    }
    if items.len() > manners.batch {
        return refuse(node, Malformed::LongBatch);
    }
    let (mut out, mut replies) = (String::new(), Vec::with_capacity(items.len()));
    for item in items {
        let start = out.len();
        if let Err(spoilt) = serve_item(node, head, item.get().as_bytes(), &mut out).await {
            return spoilt;
        }
        if out.len() > start {
            replies.push(start..out.len());
        }
    }
    if replies.is_empty() {
        return nothing(node);
    }
    if !manners.in_order {
        replies.reverse();
    }
    Outcome::Json { status: 200, text: listed(&out, &replies) }
}

fn listed(replies: &str, order: &[Range<usize>]) -> String {
    let mut text = String::with_capacity(replies.len() + order.len() + 1);
    for range in order {
        text.push(if text.is_empty() { '[' } else { ',' });
        text.push_str(&replies[range.clone()]);
    }
    text.push(']');
    text
}

async fn serve_item(
    node: &Shared,
    head: &Parts,
    item: &[u8],
    out: &mut String,
) -> Result<(), Outcome> {
    let start = out.len();
    match read(item) {
        Err(why) => {
            out.push_str(&refusal(&node.chain.sim.malformed(node.options.client, why)));
        }
        Ok(call) => {
            answer(node, head, &call, out).await?;
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

/// Answers one call into `out` and gives its HTTP status where it stands alone, or says
/// how the whole reply is spoilt.
async fn answer(
    node: &Shared,
    head: &Parts,
    call: &Call<'_>,
    out: &mut String,
) -> Result<u16, Outcome> {
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
    let begun = Instant::now();
    let written = loop {
        let written = write_answer(&node.context(method, head), call, id, strike.as_ref(), out);
        if begun.elapsed() >= written.hold {
            break written;
        }
        out.truncate(start);
        tokio::time::sleep(HOLD_STEP).await;
    };
    if written.failed {
        node.counters.error(method);
    }
    match strike.and_then(|fault| spoil_late(&fault, &out[start..])) {
        Some(late) => Err(late),
        None => Ok(written.status),
    }
}

/// What was written for a call.
struct Written {
    status: u16,
    failed: bool,
    /// How long the call is held before this counts.
    hold: Duration,
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
) -> Written {
    out.push_str(r#"{"jsonrpc":"2.0","id":"#);
    out.push_str(id);
    out.push_str(r#","result":"#);
    let result = out.len();
    let answer = match strike {
        Some(Fault::Error { code, message }) => {
            Err(node.chain.sim.injected(node.node.options.client, *code, message))
        }
        _ => node.chain.sim.answer(node, call, out),
    };
    let mut written = Written { status: 200, failed: false, hold: Duration::ZERO };
    if let Err(error) = answer {
        let hold = error.hold.unwrap_or_default();
        written = Written { status: error.status, failed: true, hold };
        out.truncate(result - r#""result":"#.len());
        write_error(&error, out);
    }
    out.push('}');
    written
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
    if let Some(more) = &error.more {
        out.push(',');
        out.push_str(more);
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
