//! From accept to the first byte of HTTP, over real sockets: caps, the PROXY protocol, TLS.
//!
//! All of 127.0.0.0/8 is this machine: a client here is told from another by the address
//! that it binds.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]

mod caps;
mod client;
#[path = "../support/control.rs"]
mod control;
#[expect(dead_code, reason = "the data port's own tests use the rest")]
#[path = "../support/edge_h2.rs"]
mod edge_h2;
#[expect(dead_code, reason = "the data port's own tests use the rest")]
#[path = "../support/edge_server.rs"]
mod edge_server;
mod files;
#[path = "../support/fleet.rs"]
mod fleet;
mod proxy;
#[path = "../support/raw.rs"]
mod raw;
mod reload;
mod tls;

use std::sync::Arc;

use http::{Request, Response};
use hyper::body::Incoming;

use headrace_gateway::{
    server::{Abort, Doors, Link, Reply, Serve, Shutdown},
    topology::Topology,
};

use edge_server::{Running, serve_with};
use fleet::Lines;

/// A request that is always answered.
const GET: &[u8] = b"GET /livez HTTP/1.1\r\nHost: a.test\r\n\r\n";

/// Answers what the connection tells of its client.
#[derive(Clone)]
struct Mirror;

impl Serve for Mirror {
    async fn answer(self, _: Request<Incoming>, link: Link) -> Result<Response<Reply>, Abort> {
        let name = link.server_name.as_deref().unwrap_or("-");
        let text = format!("{} {} {name}", link.peer.ip(), link.trusted);
        Ok(Response::new(Reply::text(text)))
    }
}

fn mirror(doors: Doors) -> Running {
    serve_with(doors, Shutdown::default(), |_| Mirror)
}

/// The doors of a config with these keys of `[server]`.
fn doors(server: &str) -> Doors {
    let lines = Lines { server: server.to_owned(), ..Lines::default() };
    let config = fleet::config(&lines, &["http://127.0.0.1:1".to_owned()]);
    Doors::of(&Topology::build(Arc::new(config), None).unwrap(), 64)
}
