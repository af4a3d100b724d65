//! The immutable graph that a call reads: chains, their nodes, and which route
//! leads where. A reload builds a whole new one and swaps it in with one store;
//! calls under way keep the one they began with.
//!
//! What outlives a reload hangs behind an `Arc`: a [`Node`] and its [`Client`]
//! as long as their settings stay, a chain's [`ChainState`] as long as the chain
//! is the same one (name, family, identity).

mod lease;
mod queue;
mod state;

use std::{collections::HashMap, sync::Arc};

use crate::{
    clock::Timestamp,
    config::{self, Config},
    limits::{BadTokens, ChainLimits, Clients},
    load::limit,
    method::{Class, MethodIndex, MethodTable},
    metrics::ChainMetrics,
    names::{Name, NodeIndex, ZoneIndex},
    node::{Node, Place},
    route::{self, Ask, View},
    tls::{Tls, TlsError},
    upstream::{BuildError, Client, HttpClient, Options},
};

pub use self::{
    lease::{ChainLease, Current},
    queue::{Queue, Standing, Waiting},
    state::{ChainState, Tips, Track},
};

/// Views of a chain's nodes, for one choice.
pub type Views = smallvec::SmallVec<[View; 16]>;

/// A node's facts and the wire to it.
#[derive(Debug)]
pub struct Member {
    pub node: Arc<Node>,
    pub client: Arc<Client>,
    pub place: Place,
}

/// One chain as calls see it.
#[derive(Debug)]
pub struct Chain {
    pub config: config::Chain,
    pub members: Vec<Member>,
    pub zones: Vec<Name>,
    pub state: Arc<ChainState>,
    pub metrics: Arc<ChainMetrics>,
    pub limits: ChainLimits,
}

/// Everything that serves.
#[derive(Debug)]
pub struct Topology {
    pub config: Arc<Config>,
    pub chains: Vec<Arc<Chain>>,
    /// Everybody who may call.
    pub clients: Clients,
    /// Of the data port; `None`: it speaks plain HTTP.
    pub tls: Option<Arc<Tls>>,
    paths: HashMap<String, usize>,
    hosts: HashMap<String, usize>,
}

