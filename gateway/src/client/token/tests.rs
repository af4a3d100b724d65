//! Tokens as their makers sign them, and as nobody may.

use jsonwebtoken::{EncodingKey, Header as Told, encode};
use proptest::prelude::*;
use serde_json::json;

use super::*;

/// A key pair made for these tests alone, and keys that are too weak.
const RSA_PRIVATE: &[u8] = include_bytes!("keys/rsa.pem");
const RSA_PUBLIC: &[u8] = include_bytes!("keys/rsa.pub.pem");
const RSA_1024: &[u8] = include_bytes!("keys/rsa1024.pub.pem");
const P384: &[u8] = include_bytes!("keys/p384.pub.pem");
const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";
const NOW: u64 = 1_800_000_000;

fn demands() -> Demands {
    Demands { claim: "sub".to_owned(), issuer: None, audience: None }
}

fn read(file: &[u8]) -> Result<TokenKeys, BadKeys> {
    TokenKeys::read(file, demands())
}

fn claims() -> Value {
    json!({ "sub": "explorer", "exp": NOW + 100 })
}

fn told(algorithm: Algorithm, kid: Option<&str>) -> Told {
    Told { kid: kid.map(str::to_owned), ..Told::new(algorithm) }
}

fn signed(algorithm: Algorithm, key: &EncodingKey, claims: &Value) -> String {
    encode(&told(algorithm, None), claims, key).unwrap()
}

fn by_secret(claims: &Value) -> String {
    signed(Algorithm::HS256, &EncodingKey::from_secret(SECRET), claims)
}

/// A pair made on the spot: the private key to sign with, the public one in PEM.
fn pair(algorithm: Algorithm) -> (EncodingKey, Vec<u8>) {
    let kind = match algorithm {
        Algorithm::ES256 => &rcgen::PKCS_ECDSA_P256_SHA256,
        Algorithm::EdDSA => &rcgen::PKCS_ED25519,
        _ => return (EncodingKey::from_rsa_pem(RSA_PRIVATE).unwrap(), RSA_PUBLIC.to_vec()),
    };
    let pair = rcgen::KeyPair::generate_for(kind).unwrap();
    let key = match algorithm {
        Algorithm::ES256 => EncodingKey::from_ec_der(&pair.serialize_der()),
        _ => EncodingKey::from_ed_der(&pair.serialize_der()),
    };
    (key, pair.public_key_pem().into_bytes())
}

const PUBLIC: [Algorithm; 3] = [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA];

#[test]
fn a_token_signed_by_the_key_names_a_client() {
    let expected = Verified { name: "explorer".to_owned(), until: NOW + 160 };
    assert_eq!(read(SECRET).unwrap().verify(&by_secret(&claims()), NOW), Some(expected.clone()));
    for algorithm in PUBLIC {
        let (key, public) = pair(algorithm);
        let token = signed(algorithm, &key, &claims());
        let found = read(&public).unwrap().verify(&token, NOW);
        assert_eq!(found, Some(expected.clone()), "{algorithm:?}");
        let (_, other) = pair(Algorithm::EdDSA);
        assert_eq!(read(&other).unwrap().verify(&token, NOW), None, "{algorithm:?}");
    }
}

#[test]
fn the_key_decides_the_algorithm() {
    for algorithm in PUBLIC {
        let (_, public) = pair(algorithm);
        let keys = read(&public).unwrap();
        for text in [&public[..], public.trim_ascii()] {
            let forged = signed(Algorithm::HS256, &EncodingKey::from_secret(text), &claims());
            assert_eq!(keys.verify(&forged, NOW), None, "a public key is no secret");
        }
    }
    let keys = read(SECRET).unwrap();
    let longer = signed(Algorithm::HS512, &EncodingKey::from_secret(SECRET), &claims());
    assert_eq!(keys.verify(&longer, NOW), None, "another digest");
    let part = |json: &str| URL_SAFE_NO_PAD.encode(json);
    let body = part(&claims().to_string());
    let good = by_secret(&claims());
    let signature = good.rsplit_once('.').unwrap().1;
    for header in [r#"{"alg":"none"}"#, r#"{"alg":"NONE"}"#, "{}", r#"{"alg":"hs256"}"#] {
        for signature in ["", signature] {
            let token = format!("{}.{body}.{signature}", part(header));
            assert_eq!(keys.verify(&token, NOW), None, "{header}");
        }
    }
}

