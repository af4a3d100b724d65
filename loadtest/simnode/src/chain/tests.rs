use super::*;
use crate::ethereum::tx::{self, Fields};

fn manual(seed: u64, start: u64) -> Arc<Chain> {
    Chain::new(ChainOptions { seed, start, pace: Pace::Manual, ..ChainOptions::default() })
}

/// A node that has got the newest block.
fn viewer(chain: &Chain, node: u64) -> Viewer {
    let (branch, head) = chain.tip();
    Viewer { node, branch, head }
}

fn send(chain: &Chain, nonce: u64) -> Result<Hash, PoolError> {
    let tx = tx::sign(&[9; 32], Fields::transfer(1337, nonce, [1; 20], 1)).unwrap();
    let hash = tx.hash;
    let sent = SentTx {
        hash,
        account: tx.from.to_vec(),
        nonce,
        price: 1,
        payload: Payload::Ethereum(Arc::new(tx)),
    };
    chain.accept(1, Arc::new(sent), true).map(|()| hash)
}

fn sent_at(chain: &Chain, number: u64) -> usize {
    chain.draft(chain.tip().0, number).unwrap().sent.len()
}

#[test]
fn equal_options_give_equal_chains_and_another_seed_another_one() {
    let (a, b, other) = (manual(1, 50), manual(1, 50), manual(2, 50));
    a.mine(5);
    b.mine(2);
    b.mine(3);
    assert_eq!(a.head(), b.head());
    for number in 0..=55 {
        assert_eq!(a.main_hash(number), b.main_hash(number));
        assert_ne!(a.main_hash(number), other.main_hash(number));
    }
    assert_eq!(a.main_hash(56), None);
}

#[test]
fn blocks_link_down_to_genesis() {
    let chain = manual(1, 1_100);
    let (main, head) = chain.tip();
    let drafts: Vec<_> = (0..=head).map(|number| chain.draft(main, number).unwrap()).collect();
    assert_eq!(drafts[0].parent, [0; 32]);
    for number in 1..=head {
        let draft = &drafts[usize::try_from(number).unwrap()];
        assert_eq!(Some(draft.parent), chain.main_hash(number - 1), "{number}");
    }
}

#[test]
fn a_high_start_links_near_it_and_within_old_segments() {
    let chain = manual(1, 20_000_000);
    let main = chain.tip().0;
    let linked = |number: u64| {
        chain.draft(main, number).map(|draft| draft.parent) == chain.main_hash(number - 1)
    };
    assert!((19_992_000..=20_000_000).all(linked));
    assert!(linked(SEGMENT * 5 + 1) && linked(SEGMENT * 6 - 1));
    assert!(!linked(SEGMENT * 5));
    assert!(chain.main_hash(0).is_some());
}

#[test]
fn a_reorg_keeps_the_height_and_changes_only_the_newest_blocks() {
    for depth in [1, 2, 3, 7] {
        let chain = manual(1, 100);
        chain.mine(10);
        let before: Vec<_> = (0..=110).map(|number| chain.main_hash(number)).collect();
        let old_head = chain.head();
        let head = chain.reorg(depth);
        assert_eq!(head.number, 110);
        for number in 0..=110 {
            let same = before[usize::try_from(number).unwrap()] == chain.main_hash(number);
            assert_eq!(same, number <= 110 - depth, "depth {depth}, block {number}");
        }
        assert!(chain.find(&old_head.hash).is_some());
        let other = manual(1, 100);
        other.mine(10);
        assert_eq!(other.reorg(depth), head);
    }
}

#[test]
fn a_sent_transaction_is_in_the_next_block_and_survives_a_reorg() {
    let chain = manual(1, 100);
    chain.mine(1);
    let hash = send(&chain, 0).unwrap();
    assert_eq!(send(&chain, 0), Err(PoolError::AlreadyKnown));
    assert!(chain.pooled(viewer(&chain, 1), &hash).is_some());
    chain.mine(1);
    assert_eq!(sent_at(&chain, 102), 1);
    assert_eq!(send(&chain, 0), Err(PoolError::AlreadyKnown));
    assert!(chain.pooled(viewer(&chain, 1), &hash).is_none());
    chain.mine(1);
    chain.reorg(2);
    assert_eq!(sent_at(&chain, 102), 1);
    assert_eq!(sent_at(&chain, 103), 0);
    let account = tx::address(&[9; 32]).unwrap();
    assert_eq!(chain.nonce(chain.tip().0, &account, 102), 1);
    assert_eq!(chain.nonce(chain.tip().0, &account, 101), 0);
}

