//! Sends what is due and judges what comes back, on one thread of its own.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use headrace_simnode::hash::Draws;
use http::header;
use serde_json::value::RawValue;
use tokio::sync::mpsc;
use tokio::task::LocalSet;

use super::arrivals::Plan;
use super::client::{Broken, Connections, Response};
use super::heads::{Floor, Heads};
use super::recipe::{Cook, Planned};
use super::retry::{self, Heard};
use super::{End, Record, Resent, Seen, Written};
use crate::judge::{Asked, Judgement, Question, Reply, judge};
use crate::scenario::{Retry, Scenario};
use crate::truth::Truth;

/// Wrong answers and errors that are kept in words, each, of one method.
const WORDS: usize = 4;

/// What the load is sent to.
#[derive(Clone, Debug)]
pub struct Target {
    pub address: SocketAddr,
    /// Whether a balancer would send calls there.
    pub ready: Arc<AtomicBool>,
}

/// Everything the engine needs.
#[derive(Debug)]
pub struct Order {
    pub scenario: Arc<Scenario>,
    pub truth: Arc<Truth>,
    pub targets: Vec<Target>,
    /// Requests a second.
    pub rate: f64,
    /// Set from outside to end early.
    pub stop: Arc<AtomicBool>,
    /// Told the start of the run, once connections are open.
    pub started: tokio::sync::oneshot::Sender<Instant>,
}

/// Runs the load to its end, the last answers included. Blocks its thread.
///
/// # Errors
/// No runtime or no thread can be had.
pub fn run(order: Order) -> std::io::Result<Seen> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let local = LocalSet::new();
    local.block_on(&runtime, play(order))
}

async fn play(order: Order) -> std::io::Result<Seen> {
    let load = &order.scenario.load;
    let engine = Rc::new(Engine::new(&order));
    for pool in &engine.pools {
        pool.open(load.connections).await;
    }
    let plan = Plan::new(load.arrivals, order.rate, load.duration.get_ref().0, load.seed);
    let start = Instant::now() + Duration::from_millis(20);
    // A run that nobody waits for any more ends by `stop`.
    let _ = order.started.send(start);
    let mut due = pace(plan, start, Arc::clone(&order.stop))?;
    let mut cook = Cook::new(&order.scenario, Arc::clone(&order.truth));
    while let Some(planned) = due.recv().await {
        engine.launch(planned, start, &mut cook);
    }
    while engine.in_flight.get() > 0 && !order.stop.load(Ordering::Relaxed) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(engine.seen.take())
}

/// The thread that keeps the time: sleeps until each request is due and announces it.
fn pace(
    plan: Plan,
    start: Instant,
    stop: Arc<AtomicBool>,
) -> std::io::Result<mpsc::UnboundedReceiver<Duration>> {
    // Bounded by the plan, and drained as fast as requests can be spawned.
    let (send, due) = mpsc::unbounded_channel();
    let keep_time = move || {
        for planned in plan {
            let wait = (start + planned).saturating_duration_since(Instant::now());
            if !wait.is_zero() {
                thread::sleep(wait);
            }
            if stop.load(Ordering::Relaxed) || send.send(planned).is_err() {
                return;
            }
        }
    };
    thread::Builder::new().name("pace".to_owned()).spawn(keep_time)?;
    Ok(due)
}

#[derive(Debug)]
struct Engine {
    truth: Arc<Truth>,
    pools: Vec<Connections>,
    targets: Vec<Target>,
    timeout: Duration,
    most: usize,
    retry: Vec<Retry>,
    chance: Draws,
    in_flight: Cell<usize>,
    turn: Cell<usize>,
    heads: RefCell<Heads>,
    seen: RefCell<Seen>,
}

/// A request under way.
struct Flight {
    calls: Vec<Planned>,
    batch: bool,
    gateway: usize,
    floor: Floor,
    planned: Duration,
    sent: Duration,
    /// When it was sent last, on the chain's clock.
    asked: Duration,
    attempts: u16,
}

/// What is the same for all calls of a request.
#[derive(Clone, Copy)]
struct Arrived {
    done: Duration,
    status: u16,
    retry_after: bool,
}

impl Engine {
    fn new(order: &Order) -> Self {
        let path = order.truth.ways().path;
        let load = &order.scenario.load;
        let key = load.key.as_deref();
        let connections = |target: &Target| Connections::new(target.address, path, key);
        let pools = order.targets.iter().map(connections);
        Self {
            truth: Arc::clone(&order.truth),
            pools: pools.collect(),
            targets: order.targets.clone(),
            timeout: load.timeout.0,
            most: load.max_in_flight,
            retry: load.retry.0.clone(),
            chance: Draws::new(load.seed ^ 0x7e72),
            in_flight: Cell::new(0),
            turn: Cell::new(0),
            heads: RefCell::new(Heads::new(order.targets.len())),
            seen: RefCell::default(),
        }
    }

