//! What happens during a run, at its times: faults, heals, blocks, reloads, signals.

mod reload;

use std::sync::Arc;
use std::time::{Duration, Instant};

use headrace_simnode::Injected;
use tokio::task::JoinSet;

use crate::fleet::Member;
use crate::runner::World;
use crate::scenario::Step;

pub use self::reload::Reloads;

/// Does what is to be done before the gateway starts.
pub async fn before(world: &Arc<World>) -> anyhow::Result<()> {
    for step in world.scenario.at.iter().filter(|step| step.t.is_none()) {
        act(world, step).await?;
    }
    Ok(())
}

/// Plays all timed steps; ends when they are done.
///
/// # Errors
/// A step that cannot be carried out makes the run worthless.
pub async fn run(world: Arc<World>, start: Instant) -> anyhow::Result<()> {
    let mut tasks = JoinSet::new();
    for step in &world.scenario.at {
        let Some(t) = &step.t else { continue };
        for turn in 0..step.times.unwrap_or(1) {
            let at = t.get_ref().0 + step.every.map_or(Duration::ZERO, |every| every.0 * turn);
            let (world, step) = (Arc::clone(&world), step.clone());
            tasks.spawn(async move {
                tokio::time::sleep_until((start + at).into()).await;
                act(&world, &step).await
            });
        }
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    Ok(())
}

async fn act(world: &Arc<World>, step: &Step) -> anyhow::Result<()> {
    let aimed: Vec<&Member> =
        world.fleet.nodes.iter().filter(|member| aims(step, member)).collect();
    if let Some(fault) = &step.fault {
        let injected = Injected {
            fault: fault.clone(),
            methods: named(world, &step.methods),
            probability: step.probability.unwrap_or(1.0),
        };
        for member in &aimed {
            world.event(format!("{}: {}", member.name, words(&injected)));
            member.node.inject(injected.clone())?;
        }
        let Some(lasts) = step.lasts else { return Ok(()) };
        tokio::time::sleep(lasts.0).await;
    }
    if step.clear || step.lasts.is_some() {
        for member in &aimed {
            world.event(format!("{}: healed", member.name));
            member.node.clear();
        }
    }
    act_on_chain(world, step);
    act_on_gateways(world, step).await
}

/// The methods of the family that are meant.
fn named(world: &World, words: &[String]) -> Vec<String> {
    let ways = world.scenario.ways();
    words.iter().flat_map(|word| ways.methods(word)).map(str::to_owned).collect()
}

fn act_on_chain(world: &World, step: &Step) {
    if let Some(blocks) = step.mine {
        let head = world.fleet.truth.mine(blocks);
        world.event(format!("mined {blocks} blocks, head {}", head.number));
    }
    if let Some(depth) = step.reorg {
        let head = world.fleet.truth.reorg(depth);
        world.event(format!("reorg of depth {depth} at head {}", head.number));
    }
}

async fn act_on_gateways(world: &World, step: &Step) -> anyhow::Result<()> {
    if let Some(changes) = &step.reload {
        reload::apply(world, changes).await?;
    }
    if let Some(text) = &step.broken {
        reload::refuse(world, text).await?;
    }
    if let Some(churn) = step.churn {
        reload::churn(world, churn).await?;
    }
    if let Some(index) = step.terminate {
        world.event(format!("gateway {index}: SIGTERM"));
        if let Some(gateway) = world.gateways.lock().get_mut(index) {
            gateway.terminate()?;
        }
    }
    Ok(())
}

/// Whether a step concerns a node.
#[must_use]
pub fn aims(step: &Step, member: &Member) -> bool {
    let named = |name: &toml::Spanned<String>| *name.get_ref() == member.name;
    step.node.as_ref().is_some_and(named)
        || step.nodes.iter().any(named)
        || step.zone.as_ref().is_some_and(|zone| *zone.get_ref() == member.zone)
}

fn words(injected: &Injected) -> String {
    let fault = serde_json::to_string(&injected.fault).unwrap_or_default();
    match (injected.methods.is_empty(), injected.probability < 1.0) {
        (true, false) => fault,
        (false, false) => format!("{fault} for {}", injected.methods.join(", ")),
        _ => format!("{fault} for {} of calls", injected.probability),
    }
}