#[test]
fn a_header_that_demands_more_is_refused() {
    let (_, rest) = (0, by_secret(&claims()));
    let payload = rest.split('.').nth(1).unwrap();
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","crit":["exp"]}"#);
    let message = format!("{header}.{payload}");
    let key = EncodingKey::from_secret(SECRET);
    let signature = crypto::sign(message.as_bytes(), &key, Algorithm::HS256).unwrap();
    assert_eq!(read(SECRET).unwrap().verify(&format!("{message}.{signature}"), NOW), None);
}

#[test]
fn a_token_holds_in_its_time_only_give_or_take_a_minute() {
    let keys = read(SECRET).unwrap();
    for (claims, holds) in [
        (json!({ "sub": "a" }), false),
        (json!({ "sub": "a", "exp": NOW + 1 }), true),
        (json!({ "sub": "a", "exp": NOW - 59 }), true),
        (json!({ "sub": "a", "exp": NOW - 60 }), false),
        (json!({ "sub": "a", "exp": NOW as f64 + 0.5 }), true),
        (json!({ "sub": "a", "exp": "soon" }), false),
        (json!({ "sub": "a", "exp": -1 }), false),
        (json!({ "sub": "a", "exp": u64::MAX }), true),
        (json!({ "sub": "a", "exp": NOW + 100, "nbf": NOW + 60 }), true),
        (json!({ "sub": "a", "exp": NOW + 100, "nbf": NOW + 61 }), false),
        (json!({ "sub": "a", "exp": NOW + 100, "nbf": "x" }), false),
        (json!({ "sub": 7, "exp": NOW + 100 }), false),
        (json!({ "exp": NOW + 100 }), false),
    ] {
        assert_eq!(keys.verify(&by_secret(&claims), NOW).is_some(), holds, "{claims}");
    }
}

#[test]
fn issuer_audience_and_claim_are_as_configured() {
    let demands = Demands {
        claim: "client".to_owned(),
        issuer: Some("https://id".to_owned()),
        audience: Some("rpc".to_owned()),
    };
    let keys = TokenKeys::read(SECRET, demands).unwrap();
    let exp = NOW + 1;
    for (claims, name) in [
        (json!({ "client": "a", "exp": exp, "iss": "https://id", "aud": "rpc" }), Some("a")),
        (json!({ "client": "a", "exp": exp, "iss": "https://id", "aud": ["x", "rpc"] }), Some("a")),
        (json!({ "client": "a", "exp": exp, "iss": "https://id", "aud": ["x"] }), None),
        (json!({ "client": "a", "exp": exp, "iss": "https://id" }), None),
        (json!({ "client": "a", "exp": exp, "aud": "rpc" }), None),
        (json!({ "client": "a", "exp": exp, "iss": "https://other", "aud": "rpc" }), None),
        (json!({ "sub": "a", "exp": exp, "iss": "https://id", "aud": "rpc" }), None),
    ] {
        let found = keys.verify(&by_secret(&claims), NOW).map(|verified| verified.name);
        assert_eq!(found.as_deref(), name, "{claims}");
    }
}

fn secret_key(kid: &str, secret: &[u8]) -> Value {
    json!({ "kty": "oct", "kid": kid, "k": URL_SAFE_NO_PAD.encode(secret) })
}

#[test]
fn a_set_is_searched_by_key_id() {
    let other = [7; 32];
    let set = json!({ "keys": [
        { "kty": "EC", "crv": "P-521", "x": "AA", "y": "AA" },
        { "kty": "new" },
        secret_key("old", &other),
        secret_key("new", SECRET),
    ] });
    let keys = read(set.to_string().as_bytes()).unwrap();
    let key = EncodingKey::from_secret(SECRET);
    for (kid, holds) in
        [(Some("new"), true), (None, true), (Some("old"), false), (Some("x"), false)]
    {
        let token = encode(&told(Algorithm::HS256, kid), &claims(), &key).unwrap();
        assert_eq!(keys.verify(&token, NOW).is_some(), holds, "{kid:?}");
    }
}

