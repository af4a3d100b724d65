//! The hash of a signed transaction, which is the params object itself: SHA3-256 of its
//! canonical text (goloop, doc/jsonrpc_v3.md, "Transaction hash").
//!
//! Deliberately not a check of the signature or of the members: those are the node's
//! business.

use serde_json::{Map, Value};
use sha3::{Digest, Sha3_256};

use crate::{
    names::Hash,
    rpc::walk::{find, text},
};

/// What the canonical text of a transaction begins with.
const METHOD: &str = "icx_sendTransaction";

/// Members that are not hashed.
const APART: [&str; 2] = ["signature", "txHash"];

/// The version whose canonical text this is.
const VERSION: &str = "0x3";

/// Whether params are an object with a signature.
pub fn is_one(params: &str) -> bool {
    let signature = find(params, "signature").and_then(text);
    signature.is_some_and(|signature| !signature.is_empty())
}

/// The hash of a transaction of version 3; `None` where a value has no canonical text.
pub fn hash(params: &str) -> Option<Hash> {
    let members: Map<String, Value> = serde_json::from_str(params).ok()?;
    if members.get("version")?.as_str()? != VERSION {
        return None;
    }
    let mut canonical = METHOD.to_owned();
    push_members(&mut canonical, &members, &APART, true)?;
    Some(Hash(Sha3_256::digest(canonical.as_bytes()).into()))
}

/// Members in the order of their names, each as `NAME.VALUE`, with dots between. `led`: a
/// dot before the first one too.
fn push_members(
    out: &mut String,
    members: &Map<String, Value>,
    apart: &[&str],
    mut led: bool,
) -> Option<()> {
    let mut sorted: Vec<_> =
        members.iter().filter(|(name, _)| !apart.contains(&name.as_str())).collect();
    sorted.sort_unstable_by_key(|(name, _)| *name);
    for (name, value) in sorted {
        if led {
            out.push('.');
        }
        led = true;
        push_escaped(out, name);
        out.push('.');
        push_value(out, value)?;
    }
    Some(())
}

/// Goes no deeper than calls may nest, which was checked when this one was read; serde's
/// own bound holds before.
fn push_value(out: &mut String, value: &Value) -> Option<()> {
    match value {
        Value::Null => out.push_str("\\0"),
        Value::String(text) => push_escaped(out, text),
        Value::Number(number) => out.push_str(&number.as_i64()?.to_string()),
        Value::Bool(_) => return None,
        Value::Object(members) => {
            out.push('{');
            push_members(out, members, &[], false)?;
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push('.');
                }
                push_value(out, item)?;
            }
            out.push(']');
        }
    }
    Some(())
}

fn push_escaped(out: &mut String, text: &str) {
    for letter in text.chars() {
        if matches!(letter, '\\' | '{' | '}' | '[' | ']' | '.') {
            out.push('\\');
        }
        out.push(letter);
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Made by iconsdk 2.6.0, with the hash that it computes.
    pub(crate) const KNOWN: &str = r#"{"version":"0x3","from":"hxb7141750847ef78fab794c5e13110f866dec5877","to":"hx0000000000000000000000000000000000000000","value":"0x9","stepLimit":"0xf4240","timestamp":"0x60a24181e4000","nid":"0x539","nonce":"0x1","signature":"7m0R8v+AtgR7HX5MuI8/A6r6cdtMPcwkHhQFqclqgqwGrAy10vEJzT46rcKGNedmWv0+X34BNCPD4WmWmn9DvgA="}"#;
    pub(crate) const KNOWN_HASH: &str =
        "0x706be05bff57571d74d311802cd6e21c0f4f993908ce97abfb23b667db442279";

    #[test]
    fn a_transaction_made_by_others_has_their_hash() {
        assert!(is_one(KNOWN));
        assert_eq!(hash(KNOWN), Hash::from_hex(KNOWN_HASH));
        let told = KNOWN.replace("{\"version\"", "{\"txHash\":\"0x1\", \"version\"");
        assert_eq!(hash(&told), Hash::from_hex(KNOWN_HASH));
    }

    #[test]
    fn the_canonical_text_sorts_nests_and_escapes() {
        let rows = [
            (r#"{"to":"hx1","from":"hx0","signature":"x"}"#, Some(".from.hx0.to.hx1")),
            (
                r#"{"data":{"params":{"b":["0x1",null],"a":"x.y"},"method":"f"},"version":"0x3"}"#,
                Some(r".data.{method.f.params.{a.x\.y.b.[0x1.\0]}}.version.0x3"),
            ),
            (r#"{"data":"a\\{}[]"}"#, Some(r".data.a\\\{\}\[\]")),
            (r#"{"data":true}"#, None),
        ];
        for (params, expected) in rows {
            let (members, mut out) = (serde_json::from_str(params).unwrap(), String::new());
            let pushed = push_members(&mut out, &members, &APART, true);
            assert_eq!(pushed.map(|()| out.as_str()), expected, "{params}");
        }
    }

    #[test]
    fn what_is_not_signed_is_none_and_another_version_has_no_hash() {
        for params in ["", "null", "[]", "{}", r#"{"signature":""}"#, r#"{"signature":7}"#] {
            assert!(!is_one(params), "{params}");
            assert_eq!(hash(params), None, "{params}");
        }
        assert_eq!(hash(&KNOWN.replace("\"0x3\"", "\"0x2\"")), None);
        assert_eq!(hash(&KNOWN.replace("\"0x9\"", "true")), None);
    }

    proptest! {
        #[test]
        fn no_text_panics(params: String) {
            let _read = (is_one(&params), hash(&params));
        }
    }
}
