//! Random numbers for draws and ids: per thread, fast, not for secrets
//! (xorshift64*; Vigna, "An experimental exploration of Marsaglia's xorshift
//! generators, scrambled", 2016).

use std::{
    cell::Cell,
    hash::{BuildHasher, RandomState},
};

thread_local! {
    static STATE: Cell<u64> = Cell::new(RandomState::new().hash_one(0) | 1);
}

/// Uniform over all `u64` but for a negligible bias.
pub fn draw() -> u64 {
    let mut state = STATE.get();
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    STATE.set(state);
    state.wrapping_mul(0x2545_f491_4f6c_dd1d)
}

/// Uniform in `[0, 1)`.
pub fn fraction() -> f32 {
    (draw() >> 40) as f32 / (1_u64 << 24) as f32
}
