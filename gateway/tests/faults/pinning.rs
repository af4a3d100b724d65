//! What "newest" means to a client, whichever node answers.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicU64, Ordering::SeqCst},
};

use futures_util::future::join_all;
use headrace_gateway::route::Facts;
use headrace_simnode::Fault;

use super::{
    client::{Client, quantity},
    world::{Plan, World, until},
};

/// Reads the newest state on connection after connection until more than one node has
/// answered; every answer is of the tip, or of one that came meanwhile.
async fn reads_at_the_tip(world: &World, block: &str) {
    let mut nodes = BTreeSet::new();
    while nodes.len() < 2 {
        let mut client = world.client().await;
        for _ in 0..10 {
            let before = world.tip().number;
            let params = super::world::balance_params(block);
            let reply = client.call("eth_getBalance", &params).await;
            let (read, after) = (world.judged(&reply), world.tip().number);
            assert!((before..=after).contains(&read), "{before} ≤ {read} ≤ {after}");
            nodes.insert(reply.node().to_owned());
        }
    }
}

/// `safe` and `finalized` are one block for all nodes.
async fn reads_at_the_mark(world: &World, tag: &str) {
    let marks = || {
        let tips = world.seen().state.tips();
        let mark = if tag == "safe" { tips.safe } else { tips.finalized };
        mark.map(|block| block.number)
    };
    until("a mark", || marks().is_some()).await;
    let mut client = world.client().await;
    for _ in 0..20 {
        let before = marks().unwrap();
        let read = world.height_read(&mut client, tag).await;
        assert!((before..=marks().unwrap()).contains(&read), "{tag}: {before}, read {read}");
        let block = client.call("eth_getBlockByNumber", &format!("[\"{tag}\",false]")).await;
        let number = u64::try_from(quantity(&block.result()["number"])).unwrap();
        assert!(number >= read && number <= marks().unwrap(), "{tag}: {read}, then {number}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_way_to_say_newest_gives_the_state_at_the_served_tip_whichever_node_answers() {
    let world = Plan::new(400, &["ahead", "b", "c"])
        .fault("b", Fault::Lag { blocks: 2 })
        .fault("c", Fault::Lag { blocks: 2 })
        .ready()
        .await;
    for block in ["latest", ""] {
        reads_at_the_tip(&world, block).await;
    }
    for tag in ["safe", "finalized"] {
        reads_at_the_mark(&world, tag).await;
    }
    let mut client = world.client().await;
    for _ in 0..20 {
        let before = world.tip().number;
        let number = u64::try_from(client.call("eth_blockNumber", "[]").await.quantity()).unwrap();
        let block = client.call("eth_getBlockByNumber", r#"["latest",false]"#).await;
        let shown = u64::try_from(quantity(&block.result()["number"])).unwrap();
        assert!(before <= number && number <= shown && shown <= world.tip().number);
        // The main chain is two blocks on: nobody was shown what only one node has.
        assert!(shown + 2 <= world.chain.head().number, "the node ahead shows");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_head_a_client_sees_never_goes_back_over_many_connections() {
    let mut plan = Plan::new(150, &["a", "b", "c"]);
    plan.node.delay = std::time::Duration::from_millis(140);
    let world = plan.ready().await;
    let (seen, first) = (AtomicU64::new(0), world.tip().number);
    let clients = (0..24).map(|at: u64| {
        let (world, seen) = (&world, &seen);
        async move {
            let mut client = world.client().await;
            let enough = |turn| turn >= 60 && seen.load(SeqCst) >= first + 10;
            for turn in (0..).take_while(|&turn| !enough(turn)) {
                let before = seen.load(SeqCst);
                let read = match (turn + at) % 3 {
                    0 => client.call("eth_blockNumber", "[]").await.quantity(),
                    1 => world.height_read(&mut client, "latest").await.into(),
                    _ => {
                        let params = r#"["latest",false]"#;
                        let block = client.call("eth_getBlockByNumber", params).await;
                        quantity(&block.result()["number"])
                    }
                };
                let read = u64::try_from(read).unwrap();
                assert!(read >= before, "{read} after {before}");
                seen.fetch_max(read, SeqCst);
            }
        }
    });
    join_all(clients).await;
}

/// A node whose next probe is far off leaves the branch while its connections stay open. It
/// is asked by hash, so that what it does not have it cannot answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_leaves_the_branch_between_two_probes_answers_no_pinned_call() {
    let world = Plan::new(1_000, &["a", "b: probe = \"60s\""]).by_hand().ready().await;
    world.until_fact("b", Facts::TAKES_HASH, true).await;
    let tip = world.tip().number;
    let named = format!("{:#x}", tip - 1);
    let mut client = world.client().await;
    world.inject("b", Fault::Fork { height: tip - 2, salt: 3 });
    let before = world.calls("b", "eth_getBalance") + world.calls("b", "eth_getBlockByHash");
    let asked = || world.calls("b", "eth_getBalance") + world.calls("b", "eth_getBlockByHash");
    for _ in 0..30 {
        assert_eq!(world.height_read(&mut client, "latest").await, tip);
        assert_eq!(world.height_read(&mut client, &named).await, tip - 1);
        let block = client.call("eth_getBlockByNumber", r#"["latest",false]"#).await;
        assert_eq!(block.result()["hash"].as_str().unwrap(), world.tip().hash.to_string());
    }
    assert!(asked() > before, "the node that left was asked");
    world.until_fact("b", Facts::FORKED, true).await;
}

/// Nodes that do not know of hashes in a number's place are asked by number.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_takes_no_hashes_is_asked_by_number() {
    let world = Plan::new(1_000, &["a", "b"]).by_hand().ready().await;
    let mut client = world.client().await;
    for node in ["a", "b"] {
        world.member(node, |member| member.node.mark(Facts::TAKES_HASH, false));
    }
    let tip = world.tip().number;
    assert_eq!(world.height_read(&mut client, "latest").await, tip);
}

/// A receipt names a block that not enough nodes have yet: clients see it when they see the block.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_receipt_is_shown_before_its_block() {
    let world = Plan::new(400, &["ahead", "b", "c"])
        .fault("b", Fault::Lag { blocks: 1 })
        .fault("c", Fault::Lag { blocks: 1 })
        .ready()
        .await;
    let (mut client, mut direct) =
        (world.client().await, Client::connect(world.node("ahead").address()).await);
    let mut shown = 0;
    while shown < 5 {
        let newest = direct.call("eth_getBlockByNumber", r#"["latest",false]"#).await;
        let Some(tx) = newest.result()["transactions"][0].as_str() else { continue };
        let reply = client.call("eth_getTransactionReceipt", &format!("[\"{tx}\"]")).await;
        if reply.result().is_null() {
            continue;
        }
        let mined = u64::try_from(quantity(&reply.result()["blockNumber"])).unwrap();
        assert!(mined <= world.tip().number, "{mined} above {}", world.tip().number);
        shown += 1;
    }
}
