//! The metadata of the simulated runtime: version 14, valid and empty.
//!
//! A client that decodes it finds no pallet, so it can read blocks and raw storage but
//! not encode calls by their names.

/// `meta`, version 14; one type (the empty tuple); no pallets; extrinsics of version 4
/// without extensions; the runtime's type.
const METADATA: &[u8] = &[
    b'm', b'e', b't', b'a', 14, // magic, version
    4, 0, 0, 0, 4, 0, 0, // types: id 0, no path, no parameters, a tuple of nothing, no docs
    0, // pallets
    0, 4, 0, // extrinsic: type 0, version 4, no extensions
    0, // type of the runtime
];

/// The bytes that `state_getMetadata` shows.
#[must_use]
pub fn bytes() -> &'static [u8] {
    METADATA
}
