use proptest::prelude::*;

use super::*;

const FAMILY: Family = Family::Ethereum;

fn hash(byte: u8) -> Hash {
    Hash([byte; 32])
}

fn number(number: u64) -> Identity {
    Identity { number: Some(number), ..Identity::default() }
}

fn genesis(byte: u8) -> Identity {
    Identity { genesis: Some(hash(byte)), ..Identity::default() }
}

#[test]
fn every_question_is_a_method_and_a_json_array() {
    let at = hash(0xab);
    for (ask, method, params) in [
        (Ask::Head, "eth_getBlockByNumber", r#"["latest",false]"#.to_owned()),
        (Ask::Safe, "eth_getBlockByNumber", r#"["safe",false]"#.to_owned()),
        (Ask::Finalized, "eth_getBlockByNumber", r#"["finalized",false]"#.to_owned()),
        (Ask::Genesis, "eth_getBlockByNumber", r#"["0x0",false]"#.to_owned()),
        (Ask::HeaderByHash(at), "eth_getBlockByHash", format!(r#"["{at}",false]"#)),
        (Ask::ChainId, "eth_chainId", "[]".to_owned()),
        (Ask::Sync, "eth_syncing", "[]".to_owned()),
        (Ask::Version, "web3_clientVersion", "[]".to_owned()),
        (
            Ask::StateByHash(at),
            "eth_getCode",
            format!(r#"["0x{}",{{"blockHash":"{at}"}}]"#, "0".repeat(40)),
        ),
        (Ask::StateByNumber(0), "eth_getBalance", format!(r#"["0x{}","0x0"]"#, "0".repeat(40))),
    ] {
        let question = FAMILY.question(ask).unwrap();
        assert_eq!((question.method, question.params.as_ref()), (method, params.as_str()));
        assert!(serde_json::from_str::<Vec<serde_json::Value>>(&question.params).is_ok());
    }
}

#[test]
fn a_header_is_read_out_of_a_block() {
    let (own, parent) = (hash(1), hash(2));
    let block = |number: &str| {
        format!(
            r#"{{"extraData":"0x","number":{number},"hash":"{own}","parentHash":"{parent}",
               "timestamp":"0x66","transactions":["0x1"],"uncles":[]}}"#
        )
    };
    let parent = Block { number: 435, hash: parent };
    let expected = Header { number: 436, hash: own, parent, time: Some(0x66) };
    let read = |text: &str| FAMILY.read_shown(Ask::Head, text);
    assert_eq!(read(&block(r#""0x1b4""#)), Some(Shown::Header(expected)));
    for number in ["436", "null", r#""436""#, r#""0x""#, r#""0x+1""#, r#""0x11112222333344445""#] {
        assert_eq!(read(&block(number)), None, "{number}");
    }
    for text in ["null", "", "[]", "{}", "\"0x1\"", "<html>"] {
        assert_eq!(read(text), None, "{text}");
    }
}

#[test]
fn a_node_tells_its_identity_by_chain_id_and_first_block() {
    assert_eq!(FAMILY.read_identity(Ask::ChainId, r#""0x539""#), Some(number(1337)));
    let (own, parent) = (hash(1), hash(0));
    let first = |height: &str| {
        format!(
            r#"{{"number":"{height}","hash":"{own}","parentHash":"{parent}","timestamp":"0x0"}}"#
        )
    };
    assert_eq!(FAMILY.read_identity(Ask::Genesis, &first("0x0")), Some(genesis(1)));
    // A node that expired its history must not pass another block for the first.
    assert_eq!(FAMILY.read_identity(Ask::Genesis, &first("0x1")), None);
    assert_eq!(FAMILY.read_identity(Ask::Genesis, "null"), None);
    assert_eq!(FAMILY.read_identity(Ask::ChainId, "1337"), None);
}

#[test]
fn an_operator_writes_a_chain_id_in_hex_or_decimal_or_a_genesis_hash() {
    let hex = format!("{}", hash(7));
    for (text, expected) in [
        ("0x539", Some(number(1337))),
        ("1337", Some(number(1337))),
        (hex.as_str(), Some(genesis(7))),
        ("", None),
        ("0x", None),
        ("-1", None),
        ("+1", None),
        ("mainnet", None),
        ("0x12345678901234567", None),
    ] {
        assert_eq!(FAMILY.parse_identity(text), expected, "{text}");
    }
}

#[test]
fn identities_agree_by_every_part_known_to_both() {
    let both = number(1).merged(&genesis(1));
    let name = |name: &str| Identity { name: Some(name.into()), ..Identity::default() };
    for (a, b, expected) in [
        (number(1), number(1), Some(true)),
        (number(1), number(2), Some(false)),
        (genesis(1), genesis(2), Some(false)),
        (number(1), genesis(1), None),
        (name("mainnet"), name("mainnet").merged(&genesis(1)), Some(true)),
        (name("mainnet"), name("testnet").merged(&genesis(1)), Some(false)),
        (both.clone(), number(1), Some(true)),
        (both.clone(), number(1).merged(&genesis(2)), Some(false)),
        (Identity::default(), both, None),
    ] {
        assert_eq!(a.agrees(&b), expected, "{a} {b}");
        assert_eq!(b.agrees(&a), expected, "{b} {a}");
    }
}

#[test]
fn an_identity_is_shown_as_operators_write_it() {
    assert_eq!(number(1337).to_string(), "0x539");
    assert_eq!(genesis(1).to_string(), hash(1).to_string());
    assert_eq!(number(1).merged(&genesis(1)).to_string(), "0x1");
    assert_eq!(Identity::default().to_string(), "unknown");
}

#[test]
fn a_node_that_only_builds_indexes_is_not_syncing() {
    for (text, expected) in [
        ("false", Some(false)),
        ("true", Some(true)),
        (r#"{"startingBlock":"0x0","currentBlock":"0x0","highestBlock":"0x4"}"#, Some(true)),
        (r#"{"currentBlock":"0x0","highestBlock":"0x0"}"#, Some(true)),
        (
            r#"{"currentBlock":"0x9","highestBlock":"0x9","txIndexRemainingBlocks":"0x5"}"#,
            Some(false),
        ),
        (
            r#"{"currentBlock":"0x9","highestBlock":"0x0","txIndexRemainingBlocks":"0x5"}"#,
            Some(false),
        ),
        ("{}", Some(true)),
        ("null", None),
        ("7", None),
    ] {
        assert_eq!(FAMILY.read_syncing(text), expected, "{text}");
    }
}

#[test]
fn a_version_is_short_and_printable() {
    assert_eq!(FAMILY.read_version(r#""Geth/v1.17.8\u0007 x""#).as_deref(), Some("Geth/v1.17.8 x"));
    let long = format!("\"{}\"", "a".repeat(500));
    assert_eq!(FAMILY.read_version(&long).map(|text| text.len()), Some(128));
    assert_eq!(FAMILY.read_version("{}"), None);
}

#[test]
fn local_answers_hold_only_what_the_facts_say() {
    let identity = number(1337);
    let known = LocalFacts {
        tip: Some(Block { number: 436, hash: hash(1) }),
        finalized: None,
        header: None,
        identity: Some(&identity),
        tip_moving: true,
        nodes: 1,
        methods: &Vec::new,
    };
    let still = LocalFacts { tip_moving: false, ..known };
    let unknown = LocalFacts { tip: None, identity: None, ..still };
    let at_tip = r#"{"startingBlock":"0x1b4","currentBlock":"0x1b4","highestBlock":"0x1b4"}"#;
    for (method, facts, expected) in [
        ("eth_blockNumber", &known, Some(r#""0x1b4""#)),
        ("eth_blockNumber", &unknown, None),
        ("eth_chainId", &known, Some(r#""0x539""#)),
        ("eth_chainId", &unknown, None),
        ("net_version", &known, Some(r#""1337""#)),
        ("net_version", &unknown, None),
        ("eth_syncing", &known, Some("false")),
        ("eth_syncing", &still, Some(at_tip)),
        ("eth_syncing", &unknown, None),
        ("eth_accounts", &unknown, Some("[]")),
        ("eth_mining", &unknown, Some("false")),
        ("eth_hashrate", &unknown, Some(r#""0x0""#)),
        ("eth_coinbase", &known, None),
        ("eth_call", &known, None),
    ] {
        assert_eq!(FAMILY.local_answer(method, facts).as_deref(), expected, "{method}");
    }
}

#[test]
fn every_family_is_found_by_its_word() {
    for family in Family::ALL {
        assert_eq!(Family::from_word(family.word()), Some(family));
    }
    assert_eq!(Family::from_word("Ethereum"), None);
}

proptest! {
    #[test]
    fn a_written_identity_reads_back(id: u64, bytes: [u8; 32], by_number: bool) {
        let identity = if by_number { number(id) } else {
            Identity { genesis: Some(Hash(bytes)), ..Identity::default() }
        };
        prop_assert_eq!(FAMILY.parse_identity(&identity.to_string()), Some(identity));
    }

    #[test]
    fn no_text_panics(text in "\\PC*") {
        FAMILY.read_shown(Ask::Head, &text);
        FAMILY.read_identity(Ask::ChainId, &text);
        FAMILY.read_syncing(&text);
        FAMILY.read_version(&text);
        FAMILY.parse_identity(&text);
    }
}
