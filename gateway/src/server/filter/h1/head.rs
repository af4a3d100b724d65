//! One request head, line by line.

use bytes::Bytes;
use http::Uri;
use memchr::{memchr, memrchr};

use super::{Fault, HEAD_BYTES, MAX_FIELDS, MAX_TARGET};

/// Most bytes of a request line: a longest target, a method and a version.
const FIRST_LINE: usize = MAX_TARGET + 64;
/// Most empty lines before a request line: some clients end a body with one too many (RFC
/// 9112, section 2.2).
const BLANKS: u8 = 2;

/// How the end of a body is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    None,
    /// Never 0.
    Length(u64),
    Chunked,
}

/// A head that is not complete. Positions count from its first byte.
#[derive(Debug, Default)]
pub struct Head {
    /// Where the line under way begins.
    line: usize,
    /// No line feed between `line` and here.
    searched: usize,
    blanks: u8,
    fields: usize,
    version: Option<Version>,
    length: Option<u64>,
    chunked: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    Old,
    Current,
}

impl Head {
    /// Looks at a head from its beginning, as far as it has come; its length and framing
    /// once it is complete.
    pub fn scan(&mut self, bytes: &[u8]) -> Result<Option<(usize, Framing)>, Fault> {
        let within = &bytes[..bytes.len().min(HEAD_BYTES)];
        while let Some(found) = memchr(b'\n', &within[self.searched..]) {
            let end = self.searched + found;
            let line = &within[self.line..end];
            self.line = end + 1;
            self.searched = self.line;
            self.bound(line.len())?;
            // A bare line feed is a line's end to some.
            let line = line.strip_suffix(b"\r").ok_or(Fault::Bad)?;
            if self.take(line)? {
                return Ok(Some((self.line, self.framing()?)));
            }
        }
        self.searched = within.len();
        self.bound(within.len() - self.line)?;
        if within.len() == HEAD_BYTES { Err(Fault::HeadTooLarge) } else { Ok(None) }
    }

    /// The first line has a bound of its own, which holds before its end has come.
    fn bound(&self, length: usize) -> Result<(), Fault> {
        match self.version {
            None if length > FIRST_LINE => Err(Fault::TargetTooLong),
            _ => Ok(()),
        }
    }

    /// Takes the next line; whether it ends the head.
    fn take(&mut self, line: &[u8]) -> Result<bool, Fault> {
        let Some(version) = self.version else {
            if !line.is_empty() {
                self.version = Some(request_line(line)?);
                return Ok(false);
            }
            self.blanks += 1;
            return if self.blanks > BLANKS { Err(Fault::Bad) } else { Ok(false) };
        };
        if line.is_empty() {
            return Ok(true);
        }
        self.fields += 1;
        if self.fields > MAX_FIELDS {
            return Err(Fault::HeadTooLarge);
        }
        self.field(line, version)?;
        Ok(false)
    }

    fn field(&mut self, line: &[u8], version: Version) -> Result<(), Fault> {
        // No name, a space before the colon, a folded line: all end here.
        let colon = line.iter().position(|byte| !is_token(*byte)).ok_or(Fault::Bad)?;
        let (name, value) = (&line[..colon], &line[colon + 1..]);
        if line[colon] != b':' || name.is_empty() || !is_text(value) {
            return Err(Fault::Bad);
        }
        match name.len() {
            14 if name.eq_ignore_ascii_case(b"content-length") => {
                let length = length(trim(value)).ok_or(Fault::Bad)?;
                if self.length.replace(length).is_some() {
                    return Err(Fault::Bad);
                }
            }
            17 if name.eq_ignore_ascii_case(b"transfer-encoding") => {
                if version == Version::Old || self.chunked {
                    return Err(Fault::Bad);
                }
                coding(trim(value))?;
                self.chunked = true;
            }
            _ => {}
        }
        Ok(())
    }

    fn framing(&self) -> Result<Framing, Fault> {
        match (self.chunked, self.length) {
            (true, Some(_)) => Err(Fault::TwoFramings),
            (true, None) => Ok(Framing::Chunked),
            (false, None | Some(0)) => Ok(Framing::None),
            (false, Some(length)) => Ok(Framing::Length(length)),
        }
    }
}

