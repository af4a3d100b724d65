//! A node behind `https` with a certificate of its own authority, a path and a secret.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use headrace_gateway::reload::Outcome;
use parking_lot::Mutex;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::{ServerConfig, crypto::ring};
use rustls_pki_types::PrivateKeyDer;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy, split},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsAcceptor;

use super::world::{Plan, World, balance_params, until};

/// A certificate for `localhost`; its authority's is written to the folder.
fn acceptor(folder: &Path) -> TlsAcceptor {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let authority = params.self_signed(&key).unwrap();
    std::fs::create_dir_all(folder).unwrap();
    std::fs::write(folder.join("ca.pem"), authority.pem()).unwrap();
    let issuer = Issuer::new(params, key);
    let own = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = params.signed_by(&own, &issuer).unwrap();
    let key = PrivateKeyDer::try_from(own.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

/// What came in, in clear text.
type Heard = Arc<Mutex<Vec<u8>>>;

/// Takes TLS off and passes everything on to a node; writes down what it hears.
async fn terminate(folder: &Path, node: std::net::SocketAddr) -> (u16, Heard) {
    let acceptor = acceptor(folder);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard = Heard::default();
    let writes = Arc::clone(&heard);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, heard) = (acceptor.clone(), Arc::clone(&writes));
            tokio::spawn(async move {
                let Ok(stream) = acceptor.accept(stream).await else { return };
                let (mut from, mut to) = split(stream);
                let (mut answers, mut questions) =
                    TcpStream::connect(node).await.unwrap().into_split();
                tokio::spawn(async move { copy(&mut answers, &mut to).await });
                let mut part = [0; 4096];
                while let Ok(count @ 1..) = from.read(&mut part).await {
                    heard.lock().extend_from_slice(&part[..count]);
                    questions.write_all(&part[..count]).await.unwrap();
                }
            });
        }
    });
    (port, heard)
}

fn count(heard: &Heard, text: &str) -> usize {
    String::from_utf8_lossy(&heard.lock()).to_lowercase().matches(text).count()
}

/// `name` keeps the files of tests apart.
async fn world(name: &str) -> (World, PathBuf, u16, Heard) {
    let world = Plan::new(500, &["a"]).ready().await;
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("faults-tls-{name}"));
    let (port, heard) = terminate(&folder, world.node("a").address()).await;
    (world, folder, port, heard)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_https_node_is_verified_by_its_own_authority_and_gets_its_path_and_secret() {
    let (world, folder, port, heard) = world("own").await;
    let plain = format!("http = \"{}\"", world.node("a").url());
    let https = format!("http = \"https://localhost:{port}/v3/key\"");
    let secret = r#", headers = { "x-provider-key" = "s3cret" }"#;
    let ca = format!(", tls = {{ ca = \"{}\" }}", folder.join("ca.pem").display());
    // Without the authority nobody is spoken to.
    world.reload(&world.text().replace(&plain, &format!("{https}{secret}")));
    until("it is refused", || world.has("a", headrace_gateway::route::Facts::UNHEALTHY)).await;
    assert_eq!(count(&heard, "post"), 0, "a call to a node that nobody vouches for");
    world.reload(&world.text().replace(&plain, &format!("{https}{secret}{ca}")));
    world.until_usable("a").await;
    for _ in 0..10 {
        world.judged(&world.call("eth_getBalance", &balance_params("latest")).await);
    }
    let posts = count(&heard, "post /v3/key http/1.1");
    assert!(posts >= 10);
    assert!(count(&heard, "x-provider-key: s3cret") >= posts, "each request has the secret");
    let shown = format!("{:?}", world.gateway.gateway.current.load().config);
    assert!(!shown.contains("s3cret") && !shown.contains("/v3/key"), "a secret is shown");
}

/// F52: an authority that is in the file with others is trusted as long as it is there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn authorities_of_nodes_are_rotated_by_changing_their_file() {
    let (world, folder, port, _heard) = world("rotated").await;
    let bundle = folder.join("bundle.pem");
    let own = std::fs::read_to_string(folder.join("ca.pem")).unwrap();
    let other = folder.join("other");
    acceptor(&other);
    let other = std::fs::read_to_string(other.join("ca.pem")).unwrap();
    let plain = format!("http = \"{}\"", world.node("a").url());
    let https = format!("http = \"https://localhost:{port}\"");
    let tls = format!(", tls = {{ ca = \"{}\" }}", bundle.display());
    let text = world.text().replace(&plain, &format!("{https}{tls}"));
    let unhealthy = || world.has("a", headrace_gateway::route::Facts::UNHEALTHY);
    for (held, trusted) in
        [(own.clone(), true), (own.clone() + &other, true), (other, false), (own, true)]
    {
        std::fs::write(&bundle, held).unwrap();
        assert!(matches!(world.reload(&text), Outcome::Applied(_)));
        match trusted {
            true => {
                world.until_usable("a").await;
                world.judged(&world.call("eth_getBalance", &balance_params("latest")).await);
            }
            false => until("it is refused", unhealthy).await,
        }
    }
}
