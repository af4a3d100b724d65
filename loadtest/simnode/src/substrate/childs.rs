//! Reads of child tries. A child is a storage of its own under a key; here its values
//! are those of the main one under the joined keys.

use super::scale::blake2_256;
use super::state::{self, Place, data_or_null, size_or_null};
use super::texts::Asked;
use super::{Ask, texts};
use crate::json::{array, data};
use crate::rpc::Answer;

impl Ask<'_> {
    /// The methods that begin with `childstate_`.
    pub fn child_method(&self, name: &str, out: &mut String) -> Answer {
        let child = self.bytes(0)?;
        match name {
            "getKeys" => {
                let prefix = self.bytes(1)?;
                self.place(2, Asked::Storage)?;
                let keys = state::children(&[child, prefix].concat());
                array(out, keys, |out, key| data(out, &key));
            }
            "getKeysPaged" => self.child_page(&child, out)?,
            "getStorageEntries" => {
                let keys = self.list(1)?;
                let place = self.place(2, Asked::Storage)?;
                array(out, keys, |out, key| {
                    data_or_null(out, self.child_value(&child, &key, &place));
                });
            }
            _ => {
                let key = self.bytes(1)?;
                let place = self.place(2, Asked::Storage)?;
                let value = self.child_value(&child, &key, &place);
                match name {
                    "getStorage" => data_or_null(out, value),
                    "getStorageHash" => {
                        data_or_null(out, value.map(|value| blake2_256(&[&value]).to_vec()));
                    }
                    "getStorageSize" => size_or_null(out, value),
                    _ => return Err(texts::unknown_method(self.client, name)),
                }
            }
        }
        Ok(())
    }

    fn child_page(&self, child: &[u8], out: &mut String) -> Answer {
        let prefix = if self.arg(1).is_some() { self.bytes(1)? } else { Vec::new() };
        let count = self.number(2)?;
        let after = if self.arg(3).is_some() { self.bytes(3)? } else { Vec::new() };
        self.place(4, Asked::Storage)?;
        state::write_page(out, &[child, &prefix].concat(), count, &after);
        Ok(())
    }

    fn child_value(&self, child: &[u8], key: &[u8], place: &Place) -> Option<Vec<u8>> {
        self.value(&[child, key].concat(), place)
    }
}
