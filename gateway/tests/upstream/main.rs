//! The wire to a node, over real sockets: a scripted node at the other end
//! says exactly what the rule needs and sees exactly what was sent.

mod bound;
mod faults;
mod keep;
mod node;
mod replies;
mod tls;
