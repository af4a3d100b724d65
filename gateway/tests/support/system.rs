//! A whole gateway as `headrace run` starts it, before simulated nodes.

use std::{net::SocketAddr, sync::Arc};

use headrace_gateway::{app, gateway::Gateway};
use headrace_simnode::Node;

use crate::{
    control::Control,
    fleet::{self, Lines},
    raw::{Raw, Seen},
};

pub struct System {
    pub data: SocketAddr,
    pub admin: SocketAddr,
    pub gateway: Arc<Gateway>,
    pub nodes: Vec<Node>,
    running: Option<app::Running>,
    /// Last: everything above lives on it.
    control: Control,
}

impl System {
    /// Before so many nodes, each asked once.
    pub fn start(lines: &Lines, nodes: usize) -> Self {
        Self::before(lines, nodes, |_, url| url)
    }

    /// As [`System::start`]; `stand_in` gives the address to use instead of a node's.
    pub fn before(
        lines: &Lines,
        nodes: usize,
        stand_in: impl Fn(&Control, String) -> String,
    ) -> Self {
        let control = Control::start();
        let nodes = fleet::nodes(&control, nodes);
        let urls: Vec<String> = nodes.iter().map(|node| stand_in(&control, node.url())).collect();
        let config = fleet::config(lines, &urls);
        let running = control.run(async move { app::Running::start(config) }).unwrap();
        fleet::until_asked(&running.gateway);
        let (data, admin) = (running.data[0], running.admin);
        let gateway = Arc::clone(&running.gateway);
        Self { data, admin, gateway, nodes, running: Some(running), control }
    }

    pub fn connect(&self) -> Raw {
        Raw::connect(self.data)
    }

    /// Sends `request` on a new connection and reads one answer.
    pub fn ask(&self, request: &[u8]) -> (Raw, Seen) {
        let mut raw = self.connect();
        raw.send(request);
        let seen = raw.read();
        (raw, seen)
    }

    /// A page of the admin port.
    pub fn page(&self, path: &str) -> String {
        let mut raw = Raw::connect(self.admin);
        raw.send(format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").as_bytes());
        let seen = raw.read();
        assert_eq!(seen.status, 200, "{path}");
        seen.body
    }

    /// Calls that all nodes received, probes of the start among them.
    pub fn calls(&self) -> u64 {
        self.nodes.iter().map(|node| node.counters().calls()).sum()
    }
}

impl Drop for System {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            self.control.run(running.stop());
        }
    }
}
