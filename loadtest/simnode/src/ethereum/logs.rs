//! `eth_getLogs`: filters by address and topics over a range or one block.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::block::{Block, Log};
use super::params::{self, BlockRef};
use super::tx::Address;
use super::{Ask, json, texts};
use crate::hash::{Hash, unhex_array};
use crate::rpc::{Answer, RpcError};

/// Blocks of one query.
const RANGE: u64 = 10_000;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Query<'a> {
    #[serde(borrow, default)]
    from_block: Option<&'a RawValue>,
    #[serde(borrow, default)]
    to_block: Option<&'a RawValue>,
    #[serde(borrow, default)]
    block_hash: Option<&'a RawValue>,
    #[serde(borrow, default)]
    address: Option<&'a RawValue>,
    #[serde(borrow, default)]
    topics: Option<Vec<&'a RawValue>>,
}

/// Which logs are wanted; an empty list wants all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    addresses: Vec<Address>,
    topics: Vec<Vec<Hash>>,
}

impl Wanted {
    pub fn has(&self, log: &Log) -> bool {
        let at_place = |(place, any): (usize, &Vec<Hash>)| {
            any.is_empty() || log.topics.get(place).is_some_and(|topic| any.contains(topic))
        };
        let address = self.addresses.is_empty() || self.addresses.contains(&log.address);
        address && self.topics.iter().enumerate().all(at_place)
    }
}

/// The blocks that a query covers.
#[derive(Clone, Copy, Debug)]
pub enum Span {
    Range(BlockRef, BlockRef),
    One(BlockRef),
}

impl Ask<'_> {
    pub fn logs(&self, out: &mut String) -> Answer {
        let (span, wanted) = self.log_query()?;
        self.write_logs(span, &wanted, out)
    }

    /// The query in the first parameter.
    pub fn log_query(&self) -> Result<(Span, Wanted), RpcError> {
        let raw = params::required(&self.args, 0)?.get();
        let query: Query<'_> = serde_json::from_str(raw)
            .map_err(|_| params::invalid(0, "json: cannot unmarshal into a filter"))?;
        let wanted = Wanted {
            addresses: one_or_many(query.address)?,
            topics: query
                .topics
                .unwrap_or_default()
                .into_iter()
                .map(|topic| one_or_many(Some(topic)))
                .collect::<Result<_, _>>()?,
        };
        let bound = |raw: Option<&RawValue>| match raw.filter(|raw| raw.get() != "null") {
            None => Ok(BlockRef::Latest),
            Some(raw) => params::block(&[raw], 0, false),
        };
        let span = match query.block_hash.filter(|raw| raw.get() != "null") {
            Some(_) if query.from_block.is_some() || query.to_block.is_some() => {
                let why =
                    "cannot specify both BlockHash and FromBlock/ToBlock, choose one or the other";
                return Err(params::invalid(0, why));
            }
            Some(hash) => Span::One(params::block(&[hash], 0, false)?),
            None => Span::Range(bound(query.from_block)?, bound(query.to_block)?),
        };
        Ok((span, wanted))
    }

    /// Appends the logs of a span.
    pub fn write_logs(&self, span: Span, wanted: &Wanted, out: &mut String) -> Answer {
        let start = out.len();
        out.push('[');
        match span {
            Span::One(reference) => {
                let block = self.found(reference);
                let block = block.ok_or_else(|| RpcError::new(-32000, "unknown block"))?;
                self.check_logs(block.number())?;
                push_logs(out, start, &block, wanted);
            }
            Span::Range(from, to) => {
                let (from, to) = self.range(from, to)?;
                self.check_logs(from)?;
                for number in from..=to {
                    let block = self.sim.block(self.node, self.node.view.branch, number);
                    let block = block.ok_or_else(|| RpcError::new(-32000, "unknown block"))?;
                    push_logs(out, start, &block, wanted);
                }
            }
        }
        out.push(']');
        Ok(())
    }

    fn range(&self, from: BlockRef, to: BlockRef) -> Result<(u64, u64), RpcError> {
        if from == BlockRef::Pending || to == BlockRef::Pending {
            return Err(RpcError::new(-32000, "pending logs are not supported"));
        }
        let beyond = || texts::beyond_head(self.node.node.options.client);
        let (_, from) = self.locate(from).ok_or_else(beyond)?;
        let (_, to) = self.locate(to).ok_or_else(beyond)?;
        if from > to {
            return Err(RpcError::new(-32602, "invalid block range params"));
        }
        if to - from >= RANGE {
            return Err(RpcError::new(-32602, format!("exceed maximum block range {RANGE}")));
        }
        Ok((from, to))
    }

    fn check_logs(&self, oldest: u64) -> Answer {
        let (options, head) = (&self.node.node.options, self.node.view.own);
        let keep = options.retention.logs;
        if keep.has(oldest, head) {
            return Ok(());
        }
        Err(texts::body_pruned(options.client, oldest, keep.oldest(head)))
    }
}

fn push_logs(out: &mut String, start: usize, block: &Block, wanted: &Wanted) {
    for (index, log) in block.logs.iter().enumerate().filter(|(_, log)| wanted.has(log)) {
        if out.len() > start + 1 {
            out.push(',');
        }
        json::log(out, block, index, log);
    }
}

/// A hex string, a list of them, or null.
fn one_or_many<const N: usize>(raw: Option<&RawValue>) -> Result<Vec<[u8; N]>, RpcError> {
    let Some(raw) = raw.filter(|raw| raw.get() != "null") else { return Ok(Vec::new()) };
    let items: Vec<&RawValue> = match raw.get().starts_with('[') {
        true => serde_json::from_str(raw.get()).unwrap_or_default(),
        false => vec![raw],
    };
    let read = |raw: &RawValue| params::text(raw).and_then(|text| unhex_array(&text));
    let all: Option<Vec<_>> = items.into_iter().map(read).collect();
    all.ok_or_else(|| params::invalid(0, "invalid address or topic"))
}
