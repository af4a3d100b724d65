//! JSON of blocks, chunks, receipts and outcomes, as nodes show them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::action::Action;
use super::actors;
use super::block::{self, Block, Chunk};
use super::texts::base58;
use super::truth;
use super::tx::Signed;
use super::{Ask, Near};
use crate::hash::{Hash, sha256};

/// Gas that turning a transaction into a receipt burns, and that the receipt burns.
const GAS_BURNT: u64 = 223_182_562_500;

/// The author of a block.
pub fn author(height: u64) -> String {
    actors::validator(height)
}

/// A block with the headers of its chunks.
pub fn block(sim: &Near, block: &Block, protocol: u32) -> Value {
    let chunks: Vec<Value> =
        block.chunks.iter().map(|chunk| chunk_header(sim, block, chunk)).collect();
    json!({
        "author": author(block.height()),
        "header": header(sim, block, protocol),
        "chunks": chunks,
    })
}

/// The header of a block.
pub fn header(sim: &Near, block: &Block, protocol: u32) -> Value {
    let lite = &block.lite;
    let mut header = lite_view(block);
    let more = json!({
        "approvals": approvals(sim, block),
        "block_body_hash": base58(&sha256(&[b"body", &block.chunks_root])),
        "block_ordinal": lite.height,
        "challenges_result": [],
        "challenges_root": base58(&[0; 32]),
        "chunk_endorsements": [[255], [255]],
        "chunk_headers_root": base58(&block.chunks_root),
        "chunk_mask": [true, true],
        "chunk_receipts_root": base58(&sha256(&[b"receipts", &block.prev])),
        "chunk_tx_root": base58(&sha256(&[b"chunk txs", &block.chunks_root])),
        "chunks_included": block::SHARDS,
        "epoch_sync_data_hash": null,
        "gas_price": truth::gas_price(lite.height).to_string(),
        "hash": base58(&block.hash),
        "last_ds_final_block": base58(&block.prev),
        "last_final_block": base58(&block.last_final),
        "latest_protocol_version": protocol,
        "prev_hash": base58(&block.prev),
        "prev_height": block.prev_height,
        "random_value": base58(&block.random),
        "rent_paid": "0",
        "signature": sim.actors.sign(lite.height, &block.hash),
        "total_supply": block::SUPPLY.to_string(),
        "validator_proposals": [],
        "validator_reward": "0",
    });
    if let (Some(header), Value::Object(more)) = (header.as_object_mut(), more) {
        header.extend(more);
    }
    header
}

fn approvals(sim: &Near, block: &Block) -> Vec<Value> {
    let one = |index| match index == block.height() % actors::VALIDATORS {
        true => Value::Null,
        false => json!(sim.actors.sign(index, &block.prev)),
    };
    (0..actors::VALIDATORS).map(one).collect()
}

/// What light clients read of a header.
pub fn lite_view(block: &Block) -> Value {
    let lite = &block.lite;
    json!({
        "block_merkle_root": base58(&lite.merkle_root),
        "epoch_id": base58(&lite.epoch),
        "height": lite.height,
        "next_bp_hash": base58(&lite.next_bp),
        "next_epoch_id": base58(&lite.next_epoch),
        "outcome_root": base58(&lite.outcome_root),
        "prev_state_root": base58(&lite.prev_state_root),
        "timestamp": lite.timestamp,
        "timestamp_nanosec": lite.timestamp.to_string(),
    })
}

/// The header of a chunk.
pub fn chunk_header(sim: &Near, block: &Block, chunk: &Chunk) -> Value {
    let gas: u64 = block.txs_of(chunk.shard).map(|_| GAS_BURNT).sum();
    json!({
        "balance_burnt": burnt(gas, block.height()),
        "bandwidth_requests": {"V1": {"requests": []}},
        "chunk_hash": base58(&chunk.hash),
        "congestion_info": {
            "allowed_shard": chunk.shard,
            "buffered_receipts_gas": "0",
            "delayed_receipts_gas": "0",
            "receipt_bytes": 0,
        },
        "encoded_length": 300,
        "encoded_merkle_root": base58(&sha256(&[b"encoded", &chunk.hash])),
        "gas_limit": block::GAS_LIMIT,
        "gas_used": gas,
        "height_created": block.height(),
        "height_included": block.height(),
        "outcome_root": base58(&block.lite.outcome_root),
        "outgoing_receipts_root": base58(&sha256(&[b"outgoing", &chunk.hash])),
        "prev_block_hash": base58(&block.prev),
        "prev_state_root": base58(&chunk.prev_state_root),
        "rent_paid": "0",
        "shard_id": chunk.shard,
        "signature": sim.actors.sign(block.height() + chunk.shard, &chunk.hash),
        "tx_root": base58(&chunk.tx_root),
        "validator_proposals": [],
        "validator_reward": "0",
    })
}

