//! What a connection can make a server hold: silent ones, and a hostile one. A process of
//! its own, so that nothing else is measured.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]

#[path = "support/control.rs"]
mod control;
#[path = "support/edge_server.rs"]
#[expect(dead_code, reason = "each test file uses its own part of the support")]
mod edge_server;
#[path = "support/fleet.rs"]
mod fleet;
#[path = "support/raw.rs"]
#[expect(dead_code, reason = "each test file uses its own part of the support")]
mod raw;

use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    sync::atomic::Ordering,
    time::Duration,
};

use headrace_gateway::server::Timing;

use edge_server::Setup;
use raw::until;

/// As in the gateway's binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What a hostile connection holds at most: most of it are the tasks and h2's own records of
/// its streams.
const HOSTILE: usize = 300_000;
/// Streams that it may have.
const STREAMS: u32 = 32;

/// Bytes of the process in memory.
fn resident() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 1024
}

/// What each of so many connections costs that `open` makes; and they, to be held on:
/// memory that was given back would hide what the next ones take.
fn cost(count: usize, open: impl Fn() -> TcpStream, settled: impl Fn()) -> (usize, Vec<TcpStream>) {
    let before = resident();
    let held: Vec<TcpStream> = (0..count).map(|_| open()).collect();
    settled();
    (resident().saturating_sub(before) / count, held)
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A connection with as many streams as it may have, of as many fields as fit, each one byte
/// on the wire (RFC 7541), all with a body that does not end and no window for answers.
fn bomb(address: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    let no_window = frame(4, 0, 0, &[0, 4, 0, 0, 0, 0]);
    let mut bytes = [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), no_window].concat();
    for number in 0..STREAMS {
        // POST, http, path and host, the type, then one indexed field again and again.
        let mut block = vec![0x83, 0x86, 0x04, 4, b'/', b'e', b't', b'h', 0x01, 1, b'a'];
        block.extend([0x0f, 16, 16]);
        block.extend(b"application/json");
        if number == 0 {
            block.extend([0x40, 1, b'x', 1, b'y']);
        }
        block.extend([0xbe; 58]);
        bytes.extend(frame(1, 4, 2 * number + 1, &block));
        bytes.extend(frame(0, 0, 2 * number + 1, b"x"));
    }
    bytes.extend(frame(6, 0, 0, &[7; 8]));
    stream.write_all(&bytes).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    // Its PING is answered after all of that was looked at.
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).unwrap();
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        stream.read_exact(&mut vec![0; length as usize]).unwrap();
        assert!(![1, 3, 7].contains(&head[3]), "all of it is in order: {head:?}");
        if head[3] == 6 {
            return stream;
        }
    }
}

#[test]
fn connections_hold_no_more_than_their_bounds() {
    let timing = Timing { head: Duration::from_secs(600), ..Timing::default() };
    let server = Setup { timing, connections: usize::MAX, ..Setup::default() }.start();
    let all =
        |count| until("all are open", || server.traffic.open.load(Ordering::Relaxed) >= count);

    let descriptors = rlimit::increase_nofile_limit(30_000).unwrap();
    let silent = usize::try_from(descriptors / 3).unwrap().min(10_000);
    let open = || TcpStream::connect(server.address).unwrap();
    let (each, _silent) = cost(silent, open, || all(silent));
    eprintln!("a silent connection of {silent}: {each} bytes");
    assert!(each <= 8 * 1024, "a silent connection holds {each} bytes");

    let _first = bomb(server.address);
    let (each, _hostile) = cost(200, || bomb(server.address), || all(silent + 201));
    eprintln!("a hostile connection: {each} bytes");
    assert!(each <= HOSTILE, "a hostile connection holds {each} bytes");
}
