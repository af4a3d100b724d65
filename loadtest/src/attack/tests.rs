use std::collections::HashSet;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;

use headrace_simnode::{Chain, ChainOptions, Pace};

use super::*;

const FILE: &str = r#"
about = "a test"
[chain]
families = ["ethereum"]
[[zones]]
name = "z"
nodes = [{ name = "a" }]
[load]
rate = 1
duration = "10s"
mix = [{ call = "head_number", share = 1 }]
[[attack]]
from = "0ms"
"#;

/// Plays an attack on a server that treats each connection like `serve`.
async fn play_on(attack: &str, serve: fn(TcpStream)) -> Seen {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let target = listener.local_addr().unwrap();
    // The thread waits for a connection that never comes, and ends with the process.
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || serve(stream));
        }
    });
    let scenario = Scenario::read(&format!("{FILE}{attack}"), Path::new("s.toml")).unwrap();
    let chain = Chain::new(ChainOptions { pace: Pace::Manual, ..ChainOptions::default() });
    let order = Order {
        attack: scenario.attack[0].clone(),
        scenario: Arc::new(scenario),
        truth: Arc::new(Truth::new(chain)),
        target,
        start: Instant::now(),
        rate_scale: 1.0,
    };
    start(order).unwrap().await.unwrap().unwrap()
}

fn ends(seen: &Seen) -> Vec<(String, u64)> {
    seen.ends().into_iter().collect()
}

/// Reads until the client leaves.
fn wait(mut stream: TcpStream) {
    let mut rest = Vec::new();
    // However it leaves.
    let _ = stream.read_to_end(&mut rest);
}

#[tokio::test]
async fn who_is_closed_is_told_from_who_is_left_open() {
    let attack = "kind = \"silent\"\nfor = \"400ms\"\nconnections = 3\n";
    let seen = play_on(attack, drop).await;
    assert_eq!(ends(&seen), [("closed".to_owned(), 3)]);
    let seen = play_on(attack, wait).await;
    assert_eq!(ends(&seen), [("still open".to_owned(), 3)]);
    assert_eq!((seen.open().count(), seen.bytes), (3, 0));
}

#[tokio::test]
async fn who_is_closed_comes_again_where_it_is_to() {
    let attack = "kind = \"partial_head\"\nfor = \"1s\"\nagain = true\n";
    let seen = play_on(attack, drop).await;
    assert!(seen.fates.len() > 1, "{seen:?}");
}

/// Speaks HTTP/2 as far as to allow streams, and has enough after some frames.
fn calm(mut stream: TcpStream) {
    let mut out = Vec::new();
    frames::settings(&mut out, &[(frames::MAX_CONCURRENT_STREAMS, 2)]);
    stream.write_all(&out).unwrap();
    let mut heard = [0; 512];
    stream.read_exact(&mut heard).unwrap();
    out.clear();
    frames::write(&mut out, frames::GOAWAY, 0, 0, &[0, 0, 0, 1, 0, 0, 0, 11]);
    stream.write_all(&out).unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    wait(stream);
}

#[tokio::test]
async fn a_flood_over_http2_ends_with_goaway() {
    for kind in ["ping", "rapid_reset", "header_bomb", "empty_data", "continuation"] {
        let attack = format!("kind = \"{kind}\"\nfor = \"2s\"\nconnections = 2\n");
        let seen = play_on(&attack, calm).await;
        assert_eq!(ends(&seen), [("GOAWAY 11".to_owned(), 2)], "{kind}");
        assert!(seen.fates.iter().all(|fate| fate.patience().is_some()), "{kind}");
    }
}

const REFUSAL: &str = r#"{"error":{"code":-32005,"data":{"reason":"rate_limited"}}}"#;

/// Refuses every request, and tells who asked.
fn refuse(mut stream: TcpStream) {
    let peer = stream.peer_addr().unwrap().ip();
    let answer = format!(
        "HTTP/1.1 429 Too Many Requests\r\ncontent-length: {}\r\nx-peer: {peer}\r\n\r\n{REFUSAL}",
        REFUSAL.len()
    );
    let (mut heard, mut buffer) = (Vec::new(), [0; 4_096]);
    while let Ok(count @ 1..) = stream.read(&mut buffer) {
        heard.extend_from_slice(&buffer[..count]);
        // A call ends a request: params are the last of its members.
        if heard.ends_with(b"]}") {
            heard.clear();
            // The client may have left.
            let _ = stream.write_all(answer.as_bytes());
        }
    }
}

#[tokio::test]
async fn a_flood_keeps_its_connections_and_counts_what_it_is_told() {
    let attack = "kind = \"flood\"\nfor = \"500ms\"\nconnections = 4\nsources = 4\nrate = 100\n";
    let seen = play_on(attack, refuse).await;
    assert_eq!(seen.fates.len(), 4);
    let answers: Vec<_> = seen.answers.keys().map(ToString::to_string).collect();
    assert_eq!(answers, ["429 -32005 rate_limited"]);
    assert!(seen.requests > 4, "{seen:?}");
}

#[tokio::test]
async fn a_batch_is_refused_as_one_and_counted_by_its_replies() {
    let attack = "kind = \"batch\"\nfor = \"500ms\"\nsize = 3\nmethod = \"eth_x\"\nrate = 100\n";
    let seen = play_on(attack, |mut stream| {
        let mut buffer = [0; 4_096];
        let _ = stream.read(&mut buffer);
        let body = format!("[{REFUSAL},{{\"result\":1}}]");
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
        // The client may have left.
        let _ = stream.write_all((head + &body).as_bytes());
        wait(stream);
    })
    .await;
    let count = seen.answers.values().sum::<u64>();
    assert!(count > 0, "{seen:?}");
    assert_eq!((seen.results, seen.errors), (count, count));
}

#[test]
fn sources_are_each_in_a_network_of_their_own() {
    let attack = "kind = \"flood\"\nfor = \"1s\"\nsources = 1000\n";
    let scenario = Scenario::read(&format!("{FILE}{attack}"), Path::new("s.toml")).unwrap();
    let chain = Chain::new(ChainOptions { pace: Pace::Manual, ..ChainOptions::default() });
    let ground = Ground::new(Order {
        attack: scenario.attack[0].clone(),
        scenario: Arc::new(scenario),
        truth: Arc::new(Truth::new(chain)),
        target: SocketAddr::from((Ipv4Addr::LOCALHOST, 1)),
        start: Instant::now(),
        rate_scale: 1.0,
    });
    let networks: HashSet<_> =
        (0..2_000).map(|at| ground.source(at).octets()[..3].to_vec()).collect();
    assert_eq!(networks.len(), 1_000);
    assert_eq!(ground.source(0), Ipv4Addr::LOCALHOST);
    let head = ground.head(7, "x-forwarded-for: 1.2.3.4\r\n");
    assert_eq!(
        head,
        "POST /ethereum HTTP/1.1\r\nhost: 127.0.0.1:1\r\ncontent-type: application/json\r\n\
         content-length: 7\r\nx-forwarded-for: 1.2.3.4\r\n\r\n"
    );
}
