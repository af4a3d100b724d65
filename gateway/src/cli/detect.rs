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
    tracker::{Told, ask},
};

/// A config for these nodes. Of several families whose questions they answer, the last one
/// counts: nodes of other kinds may also answer Ethereum's, which comes first. Where nobody
/// answers, the first family is assumed, with a warning: nodes may come up later.
///
/// # Errors
/// A URL that is none, or an `--identity` that no family has.
pub async fn detect(
    urls: &[String],
    listen: Option<SocketAddr>,
    identity: Option<&str>,
) -> Result<Loaded, Vec<Problem>> {
    let of = |family| Nodes { urls, listen, family, identity };
    for family in Family::ALL.into_iter().rev() {
        let asked = Config::for_nodes(&Nodes { identity: None, ..of(family) })?;
        let Some(found) = identity_of(&asked.config).await else { continue };
        tracing::info!(family = family.word(), identity = %found, "asked the nodes what they are");
        let found = found.to_string();
        let identity = identity.unwrap_or(&found);
        return Config::for_nodes(&Nodes { identity: Some(identity), ..of(family) });
    }
    tracing::warn!(
        family = Family::ALL[0].word(),
        "no node says what it is: its family is assumed, its chain is learned when it answers"
    );
    Config::for_nodes(&of(Family::ALL[0]))
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

/// What a node says when it is asked who it is.
async fn one(chain: &Chain, member: &Member) -> Option<Identity> {
    for question in [Ask::ChainId, Ask::Genesis] {
        let told = ask(chain, member, question, Purpose::Probe).await;
        let said = told.as_ref().and_then(Told::result);
        let found = said.and_then(|raw| chain.config.family.read_identity(question, raw));
        if found.is_some() {
            return found;
        }
    }
    None
}
