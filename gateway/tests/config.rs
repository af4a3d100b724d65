//! The config as operators meet it: what is printed for a file full of mistakes,
//! what is accepted prints back, nothing makes the reader panic.

#![expect(clippy::unwrap_used, reason = "what tests share may panic as tests do")]

use std::{
    path::{Path, PathBuf},
    sync::{Arc, LazyLock},
};

use headrace_gateway::{
    config::{
        Config,
        diff::diff,
        load::{Loaded, Nodes},
        print,
        problem::{self, Problem},
        schema,
    },
    family::Family,
    method::MethodTable,
};
use proptest::{collection::vec, prelude::*, sample::Index};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Compares `text` with a golden file; `UPDATE_GOLDEN=1` rewrites it.
fn golden(path: &Path, text: &str) {
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(path, text).unwrap();
    }
    let expected = std::fs::read_to_string(path).unwrap_or_default();
    assert!(expected == text, "{} is stale; UPDATE_GOLDEN=1 rewrites it:\n{text}", path.display());
}

fn golden_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/config")
}

fn no_env(_: &str) -> Option<String> {
    None
}

fn parse(text: &str) -> Result<Loaded, Vec<Problem>> {
    Config::parse(text, Path::new("test.toml"), &no_env)
}

/// Checks `tests/golden/config/NAME.toml` and compares what is printed with `NAME.txt`.
fn check_golden(name: &str) {
    let path = golden_dir().join(format!("{name}.toml"));
    let text = std::fs::read_to_string(&path).unwrap();
    let file = format!("{name}.toml");
    let problems = match Config::parse(&text, Path::new(&file), &no_env) {
        Ok(loaded) => loaded.warnings,
        Err(problems) => problems,
    };
    golden(&golden_dir().join(format!("{name}.txt")), &problem::text(&problems));
}

#[test]
fn every_mistake_of_a_file_is_reported_at_once_in_its_place() {
    check_golden("mistakes");
}

#[test]
fn syntax_errors_do_not_hide_the_mistakes_of_sound_lines() {
    check_golden("syntax");
}

#[test]
fn an_unclosed_bracket_is_one_problem() {
    check_golden("unclosed");
}

#[test]
fn starting_configs_are_accepted_without_a_warning() {
    for name in ["small", "one-chain", "four-families", "public"] {
        let path = repository().join(format!("config/{name}.toml"));
        let loaded = Config::load(&path, &no_env).unwrap_or_else(|problems| {
            panic!("{name}: {}", problem::text(&problems));
        });
        assert_eq!(loaded.warnings, [], "{name}");
    }
}

fn accepted(name: &str) -> Loaded {
    let text = std::fs::read_to_string(golden_dir().join(name)).unwrap();
    parse(&text).unwrap_or_else(|problems| panic!("{name}: {}", problem::text(&problems)))
}

#[test]
fn a_reload_is_told_by_names_of_chains_and_nodes_and_shows_no_secret() {
    let (old, new) = (accepted("old.toml").config, accepted("new.toml").config);
    let diff = diff(&old, &new);
    golden(&golden_dir().join("diff.txt"), &diff.to_string());
    golden(&golden_dir().join("diff.json"), &diff.json());
    assert_eq!(diff.restart(), ["server.listen", "server.zone", "server.threads"]);
    let shown = format!("{diff}{}", diff.json());
    assert!(!shown.contains("first") && !shown.contains("second"), "{shown}");
}

#[test]
fn a_config_does_not_differ_from_itself() {
    let old = accepted("old.toml").config;
    let diff = diff(&old, &old.clone());
    assert_eq!((diff.to_string().as_str(), diff.restart()), ("no changes\n", vec![]));
}

#[test]
fn the_schema_is_that_of_the_table_of_keys() {
    golden(&repository().join("config/schema.json"), &schema::schema());
}

#[test]
fn the_docs_page_is_that_of_the_table_of_keys() {
    golden(&repository().join("docs/config.md"), &schema::docs());
}

/// Stands in for every method table, whose look-ups print in no order.
static TABLE: LazyLock<Arc<MethodTable>> = LazyLock::new(Arc::default);

/// All of a config; of method tables the rows.
fn shape(config: &Config) -> String {
    let rows: Vec<_> = config.chains.iter().map(|chain| chain.methods.rows().to_vec()).collect();
    let mut config = config.clone();
    config.chains.iter_mut().for_each(|chain| chain.methods = Arc::clone(&TABLE));
    format!("{config:?}\n{rows:?}")
}

