use bytes::Bytes;

use super::*;

const ID: u64 = 7;

fn check(body: &str, expected: Result<&str, ReplyFault>) {
    let raw = read_reply(body.as_bytes(), ID).map(|reply| match reply {
        Reply::Result { raw } | Reply::Error { raw, .. } => raw,
    });
    assert_eq!(raw, expected, "{}", &body[..body.len().min(120)]);
}

#[test]
fn a_result_is_handed_out_as_written_in_any_order_of_members() {
    check(r#"{"jsonrpc":"2.0","id":7,"result":"0x1"}"#, Ok("\"0x1\""));
    check(r#" { "result" : [ 1 ] , "id" : 7 , "jsonrpc":"2.0" } "#, Ok("[ 1 ]"));
    check(r#"{"id":7,"result":null}"#, Ok("null"));
    check(r#"{"id":7,"result":{"id":8,"error":1},"error":null}"#, Ok(r#"{"id":8,"error":1}"#));
}

/// The bound on a client's numbers is none on a node's: a result is the client's business.
#[test]
fn a_number_in_a_result_may_be_of_any_length() {
    for length in [64, 65, 1_000] {
        let number = "9".repeat(length);
        check(&format!(r#"{{"id":7,"result":{number}}}"#), Ok(&number));
        let inside = format!(r#"[{{"a":{number}}}]"#);
        check(&format!(r#"{{"id":7,"result":{inside}}}"#), Ok(&inside));
    }
}

#[test]
fn what_is_no_answer_to_the_call_is_told_apart() {
    check("", Err(ReplyFault::Truncated));
    check("  ", Err(ReplyFault::Truncated));
    check("<html>busy</html>", Err(ReplyFault::Html));
    check("busy", Err(ReplyFault::NotJson));
    check(r#"[{"id":7,"result":1}]"#, Err(ReplyFault::NotJson));
    check(r#"{"id":7,"result":1}{"id":8,"result":1}"#, Err(ReplyFault::NotJson));
    check(r#"{"id":7,"result":{"a":[1,2"#, Err(ReplyFault::Truncated));
    check(r#"{"id":7,"result":"0x"#, Err(ReplyFault::Truncated));
    check(r#"{"id":8,"result":1}"#, Err(ReplyFault::WrongId));
    check(r#"{"id":"7","result":1}"#, Err(ReplyFault::WrongId));
    check(r#"{"result":1}"#, Err(ReplyFault::WrongId));
    check(r#"{"id":null,"result":1}"#, Err(ReplyFault::WrongId));
    check(r#"{"id":8,"error":{"code":1}}"#, Err(ReplyFault::WrongId));
    check(r#"{"id":7,"result":1,"error":{"code":1}}"#, Err(ReplyFault::Both));
    check(r#"{"id":7,"result":1,"result":2}"#, Err(ReplyFault::Both));
    check(r#"{"id":7}"#, Err(ReplyFault::Neither));
    check(r#"{"id":7,"error":null}"#, Err(ReplyFault::Neither));
    check(r#"{"id":7,"result":01}"#, Err(ReplyFault::NotJson));
}

#[test]
fn errors_are_read_with_and_without_code_and_id() {
    let read = |body: &str| match read_reply(body.as_bytes(), ID) {
        Ok(Reply::Error { code, message, data, .. }) => {
            (code, message.into_owned(), data.map(str::to_owned))
        }
        other => panic!("{other:?}"),
    };
    let full = r#"{"id":7,"error":{"code":3,"message":"execution \"reverted\"","data":"0x08"}}"#;
    assert_eq!(read(full), (Some(3), "execution \"reverted\"".into(), Some("\"0x08\"".into())));
    let bare = r#"{"id":null,"error":{"message":"no code"}}"#;
    assert_eq!(read(bare), (None, "no code".into(), None));
    assert_eq!(read(r#"{"error":"text"}"#), (None, "text".into(), None));
    assert_eq!(read(r#"{"id":7,"result":null,"error":{}}"#), (None, String::new(), None));
}

#[test]
fn an_error_that_tells_by_names_is_read_in_any_order_of_its_members() {
    let read = |error: &str| {
        let body = format!(r#"{{"id":7,"error":{error}}}"#);
        match read_reply(body.as_bytes(), ID) {
            Ok(Reply::Error { name, cause, .. }) => {
                (name.map(str::to_owned), cause.map(str::to_owned))
            }
            other => panic!("{other:?}"),
        }
    };
    let both = (Some("HANDLER_ERROR".to_owned()), Some("UNKNOWN_BLOCK".to_owned()));
    let info = r#"{"info":{"name":"INNER"},"name":"UNKNOWN_BLOCK"}"#;
    for error in [
        format!(r#"{{"name":"HANDLER_ERROR","cause":{info},"code":-32000,"message":"m"}}"#),
        format!(r#"{{ "code":-32000, "cause" : {info} , "name" : "HANDLER_ERROR" }}"#),
    ] {
        assert_eq!(read(&error), both, "{error}");
    }
    assert_eq!(read(r#"{"name":7,"cause":"x"}"#), (None, None));
    assert_eq!(read(r#"{"cause":{"info":{}}}"#), (None, None));
    assert_eq!(read(r#"{"data":{"name":"A","cause":{"name":"B"}}}"#), (None, None));
    assert_eq!(read("\"text\""), (None, None));
}

/// Values that look like the end of a reply, some small and some large.
fn values() -> Vec<String> {
    let long = "ab".repeat(SMALL);
    vec![
        "null".into(),
        "\"0x1\"".into(),
        "[]".into(),
        r#"{"x":1,"id":7}"#.into(),
        r#"[{"result":1,"jsonrpc":"2.0"}]"#.into(),
        r#"",\"id\":7}""#.into(),
        format!("\"{long}\""),
        format!(r#"{{"a":"{long}","id":7}}"#),
        format!(r#"["{long}",{{"jsonrpc":"2.0"}}]"#),
    ]
}

fn texts(value: &str) -> [String; 5] {
    [
        format!(r#"{{"jsonrpc":"2.0","id":7,"result":{value}}}"#),
        format!(r#"{{"result":{value},"jsonrpc":"2.0","id":7}}"#),
        format!(r#"{{"jsonrpc":"2.0","result":{value},"id":7}}"#),
        format!("{{ \"id\" : 7 ,\n \"result\" : {value} , \"jsonrpc\" : \"2.0\" }}\n"),
        format!(r#"{{"id":7,"error":null,"result":{value},"error":null}}"#).replacen(
            r#""error":null,"#,
            "",
            1,
        ),
    ]
}

#[test]
fn large_and_small_replies_give_the_same_result() {
    for value in values() {
        for text in texts(&value) {
            check(&text, Ok(&value));
        }
        let extra = format!(r#"{{"id":7,"result":{value},"usage":1}}"#);
        check(&extra, Ok(&value));
        check(&format!(r#"{{"result":{value},"id":8}}"#), Err(ReplyFault::WrongId));
        check(&format!(r#"{{"id":7,"result":{value}"#), Err(ReplyFault::Truncated));
    }
}

/// Feeds `body` cut at `first` and then every `step` bytes through head and trimmer.
fn streamed(body: &str, first: usize, step: usize) -> Result<String, ReplyFault> {
    let bytes = Bytes::copy_from_slice(body.as_bytes());
    let mut have = first.min(bytes.len());
    let (start, id_seen) = loop {
        match read_head(&bytes[..have], ID) {
            HeadState::Result { value_starts_at, id_seen } => break (value_starts_at, id_seen),
            HeadState::NeedMore if have < bytes.len() => have += 1,
            HeadState::NeedMore => return Err(ReplyFault::Truncated),
            HeadState::Error => panic!("an error"),
            HeadState::Fault(fault) => return Err(fault),
        }
    };
    let mut trimmer = Trimmer::new(id_seen, ID);
    let mut out: Vec<u8> = trimmer.push(bytes.slice(start..have)).concat();
    for at in (have..bytes.len()).step_by(step) {
        let chunk = bytes.slice(at..bytes.len().min(at + step));
        out.extend(trimmer.push(chunk).concat());
    }
    out.extend(trimmer.finish()?);
    Ok(String::from_utf8(out).unwrap())
}

#[test]
fn a_streamed_reply_gives_the_value_wherever_it_is_cut() {
    for value in values() {
        let steps: &[usize] =
            if value.len() > SMALL { &[255, 256, 257, 9_000] } else { &[1, 2, 7] };
        for text in texts(&value) {
            for first in 0..80 {
                for &step in steps {
                    assert_eq!(
                        streamed(&text, first, step).as_deref(),
                        Ok(value.as_str()),
                        "{first} {step}"
                    );
                }
            }
        }
    }
}

#[test]
fn a_streamed_reply_that_breaks_off_or_has_no_id_of_ours_is_a_fault() {
    for value in values().into_iter().filter(|value| value.len() > SMALL) {
        let whole = format!(r#"{{"jsonrpc":"2.0","id":7,"result":{value}}}"#);
        for cut in 1..4 {
            let result = streamed(&whole[..whole.len() - cut], 40, 1_000);
            assert_eq!(result, Err(ReplyFault::Truncated), "{cut}");
        }
        let stranger = format!(r#"{{"result":{value},"id":8}}"#);
        assert!(streamed(&stranger, 40, 1_000).is_err());
        let nameless = format!(r#"{{"result":{value}}}"#);
        assert_eq!(streamed(&nameless, 40, 1_000), Err(ReplyFault::WrongId));
    }
}

#[test]
fn the_head_of_a_reply_says_what_it_will_be() {
    let state = |text: &str| read_head(text.as_bytes(), ID);
    assert_eq!(state(""), HeadState::NeedMore);
    assert_eq!(state(r#"{"id":7"#), HeadState::NeedMore);
    assert_eq!(state(r#"{"id":7,"result":"#), HeadState::NeedMore);
    assert_eq!(state(r#"{"id":7,"error":{"code":1},"#), HeadState::Error);
    assert_eq!(state(r#"{"id":8,"#), HeadState::Fault(ReplyFault::WrongId));
    assert_eq!(state("<!doctype"), HeadState::Fault(ReplyFault::Html));
    assert_eq!(state("[1"), HeadState::Fault(ReplyFault::NotJson));
    assert_eq!(state("{}"), HeadState::Fault(ReplyFault::Neither));
    assert_eq!(state(r#"{"id":7}"#), HeadState::Fault(ReplyFault::Neither));
}
