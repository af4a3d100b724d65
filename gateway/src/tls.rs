//! The data port's certificates and what a TLS handshake with a client is done under.
//!
//! TLS 1.2 and 1.3, HTTP/2 before HTTP/1.1, no early data (it can be replayed, and a write
//! must leave once). Sessions are resumed by tickets, whose keys live in memory, change
//! every 6 hours and go with the certificates; clients that show certificates get none, so
//! that theirs are verified every time.
//!
//! Built with the topology: a pair that cannot be used refuses the whole config, at the
//! start and in a reload. What was built stays as long as its files hold the same.

use std::{
    collections::HashMap,
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use rustls::{
    RootCertStore, ServerConfig,
    client::verify_server_name,
    crypto::ring,
    server::{
        ClientHello, NoServerSessionStorage, ParsedCertificate, ResolvesServerCert,
        WebPkiClientVerifier,
    },
    sign::CertifiedKey,
};
use rustls_pki_types::{CertificateDer, ServerName};
use x509_parser::parse_x509_certificate;

use crate::config::{Config, ServerTls, certificate, files::Digest, load::read_bounded};

/// Bytes that are read of a file.
const MOST_BYTES: u64 = 4 << 20;
/// A certificate that ends sooner is warned of when it is taken up.
const SOON: Duration = Duration::from_secs(14 * 24 * 60 * 60);
/// Protocols by preference (RFC 7301).
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// A certificate, key or authority that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{} {what}", path.display())]
pub struct TlsError {
    pub path: PathBuf,
    pub what: String,
}

impl TlsError {
    fn new(path: &Path, what: impl fmt::Display) -> Self {
        Self { path: path.to_owned(), what: what.to_string() }
    }
}

/// When a certificate ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expiry {
    /// Its file.
    pub cert: PathBuf,
    /// Unix time, in seconds.
    pub ends: u64,
}

/// What handshakes are done under.
#[derive(Debug)]
pub struct Tls {
    pub config: Arc<ServerConfig>,
    pub expiries: Vec<Expiry>,
    certificates: Arc<Certificates>,
    made_of: MadeOf,
}

/// As written, with what the files held.
type MadeOf = (Vec<ServerTls>, Vec<Option<Digest>>);

impl Tls {
    /// `None` where the config names no certificate; `old` where nothing has changed.
    ///
    /// # Errors
    /// A file that cannot be used; the first one.
    pub fn build(config: &Config, old: Option<&Arc<Self>>) -> Result<Option<Arc<Self>>, TlsError> {
        let written = &config.server.tls;
        let Some(first) = written.first() else { return Ok(None) };
        let made_of = made_of(config);
        if let Some(old) = old.filter(|old| old.made_of == made_of) {
            return Ok(Some(Arc::clone(old)));
        }
        let mut certificates = Certificates::default();
        let mut expiries = Vec::new();
        for one in written {
            let pair = Arc::new(read_pair(one)?);
            expiries.extend(expiry(one, &pair));
            certificates.add(&one.names, &pair);
        }
        let certificates = Arc::new(certificates);
        let config = server_config(Arc::clone(&certificates), first.client_ca.as_deref());
        let config =
            Arc::new(config.map_err(|(path, what)| {
                TlsError::new(path.as_deref().unwrap_or(&first.cert), what)
            })?);
        Ok(Some(Arc::new(Self { config, expiries, certificates, made_of })))
    }

    /// Whether there is a certificate for a client that asks for `name`, or for none.
    pub fn serves(&self, name: Option<&str>) -> bool {
        self.certificates.find(name).is_some()
    }
}

fn made_of(config: &Config) -> MadeOf {
    let written = config.server.tls.clone();
    let paths = written.iter().flat_map(|one| {
        [Some(&one.cert), Some(&one.key), one.client_ca.as_ref()].into_iter().flatten()
    });
    let digests = paths.map(|path| config.files.digest_of(path)).collect();
    (written, digests)
}

fn read_pair(one: &ServerTls) -> Result<CertifiedKey, TlsError> {
    let pair = certificate::pair(&read(&one.cert)?, &read(&one.key)?);
    let pair = pair.map_err(|what| TlsError::new(&one.cert, what))?;
    for name in one.names.iter().filter(|name| !covers(&pair, name)) {
        tracing::warn!(cert = %one.cert.display(), name, "the certificate is not valid for this name");
    }
    Ok(pair)
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    read_bounded(path, MOST_BYTES).map_err(|what| TlsError::new(path, what))
}

fn covers(pair: &CertifiedKey, name: &str) -> bool {
    // A name with a star is good for any label in its place.
    let name = name.strip_prefix('*').map_or_else(|| name.to_owned(), |rest| format!("x{rest}"));
    let Ok(leaf) = pair.end_entity_cert().and_then(ParsedCertificate::try_from) else {
        return false;
    };
    ServerName::try_from(name).is_ok_and(|name| verify_server_name(&leaf, &name).is_ok())
}

/// When the leaf ends; tells the log if that is soon, or over.
fn expiry(one: &ServerTls, pair: &CertifiedKey) -> Option<Expiry> {
    let ends = ends(pair.cert.first()?)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let left = Duration::from_secs(ends).checked_sub(now);
    let cert = one.cert.display();
    match left {
        None => tracing::error!(%cert, "the certificate has expired"),
        Some(left) if left < SOON => {
            tracing::warn!(%cert, days = left.as_secs() / 86_400, "the certificate ends soon");
        }
        Some(_) => {}
    }
    Some(Expiry { cert: one.cert.clone(), ends })
}

