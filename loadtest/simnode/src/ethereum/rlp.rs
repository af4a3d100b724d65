//! Recursive length prefix: the encoding under Ethereum's hashes.
//!
//! Writes by appending to one buffer, reads by borrowing from it. Reading is
//! strict (canonical lengths, no trailing bytes), as in geth.

use thiserror::Error;

/// Why bytes are not the RLP that was asked for. The words are geth's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RlpError {
    #[error("rlp: value size exceeds available input length")]
    TooShort,
    #[error("rlp: non-canonical size information")]
    NonCanonical,
    #[error("rlp: expected input list")]
    ExpectedList,
    #[error("rlp: expected input string or byte")]
    ExpectedString,
    #[error("rlp: input contains more than one value")]
    Trailing,
    #[error("rlp: non-canonical integer (leading zero bytes)")]
    LeadingZero,
    #[error("rlp: input string too long")]
    TooLong,
}

/// Appends a byte string.
pub fn push_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    match bytes {
        [byte] if *byte < 0x80 => out.push(*byte),
        _ => {
            push_length(out, 0x80, bytes.len());
            out.extend_from_slice(bytes);
        }
    }
}

/// Appends an unsigned integer: big-endian without leading zeros, zero is empty.
pub fn push_uint(out: &mut Vec<u8>, value: u128) {
    push_bytes(out, trim(&value.to_be_bytes()));
}

/// Appends a list whose items are already encoded in `payload`.
pub fn push_list(out: &mut Vec<u8>, payload: &[u8]) {
    push_length(out, 0xc0, payload.len());
    out.extend_from_slice(payload);
}

/// `bytes` without leading zeros.
#[must_use]
pub fn trim(bytes: &[u8]) -> &[u8] {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    &bytes[zeros..]
}

fn push_length(out: &mut Vec<u8>, offset: u8, length: usize) {
    if length < 56 {
        out.push(offset + u8::try_from(length).unwrap_or(0));
        return;
    }
    let bytes = length.to_be_bytes();
    let digits = trim(&bytes);
    out.push(offset + 55 + u8::try_from(digits.len()).unwrap_or(0));
    out.extend_from_slice(digits);
}

