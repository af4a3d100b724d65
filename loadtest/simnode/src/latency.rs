//! How long a node takes to serve a call.

use std::collections::HashMap;
use std::time::Duration;

use crate::hash::Draws;

/// A law that service times follow.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Law {
    Fixed(Duration),
    /// Evenly between the two.
    Uniform(Duration, Duration),
    /// Log-normal: the median, and the standard deviation of the logarithm
    /// (0.5 gives a p99 of about 3.2 medians).
    LogNormal {
        median: Duration,
        sigma: f64,
    },
}

impl Law {
    /// A draw of the law; at most one minute.
    pub fn sample(&self, draws: &Draws) -> Duration {
        let seconds = match self {
            Self::Fixed(time) => time.as_secs_f64(),
            Self::Uniform(low, high) => {
                let (low, high) = (low.as_secs_f64(), high.as_secs_f64());
                low + (high - low) * draws.unit()
            }
            Self::LogNormal { median, sigma } => {
                median.as_secs_f64() * (sigma * normal(draws)).exp()
            }
        };
        Duration::try_from_secs_f64(seconds.clamp(0.0, 60.0)).unwrap_or_default()
    }
}

/// A standard normal draw (Box and Muller, 1958).
fn normal(draws: &Draws) -> f64 {
    let radius = (-2.0 * (1.0 - draws.unit()).ln()).sqrt();
    radius * (std::f64::consts::TAU * draws.unit()).cos()
}

/// Laws by method.
#[derive(Clone, Debug)]
pub struct Latency {
    /// For methods that have no law of their own; drawn times are multiplied by the
    /// method's weight. Default: no time at all.
    pub default: Law,
    /// Laws of single methods, taken as they are.
    pub methods: HashMap<String, Law>,
}

impl Default for Latency {
    fn default() -> Self {
        Self { default: Law::Fixed(Duration::ZERO), methods: HashMap::new() }
    }
}

impl Latency {
    /// The same law for all methods, by their weights.
    #[must_use]
    pub fn of(default: Law) -> Self {
        Self { default, methods: HashMap::new() }
    }

    /// A draw for one call of a method with this weight.
    pub fn sample(&self, method: &str, weight: u32, draws: &Draws) -> Duration {
        match self.methods.get(method) {
            Some(law) => law.sample(draws),
            None => self.default.sample(draws).saturating_mul(weight),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn draws_stay_within_their_law() {
        let draws = Draws::new(1);
        for _ in 0..1_000 {
            assert_eq!(Law::Fixed(MS).sample(&draws), MS);
            let uniform = Law::Uniform(MS, 3 * MS).sample(&draws);
            assert!((MS..=3 * MS).contains(&uniform));
        }
    }

    #[test]
    fn half_of_the_log_normal_draws_are_above_the_median() {
        let (draws, law) = (Draws::new(2), Law::LogNormal { median: 10 * MS, sigma: 0.5 });
        let above = (0..10_000).filter(|_| law.sample(&draws) > 10 * MS).count();
        assert!((4_800..5_200).contains(&above), "{above}");
    }

    #[test]
    fn heavy_methods_take_their_weight_and_a_law_of_their_own_is_taken_as_it_is() {
        let draws = Draws::new(3);
        let mut latency = Latency::of(Law::Fixed(MS));
        latency.methods.insert("a".to_owned(), Law::Fixed(7 * MS));
        assert_eq!(latency.sample("a", 20, &draws), 7 * MS);
        assert_eq!(latency.sample("b", 20, &draws), 20 * MS);
    }
}
