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
