//! When requests are due: a plan that follows from a seed and from nothing else.

use std::time::Duration;

use headrace_simnode::hash::Draws;

use crate::scenario::Arrivals;

/// The due times of a run, in order.
#[derive(Debug)]
pub struct Plan {
    arrivals: Arrivals,
    /// Seconds between requests.
    gap: f64,
    end: f64,
    draws: Draws,
    count: f64,
    at: f64,
}

impl Plan {
    #[must_use]
    pub fn new(arrivals: Arrivals, rate: f64, length: Duration, seed: u64) -> Self {
        let (gap, end) = (1.0 / rate.max(1e-6), length.as_secs_f64());
        Self { arrivals, gap, end, draws: Draws::new(seed ^ 0xa771), count: 0.0, at: 0.0 }
    }
}

impl Iterator for Plan {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        self.at = match self.arrivals {
            Arrivals::Constant => self.count * self.gap,
            // Exponential gaps make a Poisson process.
            Arrivals::Poisson => self.at - (1.0 - self.draws.unit()).ln() * self.gap,
        };
        self.count += 1.0;
        (self.at < self.end).then(|| Duration::from_secs_f64(self.at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LENGTH: Duration = Duration::from_secs(10);

    #[test]
    fn constant_arrivals_are_even() {
        let plan: Vec<_> = Plan::new(Arrivals::Constant, 100.0, LENGTH, 1).collect();
        assert_eq!(plan.len(), 1_000);
        assert_eq!(plan[0], Duration::ZERO);
        assert_eq!(plan[100].as_millis(), 1_000);
    }

    #[test]
    fn poisson_arrivals_have_the_rate_and_the_spread_of_one() {
        let plan: Vec<_> = Plan::new(Arrivals::Poisson, 1_000.0, LENGTH, 7).collect();
        // Mean 10,000 with a standard deviation of 100.
        assert!((9_500..10_500).contains(&plan.len()), "{}", plan.len());
        assert!(plan.is_sorted());
        let long =
            plan.windows(2).filter(|pair| pair[1] - pair[0] > Duration::from_millis(1)).count();
        // e^-1 of the gaps are longer than their mean.
        assert!((3_300..4_100).contains(&long), "{long}");
    }

    #[test]
    fn equal_seeds_make_equal_plans() {
        let plan = |seed| Plan::new(Arrivals::Poisson, 50.0, LENGTH, seed).collect::<Vec<_>>();
        assert_eq!(plan(1), plan(1));
        assert_ne!(plan(1), plan(2));
    }
}
