//! Tokens (JWT, RFC 7519) that name a client.
//!
//! A key decides which algorithm its signatures have; what a token's header says must
//! agree, so that no public key is ever taken for a secret and `none` is nothing. Of the
//! header only `alg`, `kid` and `crit` are read; `crit` asks for what is not known here.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, crypto};
use rustls_pki_types::{SubjectPublicKeyInfoDer, pem::PemObject as _};
use serde::Deserialize;
use serde_json::{Map, Value};

/// Allowed difference of clocks, in seconds.
const LEEWAY: u64 = 60;
/// Shortest secret, in bytes: as long as its digests (RFC 7518, section 3.2).
const SHORTEST_SECRET: usize = 32;
/// An RSA modulus of 2,048 bits, in bytes: the smallest that is taken (RFC 7518, section 3.3).
const SMALLEST_MODULUS: usize = 256;
/// Most keys of one set.
const MOST_KEYS: usize = 64;

// Object identifiers in DER: of key types (RFC 3279, RFC 8410) and of the curve P-256.
const RSA: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01";
const EC: &[u8] = b"\x2a\x86\x48\xce\x3d\x02\x01";
const P256: &[u8] = b"\x2a\x86\x48\xce\x3d\x03\x01\x07";
const ED25519: &[u8] = b"\x06\x03\x2b\x65\x70";

/// What a token must be, besides signed and in its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Demands {
    /// The claim whose text names the client.
    pub claim: String,
    pub issuer: Option<String>,
    pub audience: Option<String>,
}

/// Why a file of keys is of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadKeys {
    #[error("is no PEM of one public key (RSA of at least 2048 bits, EC P-256 or Ed25519)")]
    Pem,
    #[error("is no JWKS: an object with a list `keys`")]
    Set,
    #[error("has no key for RS256, ES256, EdDSA or HS256")]
    NoneUsable,
    #[error("has more than {MOST_KEYS} keys")]
    TooMany,
    #[error("is too short for a secret: at least {SHORTEST_SECRET} bytes")]
    ShortSecret,
}

/// Keys that sign tokens.
pub struct TokenKeys {
    keys: Vec<SigningKey>,
    demands: Demands,
}

impl std::fmt::Debug for TokenKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TokenKeys({})", self.keys.len())
    }
}

struct SigningKey {
    id: Option<String>,
    algorithm: Algorithm,
    key: DecodingKey,
}

/// A token that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    pub name: String,
    /// It does not hold any more from then on, in Unix seconds.
    pub until: u64,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    crit: Option<Value>,
}

/// One key of a set (RFC 7517, RFC 7518 section 6, RFC 8037).
#[derive(Default, Deserialize)]
#[serde(default)]
struct Jwk {
    kty: String,
    crv: Option<String>,
    alg: Option<String>,
    kid: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    n: String,
    e: String,
    x: String,
    y: String,
    k: String,
}

impl TokenKeys {
    /// Reads a PEM public key, a JWKS, or else a secret (without the line's end).
    ///
    /// # Errors
    /// No token could ever be verified by it.
    pub fn read(file: &[u8], demands: Demands) -> Result<Self, BadKeys> {
        let text = file.trim_ascii();
        let keys = if text.starts_with(b"{") {
            read_set(text)?
        } else if text.starts_with(b"-----BEGIN") {
            vec![read_public(text).ok_or(BadKeys::Pem)?]
        } else {
            let secret = file.strip_suffix(b"\n").unwrap_or(file);
            let secret = secret.strip_suffix(b"\r").unwrap_or(secret);
            if secret.len() < SHORTEST_SECRET {
                return Err(BadKeys::ShortSecret);
            }
            vec![SigningKey::new(Algorithm::HS256, DecodingKey::from_secret(secret))]
        };
        Ok(Self { keys, demands })
    }

    /// The client that a token names; `None` for one that does not hold at `now` (Unix
    /// seconds), whatever the reason.
    pub fn verify(&self, token: &str, now: u64) -> Option<Verified> {
        let (message, signature) = token.rsplit_once('.')?;
        let (header, payload) = message.split_once('.')?;
        let header: Header = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).ok()?).ok()?;
        if header.crit.is_some() {
            return None;
        }
        let signed = |key: &&SigningKey| {
            key.may_have_signed(&header)
                && crypto::verify(signature, message.as_bytes(), &key.key, key.algorithm)
                    .unwrap_or(false)
        };
        self.keys.iter().find(signed)?;
        let claims = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
        self.demands.check(&claims, now)
    }
}

impl SigningKey {
    const fn new(algorithm: Algorithm, key: DecodingKey) -> Self {
        Self { id: None, algorithm, key }
    }

