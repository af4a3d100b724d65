//! Looks after the gateway itself: how late its threads are, and how much memory it has left.
//! Decides nothing: [`Pressure`] does.

use std::{path::Path, sync::Arc, time::Duration};

use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::pressure::{Level, Pressure, memory, stall::BEAT};

/// How often the memory is looked at.
const LOOK: Duration = Duration::from_millis(250);

/// Beats on the thread at hand, for as long as it is polled.
pub async fn beat(pressure: Arc<Pressure>) {
    let thread = pressure.stalls.join(pressure.clock.now());
    loop {
        sleep(BEAT).await;
        pressure.stalls.beat(&thread, pressure.clock.now());
    }
}

/// Looks at what is left, for as long as it is polled. For the control thread.
pub async fn look_after(pressure: Arc<Pressure>) {
    let mut ticks = interval(LOOK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let share = memory::share(Path::new("/"));
        let (before, level) = pressure.look(pressure.clock.now(), share);
        if before != level {
            say(before, level, &pressure);
        }
    }
}

fn say(before: Level, level: Level, pressure: &Pressure) {
    let memory = format!("{:.0} %", pressure.memory_share() * 100.0);
    let late = pressure.stalls.p99();
    if level > before && level >= Level::ShedLow {
        tracing::error!(?level, %memory, ?late, "the gateway runs short of memory or time: it refuses calls");
    } else {
        tracing::warn!(?level, %memory, ?late, "the gateway's own pressure changed");
    }
}
