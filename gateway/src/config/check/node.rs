//! One node of a pool.

use std::{collections::HashSet, path::Path};

use rustls_pki_types::{PrivateKeyDer, pem::PemObject};
use sha2::{Digest, Sha256};

use super::{Checker, resolve, small};
use crate::config::{
    Endpoint, MethodFilter, Node, NodeTls, Oldest, Retention, Secret, certificate,
    file::{Datum, Fields, Item, is_wide},
    load::read_bounded,
};

/// Bytes that are read of a PEM file: a bundle of all public authorities has 250 KiB.
const PEM_BYTES: u64 = 4 << 20;

impl Checker<'_, '_> {
    /// `None` only where name or endpoint was unreadable, which is a problem already.
    pub(super) fn node(&mut self, fields: &Fields, seen: &mut HashSet<Endpoint>) -> Option<Node> {
        let http = fields.text("http").and_then(|text| Endpoint::read(text).ok());
        let tls = self.tls(fields, http.as_ref());
        let oldest = self.oldest(fields);
        let methods = self.method_filter(fields);
        let headers = self.headers(fields);
        if let Some(endpoint) = &http {
            self.once_at(fields, endpoint, seen);
        }
        let name = fields.text("name")?;
        self.once_in_file(fields, name);
        Some(Node {
            name: name.into(),
            http: http?,
            weight: small(fields.integer("weight")),
            archive: fields.bool("archive"),
            fallback: fields.bool("fallback"),
            oldest,
            headers,
            tls,
            max_in_flight: fields.integer("max_in_flight").map(|value| small(Some(value))),
            max_connections: small(fields.integer("max_connections")),
            rate: fields.integer("rate").map(|value| small(Some(value))),
            probe: fields.duration("probe"),
            methods,
        })
    }

    fn once_in_file(&mut self, fields: &Fields, name: &str) {
        let place = fields.place("name");
        match self.nodes.get(name) {
            Some(first) => {
                let message = format!("two nodes are named `{name}`, {}", self.first_on(*first));
                self.problems.error(&place, message);
            }
            None => {
                self.nodes.insert(name.to_owned(), place.at);
            }
        }
    }

    /// Header names in lower case; the same one in two spellings is a problem.
    fn headers(&mut self, fields: &Fields) -> Vec<(String, Secret)> {
        let mut headers: Vec<(String, Secret)> = Vec::new();
        let Some(written) = fields.table("headers") else { return headers };
        for (name, item) in written.iter() {
            let name = name.to_ascii_lowercase();
            if headers.iter().any(|(other, _)| *other == name) {
                self.problems.error(&item.place, format!("the header `{name}` stands here twice"));
            }
            if let Datum::Secret(secret) = &item.datum {
                headers.push((name, secret.clone()));
            }
        }
        headers.sort_by(|(a, _), (b, _)| a.cmp(b));
        headers
    }

    fn oldest(&mut self, fields: &Fields) -> Option<Oldest> {
        let item = fields.get("oldest")?;
        let all = |kept| Some(Oldest { state: Some(kept), body: Some(kept), logs: Some(kept) });
        if let Some(kept) = retention(item) {
            let kinds = item.table().filter(|table| table.iter().count() > 1);
            if let Some(table) = kinds {
                let message = "`window` is for all data kinds: it cannot stand beside one";
                self.problems.error(&table.place("window"), message);
            }
            return all(kept);
        }
        let by_kind = item.table()?;
        let kind = |key| by_kind.get(key).and_then(retention);
        let oldest = Oldest { state: kind("state"), body: kind("body"), logs: kind("logs") };
        if by_kind.iter().next().is_none() {
            let allowed = "a height, { window = n }, or a table of: state, body, logs".to_owned();
            self.problems.error_allowed(&item.place, "is empty", allowed);
        }
        Some(oldest)
    }

