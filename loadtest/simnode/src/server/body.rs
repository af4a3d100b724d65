//! A response body: whole, or the first half of what was promised.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

/// A body in one piece, which may break in the middle.
#[derive(Debug)]
pub struct ReplyBody {
    data: Option<Bytes>,
    /// Bytes that the head promises.
    promised: u64,
    end: End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Whole,
    BreaksSoon,
    Breaks,
}

impl ReplyBody {
    pub fn whole(data: impl Into<Bytes>) -> Self {
        let data = data.into();
        let promised = length(&data);
        Self { data: Some(data).filter(|data| !data.is_empty()), promised, end: End::Whole }
    }

    /// Promises all of `data`, sends half, then breaks the connection.
    pub fn half(data: impl Into<Bytes>) -> Self {
        let data = data.into();
        let promised = length(&data);
        let half = data.slice(..data.len() / 2);
        Self { data: Some(half), promised, end: End::BreaksSoon }
    }
}

fn length(data: &Bytes) -> u64 {
    u64::try_from(data.len()).unwrap_or(u64::MAX)
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if let Some(data) = self.data.take() {
            self.promised -= length(&data);
            return Poll::Ready(Some(Ok(Frame::data(data))));
        }
        match self.end {
            End::Whole => Poll::Ready(None),
            End::BreaksSoon => {
                // One more turn, so that the half is written before the break.
                self.end = End::Breaks;
                context.waker().wake_by_ref();
                Poll::Pending
            }
            End::Breaks => Poll::Ready(Some(Err(io::ErrorKind::ConnectionAborted.into()))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.data.is_none() && self.end == End::Whole
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.promised)
    }
}