/// Prints `config` back and reads that again: nothing may be lost.
fn prints_back(config: &Config) {
    let text = print::written(config);
    let again = parse(&text).unwrap_or_else(|problems| {
        panic!("{}\nof\n{text}", problem::text(&problems));
    });
    assert!(shape(&again.config) == shape(config), "something of this is lost:\n{text}");
    assert_eq!(again.config.revision, config.revision);
    assert_eq!(diff(config, &again.config).to_string(), "no changes\n");
    let effective = parse(&print::effective(config)).map(|loaded| loaded.config);
    assert!(effective.is_ok(), "{:?}", effective.err());
}

#[test]
fn accepted_configs_print_back() {
    for name in ["old.toml", "new.toml", "everything.toml"] {
        prints_back(&accepted(name).config);
    }
}

#[test]
fn the_effective_config_shows_no_secret() {
    let text = print::effective(&accepted("old.toml").config);
    assert!(text.contains("token = \"***\""), "{text}");
    assert!(text.contains("http = \"https://rpc.example.org:443/***\""), "{text}");
    assert!(!text.contains("first"), "{text}");
}

#[test]
fn variables_and_files_are_resolved_and_secrets_in_them_do_not_warn() {
    let folder = std::env::temp_dir().join(format!("headrace-config-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("token");
    std::fs::write(&file, "from-file\n").unwrap();
    let text = r#"
        admin.token = { file = "token" }
        [[chains]]
        name = "${NAME}"
        family = "ethereum"
        identity = "${ID:-0x539}"
        pools = [{ zone = "z", nodes = [
            { name = "n", http = "http://h:1/${NAME}", headers = { x-key = "k ${NAME}" } }
        ] }]
    "#;
    let env = |name: &str| (name == "NAME").then(|| "eth".to_owned());
    let read = |mode| {
        set_mode(&file, mode);
        Config::parse(text, &folder.join("headrace.toml"), &env).unwrap()
    };
    let narrow = read(0o640);
    let wide = read(0o644);
    std::fs::remove_dir_all(&folder).unwrap();
    let config = &narrow.config;
    let (chain, node) = (&config.chains[0], &config.chains[0].pools[0].nodes[0]);
    assert_eq!(config.admin.token.as_ref().unwrap().expose(), "from-file");
    assert_eq!((&*chain.name, chain.identity.as_deref()), ("eth", Some("0x539")));
    assert_eq!((node.http.path.as_str(), node.headers[0].1.expose()), ("/eth", "k eth"));
    assert_eq!(narrow.warnings, []);
    let warnings: Vec<_> = wide.warnings.iter().map(|problem| problem.path.as_str()).collect();
    assert_eq!(warnings, ["admin.token.file"]);
}

fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;

    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

fn nodes(urls: &[&str], identity: Option<&str>) -> Result<Loaded, Vec<Problem>> {
    let urls: Vec<String> = urls.iter().map(|url| (*url).to_owned()).collect();
    let listen = "127.0.0.1:0".parse().ok();
    Config::for_nodes(&Nodes { urls: &urls, listen, family: Family::Ethereum, identity })
}

#[test]
fn nodes_of_the_command_line_make_a_config_that_prints_back() {
    let urls = ["http://127.0.0.1:8551", "https://rpc.example.org/a${b}\\\"c?d"];
    let loaded = nodes(&urls, Some("1337")).unwrap();
    assert_eq!(loaded.warnings, []);
    assert_eq!(loaded.config.chains[0].pools[0].nodes[1].http.path, "/a${b}\\\"c?d");
    prints_back(&loaded.config);
    let warnings = nodes(&urls, None).unwrap().warnings;
    assert!(warnings.iter().all(|warning| warning.path == "--identity"), "{warnings:?}");
    assert_eq!(warnings.len(), 1);
}

#[test]
fn problems_of_the_command_line_are_told_in_its_words() {
    let told = |urls: &[&str], identity| problem::text(&nodes(urls, Some(identity)).unwrap_err());
    let text = told(&["http://127.0.0.1:8551", "http://h/a b"], "x");
    let rows: Vec<_> = text.lines().map(|line| line.split(", allowed").next().unwrap()).collect();
    assert_eq!(
        rows,
        [
            "command line: --identity: `x` is not an identity of this family",
            "command line: --node number 2: has a path that is not a URL path",
        ]
    );
}

#[test]
fn no_node_on_the_command_line_is_one_problem() {
    let problems = nodes(&[], Some("1")).unwrap_err();
    let paths: Vec<_> = problems.iter().map(|problem| problem.path.as_str()).collect();
    assert_eq!(paths, ["--node"]);
}

#[test]
fn a_file_that_cannot_be_read_is_one_problem_with_its_name() {
    let problems = Config::load(Path::new("/nonexistent/headrace.toml"), &no_env).unwrap_err();
    assert_eq!(
        problem::text(&problems),
        "/nonexistent/headrace.toml: cannot read /nonexistent/headrace.toml: No such file or \
         directory (os error 2)\n"
    );
}

#[test]
fn a_file_without_end_is_refused_after_the_bytes_it_may_have() {
    let problems = Config::load(Path::new("/dev/zero"), &no_env).unwrap_err();
    assert_eq!(problems[0].message, "/dev/zero is larger than 4MiB");
}

#[test]
fn more_nodes_than_the_budget_are_refused() {
    let pool = |zone: usize, nodes: usize| {
        let node = |n| format!("{{ name = \"n-{zone}-{n}\", http = \"http://h-{zone}-{n}\" }},");
        let nodes: String = (0..nodes).map(node).collect();
        format!("[[chains.pools]]\nzone = \"z{zone}\"\nnodes = [{nodes}]\n")
    };
    let head = "[[chains]]\nname = \"eth\"\nfamily = \"ethereum\"\nidentity = 1\n";
    let within = format!("{head}{}{}", pool(0, 9_000), pool(1, 1_000));
    assert_eq!(parse(&within).map(|loaded| loaded.warnings), Ok(vec![]));
    let past = format!("{within}{}", pool(2, 1));
    let messages = |text: &str| -> Vec<_> {
        parse(text).unwrap_err().into_iter().map(|problem| problem.message).collect()
    };
    assert_eq!(messages(&past), ["the file has 10001 nodes"]);
    assert_eq!(messages(&format!("{head}{}", pool(0, 10_001))), ["has 10001 entries"]);
}

const SAMPLES: [&str; 4] = [
    include_str!("golden/config/everything.toml"),
    include_str!("golden/config/mistakes.toml"),
    include_str!("golden/config/new.toml"),
    include_str!("../../config/one-chain.toml"),
];

/// Bytes that mean something to the grammar or to values.
const BYTES: &[u8] = b"[]{}=\"'#.,\n\r\t\\$-+_:0129eEzxin\x00\x7f\xc3\xa9";

/// Whether it is accepted or refused, a text never panics, and what is accepted prints back.
fn survives(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    match parse(&text) {
        Ok(loaded) => prints_back(&loaded.config),
        Err(problems) => assert!(!problem::text(&problems).is_empty()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn mutated_configs_never_panic(
        sample in 0..SAMPLES.len(),
        edits in vec((any::<Index>(), any::<Index>(), 0..3_u8), 1..6),
    ) {
        let mut bytes = SAMPLES[sample].as_bytes().to_vec();
        for (at, byte, kind) in edits {
            let at = at.index(bytes.len());
            match kind {
                0 => bytes[at] = *byte.get(BYTES),
                1 => bytes.insert(at, *byte.get(BYTES)),
                _ => drop(bytes.remove(at)),
            }
        }
        survives(&bytes);
    }

    #[test]
    fn swapped_lines_never_panic(sample in 0..SAMPLES.len(), a: Index, b: Index) {
        let mut lines: Vec<&str> = SAMPLES[sample].lines().collect();
        let (a, b) = (a.index(lines.len()), b.index(lines.len()));
        lines.swap(a, b);
        survives(lines.join("\n").as_bytes());
    }

    #[test]
    fn any_text_never_panics(text in "\\PC{0,200}") {
        survives(text.as_bytes());
    }
}

#[test]
fn problems_past_the_bound_are_counted_for_any_number_of_mistakes() {
    let text: String = (0..5_000).map(|n| format!("key-{n} = 1\n")).collect();
    let problems = parse(&text).unwrap_err();
    assert_eq!(problems.len(), 1_001);
    assert_eq!(problems[1_000].message, "4001 more problems are not shown");
}

/// Checks one chain with one node, the rest of the file being `more`, and compares what is told
/// (`error` or `warning`, path, message).
fn check_rule(more: &str, node: &str, expected: &[(&str, &str, &str)]) {
    let text = format!(
        "{more}\n[[chains]]\nname = \"eth\"\nfamily = \"ethereum\"\nidentity = 1\n\
         routes = [\"/eth\", \"eth.example.org\"]\n[[chains.pools]]\nzone = \"a\"\n\
         nodes = [{{ name = \"n\", http = \"http://10.0.0.1\", {node} }}]\n"
    );
    let problems = match parse(&text) {
        Ok(loaded) => loaded.warnings,
        Err(problems) => problems,
    };
    let told: Vec<_> = problems
        .iter()
        .map(|problem| {
            let severity = format!("{:?}", problem.severity).to_lowercase();
            (severity, problem.path.clone(), problem.message.clone())
        })
        .collect();
    let told: Vec<_> = told.iter().map(|(a, b, c)| (a.as_str(), b.as_str(), c.as_str())).collect();
    assert_eq!(told, expected, "{more} {node}");
}

#[test]
fn every_limit_is_told_of() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let page = std::fs::read_to_string(folder.join("docs/limits.md")).unwrap();
    let schema: serde_json::Value =
        serde_json::from_str(&headrace_gateway::config::schema::schema()).unwrap();
    let keys = schema["properties"]["limits"]["properties"].as_object().unwrap().keys();
    let untold: Vec<_> = keys.filter(|key| !page.contains(&format!("`limits.{key}`"))).collect();
    assert_eq!(untold, Vec::<&String>::new());
}

#[test]
fn what_keys_mean_together_is_checked() {
    let node = "chains[0].pools[0].nodes[0]";
    check_rule("", "weight = 1", &[]);
    let lonely = "every node of the chain is a fallback: none has capacity of its own";
    check_rule("", "fallback = true", &[("warning", "chains[0].pools", lonely)]);
    let zone = "no pool is in zone `b`: every call leaves the zone";
    check_rule("server.zone = \"b\"", "", &[("warning", "server.zone", zone)]);
    let host = "does not have `eth.example.org`, the route of a chain";
    check_rule("server.hosts = [\"x.org\"]", "", &[("warning", "server.hosts", host)]);
    check_rule("server.hosts = [\"ETH.example.org\"]", "", &[]);
    let body = "`limits.body` does not fit into `limits.bodies`: no such body would ever pass";
    let limits = "limits = { body = \"2MiB\", bodies = \"1MiB\" }";
    check_rule(limits, "", &[("error", "limits.body", body)]);
    let token = "`0.0.0.0:1` is not loopback and there is no `admin.token`";
    check_rule("admin.listen = \"0.0.0.0:1\"", "", &[("error", "admin.listen", token)]);
    let clash = "`127.0.0.1:8545` is also in `server.listen`";
    check_rule("admin.listen = \"127.0.0.1:8545\"", "", &[("error", "admin.listen", clash)]);
    let any = "server.listen = [\"[::]:8545\"]\nadmin.listen = \"127.0.0.1:8545\"";
    check_rule(any, "", &[("error", "admin.listen", clash)]);
    check_rule("server.listen = [\"127.0.0.1:0\"]\nadmin.listen = \"127.0.0.1:0\"", "", &[]);
    let idle = "idle connections are closed after 75 s, which may be before the proxies do: an AWS NLB keeps idle connections 350 s, Google's balancers 600 s";
    let behind = "server.trusted_proxies = [\"10.0.0.0/8\"]";
    check_rule(behind, "", &[("warning", "server.idle", idle)]);
    check_rule(&format!("{behind}\nserver.idle = \"alb\""), "", &[]);
    let nobody = "is `required`, and no peer is in `server.trusted_proxies`: nobody could connect";
    let required = "server.proxy_protocol = \"required\"";
    check_rule(required, "", &[("error", "server.proxy_protocol", nobody)]);
    let host_bits = "`10.0.0.1/8` has bits beyond its prefix: `10.0.0.0/8` is meant";
    let network = "server.idle = \"nlb\"\nserver.trusted_proxies = [\"10.0.0.1/8\"]";
    check_rule(network, "", &[("error", "server.trusted_proxies[0]", host_bits)]);
    let heavy = "a burst of 4 is less than `trace_replayBlockTransactions` weighs (100): without a plan of its own nobody could call it";
    let rate = "limits.rate = { weight_per_second = 2 }";
    check_rule(rate, "", &[("warning", "limits.rate", heavy)]);
    let keyless = "`a` has no `key`, and there is no `[jwt]`";
    check_rule("clients = [{ name = \"a\" }]", "", &[("error", "clients[0]", keyless)]);
    let other = "is also another's key, first on line 1";
    let key = "key = \"sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\"";
    let clients = format!("clients = [{{ name = \"a\", {key} }}, {{ name = \"b\", {key} }}]");
    let plain = "is a secret in plain text: use { file = \"…\" } or ${NAME}";
    check_rule(&clients, "", &[("error", "clients[1].key", other)]);
    let short = "is shorter than 16 characters: it can be guessed";
    let found = [("warning", "clients[0].key", plain), ("warning", "clients[0].key", short)];
    check_rule("clients = [{ name = \"a\", key = \"abc\" }]", "", &found);
    let tls = format!("{node}.tls");
    let unused = "is not used: the endpoint is not https";
    check_rule("", "tls = { name = \"x.org\" }", &[("error", &tls, unused)]);
    let oldest = format!("{node}.oldest");
    check_rule("", "oldest = {}", &[("error", &oldest, "is empty")]);
    let methods = format!("{node}.methods");
    check_rule("", "methods = {}", &[("error", &methods, "is empty")]);
}
