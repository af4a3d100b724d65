//! The rules of limits, each by its name in the catalogue.

use std::{net::Ipv6Addr, path::Path};

use proptest::prelude::*;

use super::*;

const BASE: &str = r#"
    [[chains]]
    name = "eth"
    family = "ethereum"
    rate = { weight_per_second = 100, burst = 100 }
    [[chains.pools]]
    zone = "a"
    nodes = [{ name = "n", http = "http://127.0.0.1:1" }, { name = "m", http = "http://127.0.0.1:2" }]
    [[clients]]
    name = "own"
    key = "own-key-00000001"
    rate = { weight_per_second = 1, burst = 5 }
    in_flight = 3
    [[clients]]
    name = "usual"
    key = "usual-key-000001"
"#;

/// Weight 1 a second, 2 at once.
const RATE: &str = "rate = { weight_per_second = 1, burst = 2 }";

fn config(limits: &str) -> Config {
    let text = format!("[limits]\n{limits}\n{BASE}");
    Config::parse(&text, Path::new("test.toml"), &|_| None).unwrap().config
}

fn clients(limits: &str) -> Clients {
    Clients::build(&config(limits), None).unwrap()
}

fn at(millis: u64) -> Timestamp {
    Timestamp::ZERO + Duration::from_millis(millis)
}

fn address(address: impl Into<IpAddr>) -> Payer {
    Payer { address: address.into(), client: None }
}

fn of_64(network: u64, host: u64) -> Payer {
    address(Ipv6Addr::from_bits(u128::from(network) << 64 | u128::from(host)))
}

fn named(client: u32) -> Payer {
    Payer { client: Some(ClientIndex(client)), ..address([127, 0, 0, 1]) }
}

const ONE: [u8; 4] = [192, 0, 2, 1];
const NETWORK: u64 = 0x2001_0db8_0001_0000;

/// How many of so many single cells, each from its own payer, are given.
fn given(clients: &Clients, payers: impl Iterator<Item = Payer>) -> usize {
    payers.filter(|payer| clients.take(*payer, 1, at(1)).is_ok()).count()
}

#[test]
fn without_a_rate_nobody_is_limited() {
    let clients = clients("");
    for payer in [address(ONE), of_64(1, 1), named(1)] {
        assert_eq!(clients.take(payer, u32::MAX, at(1)), Ok(()));
        assert!(clients.take_refusal(payer, at(1)));
        assert_eq!(clients.burst(payer), None);
    }
}

#[test]
fn a_client_has_its_burst_then_what_comes_back_and_others_have_theirs() {
    let clients = clients(RATE);
    assert_eq!(clients.take(address(ONE), 20, at(1)), Ok(()));
    let short = clients.take(address(ONE), 5, at(1));
    assert_eq!(short, Err(Short::For(Duration::from_millis(500))));
    assert_eq!(clients.take(address([192, 0, 2, 2]), 20, at(1)), Ok(()));
    assert_eq!(clients.take(address(ONE), 5, at(501)), Ok(()));
    assert_eq!(clients.take(address(ONE), 21, at(90_000)), Err(Short::Never { cells: 20 }));
}

#[test]
fn a_known_client_has_its_own_rate_or_the_usual_one_in_a_bucket_of_its_own() {
    let clients = clients(RATE);
    assert_eq!((clients.burst(named(0)), clients.burst(named(1))), (Some(50), Some(20)));
    assert_eq!(clients.take(named(0), 50, at(1)), Ok(()));
    assert!(clients.take(named(0), 1, at(1)).is_err());
    assert_eq!(clients.take(named(1), 20, at(1)), Ok(()));
    assert_eq!(clients.take(address([127, 0, 0, 1]), 20, at(1)), Ok(()), "the address has its own");
}

#[test]
fn s03_two_to_the_16_addresses_of_a_64_have_one_bucket() {
    let clients = clients(RATE);
    assert_eq!(given(&clients, (0..1 << 16).map(|host| of_64(NETWORK, host))), 20);
    assert_eq!(clients.table().entries, 3, "one for the /64, and its /56 and /48");
}

