//! Who sends a request, by its connection and its head.
//!
//! Keys and tokens are turned into digests where they are met; no text of them leaves this
//! file. Only the header that is configured is read for an address, and only from peers
//! that are trusted.

use std::{
    net::IpAddr,
    time::{SystemTime, UNIX_EPOCH},
};

use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::{
    client::{
        address::{by_forwarded, by_x_forwarded_for, canonical},
        key::{Digest, digest},
    },
    config::{Forwarded, Server},
    limits::{ClientIndex, Clients},
    server::Link,
};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// A request has a key or token that is nobody's, or two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unknown;

/// The client's address.
pub(super) fn address(server: &Server, link: &Link, request: &HeaderMap) -> IpAddr {
    let peer = canonical(link.peer.ip());
    if !link.trusted {
        return peer;
    }
    let trusted = &server.trusted_proxies;
    let lines = |name| request.get_all(name).iter().map(HeaderValue::as_bytes);
    match server.forwarded {
        Forwarded::XForwardedFor => by_x_forwarded_for(peer, lines(X_FORWARDED_FOR), trusted),
        Forwarded::Forwarded => by_forwarded(peer, lines(header::FORWARDED), trusted),
    }
}

/// Who sends the request, if it says; `in_path` is the digest of the path's key.
///
/// Without clients in the config nobody can be known, and headers that look like keys may
/// be somebody else's business: they are not read.
pub(super) fn find(
    clients: &Clients,
    request: &HeaderMap,
    in_path: Option<Digest>,
) -> Result<Option<ClientIndex>, Unknown> {
    if !clients.any_known() {
        return if in_path.is_some() { Err(Unknown) } else { Ok(None) };
    }
    let mut said = in_path;
    let mut token = None;
    for key in request.get_all(X_API_KEY) {
        agree(&mut said, digest(key.as_bytes()))?;
    }
    for value in request.get_all(header::AUTHORIZATION) {
        let bearer = bearer(value.as_bytes()).ok_or(Unknown)?;
        agree(&mut said, digest(bearer))?;
        token = Some(bearer);
    }
    let Some(said) = said else { return Ok(None) };
    if let Some(client) = clients.by_key(&said) {
        return Ok(Some(client));
    }
    let token = token.and_then(|token| std::str::from_utf8(token).ok()).ok_or(Unknown)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    clients.by_token(token, &said, now).map(Some).ok_or(Unknown)
}

/// Two that differ are nobody's.
fn agree(said: &mut Option<Digest>, other: Digest) -> Result<(), Unknown> {
    if said.replace(other).is_some_and(|before| before != other) { Err(Unknown) } else { Ok(()) }
}

