//! Configs: of genesis, of the protocol, of the node. Members and types are those of
//! nearcore; the values of `runtime.json` and `client.json` are made up.

use std::sync::LazyLock;

use serde_json::{Value, json};

use super::block::{self, BOUNDARY, EPOCH, GAS_LIMIT, SUPPLY};
use super::own::time;
use super::{Ask, actors, texts, truth};
use crate::rpc::RpcError;

static RUNTIME: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("runtime.json")).unwrap_or_default());

static CLIENT: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("client.json")).unwrap_or_default());

impl Ask<'_> {
    pub fn genesis_config(&self) -> Value {
        let mut config = self.shared_config();
        let validators: Vec<Value> = (0..actors::VALIDATORS)
            .map(|index| {
                let mut seat = self.stake(index);
                seat["amount"] = seat["stake"].take();
                if let Some(seat) = seat.as_object_mut() {
                    seat.remove("stake");
                    seat.remove("validator_stake_struct_version");
                }
                seat
            })
            .collect();
        config["validators"] = json!(validators);
        config["total_supply"] = json!(SUPPLY.to_string());
        config["num_chunk_only_producer_seats"] = json!(300);
        config["num_chunk_producer_seats"] = json!(100);
        config["num_chunk_validator_seats"] = json!(300);
        config["chunk_producer_assignment_changes_limit"] = json!(5);
        config["use_production_config"] = json!(false);
        config
    }

    pub fn protocol_config(&self) -> Result<Value, RpcError> {
        self.body(self.params.required_block(usize::MAX)?)?;
        let mut config = self.shared_config();
        config["runtime_config"] = RUNTIME.clone();
        Ok(config)
    }

    fn shared_config(&self) -> Value {
        let genesis = self.at_height(0);
        let genesis_time = genesis.map_or_else(String::new, |block| time(block.lite.timestamp));
        let name = truth::chain_name(self.node.chain.chain_id(self.node.view.branch));
        let mut config = json!({
            "avg_hidden_validator_seats_per_shard": [0, 0],
            "block_producer_kickout_threshold": 80,
            "chain_id": name,
            "chunk_producer_kickout_threshold": 80,
            "chunk_validator_only_kickout_threshold": 70,
            "dynamic_resharding": false,
            "epoch_length": EPOCH,
            "fishermen_threshold": "340282366920938463463374607431768211455",
            "gas_limit": GAS_LIMIT,
            "gas_price_adjustment_rate": [1, 100],
            "genesis_height": 0,
            "genesis_time": genesis_time,
            "max_gas_price": "2000000000",
            "max_inflation_rate": [1, 40],
            "max_kickout_stake_perc": 30,
            "min_gas_price": "100000000",
            "minimum_stake_divisor": 10,
        });
        let more = json!({
            "minimum_stake_ratio": [1, 62500],
            "minimum_validators_per_shard": 1,
            "num_block_producer_seats": 100,
            "num_block_producer_seats_per_shard": [100, 100],
            "num_blocks_per_year": 31_536_000,
            "online_max_threshold": [99, 100],
            "online_min_threshold": [9, 10],
            "protocol_reward_rate": [1, 10],
            "protocol_treasury_account": "treasury.sim",
            "protocol_upgrade_stake_threshold": [4, 5],
            "protocol_version": texts::protocol(self.node.node.options.client),
            "shard_layout": layout(),
            "shuffle_shard_assignment_for_chunk_producers": false,
            "target_validator_mandates_per_shard": 68,
            "transaction_validity_period": 86_400,
        });
        if let (Some(config), Value::Object(more)) = (config.as_object_mut(), more) {
            config.extend(more);
        }
        config
    }
}

fn layout() -> Value {
    let ids: Vec<u64> = (0..block::SHARDS).collect();
    json!({"V2": {
        "boundary_accounts": [BOUNDARY],
        "id_to_index_map": {"0": 0, "1": 1},
        "index_to_id_map": {"0": 0, "1": 1},
        "shard_ids": ids,
        "shards_parent_map": null,
        "shards_split_map": null,
        "version": 3,
    }})
}

/// A node's own config, as `client_config` gives it.
pub fn client_config(chain: &str, archive: bool) -> Value {
    let mut config = CLIENT.clone();
    config["archive"] = json!(archive);
    config["chain_id"] = json!(chain);
    config["epoch_length"] = json!(EPOCH);
    config
}
