//! Reloads under load: files put in place, SIGHUP, and what the gateway made of them.

use std::time::{Duration, Instant};

use anyhow::bail;

use crate::gateway::{config, http};
use crate::runner::World;
use crate::scenario::{Churn, Reload};
use crate::watch::metrics;

/// A reload must have an outcome within this time.
const PATIENCE: Duration = Duration::from_secs(5);
const LOOK: Duration = Duration::from_millis(10);

/// Texts that are no config, each in its own way.
const BROKEN: [&str; 5] = [
    "[server\nlisten = [\"127.0.0.1:1\"]\n",
    "[[chains]]\nname = \"eth\"\nfamily = \"ethereum\"\nunknown_key = 1\npools = []\n",
    "",
    "[[chains]]\nname = \"eth\"\nfamily = \"ethereum\"\n[[chains.pools]]\nzone = \"z\"\nnodes = [{ name = \"a\", http = \"ftp://x\", weight = -5 }]\n",
    "\u{0}\u{1}not toml at all",
];

/// What became of the reloads of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reloads {
    pub applied: u64,
    pub refused: u64,
    /// Refused though good, or applied though broken, or without an outcome.
    pub odd: u64,
}

/// What a gateway says about its config.
#[derive(Clone, Debug, PartialEq)]
struct Standing {
    revision: String,
    good: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Hope {
    Applied,
    Refused,
}

/// Puts a changed config in force on all gateways.
pub async fn apply(world: &World, changes: &Reload) -> anyhow::Result<()> {
    world.event("reload".to_owned());
    let texts = (0..world.ports.len()).map(|at| world.config_text(at, changes)).collect::<Vec<_>>();
    put(world, &texts, Hope::Applied).await
}

/// Puts a file in place that must be refused.
pub async fn refuse(world: &World, text: &str) -> anyhow::Result<()> {
    world.event("broken config".to_owned());
    put(world, &vec![text.to_owned(); world.ports.len()], Hope::Refused).await
}

/// Many reloads, the broken ones spread between the good.
pub async fn churn(world: &World, churn: Churn) -> anyhow::Result<()> {
    world.event(format!("{} reloads, {} broken files", churn.reloads, churn.broken));
    let mut broken = 0;
    for turn in 0..churn.reloads {
        let due = Instant::now() + churn.every.0;
        let changes = variant(world, turn);
        let text = |at| world.config_text(at, &changes);
        let texts: Vec<_> = (0..world.ports.len()).map(text).collect();
        put(world, &texts, Hope::Applied).await?;
        // So many of them as belong to the reloads done.
        if (u64::from(turn) + 1) * u64::from(churn.broken) / u64::from(churn.reloads) > broken {
            let text = BROKEN[usize::try_from(broken).unwrap_or(0) % BROKEN.len()];
            put(world, &vec![text.to_owned(); world.ports.len()], Hope::Refused).await?;
            broken += 1;
        }
        tokio::time::sleep_until(due.into()).await;
    }
    world.event("reloads done".to_owned());
    Ok(())
}

/// Removes a node, brings it back with another weight, changes limits: in turn, and
/// never two equal configs one after the other.
fn variant(world: &World, turn: u32) -> Reload {
    let nodes = &world.fleet.nodes;
    let at = usize::try_from(turn / 4).unwrap_or(0) % nodes.len();
    let name = nodes[at].name.clone();
    let mut changes = Reload::default();
    match turn % 4 {
        0 => changes.without.push(name),
        1 => {
            changes.weights.insert(name, 50 + turn);
        }
        2 => {
            let limits =
                toml::Table::from_iter([("batch".to_owned(), (200 + i64::from(turn)).into())]);
            changes.config.insert("limits".to_owned(), limits.into());
        }
        _ => {
            let budget = f64::from(turn % 50) / 1_000.0 + 0.2;
            let retries = toml::Table::from_iter([("budget".to_owned(), budget.into())]);
            changes.chain.insert("retries".to_owned(), retries.into());
        }
    }
    changes
}

async fn put(world: &World, texts: &[String], hope: Hope) -> anyhow::Result<()> {
    let before = standings(world).await?;
    let paths: Vec<_> = world.gateways.lock().iter().map(|one| one.config.clone()).collect();
    for (path, text) in paths.iter().zip(texts) {
        config::replace(path, text)?;
    }
    for gateway in world.gateways.lock().iter_mut() {
        gateway.signal("HUP")?;
    }
    let end = Instant::now() + PATIENCE;
    loop {
        let now = standings(world).await?;
        let moved = |(was, is): (&Standing, &Standing)| {
            was.revision != is.revision || (was.good && !is.good)
        };
        let settled = before.iter().zip(&now).all(moved);
        if settled || Instant::now() > end {
            note(world, &before, &now, hope, settled);
            return Ok(());
        }
        tokio::time::sleep(LOOK).await;
    }
}

fn note(world: &World, before: &[Standing], now: &[Standing], hope: Hope, settled: bool) {
    let mut reloads = world.reloads.lock();
    let changed = before.iter().zip(now).all(|(was, is)| was.revision != is.revision && is.good);
    let kept = before.iter().zip(now).all(|(was, is)| was.revision == is.revision && !is.good);
    match (hope, settled) {
        (Hope::Applied, true) if changed => reloads.applied += 1,
        (Hope::Refused, true) if kept => reloads.refused += 1,
        _ => {
            reloads.odd += 1;
            drop(reloads);
            let hoped = if hope == Hope::Applied { "applied" } else { "refused" };
            world.event(format!(
                "a reload that should be {hoped} was not: {before:?}, then {now:?}"
            ));
        }
    }
}

async fn standings(world: &World) -> anyhow::Result<Vec<Standing>> {
    let admins: Vec<_> = world.gateways.lock().iter().map(|gateway| gateway.admin).collect();
    let mut standings = Vec::new();
    for admin in admins {
        let (status, text) = http::get(admin, "/metrics").await?;
        if status != 200 {
            bail!("/metrics answers {status}");
        }
        standings.push(standing(&text));
    }
    Ok(standings)
}

fn standing(text: &str) -> Standing {
    let series = metrics::read(text, |name| name.starts_with("headrace_config_"));
    let info = series.iter().find(|one| one.name == "headrace_config_info");
    let revision = info.and_then(|info| info.labels.get("revision")).cloned().unwrap_or_default();
    let good = series.iter().find(|one| one.name == "headrace_config_last_reload_successful");
    Standing { revision, good: good.is_some_and(|good| good.value > 0.5) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_standing_is_read_from_the_metrics() {
        let text =
            "headrace_config_info{revision=\"ab12\"} 1\nheadrace_config_last_reload_successful 0\n";
        assert_eq!(standing(text), Standing { revision: "ab12".to_owned(), good: false });
    }
}
