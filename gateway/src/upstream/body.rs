//! Reading a reply: small ones whole, without a copy where the node sent them
//! in one piece; large ones as a stream whose cap still holds.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use futures_util::Stream;
use hyper::body::{Body, Incoming};
use tokio::time::{Instant, Sleep, sleep};

use super::{
    conn::Conn,
    error::{Fault, UpstreamError},
    pool::Pool,
};

/// How much of a body was read before it was handed on.
pub(super) enum Read {
    Whole(Bytes),
    /// These first bytes, and there is more.
    More(Bytes),
}

/// Reads until the end, or until more than `whole_up_to` bytes are here.
pub(super) async fn collect(
    conn: &mut Conn,
    body: &mut Incoming,
    whole_up_to: usize,
    cap: u64,
) -> Result<Read, UpstreamError> {
    let Some(first) = next(conn, body, 0, cap).await? else {
        return Ok(Read::Whole(Bytes::new()));
    };
    if body.is_end_stream() {
        return Ok(Read::Whole(first));
    }
    if first.len() > whole_up_to {
        return Ok(Read::More(first));
    }
    let Some(second) = next(conn, body, first.len(), cap).await? else {
        return Ok(Read::Whole(first));
    };
    let expected = body.size_hint().exact().unwrap_or(0).min(whole_up_to as u64) as usize;
    let mut buffer = BytesMut::with_capacity(first.len() + second.len() + expected);
    buffer.extend_from_slice(&first);
    buffer.extend_from_slice(&second);
    while buffer.len() <= whole_up_to && !body.is_end_stream() {
        match next(conn, body, buffer.len(), cap).await? {
            Some(data) => buffer.extend_from_slice(&data),
            None => return Ok(Read::Whole(buffer.freeze())),
        }
    }
    if body.is_end_stream() {
        return Ok(Read::Whole(buffer.freeze()));
    }
    Ok(Read::More(buffer.freeze()))
}

/// The next bytes after the first `read`; None at the end.
async fn next(
    conn: &mut Conn,
    body: &mut Incoming,
    read: usize,
    cap: u64,
) -> Result<Option<Bytes>, UpstreamError> {
    let data = std::future::poll_fn(|cx| poll_data(conn, body, cx)).await.transpose()?;
    let length = data.as_ref().map_or(0, Bytes::len);
    if (read + length) as u64 > cap {
        return Err(conn.fault(Fault::TooLarge { limit: cap }));
    }
    Ok(data)
}

fn poll_data(
    conn: &mut Conn,
    body: &mut Incoming,
    cx: &mut Context<'_>,
) -> Poll<Option<Result<Bytes, UpstreamError>>> {
    loop {
        let mut polled = Conn::poll_frame(body);
        if polled.is_pending() {
            conn.drive(cx);
            polled = Conn::poll_frame(body);
        }
        let frame = match ready!(polled) {
            None => return Poll::Ready(None),
            Some(Err(error)) => return Poll::Ready(Some(Err(conn.failed(&error)))),
            Some(Ok(frame)) => frame,
        };
        // Trailers are dropped: a JSON-RPC reply has no use for them.
        if let Ok(data) = frame.into_data()
            && !data.is_empty()
        {
            return Poll::Ready(Some(Ok(data)));
        }
    }
}

/// A reply too large to be read whole first: a stream of its bytes, the ones
/// already read first. The first error ends it. The connection goes back to the
/// pool at the end and is closed when this is dropped before.
pub struct LargeBody {
    /// At least `whole_up_to` bytes; the stream gives them first.
    pub first: Bytes,
    /// Bytes of the whole reply, where the node declared it.
    pub declared: Option<u64>,
    given: bool,
    /// Bytes read so far.
    read: u64,
    cap: u64,
    body: Incoming,
    conn: Option<Box<Conn>>,
    pool: Arc<Pool>,
    stall: Duration,
    stalled: Pin<Box<Sleep>>,
}

impl std::fmt::Debug for LargeBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { declared, read, .. } = self;
        f.debug_struct("LargeBody").field("declared", declared).field("read", read).finish()
    }
}

/// What a [`LargeBody`] is made of.
pub(super) struct Rest {
    pub first: Bytes,
    pub declared: Option<u64>,
    pub body: Incoming,
    pub conn: Box<Conn>,
    pub cap: u64,
    /// Time without a byte after which the stream fails.
    pub stall: Duration,
}

impl LargeBody {
    pub(super) fn new(rest: Rest, pool: Arc<Pool>) -> Self {
        let Rest { first, declared, body, conn, cap, stall } = rest;
        let read = first.len() as u64;
        let stalled = Box::pin(sleep(stall));
        let conn = Some(conn);
        Self { first, declared, given: false, read, cap, body, conn, pool, stall, stalled }
    }

    fn poll_rest(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, UpstreamError>>> {
        let Some(conn) = &mut self.conn else {
            return Poll::Ready(None);
        };
        let Poll::Ready(read) = poll_data(conn, &mut self.body, cx) else {
            ready!(self.stalled.as_mut().poll(cx));
            let error = conn.fault(Fault::BodyTimeout);
            self.conn = None;
            return Poll::Ready(Some(Err(error)));
        };
        match read {
            None => {
                if let Some(conn) = self.conn.take() {
                    self.pool.checkin(conn);
                }
                Poll::Ready(None)
            }
            Some(Ok(data)) => Poll::Ready(Some(self.count(data))),
            Some(Err(error)) => {
                self.conn = None;
                Poll::Ready(Some(Err(error)))
            }
        }
    }

    fn count(&mut self, data: Bytes) -> Result<Bytes, UpstreamError> {
        self.read += data.len() as u64;
        self.stalled.as_mut().reset(Instant::now() + self.stall);
        if self.read > self.cap {
            self.conn = None;
            return Err(UpstreamError::new(Fault::TooLarge { limit: self.cap }, true));
        }
        Ok(data)
    }
}

impl Stream for LargeBody {
    type Item = Result<Bytes, UpstreamError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if !self.given {
            self.given = true;
            // The time until the first poll was the reader's, not the node's.
            let again = Instant::now() + self.stall;
            self.stalled.as_mut().reset(again);
            return Poll::Ready(Some(Ok(self.first.clone())));
        }
        self.poll_rest(cx)
    }
}
