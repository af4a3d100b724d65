//! Signed transactions: how many nodes receive one, and what its sender hears.

use std::{collections::BTreeMap, time::Duration};

use headrace_gateway::metrics::Purpose;
use headrace_simnode::{
    Fault, Injected,
    tx::{self, Fields, Tx},
};

use super::{
    client::Reply,
    world::{CHAIN_ID, Plan, World, until},
};

const SEND: &str = "eth_sendRawTransaction";

/// A transaction of a sender of its own.
fn transaction(sender: u8) -> Tx {
    tx::sign(&[sender; 32], Fields::transfer(CHAIN_ID, 0, [7; 20], 1)).unwrap()
}

fn hex(bytes: &[u8]) -> String {
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("0x{digits}")
}

async fn send(world: &World, tx: &Tx) -> Reply {
    world.call(SEND, &format!("[\"{}\"]", hex(&tx.raw))).await
}

/// How often each node received a transaction; nodes that did not are left out.
fn received<'w>(world: &'w World, tx: &Tx) -> BTreeMap<&'w str, u32> {
    let counts = world.nodes.iter().map(|node| (node.name(), node.counters().received(&tx.hash)));
    counts.filter(|&(_, count)| count > 0).collect()
}

/// Received by so many nodes, once by each.
fn received_by(world: &World, tx: &Tx, nodes: usize) {
    let received = received(world, tx);
    assert_eq!(received.len(), nodes, "{received:?}");
    assert!(received.values().all(|&count| count == 1), "{received:?}");
}

