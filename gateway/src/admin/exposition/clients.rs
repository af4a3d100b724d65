//! What clients asked for, and what is kept of them.

use crate::limits::{CELLS, Clients};

use super::page::Page;

pub fn show(page: &mut Page, clients: &Clients) {
    let asked = clients.asked();
    let help = "Calls that were admitted, by the client's name; `anonymous`: all others.";
    page.counter("headrace_client_calls_total", help, |samples| {
        for (client, asked) in &asked {
            samples.count(&[("client", client)], asked.calls);
        }
    });
    let help = "Weight of these calls.";
    page.counter("headrace_client_weight_total", help, |samples| {
        for (client, asked) in &asked {
            samples.add(&[("client", client)], asked.cells as f64 / f64::from(CELLS));
        }
    });
    let table = clients.table();
    let help = "Buckets of clients by address that were written so far: they are reused.";
    page.gauge("headrace_limiter_entries", help, |samples| samples.count(&[], table.entries));
    let help = "Memory of these buckets.";
    page.gauge("headrace_limiter_bytes", help, |samples| samples.count(&[], table.bytes));
    let help = "Times that a client found no bucket free and shared one with others.";
    page.counter("headrace_limiter_overflows_total", help, |samples| {
        samples.count(&[], table.overflows);
    });
    let help = "Whether most requests seem to come from one address: a balancer's, perhaps.";
    page.gauge("headrace_client_address_suspect", help, |samples| {
        samples.flag(&[], clients.address_is_suspect());
    });
}
