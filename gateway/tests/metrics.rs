//! The Prometheus page as a scraper reads it: every line parses, `docs/metrics.md`
//! says the same, and no label carries a client's text.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv4Addr},
    path::{Path, PathBuf},
    sync::{Arc, LazyLock},
    time::Duration,
};

use bytes::Bytes;
use headrace_gateway::{
    access::AccessLog,
    admin::{exposition, standing::Standing},
    clock::{Clock, Timestamp},
    config::Config,
    error,
    gateway::{Gateway, Origin, Protocol, RequestId},
    head::Line,
    method::Lane,
    metrics::{
        AttemptResult, ChainMetrics, Ejection, Outcome, Purpose, Queued, ReloadStatus, Source,
    },
    names::{Block, Hash},
    node::CallClass,
    server::{Handshake, Refused, Traffic},
    topology::{Current, Tips, Topology},
};

const CONFIG: &str = r#"
[server]
zone = "eu-1a"

[[chains]]
name = "eth"
family = "ethereum"
identity = 1

[[chains.pools]]
zone = "eu-1a"
nodes = [
  { name = "a1", http = "http://127.0.0.1:1" },
  { name = "a2", http = "http://127.0.0.1:2", archive = true },
]

[[chains.pools]]
zone = "eu-1b"
nodes = [{ name = "b1", http = "http://127.0.0.1:3", fallback = true }]
"#;

/// A gateway that serves nothing and probes nobody, with all three tips known.
/// The file of a certificate; its key is beside it.
static CERTIFICATE: LazyLock<PathBuf> = LazyLock::new(|| {
    let made = rcgen::generate_simple_self_signed(vec!["a.test".to_owned()]).unwrap();
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("metrics.crt");
    std::fs::write(&file, made.cert.pem()).unwrap();
    std::fs::write(file.with_extension("key"), made.signing_key.serialize_pem()).unwrap();
    file
});

fn gateway() -> Gateway {
    let (cert, key) = (CERTIFICATE.display(), CERTIFICATE.with_extension("key"));
    let tls = format!("[server]\ntls = {{ cert = \"{cert}\", key = \"{}\" }}", key.display());
    let config = CONFIG.replace("[server]", &tls);
    let loaded = Config::parse(&config, Path::new("test.toml"), &|_| None).unwrap();
    let topology = Topology::build(Arc::new(loaded.config), None).unwrap();
    let block = Some(Block { number: 436, hash: Hash([7; 32]) });
    topology.chains[0].state.show(
        Tips {
            latest: block,
            safe: block,
            finalized: block,
            since: Timestamp::ZERO,
            block_time: Duration::from_secs(12),
        },
        &block.map(Line::of).unwrap_or_default(),
        None,
    );
    let current = Arc::new(Current::new(topology));
    Gateway::new(current, Clock::manual(), AccessLog::off())
}

fn text(gateway: &Gateway) -> String {
    exposition::text(gateway, &Traffic::default(), &ReloadStatus::default())
}

/// Serves one request text, as if it had come over a socket.
fn serve(gateway: &Gateway, text: &'static str) {
    let from = Origin {
        request_id: RequestId(1),
        address: IpAddr::V4(Ipv4Addr::LOCALHOST),
        protocol: Protocol::H1,
        client: None,
    };
    let chain = gateway.current.find(|topology| topology.by_path("/")).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(gateway.serve(&chain, Bytes::from_static(text.as_bytes()), &from));
}

/// One line with a value.
#[derive(Debug)]
struct Sample {
    name: String,
    labels: BTreeMap<String, String>,
    value: f64,
}

impl Sample {
    /// `name{label="value",…} number`; values here need no escapes.
    fn parse(line: &str) -> Option<Self> {
        let (series, value) = line.rsplit_once(' ')?;
        let (name, labels) = match series.split_once('{') {
            None => (series, ""),
            Some((name, rest)) => (name, rest.strip_suffix('}')?),
        };
        let pairs = labels.split(',').filter(|pair| !pair.is_empty()).map(|pair| {
            let (label, value) = pair.split_once('=')?;
            let value = value.strip_prefix('"')?.strip_suffix('"')?;
            (!value.contains(['"', '\\'])).then(|| (label.to_owned(), value.to_owned()))
        });
        let is_name = name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        let labels = pairs.collect::<Option<_>>()?;
        is_name.then_some(Self { name: name.to_owned(), labels, value: value.parse().ok()? })
    }
}

