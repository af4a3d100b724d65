use headrace_simnode::truth::{self, At};
use headrace_simnode::{Chain, ChainOptions, Family, Pace};

use super::*;
use crate::family::account;

const ACCOUNT: u64 = 7;

fn world() -> Truth {
    of(Family::Ethereum)
}

fn of(family: Family) -> Truth {
    Truth::new(Chain::new(ChainOptions { pace: Pace::Manual, ..ChainOptions::of(family) }))
}

fn told(truth: &Truth, question: &Question, text: &str) -> Judgement {
    told_with(None, truth, question, text)
}

fn told_with(status: Option<u16>, truth: &Truth, question: &Question, text: &str) -> Judgement {
    let reply: Reply<'_> = serde_json::from_str(text).unwrap();
    judge(question, &reply, Asked { sent: truth.now(), status }, truth)
}

fn result(value: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":1,"result":{value}}}"#)
}

fn balance(number: u64, hash: Hash) -> String {
    result(&format!("\"{:#x}\"", truth::balance(&account(ACCOUNT), At { number, hash })))
}

#[track_caller]
fn check_wrong(judgement: Judgement, words: &str) {
    match judgement {
        Judgement::Wrong(why) => assert!(why.contains(words), "{why} lacks {words}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_value_at_a_number_is_right_of_that_block_only() {
    let truth = world();
    let question = Question::At(990, Value::Balance(ACCOUNT));
    let hash = |number| truth.chain.main_hash(number).unwrap();
    assert_eq!(told(&truth, &question, &balance(990, hash(990))), Judgement::Right(None));
    check_wrong(told(&truth, &question, &balance(989, hash(989))), "of block 989 instead of 990");
    check_wrong(told(&truth, &question, &balance(990, [1; 32])), "not of block 990");
    check_wrong(told(&truth, &question, &result("null")), "not of block 990");
}

#[test]
fn a_newest_value_tells_its_height_and_is_never_ahead_of_the_chain() {
    let truth = world();
    let question = Question::Newest(Value::Balance(ACCOUNT));
    let head = truth.chain.head();
    let right = told(&truth, &question, &balance(head.number, head.hash));
    assert_eq!(right, Judgement::Right(Some(1_000)));
    check_wrong(told(&truth, &question, &balance(2_000, [2; 32])), "of height 2000");
    check_wrong(told(&truth, &question, &balance(head.number, [2; 32])), "not of block 1000");
    let number = |value| told(&truth, &Question::HeadNumber, &result(value));
    assert_eq!(number("\"0x3e8\""), Judgement::Right(Some(1_000)));
    check_wrong(number("\"0x3e9\""), "height 1001");
    check_wrong(number("17"), "no height");
}

#[test]
fn a_block_is_told_by_number_and_hash() {
    let truth = world();
    let head = truth.chain.head();
    let text =
        result(&format!(r#"{{"number":"{:#x}","hash":"{}"}}"#, head.number, hex(&head.hash)));
    let right = |question| told(&truth, &question, &text);
    assert_eq!(right(Question::Newest(Value::Block)), Judgement::Right(Some(head.number)));
    assert_eq!(right(Question::ByHash(head.number, head.hash)), Judgement::Right(None));
    check_wrong(right(Question::ByHash(head.number, [3; 32])), "by its hash");
    check_wrong(right(Question::At(999, Value::Block)), "of block 1000 instead of 999");
    check_wrong(right(Question::Final), "not final yet");
}

#[test]
fn logs_are_complete_and_of_their_blocks() {
    let truth = world();
    let log = |number: u64, hash: Hash| {
        format!(r#"{{"blockNumber":"{number:#x}","blockHash":"{}"}}"#, hex(&hash))
    };
    let own = |number| log(number, truth.chain.main_hash(number).unwrap());
    let (question, two) = (Question::Logs(990, 990), own(990));
    let check = |text: String| told(&truth, &question, &result(&text));
    assert_eq!(check(format!("[{two},{two}]")), Judgement::Right(None));
    check_wrong(check(format!("[{two}]")), "1 logs");
    check_wrong(check(format!("[{two},{}]", own(991))), "another block");
    check_wrong(check(format!("[{two},{}]", log(990, [4; 32]))), "another block");
}

#[test]
fn errors_are_failures_but_for_a_revert_with_its_data() {
    let truth = world();
    let error = |code: i64, data: &str| {
        format!(r#"{{"id":1,"error":{{"code":{code},"message":"m","data":{data}}}}}"#)
    };
    let data = format!("\"{}\"", hex(&truth::revert_data()));
    let reverted = |text: &str| told(&truth, &Question::Revert, text);
    assert_eq!(reverted(&error(3, &data)), Judgement::Right(None));
    check_wrong(reverted(&error(3, "\"0x00\"")), "not intact");
    check_wrong(reverted(&result("\"0x\"")), "with a result");
    assert_eq!(reverted(&error(-32002, "null")), Judgement::Failed(-32002));
    assert_eq!(told(&truth, &Question::HeadNumber, &error(3, &data)), Judgement::Failed(3));
    check_wrong(told(&truth, &Question::HeadNumber, r#"{"id":1}"#), "neither");
}

#[test]
fn a_write_is_answered_with_its_hash() {
    let truth = world();
    let question = Question::Write([5; 32]);
    let answer = |hash: Hash| told(&truth, &question, &result(&format!("\"{}\"", hex(&hash))));
    assert_eq!(answer([5; 32]), Judgement::Right(None));
    check_wrong(answer([6; 32]), "another hash");
}

#[test]
fn at_a_skipped_height_the_chain_has_no_block_and_nodes_say_so() {
    let truth = of(Family::Near);
    let height = (900..990).find(|height| truth.skipped(*height)).unwrap();
    let unknown = |name: &str| {
        format!(
            r#"{{"id":1,"error":{{"code":-32000,"name":"HANDLER_ERROR","cause":{{"name":"{name}","info":{{}}}}}}}}"#
        )
    };
    for value in [Value::Block, Value::Balance(ACCOUNT)] {
        let check = |number, status, name| {
            told_with(status, &truth, &Question::At(number, value), &unknown(name))
        };
        assert_eq!(check(height, Some(422), "UNKNOWN_BLOCK"), Judgement::Right(None));
        assert_eq!(check(height, None, "UNKNOWN_BLOCK"), Judgement::Right(None));
        assert_eq!(check(height, Some(200), "UNKNOWN_BLOCK"), Judgement::Failed(-32_000));
        assert_eq!(check(height, Some(422), "INTERNAL_ERROR"), Judgement::Failed(-32_000));
        let stands = truth.standing(height);
        assert_eq!(check(stands, Some(422), "UNKNOWN_BLOCK"), Judgement::Failed(-32_000));
    }
}

#[test]
fn a_refusal_is_read_as_each_family_writes_it() {
    let panic = headrace_simnode::near::truth::PANIC;
    let near = result(&serde_json::json!({"error": panic, "logs": []}).to_string());
    let trap = r#"{"id":1,"error":{"code":4003,"message":"Client error: Execution failed: Execution aborted due to trap: wasm trap: wasm `unreachable` instruction executed"}}"#;
    let icon =
        r#"{"id":1,"error":{"code":-30032,"message":"SCOREError(-30032): E0032:Reverted(0)"}}"#;
    let rows = [(Family::Near, near.as_str()), (Family::Substrate, trap), (Family::Icon, icon)];
    for (family, text) in rows {
        let truth = of(family);
        assert_eq!(told(&truth, &Question::Revert, text), Judgement::Right(None), "{family:?}");
        let other = r#"{"id":1,"error":{"code":-32002,"message":"Resource unavailable"}}"#;
        assert_eq!(told(&truth, &Question::Revert, other), Judgement::Failed(-32_002));
    }
    check_wrong(
        told(&of(Family::Near), &Question::Revert, &result(r#"{"error":"other"}"#)),
        "not intact",
    );
}
