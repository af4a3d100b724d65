use super::*;

const SOUND: &str = r#"
about = "a test"
[[zones]]
name = "z"
nodes = [{ name = "a" }, { name = "b", archive = true, latency = "5ms" }]
[load]
rate = 10
duration = "5s"
mix = [{ call = "head_number", share = 1 }]
[[at]]
t = "1s"
node = "a"
fault = { kind = "lag", blocks = 3 }
for = "2s"
[[expect]]
rule = "nothing fails"
of = "reads"
failed = 0
"#;

fn check(from: &str, to: &str, expected: &str) {
    let text = SOUND.replacen(from, to, 1);
    assert_ne!(text, SOUND, "{from}");
    let problems = Scenario::read(&text, Path::new("s.toml")).unwrap_err().problems;
    assert!(problems[0].contains(expected), "{problems:?} lacks {expected}");
}

#[test]
fn a_sound_file_is_read() {
    let scenario = Scenario::read(SOUND, Path::new("s.toml")).unwrap();
    assert_eq!(scenario.nodes().count(), 2);
    assert_eq!(scenario.at[0].fault, Some(Fault::Lag { blocks: 3 }));
    assert_eq!(scenario.expect[0].of.as_ref().unwrap().get_ref(), &Which::Reads);
    assert_eq!(scenario.load.mix[0].label(), "head_number");
}

#[test]
fn problems_name_their_line_and_column() {
    check("rate = 10", "rtae = 10", "s.toml:7:1: unknown field `rtae`");
    check("node = \"a\"", "node = \"x\"", "s.toml:12:8: no node is named \"x\"");
    check("rate = 10", "rate = 0", "s.toml:7:8: load.rate");
    check("\"5s\"", "\"5\"", "s.toml:8:12: \"5\" is no time");
    check("of = \"reads\"", "of = \"raeds\"", "s.toml:17:6: expect.of");
    check("t = \"1s\"", "t = \"9s\"", "s.toml:11:5: at.t: after the end");
    check("[load]", "[load", "s.toml:6:");
}

#[test]
fn what_cannot_be_meant_is_refused() {
    check("fault = {", "clear = true\nfault = {", "exactly one of");
    check("node = \"a\"\n", "", "need a node");
    check("kind = \"lag\"", "kind = \"leg\"", "leg");
    check("name = \"b\"", "name = \"a\"", "twice");
    check("share = 1", "share = -1", "share");
    check("blocks = 3 }", "blocks = 3 }\nprobability = 0.5", "whole node");
    check("\"head_number\"", "\"raw\"", "needs a method");
    check("\"head_number\"", "\"batch\"", "other calls");
    check("\"head_number\"", "\"raw\", method = \"eth_x\"", "must be that one");
    check("\"head_number\"", "\"logs\"", "substrate has none of the calls");
    check("[load]", "[chain]\nfamilies = []\n[load]", "families: empty");
}