#[derive(Debug, PartialEq)]
struct Family {
    kind: String,
    labels: BTreeSet<String>,
}

fn samples(text: &str) -> Vec<Sample> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| Sample::parse(line).unwrap_or_else(|| panic!("{line}"))).collect()
}

/// The families of a page, by name; each line must belong to the family above it.
fn families(text: &str) -> BTreeMap<String, Family> {
    let mut families = BTreeMap::new();
    let mut current = String::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            name.clone_into(&mut current);
            let family = Family { kind: kind.to_owned(), labels: BTreeSet::new() };
            assert!(families.insert(current.clone(), family).is_none(), "{name} twice");
        } else if !line.starts_with('#') {
            let sample = Sample::parse(line).unwrap_or_else(|| panic!("{line}"));
            let parts = ["", "_bucket", "_sum", "_count"];
            assert!(parts.iter().any(|part| sample.name == format!("{current}{part}")), "{line}");
            let labels = sample.labels.into_keys().filter(|label| label != "le");
            families.get_mut(&current).unwrap().labels.extend(labels);
        }
    }
    families
}

/// The families of the docs: rows that begin with a metric's name.
fn documented() -> BTreeMap<String, Family> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/metrics.md");
    let text = std::fs::read_to_string(path).unwrap();
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `"));
    let family = |row: &str| {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let labels = cells[2].split(',').map(|label| label.trim().trim_matches('`').to_owned());
        let labels = labels.filter(|label| !label.is_empty()).collect();
        (cells[0].trim_matches('`').to_owned(), Family { kind: cells[1].to_owned(), labels })
    };
    rows.map(family).collect()
}

#[test]
fn every_family_is_documented_with_its_type_and_labels_and_no_other() {
    let text = text(&gateway());
    let (shown, documented) = (families(&text), documented());
    for (name, family) in &shown {
        assert_eq!(Some(family), documented.get(name), "{name}: the page, and docs/metrics.md");
    }
    for name in documented.keys() {
        assert!(shown.contains_key(name), "{name} is documented and not shown");
    }
}