fn ends(leaf: &CertificateDer<'_>) -> Option<u64> {
    let (_, parsed) = parse_x509_certificate(leaf).ok()?;
    u64::try_from(parsed.validity().not_after.timestamp()).ok()
}

/// Errors name the file that is at fault, where it is one.
fn server_config(
    certificates: Arc<Certificates>,
    client_ca: Option<&Path>,
) -> Result<ServerConfig, (Option<PathBuf>, String)> {
    let ours = |error: rustls::Error| (None, error.to_string());
    let provider = Arc::new(ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(ours)?;
    let builder = match client_ca {
        Some(path) => {
            let theirs = |what: String| (Some(path.to_owned()), what);
            let roots = roots(path).map_err(theirs)?;
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider).build();
            builder.with_client_cert_verifier(verifier.map_err(|e| theirs(e.to_string()))?)
        }
        None => builder.with_no_client_auth(),
    };
    let mut config = builder.with_cert_resolver(certificates);
    config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
    config.session_storage = Arc::new(NoServerSessionStorage {});
    match client_ca {
        Some(_) => config.send_tls13_tickets = 0,
        None => config.ticketer = ring::Ticketer::new().map_err(ours)?,
    }
    Ok(config)
}

fn roots(path: &Path) -> Result<Arc<RootCertStore>, String> {
    let mut roots = RootCertStore::empty();
    for one in certificate::certificates(&read_bounded(path, MOST_BYTES)?)? {
        roots.add(one).map_err(|error| format!("holds no authority: {error}"))?;
    }
    Ok(Arc::new(roots))
}

/// Certificates by the name that a client asks for.
#[derive(Debug, Default)]
struct Certificates {
    exact: HashMap<String, Arc<CertifiedKey>>,
    /// By what follows the first label.
    below: HashMap<String, Arc<CertifiedKey>>,
    default: Option<Arc<CertifiedKey>>,
}

impl Certificates {
    /// `names` in lower case; none: the default.
    fn add(&mut self, names: &[String], pair: &Arc<CertifiedKey>) {
        if names.is_empty() {
            self.default = Some(Arc::clone(pair));
        }
        for name in names {
            match name.strip_prefix("*.") {
                Some(rest) => self.below.insert(rest.to_owned(), Arc::clone(pair)),
                None => self.exact.insert(name.clone(), Arc::clone(pair)),
            };
        }
    }

    /// The most exact one.
    fn find(&self, name: Option<&str>) -> Option<&Arc<CertifiedKey>> {
        let of_name = |name: &str| {
            let name = name.to_ascii_lowercase();
            let rest = || name.split_once('.').and_then(|(_, rest)| self.below.get(rest));
            self.exact.get(&name).or_else(rest)
        };
        name.and_then(of_name).or(self.default.as_ref())
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.find(hello.server_name()).cloned()
    }
}

#[cfg(test)]
mod tests {
    use rcgen::generate_simple_self_signed;

    use super::*;

    fn pair(names: &[&str]) -> Arc<CertifiedKey> {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let made = generate_simple_self_signed(names).unwrap();
        let key = made.signing_key.serialize_pem();
        Arc::new(certificate::pair(made.cert.pem().as_bytes(), key.as_bytes()).unwrap())
    }

    #[test]
    fn the_most_exact_certificate_is_shown_and_the_default_else() {
        let (exact, below, default) = (pair(&["a"]), pair(&["a"]), pair(&["a"]));
        let mut certificates = Certificates::default();
        certificates.add(&["a.example.org".into()], &exact);
        certificates.add(&["*.example.org".into(), "b.test".into()], &below);
        let check = |certificates: &Certificates, name, expected: Option<&Arc<CertifiedKey>>| {
            let found = certificates.find(name);
            assert!(found.map(Arc::as_ptr) == expected.map(Arc::as_ptr), "{name:?}");
        };
        for (name, expected) in [
            (Some("a.example.org"), Some(&exact)),
            (Some("A.Example.org"), Some(&exact)),
            (Some("b.example.org"), Some(&below)),
            (Some("a.b.example.org"), None),
            (Some("example.org"), None),
            (Some("b.test"), Some(&below)),
            (Some("other.test"), None),
            (None, None),
        ] {
            check(&certificates, name, expected);
        }
        certificates.add(&[], &default);
        check(&certificates, Some("a.example.org"), Some(&exact));
        check(&certificates, Some("other.test"), Some(&default));
        check(&certificates, None, Some(&default));
    }

    #[test]
    fn a_certificate_covers_its_own_names() {
        let pair = pair(&["a.test", "*.b.test"]);
        for (name, covered) in
            [("a.test", true), ("*.b.test", true), ("c.b.test", true), ("*.a.test", false)]
        {
            assert_eq!(covers(&pair, name), covered, "{name}");
        }
    }

    #[test]
    fn the_end_of_a_certificate_is_read() {
        let mut params = rcgen::CertificateParams::new(vec!["a".to_owned()]).unwrap();
        params.not_after = rcgen::date_time_ymd(2031, 1, 2);
        let key = rcgen::KeyPair::generate().unwrap();
        let leaf = params.self_signed(&key).unwrap();
        assert_eq!(ends(leaf.der()), Some(1_925_078_400));
    }
}
