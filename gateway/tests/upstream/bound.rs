//! A node never sees more connections than its bound, from all workers
//! together, and whoever must wait is served.

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

use futures_util::future::join_all;
use headrace_gateway::{
    upstream::{Exhausted, Fault, HttpClient},
    worker,
};
use tokio::{
    io::AsyncWriteExt,
    sync::{Barrier, mpsc},
};

use super::node::{LONG, Node, OK, SHORT, call, check, fail, once, read_request, send, until};

/// Connections now, and the most there ever were.
#[derive(Default)]
struct Count {
    now: AtomicUsize,
    most: AtomicUsize,
}

async fn counting() -> (Node, Arc<Count>) {
    let count = Arc::new(Count::default());
    let counted = Arc::clone(&count);
    let node = Node::new(move |mut stream, number| {
        let count = Arc::clone(&counted);
        async move {
            let now = count.now.fetch_add(1, SeqCst) + 1;
            count.most.fetch_max(now, SeqCst);
            let mut left = 1 + number % 7;
            while read_request(&mut stream).await.is_some() {
                left -= 1;
                if left == 0 {
                    count.now.fetch_sub(1, SeqCst);
                    let last = OK.replace("\r\n\r\n", "\r\nconnection: close\r\n\r\n");
                    return stream.write_all(last.as_bytes()).await.unwrap();
                }
                stream.write_all(OK.as_bytes()).await.unwrap();
            }
            count.now.fetch_sub(1, SeqCst);
        }
    })
    .await;
    (node, count)
}

/// A stolen connection is watched by the runtime of its own worker, so all of
/// them run until the last is `done`.
fn work(client: &HttpClient, index: usize, done: &Barrier) {
    worker::enter(index);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        for _ in 0..20 {
            for reply in join_all((0..8).map(|_| send(client))).await {
                reply.unwrap();
            }
        }
        done.wait().await;
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bound_of_two_serves_all_workers() {
    let (node, count) = counting().await;
    let mut options = node.options();
    (options.max_connections, options.workers) = (2, 4);
    let client = Arc::new(HttpClient::new(&options).unwrap());
    let done = Arc::new(Barrier::new(5));
    let workers: Vec<_> = (0..5)
        .map(|index| {
            let (client, done) = (Arc::clone(&client), Arc::clone(&done));
            tokio::task::spawn_blocking(move || work(&client, index, &done))
        })
        .collect();
    for worker in workers {
        worker.await.unwrap();
    }
    assert!(count.most.load(SeqCst) <= 2);
    let stats = client.stats();
    assert!(stats.open <= 2);
    assert_eq!((stats.in_use, stats.waiting, stats.failed), (0, 0, 0));
}

/// A node that answers when told to, and tells what it was asked.
async fn led() -> (Node, mpsc::UnboundedReceiver<String>, mpsc::UnboundedSender<()>) {
    let (asked, asks) = mpsc::unbounded_channel();
    let (go, goes) = mpsc::unbounded_channel::<()>();
    let goes = Arc::new(tokio::sync::Mutex::new(goes));
    let node = Node::new(move |mut stream, _| {
        let (asked, goes) = (asked.clone(), Arc::clone(&goes));
        async move {
            while let Some(request) = read_request(&mut stream).await {
                let _ = asked.send(request.split("\r\n\r\n").last().unwrap().to_owned());
                goes.lock().await.recv().await;
                stream.write_all(OK.as_bytes()).await.unwrap();
            }
        }
    })
    .await;
    (node, asks, go)
}

#[tokio::test]
async fn waiting_calls_go_in_order_and_probes_first() {
    let (node, mut asks, go) = led().await;
    let mut options = node.options();
    options.max_connections = 1;
    let client = Arc::new(HttpClient::new(&options).unwrap());
    let mut calls = Vec::new();
    for (place, name) in ["busy", "first", "second", "probe"].into_iter().enumerate() {
        let client = Arc::clone(&client);
        let waits = Arc::clone(&client);
        let mut out = call(LONG);
        out.body = name.into();
        out.priority = name == "probe";
        calls.push(tokio::spawn(async move { client.send(&out).await }));
        until(|| waits.stats().in_use == 1 && waits.stats().waiting == place).await;
    }
    for want in ["busy", "probe", "first", "second"] {
        assert_eq!(asks.recv().await.unwrap(), want);
        go.send(()).unwrap();
    }
    for call in calls {
        call.await.unwrap().unwrap();
    }
    assert_eq!(node.accepted(), 1);
}

#[tokio::test]
async fn a_call_that_fails_gives_its_slot_to_the_next() {
    let node = Node::closing("").await;
    let mut options = node.options();
    options.max_connections = 1;
    let client = HttpClient::new(&options).unwrap();
    for error in join_all((0..20).map(|_| fail(&client, LONG))).await {
        check(&error, Fault::Closed, true);
    }
    assert_eq!(client.stats().open, 0);
}

#[tokio::test]
async fn a_waiting_call_that_leaves_takes_nothing_with_it() {
    let (node, mut asks, go) = led().await;
    let mut options = node.options();
    options.max_connections = 1;
    let client = HttpClient::new(&options).unwrap();
    let busy = call(LONG);
    let mut busy = pin!(client.send(&busy));
    assert!(once(busy.as_mut()).await.is_pending());
    check(&fail(&client, SHORT).await, Fault::Exhausted(Exhausted::Bound), false);
    go.send(()).unwrap();
    busy.await.unwrap();
    asks.recv().await.unwrap();
    go.send(()).unwrap();
    send(&client).await.unwrap();
    assert_eq!((client.stats().open, client.stats().waiting), (1, 0));
}

#[tokio::test]
async fn the_queue_is_bounded() {
    let node = Node::silent().await;
    let mut options = node.options();
    options.max_connections = 1;
    let client = HttpClient::new(&options).unwrap();
    let out = call(LONG);
    let mut waiting: Vec<_> = (0..1025).map(|_| Box::pin(client.send(&out))).collect();
    for call in &mut waiting {
        assert!(once(call.as_mut()).await.is_pending());
    }
    check(&fail(&client, LONG).await, Fault::Exhausted(Exhausted::Queue), false);
    drop(waiting);
    assert_eq!(client.stats().open, 0);
    check(&fail(&client, SHORT).await, Fault::HeadTimeout, true);
}

#[tokio::test]
async fn a_worker_takes_anothers_idle_connection_only_at_the_bound() {
    let node = Node::answering(OK).await;
    let mut options = node.options();
    (options.max_connections, options.workers) = (2, 2);
    let client = HttpClient::new(&options).unwrap();
    for (index, connections) in [(0, 1), (1, 2), (2, 2), (0, 2)] {
        worker::enter(index);
        send(&client).await.unwrap();
        assert_eq!(node.accepted(), connections, "worker {index}");
    }
    worker::enter(0);
}
