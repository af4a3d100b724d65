//! The wire to a node, over real sockets: a scripted node at the other end
//! says exactly what the rule needs and sees exactly what was sent.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests are tests")]

mod bound;
mod faults;
mod keep;
mod node;
mod replies;
mod tls;
