//! The control port: what nodes there are, what ails them, what they were asked.
//!
//! JSON over HTTP/1.1, for scenario runners and people with curl. Every bad input gets
//! a status and one clear line; nothing here touches the path of the nodes' calls.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::chain::{BlockId, Chain};
use crate::faults::Injected;
use crate::hash::hex;
use crate::node::{Node, Shared};

/// The largest request body.
const BODY: usize = 64 * 1024;
/// Blocks of one `mine`.
const MINE: u64 = 100_000;

/// A running control port. Dropping it closes it.
#[derive(Debug)]
pub struct Control {
    pub address: SocketAddr,
    task: JoinHandle<()>,
}

impl Drop for Control {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What the port controls.
#[derive(Debug)]
struct Fleet {
    chain: Arc<Chain>,
    nodes: Vec<Arc<Shared>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Mine {
    blocks: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Reorg {
    depth: u64,
}

/// A status and the line that explains it, or the JSON of an answer.
type Reply = Result<serde_json::Value, (StatusCode, String)>;

impl Control {
    /// Serves control over one chain and some of its nodes.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub async fn start(listen: SocketAddr, chain: Arc<Chain>, nodes: &[Node]) -> io::Result<Self> {
        let listener = TcpListener::bind(listen).await?;
        let address = listener.local_addr()?;
        let nodes = nodes.iter().map(|node| Arc::clone(node.shared())).collect();
        let fleet = Arc::new(Fleet { chain, nodes });
        Ok(Self { address, task: tokio::spawn(run(listener, fleet)) })
    }
}

async fn run(listener: TcpListener, fleet: Arc<Fleet>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            continue;
        };
        let fleet = Arc::clone(&fleet);
        tokio::spawn(async move {
            let service = service_fn(|request| answer(&fleet, request));
            // A peer that leaves early concerns nobody.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn answer(
    fleet: &Fleet,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let reply = match Limited::new(body, BODY).collect().await {
        Ok(body) => route(fleet, &head.method, head.uri.path(), &body.to_bytes()),
        Err(_) => Err((StatusCode::PAYLOAD_TOO_LARGE, format!("a body is at most {BODY} bytes"))),
    };
    let (status, value) = match reply {
        Ok(value) => (StatusCode::OK, value),
        Err((status, why)) => (status, json!({ "error": why })),
    };
    let mut response = Response::new(Full::from(format!("{value}\n")));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    Ok(response)
}

fn route(fleet: &Fleet, method: &Method, path: &str, body: &[u8]) -> Reply {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    match (method.as_str(), &parts[..]) {
        ("GET", ["state"]) => Ok(state(fleet)),
        ("GET", ["counters"]) => Ok(counters(fleet)),
        ("POST", ["chain", "mine"]) => mine(fleet, body),
        ("POST", ["chain", "reorg"]) => {
            let Reorg { depth } = read(body)?;
            Ok(block(fleet.chain.reorg(depth)))
        }
        ("POST", ["nodes", name, "faults"]) => {
            let node = find(fleet, name)?;
            let injected: Injected = read(body)?;
            node.inject(injected).map_err(|bad| (StatusCode::BAD_REQUEST, bad.to_string()))?;
            Ok(faults(node))
        }
        ("DELETE", ["nodes", name, "faults"]) => {
            let node = find(fleet, name)?;
            node.clear();
            Ok(faults(node))
        }
        ("GET", ["nodes", name, "faults"]) => find(fleet, name).map(faults),
        _ => Err((StatusCode::NOT_FOUND, format!("no such thing: {method} {path}; {PATHS}"))),
    }
}

const PATHS: &str = "there are GET /state, GET /counters, POST /chain/mine, POST /chain/reorg, \
GET, POST and DELETE /nodes/NAME/faults";

fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, (StatusCode, String)> {
    serde_json::from_slice(body).map_err(|error| (StatusCode::BAD_REQUEST, error.to_string()))
}

fn find<'a>(fleet: &'a Fleet, name: &str) -> Result<&'a Shared, (StatusCode, String)> {
    let found = fleet.nodes.iter().find(|node| node.options.name == name);
    found.map(Arc::as_ref).ok_or_else(|| {
        let names: Vec<&str> = fleet.nodes.iter().map(|node| &*node.options.name).collect();
        (StatusCode::NOT_FOUND, format!("no node {name}; there are {}", names.join(", ")))
    })
}

fn mine(fleet: &Fleet, body: &[u8]) -> Reply {
    let Mine { blocks } = read(body)?;
    if !(1..=MINE).contains(&blocks) {
        let why = format!("blocks is {blocks}, allowed is 1 to {MINE}");
        return Err((StatusCode::BAD_REQUEST, why));
    }
    Ok(block(fleet.chain.mine(blocks)))
}

fn block(id: BlockId) -> serde_json::Value {
    json!({ "number": id.number, "hash": hex(&id.hash) })
}

fn faults(node: &Shared) -> serde_json::Value {
    json!({ "node": node.options.name, "faults": node.faults() })
}

#[derive(Debug, Serialize)]
struct NodeState<'a> {
    name: &'a str,
    url: String,
    head: u64,
    client: crate::family::Client,
    retention: crate::retention::Retention,
    faults: Vec<Injected>,
    calls: u64,
}

