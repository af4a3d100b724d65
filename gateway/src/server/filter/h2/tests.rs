use proptest::prelude::*;

use super::*;

const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut bytes = vec![length[1], length[2], length[3], kind, flags];
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// A counter after the client's preface.
fn begun() -> Counter {
    let mut counter = Counter::default();
    assert!(!counter.received(&[b'x'; PREFACE as usize], Instant::now()));
    counter
}

/// How many of `count` frames are let through, all at once.
fn let_through(counter: &mut Counter, frame: &[u8], count: usize, now: Instant) -> usize {
    (0..count).take_while(|_| !counter.received(frame, now)).count()
}

#[test]
fn each_kind_of_control_frame_is_a_flood_above_its_rate() {
    for flood in [
        frame(PING, 0, 0, &[0; 8]),
        frame(PING, 1, 0, &[0; 8]),
        frame(SETTINGS, 0, 0, &[]),
        frame(WINDOW_UPDATE, 0, 0, &[0, 0, 0, 1]),
        frame(RST_STREAM, 0, 1, &[0; 4]),
        frame(2, 0, 1, &[0; 5]),
        frame(DATA, 0, 1, &[]),
        frame(CONTINUATION, 0, 1, &[]),
        frame(0xbe, 0, 0, b"unknown"),
    ] {
        let passed = let_through(&mut begun(), &flood, 1000, Instant::now());
        assert_eq!(passed, FREE as usize, "kind {}", flood[3]);
    }
}

#[test]
fn requests_and_their_ends_are_no_control_frames() {
    for carried in [frame(HEADERS, 4, 1, b"x"), frame(DATA, 0, 1, b"x"), frame(DATA, 1, 1, b"")] {
        assert_eq!(let_through(&mut begun(), &carried, 10_000, Instant::now()), 10_000);
    }
}

#[test]
fn time_forgives_evenly() {
    let (mut counter, mut now) = (begun(), Instant::now());
    let ping = frame(PING, 0, 0, &[0; 8]);
    for _ in 0..10 {
        assert_eq!(let_through(&mut counter, &ping, FREE as usize, now), FREE as usize);
        now += Duration::from_secs(1);
    }
    assert_eq!(let_through(&mut counter, &ping, 1000, now), FREE as usize);
    now += Duration::from_millis(105);
    assert_eq!(let_through(&mut counter, &ping, 1000, now), 9, "10 less the one refused");
}

#[test]
fn a_client_that_opens_its_windows_frame_by_frame_is_no_flood() {
    let (mut counter, now) = (begun(), Instant::now());
    let sent = frame(DATA, 0, 1, &[0; 16 * 1024]);
    let window = |stream| frame(WINDOW_UPDATE, 0, stream, &[0, 0, 64, 0]);
    let updates = [window(0), window(1)].concat();
    for _ in 0..100 {
        (0..500).for_each(|_| counter.sent(&sent));
        assert_eq!(let_through(&mut counter, &updates, 500, now), 500);
    }
    (0..100_000).for_each(|_| counter.sent(&sent));
    let passed = let_through(&mut counter, &window(0), 100_000, now);
    assert_eq!(passed, (MOST_EXPLAINED + FREE) as usize, "nobody saves up without end");
}

#[test]
fn a_client_that_gives_its_streams_up_is_left_to_hyper() {
    let both = [frame(HEADERS, 5, 1, b"x"), frame(RST_STREAM, 0, 1, &[0; 4])].concat();
    assert_eq!(let_through(&mut begun(), &both, 10_000, Instant::now()), 10_000);
}

#[test]
fn goaway_names_the_last_stream() {
    let mut counter = begun();
    for stream in [1, 7, 5] {
        counter.received(&frame(HEADERS, 5, stream, b""), Instant::now());
    }
    assert_eq!(counter.goaway(), frame(GOAWAY, 0, 0, &[0, 0, 0, 7, 0, 0, 0, 11])[..]);
}

#[test]
fn a_boundary_is_found_from_anywhere_in_a_frame() {
    let frames = [frame(DATA, 0, 1, b"abc"), frame(PING, 0, 0, &[0; 8])].concat();
    let first = FRAME_HEADER + 3;
    for cut in 0..frames.len() {
        let mut walker = Walker::default();
        walker.walk(&frames[..cut], |_| {});
        let boundary = [0, first].contains(&cut);
        assert_eq!(walker.is_between(), boundary, "{cut}");
        let end = if cut < first { first } else { frames.len() };
        let expected = if boundary { 0 } else { end - cut };
        assert_eq!(walker.rest(&frames[cut..]), expected, "{cut}");
    }
}

proptest! {
    #[test]
    fn how_bytes_are_cut_into_reads_changes_nothing(
        frames in prop::collection::vec((0_u8..12, any::<u8>(), 0_u32..9, 0_usize..50), 0..200),
        cuts in prop::collection::vec(1_usize..30, 1..8),
    ) {
        let frames = frames.iter().map(|&(kind, flags, stream, length)| {
            frame(kind, flags, stream, &vec![7; length])
        });
        let bytes: Vec<u8> = frames.flatten().collect();
        let (mut whole, mut cut, now) = (begun(), begun(), Instant::now());
        let flood = whole.received(&bytes, now);
        let (mut rest, mut cuts, mut found) = (&bytes[..], cuts.iter().cycle(), false);
        while let Some(length) = cuts.next().filter(|_| !rest.is_empty()) {
            let (piece, after) = rest.split_at((*length).min(rest.len()));
            found |= cut.received(piece, now);
            rest = after;
        }
        prop_assert_eq!(found, flood);
        prop_assert_eq!((whole.level, whole.explained), (cut.level, cut.explained));
        prop_assert!(whole.inbound.is_between());
    }
}
