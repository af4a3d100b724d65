//! What is seen from outside while a run lasts: calls at the nodes, the gateways'
//! metrics and memory, whether they are ready.

pub mod health;
pub mod metrics;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use self::health::Health;
use self::metrics::Series;
use crate::gateway::http;
use crate::runner::World;

/// Calls at the nodes are counted this often.
const COUNT: Duration = Duration::from_millis(200);
/// Metrics are scraped and memory is read this often.
const SCRAPE: Duration = Duration::from_secs(1);
/// A balancer asks for readiness this often.
const READINESS: Duration = Duration::from_millis(100);

/// Calls received by each node up to an instant.
#[derive(Clone, Debug, Default)]
pub struct Counted {
    pub t: Duration,
    /// By node, in the order of the fleet; by method.
    pub nodes: Vec<BTreeMap<String, u64>>,
}

/// The metrics of one gateway at an instant.
#[derive(Clone, Debug)]
pub struct Scraped {
    pub t: Duration,
    pub gateway: usize,
    pub series: Vec<Series>,
}

/// What a gateway uses at an instant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Used {
    pub t: Duration,
    /// Resident bytes.
    pub rss: u64,
    /// CPU time since its start, in user mode and in the kernel.
    pub user: Duration,
    pub system: Duration,
}

/// All that was seen.
#[derive(Clone, Debug, Default)]
pub struct Watched {
    pub counted: Vec<Counted>,
    pub scraped: Vec<Scraped>,
    /// Greatest resident bytes of any gateway.
    pub rss: u64,
    /// What the first gateway uses, in the order of time.
    pub used: Vec<Used>,
    pub health: Vec<Health>,
}

impl Watched {
    /// Calls at a node up to `t`, of one method or of several.
    #[must_use]
    pub fn calls(&self, node: usize, methods: &[&str], t: Duration) -> u64 {
        let upto = self.counted.partition_point(|counted| counted.t <= t);
        let Some(counted) = upto.checked_sub(1).and_then(|at| self.counted.get(at)) else {
            return 0;
        };
        sum(counted, node, methods)
    }

    /// The greatest resident bytes of the first gateway in a window, what it had at its begin
    /// included.
    #[must_use]
    pub fn resident(&self, from: Duration, to: Duration) -> u64 {
        let before = self.used.partition_point(|used| used.t <= from).saturating_sub(1);
        let inside = self.used.iter().skip(before).take_while(|used| used.t <= to.max(from));
        inside.map(|used| used.rss).max().unwrap_or(0)
    }

    /// CPU time of the first gateway in a window, in user mode and in the kernel.
    #[must_use]
    pub fn cpu(&self, from: Duration, to: Duration) -> (Duration, Duration) {
        let at = |t: Duration| {
            let upto = self.used.partition_point(|used| used.t <= t).saturating_sub(1);
            self.used.get(upto).copied().unwrap_or_default()
        };
        let (begin, end) = (at(from), at(to));
        (end.user.saturating_sub(begin.user), end.system.saturating_sub(begin.system))
    }

    /// When calls at a node first rose after `from`.
    #[must_use]
    pub fn first_rise(&self, node: usize, methods: &[&str], from: Duration) -> Option<Duration> {
        let before = self.calls(node, methods, from);
        let mut later = self.counted.iter().filter(|counted| counted.t > from);
        later.find(|counted| sum(counted, node, methods) > before).map(|counted| counted.t)
    }
}

fn sum(counted: &Counted, node: usize, methods: &[&str]) -> u64 {
    let Some(calls) = counted.nodes.get(node) else { return 0 };
    methods.iter().filter_map(|method| calls.get(*method)).sum()
}

/// Counts calls at all nodes now.
#[must_use]
pub fn count(world: &World, t: Duration) -> Counted {
    let calls = |member: &crate::fleet::Member| {
        let counts = member.node.counters();
        counts.methods.iter().map(|(name, tally)| (name.clone(), tally.calls)).collect()
    };
    Counted { t, nodes: world.fleet.nodes.iter().map(calls).collect() }
}

/// Watches until the task is dropped.
pub async fn run(world: Arc<World>, start: Instant) {
    let mut next = [Instant::now(); 3];
    loop {
        let now = Instant::now();
        if now >= next[0] {
            let counted = count(&world, start.elapsed());
            world.watched.lock().counted.push(counted);
            weigh(&world, start.elapsed());
            next[0] = now + COUNT;
        }
        if now >= next[1] {
            scrape(&world, start).await;
            next[1] = now + SCRAPE;
        }
        if now >= next[2] {
            ask_readiness(&world).await;
            next[2] = now + READINESS;
        }
        let soonest = next.iter().min().copied().unwrap_or(now);
        tokio::time::sleep(soonest.saturating_duration_since(Instant::now())).await;
    }
}

/// Takes note of what the first gateway uses.
fn weigh(world: &World, t: Duration) {
    let gateways = world.gateways.lock();
    let used = gateways.first().and_then(|gateway| Some((gateway.rss()?, gateway.cpu()?)));
    drop(gateways);
    let Some((rss, (user, system))) = used else { return };
    let mut watched = world.watched.lock();
    watched.rss = watched.rss.max(rss);
    watched.used.push(Used { t, rss, user, system });
}

/// Scrapes all gateways once.
pub async fn scrape(world: &World, start: Instant) {
    let admins: Vec<_> = world.gateways.lock().iter().map(|gateway| gateway.admin).collect();
    for (gateway, admin) in admins.into_iter().enumerate() {
        let Ok((200, text)) = http::get(admin, "/metrics").await else { continue };
        let series = metrics::read(&text, |name| world.names.contains(name));
        let rss = world.gateways.lock()[gateway].rss().unwrap_or(0);
        let mut watched = world.watched.lock();
        watched.rss = watched.rss.max(rss);
        watched.scraped.push(Scraped { t: start.elapsed(), gateway, series });
    }
}

/// What a balancer does: a gateway that is not ready gets no new calls. With a single
/// gateway there is nothing to choose.
async fn ask_readiness(world: &World) {
    world.gateways.lock().iter_mut().for_each(super::gateway::Gateway::look);
    let targets: Vec<_> = world
        .gateways
        .lock()
        .iter()
        .map(|gateway| (gateway.data, Arc::clone(&gateway.ready)))
        .collect();
    if targets.len() < 2 {
        return;
    }
    for (address, ready) in targets {
        let answer = http::get(address, "/readyz").await;
        ready.store(answer.is_ok_and(|(status, _)| status == 200), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Duration = Duration::from_secs(1);

    #[test]
    fn memory_in_a_window_is_its_greatest_with_what_was_there_before() {
        let used = |t, rss| Used { t: t * S, rss, user: t * S / 10, ..Used::default() };
        let used = vec![used(1, 9), used(2, 5), used(4, 7), used(6, 8)];
        let watched = Watched { used, ..Watched::default() };
        assert_eq!(watched.cpu(2 * S, 5 * S), (S / 5, Duration::ZERO));
        let check = |from, to, expected| {
            assert_eq!(watched.resident(from * S, to * S), expected, "{from} {to}");
        };
        check(3, 3, 5);
        check(3, 5, 7);
        check(2, 6, 8);
        check(0, 1, 9);
        assert_eq!(Watched::default().resident(S, 2 * S), 0);
    }
}
