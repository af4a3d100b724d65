//! SS58, the way accounts are written for people. Source: docs.polkadot.com,
//! "Accounts: SS58 address format".

use blake2::{Blake2b512, Digest};

use super::extrinsic::AccountId;

/// The account of an SS58 address with a prefix of one or two bytes.
#[must_use]
pub fn account(text: &str) -> Option<AccountId> {
    let bytes = bs58::decode(text).into_vec().ok()?;
    let prefix = if bytes.first()? & 0x40 == 0 { 1 } else { 2 };
    let (body, checksum) = bytes.split_at_checked(prefix + 32)?;
    (checksum_of(body) == *checksum).then(|| body[prefix..].try_into().ok())?
}

/// The SS58 address of an account with the prefix 42.
#[must_use]
pub fn address(account: &AccountId) -> String {
    let mut bytes = vec![42];
    bytes.extend_from_slice(account);
    let checksum = checksum_of(&bytes);
    bytes.extend_from_slice(&checksum);
    bs58::encode(bytes).into_string()
}

fn checksum_of(body: &[u8]) -> [u8; 2] {
    let hash = Blake2b512::new().chain_update(b"SS58PRE").chain_update(body).finalize();
    [hash[0], hash[1]]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::unhex_array;

    #[test]
    fn the_address_of_alice_is_the_known_one() {
        let alice: AccountId =
            unhex_array("0xd43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d")
                .unwrap();
        let known = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";
        assert_eq!(address(&alice), known);
        assert_eq!(account(known), Some(alice));
        // The same account with Polkadot's prefix.
        assert_eq!(account("15oF4uVJwmo4TdGW7VfQxNLavjCXviqxT9S1MgbjMNHr6Sp5"), Some(alice));
        for bad in ["", "5Grwva", "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQZ", "0OIl"] {
            assert_eq!(account(bad), None, "{bad}");
        }
    }
}
