//! Which way a call goes: refused, answered here, written, or relayed. Decided by
//! its method's class, the chain's policy and its params; no node is looked at.

use crate::{
    config::UnknownMethods,
    error::CallError,
    method::{Class, Needs},
    rpc::Call,
    topology::Chain,
};

pub enum Way<'t> {
    Refused(CallError),
    /// Answered from what the gateway knows itself.
    Local,
    /// The same, and by a node where the gateway does not know it.
    LocalOrRead(Needs<'t>),
    Write(Needs<'t>),
    Read(Needs<'t>),
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
        Class::Local => Way::Local,
        Class::Read | Class::Write => match chain.methods().needs(call) {
            Err(bad) => Way::Refused(CallError::BadParams(bad)),
            // what the params make of it
            Ok(needs) => match needs.class {
                Class::Refuse => Way::Refused(CallError::MethodNotFound),
                Class::Local => Way::LocalOrRead(needs),
                Class::Write => Way::Write(needs),
                _ => Way::Read(needs),
            },
        },
    }
}
