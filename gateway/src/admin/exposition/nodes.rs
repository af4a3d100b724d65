//! What is counted and known per node.

use crate::{
    admin::standing::{Standing, standing},
    clock::Timestamp,
    metrics::{AttemptResult, Ejection},
    node::CallClass,
    topology::{Chain, Member, Topology},
};

use super::page::{Label, Page, Samples};

pub fn show(page: &mut Page, topology: &Topology, now: Timestamp) {
    calls(page, topology);
    states(page, topology, now);
    heads(page, topology, now);
    load(page, topology, now);
    connections(page, topology);
}

/// Fills in a family's samples, node by node.
fn each(
    samples: &mut Samples,
    topology: &Topology,
    fill: impl Fn(&mut Samples, [Label<'_>; 3], &Chain, &Member),
) {
    for (chain, member) in topology.members() {
        let labels = [
            ("chain", &*chain.config.name),
            ("zone", &*member.node.zone),
            ("node", &*member.node.config.name),
        ];
        fill(samples, labels, chain, member);
    }
}

/// One gauge per node.
fn gauge(
    page: &mut Page,
    (name, help): (&str, &str),
    topology: &Topology,
    value: impl Fn(&Member) -> f64,
) {
    page.gauge(name, help, |samples| {
        each(samples, topology, |samples, labels, _, member| samples.add(&labels, value(member)));
    });
}

fn with<'l>(labels: [Label<'l>; 3], more: Label<'l>) -> [Label<'l>; 4] {
    let [chain, zone, node] = labels;
    [chain, zone, node, more]
}

fn calls(page: &mut Page, topology: &Topology) {
    let help = "Calls to a node, by how they ended.";
    page.counter("headrace_upstream_requests_total", help, |samples| {
        each(samples, topology, |samples, labels, _, member| {
            for result in AttemptResult::ALL {
                let count = member.node.metrics.attempts(result);
                samples.count(&with(labels, ("outcome", result.word())), count);
            }
        });
    });
    let help = "Time of a client's call at a node, where the node answered it.";
    page.histogram("headrace_upstream_duration_seconds", help, |samples| {
        each(samples, topology, |samples, [chain, _, node], _, member| {
            samples.row(&[chain, node], &member.node.metrics.durations, 0);
        });
    });
}

fn states(page: &mut Page, topology: &Topology, now: Timestamp) {
    let help = "1 for each state that a node is in: up alone, or all that keep calls away.";
    page.gauge("headrace_node_state", help, |samples| {
        each(samples, topology, |samples, labels, chain, member| {
            let is = standing(&member.node, chain.config.lag, now);
            for state in Standing::ALL {
                samples.flag(&with(labels, ("state", state.word())), is.contains(&state));
            }
        });
    });
    let help =
        "Times a node was taken out: by its probes, by a call it was silent on, by a breaker.";
    page.counter("headrace_node_ejections_total", help, |samples| {
        each(samples, topology, |samples, labels, _, member| {
            for reason in Ejection::ALL {
                let count = member.node.metrics.ejections.sum(reason as usize);
                samples.count(&with(labels, ("reason", reason.word())), count);
            }
        });
    });
}

fn heads(page: &mut Page, topology: &Topology, now: Timestamp) {
    let help = "Newest block of a node, as it has proved; 0 before the first.";
    gauge(page, ("headrace_node_head_block", help), topology, |member| member.node.head() as f64);
    let help = "Blocks by which a node is behind the served tip.";
    gauge(page, ("headrace_node_lag_blocks", help), topology, |member| member.node.lag() as f64);
    let help = "Since a node's head last rose.";
    page.gauge("headrace_node_head_age_seconds", help, |samples| {
        each(samples, topology, |samples, labels, chain, member| {
            samples.add(&labels, head_age(chain, member, now));
        });
    });
}

/// Seconds since the node's head last rose; since the start before the first.
pub fn head_age(chain: &Chain, member: &Member, now: Timestamp) -> f64 {
    let advanced = chain.state.track.lock().heads.advanced(member.place.node);
    now.since(advanced).as_secs_f64()
}

fn load(page: &mut Page, topology: &Topology, now: Timestamp) {
    let help = "Calls in flight at a node.";
    gauge(page, ("headrace_node_inflight", help), topology, |member| {
        f64::from(member.node.flight.calls())
    });
    let help = "Calls in flight that a node may hold now, heavy ones (traces) apart.";
    page.gauge("headrace_node_concurrency_limit", help, |samples| {
        each(samples, topology, |samples, labels, _, member| {
            for class in CallClass::ALL {
                let limit = u64::from(member.node.limit(now, class));
                samples.count(&with(labels, ("class", class.word())), limit);
            }
        });
    });
}

fn connections(page: &mut Page, topology: &Topology) {
    let help = "Connections to a node: carrying a call, or idle.";
    page.gauge("headrace_node_connections", help, |samples| {
        each(samples, topology, |samples, labels, _, member| {
            let stats = member.client.stats();
            let idle = stats.open.saturating_sub(stats.in_use);
            samples.count(&with(labels, ("state", "in_use")), u64::from(stats.in_use));
            samples.count(&with(labels, ("state", "idle")), u64::from(idle));
        });
    });
    let help = "Connections opened to a node.";
    page.counter("headrace_node_connections_opened_total", help, |samples| {
        each(samples, topology, |samples, labels, _, member| {
            samples.count(&labels, member.client.stats().opened);
        });
    });
    let help = "Connections to a node that could not be opened.";
    page.counter("headrace_node_connect_failures_total", help, |samples| {
        each(samples, topology, |samples, labels, _, member| {
            samples.count(&labels, member.client.stats().failed);
        });
    });
}
