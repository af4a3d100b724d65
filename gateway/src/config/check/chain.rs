//! One chain: routes, identity, deadlines, the method table, its pools.

use std::{collections::HashSet, sync::Arc};

use super::{Checker, small};
use crate::{
    config::{
        Chain, Cors, Deadlines, Endpoint, Overrides, Pool, Retries, Route, UnknownMethods, Writes,
        file::{Datum, Fields, Item},
        form::clip,
        problem::Place,
    },
    family::Family,
    method::{MethodTable, RowProblem},
    rpc::ReadLimits,
};

impl Checker<'_, '_> {
    /// `None` only where the name was unreadable, which is a problem already.
    pub(super) fn chain(&mut self, fields: &Fields) -> Option<Chain> {
        let mut pools = self.pools(fields);
        let deadlines = self.deadlines(fields.table("deadlines"));
        let name = fields.text("name")?;
        let family = fields.text("family").and_then(Family::from_word);
        self.once_named(fields, name);
        for node in pools.iter_mut().flat_map(|pool| &mut pool.nodes) {
            complete_path(family, &mut node.http);
        }
        let limits = fields.table("limits");
        let limit = |key| limits.and_then(|limits| limits.integer(key));
        let (methods, overrides) =
            family.map(|family| self.methods(family, fields)).unwrap_or_default();
        self.names_of_methods(fields, &methods);
        Some(Chain {
            name: name.into(),
            // A stand-in for an unreadable one.
            family: family.unwrap_or(Family::ALL[0]),
            routes: self.routes(fields, name),
            identity: self.identity(family, fields),
            lag: fields.integer("lag").unwrap_or_default(),
            block_time: fields.duration("block_time"),
            pin: fields.bool("pin"),
            evm: fields.bool("evm"),
            unknown_methods: match fields.text("unknown_methods") {
                Some("forward") => UnknownMethods::Forward,
                _ => UnknownMethods::Refuse,
            },
            cors: cors(fields),
            rate: super::edge::rate(fields.table("rate")),
            read_limits: ReadLimits {
                items: limit("batch").map_or(self.limits.batch, |batch| small(Some(batch))),
                ..ReadLimits::default()
            },
            body: self.body(family, limits),
            response: self.limits.response,
            deadlines,
            retries: retries(fields.table("retries")),
            hedge: fields.number("hedge").unwrap_or_default(),
            writes: writes(fields.table("writes")),
            methods,
            overrides,
            pools,
        })
    }

    fn once_named(&mut self, fields: &Fields, name: &str) {
        let place = fields.place("name");
        match self.chains.get(name) {
            Some(first) => {
                let message = format!("two chains are named `{name}`, {}", self.first_on(*first));
                self.problems.error(&place, message);
            }
            None => {
                self.chains.insert(name.to_owned(), place.at);
            }
        }
    }

    fn body(&mut self, family: Option<Family>, limits: Option<&Fields>) -> u64 {
        let own = limits.and_then(|limits| Some((limits, limits.integer("body")?)));
        let Some((limits, body)) = own else {
            let usual =
                family.and_then(|family| family.profile().body).filter(|_| !self.body_written);
            return usual.map_or(self.limits.body, |usual| usual.min(self.limits.bodies));
        };
        if self.limits.bodies > 0 && body > self.limits.bodies {
            let message = "does not fit into `limits.bodies`: no such body would ever pass";
            self.problems.error(&limits.place("body"), message);
        }
        body
    }

