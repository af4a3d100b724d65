//! What a node says of itself.

use std::time::Duration;

use serde_json::{Value, json};

use super::block::{Block, EPOCH};
use super::config::client_config;
use super::params::BlockRef;
use super::reads::claimed_hashes;
use super::texts::base58;
use super::{Ask, actors, texts, truth};
use crate::chain::Pace;
use crate::faults::Fault;
use crate::hash::sha256;
use crate::retention::Keep;
use crate::rpc::RpcError;

type Reply = Result<Value, RpcError>;

/// Blocks behind the others at which a node calls itself syncing.
const SYNCING: u64 = 5;

/// Block times without a new block at which `health` fails.
const STANDSTILL: u32 = 10;

impl Ask<'_> {
    pub fn status(&self) -> Reply {
        let no_blocks = || texts::handler("NODE_IS_SYNCING", json!({}), "Node is syncing");
        let head = self.header(BlockRef::Optimistic).ok_or_else(no_blocks)?;
        let genesis = self.at_height(0).ok_or_else(no_blocks)?;
        let (options, view) = (&self.node.node.options, self.node.view);
        let validators: Vec<Value> = (0..actors::VALIDATORS)
            .map(|index| json!({"account_id": actors::validator(index)}))
            .collect();
        let key = format!("ed25519:{}", base58(&sha256(&[options.name.as_bytes()])));
        Ok(json!({
            "chain_id": truth::chain_name(self.node.chain.chain_id(view.branch)),
            "detailed_debug_status": null,
            "genesis_hash": base58(&genesis.hash),
            "latest_protocol_version": texts::protocol(options.client),
            "node_key": null,
            "node_public_key": key,
            "protocol_version": texts::protocol(options.client),
            "rpc_addr": self.node.node.address.to_string(),
            "sync_info": self.sync_info(&head),
            "uptime_sec": self.node.chain.now().as_secs(),
            "validator_account_id": null,
            "validator_public_key": null,
            "validators": validators,
            "version": {
                "build": texts::version(options.client),
                "commit": "simulated",
                "rustc_version": "1.86.0",
                "version": texts::version(options.client),
            },
        }))
    }

    fn sync_info(&self, head: &Block) -> Value {
        let earliest = self.at_height(self.earliest());
        let (mut height, mut hash) = (head.height(), base58(&head.hash));
        if let Some(claim) = self.node.view.claim {
            (height, hash) = (claim, claimed_hashes(claim, head).0);
        }
        let epoch_start = self.sim.rules.rising(head.height() / EPOCH * EPOCH);
        json!({
            "earliest_block_hash": earliest.as_ref().map(|block| base58(&block.hash)),
            "earliest_block_height": earliest.as_ref().map(|block| block.height()),
            "earliest_block_time": earliest.as_ref().map(|block| time(block.lite.timestamp)),
            "epoch_id": base58(&head.lite.epoch),
            "epoch_start_height": epoch_start,
            "latest_block_hash": hash,
            "latest_block_height": height,
            "latest_block_time": time(head.lite.timestamp),
            "latest_state_root": base58(&head.lite.prev_state_root),
            "syncing": self.is_syncing(),
        })
    }

    /// A node that hears of newer blocks than it has; one that stands still hears of
    /// none and does not call itself syncing.
    fn is_syncing(&self) -> bool {
        let behind = self.node.chain.tip().1.saturating_sub(self.node.view.head);
        behind > SYNCING && !self.node.node.faults().iter().any(|on| on.fault == Fault::Freeze)
    }

    pub fn health(&self) -> Reply {
        if self.is_syncing() {
            return Err(texts::handler("NODE_IS_SYNCING", json!({}), "Node is syncing"));
        }
        let still = self.standstill();
        let most = self.node.chain.options.block_time.saturating_mul(STANDSTILL);
        if still > most.max(Duration::from_secs(10)) {
            return Err(texts::no_new_blocks(still));
        }
        Ok(Value::Null)
    }

    /// How long the head is old, where a clock makes the blocks.
    fn standstill(&self) -> Duration {
        let options = &self.node.chain.options;
        if options.pace == Pace::Manual {
            return Duration::ZERO;
        }
        let blocks = self.node.view.head.saturating_sub(options.start);
        let born = options.block_time.saturating_mul(u32::try_from(blocks).unwrap_or(u32::MAX));
        self.node.chain.now().saturating_sub(born)
    }

    pub fn network_info(&self) -> Value {
        let peers: Vec<Value> = if self.node.peers { (0..3).map(peer).collect() } else { vec![] };
        let producers: Vec<Value> = (0..actors::VALIDATORS)
            .map(|index| {
                let key = self.sim.actors.validator_key(index);
                json!({"account_id": actors::validator(index), "addr": null, "peer_id": key})
            })
            .collect();
        json!({
            "active_peers": peers,
            "known_producers": producers,
            "num_active_peers": peers.len(),
            "peer_max_count": 40,
            "received_bytes_per_sec": 492_116,
            "sent_bytes_per_sec": 17_754_754,
        })
    }

    pub fn tier1(&self) -> Value {
        json!({
            "connected_peers": [],
            "known_producers": [],
            "num_connected_peers": 0,
            "peer_max_count": 40,
            "tier1_accounts_data": [],
            "tier1_accounts_keys": [],
            "tier1_connections": [],
        })
    }

    pub fn client_config(&self) -> Value {
        let name = truth::chain_name(self.node.chain.chain_id(self.node.view.branch));
        client_config(&name, self.node.node.options.retention.bodies == Keep::All)
    }

    pub fn split_storage(&self) -> Value {
        let (head, last) = (self.node.view.head, self.final_height());
        let archive = self.node.node.options.retention.bodies == Keep::All;
        json!({
            "cold_head_height": archive.then_some(last),
            "final_head_height": last,
            "head_height": head,
            "hot_db_kind": if archive { "Hot" } else { "RPC" },
        })
    }
}

fn peer(index: u8) -> Value {
    let id = format!("ed25519:{}", base58(&sha256(&[b"peer", &[index]])));
    json!({"account_id": null, "addr": format!("127.0.0.1:{}", 24_567 + u32::from(index)), "id": id})
}

/// Nanoseconds since the Unix epoch as nodes write a time: RFC 3339 in UTC.
#[must_use]
pub fn time(nanos: u64) -> String {
    let (seconds, part) = (nanos / 1_000_000_000, nanos % 1_000_000_000);
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = date(days);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{part:09}Z")
}

/// Year, month and day of a day since the Unix epoch, in the Gregorian calendar.
/// Source: H. Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days.
fn date(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::time;

    #[test]
    fn times_are_written_as_nodes_do() {
        assert_eq!(time(0), "1970-01-01T00:00:00.000000000Z");
        assert_eq!(time(1_739_398_210_530_341_781), "2025-02-12T22:10:10.530341781Z");
        assert_eq!(time(1_709_164_800_000_000_001), "2024-02-29T00:00:00.000000001Z");
    }
}
