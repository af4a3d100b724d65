//! Clients of chosen addresses, plain and with TLS.

use std::{
    io::{self, Read, Write},
    net::{IpAddr, SocketAddr, TcpStream},
    sync::Arc,
    time::Duration,
};

use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned, SupportedProtocolVersion,
    crypto::ring,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use socket2::{Domain, Socket, Type};

use crate::{files::Authority, raw::Raw};

/// A connection from this address of the loopback.
pub fn from(ip: &str, to: SocketAddr) -> Raw {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let ip: IpAddr = ip.parse().unwrap();
    socket.bind(&SocketAddr::new(ip, 0).into()).unwrap();
    socket.connect(&to.into()).unwrap();
    Raw::over(socket.into())
}

/// A client with TLS that trusts one authority.
#[derive(Clone)]
pub struct Trusting {
    pub config: ClientConfig,
}

pub type Shown = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

impl Trusting {
    pub fn new(authority: &Authority, shown: Option<Shown>) -> Self {
        Self::of(authority, shown, rustls::ALL_VERSIONS)
    }

    pub fn of(
        authority: &Authority,
        shown: Option<Shown>,
        versions: &[&'static SupportedProtocolVersion],
    ) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(authority.certificate.der().clone()).unwrap();
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots);
        let config = match shown {
            Some((chain, key)) => builder.with_client_auth_cert(chain, key).unwrap(),
            None => builder.with_no_client_auth(),
        };
        Self { config }
    }

    pub fn speaking(mut self, protocols: &[&str]) -> Self {
        self.config.alpn_protocols =
            protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        self
    }

    /// Shakes hands; an error of rustls is inside.
    pub fn connect(&self, to: SocketAddr, name: &str) -> io::Result<Secure> {
        self.over(TcpStream::connect(to).unwrap(), name)
    }

    pub fn over(&self, stream: TcpStream, name: &str) -> io::Result<Secure> {
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let session = ClientConnection::new(Arc::new(self.config.clone()), name).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let mut secure = StreamOwned::new(session, stream);
        while secure.conn.is_handshaking() {
            secure.conn.complete_io(&mut secure.sock)?;
        }
        Ok(Secure(secure))
    }
}

pub struct Secure(pub StreamOwned<ClientConnection, TcpStream>);

impl Secure {
    /// Sends a request and reads one answer with a length: its status and body.
    pub fn ask(&mut self, request: &[u8]) -> io::Result<(u16, String)> {
        self.0.write_all(request)?;
        let mut seen = Vec::new();
        loop {
            let mut piece = [0; 4096];
            match self.0.read(&mut piece)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                length => seen.extend_from_slice(&piece[..length]),
            }
            let text = String::from_utf8_lossy(&seen).to_lowercase();
            let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            let length: usize = length.and_then(|length| length.parse().ok()).unwrap_or_default();
            if body.len() >= length {
                let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
                return Ok((status.unwrap_or_default(), body.to_owned()));
            }
        }
    }

    /// The certificate that the server showed.
    pub fn shown(&self) -> CertificateDer<'static> {
        self.0.conn.peer_certificates().unwrap()[0].clone().into_owned()
    }
}
