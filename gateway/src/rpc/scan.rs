//! One strict pass over JSON text: grammar, strings, numbers, depth, tokens,
//! members and repeated member names. It hands out slices and builds nothing.
//!
//! What must hold: the text is UTF-8 already; no input recurses (containers
//! stand on an explicit stack), and the cost is linear in the text but for the
//! sort of one object's names, which is bounded by [`ReadLimits::members`].

use std::borrow::Cow;

use smallvec::SmallVec;

use super::{Invalid, ReadLimits};

/// Longest number text that is read from clients.
const NUMBER_CHARS: usize = 64;
/// Up to so many names are compared pairwise: cheaper than sorting them.
const PAIRWISE: usize = 8;

/// A container that is open: its kind, and where its names begin.
#[derive(Clone, Copy)]
struct Open {
    object: bool,
    names: u32,
}

/// A place in a text, with what may still be read.
pub(crate) struct Scanner<'a> {
    text: &'a str,
    at: usize,
    /// Containers the caller opened itself by [`Scanner::enter`].
    outside: u32,
    depth: u32,
    tokens: u32,
    members: u32,
    /// Longest number text that is read.
    number: usize,
    watch_names: bool,
    open: SmallVec<[Open; 32]>,
    names: SmallVec<[&'a str; 16]>,
    /// A string since this was last cleared had an escape.
    escaped: bool,
    /// An object of the last [`Scanner::value`] had a name twice.
    pub repeated: bool,
}

impl<'a> Scanner<'a> {
    /// For text from clients: every limit holds.
    pub fn new(text: &'a str, limits: &ReadLimits) -> Self {
        Self {
            text,
            at: 0,
            outside: 0,
            depth: limits.depth,
            tokens: limits.tokens,
            members: limits.members,
            number: NUMBER_CHARS,
            watch_names: true,
            open: SmallVec::new(),
            names: SmallVec::new(),
            escaped: false,
            repeated: false,
        }
    }

    /// For text from nodes, bounded by its bytes only: traces nest deeply, and
    /// names inside results are the client's business.
    pub fn unlimited(text: &'a str) -> Self {
        let all = ReadLimits { depth: u32::MAX, tokens: u32::MAX, members: u32::MAX, items: 0 };
        Self { number: usize::MAX, watch_names: false, ..Self::new(text, &all) }
    }

