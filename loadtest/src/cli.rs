//! The verbs. Exit codes: 0 pass, 1 failed, 2 bad input, 3 invalid measurement.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::{Parser, Subcommand};
use futures_util::{StreamExt as _, stream};
use headrace_simnode::Family;
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{oneshot, watch};

use crate::family;
use crate::report::Report;
use crate::runner::{self, Options};
use crate::scenario::Scenario;

const FAILED: u8 = 1;
const BAD_INPUT: u8 = 2;
const INVALID: u8 = 3;
/// Plays of a scenario whose measurement says little.
const MOST_PLAYS: u32 = 3;

const EXAMPLES: &str = "\
Examples:
  One scenario, with the gateway's log kept:
    loadtest scenario loadtest/scenarios/dead-and-hung.toml --keep
  All of them at half their rate, on a slow machine:
    loadtest scenario loadtest/scenarios/*.toml --rate-scale 0.5
  With three other families, six plays at a time, for counts and codes:
    loadtest scenario loadtest/scenarios/*.toml --family substrate,near,icon \
      --rate-scale 0.1 --jobs 6
  Results for a program:
    loadtest scenario loadtest/scenarios/*.toml --json results.json

Exit codes: 0 all passed, 1 an expectation is broken, 2 bad input, 3 the measurement is not valid.";

/// Load-test harness of Headrace
#[derive(Debug, Parser)]
#[command(version, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Play scenarios: a simulated fleet, faults over time, judged load, expectations
    #[command(after_help = EXAMPLES)]
    Scenario(Play),
}

#[derive(Debug, clap::Args)]
struct Play {
    /// Scenario files, played one after another
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Families to play each file with, of those that it is for: ethereum, substrate, near,
    /// icon
    #[arg(
        long,
        value_name = "FAMILY",
        value_delimiter = ',',
        default_value = "ethereum",
        value_parser = family_of
    )]
    family: Vec<Family>,
    /// The gateway's binary [default: `headrace` beside this one]
    #[arg(long, value_name = "PATH", env = "HEADRACE_BIN")]
    gateway: Option<PathBuf>,
    /// Write the results as a JSON array
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Factor on every rate, for slow machines
    #[arg(long, default_value_t = 1.0, value_name = "FACTOR", value_parser = factor)]
    rate_scale: f64,
    /// Plays at the same time, each with its own fleet and gateway. With more than one,
    /// counts and codes are judged, and how long calls took is only shown
    #[arg(long, default_value_t = 1, value_name = "COUNT", value_parser = clap::value_parser!(u8).range(1..=16))]
    jobs: u8,
    /// Judge also what says something only on a quiet machine: ratios and tight bounds on time
    #[arg(long, conflicts_with = "jobs")]
    strict: bool,
    /// Keep the gateway's config and log also of runs that pass
    #[arg(long)]
    keep: bool,
    /// Only read the files and say whether they are sound
    #[arg(long)]
    check: bool,
}

fn factor(text: &str) -> Result<f64, String> {
    let factor: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if factor > 0.0 && factor <= 100.0 {
        Ok(factor)
    } else {
        Err("allowed is above 0, up to 100".to_owned())
    }
}

fn family_of(text: &str) -> Result<Family, String> {
    family::from_word(text).ok_or_else(|| {
        let words: Vec<_> = family::ALL.into_iter().map(family::word).collect();
        format!("allowed are {}", words.join(", "))
    })
}

/// Runs the program.
#[must_use]
pub fn main() -> ExitCode {
    match Cli::parse().verb {
        Verb::Scenario(play) => scenario(&play),
    }
}

fn scenario(play: &Play) -> ExitCode {
    let mut scenarios = Vec::new();
    let mut sound = true;
    for path in &play.files {
        match Scenario::load(path) {
            Ok(scenario) => scenarios.push((name_of(path), scenario)),
            Err(bad) => {
                complain(&bad.to_string());
                sound = false;
            }
        }
    }
    if !sound {
        return ExitCode::from(BAD_INPUT);
    }
    if play.check {
        say(&format!("{} sound\n", scenarios.len()));
        return ExitCode::SUCCESS;
    }
    let Some(gateway) = play.gateway.clone().or_else(beside).filter(|path| path.is_file()) else {
        complain("no gateway: build it, or name it with --gateway or HEADRACE_BIN");
        return ExitCode::from(BAD_INPUT);
    };
    let options = Options {
        gateway,
        rate_scale: play.rate_scale,
        keep: play.keep,
        timed: play.jobs == 1,
        strict: play.strict,
    };
    match runtime() {
        Ok(runtime) => {
            runtime.block_on(interruptible(Plays { scenarios, play, options: &options }))
        }
        Err(error) => {
            complain(&error.to_string());
            ExitCode::from(FAILED)
        }
    }
}

fn runtime() -> std::io::Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()
}

/// All that is to be played.
struct Plays<'a> {
    scenarios: Vec<(String, Scenario)>,
    play: &'a Play,
    options: &'a Options,
}

impl Plays<'_> {
    /// Each file with each of the wanted families that it is for.
    fn pairs(&self) -> Vec<(&str, Scenario)> {
        let mut pairs = Vec::new();
        for (name, scenario) in &self.scenarios {
            let wanted = self.play.family.iter().copied();
            let families = wanted.filter(|family| scenario.chain.families.contains(family));
            pairs.extend(families.map(|family| (name.as_str(), scenario.clone().with(family))));
        }
        pairs
    }
}

/// Plays until done, or until Ctrl-C or SIGTERM: then everything that was started is
/// stopped.
async fn interruptible(plays: Plays<'_>) -> ExitCode {
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        complain("signals cannot be listened for");
        return ExitCode::from(FAILED);
    };
    let (stop, stopped) = watch::channel(false);
    let mut all = pin!(play_all(plays, stopped));
    tokio::select! {
        code = &mut all => return code,
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    stop.send_replace(true);
    all.await;
    complain("interrupted: everything is stopped");
    ExitCode::from(FAILED)
}

async fn play_all(plays: Plays<'_>, stopped: watch::Receiver<bool>) -> ExitCode {
    let mut reports = Vec::new();
    let mut broken = 0;
    let one = |(name, scenario)| apart(name, scenario, plays.options, &stopped);
    let mut played = stream::iter(plays.pairs()).map(one).buffer_unordered(plays.play.jobs.into());
    while let Some(result) = played.next().await {
        match result {
            Ok(report) => reports.push(report),
            Err(_) if *stopped.borrow() => broken += 1,
            Err(error) => {
                complain(&format!("{error:#}"));
                broken += 1;
            }
        }
    }
    if let Some(path) = &plays.play.json
        && let Err(error) = write_json(path, &reports)
    {
        complain(&format!("{}: {error}", path.display()));
        broken += 1;
    }
    conclude(&reports, broken)
}

fn conclude(reports: &[Report], broken: usize) -> ExitCode {
    let failed = reports.iter().filter(|report| !report.passed).count() + broken;
    let invalid = reports.iter().filter(|report| report.passed && !report.valid()).count();
    say(&format!(
        "{} passed, {failed} failed, {invalid} invalid\n",
        reports.len() + broken - failed - invalid
    ));
    match (failed, invalid) {
        (0, 0) => ExitCode::SUCCESS,
        (0, _) => ExitCode::from(INVALID),
        _ => ExitCode::from(FAILED),
    }
}

/// Plays on threads of its own, so that no other play waits for what is computed here.
async fn apart(
    name: &str,
    scenario: Scenario,
    options: &Options,
    stopped: &watch::Receiver<bool>,
) -> anyhow::Result<Report> {
    let (options, mut stopped) = (options.clone(), stopped.clone());
    let name = format!("{name} {}", family::word(scenario.chain.family));
    let (send, played) = oneshot::channel();
    let work = move || {
        let result = runtime().context("no runtime").and_then(|runtime| {
            runtime.block_on(async {
                tokio::select! {
                    result = play(&name, &scenario, &options) => result.context(name.clone()),
                    _ = stopped.wait_for(|stopped| *stopped) => bail!("{name}: interrupted"),
                }
            })
        });
        // Who asked is there until all plays are done.
        let _ = send.send(result);
    };
    std::thread::Builder::new().name("play".to_owned()).spawn(work)?;
    played.await.context("a play broke off")?
}

/// Plays a scenario, and again where the generator itself was too late for the result, or for
/// a broken bound on time, to say anything: a machine that others use may be busy for a moment.
async fn play(name: &str, scenario: &Scenario, options: &Options) -> anyhow::Result<Report> {
    let mut plays = 1;
    loop {
        let report = runner::run(name, scenario.clone(), options).await?;
        say(&report.text());
        if !report.is_doubtful() || plays == MOST_PLAYS {
            return Ok(report);
        }
        plays += 1;
        complain(&format!("{name}: measured badly, played again"));
    }
}

fn write_json(path: &Path, reports: &[Report]) -> std::io::Result<()> {
    let text = serde_json::to_string_pretty(reports)?;
    std::fs::write(path, text + "\n")
}

fn beside() -> Option<PathBuf> {
    Some(std::env::current_exe().ok()?.with_file_name("headrace"))
}

fn name_of(path: &Path) -> String {
    path.file_stem().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

fn say(text: &str) {
    // Who closed our output does not want to hear more.
    let _ = std::io::stdout().write_all(text.as_bytes());
}

fn complain(text: &str) {
    let _ = writeln!(std::io::stderr(), "loadtest: {text}");
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_verbs_are_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_factor_is_positive_and_bounded() {
        assert_eq!(factor("0.5"), Ok(0.5));
        for bad in ["0", "-1", "nan", "x", "101"] {
            assert!(factor(bad).is_err(), "{bad}");
        }
    }
}
