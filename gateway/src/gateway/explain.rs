//! Which node a call would go to now, and why to none of the others: the same
//! reading, resolving and choosing as for a call that is served, with nothing sent
//! and nothing reserved.

use crate::{
    clock::Timestamp,
    error::CallError,
    gateway::{
        resolve::{Ahead, Resolved, ask_of_write, resolve},
        way::{Way, way},
    },
    method::Needs,
    route::{
        self, Ask, Policy,
        explain::{Explanation, Label, explain},
    },
    rpc::{self, Call, Invalid, Request},
    topology::{Chain, Tips, Views},
};

/// Asked twice, it answers alike; a call draws anew each time.
const DRAW: u64 = 0;

/// Explains the text of one JSON-RPC call. `zone`: as seen from a gateway there, not
/// from this one. A node's rate and the one trial call of an open breaker are not looked
/// at, for looking takes from them.
///
/// # Errors
///
/// The text is not one call, or the chain has no such zone: a sentence for operators.
pub fn explain_call(
    chain: &Chain,
    now: Timestamp,
    zone: Option<&str>,
    text: &str,
) -> Result<Explanation, String> {
    let own_zone = zone.map(|zone| position(chain, zone)).transpose()?;
    let call = read(chain, text)?;
    let needs = match way(chain, &call) {
        Way::Refused(error) => return Ok(unasked(refused(chain, &call, &error))),
        Way::Local { .. } | Way::LocalOrRead(_) => {
            let asks =
                format!("{} is answered by the gateway itself: no node is asked", call.method);
            return Ok(unasked(asks));
        }
        Way::Write(needs) => {
            let ask = ask_of_write(&needs);
            let asks = describe(&call, &needs, &ask, "is written to a node at the newest block");
            return Ok(decide(chain, now, own_zone, (&call, &needs, ask), asks));
        }
        Way::Read(needs) => needs,
    };
    let tips = chain.state.tips();
    let (ask, what) = match resolve(&needs, &tips, &chain.state.blocks, chain.config.pin) {
        Resolved::Ask(ask) => (ask, asked(&ask)),
        Resolved::Ahead(ahead) => wait_for(&needs, &tips, ahead),
        Resolved::NoTip => (
            Ask {
                at_tip: true,
                data: needs.method.data,
                lane: needs.method.lane,
                ..Ask::anything()
            },
            "asks for the newest block, and none is known yet: it waits a block time".to_owned(),
        ),
    };
    let asks = describe(&call, &needs, &ask, &what);
    Ok(decide(chain, now, own_zone, (&call, &needs, ask), asks))
}

fn position(chain: &Chain, zone: &str) -> Result<usize, String> {
    chain.zones.iter().position(|known| **known == *zone).ok_or_else(|| {
        let known: Vec<&str> = chain.zones.iter().map(|zone| &**zone).collect();
        format!("chain {} has no zone {zone}; it has {}", chain.config.name, known.join(", "))
    })
}

fn read<'t>(chain: &Chain, text: &'t str) -> Result<Call<'t>, String> {
    let why = |why: Invalid| CallError::Invalid(why).reason();
    let sentence = |invalid| {
        format!("the call cannot be read ({}): {}", why(invalid).word(), why(invalid).meaning())
    };
    match rpc::read::read(text.as_bytes(), &chain.config.read_limits) {
        Ok(Request::Single(Ok(call))) => Ok(call),
        Ok(Request::Single(Err(refused))) | Err(refused) => Err(sentence(refused.why)),
        Ok(Request::Batch(_)) => Err("a batch: explain its calls one by one".to_owned()),
    }
}

fn refused(chain: &Chain, call: &Call<'_>, error: &CallError) -> String {
    let (code, reason) = (error.code(chain.config.family), error.reason());
    format!("{} is refused with {code} ({}): {}", call.method, reason.word(), reason.meaning())
}

/// A call that no node is asked.
const fn unasked(asks: String) -> Explanation {
    Explanation { node: None, tier: None, asks, nodes: Vec::new() }
}

fn decide(
    chain: &Chain,
    now: Timestamp,
    own_zone: Option<usize>,
    (call, needs, ask): (&Call<'_>, &Needs<'_>, Ask),
    asks: String,
) -> Explanation {
    let mut views: Views = chain.views(now, &ask, (needs.method.index, &call.method));
    if let Some(own) = own_zone {
        views.iter_mut().for_each(|view| view.own_zone = usize::from(view.zone.0) == own);
    }
    let policy = Policy { lag: chain.config.lag, avoid_zone: None, panic: true };
    let decision = route::choose(policy, ask, &views, DRAW);
    let labels: Vec<Label> = chain
        .members
        .iter()
        .map(|member| Label {
            node: member.node.config.name.clone(),
            zone: member.node.zone.clone(),
        })
        .collect();
    explain(&decision, &views, &labels, asks)
}

fn describe(call: &Call<'_>, needs: &Needs<'_>, ask: &Ask, what: &str) -> String {
    let weight = needs.weight_at(ask.height.unwrap_or(0));
    format!("{} {what}; work of class {}, weight {weight}", call.method, ask.lane.word())
}

/// What a resolved call asks.
fn asked(ask: &Ask) -> String {
    match (ask.oldest, ask.height) {
        (Some(oldest), Some(height)) if oldest != height => {
            format!("asks for blocks {oldest} to {height}")
        }
        (_, Some(height)) => format!("asks for block {height}"),
        (_, None) if ask.at_tip => "asks for the newest state".to_owned(),
        (_, None) => "asks for no block in particular".to_owned(),
    }
}

/// A block above the served tip: what a call would ask once it is there.
fn wait_for(needs: &Needs<'_>, tips: &Tips, ahead: Ahead) -> (Ask, String) {
    let height = tips.latest.map_or(0, |tip| tip.number) + ahead.blocks;
    let ask = Ask {
        height: Some(height),
        data: needs.method.data,
        lane: needs.method.lane,
        ..Ask::anything()
    };
    let what = format!("asks for block {height}, {} above the newest one shown", ahead.blocks);
    (ask, what)
}

#[cfg(test)]
mod tests;
