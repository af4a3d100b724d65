//! Reads of state: what [`truth`] says, where the node has the state.

use std::borrow::Cow;

use serde::Deserialize;

use super::actors;
use super::header::EMPTY_ROOT;
use super::json::{self, Members};
use super::params::{self, BlockRef};
use super::truth::{self, At};
use super::tx::Address;
use super::{Ask, put, texts};
use crate::chain::BranchId;
use crate::hash::{hex, keccak, unhex, unhex_array};
use crate::rpc::{Answer, RpcError};

/// The object of `eth_call`, as far as the simulation reads it.
#[derive(Debug, Deserialize)]
struct Message<'a> {
    #[serde(borrow, default)]
    to: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    data: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    input: Option<Cow<'a, str>>,
}

/// A block whose state the node has.
struct Place {
    branch: BranchId,
    at: At,
}

impl Ask<'_> {
    pub fn balance(&self, out: &mut String) -> Answer {
        let address = params::address(&self.args, 0)?;
        let place = self.state_at(1)?;
        json::quantity(out, truth::balance(&address, place.at));
        Ok(())
    }

    pub fn code(&self, out: &mut String) -> Answer {
        let address = params::address(&self.args, 0)?;
        json::data(out, &truth::code(&address, self.state_at(1)?.at));
        Ok(())
    }

    pub fn storage(&self, out: &mut String) -> Answer {
        let address = params::address(&self.args, 0)?;
        let slot = params::slot(&self.args, 1)?;
        json::data(out, &truth::storage(&address, &slot, self.state_at(2)?.at));
        Ok(())
    }

    pub fn nonce(&self, out: &mut String) -> Answer {
        let address = params::address(&self.args, 0)?;
        let pending = params::block(&self.args, 1, true)? == BlockRef::Pending;
        let place = self.state_at(1)?;
        let mut nonce = self.nonce_at(&address, place.branch, place.at.number);
        if pending {
            nonce = self.node.chain.pending_nonce(self.node.viewer(), &address, nonce);
        }
        json::quantity(out, nonce.into());
        Ok(())
    }

    /// The next nonce of an account at a block.
    pub fn nonce_at(&self, address: &Address, branch: BranchId, number: u64) -> u64 {
        match self.sim.actors.index_of(address) {
            Some(index) => actors::nonce_after(index, number),
            None => self.node.chain.nonce(branch, address, number),
        }
    }

    pub fn proof(&self, out: &mut String) -> Answer {
        let address = params::address(&self.args, 0)?;
        let slots = params::required(&self.args, 1)?.get();
        let slots: Vec<Cow<'_, str>> = serde_json::from_str(slots)
            .map_err(|_| params::invalid(1, "json: cannot unmarshal into storage keys"))?;
        let place = self.state_at(2)?;
        let mut object = Members::open(out);
        object
            .data("address", &address)
            .raw("accountProof", "[]")
            .quantity("balance", truth::balance(&address, place.at))
            .quantity("nonce", self.nonce_at(&address, place.branch, place.at.number))
            .data("codeHash", &keccak(&[&truth::code(&address, place.at)]))
            .data("storageHash", &EMPTY_ROOT);
        json::array(object.name("storageProof"), &slots, |out, slot| {
            let word = params::word(slot).unwrap_or_default();
            let mut entry = Members::open(out);
            entry.data("key", &word).data("value", &truth::storage(&address, &word, place.at));
            entry.raw("proof", "[]");
            entry.close();
        });
        object.close();
        Ok(())
    }

    pub fn call(&self, out: &mut String) -> Answer {
        let (to, input) = self.message()?;
        let place = self.state_at(1)?;
        reverted(&to)?;
        json::data(out, &truth::call(&to, &input, place.at));
        Ok(())
    }

    pub fn estimate(&self, out: &mut String) -> Answer {
        let (to, input) = self.message()?;
        self.state_at(1)?;
        reverted(&to)?;
        json::quantity(out, 21_000 + 16 * input.len() as u128);
        Ok(())
    }

    pub fn access_list(&self, out: &mut String) -> Answer {
        let (to, input) = self.message()?;
        self.state_at(1)?;
        reverted(&to)?;
        let gas = 21_000 + 16 * input.len();
        put(out, &format!(r#"{{"accessList":[],"gasUsed":"{gas:#x}"}}"#))
    }

    fn message(&self) -> Result<(Address, Vec<u8>), RpcError> {
        let raw = params::required(&self.args, 0)?.get();
        let message: Message<'_> = serde_json::from_str(raw)
            .map_err(|_| params::invalid(0, "json: cannot unmarshal into a transaction"))?;
        let to = match &message.to {
            Some(to) => unhex_array(to).ok_or_else(|| params::invalid(0, "invalid address"))?,
            None => [0; 20],
        };
        let input = message.input.or(message.data).unwrap_or(Cow::Borrowed("0x"));
        let input = unhex(&input).ok_or_else(|| params::invalid(0, "invalid hex string"))?;
        Ok((to, input))
    }

    /// The block that a parameter names, if the node has its state.
    fn state_at(&self, index: usize) -> Result<Place, RpcError> {
        let reference = params::block(&self.args, index, true)?;
        let client = self.node.node.options.client;
        let Some((branch, number)) = self.locate(reference) else {
            return Err(match reference {
                BlockRef::Number(number) => texts::unknown_number(client, number),
                BlockRef::Hash { .. } if self.locate_any(reference) => {
                    RpcError::new(-32000, "hash is not currently canonical")
                }
                BlockRef::Hash { hash, .. } => texts::unknown_hash(client, &hash),
                _ => RpcError::new(-32000, "header not found"),
            });
        };
        let own = self.node.view.own;
        let kept = self.node.node.options.retention.state.has(number, own);
        let Some(block) = self.sim.block(self.node, branch, number) else {
            return Err(texts::unknown_number(client, number));
        };
        if self.node.state_lost || !kept {
            let root = &block.header.state_root;
            return Err(texts::state_pruned(client, number, &block.hash, root));
        }
        Ok(Place { branch, at: block.at() })
    }

    /// Whether a block named by its hash is there, canonical or not.
    fn locate_any(&self, reference: BlockRef) -> bool {
        let BlockRef::Hash { hash, canonical: true } = reference else { return false };
        self.locate(BlockRef::Hash { hash, canonical: false }).is_some()
    }
}

fn reverted(to: &Address) -> Result<(), RpcError> {
    if *to != truth::REVERT_CONTRACT {
        return Ok(());
    }
    let message = format!("execution reverted: {}", truth::REVERT_REASON);
    let data = Some(format!("\"{}\"", hex(&truth::revert_data())));
    Err(RpcError { data, ..RpcError::new(3, message) })
}
