//! `simnode`: simulated nodes of one chain, on consecutive ports, with a control port.

use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use clap::Parser;
use headrace_simnode::{
    Chain, ChainOptions, Client, Control, Family, Latency, Law, Node, NodeOptions, Pace, Retention,
};
use serde::de::DeserializeOwned;

const EXAMPLES: &str = "\
Examples:
  Three nodes on ports 18545 to 18547, a block every two seconds:
    simnode --nodes 3 --port 18545 --control 127.0.0.1:18500
  Ask one for its newest block:
    curl -s localhost:18545 -H 'content-type: application/json' \\
      -d '{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"eth_getBlockByNumber\",\"params\":[\"latest\",false]}'
  Let the second hang, then heal it:
    curl -s localhost:18500/nodes/node-2/faults -d '{\"fault\":{\"kind\":\"hang\"}}'
    curl -s localhost:18500/nodes/node-2/faults -X DELETE
  Let half of its eth_getLogs fail:
    curl -s localhost:18500/nodes/node-2/faults \\
      -d '{\"fault\":{\"kind\":\"status\",\"status\":503},\"methods\":[\"eth_getLogs\"],\"probability\":0.5}'
  Replace the newest two blocks, add five:
    curl -s localhost:18500/chain/reorg -d '{\"depth\":2}'
    curl -s localhost:18500/chain/mine -d '{\"blocks\":5}'
  The same of ICON: --family icon; the nodes serve on /api/v3 and /api/v3d
  The same of NEAR: --family near; status and health also answer to GET
  A Substrate chain, one node of each generation:
    simnode --family substrate --client polkadot-sdk,substrate-old --nodes 2 --block-time 6s
  See everything:
    curl -s localhost:18500/state; curl -s localhost:18500/counters

Faults: die, refuse, hang, slow {factor, extra_ms}, status {status, retry_after}, garbage, html,
truncate, wrong_id, empty, error {code, message}, reset_after_read, lag {blocks}, freeze,
wrong_chain {chain_id}, fork {height, salt}, lie {blocks, headers}, flap {up_ms, down_ms},
lose_state, close_idle {max_ms}, no_peers.

Processes with equal --chain-id, --seed, --start, --block-time and --genesis serve equal blocks.";

/// Simulated nodes of one chain: real HTTP servers that misbehave on demand.
#[derive(Debug, Parser)]
#[command(version, after_help = EXAMPLES)]
struct Options {
    /// How many nodes; they are named node-1, node-2, …
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=1000))]
    nodes: u16,
    /// Port of the first node, the others follow; 0 takes any free ports
    #[arg(long, default_value_t = 18545)]
    port: u16,
    /// Address that the nodes listen on
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    address: IpAddr,
    /// Address and port of the control server
    #[arg(long, default_value = "127.0.0.1:18500")]
    control: SocketAddr,
    /// Kind of chain: ethereum, icon, near, substrate
    #[arg(long, default_value = "ethereum", value_parser = named::<Family>)]
    family: Family,
    /// Chain id; in ICON the network id; NEAR nodes call it sim-ID
    #[arg(long, default_value_t = 1337)]
    chain_id: u64,
    /// What all blocks follow from
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Height at the genesis instant
    #[arg(long, default_value_t = 1000)]
    start: u64,
    /// Time between blocks: 2s, 500ms; 0s makes blocks only on POST /chain/mine
    #[arg(long, default_value = "2s", value_parser = duration)]
    block_time: Duration,
    /// Unix time in seconds at which block --start was made [default: now]
    #[arg(long)]
    genesis: Option<u64>,
    /// Nodes, from the first on, that keep all state
    #[arg(long, default_value_t = 1)]
    archive: u16,
    /// Blocks whose state, in NEAR also the rest, the other nodes keep
    #[arg(long, default_value_t = 128)]
    states: u64,
    /// Software that the nodes imitate, several are taken in turn: geth, geth-path, reth,
    /// nethermind, besu, erigon; goloop, goloop-plain; nearcore24, nearcore27, nearcore214;
    /// polkadot-sdk, frontier, substrate-old, chopsticks
    /// [default: the first of the family]
    #[arg(long, value_delimiter = ',', value_parser = named::<Client>)]
    client: Vec<Client>,
    /// Median service time of the lightest method; heavier ones take their weight
    #[arg(long, default_value = "0ms", value_parser = duration)]
    latency: Duration,
    /// Calls that a node serves at the same time
    #[arg(long, default_value_t = 1024)]
    slots: usize,
    /// Heads arrive within this time
    #[arg(long, default_value = "100ms", value_parser = duration)]
    delay: Duration,
}