    /// The next byte that is not white space, not consumed.
    #[inline]
    pub fn peek(&mut self) -> Option<u8> {
        loop {
            let byte = *self.text.as_bytes().get(self.at)?;
            if byte > b' ' || !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                return Some(byte);
            }
            self.at += 1;
        }
    }

    /// Consumes `byte` if it comes next.
    #[inline]
    pub fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    /// Consumes an opening bracket whose content the caller reads itself.
    pub fn enter(&mut self) -> Result<(), Invalid> {
        self.token()?;
        if self.outside >= self.depth {
            return Err(Invalid::TooDeep);
        }
        self.outside += 1;
        self.at += 1;
        Ok(())
    }

    /// The caller consumed the closing bracket of its innermost [`Scanner::enter`].
    pub fn leave(&mut self) {
        self.outside -= 1;
    }

    /// Nothing but white space is left.
    pub fn end(&mut self) -> Result<(), Invalid> {
        if self.peek().is_some() { Err(Invalid::Parse) } else { Ok(()) }
    }

    /// Reads one value of any kind; its raw text.
    pub fn value(&mut self) -> Result<&'a str, Invalid> {
        let first = self.peek();
        let start = self.at;
        self.repeated = false;
        if matches!(first, Some(b'{' | b'[')) {
            self.escaped = false;
            self.open.clear();
            self.names.clear();
            while self.begin()? || self.follow()? {}
        } else {
            self.begin()?;
        }
        self.since(start)
    }

    /// As [`Scanner::value`], for an id: one that is too long is refused as an id, also
    /// where it is a number.
    pub fn id(&mut self) -> Result<&'a str, Invalid> {
        let number = std::mem::replace(&mut self.number, usize::MAX);
        let value = self.value();
        self.number = number;
        value
    }

    /// Reads a member's name and its colon; the name is decoded.
    pub fn member(&mut self) -> Result<Cow<'a, str>, Invalid> {
        self.escaped = false;
        let name = self.name()?;
        Ok(if self.escaped { unescape(name) } else { Cow::Borrowed(name) })
    }

    /// The raw text between the quotes of a name that a colon follows.
    fn name(&mut self) -> Result<&'a str, Invalid> {
        if self.peek() != Some(b'"') {
            return Err(Invalid::Parse);
        }
        let name = self.string()?;
        if self.take(b':') { Ok(name) } else { Err(Invalid::Parse) }
    }

    /// Reads a scalar or opens a container; true if a value must follow at once.
    fn begin(&mut self) -> Result<bool, Invalid> {
        match self.peek() {
            Some(b'"') => self.string().map(|_| false),
            Some(b'{') => self.open(true, b'}'),
            Some(b'[') => self.open(false, b']'),
            Some(b'-' | b'0'..=b'9') => self.number().map(|()| false),
            Some(b't') => self.word("true"),
            Some(b'f') => self.word("false"),
            Some(b'n') => self.word("null"),
            _ => Err(Invalid::Parse),
        }
    }

    /// After a value: closes what closes; true if another value must follow.
    fn follow(&mut self) -> Result<bool, Invalid> {
        while let Some(&Open { object, names }) = self.open.last() {
            match (self.peek(), object) {
                (Some(b','), true) => {
                    self.at += 1;
                    return self.inner_name(names).map(|()| true);
                }
                (Some(b','), false) => {
                    self.at += 1;
                    return Ok(true);
                }
                (Some(b'}'), true) => self.close_object(names as usize),
                (Some(b']'), false) => {}
                _ => return Err(Invalid::Parse),
            }
            self.at += 1;
            self.open.pop();
        }
        Ok(false)
    }

    fn open(&mut self, object: bool, closing: u8) -> Result<bool, Invalid> {
        self.token()?;
        if self.open.len() as u64 + u64::from(self.outside) >= u64::from(self.depth) {
            return Err(Invalid::TooDeep);
        }
        self.at += 1;
        if self.take(closing) {
            return Ok(false);
        }
        let names = self.names.len() as u32;
        self.open.push(Open { object, names });
        if object {
            self.inner_name(names)?;
        }
        Ok(true)
    }

    fn inner_name(&mut self, first: u32) -> Result<(), Invalid> {
        let name = self.name()?;
        if !self.watch_names {
            return Ok(());
        }
        self.names.push(name);
        if self.names.len() - first as usize > self.members as usize {
            return Err(Invalid::TooComplex);
        }
        Ok(())
    }

    fn close_object(&mut self, first: usize) {
        if self.watch_names {
            self.repeated |= any_twice(&mut self.names[first..], self.escaped);
            self.names.truncate(first);
        }
    }

    fn token(&mut self) -> Result<(), Invalid> {
        self.tokens = self.tokens.checked_sub(1).ok_or(Invalid::TooComplex)?;
        Ok(())
    }

    fn word(&mut self, word: &str) -> Result<bool, Invalid> {
        self.token()?;
        if !self.text.as_bytes()[self.at..].starts_with(word.as_bytes()) {
            return Err(Invalid::Parse);
        }
        self.at += word.len();
        Ok(false)
    }

    fn number(&mut self) -> Result<(), Invalid> {
        self.token()?;
        let start = self.at;
        self.skip(b'-');
        if self.skip(b'0') {
            // a leading zero stands alone
        } else {
            self.digits()?;
        }
        if self.skip(b'.') {
            self.digits()?;
        }
        if self.skip(b'e') || self.skip(b'E') {
            let _sign = self.skip(b'-') || self.skip(b'+');
            self.digits()?;
        }
        if self.at - start > self.number { Err(Invalid::Parse) } else { Ok(()) }
    }

    fn digits(&mut self) -> Result<(), Invalid> {
        let rest = &self.text.as_bytes()[self.at..];
        let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        if count == 0 { Err(Invalid::Parse) } else { Ok(()) }
    }

    fn skip(&mut self, byte: u8) -> bool {
        let found = self.text.as_bytes().get(self.at) == Some(&byte);
        self.at += usize::from(found);
        found
    }

    /// Stands on the opening quote; the raw text between the quotes.
    fn string(&mut self) -> Result<&'a str, Invalid> {
        self.token()?;
        self.at += 1;
        let start = self.at;
        loop {
            self.at = special(self.text.as_bytes(), self.at).ok_or(Invalid::Parse)?;
            match self.text.as_bytes()[self.at] {
                b'"' => break,
                b'\\' => self.escape()?,
                _ => return Err(Invalid::Parse),
            }
        }
        let inner = self.since(start)?;
        self.at += 1;
        Ok(inner)
    }

    #[cold]
    fn escape(&mut self) -> Result<(), Invalid> {
        self.escaped = true;
        let letter = self.text.as_bytes().get(self.at + 1);
        match letter {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 2,
            Some(b'u') => match self.unit(self.at).ok_or(Invalid::Parse)? {
                0xDC00..=0xDFFF => return Err(Invalid::Parse),
                0xD800..=0xDBFF => {
                    let low = self.unit(self.at + 6).ok_or(Invalid::Parse)?;
                    if !(0xDC00..=0xDFFF).contains(&low) {
                        return Err(Invalid::Parse);
                    }
                    self.at += 12;
                }
                _ => self.at += 6,
            },
            _ => return Err(Invalid::Parse),
        }
        Ok(())
    }

    /// The code unit of the `\uXXXX` at `at`.
    fn unit(&self, at: usize) -> Option<u16> {
        let escape = self.text.as_bytes().get(at..at + 6)?;
        let digits = escape.strip_prefix(b"\\u")?;
        digits.iter().try_fold(0u16, |unit, &digit| {
            let value = (digit as char).to_digit(16)?;
            Some(unit << 4 | u16::try_from(value).ok()?)
        })
    }

    fn since(&self, start: usize) -> Result<&'a str, Invalid> {
        self.text.get(start..self.at).ok_or(Invalid::Parse)
    }
}

