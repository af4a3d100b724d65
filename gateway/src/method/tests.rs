use std::collections::HashSet;

use serde::Deserialize;

use super::*;
use crate::{
    family::{BlockForm, Family},
    names::Block,
    rpc::{Call, Id, write},
};

const TIP: Block = Block { number: 0x1b4, hash: Hash([7; 32]) };

/// Every family that has a table, with its samples and the names of its methods: each row
/// of the tables (a) of what is known of the family.
const FAMILIES: [(Family, &str, &str); 4] = [
    (
        Family::Ethereum,
        include_str!("../../../config/methods/ethereum.samples.toml"),
        include_str!("tests/ethereum.names"),
    ),
    (
        Family::Substrate,
        include_str!("../../../config/methods/substrate.samples.toml"),
        include_str!("tests/substrate.names"),
    ),
    (
        Family::Near,
        include_str!("../../../config/methods/near.samples.toml"),
        include_str!("tests/near.names"),
    ),
    (
        Family::Icon,
        include_str!("../../../config/methods/icon.samples.toml"),
        include_str!("tests/icon.names"),
    ),
];

#[derive(Deserialize)]
struct Samples {
    sample: Vec<Sample>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sample {
    call: String,
    class: Option<String>,
    block: Option<String>,
    data: Option<String>,
    weight: Option<u32>,
    lane: Option<String>,
    asked: Option<String>,
    pinned: Option<String>,
    bad: Option<String>,
}

fn samples(text: &str) -> Vec<Sample> {
    toml::from_str::<Samples>(text).unwrap().sample
}

fn table() -> MethodTable {
    MethodTable::for_family(Family::Ethereum)
}

fn call(text: &str) -> Call<'_> {
    let (method, params) = match text.split_once(' ') {
        Some((method, params)) => (method, Some(params)),
        None => (text, None),
    };
    Call { id: Id::Missing, method: method.into(), params }
}

/// The enum's word, as the tables write it: `HashAndRange` is `hash_and_range`.
fn word(value: impl std::fmt::Debug) -> String {
    let mut word = String::new();
    for letter in format!("{value:?}").chars() {
        if letter.is_uppercase() && !word.is_empty() {
            word.push('_');
        }
        word.extend(letter.to_lowercase());
    }
    word
}

fn block_word(need: BlockNeed) -> String {
    let end = |end: Option<u64>| end.map_or("tip".to_owned(), |number| number.to_string());
    match need {
        BlockNeed::None => "none".into(),
        BlockNeed::AtTip => "tip".into(),
        BlockNeed::Newest(tag) => format!("newest {}", word(tag)),
        BlockNeed::Earliest => "earliest".into(),
        BlockNeed::Number(number) => format!("number {number}"),
        BlockNeed::Range { from, to } => format!("range {}..{}", end(from), end(to)),
        BlockNeed::Hash(hash) => format!("hash {hash}"),
    }
}

/// The params as they are forwarded when every pin is the tip.
fn pinned(family: Family, params: Option<&str>, pins: &Pins<'_>) -> String {
    let newest = pins.iter().filter(|pin| matches!(pin.block, Pinned::Newest(_)));
    let texts: Vec<_> = newest.map(|pin| (pin, family.block_text(TIP, pin.form))).collect();
    let splices: Vec<_> = texts.iter().map(|(pin, text)| pin.splice(text)).collect();
    let mut out = Vec::new();
    write::spliced(&mut out, params.unwrap_or_default(), &splices);
    String::from_utf8(out).unwrap()
}

fn check(table: &MethodTable, sample: &Sample) {
    let told = &sample.call;
    let call = call(told);
    let needs = match (table.needs(&call), &sample.bad) {
        (Ok(needs), None) => needs,
        (Err(bad), Some(expected)) => return assert_eq!(word(bad), *expected, "{told}"),
        (result, _) => panic!("{told}: {result:?}"),
    };
    assert_eq!(Some(word(needs.class)), sample.class, "{told}");
    assert_eq!(Some(block_word(needs.block)), sample.block, "{told}");
    assert_eq!(Some(word(needs.method.data)), sample.data, "{told}");
    assert_eq!(Some(needs.weight), sample.weight, "{told}");
    if sample.lane.is_some() {
        assert_eq!(Some(word(needs.method.lane)), sample.lane, "{told}");
    }
    assert_eq!(needs.pinned_as(), sample.asked.as_deref(), "{told}");
    let given = call.params.unwrap_or_default();
    let expected = sample.pinned.as_deref().unwrap_or(given);
    if needs.class == Class::Local && sample.pinned.is_none() {
        // what a node is asked where the gateway does not know is not written twice
        return;
    }
    assert_eq!(pinned(table.family(), call.params, &needs.pins), expected, "{told}");
}

