//! A simulated block: its header and its body, built from a draft.
//!
//! The root of the extrinsics is a digest over their bytes, not a trie: it binds the
//! body to the header, and no proof against it is served.

use std::sync::Arc;

use super::extrinsic::Extrinsic;
use super::header::Header;
use super::scale::{blake2_256, push_bytes, push_compact};
use crate::chain::{BlockId, Draft};
use crate::hash::Hash;

/// The root of a trie without entries.
pub const EMPTY_ROOT: Hash = [
    0x03, 0x17, 0x0a, 0x2e, 0x75, 0x97, 0xb7, 0xb7, 0xe3, 0xd8, 0x4c, 0x05, 0x39, 0x1d, 0x13, 0x9a,
    0x62, 0xb1, 0x57, 0xe7, 0x87, 0x86, 0xd8, 0xc0, 0x82, 0xf2, 0x9d, 0xcf, 0x4c, 0x11, 0x13, 0x14,
];

/// `Timestamp.set`, an extrinsic that nobody signs: pallet and function.
const TIMESTAMP_SET: [u8; 2] = [3, 0];

#[derive(Debug)]
pub struct Block {
    pub hash: Hash,
    pub header: Header,
    /// Milliseconds since the Unix epoch.
    pub timestamp: u64,
    /// As they stand in the body: with their length before them.
    pub extrinsics: Vec<Vec<u8>>,
    /// Those of them that came in from outside: the last ones.
    pub sent: Vec<Arc<Extrinsic>>,
}

impl Block {
    /// Builds the block that a draft describes.
    #[must_use]
    pub fn build(draft: &Draft) -> Self {
        let timestamp = draft.timestamp.saturating_mul(1_000);
        let sent: Vec<_> =
            draft.sent.iter().filter_map(|sent| sent.payload.substrate().cloned()).collect();
        let mut extrinsics = Vec::new();
        if draft.number > 0 {
            extrinsics.push(set_time(timestamp));
        }
        extrinsics.extend(sent.iter().map(|extrinsic| extrinsic.raw.clone()));
        let header = Header::of(draft, root(&extrinsics));
        Self { hash: header.hash(), header, timestamp, extrinsics, sent }
    }

    #[must_use]
    pub fn number(&self) -> u64 {
        self.header.number
    }

    /// The block as `truth` wants it.
    #[must_use]
    pub fn at(&self) -> BlockId {
        BlockId { number: self.header.number, hash: self.hash }
    }

    /// `System.Events` after this block: each extrinsic succeeded.
    #[must_use]
    pub fn events(&self) -> Vec<u8> {
        let mut out = Vec::new();
        push_compact(&mut out, self.extrinsics.len() as u128);
        for index in 0_u32.. {
            if index as usize >= self.extrinsics.len() {
                break;
            }
            let mandatory = index == 0;
            // Phase: ApplyExtrinsic(index). Event: System.ExtrinsicSuccess.
            out.push(0);
            out.extend_from_slice(&index.to_le_bytes());
            out.extend_from_slice(&[0, 0]);
            push_compact(&mut out, 125_000_000);
            push_compact(&mut out, 1_500);
            // Class, fees are paid, no topics.
            out.extend_from_slice(&[if mandatory { 2 } else { 0 }, 0, 0]);
        }
        out
    }
}

fn set_time(timestamp: u64) -> Vec<u8> {
    let mut body = vec![4];
    body.extend_from_slice(&TIMESTAMP_SET);
    push_compact(&mut body, timestamp.into());
    let mut out = Vec::with_capacity(16);
    push_bytes(&mut out, &body);
    out
}

fn root(extrinsics: &[Vec<u8>]) -> Hash {
    if extrinsics.is_empty() { EMPTY_ROOT } else { blake2_256(&[&extrinsics.concat()]) }
}
