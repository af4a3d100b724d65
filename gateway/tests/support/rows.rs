//! A row of the tables of bad inputs (`rows_*.rs`), and how it is checked.

use crate::{raw::Seen, system::System};

/// The bytes of a request and what must come of them.
pub struct Row {
    /// The case, in a few words.
    pub case: &'static str,
    pub input: Vec<u8>,
    pub status: u16,
    /// Code and reason of the error; absent: an answer without one, or a bare status.
    pub error: Option<(i64, &'static str)>,
    /// Whether the connection goes on.
    pub kept: bool,
    /// Calls that reach the node.
    pub calls: u64,
}

impl Row {
    /// Refused, with an error object; the connection goes on.
    pub fn refused(
        case: &'static str,
        input: impl Into<Vec<u8>>,
        how: (u16, i64, &'static str),
    ) -> Self {
        let (status, code, reason) = how;
        Self {
            case,
            input: input.into(),
            status,
            error: Some((code, reason)),
            kept: true,
            calls: 0,
        }
    }

    /// A status without a body.
    pub fn bare(case: &'static str, input: impl Into<Vec<u8>>, status: u16) -> Self {
        Self { case, input: input.into(), status, error: None, kept: false, calls: 0 }
    }

    /// Answered by the node.
    pub fn served(case: &'static str, input: impl Into<Vec<u8>>) -> Self {
        Self { case, input: input.into(), status: 200, error: None, kept: true, calls: 1 }
    }

    /// The connection ends.
    pub fn closed(self) -> Self {
        Self { kept: false, ..self }
    }

    /// Everything that is not as the row says, in words; empty when all is.
    pub fn faults(&self, system: &System) -> Vec<String> {
        let before = system.calls();
        let (mut raw, seen) = system.ask(&self.input);
        let found = error(&seen);
        let found = found.as_ref().map(|(code, reason)| (*code, reason.as_str()));
        let typed = seen.header("content-type") == Some("application/json");
        let named = seen.header("x-request-id").is_some_and(|id| id.len() == 32);
        let goes_on = self.kept && {
            raw.send(b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n");
            raw.read().status == 200
        };
        let checks = [
            (seen.status == self.status, "status"),
            (found == self.error, "code or reason"),
            (self.error.is_none() || (typed && named), "header"),
            (if self.kept { goes_on } else { raw.is_closed() }, "connection"),
            (system.calls() - before == self.calls, "calls of the node"),
        ];
        let input = String::from_utf8_lossy(&self.input[..self.input.len().min(300)]);
        let broken = checks.iter().filter(|(holds, _)| !holds);
        broken.map(|(_, what)| format!("{}: {what}: {input:?}: {seen:?}", self.case)).collect()
    }

    pub fn check(&self, system: &System) {
        assert_eq!(self.faults(system), Vec::<String>::new());
    }
}

/// Code and reason of an answer, or of its first item; checks what every error of the
/// gateway's own has.
pub fn error(seen: &Seen) -> Option<(i64, String)> {
    let body: serde_json::Value = serde_json::from_str(&seen.body).ok()?;
    let answer = body.get(0).unwrap_or(&body);
    let error = answer.get("error")?;
    let data = &error["data"];
    assert_eq!(data["origin"], "gateway", "{seen:?}");
    assert_eq!(data["request_id"].as_str(), seen.header("x-request-id"), "{seen:?}");
    assert!(data["retryable"].is_boolean(), "{seen:?}");
    Some((error["code"].as_i64()?, data["reason"].as_str()?.to_owned()))
}

/// A POST of `body` to the chain, with these fields besides.
pub fn post_with(fields: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "POST /eth HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\n{fields}\r\n"
    );
    [head.as_bytes(), body].concat()
}

pub fn post(body: impl AsRef<[u8]>) -> Vec<u8> {
    post_with("", body.as_ref())
}

/// A call of `method` with these params, id 1.
pub fn call(method: &str, params: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#)
}

/// A call that a node answers, whatever its params are.
pub fn version(params: &str) -> String {
    call("web3_clientVersion", params)
}