    fn launch(self: &Rc<Self>, planned: Duration, start: Instant, cook: &mut Cook) {
        let (calls, batch) = cook.request();
        let gateway = self.choose();
        self.seen.borrow_mut().requests += 1;
        let flight = Flight {
            calls,
            batch,
            gateway,
            floor: self.heads.borrow().floor(gateway),
            planned,
            sent: start.elapsed(),
            asked: self.truth.now(),
            attempts: 1,
        };
        if self.in_flight.get() >= self.most {
            self.end_all(&flight, End::Unsent, nothing(flight.sent));
            return;
        }
        self.in_flight.set(self.in_flight.get() + 1);
        let engine = Rc::clone(self);
        tokio::task::spawn_local(async move {
            engine.call(flight, start).await;
            engine.in_flight.set(engine.in_flight.get() - 1);
        });
    }

    /// The gateways in turn, those that are ready.
    fn choose(&self) -> usize {
        let count = self.targets.len();
        let turn = self.turn.get();
        self.turn.set(turn + 1);
        let ready = |at: &usize| self.targets[*at].ready.load(Ordering::Relaxed);
        (0..count).map(|step| (turn + step) % count).find(ready).unwrap_or(turn % count)
    }

    /// Sends a request, and again as its client does, and takes the last answer.
    async fn call(&self, mut flight: Flight, start: Instant) {
        let body = body_of(&flight);
        let rules = self.rules();
        loop {
            let post = self.pools[flight.gateway].post(body.clone());
            let answer = tokio::time::timeout(self.timeout, post).await;
            let done = start.elapsed();
            if let Some(pause) = self.again(rules, &answer, flight.attempts) {
                tokio::time::sleep(pause).await;
                flight.gateway = self.choose();
                flight.floor = self.heads.borrow().floor(flight.gateway);
                flight.asked = self.truth.now();
                flight.attempts += 1;
                self.resent(&flight, start.elapsed());
                continue;
            }
            return match answer {
                Err(_) => self.end_all(&flight, End::Timeout, nothing(done)),
                Ok(Err(Broken)) => self.end_all(&flight, End::Broken, nothing(done)),
                Ok(Ok(response)) => self.read(&flight, &response, done),
            };
        }
    }

    fn resent(&self, flight: &Flight, at: Duration) {
        let calls = flight.calls.iter().map(|call| Resent { at, share: call.share });
        self.seen.borrow_mut().resent.extend(calls);
    }

    /// Those of some client.
    fn rules(&self) -> Option<&Retry> {
        let count = self.retry.len() as u64;
        if count == 0 {
            return None;
        }
        usize::try_from(self.chance.next() % count).ok().and_then(|at| self.retry.get(at))
    }

    /// How long the client waits before it sends again, if it does.
    fn again(&self, rules: Option<&Retry>, answer: &Answered, attempts: u16) -> Option<Duration> {
        let rules = rules?;
        let response = answer.as_ref().ok().and_then(|answer| answer.as_ref().ok());
        let heard = response.map_or(Heard::default(), |response| Heard {
            status: Some(response.status.as_u16()),
            code: code_of(&response.body),
            retry_after: response
                .headers
                .get(header::RETRY_AFTER)
                .and_then(|value| value.to_str().ok()),
        });
        retry::next(rules, attempts.into(), heard, self.chance.unit())
    }

