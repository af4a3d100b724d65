//! A simulated ICON block: header bytes, transactions, receipts.
//!
//! The header is encoded as goloop encodes it and the block's hash is SHA3-256 of it, so
//! whoever asks `icx_getBlockHeaderByHeight` can check the chain of hashes. The hashes of
//! transactions and receipts are digests over the items, not tries, and votes carry
//! made-up signatures: they bind to the header, and nothing verifies against validators.

use std::sync::{Arc, OnceLock};

use serde_json::{Map, Value, json};

use super::actors::{self, Actors};
use super::truth::{HEIGHT_CONTRACT, NO_CONTRACT, REVERT_CONTRACT, STEP_PRICE};
use super::tx::{self, Address, Fields, Tx, address_text};
use crate::chain::{BlockId, Draft};
use crate::ethereum::rlp;
use crate::hash::{Hash, hex, sha3};

/// The contract of the chain itself.
pub const SYSTEM: Address = *b"\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";

/// Steps that the cheapest transaction uses, and the least limit.
pub const DEFAULT_STEP: u128 = 100_000;

/// Validators of every block.
const VALIDATORS: u64 = 4;

/// A whole block, with room for the text that is asked for again and again.
#[derive(Debug)]
pub struct Block {
    pub id: BlockId,
    pub parent: Hash,
    /// Unix microseconds.
    pub timestamp: u64,
    pub txs: Vec<Arc<Tx>>,
    /// What is hashed.
    pub header: Vec<u8>,
    pub text: OnceLock<String>,
}

impl Block {
    /// Builds the block that a draft describes; `sent` are its transactions that came in
    /// from outside.
    #[must_use]
    pub fn build(actors: &Actors, draft: &Draft, sent: &[Arc<Tx>]) -> Self {
        let timestamp = micros(draft);
        let mut txs = own_txs(actors, draft, timestamp);
        txs.extend_from_slice(sent);
        let header = header(draft, timestamp, &digest(&txs));
        let id = BlockId { number: draft.number, hash: sha3(&[&header]) };
        Self { id, parent: draft.parent, timestamp, txs, header, text: OnceLock::new() }
    }

    /// The digest that binds the transactions to the header.
    #[must_use]
    pub fn transactions_hash(&self) -> Hash {
        digest(&self.txs)
    }

    /// The members of the block as JSON-RPC shows it, its transactions given.
    #[must_use]
    pub fn json(&self, transactions: Vec<Value>) -> Value {
        let genesis = self.id.number == 0;
        let bare = |hash: &Hash| hex(hash)[2..].to_owned();
        let leader = || address_text(&validator(self.id.number));
        json!({
            "block_hash": bare(&self.id.hash),
            "confirmed_transaction_list": transactions,
            "height": self.id.number,
            "merkle_tree_root_hash": bare(&self.transactions_hash()),
            "peer_id": if genesis { String::new() } else { leader() },
            "prev_block_hash": if genesis { String::new() } else { bare(&self.parent) },
            "signature": "",
            "time_stamp": self.timestamp,
            "version": "2.0",
        })
    }

    /// The receipt of the transaction at `index`, without where it is.
    #[must_use]
    pub fn receipt(&self, index: usize) -> Map<String, Value> {
        let tx = &self.txs[index];
        let logs = self.events(index);
        let used = steps(tx);
        let total: u128 = self.txs.iter().take(index + 1).map(|tx| steps(tx)).sum();
        let failed = tx.text("to") == address_text(&REVERT_CONTRACT);
        let mut receipt = Map::new();
        let mut put = |name: &str, value: Value| receipt.insert(name.to_owned(), value);
        put("to", recipient(tx).into());
        put("cumulativeStepUsed", quantity(total));
        put("stepUsed", quantity(used));
        put("stepPrice", quantity(if used == 0 { 0 } else { STEP_PRICE }));
        put("logsBloom", hex(&bloom(&logs)).into());
        put("eventLogs", logs.into());
        put("status", if failed { "0x0" } else { "0x1" }.into());
        if !failed && tx.text("dataType") == "deploy" {
            put("scoreAddress", address_text(&deployed(tx)).into());
        }
        if failed {
            put("failure", json!({ "code": "0x20", "message": "Reverted(0)" }));
        }
        receipt
    }

    fn events(&self, index: usize) -> Vec<Value> {
        let value = |salt: &[u8]| quantity(first(&sha3(&[salt, &self.id.hash])) >> 64);
        match (self.id.number, index) {
            (0, _) => Vec::new(),
            (_, 0) => vec![json!({
                "scoreAddress": address_text(&SYSTEM),
                "indexed": ["ICXIssued(int,int,int,int)"],
                "data": ["0x0", value(b"issued"), value(b"left"), "0x0"],
            })],
            (_, 1) => vec![json!({
                "scoreAddress": address_text(&token(self.id.number)),
                "indexed": [
                    "Transfer(Address,Address,int,bytes)",
                    self.txs[1].text("from"),
                    self.txs[1].text("to"),
                    value(b"transfer"),
                ],
                "data": ["0x"],
            })],
            _ => Vec::new(),
        }
    }
}

