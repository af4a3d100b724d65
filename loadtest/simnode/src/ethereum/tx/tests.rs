use proptest::prelude::*;

use super::*;
use crate::hash::{hex, unhex, unhex_array};

fn fees() -> [Fee; 3] {
    let list = vec![([7; 20], vec![[1; 32], [2; 32]]), ([8; 20], vec![])];
    [
        Fee::Legacy { price: 9 },
        Fee::AccessList { price: 9, list: list.clone() },
        Fee::Dynamic { tip: 1, cap: 9, list },
    ]
}

fn fields(fee: Fee) -> Fields {
    let to = Some([0x35; 20]);
    Fields { chain_id: Some(1337), nonce: 3, fee, gas: 50_000, to, value: 5, data: vec![1, 2] }
}

#[test]
fn the_example_of_eip_155_signs_to_its_published_bytes() {
    let fields = Fields {
        chain_id: Some(1),
        nonce: 9,
        fee: Fee::Legacy { price: 20_000_000_000 },
        gas: 21_000,
        to: Some([0x35; 20]),
        value: 1_000_000_000_000_000_000,
        data: vec![],
    };
    let hash = "0xdaf5a779ae972f972197303d7b574746c7ef83eadac0f2791ad23db92e4c8e53";
    assert_eq!(hex(&fields.signing_hash()), hash);
    let tx = sign(&[0x46; 32], fields).unwrap();
    let raw = "0xf86c098504a817c800825208943535353535353535353535353535353535353535880de0b6b3a7640000\
               8025a028ef61340bd939bc2195fe537567866003e1a15d3c71ff63e1590620aa636276a067cbe9d8997f76\
               1aecb703304b3800ccf555c9f3dc64214b297fb1966a3b6d83";
    assert_eq!(hex(&tx.raw), raw);
    assert_eq!(decode(&tx.raw).unwrap().from, tx.from);
}

#[test]
fn every_type_decodes_to_what_was_signed() {
    for fee in fees() {
        let tx = sign(&[1; 32], fields(fee)).unwrap();
        assert_eq!(decode(&tx.raw), Ok(tx.clone()));
        assert_eq!(tx.from, address(&[1; 32]).unwrap());
    }
}

#[test]
fn a_known_key_has_its_known_address() {
    let secret = unhex_array("0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80");
    let from = address(&secret.unwrap()).unwrap();
    assert_eq!(hex(&from), "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266");
}

#[test]
fn malformed_bytes_are_refused_in_geths_words() {
    let rows = [
        ("0x", "typed transaction too short"),
        ("0x02", "typed transaction too short"),
        ("0x7f01", "transaction type not supported"),
        ("0x02c0", "rlp: value size exceeds available input length"),
        ("0xc3010203", "rlp: value size exceeds available input length"),
    ];
    for (raw, text) in rows {
        let error = decode(&unhex(raw).unwrap()).unwrap_err();
        assert_eq!(error.to_string(), text, "{raw}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_bytes_make_the_decoder_panic(mut raw: Vec<u8>, at: prop::sample::Index, byte: u8) {
        let _ = decode(&raw);
        raw = sign(&[1; 32], fields(fees()[2].clone())).unwrap().raw;
        let at = at.index(raw.len());
        raw[at] = byte;
        let _ = decode(&raw);
    }
}
