//! Errors by family: what a node's mean, under which HTTP statuses nodes send them and
//! clients expect them, and the form of our own.

use super::{Family, ethereum, icon, near, substrate};
use crate::{
    error::Kind,
    judge::{Asked, NodeError, Sign, Verdict},
};

impl Family {
    /// What a node's error means, as far as its names, text or code are known.
    pub(crate) fn read_error(self, asked: Asked, error: &NodeError<'_>) -> Sign {
        match self {
            Self::Ethereum => ethereum::errors::read(asked.class, error),
            Self::Substrate => substrate::errors::read(asked.class, error),
            Self::Near => near::errors::read(asked, error),
            Self::Icon => icon::errors::read(asked.class, error),
        }
    }

    /// What a result means in which a node says that it failed; `None` for all others.
    pub(crate) fn read_failure(self, result: &str) -> Option<Verdict> {
        match self {
            Self::Substrate => substrate::errors::read_failure(result),
            Self::Ethereum | Self::Near | Self::Icon => None,
        }
    }

    /// Whether nodes send replies to calls that they served under this HTTP status. Some
    /// send a method's error as 400.
    pub const fn serves_under(self, status: u16) -> bool {
        match self {
            Self::Ethereum | Self::Substrate | Self::Icon => matches!(status, 200..=299 | 400),
            // a wait that ran out; a block that is unknown (nearcore, pull request 12402)
            Self::Near => matches!(status, 200..=299 | 400 | 408 | 422),
        }
    }

    /// The HTTP status that a client gets for a single call that ends in a node's error,
    /// sent by the node under `status`.
    pub const fn error_status(self, status: u16) -> u16 {
        match (self, status) {
            (Self::Ethereum | Self::Substrate, _) => 200,
            // client libraries tell by them whether to repeat the call
            (Self::Near, 400 | 408 | 422 | 500) => status,
            (Self::Near, 501..) => 500,
            (Self::Near, _) => 200,
            // goloop's for every error of a method
            (Self::Icon, _) => 400,
        }
    }

    /// The HTTP status of a single call that ends in an error of ours; `usual` is that of
    /// the error's reason. Where nodes of the family have another than 200 for the same, so
    /// have we.
    pub const fn own_status(self, kind: Kind, usual: u16) -> u16 {
        match (self, kind, usual) {
            (Self::Icon, _, 200) => 400,
            (Self::Near, Kind::NotFound, 200) => 422,
            (Self::Near, Kind::MethodNotFound | Kind::NotSupported | Kind::InvalidParams, 200) => {
                400
            }
            _ => usual,
        }
    }

    /// The JSON-RPC code of an error of ours. Beyond JSON-RPC's own five, one code means
    /// different things in each family.
    pub const fn error_code(self, kind: Kind) -> i32 {
        match self {
            Self::Ethereum => ethereum::error_code(kind),
            Self::Substrate => substrate::error_code(kind),
            Self::Near => near::error_code(kind),
            Self::Icon => icon::error_code(kind),
        }
    }

    /// The canonical message of an error of ours.
    pub const fn error_message(self, kind: Kind) -> &'static str {
        match self {
            Self::Ethereum => ethereum::error_message(kind),
            Self::Substrate => substrate::error_message(kind),
            Self::Near => near::error_message(kind),
            Self::Icon => icon::error_message(kind),
        }
    }

    /// The members that the family's errors have before the code, as JSON with a comma at
    /// the end; empty where they have none.
    pub const fn error_members(self, kind: Kind) -> &'static str {
        match self {
            Self::Ethereum | Self::Substrate | Self::Icon => "",
            Self::Near => near::error_members(kind),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nodes_status_is_kept_where_clients_depend_on_it() {
        for (family, node, client) in [
            (Family::Ethereum, 200, 200),
            (Family::Ethereum, 400, 200),
            (Family::Ethereum, 500, 200),
            (Family::Substrate, 500, 200),
            (Family::Near, 200, 200),
            (Family::Near, 400, 400),
            (Family::Near, 408, 408),
            (Family::Near, 422, 422),
            (Family::Near, 500, 500),
            (Family::Near, 503, 500),
            (Family::Near, 429, 200),
            (Family::Icon, 400, 400),
            (Family::Icon, 200, 400),
            (Family::Icon, 503, 400),
        ] {
            assert_eq!(family.error_status(node), client, "{family:?} {node}");
        }
    }

    #[test]
    fn a_status_of_a_served_call_is_the_familys_own() {
        for (family, served) in [
            (Family::Ethereum, &[200, 400][..]),
            (Family::Substrate, &[200, 400]),
            (Family::Near, &[200, 400, 408, 422]),
            (Family::Icon, &[200, 400]),
        ] {
            for status in [200, 400, 403, 404, 408, 422, 429, 500, 502, 503] {
                assert_eq!(family.serves_under(status), served.contains(&status), "{status}");
            }
        }
    }
}
