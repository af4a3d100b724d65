//! Large batches, one after another over a connection each: of many small calls, or of
//! heavy ones. The answer is read while the batch is still being sent.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::{Instant, sleep_until};

use super::answers;
use super::seen::How;
use super::wire::{Gone, Wire};

/// Calls of a batch.
const SIZE: u64 = 100;

pub async fn live(wire: Wire) -> Gone {
    let ground = std::rc::Rc::clone(&wire.ground);
    let place = wire.place;
    let turn = Duration::from_secs_f64(1.0 / ground.attack.rate.unwrap_or(1.0));
    let size = ground.attack.size.unwrap_or(SIZE);
    let request = request(&ground, size);
    let mut due = Instant::now();
    let mut wire = Some(wire);
    loop {
        sleep_until(due).await;
        due += turn;
        if wire.is_none() {
            wire = Wire::open(&ground, place).await.ok();
        }
        if let Some(open) = wire.take() {
            send(open, &request).await;
        }
    }
}

fn request(ground: &super::Ground, size: u64) -> Vec<u8> {
    let mut body = String::with_capacity(64 * usize::try_from(size).unwrap_or(0));
    for id in 1..=size {
        body.push(if id == 1 { '[' } else { ',' });
        body.push_str(&ground.call(id));
    }
    body.push(']');
    (ground.head(body.len(), "") + &body).into_bytes()
}

/// Sends one and takes in what comes back.
async fn send(mut wire: Wire, request: &[u8]) -> Gone {
    wire.ground.seen.borrow_mut().requests += 1;
    let (mut at, mut heard) = (0, Vec::new());
    loop {
        let (mut reader, mut writer) = wire.stream.split();
        // A write that fails does not keep the answer from being read.
        tokio::select! {
            read = reader.read_buf(&mut heard) => match read {
                Ok(0) => return finish(wire, &heard, How::Closed),
                Ok(_) if answers::read(&heard, false).is_some() => {
                    return finish(wire, &heard, How::Open);
                }
                Ok(_) => {}
                Err(_) => return finish(wire, &heard, How::Reset),
            },
            wrote = writer.write(&request[at..]), if at < request.len() => match wrote {
                Ok(count) => {
                    at += count;
                    wire.sent(count);
                }
                Err(_) => at = request.len(),
            },
        }
    }
}

fn finish(mut wire: Wire, heard: &[u8], how: How) -> Gone {
    if let Some(whole) = answers::read(heard, how != How::Open) {
        let mut seen = wire.ground.seen.borrow_mut();
        seen.results += whole.results;
        seen.errors += whole.errors;
        seen.answered(whole.answer);
    }
    wire.end(how)
}
