//! Load-test harness of Headrace: the scenario runner.
//!
//! A scenario is a file: a fleet of simulated nodes, faults over time, an open-loop
//! load whose every answer is judged, and expectations. The runner plays it against
//! the real gateway, as a child process on real sockets.
//!
//! In the order in which a run goes through them: [`cli`] → [`scenario`] (the file) →
//! [`fleet`] and [`gateway`] (what is tested) → [`steps`] (faults), [`load`] (calls)
//! and [`attack`] (hostile clients) → [`judge`] against [`truth`], in the words of a [`family`] → [`watch`] (what is seen meanwhile) → [`expect`] →
//! [`report`]; [`runner`] ties them together.

pub mod attack;
pub mod cli;
pub mod expect;
pub mod family;
pub mod files;
pub mod fleet;
pub mod gateway;
pub mod judge;
pub mod lateness;
pub mod load;
pub mod report;
pub mod runner;
pub mod scenario;
pub mod steps;
pub mod truth;
pub mod watch;