#[test]
fn a_family_plays_what_it_has() {
    let calls = r#"{ call = "head_number", share = 1 }, { call = "logs", share = 1 }"#;
    let text = SOUND.replace(r#"{ call = "head_number", share = 1 }"#, calls);
    let text = text.replace("[load]", "[node]\nclient = [\"reth\", \"nearcore24\"]\n[load]");
    let text = format!("{text}[[expect]]\nrule = \"of logs\"\nof = \"logs\"\nfailed = 0\n");
    let scenario = Scenario::read(&text, Path::new("s.toml")).unwrap();
    assert_eq!(scenario.chain.families, family::ALL);
    for (family, calls, client) in [
        (Family::Ethereum, 2, Some(Client::Reth)),
        (Family::Near, 1, Some(Client::Nearcore24)),
        (Family::Icon, 1, None),
    ] {
        let played = scenario.clone().with(family);
        assert_eq!(played.chain.family, family);
        assert_eq!((played.load.mix.len(), played.expect.len()), (calls, calls));
        assert_eq!(played.node.client.of(family), client);
    }
}

const ATTACKED: &str = r#"
[[attack]]
kind = "flood"
from = "1s"
to = "4s"
connections = 100
sources = 50
rate = 1000
method = "eth_gasPrice"
[[expect]]
rule = "a flood is refused"
strict = true
attack = { of = "flood", opened = 100, answers = [{ status = 429, least = 1 }], others = 0, node_calls = 3 }
"#;

fn attacked() -> String {
    format!("{}{ATTACKED}", SOUND.replace("[load]", "[chain]\nfamilies = [\"ethereum\"]\n[load]"))
}

fn check_attack(from: &str, to: &str, expected: &str) {
    let text = attacked().replacen(from, to, 1);
    assert_ne!(text, attacked(), "{from}");
    let problems = Scenario::read(&text, Path::new("s.toml")).unwrap_err().problems;
    assert!(problems[0].contains(expected), "{problems:?} lacks {expected}");
}

#[test]
fn an_attack_has_a_kind_a_time_and_expectations() {
    let scenario = Scenario::read(&attacked(), Path::new("s.toml")).unwrap();
    let attack = &scenario.attack[0];
    assert_eq!((attack.label(), attack.until()), ("flood", Time::seconds(4)));
    assert_eq!((attack.recipe(), scenario.attacked(attack)), (Recipe::Raw, "eth_gasPrice"));
    let of = scenario.expect[1].attack.as_ref().unwrap();
    assert_eq!((of.of.get_ref().as_str(), of.answers[0].status), ("flood", 429));
    assert!(scenario.expect[1].strict);
}

#[test]
fn an_attack_that_cannot_be_meant_is_refused() {
    check_attack("\"flood\"", "\"flod\"", "s.toml:23:8: unknown variant `flod`");
    check_attack("to = \"4s\"", "", "s.toml:23:8: attack flood: either to or for");
    check_attack("to = \"4s\"", "to = \"9s\"", "end before the load does");
    check_attack("connections = 100", "connections = 0", "connections: allowed is 1 to 50000");
    check_attack("rate = 1000", "rate = 0", "rate: allowed");
    check_attack("sources = 50", "size = 3", "size means nothing for flood");
    check_attack("sources = 50", "again = true", "again means nothing for flood");
    check_attack("sources = 50", "call = \"balance\"", "either call or method");
    check_attack("method = \"eth_gasPrice\"", "params = \"[]\"", "params belong to a method");
    check_attack("method = \"eth_gasPrice\"", "call = \"write\"", "allowed are reads");
    check_attack("families = [\"ethereum\"]", "seed = 1", "a method is of one family");
    check_attack(
        "[[expect]]",
        "[[attack]]\nkind = \"ping\"\nname = \"flood\"\nfrom = \"1s\"\nfor = \"1s\"\n[[expect]]",
        "twice in the file",
    );
}

#[test]
fn what_is_expected_of_an_attack_must_be_of_one() {
    check_attack("of = \"flood\"", "of = \"ping\"", "no attack is named \"ping\"");
    check_attack("node_calls = 3", "reaped_within = \"3s\"", "does not last so long");
    check_attack("node_calls = 3", "goaway_within = \"1s\"", "goaway_within needs goaway");
    check_attack("\"eth_gasPrice\"", "\"eth_blockNumber\"", "the load calls the same method");
    check_attack("strict = true", "from = \"1s\"", "only bytes_per_connection has a window");
    check_attack("strict = true", "goodput = { share = 0.9 }", "either of a rate or of a window");
}

#[test]
fn an_attack_by_a_call_that_a_family_lacks_is_left_out() {
    let text = attacked().replace("method = \"eth_gasPrice\"", "call = \"logs\"");
    let text = text.replace("families = [\"ethereum\"]", "seed = 1");
    let scenario = Scenario::read(&text, Path::new("s.toml")).unwrap();
    let played = |family| {
        let scenario = scenario.clone().with(family);
        (scenario.attack.len(), scenario.expect.len())
    };
    assert_eq!(played(Family::Ethereum), (1, 2));
    assert_eq!(played(Family::Near), (0, 1));
}

#[test]
fn clients_retry_as_one_library_or_as_several() {
    let read = |retry: &str| {
        let text = SOUND.replace("rate = 10", &format!("rate = 10\nretry = {retry}"));
        Scenario::read(&text, Path::new("s.toml")).map(|scenario| scenario.load.retry.0)
    };
    assert_eq!(read("\"ethers\"").unwrap(), [Retry::Like(Library::Ethers)]);
    let model = "{ attempts = 3, pause = \"50ms\" }";
    let both = read(&format!("[\"web3\", {model}]")).unwrap();
    let Retry::Model(model) = &both[1] else { panic!("{both:?}") };
    assert_eq!((model.statuses.as_slice(), model.broken), ([429, 503, 504].as_slice(), true));
    assert!(read("\"ether\"").is_err());
    assert!(read("{ attempts = 0, pause = \"50ms\" }").is_err());
}
