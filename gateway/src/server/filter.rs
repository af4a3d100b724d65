//! The byte filter between a client's socket and hyper: what hyper's parsers swallow, or
//! answer in ways of their own, is seen here first.
//!
//! [`h1`] judges request heads and shadows the framing of bodies, [`h2`] counts frames.
//! Both are pure: bytes (and the time) in, verdicts out. [`Gate`] puts them into the way of
//! what is read and written. What a request means is `http::head`'s business.

mod gate;
pub mod h1;
pub mod h2;

pub(super) use gate::{Frames, Gate, Heads};

use crate::error::CallError;

/// Why a head never reaches hyper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Two servers could read it differently, or it is no HTTP.
    Bad,
    /// Both a length and a transfer coding.
    TwoFramings,
    /// A well-formed version that is neither 1.0 nor 1.1.
    Version,
    /// A transfer coding other than `chunked`.
    Coding,
    TargetTooLong,
    HeadTooLarge,
}

impl From<Fault> for CallError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Bad => Self::BadHttp,
            Fault::TwoFramings => Self::SmugglingClTe,
            Fault::Version => Self::HttpVersion,
            Fault::Coding => Self::TransferCoding,
            Fault::TargetTooLong => Self::TargetTooLong,
            Fault::HeadTooLarge => Self::HeadTooLarge,
        }
    }
}
