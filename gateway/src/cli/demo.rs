//! `headrace demo`: the main job on simulated nodes, with no config and no network.
//!
//! A chain of each family, with two full nodes and an archive node in each of three zones,
//! a gateway in the first zone, light traffic, and a picture of what is going on; it says
//! how to send a call, kill a node and stall a head.

mod fleet;
mod picture;
mod traffic;

use std::{
    io::{IsTerminal, Write},
    process::ExitCode,
    time::Duration,
};

use tokio::{
    signal::unix::{SignalKind, signal},
    time::{Instant, sleep_until},
};

use crate::{
    app::Running,
    cli::{Demo, FAILED, complain, runtime, say},
    config::Config,
};

use self::{
    fleet::{Fleet, PLANS},
    picture::Picture,
    traffic::Traffic,
};

const REDRAW: Duration = Duration::from_secs(1);
/// Between plain lines, where the output is not a terminal.
const PLAIN: Duration = Duration::from_secs(5);

pub fn demo(verb: &Demo) -> ExitCode {
    let done =
        runtime().map_err(anyhow::Error::from).and_then(|runtime| runtime.block_on(run(verb)));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&format!("{error:#}"));
            ExitCode::from(FAILED)
        }
    }
}

async fn run(verb: &Demo) -> anyhow::Result<()> {
    let fleet = Fleet::start(verb.control)?;
    let text = fleet.config(verb);
    let loaded = Config::parse(&text, "demo".as_ref(), &|_| None)
        .map_err(|problems| anyhow::anyhow!(crate::config::problem::text(&problems)))?;
    let running = Running::start(loaded.config)?;
    say(&introduction(verb, &fleet));
    let traffic = Traffic::start(running.data[0])?;
    watch(verb, &running, &traffic).await?;
    running.stop().await;
    Ok(())
}

fn introduction(verb: &Demo, fleet: &Fleet) -> String {
    let (data, admin, control) = (verb.listen, verb.admin, verb.control);
    let victim = fleet.victim(0);
    let others: Vec<String> = (0..)
        .zip(&PLANS)
        .map(|(at, plan)| format!("/{} on {}", plan.name, control.port().saturating_add(at)))
        .collect();
    format!(
        "\
Headrace serves {count} simulated nodes of four chains, in three zones, on http://{data}

  a call           curl -s http://{data}/eth -H 'content-type: application/json' \\
                     -d '{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"eth_blockNumber\",\"params\":[]}}'
  others           /dot chain_getHeader []   /near status []   /icx icx_getLastBlock {{}}
  kill a node      curl -s http://{control}/nodes/{victim}/faults -d '{{\"fault\":{{\"kind\":\"die\"}}}}'
  stall its head   curl -s http://{control}/nodes/{victim}/faults -d '{{\"fault\":{{\"kind\":\"freeze\"}}}}'
  heal it          curl -s -X DELETE http://{control}/nodes/{victim}/faults
  a reorg          curl -s http://{control}/chain/reorg -d '{{\"depth\":2}}'
  other chains     have control ports of their own: {others}
  every node       headrace status --admin http://{admin}
  metrics          curl -s http://{admin}/metrics
  stop             Ctrl-C
",
        count = fleet.nodes(),
        others = others.join(", "),
    )
}

/// Shows the picture until told to stop.
async fn watch(verb: &Demo, running: &Running, traffic: &Traffic) -> anyhow::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let terminal = std::io::stdout().is_terminal();
    let every = if terminal { REDRAW } else { PLAIN };
    let end = verb.seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let far = Instant::now() + Duration::from_secs(365 * 86_400);
    let mut drawn = 0;
    let mut zones = Picture::default();
    loop {
        let picture = picture(&mut zones, running, traffic);
        drawn = draw(&picture, terminal, drawn);
        tokio::select! {
            () = sleep_until(Instant::now() + every) => {}
            () = sleep_until(end.unwrap_or(far)) => return Ok(()),
            _ = interrupt.recv() => return Ok(()),
            _ = terminate.recv() => return Ok(()),
        }
    }
}

fn picture(zones: &mut Picture, running: &Running, traffic: &Traffic) -> String {
    let zones = zones.draw(&running.gateway);
    let counts = traffic.counts();
    format!(
        "{zones}\n  clients: {} calls, {} failed, slowest of the last second {} ms\n",
        counts.calls, counts.failed, counts.slowest_ms
    )
}

/// Draws over the last picture on a terminal; below it elsewhere. Returns its height.
fn draw(picture: &str, terminal: bool, above: usize) -> usize {
    let mut out = std::io::stdout().lock();
    let up = if terminal && above > 0 { format!("\x1b[{above}A\x1b[J") } else { String::new() };
    // A closed terminal ends the demo by its signal, not by an error here.
    let _ = write!(out, "{up}{picture}");
    let _ = out.flush();
    picture.lines().count()
}
