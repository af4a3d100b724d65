//! Responses: their body type, and the headers every answer has.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use http_body::{Body as _, Frame, SizeHint};

use crate::{
    error::CallError,
    gateway::{self, Answer, RequestId, Trail},
    server::pace::Busy,
};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const NODE: HeaderName = HeaderName::from_static("x-headrace-node");
const ZONE: HeaderName = HeaderName::from_static("x-headrace-zone");
const ATTEMPTS: HeaderName = HeaderName::from_static("x-headrace-attempts");

/// A response's body. A stream that fails ends its connection or stream short,
/// so that nobody takes a part for the whole.
#[derive(Default)]
pub struct Reply {
    content: Content,
    /// Marks its request as in flight until the body is dropped.
    busy: Option<Busy>,
}

#[derive(Default)]
enum Content {
    #[default]
    Empty,
    Whole(Bytes),
    Gateway(gateway::Body),
}

impl Reply {
    pub fn text(text: impl Into<Bytes>) -> Self {
        Self { content: Content::Whole(text.into()), busy: None }
    }

    pub(in crate::server) fn hold(&mut self, busy: Busy) {
        self.busy = Some(busy);
    }
}

impl From<gateway::Body> for Reply {
    fn from(body: gateway::Body) -> Self {
        Self { content: Content::Gateway(body), busy: None }
    }
}

impl http_body::Body for Reply {
    type Data = Bytes;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if let Some(busy) = &self.busy {
            busy.moves();
        }
        match &mut self.content {
            Content::Empty => Poll::Ready(None),
            Content::Whole(bytes) => {
                let bytes = std::mem::take(bytes);
                self.content = Content::Empty;
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            Content::Gateway(body) => Pin::new(body)
                .poll_frame(context)
                .map(|frame| frame.map(|outcome| outcome.map_err(Into::into))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.content {
            Content::Empty => true,
            Content::Whole(bytes) => bytes.is_empty(),
            Content::Gateway(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Empty => SizeHint::with_exact(0),
            Content::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Content::Gateway(body) => body.size_hint(),
        }
    }
}

/// A response without a body.
pub fn empty(status: StatusCode) -> Response<Reply> {
    let mut response = Response::new(Reply::default());
    *response.status_mut() = status;
    response
}

/// An error's status alone, and the end of the connection.
pub fn bare(error: &CallError) -> Response<Reply> {
    let status = StatusCode::from_u16(error.reason().http_status());
    let mut response = empty(status.unwrap_or(StatusCode::BAD_REQUEST));
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

/// A short plain text, for probes.
pub fn plain(status: StatusCode, text: &'static str) -> Response<Reply> {
    let mut response = Response::new(Reply::text(Bytes::from_static(text.as_bytes())));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// An answer of the gateway as a response, with who answered where that is shown.
pub(super) fn from_answer(answer: Answer) -> Response<Reply> {
    let Answer { status, retry_after, body, trail, .. } = answer;
    let bare = body.is_end_stream();
    let mut response = Response::new(Reply::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    if !bare {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    if status.as_u16() >= 400 {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    if let Some(wait) = retry_after {
        insert(headers, header::RETRY_AFTER, &wait.to_string());
    }
    if let Some(trail) = trail {
        tell(headers, &trail);
    }
    response
}

fn tell(headers: &mut HeaderMap, trail: &Trail) {
    insert(headers, NODE, &trail.node);
    insert(headers, ZONE, &trail.zone);
    insert(headers, ATTEMPTS, &trail.attempts.to_string());
}

/// A value that is no header value (a name outside ASCII) is left out.
fn insert(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// Names the request to its client.
pub(super) fn identify(headers: &mut HeaderMap, id: RequestId) {
    if let Ok(value) = HeaderValue::from_bytes(&id.digits()) {
        headers.insert(REQUEST_ID, value);
    }
}
