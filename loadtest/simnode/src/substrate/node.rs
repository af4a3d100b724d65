//! What a node says of itself.

use http::StatusCode;

use super::scale::blake2_256;
use super::texts::{self, Asked};
use super::{Ask, keeps_all, methods, put, ss58, truth};
use crate::family::Client;
use crate::faults::Fault;
use crate::hash::key_of;
use crate::json::{Members, array, data, plain};
use crate::node::Shared;
use crate::rpc::{Answer, RpcError};

/// A node that is more blocks behind its peers calls itself syncing.
const SYNCING: u64 = 5;
/// The tokens of the chain: name, digits, addresses.
const PROPERTIES: &str = r#"{"ss58Format":42,"tokenDecimals":12,"tokenSymbol":"UNIT"}"#;

/// What a node knows of its place among its peers.
struct Sync {
    peers: u64,
    best: u64,
    highest: u64,
}

impl Sync {
    fn of(node: &Shared) -> Self {
        let faults = node.faults();
        let suffers = |fault: &Fault| faults.iter().any(|on| on.fault == *fault);
        let alone = suffers(&Fault::NoPeers) || node.options.client == Client::Chopsticks;
        let view = node.view();
        let best = view.claim.unwrap_or(view.head);
        // Who hears nothing new believes to be at the top.
        let deaf = alone || suffers(&Fault::Freeze);
        let highest = if deaf { best } else { best.max(node.chain.tip().1) };
        Self { peers: if alone { 0 } else { 25 }, best, highest }
    }

    fn syncing(&self) -> bool {
        self.highest - self.best > SYNCING
    }

