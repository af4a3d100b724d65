//! API keys: looked up by their digest, compared in constant time. The keys themselves
//! are kept nowhere.

use std::collections::HashMap;

use sha2::{Digest as _, Sha256};
use smallvec::SmallVec;
use subtle::ConstantTimeEq;

/// SHA-256 of a key.
pub type Digest = [u8; 32];

/// Digests of all keys, and whose each is.
#[derive(Default)]
pub struct Keys {
    /// By the first bytes of a digest: what finding one takes tells nothing of a key.
    by_start: HashMap<u64, SmallVec<[(Digest, u32); 1]>>,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Keys({})", self.by_start.len())
    }
}

pub fn digest(text: &[u8]) -> Digest {
    Sha256::digest(text).into()
}

impl Keys {
    /// Every digest with the number of its owner.
    pub fn new(all: impl Iterator<Item = (Digest, u32)>) -> Self {
        let mut keys = Self::default();
        for (digest, owner) in all {
            keys.by_start.entry(start(&digest)).or_default().push((digest, owner));
        }
        keys
    }

    pub fn is_empty(&self) -> bool {
        self.by_start.is_empty()
    }

    /// Whose key it is.
    pub fn owner(&self, digest: &Digest) -> Option<u32> {
        let alike = self.by_start.get(&start(digest))?;
        let mut owner = None;
        for (known, of) in alike {
            if bool::from(known.ct_eq(digest)) {
                owner = Some(*of);
            }
        }
        owner
    }
}

fn start(digest: &Digest) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = *digest;
    u64::from_le_bytes([a, b, c, d, e, f, g, h])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_found_by_its_digest_and_no_other_is() {
        let keys =
            Keys::new([(digest(b"one"), 1), (digest(b"two"), 2), (digest(b"2"), 2)].into_iter());
        for (text, owner) in [
            ("one", Some(1)),
            ("two", Some(2)),
            ("2", Some(2)),
            ("", None),
            ("One", None),
            ("one ", None),
        ] {
            assert_eq!(keys.owner(&digest(text.as_bytes())), owner, "{text}");
        }
    }

    #[test]
    fn s25_digests_that_begin_alike_are_told_apart() {
        let (mut one, mut other) = ([7; 32], [7; 32]);
        (one[31], other[31]) = (1, 2);
        let keys = Keys::new([(one, 1), (other, 2)].into_iter());
        assert_eq!(
            (keys.owner(&one), keys.owner(&other), keys.owner(&[7; 32])),
            (Some(1), Some(2), None)
        );
        assert!(!format!("{keys:?}").contains('7'), "{keys:?}");
    }
}