#[test]
fn what_is_in_a_block_is_pooled_where_the_block_has_not_arrived() {
    let chain = manual(1, 100);
    let hash = send(&chain, 0).unwrap();
    let (before, account) = (viewer(&chain, 1), tx::address(&[9; 32]).unwrap());
    chain.mine(1);
    let after = viewer(&chain, 1);
    let fork = Viewer { branch: chain.fork(100, 7, false, None), ..after };
    for (who, pooled) in [(before, true), (after, false), (fork, true)] {
        let (size, next) = (usize::from(pooled), u64::from(pooled));
        assert_eq!(chain.pooled(who, &hash).is_some(), pooled);
        assert_eq!((chain.pool_size(who), chain.pool_list(who).len()), (size, size));
        assert_eq!(chain.pending_nonce(who, &account, 0), next);
    }
    chain.reorg(1);
    assert_eq!(chain.pool_size(before), 1);
    assert_eq!(chain.pool_size(viewer(&chain, 1)), 0);
    chain.mine(100);
    assert_eq!(chain.pool_size(before), 0);
}

#[test]
fn a_gap_in_the_nonces_waits() {
    let chain = manual(1, 100);
    send(&chain, 1).unwrap();
    chain.mine(1);
    assert_eq!(sent_at(&chain, 101), 0);
    send(&chain, 0).unwrap();
    chain.mine(1);
    assert_eq!(sent_at(&chain, 102), 2);
}

#[test]
fn what_a_dead_node_had_not_passed_on_is_lost() {
    let chain = Chain::new(ChainOptions {
        pace: Pace::Manual,
        gossip: Duration::from_secs(3_600),
        ..ChainOptions::default()
    });
    let hash = send(&chain, 0).unwrap();
    assert!(chain.pooled(viewer(&chain, 2), &hash).is_none());
    chain.lose(1);
    assert!(chain.pooled(viewer(&chain, 1), &hash).is_none());
    assert_eq!(chain.pool_size(viewer(&chain, 1)), 0);
}

#[test]
fn a_fork_shares_what_is_below_it_and_nothing_above() {
    let chain = manual(1, 100);
    let fork = chain.fork(90, 5, false, None);
    chain.mine(3);
    for number in [80, 89, 90, 100, 103] {
        let same = chain.block_hash(fork, number) == chain.main_hash(number);
        assert_eq!(same, number < 90, "{number}");
    }
    assert_eq!(chain.fork(90, 5, false, None), fork);
    assert_eq!(chain.draft(fork, 90).unwrap().parent, chain.main_hash(89).unwrap());
}

#[test]
fn another_chain_has_another_genesis_and_an_invented_one_links_to_nothing() {
    let chain = manual(1, 100);
    let other = chain.fork(0, 7, false, Some(7));
    assert_eq!(chain.chain_id(other), 7);
    assert_ne!(chain.block_hash(other, 0), chain.main_hash(0));
    let invented = chain.fork(101, 1, true, None);
    assert!(chain.block_hash(invented, 1_100).is_some());
    assert_ne!(chain.draft(invented, 101).unwrap().parent, chain.main_hash(100).unwrap());
    let parent = chain.draft(invented, 102).unwrap().parent;
    assert_eq!(Some(parent), chain.block_hash(invented, 101));
}

#[test]
fn the_clock_makes_the_blocks_that_are_due() {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let options = ChainOptions {
        genesis: Some(now.saturating_sub(Duration::from_secs(100_000))),
        block_time: Duration::from_secs(1_000),
        start: 10,
        ..ChainOptions::default()
    };
    let (a, b) = (Chain::new(options.clone()), Chain::new(options));
    assert_eq!(a.head().number, 110);
    assert_eq!(a.head(), b.head());
}
