//! What a block changed.

use serde_json::{Value, json};

use super::texts::base58;
use super::{Ask, texts, truth};
use crate::rpc::RpcError;

type Reply = Result<Value, RpcError>;

impl Ask<'_> {
    /// `changes`: of the named accounts or keys, with causes.
    pub fn changes(&self) -> Reply {
        let kind = self.params.text("changes_type", usize::MAX)?;
        let block = self.body(self.params.required_block(usize::MAX)?)?;
        let accounts = self.asked_accounts();
        let touched = block.txs.iter().filter(|signed| accounts.contains(&&*signed.tx.signer));
        let cause = |hash| json!({"tx_hash": base58(hash), "type": "transaction_processing"});
        let changes: Vec<Value> = match kind {
            "account_changes" => touched
                .map(|signed| {
                    let change = self.account_change(&signed.tx.signer, block.at());
                    json!({"cause": cause(&signed.hash), "change": change, "type": "account_update"})
                })
                .collect(),
            "single_access_key_changes" | "all_access_key_changes" => touched
                .map(|signed| {
                    let change = json!({
                        "access_key": {"nonce": signed.tx.nonce, "permission": "FullAccess"},
                        "account_id": signed.tx.signer,
                        "public_key": signed.tx.key.shown(),
                    });
                    json!({"cause": cause(&signed.hash), "change": change, "type": "access_key_update"})
                })
                .collect(),
            "contract_code_changes" | "data_changes" | "single_gas_key_changes"
            | "all_gas_key_changes" => Vec::new(),
            _ => return Err(texts::bad_params(&format!("unknown variant `{kind}`"))),
        };
        Ok(json!({"block_hash": base58(&block.hash), "changes": changes}))
    }

    fn account_change(&self, account: &str, at: truth::At) -> Value {
        json!({
            "account_id": account,
            "amount": truth::amount(account, at).to_string(),
            "code_hash": base58(&crate::hash::sha256(&[&truth::code(account, at)])),
            "locked": "0",
            "storage_paid_at": 0,
            "storage_usage": 182,
        })
    }

    fn asked_accounts(&self) -> Vec<&str> {
        let keys = self.params.named("keys").and_then(Value::as_array);
        let of_keys = keys.into_iter().flatten().filter_map(|key| key["account_id"].as_str());
        self.params.texts("account_ids").into_iter().chain(of_keys).collect()
    }

    /// `block_effects`: which accounts and keys a block touched.
    pub fn touched(&self) -> Reply {
        let block = self.body(self.params.required_block(usize::MAX)?)?;
        let mut changes = Vec::new();
        for signed in &block.txs {
            for kind in ["account_touched", "access_key_touched"] {
                changes.push(json!({"account_id": signed.tx.signer, "type": kind}));
            }
        }
        Ok(json!({"block_hash": base58(&block.hash), "changes": changes}))
    }
}