/// Where the transaction of a receipt went.
fn recipient(tx: &Tx) -> String {
    let to = tx.text("to");
    if to.is_empty() { address_text(&SYSTEM) } else { to.to_owned() }
}

/// The address of the contract that a transaction deploys.
fn deployed(tx: &Tx) -> Address {
    let mut address = [1; 21];
    address[1..].copy_from_slice(&tx.hash[12..]);
    address
}

/// Steps that a transaction uses here: none for those of the chain itself.
#[must_use]
pub fn steps(tx: &Tx) -> u128 {
    let data = tx.fields.get("data").map_or(0, |data| data.to_string().len());
    if tx.text("from").is_empty() { 0 } else { DEFAULT_STEP + 200 * data as u128 }
}

/// A number as a `T_INT`.
#[must_use]
pub fn quantity(value: u128) -> Value {
    Value::from(format!("{value:#x}"))
}

/// The address of one of the four simulated token contracts.
#[must_use]
pub fn token(index: u64) -> Address {
    let mut address = *b"\x01headrace/token/\0\0\0\0\0";
    address[20] = u8::try_from(index % 4).unwrap_or(0);
    address
}

/// Whether there is a contract at an address.
#[must_use]
pub fn is_contract(address: &Address) -> bool {
    address[0] == 1 && *address != NO_CONTRACT
}

/// The proposer of a block.
#[must_use]
pub fn validator(number: u64) -> Address {
    let mut address = [0; 21];
    let hash = sha3(&[b"validator", &(number % VALIDATORS).to_be_bytes()]);
    address[1..].copy_from_slice(&hash[12..]);
    address
}

/// The list of validators as it is hashed.
#[must_use]
pub fn validators() -> Vec<u8> {
    let mut items = Vec::new();
    (0..VALIDATORS).for_each(|number| rlp::push_bytes(&mut items, &validator(number)));
    list(&items)
}

/// The votes for a block: the header of the next one carries their hash.
#[must_use]
pub fn votes(block: &Hash, number: u64) -> Vec<u8> {
    let (mut parts, mut items, mut all) = (Vec::new(), Vec::new(), Vec::new());
    push_int(&mut parts, 1);
    rlp::push_bytes(&mut parts, &sha3(&[b"parts", block]));
    for voter in 0..VALIDATORS {
        let mut item = Vec::new();
        push_int(&mut item, 1_700_000_000_000_000 + number * 2_000_000 + voter);
        let half = |part: u8| sha3(&[b"vote", block, &voter.to_be_bytes(), &[part]]);
        let signature = [&half(0)[..], &half(1), &[0]].concat();
        rlp::push_bytes(&mut item, &signature);
        items.extend_from_slice(&list(&item));
    }
    push_int(&mut all, number % 2);
    all.extend_from_slice(&list(&parts));
    all.extend_from_slice(&list(&items));
    list(&all)
}

/// The time of a block in microseconds: whole seconds tell blocks of one second apart
/// by their number.
#[must_use]
pub fn micros(draft: &Draft) -> u64 {
    draft.timestamp.saturating_mul(1_000_000) + draft.number % 1_000_000
}

fn header(draft: &Draft, timestamp: u64, transactions: &Hash) -> Vec<u8> {
    let mut items = Vec::with_capacity(300);
    push_int(&mut items, 2);
    push_int(&mut items, draft.number);
    push_int(&mut items, timestamp);
    if draft.number == 0 {
        (0..3).for_each(|_| push_null(&mut items));
    } else {
        rlp::push_bytes(&mut items, &validator(draft.number));
        rlp::push_bytes(&mut items, &draft.parent);
        rlp::push_bytes(&mut items, &sha3(&[&votes(&draft.parent, draft.number - 1)]));
    }
    rlp::push_bytes(&mut items, &sha3(&[&validators()]));
    push_null(&mut items);
    rlp::push_bytes(&mut items, transactions);
    rlp::push_bytes(&mut items, &[0]);
    rlp::push_bytes(&mut items, &result(draft));
    list(&items)
}

/// State and receipts after the parent was executed.
fn result(draft: &Draft) -> Vec<u8> {
    let number = draft.number.to_be_bytes();
    let mut items = Vec::with_capacity(70);
    rlp::push_bytes(&mut items, &sha3(&[b"state root", &draft.parent, &number]));
    push_null(&mut items);
    rlp::push_bytes(&mut items, &sha3(&[b"receipts", &draft.parent, &number]));
    list(&items)
}

