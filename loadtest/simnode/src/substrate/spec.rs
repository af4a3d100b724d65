//! The new JSON-RPC interface ("v1") as far as it works without a connection that stays:
//! archive, chain spec, and what `chainHead_v1` says to a follow id it does not know.
//! Source: json-rpc-interface-spec of 2026.

use super::texts::Missing;
use super::{Ask, put, texts};
use crate::family::Client;
use crate::json::{Members, array, data, plain};
use crate::rpc::Answer;

impl Ask<'_> {
    /// The methods of the new interface, and of finality.
    pub fn spec_method(&self, name: &str, out: &mut String) -> Answer {
        match name {
            "archive_v1_finalizedHeight" => put(out, &self.finalized().to_string()),
            "archive_v1_genesisHash" | "chainSpec_v1_genesisHash" => {
                data(out, &self.main_hash(0).unwrap_or_default());
                Ok(())
            }
            "archive_v1_hashByHeight" => {
                let hash = self.main_hash(self.number(0)?);
                array(out, hash, |out, hash| data(out, &hash));
                Ok(())
            }
            "archive_v1_header" => self.archive_header(out),
            "archive_v1_body" => self.archive_body(out),
            "archive_v1_call" => self.archive_call(out),
            "chainSpec_v1_chainName" => {
                plain(out, &self.chain_name());
                Ok(())
            }
            "chainSpec_v1_properties" => self.node_method("system_properties", out),
            "chainHead_v1_header"
            | "chainHead_v1_continue"
            | "chainHead_v1_stopOperation"
            | "chainHead_v1_unpin" => put(out, "null"),
            "chainHead_v1_body" | "chainHead_v1_call" | "chainHead_v1_storage" => {
                put(out, r#"{"result":"limitReached"}"#)
            }
            _ => self.finality_method(name, out),
        }
    }

    fn archive_header(&self, out: &mut String) -> Answer {
        self.required(0)?;
        match self.found(self.hash(0)?) {
            Some(block) => data(out, &block.header.encode()),
            None => out.push_str("null"),
        }
        Ok(())
    }

    fn archive_body(&self, out: &mut String) -> Answer {
        self.required(0)?;
        match self.found(self.hash(0)?).filter(|block| self.has_body(block.number())) {
            Some(block) => array(out, &block.extrinsics, |out, extrinsic| data(out, extrinsic)),
            None => out.push_str("null"),
        }
        Ok(())
    }

    fn archive_call(&self, out: &mut String) -> Answer {
        self.required(0)?;
        let (hash, function, args) = (self.hash(0)?, self.string(1)?, self.bytes(2)?);
        let error = match self.state_of(hash) {
            Err(Missing::Unknown(_)) => return put(out, "null"),
            Err(missing) => texts::missing(Client::PolkadotSdk, texts::Asked::Runtime, missing),
            Ok(place) => match self.execute(&function, &args, &place) {
                Ok(value) => return write_success(out, &value),
                Err(error) => error,
            },
        };
        let text = serde_json::to_string(&error.message).unwrap_or_default();
        put(out, &format!(r#"{{"success":false,"error":{text}}}"#))
    }
}

fn write_success(out: &mut String, value: &[u8]) -> Answer {
    let mut object = Members::open(out);
    object.raw("success", "true").data("value", value);
    object.close();
    Ok(())
}
