//! A simulated block: header, chunks and transactions, built from a draft.
//!
//! The hash is made as nearcore makes it, `sha256(sha256(sha256(inner_lite) ‖
//! sha256(inner_rest)) ‖ prev_hash)` over Borsh, so a light client can follow it. Roots
//! are digests, not tries: they bind the block, and no proof against them is served.
//! A block is final when two stand on it, whether heights between them were skipped or
//! not, and its ordinal is its height: simpler than the real rules.

use std::sync::{Arc, OnceLock};

use super::actors::{self, Actors};
use super::borsh;
use super::truth::{self, At, Rules};
use super::tx::Signed;
use crate::chain::Draft;
use crate::hash::{Hash, mix, sha256};

/// Blocks of an epoch. Real chains have 43,200.
pub const EPOCH: u64 = 500;

/// Shards of the chain: accounts below [`BOUNDARY`], and the others.
pub const SHARDS: u64 = 2;

/// The account at which the second shard begins.
pub const BOUNDARY: &str = "m";

/// Gas that a chunk may burn.
pub const GAS_LIMIT: u64 = 1_000_000_000_000_000;

/// All NEAR there is, in yoctoNEAR.
pub const SUPPLY: u128 = 1_250_000_000_000_000_000_000_000_000_000_000;

/// The shard of an account.
#[must_use]
pub fn shard_of(account: &str) -> u64 {
    u64::from(account >= BOUNDARY)
}

/// The part of a header that light clients follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lite {
    pub height: u64,
    pub epoch: Hash,
    pub next_epoch: Hash,
    pub prev_state_root: Hash,
    pub outcome_root: Hash,
    /// Nanoseconds since the Unix epoch.
    pub timestamp: u64,
    pub next_bp: Hash,
    pub merkle_root: Hash,
}

/// One chunk of a block, as its header tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    pub shard: u64,
    pub hash: Hash,
    pub tx_root: Hash,
    pub prev_state_root: Hash,
}

/// A whole block.
#[derive(Debug)]
pub struct Block {
    pub hash: Hash,
    pub prev: Hash,
    pub prev_height: u64,
    pub last_final: Hash,
    pub lite: Lite,
    pub rest_hash: Hash,
    pub random: Hash,
    pub chunks_root: Hash,
    pub chunks: Vec<Chunk>,
    pub txs: Vec<Arc<Signed>>,
    /// Its JSON, which is asked for again and again.
    pub text: OnceLock<String>,
}

impl Block {
    /// Builds the block that a draft describes; `sent` are its transactions that came
    /// in from outside.
    #[must_use]
    pub fn build(rules: &Rules, actors: &Actors, draft: &Draft, sent: &[Arc<Signed>]) -> Self {
        let mut txs: Vec<Arc<Signed>> = own_tx(actors, draft).into_iter().map(Arc::new).collect();
        txs.extend_from_slice(sent);
        let random = sha256(&[b"random", &draft.parent, &draft.salt.to_le_bytes()]);
        let chunks: Vec<Chunk> =
            (0..SHARDS).map(|shard| chunk(draft, &random, shard, &txs)).collect();
        let chunks_root = digest(chunks.iter().map(|chunk| chunk.hash));
        let prev_height = rules.standing(draft.number.saturating_sub(1));
        let lite = lite(draft);
        let rest = inner_rest(draft, &random, &chunks_root, prev_height);
        let (lite_hash, rest_hash) = (lite.hash(), sha256(&[&rest]));
        let hash = sha256(&[&inner_hash(&lite_hash, &rest_hash), &draft.parent]);
        Self {
            hash,
            prev: draft.parent,
            prev_height,
            last_final: draft.grandparent,
            lite,
            rest_hash,
            random,
            chunks_root,
            chunks,
            txs,
            text: OnceLock::new(),
        }
    }

    #[must_use]
    pub fn height(&self) -> u64 {
        self.lite.height
    }

    /// The block as [`truth`] wants it.
    #[must_use]
    pub fn at(&self) -> At {
        At { hash: self.hash, number: self.lite.height }
    }

    /// The hash over both inner parts, which the next light client block proves.
    #[must_use]
    pub fn inner_hash(&self) -> Hash {
        inner_hash(&self.lite.hash(), &self.rest_hash)
    }