/// The chain's own transactions: genesis alone in block 0; else the issue of coins and
/// the transfer of whose turn it is.
fn own_txs(actors: &Actors, draft: &Draft, timestamp: u64) -> Vec<Arc<Tx>> {
    if draft.number == 0 {
        return vec![Arc::new(genesis(actors, draft))];
    }
    let turn = actors::turn(draft.number);
    let transfer = own_transfer(actors, draft, turn, timestamp);
    vec![Arc::new(base(draft, timestamp)), Arc::new(Tx::own(transfer, Some(turn)))]
}

/// Seed, chain and branch stand in the message: genesis blocks differ by them.
fn genesis(actors: &Actors, draft: &Draft) -> Tx {
    let account = |name: &str, address: &Address, balance: u128| {
        let address = address_text(address);
        json!({ "name": name, "address": address, "balance": format!("{balance:#x}") })
    };
    let message = format!("simulated chain of seed {}, branch {:#x}", draft.seed, draft.salt);
    let fields = json!({
        "accounts": [
            account("god", &actors.address(0), 1 << 89),
            account("treasury", &treasury(), 0),
        ],
        "message": message,
        "nid": format!("{:#x}", draft.chain_id),
    });
    Tx::own(members(fields), None)
}

fn treasury() -> Address {
    let mut address = [0; 21];
    address[1] = 0x10;
    address
}

/// The first transaction of every block: the issue of coins. It tells branches apart.
fn base(draft: &Draft, timestamp: u64) -> Tx {
    let parts = [draft.chain_id, draft.salt, draft.number].map(u64::to_be_bytes);
    let issue = sha3(&[b"issue", &draft.parent, &parts[0], &parts[1], &parts[2]]);
    let amount =
        |from: usize| quantity(u128::from(issue[from]) << 32 | u128::from(issue[from + 1]));
    let fields = json!({
        "version": "0x3",
        "timestamp": quantity(timestamp.into()),
        "dataType": "base",
        "data": {
            "prep": { "irep": amount(0), "rrep": "0x1c2", "totalDelegation": quantity(first(&issue) >> 40), "value": amount(2) },
            "result": { "coveredByFee": "0x0", "coveredByOverIssuedICX": "0x0", "issue": amount(4) },
        },
    });
    Tx::own(members(fields), None)
}

fn own_transfer(actors: &Actors, draft: &Draft, turn: u64, timestamp: u64) -> Fields {
    let seed = sha3(&[b"tx", &draft.parent, &turn.to_be_bytes()]);
    let value = u128::from(draft.number) << 32 | u128::from(seed[0]);
    let to = match seed[1] % 4 {
        0 => HEIGHT_CONTRACT,
        _ => actors.address(u64::from(seed[2])),
    };
    let sent = timestamp.saturating_sub(500_000);
    let mut fields = tx::transfer(draft.chain_id, &to, value, sent, draft.number);
    fields.insert("from".to_owned(), address_text(&actors.address(turn)).into());
    fields
}

fn members(value: Value) -> Fields {
    match value {
        Value::Object(members) => members,
        _ => Fields::new(),
    }
}

fn digest(txs: &[Arc<Tx>]) -> Hash {
    let all: Vec<u8> = txs.iter().flat_map(|tx| tx.hash).collect();
    sha3(&[&all])
}

/// The bloom filter of a receipt: three bits for each indexed item with its position.
fn bloom(logs: &[Value]) -> [u8; 256] {
    let mut bloom = [0; 256];
    for log in logs {
        let indexed = log["indexed"].as_array().map_or(&[][..], Vec::as_slice);
        for (place, item) in indexed.iter().enumerate() {
            let place = u8::try_from(place).unwrap_or(u8::MAX);
            let hash = sha3(&[&[place], item.as_str().unwrap_or_default().as_bytes()]);
            for pair in hash[..6].chunks_exact(2) {
                let bit = usize::from(u16::from_be_bytes([pair[0], pair[1]]) & 0x7ff);
                bloom[255 - bit / 8] |= 1 << (bit % 8);
            }
        }
    }
    bloom
}

fn list(items: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(items.len() + 3);
    rlp::push_list(&mut out, items);
    out
}

/// An integer in goloop's RLP: big-endian two's complement, 0 is one byte.
fn push_int(out: &mut Vec<u8>, value: u64) {
    let bytes = value.to_be_bytes();
    let skip = usize::try_from(value.leading_zeros() / 8).unwrap_or(0).min(7);
    let padded = bytes[skip] >= 0x80;
    let mut text = Vec::with_capacity(9);
    if padded {
        text.push(0);
    }
    text.extend_from_slice(&bytes[skip..]);
    rlp::push_bytes(out, &text);
}

/// Nothing, in goloop's RLP.
fn push_null(out: &mut Vec<u8>) {
    out.extend_from_slice(&[0xf8, 0x00]);
}

fn first(hash: &Hash) -> u128 {
    let mut half = [0; 16];
    half.copy_from_slice(&hash[..16]);
    u128::from_be_bytes(half)
}
