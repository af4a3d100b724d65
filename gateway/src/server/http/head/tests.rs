use http::Request;

use super::*;

const BAD: CallError = CallError::BadHttp;

fn head(target: &str, version: Version, fields: &[(&str, &str)]) -> Parts {
    let mut request = Request::builder().method("POST").uri(target).version(version);
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap().into_parts().0
}

fn check_host(target: &str, fields: &[(&str, &str)], expected: Result<Option<&str>, CallError>) {
    let parts = head(target, Version::HTTP_11, fields);
    let found = check(&parts);
    let found = found.as_ref().map(Option::as_deref).map_err(|refusal| refusal.error.clone());
    assert_eq!(found, expected, "{target} {fields:?}");
}

#[test]
fn a_request_names_one_host() {
    check_host("/eth", &[("host", "A.Example:8545")], Ok(Some("a.example")));
    check_host("/eth", &[("host", "a.example.")], Ok(Some("a.example")));
    check_host("/eth", &[("host", "a.example:")], Ok(Some("a.example")));
    check_host("/eth", &[("host", "127.0.0.1")], Ok(Some("127.0.0.1")));
    check_host("/eth", &[("host", "[::1]:80")], Ok(Some("[::1]")));
    check_host("/eth", &[], Err(BAD));
    check_host("/eth", &[("host", "")], Err(BAD));
    check_host("/eth", &[("host", "a"), ("host", "a")], Err(BAD));
    for host in ["a, b", "u@a", "a:b", "a:99999", "a:-1", "[::1", "[x]", "[::1]x", "a/b", "a b"] {
        check_host("/eth", &[("host", host)], Err(BAD));
    }
}

#[test]
fn target_and_host_must_agree() {
    check_host("http://a.example/eth", &[("host", "A.example")], Ok(Some("a.example")));
    check_host("http://a.example/eth", &[], Ok(Some("a.example")));
    check_host("http://a.example/eth", &[("host", "b.example")], Err(BAD));
    check_host("http://u@a.example/eth", &[("host", "u@a.example")], Err(BAD));
    check_host("ftp://a.example/eth", &[("host", "a.example")], Err(BAD));
}

#[test]
fn http_1_0_need_not_name_a_host() {
    let parts = head("/eth", Version::HTTP_10, &[]);
    assert_eq!(check(&parts), Ok(None));
}

#[test]
fn framing_that_can_be_read_twice_is_refused() {
    let host = ("host", "a");
    for (name, value, error) in [
        ("content-length", "02", Some(BAD)),
        ("content-length", "0", None),
        ("content_length", "2", Some(BAD)),
        ("transfer_encoding", "chunked", Some(BAD)),
        ("x_forwarded_for", "1.2.3.4", Some(BAD)),
        ("x_custom", "1", None),
    ] {
        let parts = head("/eth", Version::HTTP_11, &[host, (name, value)]);
        let expected = error.map(Refusal::close);
        assert_eq!(check(&parts).err(), expected, "{name}: {value}");
    }
}

#[test]
fn heads_have_bounds() {
    let many = vec![("x-a", "1"); MAX_FIELDS];
    let mut fields = many.clone();
    fields[0] = ("host", "a");
    assert!(check(&head("/eth", Version::HTTP_11, &fields)).is_ok());
    fields.push(("x-b", "1"));
    let refusal = check(&head("/eth", Version::HTTP_11, &fields)).err();
    assert_eq!(refusal, Some(Refusal::close(CallError::HeadTooLarge)));
    let long = format!("/{}", "a".repeat(MAX_TARGET));
    let refusal = check(&head(&long, Version::HTTP_11, &[("host", "a")])).err();
    assert_eq!(refusal, Some(Refusal::close(CallError::TargetTooLong)));
}

#[test]
fn only_json_in_utf_8_is_read() {
    for (value, json) in [
        ("application/json", true),
        ("Application/JSON", true),
        ("application/json; charset=utf-8", true),
        ("application/json;charset=\"UTF-8\"", true),
        ("application/json; q=1", true),
        ("application/json-rpc", true),
        ("application/json; charset=utf-16", false),
        ("application/json; charset=iso-8859-1", false),
        ("application/jsonp", false),
        ("text/plain", false),
        ("text/plain; application/json", false),
        ("application/x-www-form-urlencoded", false),
        ("multipart/form-data; boundary=x", false),
        ("", false),
    ] {
        assert_eq!(is_json(value.as_bytes()), json, "{value}");
    }
}

#[test]
fn a_post_says_what_its_text_is() {
    let json = ("content-type", "application/json");
    let check = |fields: &[(&str, &str)], error: Option<CallError>| {
        let parts = head("/eth", Version::HTTP_11, fields);
        let refused = check_post(&parts.headers).err().map(|refusal| refusal.error);
        assert_eq!(refused, error, "{fields:?}");
    };
    check(&[json], None);
    check(&[], Some(CallError::UnsupportedMediaType));
    check(&[json, json], Some(CallError::UnsupportedMediaType));
    check(&[json, ("content-encoding", "gzip")], Some(CallError::UnsupportedEncoding));
    check(&[json, ("content-encoding", "identity")], None);
    check(&[json, ("expect", "100-Continue")], None);
    check(&[json, ("expect", "bread")], Some(CallError::Expectation));
    check(&[json, ("upgrade", "WebSocket")], Some(CallError::BadHttp));
    check(&[json, ("upgrade", "h2c")], None);
}

#[test]
fn each_method_has_its_answer() {
    for (method, has_body, expected) in [
        ("GET", false, Ok(Verb::Get)),
        ("HEAD", false, Ok(Verb::Get)),
        ("POST", true, Ok(Verb::Post)),
        ("OPTIONS", false, Ok(Verb::Options)),
        ("GET", true, Err(Refusal::close(BAD))),
        ("HEAD", true, Err(Refusal::close(BAD))),
        ("OPTIONS", true, Err(Refusal::close(BAD))),
        ("CONNECT", false, Err(Refusal::close(CallError::HttpMethodNotAllowed))),
        ("TRACE", false, Err(Refusal::keep(CallError::HttpMethodNotAllowed))),
        ("PUT", true, Err(Refusal::keep(CallError::HttpMethodNotAllowed))),
        ("post", true, Err(Refusal::keep(CallError::HttpMethodUnknown))),
        ("FOO", false, Err(Refusal::keep(CallError::HttpMethodUnknown))),
    ] {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        assert_eq!(verb(&method, has_body), expected, "{method}");
    }
}
