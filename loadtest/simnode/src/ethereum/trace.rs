//! Traces: heavy methods that need the state before the block.

use std::sync::Arc;

use super::block::{Block, gas_used};
use super::json::{self, Members};
use super::params::{self, BlockRef};
use super::{Ask, texts};
use crate::rpc::{Answer, RpcError};

impl Ask<'_> {
    pub fn trace_transaction(&self, out: &mut String) -> Answer {
        let found = self.included(&params::hash(&self.args, 0)?);
        let (block, index) = found.ok_or_else(|| RpcError::new(-32000, "transaction not found"))?;
        self.check_trace(&block)?;
        frame(out, &block, index);
        Ok(())
    }

    pub fn trace_block(&self, out: &mut String) -> Answer {
        let reference = params::block(&self.args, 0, false)?;
        let Some(block) = self.found(reference) else {
            return Err(match reference {
                BlockRef::Number(number) => {
                    RpcError::new(-32000, format!("block #{number} not found"))
                }
                _ => RpcError::new(-32000, "block not found"),
            });
        };
        self.check_trace(&block)?;
        json::array(out, 0..block.txs.len(), |out, index| {
            let mut entry = Members::open(out);
            entry.data("txHash", &block.txs[index].hash);
            frame(entry.name("result"), &block, index);
            entry.close();
        });
        Ok(())
    }

    fn check_trace(&self, block: &Arc<Block>) -> Answer {
        if block.number() == 0 {
            return Err(RpcError::new(-32000, "genesis is not traceable"));
        }
        let (options, before) = (&self.node.node.options, block.number() - 1);
        let kept = options.retention.state.has(before, self.node.view.own);
        if kept && !self.node.state_lost {
            return Ok(());
        }
        let root = &block.header.state_root;
        Err(texts::trace_state_pruned(options.client, before, &block.header.parent, root))
    }
}

/// What the default tracer prints, without steps: the simulation has no machine.
fn frame(out: &mut String, block: &Block, index: usize) {
    let mut object = Members::open(out);
    let gas = gas_used(&block.txs[index]).to_string();
    object.raw("gas", &gas).raw("failed", "false").raw("returnValue", "\"0x\"");
    object.raw("structLogs", "[]");
    object.close();
}