fn state(fleet: &Fleet) -> serde_json::Value {
    let nodes: Vec<NodeState<'_>> = fleet.nodes.iter().map(|node| node_state(node)).collect();
    let options = &fleet.chain.options;
    let chain = json!({
        "family": options.family,
        "chain_id": options.chain_id,
        "seed": options.seed,
        "head": block(fleet.chain.head()),
        "reorgs": fleet.chain.reorgs(),
    });
    json!({ "chain": chain, "nodes": nodes })
}

fn node_state(node: &Shared) -> NodeState<'_> {
    let view = node.view();
    NodeState {
        name: &node.options.name,
        url: format!("http://{}", node.address),
        head: view.claim.unwrap_or(view.head),
        client: node.options.client,
        retention: node.options.retention,
        faults: node.faults(),
        calls: node.counters.snapshot().calls(),
    }
}

fn counters(fleet: &Fleet) -> serde_json::Value {
    let each = fleet.nodes.iter().map(|node| {
        let counts = serde_json::to_value(node.counters.snapshot()).unwrap_or_default();
        (node.options.name.clone(), counts)
    });
    serde_json::Value::Object(each.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::{ChainOptions, Pace};
    use crate::node::NodeOptions;

    async fn fleet() -> (Fleet, Node) {
        let options = ChainOptions { pace: Pace::Manual, ..ChainOptions::default() };
        let chain = Chain::new(options);
        let node = Node::start(Arc::clone(&chain), NodeOptions::named("a")).await.unwrap();
        (Fleet { chain, nodes: vec![Arc::clone(node.shared())] }, node)
    }

    #[tokio::test]
    async fn each_path_does_what_it_says() {
        let (fleet, node) = fleet().await;
        let go = |method: Method, path: &str, body: &str| {
            route(&fleet, &method, path, body.as_bytes()).unwrap()
        };
        assert_eq!(go(Method::POST, "/chain/mine", r#"{"blocks":2}"#)["number"], 1_002);
        assert_eq!(go(Method::POST, "/chain/reorg", r#"{"depth":1}"#)["number"], 1_002);
        let lag = r#"{"fault":{"kind":"lag","blocks":4}}"#;
        let set = go(Method::POST, "/nodes/a/faults", lag);
        assert_eq!(set["faults"][0]["fault"]["blocks"], 4);
        assert_eq!(node.faults().len(), 1);
        let state = go(Method::GET, "/state", "");
        assert_eq!(state["chain"]["reorgs"], 1);
        assert_eq!(state["nodes"][0]["name"], "a");
        go(Method::DELETE, "/nodes/a/faults", "");
        assert!(node.faults().is_empty());
        assert_eq!(go(Method::GET, "/counters", "")["a"]["connections"], 0);
    }

    #[tokio::test]
    async fn bad_input_gets_a_status_and_a_line() {
        let (fleet, _node) = fleet().await;
        let rows = [
            (Method::POST, "/chain/mine", r#"{"blocks":0}"#, 400, "allowed is 1 to"),
            (Method::POST, "/chain/mine", r#"{"n":1}"#, 400, "unknown field `n`"),
            (Method::POST, "/nodes/b/faults", "{}", 404, "no node b; there are a"),
            (Method::POST, "/nodes/a/faults", r#"{"fault":{"kind":"x"}}"#, 400, "unknown variant"),
            (
                Method::POST,
                "/nodes/a/faults",
                r#"{"fault":{"kind":"die"},"probability":0.5}"#,
                400,
                "strikes the whole node",
            ),
            (Method::GET, "/nothing", "", 404, "GET /state"),
        ];
        for (method, path, body, status, text) in rows {
            let (seen, why) = route(&fleet, &method, path, body.as_bytes()).unwrap_err();
            assert_eq!(seen.as_u16(), status, "{path}");
            assert!(why.contains(text), "{path}: {why}");
        }
    }
}
