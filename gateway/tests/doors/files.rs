//! An authority and the files of certificates that it signs.

use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, Certificate, CertificateParams, IsCa, Issuer, KeyPair};
use rustls_pki_types::PrivateKeyDer;

use crate::client::Shown;

pub struct Authority {
    pub certificate: Certificate,
    issuer: Issuer<'static, KeyPair>,
    pub folder: PathBuf,
}

impl Authority {
    /// `name` keeps the files of tests apart; its own certificate is in `ca.pem`.
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("doors-{name}"));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("ca.pem"), certificate.pem()).unwrap();
        Self { certificate, issuer: Issuer::new(params, key), folder }
    }

    pub fn sign(&self, names: &[&str]) -> (Certificate, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let params = CertificateParams::new(names).unwrap();
        (params.signed_by(&key, &self.issuer).unwrap(), key)
    }

    /// What a client shows.
    pub fn shown(&self) -> Shown {
        let (certificate, key) = self.sign(&["client"]);
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        (vec![certificate.der().clone()], key)
    }

    /// Writes `FILE.crt` and `FILE.key` into `folder`.
    pub fn write(&self, folder: &Path, file: &str, names: &[&str]) {
        let (certificate, key) = self.sign(names);
        std::fs::write(folder.join(format!("{file}.crt")), certificate.pem()).unwrap();
        std::fs::write(folder.join(format!("{file}.key")), key.serialize_pem()).unwrap();
    }

    /// A new pair, and the table of it with further keys.
    pub fn table(&self, file: &str, names: &[&str], keys: &str) -> String {
        self.write(&self.folder, file, names);
        let path = |end: &str| self.folder.join(format!("{file}.{end}")).display().to_string();
        format!("{{ cert = \"{}\", key = \"{}\"{keys} }}", path("crt"), path("key"))
    }
}
