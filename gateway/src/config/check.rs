//! From what is written to what runs: everything resolved, and everything that
//! keys mean *together* checked. All problems are found in one pass; where a
//! value was unreadable a stand-in takes its place, and the result is thrown away.

mod chain;
mod edge;
mod node;

use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    num::NonZero,
    path::{Path, PathBuf},
    thread::available_parallelism,
};

use crate::{
    config::{
        AccessLog, Admin, Chain, Config, Files, Limits, Log, LogFormat, Route, Server,
        file::{Fields, Item},
        keys::{MAX_NODES, MAX_ROUTES},
        problem::{Place, Problems},
    },
    names::Name,
};

/// Checks a whole file. The result is good only if `problems` has no errors then.
///
/// `files` holds what the reader read besides the file; what is read here is added.
pub fn check(problems: &mut Problems<'_>, root: &Fields, folder: &Path, files: Files) -> Config {
    let none = Fields::default();
    let section = |name| root.table(name).unwrap_or(&none);
    let limits = limits(problems, section("limits"));
    let mut checker = Checker {
        problems,
        folder,
        limits,
        body_written: section("limits").get("body").is_some_and(|body| body.written),
        chains: HashMap::new(),
        nodes: HashMap::new(),
        routes: HashMap::new(),
        files,
    };
    let chains: Vec<Chain> =
        root.list("chains").iter().filter_map(|item| checker.chain(item.table()?)).collect();
    checker.budgets(&root.place("chains"));
    let clients = checker.clients(root, &chains);
    let jwt = checker.jwt(root);
    let tls = checker.server_tls(section("server"));
    let (limits, files) = (checker.limits, checker.files);
    let server = Server { tls, ..server(problems, section("server"), &chains) };
    let admin = admin(problems, section("admin"), &server);
    let log = log(section("log"), folder);
    let revision = String::new();
    let config = Config { server, admin, limits, log, clients, jwt, chains, files, revision };
    edge::unaffordable(problems, root, &config);
    config
}

/// What the checks of chains and nodes share: the names and places seen so far.
struct Checker<'p, 't> {
    problems: &'p mut Problems<'t>,
    folder: &'p Path,
    limits: Limits,
    /// Whether the file says how large a body may be: else families differ.
    body_written: bool,
    chains: HashMap<String, usize>,
    nodes: HashMap<String, usize>,
    routes: HashMap<Route, (String, usize)>,
    files: Files,
}

impl Checker<'_, '_> {
    fn budgets(&mut self, place: &Place) {
        if self.nodes.len() > MAX_NODES {
            let message = format!("the file has {} nodes", self.nodes.len());
            self.problems.error_allowed(place, message, format!("up to {MAX_NODES}"));
        }
        if self.routes.len() > MAX_ROUTES {
            let message = format!("the file has {} routes", self.routes.len());
            self.problems.error_allowed(place, message, format!("up to {MAX_ROUTES}"));
        }
    }

    /// `also on line 7`, for the second of two things that may be there once.
    fn first_on(&self, at: usize) -> String {
        format!("first on line {}", self.problems.line_of(at))
    }
}

fn limits(problems: &mut Problems<'_>, fields: &Fields) -> Limits {
    let limits = Limits {
        body: fields.integer("body").unwrap_or_default(),
        batch: small(fields.integer("batch")),
        bodies: fields.integer("bodies").unwrap_or_default(),
        response: fields.integer("response").unwrap_or_default(),
        connections: large(fields.integer("connections")),
        connections_per_client: edge::peer_cap(fields, "connections_per_client"),
        connections_per_prefix: edge::peer_cap(fields, "connections_per_prefix"),
        rate: edge::rate(fields.table("rate")),
        in_flight: fields.integer("in_flight").map(|most| small(Some(most))),
        heavy: fields.integer("heavy").map(|most| small(Some(most))),
    };
    let readable = fields.get("body").is_some() && fields.get("bodies").is_some();
    if readable && limits.body > limits.bodies {
        let message =
            "`limits.body` does not fit into `limits.bodies`: no such body would ever pass";
        problems.error(&fields.place("body"), message);
    }
    limits
}

