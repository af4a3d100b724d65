use proptest::prelude::*;

use super::*;
use crate::names::Block;

/// Polkadot's first block.
const GENESIS: &str = "0x91b171bb158e2d3848fa23a9f1c25182fb8e20313b2c1eb49219da7a70ce90c3";
const GENESIS_HEADER: &str = r#"{"parentHash":"0x0000000000000000000000000000000000000000000000000000000000000000","number":"0x0","stateRoot":"0x29d0d972cd27cbc511e9589fcb7a4506d5eb6a9e8df205f00472e5ab354a4e17","extrinsicsRoot":"0x03170a2e7597b7b7e3d84c05391d139a62b157e78786d8c082f29dcf4c111314","digest":{"logs":[]}}"#;

#[test]
fn a_question_is_one_call_and_there_is_none_where_nodes_have_none() {
    let at = Hash([0xab; 32]);
    for (ask, method, params) in [
        (Ask::Head, "chain_getBlockHash", "[]".to_owned()),
        (Ask::Finalized, "chain_getFinalizedHead", "[]".to_owned()),
        (Ask::HeaderByHash(at), "chain_getHeader", format!(r#"["{at}"]"#)),
        (Ask::Genesis, "chain_getBlockHash", "[0]".to_owned()),
        (Ask::StateByHash(at), "state_getRuntimeVersion", format!(r#"["{at}"]"#)),
        (Ask::Sync, "system_health", "[]".to_owned()),
    ] {
        let expected = Question { method, params: params.into() };
        assert_eq!(question(ask), Some(expected));
    }
    for ask in [Ask::Safe, Ask::ChainId, Ask::StateByNumber(7)] {
        assert_eq!(question(ask), None, "{ask:?}");
    }
}

#[test]
fn a_node_names_a_hash_and_then_shows_the_header_of_that_hash() {
    let genesis = Hash::from_hex(GENESIS).unwrap();
    let hash = format!("\"{GENESIS}\"");
    for ask in [Ask::Head, Ask::Finalized] {
        assert_eq!(read_shown(ask, &hash), Some(Shown::Hash(genesis)));
        assert_eq!(read_shown(ask, "null"), None);
    }
    let by_hash = Ask::HeaderByHash(genesis);
    let Some(Shown::Header(header)) = read_shown(by_hash, GENESIS_HEADER) else { panic!() };
    assert_eq!(header.block(), Block { number: 0, hash: genesis });
    let parent = Block { number: 0, hash: Hash([0; 32]) };
    assert_eq!((header.parent, header.time), (parent, None));
    for (from, to) in [("\"0x0\"", "0"), ("parentHash", "hash"), ("\"0x0\"", "\"0x\"")] {
        assert_eq!(read_shown(by_hash, &GENESIS_HEADER.replace(from, to)), None, "{to}");
    }
    assert_eq!(read_shown(by_hash, "null"), None);
}

#[test]
fn a_chain_is_known_by_its_genesis() {
    let genesis = parse_identity(GENESIS);
    assert_eq!(genesis.as_ref().and_then(|known| known.genesis), Hash::from_hex(GENESIS));
    assert_eq!(read_identity(Ask::Genesis, &format!("\"{GENESIS}\"")), genesis);
    assert_eq!(read_identity(Ask::Genesis, "null"), None);
    assert_eq!(parse_identity("polkadot"), None);
}

#[test]
fn health_and_methods_are_read() {
    let health = r#"{"peers":42,"isSyncing":true,"shouldHavePeers":true}"#;
    assert_eq!(read_syncing(health), Some(true));
    assert_eq!(read_syncing("{}"), None);
    let methods = r#"{"methods":["chain_getBlock","account_nextIndex","a b"],"version":1}"#;
    assert_eq!(read_methods(methods), ["chain_getBlock", "account_nextIndex"]);
    assert_eq!(read_methods("null"), [""; 0]);
}

#[test]
fn local_answers_come_from_tips_identity_and_table() {
    let tip = Block { number: 436, hash: Hash([7; 32]) };
    let finalized = Block { number: 434, hash: Hash([5; 32]) };
    let identity = parse_identity(GENESIS);
    let facts = LocalFacts {
        tip: Some(tip),
        finalized: Some(finalized),
        header: Some(GENESIS_HEADER),
        identity: identity.as_ref(),
        tip_moving: true,
        nodes: 3,
        methods: &|| vec!["chain_getBlock", "rpc_methods"],
    };
    let hash = |block: Block| format!("\"{}\"", block.hash);
    for (method, expected) in [
        ("chain_getHeader", GENESIS_HEADER.to_owned()),
        ("chain_getBlockHash", hash(tip)),
        ("chain_getHead", hash(tip)),
        ("chain_getFinalizedHead", hash(finalized)),
        ("chain_getFinalisedHead", hash(finalized)),
        ("archive_v1_finalizedHeight", "434".to_owned()),
        ("chainSpec_v1_genesisHash", format!("\"{GENESIS}\"")),
        ("archive_v1_genesisHash", format!("\"{GENESIS}\"")),
        (
            "system_syncState",
            r#"{"startingBlock":436,"currentBlock":436,"highestBlock":436}"#.to_owned(),
        ),
        ("system_health", r#"{"peers":3,"isSyncing":false,"shouldHavePeers":true}"#.to_owned()),
        ("rpc_methods", r#"{"methods":["chain_getBlock","rpc_methods"]}"#.to_owned()),
    ] {
        assert_eq!(local_answer(method, &facts), Some(expected), "{method}");
    }
    let still = LocalFacts { tip_moving: false, ..facts };
    let syncing = r#"{"peers":3,"isSyncing":true,"shouldHavePeers":true}"#;
    assert_eq!(local_answer("system_health", &still).as_deref(), Some(syncing));
    let nothing = LocalFacts { tip: None, finalized: None, header: None, identity: None, ..facts };
    for method in
        ["chain_getHeader", "chain_getBlockHash", "chain_getFinalizedHead", "system_health"]
    {
        assert_eq!(local_answer(method, &nothing), None, "{method}");
    }
}

proptest! {
    #[test]
    fn no_text_panics(text: String) {
        let shown = [Ask::Head, Ask::HeaderByHash(Hash([0; 32]))].map(|ask| read_shown(ask, &text));
        let _read = (shown, read_identity(Ask::Genesis, &text));
        let _read = (read_syncing(&text), read_methods(&text), parse_identity(&text));
    }
}
