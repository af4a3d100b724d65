//! Addresses as written: a node's endpoint, and which addresses may never be one.
//!
//! Deliberately not a general URL reader: what an RPC node's address cannot have
//! (user info, a fragment, exotic spellings of IPv4) is refused, not repaired.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::{config::Endpoint, family::Family};

impl Endpoint {
    /// Reads `http://host[:port][/path][?query]`, or the same with `https`.
    ///
    /// # Errors
    /// What is wrong with the text; the text itself is not repeated: it may hold a key.
    pub fn read(text: &str) -> Result<Self, String> {
        let Some((scheme, rest)) = text.split_once("://") else {
            return Err("has no scheme".to_owned());
        };
        let tls = match scheme.to_ascii_lowercase().as_str() {
            "http" => false,
            "https" => true,
            _ => return Err("has a scheme that is not http or https".to_owned()),
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        if authority.contains('@') {
            return Err("has a user or password in it: put them into `headers`".to_owned());
        }
        let (host, port) = read_authority(authority)?;
        let port = port.unwrap_or(if tls { 443 } else { 80 });
        Ok(Self { tls, host, port, path: read_path(path)? })
    }

    /// The whole address, path and query included: for the wire and the config, never for a log.
    pub fn full(&self) -> String {
        format!("{self}{}", self.path)
    }

    /// The address with what may hold a key left out: any path but those where nodes serve.
    pub fn masked(&self) -> String {
        let mut usual = Family::ALL.into_iter().map(|family| family.profile().path);
        let path = match self.path.as_str() {
            "/" => "",
            path if usual.any(|usual| usual == path) => path,
            _ => "/***",
        };
        format!("{self}{path}")
    }
}

fn read_path(path: &str) -> Result<String, String> {
    let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
    if path.contains('#') {
        return Err("has a fragment (#)".to_owned());
    }
    let readable = path.bytes().all(|byte| byte.is_ascii_graphic());
    if !readable || http::uri::PathAndQuery::try_from(path.as_str()).is_err() {
        return Err("has a path that is not a URL path".to_owned());
    }
    Ok(path)
}

fn read_authority(authority: &str) -> Result<(String, Option<u16>), String> {
    if let Some(rest) = authority.strip_prefix('[') {
        let Some((host, port)) = rest.split_once(']') else {
            return Err("has an IPv6 address without `]`".to_owned());
        };
        let Ok(address) = host.parse::<Ipv6Addr>() else {
            return Err("has a bad IPv6 address".to_owned());
        };
        refuse_forbidden(IpAddr::V6(address))?;
        let port = match port.strip_prefix(':') {
            Some(port) => Some(read_port(port)?),
            None if port.is_empty() => None,
            None => return Err("has a bad port".to_owned()),
        };
        return Ok((address.to_string(), port));
    }
    let (host, port) = match authority.split_once(':') {
        Some((host, port)) => (host, Some(read_port(port)?)),
        None => (authority, None),
    };
    Ok((read_host(host)?, port))
}

fn read_port(port: &str) -> Result<u16, String> {
    let digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    match port.parse::<u16>() {
        Ok(port) if digits && port > 0 => Ok(port),
        _ => Err("has a bad port".to_owned()),
    }
}

/// Reads a host: a DNS name (lower-cased) or an IPv4 address in its usual form.
///
/// # Errors
/// What is wrong with the text.
pub fn read_host(host: &str) -> Result<String, String> {
    if host.is_empty() {
        return Err("has no host".to_owned());
    }
    let host = host.to_ascii_lowercase();
    if let Ok(address) = host.parse::<Ipv4Addr>() {
        refuse_forbidden(IpAddr::V4(address))?;
        return Ok(host);
    }
    let name = host.strip_suffix('.').unwrap_or(&host);
    let label = |label: &str| {
        let fits = (1..=63).contains(&label.len()) && !label.starts_with('-');
        let letters = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        fits && !label.ends_with('-') && label.bytes().all(letters)
    };
    if name.len() > 253 || !name.split('.').all(label) {
        return Err("has a bad host name".to_owned());
    }
    if name.rsplit('.').next().is_some_and(is_number) {
        return Err("has an IPv4 address that is not four decimal numbers".to_owned());
    }
    if METADATA_NAMES.contains(&name) {
        return Err("names a cloud metadata service".to_owned());
    }
    Ok(host)
}

/// Resolvers take `2852039166`, `0xa9fea9fe` and `169.254.43518` for addresses
/// (inet_aton): a last label that is a number makes the host one (WHATWG URL,
/// "ends in a number").
fn is_number(label: &str) -> bool {
    match label.strip_prefix("0x") {
        Some(hex) => hex.bytes().all(|byte| byte.is_ascii_hexdigit()),
        None => label.bytes().all(|byte| byte.is_ascii_digit()),
    }
}

const METADATA_NAMES: [&str; 2] = ["metadata.google.internal", "metadata.goog"];

fn refuse_forbidden(address: IpAddr) -> Result<(), String> {
    match forbidden(address) {
        Some(why) => Err(format!("is {why}, which is never a node")),
        None => Ok(()),
    }
}

/// Why a node may not live at `address`, if it may not. Asked again for what a name
/// resolves to.
pub fn forbidden(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(address) => forbidden_v4(address),
        IpAddr::V6(address) => forbidden_v6(address),
    }
}