/// `method SP target SP version`, nothing more.
fn request_line(line: &[u8]) -> Result<Version, Fault> {
    let first = memchr(b' ', line).ok_or(Fault::Bad)?;
    let (method, rest) = (&line[..first], &line[first + 1..]);
    let last = memrchr(b' ', rest).ok_or(Fault::Bad)?;
    let (target, version) = (&rest[..last], &rest[last + 1..]);
    if method.is_empty() || !method.iter().copied().all(is_token) {
        return Err(Fault::Bad);
    }
    if target.len() > MAX_TARGET {
        return Err(Fault::TargetTooLong);
    }
    if !is_target(target, method) {
        return Err(Fault::Bad);
    }
    match version {
        b"HTTP/1.1" => Ok(Version::Current),
        b"HTTP/1.0" => Ok(Version::Old),
        [b'H', b'T', b'T', b'P', b'/', b'0'..=b'9', b'.', b'0'..=b'9'] => Err(Fault::Version),
        _ => Err(Fault::Bad),
    }
}

/// A target of the form that goes with its method (RFC 9112, section 3.2), in characters
/// that everybody takes.
fn is_target(target: &[u8], method: &[u8]) -> bool {
    if target.starts_with(b"/") && target.iter().all(|byte| PLAIN[usize::from(*byte)]) {
        return true;
    }
    let absolute = || memchr::memmem::find(target, b"://").is_some();
    let form = target.starts_with(b"/") || target == b"*" || method == b"CONNECT" || absolute();
    form && target.iter().all(|byte| byte.is_ascii_graphic() && *byte != b'#')
        && Uri::from_maybe_shared(Bytes::copy_from_slice(target)).is_ok()
}

/// The one coding we take. Another that is well-formed is one we lack (RFC 9112, section
/// 6.1), anything else is broken.
fn coding(value: &[u8]) -> Result<(), Fault> {
    if value.eq_ignore_ascii_case(b"chunked") {
        return Ok(());
    }
    let known = |coding: &[u8]| coding.eq_ignore_ascii_case(b"chunked");
    let word = |coding: &[u8]| !coding.is_empty() && coding.iter().copied().all(is_token);
    let mut codings = value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
    let well_formed = codings.clone().all(word) && !value.contains(&b'\t');
    if well_formed && codings.any(|coding| !known(coding)) {
        return Err(Fault::Coding);
    }
    Err(Fault::Bad)
}

/// Digits alone, without a zero before them, of a number that fits where others keep it.
fn length(value: &[u8]) -> Option<u64> {
    let padded = value.len() > 1 && value.starts_with(b"0");
    if value.is_empty() || value.len() > 19 || padded || !value.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let digit = |sum: u64, digit: &u8| sum * 10 + u64::from(digit - b'0');
    Some(value.iter().fold(0, digit)).filter(|length| i64::try_from(*length).is_ok())
}

fn trim(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

/// Whether a field's value has no control characters. Folded to the end without a branch,
/// so that the compiler can take many bytes at once.
pub fn is_text(value: &[u8]) -> bool {
    let control = |byte: u8| (byte < b' ') & (byte != b'\t') | (byte == 0x7f);
    !value.iter().fold(false, |found, byte| found | control(*byte))
}

/// Whether a name may have this byte (RFC 9110, section 5.6.2).
pub fn is_token(byte: u8) -> bool {
    TOKEN[usize::from(byte)]
}

const TOKEN: [bool; 256] = table(b"!#$%&'*+-.^_`|~");
/// Of a target, what needs no second look.
const PLAIN: [bool; 256] = table(b"/_-.~%?&=+:@!$'()*,;");

/// Letters, digits, and `others`.
const fn table(others: &[u8]) -> [bool; 256] {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 128 {
        table[byte] = (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    let mut at = 0;
    while at < others.len() {
        table[others[at] as usize] = true;
        at += 1;
    }
    table
}
