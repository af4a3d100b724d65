//! `headrace run`.

use std::process::ExitCode;

use crate::{
    app::Running,
    cli::{BAD_INPUT, FAILED, Run, complain, complain_all, detect, load, runtime, say},
    config::{Config, load::Loaded, print, problem},
};

pub fn run(verb: Run) -> ExitCode {
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(error) => {
            complain(&error.to_string());
            return ExitCode::from(FAILED);
        }
    };
    match runtime.block_on(serve(verb)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(code) => code,
    }
}

async fn serve(verb: Run) -> Result<(), ExitCode> {
    let loaded = match &verb.config {
        Some(path) => load(path)?,
        None => from_nodes(&verb).await?,
    };
    if !loaded.warnings.is_empty() {
        tracing::warn!("the config is odd:\n{}", problem::text(&loaded.warnings));
    }
    warn_if_open(&loaded.config);
    let failed = |error: &dyn std::fmt::Display| {
        complain(&error.to_string());
        ExitCode::from(FAILED)
    };
    let running = Running::start(loaded.config).map_err(|error| failed(&error))?;
    announce(&running);
    if let Some(path) = verb.config {
        running.watch(path).map_err(|error| failed(&error))?;
    }
    running.until_told().await.map_err(|error| failed(&error))
}

/// A public listener without a rate: said once.
fn warn_if_open(config: &Config) {
    let public = config.server.listen.iter().any(|address| !address.ip().is_loopback());
    if public && config.limits.rate.is_none() {
        tracing::warn!(
            "listening beyond loopback without `limits.rate`: whoever reaches the port \
            may use all of the nodes' capacity"
        );
    }
}

fn announce(running: &Running) {
    let config = running.gateway.current.with(|topology| std::sync::Arc::clone(&topology.config));
    let scheme = if config.server.tls.is_empty() { "http" } else { "https" };
    for address in &running.data {
        tracing::info!("listening on {scheme}://{address}");
    }
    tracing::info!("admin on http://{}", running.admin);
    for chain in &config.chains {
        let routes: Vec<String> = chain.routes.iter().map(ToString::to_string).collect();
        let nodes: usize = chain.pools.iter().map(|pool| pool.nodes.len()).sum();
        tracing::info!(chain = %chain.name, routes = routes.join(" "), nodes, zones = chain.pools.len());
    }
}

/// No file: the nodes are asked what they are, and the config that serves them is shown.
async fn from_nodes(verb: &Run) -> Result<Loaded, ExitCode> {
    let found = detect::detect(&verb.nodes, verb.listen, verb.identity.as_deref()).await;
    let mut loaded = found.map_err(|problems| {
        complain_all(&problems);
        ExitCode::from(BAD_INPUT)
    })?;
    if let Some(admin) = verb.admin {
        if !admin.ip().is_loopback() {
            complain("--admin: only a loopback address without a token; write a config file");
            return Err(ExitCode::from(BAD_INPUT));
        }
        loaded.config.admin.listen = admin;
    }
    say("# The config in force; save it as a file to go on from there.");
    say(&print::effective(&loaded.config));
    Ok(loaded)
}
