//! The closed set of reasons, as one table: what each is called, whose doing it is,
//! its HTTP status, whether to come back, and what the docs say of it.

use super::Kind;

use Retry::{Later, Never};

/// Whose doing an error is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    Client,
    Gateway,
    Node,
}

impl Side {
    /// The word in metrics, logs and docs.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Gateway => "gateway",
            Self::Node => "node",
        }
    }
}

/// Whether the same call may succeed later, unchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Retry {
    Never,
    /// At no time that could be named.
    Later,
    /// After so many seconds, drawn between both.
    After {
        least: u32,
        most: u32,
    },
}

impl Retry {
    /// `data.retryable`.
    pub const fn is_retryable(self) -> bool {
        match self {
            Self::Never => false,
            Self::Later | Self::After { .. } => true,
        }
    }
}

/// After the gateway has itself tried: soon.
const SOON: Retry = Retry::After { least: 1, most: 2 };

/// Under load: spread, so that refused clients do not return together.
const SPREAD: Retry = Retry::After { least: 1, most: 5 };

macro_rules! reasons {
    ($($name:ident $word:literal $kind:ident $side:ident $status:literal $retry:ident
        $meaning:literal, $advice:literal;)*) => {
        /// Why the gateway answered with an error of its own. The set is fixed: metric
        /// label, access-log word and `data.reason` in one.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Reason {
            $(#[doc = $meaning] $name,)*
        }

        impl Reason {
            /// Every reason, in the order of the docs; `self as usize` is its place.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The word in metrics, logs and `data.reason`.
            pub const fn word(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }

            pub const fn kind(self) -> Kind {
                match self { $(Self::$name => Kind::$kind,)* }
            }

            pub const fn side(self) -> Side {
                match self { $(Self::$name => Side::$side,)* }
            }

            /// The HTTP status when the error answers a whole request, before
            /// [`Family::own_status`](crate::family::Family::own_status).
            pub const fn http_status(self) -> u16 {
                match self { $(Self::$name => $status,)* }
            }

            pub const fn retry(self) -> Retry {
                match self { $(Self::$name => $retry,)* }
            }

            /// One sentence for the docs.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$name => $meaning,)* }
            }

            /// What the reader of the docs should do.
            pub const fn advice(self) -> &'static str {
                match self { $(Self::$name => $advice,)* }
            }
        }
    };
}

