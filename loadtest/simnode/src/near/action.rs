//! What a transaction does: the actions of NEAR, as Borsh and as nodes show them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::borsh::{self, BorshError, Reader};
use super::texts::base58;
use super::tx::Key;
use crate::hash::{Hash, sha256};

/// One action of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    CreateAccount,
    DeployContract {
        code: Vec<u8>,
    },
    FunctionCall {
        method: String,
        args: Vec<u8>,
        gas: u64,
        deposit: u128,
    },
    Transfer {
        deposit: u128,
    },
    Stake {
        stake: u128,
        key: Key,
    },
    AddKey {
        key: Key,
        nonce: u64,
        permission: Permission,
    },
    DeleteKey {
        key: Key,
    },
    DeleteAccount {
        beneficiary: String,
    },
    /// A meta transaction: what another account wants done.
    Delegate(Box<Delegate>),
    DeployGlobal {
        code: Vec<u8>,
        by_account: bool,
    },
    UseGlobal(Global),
}

/// What an access key may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Permission {
    Call { allowance: Option<u128>, receiver: String, methods: Vec<String> },
    Full,
}

/// A signed delegation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delegate {
    pub sender: String,
    pub receiver: String,
    pub actions: Vec<Action>,
    pub nonce: u64,
    pub max_block_height: u64,
    pub key: Key,
    pub signature: Vec<u8>,
}

/// How a shared contract is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Global {
    Code(Hash),
    Account(String),
}

/// Reads one action.
pub fn read(reader: &mut Reader<'_>) -> Result<Action, BorshError> {
    match reader.u8()? {
        8 => read_delegate(reader).map(|delegate| Action::Delegate(Box::new(delegate))),
        tag => read_plain(tag, reader),
    }
}

fn read_plain(tag: u8, reader: &mut Reader<'_>) -> Result<Action, BorshError> {
    Ok(match tag {
        0 => Action::CreateAccount,
        1 => Action::DeployContract { code: reader.data()?.to_vec() },
        2 => Action::FunctionCall {
            method: reader.text()?,
            args: reader.data()?.to_vec(),
            gas: reader.u64()?,
            deposit: reader.u128()?,
        },
        3 => Action::Transfer { deposit: reader.u128()? },
        4 => Action::Stake { stake: reader.u128()?, key: Key::read(reader)? },
        5 => Action::AddKey {
            key: Key::read(reader)?,
            nonce: reader.u64()?,
            permission: read_permission(reader)?,
        },
        6 => Action::DeleteKey { key: Key::read(reader)? },
        7 => Action::DeleteAccount { beneficiary: reader.text()? },
        9 => {
            let code = reader.data()?.to_vec();
            Action::DeployGlobal { code, by_account: read_choice(reader)? }
        }
        10 if read_choice(reader)? => Action::UseGlobal(Global::Account(reader.text()?)),
        10 => Action::UseGlobal(Global::Code(reader.array()?)),
        tag => return Err(BorshError::Tag(tag)),
    })
}

/// The second of two variants?
fn read_choice(reader: &mut Reader<'_>) -> Result<bool, BorshError> {
    match reader.u8()? {
        0 => Ok(false),
        1 => Ok(true),
        tag => Err(BorshError::Tag(tag)),
    }
}

fn read_permission(reader: &mut Reader<'_>) -> Result<Permission, BorshError> {
    if read_choice(reader)? {
        return Ok(Permission::Full);
    }
    Ok(Permission::Call {
        allowance: if read_choice(reader)? { Some(reader.u128()?) } else { None },
        receiver: reader.text()?,
        methods: reader.list(Reader::text)?,
    })
}

/// The actions inside are not delegations again, so this does not go deeper.
fn read_delegate(reader: &mut Reader<'_>) -> Result<Delegate, BorshError> {
    let plain = |reader: &mut Reader<'_>| {
        let tag = reader.u8()?;
        read_plain(tag, reader)
    };
    let (sender, receiver) = (reader.text()?, reader.text()?);
    let actions = reader.list(plain)?;
    let (nonce, max_block_height, key) = (reader.u64()?, reader.u64()?, Key::read(reader)?);
    let length = if read_choice(reader)? { 65 } else { 64 };
    let signature = reader.bytes(length)?.to_vec();
    Ok(Delegate { sender, receiver, actions, nonce, max_block_height, key, signature })
}

