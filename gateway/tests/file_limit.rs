//! F35: no file descriptor is left. Alone in its process, whose limit it lowers.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]

#[path = "support/raw.rs"]
mod raw;

use std::{
    net::SocketAddr,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::{Duration, Instant},
};

use http::{Request, Response};
use hyper::body::Incoming;
use rlimit::{Resource, getrlimit, setrlimit};
use socket2::{Domain, Socket, Type};

use headrace_gateway::server::{
    Abort, Doors, Link, Options, Phase, Reply, Serve, Shutdown, Timing, bind, serve,
};

use raw::{Raw, until};

const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";

#[derive(Clone)]
struct Here;

impl Serve for Here {
    async fn answer(self, _: Request<Incoming>, _: Link) -> Result<Response<Reply>, Abort> {
        Ok(Response::new(Reply::text("here")))
    }
}

#[test]
fn without_descriptors_it_pauses_lets_the_idle_go_and_recovers() {
    let crowded = Duration::from_millis(50);
    let timing = Timing { crowded, linger: crowded, ..Timing::default() };
    let options = Options::new(1, Doors::plain(64, timing));
    let traffic = Arc::clone(options.traffic());
    let listeners = bind(&[SocketAddr::from(([127, 0, 0, 1], 0))]).unwrap();
    let address = listeners[0].local_addr().unwrap();
    let shutdown = Shutdown::default();
    let handle = shutdown.clone();
    let server = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.unwrap().block_on(serve(listeners, options, &handle, |_| Here)).unwrap();
    });
    let ask = |raw: &mut Raw| {
        raw.send(GET);
        raw.read().status
    };
    let mut idle: Vec<_> = (0..8).map(|_| Raw::connect(address)).collect();
    idle.iter_mut().for_each(|raw| assert_eq!(ask(raw), 200));
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();

    let (soft, hard) = getrlimit(Resource::NOFILE).unwrap();
    let begun = Instant::now();
    setrlimit(Resource::NOFILE, 3, hard).unwrap();
    socket.connect(&address.into()).unwrap();
    until("accepting fails", || traffic.accept_errors.load(Relaxed) >= 10);
    let (failed, passed) = (traffic.accept_errors.load(Relaxed), begun.elapsed());
    assert!(u128::from(failed) <= passed.as_millis() / 10 + 1, "{failed} in {passed:?}: it spins");
    idle.iter_mut().for_each(|raw| assert!(raw.is_closed(), "the idle give way"));

    setrlimit(Resource::NOFILE, soft, hard).unwrap();
    assert_eq!(ask(&mut Raw::over(socket.into())), 200, "who waited is served");
    shutdown.enter(Phase::Stop);
    server.join().unwrap();
}
