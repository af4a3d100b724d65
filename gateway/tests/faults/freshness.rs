//! Nodes freeze, chains halt and reorganise: how fresh what clients get is.

use std::{
    future::Future,
    pin::Pin,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use headrace_simnode::Fault;

use super::world::{Plan, World, balance_params};

/// A second a block: patience is the 12 s of its floor.
const BLOCK: u64 = 1_000;
/// The oldest tip that may be sold as newest, with room for a busy machine.
const OLDEST: u64 = 12 + 6;

/// Reads the newest state until it is no older than two blocks; never older than the
/// rule allows meanwhile.
async fn until_served_fresh(world: &World) {
    let mut client = world.client().await;
    let began = Instant::now();
    let last = world.chain.head().number;
    loop {
        let head = world.chain.head().number;
        let reply = client.call("eth_getBalance", &balance_params("latest")).await;
        if reply.reason() == "head_unavailable" {
            // While the others catch up: no answer rather than an old one.
            assert!(began.elapsed() < Duration::from_secs(30), "never a head");
            continue;
        }
        let read = world.judged(&reply);
        assert!(read + OLDEST >= head, "{read} was sold as newest at {head}");
        if read > last && read + 2 >= head {
            return;
        }
        assert!(began.elapsed() < Duration::from_secs(30), "never fresh: {read} of {head}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// These nodes are struck, then healed.
async fn outlived(pool: &'static [&'static str], struck: &'static [&'static str], fault: Fault) {
    let world = Plan::new(BLOCK, pool).ready().await;
    struck.iter().for_each(|node| world.inject(node, fault.clone()));
    until_served_fresh(&world).await;
    for node in struck {
        world.node(node).clear();
        world.until_usable(node).await;
    }
    until_served_fresh(&world).await;
}

/// All heads stop together: nobody is stalled, and reads go on.
async fn halted(pool: &'static [&'static str]) {
    let world = Plan::new(BLOCK, pool).by_hand().ready().await;
    world.chain.mine(3);
    world.until_fresh().await;
    let (began, tip) = (Instant::now(), world.tip());
    let mut client = world.client().await;
    while began.elapsed() < Duration::from_secs(15) {
        assert_eq!(world.height_read(&mut client, "latest").await, tip.number);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    world.chain.mine(1);
    world.until_fresh().await;
    assert_eq!(world.height_read(&mut client, "latest").await, tip.number + 1);
}

const ONE_AND_FALLBACK: &[&str] = &["a", "spare: fallback = true"];
const TWO: &[&str] = &["a", "b"];
const TWO_AND_FALLBACK: &[&str] = &["a", "b", "spare: fallback = true"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_node_serves_at_the_fresh_tip_within_patience_and_a_halt_stops_no_reads() {
    type Case = Pin<Box<dyn Future<Output = ()>>>;
    let cases: [Case; 12] = [
        Box::pin(outlived(ONE_AND_FALLBACK, &["a"], Fault::Freeze)),
        Box::pin(outlived(ONE_AND_FALLBACK, &["a"], Fault::Die)),
        Box::pin(outlived(ONE_AND_FALLBACK, &["a"], Fault::Hang)),
        Box::pin(outlived(ONE_AND_FALLBACK, &["spare"], Fault::Freeze)),
        Box::pin(outlived(TWO, &["a"], Fault::Freeze)),
        Box::pin(outlived(TWO, &["b"], Fault::Die)),
        Box::pin(outlived(TWO_AND_FALLBACK, &["a"], Fault::Freeze)),
        Box::pin(outlived(TWO_AND_FALLBACK, &["a", "b"], Fault::Freeze)),
        Box::pin(outlived(TWO_AND_FALLBACK, &["a", "spare"], Fault::Freeze)),
        Box::pin(outlived(TWO_AND_FALLBACK, &["a", "b"], Fault::Die)),
        Box::pin(halted(TWO)),
        Box::pin(halted(TWO_AND_FALLBACK)),
    ];
    join_all(cases).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reorg_of_one_to_three_blocks_is_followed() {
    for pool in [&["a"][..], ONE_AND_FALLBACK, TWO, &["a", "b", "c"]] {
        let world = Plan::new(200, pool).by_hand().ready().await;
        let mut client = world.client().await;
        for depth in 1..=3 {
            world.chain.mine(5);
            world.until_fresh().await;
            let before = world.tip();
            world.chain.reorg(depth);
            world.until_fresh().await;
            assert_eq!(world.tip().number, before.number, "the same height");
            assert_ne!(world.tip().hash, before.hash, "another block");
            assert_eq!(world.height_read(&mut client, "latest").await, before.number);
        }
        assert_eq!(world.seen().metrics.tip_changes.sum(1), 3, "three reorgs were counted");
    }
}
