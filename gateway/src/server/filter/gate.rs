//! The filter in the way of what is read and written: bytes into hyper's own buffer where
//! possible, held back where they must be.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Instant,
};

use tokio::io::{AsyncWrite, ReadBuf};

use super::{
    h1::{Scanner, Stop},
    h2::Counter,
};
use crate::server::pace::Pace;

/// What hyper reads in place of a head that is refused: the service answers it by its
/// number ([`Pace::refusal`]), so nothing in it could be forged. An answer to HEAD has no
/// body, hence the second.
const STAND_IN: &[u8] = b"GET / HTTP/1.1\r\n\r\n";
const STAND_IN_HEAD: &[u8] = b"HEAD / HTTP/1.1\r\n\r\n";

/// A connection's filter.
#[derive(Debug)]
pub enum Gate {
    Heads(Heads),
    Frames(Frames),
}

/// HTTP/1, inbound.
#[derive(Debug)]
pub struct Heads {
    scanner: Scanner,
    pace: Arc<Pace>,
    /// Bytes that hyper has not got: those that passed, then the beginning of a head.
    held: Vec<u8>,
    /// So many of `held` passed.
    passed: usize,
    /// So many of those hyper has got.
    given: usize,
    stop: Option<Stop>,
}

impl Heads {
    pub fn new(pace: Arc<Pace>) -> Self {
        let scanner = Scanner::default();
        Self { scanner, pace, held: Vec::new(), passed: 0, given: 0, stop: None }
    }

    /// Why nothing more is read, once everything that passed was given.
    pub fn stop(&self) -> Option<Stop> {
        self.stop
    }

    /// Gives what passed and is held; whether there was any.
    pub fn give(&mut self, buffer: &mut ReadBuf<'_>) -> bool {
        if self.passed == 0 {
            return false;
        }
        let waiting = &self.held[self.given..self.passed];
        let length = waiting.len().min(buffer.remaining());
        buffer.put_slice(&waiting[..length]);
        self.given += length;
        if self.given == self.passed {
            // A new vector: the old one may be as large as a head can be.
            self.held = self.held[self.passed..].to_vec();
            (self.passed, self.given) = (0, 0);
        }
        true
    }

    /// Judges what was read to `buffer` after its first `before` bytes; what does not pass
    /// is taken out again. Nothing that passed is held when this is called.
    pub fn judge(&mut self, buffer: &mut ReadBuf<'_>, before: usize) {
        let fresh = &buffer.filled()[before..];
        if self.held.is_empty() {
            let scan = self.scanner.scan(fresh);
            self.held.extend_from_slice(&fresh[scan.passed..]);
            buffer.set_filled(before + scan.passed);
            self.end(scan.stop);
        } else {
            self.held.extend_from_slice(fresh);
            buffer.set_filled(before);
            let scan = self.scanner.scan(&self.held);
            self.passed = scan.passed;
            self.end(scan.stop);
        }
        self.pace.heads(self.held.len() > self.passed);
    }

    fn end(&mut self, stop: Option<Stop>) {
        let Some(stop) = stop else { return };
        self.stop = Some(stop);
        let refused = self.held.split_off(self.passed);
        if let Stop::Head(fault) = stop {
            let bodiless = refused.trim_ascii_start().starts_with(b"HEAD ");
            self.held.extend_from_slice(if bodiless { STAND_IN_HEAD } else { STAND_IN });
            self.passed = self.held.len();
            self.pace.refuse(self.scanner.heads(), fault);
        }
    }
}

/// HTTP/2, both ways.
#[derive(Debug, Default)]
pub struct Frames {
    counter: Counter,
    /// Bytes of our GOAWAY that were written, once it is due.
    farewell: Option<usize>,
}

impl Frames {
    /// Judges what was read; whether it is the last that hyper sees.
    pub fn judge(&mut self, bytes: &[u8], now: Instant) -> bool {
        let flood = self.counter.received(bytes, now);
        if flood {
            self.farewell.get_or_insert(0);
        }
        flood
    }

    pub fn is_ending(&self) -> bool {
        self.farewell.is_some()
    }

    /// Writes our GOAWAY, once a frame of hyper's that has begun is whole.
    pub fn poll_farewell<S: AsyncWrite + Unpin>(
        &mut self,
        stream: &mut S,
        context: &mut Context<'_>,
    ) -> Poll<()> {
        let goaway = self.counter.goaway();
        let Some(written) = &mut self.farewell else { return Poll::Pending };
        while *written < goaway.len() {
            if !self.counter.outbound().is_between() {
                return Poll::Pending;
            }
            match ready!(Pin::new(&mut *stream).poll_write(context, &goaway[*written..])) {
                Ok(length) if length > 0 => *written += length,
                // Nobody is there to read it.
                _ => *written = goaway.len(),
            }
            if *written == goaway.len() {
                // hyper is told by its next read.
                context.waker().wake_by_ref();
            }
        }
        Poll::Ready(())
    }

    /// Writes of `bytes` what may still be written; the rest counts as written once our
    /// farewell is.
    pub fn poll_write<S: AsyncWrite + Unpin>(
        &mut self,
        stream: &mut S,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        let mut bytes = bytes;
        if self.is_ending() {
            if self.counter.outbound().is_between() {
                ready!(self.poll_farewell(stream, context));
                return Poll::Ready(Ok(bytes.len()));
            }
            bytes = &bytes[..self.counter.outbound().rest(bytes)];
        }
        let written = ready!(Pin::new(&mut *stream).poll_write(context, bytes))?;
        self.counter.sent(&bytes[..written]);
        if self.is_ending() {
            // Its own wake-up goes on with it.
            let _later = self.poll_farewell(stream, context);
        }
        Poll::Ready(Ok(written))
    }

    /// What was written at once from several slices.
    pub fn sent(&mut self, slices: &[std::io::IoSlice<'_>], mut written: usize) {
        for slice in slices {
            let length = slice.len().min(written);
            self.counter.sent(&slice[..length]);
            written -= length;
        }
    }
}
