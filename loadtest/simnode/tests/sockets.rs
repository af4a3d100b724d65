//! The plain answers and every fault, over real sockets.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod wire;

use std::sync::Arc;
use std::time::Duration;

use headrace_simnode::hash::hex;
use headrace_simnode::{
    Chain, ChainOptions, Client, Fault, Injected, Keep, Node, NodeOptions, Pace, Retention, truth,
    tx,
};
use wire::{Failure, ask, http, result, until};

fn chain() -> Arc<Chain> {
    let options = ChainOptions { pace: Pace::Manual, ..ChainOptions::default() };
    let chain = Chain::new(options);
    chain.mine(1);
    chain
}

fn quick(name: &str) -> NodeOptions {
    NodeOptions { delay: Duration::ZERO, ..NodeOptions::named(name) }
}

async fn node(chain: &Arc<Chain>, name: &str) -> Node {
    Node::start(Arc::clone(chain), quick(name)).await.unwrap()
}

fn call(method: &str, params: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":7,"method":"{method}","params":{params}}}"#)
}

const HEAD: &str = r#"{"jsonrpc":"2.0","id":7,"method":"eth_blockNumber","params":[]}"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn plain_calls_are_answered_as_the_chain_is() {
    let chain = chain();
    let node = node(&chain, "a").await;
    let to = node.address();
    let head = chain.head();
    assert_eq!(result(to, "eth_chainId", "[]"), "\"0x539\"");
    assert_eq!(result(to, "net_version", "[]"), "\"1337\"");
    assert_eq!(result(to, "eth_blockNumber", "[]"), "\"0x3e9\"");
    let block = result(to, "eth_getBlockByNumber", r#"["latest",false]"#);
    assert!(block.contains(&format!("\"hash\":\"{}\"", hex(&head.hash))), "{block}");
    let at = truth::At { hash: head.hash, number: head.number };
    let balance = format!("\"{:#x}\"", truth::balance(&[0x11; 20], at));
    let who = hex(&[0x11; 20]);
    assert_eq!(result(to, "eth_getBalance", &format!(r#"["{who}","latest"]"#)), balance);
    let by_hash = format!(r#"["{who}",{{"blockHash":"{}"}}]"#, hex(&head.hash));
    assert_eq!(result(to, "eth_getBalance", &by_hash), balance);
    assert_eq!(result(to, "eth_getBlockByNumber", r#"["0xffffff",false]"#), "null");
    assert_eq!(node.counters().calls_of("eth_getBalance"), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_method_of_the_list_answers_something() {
    let chain = chain();
    let node = node(&chain, "a").await;
    let block = chain.main_hash(900).unwrap();
    let (hash, who) = (hex(&block), hex(&[0x11; 20]));
    let full = result(node.address(), "eth_getBlockByNumber", r#"["0x384",true]"#);
    let tx =
        wire::member(&full, "transactions").split("\"hash\":\"").nth(1).unwrap()[..66].to_owned();
    let rows = [
        ("web3_clientVersion", "[]".to_owned()),
        ("eth_syncing", "[]".to_owned()),
        ("net_peerCount", "[]".to_owned()),
        ("rpc_modules", "[]".to_owned()),
        ("eth_capabilities", "[]".to_owned()),
        ("eth_gasPrice", "[]".to_owned()),
        ("eth_maxPriorityFeePerGas", "[]".to_owned()),
        ("eth_feeHistory", r#"["0x4","latest",[10,50]]"#.to_owned()),
        ("eth_getBlockByHash", format!(r#"["{hash}",true]"#)),
        ("eth_getHeaderByNumber", r#"["finalized"]"#.to_owned()),
        ("eth_getHeaderByHash", format!(r#"["{hash}"]"#)),
        ("eth_getBlockTransactionCountByNumber", r#"["safe"]"#.to_owned()),
        ("eth_getBlockTransactionCountByHash", format!(r#"["{hash}"]"#)),
        ("eth_getTransactionByBlockNumberAndIndex", r#"["0x384","0x1"]"#.to_owned()),
        ("eth_getBlockReceipts", r#"["0x384"]"#.to_owned()),
        ("eth_getTransactionByHash", format!(r#"["{tx}"]"#)),
        ("eth_getRawTransactionByHash", format!(r#"["{tx}"]"#)),
        ("eth_getTransactionReceipt", format!(r#"["{tx}"]"#)),
        ("debug_getRawHeader", r#"["0x384"]"#.to_owned()),
        ("eth_getCode", format!(r#"["{who}","latest"]"#)),
        ("eth_getTransactionCount", format!(r#"["{who}","pending"]"#)),
        ("eth_getStorageAt", format!(r#"["{who}","0x0","latest"]"#)),
        ("eth_getProof", format!(r#"["{who}",["0x0"],"latest"]"#)),
        ("eth_call", format!(r#"[{{"to":"{who}","data":"0x01"}},"latest"]"#)),
        ("eth_estimateGas", format!(r#"[{{"to":"{who}"}}]"#)),
        ("eth_getLogs", r#"[{"fromBlock":"0x380","toBlock":"0x384"}]"#.to_owned()),
        ("eth_getLogs", format!(r#"[{{"blockHash":"{hash}"}}]"#)),
        ("debug_traceTransaction", format!(r#"["{tx}"]"#)),
        ("debug_traceBlockByNumber", r#"["0x3e0"]"#.to_owned()),
        ("txpool_status", "[]".to_owned()),
        ("web3_sha3", r#"["0x68"]"#.to_owned()),
    ];
    for (method, params) in rows {
        let text = ask(node.address(), &call(method, &params)).unwrap();
        let archive = method == "debug_traceTransaction";
        assert!(text.contains("\"result\":") || archive, "{method}: {text}");
        assert!(!text.contains("\"result\":null"), "{method}: {text}");
        serde_json::from_str::<serde_json::Value>(&text).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn errors_are_worded_as_clients_word_them() {
    let chain = chain();
    let node = node(&chain, "a").await;
    let (who, revert) = (hex(&[1; 20]), hex(&truth::REVERT_CONTRACT));
    let rows = [
        ("eth_foo", "[]".to_owned(), -32601, "the method eth_foo does not exist/is not available"),
        ("eth_getBalance", format!(r#"["{who}","0xffffff"]"#), -32000, "header not found"),
        ("eth_getBalance", format!(r#"["{who}","0x1"]"#), -32000, "missing trie node"),
        (
            "eth_call",
            format!(r#"[{{"to":"{revert}"}},"latest"]"#),
            3,
            "execution reverted: simulated",
        ),
        (
            "eth_getLogs",
            r#"[{"fromBlock":"0x1","toBlock":"0xffffff"}]"#.to_owned(),
            -32602,
            "block range extends beyond current head block",
        ),
        ("eth_getBalance", "[]".to_owned(), -32602, "missing value for required argument 0"),
        ("eth_subscribe", "[]".to_owned(), -32601, "notifications not supported"),
    ];
    for (method, params, code, message) in rows {
        let text = ask(node.address(), &call(method, &params)).unwrap();
        assert!(text.contains(&format!("\"code\":{code},\"message\":\"{message}")), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pruned_state_is_told_in_the_words_of_each_client() {
    let chain = chain();
    let rows = [
        (Client::Geth, "-32000", "missing trie node "),
        (Client::GethPath, "-32000", "historical state "),
        (Client::Reth, "-32603", "state at block #1 is pruned"),
        (Client::Nethermind, "-32002", "No state available for block 1 "),
        (Client::Besu, "-32000", "World state unavailable"),
        (Client::Erigon, "-32000", "history has been pruned for this block"),
    ];
    for (client, code, message) in rows {
        let keep = Retention { bodies: Keep::Last(10), ..Retention::full(5) };
        let options = NodeOptions { client, retention: keep, ..quick("a") };
        let node = Node::start(Arc::clone(&chain), options).await.unwrap();
        let who = hex(&[1; 20]);
        let text = ask(node.address(), &call("eth_getBalance", &format!(r#"["{who}","0x1"]"#)));
        let expected = format!("\"code\":{code},\"message\":\"{message}");
        assert!(text.as_ref().unwrap().contains(&expected), "{client:?}: {text:?}");
        let recent = call("eth_getBalance", &format!(r#"["{who}","0x3e8"]"#));
        assert!(ask(node.address(), &recent).unwrap().contains("result"));
        let body = ask(node.address(), &call("eth_getBlockByNumber", r#"["0x1",false]"#)).unwrap();
        assert!(body.contains("\"code\":4444"), "{body}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn batches_keep_order_and_notifications_get_no_reply() {
    let chain = chain();
    let node = node(&chain, "a").await;
    let note = r#"{"jsonrpc":"2.0","method":"eth_blockNumber"}"#;
    let batch = format!("[{HEAD},{note},{},5]", call("eth_foo", "[]"));
    let text = ask(node.address(), &batch).unwrap();
    let items: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
    assert_eq!(items.len(), 3);
    assert_eq!(items[0]["result"], "0x3e9");
    assert_eq!(items[1]["error"]["code"], -32601);
    assert_eq!(items[2]["error"]["code"], -32600);
    assert_eq!(http(node.address(), note).unwrap().0, 204);
    assert!(ask(node.address(), "[]").unwrap().contains("-32600"));
    assert!(ask(node.address(), "{").unwrap().contains("-32700"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_is_counted_gossiped_and_mined() {
    let chain = chain();
    let (a, b) = (node(&chain, "a").await, node(&chain, "b").await);
    let signed = tx::sign(&[5; 32], tx::Fields::transfer(1337, 0, [2; 20], 9)).unwrap();
    let hash = format!("\"{}\"", hex(&signed.hash));
    let send = format!(r#"["{}"]"#, hex(&signed.raw));
    assert_eq!(result(a.address(), "eth_sendRawTransaction", &send), hash);
    let again = ask(a.address(), &call("eth_sendRawTransaction", &send)).unwrap();
    assert!(again.contains("already known"), "{again}");
    assert_eq!(a.counters().received(&signed.hash), 2);
    assert_eq!(b.counters().received(&signed.hash), 0);
    let find = format!("[{hash}]");
    until("the other node hears of it", || {
        result(b.address(), "eth_getTransactionByHash", &find) != "null"
    });
    assert_eq!(result(b.address(), "eth_getTransactionReceipt", &find), "null");
    chain.mine(1);
    let receipt = result(b.address(), "eth_getTransactionReceipt", &find);
    assert!(receipt.contains("\"blockNumber\":\"0x3ea\""), "{receipt}");
    let low = tx::sign(&[5; 32], tx::Fields::transfer(1337, 0, [3; 20], 9)).unwrap();
    let low =
        ask(a.address(), &call("eth_sendRawTransaction", &format!(r#"["{}"]"#, hex(&low.raw))));
    assert!(low.unwrap().contains("nonce too low: next nonce 1, tx nonce 0"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_node_refuses_resets_and_comes_back_on_its_port() {
    let chain = chain();
    let node = node(&chain, "a").await;
    let mut open = wire::Connection::open(node.address()).unwrap();
    open.ask(HEAD).unwrap();
    node.set(Fault::Die);
    until("the open connection is reset", || open.ask(HEAD) == Err(Failure::Broken));
    until("connects are refused", || ask(node.address(), HEAD) == Err(Failure::Refused));
    node.clear();
    until("it serves again", || ask(node.address(), HEAD).is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusing_node_finishes_what_is_open() {
    let chain = chain();
    let node = node(&chain, "a").await;
    node.set(Fault::Refuse);
    until("connects are refused", || ask(node.address(), HEAD) == Err(Failure::Refused));
    node.clear();
    until("it serves again", || ask(node.address(), HEAD).is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hanging_node_answers_when_it_heals() {
    let chain = chain();
    let node = node(&chain, "a").await;
    node.set(Fault::Hang);
    let mut open = wire::Connection::open(node.address()).unwrap();
    open.send(HEAD).unwrap();
    until("the call has arrived", || node.counters().calls() == 1);
    assert!(!open.readable());
    node.clear();
    assert!(open.receive().unwrap().1.contains("0x3e9"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn spoilt_answers_are_spoilt_as_named() {
    let chain = chain();
    let node = node(&chain, "a").await;
    let to = node.address();
    let only = |fault: Fault| {
        node.clear();
        node.inject(Injected::from(fault).only(&["eth_blockNumber"])).unwrap();
        assert_eq!(result(to, "eth_chainId", "[]"), "\"0x539\"");
    };
    only(Fault::Status { status: 429, retry_after: Some(3) });
    let (status, head, _) = http(to, HEAD).unwrap();
    assert!(status == 429 && head.contains("retry-after: 3"), "{head}");
    only(Fault::Status { status: 503, retry_after: None });
    assert_eq!(http(to, HEAD).unwrap().0, 503);
    only(Fault::Html);
    assert!(http(to, HEAD).unwrap().2.starts_with("<!DOCTYPE"));
    only(Fault::Garbage);
    assert!(serde_json::from_str::<serde_json::Value>(&ask(to, HEAD).unwrap()).is_err());
    only(Fault::Empty);
    assert_eq!(ask(to, HEAD).unwrap(), "");
    only(Fault::WrongId);
    assert!(!ask(to, HEAD).unwrap().contains("\"id\":7"));
    only(Fault::Error { code: -32005, message: "limit \"x\"".to_owned() });
    assert!(ask(to, HEAD).unwrap().contains(r#""code":-32005,"message":"limit \"x\"""#));
    only(Fault::Truncate);
    assert_eq!(ask(to, HEAD), Err(Failure::Broken));
    only(Fault::ResetAfterRead);
    assert_eq!(ask(to, HEAD), Err(Failure::Broken));
    assert_eq!(node.counters().methods["eth_blockNumber"].faults, 9);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_share_of_the_calls_is_struck() {
    let chain = chain();
    let node = node(&chain, "a").await;
    let status = Fault::Status { status: 500, retry_after: None };
    node.inject(Injected::from(status).sometimes(0.5)).unwrap();
    let mut open = wire::Connection::open(node.address()).unwrap();
    let failed = (0..400).filter(|_| open.ask(HEAD).unwrap().0 == 500).count();
    assert!((120..280).contains(&failed), "{failed}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn heads_lag_freeze_and_follow_again() {
    let chain = chain();
    let node = node(&chain, "a").await;
    let head = || result(node.address(), "eth_blockNumber", "[]");
    node.set(Fault::Lag { blocks: 5 });
    assert_eq!(head(), "\"0x3e4\"");
    assert_eq!(result(node.address(), "eth_getBlockByNumber", r#"["0x3e5",false]"#), "null");
    node.clear();
    let newest = || result(node.address(), "eth_getBlockByNumber", r#"["latest",false]"#);
    let before = newest();
    node.set(Fault::Freeze);
    chain.mine(3);
    chain.reorg(5);
    assert_eq!(newest(), before);
    node.clear();
    assert_eq!(head(), "\"0x3ec\"");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn liars_claim_what_they_cannot_link() {
    let chain = chain();
    let node = node(&chain, "a").await;
    let to = node.address();
    let member = |text: &str, name: &str| wire::member(text, name);
    let at = |number: &str| result(to, "eth_getBlockByNumber", &format!(r#"["{number}",false]"#));
    node.set(Fault::Lie { blocks: 1_000, headers: false });
    assert_eq!(result(to, "eth_blockNumber", "[]"), "\"0x7d1\"");
    assert_eq!(member(&at("latest"), "number"), "0x7d1");
    assert_eq!(at("0x7d1"), "null");
    node.set(Fault::Lie { blocks: 1_000, headers: true });
    let (newest, before) = (at("latest"), at("0x7d0"));
    assert_eq!(member(&newest, "parentHash"), member(&before, "hash"));
    assert_ne!(member(&at("0x3ea"), "parentHash"), member(&at("0x3e9"), "hash"));
    assert_eq!(member(&at("0x3e9"), "hash"), hex(&chain.main_hash(1_001).unwrap()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_chain_and_a_fork_differ_where_they_should() {
    let chain = chain();
    let node = node(&chain, "a").await;
    let to = node.address();
    let hash = |number: &str| {
        let text = result(to, "eth_getBlockByNumber", &format!(r#"["{number}",false]"#));
        wire::member(&text, "hash")
    };
    let (genesis, low, newest) = (hash("0x0"), hash("0x3e0"), hash("latest"));
    node.set(Fault::WrongChain { chain_id: 99 });
    assert_eq!(result(to, "eth_chainId", "[]"), "\"0x63\"");
    assert_ne!(hash("0x0"), genesis);
    node.clear();
    node.set(Fault::Fork { height: 998, salt: 0 });
    assert_eq!(hash("0x0"), genesis);
    assert_eq!(hash("0x3e0"), low);
    assert_ne!(hash("latest"), newest);
    let known = result(to, "eth_getBlockByHash", &format!(r#"["{newest}",false]"#));
    assert_eq!(known, "null");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flapping_node_goes_and_comes() {
    let chain = chain();
    let node = node(&chain, "a").await;
    node.set(Fault::Flap { up_ms: 30, down_ms: 30 });
    for _ in 0..2 {
        until("it is down", || ask(node.address(), HEAD) == Err(Failure::Refused));
        until("it is up", || ask(node.address(), HEAD).is_ok());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lost_state_reads_as_pruned_and_blocks_stay() {
    let chain = chain();
    let node = node(&chain, "a").await;
    node.set(Fault::LoseState);
    let balance = call("eth_getBalance", &format!(r#"["{}","latest"]"#, hex(&[1; 20])));
    assert!(ask(node.address(), &balance).unwrap().contains("missing trie node"));
    assert_ne!(result(node.address(), "eth_getBlockByNumber", r#"["latest",false]"#), "null");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_connections_are_closed() {
    let chain = chain();
    let node = node(&chain, "a").await;
    node.set(Fault::CloseIdle { max_ms: 20 });
    let mut open = wire::Connection::open(node.address()).unwrap();
    open.ask(HEAD).unwrap();
    until("the node closes it", || open.closed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_without_peers_tells_nobody() {
    let chain = chain();
    let (a, b) = (node(&chain, "a").await, node(&chain, "b").await);
    a.set(Fault::NoPeers);
    let signed = tx::sign(&[5; 32], tx::Fields::transfer(1337, 0, [2; 20], 9)).unwrap();
    let send = format!(r#"["{}"]"#, hex(&signed.raw));
    result(a.address(), "eth_sendRawTransaction", &send);
    chain.mine(2);
    let find = format!(r#"["{}"]"#, hex(&signed.hash));
    assert_ne!(result(a.address(), "eth_getTransactionByHash", &find), "null");
    assert_eq!(result(b.address(), "eth_getTransactionByHash", &find), "null");
    result(b.address(), "eth_sendRawTransaction", &send);
    chain.mine(1);
    assert!(result(b.address(), "eth_getTransactionReceipt", &find).contains("0x3ec"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_node_takes_longer_and_slots_make_calls_wait() {
    let chain = chain();
    let options = NodeOptions { slots: 1, queue: 0, ..quick("a") };
    let node = Node::start(Arc::clone(&chain), options).await.unwrap();
    node.set(Fault::Slow { factor: 1.0, extra_ms: 60_000 });
    let mut first = wire::Connection::open(node.address()).unwrap();
    first.send(HEAD).unwrap();
    until("the call has arrived", || node.counters().calls() == 1);
    until("the next finds no place", || http(node.address(), HEAD).unwrap().0 == 503);
    assert!(!first.readable());
}
