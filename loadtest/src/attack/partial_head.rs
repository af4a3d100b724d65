//! The beginning of a request head, then a byte of a header now and then; some speak half
//! an HTTP/2 preface instead, and no more.

use std::time::Duration;

use super::frames::PREFACE;
use super::talk::{Ears, talk};
use super::wire::{Gone, Wire};

const EVERY: Duration = Duration::from_secs(3);

pub async fn live(wire: Wire) -> Gone {
    let attack = &wire.ground.attack;
    let every = attack.every.map_or(EVERY, |every| every.0);
    let http2 = is_of(wire.place, attack.http2.unwrap_or(0.0));
    let mut text = begin(wire.ground.path, &wire.ground.host, http2);
    talk(wire, Ears::Answers, move |_, out| {
        match (text.is_empty(), http2) {
            (false, _) => out.append(&mut text),
            (true, true) => return None,
            (true, false) => out.push(b'a'),
        }
        Some(every)
    })
    .await
}

fn begin(path: &str, host: &str, http2: bool) -> Vec<u8> {
    if http2 {
        return PREFACE[..PREFACE.len() / 2].to_vec();
    }
    format!("POST {path} HTTP/1.1\r\nhost: {host}\r\nx-slow: ").into_bytes()
}

/// Whether a place belongs to a share of all, spread evenly.
fn is_of(place: usize, share: f64) -> bool {
    let upto = |place: usize| (place as f64 * share).floor();
    upto(place + 1) > upto(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_begins_and_does_not_end() {
        let text = begin("/e", "a:1", false);
        assert_eq!(text, b"POST /e HTTP/1.1\r\nhost: a:1\r\nx-slow: ");
        assert_eq!(begin("/e", "a:1", true), b"PRI * HTTP/2");
    }

    #[test]
    fn a_share_of_the_places_is_spread_evenly() {
        let check = |share, expected: &[usize]| {
            let places: Vec<_> = (0..8).filter(|place| is_of(*place, share)).collect();
            assert_eq!(places, expected, "{share}");
        };
        check(0.0, &[]);
        check(0.25, &[3, 7]);
        check(1.0, &[0, 1, 2, 3, 4, 5, 6, 7]);
    }
}
