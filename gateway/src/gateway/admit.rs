//! Whether a client may have what it asks for. A request is charged twice: a tenth of a
//! weight for its head, before its text is read, and the rest of what its calls weigh once
//! they are known, before any of them runs. A batch is one charge: it is carried out as a
//! whole, or refused as a whole.

use std::time::Duration;

use http::{HeaderMap, header};

use crate::{
    config::Client,
    error::{CallError, Side},
    gateway::{
        Gateway, Origin, Scope,
        way::{Way, way},
    },
    limits::{Asked, CELLS, Clients, Guard, HeavySlot, Short},
    method::{Lane, Needs},
    rpc::Call,
    topology::ChainLease,
};

/// Cells that a request costs before it is read, and a call that is refused.
const LEAST: u32 = 1;

impl Gateway {
    /// Charges the head of a request, whatever becomes of it.
    ///
    /// # Errors
    /// The client has nothing left.
    pub fn admit_head(&self, chain: Option<&ChainLease>, from: &Origin) -> Result<(), CallError> {
        let take = |clients: &Clients| clients.take(from.payer(), LEAST, self.clock.now());
        self.with_clients(chain, take).map_err(|short| too_much(short, u64::from(LEAST)))
    }

    /// Whether the client's plan has the chain, and the page that sends the request.
    ///
    /// # Errors
    /// It does not.
    pub fn admit_plan(
        &self,
        chain: &ChainLease,
        request: &HeaderMap,
        from: &Origin,
    ) -> Result<(), CallError> {
        let Some(plan) = chain.topology().clients.plan(from.payer()) else { return Ok(()) };
        let has_chain =
            plan.chains.as_ref().is_none_or(|chains| chains.contains(&chain.config.name));
        let page = request.get(header::ORIGIN).map(|page| page.as_bytes());
        let has_page = plan
            .origins
            .as_ref()
            .is_none_or(|origins| origins.iter().any(|origin| Some(origin.as_bytes()) == page));
        if has_chain && has_page { Ok(()) } else { Err(CallError::NotInPlan) }
    }

    /// What to say to a key that nobody has: that it is not valid, or that it was tried too
    /// often from its address.
    pub fn missed(&self, chain: Option<&ChainLease>, from: &Origin) -> CallError {
        let may = |clients: &Clients| clients.may_miss(from.address, self.clock.now());
        match self.with_clients(chain, may) {
            true => CallError::Unauthenticated,
            false => CallError::TooManyMisses,
        }
    }

    /// Charges a refusal by limits. Whether the client has nothing left to be refused with:
    /// its connection is closed then.
    pub(super) fn is_spent(
        &self,
        chain: Option<&ChainLease>,
        error: &CallError,
        from: &Origin,
    ) -> bool {
        if !is_of_limits(error) {
            return false;
        }
        let take = |clients: &Clients| clients.take_refusal(from.payer(), self.clock.now());
        !self.with_clients(chain, take)
    }

    /// The clients of the topology that the request goes to.
    pub(crate) fn with_clients<T>(
        &self,
        chain: Option<&ChainLease>,
        look: impl FnOnce(&Clients) -> T,
    ) -> T {
        match chain {
            Some(chain) => look(&chain.topology().clients),
            None => self.current.with(|topology| look(&topology.clients)),
        }
    }
}

/// Whether an error refuses because the client, or all clients of its chain, ask for too much.
pub(super) const fn is_of_limits(error: &CallError) -> bool {
    matches!(
        error,
        CallError::RateLimited { .. }
            | CallError::ExceedsBurst { .. }
            | CallError::InFlight
            | CallError::HeavySlots
            | CallError::TooManyMisses
    ) && matches!(error.side(), Side::Client)
}

