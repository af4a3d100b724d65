//! Rows for the tests of the families: a call, what a node said to it, the verdict. The
//! call and the reply are read as those of clients and nodes are.

use std::borrow::Cow;

use super::{ReplyView, Verdict, judge};
use crate::{
    family::Family,
    method::MethodTable,
    rpc::{Call, Id, reply::read_reply},
};

const ID: u64 = 7;

/// One family's rows, by its shipped table.
pub(crate) struct Rows {
    family: Family,
    table: MethodTable,
}

impl Rows {
    pub(crate) fn of(family: Family) -> Self {
        Self { family, table: MethodTable::for_family(family) }
    }

    /// `call` is a method and its params, with a space between.
    #[track_caller]
    pub(crate) fn error(&self, call: &str, status: u16, error: &str, expected: Verdict) {
        self.check(
            call,
            status,
            &format!(r#"{{"jsonrpc":"2.0","error":{error},"id":{ID}}}"#),
            expected,
        );
    }

    #[track_caller]
    pub(crate) fn result(&self, call: &str, status: u16, result: &str, expected: Verdict) {
        let body = format!(r#"{{"jsonrpc":"2.0","result":{result},"id":{ID}}}"#);
        self.check(call, status, &body, expected);
    }

    /// Any body at all.
    #[track_caller]
    pub(crate) fn check(&self, call: &str, status: u16, body: &str, expected: Verdict) {
        let (method, params) = call.split_once(' ').unwrap_or((call, "[]"));
        let asked = Call { id: Id::Missing, method: Cow::Borrowed(method), params: Some(params) };
        let needs = self.table.needs(&asked).unwrap_or_else(|bad| panic!("{call}: {bad:?}"));
        let read = read_reply(body.as_bytes(), ID);
        let verdict = judge(self.family, &needs, status, &ReplyView::of(&read));
        assert_eq!(verdict, expected, "{call}: HTTP {status} {body}");
    }
}
