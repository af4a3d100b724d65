//! The Ethereum execution family.

pub mod block;
