use proptest::prelude::*;

use super::*;
use crate::names::Hash;

const STATUS: &str = r#"{"chain_id":"testnet","genesis_hash":"FWJ9kR6KFWoyMoNjpLXXGHeuiy7tEY6GmoFeCA5yuc6b","protocol_version":73,"sync_info":{"earliest_block_height":187251995,"latest_block_height":187456272,"syncing":false},"uptime_sec":6020117,"validators":[],"version":{"build":"2.4.0-rc.1","rustc_version":"1.82.0","version":"2.4.0-rc.1"}}"#;
const GENESIS: &str = "FWJ9kR6KFWoyMoNjpLXXGHeuiy7tEY6GmoFeCA5yuc6b";

#[test]
fn blocks_are_asked_by_finality_height_or_base58_hash() {
    let at = block::read_hash(GENESIS).unwrap();
    for (ask, method, params) in [
        (Ask::Head, "block", r#"{"finality":"optimistic"}"#.to_owned()),
        (Ask::Safe, "block", r#"{"finality":"near-final"}"#.to_owned()),
        (Ask::Finalized, "block", r#"{"finality":"final"}"#.to_owned()),
        (Ask::HeaderByNumber(436), "block", r#"{"block_id":436}"#.to_owned()),
        (Ask::HeaderByHash(at), "block", format!(r#"{{"block_id":"{GENESIS}"}}"#)),
        (Ask::Sync, "status", "[]".to_owned()),
    ] {
        assert_eq!(question(ask), Some(Question { method, params: params.into() }));
    }
}

#[test]
fn a_header_is_read_out_of_a_block() {
    let (own, parent) = (Hash([1; 32]), Hash([2; 32]));
    let text = |height: &str| {
        format!(
            r#"{{"author":"a.near","chunks":[],"header":{{"height":{height},"hash":"{}",
               "prev_hash":"{}","timestamp":1739398210530341781,
               "timestamp_nanosec":"1739398210530341781"}}}}"#,
            block::write_hash(own),
            block::write_hash(parent),
        )
    };
    let expected = Header { number: 436, hash: own, parent, time: Some(1_739_398_210) };
    assert_eq!(read_header(&text("436")), Some(expected));
    assert_eq!(read_header(&text("\"436\"")), None);
    assert_eq!(read_header("null"), None);
}

#[test]
fn a_status_tells_identity_sync_and_version() {
    let genesis = parse_identity(GENESIS);
    assert!(genesis.is_some());
    assert_eq!(read_identity(Ask::Genesis, STATUS), genesis);
    assert_eq!(read_syncing(STATUS), Some(false));
    assert_eq!(read_version(STATUS).as_deref(), Some("2.4.0-rc.1"));
    assert_eq!(read_syncing("null"), None);
}

proptest! {
    #[test]
    fn no_text_panics(text: String) {
        let _read = (read_header(&text), read_identity(Ask::Genesis, &text));
        let _read = (read_syncing(&text), read_version(&text), parse_identity(&text));
    }
}
