//! The calls of the admin port, and the pages it shows.
//!
//! | call | does |
//! |---|---|
//! | `GET /api/v1/status` | chains, tips and nodes as JSON |
//! | `POST /api/v1/explain` | which node a call would go to now, and why |
//! | `POST /api/v1/nodes/{name}/drain`, `…/undrain` | takes a node out gently, or back in |

use std::sync::Arc;

use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::json;

use crate::{
    admin::{ApiAnswer, ApiRequest, Pages, exposition, status},
    gateway::{Gateway, explain_call},
    metrics::ReloadStatus,
    server::Traffic,
};

/// What the admin port of this gateway shows.
pub fn pages(gateway: &Arc<Gateway>, traffic: &Arc<Traffic>, reloads: &Arc<ReloadStatus>) -> Pages {
    let (scraped, traffic, reloads) =
        (Arc::clone(gateway), Arc::clone(traffic), Arc::clone(reloads));
    let (shown, asked, called) = (Arc::clone(gateway), Arc::clone(gateway), Arc::clone(gateway));
    Pages {
        metrics: Box::new(move || exposition::text(&scraped, &traffic, &reloads)),
        status: Box::new(move || status::json(&shown)),
        ready: Box::new(move |chain| asked.ready(chain)),
        api: Box::new(move |request| {
            let answer = answer(&called, &request);
            Box::pin(async move { answer })
        }),
    }
}

fn answer(gateway: &Gateway, request: &ApiRequest) -> Option<ApiAnswer> {
    let call = request.path.strip_prefix("/api/v1/")?;
    let node = |act: &str| call.strip_prefix("nodes/").and_then(|rest| rest.strip_suffix(act));
    let posted = request.method == Method::POST;
    let outcome = if call == "explain" {
        posted.then(|| explain(gateway, &request.body))
    } else if let Some(name) = node("/drain") {
        posted.then(|| drain(gateway, name, true))
    } else {
        let name = node("/undrain")?;
        posted.then(|| drain(gateway, name, false))
    };
    Some(match outcome {
        None => problem(StatusCode::METHOD_NOT_ALLOWED, "POST it"),
        Some(Ok(json)) => ApiAnswer { status: StatusCode::OK, json },
        Some(Err((status, what))) => problem(status, &what),
    })
}

type Outcome = Result<String, (StatusCode, String)>;

fn problem(status: StatusCode, what: &str) -> ApiAnswer {
    ApiAnswer { status, json: json!({ "error": what }).to_string() }
}

/// The body of `explain`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {
    /// May be left out where there is only one.
    chain: Option<String>,
    /// As seen from there; absent: from this gateway's zone.
    zone: Option<String>,
    /// The text of one JSON-RPC call.
    call: String,
    /// Add the same in words, as member `text`.
    #[serde(default)]
    text: bool,
}

fn explain(gateway: &Gateway, body: &[u8]) -> Outcome {
    let bad = |what: String| (StatusCode::BAD_REQUEST, what);
    let question: Question =
        serde_json::from_slice(body).map_err(|error| bad(format!("the body: {error}")))?;
    let topology = gateway.current.load();
    let chain = match &question.chain {
        Some(name) => topology.chain(name),
        None if topology.chains.len() == 1 => topology.chains.first(),
        None => None,
    };
    let known = || topology.chains.iter().map(|chain| &*chain.config.name).collect::<Vec<_>>();
    let chain = chain.ok_or_else(|| bad(format!("chain: one of {}", known().join(", "))))?;
    let now = gateway.clock.now();
    let explanation =
        explain_call(chain, now, question.zone.as_deref(), &question.call).map_err(bad)?;
    let mut value = json!(explanation);
    if question.text {
        value["text"] = explanation.text().into();
    }
    Ok(value.to_string())
}

fn drain(gateway: &Gateway, name: &str, on: bool) -> Outcome {
    let topology = gateway.current.load();
    let named = topology.members().find(|(_, member)| *member.node.config.name == *name);
    let Some((chain, member)) = named else {
        return Err((StatusCode::NOT_FOUND, format!("no node is called {name}")));
    };
    member.node.drain(on, gateway.clock.now());
    tracing::info!(chain = %chain.config.name, node = %member.node.config.name, drained = on,
        "an operator drains a node, or takes it back");
    Ok(json!({ "node": name, "drained": on, "in_flight": member.node.flight.calls() }).to_string())
}

#[cfg(test)]
mod tests;
