//! How one node is asked a call: by which method, with the block written by its number
//! or its hash.

use bytes::Bytes;
use smallvec::SmallVec;

use crate::{
    family::BlockForm,
    gateway::relay::Job,
    method::{ByHash, MethodIndex, Pin, Pinned},
    node::Node,
    route::Facts,
    rpc::write::{self, Splice},
};

/// How one node is asked the call.
pub struct Wording<'j> {
    pub method: &'j str,
    pub index: MethodIndex,
    pub form: BlockForm,
}

impl Job<'_> {
    /// The call as this node is asked it: with the blocks that the gateway means by it.
    pub(super) fn body(&self, node: &Node, id: u64) -> Bytes {
        let params = self.call.params;
        let Wording { method, form, .. } = self.wording(node);
        let family = self.needs.method.family;
        // a node that lacks the method which takes the block is asked the client's own
        let unpinned = self.needs.pinned_as().is_some_and(|pinned| pinned != method);
        let pins = if unpinned { &[][..] } else { &self.pins[..] };
        let written = pins.iter().filter_map(|&(pin, block)| {
            let pin = self.needs.pins.get(pin)?;
            let written = form != BlockForm::Number || matches!(pin.block, Pinned::Newest(_));
            written.then(|| (pin, family.block_text(block, form)))
        });
        let texts: SmallVec<[(&Pin<'_>, String); 2]> = written.collect();
        let splices: SmallVec<[Splice<'_>; 2]> =
            texts.iter().map(|(pin, text)| pin.splice(text)).collect();
        let params = params.or_else(|| splices.is_empty().then(|| family.profile().no_params));
        let mut body = Vec::with_capacity(160 + params.map_or(0, str::len));
        write::call(&mut body, id, method, params, &splices);
        body.into()
    }

    /// How a node is asked: by the block's hash where the node takes it, so that one on
    /// another branch cannot answer from there.
    pub fn wording(&self, node: &Node) -> Wording<'_> {
        let index = self.needs.method.index;
        let plain = Wording { method: &self.call.method, index, form: BlockForm::Number };
        let Some(pin) = self.pins.first().and_then(|(pin, _)| self.needs.pins.get(*pin)) else {
            return plain;
        };
        if let Some(method) = self.needs.pinned_as() {
            let index = self.scope.chain.methods().row_of(method).index;
            let pinned = Wording { method, index, form: pin.form };
            return if node.lacks(index, method) { plain } else { pinned };
        }
        match &self.needs.method.by_hash {
            ByHash::InPlace if node.facts().has(Facts::TAKES_HASH) => {
                Wording { form: BlockForm::HashInPlace, ..plain }
            }
            ByHash::As(method) => {
                let index = self.scope.chain.methods().row_of(method).index;
                let by_hash = Wording { method, index, form: BlockForm::Hash };
                if node.lacks(index, method) { plain } else { by_hash }
            }
            ByHash::No | ByHash::InPlace => Wording { form: pin.form, ..plain },
        }
    }
}
