//! How goloop's HTTP server takes requests: paths, statuses, refusals. Source:
//! goloop's server package, read in 2026.

use std::time::Duration;

use http::request::Parts;
use http::{HeaderMap, Method, StatusCode};

use super::texts;
use crate::family::Client;
use crate::manners::{Door, Malformed, Manners, Notice};
use crate::rpc::RpcError;

/// See [`crate::family::Family::manners`]. goloop works on the calls of a batch at the same
/// time and loopchain replied as they were done: a client may not rely on their order.
pub const MANNERS: Manners = Manners {
    batch: 10,
    listed: false,
    in_order: false,
    notes: true,
    silent: 200,
    body: 5 * 1024 * 1024,
    connections: 4_096,
    full: None,
};

/// The channel of ICON networks.
pub const CHANNEL: &str = "icon_dex";

/// A set of methods that has a path of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Api {
    /// `/api/v3`
    Main,
    /// `/api/v3d`
    Debug,
}

/// The API that a path names; the text of the 404 where it names none.
///
/// # Errors
/// As goloop words them.
pub fn api(path: &str) -> Result<Api, &'static str> {
    let mut parts = path.strip_prefix("/api/").ok_or("Not Found <nil>")?.split('/');
    let api = match parts.next() {
        Some("v3") => Api::Main,
        Some("v3d") => Api::Debug,
        Some("rosetta") => return Err("rosetta API is disabled"),
        _ => return Err("Not Found <nil>"),
    };
    match (parts.next(), parts.next()) {
        (None | Some("" | CHANNEL), None) => Ok(api),
        (Some(_), None) => Err("No channel"),
        (_, Some(_)) => Err("Not Found <nil>"),
    }
}

/// See [`crate::family::Sim::door`].
#[must_use]
pub fn door(head: &Parts, client: Client) -> Door {
    let plain = client == Client::GoloopPlain;
    let not_found = |text| Door::Say(Notice::new(StatusCode::NOT_FOUND, text));
    match api(head.uri.path()) {
        Err(text) => not_found(text),
        Ok(Api::Debug) if plain => not_found("debug API is disabled"),
        Ok(_) if head.method != Method::POST => {
            Door::Say(Notice::new(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed <nil>"))
        }
        Ok(_) => Door::Read,
    }
}

/// See [`crate::family::Sim::malformed`].
#[must_use]
pub fn malformed(why: Malformed) -> RpcError {
    let request = || texts::error(-32600, "InvalidRequest");
    match why {
        Malformed::Text | Malformed::Json => texts::error(-32700, "ParseError"),
        Malformed::Call => {
            texts::error(-32600, "InvalidRequest: fail to unmarshal, request must be object type")
        }
        Malformed::EmptyBatch => request(),
        Malformed::LongBatch => request().with_text("too many request").with_status(503),
        Malformed::TooLarge => request().with_status(413),
    }
}

/// The time that a caller allows a waiting method: `Icon-Options: timeout=MILLISECONDS`.
#[must_use]
pub fn timeout(headers: &HeaderMap) -> Option<Duration> {
    let options = headers.get("icon-options")?.to_str().ok()?;
    let value = options.split(',').find_map(|option| option.strip_prefix("timeout="))?;
    value.parse().ok().map(Duration::from_millis)
}

/// A duration as Go prints it, for whole milliseconds below a minute.
#[must_use]
pub fn go_duration(time: Duration) -> String {
    match time.as_millis() {
        0 => "0s".to_owned(),
        millis @ 1..1_000 => format!("{millis}ms"),
        millis if millis.is_multiple_of(1_000) => format!("{}s", millis / 1_000),
        millis => {
            let rest = format!("{:03}", millis % 1_000);
            format!("{}.{}s", millis / 1_000, rest.trim_end_matches('0'))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_name_an_api_and_perhaps_the_channel() {
        let rows = [
            ("/api/v3", Ok(Api::Main)),
            ("/api/v3/", Ok(Api::Main)),
            ("/api/v3/icon_dex", Ok(Api::Main)),
            ("/api/v3d/icon_dex", Ok(Api::Debug)),
            ("/api/v3/other", Err("No channel")),
            ("/api/v3/icon_dex/block", Err("Not Found <nil>")),
            ("/api/rosetta", Err("rosetta API is disabled")),
            ("/api/v1", Err("Not Found <nil>")),
            ("/", Err("Not Found <nil>")),
        ];
        for (path, expected) in rows {
            assert_eq!(api(path), expected, "{path}");
        }
    }

    #[test]
    fn durations_read_as_in_go() {
        for (millis, text) in [(0, "0s"), (250, "250ms"), (5_000, "5s"), (1_500, "1.5s")] {
            assert_eq!(go_duration(Duration::from_millis(millis)), text);
        }
    }

    #[test]
    fn the_timeout_stands_among_the_options() {
        let mut headers = HeaderMap::new();
        assert_eq!(timeout(&headers), None);
        headers.insert("icon-options", "debug=true,timeout=1500".parse().unwrap());
        assert_eq!(timeout(&headers), Some(Duration::from_millis(1_500)));
    }
}
