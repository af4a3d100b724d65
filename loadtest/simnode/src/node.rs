//! One simulated node: what it has of the chain, what it keeps, and what ails it.
//!
//! A [`Node`] owns a listening socket and stops when it is dropped. The chain decides
//! what is true; the node decides what it shows of it.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::{Duration, Instant};

use http::request::Parts;
use parking_lot::RwLock;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;

use crate::chain::{BranchId, Chain, Viewer};
use crate::counters::{Counters, Counts};
use crate::family::{Client, Family};
use crate::faults::{BadFault, Fault, Injected};
use crate::hash::{Draws, key_of, mix};
use crate::latency::Latency;
use crate::manners::Manners;
use crate::retention::Retention;
use crate::server;

/// What makes a node.
#[derive(Clone, Debug)]
pub struct NodeOptions {
    /// Also seeds the node's delays and draws.
    pub name: String,
    /// Default 127.0.0.1, any free port.
    pub listen: SocketAddr,
    /// Default geth. Must be of the chain's family.
    pub client: Client,
    pub retention: Retention,
    pub latency: Latency,
    /// Calls served at the same time; more wait. Default 1,024.
    pub slots: usize,
    /// Calls that may wait; more get 503. Default 65,536.
    pub queue: usize,
    /// Open connections; more are closed at once. Default 4,096.
    pub max_connections: usize,
    /// How long a call that waits for a transaction holds its socket at most.
    /// Default 10 s.
    pub patience: Duration,
    /// New heads arrive within this time, each after a part of it. Default 100 ms.
    pub delay: Duration,
}

impl NodeOptions {
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    /// A node that imitates the usual client of a family.
    #[must_use]
    pub fn of(family: Family, name: &str) -> Self {
        let max_connections = family.manners().connections;
        Self { client: family.client(), max_connections, ..Self::named(name) }
    }
}

impl Default for NodeOptions {
    fn default() -> Self {
        Self {
            name: "node".to_owned(),
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            client: Client::Geth,
            retention: Retention::default(),
            latency: Latency::default(),
            slots: 1_024,
            queue: 65_536,
            max_connections: 4_096,
            patience: Duration::from_secs(10),
            delay: Duration::from_millis(100),
        }
    }
}

/// A running node. Dropping it stops it and resets its connections.
#[derive(Debug)]
pub struct Node {
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

impl Node {
    /// Binds the node's port and starts to serve. Needs a tokio runtime.
    ///
    /// # Errors
    /// When the address cannot be bound, or the client is of another family.
    pub async fn start(chain: Arc<Chain>, options: NodeOptions) -> io::Result<Self> {
        let (client, family) = (options.client, chain.options.family);
        if client.family() != family {
            let why = format!("{client:?} is no software of the family {family:?}");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
        }
        let socket = server::reserve(options.listen)?;
        let address = socket.local_addr()?;
        let listener = socket.listen(server::BACKLOG)?;
        let shared = Arc::new(Shared::new(chain, options, address));
        let task = tokio::spawn(server::run(Arc::clone(&shared), listener));
        Ok(Self { shared, task })
    }

    #[must_use]
    pub fn name(&self) -> &str {
        &self.shared.options.name
    }

    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.shared.address
    }

    /// `http://address:port`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.shared.address)
    }

    /// Switches a fault on; one of the same kind is replaced. Effective for every call
    /// that arrives from now on.
    ///
    /// # Errors
    /// When its values make no sense.
    pub fn inject(&self, injected: impl Into<Injected>) -> Result<(), BadFault> {
        self.shared.inject(injected.into())
    }

    /// As [`Node::inject`] for faults whose values are known to be good; a fault whose
    /// values make no sense changes nothing.
    pub fn set(&self, fault: impl Into<Injected>) {
        // The caller of this form has nothing to tell anybody: see `inject`.
        let _ = self.shared.inject(fault.into());
    }

    /// Heals everything.
    pub fn clear(&self) {
        self.shared.clear();
    }

    #[must_use]
    pub fn faults(&self) -> Vec<Injected> {
        self.shared.ailments.read().list.clone()
    }

    #[must_use]
    pub fn counters(&self) -> Counts {
        self.shared.counters.snapshot()
    }

    /// What the node shows as its newest block.
    #[must_use]
    pub fn head(&self) -> u64 {
        let view = self.shared.view();
        view.claim.unwrap_or(view.head)
    }

    /// The part that the control port works on.
    #[must_use]
    pub fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.task.abort();
        self.shared.stop();
    }
}

/// What a node shows of the chain at one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct View {
    pub branch: BranchId,
    pub head: u64,
    /// The head without what is invented: what the node keeps of the past is counted from
    /// here, so that a lie loses nothing.
    pub own: u64,
    /// A claimed height for which there are no headers.
    pub claim: Option<u64>,
}