/// Why a checked config could not be built: a certificate that cannot be read, say.
#[derive(Debug, thiserror::Error)]
pub enum Unbuildable {
    #[error("node {node}: {error}")]
    Node { node: Name, error: BuildError },
    #[error(transparent)]
    Tokens(#[from] BadTokens),
    #[error("server.tls: {0}")]
    Tls(#[from] TlsError),
}

impl Topology {
    /// Builds the graph of `config`, taking over from `old` what stays the same.
    pub fn build(config: Arc<Config>, old: Option<&Self>) -> Result<Self, Unbuildable> {
        let chains: Result<Vec<_>, _> = config
            .chains
            .iter()
            .map(|chain| Chain::build(&config, chain, old).map(Arc::new))
            .collect();
        let chains = chains?;
        let tls = Tls::build(&config, old.and_then(|old| old.tls.as_ref()))?;
        let (mut paths, mut hosts) = (HashMap::new(), HashMap::new());
        for (at, chain) in chains.iter().enumerate() {
            for route in &chain.config.routes {
                match route {
                    config::Route::Path(path) => paths.insert(path.clone(), at),
                    config::Route::Host(host) => hosts.insert(host.clone(), at),
                };
            }
        }
        if chains.len() == 1 {
            paths.entry("/".to_owned()).or_insert(0);
        }
        let clients = Clients::build(&config, old.map(|old| &old.clients))?;
        Ok(Self { config, chains, clients, tls, paths, hosts })
    }

    /// The chain a Host (lower case, no port) is routed to.
    pub fn by_host(&self, host: &str) -> Option<usize> {
        self.hosts.get(host).copied()
    }

    /// The chain a normalised path (`/eth`) is routed to.
    pub fn by_path(&self, path: &str) -> Option<usize> {
        self.paths.get(path).copied()
    }

    pub fn chain(&self, name: &str) -> Option<&Arc<Chain>> {
        self.chains.iter().find(|chain| *chain.config.name == *name)
    }

    /// Every node of every chain.
    pub fn members(&self) -> impl Iterator<Item = (&Arc<Chain>, &Member)> {
        self.chains.iter().flat_map(|chain| chain.members.iter().map(move |m| (chain, m)))
    }
}

impl Chain {
    fn build(
        config: &Config,
        chain: &config::Chain,
        old: Option<&Topology>,
    ) -> Result<Self, Unbuildable> {
        let same = |other: &&Arc<Self>| {
            other.config.name == chain.name
                && other.config.family == chain.family
                && other.config.identity == chain.identity
        };
        let old = old.and_then(|old| old.chains.iter().find(same));
        let mut zones: Vec<Name> = Vec::new();
        for pool in &chain.pools {
            if !zones.contains(&pool.zone) {
                zones.push(Arc::clone(&pool.zone));
            }
        }
        let mut members = Vec::new();
        for (pool, node) in chain.pools.iter().flat_map(|p| p.nodes.iter().map(move |n| (p, n))) {
            let zone = zones.iter().position(|zone| *zone == pool.zone).unwrap_or(0);
            let place = Place {
                node: NodeIndex(index(members.len())),
                zone: ZoneIndex(index(zone)),
                own_zone: pool.zone == config.server.zone,
            };
            members.push(Member::build(config, chain, pool, node, place, old.map(|o| &**o))?);
        }
        let methods = chain.methods.rows().len();
        let metrics = old.filter(|old| old.metrics.methods() == methods);
        Ok(Self {
            state: ChainState::renewed(chain, &members, old.map(|old| &old.state)),
            metrics: metrics.map_or_else(
                || Arc::new(ChainMetrics::new(methods)),
                |old| Arc::clone(&old.metrics),
            ),
            limits: ChainLimits::renewed(config, chain, old.map(|old| &old.limits)),
            config: chain.clone(),
            members,
            zones,
        })
    }

    pub fn member(&self, node: NodeIndex) -> Option<&Member> {
        self.members.get(usize::from(node.0))
    }

    pub fn methods(&self) -> &MethodTable {
        &self.config.methods
    }

    /// Names of the methods that are served: those of the table that some node has.
    pub fn served_methods(&self) -> Vec<&str> {
        let rows = self.methods().rows().iter().filter(|row| match row.class {
            Class::Local => true,
            Class::Read | Class::Write => {
                let has = |member: &Member| !member.node.lacks(row.index, &row.name);
                self.members.iter().any(has)
            }
            Class::Subscribe | Class::Unsubscribe | Class::Session | Class::Refuse => false,
        });
        let mut names: Vec<&str> =
            rows.map(|row| &*row.name).filter(|name| !name.contains(['*', '.'])).collect();
        names.sort_unstable();
        names
    }

    /// What choosing sees of each node at this instant.
    pub fn views(&self, now: Timestamp, ask: &Ask, method: (MethodIndex, &str)) -> Views {
        let view = |member: &Member| member.node.view(now, member.place, ask, method);
        self.members.iter().map(view).collect()
    }

    /// Whether one more breaker may open: at most half of the own nodes, never the last, so
    /// that breakers alone never take a chain down.
    pub fn may_eject(&self, now: Timestamp, lane: crate::method::Lane) -> bool {
        let own = self.members.iter().filter(|member| !member.node.config.fallback);
        let open = own.clone().filter(|member| member.node.lane(lane).is_open(now)).count();
        (open + 1) * 2 <= own.count()
    }

    /// Whether any node could take a call that asks for little.
    pub fn can_serve(&self, now: Timestamp) -> bool {
        let ask = Ask { at_tip: true, ..Ask::anything() };
        let policy = route::Policy { lag: self.config.lag, avoid_zone: None, panic: true };
        let mut views = self.views(now, &ask, (MethodIndex(0), ""));
        // Overload is no reason to be taken from a balancer: the others would get it too.
        views.iter_mut().for_each(|view| view.full = false);
        self.state.tips().latest.is_some() && route::choose(policy, ask, &views, 0).chosen.is_some()
    }

    /// Whether most of the chain's capacity looks sick right now.
    pub fn in_panic(&self, now: Timestamp) -> bool {
        let ask = Ask::anything();
        route::most_looks_sick(&self.views(now, &ask, (MethodIndex(0), "")))
    }
}

impl Member {
    fn build(
        config: &Config,
        chain: &config::Chain,
        pool: &config::Pool,
        node: &config::Node,
        place: Place,
        old: Option<&Chain>,
    ) -> Result<Self, Unbuildable> {
        let same = |member: &&Self| {
            member.node.config == *node
                && member.node.zone == pool.zone
                && member.node.methods() == chain.methods.rows().len()
        };
        let kept = old.and_then(|old| old.members.iter().find(same));
        if let Some(kept) = kept {
            let (node, client) = (Arc::clone(&kept.node), Arc::clone(&kept.client));
            return Ok(Self { node, client, place });
        }
        let options = Options {
            other_paths: chain.family.other_paths(&node.http.path),
            headers: node.headers.clone(),
            tls: node.tls.clone(),
            max_connections: node.max_connections,
            connect_timeout: chain.deadlines.connect,
            workers: config.server.threads,
            ..Options::new(node.http.clone())
        };
        let client = HttpClient::new(&options)
            .map_err(|error| Unbuildable::Node { node: Arc::clone(&node.name), error })?;
        let methods = chain.methods.rows().len();
        let heavy = heavy_of_each(config, chain);
        let fresh = Arc::new(Node::new(node.clone(), Arc::clone(&pool.zone), methods, heavy));
        if let Some(old) = old.and_then(|old| old.by_name(&node.name)) {
            fresh.adopt(&old.node, old.node.config.http == node.http);
        }
        Ok(Self { node: fresh, client: Arc::new(Client::Http(Box::new(client))), place })
    }
}

impl Chain {
    fn by_name(&self, name: &str) -> Option<&Member> {
        self.members.iter().find(|member| *member.node.config.name == *name)
    }
}

/// Heavy calls that each node may hold: the rule's own figure, or more where the chain is
/// allowed more by `limits.heavy`.
fn heavy_of_each(config: &Config, chain: &config::Chain) -> u32 {
    let nodes: usize = chain.pools.iter().map(|pool| pool.nodes.len()).sum();
    let nodes = u32::try_from(nodes).unwrap_or(u32::MAX).max(1);
    let share = config.limits.heavy.map_or(0, |heavy| heavy.div_ceil(nodes));
    share.clamp(limit::HEAVY, MOST_HEAVY)
}

/// What the count of a node's heavy calls has room for, with much to spare.
const MOST_HEAVY: u32 = 128;

/// The config is bounded at 10,000 nodes, so places fit.
fn index(at: usize) -> u16 {
    u16::try_from(at).unwrap_or(u16::MAX)
}
