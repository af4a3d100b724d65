//! Who pays for a failed call: a node only where another one answers the same call.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use headrace_gateway::{
    method::Lane,
    metrics::{AttemptResult, Purpose},
    route::Facts,
    topology::Member,
};
use headrace_simnode::{Fault, Injected};

use super::world::{Plan, Spec, World, balance_params, until};

const LOGS: &str = r#"[{"fromBlock":"0x3e0","toBlock":"0x3e2"}]"#;

fn only(fault: Fault, methods: &[&str]) -> Injected {
    Injected::from(fault).only(methods)
}

fn is_open(world: &World, node: &str, lane: Lane) -> bool {
    let now = world.gateway.gateway.clock.now();
    world.member(node, |member| member.node.lane(lane).is_open(now))
}

/// Nobody was taken out for anything.
fn nobody_is_out(world: &World, nodes: &[&str]) {
    for node in nodes {
        for lane in Lane::ALL {
            assert!(!is_open(world, node, lane), "{node} is out for {}", lane.word());
        }
        assert!(!world.has(node, Facts::SUSPECTED | Facts::UNHEALTHY), "{node} is out");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_fails_on_every_node_ejects_nobody() {
    const NODES: [&str; 3] = ["a", "b", "c"];
    let faults = [
        Fault::Error { code: -32603, message: "internal error".to_owned() },
        Fault::Status { status: 500, retry_after: None },
        Fault::Garbage,
        Fault::Truncate,
        Fault::ResetAfterRead,
    ];
    for fault in faults {
        let world = Plan::new(500, &NODES).ready().await;
        world.inject_all(only(fault.clone(), &["eth_call"]));
        let mut client = world.client().await;
        for _ in 0..60 {
            let poison = client.call("eth_call", r#"[{"to":null},"latest"]"#).await;
            assert!(poison.json.get("error").is_some(), "{poison:?}");
            let read = client.call("eth_getBalance", &balance_params("latest")).await;
            assert!(read.json.get("result").is_some(), "{fault:?}: {read:?}");
        }
        until("well", || NODES.iter().all(|node| !world.has(node, Facts::SUSPECTED))).await;
        nobody_is_out(&world, &NODES);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_fails_only_logs_is_left_for_logs_within_20_and_keeps_its_other_calls() {
    let faults = [
        Fault::Error { code: -32603, message: "internal error".to_owned() },
        Fault::Status { status: 502, retry_after: None },
        Fault::Garbage,
        Fault::Html,
    ];
    for fault in faults {
        let world = Plan::new(500, &["bad", "b", "c"]).ready().await;
        world.inject("bad", only(fault, &["eth_getLogs"]));
        let began = Instant::now();
        let clients = (0..6).map(|_| async {
            let mut client = world.client().await;
            for _ in 0..40 {
                let reply = client.call("eth_getLogs", LOGS).await;
                assert!(reply.result().is_array());
                world.height_read(&mut client, "latest").await;
            }
        });
        join_all(clients).await;
        // One more for each trial of the open breaker.
        let trials = began.elapsed().as_secs() / 5;
        let failed = world.calls("bad", "eth_getLogs");
        assert!(failed > 0 && failed <= 20 + trials, "{failed} calls for logs");
        assert!(world.calls("bad", "eth_getBalance") > 20, "its other calls go on");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_asks_for_time_gets_it() {
    let world = Plan::new(500, &["busy", "b"]).ready().await;
    let throttle = Fault::Status { status: 429, retry_after: Some(30) };
    world.inject("busy", only(throttle, &["eth_getBalance"]));
    let (mut client, began) = (world.client().await, Instant::now());
    while world.calls("busy", "eth_getBalance") == 0 {
        world.height_read(&mut client, "latest").await;
        assert!(began.elapsed() < Duration::from_secs(20), "never asked");
    }
    for _ in 0..100 {
        world.height_read(&mut client, "latest").await;
    }
    assert_eq!(world.calls("busy", "eth_getBalance"), 1, "asked once, then left alone");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn healthy_nodes_get_one_call_for_each_call_of_a_client() {
    let world = Plan::new(500, &["a", "b", "c"]).ready().await;
    let mut client = world.client().await;
    for _ in 0..300 {
        world.height_read(&mut client, "latest").await;
    }
    let calls = world.all_calls("eth_getBalance");
    assert!((300..=315).contains(&calls), "{calls} node calls for 300");
}

/// Several clients read at once; how long the slowest call took.
async fn read_at_once(world: &World, clients: usize, calls: usize) -> Duration {
    let reads = (0..clients).map(|_| async {
        let (mut client, mut slowest) = (world.client().await, Duration::ZERO);
        for _ in 0..calls {
            let began = Instant::now();
            world.height_read(&mut client, "latest").await;
            slowest = slowest.max(began.elapsed());
        }
        slowest
    });
    join_all(reads).await.into_iter().max().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hung_node_is_left_before_any_deadline_and_hedges_stay_within_their_budget() {
    let world = Plan::new(500, &["hung", "b", "c"]).ready().await;
    read_at_once(&world, 8, 20).await;
    world.inject("hung", Fault::Hang);
    let slowest = read_at_once(&world, 8, 50).await;
    assert!(slowest < world.seen().config.deadlines.attempt, "{slowest:?}: waited it out");
    let metrics = &world.seen().metrics;
    let dropped =
        world.member("hung", |member| member.node.metrics.attempts(AttemptResult::Dropped));
    // Those that hedges saved, and those that silence told.
    assert!((1..60).contains(&dropped), "{dropped} calls met the silence");
    let all = AttemptResult::ALL;
    let hedges: u64 = all.iter().map(|&result| metrics.attempts(Purpose::Hedge, result)).sum();
    // A share of the calls, and what a second's floor saves in ten.
    assert!(hedges <= 560 / 20 + 10 + 10, "{hedges} hedges for 560 calls");
}

/// The only other node has stumbled: no hedge goes there, but the call does once its own node
/// has fallen silent. It waited for the deadline, and then had nobody left.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_no_hedge_is_sent_to_still_helps_a_call_whose_node_hangs() {
    let mut plan = Plan::new(1_000, &["hung"]);
    plan.zones.push(vec![Spec { name: "other", keys: "" }]);
    let world =
        plan.keys("deadlines = { attempt = \"3s\", heavy = \"3s\", total = \"4s\" }").ready().await;
    let mut client = world.client().await;
    for _ in 0..20 {
        world.height_read(&mut client, "latest").await;
    }
    let now = world.gateway.gateway.clock.now();
    let stumble = |member: &Member| {
        (0..2).for_each(|_| member.node.lane(Lane::State).on_given_up(now, Duration::ZERO));
    };
    world.member("other", stumble);
    world.inject("hung", Fault::Hang);
    let reply = client.call("eth_getBalance", &balance_params("latest")).await;
    assert_eq!(reply.node(), "other");
    world.judged(&reply);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trial_call_that_blames_nobody_leaves_the_trial_to_the_next() {
    let world = Plan::new(500, &["busy", "b"]).ready().await;
    let throttle = Fault::Status { status: 429, retry_after: Some(1) };
    world.inject("busy", only(throttle, &["eth_getBalance"]));
    let mut client = world.client().await;
    while world.calls("busy", "eth_getBalance") == 0 {
        world.height_read(&mut client, "latest").await;
    }
    // The call that tries it fails everywhere, so that it blames nobody.
    world.nodes.iter().for_each(headrace_simnode::Node::clear);
    let broken = Fault::Error { code: -32603, message: "internal error".to_owned() };
    world.inject_all(only(broken, &["eth_call"]));
    let before = world.calls("busy", "eth_call");
    let began = Instant::now();
    while world.calls("busy", "eth_call") == before {
        client.call("eth_call", r#"[{"to":null},"latest"]"#).await;
        assert!(began.elapsed() < Duration::from_secs(20), "never tried");
    }
    let before = world.calls("busy", "eth_getBalance");
    while world.calls("busy", "eth_getBalance") == before {
        world.height_read(&mut client, "latest").await;
        assert!(began.elapsed() < Duration::from_secs(20), "out for good");
    }
}
