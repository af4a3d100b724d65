//! Request bodies: read whole, under limits on size, time and on all in flight.

use std::{
    error::Error,
    future::poll_fn,
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::{Instant, timeout_at},
};

use crate::{clock, wake::quietly};

/// How long a body may take: a client that trickles one must not hold memory for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BodyTiming {
    /// Without any bound on the rate. Default 5 s.
    pub grace: Duration,
    /// Bytes a second after that, over the whole body. Default 1 KiB.
    pub rate: u32,
    /// In all. Default 15 s.
    pub total: Duration,
}

impl Default for BodyTiming {
    fn default() -> Self {
        Self { grace: Duration::from_secs(5), rate: 1024, total: Duration::from_secs(15) }
    }
}

impl BodyTiming {
    /// Time from the start until which the next bytes must come.
    fn allowed(&self, received: u64) -> Duration {
        let earned = Duration::from_secs_f64(received as f64 / f64::from(self.rate.max(1)));
        self.total.min(self.grace.saturating_add(earned))
    }
}

/// Why a body was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unread {
    TooLarge {
        actual: Option<u64>,
    },
    /// All bodies in flight take their whole budget.
    Full,
    TooSlow,
    /// Its chunks cannot be read.
    Broken,
    /// Its client ended it early.
    Truncated,
}

/// What one body may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub limit: u64,
    pub timing: BodyTiming,
    /// The connection carries nothing but this exchange: HTTP/1.
    pub alone: bool,
}

/// A body's bytes and their part of the budget.
#[derive(Debug)]
pub(super) struct Text {
    pub bytes: Bytes,
    pub held: Held,
}

/// Reads a body whole. Its declared length is judged before the first poll: that
/// poll is what makes hyper say `100 Continue`.
pub(super) async fn read(
    body: Incoming,
    bounds: Bounds,
    room: Option<&Room>,
    budget: &Arc<Budget>,
) -> Result<Text, Unread> {
    let declared = body.size_hint().exact();
    if let Some(actual) = declared.filter(|length| *length > bounds.limit) {
        return Err(Unread::TooLarge { actual: Some(actual) });
    }
    let mut held = Held { budget: Arc::clone(budget), bytes: 0 };
    held.grow_to(declared.unwrap_or_default())?;
    let place = room.map(Place::new);
    Reading { body, bounds, started: clock::instant() }.whole(declared, held, place).await
}

struct Reading {
    body: Incoming,
    bounds: Bounds,
    started: Instant,
}

impl Reading {
    async fn whole(
        mut self,
        declared: Option<u64>,
        mut held: Held,
        mut place: Option<Place<'_>>,
    ) -> Result<Text, Unread> {
        let Some(first) = self.next(0).await? else {
            return Ok(Text { bytes: Bytes::new(), held });
        };
        let mut received = first.len() as u64;
        held.grow_to(self.within(received)?)?;
        if declared == Some(received) {
            return Ok(Text { bytes: first, held });
        }
        let mut bytes = BytesMut::from(first);
        loop {
            self.make_room(&mut place, received).await?;
            let Some(more) = self.next(received).await? else { break };
            received += more.len() as u64;
            held.grow_to(self.within(received)?)?;
            bytes.extend_from_slice(&more);
        }
        Ok(Text { bytes: bytes.freeze(), held })
    }

    /// Waits until so much may be held. What is not polled meanwhile keeps its window shut.
    async fn make_room(&self, place: &mut Option<Place<'_>>, received: u64) -> Result<(), Unread> {
        let Some(place) = place else { return Ok(()) };
        if place.fits(received) {
            return Ok(());
        }
        let until = self.started + self.bounds.timing.allowed(received);
        timeout_at(until, Box::pin(place.wait(received))).await.map_err(|_| Unread::TooSlow)?
    }

    fn within(&self, received: u64) -> Result<u64, Unread> {
        if received > self.bounds.limit {
            return Err(Unread::TooLarge { actual: None });
        }
        Ok(received)
    }

    /// The next frame. Taking one makes hyper wake its connection so that the next is
    /// read; after the last one that is a poll for nothing, and left out.
    fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let body = Pin::new(&mut self.body);
        if !self.bounds.alone {
            return body.poll_frame(cx);
        }
        let (polled, rang) = quietly(|| body.poll_frame(cx));
        if rang && !self.body.is_end_stream() {
            cx.waker().wake_by_ref();
        }
        polled
    }

    /// The next data; trailers are read and dropped.
    async fn next(&mut self, received: u64) -> Result<Option<Bytes>, Unread> {
        let until = self.started + self.bounds.timing.allowed(received);
        loop {
            // Most bodies came with their head: no timer for them.
            let frame = match poll_fn(|cx| Poll::Ready(self.poll_frame(cx))).await {
                Poll::Ready(frame) => frame,
                Poll::Pending => {
                    let frame = poll_fn(|cx| self.poll_frame(cx));
                    timeout_at(until, frame).await.map_err(|_| Unread::TooSlow)?
                }
            };
            match frame.transpose().map_err(|error| unread(&error))?.map(Frame::into_data) {
                None => return Ok(None),
                Some(Ok(data)) if !data.is_empty() => return Ok(Some(data)),
                Some(_) => {}
            }
        }
    }
}

