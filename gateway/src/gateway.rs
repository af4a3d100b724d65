//! The way of a call: read → needs → choose → send → judge → write.
//!
//! [`Gateway::serve`] takes one request text and gives one answer; it never
//! fails, for errors are answers. One call goes from `server::http` to
//! [`Gateway::serve`], `Scope::call`, `Job::relay` and `upstream::Client::send`.
//! Nothing is spawned for a call; what outlives it (confirming a write) is said
//! where it happens.

mod admit;
mod answer;
mod batch;
mod body;
pub mod chance;
mod call;
mod explain;
mod queue;
mod record;
mod relay;
mod resolve;
mod served;
mod tries;
mod way;
mod write;

use std::{
    fmt::Write,
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use arc_swap::ArcSwap;
use bytes::Bytes;
use tokio::time::Instant;

use crate::{
    access::{self, AccessLog},
    clock::{self, Clock, Timestamp},
    error::{CallError, Reason},
    health,
    limits::{ClientIndex, Payer},
    metrics::{Counters, Responses},
    pressure::Pressure,
    rpc::{self, Call, Request},
    topology::{Chain, ChainLease, Current, Topology},
};

use self::served::Served;

pub use self::{
    answer::{Answer, Trail},
    body::{Body, BodyError},
    explain::explain_call,
};

/// Not ready before every node was asked, nor longer than this after the start.
const FIRST_ROUND: Duration = Duration::from_secs(10);

/// A request's own id: 128 bits, shown as 32 hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RequestId(pub u128);

impl RequestId {
    /// What is shown of it.
    pub fn digits(self) -> [u8; 32] {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        let mut digits = [0; 32];
        for (pair, byte) in digits.chunks_exact_mut(2).zip(self.0.to_be_bytes()) {
            pair.copy_from_slice(&[HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
        }
        digits
    }
}

impl std::fmt::Display for RequestId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.digits().iter().try_for_each(|&digit| f.write_char(char::from(digit)))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    H1,
    H2,
}

impl Protocol {
    pub const fn word(self) -> &'static str {
        match self {
            Self::H1 => "h1",
            Self::H2 => "h2",
        }
    }
}

/// Where a request comes from.
#[derive(Clone, Copy, Debug)]
pub struct Origin {
    pub request_id: RequestId,
    /// The client's address: the peer's, or what a trusted proxy says it is.
    pub address: IpAddr,
    pub protocol: Protocol,
    /// Who the client is, where a key or a token tells it: its place in the topology of the
    /// chain that the request goes to.
    pub client: Option<ClientIndex>,
}

impl Origin {
    /// Whether a key or a token tells who the client is: such a client is shed last.
    pub const fn known(&self) -> bool {
        self.client.is_some()
    }

    /// Whose buckets the request is charged to.
    pub const fn payer(&self) -> Payer {
        Payer { address: self.address, client: self.client }
    }

    fn refused<'r>(&self, topology: Option<&'r Topology>) -> access::Refused<'r> {
        let plan = topology.and_then(|topology| topology.clients.plan(self.payer()));
        access::Refused {
            request_id: self.request_id.0,
            protocol: self.protocol.word(),
            client: self.address,
            key: plan.map_or("", |plan| &plan.name),
        }
    }
}

/// What a request is routed to.
#[derive(Debug)]
pub enum Route {
    Chain(ChainLease),
    /// The same, and the last segment of the path is a key.
    Keyed(ChainLease),
    /// A path with a key segment while path keys are off.
    Key,
    None,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readiness {
    Ready,
    /// Why not, in a word or two.
    NotReady(&'static str),
    NoSuchChain,
}

/// Everything a request needs, shared by all workers.
#[derive(Debug)]
pub struct Gateway {
    pub current: Arc<Current>,
    pub clock: Clock,
    /// Replaced when a reload changes where the lines go.
    pub access: ArcSwap<AccessLog>,
    /// Refusals by [`Reason`], in the order of [`Reason::ALL`].
    pub rejections: Counters,
    pub responses: Responses,
    /// What the gateway itself is short of.
    pub pressure: Arc<Pressure>,
    draining: AtomicBool,
    /// What is in flight is answered at once, with an error.
    stopping: AtomicBool,
    started: Timestamp,
}

/// One request's surroundings, for each of its calls.
#[derive(Clone, Copy)]
struct Scope<'r> {
    gateway: &'r Gateway,
    chain: &'r ChainLease,
    from: &'r Origin,
    /// When the request must have been answered.
    deadline: Instant,
    /// Position in a batch, and its size; 0 and 0 for a single call.
    item: (usize, usize),
}

impl Gateway {
    pub fn new(current: Arc<Current>, clock: Clock, access: AccessLog) -> Self {
        let started = clock.now();
        let pressure = Arc::new(Pressure::new(clock.clone()));
        Self {
            current,
            clock,
            access: ArcSwap::from_pointee(access),
            rejections: Counters::new(Reason::ALL.len()),
            responses: Responses::default(),
            pressure,
            draining: AtomicBool::new(false),
            stopping: AtomicBool::new(false),
            started,
        }
    }