fn forbidden_v4(address: Ipv4Addr) -> Option<&'static str> {
    match address.octets() {
        // AWS, GCP, Azure, Oracle; Alibaba; Azure's wire server.
        [169, 254, 169, 254] | [100, 100, 100, 200] | [168, 63, 129, 16] => {
            Some("a cloud metadata address")
        }
        [169, 254, ..] => Some("a link-local address"),
        [0, ..] => Some("an address of 0.0.0.0/8"),
        [224..=239, ..] => Some("a multicast address"),
        [240..=255, ..] => Some("a reserved address"),
        _ => None,
    }
}

fn forbidden_v6(address: Ipv6Addr) -> Option<&'static str> {
    /// The metadata services of AWS and of Google Cloud.
    const METADATA: [Ipv6Addr; 2] = [
        Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254),
        Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254),
    ];
    let segments = address.segments();
    if METADATA.contains(&address) {
        return Some("a cloud metadata address");
    }
    if address.is_unspecified() {
        return Some("the unspecified address");
    }
    if segments[0] & 0xffc0 == 0xfe80 {
        return Some("a link-local address");
    }
    if address.is_multicast() {
        return Some("a multicast address");
    }
    embedded_v4(address).and_then(forbidden_v4)
}

/// The IPv4 address inside a mapped (`::ffff:0:0/96`), compatible (`::/96`, but
/// for `::1`) or NAT64 (`64:ff9b::/96`) one.
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 1] => None,
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            Some(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads `text` and compares the whole address, or the complaint.
    fn check(text: &str, expected: Result<&str, &str>) {
        let read = Endpoint::read(text).map(|endpoint| endpoint.full());
        assert_eq!(read, expected.map(str::to_owned).map_err(str::to_owned), "{text}");
    }

    #[test]
    fn an_endpoint_is_read_into_its_parts() {
        check("http://10.0.1.11:8545", Ok("http://10.0.1.11:8545/"));
        check("HTTPS://Node.Example.ORG", Ok("https://node.example.org:443/"));
        check("http://h/v3/key?x=1", Ok("http://h:80/v3/key?x=1"));
        check("http://h?x=1", Ok("http://h:80/?x=1"));
        check("http://[::1]:8545/", Ok("http://[::1]:8545/"));
        check("http://[2001:DB8::1]", Ok("http://[2001:db8::1]:80/"));
        check("http://127.0.0.1:1", Ok("http://127.0.0.1:1/"));
        check("http://geth_1.docker:8545", Ok("http://geth_1.docker:8545/"));
    }

    #[test]
    fn what_is_no_endpoint_is_refused_with_the_reason() {
        check("10.0.0.1:8545", Err("has no scheme"));
        check("ws://h", Err("has a scheme that is not http or https"));
        check("http://u:p@h", Err("has a user or password in it: put them into `headers`"));
        check("http://", Err("has no host"));
        check("http://:80", Err("has no host"));
        check("http://h:0", Err("has a bad port"));
        check("http://h:65536", Err("has a bad port"));
        check("http://h:+80", Err("has a bad port"));
        check("http://h:", Err("has a bad port"));
        check("http://[::1", Err("has an IPv6 address without `]`"));
        check("http://[::g]", Err("has a bad IPv6 address"));
        check("http://[::1]x", Err("has a bad port"));
        check("http://a..b", Err("has a bad host name"));
        check("http://a b", Err("has a bad host name"));
        check("http://ä.org", Err("has a bad host name"));
        check("http://h/a b", Err("has a path that is not a URL path"));
        check("http://h/#x", Err("has a fragment (#)"));
    }

    #[test]
    fn addresses_that_are_never_a_node_are_refused_in_every_spelling() {
        let metadata = "is a cloud metadata address, which is never a node";
        let not_four = "has an IPv4 address that is not four decimal numbers";
        check("http://169.254.169.254", Err(metadata));
        check("http://100.100.100.200", Err(metadata));
        check("http://[fd00:ec2::254]", Err(metadata));
        check("http://[::ffff:169.254.169.254]", Err(metadata));
        check("http://[64:ff9b::a9fe:a9fe]", Err(metadata));
        check("http://2852039166", Err(not_four));
        check("http://0xa9fea9fe", Err(not_four));
        check("http://169.254.43518", Err(not_four));
        check("http://1.2.3.4.5.", Err(not_four));
        check("http://metadata.google.internal", Err("names a cloud metadata service"));
        check("http://0.0.0.0:1", Err("is an address of 0.0.0.0/8, which is never a node"));
        check("http://[::]:1", Err("is the unspecified address, which is never a node"));
        check("http://169.254.0.1", Err("is a link-local address, which is never a node"));
        check("http://[fe80::1]", Err("is a link-local address, which is never a node"));
        check("http://224.0.0.1", Err("is a multicast address, which is never a node"));
        check("http://[ff02::1]", Err("is a multicast address, which is never a node"));
        check("http://255.255.255.255", Err("is a reserved address, which is never a node"));
    }

    #[test]
    fn what_a_name_resolves_to_is_checked_by_the_same_rules() {
        let forbidden = |address: &str| forbidden(address.parse().unwrap()).is_some();
        let refused = "169.254.169.254 169.254.0.1 100.100.100.200 0.0.0.0 0.1.2.3 224.0.0.1 \
            255.255.255.255 :: fe80::1 ff02::1 fd00:ec2::254 fd20:ce::254 \
            ::ffff:169.254.169.254 64:ff9b::a9fe:a9fe ::ffff:0.0.0.0";
        refused.split_whitespace().for_each(|row| assert!(forbidden(row), "{row}"));
        let homes = "127.0.0.1 10.0.0.1 192.168.1.1 172.16.0.1 100.64.0.1 8.8.8.8 ::1 fd12::1 \
            2001:db8::1 ::ffff:10.0.0.1 64:ff9b::808:808";
        homes.split_whitespace().for_each(|row| assert!(!forbidden(row), "{row}"));
    }

    #[test]
    fn what_is_shown_holds_no_path() {
        let endpoint = Endpoint::read("https://rpc.example.org/v3/secret?key=1").unwrap();
        assert_eq!(format!("{endpoint:?}"), "https://rpc.example.org:443");
        assert_eq!(endpoint.masked(), "https://rpc.example.org:443/***");
        let usual = Endpoint { path: "/api/v3".to_owned(), ..endpoint.clone() };
        assert_eq!(usual.masked(), "https://rpc.example.org:443/api/v3");
    }
}
