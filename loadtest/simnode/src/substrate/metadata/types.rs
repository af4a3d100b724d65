//! The registry of a runtime's types, as scale-info encodes it.

use crate::substrate::scale::{push_bytes, push_compact};

/// A type of the registry, by its number.
pub type Id = u32;

/// One variant of an enum: name, index, named fields (a name may be empty).
pub type Variant<'a> = (&'a str, u8, &'a [(&'a str, Id)]);

/// The types of the runtime, in the order of their numbers.
#[derive(Default)]
pub struct Types {
    pub encoded: Vec<Vec<u8>>,
    /// As the runtime's source calls them.
    names: Vec<String>,
}

impl Types {
    /// Adds a type: its path and parameters, the definition's tag and body.
    fn add(&mut self, path: &str, params: &[(&str, Id)], tag: u8, body: &[u8]) -> Id {
        let parts: Vec<&str> = path.split("::").collect();
        let mut out = Vec::new();
        push_list(&mut out, &parts, |out, part| push_bytes(out, part.as_bytes()));
        push_list(&mut out, params, |out, (name, id)| {
            push_bytes(out, name.as_bytes());
            out.push(1);
            push_id(out, *id);
        });
        out.push(tag);
        out.extend_from_slice(body);
        self.push(out, (*parts.last().unwrap_or(&path)).to_owned())
    }

    /// Adds a type that has no path.
    fn add_plain(&mut self, name: String, tag: u8, body: &[u8]) -> Id {
        let out = [&[0, 0, tag], body].concat();
        self.push(out, name)
    }

    fn push(&mut self, encoded: Vec<u8>, name: String) -> Id {
        let id = u32::try_from(self.names.len()).unwrap_or(0);
        // The number before it, no docs behind it.
        self.encoded.push([encoded_id(id), encoded, vec![0]].concat());
        self.names.push(name);
        id
    }

    fn name(&self, id: Id) -> &str {
        self.names.get(id as usize).map_or("", String::as_str)
    }

    pub fn composite(&mut self, path: &str, fields: &[(&str, Id)]) -> Id {
        self.composite_of(path, &[], fields)
    }

    pub fn composite_of(&mut self, path: &str, params: &[(&str, Id)], fields: &[(&str, Id)]) -> Id {
        let body = self.fields(fields);
        self.add(path, params, 0, &body)
    }

    pub fn variant(&mut self, path: &str, variants: &[Variant<'_>]) -> Id {
        self.variant_of(path, &[], variants)
    }

    pub fn variant_of(
        &mut self,
        path: &str,
        params: &[(&str, Id)],
        variants: &[Variant<'_>],
    ) -> Id {
        let mut body = Vec::new();
        push_list(&mut body, variants, |out, (name, index, fields)| {
            push_bytes(out, name.as_bytes());
            out.extend_from_slice(&self.fields(fields));
            out.extend_from_slice(&[*index, 0]);
        });
        self.add(path, params, 1, &body)
    }

    pub fn sequence(&mut self, of: Id) -> Id {
        self.add_plain(format!("Vec<{}>", self.name(of)), 2, &encoded_id(of))
    }

    pub fn array(&mut self, length: u32, of: Id) -> Id {
        let body = [&length.to_le_bytes()[..], &encoded_id(of)].concat();
        self.add_plain(format!("[{}; {length}]", self.name(of)), 3, &body)
    }

    pub fn tuple(&mut self, of: &[Id]) -> Id {
        let names: Vec<&str> = of.iter().map(|id| self.name(*id)).collect();
        let name = format!("({})", names.join(", "));
        let mut body = Vec::new();
        push_list(&mut body, of, |out, id| push_id(out, *id));
        self.add_plain(name, 4, &body)
    }

    pub fn primitive(&mut self, name: &str, index: u8) -> Id {
        self.add_plain(name.to_owned(), 5, &[index])
    }

    pub fn compact(&mut self, of: Id) -> Id {
        self.add_plain(format!("Compact<{}>", self.name(of)), 6, &encoded_id(of))
    }

    fn fields(&self, fields: &[(&str, Id)]) -> Vec<u8> {
        let mut out = Vec::new();
        push_list(&mut out, fields, |out, (name, id)| {
            out.push(u8::from(!name.is_empty()));
            if !name.is_empty() {
                push_bytes(out, name.as_bytes());
            }
            push_id(out, *id);
            out.push(1);
            push_bytes(out, self.name(*id).as_bytes());
            // No docs.
            out.push(0);
        });
        out
    }
}

pub fn encoded_id(id: Id) -> Vec<u8> {
    let mut out = Vec::new();
    push_id(&mut out, id);
    out
}

pub fn push_id(out: &mut Vec<u8>, id: Id) {
    push_compact(out, id.into());
}

pub fn push_list<T>(out: &mut Vec<u8>, items: &[T], push: impl Fn(&mut Vec<u8>, &T)) {
    push_compact(out, items.len() as u128);
    items.iter().for_each(|item| push(out, item));
}
