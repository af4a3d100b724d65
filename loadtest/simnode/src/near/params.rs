//! Parameters as NEAR writes them, named or in order, and the block they name.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::texts;
use crate::hash::Hash;
use crate::rpc::{Call, RpcError};

/// A block as a caller names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockRef {
    Height(u64),
    Hash(Hash),
    Optimistic,
    NearFinal,
    Final,
    Genesis,
    Earliest,
}

/// The parameters of a call.
#[derive(Clone, Debug, PartialEq)]
pub enum Params {
    Named(Map<String, Value>),
    Listed(Vec<Value>),
}

type Read<T> = Result<T, RpcError>;

impl Params {
    pub fn of(call: &Call<'_>) -> Read<Self> {
        let text = call.params.map_or("null", |raw| raw.get());
        match serde_json::from_str(text) {
            Ok(Value::Object(members)) => Ok(Self::Named(members)),
            Ok(Value::Array(items)) => Ok(Self::Listed(items)),
            Ok(Value::Null) => Ok(Self::Listed(Vec::new())),
            _ => Err(texts::bad_params("expected a sequence or a map")),
        }
    }

    /// A member, or what stands at a position; null is as good as nothing.
    #[must_use]
    pub fn get(&self, name: &str, position: usize) -> Option<&Value> {
        let found = match self {
            Self::Named(members) => members.get(name),
            Self::Listed(items) => items.get(position),
        };
        found.filter(|value| !value.is_null())
    }

    /// A member that only a named form has.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&Value> {
        self.get(name, usize::MAX)
    }

    pub fn text(&self, name: &str, position: usize) -> Read<&str> {
        let value = self.get(name, position).ok_or_else(|| missing(name))?;
        value.as_str().ok_or_else(|| wrong(value, "a string"))
    }

    pub fn number(&self, name: &str) -> Read<Option<u64>> {
        let Some(value) = self.named(name) else { return Ok(None) };
        value.as_u64().map(Some).ok_or_else(|| wrong(value, "u64"))
    }

    /// A base58 hash.
    pub fn hash(&self, name: &str, position: usize) -> Read<Hash> {
        hash(self.text(name, position)?)
    }

    /// Base64 bytes.
    pub fn bytes(&self, name: &str, position: usize) -> Read<Vec<u8>> {
        let text = self.text(name, position)?;
        STANDARD
            .decode(text)
            .map_err(|error| texts::bad_params(&format!("Failed to decode: {error}")))
    }

    /// Texts of a list; none where it is absent.
    #[must_use]
    pub fn texts(&self, name: &str) -> Vec<&str> {
        let list = self.named(name).and_then(Value::as_array);
        list.map(|list| list.iter().filter_map(Value::as_str).collect()).unwrap_or_default()
    }

    /// The block that is meant, if one is named.
    pub fn block(&self, position: usize) -> Read<Option<BlockRef>> {
        let names = ["finality", "sync_checkpoint"].map(|name| self.named(name));
        match (self.get("block_id", position), names) {
            (Some(id), [None, None]) => block_id(id).map(Some),
            (None, [Some(finality), None]) => word(finality, &FINALITIES).map(Some),
            (None, [None, Some(checkpoint)]) => word(checkpoint, &CHECKPOINTS).map(Some),
            (None, [None, None]) => Ok(None),
            _ => Err(texts::bad_params("a block is named in one way only")),
        }
    }

    /// The block that must be named.
    pub fn required_block(&self, position: usize) -> Read<BlockRef> {
        self.block(position)?.ok_or_else(|| {
            texts::bad_params("no variant of enum BlockReference found in flattened data")
        })
    }
}

const FINALITIES: [(&str, BlockRef); 3] = [
    ("optimistic", BlockRef::Optimistic),
    ("near-final", BlockRef::NearFinal),
    ("final", BlockRef::Final),
];

const CHECKPOINTS: [(&str, BlockRef); 2] =
    [("genesis", BlockRef::Genesis), ("earliest_available", BlockRef::Earliest)];

fn word(value: &Value, words: &[(&str, BlockRef)]) -> Read<BlockRef> {
    let found = words.iter().find(|(word, _)| value.as_str() == Some(word));
    found.map(|(_, meaning)| *meaning).ok_or_else(|| {
        let known: Vec<String> = words.iter().map(|(word, _)| format!("`{word}`")).collect();
        texts::bad_params(&format!(
            "unknown variant `{}`, expected one of {}",
            shown(value),
            known.join(", ")
        ))
    })
}

fn block_id(value: &Value) -> Read<BlockRef> {
    match (value.as_u64(), value.as_str()) {
        (Some(height), _) => Ok(BlockRef::Height(height)),
        (None, Some(text)) => hash(text).map(BlockRef::Hash).map_err(|_| no_variant()),
        (None, None) => Err(no_variant()),
    }
}

fn no_variant() -> RpcError {
    texts::bad_params("data did not match any variant of untagged enum BlockId")
}

fn hash(text: &str) -> Read<Hash> {
    let bytes = bs58::decode(text).into_vec().ok();
    let hash = bytes.and_then(|bytes| Hash::try_from(bytes).ok());
    hash.ok_or_else(|| texts::bad_params(&format!("incorrect length for hash: `{text}`")))
}

fn missing(name: &str) -> RpcError {
    texts::bad_params(&format!("missing field `{name}`"))
}

fn wrong(value: &Value, expected: &str) -> RpcError {
    texts::bad_params(&format!("invalid type: {}, expected {expected}", shown(value)))
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<Option<BlockRef>>) {
        let raw: &serde_json::value::RawValue = serde_json::from_str(text).unwrap();
        let call = Call { id: None, method: "block".into(), params: Some(raw) };
        assert_eq!(Params::of(&call).unwrap().block(0).ok(), expected, "{text}");
    }

    #[test]
    fn a_block_is_named_by_height_hash_finality_or_checkpoint() {
        let hash = texts::base58(&[7; 32]);
        let named = |text: &str| format!(r#"{{"block_id":{text}}}"#);
        check(&named("17"), Some(Some(BlockRef::Height(17))));
        check(&named(&format!("\"{hash}\"")), Some(Some(BlockRef::Hash([7; 32]))));
        check(&format!("[\"{hash}\"]"), Some(Some(BlockRef::Hash([7; 32]))));
        check("[17]", Some(Some(BlockRef::Height(17))));
        check(r#"{"finality":"near-final"}"#, Some(Some(BlockRef::NearFinal)));
        check(r#"{"sync_checkpoint":"genesis"}"#, Some(Some(BlockRef::Genesis)));
        check("[null]", Some(None));
        check("{}", Some(None));
    }

    #[test]
    fn anything_else_is_no_block() {
        for bad in [
            r#"{"block_id":"final"}"#,
            r#"{"block_id":-1}"#,
            r#"{"block_id":1,"finality":"final"}"#,
            r#"{"finality":"latest"}"#,
            r#"[[1]]"#,
        ] {
            check(bad, None);
        }
    }
}
