//! What a client can get from *us*: one enum, exhaustive matches, no string
//! comparison. A node's own error is a reply and never passes through here.
//!
//! Each error has one [`Reason`], a closed set that is the metric label, the word in
//! the access log and `data.reason`. Nothing a client or a node sent is ever
//! repeated: messages are canonical, data holds words and numbers of ours.

mod reason;
mod write;

pub use reason::{Reason, Retry, Side};
pub use write::RetryAfter;

use crate::{family::Family, method::BadParams, names::Hash, route::Decision, rpc::Invalid};

/// What an error's code and canonical message stand for; each family has its own
/// numbers: [`Family::error_code`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    Parse,
    InvalidRequest,
    MethodNotFound,
    /// A method that needs a connection which stays.
    NeedsWebsocket,
    InvalidParams,
    Internal,
    /// A block that no node has yet.
    NotFound,
    /// Data that no node has any more.
    Pruned,
    /// No node can serve, or none in time. Client libraries do not repeat it.
    Unavailable,
    /// The reply is larger than it may be.
    TooLarge,
    /// No node serves a method that the chain allows.
    NotSupported,
    /// Nodes would refuse it, whatever their state.
    InvalidInput,
    /// Too much now. Client libraries repeat it, after the time it names.
    Limit,
}

/// An error of the gateway's own making.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallError {
    Invalid(Invalid),
    /// Unknown and refused methods: the same bytes for both, so that nobody can list what is
    /// refused.
    MethodNotFound,
    NeedsWebsocket,
    BadParams(BadParams),
    // whole-request refusals of the edge
    BodyTooLarge {
        limit: u64,
        actual: Option<u64>,
    },
    /// All request bodies in flight together fill their bound.
    BodiesFull,
    BodyTimeout,
    UnsupportedMediaType,
    UnsupportedEncoding,
    RouteNotFound,
    HttpMethodNotAllowed,
    HttpMethodUnknown,
    BadHttp,
    /// A transfer coding other than `chunked`: 501.
    TransferCoding,
    /// Request target over 8 KiB: 414.
    TargetTooLong,
    /// More header fields than allowed: 431.
    HeadTooLarge,
    /// The body ended before its declared length: logged as 400, never sent.
    ClientTruncated,
    Expectation,
    Misdirected,
    Unauthenticated,
    /// Too many keys that are not valid came from the address.
    TooManyMisses,
    /// The client's plan does not have the chain, the method or the page's origin.
    NotInPlan,
    /// The client, or the chain, has spent its rate; good again after so many seconds.
    RateLimited {
        seconds: u32,
    },
    /// The call or batch weighs more than any bucket holds: both in weight.
    ExceedsBurst {
        limit: u64,
        actual: u64,
    },
    /// The client has as many calls in flight as it may.
    InFlight,
    /// All slots for heavy calls, or the client's share, are taken.
    HeavySlots,
    /// Signed for another chain.
    WrongChainId,
    /// Both a `Content-Length` and a `Transfer-Encoding`.
    SmugglingClTe,
    /// A version that is neither HTTP/1.0 nor 1.1: 505.
    HttpVersion,
    // after choosing
    /// No node of the chain may be asked; why none of them, where nodes were looked at. For
    /// operators: the access log has it, clients never do.
    NoNode(Option<Box<Decision>>),
    /// Nodes may be asked, but each has all the calls it may hold, or asks for less.
    Overloaded,
    /// No node serves the method (`methods` of the nodes), though the chain allows it.
    MethodUnavailable,
    HeadUnavailable,
    ArchiveUnavailable,
    /// No node keeps the block; `earliest` is the oldest one that is kept, if known.
    HistoryPruned {
        earliest: Option<u64>,
    },
    /// A block ahead of every node, or a hash that none knows.
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
    /// The client left: logged as 499, never sent.
    ClientGone,
    Internal,
}

