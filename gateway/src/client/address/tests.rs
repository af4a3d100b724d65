//! Rows of both headers, and what no text may do.

use proptest::prelude::*;

use super::*;

const PEER: &str = "10.0.0.1";

fn trusted() -> Vec<IpNet> {
    ["10.0.0.0/8", "fd00::/8"].map(|network| network.parse().unwrap()).into()
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn x_forwarded_for(lines: &[&str]) -> IpAddr {
    by_x_forwarded_for(ip(PEER), lines.iter().map(|line| line.as_bytes()), &trusted())
}

fn forwarded(lines: &[&str]) -> IpAddr {
    by_forwarded(ip(PEER), lines.iter().map(|line| line.as_bytes()), &trusted())
}

fn check(rows: &[(&[&str], &str)], by: fn(&[&str]) -> IpAddr) {
    for (lines, expected) in rows {
        assert_eq!(by(lines), ip(expected), "{lines:?}");
    }
}

#[test]
fn b41_the_first_untrusted_address_from_the_right_over_all_lines_is_the_client() {
    check(
        &[
            (&[], PEER),
            (&[""], PEER),
            (&["192.0.2.1"], "192.0.2.1"),
            (&["8.8.8.8, 192.0.2.1"], "192.0.2.1"),
            (&["8.8.8.8, 192.0.2.1, 10.1.2.3"], "192.0.2.1"),
            (&["8.8.8.8", "192.0.2.1", "10.1.2.3, fd00::7"], "192.0.2.1"),
            (&["8.8.8.8", "10.1.2.3"], "8.8.8.8"),
            (&["\t192.0.2.1 ,, 10.1.2.3,"], "192.0.2.1"),
            (&["10.9.9.9, 10.1.2.3"], "10.9.9.9"),
            (&["192.0.2.1:4711"], "192.0.2.1"),
            (&["[2001:db8::1]"], "2001:db8::1"),
            (&["[2001:db8::1]:4711"], "2001:db8::1"),
            (&["2001:db8::1"], "2001:db8::1"),
            (&["::ffff:192.0.2.1"], "192.0.2.1"),
            (&["192.0.2.1, ::ffff:10.1.2.3"], "192.0.2.1"),
            (&["64:ff9b::c000:201"], "192.0.2.1"),
            (&["64:ff9b:1::c000:201"], "64:ff9b:1::c000:201"),
        ],
        x_forwarded_for,
    );
}

#[test]
fn b41_garbage_on_the_way_leaves_the_peer() {
    for garbage in [
        "unknown",
        "_hidden",
        "1.2.3",
        "1.2.3.256",
        "01.2.3.4",
        "1.2.3.4:",
        "1.2.3.4:99999",
        "1.2.3.4:x",
        "[::1",
        "::1]",
        "[1.2.3.4]",
        "[::1]x",
        "fe80::1%eth0",
        "[fe80::1%1]:80",
        "http://1.2.3.4",
        "1.2.3.4;5.6.7.8",
        "\"1.2.3.4\"",
        "x\u{e9}",
    ] {
        assert_eq!(x_forwarded_for(&[garbage]), ip(PEER), "{garbage}");
        let behind = format!("8.8.8.8, {garbage}, 10.1.2.3");
        assert_eq!(x_forwarded_for(&[&behind]), ip(PEER), "{behind}");
        let before = format!("{garbage}, 8.8.8.8, 10.1.2.3");
        assert_eq!(x_forwarded_for(&[&before]), ip("8.8.8.8"), "{before}");
    }
}

#[test]
fn b41_more_than_32_entries_leave_the_peer() {
    let list = |count: usize| vec!["192.0.2.1"; count].join(",");
    for (count, expected) in [(32, "192.0.2.1"), (33, PEER), (10_000, PEER)] {
        assert_eq!(x_forwarded_for(&[&list(count)]), ip(expected), "{count}");
        let lines = vec!["for=192.0.2.1"; count];
        assert_eq!(forwarded(&lines), ip(expected), "{count}");
    }
}

#[test]
fn b41_forwarded_is_read_by_its_own_grammar() {
    check(
        &[
            (&[], PEER),
            (&["for=192.0.2.1"], "192.0.2.1"),
            (&["For=192.0.2.1;Proto=https;by=10.0.0.2"], "192.0.2.1"),
            (&["proto=https; for=192.0.2.1"], "192.0.2.1"),
            (&["for=\"[2001:db8::1]:4711\""], "2001:db8::1"),
            (&["for=\"192.0.2.\\1\""], "192.0.2.1"),
            (&["for=8.8.8.8, for=192.0.2.1", "for=10.1.2.3"], "192.0.2.1"),
            (&["for=192.0.2.1;host=\"a,b;for=8.8.8.8\""], "192.0.2.1"),
            (&["for=192.0.2.1;host=\"a\\\",b\", for=10.1.2.3"], "192.0.2.1"),
            (&["for=unknown"], PEER),
            (&["for=_hidden"], PEER),
            (&["for=8.8.8.8, proto=https, for=10.1.2.3"], PEER),
            (&["for=8.8.8.8;for=192.0.2.1"], PEER),
            (&["192.0.2.1"], PEER),
            (&["for=\"192.0.2.1"], PEER),
            (&["for="], PEER),
            (&["for=192.0.2.1;"], PEER),
        ],
        forwarded,
    );
}

#[test]
fn an_address_has_one_spelling() {
    for (written, expected) in [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("64:ff9b::192.0.2.1", "192.0.2.1"),
        ("64:ff9b:0:1::1", "64:ff9b:0:1::1"),
        ("::1", "::1"),
        ("2001:db8::1", "2001:db8::1"),
    ] {
        assert_eq!(canonical(ip(written)), ip(expected), "{written}");
    }
}

proptest! {
    #[test]
    fn s02_what_stands_left_of_the_first_untrusted_address_changes_nothing(
        forged in "[ -~]{0,60}", address: [u8; 4],
    ) {
        let address = IpAddr::from(address);
        prop_assume!(!is_trusted(address, &trusted()));
        prop_assume!(forged.split(',').count() < 30);
        let line = format!("{forged},{address},10.1.2.3");
        prop_assert_eq!(x_forwarded_for(&[&line]), address);
        prop_assert_eq!(x_forwarded_for(&[&forged, &format!("{address},10.1.2.3")]), address);
    }

    #[test]
    fn no_text_makes_reading_panic(line: Vec<u8>) {
        by_x_forwarded_for(ip(PEER), [&line[..]].into_iter(), &trusted());
        by_forwarded(ip(PEER), [&line[..]].into_iter(), &trusted());
    }
}
