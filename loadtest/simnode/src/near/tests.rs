//! The chain as NEAR shows it: links, skipped heights, hashes that can be followed.

use std::sync::Arc;

use super::actors;
use super::tx::{self, transfer};
use crate::chain::{Chain, ChainOptions, Pace, SentTx};
use crate::family::{Family, Payload, Sim};
use crate::hash::{Hash, sha256};

fn chain(skip: u64) -> Arc<Chain> {
    Chain::new(ChainOptions { pace: Pace::Manual, skip, ..ChainOptions::of(Family::Near) })
}

fn near(chain: &Chain) -> &super::Near {
    let Sim::Near(near) = &chain.sim else { unreachable!("a NEAR chain") };
    near
}

fn block(chain: &Chain, number: u64) -> super::block::Block {
    let draft = chain.draft(chain.tip().0, number).unwrap();
    near(chain).build(&draft)
}

#[test]
fn blocks_link_over_skipped_heights() {
    let chain = chain(4);
    let (mut links, mut skipped) = (0, 0);
    chain.mine(20);
    for number in 900..chain.head().number {
        let below = near(&chain).rules.standing(number);
        if below != number {
            skipped += 1;
            assert_eq!(chain.main_hash(number), chain.main_hash(below));
            continue;
        }
        let built = block(&chain, number);
        assert_eq!(Some(built.hash), chain.main_hash(number));
        assert_eq!(Some(built.prev), chain.main_hash(built.prev_height));
        assert_eq!(chain.find(&built.hash).unwrap().1, number);
        let two_below = block(&chain, built.prev_height).prev;
        assert_eq!(built.last_final, two_below);
        links += 1;
    }
    assert!(skipped > 10 && links > 60, "{skipped} {links}");
}

#[test]
fn mining_makes_blocks_and_the_head_always_stands() {
    let chain = chain(4);
    let before = chain.head();
    let mut seen = before.number;
    for _ in 0..50 {
        let head = chain.mine(1);
        assert!(head.number > seen);
        assert!(!near(&chain).rules.skipped(head.number));
        seen = head.number;
    }
    assert!(seen > before.number + 50, "no height was skipped");
}

#[test]
fn a_hash_is_made_from_what_light_clients_read() {
    let chain = chain(16);
    let built = block(&chain, 1_000);
    let inner = sha256(&[&built.lite.hash(), &built.rest_hash]);
    assert_eq!(built.hash, sha256(&[&inner, &built.prev]));
}

#[test]
fn branches_chains_and_seeds_differ_and_equal_options_do_not() {
    let head = |seed, chain_id| {
        let options = ChainOptions { seed, chain_id, ..chain(16).options.clone() };
        Chain::new(options).main_hash(1_000)
    };
    assert_eq!(head(1, 1), head(1, 1));
    assert_ne!(head(1, 1), head(2, 1));
    assert_ne!(head(1, 1), head(1, 2));
    let chain = chain(16);
    let before = chain.main_hash(1_000);
    chain.reorg(3);
    assert_ne!(chain.main_hash(1_000), before);
    assert_eq!(chain.main_hash(990), self::chain(16).main_hash(990));
}

#[test]
fn old_blocks_are_the_same_when_they_are_built_again() {
    let options =
        ChainOptions { start: 100_000, pace: Pace::Manual, ..ChainOptions::of(Family::Near) };
    let chain = Chain::new(options);
    for number in [50_000_u64, 51_200, 51_199, 99_000] {
        let number = near(&chain).rules.standing(number);
        assert_eq!(Some(block(&chain, number).hash), chain.main_hash(number), "{number}");
    }
}

#[test]
fn every_block_has_a_transaction_of_the_pulse_that_verifies() {
    let chain = chain(16);
    let built = block(&chain, 1_000);
    let signed = tx::decode(&built.txs[0].raw).unwrap();
    assert!(signed.valid);
    assert_eq!((&*signed.tx.signer, signed.tx.nonce), (&*actors::account(0), 1_000));
}

fn send(chain: &Chain, nonce: u64) -> Hash {
    let signed = tx::sign(&[1; 32], transfer("a.sim", nonce, "b.sim", [0; 32], 1));
    let hash = signed.hash;
    let (account, payload) = (b"a".to_vec(), Payload::Near(Arc::new(signed)));
    let sent = Arc::new(SentTx { hash, account, nonce, price: 10, payload });
    chain.accept(1, sent, true).unwrap();
    hash
}

#[test]
fn nonces_may_have_gaps_and_never_fall() {
    let chain = chain(16);
    let (high, low) = (send(&chain, 900), send(&chain, 7));
    let mined = chain.mine(1).number;
    let hashes: Vec<Hash> = block(&chain, mined).txs.iter().map(|tx| tx.hash).collect();
    assert_eq!(hashes[1..], [low, high]);
    assert_eq!(chain.nonce(chain.tip().0, b"a", mined), 901);
}
