//! Reads of state: what [`truth`] says, where the node has the state.
//!
//! `query` and the single methods answer alike, and differ in three failures: `query`
//! shows an unknown key and a failed contract as an answer with a member `error`, and
//! names a collected block, which the single methods hide in an internal error.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::Ask;
use super::params::BlockRef;
use super::texts::{self, base58};
use super::truth::{self, At};
use super::tx::Key;
use crate::chain::BranchId;
use crate::hash::sha256;
use crate::rpc::RpcError;

type Reply = Result<Value, RpcError>;

/// A read at a block whose state the node has.
struct Read<'a> {
    ask: &'a Ask<'a>,
    branch: BranchId,
    at: At,
    /// Asked by a method of its own.
    single: bool,
}

impl Ask<'_> {
    pub fn query(&self) -> Reply {
        self.view(self.params.text("request_type", usize::MAX)?, false)
    }

    /// One kind of read, through `query` or a method of its own.
    pub fn view(&self, kind: &str, single: bool) -> Reply {
        let reference = self.params.required_block(usize::MAX)?;
        let (branch, at) = self.state_at(reference, single)?;
        let read = Read { ask: self, branch, at, single };
        let mut answer = match kind {
            "view_account" => read.account()?,
            "view_access_key" => read.access_key()?,
            "view_access_key_list" => read.access_keys()?,
            "view_gas_key_nonces" => read.gas_key_nonces()?,
            "view_code" | "view_global_contract_code_by_account_id" => read.code()?,
            "view_global_contract_code" => read.global_code()?,
            "view_state" => read.state()?,
            "call_function" => read.call()?,
            _ => return Err(texts::bad_params(&format!("unknown variant `{kind}`"))),
        };
        answer["block_height"] = json!(at.number);
        answer["block_hash"] = json!(base58(&at.hash));
        Ok(answer)
    }

    /// The block that is meant, if the node has its state.
    fn state_at(&self, reference: BlockRef, single: bool) -> Result<(BranchId, At), RpcError> {
        let Some((branch, number)) = self.locate(reference) else {
            return Err(self.unknown_state(reference));
        };
        let Some(hash) = self.node.chain.block_hash(branch, number) else {
            return Err(self.unknown_state(reference));
        };
        let kept = self.node.node.options.retention.state.has(number, self.node.view.own);
        if kept && !self.node.state_lost {
            return Ok((branch, At { hash, number }));
        }
        let collected =
            if single { texts::collected_inside(number) } else { texts::collected(number, &hash) };
        Err(collected)
    }

    fn unknown_state(&self, reference: BlockRef) -> RpcError {
        match reference {
            BlockRef::Height(height) => {
                texts::unknown_reference(&json!(height), &format!("Height({height})"))
            }
            BlockRef::Hash(hash) => {
                let hash = base58(&hash);
                texts::unknown_reference(&json!(hash), &format!("Hash({hash})"))
            }
            BlockRef::Optimistic
            | BlockRef::NearFinal
            | BlockRef::Final
            | BlockRef::Genesis
            | BlockRef::Earliest => {
                let text = "There are no fully synchronized blocks on the node yet";
                texts::handler("NO_SYNCED_BLOCKS", json!({}), text)
            }
        }
    }

    /// The nonce that an access key has used last, at a block.
    pub fn key_nonce(&self, account: &str, key: &Key, branch: BranchId, number: u64) -> u64 {
        if account == super::actors::account(0) && *key == self.sim.actors.pulse_key() {
            return number;
        }
        let id = key_id(account, key);
        self.node.chain.nonce(branch, &id, number).saturating_sub(1)
    }
}

/// Whose nonces count together: an account's access key.
pub fn key_id(account: &str, key: &Key) -> Vec<u8> {
    format!("{account}/{}", key.shown()).into_bytes()
}