reasons! {
    // The text.
    ParseError "parse_error" Parse Client 400 Never
        "The body is not JSON, or JSON that parsers disagree about.",
        "Send one JSON document in UTF-8, without lone surrogates and with numbers of at most 64 characters.";
    TooDeep "too_deep" Parse Client 400 Never
        "The JSON is nested deeper than the limit.",
        "Flatten the params.";
    TooComplex "too_complex" InvalidRequest Client 413 Never
        "The JSON has more tokens, or an object more members, than the limit.",
        "Split the request.";
    // The envelope.
    InvalidRequest "invalid_request" InvalidRequest Client 400 Never
        "The JSON is not a JSON-RPC request object.",
        "Send an object with `jsonrpc`, `id`, `method` and `params`.";
    Version "version" InvalidRequest Client 400 Never
        "`jsonrpc` is not the string `\"2.0\"`.",
        "Send `\"jsonrpc\":\"2.0\"`.";
    BadId "bad_id" InvalidRequest Client 400 Never
        "The id is not a string, number or null, or is longer than 64 bytes.",
        "Use a short string or number.";
    BadMethod "bad_method" InvalidRequest Client 400 Never
        "The method is missing, not a string, empty or longer than 128 bytes.",
        "Send the method's name.";
    DuplicateMember "duplicate_member" InvalidRequest Client 400 Never
        "A member of the request stands in it twice.",
        "Send each member once.";
    EmptyBatch "empty_batch" InvalidRequest Client 400 Never
        "The batch has no calls.",
        "Send at least one call.";
    BatchTooLarge "batch_too_large" InvalidRequest Client 413 Never
        "The batch has more calls than the limit.",
        "Split the batch.";
    ExceedsBurst "exceeds_burst" InvalidRequest Client 413 Never
        "The call, or the batch as a whole, weighs more than the client may ever spend at once.",
        "Split the batch (`data.limit` and `data.actual` are weights), or ask for less.";
    // The call.
    MethodNotFound "method_not_found" MethodNotFound Client 200 Never
        "The method is unknown here, or not offered.",
        "Use another method; the operator may allow it per chain.";
    NeedsWebsocket "needs_websocket" NeedsWebsocket Client 200 Never
        "Subscriptions need a WebSocket.",
        "Connect by WebSocket, or poll.";
    BadParams "bad_params" InvalidParams Client 200 Never
        "The params are not of the shape the method takes.",
        "Compare them with the method's documentation.";
    ScalarParams "scalar_params" InvalidParams Client 200 Never
        "`params` is neither an array nor an object.",
        "Send an array.";
    DuplicateParam "duplicate_param" InvalidParams Client 200 Never
        "An object inside the params has a member twice.",
        "Send each member once.";
    BadBlock "bad_block" InvalidParams Client 200 Never
        "A block reference is not a number, tag or hash of this chain family.",
        "Write it as the chain's nodes take it: an Ethereum one as a hex quantity without leading zeros, a tag in lower case, or a hash.";
    InvertedRange "inverted_range" InvalidParams Client 200 Never
        "The range begins after its end.",
        "Swap both ends.";
    HashAndRange "hash_and_range" InvalidParams Client 200 Never
        "Both a block hash and a range are named.",
        "Name one of them.";
    RangeBeyondHead "range_beyond_head" InvalidParams Client 200 Later
        "The range ends at a block that does not exist yet.",
        "End it at the newest block, or ask again when the block is there.";
    ParamsTooLarge "params_too_large" InvalidParams Client 200 Never
        "A param is larger, or an object in the params has more members, than nodes should be asked to carry out.",
        "Send less data, fewer overrides or a smaller gas limit.";
    WrongChainId "wrong_chain_id" InvalidInput Client 200 Never
        "The transaction is signed for another chain.",
        "Check the wallet's network, or the URL.";
    BadTransaction "bad_transaction" InvalidParams Client 200 Never
        "The signed transaction is empty, too large, or not in the form that the chain's nodes take.",
        "Send the signed bytes as `0x` and hex digits (NEAR: as base64; ICON: as the signed object).";
    BlockNotFound "block_not_found" NotFound Client 200 Later
        "No node knows the block yet.",
        "Ask again after a block time; check the number or hash.";
    HistoryPruned "history_pruned" Pruned Client 200 Never
        "No node of this chain keeps data that old.",
        "Ask for newer blocks (`data.earliest`, where known), or use an archive.";
    ResponseTooLarge "response_too_large" TooLarge Client 200 Never
        "The reply is larger than the limit.",
        "Ask for less: a shorter range, fewer calls in a batch.";
    // The HTTP request.
    BodyTooLarge "body_too_large" InvalidRequest Client 413 Never
        "The body is larger than the limit.",
        "Split the request.";
    BodyTimeout "body_timeout" InvalidRequest Client 408 Later
        "The body did not arrive in time.",
        "Send it without pauses.";
    UnsupportedMediaType "unsupported_media_type" InvalidRequest Client 415 Never
        "The content type is not JSON in UTF-8.",
        "Send `Content-Type: application/json`.";
    UnsupportedEncoding "unsupported_encoding" InvalidRequest Client 415 Never
        "The body is compressed.",
        "Send it without `Content-Encoding`.";
    RouteNotFound "route_not_found" InvalidRequest Client 404 Never
        "No chain answers on this path or host.",
        "Check the URL.";
    HttpMethodNotAllowed "http_method_not_allowed" InvalidRequest Client 405 Never
        "The HTTP method is not served here.",
        "Use POST.";
    HttpMethodUnknown "http_method_unknown" InvalidRequest Client 501 Never
        "The HTTP method is unknown.",
        "Use POST, in upper case.";
    TransferCoding "transfer_coding" InvalidRequest Client 501 Never
        "The body has a transfer coding other than `chunked`.",
        "Send it with `Content-Length`, or chunked.";
    ClientTruncated "client_truncated" InvalidRequest Client 400 Later
        "The connection ended before the whole body was sent; nothing is answered.",
        "Send as many bytes as declared.";
    BadHttp "bad_http" InvalidRequest Client 400 Never
        "The HTTP request breaks a rule that proxies must agree on.",
        "Check the client or the proxies before this gateway.";
    TargetTooLong "target_too_long" InvalidRequest Client 414 Never
        "The request target is longer than the limit.",
        "Put the call into the body.";
    HeadTooLarge "head_too_large" InvalidRequest Client 431 Never
        "The request has too many header fields, or too large ones.",
        "Send fewer.";
    Expectation "expectation_failed" InvalidRequest Client 417 Never
        "`Expect` asks for something other than `100-continue`.",
        "Leave the header out.";
    Misdirected "misdirected" InvalidRequest Client 421 Never
        "The host is not served here.",
        "Check the URL.";
    Unauthenticated "unauthenticated" InvalidRequest Client 401 Never
        "The API key is missing or not valid.",
        "Send a valid key in a header.";
    NotInPlan "not_in_plan" NotSupported Client 403 Never
        "The key's plan does not have this chain or method, or the page that sends it is not of an origin that may use it.",
        "Use another key, or ask the operator.";
    RateLimited "rate_limited" Limit Client 429 SOON
        "The client has spent what it may for now.",
        "Come back after `Retry-After`; send fewer or cheaper calls.";
    InFlight "in_flight" Limit Client 429 SOON
        "The client has as many calls in flight as it may.",
        "Wait for answers before sending more.";
    HeavySlots "heavy_slots" Limit Client 429 SPREAD
        "All slots for heavy calls, or the client's share of them, are taken.",
        "Send heavy calls one after the other.";
    TooManyMisses "too_many_misses" Limit Client 429 SPREAD
        "Too many requests with keys that are not valid came from this address.",
        "Check the key.";
    SmugglingClTe "smuggling_cl_te" InvalidRequest Client 400 Never
        "The HTTP request has both a `Content-Length` and a `Transfer-Encoding`.",
        "Send one of them; check the proxies before this gateway.";
    HttpVersion "http_version" InvalidRequest Client 505 Never
        "The HTTP version is not served in this form.",
        "Use HTTP/1.1, or HTTP/2 with its preface.";
    ClientGone "client_gone" Unavailable Client 499 Never
        "The client left before the answer. Only logged, never sent.",
        "Nothing.";
    // The nodes.
    NoHealthyUpstream "no_healthy_upstream" Unavailable Node 503 SOON
        "No node of this chain can serve the call now.",
        "Come back after `Retry-After`.";
    HeadUnavailable "head_unavailable" Unavailable Node 503 SOON
        "No node at the newest block that clients were shown is left.",
        "Come back after `Retry-After`; calls that name a block go on.";
    ArchiveUnavailable "archive_unavailable" Unavailable Node 503 SOON
        "The nodes that keep data that old are away.",
        "Come back after `Retry-After`; calls for recent blocks go on.";
    MethodUnavailable "method_unavailable" NotSupported Node 200 Never
        "No node of this chain serves the method.",
        "Use another method.";
    DeadlineExceeded "deadline_exceeded" Unavailable Node 504 Later
        "No node answered in time.",
        "Ask for less, or later.";
    UpstreamInvalidResponse "upstream_invalid_response" Unavailable Node 502 Later
        "The nodes answered with something that is no reply to the call.",
        "Try later; tell the operator the request id.";
    WriteInDoubt "write_in_doubt" Unavailable Node 504 Later
        "The transaction was sent, and whether a node has it could not be settled.",
        "Look up `data.hash`, or send the same bytes again: they cannot execute twice.";
    // The gateway.
    Overloaded "overloaded" Limit Gateway 503 SPREAD
        "Every node that could serve the call has all the calls it may hold.",
        "Come back after `Retry-After`.";
    BodiesFull "bodies_full" Limit Gateway 503 SPREAD
        "All request bodies in flight together fill their bound.",
        "Come back after `Retry-After`.";
    Draining "draining" Limit Gateway 503 SPREAD
        "This gateway is about to stop.",
        "Connect again.";
    Internal "internal" Internal Gateway 500 Later
        "The gateway failed.",
        "Tell the operator the request id.";
}
