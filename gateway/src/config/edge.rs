//! What the config says of who may come in: listeners' certificates, trusted
//! proxies, clients with their keys and plans, and what each may use.

use std::{fmt, path::PathBuf, time::Duration};

use ipnet::IpNet;

use crate::{config::MethodFilter, names::Name};

/// How much a client, or a chain, may be asked for. Calls cost their method's weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// 1 to 10,000,000.
    pub weight_per_second: u32,
    /// Most weight at once, after a pause. Default: two seconds' worth.
    pub burst: u32,
}

/// A cap on what one peer may hold. One that is not written does not apply to loopback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerCap {
    pub most: u32,
    pub written: bool,
}

/// The header that trusted proxies tell the client's address in. Only this one is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forwarded {
    XForwardedFor,
    /// RFC 7239.
    Forwarded,
}

impl Forwarded {
    pub const fn word(self) -> &'static str {
        match self {
            Self::XForwardedFor => "x-forwarded-for",
            Self::Forwarded => "forwarded",
        }
    }
}

/// How long an idle client connection is kept: longer than the balancer in front keeps
/// its own, or it would now and then send a request into a closing connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Idle {
    /// Clients connect directly, or through a proxy of one's own.
    Direct,
    /// AWS Application Load Balancer: keeps 60 s unless told otherwise.
    Alb,
    /// AWS Network Load Balancer: 350 s.
    Nlb,
    /// Google Cloud's HTTP(S) load balancers: 600 s, fixed.
    Gcp,
}

impl Idle {
    pub const ALL: [Self; 4] = [Self::Direct, Self::Alb, Self::Nlb, Self::Gcp];

    pub const fn word(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Alb => "alb",
            Self::Nlb => "nlb",
            Self::Gcp => "gcp",
        }
    }

    pub const fn time(self) -> Duration {
        Duration::from_secs(match self {
            Self::Direct => 75,
            Self::Alb => 65,
            Self::Nlb => 360,
            Self::Gcp => 620,
        })
    }
}

/// One certificate of the data port. Paths are absolute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerTls {
    /// PEM: the chain, leaf first.
    pub cert: PathBuf,
    pub key: PathBuf,
    /// Server names (SNI, lower case) that get this certificate; none: the default one.
    pub names: Vec<String>,
    /// PEM: authorities whose certificates clients must show. The same for every entry.
    pub client_ca: Option<PathBuf>,
}

/// A key that is written as its hash begins so; 64 hex digits follow.
pub const HASHED: &str = "sha256:";

/// SHA-256 of an API key: the key itself is not kept.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyHash(pub [u8; 32]);

impl fmt::Debug for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// A client that is known by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    pub name: Name,
    /// Any of them; none: known by a token only (`[jwt]`).
    pub keys: Vec<KeyHash>,
    /// Absent: `limits.rate`, of its own all the same.
    pub rate: Option<Rate>,
    /// Calls in flight. Absent: `limits.in_flight`.
    pub in_flight: Option<u32>,
    /// Names of the chains it may use. Absent: all.
    pub chains: Option<Vec<Name>>,
    /// Methods it may use, of those that the chain serves.
    pub methods: MethodFilter,
    /// Web origins that may use its key. Absent: any, and no page at all.
    pub origins: Option<Vec<String>>,
}

/// Tokens that name a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Jwt {
    /// PEM public key, JWKS, or (anything else) a secret for HS256.
    pub keys: PathBuf,
    /// The claim that holds the client's name. Default `sub`.
    pub claim: String,
    /// What `iss` must be, if anything.
    pub issuer: Option<String>,
    /// What `aud` must have in it, if anything.
    pub audience: Option<String>,
}

/// Reads `10.0.0.0/8`, `fd00::/8` or a single address.
///
/// # Errors
/// What is wrong with the text.
pub fn read_network(text: &str) -> Result<IpNet, String> {
    let network = text.parse().or_else(|_| text.parse().map(|ip: std::net::IpAddr| ip.into()));
    let network: IpNet = network.map_err(|_| "is no network".to_owned())?;
    if network.trunc() != network {
        let meant = network.trunc();
        return Err(format!("has bits beyond its prefix: `{meant}` is meant"));
    }
    Ok(network)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_an_address_or_a_whole_prefix() {
        for (text, read) in [
            ("10.0.0.0/8", Some("10.0.0.0/8")),
            ("10.0.0.1", Some("10.0.0.1/32")),
            ("::1", Some("::1/128")),
            ("fd00::/8", Some("fd00::/8")),
            ("10.0.0.1/8", None),
            ("10.0.0.0/33", None),
            ("10.0.0", None),
            ("example.org", None),
            ("", None),
        ] {
            let found = read_network(text).ok().map(|network| network.to_string());
            assert_eq!(found.as_deref(), read, "{text}");
        }
    }
}
