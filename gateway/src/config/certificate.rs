//! A certificate and its key as they stand in PEM files: readable, and belonging together.

use rustls::{Error, InconsistentKeys, crypto::ring, sign::CertifiedKey};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};

/// Reads every certificate of a PEM text.
///
/// # Errors
/// There is none, or one that cannot be read.
pub fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match all {
        Ok(all) if !all.is_empty() => Ok(all),
        _ => Err("holds no PEM certificate".to_owned()),
    }
}

/// Reads a chain, leaf first, with the key of the leaf.
///
/// # Errors
/// What is wrong, to be read after the name of the certificate's file.
pub fn pair(cert: &[u8], key: &[u8]) -> Result<CertifiedKey, String> {
    let chain = certificates(cert)?;
    let key = PrivateKeyDer::from_pem_slice(key)
        .map_err(|_| "has a key file that holds no PEM private key".to_owned())?;
    CertifiedKey::from_der(chain, key, &ring::default_provider()).map_err(|error| match error {
        Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
            "is not the certificate of this key".to_owned()
        }
        error => format!("cannot be used with this key: {error}"),
    })
}

#[cfg(test)]
mod tests {
    use rcgen::generate_simple_self_signed;

    use super::*;

    fn check(cert: &str, key: &str, problem: Option<&str>) {
        let found = pair(cert.as_bytes(), key.as_bytes()).err();
        assert_eq!(found.as_deref(), problem);
    }

    #[test]
    fn a_certificate_goes_with_its_own_key_only() {
        let new = || generate_simple_self_signed(vec!["a.example".to_owned()]).unwrap();
        let (one, other) = (new(), new());
        let key = one.signing_key.serialize_pem();
        check(&one.cert.pem(), &key, None);
        check(&format!("{}{}", one.cert.pem(), other.cert.pem()), &key, None);
        check(&other.cert.pem(), &key, Some("is not the certificate of this key"));
        check("", &key, Some("holds no PEM certificate"));
        check("-----BEGIN CERTIFICATE-----\n!\n", &key, Some("holds no PEM certificate"));
        let none = Some("has a key file that holds no PEM private key");
        check(&one.cert.pem(), "", none);
        check(&one.cert.pem(), &one.cert.pem(), none);
    }
}
