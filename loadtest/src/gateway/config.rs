//! The generated config of a gateway, and how it is put in place.

use std::fs;
use std::path::Path;

use anyhow::Context as _;
use toml::{Table, Value};

use super::Ports;
use crate::family;
use crate::fleet::{Fleet, Member};
use crate::scenario::{Reload, Scenario};

/// The config of one gateway with the changes of a reload.
#[must_use]
pub fn table(scenario: &Scenario, fleet: &Fleet, ports: Ports, reload: &Reload) -> Table {
    let spec = &scenario.gateway;
    let zone = match &spec.zone {
        Some(zone) => zone.get_ref().clone(),
        None => fleet.nodes.first().map_or_else(String::new, |member| member.zone.clone()),
    };
    let mut root = Table::new();
    let server = Table::from_iter([
        ("listen".to_owned(), Value::Array(vec![text(ports.data)])),
        ("zone".to_owned(), text(zone)),
    ]);
    root.insert("server".to_owned(), Value::Table(server));
    root.insert("admin".to_owned(), Value::Table(one("listen", text(ports.admin))));
    root.insert("log".to_owned(), Value::Table(one("access", text("off"))));
    merge(&mut root, &spec.config);
    merge(&mut root, &reload.config);
    let mut chain = chain(scenario, fleet, reload);
    merge(&mut chain, &spec.chain);
    merge(&mut chain, &reload.chain);
    root.insert("chains".to_owned(), Value::Array(vec![Value::Table(chain)]));
    root
}

fn chain(scenario: &Scenario, fleet: &Fleet, reload: &Reload) -> Table {
    let (spec, ways) = (&scenario.chain, scenario.ways());
    let mut chain = Table::new();
    chain.insert("name".to_owned(), text(ways.chain));
    chain.insert("family".to_owned(), text(family::word(spec.family)));
    chain.insert("identity".to_owned(), (ways.identity)(&fleet.truth.chain));
    chain.insert("block_time".to_owned(), text(format!("{}ms", spec.block_time.0.as_millis())));
    let mut pools: Vec<Value> = Vec::new();
    for zone in &scenario.zones {
        let inside = fleet.nodes.iter().filter(|member| member.zone == *zone.name.get_ref());
        let stays = |member: &&Member| !reload.without.contains(&member.name);
        let nodes: Vec<_> = inside.filter(stays).map(|member| node(member, reload)).collect();
        if nodes.is_empty() {
            continue;
        }
        let mut pool = one("zone", text(zone.name.get_ref()));
        pool.insert("nodes".to_owned(), Value::Array(nodes));
        pools.push(Value::Table(pool));
    }
    chain.insert("pools".to_owned(), Value::Array(pools));
    chain
}

fn node(member: &Member, reload: &Reload) -> Value {
    let mut node = Table::new();
    node.insert("name".to_owned(), text(&member.name));
    node.insert("http".to_owned(), text(member.node.url()));
    if let Some(weight) = reload.weights.get(&member.name).copied().or(member.spec.weight) {
        node.insert("weight".to_owned(), Value::Integer(weight.into()));
    }
    for (key, on) in [("archive", member.spec.archive), ("fallback", member.spec.fallback)] {
        if on {
            node.insert(key.to_owned(), Value::Boolean(true));
        }
    }
    merge(&mut node, &member.spec.config);
    Value::Table(node)
}

fn text(value: impl ToString) -> Value {
    Value::String(value.to_string())
}

fn one(key: &str, value: Value) -> Table {
    Table::from_iter([(key.to_owned(), value)])
}

/// Adds the keys of `more`, table by table; what is no table is replaced.
pub fn merge(into: &mut Table, more: &Table) {
    for (key, value) in more {
        match (into.get_mut(key), value) {
            (Some(Value::Table(inner)), Value::Table(value)) => merge(inner, value),
            _ => {
                into.insert(key.clone(), value.clone());
            }
        }
    }
}

/// Puts a text in the place of a file at once, as careful operators do.
///
/// # Errors
/// The folder cannot be written to.
pub fn replace(path: &Path, text: &str) -> anyhow::Result<()> {
    let new = path.with_extension("new");
    fs::write(&new, text).and_then(|()| fs::rename(&new, path)).context("writing the config")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str) -> Table {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn merging_goes_into_tables_and_replaces_the_rest() {
        let mut into = table("a = 1\n[t]\nx = 1\ny = [1]\n");
        merge(&mut into, &table("b = 2\n[t]\ny = [2]\nz = 3\n"));
        assert_eq!(into, table("a = 1\nb = 2\n[t]\nx = 1\ny = [2]\nz = 3\n"));
    }
}
