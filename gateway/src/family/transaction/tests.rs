//! What the families make of the same: a signed transaction, and what a node says of it.

use proptest::prelude::*;

use super::*;
use crate::{
    family::{icon::transaction::tests as icon_known, near::transaction::tests as near_known},
    method::MethodTable,
    rpc::reply::read_reply,
};

const FAMILIES: [Family; 4] = [Family::Ethereum, Family::Substrate, Family::Near, Family::Icon];

fn of(family: Family, hash: Hash, signer: Option<&str>) -> SignedTransaction {
    SignedTransaction { family, hash, signer: signer.map(Into::into) }
}

#[test]
fn a_transaction_is_found_by_its_hash_and_where_nodes_want_it_its_signer() {
    let near = Family::Near.transaction(&format!("\"{}\"", near_known::KNOWN)).unwrap();
    assert_eq!(near.signer.as_deref(), Some("sender.testnet"));
    assert_eq!(Family::Near.hash_text(near.hash), near_known::KNOWN_HASH);
    let icon = Family::Icon.transaction(icon_known::KNOWN).unwrap();
    assert_eq!(icon, of(Family::Icon, Hash::from_hex(icon_known::KNOWN_HASH).unwrap(), None));
    let substrate = Family::Substrate.transaction(r#""0x280403000b10c4e2c98c01""#).unwrap();
    assert_eq!(substrate.signer, None);
    for family in FAMILIES {
        assert_eq!(family.transaction("null"), None);
    }
}

#[test]
fn each_family_asks_for_a_transaction_in_its_own_way_and_one_has_none() {
    let hash = Hash([0xab; 32]);
    let base58 = Family::Near.hash_text(hash);
    let near =
        format!(r#"{{"tx_hash":"{base58}","sender_account_id":"a.near","wait_until":"NONE"}}"#);
    for (family, signer, expected) in [
        (Family::Ethereum, None, Some(("eth_getTransactionByHash", format!(r#"["{hash}"]"#)))),
        (Family::Substrate, None, None),
        (Family::Near, Some("a.near"), Some(("tx", near))),
        (Family::Near, None, None),
        (
            Family::Icon,
            None,
            Some(("icx_getTransactionByHash", format!(r#"{{"txHash":"{hash}"}}"#))),
        ),
    ] {
        let question = of(family, hash, signer).question();
        let question = question.map(|asked| (asked.method, asked.params.into_owned()));
        assert_eq!(question, expected, "{family:?}");
    }
}

#[test]
fn a_node_knows_a_transaction_does_not_or_does_not_say() {
    let hash = Hash([3; 32]);
    let ethereum = format!(r#""result":{{"blockNumber":null,"hash":"{hash}"}}"#);
    let icon = format!(r#""result":{{"txHash":"{hash}","version":"0x3"}}"#);
    let near = |cause: &str| {
        format!(
            r#""error":{{"name":"HANDLER_ERROR","cause":{{"info":{{}},"name":"{cause}"}},"code":-32000}}"#
        )
    };
    let coded = |code: i64| format!(r#""error":{{"code":{code},"message":"x"}}"#);
    for (family, reply, expected) in [
        (Family::Ethereum, ethereum.clone(), Some(true)),
        (Family::Ethereum, ethereum.replace("0x03", "0x04"), Some(false)),
        (Family::Ethereum, r#""result":null"#.to_owned(), Some(false)),
        (Family::Ethereum, coded(-32000), None),
        (Family::Icon, icon.clone(), Some(true)),
        (Family::Icon, icon.replace("0x03", "0x04"), Some(false)),
        (Family::Icon, coded(-31004), Some(false)),
        (Family::Icon, coded(-31002), Some(true)),
        (Family::Icon, coded(-31003), Some(true)),
        (Family::Icon, coded(-32000), None),
        (Family::Near, r#""result":{"final_execution_status":"NONE"}"#.to_owned(), Some(true)),
        (Family::Near, near("UNKNOWN_TRANSACTION"), Some(false)),
        (Family::Near, near("TIMEOUT_ERROR"), None),
        (Family::Near, near("DOES_NOT_TRACK_SHARD"), None),
        (Family::Substrate, r#""result":null"#.to_owned(), None),
    ] {
        let body = format!(r#"{{"jsonrpc":"2.0","id":1,{reply}}}"#);
        let told = read_reply(body.as_bytes(), 1).unwrap();
        assert_eq!(of(family, hash, None).is_known(&told), expected, "{family:?} {body}");
    }
}

#[test]
fn a_write_answers_the_hash_unless_it_waits_for_more() {
    let hash = Hash([3; 32]);
    let (hex, base58) = (format!("\"{hash}\""), Family::Near.hash_text(hash));
    for (family, method, expected) in [
        (Family::Ethereum, "eth_sendRawTransaction", Some(hex.clone())),
        (Family::Ethereum, "eth_sendRawTransactionSync", None),
        (Family::Substrate, "author_submitExtrinsic", Some(hex.clone())),
        (Family::Near, "broadcast_tx_async", Some(format!("\"{base58}\""))),
        (
            Family::Near,
            "EXPERIMENTAL_broadcast_tx_sync",
            Some(format!(r#"{{"transaction_hash":"{base58}"}}"#)),
        ),
        (Family::Near, "send_tx", None),
        (Family::Near, "broadcast_tx_commit", None),
        (Family::Icon, "icx_sendTransaction", Some(hex)),
        (Family::Icon, "icx_sendTransactionAndWait", None),
    ] {
        let table = MethodTable::for_family(family);
        assert_eq!(family.write_answer(table.row_of(method), hash), expected, "{method}");
    }
}

proptest! {
    #[test]
    fn a_question_is_json_whatever_the_signer_is_called(signer in "\\PC*") {
        let question = of(Family::Near, Hash([1; 32]), Some(&signer)).question();
        let params: serde_json::Value = serde_json::from_str(&question.unwrap().params).unwrap();
        prop_assert_eq!(params["sender_account_id"].as_str(), Some(signer.as_str()));
    }
}
