//! More calls than the nodes can take: who is served, who waits, who is refused, and that
//! nothing of it stays.

use std::time::Duration;

use futures_util::future::join_all;
use headrace_gateway::{gateway::Readiness, metrics::Queued, node::CallClass, route::Facts};
use headrace_simnode::{Fault, Injected, Law};

use super::world::{Plan, World, balance_params, until};

const TRACE: &str = "debug_traceBlockByNumber";

/// One node with two slots, of which the gateway knows that it holds no more.
fn two_slots(keys: &'static str) -> Plan {
    let mut plan = Plan::new(500, &[keys]);
    for method in ["eth_getBalance", TRACE] {
        let law = Law::Fixed(Duration::from_millis(20));
        plan.node.latency.methods.insert(method.to_owned(), law);
    }
    plan
}

/// Nothing waits and nothing is in flight.
async fn until_idle(world: &World) {
    until("no call waits", || world.seen().state.queue.waiting() == 0).await;
    for node in &world.nodes {
        until("no call in flight", || {
            world.member(node.name(), |member| member.node.flight.calls() == 0)
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_is_served_as_far_as_the_node_can_and_refused_in_words_beyond() {
    let world = two_slots("a: max_in_flight = 2").ready().await;
    let flood = (0..40).map(|_| async {
        let mut client = world.client().await;
        let (mut served, mut refused) = (0, 0);
        for _ in 0..10 {
            let reply = client.call("eth_getBalance", &balance_params("latest")).await;
            let held = world.member("a", |member| member.node.flight.calls());
            // One more may be looking whether it fits.
            assert!(held <= 2 + 2, "{held} calls at a node that holds two");
            match reply.json.get("error") {
                None => served += 1,
                Some(_) => {
                    let words = [(503, -32005, "overloaded"), (504, -32002, "deadline_exceeded")];
                    assert!(words.contains(&reply.refusal()), "{reply:?}");
                    refused += 1;
                }
            }
        }
        (served, refused)
    });
    let counts = join_all(flood).await;
    let served: u32 = counts.iter().map(|count| count.0).sum();
    let refused: u32 = counts.iter().map(|count| count.1).sum();
    assert!(served > 0 && refused > 0, "{served} served, {refused} refused");
    until_idle(&world).await;
    let metrics = &world.seen().metrics;
    assert!(metrics.queued(Queued::Served) > 0, "some waited and were served");
    assert!(metrics.queued(Queued::Refused) > 0, "some were refused at once");
    assert_eq!(world.gateway.gateway.ready(None), Readiness::Ready, "busy is not broken");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_node_is_no_reason_to_be_taken_from_a_balancer() {
    let world = two_slots("a: max_in_flight = 1").ready().await;
    world.inject("a", Injected::from(Fault::Hang).only(&["eth_getBalance"]));
    let held = async {
        let mut client = world.client().await;
        client.call("eth_getBalance", &balance_params("latest")).await
    };
    let look = async {
        until("the node is full", || world.member("a", |member| member.node.flight.calls() == 1))
            .await;
        assert_eq!(world.gateway.gateway.ready(None), Readiness::Ready);
    };
    tokio::select! {
        _ = held => panic!("a call that hangs was answered"),
        () = look => {}
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_holds_two_traces_at_most_and_cheap_reads_go_on_beside_them() {
    let world = two_slots("a").ready().await;
    let traces = (0..20).map(|_| async {
        let mut client = world.client().await;
        client.call(TRACE, r#"["0x1",{}]"#).await
    });
    let reads = async {
        let mut client = world.client().await;
        for _ in 0..20 {
            let reply = client.call("eth_getBalance", &balance_params("latest")).await;
            world.judged(&reply);
            let heavy = world.member("a", |member| member.node.flight.counts().heavy);
            assert!(heavy <= 2 + 2, "{heavy} traces at once");
        }
    };
    let (traced, ()) = tokio::join!(join_all(traces), reads);
    let refused = traced.iter().filter(|reply| reply.json.get("error").is_some());
    assert!(refused.count() >= 20 - 2 - 4, "two at the node and four in line, no more");
    let limit = world.member("a", |member| {
        member.node.limit(world.gateway.gateway.clock.now(), CallClass::Heavy)
    });
    assert_eq!(limit, 2);
    until_idle(&world).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_that_leave_while_they_wait_leave_nothing() {
    let world = two_slots("a: max_in_flight = 2").ready().await;
    world.inject("a", Injected::from(Fault::Hang).only(&["eth_getBalance"]));
    let leaving = (0..6).map(|_| async {
        let mut client = world.client().await;
        client.call("eth_getBalance", &balance_params("latest")).await
    });
    tokio::select! {
        _ = join_all(leaving) => {}
        () = until("some wait", || world.seen().state.queue.waiting() > 0) => {}
    }
    until_idle(&world).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_ask_for_less_are_left_alone_and_are_not_taken_for_sick() {
    let world = Plan::new(500, &["a", "b"]).ready().await;
    let throttled = Fault::Status { status: 429, retry_after: Some(20) };
    world.inject_all(Injected::from(throttled).only(&["eth_getBalance"]));
    let reply = world.call("eth_getBalance", &balance_params("latest")).await;
    assert_eq!(reply.refusal(), (503, -32005, "overloaded"));
    let asked = world.all_calls("eth_getBalance");
    for _ in 0..20 {
        let reply = world.call("eth_getBalance", &balance_params("latest")).await;
        assert_eq!(reply.refusal(), (503, -32005, "overloaded"));
        assert!(reply.headers.contains_key("retry-after"));
    }
    assert_eq!(world.all_calls("eth_getBalance"), asked, "asked before their time");
    assert!(!world.seen().in_panic(world.gateway.gateway.clock.now()));
    assert!(!world.has("a", Facts::UNHEALTHY) && !world.has("b", Facts::UNHEALTHY));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_come_back_hold_a_tenth_at_first() {
    let world = Plan::new(500, &["a", "b"]).ready().await;
    let limit = |node: &str| {
        let now = world.gateway.gateway.clock.now();
        world.member(node, |member| member.node.limit(now, CallClass::Other))
    };
    let before = limit("a");
    let now = world.gateway.gateway.clock.now();
    world.member("a", |member| {
        member.node.drain(true, now);
        member.node.drain(false, now);
        assert!(member.node.limit(now, CallClass::Other) <= before / 10 + 1);
    });
    assert_eq!(limit("b"), before);
    until("all of it again", || limit("a") == before).await;
}
