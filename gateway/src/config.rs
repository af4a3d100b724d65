//! The checked, immutable configuration: everything resolved, nothing optional
//! that has a default. Made only by [`check`]; as written it is [`file`].
//!
//! A key exists here only when something reads it: a key that does nothing is
//! refused by the reader, not ignored.

pub mod certificate;
pub mod check;
pub mod diff;
pub mod edge;
pub mod endpoint;
pub mod file;
pub mod files;
pub mod form;
pub mod keys;
pub mod kind;
pub mod load;
pub mod print;
pub mod problem;
pub mod schema;
pub mod unit;

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use ipnet::IpNet;

use crate::{family::Family, method::MethodTable, names::Name, rpc::ReadLimits};

pub use self::{
    edge::{Client, Forwarded, Idle, Jwt, KeyHash, PeerCap, Rate, ServerTls},
    files::Files,
};

#[derive(Clone, Debug)]
pub struct Config {
    pub server: Server,
    pub admin: Admin,
    pub limits: Limits,
    pub log: Log,
    pub clients: Vec<Client>,
    pub jwt: Option<Jwt>,
    pub chains: Vec<Chain>,
    /// What was read besides the file itself: certificates, keys, secrets. A change of
    /// one is a change of the config.
    pub files: Files,
    /// First 12 hex digits of the SHA-3 of the config printed back, secrets
    /// included: names what runs. Comments and spelling do not count.
    pub revision: String,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Server {
    /// Default `127.0.0.1:8545`.
    pub listen: Vec<SocketAddr>,
    /// The zone this gateway runs in. Default: the first pool's zone.
    pub zone: Name,
    /// Worker threads of the data path. Default: one per core.
    pub threads: usize,
    /// How long to keep serving, not ready, after SIGTERM. Default 20 s.
    pub drain: Duration,
    /// Send node, zone and attempts as response headers. Default false.
    pub expose: bool,
    /// Hosts served (lower case, no port). Absent: any.
    pub hosts: Option<Vec<String>>,
    /// Peers that are believed when they tell a client's address. Default: none.
    pub trusted_proxies: Vec<IpNet>,
    /// Default [`Forwarded::XForwardedFor`].
    pub forwarded: Forwarded,
    /// Whether connections begin with a PROXY header, which only trusted proxies may send.
    /// Default false.
    pub proxy_protocol: bool,
    /// Default [`Idle::Direct`].
    pub idle: Idle,
    /// None: plain HTTP.
    pub tls: Vec<ServerTls>,
    /// Whether a key may stand in the path, `/chain/key`. Default false.
    pub path_keys: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Admin {
    /// Default `127.0.0.1:9545`. Anything but loopback needs `token`.
    pub listen: SocketAddr,
    pub token: Option<Secret>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    /// Bytes of one request body. Default 5 MiB.
    pub body: u64,
    /// Calls of one batch. Default 100.
    pub batch: u32,
    /// Bytes of all request bodies in flight. Default 256 MiB.
    pub bodies: u64,
    /// Bytes of one reply (of a whole batch's replies). Default 25 MiB.
    pub response: u64,
    /// Connections in all; at most half the fd limit. Default 20,000.
    pub connections: usize,
    /// Connections of one address (IPv6: of one /64). Default 200.
    pub connections_per_client: PeerCap,
    /// Connections of one /24 (IPv6: of one /48). Default 256.
    pub connections_per_prefix: PeerCap,
    /// Weight of one client's calls. Absent: not limited.
    pub rate: Option<Rate>,
    /// Calls of one client in flight. Absent: not limited.
    pub in_flight: Option<u32>,
    /// Heavy calls (lane `trace`) of one chain in flight. Absent: two for each node.
    pub heavy: Option<u32>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Log {
    pub access: AccessLog,
    pub format: LogFormat,
    /// Share of successful calls that are logged, 0 to 1; failures always are. Default 1.
    pub sample: f64,
}

#[derive(Clone, Debug, PartialEq)]
pub enum AccessLog {
    Off,
    Stdout,
    File(PathBuf),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    Json,
    Logfmt,
}

#[derive(Clone, Debug)]
pub struct Chain {
    pub name: Name,
    pub family: Family,
    pub routes: Vec<Route>,
    /// In the one spelling that its family shows: a number (`0x` and hex digits without
    /// leading zeros), a chain's name, or a genesis hash. Absent: learned from the first
    /// majority, with a warning.
    pub identity: Option<String>,
    /// Blocks behind the served tip within which a node still counts as fresh
    /// enough for calls that name no block. Default 1.
    pub lag: u64,
    /// Expected block time; absent: measured.
    pub block_time: Option<Duration>,
    /// Write the served tip into calls that mean "newest". Default true.
    pub pin: bool,
    /// Whether the nodes speak another family's methods besides. Default false.
    pub evm: bool,
    pub unknown_methods: UnknownMethods,
    pub cors: Cors,
    /// Weight of all clients' calls together. Absent: not limited.
    pub rate: Option<Rate>,
    pub read_limits: ReadLimits,
    pub body: u64,
    pub response: u64,
    pub deadlines: Deadlines,
    pub retries: Retries,
    /// Hedges as a share of calls, 0 turns them off. Default 0.05.
    pub hedge: f64,
    pub writes: Writes,
    pub methods: Arc<MethodTable>,
    /// What `methods` differs in from the family's table, as written.
    pub overrides: Overrides,
    pub pools: Vec<Pool>,
}

/// `[chains.methods]`: columns by method name.
pub type Overrides = BTreeMap<String, toml::Table>;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Route {
    /// `/eth`: a path prefix, matched by whole segments.
    Path(String),
    /// `eth.rpc.example.org`: a Host, lower case, no port.
    Host(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnknownMethods {
    Refuse,
    Forward,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cors {
    Any,
    /// Exact origins.
    Only(Vec<String>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deadlines {
    /// Default 1 s.
    pub connect: Duration,
    /// One try of a cheap call. Default 3 s.
    pub attempt: Duration,
    /// One try of a heavy call. Default 15 s.
    pub heavy: Duration,
    /// A whole call. Default 25 s.
    pub total: Duration,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Retries {
    /// Sends in all, the first included, 1 to 5. Default 3.
    pub attempts: u32,
    /// Retries as a share of calls. Default 0.2.
    pub budget: f64,
    /// Retries a second that are always allowed. Default 10.
    pub floor: f64,
}

/// What is done for signed transactions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Writes {
    /// One in doubt is looked up by its hash, else sent to one other node. Default true.
    pub settle: bool,
    /// An accepted one is asked for at another node about a block time later. Default true.
    pub confirm: bool,
    /// Nodes a write is sent to at once, 1 to 5. Default 1.
    pub broadcast: u32,
}

#[derive(Clone, Debug)]
pub struct Pool {
    pub zone: Name,
    pub nodes: Vec<Node>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    pub name: Name,
    pub http: Endpoint,
    /// Share of traffic and of capacity, 1 to 10,000. Default 100.
    pub weight: u32,
    pub archive: bool,
    pub fallback: bool,
    /// What the node still serves, where the operator says so.
    pub oldest: Option<Oldest>,
    /// Sent with every request to the node, names in lower case and in order;
    /// values are never shown, and each fits into a header.
    pub headers: Vec<(String, Secret)>,
    pub tls: NodeTls,
    pub max_in_flight: Option<u32>,
    /// Connections over all workers. Default 64.
    pub max_connections: u32,
    /// Calls a second over all workers; absent: no bound.
    pub rate: Option<u32>,
    /// How often to probe; absent: from the block time.
    pub probe: Option<Duration>,
    pub methods: MethodFilter,
}

/// Where a node listens. `Display` and `Debug` show scheme, host and port only:
/// paths of providers carry keys.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Endpoint {
    pub tls: bool,
    pub host: String,
    pub port: u16,
    /// Begins with `/`; may hold a query.
    pub path: String,
}

/// Retention as written: one for all data kinds, or by kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Oldest {
    pub state: Option<Retention>,
    pub body: Option<Retention>,
    pub logs: Option<Retention>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retention {
    /// Everything at or above this height.
    From(u64),
    /// The newest so many blocks.
    Window(u64),
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeTls {
    /// PEM files, resolved against the config's folder.
    pub ca: Option<PathBuf>,
    pub cert: Option<PathBuf>,
    pub key: Option<PathBuf>,
    /// Name to verify instead of the endpoint's host.
    pub name: Option<String>,
    /// Digest of what the files held when they were checked.
    pub contents: Option<files::Digest>,
}

/// Methods that a node is asked, or a client may use. A name that ends in `*` stands for
/// all that begin so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum MethodFilter {
    #[default]
    All,
    Only(Vec<String>),
    Except(Vec<String>),
}

impl MethodFilter {
    pub fn allows(&self, name: &str) -> bool {
        let listed = |list: &[String]| {
            list.iter().any(|entry| match entry.strip_suffix('*') {
                Some(prefix) => name.starts_with(prefix),
                None => entry == name,
            })
        };
        match self {
            Self::All => true,
            Self::Only(list) => listed(list),
            Self::Except(list) => !listed(list),
        }
    }
}

/// A secret text. `Debug` prints `***`; it has no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Arc<str>);

impl Secret {
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// The text itself, for the wire only.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

impl std::fmt::Display for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let scheme = if self.tls { "https" } else { "http" };
        let host = &self.host;
        let port = self.port;
        if host.contains(':') {
            return write!(f, "{scheme}://[{host}]:{port}");
        }
        write!(f, "{scheme}://{host}:{port}")
    }
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}
