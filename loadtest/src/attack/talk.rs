//! A connection that follows a script: what to say next and how long to be silent then,
//! while everything that comes is read and looked at, or hardly read.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::{Instant, sleep, sleep_until};

use super::answers;
use super::frames::{self, ACK, Frame, MAX_CONCURRENT_STREAMS, SETTINGS};
use super::seen::{Answer, How};
use super::wire::{Gone, Wire};

/// An answer that has not ended after so many bytes is not looked at.
const LOOKED_AT: usize = 64 * 1_024;
/// Frames are sent in bundles, so often.
const BUNDLE: Duration = Duration::from_millis(10);
/// Until nothing more is to be said.
const SILENCE: Duration = Duration::from_secs(3_600);

/// What a script says: appends bytes, and tells how long to be silent then; `None`: for good.
pub type Said = Option<Duration>;

/// How a client listens.
#[derive(Clone, Copy, Debug)]
pub enum Ears {
    /// Reads HTTP/1.1 answers.
    Answers,
    /// Reads so many bytes in a while, and looks at none.
    Sips(usize, Duration),
    /// Reads frames; the script begins when the server's SETTINGS are acknowledged, with the
    /// number of streams that it allows.
    Frames,
}

/// Lives by a script until the connection ends. `say` gets the streams that the server
/// allows, over HTTP/2.
pub async fn talk(
    mut wire: Wire,
    ears: Ears,
    mut say: impl FnMut(u32, &mut Vec<u8>) -> Said,
) -> Gone {
    let mut state = State::new(ears);
    let mut buffer = [0; 4_096];
    let room = if let Ears::Sips(bytes, _) = ears { bytes } else { buffer.len() };
    loop {
        state.speak(&wire, &mut say);
        let due = state.next.unwrap_or_else(|| Instant::now() + SILENCE);
        let (mut reader, mut writer) = wire.stream.split();
        let out = &state.out[state.written..];
        tokio::select! {
            read = async { pause_of(ears).await; reader.read(&mut buffer[..room]).await } => {
                match read {
                    Ok(0) => {
                        state.last(&wire);
                        return wire.end(How::Closed);
                    }
                    // What is sipped hides the end for long.
                    Ok(_) if matches!(ears, Ears::Sips(..)) && wire.is_over() => {
                        return wire.end(How::Closed);
                    }
                    Ok(count) => state.hear(&wire, &buffer[..count]),
                    Err(error) => return wire.broke(&error),
                }
            },
            wrote = writer.write(out), if !out.is_empty() => match wrote {
                Ok(count) => {
                    state.written += count;
                    wire.sent(count);
                }
                Err(error) => return broke_off(wire, state, &error).await,
            },
            () = sleep_until(due), if out.is_empty() => {}
        }
    }
}

/// Where it could not be written, there may still be something to be read.
async fn broke_off(mut wire: Wire, mut state: State, error: &std::io::Error) -> Gone {
    let mut rest = Vec::with_capacity(4_096);
    while let Ok(count @ 1..) = wire.stream.read_buf(&mut rest).await {
        let from = rest.len() - count;
        state.hear(&wire, &rest[from..]);
        rest.clear();
    }
    wire.broke(error)
}

async fn pause_of(ears: Ears) {
    if let Ears::Sips(_, every) = ears {
        sleep(every).await;
    }
}

/// Of a connection that follows a script.
struct State {
    ears: Ears,
    /// The streams that the server allows, once the script may begin.
    streams: Option<u32>,
    heard: Vec<u8>,
    /// What is being said, and how much of it was written.
    out: Vec<u8>,
    written: usize,
    /// To be said before the script goes on.
    polite: Vec<u8>,
    /// When the script goes on, once it began.
    next: Option<Instant>,
}

impl State {
    fn new(ears: Ears) -> Self {
        let streams = if matches!(ears, Ears::Frames) { None } else { Some(0) };
        let (heard, out, polite) = (Vec::new(), Vec::new(), Vec::new());
        Self { ears, streams, heard, out, written: 0, polite, next: None }
    }

    /// When all is written that was to be said: what is to be said next.
    fn speak(&mut self, wire: &Wire, say: &mut impl FnMut(u32, &mut Vec<u8>) -> Said) {
        if self.written < self.out.len() {
            return;
        }
        self.out.clear();
        self.out.append(&mut self.polite);
        self.written = 0;
        let Some(streams) = self.streams else { return };
        if self.next.is_some_and(|next| next > Instant::now()) {
            return;
        }
        if self.next.is_none() {
            let now = wire.ground.now();
            wire.note(|fate| fate.hostile = Some(now));
        }
        let pause = say(streams, &mut self.out).unwrap_or(SILENCE);
        self.next = Some(Instant::now() + pause);
    }

    fn hear(&mut self, wire: &Wire, bytes: &[u8]) {
        match self.ears {
            Ears::Sips(..) => {}
            Ears::Answers => {
                if self.heard.len() < LOOKED_AT {
                    self.heard.extend_from_slice(bytes);
                }
                while let Some(whole) = answers::read(&self.heard, false) {
                    self.heard.drain(..whole.length);
                    wire.ground.seen.borrow_mut().answered(whole.answer);
                }
            }
            Ears::Frames => {
                self.heard.extend_from_slice(bytes);
                while let Some(frame) = frames::take(&mut self.heard) {
                    self.frame(wire, &frame);
                }
            }
        }
    }

    /// The end of the connection may be the end of an answer.
    fn last(&mut self, wire: &Wire) {
        if let (Ears::Answers, Some(whole)) = (self.ears, answers::read(&self.heard, true)) {
            wire.ground.seen.borrow_mut().answered(whole.answer);
        }
    }

    fn frame(&mut self, wire: &Wire, frame: &Frame) {
        match frame.kind {
            SETTINGS if frame.flags & ACK == 0 => {
                frames::write(&mut self.polite, SETTINGS, ACK, 0, &[]);
                let streams = frame.setting(MAX_CONCURRENT_STREAMS).unwrap_or(u32::MAX);
                self.streams = Some(streams);
            }
            frames::GOAWAY => {
                let code = frame.code().unwrap_or(0);
                let now = wire.ground.now();
                wire.note(|fate| {
                    if code != 0 && fate.goaway.is_none() {
                        fate.goaway = Some((code, now));
                    }
                });
            }
            frames::RST_STREAM => {
                let code = frame.code().unwrap_or(0);
                *wire.ground.seen.borrow_mut().resets.entry(code).or_default() += 1;
            }
            frames::HEADERS => {
                let status = frame.status().unwrap_or(0);
                let answer = Answer { status, code: None, reason: None };
                wire.ground.seen.borrow_mut().answered(answer);
            }
            _ => {}
        }
    }
}

/// A flood over HTTP/2: the preface with `settings`, then frames at the attack's rate, each
/// written by `frame`, which gets its number.
pub async fn flood(
    mut wire: Wire,
    settings: &[(u16, u32)],
    rate: f64,
    mut frame: impl FnMut(u64, &mut Vec<u8>),
) -> Gone {
    let mut opening = frames::PREFACE.to_vec();
    frames::settings(&mut opening, settings);
    if let Err(gone) = wire.send(&opening).await {
        return gone;
    }
    let rate = wire.ground.attack.rate.unwrap_or(rate);
    let (mut began, mut number) = (None, 0);
    talk(wire, Ears::Frames, move |_, out| {
        let began = *began.get_or_insert_with(Instant::now);
        let due = (began.elapsed() + BUNDLE).as_secs_f64() * rate;
        while (number as f64) < due {
            frame(number, out);
            number += 1;
        }
        Some(BUNDLE)
    })
    .await
}
