//! Many callers at a common rate: each connection has its turns, and asks when its turn
//! comes, whatever became of others. While its answer is out it misses turns.

use std::rc::Rc;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::Ground;
use super::answers;
use super::seen::How;
use super::wire::{Gone, Wire};

/// What a caller says of where its call comes from: header lines.
pub type Forwarded = fn(&Ground, usize, u64) -> String;

/// All callers, until the end.
pub async fn all(ground: &Rc<Ground>, forwarded: Forwarded) {
    let mut callers = JoinSet::new();
    for place in 0..ground.attack.connections {
        let ground = Rc::clone(ground);
        callers.spawn_local(async move {
            let until = ground.until;
            // At the end of the attack what is open is dropped.
            let _ = timeout_at(until.into(), caller(&ground, place, forwarded)).await;
        });
    }
    while callers.join_next().await.is_some() {}
}

async fn caller(ground: &Rc<Ground>, place: usize, forwarded: Forwarded) {
    let turn = ground.turn();
    let first = turn.mul_f64(place as f64 / ground.attack.connections as f64);
    let mut due = Instant::from(ground.from) + first;
    let mut wire = None;
    for number in 0.. {
        sleep_until(due).await;
        if wire.is_none() {
            wire = Wire::open(ground, place).await.ok();
        }
        if let Some(open) = &mut wire {
            let call = ground.call(1);
            let head = ground.head(call.len(), &forwarded(ground, place, number));
            if ask(open, head + &call).await != Ok(true) {
                wire = None;
            }
        }
        due += turn;
        while due + turn < Instant::now() {
            due += turn;
            ground.seen.borrow_mut().missed += 1;
        }
    }
}

/// Sends a request and waits for its answer; whether the connection can be used again.
pub async fn ask(wire: &mut Wire, request: String) -> Result<bool, Gone> {
    wire.ground.seen.borrow_mut().requests += 1;
    wire.send(request.as_bytes()).await?;
    let mut heard = Vec::with_capacity(1_024);
    loop {
        let ended = wire.read(&mut heard).await.is_err();
        if let Some(whole) = answers::read(&heard, ended) {
            wire.ground.seen.borrow_mut().answered(whole.answer);
            if !whole.kept {
                return Err(wire.end(How::Closed));
            }
            return Ok(!ended);
        }
        if ended {
            return Err(Gone);
        }
    }
}