#[test]
fn s03_networks_of_a_56_have_four_buckets_together_and_of_a_48_sixteen() {
    let two = clients(RATE);
    let all_of_56 =
        (0..256).flat_map(|network| (0..20).map(move |host| of_64(NETWORK | network, host)));
    assert_eq!(given(&two, all_of_56), 4 * 20);
    let other = clients(RATE);
    let all_of_48 = (0..1 << 16).map(|network| of_64(NETWORK | network, 1));
    assert_eq!(given(&other, all_of_48), 16 * 20);
}

/// What a /64 is refused does not count for its neighbours.
#[test]
fn s03_a_flood_from_one_64_leaves_the_rest_of_its_56_alone() {
    let clients = clients(RATE);
    assert_eq!(given(&clients, (0..10_000).map(|host| of_64(NETWORK, host))), 20);
    assert_eq!(given(&clients, (0..30).map(|host| of_64(NETWORK | 1, host))), 20);
}

#[test]
fn s06_a_million_addresses_leave_the_table_within_its_cap_and_a_client_its_bucket() {
    let clients = clients("rate = { weight_per_second = 1, burst = 1000 }");
    assert_eq!(clients.take(address(ONE), 10_000, at(1)), Ok(()));
    let flood = |n: u32| Payer { address: IpAddr::from((n | 1 << 31).to_be_bytes()), client: None };
    for n in 0..3 << 20 {
        let _ = clients.take(flood(n), 10_000, at(1));
    }
    let table = clients.table();
    assert!(table.entries <= ENTRIES as u64 && table.overflows > 0, "{table:?}");
    assert!(table.bytes <= 32 << 20, "{table:?}");
    let late = clients.take(address(ONE), 5_000, at(500_001));
    assert_eq!(late, Ok(()), "its own bucket filled as its rate says");
    assert!(clients.take(address(ONE), 1, at(500_001)).is_err(), "and was not a fresh one");
}

#[test]
fn a_refusal_is_charged_to_a_second_bucket_as_large_as_the_first() {
    let clients = clients(RATE);
    for payer in [address(ONE), named(1), of_64(NETWORK, 7)] {
        let refusals = (0..30).filter(|_| clients.take_refusal(payer, at(1))).count();
        assert_eq!(refusals, 20, "{payer:?}");
        assert_eq!(clients.take(payer, 20, at(1)), Ok(()), "calls have their own");
        assert!(clients.take_refusal(payer, at(101)), "one comes back in a tenth of a second");
    }
}

#[test]
fn b45_twenty_wrong_keys_a_minute_are_too_many_of_any_address_of_a_64() {
    let clients = clients("");
    let misses = (0..30).filter(|host| clients.may_miss(of_64(1, *host).address, at(1))).count();
    assert_eq!(misses, 20);
    assert!(!clients.may_miss(of_64(1, 99).address, at(2_000)));
    assert!(clients.may_miss(of_64(1, 99).address, at(3_001)));
    assert!(clients.may_miss(of_64(2, 1).address, at(1)));
}

#[test]
fn f61_calls_in_flight_are_bounded_by_client() {
    let clients = clients("in_flight = 2");
    let guards: Vec<_> = (0..5).map(|host| clients.enter(of_64(1, host), 1)).collect();
    assert_eq!(guards.iter().flatten().count(), 2);
    assert!(clients.enter(of_64(2, 1), 2).is_some());
    let own: Vec<_> = (0..5).map(|_| clients.enter(named(0), 1)).collect();
    assert_eq!(own.iter().flatten().count(), 3, "its own bound");
    drop((guards, own));
    assert!(clients.enter(of_64(1, 9), 2).is_some() && clients.enter(named(0), 3).is_some());
    assert_eq!(clients.shared.flights.clients(), 0);
}

