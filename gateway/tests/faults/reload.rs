//! Live config: what changes, what stays, and what a broken file does.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use headrace_gateway::reload::Outcome;

use super::world::{Plan, World, until, until_asked};

fn applied(outcome: &Outcome) {
    assert!(matches!(outcome, Outcome::Applied(_)), "{outcome:?}");
}

/// The file without the node's line.
fn without(text: &str, node: &str) -> String {
    let is_other = |line: &&str| !line.contains(&format!("name = \"{node}\""));
    text.lines().filter(is_other).collect::<Vec<_>>().join("\n")
}

async fn read(world: &World, times: usize) -> BTreeSet<String> {
    let mut client = world.client().await;
    let mut nodes = BTreeSet::new();
    for _ in 0..times {
        let reply = client.call("eth_getBalance", &super::world::balance_params("latest")).await;
        world.judged(&reply);
        nodes.insert(reply.node().to_owned());
    }
    nodes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_stay_keep_their_facts_and_connections_and_new_ones_are_asked_first() {
    let world = Plan::new(500, &["a", "b", "c"]).ready().await;
    let whole = world.text();
    read(&world, 50).await;
    let node = world.member("a", |member| Arc::clone(&member.node));
    let (tip, opened) = (world.tip(), world.node("a").counters().connections);
    applied(&world.reload(&without(&whole, "c")));
    assert!(world.tip().number >= tip.number, "the tip stays");
    assert!(world.member("a", |member| Arc::ptr_eq(&member.node, &node)), "the same node");
    let before = world.calls("c", "eth_getBalance");
    assert!(!read(&world, 50).await.contains("c"), "a removed node answered");
    assert_eq!(world.calls("c", "eth_getBalance"), before);
    applied(&world.reload(&whole));
    read(&world, 50).await;
    world.until_usable("c").await;
    until_asked("the new node answers", || async { read(&world, 20).await.contains("c") }).await;
    let heavier = whole.replace("name = \"b\"", "name = \"b\", weight = 300");
    applied(&world.reload(&heavier));
    assert_eq!(world.member("b", |member| member.node.config.weight), 300);
    assert!(world.has("b", headrace_gateway::route::Facts::VERIFIED), "facts stay");
    read(&world, 50).await;
    assert!(world.member("a", |member| Arc::ptr_eq(&member.node, &node)));
    let more = world.node("a").counters().connections - opened;
    assert!(more <= 4, "{more} new connections to a node that stayed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broken_file_changes_nothing_and_tells_every_problem() {
    let world = Plan::new(500, &["a", "b"]).ready().await;
    let text = world.text();
    let revision = || world.gateway.gateway.current.load().config.revision.clone();
    let before = revision();
    let broken = [
        text.replace("[[chains]]", "[[chain]]"),
        text.replace("identity = 1337", "identity = \"maybe\"\nlag = -4"),
        without(&without(&text, "a"), "b"),
        "not toml at all {".to_owned(),
        String::new(),
        text.replace("zone = \"zone-0\"\nexpose", "zone = \"elsewhere\"\nexpose"),
        text.replace("threads = 2", "threads = 3"),
    ];
    for bad in broken {
        let outcome = world.reload(&bad);
        let Outcome::Refused(problems) = outcome else { panic!("{outcome:?} for\n{bad}") };
        assert!(!problems.is_empty());
        assert_eq!(revision(), before, "{problems:?}");
        assert_eq!(read(&world, 5).await.len().min(1), 1);
    }
    assert!(matches!(world.reload(&text), Outcome::Unchanged));
}

/// Reads all the time, until told to stop; how many there were.
async fn load(world: Arc<World>, stop: Arc<AtomicBool>) -> usize {
    let mut client = world.client().await;
    let mut calls = 0;
    while !stop.load(Relaxed) {
        world.height_read(&mut client, "latest").await;
        calls += 1;
    }
    calls
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_reloads_and_twenty_broken_files_under_load_fail_no_call() {
    let world = Arc::new(Plan::new(500, &["a", "b", "c"]).ready().await);
    let stop = Arc::new(AtomicBool::new(false));
    let loads: Vec<_> =
        (0..6).map(|_| tokio::spawn(load(Arc::clone(&world), Arc::clone(&stop)))).collect();
    let whole = world.text();
    let forms = [
        without(&whole, "c"),
        whole.clone(),
        whole.replace("name = \"b\"", "name = \"b\", weight = 300"),
        whole.replace("[log]", "[limits]\nbatch = 7\n[log]"),
        whole.replace("identity = 1337", "identity = 1337\nlag = 3"),
    ];
    let mut client = world.client().await;
    for turn in 0..100 {
        applied(&world.reload(&forms[turn % forms.len()]));
        if turn % 5 == 4 {
            assert!(matches!(world.reload("[[chains]]\nnodes = 4"), Outcome::Refused(_)));
        }
        world.height_read(&mut client, "latest").await;
    }
    stop.store(true, Relaxed);
    for load in loads {
        assert!(load.await.unwrap() > 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_file_and_a_swapped_link_are_put_in_force() {
    let world = Plan::new(500, &["a", "b"]).ready().await;
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("faults-reload");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    let (text, path) = (world.text(), folder.join("headrace.toml"));
    let write = |name: &str, text: String| {
        std::fs::write(folder.join(name), text).unwrap();
        let link = folder.join("link");
        std::os::unix::fs::symlink(folder.join(name), &link).unwrap();
        std::fs::rename(link, &path).unwrap();
    };
    write("one", text.clone());
    world.gateway.watch(path.clone()).unwrap();
    let weight = || world.member("a", |member| member.node.config.weight);
    let weighing =
        |weight: u32| text.replace("name = \"a\"", &format!("name = \"a\", weight = {weight}"));
    write("two", weighing(200));
    until("the second file is in force", || weight() == 200).await;
    write("broken", "broken {".to_owned());
    let status = &world.gateway.reloader.status;
    until("it is refused", || !status.read().0).await;
    write("three", weighing(400));
    until("the swapped link is read", || weight() == 400).await;
    assert!(status.read().0);
    read(&world, 20).await;
}
