//! HTTP requests of the data port: begun, ended, and with which status.

use crate::metrics::Counters;

/// The statuses that the data port sends; any other is counted as `other`.
const CODES: [(u16, &str); 21] = [
    (200, "200"),
    (204, "204"),
    (400, "400"),
    (401, "401"),
    (403, "403"),
    (404, "404"),
    (405, "405"),
    (408, "408"),
    (413, "413"),
    (414, "414"),
    (415, "415"),
    (417, "417"),
    (421, "421"),
    (429, "429"),
    (431, "431"),
    (500, "500"),
    (501, "501"),
    (502, "502"),
    (503, "503"),
    (504, "504"),
    (505, "505"),
];
const OTHER: usize = CODES.len();
const BEGUN: usize = OTHER + 1;
const ENDED: usize = OTHER + 2;

#[derive(Debug)]
pub struct Responses(Counters);

/// A request whose answer is being made; dropping it, however it went, ends it.
#[derive(Debug)]
pub struct Answering<'r>(&'r Responses);

impl Default for Responses {
    fn default() -> Self {
        Self(Counters::new(ENDED + 1))
    }
}

impl Responses {
    /// A request came in.
    pub fn begin(&self) -> Answering<'_> {
        self.0.add(BEGUN, 1);
        Answering(self)
    }

    /// Requests begun and not ended. Workers are read one after the other, so a busy
    /// moment may count a request too few.
    pub fn in_flight(&self) -> u64 {
        let ended = self.0.sum(ENDED);
        self.0.sum(BEGUN).saturating_sub(ended)
    }

    /// Responses by status.
    pub fn by_code(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let words = CODES.iter().map(|(_, word)| *word).chain(["other"]);
        words.enumerate().map(|(at, word)| (word, self.0.sum(at)))
    }
}

impl Answering<'_> {
    /// The answer is known.
    pub fn with(self, code: u16) {
        let at = CODES.binary_search_by_key(&code, |(code, _)| *code).unwrap_or(OTHER);
        self.0.0.add(at, 1);
    }
}

impl Drop for Answering<'_> {
    fn drop(&mut self) {
        self.0.0.add(ENDED, 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(responses: &Responses) -> Vec<(&'static str, u64)> {
        responses.by_code().filter(|(_, count)| *count > 0).collect()
    }

    #[test]
    fn a_request_is_in_flight_until_it_is_answered_or_given_up() {
        let responses = Responses::default();
        let (answered, given_up) = (responses.begin(), responses.begin());
        assert_eq!(responses.in_flight(), 2);
        answered.with(503);
        drop(given_up);
        assert_eq!(responses.in_flight(), 0);
        assert_eq!(counted(&responses), [("503", 1)]);
    }

    #[test]
    fn every_status_is_counted_as_itself_or_as_other() {
        let responses = Responses::default();
        assert!(CODES.is_sorted());
        for (code, word) in CODES {
            assert_eq!(code.to_string(), word);
            responses.begin().with(code);
        }
        responses.begin().with(418);
        assert!(responses.by_code().all(|(_, count)| count == 1));
    }
}
