//! Who is calling: the client's address as trusted proxies tell it, the prefixes that
//! limits count it under, and the keys and tokens that name it.
//!
//! Pure: headers, keys and the time are arguments. What a client may ask for, and what it
//! has left, is the business of `limits`. Nothing here is ever logged or shown: texts that
//! are no address and credentials that name nobody simply are not there.

pub mod address;
pub mod key;
pub mod prefix;
pub mod token;
