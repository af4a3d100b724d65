//! The header of a block after the merge (Cancun), encoded and hashed as real
//! ones are: `keccak(rlp(header))`, so that whoever reads the JSON can check it.

use super::rlp;
use crate::hash::{Hash, keccak};

/// Keccak of the RLP of an empty list: the uncles of every block after the merge.
pub const EMPTY_UNCLES: Hash = [
    0x1d, 0xcc, 0x4d, 0xe8, 0xde, 0xc7, 0x5d, 0x7a, 0xab, 0x85, 0xb5, 0x67, 0xb6, 0xcc, 0xd4, 0x1a,
    0xd3, 0x12, 0x45, 0x1b, 0x94, 0x8a, 0x74, 0x13, 0xf0, 0xa1, 0x42, 0xfd, 0x40, 0xd4, 0x93, 0x47,
];

/// Keccak of the RLP of an empty string: the root of an empty trie.
pub const EMPTY_ROOT: Hash = [
    0x56, 0xe8, 0x1f, 0x17, 0x1b, 0xcc, 0x55, 0xa6, 0xff, 0x83, 0x45, 0xe6, 0x92, 0xc0, 0xf8, 0x6e,
    0x5b, 0x48, 0xe0, 0x1b, 0x99, 0x6c, 0xad, 0xc0, 0x01, 0x62, 0x2f, 0xb5, 0xe3, 0x63, 0xb4, 0x21,
];

/// A bloom filter over the addresses and topics of a block's logs.
pub type Bloom = [u8; 256];

/// The fields that vary between simulated blocks; the others are constants of
/// the time after the merge (no uncles, difficulty 0, nonce 0, no withdrawals,
/// no blobs).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    pub parent: Hash,
    pub miner: [u8; 20],
    pub state_root: Hash,
    pub transactions_root: Hash,
    pub receipts_root: Hash,
    pub bloom: Bloom,
    pub number: u64,
    pub gas_limit: u64,
    pub gas_used: u64,
    /// Unix seconds.
    pub timestamp: u64,
    pub extra: Vec<u8>,
    pub prev_randao: Hash,
    /// Wei per gas.
    pub base_fee: u64,
    pub beacon_root: Hash,
}

impl Header {
    /// The bytes that are hashed.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut items = Vec::with_capacity(640);
        for hash in [&self.parent, &EMPTY_UNCLES] {
            rlp::push_bytes(&mut items, hash);
        }
        rlp::push_bytes(&mut items, &self.miner);
        for hash in [&self.state_root, &self.transactions_root, &self.receipts_root] {
            rlp::push_bytes(&mut items, hash);
        }
        rlp::push_bytes(&mut items, &self.bloom);
        for value in [0, self.number, self.gas_limit, self.gas_used, self.timestamp] {
            rlp::push_uint(&mut items, u128::from(value));
        }
        rlp::push_bytes(&mut items, &self.extra);
        rlp::push_bytes(&mut items, &self.prev_randao);
        rlp::push_bytes(&mut items, &[0; 8]);
        rlp::push_uint(&mut items, u128::from(self.base_fee));
        rlp::push_bytes(&mut items, &EMPTY_ROOT);
        for blob_gas in [0, 0] {
            rlp::push_uint(&mut items, blob_gas);
        }
        rlp::push_bytes(&mut items, &self.beacon_root);
        let mut out = Vec::with_capacity(items.len() + 3);
        rlp::push_list(&mut out, &items);
        out
    }

    /// The block's hash.
    #[must_use]
    pub fn hash(&self) -> Hash {
        keccak(&[&self.encode()])
    }
}

/// Adds one address or topic to a bloom filter (yellow paper, 4.3.1).
pub fn add_to_bloom(bloom: &mut Bloom, item: &[u8]) {
    let hash = keccak(&[item]);
    for pair in hash[..6].chunks_exact(2) {
        let bit = usize::from(u16::from_be_bytes([pair[0], pair[1]]) & 0x7ff);
        bloom[255 - bit / 8] |= 1 << (bit % 8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::{hex, unhex_array};

    #[test]
    fn the_constants_are_the_hashes_they_claim_to_be() {
        assert_eq!(EMPTY_UNCLES, keccak(&[&[0xc0]]));
        assert_eq!(EMPTY_ROOT, keccak(&[&[0x80]]));
    }

    #[test]
    fn a_header_is_a_list_of_twenty_strings() {
        let bytes = sample().encode();
        let mut reader = rlp::Reader::list_of(&bytes).unwrap();
        assert_eq!(reader.bytes().unwrap(), sample().parent);
        for _ in 1..20 {
            reader.bytes().unwrap();
        }
        assert_eq!(reader.end(), Ok(()));
    }

    #[test]
    fn every_field_moves_the_hash() {
        let base = sample();
        let mut later = base.clone();
        later.timestamp += 1;
        let mut other = base.clone();
        other.extra.push(1);
        assert_ne!(base.hash(), later.hash());
        assert_ne!(base.hash(), other.hash());
        assert_eq!(base.hash(), sample().hash());
    }

    #[test]
    fn a_bloom_holds_three_bits_for_an_item() {
        let mut bloom = [0; 256];
        let item: [u8; 20] = unhex_array("0x095e7baea6a6c7c4c2dfeb977efac326af552d87").unwrap();
        add_to_bloom(&mut bloom, &item);
        assert_eq!(bloom.iter().map(|byte| byte.count_ones()).sum::<u32>(), 3, "{}", hex(&bloom));
    }

    fn sample() -> Header {
        Header {
            parent: [1; 32],
            miner: [2; 20],
            state_root: [3; 32],
            transactions_root: [4; 32],
            receipts_root: [5; 32],
            bloom: [0; 256],
            number: 1,
            gas_limit: 30_000_000,
            gas_used: 21_000,
            timestamp: 1_700_000_000,
            extra: b"x".to_vec(),
            prev_randao: [6; 32],
            base_fee: 7,
            beacon_root: [8; 32],
        }
    }
}
