//! Headrace: a load-balancing JSON-RPC gateway for blockchain nodes.
//!
//! The modules stand here in reading order, by floors. A module uses its own
//! floor and the floors above this line in the list, never one further down;
//! `tests/tidy.rs` enforces it. `ARCHITECTURE.md` is the map.

// Floor 0, words: no async, no I/O, no clock reads.
pub mod clock;
pub mod names;
pub mod rpc;

// Floor 1, rules: pure; `now` and chance are arguments.
pub mod breaker;
pub mod error;
pub mod family;
pub mod head;
pub mod health;
pub mod judge;
pub mod load;
pub mod method;
pub mod retry;
pub mod route;

// Floor 2, configuration.
pub mod config;

// Floor 3, state.
pub mod access;
pub mod blocks;
pub mod metrics;
pub mod node;
pub mod topology;

// Floor 4, wires.
pub mod reload;
pub mod tracker;
pub mod upstream;

// Floor 5, the path of a call.
pub mod gateway;

// Floor 6, edges.
pub mod admin;
pub mod app;
pub mod cli;
pub mod server;