impl Action {
    /// What it gives away, in yoctoNEAR.
    #[must_use]
    pub fn deposit(&self) -> u128 {
        match self {
            Self::FunctionCall { deposit, .. } | Self::Transfer { deposit } => *deposit,
            Self::Stake { stake, .. } => *stake,
            _ => 0,
        }
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::CreateAccount => out.push(0),
            Self::DeployContract { code } => tagged(out, 1, code),
            Self::FunctionCall { method, args, gas, deposit } => {
                tagged(out, 2, method.as_bytes());
                borsh::push_data(out, args);
                out.extend_from_slice(&gas.to_le_bytes());
                out.extend_from_slice(&deposit.to_le_bytes());
            }
            Self::Transfer { deposit } => {
                out.push(3);
                out.extend_from_slice(&deposit.to_le_bytes());
            }
            Self::Stake { stake, key } => {
                out.push(4);
                out.extend_from_slice(&stake.to_le_bytes());
                key.write(out);
            }
            Self::AddKey { key, nonce, permission } => {
                out.push(5);
                key.write(out);
                out.extend_from_slice(&nonce.to_le_bytes());
                permission.write(out);
            }
            Self::DeleteKey { key } => {
                out.push(6);
                key.write(out);
            }
            Self::DeleteAccount { beneficiary } => tagged(out, 7, beneficiary.as_bytes()),
            Self::Delegate(delegate) => delegate.write(out),
            Self::DeployGlobal { code, by_account } => {
                tagged(out, 9, code);
                out.push(u8::from(*by_account));
            }
            Self::UseGlobal(Global::Code(hash)) => {
                out.extend_from_slice(&[10, 0]);
                out.extend_from_slice(hash);
            }
            Self::UseGlobal(Global::Account(account)) => {
                out.push(10);
                tagged(out, 1, account.as_bytes());
            }
        }
    }

    /// As nodes show it; code is shown by its hash.
    #[must_use]
    pub fn view(&self) -> Value {
        let hashed = |code: &[u8]| STANDARD.encode(sha256(&[code]));
        match self {
            Self::CreateAccount => json!("CreateAccount"),
            Self::DeployContract { code } => json!({"DeployContract": {"code": hashed(code)}}),
            Self::FunctionCall { method, args, gas, deposit } => json!({"FunctionCall": {
                "args": STANDARD.encode(args),
                "deposit": deposit.to_string(),
                "gas": gas,
                "method_name": method,
            }}),
            Self::Transfer { deposit } => json!({"Transfer": {"deposit": deposit.to_string()}}),
            Self::Stake { stake, key } => {
                json!({"Stake": {"public_key": key.shown(), "stake": stake.to_string()}})
            }
            Self::AddKey { key, nonce, permission } => json!({"AddKey": {
                "access_key": {"nonce": nonce, "permission": permission.view()},
                "public_key": key.shown(),
            }}),
            Self::DeleteKey { key } => json!({"DeleteKey": {"public_key": key.shown()}}),
            Self::DeleteAccount { beneficiary } => {
                json!({"DeleteAccount": {"beneficiary_id": beneficiary}})
            }
            Self::Delegate(delegate) => delegate.view(),
            Self::DeployGlobal { code, by_account: false } => {
                json!({"DeployGlobalContract": {"code": hashed(code)}})
            }
            Self::DeployGlobal { code, by_account: true } => {
                json!({"DeployGlobalContractByAccountId": {"code": hashed(code)}})
            }
            Self::UseGlobal(Global::Code(hash)) => {
                json!({"UseGlobalContract": {"code_hash": base58(hash)}})
            }
            Self::UseGlobal(Global::Account(account)) => {
                json!({"UseGlobalContractByAccountId": {"account_id": account}})
            }
        }
    }
}

fn tagged(out: &mut Vec<u8>, tag: u8, data: &[u8]) {
    out.push(tag);
    borsh::push_data(out, data);
}

