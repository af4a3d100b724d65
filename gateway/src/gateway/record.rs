//! What is counted and logged of a call: one record for both.

use crate::{
    access::Record,
    clock::Timestamp,
    error::CallError,
    gateway::{
        Scope, chance,
        served::{Content, Served},
    },
    metrics::{Outcome, Source},
    rpc::Call,
};

/// A call under way. Dropped before its end, its client has left, or the gateway has
/// stopped: it is recorded as that.
pub(super) struct UnderWay<'u> {
    scope: &'u Scope<'u>,
    call: &'u Call<'u>,
    started: Timestamp,
    ended: bool,
}

impl UnderWay<'_> {
    pub(super) fn end(mut self, served: &Served) {
        self.ended = true;
        self.scope.record(self.call, served, self.started);
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        if !self.ended {
            let gone = Served::refused(CallError::ClientGone);
            self.scope.record(self.call, &gone, self.started);
        }
    }
}

impl Scope<'_> {
    /// Begins a call, which is recorded whatever becomes of it.
    pub(super) fn begin<'u>(&'u self, call: &'u Call<'u>) -> UnderWay<'u> {
        UnderWay { scope: self, call, started: self.now(), ended: false }
    }

    /// Counts a call and logs it, if it is to be logged.
    fn record(&self, call: &Call<'_>, served: &Served, started: Timestamp) {
        let method = self.chain.methods().row_of(&call.method);
        let took = self.now().since(started);
        let (outcome, source) = (served.outcome(), served.source());
        self.chain.metrics.on_call(usize::from(method.index.0), outcome, source);
        self.chain.metrics.durations.observe_time(method.lane as usize, took);
        let reason = refusal(served).map(CallError::reason);
        if let Some(reason) = reason {
            self.gateway.rejected(reason);
        }
        let access = self.gateway.access.load();
        if !access.wants(outcome, chance::fraction()) {
            return;
        }
        let member = served.node.and_then(|node| self.chain.member(node));
        let (node, zone) =
            member.map_or(("", ""), |member| (&*member.node.config.name, &*member.node.zone));
        access.write(&Record {
            request_id: self.from.request_id.0,
            protocol: self.from.protocol.word(),
            client: self.from.address,
            key: self.plan().map_or("", |plan| &plan.name),
            chain: &self.chain.config.name,
            method: method.label(),
            lane: method.lane.word(),
            batch: self.item,
            http_status: self.http_status(served),
            rpc_code: self.rpc_code(served),
            outcome,
            source,
            reason: reason.map(|reason| reason.word()),
            refusals: &self.refusals(served),
            node,
            zone,
            attempts: served.attempts,
            hedged: served.hedged,
            took,
            bytes_in: call.method.len() + call.params.map_or(0, str::len),
            bytes_out: bytes_out(served),
        });
    }

    /// A text, or an item of a batch, that was no call.
    pub(super) fn record_refusal(&self, error: &CallError) {
        self.chain.metrics.on_call(0, Outcome::of(error), Source::Gateway);
        self.gateway.rejected(error.reason());
        let config = &self.chain.config;
        let from = self.from.refused(Some(self.chain.topology()));
        self.gateway.access.load().refusal(Some(&config.name), config.family, error, from);
    }

    /// Why each node was not asked, where none could be.
    fn refusals(&self, served: &Served) -> String {
        let Some(CallError::NoNode(Some(decision))) = refusal(served) else {
            return String::new();
        };
        let members = self.chain.members.iter().zip(&decision.reasons);
        let words = members.filter_map(|(member, reason)| {
            reason.map(|reason| format!("{}:{}", member.node.config.name, reason.word()))
        });
        words.collect::<Vec<_>>().join(",")
    }

    fn http_status(&self, served: &Served) -> u16 {
        match &served.content {
            _ if self.item.1 > 0 => 200,
            Content::Refused(error) => error.http_status(self.chain.config.family),
            Content::Error { status, .. } => *status,
            Content::Result(_) | Content::Stream(_) | Content::Ours(_) => 200,
        }
    }

    fn rpc_code(&self, served: &Served) -> Option<i64> {
        match &served.content {
            Content::Refused(error) => Some(i64::from(error.code(self.chain.config.family))),
            Content::Error { raw, .. } => {
                let raw = std::str::from_utf8(raw).ok()?;
                crate::rpc::walk::find(raw, "code")?.parse().ok()
            }
            Content::Result(_) | Content::Stream(_) | Content::Ours(_) => None,
        }
    }
}

const fn refusal(served: &Served) -> Option<&CallError> {
    match &served.content {
        Content::Refused(error) => Some(error),
        _ => None,
    }
}

/// Bytes of the result or error, without the envelope; 0 for a stream.
fn bytes_out(served: &Served) -> usize {
    match &served.content {
        Content::Result(raw) | Content::Error { raw, .. } => raw.len(),
        Content::Ours(raw) => raw.len(),
        Content::Stream(_) | Content::Refused(_) => 0,
    }
}
