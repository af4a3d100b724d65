//! The accounts that act by themselves: the pulse, who sends one transaction in every
//! block, those it pays, and the validators.

use ed25519_dalek::{Signer, SigningKey};

use super::texts::base58;
use super::tx::{self, Key, Signed};
use crate::hash::{Hash, sha256};

/// Accounts; number 0 is the pulse.
pub const ACTORS: u64 = 16;

/// Validators, who take turns in making blocks.
pub const VALIDATORS: u64 = 4;

/// The pulse and the validators of one seed.
#[derive(Debug)]
pub struct Actors {
    pulse: Hash,
    validators: Vec<SigningKey>,
}

impl Actors {
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let key = |index| SigningKey::from_bytes(&secret(seed, "validator", index));
        Self { pulse: secret(seed, "actor", 0), validators: (0..VALIDATORS).map(key).collect() }
    }

    /// The transaction of the pulse in the block at a height: its nonce is the height.
    #[must_use]
    pub fn pulse(&self, height: u64, to: &str, parent: Hash) -> Signed {
        tx::sign(
            &self.pulse,
            tx::transfer(&account(0), height, to, parent, u128::from(height) << 32),
        )
    }

    /// The access key of the pulse.
    #[must_use]
    pub fn pulse_key(&self) -> Key {
        Key::of(&self.pulse)
    }

    /// The public key of a validator.
    #[must_use]
    pub fn validator_key(&self, index: u64) -> String {
        format!("ed25519:{}", base58(self.validator(index).verifying_key().as_bytes()))
    }

    /// A validator's signature.
    #[must_use]
    pub fn sign(&self, index: u64, message: &[u8]) -> String {
        format!("ed25519:{}", base58(&self.validator(index).sign(message).to_bytes()))
    }

    fn validator(&self, index: u64) -> &SigningKey {
        &self.validators[usize::try_from(index % VALIDATORS).unwrap_or(0)]
    }
}

/// The name of an account.
#[must_use]
pub fn account(index: u64) -> String {
    if index == 0 { "pulse.sim".to_owned() } else { format!("actor-{index}.sim") }
}

/// The name of a validator.
#[must_use]
pub fn validator(index: u64) -> String {
    format!("validator-{}.sim", index % VALIDATORS)
}

/// The secret key of an actor or validator.
#[must_use]
pub fn secret(seed: u64, kind: &str, index: u64) -> Hash {
    sha256(&[kind.as_bytes(), &seed.to_le_bytes(), &index.to_le_bytes()])
}