#[test]
fn a_set_of_public_keys_verifies_as_their_pem_does() {
    let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    let point = pair.public_key_raw();
    let (x, y) = (&point[1..33], &point[33..]);
    let encoded = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let jwk = json!({ "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig",
                      "x": encoded(x), "y": encoded(y) });
    let keys = read(json!({ "keys": [jwk] }).to_string().as_bytes()).unwrap();
    let key = EncodingKey::from_ec_der(&pair.serialize_der());
    assert!(keys.verify(&signed(Algorithm::ES256, &key, &claims()), NOW).is_some());
    let forged = signed(Algorithm::HS256, &EncodingKey::from_secret(point), &claims());
    assert_eq!(keys.verify(&forged, NOW), None);
}

#[test]
fn a_file_that_verifies_nothing_is_said_to() {
    let short = json!({ "keys": [secret_key("a", &[7; 31])] }).to_string();
    let encrypts = json!({ "keys": [{ "kty": "oct", "use": "enc",
                                      "k": URL_SAFE_NO_PAD.encode(SECRET) }] });
    let other = json!({ "keys": [{ "kty": "oct", "alg": "HS512",
                                   "k": URL_SAFE_NO_PAD.encode(SECRET) }] });
    let many = json!({ "keys": vec![json!({ "kty": "oct" }); 65] }).to_string();
    let two = [RSA_PUBLIC, RSA_PUBLIC].concat();
    for (file, why) in [
        (&b""[..], BadKeys::ShortSecret),
        (&SECRET[1..], BadKeys::ShortSecret),
        (RSA_1024, BadKeys::Pem),
        (P384, BadKeys::Pem),
        (RSA_PRIVATE, BadKeys::Pem),
        (&two, BadKeys::Pem),
        (b"-----BEGIN PUBLIC KEY-----", BadKeys::Pem),
        (b"{", BadKeys::Set),
        (br#"{"keys":{}}"#, BadKeys::Set),
        (br#"{"keys":[]}"#, BadKeys::NoneUsable),
        (short.as_bytes(), BadKeys::NoneUsable),
        (encrypts.to_string().as_bytes(), BadKeys::NoneUsable),
        (other.to_string().as_bytes(), BadKeys::NoneUsable),
        (many.as_bytes(), BadKeys::TooMany),
    ] {
        let found = read(file).map(drop);
        assert_eq!(found, Err(why), "{}", String::from_utf8_lossy(file));
    }
}

#[test]
fn a_secret_ends_before_the_end_of_its_line() {
    let token = by_secret(&claims());
    for end in ["", "\n", "\r\n"] {
        let keys = read(&[SECRET, end.as_bytes()].concat()).unwrap();
        assert!(keys.verify(&token, NOW).is_some(), "{end:?}");
    }
    assert!(!format!("{:?}", read(SECRET).unwrap()).contains("0123"));
}

proptest! {
    #[test]
    fn no_text_is_a_token_or_makes_reading_panic(text in ".{0,80}", file: Vec<u8>) {
        prop_assert_eq!(read(SECRET).unwrap().verify(&text, NOW), None);
        let _ = read(&file);
    }

    #[test]
    fn a_changed_token_does_not_hold(at in 0_usize..200, letter in "[A-Za-z0-9_-]") {
        let good = by_secret(&claims());
        let at = at % good.len();
        prop_assume!(&good[at..=at] != "." && good[at..=at] != letter);
        let changed = format!("{}{letter}{}", &good[..at], &good[at + 1..]);
        // the last letter of a part has bits that say nothing
        let last = good[at + 1..].chars().next().is_none_or(|next| next == '.');
        prop_assert!(last || read(SECRET).unwrap().verify(&changed, NOW).is_none());
    }
}
