//! What a connection goes through to its end: deadlines, caps, clients that leave,
//! and the server's own way down.

use std::{
    net::{Shutdown as Half, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use http::{Request, Response};
use hyper::body::Incoming;
use tokio::sync::watch;

use headrace_gateway::server::{
    Abort, Link, Phase, Reply, Serve, Shutdown, Timing, http::BodyTiming,
};

use crate::{
    BAD, CALL, GET, check,
    edge_h2::H2,
    edge_server::{Running, Setup, until_count},
    h2_post, post,
    raw::{Raw, until},
    text,
};

#[test]
fn a_body_that_comes_too_slowly_is_408() {
    let timing = BodyTiming { grace: Duration::from_millis(50), ..BodyTiming::default() };
    let server = Setup { body_timing: timing, ..Setup::default() }.start();
    let request = post("", "{}");
    let (held_back, _) = request.split_at(request.len() - 1);
    check(&server, ("one byte held back", held_back, 408, BAD, false));
}

#[test]
fn a_body_cut_short_gets_nothing() {
    let server = Setup::default().start();
    let mut raw = server.connect();
    raw.send(&post("", "{}").as_bytes()[..post("", "{}").len() - 1]);
    raw.stream.shutdown(Half::Write).unwrap();
    assert_eq!(raw.read().status, 0);
}

#[test]
fn silent_and_slow_heads_are_closed() {
    let timing = Timing { head: Duration::from_millis(50), ..Timing::default() };
    let server = Setup { timing, ..Setup::default() }.start();
    let openings: [&[u8]; 5] = [
        b"",
        b"P",
        b"PRI * HTTP/2.0\r\n",
        b"GET / HTTP/1.1\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ];
    for (done, opening) in (1..).zip(openings) {
        let mut raw = server.connect();
        raw.send(opening);
        until_count("a silent socket is closed", &server.traffic.too_slow, done);
        drop(raw);
    }
    let (mut raw, seen) = server.ask(GET);
    assert_eq!(seen.status, 200);
    raw.send(b"GET /li");
    assert!(raw.is_closed(), "a later head has the same bound");
}

#[test]
fn an_idle_connection_outlives_the_head_deadline_and_ends_at_its_own() {
    let head = Duration::from_millis(20);
    let timing = Timing { head, idle: Duration::from_millis(300), ..Timing::default() };
    let server = Setup { timing, ..Setup::default() }.start();
    let (mut raw, _) = server.ask(GET);
    assert!(raw.is_closed());
    assert_eq!(server.traffic.too_slow.load(Ordering::Relaxed), 0, "not as a slow head");
}

#[test]
fn connections_over_the_cap_are_closed_at_once() {
    let server = Setup { connections: 1, ..Setup::default() }.start();
    let (first, _) = server.ask(GET);
    assert_eq!(server.connect().read().status, 0);
    until_count("it is counted", &server.traffic.over_cap, 1);
    drop(first);
    until("the place is given back", || {
        let mut raw = server.connect();
        std::io::Write::write_all(&mut raw.stream, GET).is_ok() && raw.read().status == 200
    });
}

#[test]
fn draining_is_not_ready_and_serves_and_finishing_ends_what_is_idle() {
    let timing = Timing { farewell: Duration::from_millis(200), ..Timing::default() };
    let server = Setup { timing, ..Setup::default() }.start();
    let (mut used, _) = server.ask(GET);
    let (mut idle, _) = server.ask(GET);
    server.shutdown.enter(Phase::Draining);
    used.send(b"GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n");
    let seen = used.read();
    assert_eq!((seen.status, seen.header("connection")), (503, None), "not ready, and serving");
    used.send(post("", CALL).as_bytes());
    assert_eq!(used.read().status, 200);
    server.shutdown.enter(Phase::Finishing);
    assert!(idle.is_closed(), "idle connections end");
    drop(used);
    server.ended();
}

#[test]
fn finishing_still_answers_a_request_that_was_on_its_way_and_says_close() {
    let timing = Timing { farewell: Duration::from_secs(30), ..Timing::default() };
    let server = Setup { timing, ..Setup::default() }.start();
    let (mut raw, _) = server.ask(GET);
    server.shutdown.enter(Phase::Finishing);
    // The connection hears of the phase on its own worker, a moment later.
    let raw = std::cell::RefCell::new(&mut raw);
    until("an answer says close", || {
        let mut raw = raw.borrow_mut();
        raw.send(GET);
        let seen = raw.read();
        assert_eq!(seen.status, 200);
        seen.header("connection") == Some("close")
    });
    server.ended();
}

#[test]
fn a_client_that_reads_nothing_is_let_go() {
    let timing = Timing { stall: Duration::from_millis(50), ..Timing::default() };
    let server = Setup { timing, ..Setup::default() }.serve(Shutdown::default(), |_| Flood);
    let mut raw = server.connect();
    raw.send(GET);
    until_count("the stalled writer ends", &server.traffic.too_slow, 1);
    drop(raw);
}

/// Answers with more than sockets hold.
#[derive(Clone)]
pub struct Flood;

impl Serve for Flood {
    async fn answer(self, _: Request<Incoming>, _: Link) -> Result<Response<Reply>, Abort> {
        Ok(Response::new(Reply::text(vec![b'x'; 64 << 20])))
    }
}

/// Answers when it is told to; counts what it began and what was dropped.
#[derive(Clone)]
struct Script(Arc<Scripted>);

struct Scripted {
    begun: AtomicU64,
    ended: AtomicU64,
    go: watch::Sender<bool>,
}

struct Ends(Script);

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.0.ended.fetch_add(1, Ordering::Relaxed);
    }
}

impl Script {
    fn new() -> Self {
        let go = watch::Sender::new(false);
        Self(Arc::new(Scripted { begun: AtomicU64::new(0), ended: AtomicU64::new(0), go }))
    }

    fn serve(&self, setup: Setup) -> Running {
        let script = self.clone();
        setup.serve(Shutdown::default(), move |_| script.clone())
    }
}

impl Serve for Script {
    async fn answer(self, _: Request<Incoming>, _: Link) -> Result<Response<Reply>, Abort> {
        let _ends = Ends(self.clone());
        self.0.begun.fetch_add(1, Ordering::Relaxed);
        let mut go = self.0.go.subscribe();
        go.wait_for(|go| *go).await.map_err(|_| Abort)?;
        Ok(Response::new(Reply::text("done")))
    }
}

#[test]
fn a_client_that_leaves_takes_its_call_along() {
    let script = Script::new();
    let server = script.serve(Setup::default());
    let mut raw = server.connect();
    raw.send(GET);
    until_count("the call begins", &script.0.begun, 1);
    drop(raw);
    until_count("the call is dropped", &script.0.ended, 1);
}

#[test]
fn finishing_lets_a_call_in_flight_end() {
    let script = Script::new();
    let server = script.serve(Setup::default());
    let mut raw = server.connect();
    raw.send(GET);
    until_count("the call begins", &script.0.begun, 1);
    server.shutdown.enter(Phase::Finishing);
    until("nobody listens", || TcpStream::connect(server.address).is_err());
    script.0.go.send_replace(true);
    assert_eq!(raw.read().body, "done");
    server.ended();
}

#[test]
fn stop_drops_what_is_in_flight() {
    let script = Script::new();
    let server = script.serve(Setup::default());
    let mut raw = server.connect();
    raw.send(GET);
    until_count("the call begins", &script.0.begun, 1);
    server.shutdown.enter(Phase::Stop);
    assert_eq!(raw.read().status, 0);
    server.ended();
}

#[test]
fn connections_spread_over_the_workers() {
    let script = Script::new();
    let workers = Arc::new(AtomicU64::new(0));
    let made = Arc::clone(&workers);
    let server = {
        let script = script.clone();
        Setup::default().serve(Shutdown::default(), move |number| {
            made.fetch_or(1 << number, Ordering::Relaxed);
            Placed { number, seen: Arc::clone(&script.0) }
        })
    };
    let _held: Vec<Raw> = (0..2).map(|_| server.ask(GET).0).collect();
    assert_eq!(workers.load(Ordering::Relaxed), 0b11);
    assert_eq!(script.0.begun.load(Ordering::Relaxed), 0b11, "one on each");
}

/// Marks the worker that it answers on.
#[derive(Clone)]
struct Placed {
    number: usize,
    seen: Arc<Scripted>,
}

impl Serve for Placed {
    async fn answer(self, _: Request<Incoming>, _: Link) -> Result<Response<Reply>, Abort> {
        self.seen.begun.fetch_or(1 << self.number, Ordering::Relaxed);
        Ok(Response::new(Reply::text("here")))
    }
}

#[test]
fn a_port_in_use_is_one_clear_error() {
    let server = Setup::default().start();
    let error = headrace_gateway::server::bind(&[server.address]).unwrap_err().to_string();
    assert!(error.starts_with(&format!("cannot listen on {}: ", server.address)), "{error}");
}

#[tokio::test]
async fn finishing_says_goaway_and_ends_streams_in_flight_first() {
    let script = Script::new();
    let server = script.serve(Setup::default());
    let mut client = H2::connect(server.address).await;
    let handle = (server.shutdown.clone(), script.clone());
    let helper = std::thread::spawn(move || {
        until_count("the call begins", &handle.1.0.begun, 1);
        handle.0.enter(Phase::Finishing);
        handle.1.0.go.send_replace(true);
    });
    let answer = client.ask(h2_post("http://a/eth").body(text("{}")).unwrap()).await.unwrap();
    assert_eq!(&answer.body()[..], b"done");
    assert!(client.connection.await.unwrap().is_ok(), "the connection ends in order");
    helper.join().unwrap();
    server.ended();
}

#[tokio::test]
async fn a_stream_that_is_reset_takes_its_call_along() {
    let script = Script::new();
    let server = script.serve(Setup::default());
    let mut client = H2::connect(server.address).await;
    let request = h2_post("http://a/eth").body(text("{}")).unwrap();
    let asking = tokio::spawn(async move {
        let outcome = client.ask(request).await;
        (client, outcome)
    });
    let begun = script.clone();
    tokio::task::spawn_blocking(move || until_count("begun", &begun.0.begun, 1)).await.unwrap();
    asking.abort();
    let ended = script.clone();
    tokio::task::spawn_blocking(move || until_count("dropped", &ended.0.ended, 1)).await.unwrap();
}

#[tokio::test]
async fn a_connection_on_which_nothing_moves_is_let_go_with_its_calls() {
    let script = Script::new();
    let timing = Timing { stuck: Duration::from_millis(50), ..Timing::default() };
    let server = script.serve(Setup { timing, ..Setup::default() });
    let mut client = H2::connect(server.address).await;
    let outcome = client.ask(h2_post("http://a/eth").body(text("{}")).unwrap()).await;
    assert!(outcome.is_err(), "nothing was answered");
    let traffic = Arc::clone(&server.traffic);
    let waits = move || {
        until_count("it is counted", &traffic.too_slow, 1);
        until_count("the call is dropped", &script.0.ended, 1);
    };
    tokio::task::spawn_blocking(waits).await.unwrap();
}

#[test]
fn an_old_connection_is_told_to_close_by_its_next_answer() {
    let timing = Timing { age: Duration::from_millis(50), ..Timing::default() };
    let server = Setup { timing, ..Setup::default() }.start();
    let (raw, seen) = server.ask(GET);
    assert_eq!(seen.header("connection"), None, "young");
    let raw = std::cell::RefCell::new(raw);
    until("an answer says close", || {
        let mut raw = raw.borrow_mut();
        raw.send(GET);
        let seen = raw.read();
        assert_eq!(seen.status, 200);
        seen.header("connection") == Some("close")
    });
}

#[tokio::test]
async fn an_old_http_2_connection_ends_in_order() {
    let timing = Timing { age: Duration::from_millis(50), ..Timing::default() };
    let server = Setup { timing, ..Setup::default() }.start();
    let client = H2::connect(server.address).await;
    assert!(client.connection.await.unwrap().is_ok());
}

#[tokio::test]
async fn a_client_that_reads_or_sends_much_is_no_flood() {
    let much = Setup::default().serve(Shutdown::default(), |_| Flood);
    let mut client = H2::connect(much.address).await;
    let answer = client.ask(h2_post("http://a/").body(text("{}")).unwrap()).await.unwrap();
    assert_eq!(answer.body().len(), 64 << 20);
    let server = Setup { body: 5 << 20, bodies: 64 << 20, ..Setup::default() }.start();
    let mut client = H2::connect(server.address).await;
    for _ in 0..4 {
        let body = http_body_util::Full::new(bytes::Bytes::from(vec![b' '; 5 << 20]));
        let answer = client.ask(h2_post("http://a/eth").body(body).unwrap()).await.unwrap();
        assert_eq!(answer.status(), 400, "read whole, and no JSON");
    }
}
