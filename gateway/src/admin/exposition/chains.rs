//! What is counted and known per chain.

use std::sync::Arc;

use crate::{
    admin::standing::{Standing, standing},
    clock::Timestamp,
    method::{Lane, Tag},
    metrics::{AttemptResult, ChainMetrics, Outcome, Purpose, Queued, Source},
    node::CallClass,
    topology::{Chain, Topology},
};

use super::page::{Page, Samples};

pub fn show(page: &mut Page, topology: &Topology, now: Timestamp) {
    let chains = &topology.chains;
    calls(page, chains);
    attempts(page, chains);
    tips(page, chains, now);
    budgets(page, chains);
    queues(page, chains);
    capacity(page, chains, now);
}

fn queues(page: &mut Page, chains: &[Arc<Chain>]) {
    let help = "Calls that wait for a place at a node.";
    page.gauge("headrace_queue_length", help, |samples| {
        for chain in chains {
            for class in CallClass::ALL {
                let labels = [("chain", &*chain.config.name), ("class", class.word())];
                samples.count(&labels, chain.state.queue.waiting_of(class) as u64);
            }
        }
    });
    let help = "Calls that found every node full, by what became of their wait for a place.";
    page.counter("headrace_queue_outcomes_total", help, |samples| {
        for chain in chains {
            for how in Queued::ALL {
                let labels = [("chain", &*chain.config.name), ("outcome", how.word())];
                samples.count(&labels, chain.metrics.queued(how));
            }
        }
    });
}

fn calls(page: &mut Page, chains: &[Arc<Chain>]) {
    let help = "Calls of clients, items of batches among them, by how they ended and who answered.";
    page.counter("headrace_requests_total", help, |samples| {
        chains.iter().for_each(|chain| methods(samples, chain));
    });
    let help = "From a call read to its answer known, by kind of work.";
    page.histogram("headrace_request_duration_seconds", help, |samples| {
        for chain in chains {
            for lane in Lane::ALL {
                let labels = [("chain", &*chain.config.name), ("method_class", lane.word())];
                samples.row(&labels, &chain.metrics.durations, lane as usize);
            }
        }
    });
    page.histogram("headrace_batch_items", "Calls of a batch.", |samples| {
        for chain in chains {
            samples.row(&[("chain", &chain.config.name)], &chain.metrics.batch_items, 0);
        }
    });
}

/// Of a method only what was counted, but everything of `other`.
fn methods(samples: &mut Samples, chain: &Chain) {
    for method in chain.methods().rows() {
        for outcome in Outcome::ALL {
            for source in Source::ALL {
                let at = usize::from(method.index.0);
                let count = chain.metrics.calls(at, outcome, source);
                if count == 0 && !method.is_other() {
                    continue;
                }
                let labels = [
                    ("chain", &*chain.config.name),
                    ("method", method.label()),
                    ("outcome", outcome.word()),
                    ("origin", source.word()),
                ];
                samples.count(&labels, count);
            }
        }
    }
}

fn attempts(page: &mut Page, chains: &[Arc<Chain>]) {
    let help = "Calls to nodes, by what they were made for and how they ended.";
    page.counter("headrace_upstream_attempts_total", help, |samples| {
        for chain in chains {
            for purpose in Purpose::ALL {
                for result in AttemptResult::ALL {
                    let labels = [
                        ("chain", &*chain.config.name),
                        ("kind", purpose.word()),
                        ("result", result.word()),
                    ];
                    samples.count(&labels, chain.metrics.attempts(purpose, result));
                }
            }
        }
    });
}

