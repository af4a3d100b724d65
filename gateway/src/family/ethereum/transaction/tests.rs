use proptest::prelude::*;

use super::*;

#[track_caller]
fn check(raw: &str, expected: &str) {
    assert_eq!(hash(&format!(r#""{raw}""#)), Hash::from_hex(expected));
}

/// EIP-155's example.
const LEGACY: &str = "0xf86c098504a817c800825208943535353535353535353535353535353535353535880de0b6b3a76400008025a028ef61340bd939bc2195fe537567866003e1a15d3c71ff63e1590620aa636276a067cbe9d8997f761aecb703304b3800ccf555c9f3dc64214b297fb1966a3b6d83";
const LEGACY_HASH: &str = "0x33469b22e9f636356c4160a87eb19df52b7412e8eac32a4a55ffe88ea8350788";

/// Body of a one-blob transaction, signed by eth-account with the key of EIP-155's
/// example; the hash is what ethers computes.
const BLOB_BODY: &str = "f8920180843b9aca008504a817c8008252089435353535353535353535353535353535353535358080c0843b9aca00e1a0010657f37554c781402a22917dee2f75def7ab966d7b770905398eba3c44401401a0fd26ad8e61122f540fee6f66086a93dd4cc9ba76ed9ded7b7217de4d78df437aa04ca7503ed97463677f32cd969cab2dcc232f7e2df9d1d26c7388d6e08ea7cb1e";
const BLOB_HASH: &str = "0x6e4d6e05d0a2b9efde0ae4b790a0cee89d77adb17ef8760136a4f315e443b35b";

/// The blob of zeros, in a list of one.
fn zero_blob() -> String {
    format!("fa020004ba020000{}", "00".repeat(131_072))
}

/// A commitment to, or proof of, the blob of zeros: the point at infinity.
fn infinity() -> String {
    format!("b0c0{}", "00".repeat(47))
}

#[test]
fn legacy_and_typed_transactions_hash_as_their_bytes() {
    check(LEGACY, LEGACY_HASH);
    check(
        "0x02f86d82053980843b9aca008504a817c8008252089435353535353535353535353535353535353535350180c001a01acdf24c875c416d7184a449c1f71f2ccfd78ace3b1752a9f631f6d48021d353a06e8410de15fd279efec977b2a173e7c075b62e2077aa7568067795222d14f3b3",
        "0x1df56e21f7bd2736a659950924814dfb2eafa82734c0306bf2d24676b9562c88",
    );
}

#[test]
fn a_blob_transaction_hashes_as_its_body_in_every_form() {
    // EIP-7594: a version byte and 128 cell proofs.
    let cells =
        format!("{BLOB_BODY}01{}f1{}f91880{}", zero_blob(), infinity(), infinity().repeat(128));
    check(&format!("0x03fa021952{cells}"), BLOB_HASH);
    // EIP-4844: no version byte, one proof.
    let proof = format!("{BLOB_BODY}{}f1{}f1{}", zero_blob(), infinity(), infinity());
    check(&format!("0x03fa{:06x}{proof}", proof.len() / 2), BLOB_HASH);
    // As it stands in a block.
    check(&format!("0x03{BLOB_BODY}"), BLOB_HASH);
}

#[test]
fn escapes_and_the_case_of_digits_do_not_matter() {
    let expected = Hash::from_hex(LEGACY_HASH);
    assert_eq!(hash(&format!(r#""\u0030{}""#, &LEGACY[1..])), expected);
    assert_eq!(hash(&format!(r#""0x{}""#, LEGACY[2..].to_uppercase())), expected);
}

#[test]
fn b110_a_transaction_says_which_chain_it_is_signed_for() {
    let wrapped = format!("03f9ffff{BLOB_BODY}");
    let of_body = format!("03{BLOB_BODY}");
    for (bytes, expected) in [
        (&LEGACY[2..], Some(1)),
        // nonce, price, gas, to, value, data, v, r, s
        ("c90102030405061b0708", None),
        ("c90102030405061c0708", None),
        ("c90102030405060708", None),
        ("cb010203040506820a960708", Some(1_337)),
        ("ca01020304050681250708", Some(1)),
        ("01c401020304", Some(1)),
        ("02c482053904", Some(1_337)),
        ("04c3820a0a", Some(2_570)),
        ("03c3820539", Some(1_337)),
        ("03c4c3820539", Some(1_337)),
        (&of_body, Some(1)),
        ("02ca89010203040506070809", None),
        ("02c8ff", None),
        ("05c3820539", None),
        ("7ec3820539", None),
        ("02", None),
        ("02c0", None),
        ("", None),
        (&wrapped, None),
    ] {
        assert_eq!(chain_id(&format!("\"0x{bytes}\"")), expected, "{bytes}");
    }
}

#[test]
fn what_is_no_transaction_has_no_hash() {
    for raw in [
        "",
        "[]",
        "{}",
        "null",
        "1",
        r#"["0x02f8"]"#,
        r#""""#,
        r#""0x""#,
        r#""0x0""#,
        r#""f86c""#,
        r#""0xzz""#,
        r#""0x+1""#,
        r#""0x00""#,
        r#""0x80""#,
        r#""0x03""#,
        r#""0x03c0""#,
        r#""0x03ff""#,
        r#""0x03ffffffffffffffffff""#,
        r#""0x03c2c1""#,
        r#""0x03c10100""#,
    ] {
        assert_eq!(hash(raw), None, "{raw}");
    }
}

proptest! {
    #[test]
    fn no_bytes_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..64), blob: bool) {
        if let Some(first) = bytes.first_mut().filter(|_| blob) {
            *first = BLOB_TYPE;
        }
        hash_of_bytes(&bytes);
        chain_id_of_bytes(&bytes);
    }

    #[test]
    fn no_text_panics(raw in "\\PC*") {
        hash(&raw);
        is_one(&raw);
    }

    #[test]
    fn the_wrapper_never_changes_the_hash(
        body in proptest::collection::vec(1u8..0x80, 1..55),
        rest in proptest::collection::vec(1u8..0x80, 0..100),
    ) {
        let head = u8::try_from(usize::from(LIST) + body.len()).unwrap();
        let body = [&[head], &body[..]].concat();
        let length = u8::try_from(body.len() + rest.len()).unwrap();
        let wrapped = [&[BLOB_TYPE, 0xf8, length], &body[..], &rest].concat();
        let bare = [&[BLOB_TYPE], &body[..]].concat();
        prop_assert_eq!(hash_of_bytes(&wrapped), hash_of_bytes(&bare));
    }
}
