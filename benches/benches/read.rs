//! Reading a call of 120 bytes and finding what it needs. Bar: under 500 ns.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use headrace_benches::{CALL, topology};
use headrace_gateway::rpc::{ReadLimits, Request, read::read};

fn all(criterion: &mut Criterion) {
    let Ok(topology) = topology() else { return };
    let methods = topology.chains[0].methods();
    let limits = ReadLimits::default();
    criterion.bench_function("read/120-bytes", |bencher| {
        bencher.iter(|| read(black_box(CALL.as_bytes()), &limits).is_ok());
    });
    criterion.bench_function("read+needs/120-bytes", |bencher| {
        bencher.iter(|| match read(black_box(CALL.as_bytes()), &limits) {
            Ok(Request::Single(Ok(call))) => methods.needs(&call).map(|needs| needs.weight).ok(),
            _ => None,
        });
    });
}

criterion_group!(benches, all);
criterion_main!(benches);