#[test]
fn a_method_is_counted_from_its_first_call_and_an_unknown_one_as_other() {
    let gateway = gateway();
    let methods = |gateway: &Gateway| -> BTreeMap<String, f64> {
        let samples = samples(&text(gateway)).into_iter();
        let mut calls = BTreeMap::new();
        for sample in samples.filter(|sample| sample.name == "headrace_requests_total") {
            *calls.entry(sample.labels["method"].clone()).or_default() += sample.value;
        }
        calls
    };
    assert_eq!(methods(&gateway), BTreeMap::from([("other".to_owned(), 0.0)]));
    serve(&gateway, r#"{"jsonrpc":"2.0","id":1,"method":"eth_getBalance","params":["0x1",{}]}"#);
    serve(&gateway, r#"[{"jsonrpc":"2.0","id":1,"method":"no_such"},5]"#);
    let expected = [("eth_getBalance", 1.0), ("other", 2.0)];
    assert_eq!(methods(&gateway), expected.map(|(name, count)| (name.to_owned(), count)).into());
}

/// The words each label may have.
fn closed_sets(gateway: &Gateway) -> BTreeMap<&'static str, BTreeSet<String>> {
    let topology = gateway.current.load();
    let chain = &topology.chains[0];
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    let refusals = error::Reason::ALL.iter().map(|reason| reason.word());
    let ends = Refused::ALL.map(Refused::word);
    let reasons = refusals.chain(Ejection::ALL.map(Ejection::word)).chain(ends);
    let states = Standing::ALL.map(Standing::word).into_iter().chain(["in_use", "idle"]);
    let results = AttemptResult::ALL.map(AttemptResult::word);
    let outcomes = Outcome::ALL.map(Outcome::word).into_iter().chain(results);
    let outcomes =
        outcomes.chain(Handshake::ALL.map(Handshake::word)).chain(Queued::ALL.map(Queued::word));
    let kinds = Purpose::ALL.map(Purpose::word).into_iter().chain(ChainMetrics::TIP_CHANGES);
    let methods = chain.methods().rows().iter().map(|method| method.label());
    BTreeMap::from([
        ("chain", words(&["eth"])),
        ("client", words(&["anonymous"])),
        ("zone", words(&["eu-1a", "eu-1b"])),
        ("node", words(&["a1", "a2", "b1"])),
        ("method", words(&methods.collect::<Vec<_>>())),
        ("outcome", words(&outcomes.collect::<Vec<_>>())),
        ("result", words(&results)),
        ("origin", words(&Source::ALL.map(Source::word))),
        ("method_class", words(&Lane::ALL.map(Lane::word))),
        ("kind", words(&kinds.collect::<Vec<_>>())),
        ("reason", words(&reasons.collect::<Vec<_>>())),
        ("class", words(&CallClass::ALL.map(CallClass::word))),
        ("state", words(&states.collect::<Vec<_>>())),
        ("cert", words(&[CERTIFICATE.to_str().unwrap()])),
        ("tag", words(&["latest", "safe", "finalized"])),
        ("version", words(&[env!("CARGO_PKG_VERSION")])),
        ("revision", words(&[&topology.config.revision])),
    ])
}

#[test]
fn no_label_carries_free_text() {
    let gateway = gateway();
    serve(&gateway, r#"{"jsonrpc":"2.0","id":1,"method":"eth_evil\"} 1\n#","params":["0xevil"]}"#);
    serve(&gateway, r#"{"jsonrpc":"2.0","id":"evil","method":"eth_call","params":{"evil":1}}"#);
    serve(&gateway, "evil");
    let sets = closed_sets(&gateway);
    for Sample { name, labels, .. } in samples(&text(&gateway)) {
        for (label, value) in labels {
            let closed = match label.as_str() {
                "le" => value == "+Inf" || value.parse::<f64>().is_ok_and(|le| le <= 100.0),
                "code" => value == "other" || value.parse::<u16>().is_ok(),
                label => sets.get(label).is_some_and(|set| set.contains(&value)),
            };
            assert!(closed, "{name}: {label}={value:?}");
        }
    }
}

#[test]
fn a_node_is_up_alone_or_in_every_state_that_keeps_calls_away() {
    use headrace_gateway::route::Facts;
    let gateway = gateway();
    let states = |node: &str| -> Vec<String> {
        let of_node = |sample: &Sample| {
            sample.name == "headrace_node_state"
                && sample.labels["node"] == node
                && sample.value == 1.0
        };
        let samples = samples(&text(&gateway)).into_iter().filter(of_node);
        samples.map(|sample| sample.labels["state"].clone()).collect()
    };
    let topology = gateway.current.load();
    let nodes = &topology.chains[0].members;
    nodes[1].node.mark(Facts::VERIFIED, true);
    nodes[2].node.mark(Facts::VERIFIED | Facts::FORKED, true);
    nodes[2].node.set_head(430, 6);
    nodes[2].node.drain(true, Timestamp::ZERO);
    assert_eq!(states("a1"), ["unverified"]);
    assert_eq!(states("a2"), ["up"]);
    assert_eq!(states("b1"), ["forked", "drained", "lagging"]);
}

/// Words of a text that could be metrics of ours, parts of histograms as their family.
fn metrics_named(text: &str) -> BTreeSet<String> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    // A recorded series is named level:metric:operation and is nobody's metric.
    let words = text.split(|c: char| !is_word(c) && c != ':').filter(|word| !word.contains(':'));
    let ours = words.filter(|word| word.starts_with("headrace_") || word.starts_with("process_"));
    ours.map(|word| word.strip_suffix("_bucket").unwrap_or(word).to_owned()).collect()
}

#[test]
fn alerts_ask_for_metrics_that_exist_and_the_docs_name_every_alert() {
    let deploy = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/prometheus");
    let rules = std::fs::read_to_string(deploy.join("alerts.yml")).unwrap();
    let tests = std::fs::read_to_string(deploy.join("alerts.test.yml")).unwrap();
    let docs = std::fs::read_to_string(deploy.join("../../docs/metrics.md")).unwrap();
    let documented: BTreeSet<String> = documented().into_keys().collect();
    for text in [&rules, &tests] {
        let unknown: Vec<_> = metrics_named(text).difference(&documented).cloned().collect();
        assert_eq!(unknown, [""; 0], "named by an alert or its test, and not documented");
    }
    let alerts = rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: "));
    let alerts: BTreeSet<&str> = alerts.collect();
    let cells = docs.lines().filter(|line| line.starts_with("| `"));
    let cells = cells.filter_map(|line| line.trim_end_matches('|').rsplit('|').next());
    let used: BTreeSet<&str> = cells
        .flat_map(|cell| cell.split(','))
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .collect();
    let of_scraping = BTreeSet::from(["ScrapeMissing"]);
    assert_eq!(alerts, used.union(&of_scraping).copied().collect(), "alerts.yml and the docs");
}
