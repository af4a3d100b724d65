//! Every method that a simulated Substrate node knows: its parameters' names, what kind
//! it is, and how heavy. `rpc_methods` answers from the same rows.

use std::collections::HashMap;
use std::sync::LazyLock;

use self::Kind::{Archive, Evm, Read, Spec, Stream, Unsafe};
use crate::family::Client;

/// What kind of method it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Read,
    /// Refused to whoever comes from outside.
    Unsafe,
    /// Needs a connection that stays: not over HTTP.
    Stream,
    /// Of the new interface, which old nodes lack.
    Spec,
    /// Of the new interface, and only there where everything is kept.
    Archive,
    /// Of an EVM.
    Evm,
}

/// One method.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    pub name: &'static str,
    pub kind: Kind,
    /// 1 for the lightest.
    pub weight: u32,
    pub params: &'static [&'static str],
}

const fn row(kind: Kind, weight: u32, name: &'static str, params: &'static [&'static str]) -> Row {
    Row { name, kind, weight, params }
}

const HASH: &[&str] = &["hash"];
const KEY: &[&str] = &["key", "hash"];
const CHILD: &[&str] = &["child_storage_key", "key", "hash"];

/// The methods by their own names.
const ROWS: &[Row] = &[
    row(Evm, 1, "eth_chainId", &[]),
    row(Evm, 1, "eth_blockNumber", &[]),
    row(Evm, 2, "eth_getBalance", &["address", "block"]),
    row(Evm, 2, "eth_getBlockByNumber", &["number", "full"]),
    row(Read, 1, "chain_getHeader", HASH),
    row(Read, 5, "chain_getBlock", HASH),
    row(Read, 1, "chain_getBlockHash", HASH),
    row(Read, 1, "chain_getFinalizedHead", &[]),
    row(Stream, 2, "chain_subscribeNewHeads", &[]),
    row(Stream, 1, "chain_unsubscribeNewHeads", &[]),
    row(Stream, 2, "chain_subscribeFinalizedHeads", &[]),
    row(Stream, 1, "chain_unsubscribeFinalizedHeads", &[]),
    row(Stream, 3, "chain_subscribeAllHeads", &[]),
    row(Stream, 1, "chain_unsubscribeAllHeads", &[]),
    row(Read, 20, "state_call", &["name", "bytes", "hash"]),
    row(Read, 20, "state_getMetadata", HASH),
    row(Read, 2, "state_getRuntimeVersion", HASH),
    row(Read, 2, "state_getStorage", KEY),
    row(Read, 2, "state_getStorageHash", KEY),
    row(Read, 10, "state_getStorageSize", KEY),
    row(Read, 50, "state_getKeys", &["prefix", "hash"]),
    row(Read, 10, "state_getKeysPaged", &["prefix", "count", "start_key", "hash"]),
    row(Unsafe, 100, "state_getPairs", &["prefix", "hash"]),
    row(Read, 5, "state_queryStorageAt", &["keys", "at"]),
    row(Unsafe, 100, "state_queryStorage", &["keys", "block", "hash"]),
    row(Read, 10, "state_getReadProof", &["keys", "hash"]),
    row(Read, 10, "state_getChildReadProof", &["child_storage_key", "keys", "hash"]),
    row(Unsafe, 100, "state_traceBlock", &["block", "targets", "storage_keys", "methods"]),
    row(Unsafe, 100, "state_trieMigrationStatus", &["at"]),
    row(Stream, 2, "state_subscribeRuntimeVersion", &[]),
    row(Stream, 1, "state_unsubscribeRuntimeVersion", &[]),
    row(Stream, 10, "state_subscribeStorage", &["keys"]),
    row(Stream, 1, "state_unsubscribeStorage", &[]),
    row(Read, 50, "childstate_getKeys", &["child_storage_key", "prefix", "hash"]),
    row(
        Read,
        10,
        "childstate_getKeysPaged",
        &["child_storage_key", "prefix", "count", "start_key", "hash"],
    ),
    row(Read, 3, "childstate_getStorage", CHILD),
    row(Read, 3, "childstate_getStorageEntries", &["child_storage_key", "keys", "hash"]),
    row(Read, 3, "childstate_getStorageHash", CHILD),
    row(Read, 3, "childstate_getStorageSize", CHILD),
    row(Read, 10, "author_submitExtrinsic", &["bytes"]),
    row(Stream, 15, "author_submitAndWatchExtrinsic", &["bytes"]),
    row(Stream, 1, "author_unwatchExtrinsic", &[]),
    row(Read, 20, "author_pendingExtrinsics", &[]),
    row(Unsafe, 1, "author_hasKey", &["public_key", "key_type"]),
    row(Unsafe, 1, "author_hasSessionKeys", &["session_keys"]),
    row(Unsafe, 1, "author_insertKey", &["key_type", "suri", "public"]),
    row(Unsafe, 1, "author_rotateKeys", &[]),
    row(Unsafe, 1, "author_rotateKeysWithOwner", &["owner"]),
    row(Unsafe, 1, "author_removeExtrinsic", &["bytes_or_hash"]),
    row(Read, 1, "system_name", &[]),
    row(Read, 1, "system_version", &[]),
    row(Read, 1, "system_chain", &[]),
    row(Read, 1, "system_chainType", &[]),
    row(Read, 1, "system_properties", &[]),
    row(Read, 1, "system_health", &[]),
    row(Read, 1, "system_syncState", &[]),
    row(Read, 1, "system_nodeRoles", &[]),
    row(Read, 1, "system_localPeerId", &[]),
    row(Read, 1, "system_localListenAddresses", &[]),
    row(Read, 1, "system_reservedPeers", &[]),
    row(Unsafe, 1, "system_peers", &[]),
    row(Unsafe, 1, "system_unstable_networkState", &[]),
    row(Unsafe, 1, "system_addReservedPeer", &["peer"]),
    row(Unsafe, 1, "system_removeReservedPeer", &["peer_id"]),
    row(Unsafe, 1, "system_addLogFilter", &["directives"]),
    row(Unsafe, 1, "system_resetLogFilter", &[]),
    row(Read, 5, "system_accountNextIndex", &["account"]),
    row(Unsafe, 20, "system_dryRun", &["extrinsic", "at"]),
    row(Read, 20, "payment_queryInfo", &["encoded_xt", "at"]),
    row(Read, 20, "payment_queryFeeDetails", &["encoded_xt", "at"]),
    row(Read, 3, "grandpa_roundState", &[]),
    row(Read, 10, "grandpa_proveFinality", &["block"]),
    row(Stream, 3, "grandpa_subscribeJustifications", &[]),
    row(Stream, 1, "grandpa_unsubscribeJustifications", &[]),
    row(Spec, 1, "beefy_getFinalizedHead", &[]),
    row(Stream, 3, "beefy_subscribeJustifications", &[]),
    row(Stream, 1, "beefy_unsubscribeJustifications", &[]),
    row(Spec, 10, "mmr_root", &["at"]),
    row(Spec, 30, "mmr_generateProof", &["block_numbers", "best_known_block_number", "at"]),
    row(
        Spec,
        30,
        "mmr_generateAncestryProof",
        &["prev_block_number", "best_known_block_number", "at"],
    ),
    row(Spec, 20, "mmr_verifyProof", &["proof"]),
    row(Spec, 20, "mmr_verifyProofStateless", &["mmr_root", "proof"]),
    row(Unsafe, 1, "babe_epochAuthorship", &[]),
    row(Read, 100, "sync_state_genSyncSpec", &["raw"]),
    row(Unsafe, 1, "offchain_localStorageGet", &["kind", "key"]),
    row(Unsafe, 1, "offchain_localStorageSet", &["kind", "key", "value"]),
    row(Unsafe, 1, "offchain_localStorageClear", &["kind", "key"]),
    row(Unsafe, 100, "dev_getBlockStats", &["block_hash"]),
    row(Read, 1, "rpc_methods", &[]),
    row(Stream, 5, "chainHead_v1_follow", &["with_runtime"]),
    row(Stream, 1, "chainHead_v1_unfollow", &["follow_subscription"]),
    row(Spec, 1, "chainHead_v1_header", &["follow_subscription", "hash"]),
    row(Spec, 5, "chainHead_v1_body", &["follow_subscription", "hash"]),
    row(
        Spec,
        20,
        "chainHead_v1_call",
        &["follow_subscription", "hash", "function", "call_parameters"],
    ),
    row(Spec, 5, "chainHead_v1_storage", &["follow_subscription", "hash", "items", "child_trie"]),
    row(Spec, 1, "chainHead_v1_continue", &["follow_subscription", "operation_id"]),
    row(Spec, 1, "chainHead_v1_stopOperation", &["follow_subscription", "operation_id"]),
    row(Spec, 1, "chainHead_v1_unpin", &["follow_subscription", "hash_or_hashes"]),
    row(Archive, 1, "archive_v1_finalizedHeight", &[]),
    row(Archive, 1, "archive_v1_genesisHash", &[]),
    row(Archive, 1, "archive_v1_hashByHeight", &["height"]),
    row(Archive, 1, "archive_v1_header", HASH),
    row(Archive, 5, "archive_v1_body", HASH),
    row(Archive, 20, "archive_v1_call", &["hash", "function", "call_parameters"]),
    row(Stream, 10, "archive_v1_storage", &["hash", "items", "child_trie"]),
    row(Stream, 1, "archive_v1_stopStorage", &[]),
    row(Stream, 100, "archive_v1_storageDiff", &["hash", "items", "previous_hash"]),
    row(Stream, 1, "archive_v1_stopStorageDiff", &[]),
    row(Spec, 1, "chainSpec_v1_chainName", &[]),
    row(Spec, 1, "chainSpec_v1_genesisHash", &[]),
    row(Spec, 1, "chainSpec_v1_properties", &[]),
    row(Spec, 10, "transaction_v1_broadcast", &["bytes"]),
    row(Spec, 1, "transaction_v1_stop", &["operation_id"]),
    row(Stream, 15, "transactionWatch_v1_submitAndWatch", &["bytes"]),
    row(Stream, 1, "transactionWatch_v1_unwatch", &[]),
];

/// Other names, and the method that each means.
const ALIASES: &[(&str, &str)] = &[
    ("chain_getHead", "chain_getBlockHash"),
    ("chain_getFinalisedHead", "chain_getFinalizedHead"),
    ("chain_getRuntimeVersion", "state_getRuntimeVersion"),
    ("chain_subscribeNewHead", "chain_subscribeNewHeads"),
    ("subscribe_newHead", "chain_subscribeNewHeads"),
    ("chain_unsubscribeNewHead", "chain_unsubscribeNewHeads"),
    ("unsubscribe_newHead", "chain_unsubscribeNewHeads"),
    ("chain_subscribeFinalisedHeads", "chain_subscribeFinalizedHeads"),
    ("chain_unsubscribeFinalisedHeads", "chain_unsubscribeFinalizedHeads"),
    ("chain_subscribeRuntimeVersion", "state_subscribeRuntimeVersion"),
    ("chain_unsubscribeRuntimeVersion", "state_unsubscribeRuntimeVersion"),
    ("state_callAt", "state_call"),
    ("state_getStorageAt", "state_getStorage"),
    ("state_getStorageHashAt", "state_getStorageHash"),
    ("state_getStorageSizeAt", "state_getStorageSize"),
    ("state_getKeysPagedAt", "state_getKeysPaged"),
    ("childstate_getKeysPagedAt", "childstate_getKeysPaged"),
    ("system_networkState", "system_unstable_networkState"),
    ("system_dryRunAt", "system_dryRun"),
    ("account_nextIndex", "system_accountNextIndex"),
];

/// The methods that Chopsticks has, and one of its own.
const CHOPSTICKS: &[&str] = &[
    "archive_v1_call",
    "archive_v1_finalizedHeight",
    "archive_v1_genesisHash",
    "archive_v1_hashByHeight",
    "archive_v1_header",
    "archive_v1_stopStorage",
    "archive_v1_storage",
    "author_pendingExtrinsics",
    "author_submitAndWatchExtrinsic",
    "author_submitExtrinsic",
    "author_unwatchExtrinsic",
    "chainHead_v1_body",
    "chainHead_v1_call",
    "chainHead_v1_continue",
    "chainHead_v1_follow",
    "chainHead_v1_header",
    "chainHead_v1_stopOperation",
    "chainHead_v1_storage",
    "chainHead_v1_unfollow",
    "chainHead_v1_unpin",
    "chainSpec_v1_chainName",
    "chainSpec_v1_genesisHash",
    "chainSpec_v1_properties",
    "chain_getBlock",
    "chain_getBlockHash",
    "chain_getFinalizedHead",
    "chain_getHead",
    "chain_getHeader",
    "chain_subscribeFinalizedHeads",
    "chain_subscribeNewHead",
    "chain_subscribeNewHeads",
    "chain_unsubscribeFinalizedHeads",
    "chain_unsubscribeNewHead",
    "chain_unsubscribeNewHeads",
    "dev_newBlock",
    "payment_queryFeeDetails",
    "payment_queryInfo",
    "rpc_methods",
    "state_call",
    "state_getKeysPaged",
    "state_getMetadata",
    "state_getReadProof",
    "state_getRuntimeVersion",
    "state_getStorage",
    "state_getStorageAt",
    "state_queryStorageAt",
    "state_subscribeRuntimeVersion",
    "state_subscribeStorage",
    "state_unsubscribeRuntimeVersion",
    "state_unsubscribeStorage",
    "system_accountNextIndex",
    "system_chain",
    "system_chainType",
    "system_health",
    "system_localListenAddresses",
    "system_localPeerId",
    "system_name",
    "system_nodeRoles",
    "system_properties",
    "system_version",
    "transaction_v1_broadcast",
    "transaction_v1_stop",
];

const NEW_BLOCK: Row = row(Read, 10, "dev_newBlock", &[]);

static BY_NAME: LazyLock<HashMap<&'static str, Row>> = LazyLock::new(|| {
    let own: HashMap<_, _> = ROWS.iter().map(|row| (row.name, *row)).collect();
    let aliases = ALIASES.iter().filter_map(|(alias, name)| Some((*alias, *own.get(name)?)));
    let aliases: Vec<_> = aliases.collect();
    own.into_iter().chain(aliases).chain([(NEW_BLOCK.name, NEW_BLOCK)]).collect()
});

