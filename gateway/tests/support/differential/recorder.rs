//! The server behind nginx and HAProxy: it notes what requests they take an input for.

use std::{
    collections::HashMap,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
};

/// A request as a proxy passed it on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub method: String,
    pub body: Vec<u8>,
}

/// Requests by the port that their client connected from.
type Noted = Arc<Mutex<HashMap<u16, Vec<Request>>>>;

/// Lives as long as the process.
pub struct Recorder {
    pub address: SocketAddr,
    noted: Noted,
}

impl Recorder {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let noted = Noted::default();
        let shared = Arc::clone(&noted);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let noted = Arc::clone(&shared);
                std::thread::spawn(move || note(stream, &noted));
            }
        });
        Self { address, noted }
    }

    /// What was taken from the client at this port.
    pub fn take(&self, port: u16) -> Vec<Request> {
        self.noted.lock().unwrap().remove(&port).unwrap_or_default()
    }
}

/// Reads one request, which a proxy has written well, and answers.
fn note(stream: TcpStream, noted: &Noted) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let line = line(&mut reader)?;
    let method = line.split(' ').next()?.to_owned();
    let (mut port, mut length, mut chunked) = (0, 0, false);
    loop {
        let field = self::line(&mut reader)?;
        if field.is_empty() {
            break;
        }
        let (name, value) = field.split_once(':')?;
        match name.to_ascii_lowercase().as_str() {
            "x-port" => port = value.trim().parse().ok()?,
            "content-length" => length = value.trim().parse().ok()?,
            "transfer-encoding" => chunked = true,
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    while chunked {
        let size = usize::from_str_radix(self::line(&mut reader)?.split(';').next()?.trim(), 16);
        let mut chunk = vec![0; size.ok()?];
        reader.read_exact(&mut chunk).ok()?;
        self::line(&mut reader)?;
        chunked = !chunk.is_empty();
        body.extend(chunk);
    }
    noted.lock().unwrap().entry(port).or_default().push(Request { method, body });
    let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
    reader.into_inner().write_all(answer).ok()
}

fn line(reader: &mut BufReader<TcpStream>) -> Option<String> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|&length| length > 0)?;
    Some(line.trim_end_matches(['\r', '\n']).to_owned())
}