    fn read(&self, flight: &Flight, response: &Response, done: Duration) {
        let retry_after = response.headers.contains_key(header::RETRY_AFTER);
        let arrived = Arrived { done, status: response.status.as_u16(), retry_after };
        let end = if response.status.is_success() { End::Unreadable } else { End::Status };
        if !flight.batch {
            match serde_json::from_slice::<Reply<'_>>(&response.body) {
                Ok(reply) => self.judge(flight, 0, &reply, arrived),
                Err(_) => self.end_all(flight, end, arrived),
            }
            return;
        }
        let replies: Result<Vec<Reply<'_>>, _> = serde_json::from_slice(&response.body);
        match replies {
            Ok(replies) if replies.len() == flight.calls.len() => {
                for (at, reply) in replies.iter().enumerate() {
                    self.judge(flight, at, reply, arrived);
                }
            }
            _ => self.end_all(flight, end, arrived),
        }
    }

    fn judge(&self, flight: &Flight, at: usize, reply: &Reply<'_>, arrived: Arrived) {
        let call = &flight.calls[at];
        let mut record = self.record(flight, call, arrived);
        if reply.id.map(RawValue::get) != Some(id_of(at).as_str()) {
            record.end = End::Unreadable;
            return self.end(record, call);
        }
        let status = (!flight.batch).then_some(arrived.status);
        let asked = Asked { sent: flight.asked, status };
        record.end = match judge(&call.question, reply, asked, &self.truth) {
            Judgement::Right(head) => {
                record.stale = head.map(|head| self.saw(flight, head, arrived.done));
                End::Right
            }
            Judgement::Failed(code) => {
                let reason = reply.error.as_ref().and_then(crate::judge::ReplyError::reason);
                record.reason = self.reason(reason);
                if call.question != Question::Anything {
                    let why = reply.error.as_ref().map_or_else(String::new, |error| {
                        let data = error.data.map_or("", RawValue::get);
                        format!("{} {} {}", arrived.status, error.message, clip(data))
                    });
                    note(&mut self.seen.borrow_mut().errors, call, &why, arrived.done);
                }
                End::Error(code)
            }
            Judgement::Wrong(why) => {
                note(&mut self.seen.borrow_mut().wrong, call, &why, arrived.done);
                End::Wrong
            }
        };
        self.end(record, call);
    }

    /// Takes note of a head, and says how stale it is.
    fn saw(&self, flight: &Flight, head: u64, done: Duration) -> Duration {
        let now = self.truth.now();
        let excuse = self.truth.excuse(now);
        let back = self.heads.borrow_mut().saw(flight.gateway, head, flight.floor, excuse, done);
        self.seen.borrow_mut().backs.extend(back);
        self.truth.staleness(head, flight.asked)
    }

    fn end_all(&self, flight: &Flight, end: End, arrived: Arrived) {
        for call in &flight.calls {
            self.end(Record { end, ..self.record(flight, call, arrived) }, call);
        }
    }

    fn end(&self, record: Record, call: &Planned) {
        let mut seen = self.seen.borrow_mut();
        if let Question::Write(hash) = call.question {
            seen.written.push(Written { hash, accepted: record.end == End::Right });
        }
        seen.records.push(record);
    }

    fn record(&self, flight: &Flight, call: &Planned, arrived: Arrived) -> Record {
        Record {
            planned: flight.planned,
            sent: flight.sent,
            done: arrived.done,
            share: call.share,
            gateway: u8::try_from(flight.gateway).unwrap_or(u8::MAX),
            end: End::Unreadable,
            status: arrived.status,
            reason: 0,
            retry_after: arrived.retry_after,
            stale: None,
        }
    }

    /// The place of a reason among those seen, plus one.
    fn reason(&self, reason: Option<String>) -> u8 {
        let Some(reason) = reason else { return 0 };
        let reasons = &mut self.seen.borrow_mut().reasons;
        let at = reasons.iter().position(|known| *known == reason).unwrap_or_else(|| {
            reasons.push(reason);
            reasons.len() - 1
        });
        u8::try_from(at + 1).unwrap_or(u8::MAX)
    }
}

/// What became of an attempt.
type Answered = Result<Result<Response, Broken>, tokio::time::error::Elapsed>;

/// The code of the error object that a body is.
fn code_of(body: &[u8]) -> Option<i64> {
    let reply: Reply<'_> = serde_json::from_slice(body).ok()?;
    reply.error.map(|error| error.code)
}

/// Keeps the first few of a method in words.
fn note(words: &mut Vec<String>, call: &Planned, why: &str, done: Duration) {
    let method = format!(": {} ", call.method);
    if words.iter().filter(|text| text.contains(&method)).count() < WORDS {
        words.push(format!("at {done:.3?}{method}{}: {why}", clip(&call.params)));
    }
}

fn clip(text: &str) -> String {
    text.chars().take(160).collect()
}

fn nothing(done: Duration) -> Arrived {
    Arrived { done, status: 0, retry_after: false }
}

fn id_of(at: usize) -> String {
    (at + 1).to_string()
}

fn body_of(flight: &Flight) -> Bytes {
    let mut text = String::with_capacity(256);
    if flight.batch {
        text.push('[');
    }
    for (at, call) in flight.calls.iter().enumerate() {
        if at > 0 {
            text.push(',');
        }
        text.push_str(r#"{"jsonrpc":"2.0","id":"#);
        text.push_str(&id_of(at));
        text.push_str(r#","method":""#);
        text.push_str(&call.method);
        text.push_str(r#"","params":"#);
        text.push_str(&call.params);
        text.push('}');
    }
    if flight.batch {
        text.push(']');
    }
    text.into()
}
