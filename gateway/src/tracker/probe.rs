//! The probe task of one node: who it is, where its head is, whether it is well.

use std::{collections::HashSet, sync::Arc, time::Duration};

use crate::{
    clock::Timestamp,
    family::{self, Header, Identity, Shown},
    head::{LINK_DEPTH, Next},
    health,
    method::{Lane, Method},
    metrics::{Ejection, Purpose},
    names::{Block, Hash, NodeIndex},
    node::CallClass,
    pressure::Pressure,
    route::Facts,
    topology::{Chain, Member},
    tracker::{
        ask::{Told, ask},
        publish,
    },
};

/// Identity and sync state are asked again after this time, and after any failure.
const IDENTITY_EVERY: Duration = Duration::from_secs(10);
/// A fallback node is probed this many times less often while own nodes serve.
const FALLBACK_FACTOR: u32 = 4;
const SHORTEST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(1);

/// How a round went.
enum Round {
    Good,
    /// Nothing was learned: the node is unwilling, or we were late ourselves.
    Nothing,
    Failed {
        why: String,
        refused: bool,
    },
}

struct Prober {
    chain: Arc<Chain>,
    at: usize,
    pressure: Arc<Pressure>,
    /// When the identity was last verified; `None` after a failure.
    verified: Option<Timestamp>,
    marks_asked: Timestamp,
    /// When the node was last asked by a block's hash.
    hash_asked: Timestamp,
    /// The header behind the hash it named last, where it names hashes.
    newest: Option<Header>,
}

/// Probes one node for as long as the task lives.
pub async fn run(chain: Arc<Chain>, at: usize, pressure: Arc<Pressure>) {
    let started = pressure.clock.now();
    let never = Timestamp::ZERO;
    let mut prober = Prober {
        chain,
        at,
        pressure,
        verified: None,
        marks_asked: never,
        hash_asked: never,
        newest: None,
    };
    loop {
        let began = prober.now();
        let round = prober.round().await;
        prober.conclude(&round, began);
        publish::settle(&prober.chain, prober.now(), started);
        if matches!(round, Round::Good) {
            prober.weigh_lag();
            prober.marks().await;
            prober.takes_hash().await;
        }
        let wait = prober.interval();
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = prober.member().node.probe_now.notified() => {}
        }
    }
}

impl Prober {
    fn member(&self) -> &Member {
        &self.chain.members[self.at]
    }

    fn now(&self) -> Timestamp {
        self.pressure.clock.now()
    }

    fn index(&self) -> NodeIndex {
        self.member().place.node
    }

    /// Asks, and listens to the silence as for a cheap call.
    async fn ask(&self, question: family::Ask) -> Told {
        let node = &self.member().node;
        let left = self.now();
        let flight = node.flight.enter_probe(left);
        let told = ask(&self.chain, self.member(), question, Purpose::Probe).await;
        let now = self.now();
        let told = match told {
            // Workers starve with us, and may have kept the node busy with calls half sent.
            Some(Told::Failed(_)) if !self.pressure.stalls.are_over(now) => Some(Told::Late),
            told => told,
        };
        if matches!(told, Some(Told::Result(_) | Told::Error(_))) {
            node.flight.heard(now);
            let took = u64::try_from(now.since(left).as_nanos()).unwrap_or(u64::MAX);
            node.lane(Lane::Light).learn_p95(took);
        }
        drop(flight);
        told.unwrap_or_else(|| Told::Error("no such question".to_owned()))
    }

    async fn round(&mut self) -> Round {
        if self.member().node.is_suspected() {
            self.verified = None;
        }
        let now = self.now();
        if self.verified.is_none_or(|at| now.since(at) >= IDENTITY_EVERY) {
            match self.verify().await {
                Round::Good => self.verified = Some(self.now()),
                other => return other,
            }
        }
        if self.member().node.facts().has(Facts::SYNCING) {
            // A fresh node says so until its first block: not to be believed for 10 s.
            self.sync().await;
        }
        self.head().await
    }

