//! Proofs of results and events: the item itself stands for the path to it, since the
//! simulation has digests and no tries.

use serde_json::Value;

use super::params::{Kind, must};
use super::reads::bytes;
use super::{Ask, put, texts};
use crate::rpc::{Answer, RpcError};

impl Ask<'_> {
    pub fn proof_for_result(&self, out: &mut String) -> Answer {
        let params = self.params(&[must("hash", Kind::Hash), must("index", Kind::Int)])?;
        let block = self.at_hash(&params.hash("hash").unwrap_or_default())?;
        let receipt = receipt(&block, params.int("index"))?;
        put(out, &Value::from(vec![bytes(receipt.to_string().as_bytes())]))
    }

    pub fn proof_for_events(&self, out: &mut String) -> Answer {
        let members =
            [must("hash", Kind::Hash), must("index", Kind::Int), must("events", Kind::Any)];
        let params = self.params(&members)?;
        let block = self.at_hash(&params.hash("hash").unwrap_or_default())?;
        let receipt = receipt(&block, params.int("index"))?;
        let events: Vec<String> = params
            .raw("events")
            .and_then(|raw| serde_json::from_str(raw).ok())
            .ok_or_else(|| texts::invalid_params("fail to validate, gt('events')"))?;
        let mut proofs = vec![Value::from(vec![bytes(receipt.to_string().as_bytes())])];
        for event in events {
            let index = super::tx::number(&event).and_then(|index| usize::try_from(index).ok());
            let log = index.and_then(|index| receipt["eventLogs"].get(index));
            let log = log.ok_or_else(|| {
                let receipt = params.int("index").unwrap_or(0);
                let why = format!("no proof for receipt index={receipt}, event index={event}");
                texts::not_found(&why)
            })?;
            proofs.push(Value::from(vec![bytes(log.to_string().as_bytes())]));
        }
        put(out, &Value::from(proofs))
    }
}

fn receipt(block: &super::block::Block, index: Option<u64>) -> Result<Value, RpcError> {
    let index = index.and_then(|index| usize::try_from(index).ok());
    let index = index.filter(|index| *index < block.txs.len());
    let index = index.ok_or_else(|| texts::not_found("E1005:NotFound"))?;
    Ok(Value::Object(block.receipt(index)))
}
