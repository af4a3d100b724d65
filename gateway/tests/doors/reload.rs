//! Certificates and terms that change while connections are open.

use std::{
    net::SocketAddr,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use headrace_gateway::{
    app,
    config::{Config, file},
};

use crate::{
    GET,
    client::Trusting,
    control::Control,
    files::Authority,
    fleet::{self, Lines},
    raw::{Raw, until},
};

/// A gateway that watches a config file whose certificate is behind a link to a folder, as
/// Kubernetes mounts secrets.
struct Mounted {
    authority: Authority,
    config: PathBuf,
    running: Option<app::Running>,
    control: Control,
}

impl Mounted {
    fn start(name: &str) -> Self {
        let authority = Authority::new(name);
        let config = authority.folder.join("headrace.toml");
        let mut mounted = Self { authority, config, running: None, control: Control::start() };
        mounted.mount("1", |folder, authority| authority.write(folder, "tls", &["a.test"]));
        mounted.write(true);
        let path = mounted.config.clone();
        let running = mounted.control.run(async move {
            let running = app::Running::start(Config::load(&path, &file::system).unwrap().config);
            let running = running.unwrap();
            running.watch(path).unwrap();
            running
        });
        mounted.running = Some(running);
        mounted
    }

    /// Swaps the link to a new folder that `fill` has filled.
    fn mount(&self, version: &str, fill: impl Fn(&Path, &Authority)) {
        let folder = self.authority.folder.join(version);
        std::fs::create_dir_all(&folder).unwrap();
        fill(&folder, &self.authority);
        let link = self.authority.folder.join("new");
        symlink(&folder, &link).unwrap();
        std::fs::rename(link, self.authority.folder.join("mounted")).unwrap();
    }

    fn write(&self, tls: bool) {
        let tls = match tls {
            true => "tls = { cert = \"mounted/tls.crt\", key = \"mounted/tls.key\" }",
            false => "",
        };
        let lines = Lines { server: tls.to_owned(), ..Lines::default() };
        let text = fleet::text(&lines, &["http://127.0.0.1:1".to_owned()]);
        let next = self.authority.folder.join("next.toml");
        std::fs::write(&next, text).unwrap();
        std::fs::rename(next, &self.config).unwrap();
    }

    fn running(&self) -> &app::Running {
        self.running.as_ref().unwrap()
    }

    fn address(&self) -> SocketAddr {
        self.running().data[0]
    }

    fn metrics(&self) -> String {
        let mut raw = Raw::connect(self.running().admin);
        raw.send(b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
        raw.read().body
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            self.control.run(running.stop());
        }
    }
}

#[test]
fn a_new_certificate_is_shown_to_new_connections_and_closes_none() {
    let gateway = Mounted::start("renewed");
    let client = Trusting::new(&gateway.authority, None);
    let connect = || client.connect(gateway.address(), "a.test").unwrap();
    let mut open = connect();
    assert_eq!(open.ask(GET).unwrap().0, 200);
    let old = open.shown();
    gateway.mount("2", |folder, authority| authority.write(folder, "tls", &["a.test"]));
    until("the new one is shown", || connect().shown() != old);
    assert_eq!(open.ask(GET).unwrap().0, 200, "the open connection goes on");
    let page = gateway.metrics();
    let expiry = "headrace_tls_certificate_expiry_timestamp_seconds{cert=";
    assert!(page.contains(expiry) && page.contains("mounted/tls.crt"), "{page}");
}

#[test]
fn a_bad_pair_is_refused_and_the_old_one_stays() {
    let gateway = Mounted::start("bad");
    let client = Trusting::new(&gateway.authority, None);
    let connect = || client.connect(gateway.address(), "a.test").unwrap();
    let old = connect().shown();
    let is_good = || gateway.running().reloader.status.read().0;
    gateway.mount("2", |folder, authority| {
        authority.write(folder, "tls", &["a.test"]);
        let other = authority.sign(&["a.test"]).1.serialize_pem();
        std::fs::write(folder.join("tls.key"), other).unwrap();
    });
    until("a key of another is refused", || !is_good());
    assert_eq!(connect().shown(), old);
    gateway.mount("3", |folder, authority| authority.write(folder, "tls", &["a.test"]));
    until("a good one is taken", || is_good() && connect().shown() != old);
    gateway.mount("4", |folder, authority| {
        authority.write(folder, "tls", &["a.test"]);
        std::fs::write(folder.join("tls.crt"), "").unwrap();
    });
    until("an empty one is refused", || !is_good());
    assert_eq!(connect().ask(GET).unwrap().0, 200);
}

#[test]
fn tls_is_turned_off_and_on_for_new_connections() {
    let gateway = Mounted::start("switched");
    let client = Trusting::new(&gateway.authority, None);
    let mut open = client.connect(gateway.address(), "a.test").unwrap();
    let speaks_plain = || {
        let mut raw = Raw::connect(gateway.address());
        raw.send(GET);
        raw.read().status == 200
    };
    assert!(!speaks_plain());
    gateway.write(false);
    until("plain HTTP is spoken", speaks_plain);
    assert_eq!(open.ask(GET).unwrap().0, 200, "a connection with TLS goes on");
    gateway.write(true);
    until("TLS is spoken again", || client.connect(gateway.address(), "a.test").is_ok());
}

#[test]
fn a_bad_pair_is_a_problem_of_the_config_with_its_place() {
    let authority = Authority::new("check");
    let table = authority.table("a", &["a.test"], "");
    std::fs::write(authority.folder.join("a.key"), authority.sign(&["a.test"]).1.serialize_pem())
        .unwrap();
    let lines = Lines { server: format!("tls = {table}"), ..Lines::default() };
    let text = fleet::text(&lines, &["http://127.0.0.1:1".to_owned()]);
    let problems = Config::parse(&text, Path::new("test.toml"), &|_| None).unwrap_err();
    let found: Vec<_> = problems.iter().map(|problem| problem.to_string()).collect();
    let expected = "test.toml:4:16: server.tls.cert: is not the certificate of this key";
    assert!(found.iter().any(|problem| problem.starts_with(expected)), "{found:?}");
}