impl CallError {
    /// The word for metrics, log and `data.reason`.
    pub const fn reason(&self) -> Reason {
        match self {
            Self::Invalid(invalid) => reason_of_invalid(*invalid),
            Self::BadParams(params) => reason_of_params(*params),
            Self::MethodNotFound => Reason::MethodNotFound,
            Self::NeedsWebsocket => Reason::NeedsWebsocket,
            Self::BodyTooLarge { .. } => Reason::BodyTooLarge,
            Self::BodiesFull => Reason::BodiesFull,
            Self::BodyTimeout => Reason::BodyTimeout,
            Self::UnsupportedMediaType => Reason::UnsupportedMediaType,
            Self::UnsupportedEncoding => Reason::UnsupportedEncoding,
            Self::RouteNotFound => Reason::RouteNotFound,
            Self::HttpMethodNotAllowed => Reason::HttpMethodNotAllowed,
            Self::HttpMethodUnknown => Reason::HttpMethodUnknown,
            Self::BadHttp => Reason::BadHttp,
            Self::TransferCoding => Reason::TransferCoding,
            Self::ClientTruncated => Reason::ClientTruncated,
            Self::TargetTooLong => Reason::TargetTooLong,
            Self::HeadTooLarge => Reason::HeadTooLarge,
            Self::Expectation => Reason::Expectation,
            Self::Misdirected => Reason::Misdirected,
            Self::Unauthenticated => Reason::Unauthenticated,
            Self::TooManyMisses => Reason::TooManyMisses,
            Self::NotInPlan => Reason::NotInPlan,
            Self::RateLimited { .. } => Reason::RateLimited,
            Self::ExceedsBurst { .. } => Reason::ExceedsBurst,
            Self::InFlight => Reason::InFlight,
            Self::HeavySlots => Reason::HeavySlots,
            Self::WrongChainId => Reason::WrongChainId,
            Self::SmugglingClTe => Reason::SmugglingClTe,
            Self::HttpVersion => Reason::HttpVersion,
            Self::NoNode(_) => Reason::NoHealthyUpstream,
            Self::Overloaded => Reason::Overloaded,
            Self::MethodUnavailable => Reason::MethodUnavailable,
            Self::HeadUnavailable => Reason::HeadUnavailable,
            Self::ArchiveUnavailable => Reason::ArchiveUnavailable,
            Self::HistoryPruned { .. } => Reason::HistoryPruned,
            Self::BlockNotFound => Reason::BlockNotFound,
            Self::RangeBeyondHead => Reason::RangeBeyondHead,
            Self::Deadline => Reason::DeadlineExceeded,
            Self::UpstreamInvalid => Reason::UpstreamInvalidResponse,
            Self::ResponseTooLarge { .. } => Reason::ResponseTooLarge,
            Self::WriteInDoubt { .. } => Reason::WriteInDoubt,
            Self::Draining => Reason::Draining,
            Self::ClientGone => Reason::ClientGone,
            Self::Internal => Reason::Internal,
        }
    }

    /// Whose doing it is.
    pub const fn side(&self) -> Side {
        self.reason().side()
    }

    pub const fn kind(&self) -> Kind {
        self.reason().kind()
    }

    /// Whether the client may send the same call again.
    pub const fn retry(&self) -> Retry {
        self.reason().retry()
    }

    /// The JSON-RPC code.
    pub const fn code(&self, family: Family) -> i32 {
        family.error_code(self.kind())
    }

    /// The HTTP status when the error answers a whole request. An item of a batch
    /// has none of its own.
    pub const fn http_status(&self, family: Family) -> u16 {
        family.own_status(self.kind(), self.reason().http_status())
    }

    /// The canonical message, without the wait that a limit's message ends with.
    /// Ranges keep the words that client libraries know from geth (eth/filters/api.go).
    pub const fn public_message(&self, family: Family) -> &'static str {
        match self {
            Self::BadParams(BadParams::InvertedRange) => "invalid block range params",
            Self::RangeBeyondHead => "block range extends beyond current head block",
            _ => family.error_message(self.kind()),
        }
    }

    /// When to come back, spread by the random `draw` so that refused clients do not
    /// return together; `None` where coming back is no use or has no known time.
    pub fn retry_after(&self, draw: u64) -> Option<RetryAfter> {
        if let Self::RateLimited { seconds } = *self {
            return Some(RetryAfter::between(seconds, seconds.saturating_mul(2), draw));
        }
        match self.retry() {
            Retry::Never | Retry::Later => None,
            Retry::After { least, most } => Some(RetryAfter::between(least, most, draw)),
        }
    }
}

const fn reason_of_invalid(invalid: Invalid) -> Reason {
    match invalid {
        Invalid::Parse => Reason::ParseError,
        Invalid::TooDeep => Reason::TooDeep,
        Invalid::TooComplex => Reason::TooComplex,
        Invalid::BatchTooLarge => Reason::BatchTooLarge,
        Invalid::EmptyBatch => Reason::EmptyBatch,
        Invalid::NotARequest => Reason::InvalidRequest,
        Invalid::Version => Reason::Version,
        Invalid::BadId => Reason::BadId,
        Invalid::BadMethod => Reason::BadMethod,
        Invalid::DuplicateMember => Reason::DuplicateMember,
        Invalid::DuplicateParam => Reason::DuplicateParam,
        Invalid::ScalarParams => Reason::ScalarParams,
    }
}

const fn reason_of_params(params: BadParams) -> Reason {
    match params {
        BadParams::BadBlock => Reason::BadBlock,
        BadParams::InvertedRange => Reason::InvertedRange,
        BadParams::HashAndRange => Reason::HashAndRange,
        BadParams::BadTransaction => Reason::BadTransaction,
        BadParams::Shape => Reason::BadParams,
        BadParams::TooLarge => Reason::ParamsTooLarge,
    }
}

#[cfg(test)]
mod tests;