/// What a family needs to answer one call.
#[derive(Debug)]
pub struct Context<'a> {
    pub chain: &'a Chain,
    pub node: &'a Shared,
    pub view: View,
    /// State reads fail as pruned.
    pub state_lost: bool,
    /// Transactions are passed on.
    pub peers: bool,
    /// The HTTP head that the call came with.
    pub head: &'a Parts,
}

impl Context<'_> {
    /// The node as its pool sees it.
    #[must_use]
    pub fn viewer(&self) -> Viewer {
        self.node.viewer(self.view)
    }
}

/// The node as its tasks share it.
#[derive(Debug)]
pub struct Shared {
    pub options: NodeOptions,
    pub address: SocketAddr,
    pub chain: Arc<Chain>,
    pub counters: Counters,
    /// The name as a number, for pools and draws.
    pub key: u64,
    pub(crate) draws: Draws,
    pub(crate) connections: AtomicUsize,
    ailments: RwLock<Arc<Ailments>>,
    changed: watch::Sender<u64>,
    slots: Semaphore,
    waiting: AtomicUsize,
}

/// The faults of a node, with what was fixed when they were set.
#[derive(Clone, Debug, Default)]
struct Ailments {
    list: Vec<Injected>,
    frozen: Option<(BranchId, u64)>,
    branch: Option<BranchId>,
    flap_since: Option<Instant>,
    stopped: bool,
}

/// Whether a node serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Life {
    Up,
    /// Not listening.
    Closed,
    Dead,
    /// For good.
    Stopped,
}

impl Shared {
    fn new(chain: Arc<Chain>, options: NodeOptions, address: SocketAddr) -> Self {
        let key = key_of(&options.name);
        Self {
            draws: Draws::new(mix(key ^ chain.options.seed)),
            slots: Semaphore::new(options.slots.clamp(1, Semaphore::MAX_PERMITS)),
            key,
            options,
            address,
            chain,
            counters: Counters::default(),
            connections: AtomicUsize::new(0),
            ailments: RwLock::default(),
            changed: watch::Sender::new(0),
            waiting: AtomicUsize::new(0),
        }
    }

    /// See [`Node::inject`].
    ///
    /// # Errors
    /// When the values make no sense.
    pub fn inject(&self, injected: Injected) -> Result<(), BadFault> {
        injected.check()?;
        let dies = injected.fault == Fault::Die;
        self.change(|ailments| self.add(ailments, injected));
        if dies {
            self.chain.lose(self.key);
        }
        Ok(())
    }

    /// See [`Node::clear`].
    pub fn clear(&self) {
        self.change(|ailments| *ailments = Ailments::default());
    }

    /// The faults that are on.
    #[must_use]
    pub fn faults(&self) -> Vec<Injected> {
        self.ailments.read().list.clone()
    }

    fn stop(&self) {
        self.change(|ailments| ailments.stopped = true);
    }

    fn change(&self, act: impl FnOnce(&mut Ailments)) {
        {
            let mut held = self.ailments.write();
            let mut ailments = Ailments::clone(&held);
            act(&mut ailments);
            *held = Arc::new(ailments);
        }
        self.announce();
    }

    /// The node as its pool sees it when it shows this.
    #[must_use]
    pub fn viewer(&self, view: View) -> Viewer {
        Viewer { node: self.key, branch: view.branch, head: view.head }
    }

    /// How the node takes requests.
    pub(crate) fn manners(&self) -> Manners {
        self.chain.options.family.manners()
    }

    /// Wakes whoever waits for a change of the faults.
    pub(crate) fn announce(&self) {
        self.changed.send_modify(|count| *count += 1);
    }

