//! Calls in flight by client: only of clients that have any.

use dashmap::DashMap;

/// Counts by a client's hash.
#[derive(Debug, Default)]
pub struct Flights(DashMap<u64, u32>);

/// Calls that are in flight until this is dropped.
#[derive(Debug)]
pub struct InFlight<'f> {
    flights: &'f Flights,
    client: u64,
    calls: u32,
}

impl Flights {
    /// Adds so many calls, if the client then has at most `most`.
    pub fn enter(&self, client: u64, calls: u32, most: u32) -> Option<InFlight<'_>> {
        let mut count = self.0.entry(client).or_default();
        let after = count.saturating_add(calls);
        if after > most {
            let empty = *count == 0;
            drop(count);
            if empty {
                self.0.remove_if(&client, |_, count| *count == 0);
            }
            return None;
        }
        *count = after;
        Some(InFlight { flights: self, client, calls })
    }

    /// Clients that have calls in flight.
    #[cfg(test)]
    pub fn clients(&self) -> usize {
        self.0.len()
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        if let Some(mut count) = self.flights.0.get_mut(&self.client) {
            *count = count.saturating_sub(self.calls);
        }
        self.flights.0.remove_if(&self.client, |_, count| *count == 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_has_as_many_calls_in_flight_as_it_may_and_none_is_remembered_after() {
        let flights = Flights::default();
        let two = flights.enter(1, 2, 3).unwrap();
        let one = flights.enter(1, 1, 3).unwrap();
        assert!(flights.enter(1, 1, 3).is_none());
        assert!(flights.enter(2, 4, 3).is_none());
        assert_eq!(flights.clients(), 1);
        drop(two);
        assert!(flights.enter(1, 2, 3).is_some());
        drop(one);
        assert_eq!(flights.clients(), 0);
    }
}
