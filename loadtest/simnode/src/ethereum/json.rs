//! JSON of Ethereum's objects, written straight into a string.

use super::block::{Block, Log};
use super::header::{EMPTY_ROOT, EMPTY_UNCLES, Header};
use super::tx::{AccessList, Fee, Tx};
use crate::hash::push_hex;
pub use crate::json::{Members, array, data, quantity};

/// The members of a header, as they stand in a block too.
pub fn header_members(object: &mut Members<'_>, header: &Header, hash: &[u8]) {
    object
        .quantity("number", header.number)
        .data("hash", hash)
        .data("parentHash", &header.parent)
        .data("sha3Uncles", &EMPTY_UNCLES)
        .data("miner", &header.miner)
        .data("stateRoot", &header.state_root)
        .data("transactionsRoot", &header.transactions_root)
        .data("receiptsRoot", &header.receipts_root)
        .data("logsBloom", &header.bloom)
        .quantity("difficulty", 0_u64)
        .quantity("gasLimit", header.gas_limit)
        .quantity("gasUsed", header.gas_used)
        .quantity("timestamp", header.timestamp)
        .data("extraData", &header.extra)
        .data("mixHash", &header.prev_randao)
        .data("nonce", &[0; 8])
        .quantity("baseFeePerGas", header.base_fee)
        .data("withdrawalsRoot", &EMPTY_ROOT)
        .quantity("blobGasUsed", 0_u64)
        .quantity("excessBlobGas", 0_u64)
        .data("parentBeaconBlockRoot", &header.beacon_root);
}

/// A block, with whole transactions or their hashes. Written once for each block.
pub fn block(block: &Block, full: bool) -> &str {
    block.texts[usize::from(full)].get_or_init(|| {
        let mut out = String::with_capacity(2_048);
        let mut object = Members::open(&mut out);
        header_members(&mut object, &block.header, &block.hash);
        object.quantity("size", block.header.encode().len() as u64 + 3);
        object.raw("uncles", "[]").raw("withdrawals", "[]");
        array(object.name("transactions"), 0..block.txs.len(), |out, index| {
            if full {
                transaction(out, &block.txs[index], Some((block, index)));
            } else {
                data(out, &block.txs[index].hash);
            }
        });
        object.close();
        out
    })
}

/// A transaction; without a place it is pending.
pub fn transaction(out: &mut String, tx: &Tx, place: Option<(&Block, usize)>) {
    let mut object = Members::open(out);
    match place {
        Some((block, index)) => {
            object.data("blockHash", &block.hash).quantity("blockNumber", block.number());
            object.quantity("transactionIndex", index as u64);
        }
        None => {
            object.raw("blockHash", "null").raw("blockNumber", "null");
            object.raw("transactionIndex", "null");
        }
    }
    let fields = &tx.fields;
    object.data("hash", &tx.hash).data("from", &tx.from);
    match &fields.to {
        Some(to) => object.data("to", to),
        None => object.raw("to", "null"),
    };
    object
        .quantity("type", fields.fee.kind())
        .quantity("nonce", fields.nonce)
        .quantity("gas", fields.gas)
        .quantity("value", fields.value)
        .data("input", &fields.data);
    let base = place.map(|(block, _)| u128::from(block.header.base_fee));
    fee_members(&mut object, &fields.fee, base);
    if let Some(id) = fields.chain_id {
        object.quantity("chainId", id);
    }
    signature_members(&mut object, tx);
    object.close();
}

fn fee_members(object: &mut Members<'_>, fee: &Fee, base: Option<u128>) {
    object.quantity("gasPrice", paid(fee, base));
    if let Fee::Dynamic { tip, cap, .. } = fee {
        object.quantity("maxPriorityFeePerGas", *tip).quantity("maxFeePerGas", *cap);
    }
    if let Fee::AccessList { list, .. } | Fee::Dynamic { list, .. } = fee {
        access_list(object.name("accessList"), list);
    }
}

/// What is paid for one gas in a block with this base fee (EIP-1559).
pub fn paid(fee: &Fee, base: Option<u128>) -> u128 {
    match (fee, base) {
        (Fee::Dynamic { tip, cap, .. }, Some(base)) => (*cap).min(base.saturating_add(*tip)),
        _ => fee.cap(),
    }
}

fn signature_members(object: &mut Members<'_>, tx: &Tx) {
    object.quantity("v", tx.fields.v(tx.signature.odd));
    if tx.fields.fee.kind() > 0 {
        object.quantity("yParity", u8::from(tx.signature.odd));
    }
    for (name, word) in [("r", &tx.signature.r), ("s", &tx.signature.s)] {
        let mut digits = String::with_capacity(64);
        push_hex(&mut digits, word);
        let out = object.name(name);
        out.push_str("\"0x");
        out.push_str(digits.trim_start_matches('0'));
        out.push('"');
    }
}

fn access_list(out: &mut String, list: &AccessList) {
    array(out, list, |out, (address, keys)| {
        let mut entry = Members::open(out);
        entry.data("address", address);
        array(entry.name("storageKeys"), keys, |out, key| data(out, key));
        entry.close();
    });
}

/// The receipt of the transaction at `index`.
pub fn receipt(out: &mut String, block: &Block, index: usize) {
    let tx = &block.txs[index];
    let (used, cumulative) = block.gas(index);
    let mut object = Members::open(out);
    object
        .data("transactionHash", &tx.hash)
        .quantity("transactionIndex", index as u64)
        .data("blockHash", &block.hash)
        .quantity("blockNumber", block.number())
        .data("from", &tx.from)
        .quantity("type", tx.fields.fee.kind())
        .quantity("status", 1_u64)
        .quantity("gasUsed", used)
        .quantity("cumulativeGasUsed", cumulative)
        .quantity("effectiveGasPrice", paid(&tx.fields.fee, Some(block.header.base_fee.into())));
    match &tx.fields.to {
        Some(to) => object.data("to", to).raw("contractAddress", "null"),
        None => object.raw("to", "null").data("contractAddress", &tx.hash[12..]),
    };
    let logs = block.logs.iter().enumerate().filter(|(_, log)| log.tx == index);
    let mut bloom = [0; 256];
    for (_, log) in logs.clone() {
        super::header::add_to_bloom(&mut bloom, &log.address);
        log.topics.iter().for_each(|topic| super::header::add_to_bloom(&mut bloom, topic));
    }
    object.data("logsBloom", &bloom);
    array(object.name("logs"), logs, |out, (at, entry)| log(out, block, at, entry));
    object.close();
}

/// One log with its place.
pub fn log(out: &mut String, block: &Block, index: usize, log: &Log) {
    let mut object = Members::open(out);
    object.data("address", &log.address);
    array(object.name("topics"), &log.topics, |out, topic| data(out, topic));
    object
        .data("data", &log.data)
        .quantity("blockNumber", block.number())
        .data("blockHash", &block.hash)
        .quantity("blockTimestamp", block.header.timestamp)
        .data("transactionHash", &block.txs[log.tx].hash)
        .quantity("transactionIndex", log.tx as u64)
        .quantity("logIndex", index as u64)
        .raw("removed", "false");
    object.close();
}