impl Read<'_> {
    /// The account that is asked about, if it exists.
    fn named(&self) -> Result<&str, RpcError> {
        let account = self.ask.params.text("account_id", usize::MAX)?;
        let plain = |byte: u8| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'_')
        };
        if !(2..=64).contains(&account.len()) || !account.bytes().all(plain) {
            return Err(texts::bad_params(&format!("the Account ID `{account}` is invalid")));
        }
        if truth::exists(account) {
            return Ok(account);
        }
        let info = self.info(json!({"requested_account_id": account}));
        let text = format!("account {account} does not exist while viewing");
        Err(texts::handler("UNKNOWN_ACCOUNT", info, text))
    }

    /// What errors tell, with the block.
    fn info(&self, mut info: Value) -> Value {
        info["block_height"] = json!(self.at.number);
        info["block_hash"] = json!(base58(&self.at.hash));
        info
    }

    fn account(&self) -> Reply {
        let account = self.named()?;
        let code = if truth::has_code(account) {
            sha256(&[&truth::code(account, self.at)])
        } else {
            [0; 32]
        };
        Ok(json!({
            "amount": truth::amount(account, self.at).to_string(),
            "code_hash": base58(&code),
            "locked": "0",
            "storage_paid_at": 0,
            "storage_usage": 182,
        }))
    }

    fn key(&self) -> Result<Key, RpcError> {
        let text = self.ask.params.text("public_key", usize::MAX)?;
        Key::parse(text).ok_or_else(|| texts::bad_params(&format!("invalid key `{text}`")))
    }

    fn access_key(&self) -> Reply {
        let (account, key) = (self.named()?, self.key()?);
        if !truth::has_keys(account) {
            let key = key.shown();
            return self.failed(
                &format!("access key {key} does not exist while viewing"),
                "UNKNOWN_ACCESS_KEY",
                json!({"public_key": key}),
                &format!("Access key for public key {key} has never been observed on the node"),
            );
        }
        let nonce = self.ask.key_nonce(account, &key, self.branch, self.at.number);
        Ok(json!({"nonce": nonce, "permission": "FullAccess"}))
    }

    /// The keys of an account: one is shown for all, that of the account's name.
    fn access_keys(&self) -> Reply {
        let account = self.named()?;
        if !truth::has_keys(account) {
            return Ok(json!({"keys": []}));
        }
        let key = if account == super::actors::account(0) {
            self.ask.sim.actors.pulse_key()
        } else {
            Key::of(&sha256(&[b"key", account.as_bytes()]))
        };
        let nonce = self.ask.key_nonce(account, &key, self.branch, self.at.number);
        let access = json!({"nonce": nonce, "permission": "FullAccess"});
        Ok(json!({"keys": [{"access_key": access, "public_key": key.shown()}]}))
    }

    /// No account has gas keys.
    fn gas_key_nonces(&self) -> Reply {
        self.named()?;
        let key = self.key()?.shown();
        let text = format!("Gas key for public key {key} has never been observed on the node");
        Err(texts::handler("UNKNOWN_GAS_KEY", self.info(json!({"public_key": key})), text))
    }

    fn code(&self) -> Reply {
        let account = self.contract()?;
        let code = truth::code(account, self.at);
        Ok(json!({"code_base64": STANDARD.encode(&code), "hash": base58(&sha256(&[&code]))}))
    }

    fn contract(&self) -> Result<&str, RpcError> {
        let account = self.named()?;
        if truth::has_code(account) {
            return Ok(account);
        }
        let info = self.info(json!({"contract_account_id": account}));
        let text =
            format!("Contract code for contract ID {account} has never been observed on the node");
        Err(texts::handler("NO_CONTRACT_CODE", info, text))
    }

    /// No contract is shared.
    fn global_code(&self) -> Reply {
        let hash = self.ask.params.text("code_hash", usize::MAX)?;
        let text = format!("Global contract code with identifier {hash} has never been observed");
        let info = self.info(json!({"identifier": {"code_hash": hash}}));
        Err(texts::handler("NO_GLOBAL_CONTRACT_CODE", info, text))
    }

    fn state(&self) -> Reply {
        let account = self.contract()?;
        let prefix = match self.ask.params.named("prefix_base64") {
            Some(_) => self.ask.params.bytes("prefix_base64", usize::MAX)?,
            None => Vec::new(),
        };
        let mut values = Vec::new();
        if truth::STATE_KEY.starts_with(&prefix) {
            let value = truth::state_value(account, self.at);
            let key = STANDARD.encode(truth::STATE_KEY);
            values.push(json!({"key": key, "value": STANDARD.encode(value)}));
        }
        let proven = self.ask.params.named("include_proof") == Some(&Value::Bool(true));
        let proof = if proven { json!([STANDARD.encode(self.at.hash)]) } else { json!([]) };
        Ok(json!({"proof": proof, "values": values}))
    }

    fn call(&self) -> Reply {
        let account = self.named()?;
        let method = self.ask.params.text("method_name", usize::MAX)?;
        let args = self.ask.params.bytes("args_base64", usize::MAX)?;
        let code = truth::has_code(account);
        if account == truth::PANIC_CONTRACT || !code {
            let why = if code {
                truth::PANIC.to_owned()
            } else {
                format!(
                    "wasm execution failed with error: CompilationError(CodeDoesNotExist {{ account_id: AccountId(\"{account}\") }})"
                )
            };
            let text = format!("Function call returned an error: {why}");
            let info = json!({"vm_error": why});
            return self.failed(&why, "CONTRACT_EXECUTION_ERROR", info, &text);
        }
        let result = truth::call(account, method, &args, self.at);
        Ok(json!({"logs": [], "result": result}))
    }

    /// A failure that `query` shows as an answer.
    fn failed(&self, answer: &str, cause: &str, info: Value, text: &str) -> Reply {
        if self.single {
            return Err(texts::handler(cause, self.info(info), text));
        }
        Ok(json!({"error": answer, "logs": []}))
    }
}
