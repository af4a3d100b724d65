//! nginx and HAProxy before a [`Recorder`], as distributions ship them.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use super::{Reading, inputs::MARKER, recorder::Recorder};
use crate::raw::until;

/// Longer than the proxies' own timeouts, which end an input that is never complete.
const PATIENCE: Duration = Duration::from_secs(20);

pub struct Proxies {
    recorder: Recorder,
    nginx: Proxy,
    haproxy: Proxy,
    folder: PathBuf,
}

struct Proxy {
    process: Child,
    address: SocketAddr,
}

impl Proxies {
    /// `None` where one of the programs is missing.
    pub fn start() -> Option<Self> {
        let (nginx, haproxy) = (program("nginx")?, program("haproxy")?);
        let folder = std::env::temp_dir().join(format!("headrace-proxies-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let recorder = Recorder::start();
        let nginx = start_nginx(&nginx, &folder, recorder.address);
        let haproxy = start_haproxy(&haproxy, &folder, recorder.address);
        Some(Self { recorder, nginx, haproxy, folder })
    }

    pub fn nginx(&self, input: &[u8]) -> Reading {
        self.reading(self.nginx.address, input)
    }

    pub fn haproxy(&self, input: &[u8]) -> Reading {
        self.reading(self.haproxy.address, input)
    }

    fn reading(&self, proxy: SocketAddr, input: &[u8]) -> Reading {
        let mut stream = TcpStream::connect(proxy).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let port = stream.local_addr().unwrap().port();
        // A proxy may refuse and close before it has read everything.
        let _ = stream.write_all(&[input, MARKER].concat());
        let mut answers = Vec::new();
        let _ = stream.read_to_end(&mut answers);
        let requests = self.recorder.take(port);
        let answers = String::from_utf8_lossy(&answers);
        let statuses = answers.match_indices("HTTP/1.").filter_map(|(at, _)| {
            answers.get(at + 9..at + 12).and_then(|code| code.parse::<u16>().ok())
        });
        let refused = statuses.clone().any(|status| status >= 400);
        // A refusal of what stands behind a request that was passed on is a way of framing too.
        if requests.is_empty() || (refused && requests.len() < 2) {
            return Reading::Refused;
        }
        Reading::Requests(requests)
    }
}

impl Drop for Proxies {
    fn drop(&mut self) {
        for proxy in [&mut self.nginx, &mut self.haproxy] {
            let _ = proxy.process.kill();
            let _ = proxy.process.wait();
        }
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn program(name: &str) -> Option<PathBuf> {
    let folders = ["/usr/sbin", "/usr/local/sbin", "/usr/bin", "/usr/local/bin"];
    folders.iter().map(|folder| Path::new(folder).join(name)).find(|path| path.exists())
}

fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

fn start(command: &mut Command, address: SocketAddr) -> Proxy {
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let process = quiet.spawn().unwrap();
    until("the proxy listens", || TcpStream::connect(address).is_ok());
    Proxy { process, address }
}

fn start_nginx(program: &Path, folder: &Path, behind: SocketAddr) -> Proxy {
    let address = free_address();
    let here = folder.display();
    // One process without a master, so that ending it ends all.
    let config = format!(
        "daemon off; master_process off; pid {here}/nginx.pid; error_log {here}/nginx.log;\n\
         events {{ worker_connections 256; }}\n\
         http {{\n\
           access_log off; client_header_timeout 1s; client_body_timeout 1s;\n\
           client_body_temp_path {here}/body; proxy_temp_path {here}/proxy;\n\
           fastcgi_temp_path {here}/fastcgi; uwsgi_temp_path {here}/uwsgi; scgi_temp_path {here}/scgi;\n\
           server {{ listen {address};\n\
             location / {{ proxy_pass http://{behind}; proxy_http_version 1.1;\n\
               proxy_set_header X-Port $remote_port; }} }} }}\n"
    );
    let file = folder.join("nginx.conf");
    std::fs::write(&file, config).unwrap();
    start(Command::new(program).arg("-p").arg(folder).arg("-c").arg(file), address)
}

fn start_haproxy(program: &Path, folder: &Path, behind: SocketAddr) -> Proxy {
    let address = free_address();
    let config = format!(
        "defaults\n  mode http\n  timeout client 1s\n  timeout server 5s\n  timeout connect 5s\n\
           timeout http-request 1s\n  timeout http-keep-alive 1s\n\
         frontend f\n  bind {address}\n  http-request set-header X-Port %[src_port]\n\
           default_backend b\n\
         backend b\n  server s {behind}\n"
    );
    let file = folder.join("haproxy.cfg");
    std::fs::write(&file, config).unwrap();
    start(Command::new(program).arg("-db").arg("-f").arg(file), address)
}