/// What stands behind `Bearer` (RFC 6750, section 2.1).
fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, rest) = value.split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"bearer ").then(|| rest.trim_ascii())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::{client::address::is_trusted, config::Config, gateway::Protocol};

    const CONFIG: &str = r#"
        [[clients]]
        name = "explorer"
        key = "explorer-key-0001"
        [[clients]]
        name = "wallet"
        key = "wallet-key-00001"
        [[chains]]
        name = "eth"
        family = "ethereum"
        [[chains.pools]]
        zone = "a"
        nodes = [{ name = "n", http = "http://127.0.0.1:1" }]
    "#;

    fn config(text: &str) -> Config {
        Config::parse(text, Path::new("test.toml"), &|_| None).unwrap().config
    }

    fn link(server: &Server, ip: IpAddr) -> Link {
        Link {
            peer: (ip, 1).into(),
            trusted: is_trusted(canonical(ip), &server.trusted_proxies),
            server_name: None,
            protocol: Protocol::H1,
            room: None,
        }
    }

    fn headers(fields: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn b45_a_request_has_one_key_that_is_somebodys_or_none() {
        let clients = Clients::build(&config(CONFIG), None).unwrap();
        let (first, second) = (Ok(Some(ClientIndex(0))), Ok(Some(ClientIndex(1))));
        let (one, other) = ("explorer-key-0001", "wallet-key-00001");
        for (fields, path, expected) in [
            (&[][..], None, Ok(None)),
            (&[("x-api-key", one)], None, first),
            (&[("x-api-key", other)], None, second),
            (&[("x-api-key", "explorer-key-0002")], None, Err(Unknown)),
            (&[("x-api-key", "")], None, Err(Unknown)),
            (&[("authorization", "Bearer wallet-key-00001")], None, second),
            (&[("authorization", "bearer  wallet-key-00001")], None, second),
            (&[("authorization", "Basic d2FsbGV0LWtleS0wMDAwMQ==")], None, Err(Unknown)),
            (&[("authorization", "wallet-key-00001")], None, Err(Unknown)),
            (&[("authorization", "Bearer x.y.z")], None, Err(Unknown)),
            (&[], Some(one), first),
            (&[], Some("nobody's"), Err(Unknown)),
            (&[("x-api-key", one)], Some(one), first),
            (&[("x-api-key", one)], Some(other), Err(Unknown)),
            (&[("x-api-key", one), ("x-api-key", other)], None, Err(Unknown)),
        ] {
            let in_path = path.map(|key| digest(key.as_bytes()));
            assert_eq!(find(&clients, &headers(fields), in_path), expected, "{fields:?} {path:?}");
        }
    }

    #[test]
    fn without_clients_headers_are_not_read_and_a_key_in_the_path_is_nobodys() {
        let chain = &CONFIG[CONFIG.find("[[chains]]").unwrap()..];
        let clients = Clients::build(&config(chain), None).unwrap();
        let keyed = headers(&[("x-api-key", "a"), ("authorization", "Basic x")]);
        assert_eq!(find(&clients, &keyed, None), Ok(None));
        assert_eq!(find(&clients, &keyed, Some([0; 32])), Err(Unknown));
    }

    #[test]
    fn b40_b42_only_the_configured_header_of_a_trusted_peer_counts() {
        let request = headers(&[
            ("x-forwarded-for", "192.0.2.1"),
            ("forwarded", "for=192.0.2.2"),
            ("x-real-ip", "192.0.2.3"),
            ("cf-connecting-ip", "192.0.2.4"),
        ]);
        let chain = &CONFIG[CONFIG.find("[[chains]]").unwrap()..];
        let server = |lines: &str| config(&format!("[server]\n{lines}\n{chain}")).server;
        let trusts = "trusted_proxies = [\"10.0.0.0/8\"]";
        for (lines, peer, expected) in [
            (String::new(), "10.0.0.1", "10.0.0.1"),
            (trusts.to_owned(), "11.0.0.1", "11.0.0.1"),
            (trusts.to_owned(), "10.0.0.1", "192.0.2.1"),
            (trusts.to_owned(), "::ffff:10.0.0.1", "192.0.2.1"),
            (trusts.to_owned(), "::ffff:11.0.0.1", "11.0.0.1"),
            (format!("{trusts}\nforwarded = \"forwarded\""), "10.0.0.1", "192.0.2.2"),
        ] {
            let server = server(&lines);
            let found = address(&server, &link(&server, peer.parse().unwrap()), &request);
            assert_eq!(found, expected.parse::<IpAddr>().unwrap(), "{lines} {peer}");
        }
    }

    /// Of an untrusted peer, and of a trusted one when the client's own entry stands last.
    #[test]
    fn s01_s02_a_million_forged_values_change_no_address() {
        let chain = &CONFIG[CONFIG.find("[[chains]]").unwrap()..];
        let trusts = "[server]\ntrusted_proxies = [\"10.0.0.0/8\"]\n";
        let server = config(&format!("{trusts}{chain}")).server;
        let (proxy, stranger): (IpAddr, IpAddr) = ([10, 0, 0, 1].into(), [192, 0, 2, 1].into());
        let (of_proxy, of_stranger) = (link(&server, proxy), link(&server, stranger));
        let mut request = HeaderMap::new();
        let mut drawn = 1_u64;
        for _ in 0..1_000_000 {
            drawn = drawn.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
            let forged = std::net::Ipv6Addr::from_bits(u128::from(drawn) << 60);
            request.insert(X_FORWARDED_FOR, HeaderValue::try_from(forged.to_string()).unwrap());
            assert_eq!(address(&server, &of_stranger, &request), stranger);
            request.append(X_FORWARDED_FOR, HeaderValue::from_static("192.0.2.1"));
            assert_eq!(address(&server, &of_proxy, &request), stranger);
        }
    }
}