/// The row of a method, by any of its names, whatever software has it.
#[must_use]
pub fn find(name: &str) -> Option<&'static Row> {
    BY_NAME.get(name)
}

/// Whether a node has a method; `archive`: it keeps everything.
#[must_use]
pub fn has(client: Client, archive: bool, name: &str) -> bool {
    let Some(row) = find(name) else { return false };
    match (client, row.kind) {
        (Client::Chopsticks, _) => CHOPSTICKS.contains(&name),
        _ if name == NEW_BLOCK.name => false,
        (Client::SubstrateOld, Archive | Spec) => false,
        (Client::SubstrateOld, Stream) => !name.contains("_v1_") && !name.starts_with("beefy"),
        (client, Evm) => client == Client::Frontier,
        (_, Archive) => archive,
        (_, Stream) => archive || !name.starts_with("archive_"),
        (_, Read | Unsafe | Spec) => true,
    }
}

/// The names that `rpc_methods` lists, in order.
#[must_use]
pub fn names(client: Client, archive: bool) -> Vec<&'static str> {
    let all = BY_NAME.keys().copied();
    let mut names: Vec<_> = all.filter(|name| has(client, archive, name)).collect();
    names.sort_unstable();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_every_alias_and_chopsticks_method_is_a_method() {
        assert_eq!(BY_NAME.len(), ROWS.len() + ALIASES.len() + 1);
        assert!(CHOPSTICKS.iter().all(|name| find(name).is_some()));
        assert!(CHOPSTICKS.is_sorted());
    }

    #[test]
    fn what_a_node_has_follows_its_software_and_what_it_keeps() {
        let rows = [
            ("chain_getHeader", [true, true, true, true]),
            ("archive_v1_body", [false, true, false, false]),
            ("archive_v1_call", [false, true, false, true]),
            ("chainSpec_v1_genesisHash", [true, true, false, true]),
            ("system_syncState", [true, true, true, false]),
            ("chain_subscribeAllHeads", [true, true, true, false]),
            ("dev_newBlock", [false, false, false, true]),
            ("author_rotateKeys", [true, true, true, false]),
            ("chain_nope", [false; 4]),
            ("eth_chainId", [false; 4]),
        ];
        for (name, expected) in rows {
            let seen = [
                has(Client::PolkadotSdk, false, name),
                has(Client::PolkadotSdk, true, name),
                has(Client::SubstrateOld, true, name),
                has(Client::Chopsticks, true, name),
            ];
            assert_eq!(seen, expected, "{name}");
        }
        assert!(has(Client::Frontier, false, "eth_chainId"));
        assert!(has(Client::Frontier, false, "chain_getBlock"));
    }
}
