//! Request heads: what hyper lets through and we do not, whatever the protocol. Lines and
//! framing of HTTP/1 were judged before (`server::filter`).
//!
//! One pass over the fields finds those that matter here and what is wrong with
//! them. Two servers must never read one request differently: what is ambiguous is
//! refused and its connection closed.

use std::borrow::Cow;

use http::{HeaderMap, HeaderValue, Method, Uri, Version, header, request::Parts, uri::Authority};

use crate::{
    error::CallError,
    server::filter::h1::{MAX_FIELDS, MAX_TARGET},
};

/// A request refused before its text was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub error: CallError,
    /// The connection cannot go on, or should not.
    pub close: bool,
}

impl Refusal {
    pub const fn close(error: CallError) -> Self {
        Self { error, close: true }
    }

    pub const fn keep(error: CallError) -> Self {
        Self { error, close: false }
    }
}

/// What a request may ask of us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    /// GET, and HEAD, which counts as GET.
    Get,
    Post,
    Options,
}

/// The fields that matter here.
#[derive(Default)]
struct Fields<'a> {
    host: Option<&'a HeaderValue>,
    length: Option<&'a HeaderValue>,
    /// One of them came twice, or under a name that others take for it; or a field that is
    /// read has bytes beyond visible ASCII, which others read in other ways.
    ambiguous: bool,
}

impl<'a> Fields<'a> {
    fn find(headers: &'a HeaderMap) -> Self {
        let mut fields = Self::default();
        for (name, value) in headers {
            let slot = match *name {
                header::HOST => &mut fields.host,
                header::CONTENT_LENGTH => &mut fields.length,
                header::CONTENT_TYPE | header::CONTENT_ENCODING | header::ORIGIN => {
                    fields.ambiguous |= value.to_str().is_err();
                    continue;
                }
                _ => {
                    fields.ambiguous |= is_twin(name.as_str());
                    continue;
                }
            };
            fields.ambiguous |= slot.replace(value).is_some();
        }
        fields
    }
}

/// Names that some servers read as the one with dashes.
fn is_twin(name: &str) -> bool {
    name.contains('_') && ["content_length", "transfer_encoding", "x_forwarded_for"].contains(&name)
}

/// Checks a head and gives its host: lower case, without port and trailing dot;
/// `None` for HTTP/1.0, which need not say it.
pub(super) fn check(parts: &Parts) -> Result<Option<Cow<'_, str>>, Refusal> {
    if parts.headers.len() > MAX_FIELDS {
        return Err(Refusal::close(CallError::HeadTooLarge));
    }
    let target = parts.uri.path_and_query().map_or("", |target| target.as_str());
    if target.len() > MAX_TARGET {
        return Err(Refusal::close(CallError::TargetTooLong));
    }
    let bad = Refusal::close(CallError::BadHttp);
    let fields = Fields::find(&parts.headers);
    if fields.ambiguous || !target.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(bad);
    }
    // `02` is two to some and octal, or nothing, to others.
    let padded = |length: &HeaderValue| length.len() > 1 && length.as_bytes().starts_with(b"0");
    if fields.length.is_some_and(padded) {
        return Err(bad);
    }
    let named = fields.host.map(HeaderValue::to_str).transpose().map_err(|_| bad.clone())?;
    host(parts.version, &parts.method, &parts.uri, named).map_err(|Ambiguous| bad)
}

/// Host and target contradict each other, or one of them is no host.
struct Ambiguous;

/// The one host that field and target agree on; HTTP/1.1 must name one (RFC 9112,
/// section 3.2).
fn host<'a>(
    version: Version,
    method: &Method,
    uri: &'a Uri,
    field: Option<&'a str>,
) -> Result<Option<Cow<'a, str>>, Ambiguous> {
    if uri.scheme_str().is_some_and(|scheme| scheme != "http" && scheme != "https") {
        return Err(Ambiguous);
    }
    // CONNECT's target is an authority, and is refused for its method.
    let target = uri.authority().filter(|_| *method != Method::CONNECT).map(Authority::as_str);
    let agree = |(one, other): (&str, &str)| one.eq_ignore_ascii_case(other);
    if !field.zip(target).is_none_or(agree) {
        return Err(Ambiguous);
    }
    match target.or(field) {
        Some(authority) => host_of(authority).map(Some).ok_or(Ambiguous),
        None if version < Version::HTTP_11 || *method == Method::CONNECT => Ok(None),
        None => Err(Ambiguous),
    }
}