    pub(crate) fn watch(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    fn add(&self, ailments: &mut Ailments, injected: Injected) {
        match &injected.fault {
            Fault::Freeze => {
                let view = self.view_with(ailments);
                ailments.frozen = Some((view.branch, view.head));
            }
            Fault::Flap { .. } => ailments.flap_since = Some(Instant::now()),
            Fault::WrongChain { chain_id } => {
                ailments.branch = Some(self.chain.fork(0, *chain_id, false, Some(*chain_id)));
            }
            Fault::Fork { height, salt } => {
                ailments.branch = Some(self.chain.fork((*height).max(1), *salt, false, None));
            }
            Fault::Lie { headers: true, .. } => {
                let base = self.chain.tip().1 + 1;
                ailments.branch = Some(self.chain.fork(base, self.key, true, None));
            }
            _ => {}
        }
        let kind = std::mem::discriminant(&injected.fault);
        ailments.list.retain(|old| std::mem::discriminant(&old.fault) != kind);
        ailments.list.push(injected);
    }

    /// What the node shows now.
    #[must_use]
    pub fn view(&self) -> View {
        let ailments = Arc::clone(&self.ailments.read());
        self.view_with(&ailments)
    }

    fn view_with(&self, ailments: &Ailments) -> View {
        let arrived = || self.chain.arrived(|number| self.delay_of(number));
        let (mut branch, mut head) = ailments.frozen.unwrap_or_else(arrived);
        let (mut claim, mut invented) = (None, 0);
        branch = ailments.branch.unwrap_or(branch);
        for injected in &ailments.list {
            match injected.fault {
                Fault::Lag { blocks } => head = head.saturating_sub(blocks),
                Fault::Lie { blocks, headers: true } => invented = blocks,
                Fault::Lie { blocks, headers: false } => claim = Some(head + blocks),
                _ => {}
            }
        }
        let stands = |number| self.chain.sim.standing(number);
        View { branch, head: stands(head + invented), own: stands(head), claim }
    }

    /// How long block `number` takes to arrive here.
    fn delay_of(&self, number: u64) -> Duration {
        let most = u64::try_from(self.options.delay.as_micros()).unwrap_or(u64::MAX);
        Duration::from_micros(mix(self.key ^ number) % most.saturating_add(1).max(1))
    }

    pub(crate) fn context<'a>(&'a self, method: &str, head: &'a Parts) -> Context<'a> {
        let ailments = Arc::clone(&self.ailments.read());
        let lost = |injected: &Injected| {
            injected.fault == Fault::LoseState
                && injected.concerns(method)
                && self.draws.chance(injected.probability)
        };
        Context {
            chain: &self.chain,
            node: self,
            view: self.view_with(&ailments),
            state_lost: ailments.list.iter().any(lost),
            peers: !ailments.list.iter().any(|injected| injected.fault == Fault::NoPeers),
            head,
        }
    }

    /// The fault that spoils this call, if one does.
    pub(crate) fn strike(&self, method: &str) -> Option<Fault> {
        let ailments = Arc::clone(&self.ailments.read());
        let strikes = |injected: &&Injected| {
            let spoils = !matches!(injected.fault, Fault::Slow { .. } | Fault::LoseState);
            spoils
                && injected.fault.per_call()
                && injected.concerns(method)
                && self.draws.chance(injected.probability)
        };
        ailments.list.iter().find(strikes).map(|injected| injected.fault.clone())
    }

    /// Waits until nothing makes this method hang any more.
    pub(crate) async fn healed(&self, method: &str) {
        let mut changes = self.watch();
        while self.hangs(method) {
            if changes.changed().await.is_err() {
                return;
            }
        }
    }

    fn hangs(&self, method: &str) -> bool {
        let ailments = Arc::clone(&self.ailments.read());
        ailments.list.iter().any(|i| i.fault == Fault::Hang && i.concerns(method))
    }

    /// Waits for a slot and the service time; false when too many wait already.
    pub(crate) async fn serve_time(&self, method: &str) -> bool {
        server::serve_time(self, method, &self.slots, &self.waiting).await
    }

    /// How long this call is to take, faults included.
    pub(crate) fn service_time(&self, method: &str) -> Duration {
        let weight = self.chain.sim.weight(method);
        let mut time = self.options.latency.sample(method, weight, &self.draws);
        let ailments = Arc::clone(&self.ailments.read());
        for injected in &ailments.list {
            let Fault::Slow { factor, extra_ms } = injected.fault else { continue };
            if injected.concerns(method) && self.draws.chance(injected.probability) {
                let scaled = Duration::try_from_secs_f64(time.as_secs_f64() * factor);
                time = scaled.unwrap_or(time).saturating_add(Duration::from_millis(extra_ms));
            }
        }
        time
    }

    pub(crate) fn idle_limit(&self) -> Option<Duration> {
        let ailments = Arc::clone(&self.ailments.read());
        ailments.list.iter().find_map(|injected| match injected.fault {
            Fault::CloseIdle { max_ms } => {
                Some(Duration::from_millis(self.draws.next() % max_ms.max(1) + 1))
            }
            _ => None,
        })
    }

    /// Whether the node serves, and when that changes by itself.
    pub(crate) fn life(&self) -> (Life, Option<Duration>) {
        let ailments = Arc::clone(&self.ailments.read());
        if ailments.stopped {
            return (Life::Stopped, None);
        }
        let mut life = (Life::Up, None);
        for injected in &ailments.list {
            match injected.fault {
                Fault::Die => return (Life::Dead, None),
                Fault::Refuse => life.0 = Life::Closed,
                Fault::Flap { up_ms, down_ms } => {
                    let since = ailments.flap_since.map_or(Duration::ZERO, |at| at.elapsed());
                    let (down, left) = flap_phase(since, up_ms, down_ms);
                    life = (if down { Life::Dead } else { life.0 }, Some(left));
                }
                _ => {}
            }
        }
        life
    }
}

/// Whether a flapping node is down, and for how long the phase still lasts.
fn flap_phase(since: Duration, up_ms: u64, down_ms: u64) -> (bool, Duration) {
    let period = u128::from(up_ms) + u128::from(down_ms);
    let at = since.as_millis() % period.max(1);
    let down = at >= u128::from(up_ms);
    let end = if down { period } else { u128::from(up_ms) };
    let left = u64::try_from(end - at).unwrap_or(1);
    (down, Duration::from_millis(left.max(1)))
}
