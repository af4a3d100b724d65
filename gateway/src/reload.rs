//! Live config: read → check → diff → a whole new topology → one store.
//!
//! A bad file changes nothing and is reported with every problem; so is one that
//! changes what needs a restart, or whose certificates cannot be read. Nodes that
//! stay keep their facts and connections; requests under way finish on the
//! topology they began with. Built before it is swapped: nothing to roll back.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use parking_lot::Mutex;
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;

use crate::{
    config::{
        Config,
        diff::{Diff, diff},
        file,
        files::Digest,
        load::{Loaded, read_bounded},
        problem::{Problem, text},
    },
    metrics::ReloadStatus,
    pressure::Pressure,
    topology::{Current, Topology},
    tracker::Tracker,
};

/// How often the file is looked at. A change must stand still for one more look: editors
/// save in several writes.
const LOOK: Duration = Duration::from_millis(500);
/// Most bytes of the file that are read.
const MOST_BYTES: u64 = 4 << 20;

/// What came of one reload.
#[derive(Debug)]
pub enum Outcome {
    /// The new config means the same.
    Unchanged,
    Applied(Diff),
    /// Nothing changed; one text per problem.
    Refused(Vec<String>),
}

/// Puts configs in force.
pub struct Reloader {
    pub current: Arc<Current>,
    pub status: Arc<ReloadStatus>,
    pressure: Arc<Pressure>,
    tracker: Mutex<Tracker>,
    /// Told of each new config, for what lives outside the topology.
    applied: Box<dyn Fn(&Config) + Send + Sync>,
}

impl Reloader {
    /// Starts probing the current topology; `applied` hears of every config put in force
    /// from now on.
    pub fn new(
        current: Arc<Current>,
        pressure: Arc<Pressure>,
        status: Arc<ReloadStatus>,
        applied: impl Fn(&Config) + Send + Sync + 'static,
    ) -> Self {
        let tracker = Mutex::new(Tracker::start(&current.load(), &pressure));
        Self { current, status, pressure, tracker, applied: Box::new(applied) }
    }

    /// Puts a config in force, or says why not. Never both.
    pub fn apply(&self, loaded: Result<Loaded, Vec<Problem>>) -> Outcome {
        let outcome = match loaded {
            Err(problems) => Outcome::Refused(problems.iter().map(ToString::to_string).collect()),
            Ok(loaded) => {
                if !loaded.warnings.is_empty() {
                    tracing::warn!("the new config is odd:\n{}", text(&loaded.warnings));
                }
                self.swap(loaded.config)
            }
        };
        self.report(&outcome);
        outcome
    }

    fn swap(&self, config: Config) -> Outcome {
        // One reload at a time: the tracker's lock is held until the swap is done.
        let mut tracker = self.tracker.lock();
        let old = self.current.load();
        let changes = diff(&old.config, &config);
        if changes.is_empty() {
            return Outcome::Unchanged;
        }
        let restart = changes.restart();
        if !restart.is_empty() {
            let refuse = |key: &&str| {
                format!(
                    "{key}: cannot change while the gateway runs, nothing of this file is applied"
                )
            };
            return Outcome::Refused(restart.iter().map(refuse).collect());
        }
        match Topology::build(Arc::new(config), Some(&old)) {
            Err(error) => Outcome::Refused(vec![error.to_string()]),
            Ok(topology) => {
                let topology = Arc::new(topology);
                // Before the store: who sees the new revision must not see the old failure.
                self.status.succeeded();
                self.current.store(Arc::clone(&topology));
                *tracker = Tracker::start(&topology, &self.pressure);
                (self.applied)(&topology.config);
                Outcome::Applied(changes)
            }
        }
    }

    fn report(&self, outcome: &Outcome) {
        match outcome {
            Outcome::Unchanged => {
                self.status.succeeded();
                tracing::debug!("config read again: no change");
            }
            Outcome::Applied(changes) => {
                self.status.succeeded();
                let revision = &self.current.load().config.revision;
                tracing::info!(%revision, "new config in force:\n{changes}");
            }
            Outcome::Refused(problems) => {
                self.status.failed();
                tracing::error!(
                    "the new config is refused, the old one stays:\n{}",
                    problems.join("\n")
                );
            }
        }
    }
}

/// Watches a config file, and the files that the config in force names (certificates, keys,
/// secrets), for as long as the task lives. Looks at the bytes, not at
/// times or inodes, so that atomic renames and swapped symlinks are changes like any
/// other. A message on `hangups` (SIGHUP) reads the file at once, changed or not.
pub async fn watch(reloader: Arc<Reloader>, path: PathBuf, mut hangups: mpsc::Receiver<()>) {
    // The file may have changed since it was loaded: the first look reads it once more.
    let mut applied = Vec::new();
    let mut seen = Vec::new();
    loop {
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {
                let now = contents(&reloader, &path).await;
                let settled = now == seen;
                seen.clone_from(&now);
                if now == applied || !settled {
                    continue;
                }
            }
            Some(()) = hangups.recv() => tracing::info!("SIGHUP: reading the config"),
        }
        applied = contents(&reloader, &path).await;
        seen.clone_from(&applied);
        reload(&reloader, &path).await;
    }
}

/// Reads the file and puts it in force.
pub async fn reload(reloader: &Arc<Reloader>, path: &Path) {
    let (reloader, path) = (Arc::clone(reloader), path.to_owned());
    let work = move || {
        reloader.apply(Config::load(&path, &file::system));
    };
    if tokio::task::spawn_blocking(work).await.is_err() {
        tracing::error!("reading the config failed: the old one stays");
    }
}

/// What the config file and the files it names hold, as digests; `None` of one that cannot
/// be read.
async fn contents(reloader: &Reloader, path: &Path) -> Vec<Option<Digest>> {
    let named = reloader.current.load().config.files.paths().map(Path::to_owned).collect();
    let paths: Vec<PathBuf> = [vec![path.to_owned()], named].concat();
    let digest = |path: &PathBuf| Some(Sha256::digest(read_bounded(path, MOST_BYTES).ok()?).into());
    let read = move || paths.iter().map(digest).collect();
    tokio::task::spawn_blocking(read).await.unwrap_or_default()
}