#[test]
fn nodes_with_an_evm_serve_two_families_each_in_its_own_forms() {
    let table = MethodTable::for_family(Family::Substrate).with_evm().unwrap();
    for (method, family, class) in [
        ("chain_getBlock", Family::Substrate, Class::Read),
        ("eth_call", Family::Ethereum, Class::Read),
        ("eth_blockNumber", Family::Ethereum, Class::Local),
        // the chain is known by its genesis here, not by a number
        ("eth_chainId", Family::Ethereum, Class::Read),
        ("net_version", Family::Ethereum, Class::Read),
        ("eth_nothing", Family::Substrate, Class::Read),
        ("personal_sign", Family::Ethereum, Class::Refuse),
    ] {
        let row = table.row_of(method);
        assert_eq!((row.family, row.class), (family, class), "{method}");
        assert_eq!(row.by_hash, ByHash::No, "{method}");
    }
    let needs = table.needs(&call("eth_getBalance [\"0x1\",\"latest\"]")).unwrap();
    assert_eq!(needs.block, BlockNeed::Newest(Tag::Latest));
    assert!(MethodTable::for_family(Family::Near).with_evm().is_none());
}

#[test]
fn every_sample_call_needs_what_its_row_says() {
    for (family, text, _) in FAMILIES {
        let table = MethodTable::for_family(family);
        samples(text).iter().for_each(|sample| check(&table, sample));
    }
}

#[test]
fn every_method_a_node_may_be_asked_has_a_sample() {
    for (family, text, _) in FAMILIES {
        let table = MethodTable::for_family(family);
        let samples = samples(text);
        let row = |sample: &'_ Sample| {
            let call = call(&sample.call);
            table.kind_of(table.row_of(&call.method), call.params.unwrap_or_default()).index
        };
        let sampled: HashSet<_> = samples.iter().map(row).collect();
        for row in table.rows().iter().filter(|row| row.class != Class::Refuse && !row.is_other()) {
            assert!(sampled.contains(&row.index), "{}", row.name);
        }
    }
}

#[test]
fn the_embedded_tables_have_no_problems() {
    for (family, _, _) in FAMILIES {
        assert_eq!(MethodTable::read(family, table::text(family)).1, []);
    }
}

#[test]
fn every_method_of_the_family_has_a_row_of_its_own_or_of_its_namespace() {
    for (family, _, names) in FAMILIES {
        let table = MethodTable::for_family(family);
        let has = |name: &str| table.rows().iter().any(|row| *row.name == *name);
        for name in names.split_whitespace() {
            assert!(!table.row_of(name.trim_end_matches('*')).is_other() || has(name), "{name}");
            assert!(name.ends_with('*') || has(name), "{name}");
        }
    }
}

