//! Plays one scenario: starts everything, lets it run, stops everything, judges.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow};
use parking_lot::Mutex;

use crate::attack::{self, Seen as Attacked};
use crate::expect;
use crate::files;
use crate::fleet::Fleet;
use crate::gateway::{Gateway, Ports, config};
use crate::load::Seen;
use crate::load::engine::{self, Order, Target};
use crate::report::{self, Event, Report};
use crate::scenario::{Reload, Scenario};
use crate::steps::{self, Reloads};
use crate::watch::health::Prober;
use crate::watch::{self, Watched};

/// A gateway that was told to stop may take this long.
const STOP: Duration = Duration::from_secs(70);
/// Confirmation and inclusion of the last writes, in block times.
const SETTLE: u32 = 3;

/// How a run is made.
#[derive(Clone, Debug)]
pub struct Options {
    /// The gateway's binary.
    pub gateway: PathBuf,
    /// Factor on the scenario's rate.
    pub rate_scale: f64,
    /// Keep the folder with config and log.
    pub keep: bool,
    /// Judge how long calls took too. Not where several runs share the machine: then all
    /// that is judged is counted.
    pub timed: bool,
    /// Judge what says something only where nothing else runs on the machine.
    pub strict: bool,
}

/// Everything that runs.
#[derive(Debug)]
pub struct World {
    pub scenario: Arc<Scenario>,
    pub fleet: Fleet,
    pub ports: Vec<Ports>,
    pub gateways: Mutex<Vec<Gateway>>,
    pub watched: Mutex<Watched>,
    pub reloads: Mutex<Reloads>,
    /// Names of metrics that are kept.
    pub names: HashSet<String>,
    events: Mutex<Vec<(Instant, String)>>,
}

/// What a run gave, before it is judged.
#[derive(Debug)]
pub struct Outcome {
    pub world: Arc<World>,
    pub seen: Seen,
    /// In the order of the file.
    pub attacks: Vec<Attacked>,
    /// Requests a second that were meant.
    pub rate: f64,
    pub rate_scale: f64,
    /// See [`Options::timed`].
    pub timed: bool,
    pub length: Duration,
    pub events: Vec<Event>,
    pub logs: Vec<String>,
}

impl World {
    /// Takes note of something that happened now.
    pub fn event(&self, what: String) {
        self.events.lock().push((Instant::now(), what));
    }

    /// The config of a gateway with some changes.
    #[must_use]
    pub fn config_text(&self, gateway: usize, changes: &Reload) -> String {
        config::table(&self.scenario, &self.fleet, self.ports[gateway], changes).to_string()
    }
}

/// Plays a scenario and judges it.
///
/// # Errors
/// What keeps a run from being one: no port, no gateway, no thread.
pub async fn run(name: &str, scenario: Scenario, options: &Options) -> anyhow::Result<Report> {
    files::provide(scenario.attack.iter().map(|attack| attack.connections as u64).sum())?;
    let folder = Folder::new(options.keep)?;
    let world = build(scenario).await?;
    steps::before(&world).await?;
    start_gateways(&world, options, &folder.path).await?;
    let outcome = play(&world, options).await?;
    let mut findings = expect::judge(&outcome);
    findings.iter_mut().for_each(|one| one.excuse(options.timed, options.strict));
    let report = report::make(name, &outcome, findings);
    if !report.passed {
        folder.keep.store(true, Ordering::Relaxed);
    }
    let kept = folder.keep.load(Ordering::Relaxed).then(|| folder.path.clone());
    Ok(Report { folder: kept, ..report })
}

async fn build(scenario: Scenario) -> anyhow::Result<Arc<World>> {
    let fleet = Fleet::start(&scenario).await?;
    let ports = (0..scenario.gateway.count).map(|_| Ports::free()).collect::<Result<_, _>>()?;
    let metrics = scenario.expect.iter().filter_map(|expect| expect.metric.as_ref());
    let mut names: HashSet<_> = metrics.map(|metric| metric.name.clone()).collect();
    names.insert(expect::EJECTIONS.to_owned());
    Ok(Arc::new(World {
        scenario: Arc::new(scenario),
        fleet,
        ports,
        gateways: Mutex::default(),
        watched: Mutex::default(),
        reloads: Mutex::default(),
        names,
        events: Mutex::default(),
    }))
}

async fn start_gateways(world: &World, options: &Options, folder: &Path) -> anyhow::Result<()> {
    let mut started = Vec::new();
    for (at, ports) in world.ports.iter().enumerate() {
        let path = folder.join(format!("gateway-{at}.toml"));
        config::replace(&path, &world.config_text(at, &Reload::default()))?;
        started.push(Gateway::start(&options.gateway, path, *ports)?);
    }
    for gateway in &mut started {
        gateway.wait_ready().await?;
    }
    *world.gateways.lock() = started;
    Ok(())
}

