//! What we accept, other parsers read as we do: the rows of bad heads and a few hundred
//! heads made of odd parts are sent to the gateway, to nginx and to HAProxy, each with one
//! more request behind it. Where nginx and HAProxy take an input for different requests, or
//! for others than we do, we must have refused it and closed.
//!
//! Needs both programs (`scripts/proxies.sh` installs them); without them the test says so
//! and checks nothing, unless `HEADRACE_PROXIES=1`.

mod inputs;
mod proxies;
mod recorder;

use std::{collections::HashSet, sync::Mutex};

use self::{inputs::MARKER, proxies::Proxies, recorder::Request};
use crate::{fleet::Lines, system::System};

/// Inputs under way at once: some hang until a proxy's timeout of a second.
const PARALLEL: usize = 24;

/// What became of one input at one server.
#[derive(Debug, PartialEq, Eq)]
enum Reading {
    /// Refused, and nothing behind it was served.
    Refused,
    /// Taken for these requests.
    Requests(Vec<Request>),
}

#[test]
fn what_two_parsers_frame_differently_is_refused() {
    let Some(proxies) = Proxies::start() else {
        assert!(std::env::var_os("HEADRACE_PROXIES").is_none(), "nginx or haproxy is missing");
        eprintln!("NOT CHECKED: nginx and haproxy are not both here (scripts/proxies.sh)");
        return;
    };
    let system = System::start(&Lines::default(), 1);
    let inputs = inputs::all();
    let next = Mutex::new(inputs.iter());
    let found = Mutex::new(Findings::default());
    std::thread::scope(|scope| {
        for _ in 0..PARALLEL {
            scope.spawn(|| {
                loop {
                    let Some(input) = next.lock().unwrap().next() else { break };
                    let ours = ours(&system, input);
                    let (nginx, haproxy) = (proxies.nginx(input), proxies.haproxy(input));
                    found.lock().unwrap().add(input, &ours, &nginx, &haproxy);
                }
            });
        }
    });
    let found = found.into_inner().unwrap();
    eprintln!("{} inputs: {found:?}", inputs.len());
    assert!(found.faults.is_empty(), "{}", found.faults.join("\n"));
    assert!(found.accepted >= 20, "hardly anything was accepted: {found:?}");
    assert!(found.passed.iter().all(|&passed| passed >= 20), "hardly compared: {found:?}");
}

#[derive(Debug, Default)]
struct Findings {
    /// Inputs that we took.
    accepted: usize,
    /// Inputs that nginx passed on, and that HAProxy did.
    passed: [usize; 2],
    /// Inputs that one of them passed on and the other refused.
    split: usize,
    /// Inputs that both passed on, as different requests.
    disagreed: usize,
    faults: Vec<String>,
}

impl Findings {
    fn add(&mut self, input: &[u8], ours: &Reading, nginx: &Reading, haproxy: &Reading) {
        let differ = |one: &Reading, other: &Reading| {
            one != other && *one != Reading::Refused && *other != Reading::Refused
        };
        let disagree = differ(nginx, haproxy);
        self.disagreed += usize::from(disagree);
        let passed = [nginx, haproxy].map(|reading| usize::from(*reading != Reading::Refused));
        self.passed = [self.passed[0] + passed[0], self.passed[1] + passed[1]];
        self.split += passed[0] ^ passed[1];
        if *ours == Reading::Refused {
            return;
        }
        self.accepted += 1;
        if disagree || differ(ours, nginx) || differ(ours, haproxy) {
            let input = String::from_utf8_lossy(&input[..input.len().min(400)]);
            self.faults.push(format!(
                "{input:?}\n  ours {ours:?}\n  nginx {nginx:?}\n  haproxy {haproxy:?}"
            ));
        }
    }
}

#[test]
fn a_difference_in_framing_is_a_fault_only_where_we_accept() {
    let request = |body: &str| Request { method: "POST".into(), body: body.into() };
    let one = || Reading::Requests(vec![request("a")]);
    let two = || Reading::Requests(vec![request("a"), request("b")]);
    let refused = || Reading::Refused;
    for (ours, nginx, haproxy, faults) in [
        (one(), one(), one(), 0),
        (one(), refused(), one(), 0),
        (one(), refused(), refused(), 0),
        (refused(), one(), two(), 0),
        (one(), one(), two(), 1),
        (two(), one(), refused(), 1),
    ] {
        let mut found = Findings::default();
        found.add(b"x", &ours, &nginx, &haproxy);
        assert_eq!(found.faults.len(), faults, "{ours:?} {nginx:?} {haproxy:?}");
    }
}

/// What the gateway took an input for, told by its answers: each call in it has an id of
/// its own, and a text that is answered was read whole.
fn ours(system: &System, input: &[u8]) -> Reading {
    let mut raw = system.connect();
    raw.send(&[input, MARKER].concat());
    let mut requests = Vec::new();
    loop {
        let seen = raw.read();
        match seen.status {
            0 => break,
            100 => continue,
            200 if seen.body.contains("\"result\"") => {
                let text = inputs::call_of_answer(&seen.body);
                requests.push(Request { method: "POST".into(), body: text.into() });
            }
            200 | 204 => requests.push(Request { method: "GET".into(), body: Vec::new() }),
            // Refused, and the connection goes on: what is behind it must be the marker.
            _ => requests.push(Request { method: "refused".into(), body: Vec::new() }),
        }
    }
    let served: HashSet<&str> = requests.iter().map(|request| request.method.as_str()).collect();
    if served.contains("refused") || requests.is_empty() {
        return Reading::Refused;
    }
    Reading::Requests(requests)
}