#[test]
fn buckets_survive_a_reload_that_does_not_change_their_quota() {
    let old = clients(RATE);
    for payer in [address(ONE), named(0), named(1)] {
        let burst = old.burst(payer).unwrap();
        assert_eq!(old.take(payer, burst, at(1)), Ok(()));
    }
    let in_flight = old.enter(named(0), 3);
    let same = Clients::build(&config(&format!("{RATE}\nbatch = 7")), Some(&old)).unwrap();
    for payer in [address(ONE), named(0), named(1)] {
        assert!(same.take(payer, 1, at(1)).is_err(), "{payer:?}");
    }
    assert!(same.enter(named(0), 1).is_none(), "still in flight");
    drop(in_flight);
    assert!(same.enter(named(0), 1).is_some());
    let other = "rate = { weight_per_second = 1, burst = 3 }";
    let changed = Clients::build(&config(other), Some(&same)).unwrap();
    assert_eq!(changed.take(address(ONE), 30, at(1)), Ok(()), "another quota");
    assert_eq!(changed.take(named(1), 30, at(1)), Ok(()), "the usual one of a known client too");
    assert!(changed.take(named(0), 1, at(1)).is_err(), "its own is as it was");
}

#[test]
fn b111_heavy_calls_take_slots_of_the_chain_and_a_client_has_a_tenth() {
    let check = |limits: &str, slots: usize, share: usize| {
        let config = config(limits);
        let chain = ChainLimits::renewed(&config, &config.chains[0], None);
        let of_one: Vec<_> = (0..200).map_while(|_| chain.heavy_slot(7)).collect();
        assert_eq!(of_one.len(), share, "{limits}");
        let all: Vec<_> = (0..200).filter_map(|client| chain.heavy_slot(client + 8)).collect();
        assert_eq!(of_one.len() + all.len(), slots, "{limits}");
        let reloaded = ChainLimits::renewed(&config, &config.chains[0], Some(&chain));
        assert!(reloaded.heavy_slot(500).is_none(), "a reload frees none");
        drop((of_one, all));
        assert!(reloaded.heavy_slot(500).is_some());
    };
    check("", 4, 1);
    check("heavy = 9", 9, 1);
    check("heavy = 50", 50, 5);
}

#[test]
fn a_chains_bucket_is_shared_by_all_and_survives_a_reload() {
    let config = config("");
    let chain = ChainLimits::renewed(&config, &config.chains[0], None);
    assert_eq!((chain.burst(), chain.take(1_000, at(1))), (Some(1_000), Ok(())));
    let reloaded = ChainLimits::renewed(&config, &config.chains[0], Some(&chain));
    assert!(reloaded.take(1, at(1)).is_err());
    assert_eq!(reloaded.take(1, at(2)), Ok(()));
}

#[test]
fn what_clients_asked_for_is_counted_by_name() {
    let clients = clients("");
    clients.count(named(1), Asked { calls: 2, cells: 30 });
    clients.count(address(ONE), Asked { calls: 1, cells: 1 });
    clients.count(of_64(1, 1), Asked { calls: 1, cells: 10 });
    let asked = clients.asked();
    let others = Asked { calls: 2, cells: 11 };
    assert_eq!(asked, [("anonymous", others), ("usual", Asked { calls: 2, cells: 30 })]);
}

proptest! {
    #[test]
    fn s05_cells_taken_one_by_one_or_together_cost_the_same(
        parts in prop::collection::vec(1_u32..50, 1..20), weight in 1_u32..100,
    ) {
        let limits = format!("rate = {{ weight_per_second = {weight}, burst = 100 }}");
        let (single, batch) = (clients(&limits), clients(&limits));
        let sum: u32 = parts.iter().sum();
        prop_assume!(sum <= 1_000);
        for part in parts {
            prop_assert_eq!(single.take(address(ONE), part, at(1)), Ok(()));
        }
        prop_assert_eq!(batch.take(address(ONE), sum, at(1)), Ok(()));
        let left = 1_000 - sum;
        for clients in [single, batch] {
            prop_assert_eq!(clients.take(address(ONE), left, at(1)), Ok(()));
            prop_assert!(clients.take(address(ONE), 1, at(1)).is_err());
        }
    }
}
