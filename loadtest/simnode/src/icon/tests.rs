use super::block::DEFAULT_STEP;
use super::*;
use crate::chain::{Chain, ChainOptions, Pace};
use crate::family::{Family, Sim};
use crate::hash::unhex_array;

fn chain(seed: u64) -> Arc<Chain> {
    let options = ChainOptions {
        family: Family::Icon,
        pace: Pace::Manual,
        start: 60,
        seed,
        ..ChainOptions::default()
    };
    Chain::new(options)
}

fn blocks(chain: &Chain) -> Vec<Block> {
    let Sim::Icon(sim) = &chain.sim else { unreachable!("an ICON chain") };
    let main = chain.tip().0;
    (0..=60).map(|number| sim.build(&chain.draft(main, number).unwrap())).collect()
}

#[test]
fn blocks_link_and_their_time_goes_on() {
    let blocks = blocks(&chain(1));
    for pair in blocks.windows(2) {
        assert_eq!(pair[1].parent, pair[0].id.hash);
        assert!(pair[1].timestamp > pair[0].timestamp);
        assert_eq!(hash_in(&pair[1], "prev_block_hash"), pair[0].id.hash);
    }
    assert_eq!(blocks[0].json(Vec::new())["prev_block_hash"], "");
}

fn hash_in(block: &Block, name: &str) -> Hash {
    let shown = block.json(Vec::new());
    unhex_array(&format!("0x{}", shown[name].as_str().unwrap())).unwrap()
}

#[test]
fn equal_seeds_give_equal_blocks_and_others_do_not() {
    let ids = |seed| blocks(&chain(seed)).iter().map(|block| block.id.hash).collect::<Vec<_>>();
    let (one, other) = (ids(1), ids(2));
    assert_eq!(one, ids(1));
    assert!(one.iter().zip(&other).all(|(a, b)| a != b));
}

#[test]
fn the_accounts_sign_their_transfers() {
    let chain = chain(1);
    let Sim::Icon(sim) = &chain.sim else { unreachable!("an ICON chain") };
    for block in blocks(&chain).iter().skip(1) {
        assert_eq!(block.txs[0].text("dataType"), "base");
        let transfer = &block.txs[1];
        let signature = sim.actors.signature(transfer.signer.unwrap(), transfer);
        let from = tx::recover(&transfer.hash, &signature).unwrap();
        assert_eq!(tx::address_text(&from), transfer.text("from"));
    }
}

#[test]
fn receipts_add_up_and_carry_their_events() {
    for block in blocks(&chain(1)).iter().skip(1) {
        let (issue, transfer) = (block.receipt(0), block.receipt(1));
        assert_eq!(issue["stepUsed"], "0x0");
        assert_eq!(transfer["cumulativeStepUsed"], format!("{DEFAULT_STEP:#x}"));
        for receipt in [issue, transfer] {
            assert_eq!(receipt["status"], "0x1");
            assert_eq!(receipt["eventLogs"].as_array().unwrap().len(), 1);
            assert_eq!(receipt["logsBloom"].as_str().unwrap().len(), 2 + 512);
        }
    }
}