    /// Asks who the node is. A wrong or unknown identity is no failure of the probe: the
    /// node answers, and is kept out by what it said.
    async fn verify(&self) -> Round {
        let family = self.chain.config.family;
        let mut found = Identity::default();
        let mut heard = false;
        for question in [family::Ask::ChainId, family::Ask::Genesis] {
            let told = self.ask(question).await;
            match &told {
                Told::Result(raw) => {
                    heard = true;
                    if question == family::Ask::ChainId
                        && let Some(earliest) = family.read_earliest(raw)
                    {
                        self.member().node.set_earliest(earliest);
                    }
                    if let Some(part) = family.read_identity(question, raw) {
                        found = found.merged(&part);
                    }
                }
                Told::Error(_) => heard = true,
                Told::Throttled | Told::Late | Told::Refused | Told::Failed(_) => {
                    return failed(told);
                }
            }
        }
        if !heard {
            return Round::Failed {
                why: "says nothing of its identity".to_owned(),
                refused: false,
            };
        }
        publish::identify(&self.chain, self.member(), &found);
        self.sync().await;
        self.methods().await;
        Round::Good
    }

    /// Learns which methods of the table the node does not have, where nodes list them all.
    async fn methods(&self) {
        let (family, node) = (self.chain.config.family, &self.member().node);
        if !family.profile().lists_methods {
            return node.forget_lacks();
        }
        let told = self.ask(family::Ask::Methods).await;
        let listed = told.result().map(|raw| family.read_methods(raw)).unwrap_or_default();
        node.forget_lacks();
        if listed.is_empty() {
            return;
        }
        let listed: HashSet<&str> = listed.iter().map(String::as_str).collect();
        let lacks = |row: &&Method| !row.name.contains(['*', '.']) && !listed.contains(&*row.name);
        for row in self.chain.methods().rows().iter().filter(lacks) {
            node.learn_lack(row.index);
        }
    }

    async fn sync(&self) {
        let told = self.ask(family::Ask::Sync).await;
        let syncing = told.result().and_then(|raw| self.chain.config.family.read_syncing(raw));
        if let Some(syncing) = syncing {
            self.member().node.mark(Facts::SYNCING, syncing);
        }
    }

    /// Asks for the newest header and links it to what is known.
    async fn head(&mut self) -> Round {
        let told = self.ask(family::Ask::Head).await;
        let Told::Result(raw) = &told else { return failed(told) };
        let head = match self.chain.config.family.read_shown(family::Ask::Head, raw) {
            Some(Shown::Header(head)) => head,
            Some(Shown::Hash(hash)) => match self.header_again(hash).await {
                Some(head) => head,
                // What lies behind one address may be two nodes, and the other may not have it
                // yet: the node lives, and shows nothing new.
                None => return Round::Good,
            },
            None => {
                return Round::Failed { why: "its head cannot be read".to_owned(), refused: false };
            }
        };
        let mut next = publish::observe(&self.chain, self.index(), head, self.now());
        for _ in 0..LINK_DEPTH {
            let Next::Show(hash) = next else { break };
            let Some(header) = self.header(hash).await else { break };
            next = publish::show(&self.chain, self.index(), header);
        }
        Round::Good
    }

    /// The header of that block, asked for once.
    async fn header_again(&mut self, hash: Hash) -> Option<Header> {
        if self.newest.is_none_or(|newest| newest.hash != hash) {
            self.newest = Some(self.header(hash).await?);
        }
        self.newest
    }

    async fn header(&self, hash: Hash) -> Option<Header> {
        let question = family::Ask::HeaderByHash(hash);
        let told = self.ask(question).await;
        let raw = told.result()?;
        let Some(Shown::Header(header)) = self.chain.config.family.read_shown(question, raw) else {
            return None;
        };
        if header.hash != hash {
            return None;
        }
        publish::keep_header(&self.chain, hash, raw);
        Some(header)
    }

    /// A block that a node named: by its header, or by a hash that is known already or
    /// asked for.
    async fn block_of(&self, shown: Shown) -> Option<Block> {
        let hash = match shown {
            Shown::Header(header) => return Some(header.block()),
            Shown::Hash(hash) => hash,
        };
        let known = self.chain.state.track.lock().heads.number_of(hash);
        match known {
            Some(number) => Some(Block { number, hash }),
            None => self.header(hash).await.map(|header| header.block()),
        }
    }

    /// Asks for the finality marks about once a block.
    async fn marks(&mut self) {
        let now = self.now();
        let every = self.chain.state.tips().block_time.max(Duration::from_millis(500));
        if now.since(self.marks_asked) < every && self.marks_asked != Timestamp::ZERO {
            return;
        }
        self.marks_asked = now;
        let family = self.chain.config.family;
        for &question in family.profile().marks {
            let told = self.ask(question).await;
            let shown = told.result().and_then(|raw| family.read_shown(question, raw));
            let Some(shown) = shown else { continue };
            if let Some(block) = self.block_of(shown).await {
                publish::mark(&self.chain, self.index(), question, block);
            }
        }
    }

