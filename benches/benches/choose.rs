//! Choosing one of 32 nodes with a reason kept for each other. Bar: under 1 µs.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use headrace_benches::{ASK, healthy, mixed};
use headrace_gateway::route::{Policy, View, choose};

const POLICY: Policy = Policy { lag: 1, avoid_zone: None, panic: true };

fn bench(criterion: &mut Criterion, name: &str, views: &[View]) {
    let mut draw = 0_u64;
    criterion.bench_function(name, |bencher| {
        bencher.iter(|| {
            draw = draw.wrapping_add(0x9e37_79b9_7f4a_7c15);
            choose(POLICY, black_box(ASK), black_box(views), draw)
        });
    });
}

fn all(criterion: &mut Criterion) {
    bench(criterion, "choose/32-healthy", &healthy(32));
    bench(criterion, "choose/32-mixed", &mixed(32));
    bench(criterion, "choose/6-healthy", &healthy(6));
}

criterion_group!(benches, all);
criterion_main!(benches);
