//! What passes through: large replies, clients that leave, bounds of a node, TLS.

use std::{
    sync::atomic::{AtomicU32, Ordering::Relaxed},
    time::Duration,
};

use futures_util::future::join_all;
use headrace_gateway::metrics::AttemptResult;
use headrace_simnode::{Fault, Law};

use super::world::{Plan, World, balance_params, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_reply_arrives_whole_and_as_the_node_wrote_it() {
    let world = Plan::new(500, &["a"]).by_hand().ready().await;
    let range = r#"[{"fromBlock":"0x1","toBlock":"0x3e8"}]"#;
    let body = format!(r#"{{"jsonrpc":"2.0","id":7,"method":"eth_getLogs","params":{range}}}"#);
    let mut direct = super::client::Client::connect(world.node("a").address()).await;
    let wanted = direct.send(body).await;
    assert!(wanted.bytes > 256 << 10, "{} bytes are not large", wanted.bytes);
    let calls = (0..8).map(|_| world.call("eth_getLogs", range));
    for reply in join_all(calls).await {
        assert_eq!(reply.result(), wanted.result());
    }
}

fn in_flight(world: &World, node: &str) -> u32 {
    world.member(node, |member| member.node.flight.calls())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_leaves_stops_the_work_and_debits_nobody() {
    let world = Plan::new(500, &["a"]).ready().await;
    let slow = Fault::Slow { factor: 1.0, extra_ms: 20_000 };
    world.inject("a", headrace_simnode::Injected::from(slow).only(&["eth_call"]));
    let params = r#"[{"to":null},"latest"]"#;
    let mut client = world.client().await;
    tokio::select! {
        reply = client.call("eth_call", params) => panic!("answered: {reply:?}"),
        () = until("it is under way", || in_flight(&world, "a") == 1) => {}
    }
    drop(client);
    until("it is given up", || in_flight(&world, "a") == 0).await;
    let dropped = world.member("a", |m| m.node.metrics.attempts(AttemptResult::Dropped));
    assert_eq!(dropped, 1);
    world.judged(&world.call("eth_getBalance", &balance_params("latest")).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_never_has_more_connections_than_it_allows() {
    let world = Plan::new(500, &["a: max_connections = 2"]).ready().await;
    let clients = (0..24).map(|_| async {
        let mut client = world.client().await;
        for _ in 0..10 {
            world.height_read(&mut client, "latest").await;
        }
    });
    join_all(clients).await;
    let opened = world.node("a").counters().connections;
    assert!(opened <= 2, "{opened} connections");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_never_has_more_calls_in_flight_than_it_allows() {
    // Probes come on top: one at a time, and a slot each for what they overlap with.
    let mut plan = Plan::new(500, &["a: max_in_flight = 4"]);
    plan.node
        .latency
        .methods
        .insert("eth_getBalance".to_owned(), Law::Fixed(Duration::from_millis(30)));
    (plan.node.slots, plan.node.queue) = (4 + 2, 0);
    let world = plan.ready().await;
    let answered = AtomicU32::new(0);
    let calls = |_| async {
        let mut client = world.client().await;
        // refusals are quick: how many there are beside the answers is the machine's affair
        while answered.load(Relaxed) < 100 {
            let reply = client.call("eth_getBalance", &balance_params("latest")).await;
            match reply.json.get("error") {
                None => drop(answered.fetch_add(1, Relaxed)),
                Some(_) => assert_eq!(reply.refusal(), (503, -32005, "overloaded")),
            }
        }
    };
    join_all((0..32).map(calls)).await;
    let failed = world.member("a", |member| member.node.metrics.attempts(AttemptResult::Failed));
    assert_eq!(failed, 0, "more calls than the node has slots");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_gets_no_more_calls_a_second_than_it_allows() {
    let world = Plan::new(500, &["metered: rate = 20", "b"]).ready().await;
    let began = std::time::Instant::now();
    let mut client = world.client().await;
    for _ in 0..400 {
        world.height_read(&mut client, "latest").await;
    }
    let most = 20 + 20 * (began.elapsed().as_secs() + 1);
    let calls = world.calls("metered", "eth_getBalance");
    assert!((1..=most).contains(&calls), "{calls} calls, at most {most}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn retries_stay_within_their_budget_when_everything_fails() {
    let plan = Plan::new(500, &["a", "b", "c"]).keys("retries = { budget = 0.0, floor = 0 }");
    let world = plan.ready().await;
    let broken = Fault::Status { status: 500, retry_after: None };
    world.inject_all(headrace_simnode::Injected::from(broken).only(&["eth_getBalance"]));
    let mut client = world.client().await;
    for _ in 0..50 {
        let reply = client.call("eth_getBalance", &balance_params("latest")).await;
        assert!(reply.json.get("error").is_some());
    }
    let calls = world.all_calls("eth_getBalance");
    // One retry of each call is free: it settles blame.
    assert!(calls <= 100, "{calls} node calls for 50");
}
