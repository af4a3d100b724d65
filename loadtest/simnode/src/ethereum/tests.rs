use std::collections::HashMap;

use super::header::Header;
use super::*;
use crate::chain::{Chain, ChainOptions, Pace};
use crate::family::Sim;
use crate::hash::unhex;

fn blocks(numbers: std::ops::RangeInclusive<u64>) -> Vec<Block> {
    let options = ChainOptions { pace: Pace::Manual, start: 60, ..ChainOptions::default() };
    let chain = Chain::new(options);
    let Sim::Ethereum(sim) = &chain.sim else { unreachable!("an Ethereum chain") };
    let main = chain.tip().0;
    numbers.map(|number| sim.build(&chain.draft(main, number).unwrap())).collect()
}

/// What a verifying reader does: the header from the JSON alone.
fn header_of(text: &str) -> (Header, Vec<u8>) {
    let json: serde_json::Value = serde_json::from_str(text).unwrap();
    let bytes = |name: &str| unhex(json[name].as_str().unwrap()).unwrap();
    let word = |name: &str| Hash::try_from(bytes(name)).unwrap();
    let number = |name: &str| params::quantity(json[name].as_str().unwrap()).unwrap();
    let header = Header {
        parent: word("parentHash"),
        miner: bytes("miner").try_into().unwrap(),
        state_root: word("stateRoot"),
        transactions_root: word("transactionsRoot"),
        receipts_root: word("receiptsRoot"),
        bloom: bytes("logsBloom").try_into().unwrap(),
        number: number("number"),
        gas_limit: number("gasLimit"),
        gas_used: number("gasUsed"),
        timestamp: number("timestamp"),
        extra: bytes("extraData"),
        prev_randao: word("mixHash"),
        base_fee: number("baseFeePerGas"),
        beacon_root: word("parentBeaconBlockRoot"),
    };
    (header, bytes("hash"))
}

#[test]
fn the_shown_hash_is_the_hash_of_the_shown_header_and_links() {
    let mut before: Option<Hash> = None;
    for block in blocks(0..=60) {
        for full in [false, true] {
            let (header, hash) = header_of(json::block(&block, full));
            assert_eq!(header.hash().to_vec(), hash);
            assert_eq!(header.parent, before.unwrap_or([0; 32]));
        }
        before = Some(block.hash);
    }
}

#[test]
fn transactions_are_signed_and_count_their_senders_nonces() {
    let mut next: HashMap<tx::Address, u64> = HashMap::new();
    for block in blocks(1..=40) {
        assert_eq!(block.txs.len(), 2);
        for sent in &block.txs {
            assert_eq!(tx::decode(&sent.raw).unwrap(), **sent);
            let nonce = next.entry(sent.from).or_default();
            assert_eq!(sent.fields.nonce, *nonce);
            *nonce += 1;
        }
    }
}

#[test]
fn the_bloom_covers_every_log() {
    for block in blocks(1..=10) {
        let mut own = [0; 256];
        for log in &block.logs {
            header::add_to_bloom(&mut own, &log.address);
        }
        assert!(own.iter().zip(&block.header.bloom).all(|(own, all)| own & all == *own));
        assert_eq!(block.logs.len(), 2);
    }
}
