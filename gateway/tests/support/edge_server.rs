//! A gateway's data port with a timing of the test's own, before one simulated node.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use headrace_gateway::{
    access::AccessLog,
    clock::Clock,
    gateway::Gateway,
    server::{
        Doors, Options, Phase, Serve, Shutdown, Timing, Traffic, bind,
        http::{BodyTiming, Edge},
        serve,
    },
    topology::{Current, Topology},
    tracker::Tracker,
};
use headrace_simnode::{Fault, Node};

use crate::{
    control::Control,
    fleet::{self, Lines},
    raw::{Raw, Seen, until},
};

/// What a test says of its server.
pub struct Setup {
    pub lines: Lines,
    /// Its only node is dead.
    pub sick: bool,
    pub body: u64,
    pub bodies: u64,
    pub connections: usize,
    pub timing: Timing,
    pub body_timing: BodyTiming,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            lines: Lines::default(),
            sick: false,
            body: 1024,
            bodies: 1 << 20,
            connections: 64,
            timing: Timing { linger: SHORT_LINGER, ..Timing::default() },
            body_timing: BodyTiming::default(),
        }
    }
}

const SHORT_LINGER: std::time::Duration = std::time::Duration::from_millis(100);

/// What a gateway needs to live; dropped in this order.
struct Fleet {
    _tracker: Tracker,
    _nodes: Vec<Node>,
    _control: Control,
}

impl Setup {
    /// A gateway with the chain `eth`, whose node was asked what it has.
    fn gateway(&self) -> (Arc<Gateway>, Fleet) {
        let control = Control::start();
        let nodes = fleet::nodes(&control, 1);
        if self.sick {
            nodes.iter().for_each(|node| node.set(Fault::Die));
        }
        let urls: Vec<String> = nodes.iter().map(Node::url).collect();
        let mut config = fleet::config(&self.lines, &urls);
        config.chains.iter_mut().for_each(|chain| chain.body = self.body);
        let clock = Clock::system();
        let topology = Topology::build(Arc::new(config), None).unwrap();
        let current = Arc::new(Current::new(topology));
        let gateway = Gateway::new(Arc::clone(&current), clock.clone(), AccessLog::off());
        let pressure = Arc::clone(&gateway.pressure);
        let tracker = control.run(async move { Tracker::start(&current.load(), &pressure) });
        (Arc::new(gateway), Fleet { _tracker: tracker, _nodes: nodes, _control: control })
    }

    pub fn start(self) -> Running {
        let (gateway, fleet) = self.gateway();
        if !self.sick {
            fleet::until_asked(&gateway);
        }
        let shutdown = Shutdown::default();
        let bodies = Arc::new(AtomicU64::new(self.bodies));
        let (timing, phases) = (self.body_timing, shutdown.watch());
        let doors = Doors::of(&gateway.current.load(), self.connections);
        let doors = Doors { timing: self.timing, ..doors };
        let running = serve_with(doors, shutdown, move |_| {
            Edge::new(Arc::clone(&gateway), Arc::clone(&bodies), timing, phases.clone())
        });
        Running { _fleet: Some(fleet), ..running }
    }

    /// Serves something else than a gateway.
    pub fn serve<S: Serve>(
        self,
        shutdown: Shutdown,
        make: impl Fn(usize) -> S + Send + 'static,
    ) -> Running {
        serve_with(Doors::plain(self.connections, self.timing), shutdown, make)
    }
}

/// Serves on a port of the loopback, under these terms.
pub fn serve_with<S: Serve>(
    doors: Doors,
    shutdown: Shutdown,
    make: impl Fn(usize) -> S + Send + 'static,
) -> Running {
    let listeners = bind(&[SocketAddr::from(([127, 0, 0, 1], 0))]).unwrap();
    let address = listeners[0].local_addr().unwrap();
    let options = Options::new(2, doors);
    let traffic = Arc::clone(options.traffic());
    let handle = shutdown.clone();
    let thread = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.unwrap().block_on(serve(listeners, options, &handle, make)).unwrap();
    });
    let serving = Serving { shutdown: shutdown.clone(), thread: Some(thread) };
    Running { address, shutdown, traffic, serving, _fleet: None }
}

pub struct Running {
    pub address: SocketAddr,
    pub shutdown: Shutdown,
    pub traffic: Arc<Traffic>,
    serving: Serving,
    _fleet: Option<Fleet>,
}

impl Running {
    pub fn connect(&self) -> Raw {
        Raw::connect(self.address)
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
        self.serving.thread.take().unwrap().join().unwrap();
    }
}

/// The server's thread; ends with it.
struct Serving {
    shutdown: Shutdown,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.shutdown.enter(Phase::Stop);
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

/// Waits until a count has come to `expected`.
pub fn until_count(what: &str, counter: &AtomicU64, expected: u64) {
    until(what, || counter.load(Ordering::Relaxed) >= expected);
}
