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