/// Reads items one after another from a payload.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// The items of the one list that `bytes` must be.
    ///
    /// # Errors
    /// When `bytes` is not exactly one list.
    pub fn list_of(bytes: &'a [u8]) -> Result<Self, RlpError> {
        let mut outer = Self { rest: bytes };
        let list = outer.list()?;
        outer.end()?;
        Ok(list)
    }

    /// The next item, a byte string.
    ///
    /// # Errors
    /// When the next item is missing, malformed or a list.
    pub fn bytes(&mut self) -> Result<&'a [u8], RlpError> {
        let (is_list, payload) = self.item()?;
        if is_list { Err(RlpError::ExpectedString) } else { Ok(payload) }
    }

    /// The next item, a list.
    ///
    /// # Errors
    /// When the next item is missing, malformed or a byte string.
    pub fn list(&mut self) -> Result<Self, RlpError> {
        let (is_list, payload) = self.item()?;
        if is_list { Ok(Self { rest: payload }) } else { Err(RlpError::ExpectedList) }
    }

    /// The next item, an unsigned integer of at most 16 bytes.
    ///
    /// # Errors
    /// When it is longer or has leading zeros.
    pub fn uint(&mut self) -> Result<u128, RlpError> {
        let bytes = self.bytes()?;
        match bytes {
            [0, ..] => Err(RlpError::LeadingZero),
            _ if bytes.len() > 16 => Err(RlpError::TooLong),
            _ => Ok(bytes.iter().fold(0, |value, byte| value << 8 | u128::from(*byte))),
        }
    }

    /// As [`Reader::uint`], within 64 bits.
    ///
    /// # Errors
    /// When it is longer or has leading zeros.
    pub fn uint64(&mut self) -> Result<u64, RlpError> {
        u64::try_from(self.uint()?).map_err(|_| RlpError::TooLong)
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Nothing may be left.
    ///
    /// # Errors
    /// When something is.
    pub fn end(&self) -> Result<(), RlpError> {
        if self.is_empty() { Ok(()) } else { Err(RlpError::Trailing) }
    }

    fn item(&mut self) -> Result<(bool, &'a [u8]), RlpError> {
        let (&first, after) = self.rest.split_first().ok_or(RlpError::TooShort)?;
        match first {
            0..0x80 => {
                let (item, rest) = self.rest.split_at(1);
                self.rest = rest;
                Ok((false, item))
            }
            0x80..0xc0 => {
                let payload = self.take(after, first - 0x80)?;
                match payload {
                    [byte] if *byte < 0x80 => Err(RlpError::NonCanonical),
                    _ => Ok((false, payload)),
                }
            }
            0xc0.. => Ok((true, self.take(after, first - 0xc0)?)),
        }
    }

    fn take(&mut self, after: &'a [u8], code: u8) -> Result<&'a [u8], RlpError> {
        let (length, after) = read_length(after, code)?;
        if length > after.len() {
            return Err(RlpError::TooShort);
        }
        let (payload, rest) = after.split_at(length);
        self.rest = rest;
        Ok(payload)
    }
}

fn read_length(after: &[u8], code: u8) -> Result<(usize, &[u8]), RlpError> {
    if code < 56 {
        return Ok((usize::from(code), after));
    }
    let count = usize::from(code - 55);
    if count > after.len() {
        return Err(RlpError::TooShort);
    }
    let (digits, rest) = after.split_at(count);
    if digits[0] == 0 {
        return Err(RlpError::NonCanonical);
    }
    let length = digits
        .iter()
        .try_fold(0_usize, |value, digit| value.checked_mul(256)?.checked_add(usize::from(*digit)));
    match length {
        Some(length) if length >= 56 => Ok((length, rest)),
        Some(_) => Err(RlpError::NonCanonical),
        None => Err(RlpError::TooShort),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(payload: &[u8], expected: &[u8]) {
        let mut out = Vec::new();
        push_bytes(&mut out, payload);
        assert_eq!(out, expected);
        let mut reader = Reader { rest: &out };
        assert_eq!(reader.bytes(), Ok(payload));
        assert_eq!(reader.end(), Ok(()));
    }

    #[test]
    fn byte_strings_encode_as_in_the_specification() {
        check(b"", &[0x80]);
        check(&[0x7f], &[0x7f]);
        check(&[0x80], &[0x81, 0x80]);
        check(b"dog", b"\x83dog");
        let long = [7_u8; 60];
        check(&long, &[&[0xb8, 60], &long[..]].concat());
    }

    #[test]
    fn malformed_input_is_refused_with_its_reason() {
        let rows: [(&[u8], RlpError); 6] = [
            (&[0xc1], RlpError::TooShort),
            (&[0x83, 1], RlpError::ExpectedList),
            (&[0xc0, 0], RlpError::Trailing),
            (&[0xf8, 1, 0], RlpError::NonCanonical),
            (&[0xff, 255, 255, 255, 255, 255, 255, 255, 255], RlpError::TooShort),
            (&[], RlpError::TooShort),
        ];
        for (bytes, error) in rows {
            match Reader::list_of(bytes) {
                Err(seen) if bytes != [0x83, 1] => assert_eq!(seen, error, "{bytes:?}"),
                Err(_) => {}
                Ok(_) => panic!("{bytes:?} was accepted"),
            }
        }
        let mut zeros = Reader { rest: &[0x82, 0, 1] };
        assert_eq!(zeros.uint(), Err(RlpError::LeadingZero));
    }

    proptest! {
        #[test]
        fn integers_read_back(value: u128) {
            let mut out = Vec::new();
            push_uint(&mut out, value);
            prop_assert_eq!(Reader { rest: &out }.uint(), Ok(value));
        }

        #[test]
        fn lists_of_strings_read_back(items: Vec<Vec<u8>>) {
            let mut payload = Vec::new();
            items.iter().for_each(|item| push_bytes(&mut payload, item));
            let mut out = Vec::new();
            push_list(&mut out, &payload);
            let mut reader = Reader::list_of(&out).unwrap();
            for item in &items {
                prop_assert_eq!(reader.bytes().unwrap(), &item[..]);
            }
            prop_assert!(reader.is_empty());
        }

        #[test]
        fn no_bytes_make_the_reader_panic(bytes: Vec<u8>) {
            if let Ok(mut reader) = Reader::list_of(&bytes) {
                while !reader.is_empty() && reader.item().is_ok() {}
            }
        }
    }
}
