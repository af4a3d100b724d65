//! The simulated nodes of the demo, on a thread of their own.

use std::{
    fmt::Write,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    thread,
    time::Duration,
};

use anyhow::Context;
use headrace_simnode::{
    Chain, ChainOptions, Control, Family, Latency, Law, Node, NodeOptions, Retention, hash::hex,
};
use tokio::sync::oneshot;

use crate::cli::Demo;

const ZONES: [&str; 3] = ["eu-1a", "eu-1b", "us-1a"];
/// Full nodes of a zone; one archive node comes on top.
const FULL: usize = 2;
const ID: u64 = 1337;
/// States that a full node keeps.
const STATES: u64 = 128;

/// One of the demo's chains.
#[derive(Debug)]
pub struct Plan {
    /// Its name, and its route.
    pub name: &'static str,
    pub family: Family,
    block_time: Duration,
    /// What a full node keeps, as the config says it.
    oldest: &'static str,
}

/// The chains, in the order of their control ports.
pub const PLANS: [Plan; 4] = [
    Plan {
        name: "eth",
        family: Family::Ethereum,
        block_time: Duration::from_secs(2),
        oldest: "{ state = { window = 128 } }",
    },
    Plan {
        name: "dot",
        family: Family::Substrate,
        block_time: Duration::from_secs(3),
        oldest: "{ state = { window = 128 } }",
    },
    Plan {
        name: "near",
        family: Family::Near,
        block_time: Duration::from_secs(1),
        oldest: "{ window = 128 }",
    },
    Plan {
        name: "icx",
        family: Family::Icon,
        block_time: Duration::from_secs(2),
        oldest: "{ window = 128 }",
    },
];

/// A chain with its running nodes.
struct Started {
    plan: &'static Plan,
    identity: String,
    nodes: Vec<Placed>,
}

struct Placed {
    name: String,
    zone: &'static str,
    archive: bool,
    url: String,
}

/// Running nodes; they end with the process, or when this is dropped.
pub struct Fleet {
    chains: Vec<Started>,
    _stop: oneshot::Sender<()>,
}

impl Fleet {
    /// Starts the nodes and, chain by chain, their control ports: `control` and the three
    /// after it.
    ///
    /// # Errors
    /// A control port is in use.
    pub fn start(control: SocketAddr) -> anyhow::Result<Self> {
        let (stop, stopped) = oneshot::channel();
        let (send, started) = std::sync::mpsc::channel();
        thread::Builder::new().name("simnodes".to_owned()).spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let Ok(runtime) = runtime else { return };
            runtime.block_on(async {
                let (kept, chains) = match start_all(control).await {
                    Ok((kept, chains)) => (Some(kept), Ok(chains)),
                    Err(error) => (None, Err(error)),
                };
                if send.send(chains).is_ok() && kept.is_some() {
                    // Ends when the fleet is dropped.
                    let _ = stopped.await;
                }
            });
        })?;
        let chains = started.recv().context("the simulated nodes did not start")??;
        Ok(Self { chains, _stop: stop })
    }

    pub fn nodes(&self) -> usize {
        self.chains.iter().map(|chain| chain.nodes.len()).sum()
    }

    /// The first node of a chain.
    pub fn victim(&self, chain: usize) -> &str {
        &self.chains[chain].nodes[0].name
    }

    /// The config of a gateway before these nodes.
    pub fn config(&self, verb: &Demo) -> String {
        let mut text = format!(
            "[server]\nlisten = [\"{}\"]\nzone = \"{}\"\nexpose = true\n\
             [admin]\nlisten = \"{}\"\n[log]\naccess = \"off\"\n",
            verb.listen, ZONES[0], verb.admin
        );
        self.chains.iter().for_each(|chain| chain.write(&mut text));
        text
    }
}

impl Started {
    fn write(&self, text: &mut String) {
        let Plan { name, family, oldest, .. } = self.plan;
        let family = format!("{family:?}").to_lowercase();
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "[[chains]]\nname = \"{name}\"\nfamily = \"{family}\"\nidentity = \"{}\"\n",
            self.identity
        );
        for zone in ZONES {
            let _ = writeln!(text, "[[chains.pools]]\nzone = \"{zone}\"\nnodes = [");
            for node in self.nodes.iter().filter(|node| node.zone == zone) {
                let Placed { name, archive, url, .. } = node;
                let kept = match archive {
                    true => "archive = true".to_owned(),
                    false => format!("oldest = {oldest}"),
                };
                let _ = writeln!(text, "  {{ name = \"{name}\", http = \"{url}\", {kept} }},");
            }
            text.push_str("]\n");
        }
    }
}

/// What must live as long as the nodes serve.
type Kept = Vec<(Vec<Node>, Control)>;

async fn start_all(control: SocketAddr) -> anyhow::Result<(Kept, Vec<Started>)> {
    let (mut kept, mut chains) = (Vec::new(), Vec::new());
    for (at, plan) in (0..).zip(&PLANS) {
        let port = if control.port() == 0 { 0 } else { control.port().saturating_add(at) };
        let control = SocketAddr::new(control.ip(), port);
        let (alive, started) = start_chain(plan, control).await?;
        kept.push(alive);
        chains.push(started);
    }
    Ok((kept, chains))
}

async fn start_chain(
    plan: &'static Plan,
    control: SocketAddr,
) -> anyhow::Result<((Vec<Node>, Control), Started)> {
    let chain = Chain::new(ChainOptions {
        chain_id: ID,
        block_time: plan.block_time,
        ..ChainOptions::of(plan.family)
    });
    let (mut nodes, mut placed) = (Vec::new(), Vec::new());
    for (at, zone) in ZONES.into_iter().enumerate() {
        for number in 0..=FULL {
            let archive = number == FULL;
            let role = if archive { "archive".to_owned() } else { format!("{}", number + 1) };
            let name = format!("{}-{zone}-{role}", plan.name);
            let options = NodeOptions {
                listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
                retention: if archive { Retention::ARCHIVE } else { plan.family.retention(STATES) },
                latency: latency(at),
                ..NodeOptions::of(plan.family, &name)
            };
            let node = Node::start(Arc::clone(&chain), options).await?;
            placed.push(Placed { name, zone, archive, url: node.url() });
            nodes.push(node);
        }
    }
    let identity = identity(plan.family, &chain);
    let control = Control::start(control, chain, &nodes)
        .await
        .with_context(|| format!("cannot listen on {control}, a control port of the nodes"))?;
    Ok(((nodes, control), Started { plan, identity, nodes: placed }))
}

/// Which chain it is, as the config says it.
fn identity(family: Family, chain: &Chain) -> String {
    match family {
        Family::Ethereum | Family::Icon => format!("{ID:#x}"),
        Family::Near => format!("sim-{ID}"),
        Family::Substrate => hex(&chain.main_hash(0).unwrap_or_default()),
    }
}

/// Farther zones answer later.
fn latency(zone: usize) -> Latency {
    let near = Duration::from_millis(1 + 4 * zone as u64);
    Latency::of(Law::Uniform(near, near * 2))
}
