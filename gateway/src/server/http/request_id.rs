//! Request ids: 128 bits, unique over processes and workers, cheap to make.

use std::{
    hash::{BuildHasher, Hasher, RandomState},
    sync::atomic::{AtomicU64, Ordering},
};

use crate::gateway::RequestId;

/// The ids of one worker: its own random high half, then a counter from a random
/// start. They tell requests apart; they keep no secret.
#[derive(Debug)]
pub(super) struct RequestIds {
    high: u64,
    next: AtomicU64,
}

impl RequestIds {
    pub fn new() -> Self {
        Self { high: random(), next: AtomicU64::new(random()) }
    }

    pub fn next(&self) -> RequestId {
        let low = self.next.fetch_add(1, Ordering::Relaxed);
        RequestId(u128::from(self.high) << 64 | u128::from(low))
    }
}

/// 64 bits from the process's hash seeds, which the system's generator made.
fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_differ_within_a_worker_and_between_workers() {
        let (one, other) = (RequestIds::new(), RequestIds::new());
        let ids = [one.next(), one.next(), other.next(), other.next()];
        let distinct: std::collections::HashSet<_> = ids.into_iter().collect();
        assert_eq!(distinct.len(), ids.len());
    }

    #[test]
    fn an_id_is_32_hex_digits() {
        let id = RequestIds::new().next().to_string();
        assert!(id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
    }
}