/// Whether a body that failed was broken or cut short: the first is answered.
fn unread(error: &hyper::Error) -> Unread {
    let cause = error.source().and_then(|cause| cause.downcast_ref::<io::Error>());
    match cause.map(io::Error::kind) {
        Some(io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData) => Unread::Broken,
        _ => Unread::Truncated,
    }
}

/// Reads and drops what is left of a short body, so that its connection can go
/// on. `false` when it does not end in time or within `limit`.
pub(super) async fn discard(mut body: Incoming, limit: u64, timing: BodyTiming) -> bool {
    let until = Instant::now() + timing.grace;
    let mut received = 0;
    while !body.is_end_stream() {
        let Ok(Some(Ok(frame))) = timeout_at(until, body.frame()).await else {
            return false;
        };
        received += frame.data_ref().map_or(0, |data| data.len() as u64);
        if received > limit {
            return false;
        }
    }
    true
}

/// What the bodies that one HTTP/2 connection sends together may hold: so much, and one
/// body besides, of whatever length it may have.
#[derive(Debug)]
pub struct Room {
    /// In KiB.
    shared: Semaphore,
    alone: Semaphore,
    /// Bodies that may wait: each can hold a stream's window, and all of them together must
    /// not take the connection's, which the one that is read needs.
    waiting: Semaphore,
}

const ROOM_KIB: usize = 1024;
const WAITING: usize = 12;

impl Default for Room {
    fn default() -> Self {
        Self {
            shared: Semaphore::new(ROOM_KIB),
            alone: Semaphore::new(1),
            waiting: Semaphore::new(WAITING),
        }
    }
}

/// One body's part of a room.
#[derive(Debug)]
struct Place<'a> {
    room: &'a Room,
    shared: Option<SemaphorePermit<'a>>,
    alone: Option<SemaphorePermit<'a>>,
}

impl<'a> Place<'a> {
    fn new(room: &'a Room) -> Self {
        Self { room, shared: None, alone: None }
    }

    /// KiB that `bytes` need besides those that are held.
    fn lacks(&self, bytes: u64) -> u32 {
        let needed = usize::try_from(bytes.div_ceil(1024)).unwrap_or(usize::MAX);
        let held = self.shared.as_ref().map_or(0, SemaphorePermit::num_permits);
        let lacks = if self.alone.is_some() { 0 } else { needed.saturating_sub(held) };
        u32::try_from(lacks).unwrap_or(u32::MAX)
    }

    /// Takes room for `bytes` in all, if there is.
    fn fits(&mut self, bytes: u64) -> bool {
        let lacks = self.lacks(bytes);
        if lacks == 0 {
            return true;
        }
        if let Ok(more) = self.room.shared.try_acquire_many(lacks) {
            self.grow(more);
            return true;
        }
        self.alone = self.room.alone.try_acquire().ok();
        self.leave()
    }

    /// Waits for it; too many that wait are refused.
    async fn wait(&mut self, bytes: u64) -> Result<(), Unread> {
        let _waits = self.room.waiting.try_acquire().map_err(|_| Unread::Full)?;
        tokio::select! {
            biased;
            Ok(more) = self.room.shared.acquire_many(self.lacks(bytes)) => self.grow(more),
            Ok(alone) = self.room.alone.acquire() => {
                self.alone = Some(alone);
                self.leave();
            }
            else => return Err(Unread::Full),
        }
        Ok(())
    }

    fn grow(&mut self, more: SemaphorePermit<'a>) {
        match &mut self.shared {
            Some(held) => held.merge(more),
            None => self.shared = Some(more),
        }
    }

    /// The one that is read alone needs no part of what the others share.
    fn leave(&mut self) -> bool {
        if self.alone.is_some() {
            self.shared = None;
        }
        self.alone.is_some()
    }
}

/// A worker's share of the bytes that bodies in flight may hold together. It
/// borrows from the common pool in pieces, so that a call's body touches no
/// count that other cores write.
#[derive(Debug)]
pub(super) struct Budget {
    pool: Arc<AtomicU64>,
    /// Borrowed and unused.
    spare: AtomicU64,
}

/// Least that is borrowed at once.
const PIECE: u64 = 256 * 1024;

impl Budget {
    /// A share of `pool`, which holds the bytes still free.
    pub fn new(pool: Arc<AtomicU64>) -> Arc<Self> {
        Arc::new(Self { pool, spare: AtomicU64::new(0) })
    }

