//! The accounts that send the transactions found in every simulated block.
//!
//! Their signatures are real (a wallet recovers the right sender) but cheap:
//! one nonce point serves them all, so a signature is three multiplications.
//! That gives the secret keys away to whoever looks, and it does not matter:
//! the keys follow from the public seed anyway.

use k256::ecdsa::SigningKey;
use k256::elliptic_curve::ops::Reduce;
use k256::elliptic_curve::scalar::IsHigh;
use k256::elliptic_curve::sec1::ToEncodedPoint;
use k256::{ProjectivePoint, Scalar, U256};

use super::tx::{self, Address, Fields, Parts, Tx};
use crate::hash::{Hash, keccak};

/// Accounts that take turns; account 0 is the pulse.
pub const ACTORS: u64 = 16;

/// The accounts of one seed.
#[derive(Debug)]
pub struct Actors {
    accounts: Vec<(Scalar, Address)>,
    nonce_inverse: Scalar,
    r: Scalar,
    r_odd: bool,
}

impl Actors {
    /// The accounts of a seed. The work is done once for a chain.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let nonce = scalar(&keccak(&[b"signature nonce", &seed.to_be_bytes()]));
        let point = (ProjectivePoint::GENERATOR * nonce).to_affine().to_encoded_point(false);
        let x = point.x().map_or([0; 32], |x| (*x).into());
        let odd = point.y().is_some_and(|y| y[31] & 1 == 1);
        let accounts = (0..ACTORS).map(|index| account(seed, index)).collect();
        let nonce_inverse = Option::from(nonce.invert()).unwrap_or(Scalar::ONE);
        Self { accounts, nonce_inverse, r: scalar(&x), r_odd: odd }
    }

    /// The address of an account (`index` below [`ACTORS`], else account 0).
    #[must_use]
    pub fn address(&self, index: u64) -> Address {
        self.account(index).1
    }

    /// Which account an address is, if any.
    #[must_use]
    pub fn index_of(&self, address: &Address) -> Option<u64> {
        let index = self.accounts.iter().position(|(_, known)| known == address)?;
        u64::try_from(index).ok()
    }

    /// Signs in the name of an account.
    #[must_use]
    pub fn sign(&self, index: u64, fields: Fields) -> Tx {
        let (secret, from) = *self.account(index);
        let digest = scalar(&fields.signing_hash());
        let s = self.nonce_inverse * (digest + self.r * secret);
        let high = bool::from(s.is_high());
        let s = if high { -s } else { s };
        let parts =
            Parts { r: self.r.to_bytes().into(), s: s.to_bytes().into(), odd: self.r_odd ^ high };
        tx::assemble(fields, parts, from)
    }

    fn account(&self, index: u64) -> &(Scalar, Address) {
        let index = usize::try_from(index % ACTORS).unwrap_or(0);
        &self.accounts[index]
    }
}

/// How many transactions account `index` has sent when block `number` is done:
/// account 0, the pulse, sends one in every block from 1 on, so its count is the
/// height; the others take turns with one a block.
#[must_use]
pub fn nonce_after(index: u64, number: u64) -> u64 {
    if index == 0 {
        return number;
    }
    (number + ACTORS - 1 - index) / (ACTORS - 1)
}

/// Whose turn it is, besides the pulse, in a block from 1 on.
#[must_use]
pub fn turn(number: u64) -> u64 {
    number.saturating_sub(1) % (ACTORS - 1) + 1
}

/// The secret key of an account, for whoever wants to sign as it.
#[must_use]
pub fn secret(seed: u64, index: u64) -> Hash {
    keccak(&[b"actor", &seed.to_be_bytes(), &index.to_be_bytes()])
}

fn account(seed: u64, index: u64) -> (Scalar, Address) {
    let bytes = secret(seed, index);
    let address = SigningKey::from_slice(&bytes).map(|key| tx::address_of_key(key.verifying_key()));
    (scalar(&bytes), address.unwrap_or([0; 20]))
}

fn scalar(bytes: &Hash) -> Scalar {
    <Scalar as Reduce<U256>>::reduce_bytes(&(*bytes).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_recover_to_their_account() {
        let actors = Actors::new(5);
        for index in 0..ACTORS {
            let fields = Fields::transfer(1, index, [9; 20], 3);
            let tx = actors.sign(index, fields);
            assert_eq!(tx::decode(&tx.raw).unwrap().from, actors.address(index));
            assert_eq!(tx::address(&secret(5, index)).unwrap(), actors.address(index));
            assert_eq!(actors.index_of(&tx.from), Some(index));
        }
    }

    #[test]
    fn nonces_count_the_turns() {
        let mut sent = [0; 16];
        for number in 1..200 {
            sent[0] += 1;
            sent[usize::try_from(turn(number)).unwrap()] += 1;
            for (index, count) in (0..).zip(sent) {
                assert_eq!(nonce_after(index, number), count, "account {index} at {number}");
            }
        }
    }
}
