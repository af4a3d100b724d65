//! The forms that a text in the config may have: one check, one description and
//! one pattern (for the JSON schema) each.

use std::net::SocketAddr;

use crate::config::{Endpoint, Route, edge::read_network, endpoint::read_host};

/// The form of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Of a chain, zone or node.
    Name,
    /// `address:port` to listen on.
    Listen,
    /// `http://…` or `https://…` of a node.
    Endpoint,
    /// `10.0.0.0/8`, or one address.
    Network,
    /// A path or a host.
    Route,
    Host,
    /// That a TLS client asks for: a host, or `*.` and a host for all one label below it.
    ServerName,
    /// Of a browser client: scheme, host, port.
    Origin,
    /// Of an HTTP header.
    Header,
    /// Of a JSON-RPC method.
    Method,
    /// Of a chain: an id or a genesis hash; which, is the family's to say.
    Identity,
    /// Printable ASCII without spaces.
    Word,
    /// Of a file, relative to the config's folder or absolute.
    File,
    /// A method table's block column; its grammar is the table's.
    Block,
}

impl Form {
    /// What the text must be, as shown after `allowed:`.
    pub const fn allowed(self) -> &'static str {
        match self {
            Self::Name => "1 to 63 of a-z, 0-9 and -, not beginning with -",
            Self::Listen => "an IP address and port such as \"127.0.0.1:8545\" or \"[::]:8545\"",
            Self::Network => "a network such as \"10.0.0.0/8\" or \"fd00::/8\", or one address",
            Self::Word => "1 to 128 printable ASCII characters",
            Self::Endpoint => "http://host[:port][/path] or https://host[:port][/path]",
            Self::Route => "a path such as \"/eth\" or a host such as \"eth.example.org\"",
            Self::Host => "a host name or IPv4 address without port",
            Self::ServerName => {
                "a host name, or one with `*` for its first label: \"*.example.org\""
            }
            Self::Origin => "an origin such as \"https://app.example.org\", without a path",
            Self::Header => "an HTTP header name other than those of the connection itself",
            Self::Method => "a JSON-RPC method name: 1 to 128 printable ASCII characters",
            Self::Identity => {
                "a chain id or network id (\"0x539\" or 1337), a chain's name (\"mainnet\") or a genesis \
                 hash, as the family has it"
            }
            Self::File => "the path of a file, relative to this file's folder or absolute",
            Self::Block => "a block reference as the method table writes it",
        }
    }

    /// Regular expression of the form, not anchored; looser than [`Form::check`].
    pub const fn pattern(self) -> &'static str {
        match self {
            Self::Name => "[a-z0-9][a-z0-9-]{0,62}",
            Self::Listen => r".+:[0-9]{1,5}",
            Self::Network => r"[0-9A-Fa-f.:]+(/[0-9]{1,3})?",
            Self::Word => r"[!-~]{1,128}",
            Self::Endpoint => r"[Hh][Tt][Tt][Pp][Ss]?://[^@#\s]+",
            Self::Route => r"(/[A-Za-z0-9._~/-]*|[A-Za-z0-9._-]+)",
            Self::Host => r"[A-Za-z0-9._-]+",
            Self::ServerName => r"(\*\.)?[A-Za-z0-9._-]+",
            Self::Origin => r"https?://[^/\s]+",
            Self::Header => r"[!#$%&'*+.^_`|~0-9A-Za-z-]+",
            Self::Method => r"[!-~]{1,128}",
            Self::Identity => r"[!-~]{1,128}",
            Self::File | Self::Block => ".+",
        }
    }

    /// Whether `text` has this form.
    ///
    /// # Errors
    /// What is wrong, to be read after the key's name; never repeats a text that may hold a key.
    pub fn check(self, text: &str) -> Result<(), String> {
        match self {
            Self::Name => accept(is_name(text), text, "a name"),
            Self::Listen => accept(text.parse::<SocketAddr>().is_ok(), text, "an address and port"),
            Self::Network => {
                read_network(text).map(drop).map_err(|why| format!("`{}` {why}", clip(text)))
            }
            Self::Word => accept(is_word(text), text, "a word"),
            Self::Endpoint => Endpoint::read(text).map(drop),
            Self::Route => Route::read(text).map(drop),
            Self::Host => read_host(text).map(drop),
            Self::ServerName => read_host(text.strip_prefix("*.").unwrap_or(text)).map(drop),
            Self::Origin => accept(is_origin(text), text, "an origin"),
            Self::Header => check_header(text),
            Self::Method => accept(is_word(text), text, "a method name"),
            Self::Identity => accept(is_word(text), text, "an identity"),
            Self::File => accept(!text.contains('\0'), "it", "a path"),
            Self::Block => accept(text.len() <= 128, text, "a block reference"),
        }
    }
}

