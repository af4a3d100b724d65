//! Filters that live on one node: their ids mean nothing elsewhere.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use super::logs::{Span, Wanted};
use super::params::{self, BlockRef};
use super::{Ask, json, put, texts};
use crate::hash::{keccak, mix};
use crate::rpc::{Answer, RpcError};

/// Filters of one chain's nodes; past it new ones are refused.
const FILTERS: usize = 10_000;

/// The filters of all nodes of a chain, by node and id.
#[derive(Debug, Default)]
pub struct Filters {
    held: Mutex<HashMap<(u64, String), Filter>>,
    count: AtomicU64,
}

#[derive(Clone, Debug)]
struct Filter {
    kind: Kind,
    /// The newest block that was told.
    seen: u64,
}

#[derive(Clone, Debug)]
enum Kind {
    Logs(Span, Wanted),
    Blocks,
    /// Pending transactions; the simulation tells none.
    Pending,
}

impl Ask<'_> {
    pub fn new_filter(&self, method: &str, out: &mut String) -> Answer {
        let kind = match method {
            "eth_newBlockFilter" => Kind::Blocks,
            "eth_newPendingTransactionFilter" => Kind::Pending,
            _ => {
                let (span, wanted) = self.log_query()?;
                Kind::Logs(span, wanted)
            }
        };
        let node = self.node.node.key;
        let count = self.sim.filters.count.fetch_add(1, Ordering::Relaxed);
        let seed = mix(node ^ count).to_be_bytes();
        let id = crate::hash::hex(&keccak(&[b"filter", &seed])[..16]);
        let mut held = self.sim.filters.held.lock();
        if held.len() >= FILTERS {
            return Err(RpcError::new(-32000, "too many filters"));
        }
        put(out, &format!("\"{id}\""))?;
        held.insert((node, id), Filter { kind, seen: self.node.view.head });
        Ok(())
    }

    pub fn filter_changes(&self, out: &mut String) -> Answer {
        let filter = self.filter(true)?;
        let (from, to) = (filter.seen + 1, self.node.view.head);
        match filter.kind {
            Kind::Logs(_, wanted) if from <= to => {
                let span = Span::Range(BlockRef::Number(from), BlockRef::Number(to));
                self.write_logs(span, &wanted, out)
            }
            Kind::Blocks => {
                let branch = self.node.view.branch;
                let hashes = (from..=to).filter_map(|n| self.node.chain.block_hash(branch, n));
                json::array(out, hashes, |out, hash| json::data(out, &hash));
                Ok(())
            }
            Kind::Logs(..) | Kind::Pending => put(out, "[]"),
        }
    }

    pub fn filter_logs(&self, out: &mut String) -> Answer {
        match self.filter(false)?.kind {
            Kind::Logs(span, wanted) => self.write_logs(span, &wanted, out),
            Kind::Blocks | Kind::Pending => Err(texts::no_filter(self.node.node.options.client)),
        }
    }

    pub fn uninstall_filter(&self, out: &mut String) -> Answer {
        let id = params::string(&self.args, 0)?.into_owned();
        let removed = self.sim.filters.held.lock().remove(&(self.node.node.key, id));
        put(out, if removed.is_some() { "true" } else { "false" })
    }

    /// The filter that the first parameter names, as it was before this call.
    fn filter(&self, consume: bool) -> Result<Filter, RpcError> {
        let id = params::string(&self.args, 0)?.into_owned();
        let mut held = self.sim.filters.held.lock();
        let filter = held.get_mut(&(self.node.node.key, id));
        let filter = filter.ok_or_else(|| texts::no_filter(self.node.node.options.client))?;
        let before = filter.clone();
        if consume {
            filter.seen = filter.seen.max(self.node.view.head);
        }
        Ok(before)
    }
}
