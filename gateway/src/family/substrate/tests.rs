use proptest::prelude::*;

use super::*;
use crate::names::Block;

/// Polkadot's first block.
const GENESIS: &str = "0x91b171bb158e2d3848fa23a9f1c25182fb8e20313b2c1eb49219da7a70ce90c3";
const GENESIS_HEADER: &str = r#"{"parentHash":"0x0000000000000000000000000000000000000000000000000000000000000000","number":"0x0","stateRoot":"0x29d0d972cd27cbc511e9589fcb7a4506d5eb6a9e8df205f00472e5ab354a4e17","extrinsicsRoot":"0x03170a2e7597b7b7e3d84c05391d139a62b157e78786d8c082f29dcf4c111314","digest":{"logs":[]}}"#;

#[test]
fn a_question_is_one_call_and_there_is_none_where_one_is_not_enough() {
    let at = Hash([0xab; 32]);
    for (ask, method, params) in [
        (Ask::Head, "chain_getHeader", "[]".to_owned()),
        (Ask::HeaderByHash(at), "chain_getHeader", format!(r#"["{at}"]"#)),
        (Ask::Genesis, "chain_getBlockHash", "[0]".to_owned()),
        (Ask::StateByHash(at), "state_getRuntimeVersion", format!(r#"["{at}"]"#)),
        (Ask::Sync, "system_health", "[]".to_owned()),
    ] {
        let expected = Question { method, params: params.into() };
        assert_eq!(question(ask), Some(expected));
    }
    for ask in [Ask::Finalized, Ask::HeaderByNumber(7), Ask::ChainId] {
        assert_eq!(question(ask), None, "{ask:?}");
    }
}

#[test]
fn the_hash_of_a_header_is_computed() {
    let genesis = Hash::from_hex(GENESIS).unwrap();
    let header = read_header(GENESIS_HEADER).unwrap();
    assert_eq!(header.block(), Block { number: 0, hash: genesis });
    assert_eq!((header.parent, header.time), (Hash([0; 32]), None));
    // every part of it counts
    for (from, to) in [
        ("\"0x0\"", "\"0x1\""),
        ("[]", "[\"0x00\"]"),
        ("0x29d0", "0x29d1"),
        ("0x0317", "0x0318"),
        ("0x0000", "0x0001"),
    ] {
        let other = read_header(&GENESIS_HEADER.replace(from, to)).unwrap();
        assert_ne!(other.hash, genesis, "{to}");
    }
    for (from, to) in [("\"0x0\"", "0"), ("[]", "[\"0x0\"]"), ("parentHash", "hash")] {
        assert_eq!(read_header(&GENESIS_HEADER.replace(from, to)), None, "{to}");
    }
}

#[test]
fn a_compact_integer_has_its_size_in_its_low_bits() {
    for (value, expected) in [
        (0, &[0][..]),
        (63, &[0xfc]),
        (64, &[0x01, 0x01]),
        (16_383, &[0xfd, 0xff]),
        (16_384, &[0x02, 0, 1, 0]),
        ((1 << 30) - 1, &[0xfe, 0xff, 0xff, 0xff]),
        (1 << 30, &[0x03, 0, 0, 0, 0x40]),
        (1 << 32, &[0x07, 0, 0, 0, 0, 1]),
        (u64::MAX, &[0x13, 255, 255, 255, 255, 255, 255, 255, 255]),
    ] {
        let mut out = Vec::new();
        push_compact(&mut out, value);
        assert_eq!(out, expected, "{value}");
    }
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
fn local_answers_come_from_the_tip_and_the_identity() {
    let tip = Block { number: 436, hash: Hash([7; 32]) };
    let identity = parse_identity(GENESIS);
    let facts = LocalFacts { tip: Some(tip), identity: identity.as_ref(), tip_moving: true };
    let answer = |method| local_answer(method, &facts);
    assert_eq!(answer("chain_getBlockHash"), Some(format!("\"{}\"", tip.hash)));
    assert_eq!(answer("chainSpec_v1_genesisHash"), Some(format!("\"{GENESIS}\"")));
    let sync = r#"{"startingBlock":436,"currentBlock":436,"highestBlock":436}"#;
    assert_eq!(answer("system_syncState").as_deref(), Some(sync));
    assert_eq!(answer("chain_getFinalizedHead"), None);
    let nothing = LocalFacts { tip: None, identity: None, tip_moving: false };
    assert_eq!(local_answer("chain_getBlockHash", &nothing), None);
}

proptest! {
    #[test]
    fn no_text_panics(text: String) {
        let _read = (read_header(&text), read_identity(Ask::Genesis, &text));
        let _read = (read_syncing(&text), read_methods(&text), parse_identity(&text));
    }
}
