//! The accounts that send the transactions found in every simulated block.
//!
//! A transaction's hash does not cover its signature, so signing waits until a
//! transaction is shown.

use super::tx::{self, Address, Tx};
use crate::hash::{Hash, sha3};

/// Accounts that take turns.
pub const ACTORS: u64 = 8;

/// The accounts of one seed.
#[derive(Debug)]
pub struct Actors {
    seed: u64,
    addresses: Vec<Address>,
}

impl Actors {
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let address = |index| tx::address_of_secret(&secret(seed, index)).unwrap_or([0; 21]);
        Self { seed, addresses: (0..ACTORS).map(address).collect() }
    }

    /// The address of an account, counted round and round.
    #[must_use]
    pub fn address(&self, index: u64) -> Address {
        self.addresses[usize::try_from(index % ACTORS).unwrap_or(0)]
    }

    /// The signature of a transaction of a simulated account.
    #[must_use]
    pub fn signature(&self, signer: u64, tx: &Tx) -> String {
        tx::signature(&secret(self.seed, signer % ACTORS), &tx.hash).unwrap_or_default()
    }
}

/// Whose turn it is in a block.
#[must_use]
pub fn turn(number: u64) -> u64 {
    number % ACTORS
}

/// The secret key of an account, for whoever wants to sign as it.
#[must_use]
pub fn secret(seed: u64, index: u64) -> Hash {
    sha3(&[b"actor", &seed.to_be_bytes(), &index.to_be_bytes()])
}
