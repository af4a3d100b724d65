use headrace_gateway::family::{Ask, Family as Served};
use headrace_gateway::names;

use super::*;

/// What the gateway asks nodes again and again.
fn asked(family: Served) -> Vec<&'static str> {
    let hash = names::Hash([1; 32]);
    let asks = [
        Ask::Head,
        Ask::Safe,
        Ask::Finalized,
        Ask::HeaderByHash(hash),
        Ask::ChainId,
        Ask::Genesis,
        Ask::Sync,
    ];
    asks.into_iter().filter_map(|ask| family.question(ask)).map(|one| one.method).collect()
}

#[test]
fn calls_that_count_as_clients_are_never_probes() {
    for family in ALL {
        let served = Served::from_word(word(family)).unwrap();
        let client = |recipe| of(family).client_method(recipe);
        let clients: Vec<_> = Recipe::ALL.into_iter().filter_map(client).collect();
        assert!(clients.len() >= 7, "{family:?}: {clients:?}");
        for method in asked(served) {
            assert!(!clients.contains(&method), "{family:?}: {method}");
        }
    }
}

#[test]
fn only_logs_are_one_familys_own() {
    for family in ALL {
        for recipe in Recipe::ALL {
            let own = matches!(recipe, Recipe::Logs) && family != Family::Ethereum;
            let none = own || matches!(recipe, Recipe::Batch | Recipe::Raw);
            assert_eq!((of(family).method)(recipe).is_none(), none, "{family:?} {recipe:?}");
        }
    }
}

#[test]
fn methods_are_meant_by_the_word_of_a_call_or_by_name() {
    let near = of(Family::Near);
    assert_eq!(near.methods("heads"), ["block", "status"]);
    assert_eq!(near.methods("head_call"), ["query"]);
    assert_eq!(near.methods("gas_price"), ["gas_price"]);
    assert_eq!(near.methods("logs"), ["logs"]);
}

#[test]
fn families_have_words() {
    for family in ALL {
        assert_eq!(from_word(word(family)), Some(family));
    }
    assert_eq!(from_word("bitcoin"), None);
}