    fn may_have_signed(&self, header: &Header) -> bool {
        let word = match self.algorithm {
            Algorithm::HS256 => "HS256",
            Algorithm::RS256 => "RS256",
            Algorithm::ES256 => "ES256",
            _ => "EdDSA",
        };
        let named = header.kid.as_ref().zip(self.id.as_ref());
        header.alg == word && named.is_none_or(|(told, own)| told == own)
    }
}

impl Demands {
    fn check(&self, claims: &Map<String, Value>, now: u64) -> Option<Verified> {
        let until = seconds(claims.get("exp")?)?.saturating_add(LEEWAY);
        let begins = claims.get("nbf").map_or(Some(0), seconds)?;
        let is = |claim: &str, wanted: &String| has(claims.get(claim), wanted);
        let issued = self.issuer.as_ref().is_none_or(|issuer| {
            claims.get("iss").and_then(Value::as_str) == Some(issuer.as_str())
        });
        let meant = self.audience.as_ref().is_none_or(|audience| is("aud", audience));
        let holds = now < until && begins <= now.saturating_add(LEEWAY) && issued && meant;
        let name = claims.get(&self.claim)?.as_str()?;
        holds.then(|| Verified { name: name.to_owned(), until })
    }
}

/// A text, or one of a list of them (RFC 7519, section 4.1.3).
fn has(claim: Option<&Value>, wanted: &str) -> bool {
    match claim {
        Some(Value::String(text)) => text == wanted,
        Some(Value::Array(texts)) => texts.iter().any(|text| text.as_str() == Some(wanted)),
        _ => false,
    }
}

/// A `NumericDate`, which may have a fraction.
fn seconds(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_f64().filter(|time| *time >= 0.0).map(|time| time as u64))
}

/// One public key (SubjectPublicKeyInfo). What is in it says the algorithm.
fn read_public(text: &[u8]) -> Option<SigningKey> {
    let mut sections = SubjectPublicKeyInfoDer::pem_slice_iter(text);
    let der = sections.next()?.ok()?;
    if sections.next().is_some() {
        return None;
    }
    let has = |id: &[u8]| der.windows(id.len()).any(|bytes| bytes == id);
    let (algorithm, key) = if has(EC) && has(P256) {
        (Algorithm::ES256, DecodingKey::from_ec_pem(text))
    } else if has(ED25519) {
        (Algorithm::EdDSA, DecodingKey::from_ed_pem(text))
    } else if has(RSA) && der.len() > SMALLEST_MODULUS {
        (Algorithm::RS256, DecodingKey::from_rsa_pem(text))
    } else {
        return None;
    };
    Some(SigningKey::new(algorithm, key.ok()?))
}

/// A set. Keys of other types, or for other uses, are passed over.
fn read_set(text: &[u8]) -> Result<Vec<SigningKey>, BadKeys> {
    #[derive(Deserialize)]
    struct Set {
        keys: Vec<Value>,
    }
    let set: Set = serde_json::from_slice(text).map_err(|_| BadKeys::Set)?;
    if set.keys.len() > MOST_KEYS {
        return Err(BadKeys::TooMany);
    }
    let read = |key| Jwk::signing_key(serde_json::from_value(key).ok()?);
    let keys: Vec<_> = set.keys.into_iter().filter_map(read).collect();
    if keys.is_empty() { Err(BadKeys::NoneUsable) } else { Ok(keys) }
}

impl Jwk {
    fn signing_key(self) -> Option<SigningKey> {
        let size = |text: &str| URL_SAFE_NO_PAD.decode(text).map_or(0, |bytes| bytes.len());
        let (algorithm, words, key) = match (&*self.kty, self.crv.as_deref()) {
            ("RSA", _) if size(&self.n) >= SMALLEST_MODULUS => {
                let key = DecodingKey::from_rsa_components(&self.n, &self.e);
                (Algorithm::RS256, &["RS256"][..], key.ok()?)
            }
            ("EC", Some("P-256")) if (size(&self.x), size(&self.y)) == (32, 32) => {
                let key = DecodingKey::from_ec_components(&self.x, &self.y);
                (Algorithm::ES256, &["ES256"][..], key.ok()?)
            }
            ("OKP", Some("Ed25519")) if size(&self.x) == 32 => {
                let key = DecodingKey::from_ed_components(&self.x);
                (Algorithm::EdDSA, &["EdDSA", "Ed25519"][..], key.ok()?)
            }
            ("oct", _) if size(&self.k) >= SHORTEST_SECRET => {
                let secret = URL_SAFE_NO_PAD.decode(&self.k).ok()?;
                (Algorithm::HS256, &["HS256"][..], DecodingKey::from_secret(&secret))
            }
            _ => return None,
        };
        let meant = self.alg.as_deref().is_none_or(|alg| words.contains(&alg));
        let signs = self.usage.as_deref().is_none_or(|usage| usage == "sig");
        (meant && signs).then_some(SigningKey { id: self.kid, algorithm, key })
    }
}

#[cfg(test)]
mod tests;
