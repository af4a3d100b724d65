use proptest::prelude::*;

use super::*;

const BLOCK: &str = r#"{"block_hash":"8e25acc5b5c74375079d51828760821fc6f54283656620b1d5a715edcc0770c6","confirmed_transaction_list":[],"height":512,"peer_id":"hx42","prev_block_hash":"0fdf04d13229482e3533948d4582344a3d44c399e71ab12c653ae57bcbee5d90","time_stamp":1559204699330360,"version":"2.0"}"#;
const HASH: &str = "0x8e25acc5b5c74375079d51828760821fc6f54283656620b1d5a715edcc0770c6";
const PARENT: &str = "0x0fdf04d13229482e3533948d4582344a3d44c399e71ab12c653ae57bcbee5d90";

#[test]
fn every_question_is_a_method_and_a_json_object() {
    let at = Hash::from_hex(HASH).unwrap();
    for (ask, method, params) in [
        (Ask::Head, "icx_getLastBlock", "{}".to_owned()),
        (Ask::Genesis, "icx_getBlockByHeight", r#"{"height":"0x0"}"#.to_owned()),
        (Ask::HeaderByHash(at), "icx_getBlockByHash", format!(r#"{{"hash":"{HASH}"}}"#)),
        (Ask::ChainId, "icx_getNetworkInfo", "{}".to_owned()),
        (Ask::StateByNumber(1), "icx_getTotalSupply", r#"{"height":"0x1"}"#.to_owned()),
    ] {
        assert_eq!(question(ask), Some(Question { method, params: params.into() }));
    }
    for ask in [Ask::Finalized, Ask::Sync] {
        assert_eq!(question(ask), None);
    }
}

#[test]
fn the_debug_api_lies_beside_the_usual_one() {
    let beside = |path: &str| -> Vec<String> {
        other_paths(path).into_iter().map(|(_, path)| path).collect()
    };
    assert_eq!(beside("/api/v3"), ["/api/v3d", "/api/rosetta"]);
    assert_eq!(beside("/x/api/v3/icon_dex"), ["/x/api/v3d/icon_dex", "/x/api/rosetta/icon_dex"]);
    assert_eq!(beside("/rpc"), [""; 0]);
    for (path, expected) in [
        ("/api/v3", true),
        ("/api/v3d", true),
        ("/api/v3/icon_dex", true),
        ("/api/v3d/icon_dex", true),
        ("/api/v3x", false),
        ("/api/v3/a/b", false),
        ("/api/rosetta", false),
        ("/admin/chain", false),
    ] {
        assert_eq!(serves_below(path), expected, "{path}");
    }
}

#[test]
fn a_header_is_read_out_of_a_block_and_the_first_has_no_parent() {
    let header = read_header(BLOCK).unwrap();
    assert_eq!((header.number, header.time), (512, Some(1_559_204_699)));
    assert_eq!(Some(header.hash), Hash::from_hex(HASH));
    assert_eq!(Some(header.parent.hash), Hash::from_hex(PARENT));
    assert_eq!(header.parent.number, 511);
    let first = BLOCK.replace("512", "0").replace(&PARENT[2..], "");
    let none = Block { number: 0, hash: Hash([0; 32]) };
    assert_eq!(read_header(&first).map(|header| header.parent), Some(none));
    assert_eq!(read_header(&BLOCK.replace(&PARENT[2..], "")), None);
    assert_eq!(read_header(&BLOCK.replace("512", "\"0x200\"")), None);
    assert_eq!(read_identity(Ask::Genesis, BLOCK), None);
    let genesis = read_identity(Ask::Genesis, &first).unwrap();
    assert_eq!((genesis.genesis, genesis.number), (Hash::from_hex(HASH), None));
    let told = first.replace("[]", r#"[{"accounts":[],"message":"hello","nid":"0x3"}]"#);
    assert_eq!(read_identity(Ask::Genesis, &told).unwrap().number, Some(3));
}

#[test]
fn a_network_is_known_by_its_number() {
    let info = r#"{"platform":"icon","nid":"0x1","channel":"icon_dex","latest":"0x4f2a1b0"}"#;
    assert_eq!(read_identity(Ask::ChainId, info).and_then(|known| known.number), Some(1));
    assert_eq!(read_identity(Ask::ChainId, r#"{"nid":1}"#), None);
    assert_eq!(read_earliest(r#"{"nid":"0x1","earliest":"0x3e8"}"#), Some(1_000));
    assert_eq!(read_earliest(info), None);
}

proptest! {
    #[test]
    fn no_text_panics(text: String) {
        let _read = (read_header(&text), read_identity(Ask::ChainId, &text));
        let _read = read_transaction(&text);
    }
}
