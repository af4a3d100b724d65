//! A client's socket as hyper sees it: the bytes already read come first, what
//! happens is marked in the connection's [`Pace`], and shutting down waits until
//! the client has read our last answer.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::{
    joined::joined,
    server::{
        pace::{Pace, Stage},
        transport::Transport,
    },
};

pub(super) struct Paced {
    pub stream: Transport,
    /// Read from the stream already, not yet by hyper.
    pub ahead: Bytes,
    pub pace: Arc<Pace>,
    /// HTTP/2 has frames between requests that are no part of a head.
    pub marks_heads: bool,
    /// Reading on after shutting down our side; `false` once the client's is shut too.
    pub lingers: bool,
}

impl AsyncRead for Paced {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.ahead.is_empty() {
            let length = self.ahead.len().min(buffer.remaining());
            buffer.put_slice(&self.ahead[..length]);
            self.ahead.advance(length);
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        if buffer.filled().len() == before {
            self.lingers = false;
        } else if self.marks_heads {
            self.pace.received();
        }
        Poll::Ready(Ok(()))
    }
}

impl Paced {
    fn mark<T>(&self, outcome: Poll<T>) -> Poll<T> {
        // A stuck HTTP/2 client still gets our pings: only its streams show progress.
        if self.marks_heads || outcome.is_pending() || self.pace.stage() == Stage::Stalled {
            self.pace.sent(outcome.is_ready());
        }
        outcome
    }
}

impl AsyncWrite for Paced {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.mark(outcome)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let stream = &mut self.stream;
        let small = joined(slices, |bytes| Pin::new(&mut *stream).poll_write(context, bytes));
        let outcome =
            small.unwrap_or_else(|| Pin::new(stream).poll_write_vectored(context, slices));
        self.mark(outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.stream).poll_flush(context);
        // TLS holds an answer's last bytes until they fit.
        if outcome.is_pending() || self.pace.stage() == Stage::Stalled {
            self.pace.sent(outcome.is_ready());
        }
        outcome
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_shutdown(context))?;
        self.pace.linger();
        // Unread bytes at close make the kernel send a reset, which can take our
        // answer from the client. The connection's clock bounds this.
        let mut waste = [0; 4096];
        while self.lingers {
            let mut buffer = ReadBuf::new(&mut waste);
            if ready!(Pin::new(&mut self.stream).poll_read(context, &mut buffer)).is_err()
                || buffer.filled().is_empty()
            {
                self.lingers = false;
            }
        }
        Poll::Ready(Ok(()))
    }
}
