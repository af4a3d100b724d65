//! From how a call was served to the bytes and the status of an answer.

use bytes::Bytes;
use http::StatusCode;

use crate::{
    error::{CallError, RetryAfter},
    family::Family,
    gateway::{
        Gateway, Origin, RequestId, Scope, admit,
        body::Body,
        chance,
        served::{Content, Served},
    },
    names::Name,
    rpc::{Call, Id, Invalid, Refused, write},
    topology::ChainLease,
};

/// Results up to this size are copied next to the envelope: cheaper than three writes.
const COPIED: usize = 4 << 10;

/// Who answered a call, for operators.
#[derive(Clone, Debug)]
pub struct Trail {
    pub node: Name,
    pub zone: Name,
    pub attempts: u32,
}

/// An answer to one HTTP request.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub retry_after: Option<RetryAfter>,
    pub body: Body,
    pub trail: Option<Trail>,
    /// The connection cannot be used any further.
    pub close: bool,
}

impl Answer {
    fn ok(body: Body, trail: Option<Trail>) -> Self {
        Self { status: StatusCode::OK, retry_after: None, body, trail, close: false }
    }

    /// Nothing to say: every call was a notification.
    pub(super) fn nothing() -> Self {
        let body = Body::empty();
        Self { status: StatusCode::NO_CONTENT, retry_after: None, body, trail: None, close: false }
    }
}

impl Scope<'_> {
    fn family(&self) -> Family {
        self.chain.config.family
    }

    /// The answer to a call that came alone.
    pub(super) fn answer_single(&self, id: Id<'_>, served: Served) -> Answer {
        if id == Id::Missing {
            return match served.content {
                // The request as a whole was too much: its status says so.
                Content::Refused(error) if admit::is_of_limits(&error) => {
                    self.answer_error(Id::Raw("null"), &error)
                }
                _ => Answer::nothing(),
            };
        }
        let trail = self.trail(&served);
        match served.content {
            Content::Refused(error) => self.answer_error(id, &error),
            Content::Stream(large) => {
                let mut head = Vec::with_capacity(96);
                write::result_head(&mut head, id);
                Answer::ok(Body::streamed(head.into(), large), trail)
            }
            Content::Result(raw) if raw.len() > COPIED => {
                let mut head = Vec::with_capacity(96);
                write::result_head(&mut head, id);
                Answer::ok(Body::around(head.into(), raw, Bytes::from_static(b"}")), trail)
            }
            content => {
                let mut text = Vec::new();
                write_content(&mut text, id, &content);
                let answer = Answer::ok(Body::whole(text), trail);
                let Content::Error { status, .. } = content else { return answer };
                Answer { status: StatusCode::from_u16(status).unwrap_or_default(), ..answer }
            }
        }
    }

    /// Who answered, where the config lets clients see it.
    fn trail(&self, served: &Served) -> Option<Trail> {
        let shown = served.node.filter(|_| self.chain.topology().config.server.expose);
        let node = &self.chain.member(shown?)?.node;
        let (name, zone) = (node.config.name.clone(), node.zone.clone());
        Some(Trail { node: name, zone, attempts: served.attempts })
    }

    fn answer_error(&self, id: Id<'_>, error: &CallError) -> Answer {
        let wait = error.retry_after(chance::draw());
        let mut text = Vec::with_capacity(320);
        let id = if id == Id::Missing { Id::Raw("null") } else { id };
        self.write_error(&mut text, id, error, wait);
        Answer {
            status: status(error, self.family()),
            retry_after: wait,
            body: Body::whole(text),
            trail: None,
            close: self.gateway.is_spent(Some(self.chain), error, self.from),
        }
    }

    /// A whole batch that is refused before any of its calls runs: an error for each call
    /// that is to be answered, under its id, so that every caller finds its own.
    pub(super) fn refused_batch(
        &self,
        items: &[Result<Call<'_>, Refused<'_>>],
        error: &CallError,
    ) -> Answer {
        self.record_refusal(error);
        let wait = error.retry_after(chance::draw());
        let mut ids: Vec<Id<'_>> = items.iter().filter_map(id_of).collect();
        if ids.is_empty() {
            ids.push(Id::Raw("null"));
        }
        let mut text = vec![b'['];
        for (at, id) in ids.into_iter().enumerate() {
            if at > 0 {
                text.push(b',');
            }
            self.write_error(&mut text, id, error, wait);
        }
        text.push(b']');
        Answer {
            status: status(error, self.family()),
            retry_after: wait,
            body: Body::whole(text),
            trail: None,
            close: self.gateway.is_spent(Some(self.chain), error, self.from),
        }
    }

    /// A whole request that is no request.
    pub(super) fn refused_whole(&self, refused: Refused<'_>) -> Answer {
        let error = CallError::Invalid(refused.why);
        self.record_refusal(&error);
        let wait = error.retry_after(chance::draw());
        let mut text = Vec::with_capacity(320);
        let array = refused.why == Invalid::BatchTooLarge;
        if array {
            text.push(b'[');
        }
        let id = if refused.id == Id::Missing { Id::Raw("null") } else { refused.id };
        self.write_error(&mut text, id, &error, wait);
        if array {
            text.push(b']');
        }
        let body = Body::whole(text);
        Answer {
            status: status(&error, self.family()),
            retry_after: wait,
            body,
            trail: None,
            close: false,
        }
    }

    pub(super) fn refused_single(&self, refused: Refused<'_>) -> Answer {
        let error = CallError::Invalid(refused.why);
        self.record_refusal(&error);
        self.answer_error(refused.id, &error)
    }

    /// Writes one item of a batch's answer.
    pub(super) fn write_item(&self, text: &mut Vec<u8>, id: Id<'_>, content: &Content) {
        match content {
            Content::Refused(error) => {
                let wait = error.retry_after(chance::draw());
                self.write_error(text, id, error, wait);
            }
            content => write_content(text, id, content),
        }
    }

    fn write_error(
        &self,
        text: &mut Vec<u8>,
        id: Id<'_>,
        error: &CallError,
        wait: Option<RetryAfter>,
    ) {
        write_error(text, id, error, self.family(), self.from.request_id, wait);
    }
}

