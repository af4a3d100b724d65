//! The attempts of one call that are under way: one on the stack, and others beside
//! it only when they are needed, so that the usual call allocates nothing here.

use std::{pin::Pin, time::Duration};

use futures_util::{StreamExt, stream::FuturesUnordered};
use tokio::time::{Instant, sleep_until};

use crate::clock;

pub enum Event<T> {
    Report(T),
    /// Time to look whether the attempts need help.
    Look,
    Deadline,
}

pub struct Race<'p, F> {
    first: Option<Pin<&'p mut F>>,
    others: Option<FuturesUnordered<F>>,
    deadline: Instant,
}

impl<'p, F: Future> Race<'p, F> {
    pub const fn new(first: Pin<&'p mut F>, deadline: Instant) -> Self {
        Self { first: Some(first), others: None, deadline }
    }

    pub fn add(&mut self, attempt: F) {
        self.others.get_or_insert_default().push(attempt);
    }

    pub fn is_running(&self) -> bool {
        self.first.is_some() || self.others.as_ref().is_some_and(|others| !others.is_empty())
    }

    /// The next report, or `Look` after `look`, or the deadline.
    pub async fn next(&mut self, look: Duration) -> Event<F::Output> {
        let now = clock::instant();
        if now >= self.deadline {
            return Event::Deadline;
        }
        let wake = (now + look).min(self.deadline);
        let Self { first, others, .. } = self;
        let have_others = others.as_ref().is_some_and(|others| !others.is_empty());
        let others = others.as_mut();
        tokio::select! {
            biased;
            output = async { match first { Some(first) => first.await, None => std::future::pending().await } } => {
                self.first = None;
                Event::Report(output)
            }
            Some(output) = async { match others { Some(others) => others.next().await, None => None } }, if have_others => {
                Event::Report(output)
            }
            () = sleep_until(wake) => {
                if wake >= self.deadline { Event::Deadline } else { Event::Look }
            }
        }
    }
}
