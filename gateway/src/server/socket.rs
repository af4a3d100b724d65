//! A client's socket as hyper sees it: the bytes already read come first, all pass the
//! [`Gate`], what happens is marked in the connection's [`Pace`], and shutting down waits
//! until the client has read our last answer.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::{
    clock,
    joined::joined,
    server::{
        filter::{Frames, Gate, Heads, h1::Stop},
        pace::{Pace, Stage},
        transport::Transport,
    },
};

pub(super) struct Paced {
    pub wire: Wire,
    pub pace: Arc<Pace>,
    pub gate: Gate,
}

/// The stream itself.
pub(super) struct Wire {
    pub stream: Transport,
    /// Read from the stream already, not yet by hyper.
    pub ahead: Bytes,
    /// Reading on after shutting down our side; `false` once the client's is shut too.
    pub lingers: bool,
}

impl Wire {
    /// Reads more; nothing more in `buffer` is the client's end.
    fn poll_fill(
        &mut self,
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
        self.lingers &= buffer.filled().len() > before;
        Poll::Ready(Ok(()))
    }

    /// Reads until something passes.
    fn poll_heads(
        &mut self,
        heads: &mut Heads,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        while !heads.give(buffer) {
            match heads.stop() {
                None => {}
                // The answer to the head refused ends the connection.
                Some(Stop::Head(_)) => return Poll::Pending,
                Some(Stop::Body) => return Poll::Ready(Err(io::ErrorKind::InvalidData.into())),
            }
            ready!(self.poll_fill(context, buffer))?;
            if buffer.filled().len() == before {
                return Poll::Ready(Ok(()));
            }
            heads.judge(buffer, before);
            if buffer.filled().len() > before {
                return Poll::Ready(Ok(()));
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Reads frames; a flood of them is the end, told once the client could read why.
    fn poll_frames(
        &mut self,
        frames: &mut Frames,
        pace: &Pace,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !frames.is_ending() {
            let before = buffer.filled().len();
            ready!(self.poll_fill(context, buffer))?;
            if !frames.judge(&buffer.filled()[before..], clock::instant().into_std()) {
                return Poll::Ready(Ok(()));
            }
            buffer.set_filled(before);
            // From here on the connection has a last deadline.
            pace.linger();
        }
        ready!(frames.poll_farewell(&mut self.stream, context));
        self.poll_end(context)
    }

    /// Shuts our side, and reads on until the client has shut its own: unread bytes at
    /// close make the kernel send a reset, which can take our answer from the client. The
    /// connection's clock bounds this.
    fn poll_end(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_shutdown(context))?;
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

impl AsyncRead for Paced {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Self { wire, pace, gate } = &mut *self;
        match gate {
            Gate::Heads(heads) => wire.poll_heads(heads, context, buffer),
            Gate::Frames(frames) => wire.poll_frames(frames, pace, context, buffer),
        }
    }
}

impl Paced {
    fn mark<T>(&self, outcome: Poll<T>) -> Poll<T> {
        // A stuck HTTP/2 client still gets our pings: only its streams show progress.
        let always = matches!(self.gate, Gate::Heads(_));
        if always || outcome.is_pending() || self.pace.stage() == Stage::Stalled {
            self.pace.sent(outcome.is_ready());
        }
        outcome
    }

    fn write(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.gate {
            Gate::Heads(_) => Pin::new(&mut self.wire.stream).poll_write(context, bytes),
            Gate::Frames(frames) => frames.poll_write(&mut self.wire.stream, context, bytes),
        }
    }

    fn write_all(
        &mut self,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let stream = Pin::new(&mut self.wire.stream);
        match &mut self.gate {
            Gate::Heads(_) => stream.poll_write_vectored(context, slices),
            Gate::Frames(frames) if frames.is_ending() => {
                let first = slices.iter().find(|slice| !slice.is_empty());
                self.write(context, first.map_or(&[], |slice| &slice[..]))
            }
            Gate::Frames(frames) => {
                let written = ready!(stream.poll_write_vectored(context, slices))?;
                frames.sent(slices, written);
                Poll::Ready(Ok(written))
            }
        }
    }
}

impl AsyncWrite for Paced {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let outcome = self.write(context, bytes);
        self.mark(outcome)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let small = joined(slices, |bytes| self.write(context, bytes));
        let outcome = small.unwrap_or_else(|| self.write_all(context, slices));
        self.mark(outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.wire.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.wire.stream).poll_flush(context);
        // TLS holds an answer's last bytes until they fit.
        if outcome.is_pending() || self.pace.stage() == Stage::Stalled {
            self.pace.sent(outcome.is_ready());
        }
        outcome
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.pace.linger();
        self.wire.poll_end(context)
    }
}