async fn play(world: &Arc<World>, options: &Options) -> anyhow::Result<Outcome> {
    let stop = Arc::new(AtomicBool::new(false));
    let _stopper = Stopper(Arc::clone(&stop));
    let rate = *world.scenario.load.rate.get_ref() * options.rate_scale;
    let (started, start) = tokio::sync::oneshot::channel();
    let targets = world.gateways.lock().iter().map(target).collect();
    let order = Order {
        scenario: Arc::clone(&world.scenario),
        truth: Arc::clone(&world.fleet.truth),
        targets,
        rate,
        stop,
        started,
    };
    let (send, loaded) = tokio::sync::oneshot::channel();
    let work = move || {
        // Nobody waits for it any more when the run was given up.
        let _ = send.send(engine::run(order));
    };
    std::thread::Builder::new().name("load".to_owned()).spawn(work)?;
    let start = start.await.map_err(|_| anyhow!("the load did not start"))?;
    let watching = Task(tokio::spawn(watch::run(Arc::clone(world), start)));
    let attacking = attacks(world, options, start)?;
    let prober = prober(world, start)?;
    let stepping = steps::run(Arc::clone(world), start);
    let (seen, stepped) = tokio::join!(loaded, stepping);
    stepped?;
    let seen = seen.map_err(|_| anyhow!("the load broke off"))??;
    let mut attacks = Vec::new();
    for attack in attacking {
        attacks.push(attack.await.map_err(|_| anyhow!("an attack broke off"))??);
    }
    if let Some(prober) = prober {
        world.watched.lock().health = prober.end().await?;
    }
    settle(world).await;
    drop(watching);
    Ok(Outcome { attacks, ..finish(world, seen, options, start).await? })
}

type Attacking = tokio::sync::oneshot::Receiver<std::io::Result<Attacked>>;

/// Starts all attacks, each of which waits for its time.
fn attacks(world: &World, options: &Options, start: Instant) -> anyhow::Result<Vec<Attacking>> {
    let target = world.gateways.lock().first().map(|gateway| gateway.data);
    let target = target.context("no gateway to attack")?;
    let order = |attack: &crate::scenario::Attack| attack::Order {
        attack: attack.clone(),
        scenario: Arc::clone(&world.scenario),
        truth: Arc::clone(&world.fleet.truth),
        target,
        start,
        rate_scale: options.rate_scale,
    };
    let all = world.scenario.attack.iter().map(order);
    all.map(|order| attack::start(order).context("an attack's thread")).collect()
}

/// Asks for health where that is judged.
fn prober(world: &World, start: Instant) -> anyhow::Result<Option<Prober>> {
    let judged = world.scenario.expect.iter().any(|expect| expect.health_within.is_some());
    let gateway = world.gateways.lock().first().map(|gateway| gateway.data);
    let gateway = gateway.filter(|_| judged);
    gateway.map(|gateway| Prober::start(gateway, start)).transpose().context("a prober's thread")
}

async fn finish(
    world: &Arc<World>,
    seen: Seen,
    options: &Options,
    start: Instant,
) -> anyhow::Result<Outcome> {
    watch::scrape(world, start).await;
    let counted = watch::count(world, start.elapsed());
    world.watched.lock().counted.push(counted);
    let since = |at: &Instant| {
        let before = start.saturating_duration_since(*at).as_secs_f64();
        at.saturating_duration_since(start).as_secs_f64() - before
    };
    let events = world.events.lock();
    let events = events.iter().map(|(at, what)| Event { t: since(at), what: what.clone() });
    let logs = world
        .gateways
        .lock()
        .iter()
        .map(|one| std::fs::read_to_string(&one.log))
        .collect::<Result<_, _>>();
    Ok(Outcome {
        world: Arc::clone(world),
        seen,
        attacks: Vec::new(),
        rate: *world.scenario.load.rate.get_ref() * options.rate_scale,
        rate_scale: options.rate_scale,
        timed: options.timed,
        length: world.scenario.load.duration.get_ref().0,
        events: events.collect(),
        logs: logs.context("the gateway's log")?,
    })
}

fn target(gateway: &Gateway) -> Target {
    Target { address: gateway.data, ready: Arc::clone(&gateway.ready) }
}

/// Waits for gateways that were told to stop, and for the last writes.
async fn settle(world: &World) {
    let end = Instant::now() + STOP;
    let stopping = |gateway: &Gateway| gateway.told.is_some() && gateway.ended.is_none();
    while Instant::now() < end {
        world.gateways.lock().iter_mut().for_each(Gateway::look);
        if !world.gateways.lock().iter().any(stopping) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let writes =
        world.scenario.load.mix.iter().any(|share| share.call == crate::scenario::Recipe::Write);
    if writes {
        tokio::time::sleep(world.scenario.chain.block_time.0 * SETTLE).await;
    }
}

/// Ends the load when a run is given up.
struct Stopper(Arc<AtomicBool>);

impl Drop for Stopper {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A task that ends with its handle.
struct Task(tokio::task::JoinHandle<()>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The folder of a run: removed unless something failed in it.
struct Folder {
    path: PathBuf,
    keep: AtomicBool,
}

impl Folder {
    fn new(keep: bool) -> anyhow::Result<Self> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("headrace-scenario-{}-{count}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).context("a folder for the run")?;
        Ok(Self { path, keep: AtomicBool::new(keep) })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !self.keep.load(Ordering::Relaxed) {
            // Nothing to be done about what cannot be removed.
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}
