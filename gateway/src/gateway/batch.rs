//! A batch: its calls are routed each on its own, a few at a time, and answered in
//! the order they came.

use bytes::Bytes;
use futures_util::{StreamExt, stream::FuturesOrdered};
use http::StatusCode;
use tokio::sync::Semaphore;

use crate::{
    error::CallError,
    gateway::{
        Answer, Body, Scope,
        served::{Content, Served},
        way::Way,
    },
    rpc::{Call, Id, Refused},
};

/// Calls of one batch that are under way at once: one request must not fill the nodes.
const PARALLEL: usize = 8;

impl Scope<'_> {
    pub(super) async fn batch(&self, items: &[Result<Call<'_>, Refused<'_>>]) -> Answer {
        self.chain.metrics.batch_items.observe(0, items.len() as u64);
        let way = |item: &Result<_, _>| match item {
            Ok(call) => self.way(call),
            Err(Refused { why, .. }) => Way::Refused(CallError::Invalid(*why)),
        };
        let ways: Vec<Way<'_>> = items.iter().map(way).collect();
        let places = self.places(items.len().min(PARALLEL));
        let _in_flight = match self.admit(&ways, places) {
            Ok(in_flight) => in_flight,
            Err(error) => return self.refused_batch(items, &error),
        };
        let turn = Semaphore::new(1);
        let mut under_way = FuturesOrdered::new();
        let mut waiting = items.iter().zip(ways).enumerate();
        let mut text = vec![b'['];
        loop {
            let free = places - under_way.len();
            for (at, (item, way)) in waiting.by_ref().take(free) {
                under_way.push_back(self.item((at, items.len()), item, way, &turn));
            }
            let Some((id, one)) = under_way.next().await else { break };
            let Some(id) = id else { continue };
            if text.len() > 1 {
                text.push(b',');
            }
            self.append(&mut text, id, &one.content);
        }
        if text.len() == 1 {
            return Answer::nothing();
        }
        text.push(b']');
        let body = Body::whole(Bytes::from(text));
        Answer { status: StatusCode::OK, retry_after: None, body, trail: None, close: false }
    }

    /// Appends an item's answer, or says that the batch's answer has grown too large.
    fn append(&self, text: &mut Vec<u8>, id: Id<'_>, content: &Content) {
        let limit = self.response_limit();
        let size = match content {
            Content::Result(raw) | Content::Error { raw, .. } => raw.len(),
            Content::Ours(_) | Content::Stream(_) | Content::Refused(_) => 0,
        };
        if (text.len() + size) as u64 > limit {
            let error = CallError::ResponseTooLarge { limit };
            return self.write_item(text, id, &Content::Refused(error));
        }
        self.write_item(text, id, content);
    }

    /// One item, and the id to answer it under; `None` for a notification. Heavy calls of
    /// one batch take turns: they would take each other's slots.
    async fn item<'i>(
        &self,
        place: (usize, usize),
        item: &'i Result<Call<'i>, Refused<'i>>,
        way: Way<'_>,
        turn: &Semaphore,
    ) -> (Option<Id<'i>>, Served) {
        let scope = Self { item: place, ..*self };
        match item {
            Err(refused) => {
                let error = CallError::Invalid(refused.why);
                scope.record_refusal(&error);
                let id = if refused.id == Id::Missing { Id::Raw("null") } else { refused.id };
                (Some(id), Served::refused(error))
            }
            Ok(call) => {
                let under_way = scope.begin(call);
                let _turn = if way.is_heavy() { turn.acquire().await.ok() } else { None };
                let served = scope.call(call, way).await;
                under_way.end(&served);
                ((call.id != Id::Missing).then_some(call.id), served)
            }
        }
    }
}
