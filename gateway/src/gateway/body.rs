//! The bytes of an answer: a few pieces, or a piece and a stream.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures_util::Stream;
use http_body::{Frame, SizeHint};
use smallvec::SmallVec;
use thiserror::Error;

use crate::gateway::served::Large;

/// The answer broke off after it had begun: the connection or stream must end visibly.
#[derive(Debug, Error)]
#[error("the node's reply broke off: {0}")]
pub struct BodyError(String);

/// Pieces in the order they are sent.
#[derive(Debug, Default)]
pub struct Body {
    pieces: SmallVec<[Bytes; 3]>,
    next: usize,
    /// Sent after the pieces, then `}`.
    large: Option<Box<Large>>,
}

impl Body {
    pub fn empty() -> Self {
        Self::default()
    }

    pub fn whole(text: impl Into<Bytes>) -> Self {
        Self { pieces: SmallVec::from_iter([text.into()]), next: 0, large: None }
    }

    /// Three pieces without copying the middle one.
    pub fn around(head: Bytes, middle: Bytes, tail: Bytes) -> Self {
        Self { pieces: SmallVec::from([head, middle, tail]), next: 0, large: None }
    }

    /// `head`, a large value as it comes, and the closing brace.
    pub fn streamed(head: Bytes, large: Box<Large>) -> Self {
        Self { pieces: SmallVec::from_iter([head]), next: 0, large: Some(large) }
    }

    /// Bytes still to come, where that is known.
    fn remaining(&self) -> u64 {
        self.pieces[self.next..].iter().map(|piece| piece.len() as u64).sum()
    }

    fn poll_large(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        loop {
            let Some(large) = &mut self.large else { return Poll::Ready(None) };
            match ready!(Pin::new(&mut large.rest).poll_next(cx)) {
                Some(Ok(mut chunk)) => {
                    let skipped = large.skip.min(chunk.len());
                    bytes::Buf::advance(&mut chunk, skipped);
                    large.skip -= skipped;
                    let pass = large.trimmer.push(chunk);
                    self.pieces.extend(pass);
                    if let Some(frame) = self.take_piece() {
                        return Poll::Ready(Some(Ok(frame)));
                    }
                }
                Some(Err(error)) => {
                    self.large = None;
                    return Poll::Ready(Some(Err(BodyError(error.to_string()))));
                }
                None => return Poll::Ready(self.finish()),
            }
        }
    }

    fn finish(&mut self) -> Option<Result<Frame<Bytes>, BodyError>> {
        let large = self.large.take()?;
        match large.trimmer.finish() {
            Ok(end) => {
                self.pieces.push(end);
                self.pieces.push(Bytes::from_static(b"}"));
                self.take_piece().map(Ok)
            }
            Err(fault) => Some(Err(BodyError(format!("{fault:?}")))),
        }
    }

    fn take_piece(&mut self) -> Option<Frame<Bytes>> {
        while let Some(piece) = self.pieces.get_mut(self.next) {
            let piece = std::mem::take(piece);
            self.next += 1;
            if self.next == self.pieces.len() {
                self.pieces.clear();
                self.next = 0;
            }
            if !piece.is_empty() {
                return Some(Frame::data(piece));
            }
        }
        None
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if let Some(frame) = self.take_piece() {
            return Poll::Ready(Some(Ok(frame)));
        }
        self.poll_large(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.large.is_none() && self.remaining() == 0
    }

    fn size_hint(&self) -> SizeHint {
        match self.large {
            Some(_) => SizeHint::default(),
            None => SizeHint::with_exact(self.remaining()),
        }
    }
}
