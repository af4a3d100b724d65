//! What a client can get from *us*: one enum, exhaustive matches, no string
//! comparison. A node's own error is a reply and never passes through here.

use crate::{method::BadParams, names::Hash, rpc::Invalid};

/// An error of the gateway's own making.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallError {
    Invalid(Invalid),
    /// Unknown and refused methods: the same bytes for both (B96, B97).
    MethodNotFound,
    NeedsWebsocket,
    BadParams(BadParams),
    // whole-request refusals of the edge
    BodyTooLarge {
        limit: u64,
        actual: Option<u64>,
    },
    BodiesFull,
    BodyTimeout,
    UnsupportedMediaType,
    UnsupportedEncoding,
    RouteNotFound,
    HttpMethodNotAllowed,
    HttpMethodUnknown,
    BadHttp,
    /// A transfer coding other than `chunked`: 501 (B10).
    TransferCoding,
    /// Request target over 8 KiB: 414 (B24).
    TargetTooLong,
    /// More header fields than allowed: 431 (B24, B34).
    HeadTooLarge,
    /// The body ended before its declared length: logged as 400, never sent (B53).
    ClientTruncated,
    Expectation,
    Misdirected,
    Unauthenticated,
    // after choosing
    NoNode,
    HeadUnavailable,
    ArchiveUnavailable,
    HistoryPruned,
    BlockNotFound,
    RangeBeyondHead,
    Deadline,
    UpstreamInvalid,
    ResponseTooLarge {
        limit: u64,
    },
    WriteInDoubt {
        hash: Option<Hash>,
    },
    Draining,
    /// The client left: logged as 499, never sent (B119).
    ClientGone,
    Internal,
}
