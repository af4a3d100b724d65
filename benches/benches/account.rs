//! What a served call costs in accounting: views of the nodes, the call in flight,
//! latency, counters. `contended` is the same while another thread does so too: the
//! difference is what the shared lines cost.

use std::{
    hint::black_box,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    time::Duration,
};

use criterion::{Criterion, criterion_group, criterion_main};
use headrace_benches::{ASK, topology};
use headrace_gateway::{
    clock::Clock,
    gateway::chance,
    method::MethodIndex,
    metrics::{AttemptResult, Outcome, Purpose, Source},
    node::Leaving,
    topology::Chain,
    worker,
};

/// Everything a call writes on its way through one node, and what choosing reads.
fn account(chain: &Chain, clock: &Clock) {
    let member = &chain.members[0];
    let took = Duration::from_micros(700);
    let draw = chance::draw();
    chain.state.retries.earn(draw);
    chain.state.hedges.earn(draw);
    black_box(chain.views(clock.now(), &ASK, (MethodIndex(1), "eth_getBalance")));
    let call = Leaving { weight: 1, cheap: true, heavy: false };
    let flight = member.node.flight.enter(clock.now(), call, |_| true);
    member.node.flight.heard(clock.now());
    drop(flight);
    member.node.lane(ASK.lane).on_success(clock.now(), took);
    member.node.metrics.on_attempt(AttemptResult::Ok);
    member.node.metrics.durations.observe_time(0, took);
    chain.metrics.on_attempt(Purpose::Call, AttemptResult::Ok);
    chain.metrics.on_call(1, Outcome::Ok, Source::Node);
    chain.metrics.durations.observe_time(ASK.lane as usize, took);
}

fn all(criterion: &mut Criterion) {
    let Ok(topology) = topology() else { return };
    let (chain, clock, done) = (&topology.chains[0], Clock::system(), AtomicBool::new(false));
    worker::enter(0);
    criterion.bench_function("account/alone", |bencher| bencher.iter(|| account(chain, &clock)));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            worker::enter(1);
            while !done.load(Relaxed) {
                account(chain, &clock);
            }
        });
        criterion.bench_function("account/contended", |bencher| {
            bencher.iter(|| account(chain, &clock));
        });
        done.store(true, Relaxed);
    });
}

criterion_group!(benches, all);
criterion_main!(benches);
