//! Headrace: a load-balancing JSON-RPC gateway for blockchain nodes.
//!
//! The modules stand here in reading order, by floors. A module uses its own
//! floor and the floors above it in this list, never one further down;
//! `tests/tidy.rs` enforces it. `ARCHITECTURE.md` is the map.

// Floor 0, words: no async, no I/O, no clock reads.
pub mod clock;
pub mod names;
pub mod worker;
pub mod wake;
pub mod joined;
pub mod rpc;

// Floor 1, rules: pure; `now` and chance are arguments.
pub mod family;
pub mod method;
pub mod head;
pub mod health;
pub mod breaker;
pub mod load;
pub mod route;
pub mod judge;
pub mod error;
pub mod retry;
pub mod client;

// Floor 2, configuration.
pub mod config;

// Floor 3, state.
pub mod metrics;
pub mod pressure;
pub mod node;
pub mod blocks;
pub mod access;
pub mod limits;

// Floor 4, wires.
pub mod upstream;
pub mod tls;
pub mod topology;
pub mod tracker;
pub mod watchdog;
pub mod reload;

// Floor 5, the path of a call.
pub mod gateway;

// Floor 6, edges.
pub mod server;
pub mod admin;
pub mod app;
pub mod cli;
