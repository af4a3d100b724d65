//! What holds for any bytes.

use proptest::prelude::*;
use serde_json::Value;

use super::*;

/// JSON-like text: near enough to a request to reach every branch.
fn json_like() -> impl Strategy<Value = String> {
    let scalar = prop_oneof![
        Just("null"),
        Just("1"),
        Just("-0.5e3"),
        Just("\"2.0\""),
        Just("\"m\""),
        Just("\"\\u00e9\""),
        Just("\"é\\\"\""),
        Just("01"),
        Just("tru"),
        Just("\"\\ud800\""),
    ]
    .prop_map(str::to_owned);
    let name = prop_oneof![
        Just("jsonrpc"),
        Just("id"),
        Just("method"),
        Just("params"),
        Just("i\\u0064"),
        Just("x"),
        Just("y"),
    ];
    scalar.prop_recursive(4, 24, 5, move |inner| {
        let member =
            (name.clone(), inner.clone()).prop_map(|(name, value)| format!("\"{name}\": {value}"));
        prop_oneof![
            prop::collection::vec(inner, 0..5).prop_map(|items| format!("[{}]", items.join(","))),
            prop::collection::vec(member, 0..5)
                .prop_map(|members| format!("{{{}}}", members.join(" ,"))),
        ]
    })
}

fn call_like() -> impl Strategy<Value = String> {
    (json_like(), json_like()).prop_map(|(id, params)| {
        format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"m","params":{params}}}"#)
    })
}

/// The members that serde_json reads mean what ours mean.
fn same_meaning(call: &Call<'_>, value: &Value) -> bool {
    let raw = |raw: &str| serde_json::from_str::<Value>(raw).ok();
    let id = match call.id {
        Id::Missing => None,
        Id::Raw(text) => raw(text),
    };
    let params = call.params.and_then(raw);
    let given = value.get("params").filter(|params| !params.is_null()).cloned();
    value["jsonrpc"] == "2.0"
        && value["method"] == call.method.as_ref()
        && value.get("id").cloned() == id
        && given == params
}

fn agree(text: &str) -> Result<(), TestCaseError> {
    let value = serde_json::from_str::<Value>(text);
    match read(text.as_bytes(), &limits()) {
        Ok(Request::Single(Ok(call))) => {
            prop_assert!(value.is_ok_and(|value| same_meaning(&call, &value)), "{text}");
        }
        Ok(_) => prop_assert!(value.is_ok(), "{text}"),
        Err(refused) if refused.why == Invalid::Parse => prop_assert!(value.is_err(), "{text}"),
        Err(_) => {}
    }
    Ok(())
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes: Vec<u8>) {
        let _read = read(&bytes, &limits());
    }

    #[test]
    fn what_is_accepted_is_json_of_the_same_meaning(text in json_like()) {
        agree(&text)?;
    }

    #[test]
    fn a_call_that_is_accepted_means_the_same_to_serde_json(text in call_like()) {
        agree(&text)?;
    }

    #[test]
    fn text_cut_anywhere_never_panics(text in call_like(), cut: prop::sample::Index) {
        let cut = cut.index(text.len());
        let _read = read(&text.as_bytes()[..cut], &limits());
    }
}
