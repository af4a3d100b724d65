//! How a node's certificate is verified and how we show ours.
//!
//! Roots are the node's own CA where one is named, else the system's, loaded
//! once for all nodes and only when the first `https` node needs them.
//! Verification cannot be turned off.

use std::{
    path::Path,
    sync::{Arc, OnceLock},
};

use rustls::{ClientConfig, ConfigBuilder, RootCertStore, WantsVerifier, crypto::ring};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject};
use tokio_rustls::TlsConnector;

use super::http::BuildError;
use crate::config::NodeTls;

/// All that a TLS handshake with one node needs.
#[derive(Clone)]
pub(super) struct Tls {
    pub connector: TlsConnector,
    pub name: ServerName<'static>,
}

impl Tls {
    /// Reads the files that `tls` names; `host` is verified unless it names another.
    pub fn new(host: &str, tls: &NodeTls) -> Result<Self, BuildError> {
        let name = tls.name.as_deref().unwrap_or(host);
        let name = ServerName::try_from(name.to_owned())
            .map_err(|_| BuildError::TlsName(name.to_owned()))?;
        let verified = builder()?.with_root_certificates(roots(tls.ca.as_deref())?);
        let mut config = match (&tls.cert, &tls.key) {
            (Some(cert), Some(key)) => verified
                .with_client_auth_cert(certificates(cert)?, private_key(key)?)
                .map_err(|error| BuildError::file(cert, error))?,
            (None, None) => verified.with_no_client_auth(),
            (Some(_), None) | (None, Some(_)) => return Err(BuildError::HalfPair),
        };
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { connector: Arc::new(config).into(), name })
    }
}

fn builder() -> Result<ConfigBuilder<ClientConfig, WantsVerifier>, BuildError> {
    ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(BuildError::Tls)
}

fn roots(ca: Option<&Path>) -> Result<Arc<RootCertStore>, BuildError> {
    let Some(path) = ca else {
        return Ok(system_roots());
    };
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots.add(certificate).map_err(|error| BuildError::file(path, error))?;
    }
    Ok(Arc::new(roots))
}

/// An empty store where the system has none: every handshake then fails and says why.
fn system_roots() -> Arc<RootCertStore> {
    static ROOTS: OnceLock<Arc<RootCertStore>> = OnceLock::new();
    let load = || {
        let found = rustls_native_certs::load_native_certs();
        for error in &found.errors {
            tracing::warn!(%error, "a system root certificate was not read");
        }
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(found.certs);
        Arc::new(roots)
    };
    Arc::clone(ROOTS.get_or_init(load))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, BuildError> {
    let read =
        CertificateDer::pem_file_iter(path).map_err(|error| BuildError::file(path, error))?;
    let all: Vec<_> = read.collect::<Result<_, _>>().map_err(|e| BuildError::file(path, e))?;
    if all.is_empty() {
        return Err(BuildError::file(path, "no certificate in it"));
    }
    Ok(all)
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, BuildError> {
    PrivateKeyDer::from_pem_file(path).map_err(|error| BuildError::file(path, error))
}
