//! A simulated block: its header and its body, built from a draft.
//!
//! Everything in the body follows from the parent's hash, the number and the
//! transactions that were sent; so two processes with equal options build equal
//! blocks. The roots of transactions and receipts are digests (keccak over the
//! items' hashes), not tries: they bind the body to the header, and no proof
//! against them is served.

use std::sync::{Arc, OnceLock};

use super::actors::{self, Actors};
use super::header::{self, EMPTY_ROOT, Header};
use super::truth::{self, At};
use super::tx::{Address, Fee, Fields, Tx};
use crate::chain::Draft;
use crate::hash::{Hash, keccak};

/// Gas limit of every block.
pub const GAS_LIMIT: u64 = 30_000_000;

/// The first topic of every simulated log: `Transfer(address,address,uint256)`.
pub const TRANSFER: Hash = [
    0xdd, 0xf2, 0x52, 0xad, 0x1b, 0xe2, 0xc8, 0x9b, 0x69, 0xc2, 0xb0, 0x68, 0xfc, 0x37, 0x8d, 0xaa,
    0x95, 0x2b, 0xa7, 0xf1, 0x63, 0xc4, 0xa1, 0x16, 0x28, 0xf5, 0x5a, 0x4d, 0xf5, 0x23, 0xb3, 0xef,
];

/// One log of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    pub address: Address,
    pub topics: Vec<Hash>,
    pub data: Hash,
    /// Index of its transaction in the block.
    pub tx: usize,
}

/// A whole block, with room for the texts that are asked for again and again.
#[derive(Debug)]
pub struct Block {
    pub chain_id: u64,
    pub hash: Hash,
    pub header: Header,
    pub txs: Vec<Arc<Tx>>,
    pub logs: Vec<Log>,
    /// The block's JSON with transaction hashes, and with whole transactions.
    pub texts: [OnceLock<String>; 2],
}

impl Block {
    /// Builds the block that a draft describes; `sent` are its transactions that
    /// came in from outside.
    #[must_use]
    pub fn build(actors: &Actors, draft: &Draft, sent: &[Arc<Tx>]) -> Self {
        let mut txs = own_txs(actors, draft);
        txs.extend_from_slice(sent);
        let logs = own_logs(actors, draft);
        let header = head(draft, &txs, &logs);
        let texts = [OnceLock::new(), OnceLock::new()];
        Self { chain_id: draft.chain_id, hash: header.hash(), header, txs, logs, texts }
    }

    #[must_use]
    pub fn number(&self) -> u64 {
        self.header.number
    }

    /// The block as [`truth`] wants it.
    #[must_use]
    pub fn at(&self) -> At {
        At { hash: self.hash, number: self.header.number }
    }

    /// Gas used by the transaction at `index`, and by all up to it.
    #[must_use]
    pub fn gas(&self, index: usize) -> (u64, u64) {
        let used = self.txs.get(index).map_or(0, |tx| gas_used(tx));
        (used, self.txs.iter().take(index + 1).map(|tx| gas_used(tx)).sum())
    }
}

/// Gas that a transaction uses here: what it must at least, never more than its limit.
#[must_use]
pub fn gas_used(tx: &Tx) -> u64 {
    let data = u64::try_from(tx.fields.data.len()).unwrap_or(u64::MAX);
    tx.fields.gas.min(21_000_u64.saturating_add(data.saturating_mul(16)))
}

/// The base fee of a block, wei per gas: moves a little with the height.
#[must_use]
pub fn base_fee(number: u64) -> u64 {
    1_000_000_000 + number % 64 * 1_000_000
}

/// The transactions of the simulated accounts: the pulse, and whose turn it is.
fn own_txs(actors: &Actors, draft: &Draft) -> Vec<Arc<Tx>> {
    if draft.number == 0 {
        return Vec::new();
    }
    let senders = [0, actors::turn(draft.number)];
    senders.iter().map(|index| Arc::new(own_tx(actors, draft, *index))).collect()
}

fn own_tx(actors: &Actors, draft: &Draft, index: u64) -> Tx {
    let seed = keccak(&[b"tx", &draft.parent, &index.to_be_bytes()]);
    let nonce = actors::nonce_after(index, draft.number).saturating_sub(1);
    let value = u128::from(draft.number) << 32 | u128::from(seed[0]);
    let to = actors.address(u64::from(seed[1]));
    let fee = Fee::Dynamic { tip: 1_000_000_000, cap: 4_000_000_000, list: Vec::new() };
    let data = seed[2..6].to_vec();
    let chain_id = Some(draft.chain_id);
    actors.sign(index, Fields { chain_id, nonce, fee, gas: 60_000, to: Some(to), value, data })
}

fn own_logs(actors: &Actors, draft: &Draft) -> Vec<Log> {
    if draft.number == 0 {
        return Vec::new();
    }
    let senders = [0, actors::turn(draft.number)];
    (0..2).map(|tx| own_log(actors, draft, tx, senders[tx])).collect()
}

fn own_log(actors: &Actors, draft: &Draft, tx: usize, sender: u64) -> Log {
    let data = keccak(&[b"log", &draft.parent, &draft.salt.to_be_bytes(), &sender.to_be_bytes()]);
    let topics = vec![TRANSFER, padded(actors.address(sender)), padded(actors.address(sender + 1))];
    Log { address: token(u64::from(data[0]) % 4), topics, data, tx }
}

/// The address of one of the four simulated token contracts.
#[must_use]
pub fn token(index: u64) -> Address {
    let mut address = *b"headrace/token/\0\0\0\0\0";
    address[19] = u8::try_from(index % 4).unwrap_or(0);
    address
}

fn padded(address: Address) -> Hash {
    let mut topic = [0; 32];
    topic[12..].copy_from_slice(&address);
    topic
}

fn head(draft: &Draft, txs: &[Arc<Tx>], logs: &[Log]) -> Header {
    let mut bloom = [0; 256];
    for log in logs {
        header::add_to_bloom(&mut bloom, &log.address);
        log.topics.iter().for_each(|topic| header::add_to_bloom(&mut bloom, topic));
    }
    let mut miner = [0; 20];
    miner.copy_from_slice(&keccak(&[b"miner", &(draft.number % 8).to_be_bytes()])[12..]);
    let number = draft.number.to_be_bytes();
    Header {
        parent: draft.parent,
        miner,
        state_root: truth::state_root(&draft.parent, draft.number),
        transactions_root: digest(txs.iter().map(|tx| tx.hash)),
        receipts_root: digest(logs.iter().map(|log| log.data).chain(txs.iter().map(|tx| tx.hash))),
        bloom,
        number: draft.number,
        gas_limit: GAS_LIMIT,
        gas_used: txs.iter().map(|tx| gas_used(tx)).sum(),
        timestamp: draft.timestamp,
        extra: extra(draft),
        prev_randao: keccak(&[b"randao", &draft.parent, &number]),
        base_fee: base_fee(draft.number),
        beacon_root: keccak(&[b"beacon", &draft.parent, &number]),
    }
}

/// Seed, chain and branch stand in the extra data: genesis blocks differ by them.
fn extra(draft: &Draft) -> Vec<u8> {
    let mut extra = Vec::with_capacity(24);
    for part in [draft.seed, draft.chain_id, draft.salt] {
        extra.extend_from_slice(&part.to_be_bytes());
    }
    extra
}

fn digest(hashes: impl Iterator<Item = Hash>) -> Hash {
    let all: Vec<u8> = hashes.flatten().collect();
    if all.is_empty() { EMPTY_ROOT } else { keccak(&[&all]) }
}