/// The gateway has asked another node whether it has heard of a write, so often.
async fn until_confirmed(world: &World, times: u64) {
    use headrace_gateway::metrics::AttemptResult::Ok;
    let asked = || world.seen().metrics.attempts(Purpose::Confirm, Ok);
    until("confirmed", || asked() >= times).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_is_received_by_exactly_one_node_and_its_receipt_is_read() {
    let world = Plan::new(300, &["a", "b", "c"]).ready().await;
    for sender in 1..=10 {
        let tx = transaction(sender);
        assert_eq!(send(&world, &tx).await.text(), hex(&tx.hash));
        received_by(&world, &tx, 1);
    }
    until_confirmed(&world, 10).await;
    let mut client = world.client().await;
    for sender in 1..=10 {
        let tx = transaction(sender);
        received_by(&world, &tx, 1);
        let params = format!("[\"{}\"]", hex(&tx.hash));
        loop {
            let receipt = client.call("eth_getTransactionReceipt", &params).await;
            if receipt.result()["status"] == "0x1" {
                break;
            }
            assert!(world.tip().number < 1_200, "never a receipt: {receipt:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_in_doubt_is_settled_within_two_nodes_and_its_sender_gets_the_hash() {
    let dies_with_it = [
        Fault::ResetAfterRead,
        Fault::Truncate,
        Fault::Garbage,
        Fault::Empty,
        Fault::WrongId,
        Fault::Status { status: 503, retry_after: None },
    ];
    for fault in dies_with_it {
        let world = Plan::new(400, &["a", "b", "c"]).ready().await;
        for node in ["a", "b"] {
            world.inject(node, Injected::from(fault.clone()).only(&[SEND]));
        }
        for sender in 1..=8 {
            let tx = transaction(sender);
            let reply = send(&world, &tx).await;
            let received = received(&world, &tx);
            assert!(received.len() <= 2 && received.values().all(|&n| n == 1), "{received:?}");
            let c_had_it = received.contains_key("c");
            if c_had_it || reply.json.get("result").is_some() {
                assert_eq!(reply.text(), hex(&tx.hash), "{fault:?}");
            } else {
                // Both nodes that may have it would not say: the sender is told so.
                assert_eq!(reply.refusal().1, -32002);
                assert_eq!(reply.reason(), "write_in_doubt");
                assert!(reply.json.to_string().contains(&hex(&tx.hash)), "{reply:?}");
            }
            world.until_usable("a").await;
            world.until_usable("b").await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_one_sick_node_every_sender_gets_the_hash() {
    for fault in [Fault::ResetAfterRead, Fault::Hang] {
        let plan = Plan::new(400, &["sick", "b", "c"]);
        let plan = plan.keys("deadlines = { attempt = \"1s\", heavy = \"1s\", total = \"20s\" }");
        let world = plan.ready().await;
        world.inject("sick", Injected::from(fault.clone()).only(&[SEND]));
        for sender in 1..=6 {
            let tx = transaction(sender);
            assert_eq!(send(&world, &tx).await.text(), hex(&tx.hash), "{fault:?}");
            assert!(received(&world, &tx).len() <= 2, "{:?}", received(&world, &tx));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_whose_node_accepts_it_and_dies_is_brought_to_another() {
    let world = Plan::new(500, &["loner", "b", "c"]).ready().await;
    let drained = |on| {
        let now = world.gateway.gateway.clock.now();
        ["b", "c"].iter().for_each(|node| world.member(node, |m| m.node.drain(on, now)));
    };
    world.inject("loner", Fault::NoPeers);
    drained(true);
    let tx = transaction(1);
    assert_eq!(send(&world, &tx).await.text(), hex(&tx.hash));
    assert!(received(&world, &tx).contains_key("loner"));
    drained(false);
    world.inject("loner", Fault::Die);
    until("another node has it", || received(&world, &tx).len() == 2).await;
    received_by(&world, &tx, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeated_write_is_the_success_it_is_before_and_after_its_block() {
    use headrace_simnode::Client::{Besu, Geth, Nethermind, Reth};
    for client in [Geth, Reth, Nethermind, Besu] {
        let mut plan = Plan::new(300, &["a", "b"]).by_hand();
        plan.node.client = client;
        let world = plan.ready().await;
        let tx = transaction(1);
        for _ in 0..4 {
            assert_eq!(send(&world, &tx).await.text(), hex(&tx.hash), "{client:?}: in the pool");
        }
        world.chain.mine(2);
        world.until_fresh().await;
        for _ in 0..4 {
            assert_eq!(send(&world, &tx).await.text(), hex(&tx.hash), "{client:?}: in a block");
        }
        let other = tx::sign(&[1; 32], Fields::transfer(CHAIN_ID, 0, [8; 20], 2)).unwrap();
        let spent = send(&world, &other).await;
        assert!(spent.json["error"]["data"]["origin"].is_null(), "the node's own: {spent:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_that_a_node_refuses_for_its_own_reasons_goes_to_one_other() {
    let full = Fault::Error { code: -32000, message: "txpool is full".to_owned() };
    let world = Plan::new(400, &["full", "b", "c"]).ready().await;
    world.inject("full", Injected::from(full.clone()).only(&[SEND]));
    for sender in 1..=8 {
        let tx = transaction(sender);
        assert_eq!(send(&world, &tx).await.text(), hex(&tx.hash));
        assert!(received(&world, &tx).len() <= 2);
    }
    for node in ["b", "c"] {
        world.inject(node, Injected::from(full.clone()).only(&[SEND]));
    }
    let tx = transaction(9);
    let reply = send(&world, &tx).await;
    assert_eq!(reply.json["error"]["message"], "txpool is full", "{reply:?}");
    received_by(&world, &tx, 2);
}

/// What makes the write one that holds its socket until the transaction is through.
const WAITS: &str = "methods = { eth_sendRawTransaction = { timeout = \"wait\" } }";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_that_waits_is_never_answered_by_its_hash() {
    let world = Plan::new(400, &["a"]).keys(WAITS).by_hand().ready().await;
    let tx = transaction(1);
    assert_eq!(send(&world, &tx).await.text(), hex(&tx.hash), "the node's own answer");
    let again = send(&world, &tx).await;
    assert!(again.json["error"]["message"].is_string(), "{again:?}");
    assert!(again.json["error"]["data"]["origin"].is_null(), "the node's own: {again:?}");
}

/// Nobody but a node can tell what came of it: the other one gets the call, and waits.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_whose_node_dies_while_it_waits_goes_to_one_other() {
    let world = Plan::new(400, &["a", "b", "c"]).keys(WAITS).ready().await;
    let reset = || Injected::from(Fault::ResetAfterRead).only(&[SEND]);
    world.inject("a", reset());
    for sender in 1..=6 {
        let tx = transaction(sender);
        let reply = send(&world, &tx).await;
        // the node that died may have passed it on before
        match reply.json.get("error") {
            None => assert_eq!(reply.text(), hex(&tx.hash)),
            Some(error) => assert_eq!(error["data"]["hash"], hex(&tx.hash), "{reply:?}"),
        }
        assert!(received(&world, &tx).len() <= 2);
    }
    for node in ["b", "c"] {
        world.inject(node, reset());
    }
    let before = world.all_calls(SEND);
    let reply = send(&world, &transaction(7)).await;
    assert_eq!(reply.refusal(), (504, -32002, "write_in_doubt"));
    assert_eq!(world.all_calls(SEND) - before, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn broadcast_sends_to_as_many_nodes_as_told() {
    let plan = Plan::new(400, &["a", "b", "c"]).keys("writes = { broadcast = 2 }");
    let world = plan.ready().await;
    for sender in 1..=5 {
        let tx = transaction(sender);
        assert_eq!(send(&world, &tx).await.text(), hex(&tx.hash));
        until("two have it", || received(&world, &tx).len() == 2).await;
    }
    until_confirmed(&world, 5).await;
    (1..=5).for_each(|sender| received_by(&world, &transaction(sender), 2));
}
