//! Nodes that die, all of them at worst, and come back; drained ones; panic.

use std::time::{Duration, Instant};

use headrace_gateway::{health, route::Facts};
use headrace_simnode::Fault;

use super::world::{Plan, World, balance_params, until, until_asked};

async fn newest(world: &World) -> super::client::Reply {
    world.call("eth_getBalance", &balance_params("latest")).await
}

/// Kills all nodes and sees what clients get, then brings them back.
async fn all_gone(world: &World, nodes: &[&str]) {
    world.inject_all(Fault::Die);
    // The first calls may still find out.
    until_asked("refused", || async { newest(world).await.json.get("error").is_some() }).await;
    let began = Instant::now();
    for _ in 0..20 {
        let reply = newest(world).await;
        assert_eq!((reply.status.as_u16(), reply.code()), (503, -32002), "{reply:?}");
        assert!(reply.headers.contains_key("retry-after"), "{reply:?}");
        assert!(!reply.reason().is_empty());
    }
    // A wait for anything would be at least a block time for each.
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}: they waited", began.elapsed());
    world.nodes.iter().for_each(headrace_simnode::Node::clear);
    for node in nodes {
        world.until_usable(node).await;
    }
    world.judged(&newest(world).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_every_node_is_gone_clients_hear_it_at_once_and_all_is_well_when_they_are_back() {
    let world = Plan::new(5_000, &["a", "b", "c"]).ready().await;
    all_gone(&world, &["a", "b", "c"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_node_that_was_behind_is_not_waited_for() {
    let world =
        Plan::new(5_000, &["a", "b", "late"]).fault("late", Fault::Lag { blocks: 1 }).ready().await;
    world.inject_all(Fault::Die);
    until("all are seen dead", || {
        ["a", "b", "late"].iter().all(|node| world.has(node, Facts::UNHEALTHY))
    })
    .await;
    let began = Instant::now();
    for _ in 0..4 {
        assert_eq!(newest(&world).await.refusal(), (503, -32002, "no_healthy_upstream"));
    }
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}: they waited", began.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_node_gets_traffic_again_within_5_s_of_its_return_and_nobody_notices() {
    let world = Plan::new(500, &["a", "b"]).ready().await;
    let mut client = world.client().await;
    world.inject("a", Fault::Die);
    for _ in 0..100 {
        world.height_read(&mut client, "latest").await;
    }
    until("seen dead", || world.has("a", Facts::UNHEALTHY)).await;
    world.node("a").clear();
    let (began, before) = (Instant::now(), world.calls("a", "eth_getBalance"));
    while world.calls("a", "eth_getBalance") == before {
        world.height_read(&mut client, "latest").await;
        assert!(began.elapsed() < Duration::from_secs(5), "no traffic after its return");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn most_of_the_chain_sick_is_panic_which_serves_from_the_least_bad_and_ends() {
    let world = Plan::new(500, &["a", "b", "c"]).ready().await;
    let in_panic = || world.seen().in_panic(world.gateway.gateway.clock.now());
    assert!(!in_panic());
    // Probes fail, calls would pass: the checks are wrong, not the nodes.
    let probes = ["eth_getBlockByNumber", "eth_chainId"];
    let sick = Fault::Status { status: 500, retry_after: None };
    world.inject_all(headrace_simnode::Injected::from(sick).only(&probes));
    until("all look sick", || {
        let down = |node: &&str| {
            world.member(node, |m| m.node.health.lock().state() == health::State::Down)
        };
        ["a", "b", "c"].iter().all(down)
    })
    .await;
    assert!(in_panic(), "it says so");
    let mut client = world.client().await;
    for _ in 0..30 {
        world.height_read(&mut client, "latest").await;
    }
    world.nodes.iter().for_each(headrace_simnode::Node::clear);
    until("no panic any more", || !in_panic()).await;
    world.judged(&newest(&world).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drained_node_gets_no_call_until_it_is_let_in_again() {
    let world = Plan::new(500, &["a", "b"]).ready().await;
    let now = || world.gateway.gateway.clock.now();
    world.member("a", |member| member.node.drain(true, now()));
    let before = world.calls("a", "eth_getBalance");
    let mut client = world.client().await;
    for _ in 0..50 {
        world.height_read(&mut client, "latest").await;
    }
    assert_eq!(world.calls("a", "eth_getBalance"), before, "a call on a drained node");
    world.member("a", |member| member.node.drain(false, now()));
    until_asked("its calls are back", || async {
        world.judged(&newest(&world).await);
        world.calls("a", "eth_getBalance") > before
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_the_own_zone_dies_the_others_serve_and_no_read_fails() {
    // A hedge may leave the zone on a busy machine; this is about choosing.
    let mut plan = Plan::new(500, &["a", "b"]).keys("hedge = 0.0");
    let spec = |name| super::world::Spec { name, keys: "" };
    plan.zones.push(vec![spec("far-1"), spec("far-2")]);
    plan.zones.push(vec![spec("farther")]);
    let world = plan.ready().await;
    let mut client = world.client().await;
    for _ in 0..50 {
        world.height_read(&mut client, "latest").await;
    }
    let far = |world: &World| -> u64 {
        ["far-1", "far-2", "farther"].iter().map(|n| world.calls(n, "eth_getBalance")).sum()
    };
    assert_eq!(far(&world), 0, "the own zone was left without need");
    ["a", "b"].iter().for_each(|node| world.inject(node, Fault::Die));
    for _ in 0..100 {
        world.height_read(&mut client, "latest").await;
    }
    assert!(far(&world) >= 100);
    for node in ["a", "b"] {
        world.node(node).clear();
        world.until_usable(node).await;
    }
    until_asked("fifty calls in a row are served by the own zone", || async {
        let before = far(&world);
        for _ in 0..50 {
            world.judged(&newest(&world).await);
        }
        far(&world) == before
    })
    .await;
}

/// A call that a hung node holds when the time to finish is over, and one that comes then.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_in_flight_when_the_gateway_must_stop_is_refused_in_words() {
    let world = Plan::new(5_000, &["a"]).ready().await;
    world.inject("a", Fault::Hang);
    let stop = async {
        until("a call in flight", || world.member("a", |a| a.node.flight.calls() > 0)).await;
        world.gateway.gateway.stop_serving();
    };
    let (held, ()) = tokio::join!(newest(&world), stop);
    for reply in [held, newest(&world).await] {
        assert_eq!((reply.status.as_u16(), reply.code()), (503, -32005), "{reply:?}");
        assert_eq!(reply.reason(), "draining");
    }
}
