//! Named parameters: an object with known members, checked as goloop checks them.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::texts;
use super::tx::{self, Address};
use crate::hash::{Hash, unhex_array};
use crate::rpc::{Call, RpcError};

/// What a member must be, in the words of goloop's validator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `0x` and hex digits without padding.
    Int,
    /// 32 bytes.
    Hash,
    /// An account or a contract.
    Address,
    Account,
    Contract,
    /// Base64.
    Signature,
    /// One of the words, separated by `|`.
    Word(&'static str),
    Any,
}

/// One member of a method's parameters.
#[derive(Clone, Copy, Debug)]
pub struct Member {
    name: &'static str,
    kind: Kind,
    required: bool,
}

/// A member that must be there.
#[must_use]
pub const fn must(name: &'static str, kind: Kind) -> Member {
    Member { name, kind, required: true }
}

/// A member that may be there.
#[must_use]
pub const fn may(name: &'static str, kind: Kind) -> Member {
    Member { name, kind, required: false }
}

/// The members that a call has.
#[derive(Debug, Default)]
pub struct Params<'a> {
    members: BTreeMap<Cow<'a, str>, &'a RawValue>,
}

#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'a> Params<'a> {
    /// Reads and checks the parameters of a call.
    ///
    /// # Errors
    /// -32602 as goloop words it.
    pub fn read(call: &Call<'a>, members: &[Member]) -> Result<Self, RpcError> {
        let required = members.iter().any(|member| member.required);
        let read = match (call.params, call.named()) {
            (None, _) if required => return Err(unmarshal("'params' of request is required ")),
            (None, _) => return Ok(Self::default()),
            (Some(_), Some(members)) => Self { members },
            (Some(_), None) => return Err(unmarshal("'params' of request must be object type")),
        };
        let known = |name: &str| members.iter().any(|member| member.name == name);
        if let Some(name) = read.members.keys().find(|name| !known(name)) {
            return Err(unmarshal(&format!("unknown field '{name}'")));
        }
        members.iter().try_for_each(|member| read.check(member))?;
        Ok(read)
    }

    fn check(&self, member: &Member) -> Result<(), RpcError> {
        let name = member.name;
        let raw = self.members.get(name).filter(|raw| raw.get() != "null");
        let Some(raw) = raw.filter(|raw| member.required || raw.get() != "\"\"") else {
            return match member.required {
                true => Err(validate("required", name)),
                false => Ok(()),
            };
        };
        if member.kind == Kind::Any {
            return Ok(());
        }
        let Ok(Text(text)) = serde_json::from_str::<Text<'_>>(raw.get()) else {
            return Err(unmarshal(&format!("'{name}' must be {} type", member.kind.go_type())));
        };
        match (text.is_empty(), member.kind.holds(&text)) {
            (true, _) => Err(validate("required", name)),
            (false, false) => Err(validate(member.kind.tag(), name)),
            (false, true) => Ok(()),
        }
    }

    /// The raw text of a member.
    #[must_use]
    pub fn raw(&self, name: &str) -> Option<&'a str> {
        self.members.get(name).map(|raw| raw.get()).filter(|text| *text != "null")
    }

    #[must_use]
    pub fn text(&self, name: &str) -> Option<Cow<'a, str>> {
        let text: Text<'a> = serde_json::from_str(self.raw(name)?).ok()?;
        Some(text.0).filter(|text| !text.is_empty())
    }

    #[must_use]
    pub fn hash(&self, name: &str) -> Option<Hash> {
        unhex_array(&self.text(name)?)
    }

    #[must_use]
    pub fn address(&self, name: &str) -> Option<Address> {
        tx::address(&self.text(name)?)
    }

    /// A `T_INT`; the largest number where it does not fit.
    #[must_use]
    pub fn int(&self, name: &str) -> Option<u64> {
        let text = self.text(name)?;
        Some(tx::number(&text).and_then(|value| u64::try_from(value).ok()).unwrap_or(u64::MAX))
    }
}

