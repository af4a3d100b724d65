//! Placeholder for the topology: just what the edge reads of a chain.

use crate::{config::Cors, names::Name};

/// A chain as the edge sees it.
#[derive(Debug)]
pub struct Chain {
    pub name: Name,
    pub cors: Cors,
    /// Bytes of one request body.
    pub body: u64,
}
