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
    let mut state = State { streams: None, heard: Vec::new(), out: Vec::new(), next: None };
    if !matches!(ears, Ears::Frames) {
        state.streams = Some(0);
    }
    let mut out = Vec::new();
    let mut at = 0;
    let mut buffer = [0; 4_096];
    loop {
        if at == out.len() {
            (out, at) = (std::mem::take(&mut state.out), 0);
        }
        if at == out.len()
            && let Some(streams) = state.streams
            && state.next.is_none_or(|next| next <= Instant::now())
        {
            if state.next.is_none() {
                let now = wire.ground.now();
                wire.note(|fate| fate.hostile = Some(now));
            }
            let pause = say(streams, &mut out).unwrap_or(SILENCE);
            state.next = Some(Instant::now() + pause);
        }
        let due = state.next.unwrap_or_else(|| Instant::now() + SILENCE);
        let (mut reader, mut writer) = wire.stream.split();
        let room = if let Ears::Sips(bytes, _) = ears { bytes } else { buffer.len() };
        let room = &mut buffer[..room.min(4_096)];
        tokio::select! {
            read = async { pause_of(ears).await; reader.read(room).await } => match read {
                Ok(0) => {
                    state.last(&wire, ears);
                    return wire.end(How::Closed);
                }
                Ok(count) => state.hear(&wire, ears, &buffer[..count]),
                Err(error) => return wire.broke(&error),
            },
            wrote = writer.write(&out[at..]), if at < out.len() => match wrote {
                Ok(count) => {
                    at += count;
                    wire.sent(count);
                }
                Err(error) => return broke_off(wire, state, ears, &error).await,
            },
            () = sleep_until(due), if at == out.len() => {}
        }
    }
}

/// Where it could not be written, there may still be something to be read.
async fn broke_off(mut wire: Wire, mut state: State, ears: Ears, error: &std::io::Error) -> Gone {
    let mut rest = Vec::with_capacity(4_096);
    while let Ok(count @ 1..) = wire.stream.read_buf(&mut rest).await {
        let from = rest.len() - count;
        state.hear(&wire, ears, &rest[from..]);
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
    /// The streams that the server allows, once the script may begin.
    streams: Option<u32>,
    heard: Vec<u8>,
    /// To be said before the script goes on.
    out: Vec<u8>,
    next: Option<Instant>,
}

impl State {
    fn hear(&mut self, wire: &Wire, ears: Ears, bytes: &[u8]) {
        match ears {
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
    fn last(&mut self, wire: &Wire, ears: Ears) {
        if let (Ears::Answers, Some(whole)) = (ears, answers::read(&self.heard, true)) {
            wire.ground.seen.borrow_mut().answered(whole.answer);
        }
    }

    fn frame(&mut self, wire: &Wire, frame: &Frame) {
        match frame.kind {
            SETTINGS if frame.flags & ACK == 0 => {
                frames::write(&mut self.out, SETTINGS, ACK, 0, &[]);
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