    /// The transactions of a chunk.
    pub fn txs_of(&self, shard: u64) -> impl Iterator<Item = &Arc<Signed>> {
        self.txs.iter().filter(move |signed| shard_of(&signed.tx.signer) == shard)
    }
}

impl Lite {
    /// SHA-256 of the Borsh bytes.
    #[must_use]
    pub fn hash(&self) -> Hash {
        sha256(&[
            &self.height.to_le_bytes(),
            &self.epoch,
            &self.next_epoch,
            &self.prev_state_root,
            &self.outcome_root,
            &self.timestamp.to_le_bytes(),
            &self.next_bp,
            &self.merkle_root,
        ])
    }
}

fn inner_hash(lite: &Hash, rest: &Hash) -> Hash {
    sha256(&[lite, rest])
}

/// The id of the epoch with this number.
#[must_use]
pub fn epoch_id(seed: u64, chain_id: u64, epoch: u64) -> Hash {
    sha256(&[b"epoch", &seed.to_le_bytes(), &chain_id.to_le_bytes(), &epoch.to_le_bytes()])
}

/// The id of the receipt that a transaction becomes.
#[must_use]
pub fn receipt_id(tx: &Hash) -> Hash {
    sha256(&[b"receipt", tx])
}

fn lite(draft: &Draft) -> Lite {
    let epoch = draft.number / EPOCH;
    let id = |epoch| epoch_id(draft.seed, draft.chain_id, epoch);
    let nanos = draft.timestamp_ms.saturating_mul(1_000_000);
    Lite {
        height: draft.number,
        epoch: id(epoch),
        next_epoch: id(epoch + 1),
        prev_state_root: sha256(&[b"state root", &draft.parent]),
        outcome_root: sha256(&[b"outcomes", &draft.parent]),
        timestamp: nanos.saturating_add(mix(draft.number) % 1_000_000),
        next_bp: sha256(&[b"block producers", &id(epoch + 1)]),
        merkle_root: sha256(&[b"merkle", &draft.parent]),
    }
}

fn chunk(draft: &Draft, random: &Hash, shard: u64, txs: &[Arc<Signed>]) -> Chunk {
    let own = txs.iter().filter(|signed| shard_of(&signed.tx.signer) == shard);
    let tx_root = digest(own.map(|signed| signed.hash));
    let shard_bytes = shard.to_le_bytes();
    let prev_state_root = sha256(&[b"chunk state", &draft.parent, &shard_bytes]);
    let hash = sha256(&[b"chunk", &draft.parent, random, &shard_bytes, &tx_root]);
    Chunk { shard, hash, tx_root, prev_state_root }
}

/// The Borsh bytes of the inner rest, in the order of nearcore's version 5.
fn inner_rest(draft: &Draft, random: &Hash, chunks: &Hash, prev_height: u64) -> Vec<u8> {
    let mut out = Vec::with_capacity(320);
    for hash in [&sha256(&[b"body", chunks]), &sha256(&[b"receipts", &draft.parent]), chunks] {
        out.extend_from_slice(hash);
    }
    out.extend_from_slice(&sha256(&[b"chunk txs", chunks]));
    out.extend_from_slice(random);
    borsh::push_length(&mut out, 0);
    borsh::push_data(&mut out, &[1; 2]);
    out.extend_from_slice(&truth::gas_price(draft.number).to_le_bytes());
    out.extend_from_slice(&SUPPLY.to_le_bytes());
    out.extend_from_slice(&draft.grandparent);
    out.extend_from_slice(&draft.parent);
    out.extend_from_slice(&draft.number.to_le_bytes());
    out.extend_from_slice(&prev_height.to_le_bytes());
    out.push(0);
    borsh::push_length(&mut out, 0);
    out.extend_from_slice(&draft.chain_id.to_le_bytes());
    out
}

/// The transaction that every block but the first has: the pulse pays somebody.
fn own_tx(actors: &Actors, draft: &Draft) -> Option<Signed> {
    if draft.number == 0 {
        return None;
    }
    let to = actors::account(1 + draft.number % (actors::ACTORS - 1));
    Some(actors.pulse(draft.number, &to, draft.parent))
}

fn digest(hashes: impl Iterator<Item = Hash>) -> Hash {
    let all: Vec<u8> = hashes.flatten().collect();
    if all.is_empty() { [0; 32] } else { sha256(&[&all]) }
}
