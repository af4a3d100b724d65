//! Which way a call goes: refused, answered here, written, or relayed. Decided by
//! its method's class, the chain's policy and its params; no node is looked at.

use crate::{
    config::UnknownMethods,
    error::CallError,
    method::{Class, Lane, Needs},
    rpc::Call,
    topology::Chain,
};

pub enum Way<'t> {
    Refused(CallError),
    /// Answered from what the gateway knows itself.
    Local {
        weight: u32,
    },
    /// The same, and by a node where the gateway does not know it.
    LocalOrRead(Needs<'t>),
    Write(Needs<'t>),
    Read(Needs<'t>),
}

impl Way<'_> {
    /// Weight when ends of ranges that are not named stand at the tip; `None` of a call that
    /// is refused.
    pub fn weight_at(&self, tip: u64) -> Option<u32> {
        match self {
            Self::Refused(_) => None,
            Self::Local { weight } => Some(*weight),
            Self::LocalOrRead(needs) | Self::Write(needs) | Self::Read(needs) => {
                Some(needs.weight_at(tip))
            }
        }
    }

    /// Whether it is work of many seconds, of which a client may have little at once.
    pub fn is_heavy(&self) -> bool {
        matches!(self, Self::Read(needs) if needs.method.lane == Lane::Trace)
    }
}

/// Whether a transaction is signed for a chain that this one is known not to be.
fn is_for_another(chain: &Chain, call: &Call<'_>, needs: &Needs<'_>) -> bool {
    let own = chain.state.identity.load().as_ref().and_then(|identity| identity.number);
    let Some(own) = own else { return false };
    let raw = needs.transaction(call.params.unwrap_or_default());
    let signed_for = raw.and_then(|raw| needs.method.family.chain_signed_for(raw));
    signed_for.is_some_and(|other| other != own)
}

pub fn way<'t>(chain: &'t Chain, call: &Call<'_>) -> Way<'t> {
    let method = chain.methods().row_of(&call.method);
    let forward = chain.config.unknown_methods == UnknownMethods::Forward;
    match method.class {
        _ if method.is_other() && !forward => Way::Refused(CallError::MethodNotFound),
        Class::Session if chain.config.family.profile().sessions_are_connections => {
            Way::Refused(CallError::NeedsWebsocket)
        }
        // Filters live in one node; until they can be kept there they are not offered.
        Class::Refuse | Class::Session => Way::Refused(CallError::MethodNotFound),
        Class::Subscribe | Class::Unsubscribe => Way::Refused(CallError::NeedsWebsocket),
        Class::Local => Way::Local { weight: method.weight },
        Class::Read | Class::Write => match chain.methods().needs(call) {
            Err(bad) => Way::Refused(CallError::BadParams(bad)),
            // what the params make of it
            Ok(needs) => match needs.class {
                Class::Refuse => Way::Refused(CallError::MethodNotFound),
                Class::Local => Way::LocalOrRead(needs),
                Class::Write if is_for_another(chain, call, &needs) => {
                    Way::Refused(CallError::WrongChainId)
                }
                Class::Write => Way::Write(needs),
                _ => Way::Read(needs),
            },
        },
    }
}
