//! Reads of state: what [`truth`] says, where the node has the state.

use std::sync::Arc;

use super::block::Block;
use super::extrinsic::{self, AccountId, SPEC_VERSION, TRANSACTION_VERSION};
use super::scale::{Reader, blake2_128, blake2_256, push_bytes, push_compact};
use super::texts::{Asked, Missing};
use super::{Ask, metadata, plain_error, put, texts, truth};
use crate::chain::BranchId;
use crate::hash::Hash;
use crate::json::{Members, array, data};
use crate::rpc::{Answer, RpcError};

/// Keys of one page.
const PAGE: u64 = 1_000;
/// Keys that stand under any prefix, before those without a value are left out.
const CHILDREN: u8 = 32;

/// The runtime's interfaces and their versions, by the hash of their name.
const APIS: &str = r#"[["0xdf6acb689907609b",5],["0x37e397fc7c91f5e4",2],["0x40fe3ad401f8959a",6],["0xd2bc9897eed08f15",3],["0xbc9d89904f5b923f",1],["0x37c8bb1350a9a2a8",4]]"#;

/// A block whose state the node has.
pub struct Place {
    pub branch: BranchId,
    pub block: Arc<Block>,
}

impl Ask<'_> {
    /// The methods that begin with `state_`.
    pub fn state_method(&self, name: &str, out: &mut String) -> Answer {
        match name {
            "call" => self.call(out),
            "getMetadata" => self.metadata(out),
            "getRuntimeVersion" => self.runtime_version(out),
            "getStorage" => self.storage(out, data_or_null),
            "getStorageHash" => self.storage(out, |out, value| {
                data_or_null(out, value.map(|value| blake2_256(&[&value]).to_vec()));
            }),
            "getStorageSize" => self.storage(out, size_or_null),
            "getKeys" => self.all_keys(out),
            "getKeysPaged" => self.keys_paged(out),
            "queryStorageAt" => self.query_storage(out),
            "getReadProof" => self.read_proof(0, 1, out),
            "getChildReadProof" => self.read_proof(1, 2, out),
            _ => Err(texts::unknown_method(self.client, name)),
        }
    }

    fn storage(&self, out: &mut String, write: fn(&mut String, Option<Vec<u8>>)) -> Answer {
        let key = self.bytes(0)?;
        let place = self.place(1, Asked::Storage)?;
        write(out, self.value(&key, &place));
        Ok(())
    }

    /// The value under a key at a block.
    pub fn value(&self, key: &[u8], place: &Place) -> Option<Vec<u8>> {
        let block = &place.block;
        if let Some(account) = truth::account_of(key) {
            let nonce = self.nonce(&account, place);
            return Some(truth::account(&account, nonce, block.at()));
        }
        match key {
            _ if key == truth::TIMESTAMP_NOW => Some(block.timestamp.to_le_bytes().to_vec()),
            _ if key == truth::SYSTEM_EVENTS => Some(block.events()),
            _ if key == truth::SYSTEM_DIGEST => Some(block.header.early_digest()),
            _ => truth::storage(key, block.at()),
        }
    }

    fn nonce(&self, account: &AccountId, place: &Place) -> u64 {
        self.node.chain.nonce(place.branch, account, place.block.number())
    }

    fn query_storage(&self, out: &mut String) -> Answer {
        let keys = self.list(0)?;
        let place = self.place(1, Asked::Storage)?;
        array(out, [&place], |out, place| {
            let mut set = Members::open(out);
            set.data("block", &place.block.hash);
            array(set.name("changes"), &keys, |out, key| {
                array(out, [Some(key.clone()), self.value(key, place)], data_or_null);
            });
            set.close();
        });
        Ok(())
    }

    fn all_keys(&self, out: &mut String) -> Answer {
        let prefix = self.bytes(0)?;
        self.place(1, Asked::Storage)?;
        array(out, children(&prefix), |out, key| data(out, &key));
        Ok(())
    }

    fn keys_paged(&self, out: &mut String) -> Answer {
        let prefix = if self.arg(0).is_some() { self.bytes(0)? } else { Vec::new() };
        let count = self.number(1)?;
        let after = if self.arg(2).is_some() { self.bytes(2)? } else { Vec::new() };
        let place = self.place(3, Asked::Storage);
        if count > PAGE {
            return Err(texts::long_page(self.client, count));
        }
        place?;
        write_page(out, &prefix, count, &after);
        Ok(())
    }

    fn read_proof(&self, keys: usize, at: usize, out: &mut String) -> Answer {
        let keys = self.list(keys)?;
        let place = self.place(at, Asked::Storage)?;
        let mut object = Members::open(out);
        object.data("at", &place.block.hash);
        array(object.name("proof"), &keys, |out, key| {
            data(out, &truth::call("read proof", key, place.block.at()));
        });
        object.close();
        Ok(())
    }

    fn metadata(&self, out: &mut String) -> Answer {
        self.place(0, Asked::Runtime)?;
        data(out, metadata::bytes());
        Ok(())
    }

    fn runtime_version(&self, out: &mut String) -> Answer {
        self.place(0, Asked::Runtime)?;
        let mut object = Members::open(out);
        object
            .text("specName", "headrace")
            .text("implName", "headrace-simnode")
            .number("authoringVersion", 1)
            .number("specVersion", SPEC_VERSION.into())
            .number("implVersion", 0)
            .raw("apis", APIS)
            .number("transactionVersion", TRANSACTION_VERSION.into())
            .number("systemVersion", 1)
            .number("stateVersion", 1);
        object.close();
        Ok(())
    }

    fn call(&self, out: &mut String) -> Answer {
        let function = self.string(0)?;
        let args = self.bytes(1)?;
        let place = self.place(2, Asked::Runtime)?;
        data(out, &self.execute(&function, &args, &place)?);
        Ok(())
    }

    /// What a function of the runtime answers at a block.
    pub fn execute(&self, function: &str, args: &[u8], at: &Place) -> Result<Vec<u8>, RpcError> {
        let decoding = || {
            let why = format!("Bad input data provided to {function}: Codec error");
            texts::execution_failed(self.client, &why)
        };
        Ok(match function {
            "AccountNonceApi_account_nonce" => {
                let account = AccountId::try_from(args).map_err(|_| decoding())?;
                let nonce = u32::try_from(self.nonce(&account, at)).unwrap_or(u32::MAX);
                nonce.to_le_bytes().to_vec()
            }
            "Metadata_metadata" => {
                let mut out = Vec::new();
                push_bytes(&mut out, metadata::bytes());
                out
            }
            // The list of the versions there are; then one of them, if it is there.
            "Metadata_metadata_versions" => vec![4, 14, 0, 0, 0],
            "Metadata_metadata_at_version" if args == [14, 0, 0, 0] => {
                let mut out = vec![1];
                push_bytes(&mut out, metadata::bytes());
                out
            }
            "Metadata_metadata_at_version" => vec![0],
            "TransactionPaymentApi_query_info" => {
                let length = extrinsic_length(args).ok_or_else(decoding)?;
                let mut out = Vec::new();
                push_compact(&mut out, 125_000_000);
                push_compact(&mut out, 1_500);
                out.push(0);
                out.extend_from_slice(&truth::fee(length, at.block.at()).to_le_bytes());
                out
            }
            truth::TRAP_FUNCTION => {
                let why = "Execution aborted due to trap: wasm trap: wasm `unreachable` \
                           instruction executed";
                return Err(texts::execution_failed(self.client, why));
            }
            _ if !function.contains('_') => {
                let why = format!("Exported method {function} is not found");
                return Err(texts::execution_failed(self.client, &why));
            }
            _ => truth::call(function, args, at.block.at()).to_vec(),
        })
    }

    /// The methods that begin with `payment_`.
    pub fn payment_method(&self, name: &str, out: &mut String) -> Answer {
        let message = match name {
            "queryInfo" => "Unable to query dispatch info.",
            _ => "Unable to query fee details.",
        };
        let raw = self.bytes(0)?;
        let place = self.place(1, Asked::Behind(message))?;
        if let Err(error) = extrinsic::decode(&raw) {
            let error = plain_error(self.client, 2, message).with_text(&error.to_string());
            return Err(error);
        }
        let fee = truth::fee(raw.len(), place.block.at());
        if name == "queryInfo" {
            let weight = r#"{"ref_time":125000000,"proof_size":1500}"#;
            let text = format!(r#"{{"weight":{weight},"class":"normal","partialFee":"{fee}"}}"#);
            return put(out, &text);
        }
        let (base, rest) = (1_000_u128 << truth::HEIGHT_BITS, raw.len() as u128);
        let rest = rest << truth::HEIGHT_BITS;
        let weight = fee - base - rest;
        put(
            out,
            &format!(
                r#"{{"inclusionFee":{{"baseFee":"{base:#x}","lenFee":"{rest:#x}","adjustedWeightFee":"{weight:#x}"}}}}"#
            ),
        )
    }

    /// The block that a parameter names, if the node has its state.
    pub fn place(&self, index: usize, asked: Asked) -> Result<Place, RpcError> {
        let hash = self.hash(index)?;
        self.state_of(hash).map_err(|missing| texts::missing(self.client, asked, missing))
    }

    /// The block of a hash, or the best one, if the node has its state.
    pub fn state_of(&self, hash: Option<Hash>) -> Result<Place, Missing> {
        let unknown = Missing::Unknown(hash.unwrap_or_default());
        let (branch, number) = self.locate(hash).ok_or(unknown)?;
        let block = self.sim.block(self.node, branch, number).ok_or(unknown)?;
        let kept = self.node.node.options.retention.state.has(number, self.node.view.own);
        if self.node.state_lost || !kept {
            return Err(Missing::Discarded(block.hash));
        }
        Ok(Place { branch, block })
    }
}