/// The id that an item is answered under; `None` for a notification.
fn id_of<'i>(item: &'i Result<Call<'_>, Refused<'_>>) -> Option<Id<'i>> {
    match item {
        Ok(call) => Some(call.id).filter(|id| *id != Id::Missing),
        Err(refused) if refused.id == Id::Missing => Some(Id::Raw("null")),
        Err(refused) => Some(refused.id),
    }
}

fn write_content(text: &mut Vec<u8>, id: Id<'_>, content: &Content) {
    match content {
        Content::Result(raw) => write::result(text, id, raw),
        Content::Error { raw, .. } => write::raw_error(text, id, raw),
        Content::Ours(raw) => write::result(text, id, raw.as_bytes()),
        Content::Stream(_) | Content::Refused(_) => {}
    }
}

fn write_error(
    text: &mut Vec<u8>,
    id: Id<'_>,
    error: &CallError,
    family: Family,
    request_id: RequestId,
    wait: Option<RetryAfter>,
) {
    let mut object = Vec::with_capacity(256);
    error.write_object(family, &request_id.to_string(), wait, &mut object);
    write::raw_error(text, id, &object);
}

fn status(error: &CallError, family: Family) -> StatusCode {
    StatusCode::from_u16(error.http_status(family)).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// An error found before any text was read.
pub(super) fn edge_refusal(
    gateway: &Gateway,
    chain: Option<&ChainLease>,
    error: &CallError,
    from: &Origin,
) -> Answer {
    gateway.rejected(error.reason());
    let family = chain.map_or(Family::ALL[0], |chain| chain.config.family);
    let name = chain.map(|chain| &*chain.config.name);
    let known = from.refused(chain.map(|chain| chain.topology()));
    gateway.access.load().refusal(name, family, error, known);
    let wait = error.retry_after(chance::draw());
    let mut text = Vec::with_capacity(320);
    write_error(&mut text, Id::Raw("null"), error, family, from.request_id, wait);
    let body = Body::whole(text);
    let close = gateway.is_spent(chain, error, from);
    Answer { status: status(error, family), retry_after: wait, body, trail: None, close }
}
