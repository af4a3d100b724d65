//! What a call asks a node to carry out, as far as its size goes: `eth_call` and its
//! relatives, whose first param is the call and whose last ones override state.

use crate::rpc::walk::{find, items, members, text};

/// Largest input of a call, in bytes: that of a transaction.
const LARGEST_INPUT: usize = 128 * 1024;
/// Largest overrides, in bytes of their text: as many bytes in hex.
const LARGEST_OVERRIDES: usize = 2 * LARGEST_INPUT;
/// Most accounts and slots that one call overrides.
const MOST_OVERRIDES: usize = 1_024;
/// Most gas: far more than any block has, and still a positive number to every node.
const MOST_GAS: u64 = 1 << 63;

/// Whether nodes should not be asked to carry out a call with these params.
pub fn is_too_large(params: &str) -> bool {
    let mut items = items(params);
    let call = items.next().and_then(|at| params.get(at)).unwrap_or_default();
    if !call.starts_with('{') {
        return false;
    }
    let input = |name| find(call, name).and_then(text).is_some_and(|hex| is_large(&hex));
    // the block between is looked at elsewhere
    let rest = items.skip(1).filter_map(|at| params.get(at));
    let (mut size, mut count) = (0, 0);
    for overrides in rest {
        size += overrides.len();
        count += overridden(overrides);
    }
    let large = size > LARGEST_OVERRIDES || count > MOST_OVERRIDES;
    large || input("data") || input("input") || find(call, "gas").is_some_and(is_too_much_gas)
}

fn is_large(hex: &str) -> bool {
    hex.len().saturating_sub(2) / 2 > LARGEST_INPUT
}

/// A quantity over the bound; one that is none is for the node to refuse.
fn is_too_much_gas(raw: &str) -> bool {
    let Some(word) = text(raw) else { return false };
    let Some(digits) = word.strip_prefix("0x") else { return false };
    let hex = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    hex && u64::from_str_radix(digits, 16).map_or(true, |gas| gas > MOST_GAS)
}

/// Accounts, and slots of each.
fn overridden(overrides: &str) -> usize {
    let slots = |account: &str| {
        let of = |name| find(account, name).map_or(0, |slots| members(slots).count());
        of("state") + of("stateDiff")
    };
    let accounts = members(overrides).filter_map(|(_, at)| overrides.get(at));
    accounts.map(|account| 1 + slots(account)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(params: &str, too_large: bool) {
        let shown = &params[..params.len().min(100)];
        assert_eq!(is_too_large(params), too_large, "{shown}");
    }

    #[test]
    fn b106_a_call_is_bounded_in_input_gas_and_overrides() {
        let input = |name: &str, bytes: usize| {
            format!(r#"[{{"to":"0x1","{name}":"0x{}"}},"latest"]"#, "00".repeat(bytes))
        };
        let gas = |gas: &str| format!(r#"[{{"gas":{gas}}}]"#);
        let overrides = |text: &str| format!(r#"[{{"to":"0x1"}},"latest",{text}]"#);
        let slots = |accounts: usize, slots: usize| {
            let slots: Vec<String> = (0..slots).map(|slot| format!(r#""{slot}":"0""#)).collect();
            let account = format!(r#"{{"stateDiff":{{{}}}}}"#, slots.join(","));
            let accounts: Vec<String> =
                (0..accounts).map(|name| format!(r#""{name}":{account}"#)).collect();
            overrides(&format!("{{{}}}", accounts.join(",")))
        };
        let code = |bytes: usize| {
            overrides(&format!(r#"{{"0x1":{{"code":"0x{}"}}}}"#, "00".repeat(bytes)))
        };
        for (params, too_large) in [
            (input("data", 128 << 10), false),
            (input("data", (128 << 10) + 1), true),
            (input("input", 128 << 10), false),
            (input("input", (128 << 10) + 1), true),
            (gas(r#""0x8000000000000000""#), false),
            (gas(r#""0x8000000000000001""#), true),
            (gas(r#""0x10000000000000000""#), true),
            (gas(r#""many""#), false),
            (gas("1"), false),
            (gas("null"), false),
            (slots(1, 1_023), false),
            (slots(1, 1_024), true),
            (slots(10, 1_000), true),
            (code(120 << 10), false),
            (code(128 << 10), true),
            (r#"["0x1","latest"]"#.to_owned(), false),
            ("[]".to_owned(), false),
            ("[{}]".to_owned(), false),
            (String::new(), false),
        ] {
            check(&params, too_large);
        }
    }
}
