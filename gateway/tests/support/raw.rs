//! Raw sockets to a server, and waiting for conditions.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

/// Far longer than anything a test waits for takes, on a busy machine too.
const PATIENCE: Duration = Duration::from_secs(30);

/// A client's connection.
pub struct Raw {
    pub stream: TcpStream,
    unread: Vec<u8>,
}

/// One answer as read; status 0 for a connection that ended without one.
#[derive(Debug, Default)]
pub struct Seen {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Seen {
    pub fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().skip(1).filter_map(|line| line.split_once(':'));
        lines.filter(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, v)| v.trim()).next()
    }
}

impl Raw {
    pub fn connect(address: SocketAddr) -> Self {
        Self::over(TcpStream::connect(address).unwrap())
    }

    pub fn over(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self { stream, unread: Vec::new() }
    }

    pub fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    /// Reads an answer that has no `100 Continue` before it.
    pub fn read(&mut self) -> Seen {
        let Some(end) = self.fill_until(|seen| find(seen, b"\r\n\r\n")) else {
            return Seen::default();
        };
        let head = String::from_utf8_lossy(&self.unread[..end]).into_owned();
        self.unread.drain(..end + 4);
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or_default();
        let mut seen = Seen { status, head, body: String::new() };
        let length = seen.header("content-length").and_then(|length| length.parse().ok());
        let length: usize = length.unwrap_or_default();
        if self.fill_until(|seen| (seen.len() >= length).then_some(())).is_some() {
            seen.body = String::from_utf8_lossy(&self.unread[..length]).into_owned();
            self.unread.drain(..length);
        }
        seen
    }

    fn fill_until<T>(&mut self, done: impl Fn(&[u8]) -> Option<T>) -> Option<T> {
        loop {
            if let Some(found) = done(&self.unread) {
                return Some(found);
            }
            let mut piece = [0; 4096];
            match self.stream.read(&mut piece) {
                Ok(0) => return None,
                Ok(length) => self.unread.extend_from_slice(&piece[..length]),
                Err(error) if is_end(&error) => return None,
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// Whether the server ends the connection (and sends nothing more before).
    pub fn is_closed(&mut self) -> bool {
        assert!(self.unread.is_empty(), "{:?}", String::from_utf8_lossy(&self.unread));
        match self.stream.read(&mut [0; 1]) {
            Ok(length) => length == 0,
            Err(error) => is_end(&error),
        }
    }
}

fn is_end(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::ConnectionReset | std::io::ErrorKind::BrokenPipe)
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}

/// Waits for `done`, within [`PATIENCE`].
pub fn until(what: &str, done: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !done() {
        assert!(Instant::now() < deadline, "waited too long: {what}");
        // Polls without starving what it waits for.
        std::thread::park_timeout(Duration::from_millis(1));
    }
}
