//! Every neutral call, asked of a simulated node of every family, and its answer judged:
//! right from a good node, and not from one of another branch.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use headrace_loadtest::family;
use headrace_loadtest::judge::{Asked, Judgement, Question, Reply, judge};
use headrace_loadtest::load::recipe::{Cook, Planned};
use headrace_loadtest::scenario::{Recipe, Scenario};
use headrace_loadtest::truth::Truth;
use headrace_simnode::{Chain, ChainOptions, Family, Fault, Node, NodeOptions, Pace, Retention};

/// Calls of each kind.
const CALLS: usize = 40;

/// A chain of a family with one node.
struct World {
    family: Family,
    truth: Arc<Truth>,
    node: Node,
}

impl World {
    async fn new(family: Family) -> Self {
        let options = ChainOptions { pace: Pace::Manual, ..ChainOptions::of(family) };
        let truth = Arc::new(Truth::new(Chain::new(options)));
        truth.mine(3);
        let options = NodeOptions {
            delay: Duration::ZERO,
            retention: Retention::ARCHIVE,
            ..NodeOptions::of(family, "a")
        };
        let node = Node::start(Arc::clone(&truth.chain), options).await.unwrap();
        Self { family, truth, node }
    }

    fn cook(&self, recipe: Recipe) -> Cook {
        let text = format!(
            "about = \"one call\"\n[chain]\nfamilies = [\"{}\"]\n[[zones]]\nname = \"z\"\nnodes = [{{ name = \"a\" }}]\n[load]\n\
             rate = 1\nduration = \"1s\"\nmix = [{{ call = \"{}\", share = 1 }}]\n",
            family::word(self.family),
            recipe.word()
        );
        let scenario = Scenario::read(&text, Path::new("one.toml")).unwrap().with(self.family);
        Cook::new(&scenario, Arc::clone(&self.truth))
    }

    fn ask(&self, planned: &Planned) -> (Judgement, String) {
        let body = format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"{}","params":{}}}"#,
            planned.method, planned.params
        );
        let path = if self.family == Family::Icon { "/api/v3" } else { "/" };
        let (status, text) = post(self.node.address(), path, &body);
        let reply: Reply<'_> = serde_json::from_str(&text).unwrap();
        let asked = Asked { sent: self.truth.now(), status: Some(status) };
        (judge(&planned.question, &reply, asked, &self.truth), format!("{body}\n{text}"))
    }
}

fn post(to: SocketAddr, path: &str, body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(to).unwrap();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nconnection: close\r\n\
         content-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body.as_bytes()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

/// The calls that a family has, batches and raw ones aside.
fn calls(family: Family) -> impl Iterator<Item = Recipe> {
    Recipe::ALL.into_iter().filter(move |recipe| (family::of(family).method)(*recipe).is_some())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_good_node_answers_every_call_right() {
    for family in family::ALL {
        let world = World::new(family).await;
        let head = world.truth.chain.head().number;
        for recipe in calls(family) {
            let mut cook = world.cook(recipe);
            for _ in 0..CALLS {
                let (planned, _) = cook.request();
                let (judgement, text) = world.ask(&planned[0]);
                let shown = recipe.newest().then_some(head);
                assert_eq!(judgement, Judgement::Right(shown), "{family:?} {recipe:?}\n{text}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn heights_that_the_chain_skips_are_asked_for_too() {
    let world = World::new(Family::Near).await;
    for recipe in [Recipe::Block, Recipe::Balance, Recipe::Call, Recipe::Storage] {
        let mut cook = world.cook(recipe);
        let skipped = (0..400).filter(|_| {
            let (planned, _) = cook.request();
            let Question::At(number, _) = planned[0].question else { return false };
            world.truth.skipped(number)
        });
        assert!(skipped.count() > 0, "{recipe:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_of_another_branch_are_never_right() {
    // Its refusals and hashes of writes are the same on every branch.
    let same = [Recipe::HeadNumber, Recipe::Revert, Recipe::Write, Recipe::Receipt];
    for family in family::ALL {
        let world = World::new(family).await;
        world.node.set(Fault::Fork { height: 800, salt: 7 });
        for recipe in calls(family).filter(|recipe| !same.contains(recipe)) {
            let mut cook = world.cook(recipe);
            for _ in 0..CALLS {
                let (planned, _) = cook.request();
                if let Question::At(number, _) = planned[0].question
                    && world.truth.skipped(number)
                {
                    continue;
                }
                let (judgement, text) = world.ask(&planned[0]);
                let right = matches!(judgement, Judgement::Right(_));
                assert!(!right, "{family:?} {recipe:?}\n{text}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_is_in_the_next_block() {
    for family in family::ALL {
        let world = World::new(family).await;
        let (planned, _) = world.cook(Recipe::Write).request();
        let (judgement, text) = world.ask(&planned[0]);
        assert_eq!(judgement, Judgement::Right(None), "{family:?}\n{text}");
        let Question::Write(hash) = planned[0].question else { panic!("{planned:?}") };
        assert_eq!(world.node.shared().counters.received(&hash), 1, "{family:?}");
        world.truth.mine(2);
        let head = world.truth.chain.head().number;
        let sent = |number| world.truth.draft(number).map_or_else(Vec::new, |draft| draft.sent);
        let included = (head - 5..=head).flat_map(sent).any(|sent| sent.hash == hash);
        assert!(included, "{family:?}");
    }
}