/// The length of the extrinsic in the arguments of `query_info`: its bytes, then a `u32`.
fn extrinsic_length(args: &[u8]) -> Option<usize> {
    let raw = &args[..args.len().checked_sub(4)?];
    let mut reader = Reader::new(raw);
    let length = usize::try_from(reader.compact().ok()?).ok()?;
    (reader.rest.len() == length).then_some(raw.len())
}

/// The keys under a prefix, in order: a few that follow from it.
pub fn children(prefix: &[u8]) -> Vec<Vec<u8>> {
    let key = |index: u8| {
        let account = blake2_256(&[b"child", prefix, &[index]]);
        [prefix, &blake2_128(&account), &account].concat()
    };
    let mut keys: Vec<_> = (0..CHILDREN).map(key).filter(|key| truth::present(key)).collect();
    keys.sort_unstable();
    keys
}

/// At most `count` keys under a prefix, from the one after `after` on.
pub fn write_page(out: &mut String, prefix: &[u8], count: u64, after: &[u8]) {
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    let keys = children(prefix).into_iter().filter(|key| key.as_slice() > after).take(count);
    array(out, keys, |out, key| data(out, &key));
}

pub fn data_or_null(out: &mut String, value: Option<Vec<u8>>) {
    match value {
        Some(value) => data(out, &value),
        None => out.push_str("null"),
    }
}

pub fn size_or_null(out: &mut String, value: Option<Vec<u8>>) {
    match value {
        Some(value) => out.push_str(&value.len().to_string()),
        None => out.push_str("null"),
    }
}
