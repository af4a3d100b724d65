//! A whole head that announces a body, whose bytes come one by one.

use std::time::Duration;

use super::talk::{Ears, talk};
use super::wire::{Gone, Wire};

const EVERY: Duration = Duration::from_secs(2);
/// Bytes that are announced.
const LENGTH: usize = 1_000;

pub async fn live(wire: Wire) -> Gone {
    let every = wire.ground.attack.every.map_or(EVERY, |every| every.0);
    let mut head = wire.ground.head(LENGTH, "").into_bytes();
    talk(wire, Ears::Answers, move |_, out| {
        if head.is_empty() {
            out.push(b' ');
        } else {
            out.append(&mut head);
        }
        Some(every)
    })
    .await
}