fn accept(fits: bool, text: &str, what: &str) -> Result<(), String> {
    if fits { Ok(()) } else { Err(format!("`{}` is not {what}", clip(text))) }
}

/// `text` for a message: at most 80 characters of it.
pub fn clip(text: &str) -> String {
    match text.char_indices().nth(80) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn is_name(text: &str) -> bool {
    let fits = (1..=63).contains(&text.len()) && !text.starts_with('-');
    fits && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}

fn is_word(text: &str) -> bool {
    (1..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

fn is_origin(text: &str) -> bool {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let plain = |host: &str| !host.contains(['/', '?', '#', '@', '*']);
    host.is_some_and(|host| plain(host) && http::uri::Authority::try_from(host).is_ok())
}

/// Headers that belong to one connection or to the message's framing (RFC 9110,
/// section 7.6.1): the gateway writes these itself.
const OWN_HEADERS: [&str; 12] = [
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "host",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

fn check_header(text: &str) -> Result<(), String> {
    let lower = text.to_ascii_lowercase();
    if OWN_HEADERS.contains(&lower.as_str()) {
        return Err(format!("`{lower}` is written by the gateway itself"));
    }
    accept(http::HeaderName::from_bytes(text.as_bytes()).is_ok(), text, "a header name")
}

impl Route {
    /// Reads `/path` or a host.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn read(text: &str) -> Result<Self, String> {
        let Some(path) = text.strip_prefix('/') else {
            return read_host(text).map(Self::Host);
        };
        if path.is_empty() {
            return Ok(Self::Path("/".to_owned()));
        }
        let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        let segment = |part: &str| !matches!(part, "" | "." | "..") && part.bytes().all(unreserved);
        if !path.split('/').all(segment) {
            return Err(format!("`{}` is not a path of plain segments", clip(text)));
        }
        if let Some(reserved @ ("livez" | "readyz")) = path.split('/').next() {
            return Err(format!("`/{reserved}` is the gateway's own"));
        }
        Ok(Self::Path(text.to_owned()))
    }
}

impl std::fmt::Display for Route {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Path(text) | Self::Host(text) => f.write_str(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every text of `good` has the form and none of `bad` has.
    fn check(form: Form, good: &[&str], bad: &[&str]) {
        for text in good {
            assert_eq!(form.check(text), Ok(()), "{form:?} {text}");
        }
        for text in bad {
            assert!(form.check(text).is_err(), "{form:?} {text}");
        }
    }

    #[test]
    fn names_are_dns_labels() {
        let long = "a".repeat(63);
        let longer = "a".repeat(64);
        check(
            Form::Name,
            &["eth", "0x", "eu-1a", &long],
            &["", "-a", "Eth", "a_b", "a.b", &longer],
        );
    }

    #[test]
    fn listen_addresses_are_ip_and_port() {
        check(
            Form::Listen,
            &["0.0.0.0:8545", "[::]:0"],
            &["8545", ":8545", "localhost:1", "1.2.3.4", "1.2.3.4:65536"],
        );
    }

    #[test]
    fn routes_are_plain_paths_or_hosts() {
        check(
            Form::Route,
            &["/", "/eth", "/eth/main.net", "eth.example.org", "/livezz"],
            &["", "/eth/", "//", "/a//b", "/..", "/a b", "/é", "/livez", "/readyz/eth", "h:80"],
        );
    }

    #[test]
    fn headers_of_the_connection_are_refused() {
        check(
            Form::Header,
            &["authorization", "X-Api-Key"],
            &["", "a b", "Host", "content-length", "Transfer-Encoding"],
        );
    }

    #[test]
    fn server_names_may_have_a_star_for_their_first_label() {
        check(
            Form::ServerName,
            &["rpc.example.org", "*.example.org"],
            &["", "*", "*.", "a.*.org", "*a.org", "*.*.org", "rpc.example.org:443"],
        );
    }

    #[test]
    fn origins_have_no_path() {
        check(
            Form::Origin,
            &["https://app.example.org", "http://localhost:3000"],
            &[
                "*",
                "app.example.org",
                "https://a/",
                "https://a/b",
                "null",
                "https://",
                "https://*.a",
            ],
        );
    }
}