    fn take(&self, bytes: u64) -> Result<(), Unread> {
        if subtract(&self.spare, bytes) {
            return Ok(());
        }
        let piece = bytes.max(PIECE);
        if subtract(&self.pool, piece) {
            self.spare.fetch_add(piece - bytes, Ordering::Relaxed);
            return Ok(());
        }
        // The pool's last bytes are less than a piece.
        if subtract(&self.pool, bytes) { Ok(()) } else { Err(Unread::Full) }
    }

    fn give(&self, bytes: u64) {
        let spare = self.spare.fetch_add(bytes, Ordering::Relaxed) + bytes;
        let surplus = spare.saturating_sub(PIECE);
        if surplus > PIECE && subtract(&self.spare, surplus) {
            self.pool.fetch_add(surplus, Ordering::Relaxed);
        }
    }
}

impl Drop for Budget {
    fn drop(&mut self) {
        self.pool.fetch_add(*self.spare.get_mut(), Ordering::Relaxed);
    }
}

fn subtract(from: &AtomicU64, bytes: u64) -> bool {
    from.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |have| have.checked_sub(bytes)).is_ok()
}

/// Part of a budget, given back when dropped.
#[derive(Debug)]
pub(super) struct Held {
    budget: Arc<Budget>,
    bytes: u64,
}

impl Held {
    fn grow_to(&mut self, bytes: u64) -> Result<(), Unread> {
        if let Some(more) = bytes.checked_sub(self.bytes).filter(|more| *more > 0) {
            self.budget.take(more)?;
            self.bytes = bytes;
        }
        Ok(())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.budget.give(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn free(pool: &AtomicU64) -> u64 {
        pool.load(Ordering::Relaxed)
    }

    #[test]
    fn a_body_earns_time_by_its_rate_up_to_the_total() {
        let timing = BodyTiming::default();
        for (received, seconds) in [(0, 5), (1024, 6), (5 * 1024, 10), (5 << 20, 15)] {
            assert_eq!(timing.allowed(received), Duration::from_secs(seconds), "{received}");
        }
    }

    #[test]
    fn bodies_of_all_workers_share_one_pool() {
        let pool = Arc::new(AtomicU64::new(1 << 20));
        let (one, other) = (Budget::new(Arc::clone(&pool)), Budget::new(Arc::clone(&pool)));
        let mut first = Held { budget: Arc::clone(&one), bytes: 0 };
        let mut second = Held { budget: Arc::clone(&other), bytes: 0 };
        assert_eq!(first.grow_to(700 << 10), Ok(()));
        assert_eq!(second.grow_to(400 << 10), Err(Unread::Full));
        assert_eq!(second.grow_to(300 << 10), Ok(()));
        drop(first);
        assert_eq!(second.grow_to(900 << 10), Err(Unread::Full), "the first worker keeps spare");
        drop(one);
        assert_eq!(second.grow_to(900 << 10), Ok(()));
        drop((second, other));
        assert_eq!(free(&pool), 1 << 20, "everything comes back");
    }

    #[test]
    fn small_bodies_leave_the_pool_alone() {
        let pool = Arc::new(AtomicU64::new(1 << 20));
        let budget = Budget::new(Arc::clone(&pool));
        for _ in 0..10 {
            let mut held = Held { budget: Arc::clone(&budget), bytes: 0 };
            assert_eq!(held.grow_to(120), Ok(()));
        }
        assert_eq!(free(&pool), (1 << 20) - PIECE);
    }

    #[tokio::test]
    async fn bodies_of_one_connection_share_its_room_and_one_goes_beyond_it() {
        let room = Room::default();
        let [mut first, mut second, mut third, mut fourth] = [(); 4].map(|()| Place::new(&room));
        assert!(first.fits(600 << 10) && second.fits(400 << 10));
        assert!(second.fits(700 << 10), "the one that goes beyond it");
        assert!(second.fits(5 << 20) && third.fits(400 << 10), "and shares no more");
        assert!(!first.fits(700 << 10) && !fourth.fits(100 << 10));
        let (waited, ()) = tokio::join!(fourth.wait(100 << 10), async { drop(first) });
        assert_eq!(waited, Ok(()), "room was given back");
        let (waited, ()) = tokio::join!(third.wait(900 << 10), async { drop(second) });
        assert_eq!(waited, Ok(()), "the next one goes beyond it");
    }

    #[tokio::test]
    async fn too_many_that_wait_are_refused() {
        let room = Room::default();
        let (mut alone, mut shared) = (Place::new(&room), Place::new(&room));
        assert!(shared.fits(1 << 20) && alone.fits(2 << 20));
        let _waiting = room.waiting.try_acquire_many(WAITING as u32).unwrap();
        assert_eq!(Place::new(&room).wait(1).await, Err(Unread::Full));
    }
}
