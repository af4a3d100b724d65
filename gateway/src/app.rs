//! A whole gateway from a checked config: ports bound, nodes probed, the data port
//! served by its workers, the admin port and the probes by the control thread.

use std::{
    io,
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use arc_swap::ArcSwap;
use thiserror::Error;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::mpsc,
    task::JoinHandle,
    time::{sleep, timeout},
};

use crate::{
    access::AccessLog,
    admin::{self, Admin},
    clock::Clock,
    config::Config,
    gateway::Gateway,
    metrics::ReloadStatus,
    reload::{self, Reloader},
    server::{
        self, BindError, Doors, Options, Phase, Shutdown, Timing, Traffic,
        http::{BodyTiming, Edge},
    },
    topology::{Current, Topology, Unbuildable},
    watchdog,
};

/// What is in flight when serving ends may take so long, then everything is dropped.
const HARD_STOP: Duration = Duration::from_secs(60);
/// File descriptors that clients never get.
const RESERVE: u64 = 64;
/// Then its calls get an answer that says so, within this time.
const REFUSING: Duration = Duration::from_millis(500);

/// Why a gateway did not start. Each is one clear line.
#[derive(Debug, Error)]
pub enum StartError {
    #[error(transparent)]
    Bind(#[from] BindError),
    #[error(transparent)]
    Build(#[from] Unbuildable),
    #[error("the access log cannot be opened: {0}")]
    AccessLog(io::Error),
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// A gateway that serves.
pub struct Running {
    pub gateway: Arc<Gateway>,
    pub reloader: Arc<Reloader>,
    pub shutdown: Shutdown,
    pub traffic: Arc<Traffic>,
    /// Where it really listens: port 0 is resolved.
    pub data: Vec<SocketAddr>,
    pub admin: SocketAddr,
    serving: JoinHandle<io::Result<()>>,
}

impl Running {
    /// Binds both ports and serves. Must be called on a runtime that stays: it becomes
    /// the control thread.
    ///
    /// # Errors
    /// A port in use, a certificate or log that cannot be opened.
    pub fn start(config: Config) -> Result<Self, StartError> {
        raise_fd_limit();
        let config = Arc::new(config);
        let listeners = server::bind(&config.server.listen)?;
        let admin_listener = server::bind(&[config.admin.listen])?;
        let data = listeners.iter().map(|one| one.local_addr()).collect::<io::Result<Vec<_>>>()?;
        let admin =
            admin_listener.first().map_or(Ok(config.admin.listen), |one| one.local_addr())?;
        let access = AccessLog::open(&config.log).map_err(StartError::AccessLog)?;
        let current = Arc::new(Current::new(Topology::build(Arc::clone(&config), None)?));
        let gateway = Arc::new(Gateway::new(Arc::clone(&current), Clock::system(), access));
        let pressure = Arc::clone(&gateway.pressure);
        tokio::spawn(watchdog::beat(Arc::clone(&pressure)));
        tokio::spawn(watchdog::look_after(Arc::clone(&pressure)));
        let options = Options::new(config.server.threads, doors(&current.load())).under(pressure);
        let limits = Limits::new(&config, &options);
        let traffic = Arc::clone(options.traffic());
        let reloader = Arc::new(reloader(&gateway, current, &limits, &config));
        let shutdown = Shutdown::default();
        let running = Self {
            serving: tokio::spawn(serve(
                Arc::clone(&gateway),
                listeners,
                options,
                limits,
                shutdown.clone(),
            )),
            gateway,
            reloader,
            shutdown,
            traffic,
            data,
            admin,
        };
        running.serve_admin(admin_listener);
        Ok(running)
    }

    fn serve_admin(&self, listeners: Vec<std::net::TcpListener>) {
        let pages = admin::pages(&self.gateway, &self.traffic, &self.reloader.status);
        let gateway = Arc::clone(&self.gateway);
        let token = move || gateway.current.with(|topology| topology.config.admin.token.clone());
        let service = Admin::new(pages, Box::new(token), self.shutdown.watch());
        for listener in listeners {
            let options = Options::new(1, Doors::plain(admin::CONNECTIONS, Timing::default()));
            let (service, shutdown) = (service.clone(), self.shutdown.clone());
            tokio::spawn(async move {
                if let Err(error) = server::serve_here(listener, options, &shutdown, service).await
                {
                    tracing::error!(%error, "the admin port is gone");
                }
            });
        }
    }

    /// Reloads whenever `path` changes or SIGHUP comes.
    ///
    /// # Errors
    /// The signal cannot be listened for.
    pub fn watch(&self, path: PathBuf) -> io::Result<()> {
        let (send, hangups) = mpsc::channel(1);
        let mut signals = signal(SignalKind::hangup())?;
        tokio::spawn(async move {
            while signals.recv().await.is_some() {
                // A reload that is already asked for will read the newest file.
                let _ = send.try_send(());
            }
        });
        tokio::spawn(reload::watch(Arc::clone(&self.reloader), path, hangups));
        Ok(())
    }

    /// Serves until SIGTERM or SIGINT, then drains: not ready at once, serving on for
    /// `server.drain`, then finishing what is in flight. A second signal stops at once.
    ///
    /// # Errors
    /// Signals cannot be listened for, or the workers could not be started.
    pub async fn until_told(self) -> io::Result<()> {
        let mut signals = Signals::new()?;
        let mut serving = self.serving;
        tokio::select! {
            ended = &mut serving => return ended.unwrap_or_else(|error| Err(io::Error::other(error))),
            () = signals.next() => {}
        }
        let drain = self.gateway.current.with(|topology| topology.config.server.drain);
        tracing::info!(?drain, "told to stop: not ready, serving on");
        self.gateway.start_draining();
        self.shutdown.enter(Phase::Draining);
        tokio::select! {
            () = sleep(drain) => tracing::info!("finishing what is in flight"),
            () = signals.next() => {
                tracing::warn!("told again: stopping at once");
                self.shutdown.enter(Phase::Stop);
            }
        }
        self.shutdown.enter(Phase::Finishing);
        let ended = tokio::select! {
            ended = timeout(HARD_STOP, &mut serving) => ended.is_ok(),
            () = signals.next() => false,
        };
        if !ended {
            tracing::warn!("what is still in flight is refused");
            self.gateway.stop_serving();
            let refused = timeout(REFUSING, &mut serving).await.is_ok();
            self.shutdown.enter(Phase::Stop);
            if !refused {
                drop(timeout(Duration::from_secs(2), &mut serving).await);
            }
        }
        tracing::info!("stopped");
        Ok(())
    }

    /// Ends at once: for tests and the demo.
    pub async fn stop(self) {
        self.shutdown.enter(Phase::Stop);
        drop(timeout(Duration::from_secs(2), self.serving).await);
    }
}

/// Limits that a reload may change and that live outside the topology.
#[derive(Clone)]
struct Limits {
    doors: Arc<ArcSwap<Doors>>,
    /// Bytes that request bodies may still take together.
    bodies: Arc<AtomicU64>,
}

impl Limits {
    fn new(config: &Config, options: &Options) -> Self {
        Self {
            doors: Arc::clone(&options.doors),
            bodies: Arc::new(AtomicU64::new(config.limits.bodies)),
        }
    }

    fn change(&self, from: &Config, to: &Config) {
        let (was, now) = (from.limits.bodies, to.limits.bodies);
        let moved = |left: u64| Some(left.saturating_add(now).saturating_sub(was));
        let _ = self.bodies.fetch_update(Relaxed, Relaxed, moved);
    }
}

/// The terms for client connections under this topology.
fn doors(topology: &Topology) -> Doors {
    Doors::of(topology, connections(&topology.config))
}

/// At most half of the file descriptors, and all but a reserve: calls need others, to the
/// nodes, and so does the admin port.
fn connections(config: &Config) -> usize {
    let files = rlimit::getrlimit(rlimit::Resource::NOFILE).map_or(1_024, |(soft, _)| soft);
    let most = (files / 2).min(files.saturating_sub(RESERVE)).max(1);
    config.limits.connections.min(usize::try_from(most).unwrap_or(usize::MAX))
}

fn raise_fd_limit() {
    if let Ok((_, hard)) = rlimit::getrlimit(rlimit::Resource::NOFILE)
        && let Err(error) = rlimit::setrlimit(rlimit::Resource::NOFILE, hard, hard)
    {
        tracing::warn!(%error, "the limit on open files stays as it is");
    }
}

fn reloader(
    gateway: &Arc<Gateway>,
    current: Arc<Current>,
    limits: &Limits,
    config: &Arc<Config>,
) -> Reloader {
    let pressure = Arc::clone(&gateway.pressure);
    let (gateway, limits, in_force) = (Arc::clone(gateway), limits.clone(), Arc::clone(&current));
    let last = parking_lot::Mutex::new(Arc::clone(config));
    let applied = move |config: &Config| {
        let mut last = last.lock();
        limits.change(&last, config);
        limits.doors.store(Arc::new(doors(&in_force.load())));
        if last.log != config.log {
            match AccessLog::open(&config.log) {
                Ok(log) => gateway.access.store(Arc::new(log)),
                Err(error) => {
                    tracing::error!(%error, "the access log cannot be opened, the old one stays")
                }
            }
        }
        *last = Arc::new(config.clone());
    };
    Reloader::new(current, pressure, Arc::new(ReloadStatus::default()), applied)
}

async fn serve(
    gateway: Arc<Gateway>,
    listeners: Vec<std::net::TcpListener>,
    options: Options,
    limits: Limits,
    shutdown: Shutdown,
) -> io::Result<()> {
    let phases = shutdown.watch();
    let make = move |_| {
        let (gateway, bodies) = (Arc::clone(&gateway), Arc::clone(&limits.bodies));
        Edge::new(gateway, bodies, BodyTiming::default(), phases.clone())
    };
    server::serve(listeners, options, &shutdown, make).await
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        let terminate = signal(SignalKind::terminate())?;
        Ok(Self { terminate, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
