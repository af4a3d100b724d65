//! Keeps the facts of every node fresh: one probe task per node asks, one watch
//! task per chain looks at what nobody said. What follows from the answers is
//! decided by the rules (`head`, `health`); the tracker only asks and publishes.
//!
//! It runs on the control thread, apart from the workers that carry calls, so
//! that a busy data path neither delays probes nor makes nodes look dead.

mod ask;
mod probe;
mod publish;

use std::{sync::Arc, time::Duration};

use tokio::task::JoinSet;

use crate::{
    metrics::Ejection,
    pressure::Pressure,
    topology::{Chain, Topology},
};

pub use self::ask::{Told, ask, knows_transaction, offered};

/// How often the watch task looks.
const WATCH: Duration = Duration::from_millis(100);

/// The running probes of one topology; dropping it stops them.
#[derive(Debug)]
pub struct Tracker {
    _tasks: JoinSet<()>,
}

impl Tracker {
    /// Starts probing every node of the topology. Nodes keep what is known of them.
    pub fn start(topology: &Topology, pressure: &Arc<Pressure>) -> Self {
        let mut tasks = JoinSet::new();
        for chain in &topology.chains {
            for at in 0..chain.members.len() {
                tasks.spawn(probe::run(Arc::clone(chain), at, Arc::clone(pressure)));
            }
            tasks.spawn(watch(Arc::clone(chain), Arc::clone(pressure)));
        }
        Self { _tasks: tasks }
    }
}

/// Notices what no answer tells: silence, heads that stopped, an own fleet that is gone.
async fn watch(chain: Arc<Chain>, pressure: Arc<Pressure>) {
    let started = pressure.clock.now();
    let mut ticks = tokio::time::interval(WATCH);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut panicking = false;
    let mut looked = started;
    loop {
        ticks.tick().await;
        let now = pressure.clock.now();
        // Woken late, here or on a worker, we are the ones who did not listen.
        let listened = now.since(looked) < WATCH * 2 && pressure.stalls.are_over(now);
        looked = now;
        for member in chain.members.iter().filter(|_| listened) {
            if member.node.is_silent(now) && member.node.suspect(now) {
                member.node.metrics.on_ejection(Ejection::Suspicion);
                tracing::warn!(chain = %chain.config.name, node = %member.node.config.name,
                    "node suspected: calls are out and nothing comes back");
            }
        }
        publish::settle(&chain, now, started);
        if !publish::own_node_usable(&chain) {
            wake_fallback(&chain);
        }
        let panic = publish::everyone_asked(&chain, now, started) && chain.in_panic(now);
        if panic != panicking {
            panicking = panic;
            say_panic(&chain, panic);
        }
    }
}

/// Fallback nodes are probed rarely, until they are needed.
fn wake_fallback(chain: &Chain) {
    for member in chain.members.iter().filter(|member| member.node.config.fallback) {
        if member.node.lag() > 0 || member.node.is_suspected() {
            member.node.probe_now.notify_one();
        }
    }
}

fn say_panic(chain: &Chain, panic: bool) {
    if panic {
        tracing::error!(chain = %chain.config.name,
            "most of the chain's capacity looks sick: checks that may be wrong are distrusted");
    } else {
        tracing::info!(chain = %chain.config.name, "most of the chain's capacity looks well again");
    }
}