    /// Finds the chain for a request: Host (lower case, no port) first, then the normalised path.
    pub fn route(&self, host: Option<&str>, path: &str) -> Route {
        if let Some(chain) = self.chain_for(host, path) {
            return Route::Chain(chain);
        }
        let Some((head, _)) = path.rsplit_once('/') else { return Route::None };
        let head = if head.is_empty() { "/" } else { head };
        let path_keys = self.current.with(|topology| topology.config.server.path_keys);
        if head == "/" && !path_keys {
            return Route::None;
        }
        match self.chain_for(host, head) {
            Some(chain) if path_keys => Route::Keyed(chain),
            Some(_) => Route::Key,
            None => Route::None,
        }
    }

    /// The chain of a path, or of one that clients put behind a chain's route.
    fn chain_for(&self, host: Option<&str>, path: &str) -> Option<ChainLease> {
        if let Some(chain) = self.chain_at(host, path) {
            return Some(chain);
        }
        for (at, _) in path.match_indices('/') {
            let (route, below) = path.split_at(at);
            let route = if route.is_empty() { "/" } else { route };
            if let Some(chain) = self.chain_at(host, route)
                && chain.config.family.serves_below(below)
            {
                return Some(chain);
            }
        }
        None
    }

    /// The chain that a host, or else a path, leads to.
    fn chain_at(&self, host: Option<&str>, path: &str) -> Option<ChainLease> {
        let by_host = host.filter(|_| path == "/");
        by_host
            .and_then(|host| self.current.find(|topology| topology.by_host(host)))
            .or_else(|| self.current.find(|topology| topology.by_path(path)))
    }

    /// Answers one request text of a chain.
    pub async fn serve(&self, chain: &ChainLease, text: Bytes, from: &Origin) -> Answer {
        if self.is_stopping() {
            return self.refuse(Some(chain), CallError::Draining, from);
        }
        let deadline = clock::instant() + chain.config.deadlines.total;
        let scope = Scope { gateway: self, chain, from, deadline, item: (0, 0) };
        match rpc::read::read(&text, &chain.config.read_limits) {
            Err(refused) => scope.refused_whole(refused),
            Ok(Request::Single(Err(refused))) => scope.refused_single(refused),
            Ok(Request::Single(Ok(call))) => scope.single(&call).await,
            Ok(Request::Batch(items)) => scope.batch(&items).await,
        }
    }

    /// An error of ours as an answer, for refusals before any text was read; also records it.
    pub fn refuse(&self, chain: Option<&ChainLease>, error: CallError, from: &Origin) -> Answer {
        answer::edge_refusal(self, chain, &error, from)
    }

    /// Whether a host (lower case, no port) is one of ours; one that is not named
    /// cannot be another's.
    pub fn serves_host(&self, host: Option<&str>) -> bool {
        self.current.with(|topology| match (&topology.config.server.hosts, host) {
            (Some(hosts), Some(host)) => hosts.iter().any(|served| served == host),
            (None, _) | (_, None) => true,
        })
    }

    /// Counts a refusal.
    fn rejected(&self, reason: Reason) {
        self.rejections.add(reason as usize, 1);
    }

    /// From now on not ready: balancers should send no more.
    pub fn start_draining(&self) {
        self.draining.store(true, Relaxed);
    }

    /// The time to finish is over: calls are refused, those in flight too.
    pub fn stop_serving(&self) {
        self.stopping.store(true, Relaxed);
    }

    fn is_stopping(&self) -> bool {
        self.stopping.load(Relaxed)
    }

    /// Whether a chain, or any chain, can be served.
    pub fn ready(&self, chain: Option<&str>) -> Readiness {
        let topology = self.current.load();
        let now = self.clock.now();
        if let Some(name) = chain {
            let Some(chain) = topology.chain(name) else { return Readiness::NoSuchChain };
            return self.readiness(&[chain], now);
        }
        let chains: Vec<_> = topology.chains.iter().collect();
        self.readiness(&chains, now)
    }

    fn readiness(&self, chains: &[&Arc<Chain>], now: Timestamp) -> Readiness {
        if self.draining.load(Relaxed) {
            return Readiness::NotReady("draining");
        }
        let asked = chains
            .iter()
            .flat_map(|chain| &chain.members)
            .all(|member| member.node.health.lock().state() != health::State::Unknown);
        if !asked && now.since(self.started) < FIRST_ROUND {
            return Readiness::NotReady("nodes are being asked");
        }
        if chains.iter().any(|chain| chain.can_serve(now)) {
            return Readiness::Ready;
        }
        Readiness::NotReady("no node can serve")
    }
}

impl Scope<'_> {
    fn now(&self) -> Timestamp {
        self.gateway.clock.now()
    }

    /// Bytes of a reply at most.
    fn response_limit(&self) -> u64 {
        self.chain.config.response
    }

    /// Answers one call that came alone.
    async fn single(&self, call: &Call<'_>) -> Answer {
        let under_way = self.begin(call);
        let way = self.way(call);
        let served = match self.admit(std::slice::from_ref(&way), 1) {
            Ok(_in_flight) => self.call(call, way).await,
            Err(error) => Served::refused(error),
        };
        under_way.end(&served);
        self.answer_single(call.id, served)
    }
}