impl<'r> Scope<'r> {
    fn clients(&self) -> &'r Clients {
        &self.chain.topology().clients
    }

    /// The plan of a known client.
    pub(super) fn plan(&self) -> Option<&'r Client> {
        self.clients().plan(self.from.payer())
    }

    /// The way of a call, as far as the client's plan has its method. What the chain does not
    /// offer is unknown to every client alike.
    pub(super) fn way(&self, call: &Call<'_>) -> Way<'r> {
        let way = way(self.chain, call);
        let offered =
            !matches!(way, Way::Refused(CallError::MethodNotFound | CallError::NeedsWebsocket));
        let planned = || self.plan().is_none_or(|plan| plan.methods.allows(&call.method));
        if offered && !planned() { Way::Refused(CallError::NotInPlan) } else { way }
    }

    /// How many of so many calls may be under way together.
    pub(super) fn places(&self, wanted: usize) -> usize {
        let most = self.clients().most_in_flight(self.from.payer());
        most.map_or(wanted, |most| wanted.min(most as usize))
    }

    /// Charges the calls of one request together, before any runs, and counts `places` of
    /// them as in flight.
    ///
    /// # Errors
    /// Why none of them may run.
    pub(super) fn admit(&self, ways: &[Way<'_>], places: usize) -> Result<Guard<'r>, CallError> {
        let (clients, payer, now) = (self.clients(), self.from.payer(), self.now());
        let tip = self.chain.state.tips().latest.map_or(0, |tip| tip.number);
        let cost = |way: &Way<'_>| {
            way.weight_at(tip)
                .map_or(u64::from(LEAST), |weight| u64::from(weight) * u64::from(CELLS))
        };
        let cells: u64 = ways.iter().map(cost).sum();
        let limits = &self.chain.limits;
        for burst in [clients.burst(payer), limits.burst()].into_iter().flatten() {
            if cells > u64::from(burst) {
                return Err(too_much(Short::Never { cells: burst }, cells));
            }
        }
        let places = u32::try_from(places).unwrap_or(u32::MAX);
        let in_flight = clients.enter(payer, places).ok_or(CallError::InFlight)?;
        // More than a u32 holds only where no burst bounds it.
        let whole = u32::try_from(cells).unwrap_or(u32::MAX);
        let taken = clients.take(payer, whole.saturating_sub(LEAST), now);
        taken.and_then(|()| limits.take(whole, now)).map_err(|short| too_much(short, cells))?;
        clients.count(payer, Asked { calls: ways.len() as u64, cells });
        Ok(in_flight)
    }

    /// A slot for a heavy call; `None` for another one, which needs none.
    ///
    /// # Errors
    /// There is none for this client now.
    pub(super) fn heavy_slot(&self, needs: &Needs<'_>) -> Result<Option<HeavySlot<'r>>, CallError> {
        if needs.method.lane != Lane::Trace {
            return Ok(None);
        }
        let client = self.clients().hash(self.from.payer());
        self.chain.limits.heavy_slot(client).map(Some).ok_or(CallError::HeavySlots)
    }
}

/// What a client is told that wanted so many cells.
fn too_much(short: Short, wanted: u64) -> CallError {
    let weight = |cells: u64| cells.div_ceil(u64::from(CELLS));
    match short {
        Short::For(wait) => CallError::RateLimited { seconds: seconds(wait) },
        Short::Never { cells } => CallError::ExceedsBurst {
            limit: u64::from(cells) / u64::from(CELLS),
            actual: weight(wanted),
        },
    }
}

/// Whole seconds, rounded up; at least one.
fn seconds(wait: Duration) -> u32 {
    let whole = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    u32::try_from(whole).unwrap_or(u32::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use std::{net::IpAddr, path::Path, sync::Arc};

    use super::*;
    use crate::{
        access::AccessLog,
        clock::Clock,
        config::Config,
        gateway::{Protocol, RequestId},
        limits::ClientIndex,
        topology::{Current, Topology},
    };

    const CONFIG: &str = r#"
        [[clients]]
        name = "one"
        key = "one-key-00000001"
        chains = ["eth"]
        [[clients]]
        name = "pages"
        key = "pages-key-000001"
        origins = ["https://a.example"]
        [[chains]]
        name = "eth"
        family = "ethereum"
        [[chains.pools]]
        zone = "a"
        nodes = [{ name = "n", http = "http://127.0.0.1:1" }]
        [[chains]]
        name = "other"
        family = "ethereum"
        [[chains.pools]]
        zone = "a"
        nodes = [{ name = "m", http = "http://127.0.0.1:2" }]
    "#;

    fn gateway() -> Gateway {
        let config = Config::parse(CONFIG, Path::new("test.toml"), &|_| None).unwrap().config;
        let topology = Topology::build(Arc::new(config), None).unwrap();
        Gateway::new(Arc::new(Current::new(topology)), Clock::manual(), AccessLog::off())
    }

    fn origin(client: Option<u32>) -> Origin {
        Origin {
            request_id: RequestId(1),
            address: IpAddr::from([192, 0, 2, 1]),
            protocol: Protocol::H1,
            client: client.map(ClientIndex),
        }
    }

    #[test]
    fn b98_a_plan_names_chains_and_pages_and_without_a_plan_all_are_open() {
        let gateway = gateway();
        let page = "https://a.example";
        for (client, path, from, allowed) in [
            (None, "/eth", None, true),
            (None, "/other", Some(page), true),
            (Some(0), "/eth", None, true),
            (Some(0), "/eth", Some("https://b.example"), true),
            (Some(0), "/other", None, false),
            (Some(1), "/other", Some(page), true),
            (Some(1), "/eth", Some("https://a.example:8443"), false),
            (Some(1), "/eth", Some("null"), false),
            (Some(1), "/eth", None, false),
        ] {
            let chain = gateway.current.find(|topology| topology.by_path(path)).unwrap();
            let mut request = HeaderMap::new();
            if let Some(from) = from {
                request.insert(header::ORIGIN, http::HeaderValue::from_static(from));
            }
            let found = gateway.admit_plan(&chain, &request, &origin(client));
            assert_eq!(found.is_ok(), allowed, "{client:?} {path} {from:?}");
        }
    }

    #[test]
    fn waits_are_whole_seconds_rounded_up() {
        for (millis, expected) in [(0, 1), (1, 1), (1_000, 1), (1_001, 2), (9_999, 10)] {
            assert_eq!(seconds(Duration::from_millis(millis)), expected, "{millis}");
        }
    }
}
