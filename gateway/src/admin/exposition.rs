//! The Prometheus page: made anew for each scrape, from the counters of the
//! workers and from the topology in force. Nothing is kept up to date for it, so
//! nobody scraping costs nothing. Names and labels: `docs/metrics.md`.
//!
//! Every label value comes from a closed set: words of our own enums, rows of a
//! method table, names in the config. A counter is there from the start, at 0;
//! only methods are born at first use, for they would be most of the page.

mod chains;
mod clients;
mod doors;
mod nodes;
mod page;
mod process;

use std::sync::atomic::Ordering::Relaxed;

use crate::{
    error::Reason,
    gateway::Gateway,
    metrics::{ReloadStatus, Responses},
    pressure::Pressure,
    server::Traffic,
};

use self::page::Page;

pub use self::{chains::trail, nodes::head_age};

/// Everything about the gateway as text, version 0.0.4 of the format.
pub fn text(gateway: &Gateway, traffic: &Traffic, reloads: &ReloadStatus) -> String {
    let topology = gateway.current.load();
    let now = gateway.clock.now();
    let mut page = Page::default();
    chains::show(&mut page, &topology, now);
    nodes::show(&mut page, &topology, now);
    clients::show(&mut page, &topology.clients);
    rejections(&mut page, gateway);
    responses(&mut page, &gateway.responses);
    doors::show(&mut page, &topology, traffic);
    pressure(&mut page, &gateway.pressure);
    upkeep(&mut page, gateway, traffic);
    config(&mut page, &topology.config.revision, reloads);
    process::show(&mut page);
    page.text()
}

fn rejections(page: &mut Page, gateway: &Gateway) {
    let help = "Calls and requests that the gateway itself refused, by reason.";
    page.counter("headrace_rejections_total", help, |samples| {
        for (at, reason) in Reason::ALL.iter().enumerate() {
            samples.count(&[("reason", reason.word())], gateway.rejections.sum(at));
        }
    });
}

fn responses(page: &mut Page, responses: &Responses) {
    let help = "HTTP responses of the data port, by status code.";
    page.counter("headrace_http_responses_total", help, |samples| {
        for (code, count) in responses.by_code() {
            samples.count(&[("code", code)], count);
        }
    });
    let help = "HTTP requests whose answer is being made.";
    page.gauge("headrace_inflight_requests", help, |samples| {
        samples.count(&[], responses.in_flight());
    });
}

fn pressure(page: &mut Page, pressure: &Pressure) {
    let help = "What the gateway is short of: 1 caches shrink, 2 no keep-alive, 3 low priority \
                is refused, 4 all calls are.";
    page.gauge("headrace_pressure_level", help, |samples| {
        samples.count(&[], pressure.level() as u64);
    });
    let help = "Memory in use over the tightest limit that applies.";
    page.gauge("headrace_memory_usage_ratio", help, |samples| {
        samples.add(&[], pressure.memory_share());
    });
    let help = "By how much threads run late: p99 of the last 10 s, of the latest thread.";
    page.gauge("headrace_scheduling_delay_seconds", help, |samples| {
        samples.add(&[], pressure.stalls.p99().as_secs_f64());
    });
}

fn upkeep(page: &mut Page, gateway: &Gateway, traffic: &Traffic) {
    let help = "Access log lines lost since the log was opened.";
    page.counter("headrace_log_dropped_total", help, |samples| {
        samples.count(&[], gateway.access.load().dropped());
    });
    page.counter("headrace_panics_total", "Connections ended by a panic: a bug.", |samples| {
        samples.count(&[], traffic.panics.load(Relaxed));
    });
    page.gauge("headrace_build_info", "Always 1; names the version.", |samples| {
        samples.count(&[("version", env!("CARGO_PKG_VERSION"))], 1);
    });
}

fn config(page: &mut Page, revision: &str, reloads: &ReloadStatus) {
    let (ok, at) = reloads.read();
    let help = "Whether the config that was last read is in force.";
    page.gauge("headrace_config_last_reload_successful", help, |samples| samples.flag(&[], ok));
    let help = "When a config was last put in force, in Unix time.";
    page.gauge("headrace_config_last_reload_success_timestamp_seconds", help, |samples| {
        samples.count(&[], at);
    });
    page.gauge("headrace_config_info", "Always 1; names the config in force.", |samples| {
        samples.count(&[("revision", revision)], 1);
    });
}
