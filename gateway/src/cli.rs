//! The verbs of `headrace`. Each says in one line what went wrong and ends with the
//! contract's exit code: 0 done, 1 a failure at run time, 2 bad input.

mod check;
mod detect;
mod demo;
mod explain;
mod run;

use std::{net::SocketAddr, path::PathBuf, process::ExitCode};

use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};

use crate::config::{
    Config, file,
    load::Loaded,
    problem::{self, Problem, Severity},
};

/// Bad input: a config, an argument.
pub const BAD_INPUT: u8 = 2;
/// Something failed at run time.
pub const FAILED: u8 = 1;

/// Load-balancing JSON-RPC gateway for blockchain nodes.
#[derive(Debug, Parser)]
#[command(name = "headrace", version, max_term_width = 100, after_help = EXAMPLES)]
pub struct Cli {
    #[command(subcommand)]
    pub verb: Verb,
}

const EXAMPLES: &str = "\
Try it:
  headrace demo                                    simulated nodes, a gateway, a live table
  headrace run --node http://10.0.0.1:8545 --node http://10.0.0.2:8545
                                                   serve two nodes, no file needed
  headrace check headrace.toml                     every problem of a config, at once
  headrace run headrace.toml                       serve it; edit the file, it reloads
  headrace explain headrace.toml --chain eth \\
    '{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"eth_blockNumber\",\"params\":[]}'
                                                   which node, and why not each other one";

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Start simulated nodes in three zones, a gateway in front of them and light traffic,
    /// and show what happens
    Demo(Demo),
    /// Serve: from a config file, or from nothing but the nodes
    Run(Run),
    /// Check a config and say everything that is wrong with it; exit 0 or 2
    Check(Check),
    /// Which node a call would go to, why, and why not each other one
    Explain(Explain),
    /// What a reload from OLD to NEW would change, and what needs a restart
    Diff(Diff),
    /// Print the JSON schema of the config
    Schema,
    /// Print a completion script for your shell
    Completions { shell: clap_complete::Shell },
}

#[derive(Debug, Args)]
pub struct Demo {
    /// Where the gateway listens
    #[arg(long, default_value = "127.0.0.1:8545", value_name = "ADDR")]
    pub listen: SocketAddr,
    /// Admin port: metrics and status
    #[arg(long, default_value = "127.0.0.1:9545", value_name = "ADDR")]
    pub admin: SocketAddr,
    /// Control port of the first chain's simulated nodes, where faults are switched; the
    /// other three chains' follow it
    #[arg(long, default_value = "127.0.0.1:9546", value_name = "ADDR")]
    pub control: SocketAddr,
    /// Stop after so many seconds; runs until told to stop if absent
    #[arg(long, value_name = "SECONDS")]
    pub seconds: Option<u64>,
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("source").required(true).args(["config", "nodes"]))]
pub struct Run {
    /// The config file; changes to it, and SIGHUP, reload it
    pub config: Option<PathBuf>,
    /// A node to serve, given once for each; family and identity are found by asking
    #[arg(long = "node", value_name = "URL")]
    pub nodes: Vec<String>,
    /// Where to listen, with --node [default: 127.0.0.1:8545]
    #[arg(long, value_name = "ADDR", requires = "nodes")]
    pub listen: Option<SocketAddr>,
    /// Which chain, with --node: chain id or genesis hash; asked of the nodes if absent
    #[arg(long, value_name = "ID", requires = "nodes")]
    pub identity: Option<String>,
    /// Admin port, with --node [default: 127.0.0.1:9545]
    #[arg(long, value_name = "ADDR", requires = "nodes")]
    pub admin: Option<SocketAddr>,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub enum Format {
    #[default]
    Text,
    Json,
}

#[derive(Debug, Args)]
pub struct Check {
    pub config: PathBuf,
    /// Ask the nodes too: reachable, which chain, how far, which methods the table lacks
    #[arg(long)]
    pub live: bool,
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

#[derive(Debug, Args)]
pub struct Explain {
    /// The config file; or --admin for a running gateway
    #[arg(required_unless_present = "admin")]
    pub config: Option<String>,
    /// The text of one JSON-RPC request
    #[arg(required_unless_present = "admin")]
    pub call: Option<String>,
    /// Ask a running gateway at its admin URL, http://127.0.0.1:9545
    #[arg(long, value_name = "URL")]
    pub admin: Option<String>,
    /// Which chain [default: the only one]
    #[arg(long, value_name = "NAME")]
    pub chain: Option<String>,
    /// As if the gateway ran in this zone
    #[arg(long, value_name = "NAME")]
    pub zone: Option<String>,
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

#[derive(Debug, Args)]
pub struct Diff {
    pub old: PathBuf,
    pub new: PathBuf,
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Does what was asked for.
pub fn main(cli: Cli) -> ExitCode {
    match cli.verb {
        Verb::Demo(demo) => demo::demo(&demo),
        Verb::Run(run) => run::run(run),
        Verb::Check(check) => check::check(&check),
        Verb::Explain(explain) => explain::explain(explain),
        Verb::Diff(diff) => show_diff(&diff),
        Verb::Schema => {
            say(&crate::config::schema::schema());
            ExitCode::SUCCESS
        }
        Verb::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "headrace", &mut script);
            say(&String::from_utf8_lossy(&script));
            ExitCode::SUCCESS
        }
    }
}

/// Prints to stdout what the verb was asked for.
#[expect(clippy::print_stdout, reason = "the CLI speaks on stdout")]
fn say(text: &str) {
    use std::io::Write;
    // A closed pipe is no failure of ours.
    let _ = std::io::stdout().write_all(text.as_bytes());
    if !text.ends_with('\n') {
        println!();
    }
}

/// One clear line on stderr.
fn complain(text: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "headrace: {text}");
}

/// Loads a config; on failure says every problem and gives the exit code.
fn load(path: &std::path::Path) -> Result<Loaded, ExitCode> {
    Config::load(path, &file::system).map_err(|problems| {
        complain_all(&problems);
        ExitCode::from(BAD_INPUT)
    })
}

/// Every problem, then how many there are.
fn complain_all(problems: &[Problem]) {
    let errors = problems.iter().filter(|problem| problem.severity == Severity::Error).count();
    let warnings = problems.len() - errors;
    let mut text = problem::text(problems);
    if errors > 0 {
        text += &format!("errors {errors}, warnings {warnings}: nothing was applied\n");
    }
    use std::io::Write;
    let _ = std::io::stderr().write_all(text.as_bytes());
}

fn show_diff(verb: &Diff) -> ExitCode {
    let (old, new) = match (load(&verb.old), load(&verb.new)) {
        (Ok(old), Ok(new)) => (old, new),
        (Err(code), _) | (_, Err(code)) => return code,
    };
    let changes = crate::config::diff::diff(&old.config, &new.config);
    match verb.format {
        Format::Json => say(&changes.json()),
        Format::Text if changes.is_empty() => say("no change"),
        Format::Text => say(&changes.to_string()),
    }
    ExitCode::SUCCESS
}

/// The control thread's runtime.
fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}
