//! Reads of state: what [`truth`] says, where the node has the state.

use serde_json::{Value, json};

use super::block::{DEFAULT_STEP, is_contract, quantity};
use super::params::{Kind, Member, may, must};
use super::truth::{self, NO_METHOD, REVERT_CONTRACT};
use super::tx::{Address, address_text};
use super::{Ask, hash_value, put, texts};
use crate::chain::BlockId;
use crate::hash::sha3;
use crate::rpc::{Answer, RpcError};

const ESTIMATE: [Member; 9] = [
    must("version", Kind::Int),
    must("from", Kind::Account),
    must("to", Kind::Address),
    may("value", Kind::Int),
    must("timestamp", Kind::Int),
    must("nid", Kind::Int),
    may("nonce", Kind::Int),
    may("dataType", Kind::Word("call|deploy|message|deposit")),
    may("data", Kind::Any),
];

impl Ask<'_> {
    pub fn balance(&self, out: &mut String) -> Answer {
        let members = [must("address", Kind::Address), may("height", Kind::Int)];
        let params = self.params(&members)?;
        let address = params.address("address").unwrap_or_default();
        let at = self.state_at(params.int("height"))?;
        put(out, &quantity(truth::balance(&address, at)))
    }

    pub fn total_supply(&self, out: &mut String) -> Answer {
        let params = self.params(&[may("height", Kind::Int)])?;
        let at = self.state_at(params.int("height"))?;
        put(out, &quantity(truth::total_supply(at)))
    }

    pub fn call_contract(&self, out: &mut String) -> Answer {
        let params = self.params(&[
            may("from", Kind::Account),
            must("to", Kind::Contract),
            must("dataType", Kind::Word("call")),
            may("data", Kind::Any),
            may("height", Kind::Int),
        ])?;
        let data = params.raw("data").unwrap_or_default();
        let method = called(data)?;
        let to = params.address("to").unwrap_or_default();
        let at = self.state_at(params.int("height"))?;
        runs(&to, &method)?;
        put(out, &quantity(truth::call(&to, data, at)))
    }

    pub fn score_api(&self, out: &mut String) -> Answer {
        let (address, _) = self.contract()?;
        if !is_contract(&address) {
            let why = format!("E2008:No account for {}", address_text(&address));
            return Err(texts::not_found(&why));
        }
        let input = |name: &str, kind: &str| json!({ "name": name, "type": kind });
        let indexed =
            |name: &str, kind: &str| json!({ "name": name, "type": kind, "indexed": "0x1" });
        put(
            out,
            &json!([
                {
                    "type": "function",
                    "name": "balanceOf",
                    "inputs": [input("_owner", "Address")],
                    "outputs": [{ "type": "int" }],
                    "readonly": "0x1",
                },
                {
                    "type": "function",
                    "name": "transfer",
                    "inputs": [input("_to", "Address"), input("_value", "int"),
                        { "name": "_data", "type": "bytes", "default": null }],
                    "outputs": [],
                },
                {
                    "type": "eventlog",
                    "name": "Transfer",
                    "inputs": [indexed("_from", "Address"), indexed("_to", "Address"),
                        indexed("_value", "int"), input("_data", "bytes")],
                },
            ]),
        )
    }

    pub fn score_status(&self, out: &mut String) -> Answer {
        let (address, at) = self.contract()?;
        if !is_contract(&address) {
            let why = format!("E1005:NoValidContract(addr={})", address_text(&address));
            return Err(texts::not_found(&why));
        }
        let deployed = hash_value(&sha3(&[b"deployed", &address]));
        put(
            out,
            &json!({
                "current": {
                    "auditTxHash": deployed,
                    "codeHash": hash_value(&truth::code_hash(&address, at)),
                    "deployTxHash": deployed,
                    "status": "active",
                    "type": "java",
                },
                "owner": address_text(&self.sim.actors.address(0)),
            }),
        )
    }

    /// The contract that a call is about, and the block.
    fn contract(&self) -> Result<(Address, BlockId), RpcError> {
        let members = [must("address", Kind::Contract), may("height", Kind::Int)];
        let params = self.params(&members)?;
        let at = self.state_at(params.int("height"))?;
        Ok((params.address("address").unwrap_or_default(), at))
    }

    pub fn estimate_step(&self, out: &mut String) -> Answer {
        let params = self.params(&ESTIMATE)?;
        self.state_at(None)?;
        let to = params.address("to").unwrap_or_default();
        let data = params.raw("data").unwrap_or_default();
        if params.text("dataType").as_deref() == Some("call") {
            runs(&to, &called(data)?)?;
        }
        put(out, &quantity(DEFAULT_STEP + 200 * data.len() as u128))
    }

    pub fn trace(&self, out: &mut String) -> Answer {
        let hash = self.tx_hash()?;
        let found = self.executed(&hash)?;
        self.state_at(Some(found.block.id.number))?;
        let receipt = found.block.receipt(found.index);
        let mut trace = json!({
            "logs": [
                { "level": 2, "msg": "FRAME[1] START parent=FRAME[0]", "ts": 0 },
                { "level": 2, "msg": "FRAME[1] END", "ts": 140 },
            ],
            "status": receipt["status"],
        });
        if let (Some(trace), Some(failure)) = (trace.as_object_mut(), receipt.get("failure")) {
            trace.insert("failure".to_owned(), failure.clone());
        }
        put(out, &trace)
    }

    /// The block at a height, or the newest one, if the node has its state.
    pub fn state_at(&self, height: Option<u64>) -> Result<BlockId, RpcError> {
        let block = self.at_height(height.unwrap_or(self.node.view.head))?;
        if self.node.state_lost {
            return Err(texts::pruned(block.id.number, self.node.view.head + 1));
        }
        Ok(block.id)
    }
}

/// The method in the `data` of a call.
fn called(data: &str) -> Result<String, RpcError> {
    let data: Value = serde_json::from_str(data).unwrap_or_default();
    let Some(members) = data.as_object() else {
        return Err(texts::invalid_params("fail to validate, data('data')"));
    };
    let method = members.get("method").and_then(Value::as_str);
    let method =
        method.ok_or_else(|| texts::invalid_params("fail to validate, data.method('data')"))?;
    Ok(method.to_owned())
}

/// Whether a contract runs a method.
fn runs(to: &Address, method: &str) -> Answer {
    if !is_contract(to) {
        return Err(texts::score(2, "ContractNotFound"));
    }
    if method == NO_METHOD {
        return Err(texts::score(3, &format!("MethodNotFound({method})")));
    }
    if *to == REVERT_CONTRACT {
        return Err(texts::score(32, "Reverted(0)"));
    }
    Ok(())
}
