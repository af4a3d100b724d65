//! Writing an error of ours as JSON, without a serializer and without a byte that
//! came from outside.

use std::{fmt::Display, io::Write};

use super::{CallError, Kind};
use crate::family::Family;

/// Seconds to wait. Shown with a leading zero (`01`): valid delay-seconds that
/// every parser reads as seconds, except that of ethers v6: it would take them for
/// milliseconds, does not know a leading zero, and so backs off by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryAfter {
    pub seconds: u32,
}

impl RetryAfter {
    /// A time from `least` to `most`, both inclusive, by a random `draw`.
    pub(super) fn between(least: u32, most: u32, draw: u64) -> Self {
        let span = u64::from(most.saturating_sub(least)) + 1;
        let extra = u32::try_from(draw % span).unwrap_or(0);
        Self { seconds: least.saturating_add(extra) }
    }
}

impl Display for RetryAfter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "0{}", self.seconds)
    }
}

impl CallError {
    /// Appends the error object `{"code","message","data"}`, with what else the family's
    /// errors have before the code. `after` is what the
    /// `Retry-After` header says, if there is one; of `request_id` only letters,
    /// digits, `-`, `_` and `.` are written.
    pub fn write_object(
        &self,
        family: Family,
        request_id: &str,
        after: Option<RetryAfter>,
        out: &mut Vec<u8>,
    ) {
        let waits = after.filter(|_| self.kind() == Kind::Limit);
        out.push(b'{');
        put(out, family.error_members(self.kind()));
        put(out, format_args!(r#""code":{},"message":""#, self.code(family)));
        put(out, self.public_message(family));
        if let Some(RetryAfter { seconds }) = waits {
            put(out, format_args!(", try again in {seconds}s"));
        }
        put(out, r#"","data":"#);
        self.write_data(family, request_id, waits, out);
        out.push(b'}');
    }

    /// Appends `data`: reason, origin, id of the request, whether the call may succeed later,
    /// and what this error knows (`docs/errors.md`).
    fn write_data(
        &self,
        family: Family,
        request_id: &str,
        waits: Option<RetryAfter>,
        out: &mut Vec<u8>,
    ) {
        let reason = self.reason().word();
        put(out, format_args!(r#"{{"reason":"{reason}","origin":"gateway","request_id":""#));
        let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
        out.extend(request_id.bytes().filter(plain));
        put(out, format_args!(r#"","retryable":{}"#, self.retry().is_retryable()));
        self.write_facts(family, out);
        if let Some(RetryAfter { seconds }) = waits {
            put(out, format_args!(r#","rate":{{"backoff_seconds":{seconds}}}"#));
        }
        out.push(b'}');
    }

    /// Appends the members that only some errors have.
    fn write_facts(&self, family: Family, out: &mut Vec<u8>) {
        let mut member = |name: &str, value: &dyn Display| {
            put(out, format_args!(r#","{name}":{value}"#));
        };
        match self {
            Self::BodyTooLarge { limit, actual } => {
                member("limit", limit);
                if let Some(actual) = actual {
                    member("actual", actual);
                }
            }
            Self::ExceedsBurst { limit, actual } => {
                member("limit", limit);
                member("actual", actual);
            }
            Self::ResponseTooLarge { limit } => member("limit", limit),
            Self::HistoryPruned { earliest: Some(earliest) } => member("earliest", earliest),
            Self::WriteInDoubt { hash: Some(hash) } => {
                member("hash", &format_args!(r#""{}""#, family.hash_text(*hash)));
            }
            _ => {}
        }
    }
}

/// Appends text; a `Vec` takes every write.
fn put(out: &mut Vec<u8>, text: impl Display) {
    let _ = write!(out, "{text}");
}
