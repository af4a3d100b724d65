use proptest::prelude::*;

use super::*;
use crate::names::{Block, Hash};

const STATUS: &str = r#"{"chain_id":"testnet","genesis_hash":"FWJ9kR6KFWoyMoNjpLXXGHeuiy7tEY6GmoFeCA5yuc6b","protocol_version":73,"sync_info":{"earliest_block_height":187251995,"latest_block_height":187456272,"syncing":false},"uptime_sec":6020117,"validators":[],"version":{"build":"2.4.0-rc.1","rustc_version":"1.82.0","version":"2.4.0-rc.1"}}"#;
const GENESIS: &str = "FWJ9kR6KFWoyMoNjpLXXGHeuiy7tEY6GmoFeCA5yuc6b";

#[test]
fn blocks_are_asked_by_finality_height_or_base58_hash() {
    let at = block::read_hash(GENESIS).unwrap();
    for (ask, method, params) in [
        (Ask::Head, "block", r#"{"finality":"optimistic"}"#.to_owned()),
        (Ask::Safe, "block", r#"{"finality":"near-final"}"#.to_owned()),
        (Ask::Finalized, "block", r#"{"finality":"final"}"#.to_owned()),
        (Ask::HeaderByHash(at), "block", format!(r#"{{"block_id":"{GENESIS}"}}"#)),
        (Ask::ChainId, "status", "[]".to_owned()),
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
    let parent = Block { number: 435, hash: parent };
    let expected = Header { number: 436, hash: own, parent, time: Some(1_739_398_210) };
    assert_eq!(read_header(&text("436")), Some(expected));
    assert_eq!(read_header(&text("\"436\"")), None);
    assert_eq!(read_header("null"), None);
}

#[test]
fn a_headers_parent_is_at_the_height_it_tells_or_else_one_below_and_the_first_has_none() {
    let (parent, none) = (Hash([2; 32]), Hash([0; 32]));
    let read = |height: u64, hash: Hash, told: &str| {
        let text = format!(
            r#"{{"header":{{"height":{height},"hash":"{GENESIS}","prev_hash":"{}",{told}
               "timestamp_nanosec":"1"}}}}"#,
            block::write_hash(hash),
        );
        read_header(&text).map(|header| (header.parent.number, header.parent.hash))
    };
    for (height, hash, told, expected) in [
        (436, parent, r#""prev_height":435,"#, Some(435)),
        (436, parent, r#""prev_height":400,"#, Some(400)),
        (436, parent, r#""prev_height":0,"#, Some(0)),
        (436, parent, r#""prev_height":null,"#, Some(435)),
        (436, parent, "", Some(435)),
        (436, parent, r#""prev_height":436,"#, Some(435)),
        (436, parent, r#""prev_height":"435","#, None),
        (436, parent, r#""prev_height":-1,"#, None),
        (9_820_210, none, r#""prev_height":0,"#, Some(0)),
        (9_820_210, none, r#""prev_height":null,"#, Some(0)),
        (0, none, "", Some(0)),
        (0, parent, "", Some(0)),
    ] {
        let expected = expected.map(|number| (number, hash));
        assert_eq!(read(height, hash, told), expected, "{height} {told}");
    }
}

#[test]
fn a_status_tells_identity_sync_and_version() {
    let genesis = parse_identity(GENESIS).unwrap();
    let name = parse_identity("testnet").unwrap();
    let said = read_identity(STATUS).unwrap();
    assert_eq!(said, name.merged(&genesis));
    assert_eq!(said.to_string(), "testnet");
    assert_eq!(said.agrees(&parse_identity("mainnet").unwrap()), Some(false));
    assert_eq!(parse_identity("test net"), None);
    assert_eq!(read_earliest(STATUS), Some(187_251_995));
    assert_eq!(read_earliest("{}"), None);
    assert_eq!(read_syncing(STATUS), Some(false));
    assert_eq!(read_version(STATUS).as_deref(), Some("2.4.0-rc.1"));
    assert_eq!(read_syncing("null"), None);
}

#[test]
fn a_status_is_shown_with_the_served_tip() {
    let tip = Block { number: 9, hash: block::read_hash(GENESIS).unwrap() };
    let own = r#"{"latest_block_hash":"4X","latest_block_height":187456272,"syncing":false}"#;
    let expected =
        format!(r#"{{"latest_block_hash":"{GENESIS}","latest_block_height":9,"syncing":false}}"#);
    assert_eq!(with_tip(own, tip), Some(expected.clone()));
    assert_eq!(with_tip("{}", tip), None);
    let status = format!(r#"{{"chain_id":"testnet","sync_info":{own},"validators":[]}}"#);
    let shown = crate::family::Family::Near.with_tip(&status, "sync_info", tip);
    assert_eq!(shown, Some(status.replace(own, &expected)));
    assert_eq!(crate::family::Family::Near.with_tip(&shown.unwrap(), "sync_info", tip), None);
}

proptest! {
    #[test]
    fn no_text_panics(text: String) {
        let _read = (read_header(&text), read_identity(&text));
        let _read = (read_syncing(&text), read_version(&text), parse_identity(&text));
    }
}
