//! What Substrate nodes answer.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use headrace_simnode::hash::{Hash, hex, unhex};
use headrace_simnode::substrate::extrinsic::{self, Checkpoint, Era, Extrinsic, Fields};
use headrace_simnode::substrate::{ss58, truth};
use headrace_simnode::{
    Chain, ChainOptions, Client, Family, Fault, Injected, Keep, Node, NodeOptions, Pace, Retention,
};
use serde_json::{Value, json};

use crate::wire::{Connection, ask, get, http, until};

fn chain() -> Arc<Chain> {
    Chain::new(ChainOptions { pace: Pace::Manual, ..ChainOptions::of(Family::Substrate) })
}

fn quick(client: Client) -> NodeOptions {
    let options = NodeOptions::of(Family::Substrate, "a");
    NodeOptions { client, delay: Duration::ZERO, retention: Retention::ARCHIVE, ..options }
}

async fn node(chain: &Arc<Chain>, client: Client) -> Node {
    Node::start(Arc::clone(chain), quick(client)).await.unwrap()
}

fn call(method: &str, params: &Value) -> String {
    json!({ "jsonrpc": "2.0", "id": 7, "method": method, "params": params }).to_string()
}

fn reply(to: SocketAddr, method: &str, params: &Value) -> Value {
    serde_json::from_str(&ask(to, &call(method, params)).unwrap()).unwrap()
}

fn result(to: SocketAddr, method: &str, params: Value) -> Value {
    let mut reply = reply(to, method, &params);
    assert!(reply.get("error").is_none(), "{method}: {reply}");
    reply["result"].take()
}

fn hash_at(chain: &Chain, number: u64) -> String {
    hex(&chain.main_hash(number).unwrap())
}