#[test]
fn a_param_that_is_part_of_the_method_leads_to_a_row_of_its_own() {
    let table = MethodTable::for_family(Family::Near);
    let label = |text: &str| table.needs(&call(text)).unwrap().method.label().to_owned();
    let query = |kind: &str| format!(r#"query {{"request_type":{kind},"finality":"final"}}"#);
    assert_eq!(label(&query("\"view_state\"")), "query.view_state");
    assert_eq!(label(&query("\"view_st\\u0061te\"")), "query.view_state");
    assert_eq!(label(&query("\"view_nothing\"")), "query");
    assert_eq!(label(&query("7")), "query");
    // no node has a method of that name
    assert!(table.row_of("query.view_state").is_other());
    let rows: toml::Table = "[\"query.view_new\"]\nweight = 7".parse().unwrap();
    let new = rows.iter().filter_map(|(name, row)| Some((&**name, row.as_table()?)));
    let table = table.with_overrides(new).unwrap();
    let needs = table.needs(&call(r#"query {"request_type":"view_new","block_id":7}"#));
    assert_eq!(needs.map(|needs| (needs.weight, needs.block)), Ok((7, BlockNeed::Number(7))));
}

#[test]
fn a_name_has_its_own_row_else_the_longest_beginning_else_the_default() {
    let table = table();
    let name = |method: &str| table.row_of(method).name.to_string();
    assert_eq!(name("debug_traceCall"), "debug_traceCall");
    assert_eq!(name("debug_dbGet"), "debug_db*");
    assert_eq!(name("debug_nothing"), "debug_*");
    assert_eq!(name("eth_foo"), "*");
    assert_eq!(name("eth_callX"), "*");
    assert_eq!(name("eth_cal"), "*");
    assert_eq!(name(""), "*");
    assert_eq!(table.row_of("eth_foo").label(), "other");
    assert!(!table.row_of("eth_foo").is_repeatable());
    assert!(table.row_of("eth_call").is_repeatable());
    assert!(!table.row_of("eth_sendRawTransaction").is_repeatable());
    for (index, row) in table.rows().iter().enumerate() {
        assert_eq!(usize::from(row.index.0), index);
    }
}

#[test]
fn a_refused_method_is_refused_in_any_spelling() {
    let table = table();
    for method in ["admin_peers", "ADMIN_peers", "Eth_Sign", "eth_sendtransaction", "Debug_x"] {
        assert_eq!(table.row_of(method).class, Class::Refuse, "{method}");
    }
    for method in ["ETH_CALL", "\u{435}th_call", "eth_call ", "eth_call\0"] {
        assert!(table.row_of(method).is_other(), "{method}");
    }
}

fn overridden(rows: &str) -> Result<MethodTable, Vec<RowProblem>> {
    let rows: toml::Table = rows.parse().unwrap();
    table().with_overrides(rows.iter().filter_map(|(name, row)| Some((&**name, row.as_table()?))))
}

#[test]
fn an_override_sets_its_columns_and_keeps_the_others() {
    let table = overridden(
        r#"
        eth_call = { weight = 40 }
        ots_getHeader = { class = "read", data = "header", block = "0 number" }
        "erigon_*" = { class = "read" }
        "*" = { weight = 3 }
        eth_getProof = { timeout = "trace" }
        "#,
    )
    .unwrap();
    let call_row = table.row_of("eth_call");
    assert_eq!((call_row.weight, call_row.lane, call_row.data), (40, Lane::State, Data::State));
    assert_eq!(table.row_of("ots_getHeader").class, Class::Read);
    assert_eq!(table.row_of("ots_other").class, Class::Refuse);
    let erigon = table.row_of("erigon_forks");
    assert_eq!(
        (erigon.class, &erigon.block, erigon.lane),
        (Class::Read, &BlockPlace::Tip, Lane::State)
    );
    assert_eq!(table.row_of("eth_foo").weight, 3);
    assert_eq!(table.row_of("eth_getProof").lane, Lane::Trace);
    let needs = table.needs(&call(r#"ots_getHeader ["latest"]"#)).unwrap();
    assert_eq!(needs.block, BlockNeed::Newest(Tag::Latest));
}

#[test]
fn every_problem_of_an_override_is_told_with_row_column_and_what_is_allowed() {
    let rows = r#"
        eth_call = { class = "raed", block = "1 anything", weight = 0, colour = 1, data = 5 }
        "eth call" = {}
        eth_x = { block = "0 range?", timeout = { a = 1 } }
        eth_y = { block = "16 any" }
        eth_z = { class = "local" }
    "#;
    let problems = overridden(rows).unwrap_err();
    let told: Vec<_> = problems
        .iter()
        .map(|problem| (problem.row.as_str(), problem.column.as_deref().unwrap_or("")))
        .collect();
    let expected = [
        ("eth call", ""),
        ("eth_call", "block"),
        ("eth_call", "class"),
        ("eth_call", "colour"),
        ("eth_call", "data"),
        ("eth_call", "weight"),
        ("eth_x", "block"),
        ("eth_x", "timeout"),
        ("eth_y", "block"),
        ("eth_z", "class"),
    ];
    assert_eq!(told, expected);
    assert_eq!(problems[2].message, "\"raed\" is not allowed here");
    assert_eq!(problems[2].allowed, "read, write, subscribe, unsubscribe, session, local, refuse");
    assert_eq!(problems[5].allowed, "a whole number from 1 to 1000000");
}

#[test]
fn a_place_is_read_only_in_the_ways_that_the_family_names_blocks() {
    let problems = |family, text: &str| MethodTable::read(family, text).1.len();
    for (family, good) in [
        (Family::Ethereum, "1.name any?"),
        (Family::Substrate, "1|.hash hash?"),
        (Family::Substrate, "1.blockHash|.proof.blockHash hash"),
        (Family::Substrate, "0|.hash numbers?"),
        (Family::Near, ". reference | 0 any"),
        (Family::Near, ".epoch_id id | 0|.block_id any | tip"),
        (Family::Icon, ".height number?"),
    ] {
        assert_eq!(problems(family, &format!("m = {{ block = {good:?} }}")), 0, "{good}");
    }
    for (family, bad) in [
        (Family::Ethereum, ". reference"),
        (Family::Ethereum, "0 numbers"),
        (Family::Ethereum, "0 range | tip | 1 any"),
        (Family::Ethereum, "0|.a range"),
        (Family::Substrate, "0 any"),
        (Family::Near, ".a reference"),
        (Family::Near, ". any"),
        (Family::Near, ".a id?"),
        (Family::Near, ". reference?"),
        (Family::Near, "0 any||1 any"),
        (Family::Icon, ".height"),
        (Family::Icon, "tip | .height number"),
    ] {
        assert_eq!(problems(family, &format!("m = {{ block = {bad:?} }}")), 1, "{bad}");
    }
}

#[test]
fn every_column_that_takes_a_place_or_a_word_says_what_is_allowed() {
    let rows = r#"
        good = { omitted = "local", requires = "0|.keys", pinned_as = "m .height", path = "v3d" }
        fine = { tip_at = "latest", kind = "request_type", transaction = "params" }
        also = { transaction = "0|.bytes", cache = "executed" }
        a = { omitted = "refuse" }
        b = { requires = "keys" }
        c = { pinned_as = "m" }
        d = { pinned_as = "m .a.b" }
        e = { pinned_as = "m* .a" }
        f = { path = "v4" }
        g = { tip_at = "a.b" }
        h = { kind = "" }
        i = { transaction = 16 }
        j = { transaction = true }
    "#;
    let problems = MethodTable::read(Family::Icon, rows).1;
    let told: Vec<_> = problems.iter().map(|problem| problem.row.as_str()).collect();
    assert_eq!(told, ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"]);
    assert!(problems.iter().all(|problem| !problem.allowed.is_empty()));
}

#[test]
fn a_table_that_is_no_toml_is_a_problem_and_still_a_table() {
    let (table, problems) = MethodTable::read(Family::Ethereum, "eth_call = 1\n");
    assert_eq!((table.rows().len(), problems.len()), (1, 1));
    let (table, problems) = MethodTable::read(Family::Ethereum, "eth_call = ");
    assert_eq!((table.rows().len(), problems.len()), (1, 1));
}

#[test]
fn an_open_range_is_weighed_up_to_the_tip() {
    let table = table();
    let weight = |filter: &str| {
        let text = format!("eth_getLogs [{filter}]");
        table.needs(&call(&text)).unwrap().weight_at(10_000)
    };
    assert_eq!(weight(r#"{"fromBlock":"0x0"}"#), 30);
    assert_eq!(weight(r#"{"fromBlock":"0x0","toBlock":"latest"}"#), 30);
    assert_eq!(weight(r#"{"fromBlock":"earliest"}"#), 30);
    assert_eq!(weight(r#"{"fromBlock":"earliest","toBlock":"0x7d0"}"#), 22);
    assert_eq!(weight("{}"), 20);
    assert_eq!(weight(r#"{"fromBlock":"0x0","toBlock":"0xffffffffffffffff"}"#), u32::MAX);
}

#[test]
fn a_signed_transaction_is_bounded_by_its_kind() {
    let table = table();
    let send = |kind: &str, bytes: usize| {
        let text = format!("eth_sendRawTransaction [\"0x{kind}{}\"]", "00".repeat(bytes - 1));
        table.needs(&call(&text)).map(drop)
    };
    assert_eq!(send("02", 128 * 1024), Ok(()));
    assert_eq!(send("02", 128 * 1024 + 1), Err(BadParams::BadTransaction));
    assert_eq!(send("03", 2 * 1024 * 1024), Ok(()));
    assert_eq!(send("03", 2 * 1024 * 1024 + 1), Err(BadParams::BadTransaction));
}

#[test]
fn a_block_named_by_number_is_a_pin_where_a_hash_can_stand_for_it() {
    let table = table();
    let named = |text: &str| {
        let call = call(text);
        table.needs(&call).unwrap().pins.iter().map(|pin| pin.block).collect::<Vec<_>>()
    };
    let newest = Pinned::Newest(Tag::Latest);
    assert_eq!(named(r#"eth_call [{},"latest"]"#), [newest]);
    assert_eq!(named(r#"eth_call [{},"0x5"]"#), [Pinned::Named(5)]);
    assert_eq!(named(r#"eth_call [{},{"blockNumber":"0x5"}]"#), [Pinned::Named(5)]);
    assert_eq!(named(r#"eth_getBlockByNumber ["0x5",false]"#), [Pinned::Named(5)]);
    assert_eq!(named("eth_getLogs [{}]"), [newest, newest]);
    assert_eq!(named(r#"eth_feeHistory ["0x1","0x5",[]]"#), []);
}

#[test]
fn the_method_that_stands_in_by_hash_has_a_row_that_takes_one() {
    let table = table();
    for row in table.rows() {
        let ByHash::As(method) = &row.by_hash else { continue };
        let stand_in = table.row_of(method);
        let place = |kind| {
            let choice = BlockChoice { place: Place::item(0, [].into()), kind, optional: false };
            BlockPlace::Params { choices: [choice].into(), else_tip: false }
        };
        assert_eq!(stand_in.name, *method, "{}", row.name);
        assert_eq!(row.block, place(ReferenceKind::Number), "{}", row.name);
        assert_eq!(stand_in.block, place(ReferenceKind::Hash), "{}", row.name);
        assert_eq!((row.null, row.data), (stand_in.null, stand_in.data), "{}", row.name);
    }
}

mod laws;
