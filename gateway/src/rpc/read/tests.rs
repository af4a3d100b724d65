use super::*;

fn limits() -> ReadLimits {
    ReadLimits::default()
}

/// Refused as a whole, or (for one object) as that object.
fn why(text: &[u8]) -> Option<Invalid> {
    match read(text, &limits()) {
        Err(refused) | Ok(Request::Single(Err(refused))) => Some(refused.why),
        Ok(_) => None,
    }
}

fn check(rows: &[(&str, Option<Invalid>)]) {
    for (text, expected) in rows {
        assert_eq!(why(text.as_bytes()), *expected, "{text}");
    }
}

fn with(members: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":1,"method":"m",{members}}}"#)
}

fn param(value: &str) -> Option<Invalid> {
    why(with(&format!(r#""params":[{value}]"#)).as_bytes())
}

#[test]
fn text_that_is_no_json_is_a_parse_error() {
    for text in [
        "",
        " ",
        "{",
        "[",
        "\"",
        "{}{}",
        "{} x",
        "{}\n{}",
        "[1,]",
        "[,1]",
        "{\"a\":1,}",
        "\u{feff}{}",
    ] {
        assert_eq!(why(text.as_bytes()), Some(Invalid::Parse), "{text}");
    }
    for value in [
        "NaN",
        "Infinity",
        "01",
        "+1",
        ".5",
        "1.",
        "-",
        "1e",
        "'x'",
        "/**/1",
        "1 2",
        "tru",
        "\"\u{1}\"",
        "\"\n\"",
    ] {
        assert_eq!(param(value), Some(Invalid::Parse), "{value}");
    }
    for value in
        [r#""\ud800""#, r#""\udc00""#, r#""\ud800\u0041""#, r#""\u12g4""#, r#""\x""#, r#""\"#]
    {
        assert_eq!(param(value), Some(Invalid::Parse), "{value}");
    }
    assert_eq!(param(r#""\ud83d\ude00""#), None);
}

#[test]
fn utf8_is_checked_in_ignored_members_too() {
    for bad in [&b"\xff"[..], b"\xc0\xaf", b"\xed\xa0\x80", b"\xf5\x80\x80\x80"] {
        let text = [br#"{"jsonrpc":"2.0","method":"m","x":""#, bad, br#""}"#].concat();
        assert_eq!(why(&text), Some(Invalid::Parse), "{bad:?}");
    }
}

#[test]
fn the_outermost_container_is_depth_one_and_the_limit_is_inclusive() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let params = |depth: usize| with(&format!(r#""params":{}"#, nested(depth)));
    assert_eq!(why(params(31).as_bytes()), None);
    assert_eq!(why(params(32).as_bytes()), Some(Invalid::TooDeep));
    let batch = |depth: usize| format!("[{}]", params(depth));
    assert_eq!(why(batch(30).as_bytes()), None);
    assert_eq!(why(batch(31).as_bytes()), Some(Invalid::TooDeep));
    assert_eq!(why("[".repeat(1_000_000).as_bytes()), Some(Invalid::TooDeep));
}

#[test]
fn tokens_and_members_are_bounded() {
    // six tokens of the envelope's members, its brace, "params" and its bracket
    let zeros = |count: usize| with(&format!(r#""params":[{}]"#, vec!["0"; count].join(",")));
    assert_eq!(why(zeros(50_000 - 9).as_bytes()), None);
    assert_eq!(why(zeros(50_000 - 8).as_bytes()), Some(Invalid::TooComplex));
    let object = |count: usize| {
        let members: Vec<_> = (0..count).map(|n| format!("\"{n}\":0")).collect();
        format!("{{{}}}", members.join(","))
    };
    assert_eq!(param(&object(1_024)), None);
    assert_eq!(param(&object(1_025)), Some(Invalid::TooComplex));
    let unknown = |count| with(&object(count)[1..].replacen('}', "", 1));
    assert_eq!(why(unknown(1_021).as_bytes()), None);
    assert_eq!(why(unknown(1_022).as_bytes()), Some(Invalid::TooComplex));
}

#[test]
fn a_number_is_kept_as_written_up_to_64_characters() {
    for value in ["1e400", "1e-400", "-0", "1E+2", "0.5", &"9".repeat(64)] {
        assert_eq!(param(value), None, "{value}");
    }
    assert_eq!(param(&"9".repeat(65)), Some(Invalid::Parse));
    assert_eq!(param(&"9".repeat(1_000_000)), Some(Invalid::Parse));
}

#[test]
fn known_members_may_stand_once_in_any_escape_form() {
    let twice = Some(Invalid::DuplicateMember);
    check(&[
        (&with(r#""method":"m""#), twice),
        (&with(r#""id":1"#), twice),
        (&with(r#""jsonrpc":"2.0""#), twice),
        (&with(r#""params":[],"params":[]"#), twice),
        (&with(r#""meth\u006fd":"n""#), twice),
        (&with(r#""x":1,"x":2,"__proto__":{"a":1,"a":1}"#), None), // unknown ones may
    ]);
}

#[test]
fn a_member_twice_inside_the_params_is_bad_params() {
    let twice = Some(Invalid::DuplicateParam);
    assert_eq!(param(r#"{"a":1,"a":2}"#), twice);
    assert_eq!(param(r#"{"a":1,"\u0061":2}"#), twice);
    assert_eq!(param(r#"[[{"x":{"b":1,"c":{},"b":2}}]]"#), twice);
    assert_eq!(param(r#"{"a":{"a":1},"b":{"a":1}}"#), None);
    let many = |last: &str| {
        let names: Vec<_> = (0..20).map(|n| format!("\"k{n}\":0")).collect();
        format!("{{{},\"{last}\":1}}", names.join(","))
    };
    assert_eq!(param(&many("k20")), None);
    assert_eq!(param(&many("k3")), twice);
}

#[test]
fn an_envelope_is_a_call_or_refused_for_one_reason() {
    let request = Some(Invalid::NotARequest);
    let version = Some(Invalid::Version);
    let method = Some(Invalid::BadMethod);
    let long = "m".repeat(128);
    check(&[
        ("1", request),
        ("\"x\"", request),
        ("null", request),
        ("true", request),
        ("{}", request),
        (r#"{"id":1,"method":"m"}"#, version),
        (r#"{"jsonrpc":"1.0","method":"m"}"#, version),
        (r#"{"jsonrpc":2.0,"method":"m"}"#, version),
        (r#"{"jsonrpc":"2.0 ","method":"m"}"#, version),
        (r#"{"jsonrpc":"2\u002e0","method":"m"}"#, None),
        (r#"{"jsonrpc":"2.0","id":1}"#, method),
        (r#"{"jsonrpc":"2.0","method":1}"#, method),
        (r#"{"jsonrpc":"2.0","method":null}"#, method),
        (r#"{"jsonrpc":"2.0","method":""}"#, method),
        (&format!(r#"{{"jsonrpc":"2.0","method":"{long}"}}"#), None),
        (&format!(r#"{{"jsonrpc":"2.0","method":"{long}m"}}"#), method),
        (&with(r#""params":1"#), Some(Invalid::ScalarParams)),
        (&with(r#""params":"x""#), Some(Invalid::ScalarParams)),
        (&with(r#""params":null"#), None),
        (r#"{"jsonrpc":"2.0","id":1,"result":1}"#, request),
        (r#"{"jsonrpc":"2.0","id":1,"error":{}}"#, request),
        ("[]", Some(Invalid::EmptyBatch)),
        ("[ ]", Some(Invalid::EmptyBatch)),
    ]);
}

#[test]
fn ids_travel_byte_for_byte_or_are_refused_under_null() {
    let id_of = |id: &str| match read(with_id(id).leak().as_bytes(), &limits()) {
        Ok(Request::Single(Ok(call))) => (call.id, None),
        Ok(Request::Single(Err(refused))) => (refused.id, Some(refused.why)),
        other => panic!("{other:?}"),
    };
    let long = format!("\"{}\"", "x".repeat(62));
    for id in [
        "1.0",
        "-0",
        "123456789012345678901234567890",
        "1e2",
        "\"\"",
        r#""\u0061\n""#,
        "null",
        &long,
    ] {
        assert_eq!(id_of(id), (Id::Raw(id), None));
    }
    let longer = format!("\"{}\"", "x".repeat(63));
    let number = "1".repeat(65);
    for id in ["true", "false", "{}", "[]", &longer, &number] {
        assert_eq!(id_of(id), (Id::Raw("null"), Some(Invalid::BadId)), "{id}");
    }
}

fn with_id(id: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"m"}}"#)
}

#[test]
fn a_missing_id_is_a_notification_and_names_are_decoded() {
    let text =
        br#" {"meth\u006fd":"eth_\u0063all","jsonrpc":"2.0","params":{"a" : 1},"params2":1} "#;
    let call = Call { id: Id::Missing, method: "eth_call".into(), params: Some(r#"{"a" : 1}"#) };
    assert_eq!(read(text, &limits()), Ok(Request::Single(Ok(call))));
}

#[test]
fn bad_items_of_a_batch_are_refused_by_themselves_in_order() {
    let text = r#"[1,{"jsonrpc":"2.0","id":2,"method":"m"},[[]],{"jsonrpc":"2.0","id":2,"method":"n","params":[{"a":1,"a":1}]},{}]"#;
    let Ok(Request::Batch(items)) = read(text.as_bytes(), &limits()) else { panic!("no batch") };
    let told: Vec<_> = items
        .iter()
        .map(|item| match item {
            Ok(call) => (call.id, None),
            Err(refused) => (refused.id, Some(refused.why)),
        })
        .collect();
    let null = Id::Raw("null");
    let expected = [
        (null, Some(Invalid::NotARequest)),
        (Id::Raw("2"), None), // equal ids are two calls
        (null, Some(Invalid::NotARequest)),
        (Id::Raw("2"), Some(Invalid::DuplicateParam)),
        (Id::Missing, Some(Invalid::NotARequest)),
    ];
    assert_eq!(told, expected);
}

#[test]
fn a_batch_over_the_limit_is_that_whatever_else_it_breaks() {
    let batch = |first: &str, rest: usize, end: &str| {
        format!("[{first}{}{end}", ",{}".repeat(rest)).into_bytes()
    };
    let first = with_id("\"a\"");
    assert!(read(&batch(&first, 99, "]"), &limits()).is_ok());
    let refused = |id| Err(Refused { id: Id::Raw(id), why: Invalid::BatchTooLarge });
    assert_eq!(read(&batch(&first, 100, "]"), &limits()), refused("\"a\""));
    assert_eq!(read(&batch(&first, 280_000, ""), &limits()), refused("\"a\""));
    assert_eq!(read(&batch("1", 100, "]"), &limits()), refused("null"));
    let heavy = format!("[{}", "0,".repeat(60_000));
    let deep = "[".repeat(40) + &"]".repeat(40);
    let broken = [with_id("5"), heavy, deep, "{\"a\":01}".into(), "\"\\ud800\"".into()];
    for bad in &broken[1..] {
        let text = batch(&format!("{},{bad}", broken[0]), 100, "]");
        let why = read(&text, &limits()).map_err(|refused| refused.why);
        let unclosed = bad.starts_with("[0,");
        let expected = if unclosed { Invalid::TooComplex } else { Invalid::BatchTooLarge };
        assert_eq!(why, Err(expected), "{}", &bad[..8]);
    }
    let latin = [batch(&first, 100, ",\""), vec![0xff, b'"', b']']].concat();
    assert_eq!(read(&latin, &limits()), refused("\"a\""));
}

#[test]
fn a_batch_within_the_limit_keeps_its_own_fault() {
    let comma_in_text = format!("[{{}},\"{}\",", ",".repeat(200));
    assert_eq!(why(comma_in_text.as_bytes()), Some(Invalid::Parse));
    let nested = format!("[[{}0],01]", "0,".repeat(200));
    assert_eq!(why(nested.as_bytes()), Some(Invalid::Parse));
}

mod laws;
