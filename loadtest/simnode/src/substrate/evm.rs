//! The methods of an EVM on a Substrate chain (Frontier), as far as they tell how a node
//! names blocks and what it has: numbers are the chain's, hashes are of its own, and what
//! is discarded is said in Substrate's words under Ethereum's code. Source: frontier
//! client/rpc.

use super::state::Place;
use super::texts::{self, Missing};
use super::{Ask, params, put};
use crate::ethereum::truth;
use crate::hash::{Hash, hex, keccak, unhex_array};
use crate::json::Members;
use crate::rpc::{Answer, RpcError};

impl Ask<'_> {
    /// The methods that begin with `eth_`.
    pub fn evm_method(&self, name: &str, out: &mut String) -> Answer {
        match name {
            "chainId" => put(out, &quantity(self.node.chain.chain_id(self.node.view.branch))),
            "blockNumber" => put(out, &quantity(self.node.view.head)),
            "getBalance" => self.evm_balance(out),
            "getBlockByNumber" => self.evm_block(out),
            _ => Err(texts::unknown_method(self.client, name)),
        }
    }

    fn evm_balance(&self, out: &mut String) -> Answer {
        let address = unhex_array(&self.string(0)?)
            .ok_or_else(|| self.invalid("invalid length, expected an address"))?;
        let at = self.evm_place(1)?.block.at();
        let at = truth::At { hash: at.hash, number: at.number };
        put(out, &format!("\"{:#x}\"", truth::balance(&address, at)))
    }

    fn evm_block(&self, out: &mut String) -> Answer {
        let Some(number) = self.evm_number(0)? else { return put(out, "null") };
        let Some(hash) = self.main_hash(number) else { return put(out, "null") };
        let mut object = Members::open(out);
        object.text("number", &format!("{number:#x}")).text("hash", &hex(&evm_hash(&hash)));
        object.close();
        Ok(())
    }

    /// The block that a number or tag names, if the node has its state.
    fn evm_place(&self, index: usize) -> Result<Place, RpcError> {
        let unknown = || RpcError::new(-32_000, "header not found");
        let number = self.evm_number(index)?.ok_or_else(unknown)?;
        let hash = self.main_hash(number).ok_or_else(unknown)?;
        self.state_of(Some(hash)).map_err(|missing| match missing {
            Missing::Unknown(_) => unknown(),
            Missing::Discarded(hash) => {
                let why = format!("State already discarded for {}", hex(&hash));
                RpcError::new(-32_603, format!("Api called for an unknown Block: {why}"))
            }
        })
    }

    /// The number that a reference means; `None` above the head.
    fn evm_number(&self, index: usize) -> Result<Option<u64>, RpcError> {
        let Some(raw) = self.arg(index) else { return Ok(Some(self.node.view.head)) };
        let number = match params::text(raw).as_deref() {
            Some("latest") => Some(self.node.view.head),
            Some("safe" | "finalized") => Some(self.finalized()),
            Some("earliest") => Some(0),
            _ => params::number(raw),
        };
        let number = number.ok_or_else(|| self.invalid("invalid block number or tag"))?;
        Ok((number <= self.node.view.head).then_some(number))
    }
}

/// The hash of the Ethereum block that stands in a Substrate block.
fn evm_hash(hash: &Hash) -> Hash {
    keccak(&[b"evm", hash])
}

fn quantity(number: u64) -> String {
    format!("\"{number:#x}\"")
}
