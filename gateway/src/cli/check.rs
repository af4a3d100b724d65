//! `headrace check`.

use std::process::ExitCode;

use crate::{
    cli::{BAD_INPUT, Check, Format, complain, complain_all, explain::Probed, runtime, say},
    config::{Config, file, load::Loaded, problem},
    topology::{Chain, Member},
};

pub fn check(verb: &Check) -> ExitCode {
    let (loaded, problems) = match Config::load(&verb.config, &file::system) {
        Ok(loaded) => (Some(loaded.clone()), loaded.warnings),
        Err(problems) => (None, problems),
    };
    match verb.format {
        Format::Json => say(&problem::json(&problems)),
        Format::Text => complain_all(&problems),
    }
    let Some(loaded) = loaded else { return ExitCode::from(BAD_INPUT) };
    if let Format::Text = verb.format {
        say(&summary(&loaded));
    }
    if verb.live { live(loaded.config) } else { ExitCode::SUCCESS }
}

fn summary(loaded: &Loaded) -> String {
    let chains = loaded.config.chains.len();
    let pools = loaded.config.chains.iter().flat_map(|chain| &chain.pools);
    let nodes: usize = pools.map(|pool| pool.nodes.len()).sum();
    let revision = &loaded.config.revision;
    format!(
        "ok: chains {chains}, nodes {nodes}, warnings {}, revision {revision}",
        loaded.warnings.len()
    )
}

/// Asks the nodes: exit 2 when one serves another chain, for that is a mistake in the file.
fn live(config: Config) -> ExitCode {
    let Ok(runtime) = runtime() else { return ExitCode::from(BAD_INPUT) };
    runtime.block_on(async {
        let probed = match Probed::new(config).await {
            Ok(probed) => probed,
            Err(error) => {
                complain(&error.to_string());
                return ExitCode::from(BAD_INPUT);
            }
        };
        let mut wrong = false;
        for (chain, member) in probed.topology.members() {
            say(&line(chain, member));
            wrong |= member.node.facts().has(crate::route::Facts::WRONG_CHAIN);
        }
        for chain in &probed.topology.chains {
            let lines = missing_methods(chain).await;
            if !lines.is_empty() {
                say(&format!("\n# {}: methods that nodes have and the table lacks; paste what you want to serve", chain.config.name));
                say(&lines.join("\n"));
            }
        }
        if wrong { ExitCode::from(BAD_INPUT) } else { ExitCode::SUCCESS }
    })
}

fn line(chain: &Chain, member: &Member) -> String {
    use crate::route::Facts;
    let node = &member.node;
    let facts = node.facts();
    let state = if facts.has(Facts::WRONG_CHAIN) {
        let said = node.identity.lock().clone().unwrap_or_default();
        format!("serves another chain: {said}")
    } else if facts.has(Facts::UNHEALTHY) || !facts.has(Facts::VERIFIED) {
        "does not answer".to_owned()
    } else if facts.has(Facts::SYNCING) {
        format!("syncing, head {}", node.head())
    } else {
        format!("head {}, {} behind", node.head(), node.lag())
    };
    format!("{} {} ({}): {state}", chain.config.name, node.config.name, node.config.http)
}

/// Config lines for methods or whole modules that nodes offer and the table does not know.
async fn missing_methods(chain: &Chain) -> Vec<String> {
    let with_evm = if chain.config.evm { None } else { chain.methods().with_evm() };
    let (mut evm, mut lines) = (false, std::collections::BTreeSet::new());
    for member in &chain.members {
        for name in crate::tracker::offered(chain, member).await {
            if !is_unknown(chain, &name) {
                continue;
            }
            if with_evm.as_ref().is_some_and(|table| !table.row_of(&name).is_other()) {
                evm = true;
            } else {
                lines.insert(format!("[chains.methods.\"{name}\"]\nclass = \"read\""));
            }
        }
    }
    let key = evm.then(|| "evm = true  # the nodes have an EVM: a key of the chain".to_owned());
    key.into_iter().chain(lines).collect()
}

/// Whether no row of the table serves a method, or any method of a module (`name_*`).
fn is_unknown(chain: &Chain, name: &str) -> bool {
    let table = chain.methods();
    match name.strip_suffix('*') {
        Some(module) => !table.rows().iter().any(|row| row.name.starts_with(module)),
        None => table.row_of(name).is_other(),
    }
}
