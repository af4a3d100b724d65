//! Hostile clients: each attack on a thread and runtime of its own, over raw sockets and
//! frames written by hand, so that neither the load nor the nodes wait for it.
//!
//! An attack is a number of connections that live alike: [`wire`] is one connection and
//! how it ended, [`talk`] lets it follow a script, [`frames`] and [`answers`] are the two
//! protocols as far as hostile clients need them. What kinds do stands in a file each. What
//! all of it came to is a [`Seen`].

pub mod answers;
mod batch;
mod calls;
mod continuation;
mod drip_body;
mod empty_data;
mod flood;
pub mod frames;
mod header_bomb;
mod partial_head;
mod ping;
mod rapid_reset;
pub mod seen;
mod settings;
mod silent;
mod slow_reader;
mod spoof;
mod talk;
mod window_update;
mod wire;

use std::cell::RefCell;
use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tokio::task::{JoinSet, LocalSet};
use toml::Spanned;

use crate::load::recipe::Cook;
use crate::scenario::{Attack, Kind, Scenario, Share};
use crate::truth::Truth;

pub use self::seen::{Fate, How, Seen};
use self::wire::{Gone, Wire};

/// A connection that was closed at once is opened again after this time.
const AGAIN: Duration = Duration::from_millis(100);
/// Connections opened a second where the file says nothing.
const OPENED: f64 = 1_000.0;

/// Everything that an attack needs.
#[derive(Debug)]
pub struct Order {
    pub attack: Attack,
    pub scenario: Arc<Scenario>,
    pub truth: Arc<Truth>,
    pub target: SocketAddr,
    /// The start of the run.
    pub start: Instant,
    /// Factor on rates of calls.
    pub rate_scale: f64,
}

/// Starts the attack's thread, which waits for its time. It ends early when nobody waits for
/// what it sees any more.
///
/// # Errors
/// No thread can be had.
pub fn start(order: Order) -> std::io::Result<oneshot::Receiver<std::io::Result<Seen>>> {
    let (mut send, seen) = oneshot::channel();
    let work = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let played = runtime.map(|runtime| {
            LocalSet::new().block_on(&runtime, async {
                tokio::select! {
                    seen = play(order) => seen,
                    () = send.closed() => Seen::default(),
                }
            })
        });
        // Nobody waits for it any more when the run was given up.
        let _ = send.send(played);
    };
    thread::Builder::new().name("attack".to_owned()).spawn(work)?;
    Ok(seen)
}

async fn play(order: Order) -> Seen {
    let ground = Rc::new(Ground::new(order));
    let gap = Duration::from_secs_f64(1.0 / ground.attack.rate.unwrap_or(OPENED));
    let ground = &ground;
    match ground.attack.kind.get_ref() {
        Kind::Silent => each(ground, gap, silent::live).await,
        Kind::PartialHead => each(ground, gap, partial_head::live).await,
        Kind::DripBody => each(ground, gap, drip_body::live).await,
        Kind::SlowReader => each(ground, gap, slow_reader::live).await,
        Kind::HeaderBomb => each(ground, gap, header_bomb::live).await,
        Kind::RapidReset => each(ground, TOGETHER, rapid_reset::live).await,
        Kind::Continuation => each(ground, TOGETHER, continuation::live).await,
        Kind::Ping => each(ground, TOGETHER, ping::live).await,
        Kind::Settings => each(ground, TOGETHER, settings::live).await,
        Kind::WindowUpdate => each(ground, TOGETHER, window_update::live).await,
        Kind::EmptyData => each(ground, TOGETHER, empty_data::live).await,
        Kind::Batch => each(ground, TOGETHER, batch::live).await,
        Kind::Flood => calls::all(ground, flood::forwarded).await,
        Kind::Spoof => calls::all(ground, spoof::forwarded).await,
    }
    ground.seen.take()
}

/// Between connections that are opened all together: a millisecond.
const TOGETHER: Duration = Duration::from_millis(1);

/// Opens the connections one after another, each with a life of its own, until the end.
async fn each<F>(ground: &Rc<Ground>, gap: Duration, live: fn(Wire) -> F)
where
    F: Future<Output = Gone> + 'static,
{
    let mut lives = JoinSet::new();
    for place in 0..ground.attack.connections {
        let ground = Rc::clone(ground);
        let begin = ground.from + gap.mul_f64(place as f64);
        let until = ground.until;
        lives.spawn_local(async move {
            let life = async {
                tokio::time::sleep_until(begin.into()).await;
                loop {
                    if let Ok(wire) = Wire::open(&ground, place).await {
                        live(wire).await;
                    }
                    if !ground.attack.again {
                        return;
                    }
                    tokio::time::sleep(AGAIN).await;
                }
            };
            // At the end of the attack what is open is dropped.
            let _ = tokio::time::timeout_at(until.into(), life).await;
        });
    }
    while lives.join_next().await.is_some() {}
}

/// What the connections of an attack share.
#[derive(Debug)]
pub struct Ground {
    attack: Attack,
    target: SocketAddr,
    host: String,
    path: &'static str,
    start: Instant,
    from: Instant,
    until: Instant,
    rate_scale: f64,
    cook: RefCell<Cook>,
    seen: RefCell<Seen>,
}

impl Ground {
    fn new(order: Order) -> Self {
        let mut scenario = (*order.scenario).clone();
        scenario.load.mix = vec![share(&order.attack)];
        let attack = order.attack;
        Self {
            target: order.target,
            host: order.target.to_string(),
            path: order.truth.ways().path,
            start: order.start,
            from: order.start + attack.from.0,
            until: order.start + attack.until().0,
            rate_scale: order.rate_scale,
            cook: RefCell::new(Cook::new(&scenario, order.truth)),
            seen: RefCell::new(Seen::named(&attack)),
            attack,
        }
    }

    /// The time of the run.
    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    /// The loopback address of a source: each is in a /24 of its own.
    fn source(&self, place: usize) -> Ipv4Addr {
        let place = place % self.attack.sources.unwrap_or(1);
        let byte = |at: usize| u8::try_from(at & 0xff).unwrap_or(0);
        Ipv4Addr::new(127, byte(place >> 8), byte(place), 1)
    }

    /// The JSON text of the next call.
    fn call(&self, id: u64) -> String {
        let (calls, _) = self.cook.borrow_mut().request();
        let (method, params) =
            calls.first().map_or(("", ""), |call| (&*call.method, call.params.as_str()));
        format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{params}}}"#)
    }

    /// The head of a POST with a body of so many bytes; `more` are further header lines.
    fn head(&self, length: usize, more: &str) -> String {
        let key = self.attack.key.as_ref().map(|key| format!("x-api-key: {key}\r\n"));
        let (path, host, key) = (self.path, &self.host, key.unwrap_or_default());
        format!(
            "POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\n\
             content-length: {length}\r\n{key}{more}\r\n"
        )
    }

    /// Calls between which a connection waits, so that all of them keep the rate.
    fn turn(&self) -> Duration {
        let rate = self.attack.rate.unwrap_or(1.0) * self.rate_scale;
        Duration::from_secs_f64(self.attack.connections as f64 / rate)
    }
}

/// The part of a mix that an attack's calls are.
fn share(attack: &Attack) -> Share {
    Share {
        call: attack.recipe(),
        share: Spanned::new(0..0, 1.0),
        name: None,
        depth: None,
        size: None,
        method: attack.method.clone(),
        params: attack.params.clone(),
        poison: false,
    }
}

#[cfg(test)]
mod tests;
