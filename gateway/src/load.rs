//! How slow and how busy a node is, as one number that choosing compares.
//!
//! Latency is a peak-sensitive moving average that decays while nothing is
//! heard (linkerd's peak EWMA): a slow answer counts at once, a fast one bit by
//! bit, and a node that was left alone is tried again. Pure arithmetic; the
//! values live in the node's atomics. How much a node may hold at all is
//! [`limit`]'s; who waits for it, and in which order, [`line`]'s.

pub mod limit;
pub mod line;

use std::time::Duration;

/// Time constant of the average.
const TAU: Duration = Duration::from_secs(5);
/// Assumed of a node that has never answered: low, so that it gets tried.
pub const UNKNOWN_LATENCY: Duration = Duration::from_millis(1);

fn fading(age: Duration) -> f64 {
    (-age.as_secs_f64() / TAU.as_secs_f64()).exp()
}

/// The average after one more sample (nanoseconds); `age` is the time since the last one.
pub fn blend(average: u64, age: Duration, sample: u64) -> u64 {
    if average == 0 || sample >= average {
        return sample;
    }
    let keep = fading(age.max(Duration::from_millis(1)));
    (average as f64 * keep + sample as f64 * (1.0 - keep)) as u64
}

/// The average as it counts now: while nothing is heard it fades towards the unknown
/// one, so that a node left alone is tried again.
pub fn decayed(average: u64, age: Duration) -> u64 {
    let unknown = UNKNOWN_LATENCY.as_nanos() as u64;
    if age < Duration::from_millis(100) || average <= unknown {
        return average;
    }
    unknown + ((average - unknown) as f64 * fading(age)) as u64
}

/// What a failed call counts as: a slow one, so that a node that fails fast attracts nothing.
pub fn failed_sample(average: u64, took: Duration) -> u64 {
    let took = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
    took.max(average.saturating_mul(2)).max(50_000_000)
}

/// One step of a running 95th percentile (stochastic approximation: up by 19 parts where
/// a sample is above, down by one where it is below). Forgets a first sample ten times too
/// high, such as one that had to connect, within some 140 more.
pub fn p95_step(p95: u64, sample: u64) -> u64 {
    if p95 == 0 {
        return sample.saturating_mul(2);
    }
    let step = (p95 / 60).max(1);
    if sample > p95 { p95.saturating_add(step * 19) } else { p95 - step.min(p95 - 1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    #[test]
    fn a_slow_answer_counts_at_once_and_a_fast_one_bit_by_bit() {
        assert_eq!(blend(10 * MS, Duration::ZERO, 200 * MS), 200 * MS);
        let after = blend(200 * MS, Duration::from_millis(10), 10 * MS);
        assert!((190 * MS..200 * MS).contains(&after), "{after}");
        let mut average = 200 * MS;
        for _ in 0..3_000 {
            average = blend(average, Duration::from_millis(10), 10 * MS);
        }
        assert!(average < 11 * MS, "{average}");
    }

    #[test]
    fn a_node_left_alone_is_tried_again_with_time() {
        let after = |seconds| decayed(100 * MS, Duration::from_secs(seconds));
        assert!((30 * MS..40 * MS).contains(&after(5)), "{}", after(5));
        assert!((MS..2 * MS).contains(&after(60)), "{}", after(60));
        assert_eq!(decayed(MS / 2, Duration::from_secs(60)), MS / 2);
    }

    #[test]
    fn a_fast_failure_counts_as_a_slow_answer() {
        assert_eq!(failed_sample(100 * MS, Duration::from_millis(1)), 200 * MS);
        assert_eq!(failed_sample(0, Duration::from_millis(1)), 50 * MS);
        assert_eq!(failed_sample(MS, Duration::from_secs(3)), 3_000 * MS);
    }

    #[test]
    fn p95_settles_where_one_sample_of_twenty_is_above() {
        let mut p95 = 0;
        let mut seed = 7_u64;
        for _ in 0..200_000 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            p95 = p95_step(p95, (seed >> 33) % 1_000_000);
        }
        assert!((850_000..999_999).contains(&p95), "{p95}");
    }
}
