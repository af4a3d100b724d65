//! The header of a Substrate block. Its hash, BLAKE2b-256 of its SCALE bytes, names
//! the block and stands nowhere in it: whoever wants it computes it or asks for it.

use super::scale::{blake2_256, push_bytes, push_compact};
use super::truth;
use crate::chain::Draft;
use crate::hash::Hash;
use crate::json::{Members, array, data};

/// The consensus engine that the digests name.
const ENGINE: &[u8; 4] = b"BABE";

/// The tag of a digest that was known before the block was executed.
const PRE_RUNTIME: u8 = 6;
/// The tag of the author's signature.
const SEAL: u8 = 5;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    pub parent: Hash,
    pub number: u64,
    pub state_root: Hash,
    pub extrinsics_root: Hash,
    /// The items of the digest, encoded.
    pub logs: Vec<Vec<u8>>,
}

impl Header {
    /// The header of a draft's block.
    #[must_use]
    pub fn of(draft: &Draft, extrinsics_root: Hash) -> Self {
        let logs = if draft.number == 0 { Vec::new() } else { vec![slot(draft), seal(draft)] };
        Self {
            parent: draft.parent,
            number: draft.number,
            state_root: truth::state_root(draft),
            extrinsics_root,
            logs,
        }
    }

    /// The bytes that are hashed.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(256);
        out.extend_from_slice(&self.parent);
        push_compact(&mut out, self.number.into());
        out.extend_from_slice(&self.state_root);
        out.extend_from_slice(&self.extrinsics_root);
        push_compact(&mut out, self.logs.len() as u128);
        self.logs.iter().for_each(|log| out.extend_from_slice(log));
        out
    }

    /// The digest without the seal, encoded: what was known before the block was executed.
    #[must_use]
    pub fn early_digest(&self) -> Vec<u8> {
        let early: Vec<_> = self.logs.iter().filter(|log| log.first() != Some(&SEAL)).collect();
        let mut out = Vec::new();
        push_compact(&mut out, early.len() as u128);
        early.iter().for_each(|log| out.extend_from_slice(log));
        out
    }

    /// The block's hash.
    #[must_use]
    pub fn hash(&self) -> Hash {
        blake2_256(&[&self.encode()])
    }

    /// Appends the header as nodes show it.
    pub fn write(&self, out: &mut String) {
        let mut object = Members::open(out);
        object
            .data("parentHash", &self.parent)
            .quantity("number", self.number)
            .data("stateRoot", &self.state_root)
            .data("extrinsicsRoot", &self.extrinsics_root);
        let mut digest = Members::open(object.name("digest"));
        array(digest.name("logs"), &self.logs, |out, log| data(out, log));
        digest.close();
        object.close();
    }
}

/// Who made the block, in which slot: a BABE "secondary plain" claim.
fn slot(draft: &Draft) -> Vec<u8> {
    let mut claim = vec![2];
    let author = u32::try_from(draft.number % 16).unwrap_or(0);
    claim.extend_from_slice(&author.to_le_bytes());
    claim.extend_from_slice(&(280_000_000 + draft.number).to_le_bytes());
    digest(PRE_RUNTIME, &claim)
}

/// The author's signature: bytes that follow from the block, no real one.
fn seal(draft: &Draft) -> Vec<u8> {
    let root = truth::state_root(draft);
    let mut signature = Vec::with_capacity(64);
    for half in [0, 1] {
        signature.extend_from_slice(&blake2_256(&[b"seal", &[half], &root]));
    }
    digest(SEAL, &signature)
}

fn digest(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    out.extend_from_slice(ENGINE);
    push_bytes(&mut out, content);
    out
}
