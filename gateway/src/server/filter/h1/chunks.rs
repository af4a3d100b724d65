//! A chunked body, to the byte (RFC 9112, section 7.1).

use super::head::{is_text, is_token};

/// Most digits of a chunk's size.
const DIGITS: u8 = 16;
/// Most bytes of all extensions of one body.
const EXTENSIONS: u16 = 4 * 1024;
/// Most fields, and most bytes, of a trailer.
const TRAILERS: u8 = 8;
const TRAILER_BYTES: u16 = 4 * 1024;
/// As much of a trailer's name as tells it from the others.
const NAME: usize = 24;

/// Fields that must not come after the body: they say where it ends, who asks, or where it
/// goes (RFC 9110, section 6.5.1). Dashes stand for underscores too.
const FORBIDDEN: [&[u8]; 22] = [
    b"authorization",
    b"connection",
    b"content-encoding",
    b"content-length",
    b"content-range",
    b"content-type",
    b"cookie",
    b"expect",
    b"forwarded",
    b"host",
    b"keep-alive",
    b"origin",
    b"proxy-authorization",
    b"proxy-connection",
    b"te",
    b"trailer",
    b"transfer-encoding",
    b"upgrade",
    b"x-api-key",
    b"x-forwarded-for",
    b"x-forwarded-host",
    b"x-real-ip",
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Size,
    Extension,
    SizeEnd,
    Data,
    DataCr,
    DataLf,
    /// At the beginning of a trailer's line.
    Line,
    Name,
    Value,
    ValueEnd,
    LastLf,
    End,
}

/// The state of one body.
#[derive(Debug)]
pub struct Chunks {
    part: Part,
    digits: u8,
    /// Bytes of the chunk under way that are still to come.
    left: u64,
    extensions: u16,
    trailers: u8,
    trailer_bytes: u16,
    name: [u8; NAME],
    name_length: usize,
}

impl Default for Chunks {
    fn default() -> Self {
        Self {
            part: Part::Size,
            digits: 0,
            left: 0,
            extensions: 0,
            trailers: 0,
            trailer_bytes: 0,
            name: [0; NAME],
            name_length: 0,
        }
    }
}

/// What makes a body broken at a byte.
struct Broken;

impl Chunks {
    /// How many of these bytes are the body's and whether it ends there; or how many come
    /// before the first wrong one.
    pub fn scan(&mut self, bytes: &[u8]) -> Result<(usize, bool), usize> {
        let mut at = 0;
        while at < bytes.len() {
            if self.part == Part::Data {
                at += self.data(bytes.len() - at);
                continue;
            }
            self.part = self.take(bytes[at]).map_err(|Broken| at)?;
            at += 1;
            if self.part == Part::End {
                return Ok((at, true));
            }
        }
        Ok((at, false))
    }

    /// Passes the data of a chunk, `most` bytes.
    fn data(&mut self, most: usize) -> usize {
        let length = usize::try_from(self.left).unwrap_or(usize::MAX).min(most);
        self.left -= length as u64;
        if self.left == 0 {
            self.part = Part::DataCr;
        }
        length
    }

    fn take(&mut self, byte: u8) -> Result<Part, Broken> {
        match (self.part, byte) {
            (Part::Size, _) if byte.is_ascii_hexdigit() => self.digit(byte),
            (Part::Size, b'\r') if self.digits > 0 => Ok(Part::SizeEnd),
            (Part::Size, b';') if self.digits > 0 => self.extension(),
            (Part::Extension, b'\r') => Ok(Part::SizeEnd),
            (Part::Extension, _) if is_text(&[byte]) => self.extension(),
            (Part::SizeEnd, b'\n') => Ok(self.begin()),
            (Part::DataCr, b'\r') => Ok(Part::DataLf),
            (Part::DataLf, b'\n') => Ok(Part::Size),
            (Part::Line, b'\r') => Ok(Part::LastLf),
            (Part::LastLf, b'\n') => Ok(Part::End),
            _ => self.trailer(byte),
        }
    }

    fn digit(&mut self, byte: u8) -> Result<Part, Broken> {
        self.digits += 1;
        if self.digits > DIGITS {
            return Err(Broken);
        }
        let value = char::from(byte).to_digit(16).ok_or(Broken)?;
        self.left = self.left << 4 | u64::from(value);
        Ok(Part::Size)
    }

    fn extension(&mut self) -> Result<Part, Broken> {
        self.extensions += 1;
        if self.extensions > EXTENSIONS { Err(Broken) } else { Ok(Part::Extension) }
    }

    /// After the line of a chunk's size.
    fn begin(&mut self) -> Part {
        self.digits = 0;
        if self.left == 0 { Part::Line } else { Part::Data }
    }

    fn trailer(&mut self, byte: u8) -> Result<Part, Broken> {
        self.trailer_bytes += 1;
        if self.trailer_bytes > TRAILER_BYTES {
            return Err(Broken);
        }
        match (self.part, byte) {
            (Part::Line, _) if is_token(byte) => {
                self.trailers += 1;
                self.name_length = 0;
                self.name(byte);
                if self.trailers > TRAILERS { Err(Broken) } else { Ok(Part::Name) }
            }
            (Part::Name, _) if is_token(byte) => {
                self.name(byte);
                Ok(Part::Name)
            }
            (Part::Name, b':') if !self.is_forbidden() => Ok(Part::Value),
            (Part::Value, b'\r') => Ok(Part::ValueEnd),
            (Part::Value, _) if is_text(&[byte]) => Ok(Part::Value),
            (Part::ValueEnd, b'\n') => Ok(Part::Line),
            _ => Err(Broken),
        }
    }
    fn name(&mut self, byte: u8) {
        if let Some(place) = self.name.get_mut(self.name_length) {
            *place = if byte == b'_' { b'-' } else { byte.to_ascii_lowercase() };
        }
        self.name_length += 1;
    }

    fn is_forbidden(&self) -> bool {
        self.name.get(..self.name_length).is_some_and(|name| FORBIDDEN.contains(&name))
    }
}