/// Reads a family or a software by its name, with `-` for `_`.
fn named<T: DeserializeOwned>(text: &str) -> anyhow::Result<T> {
    let name = serde_json::Value::String(text.replace('-', "_"));
    serde_json::from_value(name).map_err(|error| anyhow!(error.to_string().replace('_', "-")))
}

/// Reads `250ms`, `2s` or `1.5s`.
fn duration(text: &str) -> anyhow::Result<Duration> {
    let (digits, unit) = match text.strip_suffix("ms") {
        Some(digits) => (digits, 0.001),
        None => (text.strip_suffix('s').context("a time needs a unit: ms or s")?, 1.0),
    };
    let number: f64 = digits.parse().with_context(|| format!("{digits:?} is no number"))?;
    Duration::try_from_secs_f64(number * unit).context("a time is 0 or more")
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(serve(&options))
}

async fn serve(options: &Options) -> anyhow::Result<()> {
    let chain = Chain::new(chain_options(options));
    let mut nodes = Vec::new();
    for index in 0..options.nodes {
        nodes.push(start(&chain, options, index).await?);
    }
    let control = Control::start(options.control, Arc::clone(&chain), &nodes)
        .await
        .with_context(|| format!("control port {}", options.control))?;
    let mut out = std::io::stdout().lock();
    for node in &nodes {
        writeln!(out, "{} {}", node.name(), node.url())?;
    }
    writeln!(out, "control http://{}", control.address)?;
    drop(out);
    tokio::signal::ctrl_c().await.context("waiting for the interrupt")
}

fn chain_options(options: &Options) -> ChainOptions {
    let manual = options.block_time.is_zero();
    let defaults = ChainOptions::of(options.family);
    ChainOptions {
        chain_id: options.chain_id,
        seed: options.seed,
        start: options.start,
        pace: if manual { Pace::Manual } else { Pace::Clock },
        block_time: if manual { defaults.block_time } else { options.block_time },
        genesis: options.genesis.map(Duration::from_secs),
        ..defaults
    }
}

async fn start(chain: &Arc<Chain>, options: &Options, index: u16) -> anyhow::Result<Node> {
    let port = match options.port {
        0 => 0,
        first => first.checked_add(index).context("ports end at 65535")?,
    };
    let given = options.client.get(usize::from(index) % options.client.len().max(1));
    let client = given.copied().unwrap_or(options.family.client());
    let archive = index < options.archive;
    let law = Law::LogNormal { median: options.latency, sigma: 0.5 };
    let node = NodeOptions {
        name: format!("node-{}", index + 1),
        listen: SocketAddr::new(options.address, port),
        client,
        retention: if archive {
            Retention::ARCHIVE
        } else {
            options.family.retention(options.states)
        },
        latency: Latency::of(law),
        slots: options.slots,
        delay: options.delay,
        ..NodeOptions::of(options.family, "")
    };
    let listen = node.listen;
    Node::start(Arc::clone(chain), node).await.with_context(|| format!("node port {listen}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        <Options as clap::CommandFactory>::command().debug_assert();
    }

    #[test]
    fn families_and_software_are_named_as_in_the_help() {
        assert_eq!(named::<Family>("substrate").unwrap(), Family::Substrate);
        for (name, client) in [
            ("polkadot-sdk", Client::PolkadotSdk),
            ("nearcore214", Client::Nearcore214),
            ("goloop-plain", Client::GoloopPlain),
        ] {
            assert_eq!(named::<Client>(name).unwrap(), client);
        }
        assert!(named::<Client>("parity").unwrap_err().to_string().contains("geth-path"));
    }

    #[test]
    fn times_have_units() {
        assert_eq!(duration("250ms").unwrap(), Duration::from_millis(250));
        assert_eq!(duration("1.5s").unwrap(), Duration::from_millis(1_500));
        for bad in ["2", "s", "-1s", "xms"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }
}