/// The receipt that a transaction in a block became.
pub fn receipt(signed: &Signed, height: u64) -> Value {
    let tx = &signed.tx;
    json!({
        "predecessor_id": tx.signer,
        "priority": 0,
        "receipt": {"Action": {
            "actions": tx.actions.iter().map(Action::view).collect::<Vec<_>>(),
            "gas_price": truth::gas_price(height).to_string(),
            "input_data_ids": [],
            "is_promise_yield": false,
            "output_data_receivers": [],
            "signer_id": tx.signer,
            "signer_public_key": tx.key.shown(),
        }},
        "receipt_id": base58(&block::receipt_id(&signed.hash)),
        "receiver_id": tx.receiver,
    })
}

/// What came of a transaction in its block.
pub fn tx_outcome(signed: &Signed, block: &Block) -> Value {
    let id = base58(&block::receipt_id(&signed.hash));
    let status = json!({"SuccessReceiptId": id});
    outcome(&signed.hash, block, &signed.tx.signer, &status, &[], Some(&id))
}

/// What came of its receipt in the block after.
pub fn receipt_outcome(signed: &Signed, executed: &Block) -> Value {
    let logs: Vec<String> = calls(signed).map(|(method, _)| format!("called {method}")).collect();
    let id = block::receipt_id(&signed.hash);
    outcome(&id, executed, &signed.tx.receiver, &final_status(signed, executed), &logs, None)
}

/// What a transaction came to: the value of its last call, or a failure.
pub fn final_status(signed: &Signed, executed: &Block) -> Value {
    let receiver = &*signed.tx.receiver;
    let Some((method, args)) = calls(signed).last() else { return json!({"SuccessValue": ""}) };
    if receiver == truth::PANIC_CONTRACT {
        let kind = json!({"FunctionCallError": {"ExecutionError": "Smart contract panicked: simulated panic"}});
        return json!({"Failure": {"ActionError": {"index": 0, "kind": kind}}});
    }
    let value = truth::call(receiver, method, args, executed.at());
    json!({"SuccessValue": STANDARD.encode(value)})
}

fn calls(signed: &Signed) -> impl Iterator<Item = (&str, &[u8])> {
    signed.tx.actions.iter().filter_map(|action| match action {
        Action::FunctionCall { method, args, .. } => Some((&**method, &**args)),
        _ => None,
    })
}

fn outcome(
    id: &Hash,
    block: &Block,
    executor: &str,
    status: &Value,
    logs: &[String],
    receipt: Option<&str>,
) -> Value {
    json!({
        "block_hash": base58(&block.hash),
        "id": base58(id),
        "outcome": {
            "executor_id": executor,
            "gas_burnt": GAS_BURNT,
            "logs": logs,
            "metadata": {"gas_profile": null, "version": 1},
            "receipt_ids": receipt.into_iter().collect::<Vec<_>>(),
            "status": status,
            "tokens_burnt": burnt(GAS_BURNT, block.height()),
        },
        "proof": [{"direction": "Right", "hash": base58(&sha256(&[b"sibling", id]))}],
    })
}

fn burnt(gas: u64, height: u64) -> String {
    (u128::from(gas) * truth::gas_price(height)).to_string()
}

impl Ask<'_> {
    /// A validator with its stake.
    pub fn stake(&self, index: u64) -> Value {
        json!({
            "account_id": actors::validator(index),
            "public_key": self.sim.actors.validator_key(index),
            "stake": (10_u128.pow(30) + u128::from(index)).to_string(),
            "validator_stake_struct_version": "V1",
        })
    }
}
