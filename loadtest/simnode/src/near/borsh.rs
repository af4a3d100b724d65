//! Borsh, as far as NEAR's transactions and headers need it: little-endian integers,
//! strings and lists behind a 32-bit length, variants behind one byte.

use thiserror::Error;

/// Why bytes cannot be read. The words are borsh-rs's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BorshError {
    #[error("Unexpected length of input")]
    Short,
    #[error("Not all bytes read")]
    Left,
    #[error("invalid utf-8 sequence")]
    Text,
    #[error("Unexpected variant tag: {0}")]
    Tag(u8),
}

/// Reads values one after another.
#[derive(Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// How many bytes are left.
    #[must_use]
    pub fn left(&self) -> usize {
        self.rest.len()
    }

    pub fn bytes(&mut self, count: usize) -> Result<&'a [u8], BorshError> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(BorshError::Short)?;
        self.rest = rest;
        Ok(taken)
    }

    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], BorshError> {
        let mut array = [0; N];
        array.copy_from_slice(self.bytes(N)?);
        Ok(array)
    }

    pub fn u8(&mut self) -> Result<u8, BorshError> {
        self.array::<1>().map(|byte| byte[0])
    }

    pub fn u32(&mut self) -> Result<u32, BorshError> {
        self.array().map(u32::from_le_bytes)
    }

    pub fn u64(&mut self) -> Result<u64, BorshError> {
        self.array().map(u64::from_le_bytes)
    }

    pub fn u128(&mut self) -> Result<u128, BorshError> {
        self.array().map(u128::from_le_bytes)
    }

    pub fn data(&mut self) -> Result<&'a [u8], BorshError> {
        let length = self.length()?;
        self.bytes(length)
    }

    pub fn text(&mut self) -> Result<String, BorshError> {
        let data = self.data()?.to_vec();
        String::from_utf8(data).map_err(|_| BorshError::Text)
    }

    /// A list; every item takes at least one byte, so its length bounds the work.
    pub fn list<T>(
        &mut self,
        mut read: impl FnMut(&mut Self) -> Result<T, BorshError>,
    ) -> Result<Vec<T>, BorshError> {
        let count = self.length()?;
        if count > self.left() {
            return Err(BorshError::Short);
        }
        (0..count).map(|_| read(self)).collect()
    }

    fn length(&mut self) -> Result<usize, BorshError> {
        usize::try_from(self.u32()?).map_err(|_| BorshError::Short)
    }

    /// That nothing is left.
    pub fn end(&self) -> Result<(), BorshError> {
        if self.rest.is_empty() { Ok(()) } else { Err(BorshError::Left) }
    }
}

/// Appends bytes behind their length.
pub fn push_data(out: &mut Vec<u8>, data: &[u8]) {
    push_length(out, data.len());
    out.extend_from_slice(data);
}

/// Appends the length of a list; what does not fit is cut, which no caller has.
pub fn push_length(out: &mut Vec<u8>, length: usize) {
    out.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_back_and_the_rest_is_an_error() {
        let mut out = vec![7];
        push_data(&mut out, b"near");
        out.extend_from_slice(&9_u64.to_le_bytes());
        let mut reader = Reader::new(&out);
        assert_eq!(reader.u8(), Ok(7));
        assert_eq!(reader.text().as_deref(), Ok("near"));
        assert_eq!(reader.end(), Err(BorshError::Left));
        assert_eq!(reader.u64(), Ok(9));
        assert_eq!(reader.end(), Ok(()));
        assert_eq!(reader.u32(), Err(BorshError::Short));
    }

    #[test]
    fn a_length_beyond_the_input_is_refused_before_anything_is_made() {
        let mut reader = Reader::new(&[0xff, 0xff, 0xff, 0xff, 1]);
        assert_eq!(reader.list(Reader::u8), Err(BorshError::Short));
    }
}