    /// The written routes, or `/name`; each leads to one chain only.
    fn routes(&mut self, fields: &Fields, chain: &str) -> Vec<Route> {
        let written = fields.list("routes").iter();
        let mut routes: Vec<_> = written
            .filter_map(|item| Some((Route::read(item.text()?).ok()?, item.place.clone())))
            .collect();
        if fields.is_absent("routes") {
            match Route::read(&format!("/{chain}")) {
                Ok(route) => routes.push((route, fields.place("name"))),
                Err(why) => {
                    let message = format!("{why}: the chain needs `routes`, or another name");
                    self.problems.error(&fields.place("name"), message);
                }
            }
        }
        for (route, place) in &routes {
            let here = (chain.to_owned(), place.at);
            if let Some((other, first)) = self.routes.insert(route.clone(), here) {
                let first = self.first_on(first);
                let message = format!("the route `{route}` already leads to `{other}`, {first}");
                self.problems.error(place, message);
            }
        }
        routes.into_iter().map(|(route, _)| route).collect()
    }

    /// The identity in the one spelling that [`Chain::identity`] has.
    fn identity(&mut self, family: Option<Family>, fields: &Fields) -> Option<String> {
        if fields.is_absent("identity") {
            let message = "`identity` is not set: it is learned from the first majority of nodes";
            self.problems.warn(&fields.place("identity"), message);
        }
        let item = fields.get("identity")?;
        let text = match &item.datum {
            Datum::Integer(id) => id.to_string(),
            Datum::Text(text) => text.clone(),
            _ => return None,
        };
        let family = family?;
        let Some(identity) = family.parse_identity(&text) else {
            let message = format!("`{}` is not an identity of this family", clip(&text));
            let allowed = family.profile().identities.to_owned();
            self.problems.error_allowed(&item.place, message, allowed);
            return None;
        };
        Some(identity.to_string())
    }

    fn deadlines(&mut self, fields: Option<&Fields>) -> Deadlines {
        let read = |key| fields.and_then(|fields| fields.duration(key)).unwrap_or_default();
        let deadlines = Deadlines {
            connect: read("connect"),
            attempt: read("attempt"),
            heavy: read("heavy"),
            total: read("total"),
        };
        let Some(fields) = fields else { return deadlines };
        for (short, long) in [("connect", "attempt"), ("attempt", "total"), ("heavy", "total")] {
            let (Some(a), Some(b)) = (fields.get(short), fields.get(long)) else { continue };
            if read(short) > read(long) {
                let place = if a.written { &a.place } else { &b.place };
                let message = format!("`{short}` is longer than `{long}`");
                let allowed = "connect ≤ attempt ≤ total and heavy ≤ total".to_owned();
                self.problems.error_allowed(place, message, allowed);
            }
        }
        deadlines
    }

    fn methods(&mut self, family: Family, fields: &Fields) -> (Arc<MethodTable>, Overrides) {
        let overrides = fields.table("methods").map(overrides).unwrap_or_default();
        let evm = fields.bool("evm");
        if evm && family.profile().evm.is_none() {
            let message = "nodes of this family have no methods but their own";
            self.problems.error_allowed(&fields.place("evm"), message, "false".to_owned());
        }
        match method_table(family, evm, &overrides) {
            Ok(table) => (Arc::new(table), overrides),
            Err(found) => {
                for problem in found {
                    let within = fields.table("methods");
                    let place = within.map(|methods| place_of(methods, &problem));
                    let place = place.unwrap_or_default();
                    self.problems.error_allowed(&place, problem.message, problem.allowed);
                }
                (Arc::default(), overrides)
            }
        }
    }

    /// A name in a node's lists that no table knows is perhaps misspelt, and then rules nothing.
    fn names_of_methods(&mut self, fields: &Fields, table: &MethodTable) {
        for pool in fields.list("pools").iter().filter_map(Item::table) {
            for node in pool.list("nodes").iter().filter_map(Item::table) {
                let Some(lists) = node.table("methods") else { continue };
                let names = ["only", "except"].map(|key| lists.list(key)).into_iter().flatten();
                for item in names {
                    let known = |name: &str| name.ends_with('*') || !table.row_of(name).is_other();
                    let Some(name) = item.text().filter(|name| !known(name)) else { continue };
                    let message = format!("the method table has no `{}`", clip(name));
                    self.problems.warn(&item.place, message);
                }
            }
        }
    }

