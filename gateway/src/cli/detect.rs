//! Which family and chain the nodes of a command line are: by asking them.

use std::{net::SocketAddr, sync::Arc};

use futures_util::future::join_all;

use crate::{
    config::{
        Config,
        load::{Loaded, Nodes},
        problem::Problem,
    },
    family::{Ask, Family, Identity},
    metrics::Purpose,
    topology::{Chain, Member, Topology},
    tracker::ask,
};

/// A config for these nodes. A family is taken when a node answers its question; where
/// nobody answers, the first family is assumed, with a warning: nodes may come up later.
///
/// # Errors
/// A URL that is none.
pub async fn detect(
    urls: &[String],
    listen: Option<SocketAddr>,
    identity: Option<&str>,
) -> Result<Loaded, Vec<Problem>> {
    if identity.is_some() {
        let family = Family::ALL[0];
        return Config::for_nodes(&Nodes { urls, listen, family, identity });
    }
    for family in Family::ALL {
        let nodes = Nodes { urls, listen, family, identity: None };
        let loaded = Config::for_nodes(&nodes)?;
        if let Some(identity) = identity_of(&loaded.config).await {
            tracing::info!(family = family.word(), %identity, "asked the nodes what they are");
            let text = identity.to_string();
            return Config::for_nodes(&Nodes { identity: Some(&text), ..nodes });
        }
    }
    tracing::warn!(
        family = Family::ALL[0].word(),
        "no node says what it is: its family is assumed, its chain is learned when it answers"
    );
    Config::for_nodes(&Nodes { urls, listen, family: Family::ALL[0], identity: None })
}

/// What most of the answering nodes say.
async fn identity_of(config: &Config) -> Option<Identity> {
    let topology = Topology::build(Arc::new(config.clone()), None).ok()?;
    let chain = topology.chains.first()?;
    let asked = chain.members.iter().map(|member| one(chain, member));
    let said: Vec<Identity> = join_all(asked).await.into_iter().flatten().collect();
    let votes = |one: &&Identity| said.iter().filter(|other| other == one).count();
    said.iter().max_by_key(votes).cloned()
}

async fn one(chain: &Chain, member: &Member) -> Option<Identity> {
    let told = ask(chain, member, Ask::ChainId, Purpose::Probe).await?;
    chain.config.family.read_identity(Ask::ChainId, told.result()?)
}
