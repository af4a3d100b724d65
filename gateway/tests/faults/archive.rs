//! Old state, blocks that are not there yet, and ranges.

use headrace_simnode::Fault;

use super::world::{Plan, World, balance_params, until};

/// A block whose state only archive nodes keep.
const OLD: &str = "0x64";

async fn balance(world: &World, block: &str) -> super::client::Reply {
    world.call("eth_getBalance", &balance_params(block)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pruned_call_is_answered_by_the_archive_node_which_gets_no_recent_reads() {
    let world = Plan::new(500, &["a", "b", "deep: archive = true"]).ready().await;
    for _ in 0..5 {
        let reply = balance(&world, OLD).await;
        assert_eq!((world.judged(&reply), reply.node()), (100, "deep"));
    }
    let before = world.calls("deep", "eth_getBalance");
    let mut client = world.client().await;
    for _ in 0..100 {
        world.height_read(&mut client, "latest").await;
    }
    assert_eq!(world.calls("deep", "eth_getBalance"), before, "a recent read on the archive node");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_archive_that_is_away_is_another_error_than_none() {
    let world = Plan::new(500, &["a", "b", "deep: archive = true"]).ready().await;
    world.inject("deep", Fault::Die);
    for _ in 0..3 {
        let reply = balance(&world, OLD).await;
        assert_eq!(reply.refusal(), (503, -32002, "archive_unavailable"));
    }
    world.node("deep").clear();
    world.until_usable("deep").await;
    assert_eq!(world.judged(&balance(&world, OLD).await), 100);

    let window = "oldest = { state = { window = 128 } }";
    let told: [&'static str; 2] = ["a: oldest = { state = { window = 128 } }", "b"];
    assert!(told[0].ends_with(window));
    let world = Plan::new(500, &told[..1]).ready().await;
    assert_eq!(balance(&world, OLD).await.refusal(), (200, -32001, "history_pruned"));
    let world = Plan::new(500, &["a", "b"]).ready().await;
    assert_eq!(balance(&world, OLD).await.refusal(), (200, -32001, "history_pruned"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_block_just_ahead_is_waited_for_and_one_far_ahead_is_not_there() {
    let world = Plan::new(900, &["a", "b"]).by_hand().ready().await;
    let next = format!("{:#x}", world.tip().number + 1);
    let mut client = world.client().await;
    let asked =
        tokio::spawn(async move { client.call("eth_getBalance", &balance_params(&next)).await });
    world.chain.mine(1);
    let reply = asked.await.unwrap();
    assert_eq!(world.judged(&reply), world.tip().number, "waited for, and answered");

    let far = format!("{:#x}", world.tip().number + 100);
    assert_eq!(balance(&world, &far).await.refusal(), (200, -32001, "block_not_found"));
    let block = world.call("eth_getBlockByNumber", &format!("[\"{far}\",false]")).await;
    assert!(block.result().is_null(), "{block:?}");
    let head = format!("{:#x}", world.tip().number);
    for (from, to) in [(&*head, &*far), (&far, &far), (&far, "latest")] {
        let range = format!(r#"[{{"fromBlock":"{from}","toBlock":"{to}"}}]"#);
        let reply = world.call("eth_getLogs", &range).await;
        assert_eq!((reply.status.as_u16(), reply.code()), (200, -32602), "{from} to {to}");
    }
    // Nothing of this reached a node.
    until("quiet", || world.all_calls("eth_getLogs") == 0).await;
}