/// Where the first quote, backslash or control character stands at or after `at`.
pub(crate) fn special(bytes: &[u8], mut at: usize) -> Option<usize> {
    while let Some((word, _)) = bytes.get(at..)?.split_first_chunk::<8>() {
        let found = special_in_word(u64::from_le_bytes(*word));
        if found != 0 {
            return Some(at + found.trailing_zeros() as usize / 8);
        }
        at += 8;
    }
    let rest = bytes.get(at..)?;
    rest.iter().position(|&byte| byte == b'"' || byte == b'\\' || byte < 0x20).map(|n| at + n)
}

/// High bits of the bytes that are special; only the lowest set one is exact,
/// as a borrow may mark bytes above it
/// (<https://graphics.stanford.edu/~seander/bithacks.html#HasLessInWord>).
const fn special_in_word(word: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let quote = word ^ (ONES * b'"' as u64);
    let slash = word ^ (ONES * b'\\' as u64);
    let quote = quote.wrapping_sub(ONES) & !quote;
    let slash = slash.wrapping_sub(ONES) & !slash;
    let control = word.wrapping_sub(ONES * 0x20) & !word;
    (quote | slash | control) & HIGH
}

/// Whether two names mean the same text. Escapes, if there are any, are resolved first.
fn any_twice(names: &mut [&str], escaped: bool) -> bool {
    if names.len() < 2 {
        return false;
    }
    if escaped {
        let mut decoded: Vec<_> = names.iter().map(|name| unescape(name)).collect();
        decoded.sort_unstable();
        return decoded.windows(2).any(|pair| pair[0] == pair[1]);
    }
    if names.len() <= PAIRWISE {
        return (1..names.len()).any(|n| names[..n].contains(&names[n]));
    }
    names.sort_unstable();
    names.windows(2).any(|pair| pair[0] == pair[1])
}

/// Resolves the escapes of a string's inner text that was scanned before.
/// What is no valid escape stays as it is.
pub(crate) fn unescape(inner: &str) -> Cow<'_, str> {
    let Some(first) = memchr::memchr(b'\\', inner.as_bytes()) else {
        return Cow::Borrowed(inner);
    };
    let mut text = String::with_capacity(inner.len());
    let mut rest = inner;
    let mut slash = Some(first);
    while let Some(at) = slash {
        text.push_str(&rest[..at]);
        let (letter, len) = escaped(&rest[at..]);
        text.push(letter);
        rest = &rest[at + len..];
        slash = rest.find('\\');
    }
    text.push_str(rest);
    Cow::Owned(text)
}

/// The character of the escape that `text` begins with, and the escape's length.
fn escaped(text: &str) -> (char, usize) {
    let letter = match text.as_bytes().get(1) {
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(b'n') => '\n',
        Some(b'r') => '\r',
        Some(b't') => '\t',
        Some(&same @ (b'"' | b'\\' | b'/')) => same as char,
        Some(b'u') => return escaped_unit(text).unwrap_or(('\\', 1)),
        _ => return ('\\', 1),
    };
    (letter, 2)
}

fn escaped_unit(text: &str) -> Option<(char, usize)> {
    let unit = |at: usize| u32::from_str_radix(text.get(at..at + 4)?, 16).ok();
    let high = unit(2)?;
    if let Some(letter) = char::from_u32(high) {
        return Some((letter, 6));
    }
    let low = unit(8)?;
    let joined = 0x1_0000 + ((high & 0x3FF) << 10 | (low & 0x3FF));
    Some((char::from_u32(joined)?, 12))
}
