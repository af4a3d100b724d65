use proptest::prelude::*;

use super::*;

/// Values that mean something to some family, among others that mean nothing.
fn value() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        Just("\"latest\""),
        Just("\"safe\""),
        Just("\"pending\""),
        Just("\"final\""),
        Just("\"optimistic\""),
        Just("\"genesis\""),
        Just("\"view_state\""),
        Just("null"),
        Just("{}"),
        Just("[ ]"),
        Just("[1,\"0x2\"]"),
        Just("7"),
        Just("\"0x5\""),
        Just("\"0x01\""),
        Just("\"0xfc41b9bd8ef8fe53d58c7ea67c794c7ec9a73daf05e6d54b14ff6342c99ba64c\""),
        Just("\"EfL8Rc1EH13UxgbJB4skt8xSF8vojNQPcAX1opf6RFab\""),
        Just("true"),
        Just(" {\"fromBlock\":\"latest\" }"),
        Just("{ \"toBlock\":null, \"x\":[1] }"),
        Just("{\"blockNumber\":\"finalized\"}"),
        Just("\"0x02f8\""),
        Just("{\"stateBlockNumber\":\"latest\"}"),
    ]
}

fn list() -> impl Strategy<Value = String> {
    let space = prop_oneof![Just(""), Just(" ")];
    (prop::collection::vec(value(), 0..6), space)
        .prop_map(|(values, space)| format!("[{space}{}{space}]", values.join(",")))
}

fn object() -> impl Strategy<Value = String> {
    let names = [
        "hash",
        "at",
        "height",
        "block",
        "block_id",
        "finality",
        "sync_checkpoint",
        "keys",
        "request_type",
        "tx_hash",
        "account_id",
        "signature",
        "bytes",
        "proof",
    ];
    let names = prop::sample::subsequence(names.to_vec(), 0..5).prop_shuffle();
    let space = prop_oneof![Just(""), Just(" ")];
    (names, prop::collection::vec(value(), 5), space).prop_map(|(names, values, space)| {
        let members = names.iter().zip(values);
        let members: Vec<_> =
            members.map(|(name, value)| format!("\"{name}\"{space}:{value}")).collect();
        format!("{{{space}{}{space}}}", members.join(","))
    })
}

fn params() -> impl Strategy<Value = Option<String>> {
    prop_oneof![3 => list().prop_map(Some), 3 => object().prop_map(Some), 1 => Just(None)]
}

thread_local! {
    static TABLES: [MethodTable; 4] =
        FAMILIES.map(|(family, _, _)| MethodTable::for_family(family));
}

/// One row of all tables.
fn with_row<T>(index: usize, then: impl Fn(&MethodTable, &Method) -> T) -> T {
    TABLES.with(|tables| {
        let rows = tables.iter().flat_map(|table| table.rows().iter().map(move |row| (table, row)));
        let count = rows.clone().count();
        let (table, row) = rows.clone().nth(index % count).unwrap();
        then(table, row)
    })
}

fn called<'c>(name: &'c str, params: Option<&'c str>) -> Call<'c> {
    let name = name.split_once('.').map_or(name, |(method, _)| method);
    Call { id: Id::Missing, method: name.into(), params }
}

/// Pinned params are JSON, name the tip where the newest block was meant, and are not
/// pinned again.
fn pinned_law(
    table: &MethodTable,
    row: &Method,
    params: Option<&str>,
) -> Result<(), TestCaseError> {
    let Ok(needs) = table.needs(&called(&row.name, params)) else { return Ok(()) };
    let text = pinned(table.family(), params, &needs.pins);
    if params.is_none() && needs.pins.is_empty() {
        return Ok(());
    }
    prop_assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok(), "{params:?} -> {text}");
    let again = table.needs(&called(needs.pinned_as().unwrap_or(&row.name), Some(&text))).unwrap();
    let newest = again.pins.iter().filter(|pin| matches!(pin.block, Pinned::Newest(_)));
    prop_assert_eq!(newest.count(), 0, "{}", text);
    let tip = match needs.pins.get(0).map(|pin| pin.form) {
        Some(BlockForm::Hash) => BlockNeed::Hash(TIP.hash),
        _ => BlockNeed::Number(TIP.number),
    };
    let expected = match needs.block {
        BlockNeed::Newest(_) if !needs.pins.is_empty() => tip,
        BlockNeed::AtTip if needs.pinned_as().is_some() => tip,
        other => other,
    };
    match (again.block, expected) {
        (BlockNeed::Range { .. }, BlockNeed::Range { .. }) => {}
        (again, expected) => prop_assert_eq!(again, expected),
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn no_params_panic(index: usize, params: String, opening in "[\\[{]?") {
        let params = opening + &params;
        with_row(index, |table, row| {
            let call = called(&row.name, Some(&params));
            if let Ok(needs) = table.needs(&call) {
                // and every pin lies inside
                for pin in needs.pins.iter() {
                    assert!(params.get(pin.at.clone()).is_some());
                }
            }
        });
    }

    #[test]
    fn pinned_params_are_json_that_names_the_tip_and_needs_no_pin(index: usize, params in params()) {
        with_row(index, |table, row| pinned_law(table, row, params.as_deref()))?;
    }
}
