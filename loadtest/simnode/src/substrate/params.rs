//! Parameters as Substrate writes them, and the block they name.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Ask, texts};
use crate::hash::{Hash, unhex, unhex_array};
use crate::rpc::RpcError;

/// The text of a JSON string.
#[must_use]
pub fn text<'a>(raw: &'a RawValue) -> Option<Cow<'a, str>> {
    #[derive(Deserialize)]
    struct Text<'b>(#[serde(borrow)] Cow<'b, str>);
    serde_json::from_str::<Text<'a>>(raw.get()).ok().map(|text| text.0)
}

/// A number: as JSON has it, or in hex digits.
#[must_use]
pub fn number(raw: &RawValue) -> Option<u64> {
    match text(raw) {
        Some(text) => u64::from_str_radix(text.strip_prefix("0x")?, 16).ok(),
        None => raw.get().parse().ok(),
    }
}

impl<'a> Ask<'a> {
    pub fn invalid(&self, why: &str) -> RpcError {
        texts::invalid_params(self.client, why)
    }

    /// A parameter that may be absent or null.
    pub fn arg(&self, index: usize) -> Option<&'a RawValue> {
        self.args.get(index).copied().filter(|raw| raw.get() != "null")
    }

    pub fn required(&self, index: usize) -> Result<&'a RawValue, RpcError> {
        self.arg(index).ok_or_else(|| self.invalid("No more params"))
    }

    pub fn string(&self, index: usize) -> Result<Cow<'a, str>, RpcError> {
        text(self.required(index)?).ok_or_else(|| self.invalid("invalid type, expected a string"))
    }

    pub fn bytes(&self, index: usize) -> Result<Vec<u8>, RpcError> {
        let text = self.string(index)?;
        unhex(&text).ok_or_else(|| {
            self.invalid("invalid value, expected a 0x-prefixed hex string of bytes")
        })
    }

    /// A list of byte strings.
    pub fn list(&self, index: usize) -> Result<Vec<Vec<u8>>, RpcError> {
        let texts: Result<Vec<Cow<'_, str>>, _> = serde_json::from_str(self.required(index)?.get());
        let bytes = texts.ok().and_then(|texts| texts.iter().map(|text| unhex(text)).collect());
        bytes.ok_or_else(|| self.invalid("invalid type, expected a sequence of hex strings"))
    }

    pub fn number(&self, index: usize) -> Result<u64, RpcError> {
        number(self.required(index)?).ok_or_else(|| self.invalid("invalid type, expected u64"))
    }

    /// A block hash that may be absent.
    pub fn hash(&self, index: usize) -> Result<Option<Hash>, RpcError> {
        let Some(raw) = self.arg(index) else { return Ok(None) };
        let hash = text(raw).and_then(|text| unhex_array(&text));
        hash.map(Some).ok_or_else(|| {
            self.invalid("invalid length, expected a 0x-prefixed hex string of 32 bytes")
        })
    }
}