    /// Asks for state at the newest block by its hash: whether the node takes hashes where
    /// numbers may stand. A no is asked again once a block, for the state may not be there yet.
    async fn takes_hash(&mut self) {
        let facts = self.member().node.facts();
        let now = self.now();
        let wait = match facts.has(Facts::TAKES_HASH) {
            true => IDENTITY_EVERY,
            false => self.chain.state.tips().block_time.max(LONGEST),
        };
        let is_due = self.hash_asked == Timestamp::ZERO || now.since(self.hash_asked) >= wait;
        if !is_due || facts.has(Facts::WRONG_CHAIN) {
            return;
        }
        let head = self.chain.state.track.lock().heads.head(self.index());
        let Some(head) = head else { return };
        self.hash_asked = now;
        match self.ask(family::Ask::StateByHash(head.hash)).await {
            Told::Result(_) => self.member().node.mark(Facts::TAKES_HASH, true),
            Told::Error(_) => self.member().node.mark(Facts::TAKES_HASH, false),
            Told::Throttled | Told::Late | Told::Refused | Told::Failed(_) => {}
        }
    }

    /// A node that loses the tip under its calls gets fewer.
    fn weigh_lag(&self) {
        let (node, now) = (&self.member().node, self.now());
        let in_flight = node.flight.counts().of_class(CallClass::Other);
        node.limiter.on_lag(now, node.lag(), self.chain.config.lag, in_flight);
    }

    /// Turns a round into health and facts.
    fn conclude(&mut self, round: &Round, began: Timestamp) {
        let now = self.now();
        let node = &self.member().node;
        let (chain, name) = (&self.chain.config.name, &node.config.name);
        match round {
            Round::Nothing => {}
            Round::Good => {
                let was = node.health.lock().state();
                if node.health.lock().on_good(now) && was == health::State::Down {
                    node.came_back(now);
                    tracing::info!(%chain, node = %name, "node is back");
                }
                let up = node.health.lock().state() == health::State::Up;
                node.mark(Facts::UNHEALTHY, !up);
                node.mark(Facts::REFUSED, false);
                node.clear_suspicion(began);
            }
            Round::Failed { why, refused } => {
                let first = node.health.lock().state() == health::State::Unknown;
                node.mark(Facts::REFUSED, *refused);
                if node.health.lock().on_failed(now) {
                    node.mark(Facts::UNHEALTHY, true);
                    node.metrics.on_ejection(Ejection::Probes);
                    let text = if first { "node cannot be reached" } else { "node is down" };
                    tracing::warn!(%chain, node = %name, %why, "{text}");
                }
                self.verified = None;
            }
        }
        publish::set_live(&self.chain, self.index(), self.is_live());
    }

    /// Whether the node's word counts: it answered its last probe and is of the right
    /// chain. One that falls silent stops voting at once, though it is ejected later.
    fn is_live(&self) -> bool {
        let node = &self.member().node;
        let facts = node.facts();
        let out = Facts::UNHEALTHY | Facts::SUSPECTED | Facts::WRONG_CHAIN | Facts::SYNCING;
        self.verified.is_some() && facts.has(Facts::VERIFIED) && !facts.has(out)
    }

    fn interval(&self) -> Duration {
        let node = &self.member().node;
        if node.health.lock().is_changing() || node.is_suspected() {
            return health::FAST.min(node.config.probe.unwrap_or(health::FAST));
        }
        let block_time = self.chain.state.tips().block_time;
        let usual = (block_time / 4).clamp(SHORTEST, LONGEST);
        let usual = node.config.probe.unwrap_or(usual);
        let rare = node.config.fallback
            && node.config.probe.is_none()
            && publish::own_node_usable(&self.chain);
        if rare { usual * FALLBACK_FACTOR } else { usual }
    }
}

fn failed(told: Told) -> Round {
    match told {
        Told::Throttled | Told::Late => Round::Nothing,
        Told::Refused => Round::Failed { why: "connection refused".to_owned(), refused: true },
        Told::Failed(why) | Told::Error(why) => Round::Failed { why, refused: false },
        Told::Result(_) => Round::Good,
    }
}