fn tips(page: &mut Page, chains: &[Arc<Chain>], now: Timestamp) {
    let help = "Newest block that clients are shown, by tag. Absent until one is known.";
    page.gauge("headrace_tip_block", help, |samples| {
        for chain in chains {
            for tag in [Tag::Latest, Tag::Safe, Tag::Finalized] {
                let Some(block) = chain.state.tips().of(tag) else { continue };
                let labels = [("chain", &*chain.config.name), ("tag", word(tag))];
                samples.count(&labels, block.number);
            }
        }
    });
    let help = "Blocks by which the served tip trails the first node's head.";
    each(page, "headrace_tip_trail_blocks", help, chains, |chain| trail(chain) as f64);
    let help = "Since the served tip last changed; since the start while there is none.";
    each(page, "headrace_tip_age_seconds", help, chains, |chain| {
        now.since(chain.state.tips().since).as_secs_f64()
    });
    let help = "Time between blocks: as configured, or as measured.";
    each(page, "headrace_block_time_seconds", help, chains, |chain| {
        chain.state.tips().block_time.as_secs_f64()
    });
    let help = "Changes of the served tip: forward, by a reorg, back, or to another line.";
    page.counter("headrace_tip_changes_total", help, |samples| {
        for chain in chains {
            for (at, kind) in ChainMetrics::TIP_CHANGES.into_iter().enumerate() {
                let labels = [("chain", &*chain.config.name), ("kind", kind)];
                samples.count(&labels, chain.metrics.tip_changes.sum(at));
            }
        }
    });
}

/// One gauge per chain.
fn each(
    page: &mut Page,
    name: &str,
    help: &str,
    chains: &[Arc<Chain>],
    value: impl Fn(&Chain) -> f64,
) {
    page.gauge(name, help, |samples| {
        for chain in chains {
            samples.add(&[("chain", &chain.config.name)], value(chain));
        }
    });
}

/// Blocks by which the served tip trails the highest head that a node has proved.
pub fn trail(chain: &Chain) -> u64 {
    let highest = chain.state.track.lock().heads.highest_proven();
    let tip = chain.state.tips().latest.map(|tip| tip.number);
    highest.zip(tip).map_or(0, |(highest, tip)| highest.saturating_sub(tip))
}

const fn word(tag: Tag) -> &'static str {
    match tag {
        Tag::Latest => "latest",
        Tag::Safe => "safe",
        Tag::Finalized => "finalized",
    }
}

fn budgets(page: &mut Page, chains: &[Arc<Chain>]) {
    let help = "How full the bucket of retries is.";
    each(page, "headrace_retry_budget_remaining_ratio", help, chains, |chain| {
        chain.state.retries.remaining()
    });
    let help = "How full the bucket of hedges is.";
    each(page, "headrace_hedge_budget_remaining_ratio", help, chains, |chain| {
        chain.state.hedges.remaining()
    });
}

fn capacity(page: &mut Page, chains: &[Arc<Chain>], now: Timestamp) {
    let help = "Share of a pool's own weight that is up: fallback nodes do not count.";
    page.gauge("headrace_pool_available_ratio", help, |samples| {
        for chain in chains {
            for zone in &chain.zones {
                let Some(ratio) = available(chain, zone, now) else { continue };
                samples.add(&[("chain", &*chain.config.name), ("zone", &**zone)], ratio);
            }
        }
    });
    let help = "Whether most of the chain looks sick, so that soft checks are distrusted.";
    each(page, "headrace_pool_panic", help, chains, |chain| {
        f64::from(u8::from(chain.in_panic(now)))
    });
    let help = "Whether some node could take a call for the newest block now.";
    each(page, "headrace_chain_can_serve", help, chains, |chain| {
        f64::from(u8::from(chain.can_serve(now)))
    });
}

/// The share of a zone's own weight that is up; `None` where it has fallback nodes only.
fn available(chain: &Chain, zone: &str, now: Timestamp) -> Option<f64> {
    let own = chain.members.iter().map(|member| &member.node);
    let own = own.filter(|node| *node.zone == *zone && !node.config.fallback);
    let (mut all, mut up) = (0_u64, 0_u64);
    for node in own {
        all += u64::from(node.config.weight);
        if standing(node, chain.config.lag, now) == [Standing::Up] {
            up += u64::from(node.config.weight);
        }
    }
    (all > 0).then(|| up as f64 / all as f64)
}
