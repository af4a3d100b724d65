//! The plain answers of Ethereum nodes; every fault over all families in `faults`; the
//! answers of the other families in their own modules. Over real sockets.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod faults;
mod icon;
mod near;
mod substrate;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use headrace_simnode::hash::hex;
use headrace_simnode::{
    Chain, ChainOptions, Client, Keep, Node, NodeOptions, Pace, Retention, truth, tx,
};
use wire::{ask, http, result, until};

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
