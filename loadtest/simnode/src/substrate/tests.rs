use super::header::Header;
use super::*;
use crate::chain::{Chain, ChainOptions, Pace};
use crate::family::Family;
use crate::hash::unhex_array;

fn manual(start: u64) -> Arc<Chain> {
    Chain::new(ChainOptions { pace: Pace::Manual, start, ..ChainOptions::of(Family::Substrate) })
}

fn blocks(chain: &Chain, numbers: std::ops::RangeInclusive<u64>) -> Vec<Block> {
    let main = chain.tip().0;
    numbers.map(|number| Block::build(&chain.draft(main, number).unwrap())).collect()
}

/// What a verifying reader does: the header from the JSON alone.
fn header_of(text: &str) -> Header {
    let json: serde_json::Value = serde_json::from_str(text).unwrap();
    let word = |name: &str| unhex_array(json[name].as_str().unwrap()).unwrap();
    let logs = json["digest"]["logs"].as_array().unwrap();
    Header {
        parent: word("parentHash"),
        number: u64::from_str_radix(&json["number"].as_str().unwrap()[2..], 16).unwrap(),
        state_root: word("stateRoot"),
        extrinsics_root: word("extrinsicsRoot"),
        logs: logs.iter().map(|log| unhex(log.as_str().unwrap()).unwrap()).collect(),
    }
}

#[test]
fn the_hash_is_that_of_the_shown_header_and_links() {
    let chain = manual(60);
    let mut before: Option<Hash> = None;
    for block in blocks(&chain, 0..=60) {
        let mut text = String::new();
        block.header.write(&mut text);
        let shown = header_of(&text);
        assert_eq!(Some(shown.hash()), chain.main_hash(block.number()));
        assert_eq!(shown.parent, before.unwrap_or([0; 32]));
        before = Some(block.hash);
    }
}

#[test]
fn a_block_tells_its_time_and_what_became_of_its_extrinsics() {
    for block in blocks(&manual(5), 1..=5) {
        let body = &block.extrinsics[0];
        assert_eq!(&body[1..4], &[4, 3, 0]);
        let time = scale::Reader::new(&body[4..]).compact().unwrap();
        assert_eq!(time, u128::from(block.timestamp));
        // One event of 5 + 2 + 4 + 2 + 3 bytes, after their count.
        assert_eq!(block.events().len(), 1 + 16);
    }
}

#[test]
fn chains_of_other_seeds_and_ids_begin_with_another_block() {
    let genesis = |seed: u64, chain_id: u64| {
        let options = ChainOptions { seed, chain_id, ..ChainOptions::of(Family::Substrate) };
        Chain::new(ChainOptions { pace: Pace::Manual, ..options }).main_hash(0)
    };
    assert_eq!(genesis(1, 1), genesis(1, 1));
    assert_ne!(genesis(1, 1), genesis(2, 1));
    assert_ne!(genesis(1, 1), genesis(1, 2));
}
