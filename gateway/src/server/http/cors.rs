//! CORS: which web pages may read our answers.
//!
//! A page of an origin that is not allowed is served like everybody else, without
//! the headers that would let it read the answer. Credentials are never allowed.

use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};

use crate::{
    config::Cors,
    server::http::reply::{Reply, empty},
};

const EXPOSED: HeaderValue = HeaderValue::from_static("x-request-id, retry-after");
const METHODS: HeaderValue = HeaderValue::from_static("GET, POST, OPTIONS");
/// `*` does not cover `authorization` (Fetch standard, *CORS-unsafe request-header names*).
const HEADERS: HeaderValue =
    HeaderValue::from_static("content-type, authorization, x-api-key, solana-client, *");
const MAX_AGE: HeaderValue = HeaderValue::from_static("7200");
const ANY: HeaderValue = HeaderValue::from_static("*");

/// What the answer to a request of `origin` says about who may read it.
pub(super) fn allow(cors: &Cors, origin: Option<&HeaderValue>, headers: &mut HeaderMap) {
    if let Cors::Only(_) = cors {
        headers.append(header::VARY, HeaderValue::from_name(header::ORIGIN));
    }
    if let Some(reader) = reader(cors, origin) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, reader);
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    }
}

/// The value that lets `origin` read: absent for a request of no page, or of one
/// that is not allowed.
fn reader(cors: &Cors, origin: Option<&HeaderValue>) -> Option<HeaderValue> {
    let origin = origin?;
    match cors {
        Cors::Any => Some(ANY),
        Cors::Only(origins) => {
            let allowed = origins.iter().any(|allowed| allowed.as_bytes() == origin.as_bytes());
            allowed.then(|| origin.clone())
        }
    }
}

/// The answer to an OPTIONS request: to a pre-flight of an allowed page, what it may do.
pub(super) fn preflight(cors: &Cors, request: &HeaderMap) -> Response<Reply> {
    let mut response = empty(StatusCode::NO_CONTENT);
    let headers = response.headers_mut();
    let asks = request.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    if !asks {
        headers.insert(header::ALLOW, METHODS);
    } else if reader(cors, request.get(header::ORIGIN)).is_some() {
        let allowed: [(HeaderName, HeaderValue); 3] = [
            (header::ACCESS_CONTROL_ALLOW_METHODS, METHODS),
            (header::ACCESS_CONTROL_ALLOW_HEADERS, HEADERS),
            (header::ACCESS_CONTROL_MAX_AGE, MAX_AGE),
        ];
        headers.extend(allowed);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(cors: &Cors, origin: Option<&'static str>, allowed: Option<&str>, vary: bool) {
        let mut headers = HeaderMap::new();
        let origin = origin.map(HeaderValue::from_static);
        allow(cors, origin.as_ref(), &mut headers);
        let told = headers.get(header::ACCESS_CONTROL_ALLOW_ORIGIN);
        assert_eq!(told.and_then(|value| value.to_str().ok()), allowed);
        assert_eq!(headers.contains_key(header::ACCESS_CONTROL_EXPOSE_HEADERS), allowed.is_some());
        assert_eq!(headers.contains_key(header::VARY), vary);
        assert!(!headers.contains_key(header::ACCESS_CONTROL_ALLOW_CREDENTIALS));
    }

    #[test]
    fn any_origin_may_read_without_credentials() {
        check(&Cors::Any, Some("https://a.example"), Some("*"), false);
        check(&Cors::Any, Some("null"), Some("*"), false);
        check(&Cors::Any, None, None, false);
    }

    #[test]
    fn a_list_echoes_its_members_exactly_and_always_varies() {
        let cors = Cors::Only(vec!["https://a.example".into()]);
        check(&cors, Some("https://a.example"), Some("https://a.example"), true);
        check(&cors, Some("https://a.example.evil"), None, true);
        check(&cors, Some("http://a.example"), None, true);
        check(&cors, Some("null"), None, true);
        check(&cors, None, None, true);
    }
}
