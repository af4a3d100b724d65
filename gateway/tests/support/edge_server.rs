//! A gateway's data port on a thread of its own, and raw sockets to it.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use headrace_gateway::{
    config::Cors,
    gateway::{Gateway, Readiness, Settings},
    server::{
        Options, Phase, Serve, Shutdown, Timing, Traffic, bind,
        http::{BodyTiming, Edge},
        serve,
    },
    topology::Chain,
};

/// What a test says of its server.
pub struct Setup {
    pub settings: Settings,
    pub readiness: Readiness,
    pub cors: Cors,
    pub body: u64,
    pub bodies: u64,
    pub connections: usize,
    pub timing: Timing,
    pub body_timing: BodyTiming,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            settings: Settings::default(),
            readiness: Readiness::Ready,
            cors: Cors::Any,
            body: 1024,
            bodies: 1 << 20,
            connections: 64,
            timing: Timing { linger: Duration::from_millis(100), ..Timing::default() },
            body_timing: BodyTiming::default(),
        }
    }
}

impl Setup {
    /// A gateway with the chain `eth`.
    fn gateway(&self) -> Gateway {
        let chain = Chain { name: "eth".into(), cors: self.cors.clone(), body: self.body };
        Gateway {
            settings: Arc::new(self.settings.clone()),
            chains: vec![Arc::new(chain)],
            readiness: self.readiness,
        }
    }

    pub fn start(self) -> Running {
        let gateway = Arc::new(self.gateway());
        let shutdown = Shutdown::default();
        let bodies = Arc::new(AtomicU64::new(self.bodies));
        let (timing, phases) = (self.body_timing, shutdown.watch());
        self.serve(shutdown, move |_| {
            Edge::new(Arc::clone(&gateway), Arc::clone(&bodies), timing, phases.clone())
        })
    }

    /// Serves something else than a gateway.
    pub fn serve<S: Serve>(
        self,
        shutdown: Shutdown,
        make: impl Fn(usize) -> S + Send + 'static,
    ) -> Running {
        let listeners = bind(&[SocketAddr::from(([127, 0, 0, 1], 0))]).unwrap();
        let address = listeners[0].local_addr().unwrap();
        let traffic = Arc::new(Traffic::default());
        let options = Options {
            threads: 2,
            connections: self.connections,
            timing: self.timing,
            traffic: Arc::clone(&traffic),
        };
        let handle = shutdown.clone();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(serve(listeners, options, &handle, make)).unwrap();
        });
        Running { address, shutdown, traffic, thread: Some(thread) }
    }
}

pub struct Running {
    pub address: SocketAddr,
    pub shutdown: Shutdown,
    pub traffic: Arc<Traffic>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Running {
    pub fn connect(&self) -> Raw {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        Raw { stream, unread: Vec::new() }
    }

    /// Sends `request` on a new connection and reads one answer.
    pub fn ask(&self, request: &[u8]) -> (Raw, Seen) {
        let mut raw = self.connect();
        raw.send(request);
        let seen = raw.read();
        (raw, seen)
    }

    /// Waits until the server has ended by itself.
    pub fn ended(mut self) {
        self.thread.take().unwrap().join().unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shutdown.enter(Phase::Stop);
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

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

/// Waits for `done`, at most 10 s.
pub fn until(what: &str, done: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !done() {
        assert!(Instant::now() < deadline, "waited too long: {what}");
        std::thread::yield_now();
    }
}

/// Waits until a count has come to `expected`.
pub fn until_count(what: &str, counter: &AtomicU64, expected: u64) {
    until(what, || counter.load(Ordering::Relaxed) >= expected);
}