fn signed(chain: &Chain, secret: u8, fields: Fields) -> Extrinsic {
    let genesis = chain.main_hash(0).unwrap();
    extrinsic::sign(&[secret; 32], fields, Checkpoint { genesis, birth: genesis })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reads_are_answered_as_the_chain_is() {
    let chain = chain();
    let node = node(&chain, Client::PolkadotSdk).await;
    let to = node.address();
    let at = chain.head();
    let best = hex(&at.hash);
    assert_eq!(result(to, "chain_getBlockHash", json!([])), best);
    let hashes = json!([hash_at(&chain, 0), best, null]);
    assert_eq!(result(to, "chain_getBlockHash", json!([[0, "0x3e8", 1_001]])), hashes);
    assert_eq!(result(to, "chain_getFinalizedHead", json!([])), hash_at(&chain, 997));
    let block = result(to, "chain_getBlock", json!([]));
    assert_eq!(block["block"]["header"], result(to, "chain_getHeader", json!([null])));
    assert_eq!(block["block"]["header"]["parentHash"], hash_at(&chain, 999));
    let key = hex(b"some key");
    let value = truth::storage(b"some key", at).map(|value| hex(&value));
    assert_eq!(result(to, "state_getStorage", json!([key])), json!(value));
    assert_eq!(result(to, "state_getStorage", json!({ "hash": best, "key": key })), json!(value));
    assert_ne!(result(to, "state_getStorage", json!([key, hash_at(&chain, 9)])), json!(value));
    let number = hex(&truth::SYSTEM_NUMBER);
    assert_eq!(result(to, "state_getStorage", json!([number])), "0xe8030000");
    let who = [7; 32];
    let account = hex(&truth::account(&who, 0, at));
    assert_eq!(result(to, "state_getStorage", json!([hex(&truth::account_key(&who))])), account);
    assert_eq!(result(to, "system_accountNextIndex", json!([ss58::address(&who)])), 0);
    let called = hex(&truth::call("A_b", &[1], at));
    assert_eq!(result(to, "state_call", json!(["A_b", "0x01"])), called);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_method_that_is_listed_answers_or_refuses_as_its_kind() {
    let who = ss58::address(&[1; 32]);
    for client in [Client::PolkadotSdk, Client::SubstrateOld, Client::Chopsticks] {
        let chain = chain();
        let hash = hash_at(&chain, 900);
        let raw = hex(&signed(&chain, 5, Fields::remark(0, b"x")).raw);
        let node = node(&chain, client).await;
        let names = result(node.address(), "rpc_methods", json!([]));
        for name in names["methods"].as_array().unwrap() {
            let name = name.as_str().unwrap();
            let params = match name.split_once('_').unwrap() {
                ("payment", _) => json!([raw, hash]),
                ("author" | "transaction", _) => json!([raw]),
                ("childstate", "getKeysPaged" | "getKeysPagedAt") => json!(["0x01", "0x", 10]),
                ("childstate", "getStorageEntries") => json!(["0x01", ["0x02"]]),
                ("childstate", _) => json!(["0x01", "0x02", hash]),
                ("state", "getKeysPaged" | "getKeysPagedAt") => json!(["0x", 10]),
                ("state", "getReadProof" | "queryStorageAt") => json!([["0x01"], hash]),
                ("state", "getChildReadProof") => json!(["0x01", ["0x01"], hash]),
                ("state", "call" | "callAt") => json!(["A_b", "0x", hash]),
                ("state", "getStorage" | "getKeys") => json!(["0x01", hash]),
                ("state", name) if name.starts_with("getStorage") => json!(["0x01", hash]),
                ("archive", "v1_call") => json!([hash, "A_b", "0x"]),
                ("archive", "v1_hashByHeight") | ("grandpa", "proveFinality") => json!([900]),
                ("archive", _) => json!([hash]),
                ("system", "accountNextIndex") | ("account", _) => json!([who]),
                ("mmr" | "rpc" | "chainHead", _) => json!([]),
                ("chain", "getBlockHash" | "getHead") => json!([900]),
                _ => json!([hash]),
            };
            check_answer(&node, client, name, &params);
        }
    }
}

fn check_answer(node: &Node, client: Client, name: &str, params: &Value) {
    let kind = headrace_simnode::substrate::methods::find(name).unwrap().kind;
    let reply = reply(node.address(), name, params);
    let code = reply["error"]["code"].as_i64();
    use headrace_simnode::substrate::methods::Kind;
    match (kind, client) {
        (Kind::Unsafe, _) => assert_eq!(code, Some(-32601), "{name}: {reply}"),
        (Kind::Stream, Client::SubstrateOld) => assert_eq!(code, Some(-32090), "{name}: {reply}"),
        (Kind::Stream, Client::Chopsticks) => assert!(reply["error"]["message"].is_string()),
        (Kind::Stream, _) => assert_eq!(code, Some(-32603), "{name}: {reply}"),
        _ => assert!(reply.get("error").is_none(), "{client:?} {name}: {reply}"),
    }
}

/// A call at a node that keeps few states, which fails with this code, message and data.
async fn fails(chain: &Arc<Chain>, client: Client, call: (&str, Value), error: [Value; 3]) {
    let options = NodeOptions { retention: Retention::full(256), ..quick(client) };
    let node = Node::start(Arc::clone(chain), options).await.unwrap();
    let (method, params) = call;
    let mut seen = reply(node.address(), method, &params)["error"].take();
    assert!(seen.is_object(), "{client:?} {method}");
    let seen = ["code", "message", "data"].map(|member| seen[member].take());
    assert_eq!(seen, error, "{client:?} {method}");
    let recent = json!(["0x01", hash_at(chain, 800)]);
    result(node.address(), "state_getStorage", recent);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn old_state_and_unknown_blocks_are_told_in_the_words_of_today() {
    let chain = chain();
    let (old, none) = (hash_at(&chain, 1), hex(&[9; 32]));
    let raw = hex(&signed(&chain, 5, Fields::remark(0, b"x")).raw);
    let gone = format!("State already discarded for {old}");
    let lost = format!("Header was not found in the database: {none}");
    let (storage, runtime) =
        ("Client error: UnknownBlock:", "Client error: Api called for an unknown Block:");
    let rows = [
        ("state_getStorage", json!(["0x01", old]), format!("{storage} {gone}")),
        ("state_getMetadata", json!([old]), format!("{runtime} {gone}")),
        ("state_getStorage", json!(["0x01", none]), format!("{storage} {lost}")),
        ("state_getRuntimeVersion", json!([none]), format!("{runtime} {lost}")),
    ];
    for (method, params, message) in rows {
        let error = [json!(4003), json!(message), Value::Null];
        fails(&chain, Client::PolkadotSdk, (method, params), error).await;
    }
    let data = format!("Api called for an unknown Block: {gone}");
    let error = [json!(1), json!("Unable to query dispatch info."), json!(data)];
    let call = ("payment_queryInfo", json!([raw, old]));
    fails(&chain, Client::PolkadotSdk, call, error).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn old_state_is_told_in_the_words_of_2020_and_of_chopsticks() {
    let chain = chain();
    let old = hash_at(&chain, 1);
    let debug =
        format!("Client(UnknownBlock(\"State already discarded for BlockId::Hash({old})\"))");
    let storage = || ("state_getStorage", json!(["0x01", old]));
    for call in [storage(), ("state_getMetadata", json!([old]))] {
        let error = [json!(-32603), json!("Unknown error occurred"), json!(debug)];
        fails(&chain, Client::SubstrateOld, call, error).await;
    }
    let message = format!("4003: Client error: UnknownBlock: State already discarded for {old}");
    let error = [Value::Null, json!(message), Value::Null];
    fails(&chain, Client::Chopsticks, storage(), error).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn errors_are_worded_as_nodes_word_them() {
    let chain = chain();
    let node = node(&chain, Client::PolkadotSdk).await;
    let rows = [
        ("chain_nope", json!([]), -32601, "Method not found", Value::Null),
        (
            "system_peers",
            json!([]),
            -32601,
            "RPC call is unsafe to be called externally",
            Value::Null,
        ),
        (
            "chain_getHeader",
            json!(["0x12"]),
            -32602,
            "Invalid params",
            json!("invalid length, expected a 0x-prefixed hex string of 32 bytes"),
        ),
        ("state_getStorage", json!([]), -32602, "Invalid params", json!("No more params")),
        (
            "state_getKeysPaged",
            json!(["0x", 1_001]),
            4002,
            "count exceeds maximum value. value: 1001, max: 1000",
            Value::Null,
        ),
        (
            "grandpa_proveFinality",
            json!([1_000]),
            4,
            "GRANDPA prove finality rpc failed: Block not yet finalized",
            Value::Null,
        ),
        (
            "state_call",
            json!(["nothing", "0x"]),
            4003,
            "Client error: Execution failed: Exported method nothing is not found",
            Value::Null,
        ),
        ("author_submitExtrinsic", json!(["0x0401"]), 1002, "", Value::Null),
        (
            "author_submitExtrinsic",
            json!(["0x10"]),
            1001,
            "Extrinsic has invalid format: Not enough data to fill buffer",
            Value::Null,
        ),
        (
            "author_submitExtrinsic",
            json!(["0x080400"]),
            1011,
            "Unknown Transaction Validity",
            json!("Could not find an unsigned validator for the unsigned transaction"),
        ),
    ];
    for (method, params, code, message, data) in rows {
        let error = reply(node.address(), method, &params)["error"].take();
        assert_eq!(error["code"], code, "{method}: {error}");
        if !message.is_empty() {
            assert_eq!((&error["message"], &error["data"]), (&json!(message), &data), "{method}");
        }
    }
    assert_eq!(result(node.address(), "chain_getHeader", json!([hex(&[9; 32])])), Value::Null);
    assert_eq!(result(node.address(), "chain_getBlock", json!([hex(&[9; 32])])), Value::Null);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_is_not_kept_is_null_and_its_header_stays() {
    let chain = chain();
    let retention = Retention { bodies: Keep::Last(10), ..Retention::full(256) };
    let options = NodeOptions { retention, ..quick(Client::PolkadotSdk) };
    let node = Node::start(Arc::clone(&chain), options).await.unwrap();
    let old = json!([hash_at(&chain, 900)]);
    assert_eq!(result(node.address(), "chain_getBlock", old.clone()), Value::Null);
    assert_eq!(result(node.address(), "chain_getHeader", old)["number"], "0x384");
    let error = reply(node.address(), "archive_v1_finalizedHeight", &json!([]));
    assert_eq!(error["error"]["code"], -32601);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chopsticks_knows_every_hash_as_genesis_and_calls_every_block_final() {
    let chain = chain();
    let node = node(&chain, Client::Chopsticks).await;
    let to = node.address();
    let header = result(to, "chain_getHeader", json!([hex(&[9; 32])]));
    assert_eq!(header["number"], "0x0");
    assert_eq!(result(to, "chain_getFinalizedHead", json!([])), hex(&chain.head().hash));
    let error = reply(to, "chain_nope", &json!([]))["error"].take();
    assert_eq!(error, json!({ "message": "Method not found: chain_nope" }));
    assert_eq!(reply(to, "system_syncState", &json!([]))["error"].get("code"), None);
    let health = json!({ "peers": 0, "isSyncing": false, "shouldHavePeers": false });
    assert_eq!(result(to, "system_health", json!([])), health);
    let made = result(to, "dev_newBlock", json!([{ "count": 2 }]));
    assert_eq!(made, hash_at(&chain, 1_002));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_extrinsic_is_pooled_mined_and_refused_when_it_comes_again() {
    let chain = chain();
    let node = node(&chain, Client::PolkadotSdk).await;
    let to = node.address();
    let tx = signed(&chain, 5, Fields::transfer(0, [2; 32], 9));
    let send = json!([hex(&tx.raw)]);
    let (hash, account) = (hex(&tx.hash), ss58::address(&tx.from));
    assert_eq!(result(to, "author_submitExtrinsic", send.clone()), hash);
    assert_eq!(result(to, "author_pendingExtrinsics", json!([])), send);
    assert_eq!(result(to, "system_accountNextIndex", json!([account])), 1);
    let known = reply(to, "author_submitExtrinsic", &send)["error"].take();
    let expected = json!({ "code": 1013, "message": "Transaction Already Imported", "data": hash });
    assert_eq!(known, expected);
    chain.mine(1);
    let block = result(to, "chain_getBlock", json!([]));
    assert_eq!(block["block"]["extrinsics"][1], send[0]);
    let key = json!([hex(&truth::account_key(&tx.from))]);
    let record = result(to, "state_getStorage", key);
    assert!(record.as_str().unwrap().starts_with("0x01000000"), "{record}");
    let banned = reply(to, "author_submitExtrinsic", &send)["error"].take();
    assert_eq!(banned, json!({ "code": 1012, "message": "Transaction is temporarily banned" }));
    assert_eq!(node.counters().received(&tx.hash), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_extrinsics_get_their_reason() {
    let chain = chain();
    let node = node(&chain, Client::PolkadotSdk).await;
    let to = node.address();
    let sends = |tx: &Extrinsic| reply(to, "author_submitExtrinsic", &json!([hex(&tx.raw)]));
    let invalid = |tx: &Extrinsic, reason: &str| {
        let expected = json!({ "code": 1010, "message": "Invalid Transaction", "data": reason });
        assert_eq!(sends(tx)["error"], expected);
    };
    let other = Checkpoint { genesis: [1; 32], birth: [1; 32] };
    let foreign = extrinsic::sign(&[5; 32], Fields::remark(0, b"x"), other);
    invalid(&foreign, "Transaction has a bad signature");
    let rich = Fields { tip: 1 << 101, ..Fields::remark(0, b"x") };
    let fees = "Inability to pay some fees (e.g. account balance too low)";
    invalid(&signed(&chain, 5, rich), fees);
    sends(&signed(&chain, 5, Fields::remark(0, b"x")));
    let again = sends(&signed(&chain, 5, Fields::remark(0, b"y")));
    assert_eq!(again["error"]["code"], 1014);
    chain.mine(1);
    invalid(&signed(&chain, 5, Fields::remark(0, b"z")), "Transaction is outdated");
    let era = Era::Mortal { period: 64, phase: 1_000 % 64 };
    let birth: Hash = chain.main_hash(era.birth(1_001)).unwrap();
    let mortal = Checkpoint { genesis: chain.main_hash(0).unwrap(), birth };
    let fields = Fields { era, ..Fields::remark(1, b"x") };
    let good = extrinsic::sign(&[5; 32], fields, mortal);
    assert_eq!(sends(&good)["result"], hex(&good.hash));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lagging_node_says_that_it_syncs_and_a_frozen_one_does_not() {
    let chain = chain();
    let node = node(&chain, Client::PolkadotSdk).await;
    let to = node.address();
    let syncing = || result(to, "system_health", json!([]))["isSyncing"].take();
    assert_eq!(syncing(), false);
    node.set(Fault::Lag { blocks: 20 });
    assert_eq!(syncing(), true);
    let state = json!({ "startingBlock": 0, "currentBlock": 980, "highestBlock": 1_000 });
    assert_eq!(result(to, "system_syncState", json!([])), state);
    assert_eq!(get(to, "/health/readiness").unwrap().0, 500);
    node.clear();
    node.set(Fault::Freeze);
    chain.mine(20);
    assert_eq!(syncing(), false);
    assert_eq!(get(to, "/health/readiness").unwrap().0, 200);
    assert!(get(to, "/health").unwrap().1.contains("\"peers\":25"));
    node.set(Fault::NoPeers);
    assert_eq!(get(to, "/health/readiness").unwrap().0, 500);
    assert_eq!(get(to, "/").unwrap().0, 405);
    let sick = Fault::Status { status: 502, retry_after: None };
    node.inject(Injected::from(sick).only(&["system_health"])).unwrap();
    assert_eq!(get(to, "/health").unwrap().0, 502);
    assert_eq!(node.counters().methods["system_health"].faults, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_call_is_refused_as_by_jsonrpsee() {
    let chain = chain();
    let node = node(&chain, Client::PolkadotSdk).await;
    let long = format!("[{}]", vec!["1"; 1_001].join(","));
    let large = format!("{{\"id\":\"{}\"}}", "x".repeat(15 * 1024 * 1024));
    let rows = [
        ("{", 200, -32700, "Parse error"),
        ("nonsense", 400, -32700, "Parse error"),
        ("{}", 200, -32600, "Invalid request"),
        ("[]", 200, -32600, "Invalid request"),
        (&long, 200, -32010, "The batch request was too large"),
        (&large, 413, -32007, "Request is too big"),
    ];
    for (body, status, code, message) in rows {
        let (seen, _, text) = http(node.address(), body).unwrap();
        let error = serde_json::from_str::<Value>(&text).unwrap()["error"].take();
        assert_eq!((seen, &error["code"]), (status, &json!(code)), "{text}");
        assert_eq!(error["message"], message);
    }
    let good = call("system_chainType", &json!([]));
    let batch = format!("[{good},5,{}]", call("chain_nope", &json!([])));
    let replies: Value = serde_json::from_str(&ask(node.address(), &batch).unwrap()).unwrap();
    assert_eq!(replies[0]["result"], "Live");
    assert_eq!(replies[1]["error"]["code"], -32600);
    assert_eq!(replies[2]["error"]["code"], -32601);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_too_many_is_told_so() {
    let chain = chain();
    let options = NodeOptions { max_connections: 1, ..quick(Client::PolkadotSdk) };
    let node = Node::start(Arc::clone(&chain), options).await.unwrap();
    let good = call("system_chainType", &json!([]));
    let mut first = Connection::open(node.address()).unwrap();
    first.send_to("/", &good).unwrap();
    first.receive().unwrap();
    let (status, _, text) = http(node.address(), &good).unwrap();
    assert_eq!((status, &*text), (429, "Too many connections. Please try again later."));
    drop(first);
    until("there is room again", || {
        http(node.address(), &good).is_ok_and(|(status, ..)| status == 200)
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_of_keys_goes_on_where_the_last_ended_and_all_have_values() {
    let chain = chain();
    let node = node(&chain, Client::PolkadotSdk).await;
    let to = node.address();
    let prefix = hex(&truth::SYSTEM_ACCOUNT);
    let all = result(to, "state_getKeysPaged", json!([prefix, 1_000]));
    let all = all.as_array().unwrap();
    let first = result(to, "state_getKeysPaged", json!([prefix, 5]));
    let rest = result(to, "state_getKeysPaged", json!([prefix, 1_000, first[4]]));
    assert_eq!(
        [first.as_array().unwrap().clone(), rest.as_array().unwrap().clone()].concat(),
        *all
    );
    let sets = result(to, "state_queryStorageAt", json!([all]));
    for (key, change) in all.iter().zip(sets[0]["changes"].as_array().unwrap()) {
        assert_eq!(change[0], *key);
        assert_eq!(unhex(change[1].as_str().unwrap()).unwrap().len(), 80);
    }
}