impl Permission {
    fn write(&self, out: &mut Vec<u8>) {
        let Self::Call { allowance, receiver, methods } = self else {
            out.push(1);
            return;
        };
        out.push(0);
        out.push(u8::from(allowance.is_some()));
        allowance.iter().for_each(|most| out.extend_from_slice(&most.to_le_bytes()));
        borsh::push_data(out, receiver.as_bytes());
        borsh::push_length(out, methods.len());
        methods.iter().for_each(|method| borsh::push_data(out, method.as_bytes()));
    }

    fn view(&self) -> Value {
        match self {
            Self::Full => json!("FullAccess"),
            Self::Call { allowance, receiver, methods } => json!({"FunctionCall": {
                "allowance": allowance.map(|most| most.to_string()),
                "method_names": methods,
                "receiver_id": receiver,
            }}),
        }
    }
}

impl Delegate {
    fn write(&self, out: &mut Vec<u8>) {
        out.push(8);
        borsh::push_data(out, self.sender.as_bytes());
        borsh::push_data(out, self.receiver.as_bytes());
        borsh::push_length(out, self.actions.len());
        self.actions.iter().for_each(|action| action.write(out));
        out.extend_from_slice(&self.nonce.to_le_bytes());
        out.extend_from_slice(&self.max_block_height.to_le_bytes());
        self.key.write(out);
        out.push(u8::from(self.signature.len() > 64));
        out.extend_from_slice(&self.signature);
    }

    fn view(&self) -> Value {
        let kind = if self.signature.len() > 64 { "secp256k1" } else { "ed25519" };
        json!({"Delegate": {
            "delegate_action": {
                "actions": self.actions.iter().map(Action::view).collect::<Vec<_>>(),
                "max_block_height": self.max_block_height,
                "nonce": self.nonce,
                "public_key": self.key.shown(),
                "receiver_id": self.receiver,
                "sender_id": self.sender,
            },
            "signature": format!("{kind}:{}", base58(&self.signature)),
        }})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(action: &Action, name: &str) {
        let mut bytes = Vec::new();
        action.write(&mut bytes);
        let mut reader = Reader::new(&bytes);
        assert_eq!(read(&mut reader).as_ref(), Ok(action));
        assert_eq!(reader.end(), Ok(()));
        assert!(action.view().to_string().contains(name), "{name}");
    }

    #[test]
    fn every_action_is_read_back_and_shown_by_its_name() {
        let key = Key::Ed25519([3; 32]);
        let call = Permission::Call {
            allowance: Some(5),
            receiver: "c.near".into(),
            methods: vec!["m".into()],
        };
        let pay = Action::Transfer { deposit: 1 << 100 };
        check(&Action::CreateAccount, "CreateAccount");
        check(&Action::DeployContract { code: vec![1, 2] }, "DeployContract");
        let (method, args) = ("m".to_owned(), b"{}".to_vec());
        check(&Action::FunctionCall { method, args, gas: 9, deposit: 2 }, "FunctionCall");
        check(&pay, "Transfer");
        check(&Action::Stake { stake: 4, key: key.clone() }, "Stake");
        check(
            &Action::AddKey { key: key.clone(), nonce: 0, permission: call },
            "\"allowance\":\"5\"",
        );
        let full = Permission::Full;
        check(
            &Action::AddKey { key: Key::Secp256k1([2; 64]), nonce: 1, permission: full },
            "FullAccess",
        );
        check(&Action::DeleteKey { key: key.clone() }, "DeleteKey");
        check(&Action::DeleteAccount { beneficiary: "b.near".into() }, "DeleteAccount");
        let delegate = Delegate {
            sender: "a.near".into(),
            receiver: "b.near".into(),
            actions: vec![pay],
            nonce: 1,
            max_block_height: 2,
            key,
            signature: vec![1; 64],
        };
        check(&Action::Delegate(Box::new(delegate)), "delegate_action");
        check(&Action::DeployGlobal { code: vec![1], by_account: true }, "ByAccountId");
        check(&Action::UseGlobal(Global::Code([1; 32])), "UseGlobalContract");
        check(&Action::UseGlobal(Global::Account("c.near".into())), "ByAccountId");
    }
}