    fn health(&self, client: Client) -> String {
        let should = client != Client::Chopsticks;
        let (peers, syncing) = (self.peers, self.syncing());
        format!(r#"{{"peers":{peers},"isSyncing":{syncing},"shouldHavePeers":{should}}}"#)
    }
}

/// The status of `GET /health/readiness`.
pub fn readiness(node: &Shared) -> StatusCode {
    let sync = Sync::of(node);
    let ready = !sync.syncing() && sync.peers > 0;
    if ready { StatusCode::OK } else { StatusCode::INTERNAL_SERVER_ERROR }
}

impl Ask<'_> {
    /// The methods that begin with `system_`, and a few that stand alone.
    pub fn node_method(&self, name: &str, out: &mut String) -> Answer {
        let node = self.node.node;
        match name {
            "system_name" => plain(out, texts::software(self.client).0),
            "system_version" => plain(out, texts::software(self.client).1),
            "system_chain" => plain(out, &self.chain_name()),
            "system_chainType" => plain(out, self.chain_type()),
            "system_properties" => out.push_str(PROPERTIES),
            "system_health" => out.push_str(&Sync::of(node).health(self.client)),
            "system_syncState" => {
                let sync = Sync::of(node);
                let mut object = Members::open(out);
                object.number("startingBlock", 0).number("currentBlock", sync.best);
                object.number("highestBlock", sync.highest);
                object.close();
            }
            "system_nodeRoles" => out.push_str(r#"["Full"]"#),
            "system_localPeerId" => plain(out, &peer_id(node)),
            "system_localListenAddresses" => {
                let address = format!("/ip4/127.0.0.1/tcp/30333/p2p/{}", peer_id(node));
                array(out, [address], |out, address| plain(out, &address));
            }
            "system_reservedPeers" => out.push_str("[]"),
            "system_accountNextIndex" => return self.next_index(out),
            "rpc_methods" => self.method_names(out),
            "sync_state_genSyncSpec" => {
                let (name, finalized) = (self.chain_name(), self.finalized());
                let text =
                    format!(r#"{{"name":"{name}","lightSyncState":{{"number":{finalized}}}}}"#);
                out.push_str(&text);
            }
            "dev_newBlock" => return self.new_block(out),
            _ => return Err(texts::unknown_method(self.client, name)),
        }
        Ok(())
    }

    fn chain_type(&self) -> &'static str {
        if self.client == Client::Chopsticks { "Development" } else { "Live" }
    }

    pub fn chain_name(&self) -> String {
        let id = self.node.chain.chain_id(self.node.view.branch);
        format!("Headrace Simulated {id}")
    }

    fn method_names(&self, out: &mut String) {
        let archive = keeps_all(self.node.node.options.retention);
        let mut object = Members::open(out);
        if matches!(self.client, Client::SubstrateOld | Client::Chopsticks) {
            object.number("version", 1);
        }
        let names = methods::names(self.client, archive);
        array(object.name("methods"), names, plain);
        object.close();
    }

    /// The next nonce of an account, what waits in the pool counted in.
    fn next_index(&self, out: &mut String) -> Answer {
        let text = self.string(0)?;
        let account = ss58::account(&text)
            .ok_or_else(|| self.invalid("invalid SS58 address, expected an account"))?;
        let place = self.state_of(None).map_err(|missing| {
            texts::missing(self.client, Asked::Behind("Unable to query nonce."), missing)
        })?;
        let chain = self.node.chain;
        let next = chain.nonce(place.branch, &account, place.block.number());
        let next = chain.pending_nonce(self.node.viewer(), &account, next);
        put(out, &next.to_string())
    }

    /// Chopsticks makes blocks when it is told to.
    fn new_block(&self, out: &mut String) -> Answer {
        #[derive(serde::Deserialize)]
        struct Options {
            count: Option<u64>,
        }
        let options = self.args.first().and_then(|raw| serde_json::from_str(raw.get()).ok());
        let count = options.and_then(|options: Options| options.count).unwrap_or(1);
        data(out, &self.node.chain.mine(count.clamp(1, 1_000)).hash);
        Ok(())
    }

    /// The methods of finality and of the mountain range.
    pub fn finality_method(&self, name: &str, out: &mut String) -> Answer {
        match name {
            "grandpa_roundState" => self.round_state(out),
            "grandpa_proveFinality" => return self.prove_finality(out),
            "beefy_getFinalizedHead" => {
                data(out, &self.main_hash(self.finalized()).unwrap_or_default());
            }
            "mmr_root" => {
                let place = self.place(0, Asked::Runtime)?;
                data(out, &truth::call("mmr root", &[], place.block.at()));
            }
            "mmr_generateProof" | "mmr_generateAncestryProof" => {
                let place = self.place(2, Asked::Runtime)?;
                let at = place.block.at();
                let mut object = Members::open(out);
                object.data("blockHash", &at.hash);
                object.data("leaves", &truth::call("mmr leaves", &[], at));
                object.data("proof", &truth::call("mmr proof", &[], at));
                object.close();
            }
            "mmr_verifyProof" | "mmr_verifyProofStateless" => out.push_str("true"),
            _ => return Err(texts::unknown_method(self.client, name)),
        }
        Ok(())
    }

    fn round_state(&self, out: &mut String) {
        let round = self.finalized();
        let votes = r#"{"currentWeight":0,"missing":[]}"#;
        out.push_str(&format!(
            r#"{{"setId":1,"best":{{"round":{round},"totalWeight":16,"thresholdWeight":11,"prevotes":{votes},"precommits":{votes}}},"background":[]}}"#
        ));
    }

    fn prove_finality(&self, out: &mut String) -> Answer {
        let number = self.number(0)?;
        if number > self.finalized() {
            let why = "GRANDPA prove finality rpc failed: Block not yet finalized";
            return Err(RpcError::new(4, why));
        }
        // A proof stands for its block: the block's hash, and one that follows from it.
        let hash = self.main_hash(number).unwrap_or_default();
        data(out, &[hash, blake2_256(&[b"proof", &hash])].concat());
        Ok(())
    }
}

fn peer_id(node: &Shared) -> String {
    let key = blake2_256(&[&key_of(&node.options.name).to_be_bytes()]);
    // An identity multihash of an Ed25519 key, as libp2p writes it.
    bs58::encode([&[0, 0x24, 8, 1, 0x12, 0x20][..], &key].concat()).into_string()
}