fn server(problems: &mut Problems<'_>, fields: &Fields, chains: &[Chain]) -> Server {
    let listen = fields.list("listen").iter().filter_map(Item::text);
    let hosts = fields.list("hosts").iter().filter_map(Item::text).map(str::to_ascii_lowercase);
    let hosts: Vec<String> = hosts.collect();
    let server = Server {
        listen: listen.filter_map(|text| text.parse().ok()).collect(),
        zone: zone(problems, fields, chains),
        threads: match fields.integer("threads") {
            Some(threads) => large(Some(threads)),
            None => available_parallelism().map_or(1, NonZero::get),
        },
        drain: fields.duration("drain").unwrap_or_default(),
        expose: fields.bool("expose"),
        hosts: (!hosts.is_empty()).then_some(hosts),
        trusted_proxies: edge::trusted_proxies(fields),
        forwarded: edge::forwarded(fields),
        proxy_protocol: fields.text("proxy_protocol") == Some("required"),
        idle: edge::idle(fields),
        tls: Vec::new(),
        path_keys: fields.bool("path_keys"),
    };
    edge::judge_server(problems, fields);
    for (index, item) in fields.list("listen").iter().enumerate() {
        let clash = |other: &SocketAddr| overlap(server.listen[index], *other);
        if server.listen.len() > index && server.listen[..index].iter().any(clash) {
            problems.error(&item.place, "overlaps with an earlier address of the list");
        }
    }
    unreached_hosts(problems, fields, &server, chains);
    server
}

/// The zone as written, or the first pool's.
fn zone(problems: &mut Problems<'_>, fields: &Fields, chains: &[Chain]) -> Name {
    let mut zones = chains.iter().flat_map(|chain| &chain.pools).map(|pool| &pool.zone);
    let Some(written) = fields.text("zone") else {
        return zones.next().cloned().unwrap_or_else(|| "".into());
    };
    if !chains.is_empty() && !zones.any(|zone| &**zone == written) {
        let message = format!("no pool is in zone `{written}`: every call leaves the zone");
        problems.warn(&fields.place("zone"), message);
    }
    written.into()
}

/// Warns of host routes that `server.hosts` shuts out.
fn unreached_hosts(
    problems: &mut Problems<'_>,
    fields: &Fields,
    server: &Server,
    chains: &[Chain],
) {
    let Some(hosts) = &server.hosts else { return };
    for route in chains.iter().flat_map(|chain| &chain.routes) {
        if let Route::Host(host) = route
            && !hosts.contains(host)
        {
            let message = format!("does not have `{host}`, the route of a chain");
            problems.warn(&fields.place("hosts"), message);
        }
    }
}

fn admin(problems: &mut Problems<'_>, fields: &Fields, server: &Server) -> Admin {
    let listen = fields.text("listen").and_then(|text| text.parse().ok());
    let admin = Admin {
        listen: listen.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 0))),
        token: fields.secret("token"),
    };
    let place = fields.place("listen");
    let readable = fields.get("listen").is_some();
    if readable && !admin.listen.ip().is_loopback() && fields.is_absent("token") {
        let message = format!("`{}` is not loopback and there is no `admin.token`", admin.listen);
        problems.error_allowed(&place, message, "a loopback address, or a token".to_owned());
    }
    if server.listen.iter().any(|listen| overlap(*listen, admin.listen)) {
        problems.error(&place, format!("`{}` is also in `server.listen`", admin.listen));
    }
    admin
}

/// Whether two listeners cannot both be had: the same port of the same address,
/// or of every address.
fn overlap(a: SocketAddr, b: SocketAddr) -> bool {
    let same_ip = a.ip() == b.ip();
    let covers =
        |any: IpAddr, other: IpAddr| any.is_unspecified() && (any.is_ipv6() || other.is_ipv4());
    let port = a.port() == b.port() && a.port() != 0;
    port && (same_ip || covers(a.ip(), b.ip()) || covers(b.ip(), a.ip()))
}

fn log(fields: &Fields, folder: &Path) -> Log {
    Log {
        access: match fields.text("access") {
            None | Some("stdout") => AccessLog::Stdout,
            Some("off") => AccessLog::Off,
            Some(path) => AccessLog::File(resolve(folder, path)),
        },
        format: match fields.text("format") {
            Some("logfmt") => LogFormat::Logfmt,
            _ => LogFormat::Json,
        },
        sample: fields.number("sample").unwrap_or_default(),
    }
}

/// A path of the config, absolute or relative to the config's folder, made absolute.
pub(super) fn resolve(folder: &Path, path: &str) -> PathBuf {
    let path = folder.join(path);
    std::path::absolute(&path).unwrap_or(path)
}

/// A number whose bounds in the table of keys fit into 32 bits.
fn small(value: Option<u64>) -> u32 {
    u32::try_from(value.unwrap_or_default()).unwrap_or(u32::MAX)
}

fn large(value: Option<u64>) -> usize {
    usize::try_from(value.unwrap_or_default()).unwrap_or(usize::MAX)
}
