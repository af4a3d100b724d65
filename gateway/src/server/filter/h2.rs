//! HTTP/2: frames counted by their headers; no payload is looked at.
//!
//! Control frames cost their sender nothing and us a parse, an answer, or a wake-up. A
//! client may send [`FREE`] of them in a second, besides those that its own requests
//! explain: windows opened for answers, streams given up, pings that measure a way. hyper
//! stops rapid resets and CONTINUATION floods itself; this sees all of them alike.

use std::time::{Duration, Instant};

/// Control frames in a second that nothing explains.
pub const FREE: u32 = 100;
/// Control frames that one frame of a head or of data explains: a window is opened for the
/// stream and for the connection.
const EXPLAINED: u32 = 2;
/// Most explained control frames that may be outstanding: answers of 8 MiB in flight to a
/// client that opens its windows frame by frame.
const MOST_EXPLAINED: u32 = 1024;

/// What a connection begins with (RFC 9113, section 3.4).
const PREFACE: u32 = 24;
const FRAME_HEADER: usize = 9;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const GOAWAY: u8 = 7;
const END_STREAM: u8 = 1;
const ENHANCE_YOUR_CALM: u8 = 11;

/// A frame's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    pub length: u32,
    pub kind: u8,
    pub flags: u8,
    pub stream: u32,
}

impl Frame {
    fn read(header: [u8; FRAME_HEADER]) -> Self {
        let [l0, l1, l2, kind, flags, s0, s1, s2, s3] = header;
        Self {
            length: u32::from_be_bytes([0, l0, l1, l2]),
            kind,
            flags,
            stream: u32::from_be_bytes([s0 & 0x7f, s1, s2, s3]),
        }
    }

    /// Whether it carries a part of a request or an answer. DATA without data does so only
    /// at the end.
    fn carries(&self) -> bool {
        match self.kind {
            HEADERS => true,
            DATA => self.length > 0 || self.flags & END_STREAM != 0,
            _ => false,
        }
    }
}

/// Where one direction is in its frames.
#[derive(Clone, Debug, Default)]
pub struct Walker {
    header: [u8; FRAME_HEADER],
    /// Bytes of the header that have come.
    have: usize,
    /// Bytes of the payload that are still to come.
    left: u32,
}

impl Walker {
    /// Between two frames.
    pub fn is_between(&self) -> bool {
        self.have == 0 && self.left == 0
    }

    /// Goes over `bytes`, and calls `seen` for each header that they complete.
    pub fn walk(&mut self, mut bytes: &[u8], mut seen: impl FnMut(Frame)) {
        while !bytes.is_empty() {
            let (length, frame) = self.step(bytes);
            bytes = &bytes[length..];
            frame.into_iter().for_each(&mut seen);
        }
    }

    /// How many of `bytes` belong to the frame under way.
    pub fn rest(&self, bytes: &[u8]) -> usize {
        let (mut ahead, mut length) = (self.clone(), 0);
        while length < bytes.len() && !ahead.is_between() {
            length += ahead.step(&bytes[length..]).0;
        }
        length
    }

    /// Takes a piece of a payload or of a header; the header if that completes it.
    fn step(&mut self, bytes: &[u8]) -> (usize, Option<Frame>) {
        if self.left > 0 {
            let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX).min(self.left);
            self.left -= length;
            return (length as usize, None);
        }
        let length = bytes.len().min(FRAME_HEADER - self.have);
        self.header[self.have..self.have + length].copy_from_slice(&bytes[..length]);
        self.have += length;
        if self.have < FRAME_HEADER {
            return (length, None);
        }
        self.have = 0;
        let frame = Frame::read(self.header);
        self.left = frame.length;
        (length, Some(frame))
    }
}

/// Both directions of one connection.
#[derive(Debug)]
pub struct Counter {
    inbound: Walker,
    outbound: Walker,
    /// Control frames that have come unexplained, less those that time has forgiven.
    level: u32,
    /// Until when time has forgiven.
    since: Option<Instant>,
    explained: u32,
    /// The last stream that the client began.
    stream: u32,
}

impl Default for Counter {
    /// Before the client's preface.
    fn default() -> Self {
        let inbound = Walker { left: PREFACE, ..Walker::default() };
        let outbound = Walker::default();
        Self { inbound, outbound, level: 0, since: None, explained: 0, stream: 0 }
    }
}

impl Counter {
    /// Takes what the client sent; whether it was a flood.
    pub fn received(&mut self, bytes: &[u8], now: Instant) -> bool {
        let mut walker = std::mem::take(&mut self.inbound);
        let mut flood = false;
        walker.walk(bytes, |frame| flood |= self.count(frame, now));
        self.inbound = walker;
        flood
    }

    /// Takes what was sent to the client.
    pub fn sent(&mut self, bytes: &[u8]) {
        let explained = &mut self.explained;
        self.outbound.walk(bytes, |frame| {
            if frame.carries() {
                *explained = (*explained + EXPLAINED).min(MOST_EXPLAINED);
            }
        });
    }

    /// What is sent to the client, frame by frame.
    pub fn outbound(&self) -> &Walker {
        &self.outbound
    }

    fn count(&mut self, frame: Frame, now: Instant) -> bool {
        if frame.carries() {
            if frame.kind == HEADERS {
                self.stream = self.stream.max(frame.stream);
            }
            self.explained = (self.explained + EXPLAINED).min(MOST_EXPLAINED);
            return false;
        }
        if let Some(left) = self.explained.checked_sub(1) {
            self.explained = left;
            return false;
        }
        self.forgive(now);
        self.level += 1;
        self.level > FREE
    }

    /// Time forgives evenly, [`FREE`] in a second.
    fn forgive(&mut self, now: Instant) {
        const EACH: Duration = Duration::from_nanos(1_000_000_000 / FREE as u64);
        let since = *self.since.get_or_insert(now);
        let passed = now.saturating_duration_since(since).as_nanos() / EACH.as_nanos();
        let forgiven = u32::try_from(passed).unwrap_or(u32::MAX);
        self.level = self.level.saturating_sub(forgiven);
        self.since = Some(if self.level == 0 { now } else { since + EACH * forgiven });
    }

    /// GOAWAY(ENHANCE_YOUR_CALM): nothing after the last stream seen was worked on.
    pub fn goaway(&self) -> [u8; 17] {
        let [s0, s1, s2, s3] = self.stream.to_be_bytes();
        [0, 0, 8, GOAWAY, 0, 0, 0, 0, 0, s0, s1, s2, s3, 0, 0, 0, ENHANCE_YOUR_CALM]
    }
}

#[cfg(test)]
mod tests;