    fn pools(&mut self, fields: &Fields) -> Vec<Pool> {
        let mut zones = HashSet::new();
        let mut endpoints = HashSet::new();
        let mut pools = Vec::new();
        for pool in fields.list("pools").iter().filter_map(Item::table) {
            let nodes: Vec<_> = pool
                .list("nodes")
                .iter()
                .filter_map(Item::table)
                .filter_map(|node| self.node(node, &mut endpoints))
                .collect();
            let Some(zone) = pool.text("zone") else { continue };
            if !zones.insert(zone.to_owned()) {
                let message = format!("the chain has two pools in zone `{zone}`");
                self.problems.error(&pool.place("zone"), message);
            }
            pools.push(Pool { zone: zone.into(), nodes });
        }
        let mut nodes = pools.iter().flat_map(|pool| &pool.nodes).peekable();
        if nodes.peek().is_some() && nodes.all(|node| node.fallback) {
            let message = "every node of the chain is a fallback: none has capacity of its own";
            self.problems.warn(&fields.place("pools"), message);
        }
        pools
    }

    /// Two nodes of one chain at one address are one node counted twice.
    pub(super) fn once_at(
        &mut self,
        fields: &Fields,
        endpoint: &Endpoint,
        seen: &mut HashSet<Endpoint>,
    ) {
        if !seen.insert(endpoint.clone()) {
            let message =
                format!("another node of this chain has the endpoint {}", endpoint.masked());
            self.problems.error(&fields.place("http"), message);
        }
    }
}

/// An address without a path means the one where nodes of the family serve.
fn complete_path(family: Option<Family>, endpoint: &mut Endpoint) {
    if let Some(family) = family.filter(|_| endpoint.path == "/") {
        endpoint.path = family.profile().path.to_owned();
    }
}

fn cors(fields: &Fields) -> Cors {
    let origins = fields.list("cors").iter().filter_map(Item::text);
    let origins: Vec<String> = origins.map(str::to_ascii_lowercase).collect();
    if origins.is_empty() { Cors::Any } else { Cors::Only(origins) }
}

fn retries(fields: Option<&Fields>) -> Retries {
    let number = |key| fields.and_then(|fields| fields.number(key)).unwrap_or_default();
    Retries {
        attempts: small(fields.and_then(|fields| fields.integer("attempts"))),
        budget: number("budget"),
        floor: number("floor"),
    }
}

fn writes(fields: Option<&Fields>) -> Writes {
    let bool = |key| fields.is_some_and(|fields| fields.bool(key));
    Writes {
        settle: bool("settle"),
        confirm: bool("confirm"),
        broadcast: small(fields.and_then(|fields| fields.integer("broadcast"))),
    }
}

/// The overrides as written, column by column.
fn overrides(methods: &Fields) -> Overrides {
    let column = |(key, item): (&str, &Item)| {
        let value = match &item.datum {
            Datum::Integer(value) => i64::try_from(*value).ok().map(toml::Value::Integer),
            Datum::Text(text) => Some(toml::Value::String(text.clone())),
            _ => None,
        };
        value.map(|value| (key.to_owned(), value))
    };
    methods
        .iter()
        .filter_map(|(name, item)| {
            Some((name.to_owned(), item.table()?.iter().filter_map(column).collect()))
        })
        .collect()
}

/// The one place where the config meets the method table.
fn method_table(
    family: Family,
    evm: bool,
    overrides: &Overrides,
) -> Result<MethodTable, Vec<RowProblem>> {
    let rows = overrides.iter().map(|(name, columns)| (name.as_str(), columns));
    let own = MethodTable::for_family(family);
    let both = if evm { own.with_evm() } else { None };
    both.unwrap_or(own).with_overrides(rows)
}

fn place_of(methods: &Fields, problem: &RowProblem) -> Place {
    let row = methods.get(&problem.row).and_then(Item::table);
    match (row, &problem.column) {
        (Some(row), Some(column)) => row.place(column),
        _ => methods.place(&problem.row),
    }
}
