//! `headrace explain`: on a config (each node is asked once) or on a running gateway.

use std::{process::ExitCode, sync::Arc, time::Duration};

use tokio::time::{Instant, sleep};

use crate::{
    cli::{BAD_INPUT, Explain, FAILED, Format, complain, load, runtime, say},
    clock::Clock,
    config::{Config, Endpoint},
    gateway::explain_call,
    health,
    pressure::Pressure,
    route::explain::Explanation,
    topology::{Topology, Unbuildable},
    tracker::Tracker,
    upstream::{Client, Options, Outgoing, ReplyBody},
};

/// Nodes that have not answered by then are explained as they are.
const PATIENCE: Duration = Duration::from_secs(2);

/// A config's nodes, each asked once.
pub struct Probed {
    pub topology: Topology,
    pub clock: Clock,
    _tracker: Tracker,
}

impl Probed {
    pub async fn new(config: Config) -> Result<Self, Unbuildable> {
        let topology = Topology::build(Arc::new(config), None)?;
        let clock = Clock::system();
        let pressure = Arc::new(Pressure::new(clock.clone()));
        let probed = Self { _tracker: Tracker::start(&topology, &pressure), topology, clock };
        let until = Instant::now() + PATIENCE;
        while !probed.is_settled() && Instant::now() < until {
            sleep(Duration::from_millis(20)).await;
        }
        Ok(probed)
    }

    fn is_settled(&self) -> bool {
        self.topology.members().all(|(chain, member)| {
            let asked = member.node.health.lock().state() != health::State::Unknown;
            asked && chain.state.tips().latest.is_some()
        })
    }
}

pub fn explain(verb: Explain) -> ExitCode {
    let Ok(runtime) = runtime() else { return ExitCode::from(FAILED) };
    let told = runtime.block_on(async {
        match &verb.admin {
            Some(url) => remote(url, &verb).await,
            None => local(&verb).await,
        }
    });
    match told {
        Ok(text) => {
            say(&text);
            ExitCode::SUCCESS
        }
        Err(code) => code,
    }
}

async fn local(verb: &Explain) -> Result<String, ExitCode> {
    let (Some(config), Some(call)) = (&verb.config, &verb.call) else {
        return Err(ExitCode::from(BAD_INPUT));
    };
    let bad = |text: &str| {
        complain(text);
        ExitCode::from(BAD_INPUT)
    };
    let loaded = load(config.as_ref())?;
    let probed = Probed::new(loaded.config).await.map_err(|error| bad(&error.to_string()))?;
    let chains = &probed.topology.chains;
    let chain = match &verb.chain {
        Some(name) => probed.topology.chain(name),
        None if chains.len() == 1 => chains.first(),
        None => None,
    };
    let names: Vec<&str> = chains.iter().map(|chain| &*chain.config.name).collect();
    let chain = chain.ok_or_else(|| bad(&format!("--chain: one of {}", names.join(", "))))?;
    let explanation = explain_call(chain, probed.clock.now(), verb.zone.as_deref(), call)
        .map_err(|error: String| bad(&error))?;
    Ok(render(&explanation, verb.format))
}

fn render(explanation: &Explanation, format: Format) -> String {
    match format {
        Format::Text => explanation.text(),
        Format::Json => serde_json::to_string_pretty(explanation).unwrap_or_default(),
    }
}

/// With `--admin` the first positional is the call.
async fn remote(url: &str, verb: &Explain) -> Result<String, ExitCode> {
    let call = verb.call.as_deref().or(verb.config.as_deref());
    let fail = |code: u8, text: &str| {
        complain(text);
        ExitCode::from(code)
    };
    let call = call.ok_or_else(|| fail(BAD_INPUT, "a call is missing"))?;
    let base = url.trim_end_matches('/');
    let endpoint = Endpoint::read(&format!("{base}/api/v1/explain"))
        .map_err(|error| fail(BAD_INPUT, &format!("--admin: {error}")))?;
    let client = Client::http(&Options::new(endpoint))
        .map_err(|error| fail(BAD_INPUT, &format!("--admin: {error}")))?;
    let text = matches!(verb.format, Format::Text);
    let question = serde_json::json!({
        "chain": verb.chain, "zone": verb.zone, "call": call, "text": text,
    });
    let body = question.to_string().into_bytes().into();
    let sent = client.send(Outgoing::new(body, Instant::now() + PATIENCE)).await;
    let incoming = sent.map_err(|error| fail(FAILED, &format!("{base}: {error}")))?;
    let ReplyBody::Whole(answer) = incoming.body else {
        return Err(fail(FAILED, "the answer is too large"));
    };
    let answer = String::from_utf8_lossy(&answer).into_owned();
    if incoming.status != 200 {
        return Err(fail(BAD_INPUT, &answer));
    }
    if !text {
        return Ok(answer);
    }
    let value: serde_json::Value = serde_json::from_str(&answer).unwrap_or_default();
    Ok(value["text"].as_str().unwrap_or(&answer).to_owned())
}
