//! A node that lies, is of another chain, or follows a fork of its own: no client sees
//! its claims, and the tip does not move by them.

use futures_util::future::join_all;
use headrace_gateway::route::Facts;
use headrace_simnode::Fault;

use super::{
    client::quantity,
    world::{Plan, World, until},
};

const LIAR: &str = "liar";

/// The ways to be wrong about the chain.
fn lies() -> [Fault; 4] {
    [
        Fault::Lie { blocks: 1_000, headers: false },
        Fault::Lie { blocks: 1_000, headers: true },
        Fault::WrongChain { chain_id: 99 },
        Fault::Fork { height: 990, salt: 5 },
    ]
}

/// Every size of pool that has rules of its own. The liar is one of them.
const POOLS: [&[&str]; 6] = [
    &["a", "liar: fallback = true"],
    &["liar", "a: fallback = true"],
    &["a", "liar"],
    &["a", "liar", "b: fallback = true"],
    &["a", "b", "liar"],
    &["a", "b", "c", "d", "e", "f", "g", "h", "liar"],
];

/// Waits until the gateway has heard the liar since now, several times.
async fn heard(world: &World) {
    let method = "eth_getBlockByNumber";
    let before = world.calls(LIAR, method);
    until("the liar is asked", || world.calls(LIAR, method) >= before + 6).await;
}

/// Nothing a client can ask shows anything but the main chain.
async fn shows_the_main_chain(world: &World) {
    for _ in 0..4 {
        let mut client = world.client().await;
        for _ in 0..6 {
            let before = world.tip().number;
            let number = client.call("eth_blockNumber", "[]").await.quantity();
            assert!(number >= before.into() && number <= world.chain.head().number.into());
            assert!(world.height_read(&mut client, "latest").await >= before);
            let block = client.call("eth_getBlockByNumber", r#"["latest",false]"#).await;
            let block = block.result();
            let at = u64::try_from(quantity(&block["number"])).unwrap();
            let hash = world.chain.main_hash(at).unwrap();
            let text: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(block["hash"].as_str().unwrap(), format!("0x{text}"));
            assert_eq!(client.call("eth_chainId", "[]").await.text(), "0x539");
        }
    }
    let tip = world.tip();
    assert_eq!(world.chain.main_hash(tip.number), Some(tip.hash.0), "the tip is the chain's");
}

/// Client calls that the liar received.
fn client_calls(world: &World) -> u64 {
    world.calls(LIAR, "eth_getBalance")
}

async fn from_the_start(pool: &'static [&'static str], lie: Fault) {
    let world = Plan::new(1_000, pool).fault(LIAR, lie.clone()).ready().await;
    shows_the_main_chain(&world).await;
    heard(&world).await;
    shows_the_main_chain(&world).await;
    if let Fault::WrongChain { .. } = lie {
        assert_eq!(client_calls(&world), 0, "a call went to another chain");
    }
}

async fn live(pool: &'static [&'static str]) {
    let world = Plan::new(1_000, pool).ready().await;
    for lie in lies() {
        world.until_usable(LIAR).await;
        world.inject(LIAR, lie.clone());
        heard(&world).await;
        if let Fault::WrongChain { .. } = lie {
            world.until_fact(LIAR, Facts::WRONG_CHAIN | Facts::FORKED, true).await;
            let before = client_calls(&world);
            shows_the_main_chain(&world).await;
            assert_eq!(client_calls(&world), before, "a call went to another chain");
        }
        shows_the_main_chain(&world).await;
        world.node(LIAR).clear();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_lies_from_the_start_is_not_believed() {
    for lie in lies() {
        // Of two nodes on two forks from the start neither can be known to be wrong.
        let undecidable = |pool: &&&[&str]| matches!(lie, Fault::Fork { .. }) && pool.len() == 2;
        let pools = POOLS.iter().filter(|pool| !undecidable(pool));
        join_all(pools.map(|pool| from_the_start(pool, lie.clone()))).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_begins_to_lie_is_not_believed() {
    join_all(POOLS.map(live)).await;
}
