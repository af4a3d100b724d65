//! The fuzz corpora, replayed on stable: what a fuzzer once found stays fixed.

#[path = "../../fuzz/targets.rs"]
mod targets;

use std::{fs, io, path::Path};

fn replay(target: &str, run: fn(&[u8])) -> io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target);
    let mut files = 0;
    for file in fs::read_dir(folder)? {
        let file = file?.path();
        eprintln!("{}", file.display());
        run(&fs::read(file)?);
        files += 1;
    }
    assert!(files > 0, "the corpus of {target} is empty");
    Ok(())
}

#[test]
fn requests_of_the_corpus_hold() -> io::Result<()> {
    replay("rpc_read", targets::rpc_read)
}

#[test]
fn replies_of_the_corpus_hold() -> io::Result<()> {
    replay("rpc_reply", targets::rpc_reply)
}

#[test]
fn params_of_the_corpus_hold() -> io::Result<()> {
    replay("method_needs", targets::method_needs)
}

#[test]
fn configs_of_the_corpus_hold() -> io::Result<()> {
    replay("config", targets::config)
}

#[test]
fn method_tables_of_the_corpus_hold() -> io::Result<()> {
    replay("method_rows", targets::method_rows)
}

#[test]
fn heads_of_the_corpus_hold() -> io::Result<()> {
    replay("http1_head", targets::http1_head)
}

#[test]
fn frames_of_the_corpus_hold() -> io::Result<()> {
    replay("http2_frames", targets::http2_frames)
}

#[test]
fn proxy_headers_of_the_corpus_hold() -> io::Result<()> {
    replay("proxy_header", targets::proxy_header)
}

#[test]
fn tls_hellos_of_the_corpus_hold() -> io::Result<()> {
    replay("tls_hello", targets::tls_hello)
}

#[test]
fn forwarded_headers_of_the_corpus_hold() -> io::Result<()> {
    replay("forwarded", targets::forwarded)
}
