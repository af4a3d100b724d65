//! One hostile connection: opened from the source of its place, counted, and how it ended.

use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;

use futures_util::FutureExt as _;
use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};
use tokio::net::{TcpSocket, TcpStream};

use super::seen::{Fate, How};
use super::{Ground, Kind};

/// What a slow reader's kernel may hold for it, in bytes; the kernel doubles it.
const NARROW: u32 = 2_048;

/// The connection has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gone;

/// An open connection. What is still open when it is dropped was left by the attacker.
#[derive(Debug)]
pub struct Wire {
    pub stream: TcpStream,
    pub ground: Rc<Ground>,
    /// Its number among the connections of the attack.
    pub place: usize,
    fate: usize,
    ended: bool,
}

impl Wire {
    /// # Errors
    /// It was refused, or this machine has no port left.
    pub async fn open(ground: &Rc<Ground>, place: usize) -> Result<Self, Gone> {
        let opened = ground.now();
        let connected = connect(ground, place).await;
        let mut seen = ground.seen.borrow_mut();
        let fate = Fate { opened, ..Fate::default() };
        seen.fates.push(fate);
        let at = seen.fates.len() - 1;
        match connected {
            Ok(stream) => {
                let ground = Rc::clone(ground);
                Ok(Self { stream, ground, place, fate: at, ended: false })
            }
            Err(_) => {
                seen.fates[at] = Fate { ended: ground.now(), how: How::Refused, ..fate };
                Err(Gone)
            }
        }
    }

    /// Sends all of it.
    ///
    /// # Errors
    /// The connection broke.
    pub async fn send(&mut self, bytes: &[u8]) -> Result<(), Gone> {
        match self.stream.write_all(bytes).await {
            Ok(()) => {
                self.sent(bytes.len());
                Ok(())
            }
            Err(error) => Err(self.broke(&error)),
        }
    }

    /// Appends what comes next.
    ///
    /// # Errors
    /// The connection ended.
    pub async fn read(&mut self, into: &mut Vec<u8>) -> Result<(), Gone> {
        match self.stream.read_buf(into).await {
            Ok(0) => Err(self.end(How::Closed)),
            Ok(_) => Ok(()),
            Err(error) => Err(self.broke(&error)),
        }
    }

    /// Whether the gateway ended the connection, though there may be more to be read of it.
    pub fn is_over(&self) -> bool {
        let ready = self.stream.ready(Interest::READABLE).now_or_never();
        ready.is_some_and(|ready| ready.is_ok_and(|ready| ready.is_read_closed()))
    }

    pub fn sent(&self, bytes: usize) {
        self.ground.seen.borrow_mut().bytes += bytes as u64;
    }

    /// Takes note of what became of it meanwhile.
    pub fn note(&self, change: impl FnOnce(&mut Fate)) {
        if let Some(fate) = self.ground.seen.borrow_mut().fates.get_mut(self.fate) {
            change(fate);
        }
    }

    pub fn broke(&mut self, error: &io::Error) -> Gone {
        let reset = matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe);
        self.end(if reset { How::Reset } else { How::Closed })
    }

    pub fn end(&mut self, how: How) -> Gone {
        if !self.ended {
            self.ended = true;
            let ended = self.ground.now();
            self.note(|fate| (fate.ended, fate.how) = (ended, how));
        }
        Gone
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.end(How::Open);
    }
}

async fn connect(ground: &Ground, place: usize) -> io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    if ground.attack.kind.get_ref() == &Kind::SlowReader {
        socket.set_recv_buffer_size(NARROW)?;
    }
    let source = if ground.attack.forwarded { Ipv4Addr::LOCALHOST } else { ground.source(place) };
    socket.bind(SocketAddr::from((source, 0)))?;
    let stream = socket.connect(ground.target).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}