    pub(super) fn method_filter(&mut self, fields: &Fields) -> MethodFilter {
        let Some(item) = fields.get("methods") else { return MethodFilter::All };
        let Some(table) = item.table() else { return MethodFilter::All };
        let names =
            |key| table.list(key).iter().filter_map(Item::text).map(str::to_owned).collect();
        match (table.get("only"), table.get("except")) {
            (Some(_), None) => MethodFilter::Only(names("only")),
            (None, Some(_)) => MethodFilter::Except(names("except")),
            (only, _) => {
                let message =
                    if only.is_some() { "has both `only` and `except`" } else { "is empty" };
                let allowed = "{ only = [...] } or { except = [...] }".to_owned();
                self.problems.error_allowed(&item.place, message, allowed);
                MethodFilter::All
            }
        }
    }

    fn tls(&mut self, fields: &Fields, endpoint: Option<&Endpoint>) -> NodeTls {
        let Some(table) = fields.table("tls") else { return NodeTls::default() };
        if table.iter().next().is_some() && endpoint.is_some_and(|endpoint| !endpoint.tls) {
            let message = "is not used: the endpoint is not https";
            self.problems.error(&fields.place("tls"), message);
        }
        for (one, other) in [("cert", "key"), ("key", "cert")] {
            if table.get(one).is_some() && table.get(other).is_none() {
                let message = format!("`{one}` is of no use without `{other}`");
                self.problems.error(&table.place(one), message);
            }
        }
        let path = |key| table.text(key).map(|path| resolve(self.folder, path));
        let tls = NodeTls {
            ca: path("ca"),
            cert: path("cert"),
            key: path("key"),
            name: table.text("name").map(str::to_ascii_lowercase),
            contents: None,
        };
        let files = [("ca", &tls.ca, false), ("cert", &tls.cert, false), ("key", &tls.key, true)];
        let [_, cert, private] = files.map(|(name, path, secret)| {
            path.as_ref().and_then(|path| self.pem(table, name, path, secret))
        });
        self.belong(table, cert.as_deref(), private.as_deref());
        let contents: Vec<_> = files
            .iter()
            .filter_map(|(_, path, _)| self.files.digest_of(path.as_ref()?))
            .flatten()
            .collect();
        let contents = (!contents.is_empty()).then(|| Sha256::digest(contents).into());
        NodeTls { contents, ..tls }
    }

    /// Reads a PEM file; its bytes, if they are good.
    pub(super) fn pem(
        &mut self,
        table: &Fields,
        key: &str,
        path: &Path,
        secret: bool,
    ) -> Option<Vec<u8>> {
        let place = table.place(key);
        let bytes = match read_bounded(path, PEM_BYTES) {
            Ok(bytes) => bytes,
            Err(message) => {
                self.problems.error(&place, message);
                return None;
            }
        };
        self.files.add(path, &bytes);
        let good = if secret {
            PrivateKeyDer::from_pem_slice(&bytes).is_ok()
        } else {
            certificate::certificates(&bytes).is_ok()
        };
        if !good {
            let what = if secret { "private key" } else { "certificate" };
            self.problems.error(&place, format!("{} holds no PEM {what}", path.display()));
        }
        if secret && is_wide(path) {
            self.problems.warn(&place, "can be read by others: its mode is wider than 0640");
        }
        good.then_some(bytes)
    }

    /// A certificate and its key must belong together; unreadable ones are told already.
    pub(super) fn belong(&mut self, table: &Fields, cert: Option<&[u8]>, key: Option<&[u8]>) {
        if let (Some(cert), Some(key)) = (cert, key)
            && let Err(message) = certificate::pair(cert, key)
        {
            self.problems.error(&table.place("cert"), message);
        }
    }
}

/// A height or a table with nothing but a window; `None` for a table by data kind.
fn retention(item: &Item) -> Option<Retention> {
    match &item.datum {
        Datum::Integer(height) => Some(Retention::From(*height)),
        Datum::Table(table) => table.integer("window").map(Retention::Window),
        _ => None,
    }
}
