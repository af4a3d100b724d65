//! The whole gateway over real sockets, before simulated nodes that ail: what clients
//! see of it. Functions, not figures: load is tried by the harness.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]

mod archive;
mod blame;
mod client;
mod errors;
mod freshness;
mod gone;
mod lies;
mod overload;
mod pinning;
mod reload;
mod replies;
mod substrate;
mod tls;
mod world;
mod writes;
