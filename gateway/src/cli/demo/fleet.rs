//! The simulated nodes of the demo, on a thread of their own.

use std::{
    fmt::Write,
    net::{Ipv4Addr, SocketAddr},
    thread,
    time::Duration,
};

use anyhow::Context;
use headrace_simnode::{
    Chain, ChainOptions, Control, Keep, Latency, Law, Node, NodeOptions, Retention,
};
use tokio::sync::oneshot;

use crate::cli::Demo;

const ZONES: [&str; 3] = ["eu-1a", "eu-1b", "us-1a"];
/// Full nodes of a zone; one archive node comes on top.
const FULL: usize = 3;
const BLOCK_TIME: Duration = Duration::from_secs(2);
const CHAIN_ID: u64 = 1337;
/// States that a full node keeps.
const STATES: u64 = 128;

struct Placed {
    name: String,
    zone: &'static str,
    archive: bool,
    url: String,
}

/// Running nodes; they end with the process, or when this is dropped.
pub struct Fleet {
    nodes: Vec<Placed>,
    _stop: oneshot::Sender<()>,
}

impl Fleet {
    /// Starts the nodes and their control port.
    ///
    /// # Errors
    /// The control port is in use.
    pub fn start(control: SocketAddr) -> anyhow::Result<Self> {
        let (stop, stopped) = oneshot::channel();
        let (send, started) = std::sync::mpsc::channel();
        thread::Builder::new().name("simnodes".to_owned()).spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let Ok(runtime) = runtime else { return };
            runtime.block_on(async {
                let fleet = start_nodes(control).await;
                let (kept, placed) = match fleet {
                    Ok((kept, placed)) => (Some(kept), Ok(placed)),
                    Err(error) => (None, Err(error)),
                };
                if send.send(placed).is_ok() && kept.is_some() {
                    // Ends when the fleet is dropped.
                    let _ = stopped.await;
                }
            });
        })?;
        let nodes = started.recv().context("the simulated nodes did not start")??;
        Ok(Self { nodes, _stop: stop })
    }

    pub fn names(&self) -> Vec<String> {
        self.nodes.iter().map(|node| node.name.clone()).collect()
    }

    /// The config of a gateway before these nodes.
    pub fn config(&self, verb: &Demo) -> String {
        let mut text = format!(
            "[server]\nlisten = [\"{}\"]\nzone = \"{}\"\nexpose = true\n\
             [admin]\nlisten = \"{}\"\n[log]\naccess = \"off\"\n\
             [[chains]]\nname = \"eth\"\nfamily = \"ethereum\"\nidentity = {CHAIN_ID}\n",
            verb.listen, ZONES[0], verb.admin
        );
        for zone in ZONES {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "[[chains.pools]]\nzone = \"{zone}\"\nnodes = [");
            for node in self.nodes.iter().filter(|node| node.zone == zone) {
                let Placed { name, archive, url, .. } = node;
                let kept = match archive {
                    true => "archive = true".to_owned(),
                    false => format!("oldest = {{ state = {{ window = {STATES} }} }}"),
                };
                let _ = writeln!(text, "  {{ name = \"{name}\", http = \"{url}\", {kept} }},");
            }
            text.push_str("]\n");
        }
        text
    }
}

/// What must live as long as the nodes serve.
type Kept = (Vec<Node>, Control);

async fn start_nodes(control: SocketAddr) -> anyhow::Result<(Kept, Vec<Placed>)> {
    let chain = Chain::new(ChainOptions {
        chain_id: CHAIN_ID,
        block_time: BLOCK_TIME,
        ..ChainOptions::default()
    });
    let (mut nodes, mut placed) = (Vec::new(), Vec::new());
    for (at, zone) in ZONES.into_iter().enumerate() {
        for number in 0..=FULL {
            let archive = number == FULL;
            let role = if archive { "archive".to_owned() } else { format!("{}", number + 1) };
            let name = format!("{zone}-{role}");
            let options = NodeOptions {
                listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
                retention: retention(archive),
                latency: latency(at),
                ..NodeOptions::named(&name)
            };
            let node = Node::start(std::sync::Arc::clone(&chain), options).await?;
            placed.push(Placed { name, zone, archive, url: node.url() });
            nodes.push(node);
        }
    }
    let control = Control::start(control, chain, &nodes)
        .await
        .with_context(|| format!("cannot listen on {control}, the nodes' control port"))?;
    Ok(((nodes, control), placed))
}

fn retention(archive: bool) -> Retention {
    let state = if archive { Keep::All } else { Keep::Last(STATES) };
    Retention { state, bodies: Keep::All, logs: Keep::All }
}

/// Farther zones answer later.
fn latency(zone: usize) -> Latency {
    let near = Duration::from_millis(1 + 4 * zone as u64);
    Latency::of(Law::Uniform(near, near * 2))
}
