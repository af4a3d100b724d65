//! Small GETs to the gateway: readiness and metrics.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const PATIENCE: Duration = Duration::from_secs(5);
const MOST: u64 = 16 << 20;

/// Status and body of a GET.
///
/// # Errors
/// No connection, no answer in time, or none that can be read.
pub async fn get(address: SocketAddr, path: &str) -> anyhow::Result<(u16, String)> {
    tokio::time::timeout(PATIENCE, ask(address, path)).await.context("no answer in time")?
}

async fn ask(address: SocketAddr, path: &str) -> anyhow::Result<(u16, String)> {
    let mut stream = TcpStream::connect(address).await?;
    // HTTP/1.0: no chunks, and the end of the body is the end of the stream.
    let request = format!("GET {path} HTTP/1.0\r\nhost: {address}\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut bytes = Vec::new();
    stream.take(MOST).read_to_end(&mut bytes).await?;
    let text = String::from_utf8_lossy(&bytes);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { bail!("no HTTP answer") };
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    Ok((status.context("no HTTP status")?, body.to_owned()))
}