impl Kind {
    /// The tag of the validator that finds fault with a value.
    fn tag(self) -> &'static str {
        match self {
            Self::Int => "t_int",
            Self::Hash => "t_hash",
            Self::Address => "t_addr",
            Self::Account => "t_addr_eoa",
            Self::Contract => "t_addr_score",
            Self::Signature => "t_sig",
            Self::Word(words) => words,
            Self::Any => "",
        }
    }

    fn go_type(self) -> &'static str {
        match self {
            Self::Int => "jsonrpc.HexInt",
            Self::Hash => "jsonrpc.HexBytes",
            Self::Address | Self::Account | Self::Contract => "jsonrpc.Address",
            Self::Signature | Self::Word(_) | Self::Any => "string",
        }
    }

    fn holds(self, text: &str) -> bool {
        let digits = || text.strip_prefix("0x").unwrap_or_default();
        let lower = |text: &str| !text.is_empty() && text.bytes().all(is_lower_hex);
        match self {
            Self::Int => lower(digits()) && (digits() == "0" || !digits().starts_with('0')),
            Self::Hash => lower(digits()) && digits().len() == 64,
            Self::Address => tx::address(text).is_some(),
            Self::Account => tx::address(text).is_some_and(|address| address[0] == 0),
            Self::Contract => tx::address(text).is_some_and(|address| address[0] == 1),
            Self::Signature => {
                let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte);
                text.len().is_multiple_of(4) && text.bytes().all(plain)
            }
            Self::Word(words) => words.split('|').any(|word| word == text),
            Self::Any => true,
        }
    }
}

fn is_lower_hex(digit: u8) -> bool {
    matches!(digit, b'0'..=b'9' | b'a'..=b'f')
}

fn unmarshal(why: &str) -> RpcError {
    texts::invalid_params(&format!("fail to unmarshal, {why}"))
}

fn validate(tag: &str, name: &str) -> RpcError {
    texts::invalid_params(&format!("fail to validate, {tag}('{name}')"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEMBERS: [Member; 3] =
        [must("address", Kind::Address), may("height", Kind::Int), may("data", Kind::Any)];

    fn check(params: &str, expected: Result<u64, &str>) {
        let text = format!(r#"{{"id":1,"method":"m","params":{params}}}"#);
        let call: Call<'_> = serde_json::from_str(&text).unwrap();
        let read = Params::read(&call, &MEMBERS).map(|params| params.int("height").unwrap_or(7));
        let expected = expected.map_err(|why| format!("InvalidParams: fail to {why}"));
        assert_eq!(read.map_err(|error| error.message.into_owned()), expected, "{params}");
    }

    #[test]
    fn members_are_checked_as_goloop_checks_them() {
        let who = format!(r#""address":"cx{}""#, "11".repeat(20));
        check(&format!("{{{who}}}"), Ok(7));
        check(&format!(r#"{{{who},"height":"0x1f","data":{{}}}}"#), Ok(31));
        check(&format!(r#"{{{who},"height":null}}"#), Ok(7));
        check("null", Err("unmarshal, 'params' of request is required "));
        check("[]", Err("unmarshal, 'params' of request must be object type"));
        check("{}", Err("validate, required('address')"));
        check(r#"{"address":"hx1"}"#, Err("validate, t_addr('address')"));
        check(r#"{"address":5}"#, Err("unmarshal, 'address' must be jsonrpc.Address type"));
        check(&format!(r#"{{{who},"height":"0x01"}}"#), Err("validate, t_int('height')"));
        check(
            &format!(r#"{{{who},"height":31}}"#),
            Err("unmarshal, 'height' must be jsonrpc.HexInt type"),
        );
        check(&format!(r#"{{{who},"hight":"0x1"}}"#), Err("unmarshal, unknown field 'hight'"));
    }
}
