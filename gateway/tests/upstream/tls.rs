//! `https` nodes: their certificate is verified, ours is shown when asked for.

use std::{path::PathBuf, sync::Arc};

use headrace_gateway::{
    config::NodeTls,
    upstream::{BuildError, Fault, HttpClient, Options, UpstreamError},
};
use rcgen::{BasicConstraints, Certificate, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::{RootCertStore, ServerConfig, crypto::ring, server::WebPkiClientVerifier};
use rustls_pki_types::PrivateKeyDer;
use tokio::io::AsyncWriteExt;
use tokio_rustls::TlsAcceptor;

use super::node::{LONG, Node, OK, call, fail, read_request, send, whole};

struct Authority {
    certificate: Certificate,
    issuer: Issuer<'static, KeyPair>,
    folder: PathBuf,
}

impl Authority {
    /// `name` keeps the files of tests apart.
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("ca.pem"), certificate.pem()).unwrap();
        Self { certificate, issuer: Issuer::new(params, key), folder }
    }

    fn sign(&self, name: &str) -> (Certificate, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        (params.signed_by(&key, &self.issuer).unwrap(), key)
    }

    /// A node with a certificate for `name`; `ask`: it wants one of this authority.
    async fn node(&self, name: &str, ask: bool) -> Node {
        let (certificate, key) = self.sign(name);
        let provider = Arc::new(ring::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.der().clone()).unwrap();
        let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider);
        let builder = match ask {
            true => builder.with_client_cert_verifier(verifier.build().unwrap()),
            false => builder.with_no_client_auth(),
        };
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let mut config = builder.with_single_cert(vec![certificate.der().clone()], key).unwrap();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        serve(TlsAcceptor::from(Arc::new(config))).await
    }

    fn options(&self, node: &Node) -> Options {
        let mut options = node.options();
        options.endpoint.tls = true;
        options.connect_timeout = LONG;
        options.tls = NodeTls { ca: Some(self.folder.join("ca.pem")), ..NodeTls::default() };
        options
    }

    fn show(&self, options: &mut Options) {
        let (certificate, key) = self.sign("gateway");
        let (cert, pem) = (self.folder.join("cert.pem"), self.folder.join("key.pem"));
        std::fs::write(&cert, certificate.pem()).unwrap();
        std::fs::write(&pem, key.serialize_pem()).unwrap();
        (options.tls.cert, options.tls.key) = (Some(cert), Some(pem));
    }
}

async fn serve(acceptor: TlsAcceptor) -> Node {
    Node::new(move |stream, _| {
        let acceptor = acceptor.clone();
        async move {
            let Ok(mut stream) = acceptor.accept(stream).await else {
                return;
            };
            assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
            while read_request(&mut stream).await.is_some() {
                stream.write_all(OK.as_bytes()).await.unwrap();
            }
        }
    })
    .await
}

fn client(options: &Options) -> HttpClient {
    HttpClient::new(options).unwrap()
}

#[track_caller]
fn check_tls(error: &UpstreamError, sent: bool) {
    assert!(matches!(error.fault, Fault::Tls(_)), "{error:?}");
    assert_eq!(error.sent(), sent);
}

#[tokio::test]
async fn an_own_authority_is_trusted_and_connections_are_kept() {
    let authority = Authority::new("own");
    let node = authority.node("127.0.0.1", false).await;
    let client = client(&authority.options(&node));
    for _ in 0..3 {
        assert_eq!(whole(send(&client).await.unwrap()), "{}");
    }
    assert_eq!(node.accepted(), 1);
}

#[tokio::test]
async fn a_wrong_name_or_authority_sends_nothing() {
    let authority = Authority::new("wrong");
    let node = authority.node("other.example", false).await;
    let mut options = authority.options(&node);
    check_tls(&fail(&client(&options), LONG).await, false);
    options.tls.name = Some("other.example".into());
    send(&client(&options)).await.unwrap();
    options.tls.ca = Some(Authority::new("stranger").folder.join("ca.pem"));
    check_tls(&fail(&client(&options), LONG).await, false);
    options.tls.ca = None;
    check_tls(&fail(&client(&options), LONG).await, false);
}

#[tokio::test]
async fn our_certificate_is_shown_to_a_node_that_asks() {
    let authority = Authority::new("mutual");
    let node = authority.node("127.0.0.1", true).await;
    let mut options = authority.options(&node);
    let error = fail(&client(&options), LONG).await;
    assert!(matches!(error.fault, Fault::Tls(_) | Fault::Reset | Fault::Closed), "{error:?}");
    authority.show(&mut options);
    assert_eq!(whole(client(&options).send(&call(LONG)).await.unwrap()), "{}");
}

#[tokio::test]
async fn a_plain_node_behind_https_is_a_tls_fault() {
    let node = Node::new(|mut stream, _| async move {
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        let _ = read_request(&mut stream).await;
    })
    .await;
    let options = Authority::new("plain").options(&node);
    let error = fail(&client(&options), LONG).await;
    check_tls(&error, false);
}

#[test]
fn what_cannot_be_read_is_said_at_build() {
    let authority = Authority::new("unread");
    let mut options = Options::new(super::node::endpoint("localhost", 1));
    options.endpoint.tls = true;
    options.tls.ca = Some(authority.folder.join("absent.pem"));
    let error = HttpClient::new(&options).unwrap_err();
    assert!(matches!(error, BuildError::File { .. }) && error.to_string().contains("absent.pem"));
    authority.show(&mut options);
    options.tls.ca = options.tls.key.clone();
    let error = HttpClient::new(&options).unwrap_err();
    assert!(error.to_string().contains("no certificate"), "{error}");
    (options.tls.ca, options.tls.key) = (None, None);
    assert!(matches!(HttpClient::new(&options).unwrap_err(), BuildError::HalfPair));
}
