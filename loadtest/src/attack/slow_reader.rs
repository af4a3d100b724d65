//! Asks for answers, many in a row, and reads a few bytes of them a second.

use std::time::Duration;

use super::talk::{Ears, talk};
use super::wire::{Gone, Wire};

/// Requests sent one after another.
const REQUESTS: u64 = 16;
/// Bytes read at once, and how often.
const SIP: usize = 8;
const EVERY: Duration = Duration::from_secs(1);

pub async fn live(wire: Wire) -> Gone {
    let mut left = wire.ground.attack.size.unwrap_or(REQUESTS);
    let ground = std::rc::Rc::clone(&wire.ground);
    talk(wire, Ears::Sips(SIP, EVERY), move |_, out| {
        left = left.checked_sub(1)?;
        let call = ground.call(1);
        ground.seen.borrow_mut().requests += 1;
        out.extend_from_slice(ground.head(call.len(), "").as_bytes());
        out.extend_from_slice(call.as_bytes());
        Some(Duration::ZERO)
    })
    .await
}