/// The host of `host[:port]`, in lower case, without a trailing dot.
fn host_of(authority: &str) -> Option<Cow<'_, str>> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let end = rest.find(']')?;
            rest[..end].parse::<std::net::Ipv6Addr>().ok()?;
            (&authority[..end + 2], &rest[end + 1..])
        }
        None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
    };
    if !port.is_empty() {
        let digits = port.strip_prefix(':')?;
        let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
        if !plain || (!digits.is_empty() && digits.parse::<u16>().is_err()) {
            return None;
        }
    }
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    if !host.starts_with('[') && !host.bytes().all(legal) {
        return None;
    }
    let host = host.strip_suffix('.').unwrap_or(host);
    if host.is_empty() {
        return None;
    }
    if host.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Some(Cow::Owned(host.to_ascii_lowercase()));
    }
    Some(Cow::Borrowed(host))
}

/// The verb of a method; `has_body` is an error for all but POST.
pub(super) fn verb(method: &Method, has_body: bool) -> Result<Verb, Refusal> {
    let verb = match *method {
        Method::POST => return Ok(Verb::Post),
        Method::GET | Method::HEAD => Verb::Get,
        Method::OPTIONS => Verb::Options,
        // A tunnel's first bytes must not be read as a next request.
        Method::CONNECT => return Err(Refusal::close(CallError::HttpMethodNotAllowed)),
        Method::PUT | Method::DELETE | Method::PATCH | Method::TRACE => {
            return Err(Refusal::keep(CallError::HttpMethodNotAllowed));
        }
        _ => return Err(Refusal::keep(CallError::HttpMethodUnknown)),
    };
    if has_body {
        return Err(Refusal::close(CallError::BadHttp));
    }
    Ok(verb)
}

/// Checks what a POST says of its text: one content type, JSON in UTF-8, not compressed,
/// nothing expected but `100-continue`, and no WebSocket.
pub(super) fn check_post(headers: &HeaderMap) -> Result<(), Refusal> {
    let says = |value: &HeaderValue, word: &[u8]| value.as_bytes().eq_ignore_ascii_case(word);
    let (mut tunnel, mut expects, mut encoded) = (false, false, false);
    let (mut types, mut json) = (0, false);
    for (name, value) in headers {
        match *name {
            header::UPGRADE => tunnel |= says(value, b"websocket"),
            header::EXPECT => expects |= !says(value, b"100-continue"),
            header::CONTENT_ENCODING => encoded |= !says(value, b"identity"),
            header::CONTENT_TYPE => {
                types += 1;
                json = is_json(value.as_bytes());
            }
            _ => {}
        }
    }
    let refused = [
        (tunnel, CallError::BadHttp),
        (expects, CallError::Expectation),
        (encoded, CallError::UnsupportedEncoding),
        (types != 1 || !json, CallError::UnsupportedMediaType),
    ];
    let first = refused.into_iter().find(|(applies, _)| *applies);
    first.map_or(Ok(()), |(_, error)| Err(Refusal::keep(error)))
}

/// Whether a content type is JSON in UTF-8. No page can send one without a
/// pre-flight, which is what refusing the others is for.
fn is_json(value: &[u8]) -> bool {
    if value == b"application/json" {
        return true;
    }
    let Ok(value) = std::str::from_utf8(value) else { return false };
    let mut parts = value.split(';').map(str::trim);
    let kind = parts.next().unwrap_or_default();
    // The two others are older names that geth takes as well.
    ["application/json", "application/json-rpc", "application/jsonrequest"]
        .iter()
        .any(|json| kind.eq_ignore_ascii_case(json))
        && parts.all(|parameter| match parameter.split_once('=') {
            Some((name, value)) if name.trim().eq_ignore_ascii_case("charset") => {
                let charset = value.trim().trim_matches('"');
                charset.eq_ignore_ascii_case("utf-8") || charset.eq_ignore_ascii_case("utf8")
            }
            _ => true,
        })
}

#[cfg(test)]
mod tests;
