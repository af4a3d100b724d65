//! Expectations on what clients saw.

use std::time::Duration;

use super::Case;
use crate::load::{Back, End, Record};
use crate::scenario::Refused;

impl Case<'_> {
    pub fn calls(&mut self) {
        self.failures();
        self.latencies();
        self.heads();
    }

    #[expect(clippy::cast_precision_loss, reason = "counts of one run")]
    fn failures(&mut self) {
        let all = self.chosen().count() as u64;
        let failed = self.chosen().filter(|record| record.end.failed()).count() as u64;
        if let Some(most) = self.expect.failed {
            let seen = format!("{failed} of {all} failed{}", self.kinds());
            self.add(failed <= most, seen, format!("{most}"));
        }
        if let Some(most) = self.expect.failed_share {
            let share = failed as f64 / (all as f64).max(1.0);
            let seen = format!("{:.3} % of {all} failed{}", share * 100.0, self.kinds());
            self.add(share <= most, seen, format!("{:.3} %", most * 100.0));
        }
        if let Some(least) = self.expect.at_least.map(|least| self.scaled(least)) {
            let answered = self.chosen().filter(|record| record.end == End::Right).count() as u64;
            self.add(
                answered >= least,
                format!("{answered} answered"),
                format!("at least {least}"),
            );
        }
    }

    /// How the failed ones ended, most frequent first.
    fn kinds(&self) -> String {
        let mut kinds: Vec<(String, usize)> = Vec::new();
        for record in self.chosen().filter(|record| record.end.failed()) {
            let word = self.words(record);
            match kinds.iter_mut().find(|(known, _)| *known == word) {
                Some((_, count)) => *count += 1,
                None => kinds.push((word, 1)),
            }
        }
        kinds.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let words: Vec<_> =
            kinds.iter().take(4).map(|(word, count)| format!("{count} {word}")).collect();
        if words.is_empty() { String::new() } else { format!(" ({})", words.join(", ")) }
    }

    fn words(&self, record: &Record) -> String {
        let reason = self.reason(record).map(|reason| format!(" {reason}"));
        format!("{} {}{}", record.end.word(), record.status, reason.unwrap_or_default())
    }

    fn reason(&self, record: &Record) -> Option<&str> {
        let at = usize::from(record.reason).checked_sub(1)?;
        self.outcome.seen.reasons.get(at).map(String::as_str)
    }

    fn latencies(&mut self) {
        if let Some(over) = self.expect.over {
            let slow = self.chosen().filter(|record| record.latency() > over.time.0).count() as u64;
            let greatest = self.chosen().map(Record::latency).max().unwrap_or_default();
            let seen = format!("{slow} over {}, greatest {greatest:.1?}", over.time);
            self.add_timed(slow <= over.most, seen, format!("{}", over.most));
        }
        if let Some(refused) = self.expect.refused.clone() {
            self.refused(&refused);
        }
    }

    fn refused(&mut self, refused: &Refused) {
        let all = self.chosen().count();
        let other: Vec<String> = self
            .chosen()
            .filter(|one| !self.is_refused(one, refused))
            .map(|one| self.words(one))
            .collect();
        let slow = self.chosen().filter(|one| one.latency() > refused.within.0).count() as u64;
        let greatest = self.chosen().map(Record::latency).max().unwrap_or_default();
        let first = other.first().cloned().unwrap_or_default();
        let seen = format!("{} of {all} otherwise {first}", other.len());
        let code = self.code(refused);
        let bound = format!("{} {code} {}", refused.status, refused.reasons.join("|"));
        self.add(other.is_empty() && all > 0, seen, bound);
        let seen = format!("{slow} slower than {}, greatest {greatest:.1?}", refused.within);
        self.add_timed(slow <= refused.slower, seen, format!("{}", refused.slower));
    }

    fn code(&self, refused: &Refused) -> i64 {
        refused.code.unwrap_or_else(|| self.outcome.world.scenario.ways().unavailable)
    }

    fn is_refused(&self, record: &Record, refused: &Refused) -> bool {
        let word =
            self.reason(record).is_some_and(|word| refused.reasons.iter().any(|one| one == word));
        record.status == refused.status
            && record.end == End::Error(self.code(refused))
            && word
            && (record.retry_after || !refused.retry_after)
    }

    fn heads(&mut self) {
        if let Some(most) = self.expect.head_back {
            self.backs(most, |back| back.same_gateway);
        }
        if let Some(most) = self.expect.head_back_across {
            self.backs(most, |back| !back.same_gateway);
        }
        if let Some(most) = self.expect.stale {
            let ages = self.chosen().filter_map(|record| Some((record.stale?, record.sent)));
            let (age, at) = ages.max().unwrap_or_default();
            self.add(age <= most.0, format!("{age:.2?} at {at:.2?}"), format!("{most}"));
        }
    }

    fn backs(&mut self, most: u64, is: impl Fn(&Back) -> bool) {
        let (from, to) = (self.from(), self.to());
        let backs = &self.outcome.seen.backs;
        let inside = |back: &&Back| is(back) && (from..to).contains(&back.at);
        let count = backs.iter().filter(inside).count();
        let deepest = backs.iter().filter(inside).map(|back| back.blocks).max().unwrap_or(0);
        let longest = backs.iter().filter(inside).map(|back| back.after).max();
        let first = backs.iter().filter(inside).map(|back| back.at).min();
        let when = first.map_or_else(String::new, |first| {
            let longest = longest.unwrap_or(Duration::ZERO);
            format!(", first at {first:.2?}, up to {longest:.0?} after the higher head was seen")
        });
        let seen = format!("{count} times back, by {deepest} at most{when}");
        self.add(deepest <= most, seen, format!("{most}"));
    }
}
