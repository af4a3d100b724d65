//! A small blocking HTTP client that tells apart how a connection fails.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// How a call failed below HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    Refused,
    /// Reset, or closed before the whole answer.
    Broken,
}

pub struct Connection {
    stream: TcpStream,
}

impl Connection {
    pub fn open(to: SocketAddr) -> Result<Self, Failure> {
        let stream = TcpStream::connect(to).map_err(|error| match error.kind() {
            ErrorKind::ConnectionRefused => Failure::Refused,
            _ => Failure::Broken,
        })?;
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        Ok(Self { stream })
    }

    /// Sends to a path, behind which more header lines may stand.
    pub fn send_to(&mut self, path: &str, body: &str) -> Result<(), Failure> {
        let (path, more) = path.split_once('\n').unwrap_or((path, "host: node"));
        let length = body.len();
        let head = format!(
            "POST {path} HTTP/1.1\r\n{more}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n"
        );
        self.stream.write_all((head + body).as_bytes()).map_err(|_| Failure::Broken)
    }

    /// Head and body of the next response.
    pub fn receive(&mut self) -> Result<(String, String), Failure> {
        let (mut seen, mut buffer) = (Vec::new(), [0; 4_096]);
        loop {
            let text = String::from_utf8_lossy(&seen).into_owned();
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let length = head.split("content-length: ").nth(1).unwrap_or("0");
                let length: usize = length.split("\r\n").next().unwrap().parse().unwrap();
                if body.len() >= length {
                    return Ok((head.to_owned(), body.to_owned()));
                }
            }
            match self.stream.read(&mut buffer) {
                Ok(count) if count > 0 => seen.extend_from_slice(&buffer[..count]),
                _ => return Err(Failure::Broken),
            }
        }
    }

    /// Whether something has arrived, the end included.
    pub fn readable(&self) -> bool {
        self.stream.set_nonblocking(true).unwrap();
        let peeked = self.stream.peek(&mut [0]);
        self.stream.set_nonblocking(false).unwrap();
        !matches!(peeked, Err(error) if error.kind() == ErrorKind::WouldBlock)
    }

    /// Whether the peer has closed.
    pub fn closed(&self) -> bool {
        self.readable() && self.stream.peek(&mut [0]).is_ok_and(|count| count == 0)
    }
}

/// Status, head and body of one call on a connection of its own.
pub fn http(to: SocketAddr, body: &str) -> Result<(u16, String, String), Failure> {
    http_to(to, "/", body)
}

/// As [`http`] to a path; more header lines may stand behind it, see
/// [`Connection::send_to`].
pub fn http_to(to: SocketAddr, path: &str, body: &str) -> Result<(u16, String, String), Failure> {
    let mut connection = Connection::open(to)?;
    connection.send_to(path, body)?;
    let (head, text) = connection.receive()?;
    Ok((head[9..12].parse().unwrap(), head, text))
}

/// Status and body of a GET.
pub fn get(to: SocketAddr, path: &str) -> Result<(u16, String), Failure> {
    let mut connection = Connection::open(to)?;
    let head = format!("GET {path} HTTP/1.1\r\nhost: node\r\n\r\n");
    connection.stream.write_all(head.as_bytes()).map_err(|_| Failure::Broken)?;
    let (head, text) = connection.receive()?;
    Ok((head[9..12].parse().unwrap(), text))
}

pub fn ask(to: SocketAddr, body: &str) -> Result<String, Failure> {
    http(to, body).map(|(_, _, text)| text)
}

/// The raw text of a call's result; panics on an error.
pub fn result(to: SocketAddr, method: &str, params: &str) -> String {
    result_at(to, "/", method, params)
}

/// As [`result`] at a path.
pub fn result_at(to: SocketAddr, path: &str, method: &str, params: &str) -> String {
    let call = format!(r#"{{"jsonrpc":"2.0","id":7,"method":"{method}","params":{params}}}"#);
    let (_, _, text) = http_to(to, path, &call).unwrap();
    let start = text.find("\"result\":").unwrap_or_else(|| panic!("{method}: {text}")) + 9;
    text[start..text.len() - 1].to_owned()
}

/// A top-level member of an object: a string without its quotes, else JSON.
pub fn member(text: &str, name: &str) -> String {
    let value: serde_json::Value = serde_json::from_str(text).unwrap();
    value[name].as_str().map_or_else(|| value[name].to_string(), str::to_owned)
}

/// Waits for a condition, at most 20 s.
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !holds() {
        assert!(Instant::now() < deadline, "never: {what}");
        std::thread::yield_now();
    }
}
