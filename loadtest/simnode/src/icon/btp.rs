//! BTP: one network of one type, with a message in every fifth block.

use std::sync::Arc;

use serde_json::{Value, json};

use super::block::{Block, quantity};
use super::params::{Kind, may, must};
use super::reads::bytes;
use super::tx::address_text;
use super::{Ask, hash_value, put, texts};
use crate::hash::sha3;
use crate::rpc::{Answer, RpcError};

/// The only network, and its type.
const NETWORK: u64 = 1;
/// Blocks with a message are the multiples of this.
const EVERY: u64 = 5;

impl Ask<'_> {
    pub fn btp_network(&self, out: &mut String) -> Answer {
        let at = self.network_at()?;
        let last = at.id.number / EVERY;
        put(
            out,
            &json!({
                "startHeight": "0x1",
                "networkTypeID": "0x1",
                "networkTypeName": "eth",
                "networkID": "0x1",
                "networkName": "simulated",
                "open": "0x1",
                "owner": address_text(&super::block::token(0)),
                "nextMessageSN": quantity(last.into()),
                "prevNSHash": hash_value(&section(last.saturating_sub(1))),
                "lastNSHash": hash_value(&section(last)),
            }),
        )
    }

    pub fn btp_network_type(&self, out: &mut String) -> Answer {
        let at = self.network_at()?;
        put(
            out,
            &json!({
                "networkTypeID": "0x1",
                "networkTypeName": "eth",
                "openNetworkIDs": ["0x1"],
                "nextProofContext": bytes(&sha3(&[b"proof context", &at.id.hash])),
            }),
        )
    }

    pub fn btp_messages(&self, out: &mut String) -> Answer {
        let block = self.messages_at()?;
        let message = || bytes(&sha3(&[b"message", &block.id.hash]));
        let messages: Vec<Value> = has_message(&block).then(message).into_iter().collect();
        put(out, &Value::from(messages))
    }

    pub fn btp_header(&self, out: &mut String) -> Answer {
        self.btp_part("header", out)
    }

    pub fn btp_proof(&self, out: &mut String) -> Answer {
        self.btp_part("proof", out)
    }

    fn btp_part(&self, part: &str, out: &mut String) -> Answer {
        let block = self.messages_at()?;
        if !has_message(&block) {
            let height = block.id.number;
            let why =
                format!("E1005:fail to get a BTP block {part} for height={height}, nid={NETWORK}");
            return Err(texts::not_found(&why));
        }
        put(out, &bytes(&sha3(&[part.as_bytes(), &block.id.hash]).repeat(3)))
    }

    pub fn btp_source(&self, out: &mut String) -> Answer {
        let nid = self.node.chain.chain_id(self.node.view.branch);
        let source = format!("{nid:#x}.icon");
        put(out, &json!({ "srcNetworkUID": source, "networkTypeIDs": ["0x1"] }))
    }

    /// The block of a query by `id` and perhaps `height`.
    fn network_at(&self) -> Result<Arc<Block>, RpcError> {
        let params = self.params(&[may("height", Kind::Int), must("id", Kind::Int)])?;
        let at = self.state_at(params.int("height"))?;
        known(params.int("id"))?;
        self.at_height(at.number)
    }

    /// The block of a query by `networkID` and `height`.
    fn messages_at(&self) -> Result<Arc<Block>, RpcError> {
        let params = self.params(&[must("height", Kind::Int), must("networkID", Kind::Int)])?;
        let block = self.at_height(params.int("height").unwrap_or(u64::MAX))?;
        known(params.int("networkID"))?;
        Ok(block)
    }
}

fn known(id: Option<u64>) -> Answer {
    match id {
        Some(NETWORK) => Ok(()),
        _ => Err(texts::system("E1005:NotFound")),
    }
}

fn has_message(block: &Block) -> bool {
    block.id.number > 0 && block.id.number.is_multiple_of(EVERY)
}

fn section(message: u64) -> [u8; 32] {
    sha3(&[b"network section", &message.to_be_bytes()])
}
