//! Connections, handshakes and certificates of the data port.

use std::sync::atomic::Ordering::Relaxed;

use super::page::Page;
use crate::{
    server::{Handshake, Refused, Traffic},
    topology::Topology,
};

pub(super) fn show(page: &mut Page, topology: &Topology, traffic: &Traffic) {
    connections(page, traffic);
    let help = "TLS handshakes that clients began, by how they ended.";
    page.counter("headrace_tls_handshakes_total", help, |samples| {
        for outcome in Handshake::ALL {
            let count = traffic.shaken(outcome).load(Relaxed);
            samples.count(&[("outcome", outcome.word())], count);
        }
    });
    let help = "When a certificate of the data port ends, in Unix time.";
    page.gauge("headrace_tls_certificate_expiry_timestamp_seconds", help, |samples| {
        for expiry in topology.tls.iter().flat_map(|tls| &tls.expiries) {
            let cert = expiry.cert.display().to_string();
            samples.count(&[("cert", &cert)], expiry.ends);
        }
    });
}

fn connections(page: &mut Page, traffic: &Traffic) {
    page.gauge("headrace_connections", "Client connections open.", |samples| {
        samples.count(&[], traffic.open.load(Relaxed) as u64);
    });
    let help = "Client connections accepted.";
    page.counter("headrace_connections_accepted_total", help, |samples| {
        samples.count(&[], traffic.accepted.load(Relaxed));
    });
    let help = "Client connections that the gateway ended for their own fault, by reason.";
    page.counter("headrace_connections_refused_total", help, |samples| {
        for refused in Refused::ALL {
            let count = traffic.of(refused).load(Relaxed);
            samples.count(&[("reason", refused.word())], count);
        }
    });
    let help = "Connections that could not be accepted: no file descriptors, usually.";
    page.counter("headrace_accept_errors_total", help, |samples| {
        samples.count(&[], traffic.accept_errors.load(Relaxed));
    });
}
