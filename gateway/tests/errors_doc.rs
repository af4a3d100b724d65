//! `docs/errors.md` says what the code does: it is generated from the set of
//! reasons, and stale is a failure. `UPDATE_GOLDEN=1` rewrites it.

use std::{fs, path::Path};

use headrace_gateway::{
    error::{Reason, Retry},
    family::Family,
};

const HEAD: &str = "\
# Errors of the gateway

<!-- Generated: UPDATE_GOLDEN=1 cargo test -p headrace-gateway --test errors_doc -->

An error with `\"origin\": \"gateway\"` in its `data` is Headrace's own; every other error is a node's, passed on byte for byte, and under the HTTP status that the family's nodes send it with.

```json
{\"code\": -32005, \"message\": \"Limit exceeded, try again in 2s\",
 \"data\": {\"reason\": \"overloaded\", \"origin\": \"gateway\", \"request_id\": \"…\", \"retryable\": true,
          \"rate\": {\"backoff_seconds\": 2}}}
```

* `reason` is one of the words below: it is also the metric label and the word in the access log.
* `retryable` says whether the same call may succeed later, unchanged. Where a time is known it stands in `Retry-After`.
* `limit` and `actual` stand beside a size that was exceeded, `earliest` beside history that is gone, `hash` beside a write in doubt.
* Codes, messages and further members are those of the family's nodes. Where a family tells errors by the name of their cause, it stands beside the code.
* The HTTP status is that of a whole request; the calls of a batch that was processed fail under HTTP 200.
";

/// A code, and the name of the cause where the family's errors have one.
fn code(family: Family, reason: Reason) -> String {
    let code = family.error_code(reason.kind());
    let members = format!("{{{}\"code\":{code}}}", family.error_members(reason.kind()));
    let object: serde_json::Value = serde_json::from_str(&members).unwrap_or_default();
    assert!(object.is_object(), "{members}");
    object["cause"]["name"].as_str().map_or(code.to_string(), |name| format!("{code} `{name}`"))
}

/// The table of one family's codes.
fn table(family: Family) -> String {
    let mut text = format!("\n## {}\n\n", family.word());
    text.push_str("| reason | code | HTTP | whose | retryable | means | what to do |\n");
    text.push_str("|---|---|---|---|---|---|---|\n");
    for reason in Reason::ALL {
        let status = family.own_status(reason.kind(), reason.http_status());
        let (word, side, code) = (reason.word(), reason.side().word(), code(family, *reason));
        let retry = match reason.retry() {
            Retry::Never => "no".to_owned(),
            Retry::Later => "yes".to_owned(),
            Retry::After { least, most } => format!("after {least} to {most} s"),
        };
        let (meaning, advice) = (reason.meaning(), reason.advice());
        text += &format!(
            "| `{word}` | {code} | {status} | {side} | {retry} | {meaning} | {advice} |\n"
        );
    }
    text
}

#[test]
fn the_table_of_errors_is_the_one_the_code_has() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/errors.md");
    let tables: String = Family::ALL.into_iter().map(table).collect();
    let expected = format!("{HEAD}{tables}");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &expected).unwrap();
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(found == expected, "docs/errors.md is stale: run with UPDATE_GOLDEN=1");
}
