//! Simulated blockchain nodes: real HTTP servers that behave, and misbehave, like nodes.
//!
//! A [`Chain`](chain::Chain) is the truth that its nodes share: blocks, branches, time,
//! sent transactions. A [`Node`](node::Node) is a server with a port, a client's words,
//! a retention, a capacity and [faults](faults::Fault) that are switched live. Answers
//! can be judged with each family's `truth`. The core knows no family; `family` lists
//! them, and each has a module of its name, which answers its methods.
//!
//! Not a virtual machine, not a consensus: blocks follow from a seed.

pub mod chain;
pub mod control;
pub mod counters;
pub mod ethereum;
pub mod family;
pub mod faults;
pub mod hash;
pub mod icon;
mod json;
pub mod latency;
pub mod manners;
pub mod near;
pub mod node;
mod recent;
pub mod retention;
pub mod rpc;
mod server;
pub mod substrate;

pub use chain::{BlockId, Chain, ChainOptions, Pace};
pub use control::Control;
pub use counters::Counts;
pub use ethereum::{truth, tx};
pub use family::{Client, Family};
pub use faults::{Fault, Injected};
pub use latency::{Latency, Law};
pub use node::{Node, NodeOptions};
pub use retention::{Keep, Retention};
